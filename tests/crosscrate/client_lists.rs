//! Lists as screens show them, forms as they are begun and refused, held against what each record says alone.

use super::client::run;
use super::programme::{Programme, TEAM, key, reversal, with};
use kitbag_client::{Client, Error, LiftedBy, Opening};
use kitbag_core::engine::{Attention, Engine, Environment, List};
use kitbag_core::model::date::Period;
use kitbag_core::model::{CivilDate, Form, Kind, Operation, RecordId, UnixMillis, Value};
use kitbag_core::store::{Delivery, Order, Search, State};
use kitbag_core::totals::{Query, Split};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A coordinator's store with every sort of record, closed: on the hub and not, apart, refused, void.
fn store(programme: &mut Programme) -> (PathBuf, Vec<RecordId>) {
    let (mut worker, _) = programme.worker();
    let (mut lost, certificate) = programme.worker();
    let mut ids = Vec::new();
    for day in 1..=20 {
        let form =
            with(reversal("survived"), "occurred_on", format!("2026-03-{:02}", 21 - day).as_str());
        ids.push(worker.record(TEAM, &form).unwrap());
    }
    let of_lost = lost.record(TEAM, &reversal("survived")).unwrap();
    ids.push(of_lost);
    programme.sync(&mut worker);
    programme.sync(&mut lost);
    programme.sync_coordinator();
    // Apart: the worker and the coordinator, of one field.
    worker.correct(ids[3], "outcome", "died").unwrap();
    programme.coordinator.correct(ids[3], "outcome", "unknown").unwrap();
    // Refused: what a revoked device changed after the hub saw its last.
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    lost.correct(of_lost, "outcome", "died").unwrap();
    let mut bundle = Vec::new();
    let everything = kitbag_core::engine::BundleOf::Everything;
    lost.export_bundle(TEAM, everything, &mut bundle, |_| {}).unwrap();
    _ = programme.coordinator.import_bundle(&mut bundle.as_slice(), |_| {});
    programme.sync(&mut worker);
    programme.sync_coordinator();
    programme.coordinator.void(ids[7], "test").unwrap();
    ids.push(programme.coordinator.record(TEAM, &reversal("died")).unwrap());
    (programme.folder.path().join("coordinator"), ids)
}

/// All pages of a search, one after another.
fn pages(engine: &Engine, mut search: Search) -> Vec<List> {
    let mut pages = Vec::new();
    loop {
        let page = engine.list(&search).unwrap();
        let older = page.older;
        pages.push(page);
        match older {
            Some(older) => search.older_than = Some(older),
            None => return pages,
        }
    }
}

