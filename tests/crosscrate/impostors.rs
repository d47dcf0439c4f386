//! What one says is never taken for another's: a signature, a place in a chain, a word.

use super::programme::{Programme, TEAM, counted, key, message, reversal, send_as, sync_through};
use super::written::{Written, creation};
use kitbag_core::engine::{Engine, Environment};
use kitbag_core::identity::{Role, SigningKey};
use kitbag_core::log::entry::{Entry, Tip, sign};
use kitbag_core::log::payload::{Administration, Open};
use kitbag_core::log::run::{Brought, Run, RunEntry, SignedTip};
use kitbag_core::model::{DeviceKey, EntryId, RecordId, TeamId, Value};
use kitbag_core::store::{Delivery, Reason, Store};
use kitbag_core::sync::{Agreement, Message};

const SEED: [u8; 32] = [66; 32];

/// A certified worker whose device writes what it likes.
fn hostile(programme: &mut Programme) -> EntryId {
    let key = SigningKey::from_seed(&SEED).device_key();
    let enrolment = programme.coordinator.certify(key, Role::Worker, TEAM).unwrap();
    programme.sync_coordinator();
    enrolment.certificate
}

/// Sends a message as this device; how many runs were turned away.
fn send(hub: &mut Store, device: DeviceKey, message: &Message) -> usize {
    send_as(hub, device, message).len()
}

fn creation_of(store: &Store, record: RecordId) -> EntryId {
    let entries = store.entries().unwrap();
    entries.iter().find(|entry| entry.record == Some(record)).unwrap().id
}

fn recorded(engine: &mut Engine, count: usize) -> Vec<RecordId> {
    (0..count).map(|_| engine.record(TEAM, &reversal("survived")).unwrap()).collect()
}

#[test]
fn a_sign_over_a_colleagues_entry_is_not_taken_for_the_colleagues() {
    let mut programme = Programme::new();
    let certificate = hostile(&mut programme);
    let (mut victim, _) = programme.worker();
    programme.sync_coordinator();
    let ids = recorded(&mut victim, 30);
    programme.sync(&mut victim);
    let own = SigningKey::from_seed(&SEED);
    let log = Written::new(&SEED, certificate, 0);
    let open = Open::decode(log.entries[0].payload.as_ref().unwrap()).unwrap();
    let held = programme.hub.entries().unwrap();
    let of_victim = held.iter().find(|entry| entry.record == Some(ids[0])).unwrap().log;
    let over_theirs = held.iter().filter(|entry| entry.log == of_victim && entry.position > 1);
    let signed: Vec<SignedTip> = over_theirs
        .map(|entry| {
            let tip = Tip { position: entry.position, id: entry.id };
            SignedTip { log: log.log, open: open.clone(), tip, signature: sign(&own, log.log, tip) }
        })
        .collect();
    assert!(signed.len() >= 30);
    let poison = Message { signed, ..message(vec![]) };
    send(&mut programme.hub, own.device_key(), &poison);
    // Small pages end where signatures are.
    programme.hub.limit_pages(20);
    let (mut newcomer, _) = programme.worker();
    programme.sync_coordinator();
    assert_eq!(sync_through(&mut newcomer, &mut programme.hub).unwrap(), Agreement::Whole);
    assert_eq!(counted(newcomer.store()), 30);
}

#[test]
fn what_is_accepted_says_nothing_of_what_lies_before_it() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    let kept = recorded(&mut phone, 1);
    programme.sync(&mut phone);
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    let aside = recorded(&mut phone, 3);
    let _ = sync_through(&mut phone, &mut programme.hub);
    let last = creation_of(&programme.hub, aside[2]);
    programme.coordinator.accept(TEAM, &[last]).unwrap();
    programme.sync_coordinator();
    programme.settle();
    recorded(&mut phone, 1);
    let _ = sync_through(&mut phone, &mut programme.hub);
    assert_eq!(counted(&programme.hub), 2, "the kept one, and the accepted one");
    assert_eq!(phone.delivery(kept[0]).unwrap(), Delivery::OnHub);
    for id in &aside[..2] {
        assert_eq!(phone.delivery(*id).unwrap(), Delivery::Aside(Reason::Revoked));
    }
}

