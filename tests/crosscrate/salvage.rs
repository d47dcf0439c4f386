//! What a damaged device has in its outbox: nothing of it is lost, nothing counts twice.

use super::membership::empty_hub;
use super::programme::{NOW, Programme, TEAM, aside, key, reversal, sync_through};
use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::store::{Delivery, Store};
use kitbag_core::sync::Agreement;
use kitbag_core::totals::Query;
use std::io::Write;

fn damaged(programme: &Programme, device: Engine) -> Engine {
    drop(device);
    let path = programme.folder.path().join("device-1");
    std::fs::write(&path, b"garbage").unwrap();
    Engine::recover(&path, &key(), Environment::system()).unwrap().0
}

/// The number of reversals that ended so, at this hub.
fn ended(hub: &mut Store, outcome: &str) -> i64 {
    while hub.settle_some().unwrap() {}
    let totals = hub.totals(&Query::default(), NOW).unwrap();
    totals.lines.values().filter_map(|line| line.get(outcome)).sum()
}

#[test]
fn what_follows_an_entry_that_is_nowhere_is_kept_and_waits_until_somebody_brings_that() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let (mut colleague, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut worker);
    programme.sync(&mut colleague);
    let mut hub = empty_hub(&programme);
    sync_through(&mut programme.root, &mut hub).unwrap();
    sync_through(&mut programme.coordinator, &mut hub).unwrap();
    worker.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut worker);
    programme.sync(&mut colleague);
    let unsent = worker.record(TEAM, &reversal("died")).unwrap();
    worker.void(unsent, "test").unwrap();
    let other = worker.record(TEAM, &reversal("died")).unwrap();
    let mut worker = damaged(&programme, worker);
    assert!(worker.status().unwrap().waiting.entries >= 3, "the salvage waits");
    assert!(matches!(worker.delivery(other), Err(EngineError::NoRecord)), "nothing is claimed");
    for _ in 0..2 {
        sync_through(&mut worker, &mut hub).unwrap();
        assert!(worker.status().unwrap().waiting.entries >= 3, "and is kept");
    }
    // Once more, as a phone that is thrown about: nothing doubles.
    let mut worker = damaged(&programme, worker);
    sync_through(&mut worker, &mut hub).unwrap();
    assert_eq!(ended(&mut hub, "died"), 0);
    sync_through(&mut colleague, &mut hub).unwrap();
    for _ in 0..2 {
        sync_through(&mut worker, &mut hub).unwrap();
    }
    assert_eq!(ended(&mut hub, "died"), 1, "one is void, one counts, and each once");
    assert_eq!(ended(&mut hub, "survived"), 1);
    assert_eq!(worker.status().unwrap().waiting.entries, 0);
    assert_eq!(worker.delivery(other).unwrap(), Delivery::OnHub);
}

#[test]
fn a_revoked_devices_unsent_entries_reach_the_hub_after_damage_too() {
    let mut programme = Programme::new();
    let (mut worker, certificate) = programme.worker();
    programme.sync_coordinator();
    worker.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    let unsent = worker.record(TEAM, &reversal("died")).unwrap();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    let mut worker = damaged(&programme, worker);
    let agreement = sync_through(&mut worker, &mut programme.hub).unwrap();
    assert!(matches!(agreement, Agreement::Without(_)));
    programme.settle();
    let aside = aside(&programme.hub, certificate);
    assert!(aside.iter().any(|kept| kept.id.record() == unsent), "kept, and visible");
    let status = worker.status().unwrap();
    assert!(!status.is_synced && status.waiting.entries > 0, "it is never said to be there");
}

#[test]
fn a_coordinators_unsent_revocation_survives_damage() {
    let mut programme = Programme::new();
    let (worker, certificate) = programme.worker();
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    let path = programme.folder.path().join("coordinator");
    let moved = programme.folder.path().join("moved");
    let spare = Engine::found(&moved, &key(), Environment::system()).unwrap();
    drop(std::mem::replace(&mut programme.coordinator, spare));
    std::fs::write(&path, b"garbage").unwrap();
    let (mut coordinator, _) = Engine::recover(&path, &key(), Environment::system()).unwrap();
    for _ in 0..2 {
        sync_through(&mut coordinator, &mut programme.hub).unwrap();
    }
    programme.settle();
    assert!(!programme.hub.authority().may_read(worker.device_key(), TEAM));
}

