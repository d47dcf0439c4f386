//! What a device wrote itself: it is sent before all else, told of when it was accepted, and settled at once
//! whatever others wrote beside it.

use super::programme::{
    HOSTILE, NOW, Programme, TEAM, as_response, aside, counted, key, message, reversal, send_as,
    sync_through, synced,
};
use super::written::{Written, creation};
use kitbag_core::engine::{BundleOf, Engine, EngineError, Environment};
use kitbag_core::identity::{HubAddress, Role, SigningKey};
use kitbag_core::log::entry::{Tip, kind};
use kitbag_core::log::payload::{AFTER_MAX, Administration, RecordPayload};
use kitbag_core::log::run::Run;
use kitbag_core::model::{DeviceKey, EntryId, Operation, RecordId, TeamId};
use kitbag_core::store::{Delivery, Reason, Settling, Store};
use kitbag_core::sync::{self, Agreement, Message};

fn hostile(programme: &mut Programme) -> (EntryId, DeviceKey) {
    let key = SigningKey::from_seed(&HOSTILE).device_key();
    let enrolment = programme.coordinator.certify(key, Role::Worker, TEAM).unwrap();
    programme.sync_coordinator();
    (enrolment.certificate, key)
}

/// Hands a device what a hub holds, by no sync of its own.
fn hand_all(engine: &mut Engine, hub: &Store) {
    let teams = [TeamId::PROGRAMME, TEAM];
    let runs = hub.runs_lacked(&teams, &Default::default(), None, u64::MAX).unwrap();
    let mut session = engine.session();
    engine.request(&mut session).unwrap();
    engine.reply(&mut session, &as_response(message(runs))).unwrap();
}

#[test]
fn a_phone_that_hears_of_its_revocation_first_still_offers_what_it_hides() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    phone.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut phone);
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    let id = phone.record(TEAM, &reversal("died")).unwrap();
    hand_all(&mut phone, &programme.hub);
    assert_eq!(phone.status().unwrap().waiting.aside, 1);
    let (session, _) = synced(&mut phone, &mut programme.hub);
    let kept = aside(&programme.hub, certificate);
    assert_eq!(kept.iter().map(|entry| entry.id.record()).collect::<Vec<_>>(), [id]);
    assert!(matches!(phone.leave(TEAM, &session), Err(EngineError::WouldLose { waiting: 1 })));
    programme.coordinator.accept(TEAM, &[kept[0].id]).unwrap();
    programme.sync_coordinator();
    programme.settle();
    assert_eq!(counted(&programme.hub), 2);
    let (session, _) = synced(&mut phone, &mut programme.hub);
    assert_eq!(phone.status().unwrap().waiting.aside, 0);
    assert_eq!(phone.delivery(id).unwrap(), Delivery::OnHub);
    phone.leave(TEAM, &session).unwrap();
}

#[test]
fn what_the_hub_had_before_a_revocation_that_does_not_keep_it_is_aside_and_said_so() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    let kept = phone.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut phone);
    programme.sync_coordinator();
    let id = phone.record(TEAM, &reversal("died")).unwrap();
    programme.sync(&mut phone);
    assert_eq!(phone.delivery(id).unwrap(), Delivery::OnHub);
    // Who revokes has not seen the second.
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    programme.settle();
    assert_eq!(counted(&programme.hub), 1);
    for _ in 0..3 {
        let (session, _) = synced(&mut phone, &mut programme.hub);
        assert_eq!(phone.delivery(id).unwrap(), Delivery::Aside(Reason::Revoked));
        assert_eq!(phone.delivery(kept).unwrap(), Delivery::OnHub);
        assert_eq!(phone.status().unwrap().waiting.aside, 1);
        assert!(matches!(phone.leave(TEAM, &session), Err(EngineError::WouldLose { .. })));
    }
    let aside = aside(&programme.hub, certificate);
    assert_eq!(aside.iter().map(|entry| entry.id.record()).collect::<Vec<_>>(), [id]);
    programme.coordinator.accept(TEAM, &[aside[0].id]).unwrap();
    programme.sync_coordinator();
    programme.settle();
    assert_eq!(counted(&programme.hub), 2);
    let (session, _) = synced(&mut phone, &mut programme.hub);
    assert_eq!(phone.delivery(id).unwrap(), Delivery::OnHub);
    phone.leave(TEAM, &session).unwrap();
}

