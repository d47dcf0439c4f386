//! Whoever turns against a programme from inside hurts only what is his: one test for each rule.

use super::programme::{
    NOW, Programme, TEAM, aside, counted, key, reversal, send_as, sync_through,
};
use super::written::{Written, creation};
use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::{HubAddress, Role, SigningKey};
use kitbag_core::log::entry::{Tip, kind, sign};
use kitbag_core::log::payload::{Administration, Open, RecordPayload};
use kitbag_core::log::run::{Run, SignedTip};
use kitbag_core::model::{DeviceKey, EntryId, Form, Kind, Operation, RecordId, TeamId, UnixMillis};
use kitbag_core::store::{ASIDE_ENTRIES_MAX, CLAIMED_MAX, Delivery, Reason, Store};
use kitbag_core::sync::{self, Message, SyncError};

const SEED: [u8; 32] = [66; 32];

/// A certified worker whose device writes what it likes.
fn hostile(programme: &mut Programme) -> EntryId {
    let key = SigningKey::from_seed(&SEED).device_key();
    let enrolment = programme.coordinator.certify(key, Role::Worker, TEAM).unwrap();
    programme.sync_coordinator();
    enrolment.certificate
}

/// Sends a message as the hostile device; why runs of it were turned away.
fn send(hub: &mut Store, message: &Message) -> Vec<String> {
    send_as(hub, SigningKey::from_seed(&SEED).device_key(), message)
}

fn runs(runs: Vec<Run>) -> Message {
    let runs = runs.into_iter().map(Ok).collect();
    Message { teams: vec![TEAM], runs, ..Message::default() }
}

fn change(after: Vec<EntryId>, operation: Operation) -> Vec<u8> {
    let at = UnixMillis(1_520_000_000_000);
    RecordPayload { salt: [8; 8], at, after, operations: vec![operation] }.encode()
}

fn hub_at(port: u16) -> HubAddress {
    HubAddress { at: format!("127.0.0.1:{port}"), pins: vec![DeviceKey([7; 32])] }
}

#[test]
fn an_invitation_proves_itself_and_takes_nothing_away() {
    let mut programme = Programme::new();
    let (mut phone, _) = programme.worker();
    programme.sync_coordinator();
    phone.set_hub(&hub_at(1)).unwrap();
    let id = phone.record(TEAM, &reversal("survived")).unwrap();
    // A real worker of the programme invites, with a hub of their own and a reply that they made.
    let (mut thief, _) = programme.worker();
    let mut invitation = programme.coordinator.invite(&hub_at(2), TEAM, Role::Worker).unwrap();
    let stolen = TeamId([0x66; 16]);
    invitation.team = stolen;
    invitation.inviter = thief.device_key();
    let (request, _) = phone.ask_to_join(&invitation).unwrap();
    let request = invitation.read_request(&request).unwrap();
    assert!(thief.approve(&invitation, &request).is_err(), "a worker certifies nobody");
    // And one that is whole but for the runs.
    let mut bare = programme.coordinator.certify(DeviceKey([9; 32]), Role::Worker, TEAM).unwrap();
    bare.runs.clear();
    bare.team = stolen;
    assert!(matches!(phone.join(&bare), Err(EngineError::Enrolment(_))));
    assert_eq!(phone.teams(), [TEAM]);
    assert_eq!(phone.hub().unwrap(), Some(hub_at(1)));
    // An honest one keeps the hub that the device has, too.
    let honest = programme.coordinator.invite(&hub_at(2), TEAM, Role::Worker).unwrap();
    let (request, _) = phone.ask_to_join(&honest).unwrap();
    let request = honest.read_request(&request).unwrap();
    let reply = programme.coordinator.approve(&honest, &request).unwrap();
    phone.join_by(&honest, &reply).unwrap();
    assert_eq!(phone.hub().unwrap(), Some(hub_at(1)));
    let insecure = HubAddress::insecure(([127, 0, 0, 1], 9).into());
    let insecure = programme.coordinator.invite(&insecure, TEAM, Role::Worker).unwrap();
    assert!(matches!(phone.ask_to_join(&insecure), Err(EngineError::InsecureInvitation)));
    let path = programme.folder.path().join("new");
    let root = programme.root.root();
    let new = Engine::device(&path, &key(), root, Environment::system()).unwrap();
    assert!(matches!(new.ask_to_join(&insecure), Err(EngineError::InsecureInvitation)));
    programme.sync(&mut phone);
    assert_eq!(phone.delivery(id).unwrap(), Delivery::OnHub);
}

