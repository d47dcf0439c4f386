//! A device that is there to capture only: what the hub has cannot be read on it any more, and nothing is lost by it.

use super::erased::{said, still_there, stored};
use super::programme::{Programme, TEAM, counted, key, message, reversal, sync_through, with};
use kitbag_core::engine::{BundleOf, Engine, EngineError, Environment};
use kitbag_core::model::{Form, Kind, Operation, RecordId};
use kitbag_core::store::{Peer, Search, Settling, Store};
use kitbag_core::sync::{self, Agreement};
use kitbag_core::totals::Query;

fn rows(engine: &Engine) -> Vec<RecordId> {
    let search = Search { most: 100, ..Search::default() };
    engine.search(&search).unwrap().rows.iter().map(|row| row.id).collect()
}

fn at_site(engine: &mut Engine, site: &str) -> RecordId {
    engine.record(TEAM, &with(reversal("survived"), "site", site)).unwrap()
}

/// The phone as its app opens it the next time: nothing written before may be undone in a hurry.
fn reopened(programme: &Programme, phone: Engine) -> Engine {
    drop(phone);
    let path = programme.folder.path().join("device-1");
    Engine::open(&path, &key(), Environment::system()).unwrap()
}

#[test]
fn what_the_hub_has_is_in_no_page_of_a_phone_that_captures_only() {
    let mut programme = Programme::new();
    let (mut phone, _) = programme.worker();
    let gone = at_site(&mut phone, "PLANTED-SITE-MARKER-OF-THE-FIRST");
    let store = programme.folder.path().join("device-1");
    programme.sync(&mut phone);
    let waits = at_site(&mut phone, "another-site-that-still-waits");
    let others = stored(&store, waits);
    let wanted = stored(&store, gone).difference(&others).copied().collect();
    assert!(still_there(&store, &wanted) > 20, "it is there before");
    let mut phone = reopened(&programme, phone);
    assert_eq!(phone.capture_only().unwrap(), 1);
    assert_eq!(still_there(&store, &wanted), 0);
    assert!(still_there(&store, &others) > 20, "what waits stays");
    assert_eq!(rows(&phone), [waits]);
    let mut phone = reopened(&programme, phone);
    programme.sync(&mut phone);
    assert_eq!(still_there(&store, &others), 0);
    assert_eq!(rows(&phone), []);
    programme.sync_coordinator();
    programme.settle();
    assert_eq!(counted(&programme.hub), 2);
    assert_eq!(rows(&programme.coordinator).len(), 2, "the team has both");
}

#[test]
fn its_log_goes_on_and_no_colleagues_record_comes_in() {
    let mut programme = Programme::new();
    let (mut phone, _) = programme.worker();
    let (mut colleague, _) = programme.worker();
    phone.capture_only().unwrap();
    for n in 0..3 {
        at_site(&mut colleague, "harbour");
        programme.sync(&mut colleague);
        let id = at_site(&mut phone, "riverside");
        assert!(phone.is_capture_only().unwrap());
        assert_eq!(sync_through(&mut phone, &mut programme.hub).unwrap(), Agreement::Whole);
        assert_eq!(rows(&phone), [id], "{n}: for a moment it can be undone");
        // As the app's next start opens it.
        phone = reopened(&programme, phone);
        phone.capture_only().unwrap();
        assert_eq!(rows(&phone), [], "{n}");
    }
    programme.sync_coordinator();
    programme.settle();
    assert_eq!(counted(&programme.hub), 6);
    assert_eq!(rows(&programme.coordinator).len(), 6);
    let missing = phone.totals(&Query::default()).unwrap().missing;
    assert_eq!(missing.entries, 3, "its own totals say what they lack");
    assert!(phone.verify(&mut |_| {}).unwrap().faults.is_empty());
    phone.rebuild().unwrap();
    assert_eq!(rows(&phone), []);
}