#[test]
fn a_row_says_of_delivery_and_attention_what_its_record_says_alone() {
    let mut programme = Programme::new();
    let (path, ids) = store(&mut programme);
    let root = programme.root.root();
    drop(programme.coordinator);
    programme.coordinator = Engine::device(
        &programme.folder.path().join("another"),
        &key(),
        root,
        Environment::system(),
    )
    .unwrap();
    let engine = Engine::open(&path, &key(), Environment::system()).unwrap();
    let all = engine.list(&Search { most: 100, ..Search::default() }).unwrap();
    assert_eq!(all.rows.len(), ids.len());
    let (mut deliveries, mut attentions) = (BTreeSet::new(), BTreeSet::new());
    for listed in &all.rows {
        let id = listed.row.id;
        assert_eq!(listed.delivery, engine.delivery(id).unwrap(), "{id}");
        assert_eq!(listed.attention, engine.attention(id).unwrap(), "{id}");
        deliveries.insert(format!("{:?}", listed.delivery));
        attentions.insert(format!("{:?}", listed.attention));
    }
    assert!(deliveries.len() >= 2, "{deliveries:?}");
    assert!(attentions.contains("Conflicted"), "{attentions:?}");
    for order in [Order::Arrival, Order::Recording, Order::Day] {
        let search = Search { most: 4, order, ..Search::default() };
        let forth = pages(&engine, search.clone());
        let places: Vec<(i64, i64, i64)> = forth
            .iter()
            .flat_map(|page| &page.rows)
            .map(|at| (at.row.day, at.row.recorded_at.0, at.row.number))
            .collect();
        let mut sorted = places.clone();
        sorted.sort_by_key(|(day, recorded_at, number)| {
            std::cmp::Reverse(match order {
                Order::Arrival => (*number, 0, 0),
                Order::Recording => (*recorded_at, *number, 0),
                Order::Day => (*day, *recorded_at, *number),
            })
        });
        assert_eq!(places, sorted);
        assert_eq!(places.len(), ids.len());
        // The same way back, page by page.
        let mut back = vec![forth.last().unwrap().clone()];
        while let Some(newer_than) = back.last().unwrap().newer {
            let newer_than = Some(newer_than);
            back.push(engine.list(&Search { newer_than, ..search.clone() }).unwrap());
        }
        let ids = |pages: &[List]| -> Vec<RecordId> {
            pages.iter().flat_map(|page| page.rows.iter().map(|at| at.row.id)).collect()
        };
        back.reverse();
        assert_eq!(ids(&back), ids(&forth));
    }
    let needs =
        engine.list(&Search { needs_person: true, most: 100, ..Search::default() }).unwrap();
    let wanted = |at: &&kitbag_core::engine::Listed| at.attention != Attention::None;
    assert_eq!(needs.rows, all.rows.iter().filter(wanted).cloned().collect::<Vec<_>>());
    let void = Search { state: Some(State::Void), ..Search::default() };
    assert_eq!(engine.how_many(&void).unwrap(), 1);
    let died = vec![("outcome".to_owned(), "died".to_owned())];
    let died = Search { answers: died, most: 100, ..Search::default() };
    assert_eq!(engine.how_many(&died).unwrap(), engine.list(&died).unwrap().rows.len() as u64);
}

#[test]
fn lists_stand_by_when_people_recorded_whoever_synced_first() {
    const NOON: i64 = 1_773_489_600_000; // 2026-03-14T12:00:00Z
    const DAY: i64 = 86_400_000;
    let mut programme = Programme::new();
    let mut recorded: Vec<(i64, RecordId)> = Vec::new();
    for (device, clocks) in [(1, [NOON - DAY, NOON + 1, NOON + DAY]), (2, [NOON - 1, NOON, NOON])] {
        drop(programme.worker());
        let path = programme.folder.path().join(format!("device-{device}"));
        for clock in clocks {
            let environment =
                Environment { now: Box::new(move || UnixMillis(clock)), ..Environment::system() };
            let mut worker = Engine::open(&path, &key(), environment).unwrap();
            recorded.push((clock, worker.record(TEAM, &reversal("survived")).unwrap()));
            programme.sync(&mut worker);
        }
    }
    programme.sync_coordinator();
    let listed = |search: &Search| -> Vec<RecordId> {
        let pages = pages(&programme.coordinator, search.clone());
        pages.iter().flat_map(|page| page.rows.iter().map(|at| at.row.id)).collect()
    };
    let by_recording = Search { most: 2, order: Order::Recording, ..Search::default() };
    let found = listed(&by_recording);
    let clock_of = |id: &RecordId| recorded.iter().find(|(_, one)| one == id).unwrap().0;
    let clocks: Vec<i64> = found.iter().map(clock_of).collect();
    assert_eq!(clocks, [NOON + DAY, NOON + 1, NOON, NOON, NOON - 1, NOON - DAY]);
    assert_ne!(found, listed(&Search { order: Order::Arrival, ..by_recording.clone() }));
    // What was recorded on the fourteenth, all of it and nothing else.
    let day: Option<CivilDate> = Some("2026-03-14".parse().unwrap());
    let of_day = Search { from: day, to: day, ..by_recording };
    assert_eq!(listed(&of_day), found[1..5]);
    assert_eq!(programme.coordinator.how_many(&of_day).unwrap(), 4);
    // The same where it is narrowed.
    let narrowed = Search { kind: Some(Kind::Reversal), team: Some(TEAM), ..of_day };
    assert_eq!(listed(&narrowed), found[1..5]);
    let none = Search { kind: Some(Kind::Referral), ..narrowed };
    assert_eq!((listed(&none), programme.coordinator.how_many(&none).unwrap()), (vec![], 0));
}