#[test]
fn a_link_takes_out_its_own_record_whoever_it_names() {
    let mut programme = Programme::new();
    let (mut honest, _) = programme.worker();
    let ids: Vec<RecordId> =
        (0..5).map(|_| honest.record(TEAM, &reversal("survived")).unwrap()).collect();
    programme.sync(&mut honest);
    let certificate = hostile(&mut programme);
    let mut log = Written::new(&SEED, certificate, 0);
    let own = log.add(17, None, creation());
    // All of a colleague's records, written apart in one, which is void besides.
    for id in &ids {
        let link = Operation::put("duplicate_of", id.to_string().as_str());
        log.add(17, Some(own), change(vec![own], link));
    }
    assert_eq!(send(&mut programme.hub, &runs(vec![log.run()])), Vec::<String>::new());
    programme.settle();
    assert_eq!(counted(&programme.hub), 6, "a suggestion hides nothing, its own record neither");
    log.add(17, Some(own), change(vec![own], Operation::put("void", "test")));
    assert_eq!(send(&mut programme.hub, &runs(vec![log.run()])), Vec::<String>::new());
    programme.settle();
    assert_eq!(counted(&programme.hub), 5);
    // A coordinator's one correction settles every value that it saw, however many.
    programme.sync_coordinator();
    let shown = programme.coordinator.get(own.record()).unwrap();
    assert_eq!(shown.fields["duplicate_of"].len(), 5);
    programme
        .coordinator
        .correct(own.record(), "duplicate_of", kitbag_core::model::Value::Null)
        .unwrap();
    let shown = programme.coordinator.get(own.record()).unwrap();
    assert_eq!(shown.fields["duplicate_of"].len(), 1);
}

#[test]
fn what_a_colleague_holds_moves_by_their_word() {
    let mut programme = Programme::new();
    let (mut honest, _) = programme.worker();
    let (mut other, _) = programme.worker();
    let stock = |from: &str| {
        let mut form = Form::at(Kind::StockMovement, "riverside", "2026-03-01".parse().unwrap());
        for (field, answer) in
            [("movement", "return"), ("product", "p"), ("from", from), ("to", "site:riverside")]
        {
            form.put(field, answer).unwrap();
        }
        form.put("doses_per_kit", 2).unwrap().put("quantity", 5).unwrap();
        form
    };
    let holder = format!("device:{}", honest.device_key());
    let _ = other.record(TEAM, &stock(&holder));
    programme.sync(&mut other);
    programme.settle();
    assert_eq!(programme.hub.stock(Some(TEAM)).unwrap(), []);
    honest.record(TEAM, &stock(&holder)).unwrap();
    programme.sync(&mut honest);
    programme.sync_coordinator();
    programme.settle();
    let held = programme.hub.stock(Some(TEAM)).unwrap();
    let mut doses: Vec<i64> = held.iter().map(|held| held.doses).collect();
    doses.sort_unstable();
    assert_eq!(doses, [-10, 10]);
}

