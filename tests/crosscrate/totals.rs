//! Totals by every split, against sums written out by hand; what counts nowhere.

use super::programme::{Programme, TEAM, administration, reversal};
use kitbag_core::engine::{Attention, Engine};
use kitbag_core::model::Operation;
use kitbag_core::model::catalogue::share;
use kitbag_core::totals::{Query, Split};
use std::collections::BTreeMap;

fn counts(device: &Engine, by: &str, indicator: &str) -> BTreeMap<String, i64> {
    let by: Vec<Split> = by.split(',').map(|part| part.parse().unwrap()).collect();
    let lines = device.totals(&Query { by, ..Query::default() }).unwrap().lines;
    let counts = lines
        .into_iter()
        .map(|(key, sums)| (key.join(" "), sums.get(indicator).copied().unwrap_or(0)));
    counts.filter(|(_, count)| *count != 0).collect()
}

fn expected(counts: &[(&str, i64)]) -> BTreeMap<String, i64> {
    counts.iter().map(|(key, count)| ((*key).to_owned(), *count)).collect()
}

/// A phone with reversals of the turn of the year 2020/21, and more that count nowhere.
fn phone() -> (Programme, Engine) {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let rows = [
        ("2020-12-27", "river", "survived", "yes", Some(2), &["heroin", "fentanyl"][..]),
        ("2020-12-28", "river", "died", "no", Some(3), &["fentanyl"]),
        ("2021-01-03", "station", "survived", "unknown", None, &[]),
        ("2021-01-04", "station", "unknown", "yes", Some(1), &["new_code"]),
        ("2021-07-31", "river", "survived", "no", Some(1), &[]),
    ];
    for (date, site, outcome, ems_called, doses, substances) in rows {
        let mut reversal = reversal(outcome);
        reversal.put("occurred_on", date).unwrap();
        reversal.put("site", site).unwrap();
        reversal.put("ems_called", ems_called).unwrap();
        for code in substances {
            reversal.tick("suspected_substances", code).unwrap();
        }
        let id = worker.record(TEAM, &reversal).unwrap();
        let element = worker.get(id).unwrap().lists["administrations"][0].name;
        if let Some(doses) = doses {
            worker.correct_element(id, "administrations", element, "doses", doses).unwrap();
        }
    }
    let id = worker.record(TEAM, &reversal("survived")).unwrap();
    let given = worker.get(id).unwrap().lists["administrations"][0].name;
    let none_was_given = vec![
        Operation::PutIn {
            list: "administrations".to_owned(),
            element: given,
            field: "void".to_owned(),
            value: "entered_in_error".into(),
        },
        Operation::put("none_given_reason", "not_needed"),
    ];
    worker.change(id, none_was_given).unwrap();
    let void = worker.record(TEAM, &reversal("survived")).unwrap();
    worker.void(void, "test").unwrap();
    (programme, worker)
}

