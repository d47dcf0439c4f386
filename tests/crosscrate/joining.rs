//! Joining, leaving, revoking: who gets in, and who reads what is sealed to the team.

use super::hub_process::Hub;
use super::programme::{NOW, Programme, TEAM, key, reversal};
use kitbag_client::BlockingHubClient;
use kitbag_core::engine::{Engine, EngineError, Environment, Invitation};
use kitbag_core::identity::{HubAddress, Role};
use kitbag_core::log::entry::kind;
use kitbag_core::log::run::Run;
use kitbag_core::model::{DeviceKey, RecordId, TeamId, Value};
use kitbag_core::net::NetError;
use kitbag_core::store::Delivery;

fn hub_address() -> HubAddress {
    HubAddress { at: "127.0.0.1:9".to_owned(), pins: vec![DeviceKey([7; 32])] }
}

fn device(programme: &Programme, name: &str) -> Engine {
    let path = programme.folder.path().join(name);
    Engine::device(&path, &key(), programme.root.root(), Environment::system()).unwrap()
}

fn note(engine: &Engine, id: RecordId) -> Option<Value> {
    engine.get(id).unwrap().get("note").cloned()
}

fn noted(text: &str) -> kitbag_core::model::Form {
    super::programme::with(reversal("survived"), "note", text)
}

#[test]
fn a_device_joins_by_an_invitation_once_and_records_at_once() {
    let mut programme = Programme::new();
    programme.sync_coordinator();
    let coordinator = &mut programme.coordinator;
    let invitation = coordinator.invite(&hub_address(), TEAM, Role::Worker).unwrap();
    let seen: Invitation = invitation.to_string().parse().unwrap();
    let mut phone = device(&programme, "phone");
    let (asked, code) = phone.ask_to_join(&seen).unwrap();
    let coordinator = &mut programme.coordinator;
    let request = invitation.read_request(&asked).unwrap();
    assert_eq!(request.code, code);
    let reply = coordinator.approve(&invitation, &request).unwrap();
    assert_eq!(coordinator.approve(&invitation, &request).unwrap(), reply, "a lost answer again");
    let another = kitbag_core::engine::JoinRequest {
        device: programme.root.device_key(),
        code: request.code.clone(),
    };
    let coordinator = &mut programme.coordinator;
    let used = coordinator.approve(&invitation, &another);
    assert!(matches!(used, Err(EngineError::InvitationUsed)));
    coordinator.forget_invitation(&invitation.id()).unwrap();
    let used = coordinator.approve(&invitation, &request);
    assert!(matches!(used, Err(EngineError::InvitationUsed)));
    for at in 0..reply.len() {
        let mut flipped = reply.clone();
        flipped[at] ^= 1;
        assert!(matches!(phone.join_by(&seen, &flipped), Err(EngineError::NotAReply)), "at {at}");
    }
    phone.join_by(&seen, &reply).unwrap();
    assert_eq!(phone.hub().unwrap(), Some(hub_address()));
    let id = phone.record(TEAM, &noted("with the team's key")).unwrap();
    programme.sync(&mut phone);
    programme.sync_coordinator();
    assert_eq!(note(&programme.coordinator, id), Some("with the team's key".into()));
}

#[test]
fn whoever_saw_the_invitation_and_was_faster_shows_another_code() {
    let mut programme = Programme::new();
    let invitation = programme.coordinator.invite(&hub_address(), TEAM, Role::Worker).unwrap();
    let (honest, thief) = (device(&programme, "honest"), device(&programme, "thief"));
    let (_, on_the_screen) = honest.ask_to_join(&invitation).unwrap();
    let (asked_first, _) = thief.ask_to_join(&invitation).unwrap();
    let request = invitation.read_request(&asked_first).unwrap();
    assert_ne!(request.code, on_the_screen);
    // The reply to one is nothing to the other.
    let reply = programme.coordinator.approve(&invitation, &request).unwrap();
    let mut honest = honest;
    assert!(matches!(honest.join_by(&invitation, &reply), Err(EngineError::NotAReply)));
}

#[test]
fn nobody_invites_above_their_station() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let hub = hub_address();
    let refused = |invited: Result<Invitation, EngineError>| {
        assert!(matches!(invited, Err(EngineError::MayNotInvite)));
    };
    refused(worker.invite(&hub, TEAM, Role::Worker));
    refused(programme.coordinator.invite(&hub, TEAM, Role::Coordinator));
    refused(programme.coordinator.invite(&hub, TeamId([9; 16]), Role::Worker));
    refused(programme.root.invite(&hub, TEAM, Role::Worker));
    assert!(programme.root.invite(&hub, TEAM, Role::Coordinator).is_ok());
    let path = programme.folder.path().join("other-root");
    let mut other = Engine::found(&path, &key(), Environment::system()).unwrap();
    let invitation = other.invite(&hub, TEAM, Role::Coordinator).unwrap();
    assert!(matches!(worker.ask_to_join(&invitation), Err(EngineError::OtherProgramme)));
}