#[test]
fn past_a_revocation_nothing_is_relayed_and_a_little_is_kept_aside() {
    let mut programme = Programme::new();
    let (mut colleague, _) = programme.worker();
    let certificate = hostile(&mut programme);
    let mut log = Written::new(&SEED, certificate, 0);
    log.add(17, None, creation());
    assert_eq!(send(&mut programme.hub, &runs(vec![log.run()])), Vec::<String>::new());
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    programme.sync(&mut colleague);
    let held = colleague.store().entries().unwrap().len();
    for _ in 0..4 {
        for _ in 0..500 {
            log.add(17, None, creation());
        }
        let reasons = send(&mut programme.hub, &runs(vec![log.run()]));
        assert!(reasons[0].contains("revoked") || reasons[0].contains("not held"), "{reasons:?}");
    }
    programme.settle();
    programme.sync(&mut colleague);
    assert_eq!(colleague.store().entries().unwrap().len(), held, "nobody else is troubled");
    assert_eq!(counted(&programme.hub), 1);
    let aside = aside(&programme.hub, certificate);
    assert_eq!(aside.len() as u64, ASIDE_ENTRIES_MAX);
    // A coordinator accepts one, and it counts, though what lies before it does not.
    let accepted = aside.last().unwrap().id;
    let accept = Administration::Accept {
        waived: kitbag_core::log::payload::Waived::Revoked,
        entries: vec![accepted],
    };
    programme.coordinator.administer(TEAM, &accept).unwrap();
    programme.sync_coordinator();
    programme.sync(&mut colleague);
    programme.settle();
    assert_eq!(counted(&programme.hub), 2);
    assert_eq!(counted(colleague.store()), 2);
}

#[test]
fn an_honest_revoked_phone_says_what_is_aside_and_never_synced() {
    let mut programme = Programme::new();
    let (mut phone, certificate) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut phone);
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    let id = phone.record(TEAM, &reversal("survived")).unwrap();
    let device = phone.device_key();
    let mut session = phone.session();
    let hub = &mut programme.hub;
    phone
        .carry(&mut session, |request, _| {
            sync::respond(hub, device, NOW, &request).map_err(EngineError::from)
        })
        .unwrap();
    phone.note_sync(&session, None).unwrap();
    let status = phone.status().unwrap();
    assert!(!status.is_synced);
    assert_eq!(status.waiting.why_aside, Some(Reason::Revoked));
    assert_eq!(phone.delivery(id).unwrap(), Delivery::Aside(Reason::Revoked));
}

#[test]
fn what_an_honest_person_writes_counts_whatever_she_had_seen() {
    let mut programme = Programme::new();
    let (mut honest, _) = programme.worker();
    let id = honest.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut honest);
    programme.sync_coordinator();
    let shown = honest.get(id).unwrap();
    // A correction that names as seen what no store will ever get.
    let nowhere = EntryId([0xee; 32]);
    let key = SigningKey::from_seed(&SEED).device_key();
    let enrolment = programme.root.certify(key, Role::Coordinator, TEAM).unwrap();
    programme.sync_root();
    let mut log = Written::new(&SEED, enrolment.certificate, 0);
    let mut after = vec![shown.history[0].entry, nowhere];
    after.sort();
    let changed =
        log.add(17, Some(shown.history[0].entry), change(after, Operation::put("outcome", "died")));
    assert_eq!(send(&mut programme.hub, &runs(vec![log.run()])), Vec::<String>::new());
    programme.settle();
    programme.sync(&mut honest);
    let shown = honest.get(id).unwrap();
    assert_eq!(shown.fields["outcome"].last(), Some(&("died".into(), changed)));
    assert_eq!(shown.conflicts().count(), 0);
}