#[test]
fn a_revoked_phone_is_told_what_was_accepted_and_of_no_other() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    let one = phone.record(TEAM, &reversal("survived")).unwrap();
    let other = phone.record(TEAM, &reversal("died")).unwrap();
    _ = synced(&mut phone, &mut programme.hub);
    assert_eq!(phone.status().unwrap().waiting.aside, 2);
    let kept = aside(&programme.hub, certificate);
    let accepted = kept.iter().find(|entry| entry.id.record() == one).unwrap().id;
    programme.coordinator.accept(TEAM, &[accepted]).unwrap();
    programme.sync_coordinator();
    let (session, _) = synced(&mut phone, &mut programme.hub);
    assert_eq!(phone.delivery(one).unwrap(), Delivery::OnHub);
    assert_eq!(phone.delivery(other).unwrap(), Delivery::Aside(Reason::Revoked));
    assert_eq!(phone.status().unwrap().waiting.aside, 1);
    assert!(phone.leave(TEAM, &session).is_err());
    let rest = kept.iter().find(|entry| entry.id.record() == other).unwrap().id;
    programme.coordinator.accept(TEAM, &[rest]).unwrap();
    programme.sync_coordinator();
    // A colleague's accepted entries are none of this phone's business.
    let told = programme.hub.carried_of(programme.coordinator.device_key(), &[TEAM]);
    assert!(told.iter().all(|(_, tip)| !tip.is_alone()));
    let (session, _) = synced(&mut phone, &mut programme.hub);
    phone.leave(TEAM, &session).unwrap();
}

#[test]
fn however_much_was_revoked_and_erased_a_device_can_join() {
    let mut programme = Programme::new();
    for n in 0..40_u64 {
        let record = |m: u64| {
            let hash = blake3::hash(&(n * 1_000 + m).to_be_bytes());
            RecordId(hash.as_bytes()[..16].try_into().unwrap())
        };
        let records: Vec<RecordId> = (0..1_000).map(record).collect();
        programme.root.erase(TEAM, &records).unwrap();
        programme.coordinator.ask_erasure(TEAM, &records).unwrap();
    }
    let (_, certificate) = programme.worker();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_root();
    programme.sync_coordinator();
    let hub = HubAddress { at: "127.0.0.1:1".into(), pins: vec![DeviceKey([7; 32])] };
    let invitation = programme.coordinator.invite(&hub, TEAM, Role::Worker).unwrap();
    let path = programme.folder.path().join("new");
    let root = programme.root.root();
    let mut new = Engine::device(&path, &key(), root, Environment::system()).unwrap();
    let (request, _) = new.ask_to_join(&invitation).unwrap();
    let request = invitation.read_request(&request).unwrap();
    let reply = programme.coordinator.approve(&invitation, &request).unwrap();
    assert!(reply.len() < 16 << 10, "{} bytes prove one certificate", reply.len());
    new.join_by(&invitation, &reply).unwrap();
    new.record(TEAM, &reversal("survived")).unwrap();
    programme.sync_coordinator();
    programme.sync(&mut new);
    programme.settle();
    assert_eq!(counted(&programme.hub), 1);
}

/// A colleague's many records, in runs of fifty, as a bundle brings them.
fn flood(programme: &mut Programme, certificate: EntryId) -> Vec<u8> {
    let (mut courier, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut courier);
    let mut log = Written::new(&HOSTILE, certificate, 0);
    let mut runs: Vec<Run> = Vec::new();
    for n in 0..1_000_u64 {
        let mut operations = reversal("died").operations().unwrap();
        let noise = blake3::hash(&n.to_be_bytes()).to_string();
        operations.push(Operation::put("import_key", noise.as_str()));
        let payload = RecordPayload { salt: n.to_be_bytes(), at: NOW, after: vec![], operations };
        log.add(17, None, payload.encode());
        if n % 50 == 49 {
            runs.push(log.run());
        }
    }
    let mut session = courier.session();
    courier.request(&mut session).unwrap();
    courier.reply(&mut session, &as_response(message(runs))).unwrap();
    let mut file = Vec::new();
    courier.export_bundle(TEAM, BundleOf::Everything, &mut file, |_| ()).unwrap();
    file
}