#[test]
fn a_store_that_lost_its_log_gets_back_what_its_outbox_knows_with_the_next_sync() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut worker);
    worker.checkpoint().unwrap();
    worker.record(TEAM, &reversal("survived")).unwrap();
    let path = programme.folder.path().join("device-1");
    let old = std::fs::read(&path).unwrap();
    let outbox = std::fs::read(path.with_extension("outbox.log")).unwrap();
    worker.record(TEAM, &reversal("survived")).unwrap();
    drop(worker);
    // The log beside it is gone; a record is made at the same position before anybody notices.
    std::fs::write(&path, old).unwrap();
    std::fs::write(path.with_extension("outbox.log"), outbox).unwrap();
    let mut worker = Engine::open(&path, &key(), Environment::system()).unwrap();
    assert_eq!(worker.store().record_ids(TEAM).unwrap().len(), 0);
    worker.record(TEAM, &reversal("died")).unwrap();
    for _ in 0..2 {
        programme.sync(&mut worker);
    }
    assert_eq!(ended(&mut programme.hub, "survived"), 1);
    assert_eq!(ended(&mut programme.hub, "died"), 1);
}

#[test]
fn a_damaged_frame_of_the_outbox_hides_none_behind_it() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    programme.sync_coordinator();
    for _ in 0..10 {
        worker.record(TEAM, &reversal("survived")).unwrap();
    }
    drop(worker);
    let path = programme.folder.path().join("device-1");
    let outbox = path.with_extension("outbox.log");
    let mut bytes = std::fs::read(&outbox).unwrap();
    // The last but two: behind it are whole frames.
    let at = bytes.len() - 700;
    bytes[at] ^= 1;
    std::fs::write(&outbox, bytes).unwrap();
    let mut worker = Engine::open(&path, &key(), Environment::system()).unwrap();
    worker.record(TEAM, &reversal("died")).unwrap();
    drop(worker);
    std::fs::write(&path, b"garbage").unwrap();
    let (_, recovered) = Engine::recover(&path, &key(), Environment::system()).unwrap();
    assert!(recovered.salvaged >= 10, "{} of 12", recovered.salvaged);
}

#[test]
fn what_is_salvaged_is_not_left_behind() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    programme.sync_coordinator();
    let id = worker.record(TEAM, &reversal("survived")).unwrap();
    let mut worker = damaged(&programme, worker);
    let cut = worker.session();
    assert!(matches!(worker.leave(TEAM, &cut), Err(EngineError::WouldLose { .. })));
    for _ in 0..2 {
        programme.sync(&mut worker);
    }
    programme.settle();
    assert_eq!(programme.hub.record_ids(TEAM).unwrap(), vec![id]);
    assert_eq!(worker.delivery(id).unwrap(), Delivery::OnHub);
}

#[test]
fn a_frame_that_was_cut_off_hides_nothing_behind_it() {
    let mut programme = Programme::new();
    let (worker, _) = programme.worker();
    programme.sync_coordinator();
    drop(worker);
    let path = programme.folder.path().join("device-1");
    let mut outbox =
        std::fs::File::options().append(true).open(path.with_extension("outbox.log")).unwrap();
    outbox.write_all(&[0, 0, 1, 0, 5, 5, 5]).unwrap();
    drop(outbox);
    let mut worker = Engine::open(&path, &key(), Environment::system()).unwrap();
    for _ in 0..50 {
        worker.record(TEAM, &reversal("survived")).unwrap();
    }
    let mut worker = damaged(&programme, worker);
    for _ in 0..2 {
        programme.sync(&mut worker);
    }
    programme.settle();
    assert_eq!(programme.hub.record_ids(TEAM).unwrap().len(), 50);
}

#[test]
fn a_store_that_is_whole_is_not_recovered() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    worker.record(TEAM, &reversal("survived")).unwrap();
    drop(worker);
    let path = programme.folder.path().join("device-1");
    let whole = Engine::recover(&path, &key(), Environment::system());
    assert!(matches!(whole, Err(EngineError::NotDamaged)));
    assert!(path.exists());
}