#[test]
fn a_hub_that_answers_without_end_ends_the_sync() {
    let mut programme = Programme::new();
    let (mut phone, _) = programme.worker();
    for _ in 0..3 {
        phone.record(TEAM, &reversal("survived")).unwrap();
    }
    for shows_a_clock in [false, true] {
        let mut requests = 0_u32;
        let synced: Result<_, EngineError> = phone.sync(|_| {
            requests += 1;
            // Another digest each time, nothing acknowledged, and logs that nobody has.
            let mark = requests.to_be_bytes();
            let log =
                kitbag_core::model::LogId([mark, mark, mark, mark].concat().try_into().unwrap());
            let tip = Tip { position: 1, id: EntryId([mark[3]; 32]) };
            let clock = shows_a_clock.then(|| [(log, vec![tip])].into_iter().collect());
            let (teams, digest) = (vec![TEAM], [mark[3]; 16]);
            Ok(Message { teams, digest, clock, now: NOW.0, ..Message::default() }.encode())
        });
        assert!(matches!(synced, Err(EngineError::Sync(SyncError::Stuck { .. }))), "{synced:?}");
        assert!(requests < 20, "{requests} requests");
        assert!(phone.status().unwrap().waiting.entries > 0, "nothing is said to be there");
    }
}

#[test]
fn a_claim_is_worth_what_its_author_is_worth() {
    let mut programme = Programme::new();
    let certificate = hostile(&mut programme);
    let key = SigningKey::from_seed(&SEED);
    let open = Open { key: key.device_key(), team: TEAM, random: [3; 16], certificate };
    for position in [5_000, i64::MAX as u64 - 1] {
        let tip = Tip { position, id: EntryId([7; 32]) };
        let signature = sign(&key, open.log(), tip);
        let signed = vec![SignedTip { log: open.log(), open: open.clone(), tip, signature }];
        send(&mut programme.hub, &Message { teams: vec![TEAM], signed, ..Message::default() });
    }
    let missing = |store: &Store| {
        let missing = store.known_missing(Some(TEAM)).unwrap();
        (missing.entries, missing.is_doubtful)
    };
    assert_eq!(missing(&programme.hub), (CLAIMED_MAX, true));
    programme.sync_coordinator();
    assert_eq!(missing(programme.coordinator.store()), (CLAIMED_MAX, true));
    let claims = programme.coordinator.store().claims_of(key.device_key()).unwrap();
    let (_, log, position) = claims[0];
    programme.coordinator.administer(TEAM, &Administration::SetAside { log, position }).unwrap();
    programme.sync_coordinator();
    programme.settle();
    assert_eq!(missing(&programme.hub), (0, false));
    // And past a revocation, by whatever way it comes.
    let other = Open { random: [4; 16], ..open };
    let tip = Tip { position: 9, id: EntryId([8; 32]) };
    let signature = sign(&key, other.log(), tip);
    let signed = vec![SignedTip { log: other.log(), open: other, tip, signature }];
    let claim = Message { teams: vec![TEAM], signed, ..Message::default() };
    send(&mut programme.hub, &claim);
    assert_eq!(missing(&programme.hub), (9, false));
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    send(&mut programme.hub, &claim);
    assert_eq!(missing(&programme.hub), (0, false));
}