#[test]
fn a_form_begins_as_the_last_one_was_and_is_refused_with_every_fault() {
    let mut programme = Programme::new();
    let (engine, _) = programme.worker();
    let path = programme.folder.path().join("device-1");
    drop(engine);
    let today: CivilDate = "2026-03-14".parse().unwrap();
    run(async {
        let client = Client::open(Opening::of(&path, key())).await.unwrap();
        let begin = async |kind| client.records().begin(TEAM, kind, today, 60).await.unwrap();
        let first = begin(Kind::Distribution).await;
        assert_eq!(first.fields().len(), 2, "the day, and nothing that nobody said");
        let refused = client.records().record(TEAM, first.clone()).await;
        let Err(Error::Invalid(faults)) = refused else { panic!("{refused:?}") };
        let fields: BTreeSet<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        for field in ["site", "recipient_role", "supply_type", "channel", "product"] {
            assert!(fields.contains(field), "{field} of {fields:?}");
        }
        assert_eq!(fields.len(), faults.len(), "one for each");
        assert_eq!(client.records().faults(TEAM, first.clone()).await.unwrap(), faults);
        let mut form = first;
        for (field, text) in [
            ("site", "riverside"),
            ("recipient_role", "at_risk"),
            ("supply_type", "first"),
            ("channel", "street_outreach"),
            ("product", "nasal_4mg"),
            ("doses_per_kit", "2"),
            ("lot", "A123"),
            ("kits", "1"),
            ("trained", "yes"),
            ("first_time", "yes"),
        ] {
            _ = form.put_text(field, text);
        }
        let form = form.with_unknowns();
        let faults = client.records().faults(TEAM, form.clone()).await.unwrap();
        assert_eq!(faults, []);
        client.records().record(TEAM, form).await.unwrap();
        let next = begin(Kind::Distribution).await;
        for (field, text) in [
            ("site", "riverside"),
            ("channel", "street_outreach"),
            ("product", "nasal_4mg"),
            ("lot", "A123"),
        ] {
            assert_eq!(next.get(field), Some(&text.into()), "{field}");
        }
        assert_eq!(next.get("recipient_role"), None, "who it is for is asked anew");
        assert_eq!(begin(Kind::Reversal).await.get("site"), None, "of its own kind");
        let draft = client.drafts().save(None, Form::new(Kind::Reversal)).await.unwrap();
        let unfinished = client.drafts().finish(draft, TEAM, Form::new(Kind::Reversal)).await;
        assert!(matches!(unfinished, Err(Error::Invalid(faults)) if faults.len() > 3));
        assert_eq!(client.drafts().list().await.unwrap().len(), 1, "it stays");
        let (list, count) =
            client.records().list_and_count(Search { most: 1, ..Search::default() }).await.unwrap();
        assert_eq!((list.rows[0].delivery, count), (Delivery::Waiting, 1));
        let looked = client.records().look_at(list.rows[0].row.id).await.unwrap();
        assert_eq!((looked.state, looked.attention), (Some(State::Counted), Attention::None));
        client.close().await;
    });
}

#[test]
fn what_is_refused_says_who_can_lift_it() {
    let mut programme = Programme::new();
    let (path, _) = store(&mut programme);
    let root = programme.root.root();
    let another = programme.folder.path().join("another");
    programme.coordinator = Engine::device(&another, &key(), root, Environment::system()).unwrap();
    run(async {
        let client = Client::open(Opening::of(&path, key())).await.unwrap();
        for refused in client.records().refused().await.unwrap() {
            assert_eq!(refused.lifted_by, LiftedBy::Coordinator, "{refused:?}");
        }
        client.close().await;
    });
}

