//! What stays, and what is said, when a certificate falls, a log forks or a coordinator's key is stolen.

use super::programme::{
    HOSTILE, NOW, Programme, STOLEN, TEAM, certified, counted, device, key, message, reversal,
    send_as, stolen, sync_through,
};
use super::written::{Written, creation};
use kitbag_core::engine::{BundleOf, Engine, EngineError, Enrolment, Environment};
use kitbag_core::identity::{Certificate, Role, SigningKey};
use kitbag_core::log::entry::{Entry, Tip, kind, sign};
use kitbag_core::log::payload::{Administration, KeptTip, Open};
use kitbag_core::log::run::{Run, SignedTip};
use kitbag_core::model::{EntryId, RecordId, TeamId};
use kitbag_core::store::{Delivery, Reason};
use kitbag_core::sync::{self, Agreement, Message};

#[test]
fn a_kept_branch_of_a_fork_reaches_newcomers_and_the_root() {
    let mut programme = Programme::new();
    let of_stolen = stolen(&mut programme);
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    for _ in 0..4 {
        phone.record(TEAM, &reversal("survived")).unwrap();
    }
    drop(phone);
    let at = |name: &str| programme.folder.path().join(name);
    let beside = ["", "-wal", "-shm", ".outbox.log"];
    for ending in beside.iter().filter(|ending| at(&format!("device-1{ending}")).exists()) {
        std::fs::copy(at(&format!("device-1{ending}")), at(&format!("restored{ending}"))).unwrap();
    }
    let open = |name: &str| Engine::open(&at(name), &key(), Environment::system()).unwrap();
    let (mut phone, mut restored) = (open("device-1"), open("restored"));
    // What goes on from one backup twice: the hub sees one branch, the coordinator the other.
    for _ in 0..3 {
        phone.record(TEAM, &reversal("died")).unwrap();
        restored.record(TEAM, &reversal("survived")).unwrap();
    }
    programme.sync(&mut phone);
    let mut file = Vec::new();
    restored.export_bundle(TEAM, BundleOf::Everything, &mut file, |_| ()).unwrap();
    programme.coordinator.import_bundle(&mut file.as_slice(), |_| ()).unwrap();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    programme.settle();
    assert_eq!(counted(&programme.hub), 7);
    let (mut newcomer, _) = programme.worker();
    programme.sync_coordinator();
    assert_eq!(sync_through(&mut newcomer, &mut programme.hub).unwrap(), Agreement::Whole);
    assert_eq!(counted(newcomer.store()), 7);
    programme.root.look_into(TEAM).unwrap();
    programme.sync_root();
    programme.root.revoke(TEAM, of_stolen).unwrap();
}

#[test]
fn an_invitation_to_the_same_role_replaces_no_certificate_that_holds() {
    let mut programme = Programme::new();
    let (mut phone, first) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut phone);
    let of_stolen = stolen(&mut programme);
    let mut log = Written::new(&STOLEN, of_stolen, 0);
    send_as(&mut programme.hub, device(&STOLEN), &message(vec![log.run()]));
    programme.root.look_into(TEAM).unwrap();
    programme.sync_root();
    let mut log = Written::new(&STOLEN, of_stolen, 0);
    let certify = Certificate {
        key: phone.device_key(),
        role: Role::Worker,
        team: TEAM,
        renew_by: None,
        continues: None,
        made_at: kitbag_core::model::UnixMillis(0),
    };
    let certificate = log.add(kind::CERTIFY, None, certify.encode());
    let of_root = [TeamId::PROGRAMME];
    let lacked = programme.hub.runs_lacked(&of_root, &Default::default(), None, u64::MAX).unwrap();
    let runs: Vec<Run> = lacked.into_iter().chain([log.run()]).collect();
    let enrolment = Enrolment { root: programme.root.root(), team: TEAM, certificate, runs };
    phone.join(&enrolment).unwrap();
    // The root revokes whoever gave it, and keeps nothing of it.
    programme.root.revoke(TEAM, of_stolen).unwrap();
    programme.sync_root();
    programme.sync_coordinator();
    phone.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut phone);
    programme.settle();
    assert_eq!((counted(phone.store()), counted(&programme.hub)), (1, 1));
    let mut logs = phone.store().chains().iter().map(|(_, info)| info);
    assert!(logs.any(|info| info.key == phone.device_key() && info.certificate == first));
}

