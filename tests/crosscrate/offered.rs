//! What a device offers again, and to whom: to a hub that keeps little aside, that was put back, or that does
//! not know it any more.

use super::programme::{
    HOSTILE, NOW, Programme, STOLEN, TEAM, aside, certified, counted, device, heavy, key, message,
    reversal, send_as, stolen,
};
use super::written::{Written, creation};
use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::{HubAddress, Role};
use kitbag_core::log::entry::{Tip, kind, sign};
use kitbag_core::log::payload::{Administration, KeptTip, RecordPayload};
use kitbag_core::model::{DeviceKey, EntryId, LogId, TeamId};
use kitbag_core::store::{Delivery, Settling, Store};
use kitbag_core::sync::{self, Agreement, Message};
use std::collections::BTreeSet;
use std::path::Path;

/// A revoked worker's phone.
fn revoked(programme: &mut Programme) -> (Engine, EntryId) {
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut phone);
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    programme.settle();
    (phone, certificate)
}

/// Syncs by an upload budget, or none, with a hub that reads 16 KiB of a key without a certificate; how it ended
/// and how many entries of its own went out.
fn synced(
    engine: &mut Engine,
    hub: &mut Store,
    budget: Option<u64>,
) -> (Result<Agreement, EngineError>, usize) {
    let (device, mut session) = (engine.device_key(), engine.session());
    if let Some(budget) = budget {
        session.limit_upload(budget);
    }
    let own = engine.store().chains().iter().filter(|(_, info)| info.key == device);
    let own: BTreeSet<LogId> = own.map(|(log, _)| *log).collect();
    let mut entries = 0;
    let how = engine.carry(&mut session, |request, _| {
        assert!(hub.authority().has_certificate(device) || request.len() <= 16 << 10);
        let message = Message::decode(&request).unwrap();
        let of_own = message.runs.iter().flatten().filter(|run| own.contains(&run.log));
        entries += of_own.map(|run| run.entries.len()).sum::<usize>();
        sync::respond(hub, device, NOW, &request).map_err(EngineError::from)
    });
    engine.note_sync(&session, how.as_ref().err().map(|error| error.as_sync_fault())).unwrap();
    (how, entries)
}

/// Accepts all records aside that the coordinator does not carry, but for one.
fn accept_aside(programme: &mut Programme, certificate: EntryId, but: Option<EntryId>) {
    let kept = aside(&programme.hub, certificate);
    let is_new =
        |id: &EntryId| Some(*id) != but && !programme.coordinator.store().carries(id).unwrap();
    let records = kept.iter().filter(|entry| entry.header.kind >= kind::RECORDS_FROM);
    let new: Vec<EntryId> = records.map(|entry| entry.id).filter(is_new).collect();
    if !new.is_empty() {
        programme.coordinator.accept(TEAM, &new).unwrap();
    }
    programme.sync_coordinator();
    programme.settle();
}

fn salted(salt: u64) -> Vec<u8> {
    let operations = reversal("died").operations().unwrap();
    RecordPayload { salt: salt.to_be_bytes(), at: NOW, after: vec![], operations }.encode()
}

/// A hub's file aside, and back.
struct Backup {
    copy: Vec<u8>,
}

impl Backup {
    fn hub(programme: &Programme, name: &str) -> Store {
        let (path, root) = (programme.folder.path().join(name), Some(programme.root.root()));
        Store::open(&path, &key(), root, None, Settling::Behind).unwrap()
    }

    fn take(programme: &mut Programme) -> Self {
        programme.hub = Self::hub(programme, "elsewhere");
        let copy = std::fs::read(programme.folder.path().join("hub")).unwrap();
        programme.hub = Self::hub(programme, "hub");
        Backup { copy }
    }

    fn put_back(&self, programme: &mut Programme) {
        programme.hub = Self::hub(programme, "elsewhere");
        put_back(&programme.folder.path().join("hub"), &self.copy);
        programme.hub = Self::hub(programme, "hub");
    }
}