#[test]
fn ones_own_goes_first_and_a_budget_is_kept_whatever_a_bundle_brought() {
    let mut programme = Programme::new();
    let (certificate, _) = hostile(&mut programme);
    let (mut phone, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut phone);
    let file = flood(&mut programme, certificate);
    phone.import_bundle(&mut file.as_slice(), |_| ()).unwrap();
    let id = phone.record(TEAM, &reversal("survived")).unwrap();
    for budget in [3_000, 3_000, 20_000, 20_000] {
        let (device, mut session, mut sent) = (phone.device_key(), phone.session(), 0);
        session.limit_upload(budget);
        let hub = &mut programme.hub;
        let carried: Result<Agreement, EngineError> = phone.carry(&mut session, |request, _| {
            sent += request.len() as u64;
            Ok(sync::respond(hub, device, NOW, &request)?)
        });
        assert!(matches!(carried, Ok(Agreement::Partial { waiting: 1.. })), "{carried:?}");
        assert_eq!(phone.delivery(id).unwrap(), Delivery::OnHub);
        assert!(sent <= budget * 2, "{sent} bytes of {budget}");
    }
    let whole = sync_through(&mut phone, &mut programme.hub).unwrap();
    assert_eq!(whole, Agreement::Whole);
}

#[test]
fn a_correction_over_thousands_of_heads_is_saved_at_once_or_not_at_all() {
    let mut programme = Programme::new();
    let (certificate, device) = hostile(&mut programme);
    let mut log = Written::new(&HOSTILE, certificate, 0);
    let creation_id = log.add(17, None, creation());
    send_as(&mut programme.hub, device, &message(vec![log.run()]));
    let record = creation_id.record();
    let many = AFTER_MAX * 3 + 7;
    for n in 0..many {
        if n % 400 == 0 {
            log = Written::new(&HOSTILE, certificate, 1 + (n / 400) as u8);
        }
        let operations =
            vec![Operation::put("outcome", if n % 2 == 0 { "died" } else { "unknown" })];
        let after = vec![creation_id];
        let payload = RecordPayload { salt: n.to_be_bytes(), at: NOW, after, operations };
        log.add(17, Some(creation_id), payload.encode());
        if n % 400 == 399 || n + 1 == many {
            send_as(&mut programme.hub, device, &message(vec![log.run()]));
        }
    }
    programme.settle();
    programme.sync_coordinator();
    let coordinator = &mut programme.coordinator;
    let heads = coordinator.get(creation_id.record()).unwrap().heads.len() as u64;
    assert_eq!(heads, many);
    let before = coordinator.store().entries().unwrap().len() as u64;
    coordinator.correct(record, "outcome", "survived").unwrap();
    let corrected = coordinator.get(creation_id.record()).unwrap();
    assert_eq!((corrected.heads.len(), corrected.conflicts().count()), (1, 0));
    let entries = coordinator.store().entries().unwrap().len() as u64 - before;
    assert_eq!(
        entries,
        1 + 1 + 3,
        "what opens the log, the correction, and three that bring heads together"
    );
    programme.sync_coordinator();
    programme.settle();
    assert_eq!(programme.hub.record(creation_id.record()).unwrap().unwrap().heads, corrected.heads);
}

#[test]
fn nobodys_records_hide_what_others_saved_twice() {
    let mut programme = Programme::new();
    let (certificate, device) = hostile(&mut programme);
    let (mut phone, _) = programme.worker();
    programme.sync_coordinator();
    for _ in 0..2 {
        phone.record(TEAM, &reversal("survived")).unwrap();
    }
    let mut log = Written::new(&HOSTILE, certificate, 0);
    for n in 0..1_500_u64 {
        let operations = reversal("died").operations().unwrap();
        let payload = RecordPayload { salt: n.to_be_bytes(), at: NOW, after: vec![], operations };
        log.add(17, None, payload.encode());
    }
    send_as(&mut programme.hub, device, &message(vec![log.run()]));
    programme.sync(&mut phone);
    let found = phone.suspected_duplicates(0).unwrap();
    let is_ours = |id: RecordId| phone.get(id).unwrap().author == phone.device_key();
    assert_eq!(found.len(), 1_000);
    assert!(found.iter().any(|pair| is_ours(pair.one) && is_ours(pair.other)));
}