#[test]
fn through_the_hub_an_invitation_is_asked_once_and_answered_by_its_inviter_alone() {
    let mut programme = Programme::new();
    let (worker, _) = programme.worker();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    hub.sync(&mut programme.root).unwrap();
    hub.sync(&mut programme.coordinator).unwrap();
    let invitation = programme.coordinator.invite(&hub.address, TEAM, Role::Worker).unwrap();
    let path = |part: &str| format!("/v1/invitations/{}{part}", TeamId(invitation.id()));
    let status = |answer: Result<Vec<u8>, NetError>| match answer {
        Ok(_) => 200,
        Err(NetError::Status(status, _)) => status,
        Err(other) => panic!("{other}"),
    };
    let phone = device(&programme, "phone");
    let client = |engine: &Engine| -> BlockingHubClient {
        BlockingHubClient::to(engine, &hub.address).unwrap()
    };
    let (coordinators, phones, others) =
        (client(&programme.coordinator), client(&phone), client(&worker));
    let (asked, _) = phone.ask_to_join(&invitation).unwrap();
    assert_eq!(status(phones.post(&path("/request"), asked.clone())), 404, "not open yet");
    assert_eq!(status(others.post(&path(""), vec![])), 403, "a worker opens none");
    assert_eq!(status(coordinators.post(&path(""), vec![])), 200);
    assert_eq!(status(coordinators.post("/v1/invitations/xyz", vec![])), 400);
    assert_eq!(status(phones.post(&path("/request"), vec![0; 600])), 413);
    assert_eq!(status(phones.post(&path("/request"), asked.clone())), 200);
    assert_eq!(
        status(phones.post(&path("/request"), asked.clone())),
        200,
        "again, as over a bad line"
    );
    assert_eq!(status(others.post(&path("/request"), asked.clone())), 409, "used");
    assert_eq!(status(others.get(&path(""))), 404);
    assert_eq!(coordinators.get(&path("")).unwrap(), asked);
    assert_eq!(phones.get(&path("/reply")).unwrap(), b"");
    assert_eq!(status(others.post(&path("/reply"), vec![1])), 404);
    let request = invitation.read_request(&asked).unwrap();
    let reply = programme.coordinator.approve(&invitation, &request).unwrap();
    assert_eq!(status(coordinators.post(&path("/reply"), reply.clone())), 200);
    assert_eq!(status(others.get(&path("/reply"))), 404);
    assert_eq!(phones.get(&path("/reply")).unwrap(), reply);
    let (status, log) = hub.stop();
    assert!(status.success());
    assert!(!log.contains(&TeamId(invitation.id()).to_string()), "no id in a log: {log}");
}

#[test]
fn notes_are_read_by_the_team_and_not_by_the_hub_nor_by_who_was_revoked_before() {
    let mut programme = Programme::new();
    let (mut ana, _) = programme.worker();
    let (mut dana, danas) = programme.worker();
    let early = ana.record(TEAM, &noted("before")).unwrap();
    programme.sync(&mut ana);
    programme.sync(&mut dana);
    assert_eq!(note(&dana, early), Some("before".into()));
    let sealed = programme.hub.record(early).unwrap();
    programme.settle();
    let sealed = sealed.or(programme.hub.record(early).unwrap()).unwrap();
    let Some(Value::Bytes(bytes)) = sealed.get("note") else { panic!("the hub reads the note") };
    assert!(!bytes.windows(6).any(|part| part == b"before"));
    // Dana is revoked: the team's key changes, and what is noted from now on is not hers to read.
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, danas).unwrap();
    programme.sync_coordinator();
    programme.sync(&mut ana);
    let late = ana.record(TEAM, &noted("after")).unwrap();
    ana.correct(early, "note", "mended").unwrap();
    let mut bundle = Vec::new();
    ana.export_bundle(TEAM, kitbag_core::engine::BundleOf::Everything, &mut bundle, |_| {})
        .unwrap();
    let refused = dana.import_bundle(&mut bundle.as_slice(), |_| {});
    assert!(matches!(refused, Err(kitbag_core::engine::BundleError::NotForUs)));
    // Even with every entry in her hands.
    let run = |engine: &Engine| -> Vec<kitbag_core::log::run::Run> {
        let store = engine.store();
        let logs = store.logs_in_order(&[TEAM, TeamId::PROGRAMME]);
        store.page_of(&logs, &Default::default(), None).unwrap()
    };
    programme.sync(&mut ana);
    programme.sync_coordinator();
    let message = kitbag_core::sync::Message {
        teams: vec![TEAM],
        runs: run(&programme.coordinator).into_iter().map(Ok).collect(),
        ..Default::default()
    };
    let mut session = dana.session();
    dana.reply(&mut session, &super::programme::as_response(message)).unwrap();
    assert!(
        matches!(note(&dana, late), Some(Value::Bytes(_))),
        "sealed to a key she was not handed"
    );
    // A newcomer reads what was noted before it came.
    let (mut newcomer, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut newcomer);
    assert_eq!(note(&newcomer, late), Some("after".into()));
    assert_eq!(note(&newcomer, early), Some("mended".into()));
}