fn put_back(path: &Path, copy: &[u8]) {
    for ending in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(ending);
        _ = std::fs::remove_file(beside);
    }
    std::fs::write(path, copy).unwrap();
}

#[test]
fn a_kept_tip_that_names_another_logs_entry_keeps_nobody_from_syncing() {
    let mut programme = Programme::new();
    let of = (certified(&mut programme, &HOSTILE), stolen(&mut programme));
    let (mut phone, _) = programme.worker();
    let (mut other, _) = programme.worker();
    programme.sync_coordinator();
    let id = phone.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut phone);
    let mut log = Written::new(&HOSTILE, of.0, 0);
    (0..9).for_each(|_| _ = log.add(17, None, creation()));
    send_as(&mut programme.hub, device(&HOSTILE), &message(vec![log.run()]));
    programme.sync(&mut other);
    programme.sync_coordinator();
    (0..10).for_each(|_| _ = log.add(17, None, creation()));
    send_as(&mut programme.hub, device(&HOSTILE), &message(vec![log.run()]));
    let entries = phone.store().entries().unwrap();
    let honest = entries.iter().find(|entry| entry.id.record() == id).unwrap().id;
    let tip = Tip { position: 20, id: honest };
    let kept = vec![KeptTip { log: log.log, tip, signature: sign(&log.key, log.log, tip) }];
    let mut admin = Written::new(&STOLEN, of.1, 0);
    admin.add(kind::REVOKE, None, Administration::Revoke { certificate: of.0, kept }.encode());
    send_as(&mut programme.hub, device(&STOLEN), &message(vec![admin.run()]));
    programme.settle();
    // As where a page is full of other things.
    programme.hub.limit_pages(3);
    programme.sync_coordinator();
    assert_eq!(synced(&mut other, &mut programme.hub, None).0.unwrap(), Agreement::Whole);
    assert_eq!(counted(&programme.hub), counted(other.store()));
}

#[test]
fn what_is_hidden_gets_to_the_hub_by_a_small_budget_too() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = revoked(&mut programme);
    for _ in 0..600 {
        phone.record(TEAM, &reversal("survived")).unwrap();
    }
    for _ in 0..8 {
        _ = synced(&mut phone, &mut programme.hub, Some(20_000));
        accept_aside(&mut programme, certificate, None);
    }
    assert_eq!(counted(&programme.hub), 600);
}

#[test]
fn one_that_nobody_accepts_keeps_none_behind_it_from_the_hub() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = revoked(&mut programme);
    let mistake = phone.record(TEAM, &reversal("died")).unwrap();
    let entries = phone.store().entries().unwrap();
    let mistake = entries.iter().find(|entry| entry.id.record() == mistake).map(|entry| entry.id);
    (0..200).for_each(|n| heavy(&mut phone, n));
    for _ in 0..6 {
        _ = synced(&mut phone, &mut programme.hub, None);
        accept_aside(&mut programme, certificate, mistake);
    }
    assert_eq!(counted(&programme.hub), 200);
    _ = synced(&mut phone, &mut programme.hub, None);
    assert_eq!(phone.status().unwrap().waiting.aside, 1);
    // And once all was offered, nothing goes out again.
    _ = synced(&mut phone, &mut programme.hub, None);
    assert_eq!(synced(&mut phone, &mut programme.hub, None).1, 0);
}