#[test]
fn what_a_fallen_certificate_hides_is_named_and_another_one_takes_its_place() {
    let mut programme = Programme::new();
    let at = |name: &str| programme.folder.path().join(name);
    let new_device = |name: &str| {
        Engine::device(&at(name), &key(), programme.root.root(), Environment::system()).unwrap()
    };
    let (mut lost, mut phone) = (new_device("lost"), new_device("phone"));
    let other = TeamId([6; 16]);
    let coordinator = programme.coordinator.device_key();
    let enrolment = programme.root.certify(coordinator, Role::Coordinator, other).unwrap();
    programme.coordinator.join(&enrolment).unwrap();
    let of_lost = programme.root.certify(lost.device_key(), Role::Coordinator, TEAM).unwrap();
    lost.join(&of_lost).unwrap();
    programme.sync_root();
    programme.sync_coordinator();
    let enrolment = programme.coordinator.certify(phone.device_key(), Role::Worker, other).unwrap();
    phone.join(&enrolment).unwrap();
    programme.sync_coordinator();
    programme.sync(&mut phone);
    // A coordinator certifies it in a second team, never syncs, and is lost.
    let enrolment = lost.certify(phone.device_key(), Role::Worker, TEAM).unwrap();
    phone.join(&enrolment).unwrap();
    let record = phone.record(TEAM, &reversal("survived")).unwrap();
    programme.root.look_into(TEAM).unwrap();
    programme.sync_root();
    programme.root.revoke(TEAM, of_lost.certificate).unwrap();
    programme.sync_root();
    let mut session = phone.session();
    let (hub, key) = (&mut programme.hub, phone.device_key());
    let carried: Result<Agreement, EngineError> = phone.carry(&mut session, |request, _| {
        sync::respond(hub, key, NOW, &request).map_err(EngineError::from)
    });
    carried.unwrap();
    phone.note_sync(&session, None).unwrap();
    let waiting = phone.status().unwrap().waiting;
    assert_eq!((waiting.aside, waiting.why_aside), (1, Some(Reason::NoCertificate)));
    assert_eq!(phone.delivery(record).unwrap(), Delivery::Waiting);
    let left = phone.leave(TEAM, &session);
    assert!(matches!(left, Err(EngineError::WouldLose { waiting: 1 })), "{left:?}");
    let outbox = std::fs::metadata(programme.folder.path().join("phone.outbox.log")).unwrap();
    assert!(outbox.len() > 300, "the outbox forgot what is nowhere else");
    // Somebody who stands certifies it: what it writes from then on counts.
    let again = programme.coordinator.certify(phone.device_key(), Role::Worker, TEAM).unwrap();
    programme.sync_coordinator();
    programme.sync(&mut phone);
    phone.record(TEAM, &reversal("died")).unwrap();
    programme.sync(&mut phone);
    programme.settle();
    assert_eq!(counted(&programme.hub), 1);
    let mut logs = phone.store().chains().iter().map(|(_, info)| info);
    assert!(logs.any(|info| info.certificate == again.certificate));
}