#[test]
fn a_record_stays_while_a_change_of_it_waits() {
    let mut programme = Programme::new();
    let (mut phone, _) = programme.worker();
    let id = at_site(&mut phone, "riverside");
    programme.sync(&mut phone);
    phone.change(id, vec![Operation::put("outcome", "died")]).unwrap();
    let mut phone = reopened(&programme, phone);
    assert_eq!(phone.capture_only().unwrap(), 0);
    assert_eq!(rows(&phone), [id]);
    programme.sync(&mut phone);
    assert_eq!(rows(&phone), []);
    let again = phone.change(id, vec![Operation::put("outcome", "survived")]);
    assert!(matches!(again, Err(EngineError::NoRecord)), "{again:?}");
    programme.settle();
    let search = Search { most: 10, ..Search::default() };
    programme.sync_coordinator();
    let row = &programme.coordinator.search(&search).unwrap().rows[0];
    assert_eq!(row.answers.code("outcome"), Some("died"));
}

#[test]
fn what_a_hub_that_was_put_back_lacks_comes_from_who_has_it() {
    let mut programme = Programme::new();
    let (mut phone, _) = programme.worker();
    programme.sync_coordinator();
    let open = |programme: &Programme, name: &str| {
        let (path, root) = (programme.folder.path().join(name), Some(programme.root.root()));
        Store::open(&path, &key(), root, None, Settling::Behind).unwrap()
    };
    programme.hub = open(&programme, "elsewhere");
    let path = programme.folder.path().join("hub");
    let copy = std::fs::read(&path).unwrap();
    programme.hub = open(&programme, "hub");
    phone.capture_only().unwrap();
    at_site(&mut phone, "riverside");
    programme.sync(&mut phone);
    let mut phone = reopened(&programme, phone);
    phone.capture_only().unwrap();
    programme.sync_coordinator();
    programme.hub = open(&programme, "elsewhere");
    for ending in ["-wal", "-shm"] {
        _ = std::fs::remove_file(programme.folder.path().join(format!("hub{ending}")));
    }
    std::fs::write(&path, copy).unwrap();
    programme.hub = open(&programme, "hub");
    let waits = at_site(&mut phone, "harbour");
    // The hub cannot take what follows what it lacks, and says so: it stays here.
    let ended = sync_through(&mut phone, &mut programme.hub);
    assert!(!matches!(ended, Ok(Agreement::Whole)), "{ended:?}");
    assert_eq!(rows(&phone), [waits], "what waits is kept");
    // Whoever has the first brings it.
    programme.sync_coordinator();
    programme.sync(&mut phone);
    programme.settle();
    assert_eq!(counted(&programme.hub), 2);
    phone = reopened(&programme, phone);
    phone.capture_only().unwrap();
    assert_eq!(rows(&phone), []);
}

fn referral() -> Form {
    let mut form = Form::new(Kind::Referral);
    for (field, text) in [
        ("site", "riverside"),
        ("occurred_on", "2026-03-01"),
        ("utc_offset_min", "0"),
        ("service", "buprenorphine"),
        ("origin", "after_overdose"),
        ("urgency", "today"),
        ("handoff", "accompanied"),
        ("receiving_service", "clinic"),
    ] {
        form.put_text(field, text).unwrap();
    }
    let made = [("status".to_owned(), "made".into()), ("on".to_owned(), "2026-03-01".into())];
    form.add("events", made.into()).unwrap();
    form
}

fn payloads(programme: &Programme) -> i64 {
    said(&programme.folder.path().join("device-1"))
}

#[test]
fn a_revocation_drops_nothing_that_only_this_phone_has() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    phone.capture_only().unwrap();
    programme.sync(&mut phone);
    (0..5).for_each(|_| _ = at_site(&mut phone, "riverside"));
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    // However it came here, as by a file: the phone knows that it is revoked before the hub has what it wrote.
    let runs = programme.hub.runs_lacked(&[TEAM], &Peer::default(), None, u64::MAX).unwrap();
    drop(phone);
    let path = programme.folder.path().join("device-1");
    let mut store = Store::open(&path, &key(), None, None, Settling::Within).unwrap();
    sync::take(&mut store, message(runs), &mut |_| true).unwrap();
    drop(store);
    let mut phone = Engine::open(&path, &key(), Environment::system()).unwrap();
    assert!(rows(&phone).is_empty(), "they count nowhere");
    for _ in 0..2 {
        _ = sync_through(&mut phone, &mut programme.hub);
    }
    assert_eq!(payloads(&programme), 5);
}