#[test]
fn a_stock_lasts_as_many_days_as_what_went_out_in_four_weeks_says() {
    let Programme { folder, coordinator, .. } = Programme::new();
    drop(coordinator);
    let path = folder.path().join("coordinator");
    run(async {
        let client = Client::open(Opening::of(&path, key())).await.unwrap();
        let save = async |kind, on: &str, answers: &[(&str, &str)]| {
            let mut form = Form::at(kind, "riverside", on.parse().unwrap());
            for (field, text) in answers {
                form.put_text(field, text).unwrap();
            }
            client.records().record(TEAM, form.with_unknowns()).await.unwrap();
        };
        let moved = [
            ("movement", "receipt"),
            ("product", "nyxoid"),
            ("from", "outside"),
            ("to", "site:riverside"),
        ];
        let moved = [&moved[..], &[("quantity", "30"), ("doses_per_kit", "2")]].concat();
        save(Kind::StockMovement, "2026-02-01", &moved).await;
        let given = [
            ("channel", "street_outreach"),
            ("product", "nyxoid"),
            ("taken_from", "site:riverside"),
        ];
        let given =
            [&given[..], &[("kits", "2"), ("doses_per_kit", "2"), ("supply_type", "first")]];
        let given = given.concat();
        // 28 days up to the 14th begin on the 15th of February: the first of these is before them.
        for day in ["2026-02-14", "2026-02-15", "2026-03-01", "2026-03-14"] {
            save(Kind::Distribution, day, &given).await;
        }
        let now = client.stock().now(None, "2026-03-14".parse().unwrap()).await.unwrap();
        assert_eq!(now.lasting.len(), 1);
        let lasting = &now.lasting[0];
        // 60 came, 16 went, 12 of them in the four weeks: 44 doses at 12 in 28 days.
        assert_eq!((lasting.doses, lasting.went_out, lasting.days), (44, 12, Some(102)));
        client.close().await;
    });
}

#[test]
fn a_month_stands_beside_the_last_with_its_shares_and_what_is_missing() {
    let mut programme = Programme::new();
    let (mut engine, _) = programme.worker();
    for (day, outcome) in [
        ("2026-02-28", "died"),
        ("2026-03-01", "survived"),
        ("2026-03-14", "survived"),
        ("2026-03-31", "died"),
        ("2026-04-01", "survived"),
    ] {
        let mut form = reversal(outcome);
        form.put("occurred_on", day).unwrap();
        engine.record(TEAM, &form).unwrap();
    }
    drop(engine);
    let path = programme.folder.path().join("device-1");
    run(async {
        let client = Client::open(Opening::of(&path, key())).await.unwrap();
        let day: CivilDate = "2026-03-14".parse().unwrap();
        let by_site = Query { by: vec![Split::Site], ..Query::default() };
        let two = client.totals().beside_the_last(day, Period::Month, by_site).await.unwrap();
        assert_eq!((two.name.as_str(), two.name_before.as_str()), ("2026-03", "2026-02"));
        let key = vec!["riverside".to_owned()];
        assert_eq!(two.this.lines[&key]["reversals"], 3);
        assert_eq!(two.before.lines[&key]["reversals"], 1);
        let survived = two.shares[&key]["survival"];
        assert!((survived - 2.0 / 3.0).abs() < 1e-9, "{survived}");
        assert_eq!(two.shares_before[&key]["survival"], 0.0);
        assert_eq!(two.this.missing.entries, 0);
        client.close().await;
    });
}

