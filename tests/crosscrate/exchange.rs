//! What made an exchange stick, a store stall or a total wrong once, and must not again.

use super::programme::{NOW, Programme, TEAM, key, reversal, sync_through};
use super::written::{Written, creation, payload};
use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::{Role, SigningKey};
use kitbag_core::log::Verdict;
use kitbag_core::log::ending::NEWER_ON_PATH_MAX;
use kitbag_core::log::entry::kind;
use kitbag_core::log::payload::{Administration, KEPT_MAX, RecordPayload};
use kitbag_core::log::run::Run;
use kitbag_core::model::{EntryId, UnixMillis};
use kitbag_core::store::{Settling, Store};
use kitbag_core::sync::{self, Message, Session, SyncError};

/// The key of a device that writes by hand.
const SEED: [u8; 32] = [66; 32];

/// Certifies it as a worker, at the hub, too.
fn certified(programme: &mut Programme) -> EntryId {
    let device_key = SigningKey::from_seed(&SEED).device_key();
    let enrolment = programme.coordinator.certify(device_key, Role::Worker, TEAM).unwrap();
    programme.sync_coordinator();
    enrolment.certificate
}

fn send(hub: &mut Store, runs: Vec<Run>) -> Vec<String> {
    let runs = runs.into_iter().map(Ok).collect();
    let request = Message { teams: vec![TEAM], runs, ..Message::default() };
    let device = SigningKey::from_seed(&SEED).device_key();
    let answer = sync::respond(hub, device, NOW, &request.encode()).unwrap();
    let answer = Message::decode(&answer).unwrap();
    answer.turned_away.iter().map(|run| run.reason()).collect()
}

/// A phone with a long log is restored from a copy that is older than its last sync.
fn restored(records: usize, page_entries: u64) {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    // What certifies the phone is there already, so that its own log comes first in its pages.
    programme.sync_coordinator();
    programme.hub.limit_pages(page_entries);
    worker.limit_pages(page_entries);
    for _ in 0..records {
        worker.record(TEAM, &reversal("survived")).unwrap();
    }
    programme.sync(&mut worker);
    drop(worker);
    let path = programme.folder.path().join("device-1");
    let copy = std::fs::read(&path).unwrap();
    let mut worker = Engine::open(&path, &key(), Environment::system()).unwrap();
    for _ in 0..7 {
        worker.record(TEAM, &reversal("died")).unwrap();
    }
    programme.sync(&mut worker);
    drop(worker);
    std::fs::write(&path, copy).unwrap();
    let mut worker = Engine::open(&path, &key(), Environment::system()).unwrap();
    worker.limit_pages(page_entries);
    for _ in 0..3 {
        worker.record(TEAM, &reversal("unknown")).unwrap();
    }
    let mut requests = 0;
    let hub = &mut programme.hub;
    let device = worker.device_key();
    worker
        .sync(|request| {
            requests += 1;
            sync::respond(hub, device, NOW, &request).map_err(EngineError::from)
        })
        .unwrap();
    programme.settle();
    for store in [&programme.hub, worker.store()] {
        assert_eq!(store.record_ids(TEAM).unwrap().len(), records + 10);
    }
    assert!(requests < 4 + 2 * records as u64 / page_entries, "{requests} requests");
}

#[test]
fn a_restored_phone_with_a_log_of_many_pages_syncs_again() {
    restored(2_100, 2_000);
    for records in [1, 2, 3, 5, 40, 100] {
        restored(records, 5);
    }
}

#[test]
fn a_newcomer_gets_an_erasure_before_the_records_that_it_erased() {
    let mut programme = Programme::new();
    let coordinator = [77; 32];
    let device_key = SigningKey::from_seed(&coordinator).device_key();
    let enrolment = programme.root.certify(device_key, Role::Coordinator, TEAM).unwrap();
    let Programme { root, hub, .. } = &mut programme;
    sync_through(root, hub).unwrap();
    hub.limit_pages(20);
    let mut records = Written::new(&coordinator, enrolment.certificate, 0);
    let erased = records.add(17, None, creation());
    for _ in 0..60 {
        records.add(17, None, creation());
        if records.entries.len() > 15 {
            assert_eq!(send(hub, vec![records.run()]), Vec::<String>::new());
        }
    }
    records.add(17, None, creation());
    assert_eq!(send(hub, vec![records.run()]), Vec::<String>::new());
    programme.root.erase(TEAM, &[erased.record()]).unwrap();
    programme.sync_root();
    programme.settle();
    let (mut newcomer, _) = programme.worker();
    programme.sync(&mut newcomer);
    for store in [newcomer.store(), &programme.hub] {
        assert_eq!(store.record_ids(TEAM).unwrap().len(), 61);
        assert!(store.record(erased.record()).unwrap().is_none());
        let entries = store.entries().unwrap();
        let of_record = entries.iter().find(|entry| entry.id == erased).unwrap();
        assert_eq!(of_record.verdict, Some(Verdict::Erased));
    }
}