#[test]
fn what_was_accepted_keeps_nothing_back_once_its_revocation_falls() {
    let mut programme = Programme::new();
    let path = programme.folder.path().join("second");
    let mut second =
        Engine::device(&path, &key(), programme.root.root(), Environment::system()).unwrap();
    let enrolment = programme.root.certify(second.device_key(), Role::Coordinator, TEAM).unwrap();
    second.join(&enrolment).unwrap();
    programme.sync_root();
    let (mut phone, certificate) = programme.worker();
    let (mut colleague, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut second);
    recorded(&mut phone, 1);
    programme.sync(&mut phone);
    programme.sync_coordinator();
    programme.sync(&mut colleague);
    let first = programme.coordinator.device_key();
    let members: Vec<_> = programme.hub.authority().members(TEAM).collect();
    let of_first = members.iter().find(|(_, device, _)| *device == first).unwrap().0;
    let kept = programme.hub.tips_to_keep(of_first).unwrap();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    let ids = recorded(&mut phone, 3);
    let _ = sync_through(&mut phone, &mut programme.hub);
    let last = creation_of(&programme.hub, ids[2]);
    programme.sync(&mut second);
    second.accept(TEAM, &[last]).unwrap();
    programme.sync(&mut second);
    programme.settle();
    programme.sync(&mut colleague);
    assert_eq!((counted(&programme.hub), counted(colleague.store())), (2, 2));
    // The root cuts whoever revoked, as before the revocation.
    let revoke = Administration::Revoke { certificate: of_first, kept };
    programme.root.administer(TeamId::PROGRAMME, &revoke).unwrap();
    programme.sync_root();
    programme.settle();
    for engine in [&mut colleague, &mut second] {
        assert_eq!(sync_through(engine, &mut programme.hub).unwrap(), Agreement::Whole);
        assert_eq!(counted(engine.store()), 4);
    }
    assert_eq!(counted(&programme.hub), 4);
}

#[test]
fn an_acceptance_brings_in_what_it_names_and_no_run_without_a_signature() {
    let mut programme = Programme::new();
    let (mut victim, _) = programme.worker();
    programme.sync_coordinator();
    let id = recorded(&mut victim, 1)[0];
    programme.sync(&mut victim);
    programme.settle();
    let runs = programme.hub.runs_lacked(&[TEAM], &sync_peer(), None, u64::MAX).unwrap();
    let of_victim = |run: &&Run| run.expand().iter().any(|entry| entry.record() == Some(id));
    let run = runs.iter().find(of_victim).unwrap();
    let open = run.opening().unwrap().unwrap();
    // A coordinator makes up what the victim never wrote, accepts the last of it, and sends all.
    let mut tip = run.expand()[0].tip();
    let mut made_up = Vec::new();
    for _ in 0..3 {
        let entry = Entry::new(run.log, Some(tip), (17, 1), None, creation());
        tip = entry.tip();
        made_up.push(entry);
    }
    programme.coordinator.accept(TEAM, &[tip.id]).unwrap();
    programme.sync_coordinator();
    let device = programme.coordinator.device_key();
    let (last, previous) = (&made_up[2], made_up[1].id);
    let entry = RunEntry::of(last);
    let brought = Brought { open, position: last.header.position, previous, entry };
    let alone = Message { brought: vec![brought], ..message(vec![]) };
    assert_eq!(send(&mut programme.hub, device, &alone), 0);
    let unsigned = message(vec![Run::of(&made_up, [7; 64]).unwrap()]);
    assert_eq!(send(&mut programme.hub, device, &unsigned), 1, "its signature is looked at");
    programme.settle();
    assert_eq!(counted(&programme.hub), 2, "the victim's, and the one that was accepted");
    assert_eq!(sync_through(&mut victim, &mut programme.hub).unwrap(), Agreement::Whole);
}