#[test]
fn what_was_accepted_comes_back_to_a_hub_that_was_put_back_and_takes_no_room_aside() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = revoked(&mut programme);
    let (mut colleague, _) = programme.worker();
    programme.sync_coordinator();
    programme.settle();
    let backup = Backup::take(&mut programme);
    for _ in 0..900 {
        phone.record(TEAM, &reversal("survived")).unwrap();
    }
    for _ in 0..3 {
        _ = synced(&mut phone, &mut programme.hub, None);
        accept_aside(&mut programme, certificate, None);
    }
    _ = synced(&mut phone, &mut programme.hub, None);
    programme.sync(&mut colleague);
    backup.put_back(&mut programme);
    let coordinator = &mut programme.coordinator;
    assert_eq!(synced(coordinator, &mut programme.hub, None).0.unwrap(), Agreement::Whole);
    programme.settle();
    assert_eq!(counted(&programme.hub), 900);
    for _ in 0..500 {
        phone.record(TEAM, &reversal("died")).unwrap();
    }
    for _ in 0..3 {
        _ = synced(&mut phone, &mut programme.hub, None);
        accept_aside(&mut programme, certificate, None);
    }
    assert_eq!(counted(&programme.hub), 1_400);
}

#[test]
fn a_phone_that_was_put_back_and_revoked_sends_nothing_that_the_hub_has() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    for _ in 0..300 {
        phone.record(TEAM, &reversal("survived")).unwrap();
    }
    programme.sync(&mut phone);
    let path = programme.folder.path().join("device-1");
    drop(phone);
    let copy = std::fs::read(&path).unwrap();
    let mut phone = Engine::open(&path, &key(), Environment::system()).unwrap();
    phone.record(TEAM, &reversal("died")).unwrap();
    programme.sync(&mut phone);
    drop(phone);
    put_back(&path, &copy);
    let mut phone = Engine::open(&path, &key(), Environment::system()).unwrap();
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    for _ in 0..3 {
        let (how, entries) = synced(&mut phone, &mut programme.hub, None);
        assert!(matches!(how, Ok(Agreement::Without(_))), "{how:?}");
        assert_eq!(entries, 0);
        assert_eq!(phone.status().unwrap().waiting.entries, 0);
    }
}

#[test]
fn a_phone_whose_certificate_fell_says_so_and_sends_its_own_once() {
    let mut programme = Programme::new();
    let path = |name: &str| programme.folder.path().join(name);
    let root = programme.root.root();
    let mut second = Engine::device(&path("c2"), &key(), root, Environment::system()).unwrap();
    let mut phone = Engine::device(&path("p"), &key(), root, Environment::system()).unwrap();
    let enrolment = programme.root.certify(second.device_key(), Role::Coordinator, TEAM).unwrap();
    second.join(&enrolment).unwrap();
    programme.sync_root();
    let of_phone = second.certify(phone.device_key(), Role::Worker, TEAM).unwrap();
    phone.join(&of_phone).unwrap();
    programme.sync(&mut second);
    (0..40).for_each(|n| heavy(&mut phone, n));
    programme.sync(&mut phone);
    // The root cuts the second coordinator before its certificates.
    let says = Administration::Revoke { certificate: enrolment.certificate, kept: vec![] };
    programme.root.administer(TeamId::PROGRAMME, &says).unwrap();
    programme.sync_root();
    programme.settle();
    assert_eq!(counted(&programme.hub), 0);
    for _ in 0..4 {
        _ = synced(&mut phone, &mut programme.hub, None);
    }
    let (how, entries) = synced(&mut phone, &mut programme.hub, None);
    assert!(matches!(how, Ok(Agreement::Without(_))), "{how:?}");
    assert_eq!(entries, 0);
    assert!(phone.status().unwrap().waiting.aside >= 40);
    // Once somebody accepts the certificate all counts again, and nothing is said to be aside.
    programme.sync_coordinator();
    programme.coordinator.accept(TEAM, &[of_phone.certificate]).unwrap();
    programme.sync_coordinator();
    programme.settle();
    assert_eq!(counted(&programme.hub), 40);
    for _ in 0..2 {
        _ = synced(&mut phone, &mut programme.hub, None);
    }
    assert!(phone.status().unwrap().is_synced);
}

