//! Clocks that are wrong: they decide nothing, what they say of dates is shown, and a device that knows better says so.

use super::programme::{NOW, Programme, TEAM, key, reversal, sync_through, with};
use kitbag_client::{Client, Opening};
use kitbag_core::engine::{Attention, Engine, Environment};
use kitbag_core::identity::Role;
use kitbag_core::model::{CivilDate, Kind, RecordId, UnixMillis};
use kitbag_core::store::Search;
use kitbag_core::totals::Query;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const DAY: i64 = 86_400_000;

/// A worker's phone whose clock the test sets.
fn phone(programme: &mut Programme, name: &str) -> (Engine, Arc<AtomicI64>) {
    let clock = Arc::new(AtomicI64::new(NOW.0));
    let read = Arc::clone(&clock);
    let now = Box::new(move || UnixMillis(read.load(Ordering::SeqCst)));
    let environment = Environment { now, ..Environment::system() };
    let path = programme.folder.path().join(name);
    let mut phone = Engine::device(&path, &key(), programme.root.root(), environment).unwrap();
    let worker = Role::Worker;
    let enrolment = programme.coordinator.certify(phone.device_key(), worker, TEAM).unwrap();
    phone.join(&enrolment).unwrap();
    (phone, clock)
}

fn synced(programme: &mut Programme, phone: &mut Engine) {
    let session = super::programme::synced(phone, &mut programme.hub);
    session.1.unwrap();
}

fn dated(phone: &mut Engine, date: &str) -> RecordId {
    phone.record(TEAM, &with(reversal("survived"), "occurred_on", date)).unwrap()
}

/// As another phone, whose clock is right, sees it.
fn seen(programme: &mut Programme, reader: &mut Engine) -> BTreeMap<i32, u64> {
    sync_through(reader, &mut programme.hub).unwrap();
    reader.totals(&Query::default()).unwrap().in_doubt
}

fn reversals(engine: &Engine) -> i64 {
    let lines = engine.totals(&Query::default()).unwrap().lines;
    lines.values().map(|sums| sums["reversals"]).sum()
}

#[test]
fn a_clock_that_fell_back_is_known_by_what_the_device_knew_and_asks_for_the_date() {
    let mut programme = Programme::new();
    let (mut phone, clock) = phone(&mut programme, "ana");
    let (mut reader, _) = self::phone(&mut programme, "reader");
    let today: CivilDate = "2026-09-21".parse().unwrap();
    dated(&mut phone, "2026-09-20");
    let begun = phone.begin_form(TEAM, Kind::Reversal, (today, 0)).unwrap();
    assert_eq!(begun.get("occurred_on"), Some(&"2026-09-21".into()));
    assert!(!phone.status().unwrap().clock_is_off);
    // The battery was empty. Its own last entry tells it, also without a hub.
    clock.store(NOW.0 - 3_650 * DAY, Ordering::SeqCst);
    let status = phone.status().unwrap();
    assert!(status.clock_is_off);
    assert_eq!(status.clock_behind, Some(NOW));
    let begun = phone.begin_form(TEAM, Kind::Reversal, (today, 0)).unwrap();
    assert_eq!(begun.get("occurred_on"), None, "the date is asked for");
    let typed = dated(&mut phone, "2026-09-21");
    // What waits, waits since a time that was, not since 2016.
    assert_eq!(phone.status().unwrap().waiting.since, Some(NOW));
    synced(&mut programme, &mut phone);
    // A new entry behind a hub's answer: the hub knew the time.
    let second = dated(&mut phone, "2026-09-22");
    assert_eq!(phone.status().unwrap().clock_behind, Some(NOW));
    synced(&mut programme, &mut phone);
    assert_eq!(seen(&mut programme, &mut reader), BTreeMap::from([(2026, 2)]));
    assert_eq!(reversals(&reader), 3, "all count");
    for id in [typed, second] {
        assert_eq!(reader.attention(id).unwrap(), Attention::DateInDoubt);
    }
    let doubted = Search { date_in_doubt: true, ..Search::default() };
    assert_eq!(reader.how_many(&doubted).unwrap(), 2);
    assert_eq!(reader.list(&doubted).unwrap().rows.len(), 2);
    // The clock is put right: nothing is asked any more once the hub said so.
    clock.store(NOW.0 + DAY / 2, Ordering::SeqCst);
    synced(&mut programme, &mut phone);
    assert!(!phone.status().unwrap().clock_is_off);
    // With a right clock the same date is said again.
    phone.correct(typed, "occurred_on", "2026-09-21").unwrap();
    synced(&mut programme, &mut phone);
    assert_eq!(seen(&mut programme, &mut reader), BTreeMap::from([(2026, 1)]));
}