fn sync_peer() -> kitbag_core::store::Peer {
    kitbag_core::store::Peer::default()
}

#[test]
fn verdicts_of_kinds_that_nobody_knows_are_equal_whatever_came_first() {
    for of_kind in [0, 12, 200] {
        let mut programme = Programme::new();
        let certificate = hostile(&mut programme);
        let mut log = Written::new(&SEED, certificate, 0);
        log.add(of_kind, None, vec![1, 2, 3]);
        let device = SigningKey::from_seed(&SEED).device_key();
        assert_eq!(send(&mut programme.hub, device, &message(vec![log.run()])), 0);
        // The coordinator has not seen it: nothing is kept.
        programme.coordinator.revoke(TEAM, certificate).unwrap();
        programme.sync_coordinator();
        programme.settle();
        programme.sync_coordinator();
        let ours = programme.hub.digests(&[TEAM]).unwrap();
        let theirs = programme.coordinator.store().digests(&[TEAM]).unwrap();
        assert_eq!(ours[0].verdicts, theirs[0].verdicts, "kind {of_kind}");
    }
}

#[test]
fn a_coordinators_link_stays_whoever_says_the_same() {
    let mut programme = Programme::new();
    let (mut one, _) = programme.worker();
    let (mut two, _) = programme.worker();
    programme.sync_coordinator();
    let a = recorded(&mut one, 1)[0];
    let b = recorded(&mut two, 1)[0];
    for engine in [&mut one, &mut two] {
        programme.sync(engine);
    }
    programme.sync(&mut one);
    programme.sync_coordinator();
    let link = Value::Text(b.to_string());
    programme.coordinator.correct(a, "duplicate_of", link.clone()).unwrap();
    programme.sync_coordinator();
    programme.settle();
    assert_eq!(counted(&programme.hub), 1);
    one.correct(a, "duplicate_of", link).unwrap();
    programme.sync(&mut one);
    programme.settle();
    assert_eq!(counted(&programme.hub), 1, "the coordinator's word holds");
}

#[test]
fn what_is_erased_weighs_the_same_whenever_the_erasure_came() {
    let mut programme = Programme::new();
    let certificate = hostile(&mut programme);
    let device = SigningKey::from_seed(&SEED).device_key();
    let mut log = Written::new(&SEED, certificate, 0);
    let record = log.add(17, None, creation());
    let open = log.run();
    // Of a version to come, and together heavier than what is kept of that.
    let mut heavy = || {
        (0..150).for_each(|_| _ = log.add_of((17, 999), Some(record), vec![7; 4_000]));
        log.run()
    };
    let (first, second) = (heavy(), heavy());
    let before = message(vec![open.clone(), first.clone()]);
    assert_eq!(send(&mut programme.hub, device, &before), 0);
    assert_eq!(send(&mut programme.hub, device, &message(vec![second.clone()])), 1, "too heavy");
    programme.root.erase(TEAM, &[record.record()]).unwrap();
    programme.sync_root();
    programme.settle();
    // A store that hears of the erasure first, and one that took a part before it.
    let (mut newcomer, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut newcomer);
    assert_eq!(send(&mut programme.hub, device, &message(vec![second])), 0, "now it weighs little");
    programme.settle();
    assert_eq!(sync_through(&mut newcomer, &mut programme.hub).unwrap(), Agreement::Whole);
    assert_eq!(
        sync_through(&mut programme.coordinator, &mut programme.hub).unwrap(),
        Agreement::Whole
    );
    assert_eq!(programme.hub.tips(&first.log), newcomer.store().tips(&first.log));
    assert_eq!(programme.hub.tips(&first.log)[0].position, 302);
}