#[test]
fn branches_that_only_signatures_behind_a_cut_cover_come_in_one_sync() {
    let mut programme = Programme::new();
    let of = (certified(&mut programme, &HOSTILE), stolen(&mut programme));
    let mut log = Written::new(&HOSTILE, of.0, 0);
    log.add(17, None, creation());
    let at = log.tip;
    let mut runs = vec![log.run()];
    for branch in 0..12_u64 {
        log.tip = at;
        (0..7).for_each(|m| _ = log.add(17, None, salted(branch * 100 + m)));
        runs.push(log.run());
    }
    send_as(&mut programme.hub, device(&HOSTILE), &message(runs));
    programme.sync_coordinator();
    let tip = Tip { position: 5, id: EntryId([7; 32]) };
    let kept = vec![KeptTip { log: log.log, tip, signature: sign(&log.key, log.log, tip) }];
    let mut admin = Written::new(&STOLEN, of.1, 0);
    admin.add(kind::REVOKE, None, Administration::Revoke { certificate: of.0, kept }.encode());
    send_as(&mut programme.hub, device(&STOLEN), &message(vec![admin.run()]));
    programme.sync_coordinator();
    let (mut newcomer, _) = programme.worker();
    programme.sync_coordinator();
    programme.hub.limit_pages(10);
    assert_eq!(synced(&mut newcomer, &mut programme.hub, None).0.unwrap(), Agreement::Whole);
}

#[test]
fn what_is_carried_again_goes_on_as_if_nothing_had_been() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut phone);
    let of_stolen = stolen(&mut programme);
    let mut admin = Written::new(&STOLEN, of_stolen, 0);
    send_as(&mut programme.hub, device(&STOLEN), &message(vec![admin.run()]));
    programme.root.look_into(TEAM).unwrap();
    programme.sync_root();
    admin.add(kind::REVOKE, None, Administration::Revoke { certificate, kept: vec![] }.encode());
    send_as(&mut programme.hub, device(&STOLEN), &message(vec![admin.run()]));
    phone.record(TEAM, &reversal("survived")).unwrap();
    _ = synced(&mut phone, &mut programme.hub, None);
    assert_eq!(phone.status().unwrap().waiting.aside, 1);
    programme.root.revoke(TEAM, of_stolen).unwrap();
    programme.sync_root();
    assert_eq!(synced(&mut phone, &mut programme.hub, None).0.unwrap(), Agreement::Whole);
    let id = phone.record(TEAM, &reversal("died")).unwrap();
    assert_eq!(phone.delivery(id).unwrap(), Delivery::Waiting);
}

#[test]
fn however_many_tips_revocations_keep_a_phone_enrolled_anew_writes_by_its_new_certificate() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut phone);
    for n in 0..5_u8 {
        let seed = [120 + n; 32];
        let of = certified(&mut programme, &seed);
        let mut log = Written::new(&seed, of, 0);
        let open = log.tip;
        let mut runs = vec![log.run()];
        for m in 0..480_u64 {
            log.tip = open;
            log.add(17, None, salted(m));
            runs.push(log.run());
        }
        send_as(&mut programme.hub, device(&seed), &message(runs));
        programme.sync_coordinator();
        programme.coordinator.revoke(TEAM, of).unwrap();
        programme.sync_coordinator();
    }
    programme.settle();
    let before = counted(&programme.hub);
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    let hub = HubAddress { at: "127.0.0.1:1".into(), pins: vec![DeviceKey([7; 32])] };
    let invitation = programme.coordinator.invite(&hub, TEAM, Role::Worker).unwrap();
    let (request, _) = phone.ask_to_join(&invitation).unwrap();
    let request = invitation.read_request(&request).unwrap();
    let reply = programme.coordinator.approve(&invitation, &request).unwrap();
    phone.join_by(&invitation, &reply).unwrap();
    programme.sync_coordinator();
    let id = phone.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut phone);
    programme.settle();
    assert_eq!(phone.delivery(id).unwrap(), Delivery::OnHub);
    assert_eq!(counted(&programme.hub), before + 1);
}
