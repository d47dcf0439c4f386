//! Periods that people report in, names of devices, stock without a lot, spans, and pairs that are settled.
#![allow(clippy::unwrap_used, missing_docs)]

mod desk;

use desk::Desk;

fn reversal(desk: &Desk, flags: &[&str]) -> String {
    let usual =
        ["record", "reversal", "--site", "riverside", "--outcome", "survived", "--unknowns"];
    desk.says(&[&usual, flags].concat())
}

#[test]
fn totals_are_split_and_narrowed_by_fiscal_years_and_mmwr_weeks_with_their_days() {
    let desk = Desk::new();
    for day in ["2018-03-31", "2018-04-01", "2019-03-31", "2018-12-30"] {
        reversal(&desk, &["--on", day]);
    }
    let by = |parts: &str| -> Vec<(String, String, i64)> {
        let totals = desk.json(&["totals", "--by", parts]);
        let line = |line: &serde_json::Value| {
            let days = format!(
                "{} {}",
                line["days"][0].as_str().unwrap(),
                line["days"][1].as_str().unwrap()
            );
            let n = line["sums"]["reversals"].as_i64().unwrap();
            (line["key"][0].as_str().unwrap().to_owned(), days, n)
        };
        totals["lines"].as_array().unwrap().iter().map(line).collect()
    };
    let year = |name: &str, days: &str, n| (name.to_owned(), days.to_owned(), n);
    assert_eq!(
        by("fiscal_year"),
        [year("2017/18", "2017-04-01 2018-03-31", 1), year("2018/19", "2018-04-01 2019-03-31", 3)]
    );
    assert!(by("epi_week").contains(&year("2019-EW01", "2018-12-30 2019-01-05", 1)));
    assert!(by("week").contains(&year("2018-W52", "2018-12-24 2018-12-30", 1)));
    let of = |period: &str| {
        desk.json(&["totals", "--by", "site", "--period", period])["lines"][0]["sums"]["reversals"]
            .clone()
    };
    assert_eq!(
        (of("2018/19"), of("2018"), of("2019-EW01"), of("2018-Q2")),
        (3.into(), 3.into(), 1.into(), 1.into())
    );
    let (code, said) = desk.refused(&["totals", "--period", "2018/20"]);
    assert!(code == 2 && said.contains("2018/19"), "{said}");
    let shown = desk.says(&["totals", "--by", "fiscal_year"]);
    assert!(shown.contains("2018/19 (2018-04-01 to 2019-03-31)"), "{shown}");
    // A target of a fiscal year is held against its days.
    let target =
        ["record", "target", "--site", "riverside", "--scope", "site", "--indicator", "reversals"];
    desk.says(&[&target[..], &["--period", "2018/19", "--value", "6"]].concat());
    assert_eq!(desk.json(&["targets"])["targets"][0]["reached"], 3);
    let (code, said) =
        desk.refused(&[&target[..], &["--period", "2018/20", "--value", "6"]].concat());
    assert!(code == 2 && said.contains("period"), "{said}");
}

#[test]
fn a_pack_says_with_which_month_fiscal_years_begin() {
    let folder = tempfile::tempdir().unwrap();
    let pack = folder.path().join("july.toml");
    std::fs::write(
        &pack,
        "name = \"july\"\nversion = 1\nsource = \"made up\"\nfiscal_year_first_month = 7\n",
    )
    .unwrap();
    let desk = Desk::with_packs(&[pack.to_str().unwrap()]);
    reversal(&desk, &["--on", "2018-06-30"]);
    let totals = desk.json(&["totals", "--by", "fiscal_year"]);
    assert_eq!(totals["lines"][0]["days"], serde_json::json!(["2017-07-01", "2018-06-30"]));
}

#[test]
fn a_span_counts_on_its_last_day_and_a_date_is_doubted_beside_totals() {
    let desk = Desk::new();
    reversal(&desk, &["--on", "2026-02-20", "--through", "2026-03-05"]);
    let totals = desk.json(&["totals", "--by", "month"]);
    assert_eq!(
        (&totals["lines"][0]["key"][0], &totals["of_spans"]),
        (&"2026-03".into(), &1.into())
    );
    assert!(desk.says(&["totals"]).contains("1 record stands for a span of days"));
    assert_eq!(desk.json(&["totals", "--to", "2026-02-28"])["of_spans"], 0);
    for (through, says) in [("2026-02-19", "through"), ("2027-02-20", "within a year")] {
        let arguments = [
            "record",
            "reversal",
            "--site",
            "riverside",
            "--outcome",
            "survived",
            "--unknowns",
            "--on",
            "2026-02-20",
            "--through",
            through,
        ];
        let (code, said) = desk.refused(&arguments);
        assert!(code == 2 && said.contains(says), "{said}");
    }
    let id = reversal(&desk, &["--on", "2199-01-01"]);
    assert_eq!(desk.json(&["totals"])["date_in_doubt"]["2199"], 1);
    assert!(desk.says(&["totals"]).contains("1 record is dated in 2199"));
    assert!(desk.says(&["list", "--date-in-doubt"]).contains(&id));
    let found = desk.json(&["doctor"]);
    let codes: Vec<&str> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["code"].as_str())
        .collect();
    assert!(codes.contains(&"date_in_doubt"), "{codes:?}");
}

