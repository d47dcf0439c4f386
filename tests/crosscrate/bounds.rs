//! What others write without end costs nobody else their sync, their words or their store.

use super::programme::{Programme, TEAM, message, reversal, send_as, sync_through};
use super::written::{Written, creation};
use kitbag_core::engine::BundleOf;
use kitbag_core::identity::{Role, SigningKey};
use kitbag_core::log::entry::{Tip, kind, sign};
use kitbag_core::log::payload::{Administration, KEPT_MAX, RecordPayload};
use kitbag_core::log::run::{Run, SignedTip};
use kitbag_core::model::{EntryId, UnixMillis};
use kitbag_core::store::Store;
use kitbag_core::sync::{Agreement, Message, TIPS_MAX};

const SEED: [u8; 32] = [66; 32];

/// A certified worker whose device writes what it likes.
fn hostile(programme: &mut Programme) -> EntryId {
    let key = SigningKey::from_seed(&SEED).device_key();
    let enrolment = programme.coordinator.certify(key, Role::Worker, TEAM).unwrap();
    programme.sync_coordinator();
    enrolment.certificate
}

/// Sends a message as the hostile device; how many runs were turned away.
fn send(hub: &mut Store, message: &Message) -> usize {
    send_as(hub, SigningKey::from_seed(&SEED).device_key(), message).len()
}

/// So many branches that part at the first entry of a log.
fn forks(log: &mut Written, numbers: std::ops::Range<u64>) -> Vec<Run> {
    let open = log.tip;
    let forks = numbers.map(|number| {
        log.tip = open;
        let (salt, at) = (number.to_be_bytes(), UnixMillis(1_520_000_000_000));
        let operations = reversal("died").operations().unwrap();
        log.add(17, None, RecordPayload { salt, at, after: vec![], operations }.encode());
        log.run()
    });
    let forks = forks.collect();
    log.tip = open;
    forks
}

#[test]
fn a_log_that_is_forked_without_end_keeps_nobody_from_syncing() {
    let mut programme = Programme::new();
    let certificate = hostile(&mut programme);
    let (mut colleague, _) = programme.worker();
    let first = colleague.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut colleague);
    let mut log = Written::new(&SEED, certificate, 0);
    assert_eq!(send(&mut programme.hub, &message(vec![log.run()])), 0);
    // More than any clock shows.
    let more = TIPS_MAX as u64 + 50;
    let pages = forks(&mut log, 0..more);
    for page in pages.chunks(1_000) {
        assert_eq!(send(&mut programme.hub, &message(page.to_vec())), 0);
    }
    assert_eq!(programme.hub.tips(&log.log).len() as u64, more);
    let id = colleague.record(TEAM, &reversal("died")).unwrap();
    sync_through(&mut colleague, &mut programme.hub).unwrap();
    programme.sync_coordinator();
    for store in [&programme.hub, programme.coordinator.store()] {
        for record in [first, id] {
            assert!(store.entries().unwrap().iter().any(|entry| entry.record == Some(record)));
        }
    }
    // It comes as far as clocks show; and what they cannot show is never said to be the same.
    for _ in 0..6 {
        let agreement = sync_through(&mut colleague, &mut programme.hub).unwrap();
        let held = colleague.store().tips(&log.log).len() as u64;
        assert_eq!(agreement == Agreement::Whole, held == more);
    }
    assert!(colleague.store().tips(&log.log).len() > TIPS_MAX / 2);
    // A revocation keeps 480 of them, and all is as before.
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    assert_eq!(sync_through(&mut colleague, &mut programme.hub).unwrap(), Agreement::Whole);
    assert_eq!(colleague.store().tips(&log.log).len() as u64, KEPT_MAX);
}