#[test]
fn each_period_site_team_and_code_has_its_own_sums() {
    let (_programme, phone) = phone();
    let team = TEAM.to_string();
    type Sums<'a> = &'a [(&'a str, i64)];
    let cases: [(&str, &str, Sums<'_>); 10] = [
        (
            "day",
            "reversals",
            &[
                ("2020-12-27", 1),
                ("2020-12-28", 1),
                ("2021-01-03", 1),
                ("2021-01-04", 1),
                ("2021-07-31", 1),
            ],
        ),
        (
            "week",
            "reversals",
            &[("2020-W52", 1), ("2020-W53", 2), ("2021-W01", 1), ("2021-W30", 1)],
        ),
        ("month", "reversals", &[("2020-12", 2), ("2021-01", 2), ("2021-07", 1)]),
        ("quarter", "reversals", &[("2020-Q4", 2), ("2021-Q1", 2), ("2021-Q3", 1)]),
        ("year", "reversals", &[("2020", 2), ("2021", 3)]),
        ("site", "doses", &[("river", 6), ("station", 1)]),
        ("team", "doses_unknown", &[(&team, 1)]),
        ("outcome", "reversals", &[("died", 1), ("survived", 3), ("unknown", 1)]),
        ("ems_called", "reversals", &[("no", 2), ("unknown", 1), ("yes", 2)]),
        (
            "suspected_substances",
            "reversals",
            &[("", 2), ("fentanyl", 2), ("heroin", 1), ("new_code", 1)],
        ),
    ];
    for (by, indicator, sums) in cases {
        assert_eq!(counts(&phone, by, indicator), expected(sums), "{indicator} by {by}");
    }
    assert_eq!(
        counts(&phone, "year,site,outcome", "reversals"),
        expected(&[
            ("2020 river died", 1),
            ("2020 river survived", 1),
            ("2021 river survived", 1),
            ("2021 station survived", 1),
            ("2021 station unknown", 1),
        ])
    );
}

#[test]
fn survival_leaves_the_unknown_apart_and_dates_in_doubt_are_said() {
    let (_programme, mut phone) = phone();
    let totals = phone.totals(&Query::default()).unwrap();
    let line = totals.lines.values().next().unwrap();
    assert_eq!((share("survival").unwrap().of(line), totals.in_doubt.len()), (Some(0.75), 0));
    for date in ["1999-12-31", "2199-01-01"] {
        let mut doubted = reversal("survived");
        doubted.put("occurred_on", date).unwrap();
        phone.record(TEAM, &doubted).unwrap();
    }
    let totals = phone.totals(&Query::default()).unwrap();
    let line = totals.lines.values().next().unwrap();
    assert_eq!(share("survival").unwrap().of(line), Some(5.0 / 6.0));
    assert_eq!(line["outcome_unknown"], 1);
    assert_eq!(totals.in_doubt, BTreeMap::from([(1999, 1), (2199, 1)]));
    assert_eq!((totals.missing.entries, totals.waiting), (0, 0));
}

#[test]
fn a_date_counts_in_its_period_whatever_it_is_and_is_doubted_until_somebody_puts_it_right() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let mut doubted = reversal("survived");
    doubted.put("occurred_on", "2199-01-01").unwrap();
    let id = worker.record(TEAM, &doubted).unwrap();
    assert_eq!(counts(&worker, "month", "reversals"), expected(&[("2199-01", 1)]));
    assert_eq!(worker.attention(id).unwrap(), Attention::DateInDoubt);
    assert_eq!(worker.totals(&Query::default()).unwrap().in_doubt, BTreeMap::from([(2199, 1)]));
    worker.correct(id, "occurred_on", "2018-03-01").unwrap();
    assert_eq!(counts(&worker, "month", "reversals"), expected(&[("2018-03", 1)]));
    assert_eq!(worker.attention(id).unwrap(), Attention::None);
    assert!(worker.totals(&Query::default()).unwrap().in_doubt.is_empty());
}

#[test]
fn a_link_takes_out_the_record_in_which_it_stands() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let mut ids = Vec::new();
    for site in ["a", "b", "c"] {
        let mut reversal = reversal("survived");
        reversal.put("site", site).unwrap();
        ids.push((worker.record(TEAM, &reversal).unwrap(), site));
    }
    let counted = |worker: &Engine, sites: &[&str]| {
        let sites: Vec<(&str, i64)> = sites.iter().map(|site| (*site, 1)).collect();
        assert_eq!(counts(worker, "site", "reversals"), expected(&sites));
    };
    // A chain: a to b, b to c.
    worker.mark_duplicate(ids[0].0, ids[1].0).unwrap();
    counted(&worker, &["b", "c"]);
    worker.mark_duplicate(ids[1].0, ids[2].0).unwrap();
    counted(&worker, &["c"]);
    // The end is void: what leads there counts again where its chain ends.
    worker.void(ids[2].0, "test").unwrap();
    counted(&worker, &["b"]);
    worker.clear_void(ids[2].0).unwrap();
    // A ring: the lowest id counts.
    worker.mark_duplicate(ids[2].0, ids[0].0).unwrap();
    ids.sort();
    counted(&worker, &[ids[0].1]);
    worker.void(ids[0].0, "duplicate").unwrap();
    // Its own word is none any more: the ring is open, and one of the others stands at its end.
    assert_eq!(counts(&worker, "site", "reversals").values().sum::<i64>(), 1);
}

#[test]
fn a_correction_moves_a_record_and_an_administration_more_adds_its_doses() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let id = worker.record(TEAM, &reversal("survived")).unwrap();
    worker.add(id, "administrations", &administration(Some(2))).unwrap();
    worker.change(id, vec![Operation::put("site", "station")]).unwrap();
    assert_eq!(counts(&worker, "site", "doses"), expected(&[("station", 2)]));
    assert_eq!(counts(&worker, "site", "reversals"), expected(&[("station", 1)]));
    let record = worker.get(id).unwrap();
    assert_eq!(record.history.len(), 3);
    assert!(record.history.iter().all(|change| change.author == worker.device_key()));
}

#[test]
fn a_record_of_many_codes_splits_totals_within_bounds() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let mut many = reversal("survived");
    for code in 0..900 {
        many.tick("suspected_substances", &format!("made_up_{code}")).unwrap();
        many.tick("other_response", &format!("made_up_{code}")).unwrap();
    }
    worker.record(TEAM, &many).unwrap();
    let by = |fields: &[&str]| {
        let by = fields.iter().map(|field| field.parse::<Split>().unwrap()).collect();
        worker.totals(&Query { by, ..Query::default() })
    };
    assert_eq!(by(&["suspected_substances"]).unwrap().lines.len(), 100);
    assert_eq!(by(&["suspected_substances", "other_response"]).unwrap().lines.len(), 10_000);
    let often = by(&["suspected_substances", "other_response", "suspected_substances"]);
    assert!(often.unwrap_err().to_string().contains("leave some out"));
    assert!(by(&["year", "month", "week", "day", "site", "team"]).is_err());
}

#[test]
fn a_site_and_a_kind_alone_are_what_they_are_of_all() {
    let (_programme, mut device) = phone();
    let mut given = kitbag_core::model::Form::at(
        kitbag_core::model::Kind::Contact,
        "river",
        "2020-12-28".parse().unwrap(),
    );
    given.put("people", 4).unwrap().put("visit", "new").unwrap();
    device.record(TEAM, &given).unwrap();
    let all = device.totals(&Query { by: vec![Split::Site], ..Query::default() }).unwrap().lines;
    // From the sums by day and site, and from the rows.
    for by in [vec![], vec![Split::Kind]] {
        for site in ["river", "station", "nowhere"] {
            let query = Query { site: Some(site.to_owned()), by: by.clone(), ..Query::default() };
            let lines = device.totals(&query).unwrap().lines;
            let mut sums = BTreeMap::new();
            for (name, n) in lines.into_values().flatten() {
                *sums.entry(name).or_insert(0) += n;
            }
            let expected = all.get(&vec![site.to_owned()]).cloned().unwrap_or_default();
            assert_eq!(sums, expected, "{site}");
        }
    }
    let kind = Some(kitbag_core::model::Kind::Contact);
    let query = Query { kind, by: vec![Split::Site], ..Query::default() };
    let lines = device.totals(&query).unwrap().lines;
    assert_eq!(lines.keys().collect::<Vec<_>>(), [&vec!["river".to_owned()]]);
    let sums = &lines[&vec!["river".to_owned()]];
    assert_eq!(sums.get("people_met"), Some(&4));
    assert!(!sums.contains_key("reversals"), "{sums:?}");
}
