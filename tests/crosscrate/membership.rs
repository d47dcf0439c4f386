//! Who belongs, over time: leaving, revocations, second approvals, team keys, and hubs that are put back to before.

use super::hub_process::Hub;
use super::programme::{NOW, Programme, TEAM, aside, key, reversal, sync_through};
use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::{HubAddress, Role, SigningKey};
use kitbag_core::log::payload::{Administration, TeamKey};
use kitbag_core::model::{DeviceKey, RecordId, TeamId};
use kitbag_core::net::NetError;
use kitbag_core::store::{Delivery, Reason, Settling, Store};
use kitbag_core::sync::{self, Agreement, Session};
use kitbag_core::totals::Query;

/// A hub of the programme that holds nothing, as one restored from a backup of its first day.
pub fn empty_hub(programme: &Programme) -> Store {
    let path = programme.folder.path().join("restored");
    let root = Some(programme.root.root());
    Store::open(&path, &key(), root, None, Settling::Behind).unwrap()
}

fn session_with(engine: &mut Engine, hub: &mut Store) -> Session {
    let device = engine.device_key();
    let mut session = engine.session();
    engine
        .carry(&mut session, |request, _| {
            sync::respond(hub, device, NOW, &request).map_err(EngineError::from)
        })
        .unwrap();
    session
}

fn counted(hub: &mut Store) -> i64 {
    while hub.settle_some().unwrap() {}
    let totals = hub.totals(&Query::default(), NOW).unwrap();
    totals.lines.values().filter_map(|line| line.get("reversals")).sum()
}

#[test]
fn leaving_needs_the_word_of_the_hub_as_it_is_now() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    programme.sync_coordinator();
    let id = worker.record(TEAM, &reversal("survived")).unwrap();
    let before = session_with(&mut worker, &mut programme.hub);
    assert_eq!(before.agreement(), Some(&Agreement::Whole));
    assert_eq!(worker.delivery(id).unwrap(), Delivery::OnHub);
    let cut = worker.session();
    assert!(matches!(worker.leave(TEAM, &cut), Err(EngineError::WouldLose { .. })));
    let mut hub = empty_hub(&programme);
    sync_through(&mut programme.root, &mut hub).unwrap();
    let now = session_with(&mut worker, &mut hub);
    assert_eq!(now.agreement(), Some(&Agreement::Whole));
    worker.leave(TEAM, &now).unwrap();
    assert_eq!(counted(&mut hub), 1, "it came again before it was deleted");
}

#[test]
fn a_hub_put_back_to_before_the_coordinators_certificate_heals_from_the_phones() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    programme.sync_coordinator();
    let id = worker.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    let mut hub = empty_hub(&programme);
    assert_eq!(sync_through(&mut worker, &mut hub).unwrap(), Agreement::Whole);
    assert_eq!(counted(&mut hub), 1);
    assert_eq!(worker.delivery(id).unwrap(), Delivery::OnHub);
}

#[test]
fn what_a_revoked_device_had_sent_comes_again_to_a_hub_that_lost_it() {
    let mut programme = Programme::new();
    let (mut worker, certificate) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut worker);
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    let mut hub = empty_hub(&programme);
    sync_through(&mut programme.root, &mut hub).unwrap();
    sync_through(&mut programme.coordinator, &mut hub).unwrap();
    let id = worker.record(TEAM, &reversal("survived")).unwrap();
    let without = sync_through(&mut worker, &mut programme.hub).unwrap();
    assert!(matches!(without, Agreement::Without(_)));
    assert_eq!(worker.delivery(id).unwrap(), Delivery::Aside(Reason::Revoked));
    let again = sync_through(&mut worker, &mut hub).unwrap();
    assert!(matches!(again, Agreement::Without(_)));
    while hub.settle_some().unwrap() {}
    let aside = aside(&hub, certificate);
    assert!(aside.iter().any(|kept| kept.id.record() == id), "kept, and visible");
}

#[test]
fn a_revoked_device_with_a_budget_says_what_is_aside() {
    let mut programme = Programme::new();
    let (mut worker, certificate) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut worker);
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    for number in 0..600 {
        let mut varied = reversal("survived");
        varied.put("site", format!("site {number}").as_str()).unwrap();
        worker.record(TEAM, &varied).unwrap();
    }
    let device = worker.device_key();
    let mut session = worker.session();
    session.limit_upload(10_000);
    let hub = &mut programme.hub;
    let agreement = worker
        .carry(&mut session, |request, _| {
            sync::respond(hub, device, NOW, &request).map_err(EngineError::from)
        })
        .unwrap();
    worker.note_sync(&session, None).unwrap();
    let status = worker.status().unwrap();
    assert!(matches!(agreement, Agreement::Without(_)), "{agreement:?}");
    assert_eq!(status.waiting.entries, 0);
    assert!(status.waiting.aside >= 600 && !status.is_synced);
    assert_eq!(status.last.agreed_at, None, "nothing was agreed");
}