#[test]
fn a_colleagues_change_of_what_was_dropped_is_carried_whole() {
    let mut programme = Programme::new();
    let (mut phone, _) = programme.worker();
    let (mut colleague, _) = programme.worker();
    programme.sync_coordinator();
    let referral = phone.record(TEAM, &referral()).unwrap();
    programme.sync(&mut phone);
    programme.sync(&mut colleague);
    let mut phone = reopened(&programme, phone);
    assert_eq!(phone.capture_only().unwrap(), 1);
    let event = [("on".to_owned(), "2026-03-05".into()), ("status".to_owned(), "attended".into())];
    let added = Operation::Append { list: "events".to_owned(), element: event.into() };
    colleague.change(referral, vec![added]).unwrap();
    (0..3).for_each(|_| _ = at_site(&mut colleague, "harbour"));
    let mut bundle = Vec::new();
    colleague.export_bundle(TEAM, BundleOf::Waiting, &mut bundle, |_| {}).unwrap();
    phone.import_bundle(&mut bundle.as_slice(), |_| {}).unwrap();
    // Both are lost to the colleague: this phone is the only one that has them.
    drop(colleague);
    programme.sync(&mut phone);
    programme.sync_coordinator();
    programme.settle();
    assert_eq!(rows(&programme.coordinator).len(), 4);
    let search = Search { most: 10, ..Search::default() };
    let all = programme.coordinator.search(&search).unwrap().rows;
    let row = all.iter().find(|row| row.id == referral).unwrap();
    assert_eq!(row.answers.elements("events").len(), 2);
    let mut phone = reopened(&programme, phone);
    phone.capture_only().unwrap();
    assert_eq!(payloads(&programme), 0);
}

#[test]
fn a_programme_demands_it_of_workers_alone() {
    let mut programme = Programme::new();
    let (mut phone, _) = programme.worker();
    at_site(&mut phone, "riverside");
    programme.sync(&mut phone);
    assert_eq!(rows(&phone).len(), 1);
    let pack = "name = \"careful\"\nversion = 1\nsource = \"made up\"\ncapture_only = true\n";
    programme.root.publish_pack(pack).unwrap();
    programme.sync_root();
    programme.sync(&mut phone);
    assert!(phone.is_capture_only().unwrap());
    let mut phone = reopened(&programme, phone);
    phone.capture_only().unwrap();
    assert_eq!(rows(&phone), []);
    programme.sync_coordinator();
    assert!(!programme.coordinator.is_capture_only().unwrap());
    assert!(matches!(programme.coordinator.capture_only(), Err(EngineError::NotAWorker)));
    assert!(matches!(programme.root.capture_only(), Err(EngineError::NotAWorker)));
    assert_eq!(rows(&programme.coordinator).len(), 1);
}

#[test]
fn a_store_in_the_place_of_a_damaged_one_goes_on_capturing_only() {
    let mut programme = Programme::new();
    let (mut phone, _) = programme.worker();
    at_site(&mut phone, "riverside");
    programme.sync(&mut phone);
    phone.capture_only().unwrap();
    at_site(&mut phone, "harbour");
    drop(phone);
    let path = programme.folder.path().join("device-1");
    std::fs::write(&path, vec![0; 8_192]).unwrap();
    let (mut phone, _) = Engine::recover(&path, &key(), Environment::system()).unwrap();
    assert!(phone.is_capture_only().unwrap());
    assert_eq!(phone.capture_only().unwrap(), 0, "what its log follows is not here yet");
    // The first brings what its log follows, the next what waits for that.
    programme.sync(&mut phone);
    programme.sync(&mut phone);
    let mut phone = reopened(&programme, phone);
    phone.capture_only().unwrap();
    assert_eq!(rows(&phone), []);
    let (mut colleague, _) = programme.worker();
    at_site(&mut colleague, "night-bus");
    programme.sync(&mut colleague);
    programme.sync(&mut phone);
    assert_eq!(rows(&phone), [], "no colleague's record comes in");
    drop(colleague);
    programme.settle();
    assert_eq!(counted(&programme.hub), 3);
}