#[test]
fn a_log_that_is_turned_away_does_not_starve_those_behind_it() {
    let mut programme = Programme::new();
    let certificate = certified(&mut programme);
    let key_of_device = SigningKey::from_seed(&SEED);
    // What the device of a newer version holds itself, in two logs.
    let path = programme.folder.path().join("newer");
    let root = Some(programme.root.root());
    let mut own = Store::open(&path, &key(), root, None, Settling::Behind).unwrap();
    let sync_own = |own: &mut Store, programme: &mut Programme| -> Result<(), SyncError> {
        let mut session = Session::new([TEAM]);
        loop {
            let Some(request) = session.request(own, &key_of_device)? else { return Ok(()) };
            let device = key_of_device.device_key();
            let answer = sync::respond(&mut programme.hub, device, NOW, &request)?;
            programme.settle();
            session.reply(own, &answer)?;
        }
    };
    sync_own(&mut own, &mut programme).unwrap();
    let unread = || payload(vec![], reversal("died").operations().unwrap());
    let mut newer = Written::new(&SEED, certificate, 0);
    for _ in 0..NEWER_ON_PATH_MAX {
        newer.add_of((17, 99), None, unread());
    }
    let hub = &mut programme.hub;
    assert_eq!(
        send(hub, vec![newer.run()]),
        Vec::<String>::new(),
        "as many are kept for a version to come"
    );
    newer.add_of((17, 99), None, unread());
    let one_more = newer.run();
    let turned_away = send(hub, vec![one_more]);
    assert!(turned_away[0].contains("newer version"), "{turned_away:?}");
    let mut behind = Written::new(&SEED, certificate, 0xff);
    behind.add(17, None, creation());
    let behind_log = behind.log;
    own.receive(&[&behind.run()], &[]).unwrap();
    sync_own(&mut own, &mut programme).unwrap();
    assert!(programme.hub.chains().log(&behind_log).is_some(), "the log behind arrived");
}

#[test]
fn a_device_that_forks_without_end_can_be_revoked() {
    let mut programme = Programme::new();
    let certificate = certified(&mut programme);
    let (mut worker, _) = programme.worker();
    worker.record(TEAM, &reversal("survived")).unwrap();
    let mut log = Written::new(&SEED, certificate, 0);
    let open = log.tip;
    let run = log.run();
    assert_eq!(send(&mut programme.hub, vec![run]), Vec::<String>::new());
    let mut runs = Vec::new();
    for number in 0..1_200_u64 {
        log.tip = open;
        let at = UnixMillis(1_520_000_000_000);
        let (salt, after) = (number.to_be_bytes(), Vec::new());
        let operations = reversal("died").operations().unwrap();
        log.add(17, None, RecordPayload { salt, at, after, operations }.encode());
        runs.push(log.run());
        if runs.len() == 400 {
            assert_eq!(send(&mut programme.hub, std::mem::take(&mut runs)), Vec::<String>::new());
        }
    }
    programme.settle();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    programme.sync(&mut worker);
    // A revocation names 480 tips: what else it wrote is aside, until somebody accepts it.
    assert_eq!(worker.store().record_ids(TEAM).unwrap().len(), 1 + KEPT_MAX as usize);
}

#[test]
fn verdicts_are_equal_whatever_came_first() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    worker.record(TEAM, &reversal("died")).unwrap();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    let id = worker.record(TEAM, &reversal("died")).unwrap();
    let entry = worker.get(id).unwrap().history[0].entry;
    // The coordinator revokes what is no certificate, before it holds it.
    let revoke = Administration::Revoke { certificate: entry, kept: vec![] };
    programme.coordinator.administer(TEAM, &revoke).unwrap();
    programme.sync_coordinator();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    programme.settle();
    for store in [worker.store(), &programme.hub, programme.coordinator.store()] {
        let entries = store.entries().unwrap();
        let revoke = entries.iter().find(|entry| entry.kind == kind::REVOKE).unwrap();
        assert_eq!(revoke.verdict, Some(Verdict::Admitted), "it cuts nothing");
        let digest = worker.store().verdict_digest(TEAM).unwrap();
        assert_eq!(store.verdict_digest(TEAM).unwrap(), digest);
    }
}