#[test]
fn erasure_is_the_roots() {
    let mut programme = Programme::new();
    let (mut phone, _) = programme.worker();
    let mut marked = reversal("survived");
    marked.put("site", "PLANTED-SITE-MARKER").unwrap();
    let id = phone.record(TEAM, &marked).unwrap();
    phone.record(TEAM, &reversal("died")).unwrap();
    programme.sync(&mut phone);
    programme.sync_coordinator();
    // Two stolen keys of coordinators write what only the root may: their logs end there.
    for seed in [[71; 32], [72; 32]] {
        let stolen = SigningKey::from_seed(&seed).device_key();
        let enrolment = programme.root.certify(stolen, Role::Coordinator, TEAM).unwrap();
        programme.sync_root();
        let mut log = Written::new(&seed, enrolment.certificate, 0);
        let erase = Administration::Erase { team: TEAM, records: vec![id] };
        log.add(kind::ERASE, None, erase.encode());
        send(&mut programme.hub, &runs(vec![log.run()]));
    }
    programme.coordinator.ask_erasure(TEAM, &[id]).unwrap();
    let refused = programme.coordinator.erase(TEAM, &[id]);
    assert!(matches!(refused, Err(EngineError::NotTheRoot)));
    programme.sync_coordinator();
    programme.sync(&mut phone);
    programme.settle();
    assert_eq!((counted(&programme.hub), counted(phone.store())), (2, 2), "asking erases nothing");
    programme.root.look_into(TEAM).unwrap();
    programme.sync_root();
    let asked = programme.root.asked_erasures().unwrap();
    assert_eq!(asked.iter().map(|one| one.record).collect::<Vec<_>>(), [id]);
    programme.root.erase(TEAM, &[id]).unwrap();
    programme.sync_root();
    programme.sync(&mut phone);
    programme.sync_coordinator();
    programme.settle();
    for store in [&programme.hub, phone.store(), programme.coordinator.store()] {
        assert_eq!(counted(store), 1);
        let entries = store.entries().unwrap();
        assert!(entries.iter().any(|entry| entry.record == Some(id)), "the header stays");
    }
    assert!(programme.root.asked_erasures().unwrap().is_empty(), "it is done");
    // What is offered again comes without its payload; a newcomer takes it so.
    let (mut newcomer, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut newcomer);
    assert_eq!(counted(newcomer.store()), 1);
}

#[test]
fn the_root_changes_the_teams_key_where_nobody_else_can() {
    let mut programme = Programme::new();
    let (mut phone, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut phone);
    let before = phone.team_key_number(TEAM).unwrap().unwrap();
    programme.root.look_into(TEAM).unwrap();
    programme.sync_root();
    let coordinator = programme.coordinator.device_key();
    let members = programme.root.store().authority();
    let (certificate, _, _) =
        members.members(TEAM).find(|(_, device, _)| *device == coordinator).unwrap();
    programme.root.revoke(TEAM, certificate).unwrap();
    programme.sync_root();
    programme.sync(&mut phone);
    assert!(phone.team_key_number(TEAM).unwrap().unwrap() > before);
    let mut noted = reversal("survived");
    noted.put("note", "after").unwrap();
    let id = phone.record(TEAM, &noted).unwrap();
    programme.sync(&mut phone);
    // The revoked one still has its old keys, and reads nothing that was sealed since.
    let _ = sync_through(&mut programme.coordinator, &mut programme.hub);
    assert!(programme.coordinator.get(id).is_err());
}

#[test]
fn a_member_over_its_budget_goes_on_where_it_was_and_loses_nothing() {
    let mut programme = Programme::new();
    let (mut phone, _) = programme.worker();
    programme.sync_coordinator();
    for _ in 0..50 {
        phone.record(TEAM, &reversal("survived")).unwrap();
    }
    let device = phone.device_key();
    let put_off = |phone: &mut Engine, hub: &mut Store, allowed: bool| {
        let mut session = phone.session();
        let carried = phone.carry(&mut session, |request, _| {
            let message = Message::decode(&request).map_err(SyncError::from)?;
            let mut unverified = sync::Unverified::new(message, sync::Sender::Known);
            unverified.look(hub, sync::Sender::Known).map_err(SyncError::from)?;
            let verified = unverified.verify();
            let answer = sync::respond_verified(hub, device, NOW, verified, &mut |_| allowed)?;
            Ok::<_, EngineError>(answer.response)
        });
        phone.note_sync(&session, None).unwrap();
        carried.unwrap()
    };
    let agreement = put_off(&mut phone, &mut programme.hub, false);
    assert!(matches!(agreement, sync::Agreement::Partial { waiting } if waiting >= 50));
    assert!(!phone.status().unwrap().is_synced);
    assert_eq!(put_off(&mut phone, &mut programme.hub, true), sync::Agreement::Whole);
    programme.settle();
    assert_eq!(counted(&programme.hub), 50);
}