#[test]
fn an_open_is_of_one_schema_version() {
    let mut programme = Programme::new();
    let certificate = certified(&mut programme, &HOSTILE);
    let key = SigningKey::from_seed(&HOSTILE);
    let open = Open { key: key.device_key(), team: TEAM, random: [9; 16], certificate };
    for (schema, turned_away) in [(0, 1), (1, 0), (2, 1)] {
        let how = (kind::OPEN, schema);
        let entry = Entry::new(open.log(), None, how, None, open.encode());
        let run = Run::of(std::slice::from_ref(&entry), sign(&key, open.log(), entry.tip()));
        let sent = message(run.into_iter().collect());
        let refused = send_as(&mut programme.hub, device(&HOSTILE), &sent);
        assert_eq!(refused.len(), turned_away, "schema {schema}");
    }
}

#[test]
fn requests_for_erasure_that_are_done_make_room_for_others() {
    let mut programme = Programme::new();
    let ids = |from: u64| -> Vec<RecordId> {
        let digest = |n: u64| *blake3::hash(&n.to_be_bytes()).as_bytes();
        let id = |n| RecordId(digest(n)[..16].try_into().unwrap());
        (from..from + 600).map(id).collect()
    };
    programme.root.look_into(TEAM).unwrap();
    for from in [0, 600, 1_200] {
        programme.coordinator.ask_erasure(TEAM, &ids(from)).unwrap();
        programme.sync_coordinator();
        programme.sync_root();
        assert_eq!(programme.root.asked_erasures().unwrap().len(), 600);
        programme.root.erase(TEAM, &ids(from)).unwrap();
        programme.sync_root();
    }
    assert_eq!(programme.root.asked_erasures().unwrap(), []);
}

#[test]
fn a_claim_past_an_end_counts_at_no_store_whatever_it_keeps_aside() {
    let mut programme = Programme::new();
    let certificate = certified(&mut programme, &HOSTILE);
    let mut log = Written::new(&HOSTILE, certificate, 0);
    log.add(17, None, creation());
    let erase = Administration::Erase { team: TEAM, records: vec![RecordId([1; 16])] };
    log.add(kind::ERASE, None, erase.encode());
    let open = Open::decode(log.entries[0].payload.as_ref().unwrap()).unwrap();
    send_as(&mut programme.hub, device(&HOSTILE), &message(vec![log.run()]));
    for _ in 0..50 {
        log.add(17, None, creation());
    }
    let refused = send_as(&mut programme.hub, device(&HOSTILE), &message(vec![log.run()]));
    assert_eq!(refused.len(), 1);
    let tip = Tip { position: 40, id: EntryId([7; 32]) };
    let signature = sign(&SigningKey::from_seed(&HOSTILE), log.log, tip);
    let signed = vec![SignedTip { log: log.log, open, tip, signature }];
    let claim = Message { signed, ..message(vec![]) };
    send_as(&mut programme.hub, device(&HOSTILE), &claim);
    programme.settle();
    assert_eq!(programme.hub.known_missing(Some(TEAM)).unwrap().entries, 0);
}

#[test]
fn what_a_revoked_coordinator_set_aside_is_waited_for_again() {
    let mut programme = Programme::new();
    let of_stolen = stolen(&mut programme);
    let (mut phone, _) = programme.worker();
    programme.sync_coordinator();
    phone.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut phone);
    let of_phone = |info: &kitbag_core::log::chain::LogInfo| info.key == phone.device_key();
    let chains = phone.store().chains();
    let log = chains.iter().find(|(_, info)| of_phone(info)).map(|(log, _)| *log).unwrap();
    let mut admin = Written::new(&STOLEN, of_stolen, 0);
    let set_aside = Administration::SetAside { log, position: u64::MAX };
    admin.add(kind::SET_ASIDE, None, set_aside.encode());
    let refused = send_as(&mut programme.hub, device(&STOLEN), &message(vec![admin.run()]));
    assert_eq!(refused, Vec::<String>::new());
    programme.sync_coordinator();
    for _ in 0..50 {
        phone.record(TEAM, &reversal("died")).unwrap();
    }
    programme.coordinator.hear(&phone.announce(TEAM).unwrap()).unwrap();
    let missing = |engine: &Engine| engine.store().known_missing(Some(TEAM)).unwrap().entries;
    assert_eq!(missing(&programme.coordinator), 0, "a coordinator may say so while he stands");
    programme.root.look_into(TEAM).unwrap();
    programme.sync_root();
    programme.root.revoke(TEAM, of_stolen).unwrap();
    programme.sync_root();
    programme.sync_coordinator();
    assert_eq!(missing(&programme.coordinator), 50);
}

