//! Certificates and what hangs on them: given twice or by others, revoked, accepted again, and what a clock shows of it.

use super::programme::{
    HOSTILE, Programme, STOLEN, TEAM, as_response, aside, certified, counted, device, heavy, key,
    message, reversal, send_as, stolen, sync_through, synced,
};
use super::written::{Written, creation};
use kitbag_core::engine::{BundleOf, Engine, EngineError, Environment};
use kitbag_core::identity::{Certificate, HubAddress, Role, SigningKey};
use kitbag_core::log::entry::{Entry, Tip, kind, sign};
use kitbag_core::log::payload::{Administration, KeptTip, Open};
use kitbag_core::log::run::Run;
use kitbag_core::model::{DeviceKey, EntryId, LogId, RecordId, TeamId};
use kitbag_core::store::{Delivery, Settling, Store};
use kitbag_core::sync::Agreement;

fn hub_address() -> HubAddress {
    HubAddress { at: "127.0.0.1:1".into(), pins: vec![DeviceKey([7; 32])] }
}

fn second_coordinator(programme: &mut Programme) -> Engine {
    let path = programme.folder.path().join("coordinator-2");
    let mut second =
        Engine::device(&path, &key(), programme.root.root(), Environment::system()).unwrap();
    let enrolment = programme.root.certify(second.device_key(), Role::Coordinator, TEAM).unwrap();
    second.join(&enrolment).unwrap();
    programme.sync_root();
    programme.sync(&mut second);
    second
}

fn join_by(coordinator: &mut Engine, new: &mut Engine, role: Role) -> Result<(), EngineError> {
    let invitation = coordinator.invite(&hub_address(), TEAM, role).unwrap();
    let (request, _) = new.ask_to_join(&invitation)?;
    let request = invitation.read_request(&request).unwrap();
    let reply = coordinator.approve(&invitation, &request)?;
    new.join_by(&invitation, &reply)
}

#[test]
fn a_log_that_only_a_signature_behind_its_cut_covers_keeps_no_newcomer_from_syncing() {
    let mut programme = Programme::new();
    let of = (certified(&mut programme, &HOSTILE), stolen(&mut programme));
    let mut log = Written::new(&HOSTILE, of.0, 0);
    for _ in 0..9 {
        log.add(17, None, creation());
    }
    send_as(&mut programme.hub, device(&HOSTILE), &message(vec![log.run()]));
    programme.sync_coordinator();
    let tip = Tip { position: 5, id: EntryId([7; 32]) };
    let kept = vec![KeptTip { log: log.log, tip, signature: sign(&log.key, log.log, tip) }];
    let mut admin = Written::new(&STOLEN, of.1, 0);
    admin.add(kind::REVOKE, None, Administration::Revoke { certificate: of.0, kept }.encode());
    send_as(&mut programme.hub, device(&STOLEN), &message(vec![admin.run()]));
    programme.sync_coordinator();
    // Everything that honest people can do.
    programme.root.look_into(TEAM).unwrap();
    programme.sync_root();
    programme.root.revoke(TEAM, of.1).unwrap();
    programme.sync_root();
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, of.0).unwrap();
    programme.sync_coordinator();
    let (mut newcomer, _) = programme.worker();
    programme.sync_coordinator();
    newcomer.record(TEAM, &reversal("survived")).unwrap();
    assert_eq!(sync_through(&mut newcomer, &mut programme.hub).unwrap(), Agreement::Whole);
    programme.settle();
    assert_eq!((counted(newcomer.store()), counted(&programme.hub)), (1, 1));
    let held = |store: &Store| store.clock(&[TEAM])[&log.log].clone();
    assert_eq!(held(newcomer.store()), held(&programme.hub));
    assert_eq!(held(newcomer.store())[0].position, tip.position);
}