#[test]
fn more_signatures_than_a_message_or_a_budget_carries_are_told_one_after_the_other() {
    let mut programme = Programme::new();
    let mut phones = Vec::new();
    for _ in 0..12 {
        let (mut phone, _) = programme.worker();
        phone.record(TEAM, &reversal("survived")).unwrap();
        phones.push(phone);
    }
    let (mut colleague, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut colleague);
    for phone in &phones {
        colleague.hear(&phone.announce(TEAM).unwrap()).unwrap();
    }
    let device = colleague.device_key();
    for sync in 1..=4 {
        let mut session = colleague.session();
        session.limit_upload(3_500);
        let hub = &mut programme.hub;
        colleague
            .carry(&mut session, |request, _| {
                sync::respond(hub, device, NOW, &request).map_err(EngineError::from)
            })
            .unwrap();
        let missing = programme.hub.known_missing(Some(TEAM)).unwrap();
        assert_eq!(missing.devices, (sync * 3).min(12), "after {sync} syncs");
    }
}

#[test]
fn a_second_approval_gives_no_second_certificate_and_a_revocation_covers_the_device() {
    let mut programme = Programme::new();
    let (worker, certificate) = programme.worker();
    let device = worker.device_key();
    let again = programme.coordinator.certify(device, Role::Worker, TEAM).unwrap();
    assert_eq!(again.certificate, certificate);
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    assert!(!programme.coordinator.store().authority().may_read(device, TEAM));
    let anew = programme.coordinator.certify(device, Role::Worker, TEAM).unwrap();
    assert_ne!(anew.certificate, certificate, "a revoked one is not given again");
    assert!(programme.coordinator.store().authority().may_read(device, TEAM));
}

#[test]
fn of_a_record_that_is_not_here_nothing_is_claimed() {
    let mut programme = Programme::new();
    let (worker, _) = programme.worker();
    assert!(matches!(worker.delivery(RecordId([7; 16])), Err(EngineError::NoRecord)));
}

#[test]
fn a_coordinator_is_revoked_by_the_root_which_looks_first_and_by_nobody_else() {
    let mut programme = Programme::new();
    let path = programme.folder.path().join("second");
    let root = programme.root.root();
    let mut second = Engine::device(&path, &key(), root, Environment::system()).unwrap();
    let enrolment = programme.root.certify(second.device_key(), Role::Coordinator, TEAM).unwrap();
    second.join(&enrolment).unwrap();
    let (mut worker, workers) = programme.worker();
    programme.sync_root();
    programme.sync_coordinator();
    programme.sync(&mut second);
    second.record(TEAM, &reversal("survived")).unwrap();
    worker.record(TEAM, &reversal("died")).unwrap();
    programme.sync(&mut second);
    programme.sync(&mut worker);
    let refused = |revoked: Result<_, EngineError>| {
        assert!(matches!(revoked, Err(EngineError::MayNotRevoke)));
    };
    refused(programme.coordinator.revoke(TEAM, enrolment.certificate));
    refused(second.revoke(TEAM, enrolment.certificate));
    refused(worker.revoke(TEAM, enrolment.certificate));
    refused(programme.root.revoke(TEAM, workers));
    refused(programme.root.revoke(TEAM, enrolment.certificate));
    refused(worker.look_into(TEAM).map(|()| enrolment.certificate));
    programme.root.look_into(TEAM).unwrap();
    refused(programme.root.revoke(TEAM, enrolment.certificate));
    programme.sync_root();
    programme.root.revoke(TEAM, enrolment.certificate).unwrap();
    assert!(programme.root.store().authority().is_revoked(&enrolment.certificate));
    programme.sync_root();
    programme.settle();
    assert_eq!(counted(&mut programme.hub), 2, "what it had written stands");
    second.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut second);
    assert_eq!(counted(&mut programme.hub), 2, "what it writes now does not");
}

#[test]
fn a_hostile_coordinator_cannot_end_the_teams_keys() {
    let mut programme = Programme::new();
    let path = programme.folder.path().join("hostile");
    let root = programme.root.root();
    let mut hostile = Engine::device(&path, &key(), root, Environment::system()).unwrap();
    let enrolment = programme.root.certify(hostile.device_key(), Role::Coordinator, TEAM).unwrap();
    hostile.join(&enrolment).unwrap();
    let (mut worker, workers) = programme.worker();
    let (mut reader, _) = programme.worker();
    programme.sync_root();
    programme.sync_coordinator();
    programme.sync(&mut hostile);
    programme.sync(&mut worker);
    let nobodys = vec![(worker.device_key(), vec![7; 80]), (reader.device_key(), vec![7; 80])];
    for (generation, sealed) in [(1_000_000, vec![]), (2, nobodys.clone()), (3, nobodys)] {
        let key = TeamKey { team: TEAM, generation, public: [0xfe; 32], sealed };
        hostile.administer(TEAM, &Administration::TeamKey(key)).unwrap();
    }
    programme.sync(&mut hostile);
    programme.sync_coordinator();
    programme.sync(&mut worker);
    let mut noted = reversal("survived");
    noted.put("note", "still read by the team").unwrap();
    let id = worker.record(TEAM, &noted).unwrap();
    programme.sync(&mut worker);
    programme.sync(&mut reader);
    assert_eq!(reader.get(id).unwrap().get("note"), Some(&"still read by the team".into()));
    programme.coordinator.revoke(TEAM, workers).unwrap();
    programme.sync_coordinator();
    programme.coordinator.tend_team_keys().unwrap();
    programme.sync_coordinator();
    assert_eq!(programme.coordinator.tend_team_keys().unwrap(), 0, "it comes to an end");
    programme.sync(&mut reader);
    let late = reader.record(TEAM, &noted).unwrap();
    programme.sync(&mut reader);
    programme.sync_coordinator();
    let read = programme.coordinator.get(late).unwrap();
    assert_eq!(read.get("note"), Some(&"still read by the team".into()));
}

