//! What made an exchange stick, a store stall or a total wrong once, and must not again.

use super::programme::{NOW, Programme, TEAM, key, reversal, sync_through};
use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::{Role, SigningKey};
use kitbag_core::log::entry::{Entry, Tip, kind, seal};
use kitbag_core::log::payload::{Administration, Open, RecordPayload};
use kitbag_core::log::run::Run;
use kitbag_core::log::{Refusal, Verdict};
use kitbag_core::model::{ElementName, EntryId, LogId, Operation, UnixMillis, Value};
use kitbag_core::store::{BRANCHES_PER_KEY_MAX, Settling, Store};
use kitbag_core::sync::{self, Message, Session, SyncError};
use kitbag_core::totals::Query;

/// The key of a device that writes by hand.
const SEED: [u8; 32] = [66; 32];

/// Certifies it as a worker, at the hub, too.
fn certified(programme: &mut Programme) -> EntryId {
    let device_key = SigningKey::from_seed(&SEED).device_key();
    let enrolment = programme.coordinator.certify(device_key, Role::Worker, TEAM).unwrap();
    programme.sync_coordinator();
    enrolment.certificate
}

fn payload(schema_version: u64, after: Vec<EntryId>, operations: Vec<Operation>) -> Vec<u8> {
    let at = UnixMillis(1_520_000_000_000);
    RecordPayload { schema_version, salt: [3; 8], at, after, operations }.encode()
}

pub fn creation() -> Vec<u8> {
    payload(1, vec![], reversal("died").operations().unwrap())
}

/// A log of a certified key, written by hand; its id begins with the byte asked for, because logs
/// travel in the order of their ids.
pub struct Written {
    pub key: SigningKey,
    pub log: LogId,
    pub tip: Tip,
    pub entries: Vec<Entry>,
}

impl Written {
    pub fn new(key: &[u8; 32], certificate: EntryId, first_byte: u8) -> Self {
        let key = SigningKey::from_seed(key);
        let open = (0_u64..)
            .map(|number| {
                let mut random = [0; 16];
                random[..8].copy_from_slice(&number.to_be_bytes());
                Open { key: key.device_key(), team: TEAM, random, certificate }
            })
            .find(|open| open.log().0[0] == first_byte)
            .unwrap();
        let entry = Entry::new(open.log(), None, kind::OPEN, None, open.encode());
        Written { key, log: open.log(), tip: entry.tip(), entries: vec![entry] }
    }

    pub fn add(&mut self, of_kind: u8, record: Option<EntryId>, payload: Vec<u8>) -> EntryId {
        let record = record.map(|record| record.record());
        let entry = Entry::new(self.log, Some(self.tip), of_kind, record, payload);
        self.tip = entry.tip();
        self.entries.push(entry);
        self.tip.id
    }

    pub fn run(&mut self) -> Run {
        let entries = std::mem::take(&mut self.entries);
        Run::of(&entries, seal(&self.key, self.log, self.tip)).unwrap()
    }

    fn send(&mut self, hub: &mut Store) -> Vec<String> {
        let run = self.run();
        send(hub, vec![run])
    }
}

fn send(hub: &mut Store, runs: Vec<Run>) -> Vec<String> {
    let runs = runs.into_iter().map(Ok).collect();
    let request = Message { teams: vec![TEAM], runs, ..Message::default() };
    let device = SigningKey::from_seed(&SEED).device_key();
    let answer = sync::answer(hub, device, NOW, &request.encode()).unwrap();
    let answer = Message::decode(&answer).unwrap();
    answer.turned_away.into_iter().map(|run| run.reason).collect()
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
            sync::answer(hub, device, NOW, &request).map_err(EngineError::from)
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
            assert_eq!(records.send(hub), Vec::<String>::new());
        }
    }
    records.add(17, None, creation());
    assert_eq!(records.send(hub), Vec::<String>::new());
    let mut administration = Written::new(&coordinator, enrolment.certificate, 0xff);
    let erase = Administration::Erase { records: vec![erased.record()] };
    administration.add(kind::ERASE, None, erase.encode());
    assert_eq!(administration.send(hub), Vec::<String>::new());
    programme.coordinator.administer(TEAM, &erase).unwrap();
    programme.sync_coordinator();
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
            let answer = sync::answer(&mut programme.hub, device, NOW, &request)?;
            programme.settle();
            session.reply(own, &answer)?;
        }
    };
    sync_own(&mut own, &mut programme).unwrap();
    let unread = || payload(99, vec![], reversal("died").operations().unwrap());
    let mut newer = Written::new(&SEED, certificate, 0);
    for _ in 0..9 {
        for _ in 0..1_500 {
            newer.add(17, None, unread());
        }
        assert!(own.receive(&[&newer.run()], &[]).unwrap().turned_away.is_empty());
    }
    let mut behind = Written::new(&SEED, certificate, 0xff);
    behind.add(17, None, creation());
    let behind_log = behind.log;
    own.receive(&[&behind.run()], &[]).unwrap();
    let stuck: Result<(), SyncError> = sync_own(&mut own, &mut programme);
    let stuck = stuck.unwrap_err().to_string();
    assert!(stuck.contains("wait already"), "{stuck}");
    assert!(programme.hub.chains().log(&behind_log).is_some(), "the log behind arrived");
}