#[test]
fn totals_are_read_by_role_and_a_strangers_body_is_bounded() {
    use super::hub_process::Hub;
    use kitbag_core::net::NetError;
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let path = programme.folder.path().join("observer");
    let root = programme.root.root();
    let mut observer = Engine::device(&path, &key(), root, Environment::system()).unwrap();
    let observing =
        programme.coordinator.certify(observer.device_key(), Role::Observer, TEAM).unwrap();
    observer.join(&observing).unwrap();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    hub.sync(&mut programme.root).unwrap();
    hub.sync(&mut programme.coordinator).unwrap();
    for site in ["small", "large"] {
        let many = if site == "large" { 14 } else { 3 };
        for _ in 0..many {
            let mut form = reversal("survived");
            form.put("site", site).unwrap();
            worker.record(TEAM, &form).unwrap();
        }
    }
    hub.sync(&mut worker).unwrap();
    assert_eq!(hub.reversals(&worker), 17);
    let asked = |engine: &Engine, by: &str| {
        let page = hub.client(engine).get(&format!("/v1/totals?team={TEAM}&by={by}"));
        page.map(|page| serde_json::from_slice::<serde_json::Value>(&page).unwrap())
    };
    for (by, observers, workers) in [
        ("month", true, true),
        ("year,site", true, true),
        ("day", false, true),
        ("week", false, true),
        ("outcome", false, true),
        ("author", false, false),
    ] {
        let refused = |page: Result<_, NetError>| matches!(page, Err(NetError::Status(403, _)));
        assert_eq!(!refused(asked(&observer, by)), observers, "an observer asks by {by}");
        assert_eq!(!refused(asked(&worker, by)), workers, "a worker asks by {by}");
        assert!(asked(&programme.coordinator, by).is_ok(), "a coordinator asks by {by}");
    }
    // Two spans differ by what would be masked alone: an observer asks for none.
    // So do a site's and a kind's, where what is masked is found among all.
    for span in
        ["month&from=2018-03-01&to=2018-03-31", "&to=2018-02-28", "&site=large", "&kind=reversal"]
    {
        let refused = asked(&observer, span);
        assert!(matches!(refused, Err(NetError::Status(403, _))), "{refused:?}");
    }
    let within = asked(&worker, "&from=2018-03-01&to=2018-03-31").unwrap();
    assert_eq!(within["lines"][0]["sums"]["reversals"], 17, "{within}");
    let large = asked(&worker, "&site=large&kind=reversal").unwrap();
    assert_eq!(large["lines"][0]["sums"]["reversals"], 14, "{large}");
    assert_eq!(large["lines"][0]["shares"]["survival"], 1.0, "{large}");
    let handed = asked(&worker, "&kind=distribution").unwrap();
    assert_eq!(handed["lines"].as_array().map(Vec::len), Some(0), "{handed}");
    let before = asked(&worker, "&to=2018-02-28").unwrap();
    assert_eq!(before["lines"].as_array().map(Vec::len), Some(0), "{before}");
    // One small cell is masked; and the next, or a total would give it away.
    let page = asked(&observer, "site").unwrap();
    for line in page["lines"].as_array().unwrap() {
        assert_eq!(line["sums"]["reversals"], serde_json::Value::Null, "{line}");
        assert!(line["masked"].as_array().unwrap().contains(&"reversals".into()), "{line}");
    }
    assert!(!page.to_string().contains(&worker.device_key().to_string()));
    let stranger = SigningKey::from_seed(&[1; 32]);
    let stranger = kitbag_client::BlockingHubClient::new(&hub.address, &stranger).unwrap();
    let too_large = stranger.sync(vec![1; 20_000]);
    assert!(matches!(too_large, Err(NetError::Status(413, _))), "{too_large:?}");
    let bomb = [&[1, 1][..], &kitbag_core::packing::pack(&vec![0; 300 << 10])].concat();
    assert!(matches!(stranger.sync(bomb), Err(NetError::Status(400, _))));
    assert!(hub.stop().0.success());
}