#[test]
fn the_signature_that_a_revocation_carries_is_replaced_by_nobody_elses() {
    let mut programme = Programme::new();
    let of_stolen = stolen(&mut programme);
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    for _ in 0..3 {
        phone.record(TEAM, &reversal("survived")).unwrap();
    }
    // The coordinator has three records by bundle, with a signature there.
    let mut file = Vec::new();
    phone.export_bundle(TEAM, BundleOf::Everything, &mut file, |_| ()).unwrap();
    programme.coordinator.import_bundle(&mut file.as_slice(), |_| ()).unwrap();
    // The hub has six, in one run.
    for _ in 0..3 {
        phone.record(TEAM, &reversal("died")).unwrap();
    }
    programme.sync(&mut phone);
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    programme.settle();
    assert_eq!(counted(&programme.hub), 3);
    let entries = programme.coordinator.store().entries().unwrap();
    let last = entries
        .iter()
        .filter(|entry| entry.is_carried && entry.kind == 17)
        .max_by_key(|entry| entry.position)
        .unwrap();
    let tip = Tip { position: last.position, id: last.id };
    {
        // The thief: certifies a key of his own, and revokes it, keeping a tip with the honest id.
        let own = SigningKey::from_seed(&HOSTILE);
        let mut admin = Written::new(&STOLEN, of_stolen, 0xff);
        let certify = Certificate {
            key: own.device_key(),
            role: Role::Worker,
            team: TEAM,
            renew_by: None,
            continues: None,
            made_at: kitbag_core::model::UnixMillis(0),
        };
        let named = admin.add(kind::CERTIFY, None, certify.encode());
        let elsewhere = LogId([9; 16]);
        let kept = vec![KeptTip { log: elsewhere, tip, signature: sign(&own, elsewhere, tip) }];
        let says = Administration::Revoke { certificate: named, kept };
        admin.add(kind::REVOKE, None, says.encode());
        let refused = send_as(&mut programme.hub, device(&STOLEN), &message(vec![admin.run()]));
        assert_eq!(refused, Vec::<String>::new());
        // The root cuts him; what he wrote before stands.
        programme.root.look_into(TEAM).unwrap();
        programme.sync_root();
        programme.root.revoke(TEAM, of_stolen).unwrap();
        programme.sync_root();
        programme.sync_coordinator();
    }
    let (mut newcomer, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut newcomer);
    programme.settle();
    assert_eq!((counted(newcomer.store()), counted(&programme.hub)), (3, 3));
}

/// Syncs a phone and accepts all that the hub keeps aside of it, so many times; what counts in the end.
fn accepted_all(
    programme: &mut Programme,
    phone: &mut Engine,
    certificate: EntryId,
    rounds: usize,
) -> i64 {
    for _ in 0..rounds {
        _ = synced(phone, &mut programme.hub);
        let kept = aside(&programme.hub, certificate);
        let is_new = |entry: &EntryId| !programme.coordinator.store().carries(entry).unwrap();
        let new: Vec<EntryId> = kept.iter().map(|entry| entry.id).filter(is_new).collect();
        if !new.is_empty() {
            programme.coordinator.accept(TEAM, &new).unwrap();
        }
        programme.sync_coordinator();
        programme.settle();
    }
    _ = synced(phone, &mut programme.hub);
    counted(&programme.hub)
}

#[test]
fn what_is_accepted_makes_room_for_the_rest_of_a_phone_enrolled_anew() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut phone);
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    for _ in 0..1_200 {
        phone.record(TEAM, &reversal("survived")).unwrap();
    }
    let again = programme.coordinator.certify(phone.device_key(), Role::Worker, TEAM).unwrap();
    programme.sync_coordinator();
    phone.join(&again).unwrap();
    assert_eq!(accepted_all(&mut programme, &mut phone, certificate, 4), 1_200);
    assert_eq!(phone.status().unwrap().waiting.aside, 0);
}

#[test]
fn what_is_accepted_makes_room_for_heavy_records_too() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut phone);
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    let many = 300_i64;
    for n in 0..many {
        heavy(&mut phone, n);
    }
    assert_eq!(accepted_all(&mut programme, &mut phone, certificate, 8), many);
    assert_eq!(phone.status().unwrap().waiting.aside, 0);
}

#[test]
fn what_is_carried_again_is_aside_no_more() {
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
    for _ in 0..950 {
        phone.record(TEAM, &reversal("survived")).unwrap();
    }
    for _ in 0..3 {
        _ = synced(&mut phone, &mut programme.hub);
    }
    // The root, which held his log up to before that, cuts it there.
    programme.root.revoke(TEAM, of_stolen).unwrap();
    programme.sync_root();
    for _ in 0..3 {
        _ = synced(&mut phone, &mut programme.hub);
    }
    programme.settle();
    assert_eq!(counted(&programme.hub), 950);
    // Later the phone is lost for a day, and revoked by somebody who stands.
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    for _ in 0..200 {
        phone.record(TEAM, &reversal("died")).unwrap();
    }
    for _ in 0..3 {
        _ = synced(&mut phone, &mut programme.hub);
    }
    assert_eq!(aside(&programme.hub, certificate).len(), 200);
}