#[test]
fn what_is_aside_on_a_hub_tells_the_same_however_its_log_goes_on() {
    let mut programme = Programme::new();
    let (certificate, device) = hostile(&mut programme);
    let mut log = Written::new(&HOSTILE, certificate, 0);
    let open = log.tip;
    let mut runs = vec![log.run()];
    log.add(kind::ERASE, None, Administration::Erase { team: TEAM, records: vec![] }.encode());
    runs.push(log.run());
    log.add(17, None, creation());
    runs.push(log.run());
    for n in 0..20_u8 {
        log.tip = open;
        for m in 0..=n % 3 {
            let operations = reversal("died").operations().unwrap();
            let salt = [n, m, 0, 0, 0, 0, 0, 0];
            let payload = RecordPayload { salt, at: NOW, after: vec![], operations };
            log.add(17, None, payload.encode());
        }
        runs.push(log.run());
    }
    for run in runs {
        send_as(&mut programme.hub, device, &message(vec![run]));
    }
    let (one, clock) = (programme.hub.clock_digest(&[TEAM]), programme.hub.clock(&[TEAM]));
    let root = programme.root.root();
    let Programme { folder, hub, .. } = programme;
    drop(hub);
    let path = folder.path().join("hub");
    let again = Store::open(&path, &key(), Some(root), None, Settling::Behind).unwrap();
    assert_eq!(again.clock(&[TEAM]), clock);
    assert_eq!(again.clock_digest(&[TEAM]), one, "as if it were looked at from nothing");
    assert_eq!(clock[&log.log].len(), 21);
}

#[test]
fn what_leaves_a_log_at_its_end_is_carried_nowhere() {
    let mut programme = Programme::new();
    let (certificate, device) = hostile(&mut programme);
    let (mut phone, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut phone);
    let mut log = Written::new(&HOSTILE, certificate, 0);
    log.add(kind::ERASE, None, Administration::Erase { team: TEAM, records: vec![] }.encode());
    send_as(&mut programme.hub, device, &message(vec![log.run()]));
    let end = log.tip;
    for n in 0..3_u64 {
        log.tip = end;
        let operations = reversal("died").operations().unwrap();
        let payload = RecordPayload { salt: n.to_be_bytes(), at: NOW, after: vec![], operations };
        log.add(17, None, payload.encode());
        assert_eq!(send_as(&mut programme.hub, device, &message(vec![log.run()])).len(), 1);
    }
    programme.settle();
    assert_eq!(counted(&programme.hub), 0);
    assert_eq!(programme.hub.clock(&[TEAM])[&log.log], [end]);
    assert_eq!(sync_through(&mut phone, &mut programme.hub).unwrap(), Agreement::Whole);
}

#[test]
fn all_that_a_hub_has_room_for_aside_gets_there_and_what_is_accepted_makes_room() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    for _ in 0..1_200_u32 {
        phone.record(TEAM, &reversal("survived")).unwrap();
    }
    for round in 1..=6 {
        let (session, _) = synced(&mut phone, &mut programme.hub);
        let kept = aside(&programme.hub, certificate);
        let is_new = |entry: &EntryId| !programme.coordinator.store().carries(entry).unwrap();
        let new: Vec<EntryId> = kept.iter().map(|entry| entry.id).filter(is_new).collect();
        programme.coordinator.accept(TEAM, &new).unwrap();
        programme.sync_coordinator();
        programme.settle();
        if counted(&programme.hub) == 1_200 {
            let (session, _) = synced(&mut phone, &mut programme.hub);
            assert_eq!(phone.status().unwrap().waiting.aside, 0, "in round {round}");
            phone.leave(TEAM, &session).unwrap();
            return;
        }
        assert!(phone.leave(TEAM, &session).is_err());
    }
    panic!("{} of 1,200 were accepted", counted(&programme.hub));
}

#[test]
fn what_a_hub_said_is_accepted_and_does_not_say_any_more_is_aside_again() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut phone);
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    assert_eq!(
        aside(&programme.hub, certificate),
        [],
        "nothing is aside of a log that nothing cuts"
    );
    let id = phone.record(TEAM, &reversal("survived")).unwrap();
    _ = synced(&mut phone, &mut programme.hub);
    assert_eq!(phone.delivery(id).unwrap(), Delivery::Aside(Reason::Revoked));
    let entries = phone.store().entries().unwrap();
    let own = entries.iter().find(|entry| entry.id.record() == id).unwrap();
    let mut points = sync::Frontier::default();
    points.insert(own.log, vec![Tip::alone(own.id)]);
    let mut session = phone.session();
    phone.request(&mut session).unwrap();
    let lie = Message { points, ..Message::default() };
    phone.reply(&mut session, &as_response(lie)).unwrap();
    assert_eq!(phone.delivery(id).unwrap(), Delivery::OnHub, "a hub is believed while it says so");
    let (session, _) = synced(&mut phone, &mut programme.hub);
    assert_eq!(phone.delivery(id).unwrap(), Delivery::Aside(Reason::Revoked));
    assert!(phone.leave(TEAM, &session).is_err());
}