#[test]
fn a_device_that_forks_without_end_is_bounded_and_can_be_revoked() {
    let mut programme = Programme::new();
    let certificate = certified(&mut programme);
    let (mut worker, _) = programme.worker();
    worker.record(TEAM, &reversal("survived")).unwrap();
    let mut log = Written::new(&SEED, certificate, 0);
    let open = log.tip;
    assert_eq!(log.send(&mut programme.hub), Vec::<String>::new());
    let mut turned_away = Vec::new();
    let mut runs = Vec::new();
    for number in 0..BRANCHES_PER_KEY_MAX + 200 {
        log.tip = open;
        log.add(17, None, (number as u32).to_be_bytes().to_vec());
        runs.push(log.run());
        if runs.len() == 400 {
            turned_away.extend(send(&mut programme.hub, std::mem::take(&mut runs)));
        }
    }
    assert_eq!(turned_away.len(), 200);
    assert!(turned_away[0].contains("forked too often"), "{}", turned_away[0]);
    programme.settle();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    programme.sync(&mut worker);
    assert_eq!(worker.store().record_ids(TEAM).unwrap().len(), 1);
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
        assert_eq!(revoke.verdict, Some(Verdict::Refused(Refusal::Role)));
        let digest = worker.store().verdict_digest(TEAM).unwrap();
        assert_eq!(store.verdict_digest(TEAM).unwrap(), digest);
    }
}

#[test]
fn a_record_with_too_many_operations_is_refused_past_a_bound() {
    let mut programme = Programme::new();
    let certificate = certified(&mut programme);
    let mut log = Written::new(&SEED, certificate, 0);
    let operations = reversal("died").operations().unwrap();
    let is_append = |operation: &Operation| matches!(operation, Operation::Append { .. });
    let index = operations.iter().position(is_append).unwrap() as u32;
    let created = log.add(17, None, payload(1, vec![], operations));
    let after_creation = log.tip;
    let element = ElementName { entry: created, index };
    let put_in = Operation::PutIn {
        list: "administrations".to_owned(),
        element,
        field: "x".to_owned(),
        value: Value::Null,
    };
    let mut changes = Vec::new();
    for _ in 0..8 {
        let payload = payload(1, vec![log.tip.id], vec![put_in.clone(); 1_000]);
        changes.push(log.add(17, Some(created), payload));
        assert_eq!(log.send(&mut programme.hub), Vec::<String>::new());
    }
    programme.settle();
    let entries = programme.hub.entries().unwrap();
    let verdict = |id: &EntryId| entries.iter().find(|entry| entry.id == *id).unwrap().verdict;
    let verdicts: Vec<_> = changes.iter().map(verdict).collect();
    let refused = Some(Verdict::Refused(Refusal::TooMany));
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == refused).count(), 3);
    assert_eq!(verdicts[4], Some(Verdict::Admitted));
    assert_eq!(verdicts[5], refused);
    // Another branch of the log, or another log, is the same key's.
    log.tip = after_creation;
    for branch in 0..5 {
        let payload = payload(1, vec![created], vec![put_in.clone(); 1_000 + branch]);
        changes.push(log.add(17, Some(created), payload));
        assert_eq!(log.send(&mut programme.hub), Vec::<String>::new());
    }
    programme.settle();
    let entries = programme.hub.entries().unwrap();
    let admitted = entries
        .iter()
        .filter(|entry| changes.contains(&entry.id) && entry.verdict == Some(Verdict::Admitted));
    assert!(admitted.count() <= 5);
}

#[test]
fn a_log_that_the_phone_refuses_does_not_keep_it_syncing_for_ever() {
    let mut programme = Programme::new();
    let certificate = certified(&mut programme);
    let (mut worker, _) = programme.worker();
    programme.sync(&mut worker);
    // A phone of a newer version was restored once; the hub, which has not settled, takes it all.
    let unread = |version| payload(version, vec![], vec![Operation::put("site", "x")]);
    let mut log = Written::new(&SEED, certificate, 1);
    let open = log.tip;
    log.add(17, None, unread(97));
    let hub = &mut programme.hub;
    assert!(hub.receive(&[&log.run()], &[]).unwrap().turned_away.is_empty());
    log.tip = open;
    for _ in 0..11 {
        for _ in 0..1_000 {
            log.add(17, None, unread(99));
            log.add(17, None, unread(98));
        }
        assert!(hub.receive(&[&log.run()], &[]).unwrap().turned_away.is_empty());
    }
    for _ in 0..2 {
        let mut requests = 0;
        let device = worker.device_key();
        let synced: Result<_, EngineError> = worker.sync(|request| {
            requests += 1;
            sync::answer(hub, device, NOW, &request).map_err(EngineError::from)
        });
        assert!(synced.unwrap_err().to_string().contains("wait already"));
        assert!(requests < 60, "{requests} requests");
    }
}

#[test]
fn a_duplicate_that_is_kept_out_by_its_date_does_not_hide_the_other() {
    let mut programme = Programme::new();
    let (mut one, _) = programme.worker();
    let (mut two, _) = programme.worker();
    let honest = one.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut one);
    programme.sync(&mut two);
    let lower = loop {
        let mut early = reversal("survived");
        early.put("occurred_on", "1999-01-01").unwrap();
        let id = two.record(TEAM, &early).unwrap();
        if id < honest {
            break id;
        }
    };
    two.mark_duplicate(lower, honest).unwrap();
    programme.sync(&mut two);
    programme.settle();
    let totals = programme.hub.totals(&Query::default()).unwrap();
    let counted: i64 = totals.lines.values().filter_map(|line| line.get("reversals")).sum();
    assert_eq!(counted, 1);
    assert!(totals.flagged > 0);
}