#[test]
fn another_coordinator_can_invite_a_phone_that_is_certified() {
    let mut programme = Programme::new();
    let mut second = second_coordinator(&mut programme);
    let path = programme.folder.path().join("phone");
    let mut phone =
        Engine::device(&path, &key(), programme.root.root(), Environment::system()).unwrap();
    join_by(&mut programme.coordinator, &mut phone, Role::Worker).unwrap();
    programme.sync_coordinator();
    let (session, how) = synced(&mut phone, &mut programme.hub);
    how.unwrap();
    phone.leave(TEAM, &session).unwrap();
    programme.sync(&mut second);
    join_by(&mut second, &mut phone, Role::Worker).unwrap();
    join_by(&mut programme.coordinator, &mut phone, Role::Worker).unwrap();
    programme.sync(&mut second);
    // Whoever revokes the device revokes what both gave.
    programme.sync_coordinator();
    let certificates = |store: &Store| -> Vec<EntryId> {
        let members = store.authority().members(TEAM);
        members.filter(|(_, key, _)| *key == phone.device_key()).map(|(id, _, _)| id).collect()
    };
    let given = certificates(programme.coordinator.store());
    assert_eq!(given.len(), 2);
    programme.coordinator.revoke(TEAM, given[0]).unwrap();
    let authority = programme.coordinator.store().authority();
    assert!(given.iter().all(|id| authority.is_revoked(id)));
}

#[test]
fn nobody_keeps_a_phone_from_joining_by_certifying_it() {
    let mut programme = Programme::new();
    let mut second = second_coordinator(&mut programme);
    let path = programme.folder.path().join("phone");
    let mut phone =
        Engine::device(&path, &key(), programme.root.root(), Environment::system()).unwrap();
    // A thief with a coordinator's key certifies a phone that was never his.
    let of_stolen = stolen(&mut programme);
    let mut admin = Written::new(&STOLEN, of_stolen, 0);
    let certify = Certificate {
        key: phone.device_key(),
        role: Role::Worker,
        team: TEAM,
        renew_by: None,
        continues: None,
        made_at: kitbag_core::model::UnixMillis(0),
    };
    admin.add(kind::CERTIFY, None, certify.encode());
    send_as(&mut programme.hub, device(&STOLEN), &message(vec![admin.run()]));
    programme.sync(&mut second);
    programme.sync_coordinator();
    join_by(&mut second, &mut phone, Role::Worker).unwrap();
    join_by(&mut programme.coordinator, &mut phone, Role::Worker).unwrap();
    // The root cuts the thief, as the command line does it.
    programme.root.look_into(TEAM).unwrap();
    programme.sync_root();
    programme.root.revoke(TEAM, of_stolen).unwrap();
    programme.sync_root();
    programme.sync(&mut second);
    join_by(&mut second, &mut phone, Role::Worker).unwrap();
}

#[test]
fn a_phone_enrolled_anew_hears_of_its_revocation_whatever_else_was_administered() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut phone);
    for n in 0..20_u64 {
        let ids =
            (0..1_000).map(|m| EntryId(*blake3::hash(&(n * 1_000 + m).to_be_bytes()).as_bytes()));
        let ids: Vec<_> = ids.map(|id| id.record()).collect();
        programme.coordinator.ask_erasure(TEAM, &ids).unwrap();
    }
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    join_by(&mut programme.coordinator, &mut phone, Role::Worker).unwrap();
    programme.sync_coordinator();
    let id = phone.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut phone);
    programme.settle();
    assert_eq!(counted(&programme.hub), 1);
    assert_eq!(phone.delivery(id).unwrap(), Delivery::OnHub);
}