/// A stolen coordinator's word that a tip of a worker's log is kept, which the worker signed and never wrote.
fn keeps_what_never_was(programme: &mut Programme, of: (EntryId, EntryId), log: &Written, at: u64) {
    let (certificate, of_stolen) = of;
    let tip = Tip { position: at, id: EntryId([7; 32]) };
    let kept = vec![KeptTip { log: log.log, tip, signature: sign(&log.key, log.log, tip) }];
    let mut admin = Written::new(&STOLEN, of_stolen, 0);
    admin.add(kind::REVOKE, None, Administration::Revoke { certificate, kept }.encode());
    let refused = send_as(&mut programme.hub, device(&STOLEN), &message(vec![admin.run()]));
    assert_eq!(refused, Vec::<String>::new());
}

#[test]
fn a_tip_that_a_revoked_coordinator_keeps_leaves_no_log_open_for_ever() {
    let mut programme = Programme::new();
    let of = (certified(&mut programme, &HOSTILE), stolen(&mut programme));
    let mut log = Written::new(&HOSTILE, of.0, 0);
    for _ in 0..3 {
        log.add(17, None, creation());
    }
    send_as(&mut programme.hub, device(&HOSTILE), &message(vec![log.run()]));
    keeps_what_never_was(&mut programme, of, &log, 1 << 62);
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, of.0).unwrap();
    programme.sync_coordinator();
    programme.root.look_into(TEAM).unwrap();
    programme.sync_root();
    programme.root.revoke(TEAM, of.1).unwrap();
    programme.sync_root();
    programme.sync_coordinator();
    let mut refused = 0;
    for _ in 0..4 {
        for _ in 0..500 {
            log.add(17, None, creation());
        }
        let run = message(vec![log.run()]);
        refused += send_as(&mut programme.hub, device(&HOSTILE), &run).len();
    }
    programme.settle();
    let (mut colleague, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut colleague);
    let entries = colleague.store().entries().unwrap();
    let carried = entries.iter().filter(|entry| entry.is_carried && entry.record.is_some()).count();
    assert!((3..=1_003).contains(&carried) && refused >= 2, "{carried} carried, {refused} refused");
    assert_eq!(counted(colleague.store()), 3);
}

#[test]
fn nobody_who_keeps_a_log_from_being_handed_on_keeps_the_root_from_revoking() {
    let mut programme = Programme::new();
    let of = (certified(&mut programme, &HOSTILE), stolen(&mut programme));
    let mut log = Written::new(&HOSTILE, of.0, 0);
    for _ in 0..9 {
        log.add(17, None, creation());
    }
    send_as(&mut programme.hub, device(&HOSTILE), &message(vec![log.run()]));
    programme.sync_coordinator();
    programme.root.look_into(TEAM).unwrap();
    // The hub shows it in its clock, and hands it on to nobody.
    let (root, hub) = (&mut programme.root, &mut programme.hub);
    let (device, mut session) = (root.device_key(), root.session());
    let synced = root.carry(&mut session, |request, _| {
        let answer = sync::respond(hub, device, NOW, &request)?;
        let mut answer = Message::decode(&answer).unwrap();
        answer.runs.retain(|run| run.as_ref().is_ok_and(|run| run.log != log.log));
        Ok::<_, EngineError>(answer.encode())
    });
    assert!(synced.is_err());
    programme.root.revoke(TEAM, of.1).unwrap();
    assert!(programme.root.store().authority().is_revoked(&of.1));
}