#[test]
fn a_zone_that_does_not_exist_is_refused_before_anything_is_saved() {
    let desk = Desk::new();
    let mut command = desk.command(&["record", "reversal", "--site", "x", "--unknowns"]);
    let refused = command.env("TZ", "Nonsense/Zone").output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(said.contains("TZ") && said.contains("Europe/Kyiv"), "{said}");
    assert_eq!(desk.json(&["list"])["records"].as_array().map(Vec::len), Some(0));
}

#[test]
fn two_that_are_two_are_kept_apart_and_many_are_linked_at_once() {
    let desk = Desk::new();
    let ids: Vec<String> = (0..4).map(|_| reversal(&desk, &["--on", "2026-03-01"])).collect();
    assert_eq!(desk.json(&["duplicates"])["suspected"].as_array().unwrap().len(), 3);
    desk.says(&["keep-apart", &ids[0], &ids[1]]);
    let (code, said) = desk.refused(&["keep-apart", &ids[0], &ids[0]]);
    assert!(code == 2 && said.contains("distinct"), "{said}");
    assert!(desk.says(&["duplicates", "--all", "saved_twice"]).contains("linked"));
    assert!(desk.json(&["duplicates"])["suspected"].as_array().unwrap().is_empty());
    assert_eq!(desk.json(&["duplicates", "--after", "1000"])["next"], serde_json::Value::Null);
    let (code, _) = desk.refused(&["duplicates", "--all", "anything"]);
    assert_eq!(code, 2);
}

#[test]
fn a_device_is_called_by_its_label_wherever_it_is_named() {
    let desk = Desk::new();
    let device = desk.json(&["status"])["device"].as_str().unwrap().to_owned();
    desk.says(&["label", &device[..12], "Desk at Riverside"]);
    let id = reversal(&desk, &["--on", "2026-03-01"]);
    assert_eq!(desk.json(&["members"])["label"], "Desk at Riverside");
    assert_eq!(desk.json(&["status"])["label"], "Desk at Riverside");
    for shown in [
        desk.says(&["members"]),
        desk.says(&["status"]),
        desk.says(&["history", &id]),
        desk.says(&["show", &id]),
        desk.says(&["totals", "--by", "author"]),
    ] {
        assert!(shown.contains("Desk at Riverside"), "{shown}");
    }
    for wrong in ["x".repeat(10_000).as_str(), "two\nlines", "turned \u{202e}"] {
        let (code, said) = desk.refused(&["label", "Desk at", wrong]);
        assert!(code == 2 && said.contains("40 characters"), "{said}");
    }
    for named in ["desk at RIVERSIDE", &device[..8]] {
        let of_desk = desk.json(&["list", "--author", named]);
        assert_eq!(of_desk["records"].as_array().map(Vec::len), Some(1), "{named}");
    }
    let (code, said) = desk.refused(&["list", "--author", "Desk at the lake"]);
    assert!(code == 1 && said.contains("no device is called"), "{code} {said}");
    // More went out than came in: who it is, by name.
    let holder = format!("device:{device}");
    let loss = ["record", "stock-movement", "--site", "x", "--movement", "loss", "--product", "p"];
    let of_own = ["--doses-per-kit", "2", "--quantity", "1", "--to", "outside", "--from", &holder];
    desk.says(&[&loss[..], &of_own[..]].concat());
    assert_eq!(desk.json(&["stock"])["on_hand"][0]["label"], "Desk at Riverside");
    assert_eq!(desk.json(&["stock"])["alerts"][0]["label"], "Desk at Riverside");
    for shown in [desk.says(&["stock"]), desk.says(&["doctor"])] {
        assert!(shown.contains("Desk at Riverside"), "{shown}");
    }
    let (code, _) = desk.refused(&["label", "Nobody", "x"]);
    assert_ne!(code, 0);
    assert!(desk.says(&["missing"]).contains("Nothing is known to be missing"));
}