#[test]
fn however_many_logs_one_certifies_the_clock_shows_who_may_cut_him() {
    let mut programme = Programme::new();
    let of_stolen = stolen(&mut programme);
    // An honest coordinator has three logs: of certificates, of keys, of revocations; the root two.
    let (_, lost) = programme.worker();
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, lost).unwrap();
    programme.sync_coordinator();
    programme.root.erase(TEAM, &[RecordId([1; 16])]).unwrap();
    programme.sync_root();
    programme.sync_coordinator();
    let many = 10_100_u64;
    let mut admin = Written::new(&STOLEN, of_stolen, 0);
    let mut keys = Vec::new();
    for n in 0..many {
        let seed = *blake3::hash(&n.to_be_bytes()).as_bytes();
        let key = SigningKey::from_seed(&seed);
        let certify = Certificate {
            key: key.device_key(),
            role: Role::Worker,
            team: TEAM,
            renew_by: None,
            continues: None,
            made_at: kitbag_core::model::UnixMillis(0),
        };
        let id = admin.add(kind::CERTIFY, None, certify.encode());
        keys.push((key, id));
        if n % 1_900 == 1_899 || n + 1 == many {
            let run = admin.run();
            assert_eq!(
                send_as(&mut programme.hub, device(&STOLEN), &message(vec![run])),
                Vec::<String>::new()
            );
        }
    }
    for keys in keys.chunks(2_000) {
        let mut runs = Vec::new();
        for (key, certificate) in keys {
            let open = Open {
                key: key.device_key(),
                team: TEAM,
                random: [1; 16],
                certificate: *certificate,
            };
            let entry = Entry::new(open.log(), None, (kind::OPEN, 1), None, open.encode());
            let signature = sign(key, open.log(), entry.tip());
            runs.push(Run::of(std::slice::from_ref(&entry), signature).unwrap());
        }
        let refused = send_as(&mut programme.hub, device(&STOLEN), &message(runs));
        assert_eq!(refused, Vec::<String>::new());
    }
    programme.settle();
    let hub = &mut programme.hub;
    let (clock, left_out) = hub.clock_to_show(&[TEAM, TeamId::PROGRAMME], 10_000);
    let honest = [programme.root.device_key(), programme.coordinator.device_key()];
    let is_honest =
        |log: &LogId| hub.chains().log(log).is_some_and(|info| honest.contains(&info.key));
    assert_eq!((clock.len(), left_out.iter().filter(|log| is_honest(log)).count()), (10_000, 0));
    let (mut newcomer, _) = programme.worker();
    programme.sync_coordinator();
    newcomer.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut newcomer);
    assert!(newcomer.store().authority().is_revoked(&lost));
    // The root cuts him and keeps nothing, so that all these keys fall; and the hub is put back.
    programme.root.look_into(TEAM).unwrap();
    programme.sync_root();
    let says = Administration::Revoke { certificate: of_stolen, kept: vec![] };
    programme.root.administer(TeamId::PROGRAMME, &says).unwrap();
    programme.sync_root();
    programme.settle();
    programme.hub.begin_epoch().unwrap();
    programme.sync_coordinator();
    assert_eq!(sync_through(&mut newcomer, &mut programme.hub).unwrap(), Agreement::Whole);
    for engine in [&programme.coordinator, &newcomer] {
        assert!(engine.store().authority().is_revoked(&of_stolen));
    }
}

#[test]
fn what_was_accepted_is_at_the_hub_for_a_phone_that_reads_again() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut phone);
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    let id = phone.record(TEAM, &reversal("survived")).unwrap();
    _ = synced(&mut phone, &mut programme.hub);
    let again = programme.coordinator.certify(phone.device_key(), Role::Worker, TEAM).unwrap();
    programme.sync_coordinator();
    phone.join(&again).unwrap();
    let kept = aside(&programme.hub, certificate);
    programme.coordinator.accept(TEAM, &[kept[0].id]).unwrap();
    programme.sync_coordinator();
    programme.settle();
    let (session, _) = synced(&mut phone, &mut programme.hub);
    assert_eq!((counted(&programme.hub), counted(phone.store())), (1, 1));
    assert_eq!(phone.delivery(id).unwrap(), Delivery::OnHub);
    phone.leave(TEAM, &session).unwrap();
}

#[test]
fn what_lies_before_an_accepted_entry_is_offered_again_to_a_hub_that_was_put_back() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    phone.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut phone);
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    programme.settle();
    // The phone hears of it from a colleague.
    let runs = programme
        .hub
        .runs_lacked(&[TeamId::PROGRAMME, TEAM], &Default::default(), None, u64::MAX)
        .unwrap();
    let mut session = phone.session();
    phone.request(&mut session).unwrap();
    phone.reply(&mut session, &as_response(message(runs))).unwrap();
    // The backup.
    let root = programme.root.root();
    let path = programme.folder.path().join("hub");
    let open = || Store::open(&path, &key(), Some(root), None, Settling::Behind).unwrap();
    let Programme { folder, mut coordinator, hub, .. } = programme;
    drop(hub);
    let copy = std::fs::read(&path).unwrap();
    let mut hub = open();
    for _ in 0..10 {
        phone.record(TEAM, &reversal("died")).unwrap();
    }
    _ = synced(&mut phone, &mut hub);
    let kept = aside(&hub, certificate);
    coordinator.accept(TEAM, &[kept.last().unwrap().id]).unwrap();
    sync_through(&mut coordinator, &mut hub).unwrap();
    _ = synced(&mut phone, &mut hub);
    drop(hub);
    for ending in ["-wal", "-shm"] {
        _ = std::fs::remove_file(folder.path().join(format!("hub{ending}")));
    }
    std::fs::write(&path, copy).unwrap();
    let mut hub = open();
    for _ in 0..3 {
        _ = sync_through(&mut coordinator, &mut hub);
        _ = synced(&mut phone, &mut hub);
        while hub.settle_some().unwrap() {}
    }
    let new: Vec<EntryId> = aside(&hub, certificate).iter().map(|entry| entry.id).collect();
    if !new.is_empty() {
        coordinator.accept(TEAM, &new).unwrap();
    }
    for _ in 0..3 {
        sync_through(&mut coordinator, &mut hub).unwrap();
        _ = synced(&mut phone, &mut hub);
    }
    while hub.settle_some().unwrap() {}
    assert_eq!(counted(&hub), 11);
}