#[test]
fn a_bundle_brings_so_many_logs_of_one_device_at_once_and_the_rest_when_it_comes_again() {
    let mut programme = Programme::new();
    let certificate = hostile(&mut programme);
    let (mut courier, _) = programme.worker();
    let (mut colleague, _) = programme.worker();
    programme.sync(&mut courier);
    let mut log = Written::new(&SEED, certificate, 0);
    assert_eq!(send(&mut programme.hub, &message(vec![log.run()])), 0);
    assert_eq!(send(&mut programme.hub, &message(forks(&mut log, 0..150))), 0);
    programme.sync(&mut courier);
    let mut file = Vec::new();
    courier.export_bundle(TEAM, BundleOf::Everything, &mut file, |_| ()).unwrap();
    let taken = colleague.import_bundle(&mut file.as_slice(), |_| ()).unwrap();
    assert!(taken.reason.unwrap().contains("next import"), "it says what to do");
    let held = colleague.store().tips(&log.log).len();
    assert!((90..=100).contains(&held), "{held}");
    let taken = colleague.import_bundle(&mut file.as_slice(), |_| ()).unwrap();
    assert_eq!(taken.turned_away, 0);
    assert_eq!(colleague.store().tips(&log.log).len(), 150);
}

#[test]
fn certificates_and_what_hangs_on_them_are_taken_in_one_message_however_they_take_turns() {
    let mut programme = Programme::new();
    let mut hub = Programme::new().hub;
    let seed = [71; 32];
    let stolen = SigningKey::from_seed(&seed).device_key();
    let coordinator = programme.root.certify(stolen, Role::Coordinator, TEAM).unwrap();
    programme.sync_root();
    let mut of_coordinator = Written::new(&seed, coordinator.certificate, 0);
    let mut runs = Vec::new();
    for number in 80..90 {
        let worker = [number; 32];
        let key = SigningKey::from_seed(&worker).device_key();
        let role = Role::Worker;
        let certify = kitbag_core::identity::Certificate {
            key,
            role,
            team: TEAM,
            renew_by: None,
            continues: None,
            made_at: kitbag_core::model::UnixMillis(0),
        };
        let certificate = of_coordinator.add(kind::CERTIFY, None, certify.encode());
        runs.push(of_coordinator.run());
        let mut log = Written::new(&worker, certificate, number);
        log.add(17, None, creation());
        runs.push(log.run());
    }
    assert_eq!(send_as(&mut programme.hub, stolen, &message(runs.clone())), Vec::<String>::new());
    // A hub that knows nothing of the programme takes nothing.
    assert_eq!(send_as(&mut hub, stolen, &message(runs)).len(), 20);
}

#[test]
fn what_a_hub_makes_up_is_not_aside() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    let id = phone.record(TEAM, &reversal("survived")).unwrap();
    let agreement = sync_through(&mut phone, &mut programme.hub).unwrap();
    assert!(matches!(agreement, Agreement::Without(_)));
    let runs = programme.hub.kept_aside(certificate, None).unwrap();
    let page = |runs: Vec<Run>| message(runs).encode();
    let read = |bytes: &[u8]| programme.coordinator.read_aside(TEAM, certificate, bytes).unwrap();
    let aside = read(&page(runs.clone()));
    assert_eq!(aside.entries.iter().map(|e| e.id.record()).collect::<Vec<_>>(), [id]);
    // The same log, gone on with by somebody who has not the device's key.
    let mut made_up = runs[0].clone();
    made_up.signature = [7; 64];
    assert!(read(&page(vec![made_up])).entries.is_empty());
    let mut foreign = Written::new(&SEED, certificate, 0);
    foreign.add(17, None, creation());
    assert!(read(&page(vec![foreign.run()])).entries.is_empty());
}