#[test]
fn a_worker_without_a_key_is_told_so_and_can_save_without_the_note() {
    let mut programme = Programme::new();
    // A certificate without the entries that hand out the key.
    let mut bare = device(&programme, "bare");
    let mut enrolment =
        programme.coordinator.certify(bare.device_key(), Role::Worker, TEAM).unwrap();
    let keys = |run: &Run| run.entries.iter().any(|entry| entry.kind == kind::TEAM_KEY);
    enrolment.runs.retain(|run| !keys(run));
    bare.join(&enrolment).unwrap();
    let refused = bare.record(TEAM, &noted("text"));
    assert!(matches!(refused, Err(EngineError::NoTeamKey)));
    let id = bare.record(TEAM, &reversal("survived")).unwrap();
    assert_eq!(bare.delivery(id).unwrap(), Delivery::Waiting);
}

#[test]
fn leaving_deletes_what_the_hub_has_and_refuses_to_lose_the_rest() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let id = worker.record(TEAM, &noted("PLANTED-MARKER")).unwrap();
    let cut = worker.session();
    let refused = worker.leave(TEAM, &cut);
    assert!(matches!(refused, Err(EngineError::WouldLose { waiting }) if waiting >= 2));
    let (device, hub) = (worker.device_key(), &mut programme.hub);
    let mut synced = worker.session();
    worker
        .carry(&mut synced, |request, _| {
            let now = super::programme::NOW;
            kitbag_core::sync::respond(hub, device, now, &request).map_err(EngineError::from)
        })
        .unwrap();
    worker.leave(TEAM, &synced).unwrap();
    assert!(matches!(worker.get(id), Err(EngineError::NoRecord)));
    assert!(matches!(worker.record(TEAM, &reversal("died")), Err(EngineError::NotAMember)));
    assert!(matches!(worker.leave(TEAM, &synced), Err(EngineError::NotAMember)));
    assert_eq!(worker.store().totals(&Default::default(), NOW).unwrap().lines.len(), 0);
    drop(worker);
    let worker =
        Engine::open(&programme.folder.path().join("device-1"), &key(), Environment::system());
    assert_eq!(worker.unwrap().teams(), vec![]);
    programme.settle();
    assert!(programme.hub.record(id).unwrap().is_some());
}

#[test]
fn a_device_that_is_enrolled_again_writes_in_a_new_log_and_counts() {
    let mut programme = Programme::new();
    let (mut worker, certificate) = programme.worker();
    worker.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    worker.record(TEAM, &reversal("died")).unwrap();
    programme.sync(&mut worker);
    let invitation = programme.coordinator.invite(&hub_address(), TEAM, Role::Worker).unwrap();
    let (asked, _) = worker.ask_to_join(&invitation).unwrap();
    let request = invitation.read_request(&asked).unwrap();
    let reply = programme.coordinator.approve(&invitation, &request).unwrap();
    worker.join_by(&invitation, &reply).unwrap();
    worker.record(TEAM, &reversal("unknown")).unwrap();
    programme.sync_coordinator();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    programme.settle();
    let counted = |store: &kitbag_core::store::Store| -> i64 {
        let totals = store.totals(&Default::default(), NOW).unwrap();
        totals.lines.values().filter_map(|line| line.get("reversals")).sum()
    };
    assert_eq!(counted(&programme.hub), 2, "what it wrote while it was revoked is kept apart");
    assert_eq!(counted(worker.store()), 2);
}