#[test]
fn strangers_keep_no_totals_from_a_coordinator_and_learn_no_number() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    hub.sync(&mut programme.root).unwrap();
    hub.sync(&mut programme.coordinator).unwrap();
    worker.record(TEAM, &reversal("survived")).unwrap();
    hub.sync(&mut worker).unwrap();
    let other_team = TeamId([0x77; 16]);
    let at = |name: &str| programme.folder.path().join(name);
    let mut other = Engine::found(&at("other-root"), &key(), Environment::system()).unwrap();
    let mut stranger =
        Engine::device(&at("stranger"), &key(), other.root(), Environment::system()).unwrap();
    let enrolment = other.certify(stranger.device_key(), Role::Coordinator, other_team).unwrap();
    stranger.join(&enrolment).unwrap();
    stranger.record(other_team, &reversal("x")).unwrap();
    let _ = hub.sync(&mut stranger);
    assert!(hub.client(&programme.coordinator).get("/v1/totals").is_ok());
    let digests = hub.client(&stranger).get("/v1/digests").unwrap();
    let digests: serde_json::Value = serde_json::from_slice(&digests).unwrap();
    assert_eq!((&digests["forks"], &digests["teams"]), (&0.into(), &serde_json::json!([])));
    // An observer reads totals, and no records.
    let mut observer =
        Engine::device(&at("observer"), &key(), programme.root.root(), Environment::system())
            .unwrap();
    let enrolment =
        programme.coordinator.certify(observer.device_key(), Role::Observer, TEAM).unwrap();
    observer.join(&enrolment).unwrap();
    hub.sync(&mut programme.coordinator).unwrap();
    let page = hub.totals(&observer);
    assert_eq!(
        (&page["masked_under"], &page["lines"][0]["sums"]["reversals"]),
        (&10.into(), &serde_json::Value::Null)
    );
    assert!(!page.to_string().contains("phones"), "{page}");
    assert!(matches!(hub.sync(&mut observer).unwrap(), Agreement::Without(_)));
    assert!(observer.store().record_ids(TEAM).unwrap().is_empty());
    for (method, path, status) in [("GET", "/nowhere", 404), ("POST", "/healthz", 405)] {
        let client = hub.client(&worker);
        let answer = match method {
            "GET" => client.get(path),
            _ => client.post(path, vec![]),
        };
        let Err(NetError::Status(found, detail)) = answer else { panic!("{path}") };
        assert_eq!(found, status);
        assert!(detail.contains("docs/protocol.md"), "{detail}");
    }
    assert!(hub.stop().0.success());
}

#[test]
fn a_programme_with_a_long_administration_still_lets_devices_join() {
    let mut programme = Programme::new();
    let mut certificates = Vec::new();
    for number in 0..120_u32 {
        let mut seed = [3; 32];
        seed[..4].copy_from_slice(&number.to_be_bytes());
        let device = SigningKey::from_seed(&seed).device_key();
        certificates.push(programme.coordinator.certify(device, Role::Worker, TEAM).unwrap());
    }
    for enrolment in certificates.iter().take(40) {
        programme.coordinator.revoke(TEAM, enrolment.certificate).unwrap();
    }
    programme.sync_coordinator();
    let pins = vec![DeviceKey([7; 32])];
    let hub = HubAddress { at: "127.0.0.1:9".to_owned(), pins };
    let invitation = programme.coordinator.invite(&hub, TEAM, Role::Worker).unwrap();
    let path = programme.folder.path().join("phone");
    let root = programme.root.root();
    let mut phone = Engine::device(&path, &key(), root, Environment::system()).unwrap();
    let (asked, _) = phone.ask_to_join(&invitation).unwrap();
    let request = invitation.read_request(&asked).unwrap();
    let reply = programme.coordinator.approve(&invitation, &request).unwrap();
    assert!(reply.len() < 300 << 10, "{} bytes", reply.len());
    phone.join_by(&invitation, &reply).unwrap();
    let id = phone.record(TEAM, &reversal("survived")).unwrap();
    programme.sync_coordinator();
    for _ in 0..2 {
        programme.sync(&mut phone);
    }
    assert_eq!(phone.role(TEAM), Some(Role::Worker));
    programme.settle();
    assert_eq!(programme.hub.record_ids(TEAM).unwrap(), vec![id]);
}