#[test]
fn what_is_claimed_is_heard_up_to_the_first_bad_signature() {
    let mut programme = Programme::new();
    let certificate = hostile(&mut programme);
    let key = SigningKey::from_seed(&SEED);
    let mut signed: Vec<SignedTip> = (1..=3)
        .map(|number| {
            let log = Written::new(&SEED, certificate, number);
            let open =
                kitbag_core::log::payload::Open::decode(log.entries[0].payload.as_ref().unwrap());
            let tip = Tip { position: 7, id: EntryId([number; 32]) };
            SignedTip {
                log: log.log,
                open: open.unwrap(),
                tip,
                signature: sign(&key, log.log, tip),
            }
        })
        .collect();
    signed[1].signature = [9; 64];
    let claims = Message { signed, ..message(vec![]) };
    send(&mut programme.hub, &claims);
    let missing = programme.hub.known_missing(Some(TEAM)).unwrap();
    assert_eq!((missing.entries, missing.devices), (7, 1), "the first alone");
}

#[test]
fn a_revocation_keeps_no_tip_that_its_device_did_not_sign() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    let id = phone.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut phone);
    programme.sync_coordinator();
    let mut kept = programme.coordinator.store().tips_to_keep(certificate).unwrap();
    assert_eq!(kept.len(), 1);
    kept[0].signature = [9; 64];
    // A stolen coordinator's key revokes so that nobody could hand on what it seems to keep.
    let revoke = Administration::Revoke { certificate, kept };
    programme.coordinator.administer(TEAM, &revoke).unwrap();
    programme.sync_coordinator();
    programme.settle();
    let (mut newcomer, _) = programme.worker();
    programme.sync_coordinator();
    assert_eq!(sync_through(&mut newcomer, &mut programme.hub).unwrap(), Agreement::Whole);
    for store in [&programme.hub, programme.coordinator.store(), newcomer.store()] {
        assert!(!store.record_ids(TEAM).unwrap().contains(&id), "it keeps nothing, anywhere");
    }
}

#[test]
fn a_worker_asks_for_a_thousand_erasures_at_most() {
    let mut programme = Programme::new();
    let certificate = hostile(&mut programme);
    let mut log = Written::new(&SEED, certificate, 0);
    for number in 0..3_u8 {
        let records = (0..500_u16).map(|at| {
            let mut id = [number; 16];
            id[..2].copy_from_slice(&at.to_be_bytes());
            kitbag_core::model::RecordId(id)
        });
        let ask = Administration::AskErase { records: records.collect() };
        log.add(kind::ASK_ERASE, None, ask.encode());
    }
    assert_eq!(send(&mut programme.hub, &message(vec![log.run()])), 0);
    programme.sync_coordinator();
    assert_eq!(programme.coordinator.asked_erasures().unwrap().len(), 1_000);
}

#[test]
fn what_a_hub_judges_is_charged_to_whose_entry_made_it() {
    let mut programme = Programme::new();
    let certificate = hostile(&mut programme);
    let (mut colleague, _) = programme.worker();
    let id = colleague.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut colleague);
    programme.settle();
    let judged = programme.hub.take_judged_for();
    assert_eq!(judged.get(&colleague.device_key()), Some(&1));
    // Changes of her record that her role lets nobody else write: refused, and judged all the same.
    let entries = programme.hub.entries().unwrap();
    let creation = entries.iter().find(|entry| entry.record == Some(id)).unwrap().id;
    let mut log = Written::new(&SEED, certificate, 0);
    for number in 0..20_u64 {
        let (salt, at) = (number.to_be_bytes(), UnixMillis(1_520_000_000_000));
        let operations = vec![kitbag_core::model::Operation::put("outcome", "died")];
        let payload = RecordPayload { salt, at, after: vec![creation], operations };
        log.add(17, Some(creation), payload.encode());
    }
    assert_eq!(send(&mut programme.hub, &message(vec![log.run()])), 0);
    programme.settle();
    let judged = programme.hub.take_judged_for();
    let author = SigningKey::from_seed(&SEED).device_key();
    assert_eq!(judged.into_iter().collect::<Vec<_>>(), [(author, 21)]);
}