#[test]
fn the_first_record_of_a_clock_that_fell_back_is_doubted_as_its_certificate_is_later() {
    let mut programme = Programme::new();
    let (mut reader, _) = self::phone(&mut programme, "reader");
    let (mut phone, clock) = phone(&mut programme, "cleo");
    clock.store(NOW.0 - 3_650 * DAY, Ordering::SeqCst);
    let first = dated(&mut phone, "2016-09-21");
    assert_eq!(phone.status().unwrap().waiting.since, Some(NOW));
    synced(&mut programme, &mut phone);
    assert_eq!(seen(&mut programme, &mut reader), BTreeMap::from([(2016, 1)]));
    assert_eq!(reader.attention(first).unwrap(), Attention::DateInDoubt);
    // What is no record between two of them takes nothing away of what the log knew.
    clock.store(NOW.0 + 10 * DAY, Ordering::SeqCst);
    dated(&mut phone, "2026-10-01");
    let own = phone.membership(TEAM).unwrap();
    phone.set_label(own, "Cleo's phone").unwrap();
    clock.store(NOW.0 + DAY, Ordering::SeqCst);
    let later = dated(&mut phone, "2026-09-22");
    clock.store(NOW.0 + 11 * DAY, Ordering::SeqCst);
    assert_eq!(phone.attention(later).unwrap(), Attention::DateInDoubt);
}

#[test]
fn a_clock_that_fell_back_is_known_to_who_reads_beside_the_writer_whatever_it_recorded_since() {
    let mut programme = Programme::new();
    let (mut phone, _) = phone(&mut programme, "dina");
    dated(&mut phone, "2026-09-20");
    drop(phone);
    let path = programme.folder.path().join("dina");
    let clock: kitbag_client::Clock = Arc::new(|| UnixMillis(NOW.0 - 400 * DAY));
    super::client::run(async {
        let opening = Opening { clock: Some(clock), ..Opening::of(&path, key()) };
        let phone = Client::open(opening).await.unwrap();
        for date in ["2026-09-20", "2026-09-21"] {
            assert_eq!(phone.sync().status().await.unwrap().clock_behind, Some(NOW), "{date}");
            let form = with(reversal("survived"), "occurred_on", date);
            phone.records().record(TEAM, form).await.unwrap();
        }
        let status = phone.sync().status().await.unwrap();
        assert_eq!((status.clock_behind, status.waiting.since), (Some(NOW), Some(NOW)));
    });
}

#[test]
fn a_clock_that_ran_ahead_is_known_by_the_hub_and_leaves_later_entries_alone() {
    let mut programme = Programme::new();
    let (mut phone, clock) = phone(&mut programme, "ben");
    let (mut reader, _) = self::phone(&mut programme, "reader");
    clock.store(NOW.0 + 1_800 * DAY, Ordering::SeqCst);
    let ahead = dated(&mut phone, "2031-08-26");
    clock.store(NOW.0, Ordering::SeqCst);
    // Its own log knows a later time: until the hub says what it is, it asks.
    assert!(phone.status().unwrap().clock_is_off);
    let right = dated(&mut phone, "2026-09-21");
    synced(&mut programme, &mut phone);
    assert!(!phone.status().unwrap().clock_is_off);
    assert!(phone.status().unwrap().waiting.since.is_none());
    assert_eq!(seen(&mut programme, &mut reader), BTreeMap::from([(2031, 1)]));
    assert_eq!(reader.attention(ahead).unwrap(), Attention::DateInDoubt);
    assert_eq!(reader.attention(right).unwrap(), Attention::None);
    assert_eq!(reversals(&reader), 2);
    // Three days ahead, and dated so that no calendar tells: the reader's clock does, as it comes in.
    clock.store(NOW.0 + 3 * DAY, Ordering::SeqCst);
    let ahead = dated(&mut phone, "2026-09-20");
    synced(&mut programme, &mut phone);
    assert!(phone.status().unwrap().clock_is_off);
    sync_through(&mut reader, &mut programme.hub).unwrap();
    assert_eq!(reader.attention(ahead).unwrap(), Attention::DateInDoubt);
    let again = programme.folder.path().join("reader");
    drop(reader);
    let now = Box::new(|| NOW);
    let reader = Engine::open(&again, &key(), Environment { now, ..Environment::system() });
    assert_eq!(reader.unwrap().attention(ahead).unwrap(), Attention::DateInDoubt);
}

#[test]
fn what_stands_for_a_span_counts_on_its_last_day() {
    let mut programme = Programme::new();
    let (mut phone, _) = phone(&mut programme, "box");
    let mut span = reversal("survived");
    span.put("occurred_on", "2026-02-20").unwrap().put("through", "2026-03-05").unwrap();
    let id = phone.record(TEAM, &span).unwrap();
    let by = vec!["month".parse().unwrap()];
    let months = |phone: &Engine| -> Vec<String> {
        let query = Query { by: by.clone(), ..Query::default() };
        phone.totals(&query).unwrap().lines.into_keys().map(|key| key[0].clone()).collect()
    };
    assert_eq!(months(&phone), ["2026-03"]);
    for (last, is_refused) in [
        ("2026-02-19", true),
        ("2026-02-20", false),
        ("2027-02-19", false),
        ("2027-02-20", true),
        ("no date", true),
    ] {
        let refused = phone.correct(id, "through", last);
        assert_eq!(refused.is_err(), is_refused, "{last}: {refused:?}");
    }
    phone.correct(id, "through", kitbag_core::model::Value::Null).unwrap();
    assert_eq!(months(&phone), ["2026-02"]);
}