#[test]
fn a_change_and_a_link_are_refused_with_every_fault() {
    let mut programme = Programme::new();
    let (mut engine, _) = programme.worker();
    let id = engine.record(TEAM, &reversal("survived")).unwrap();
    drop(engine);
    let path = programme.folder.path().join("device-1");
    run(async {
        let client = Client::open(Opening::of(&path, key())).await.unwrap();
        let fields = |refused: Result<(), Error>| -> BTreeSet<String> {
            let Err(Error::Invalid(faults)) = refused else { panic!("{refused:?}") };
            faults.into_iter().map(|fault| fault.field).collect()
        };
        let wrong = vec![
            Operation::put("site", Value::Null),
            Operation::put("occurred_on", "yesterday"),
            Operation::put("outcome", ""),
        ];
        let refused = client.records().change(id, wrong).await.map(drop);
        assert_eq!(fields(refused), set(&["occurred_on", "outcome", "site"]));
        assert_eq!(client.records().get(id).await.unwrap().history.len(), 1);
        let mut form =
            with(reversal("survived"), "duplicate_of", "00000000000000000000000000000001");
        let told = client.records().faults(TEAM, form.clone()).await.unwrap();
        assert_eq!(
            told.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(),
            ["duplicate_of"]
        );
        form.put("outcome", "").unwrap();
        let refused = client.records().record(TEAM, form).await.map(drop);
        assert_eq!(fields(refused), set(&["duplicate_of", "outcome"]));
        client.close().await;
    });
}

fn set(fields: &[&str]) -> BTreeSet<String> {
    fields.iter().map(|field| (*field).to_owned()).collect()
}

#[test]
fn what_a_file_brought_and_what_is_void_prefill_nothing_and_a_false_date_needs_somebody() {
    let mut programme = Programme::new();
    let (engine, _) = programme.worker();
    drop(engine);
    let path = programme.folder.path().join("device-1");
    let day: CivilDate = "2026-03-14".parse().unwrap();
    let handed = |site: &str, from: Option<&str>| {
        let mut form = Form::at(Kind::Distribution, site, day).with_unknowns();
        form.put("channel", "mail").unwrap().put("product", "nasal_4mg").unwrap();
        form.put("kits", 1).unwrap().put("doses_per_kit", 2).unwrap();
        from.map(|from| form.put("taken_from", from).map(drop)).transpose().unwrap();
        form
    };
    run(async {
        let client = Client::open(Opening::of(&path, key())).await.unwrap();
        let records = client.records();
        records.record(TEAM, handed("riverside", Some("site:riverside"))).await.unwrap();
        let mut imported = handed("elsewhere", Some("site:elsewhere"));
        imported.put("import_key", "a row").unwrap();
        records.record_imported(TEAM, imported).await.unwrap();
        let void = records.record(TEAM, handed("nowhere", Some("site:nowhere"))).await.unwrap();
        records.void(void, "test".to_owned()).await.unwrap();
        client.close().await;
        let client = Client::open(Opening::of(&path, key())).await.unwrap();
        let begun = client.records().begin(TEAM, Kind::Distribution, day, 60).await.unwrap();
        assert_eq!(begun.get("site"), Some(&"riverside".into()));
        assert_eq!(begun.get("taken_from"), Some(&"site:riverside".into()));
        let prepared = client.records().prepared(TEAM, handed("riverside", None)).await.unwrap();
        assert_eq!(prepared.get("taken_from"), Some(&"site:riverside".into()));
        let far = with(reversal("survived"), "occurred_on", "1990-01-01");
        client.records().record(TEAM, far).await.unwrap();
        let needs = Search { needs_person: true, ..Search::default() };
        let (needs, count) = client.records().list_and_count(needs).await.unwrap();
        let attention: Vec<_> = needs.rows.iter().map(|listed| listed.attention).collect();
        assert_eq!((attention, count), (vec![Attention::DateInDoubt], 1));
        let over = Client::found(Opening::of(&path, key())).await;
        assert_eq!(over.err(), Some(Error::NotUsable("store_is_there")));
        client.close().await;
    });
}
