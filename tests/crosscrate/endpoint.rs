//! Named cases of the exchange, through the real endpoint, process and file.

use super::hub_process::{Failed, Hub};
use super::programme::{Programme, TEAM, key, reversal};
use super::written::{Written, creation};
use kitbag_client::BlockingHubClient;
use kitbag_core::engine::{Engine, Environment};
use kitbag_core::identity::{Role, SigningKey};
use kitbag_core::log::Verdict;
use kitbag_core::log::entry::{Tip, sign};
use kitbag_core::model::{EntryId, UnixMillis};
use kitbag_core::store::{KeyFile, Settling, Store};
use kitbag_core::sync::{Agreement, Message, SyncFault};

const SEED: [u8; 32] = [66; 32];

fn hub(programme: &Programme) -> Hub {
    Hub::start(&programme.folder.path().join("hub-process"), &programme.root)
}

/// What the stopped hub made of an entry.
fn verdicts(programme: &Programme) -> Vec<(EntryId, Option<Verdict>)> {
    let folder = programme.folder.path().join("hub-process");
    let key = KeyFile(folder.join("hub.key"));
    let file = folder.join("hub.db");
    let mut store = Store::open(&file, &key, None, None, Settling::Behind).unwrap();
    while store.settle_some().unwrap() {}
    store.entries().unwrap().into_iter().map(|entry| (entry.id, entry.verdict)).collect()
}

fn send(client: &BlockingHubClient, log: &mut Written) -> Vec<String> {
    let runs = vec![Ok(log.run())];
    let request = Message { teams: vec![TEAM], runs, ..Message::default() };
    let answer = Message::decode(&client.sync(request.encode()).unwrap()).unwrap();
    answer.turned_away.iter().map(|run| run.reason()).collect()
}

#[test]
fn a_valid_certificate_under_another_devices_log_is_refused() {
    let mut programme = Programme::new();
    let (mut worker, certificate) = programme.worker();
    let hub = hub(&programme);
    worker.record(TEAM, &reversal("survived")).unwrap();
    hub.sync(&mut worker).unwrap();
    let thief = SigningKey::from_seed(&SEED);
    let client = BlockingHubClient::new(&hub.address, &thief).unwrap();
    // Its own log, under a certificate that holds, but for another key.
    let mut log = Written::new(&SEED, certificate, 1);
    let stolen = log.add(17, None, creation());
    let reasons = send(&client, &mut log);
    assert!(reasons[0].contains("no certificate"), "{reasons:?}");
    assert_eq!(hub.reversals(&worker), 1);
    assert!(hub.stop().0.success());
    assert!(!verdicts(&programme).into_iter().any(|(id, _)| id == stolen));
}

#[test]
fn a_device_that_jumps_to_a_huge_position_does_not_lose_its_later_true_entries() {
    let mut programme = Programme::new();
    let device = SigningKey::from_seed(&SEED);
    let enrolment = programme.coordinator.certify(device.device_key(), Role::Worker, TEAM).unwrap();
    let hub = hub(&programme);
    hub.sync(&mut programme.root).unwrap();
    hub.sync(&mut programme.coordinator).unwrap();
    let client = BlockingHubClient::new(&hub.address, &device).unwrap();
    let mut log = Written::new(&SEED, enrolment.certificate, 1);
    log.add(17, None, creation());
    assert_eq!(send(&client, &mut log), Vec::<String>::new());
    let true_tip = log.tip;
    for position in [1_000_000, i64::MAX as u64, u64::MAX - 3] {
        log.tip = Tip { position, id: true_tip.id };
        log.add(17, None, creation());
        let mut run = log.run();
        run.first = position + 1;
        let last = Tip { position: position + 1, id: run.expand()[0].id };
        run.signature = sign(&device, log.log, last);
        let request = Message { teams: vec![TEAM], runs: vec![Ok(run)], ..Message::default() };
        let answer = Message::decode(&client.sync(request.encode()).unwrap()).unwrap();
        assert_eq!(answer.turned_away.len(), 1, "a jump to {position}");
    }
    log.tip = true_tip;
    log.entries.clear();
    log.add(17, None, creation());
    assert_eq!(send(&client, &mut log), Vec::<String>::new());
    assert_eq!(hub.reversals(&programme.coordinator), 2);
    assert!(hub.stop().0.success());
}

#[test]
fn an_upload_budget_sends_part_and_says_what_waits() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let hub = hub(&programme);
    for number in 0..600 {
        let mut varied = reversal("survived");
        varied.put("site", format!("site {number}").as_str()).unwrap();
        worker.record(TEAM, &varied).unwrap();
    }
    let client = hub.client(&worker);
    let mut waited = worker.status().unwrap().waiting;
    assert_eq!(waited.records, 600);
    assert!(waited.since.is_some());
    let mut syncs = 0;
    loop {
        let mut session = worker.session();
        session.limit_upload(10_000);
        let mut sent = 0;
        let agreement = worker
            .carry(&mut session, |request, _| {
                sent += request.len();
                client.sync(request).map_err(Failed::Net)
            })
            .unwrap();
        worker.note_sync(&session, None).unwrap();
        syncs += 1;
        assert!(sent <= 11_000, "{sent} bytes in one sync");
        let status = worker.status().unwrap();
        assert!(status.waiting.entries < waited.entries, "each sync sends something");
        waited = status.waiting;
        match agreement {
            Agreement::Partial { waiting } => {
                assert_eq!(waiting, waited.entries);
                assert!(!status.is_synced);
                assert_eq!(status.last.failed, Some(SyncFault::BudgetSpent(waiting)));
            }
            Agreement::Whole => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(syncs > 2, "{syncs} syncs");
    assert!(worker.status().unwrap().is_synced);
    assert_eq!(hub.reversals(&worker), 600);
    assert!(hub.stop().0.success());
}

#[test]
fn a_phones_clock_decides_nothing_and_is_said_to_be_wrong() {
    let mut programme = Programme::new();
    let hub = hub(&programme);
    let today = (Environment::system().now)().0;
    let year = 365 * 24 * 60 * 60 * 1_000_i64;
    for (number, now) in [0, 68 * year, 8_029 * year, today].into_iter().enumerate() {
        let path = programme.folder.path().join(format!("clock-{number}"));
        let mut environment = Environment::system();
        environment.now = Box::new(move || UnixMillis(now));
        let mut phone = Engine::device(&path, &key(), programme.root.root(), environment).unwrap();
        let enrolment = programme
            .coordinator
            .certify(phone.device_key(), kitbag_core::identity::Role::Worker, TEAM)
            .unwrap();
        phone.join(&enrolment).unwrap();
        phone.record(TEAM, &reversal("survived")).unwrap();
        let client = hub.client(&phone);
        let mut session = phone.session();
        phone.carry(&mut session, |request, _| client.sync(request).map_err(Failed::Net)).unwrap();
        phone.note_sync(&session, None).unwrap();
        let status = phone.status().unwrap();
        assert_eq!(status.clock_is_off, now != today, "a clock at {now}");
        assert!(status.is_synced);
    }
    hub.sync(&mut programme.coordinator).unwrap();
    // Whatever a phone's clock says, what it records counts; where it cannot have been right, the date is doubted.
    let page = hub.totals(&programme.coordinator);
    assert_eq!(
        (hub.reversals(&programme.coordinator), &page["date_in_doubt"]["2018"]),
        (4, &3.into())
    );
    assert!(hub.stop().0.success());
}

#[test]
fn one_bad_entry_in_the_middle_of_a_thousand_stops_none_of_the_others() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let hub = hub(&programme);
    for number in 0..1_000 {
        if number == 500 {
            // What no rule allows, in the log with a good signature: of three fields only one is there.
            let kind = kitbag_core::model::Kind::Reversal;
            let wrong = vec![kitbag_core::model::Operation::put("site", "x")];
            worker.write_unasked(TEAM, kind, None, wrong).unwrap();
        } else {
            worker.record(TEAM, &reversal("survived")).unwrap();
        }
    }
    hub.sync(&mut worker).unwrap();
    assert_eq!(hub.reversals(&worker), 999);
    assert!(hub.stop().0.success());
    let verdicts = verdicts(&programme);
    let refused =
        verdicts.iter().filter(|(_, verdict)| matches!(verdict, Some(Verdict::Refused(_))));
    assert_eq!(refused.count(), 1);
}

#[test]
fn a_message_cut_at_any_byte_or_of_another_version_or_team_is_refused_with_400_or_changes_nothing()
{
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let hub = hub(&programme);
    hub.sync(&mut programme.coordinator).unwrap();
    worker.record(TEAM, &reversal("survived")).unwrap();
    let mut session = worker.session();
    let request = worker.request(&mut session).unwrap().unwrap();
    let client = hub.client(&worker);
    let refused = |body: &[u8]| match client.sync(body.to_vec()) {
        Err(kitbag_core::net::NetError::Status(400, _)) => true,
        Ok(_) => false,
        Err(other) => panic!("{other}"),
    };
    for at in 0..request.len() {
        assert!(refused(&request[..at]), "cut at {at}");
    }
    for version in [0, 2, 9, 255] {
        let mut other = request.clone();
        other[0] = version;
        assert!(refused(&other), "version {version}");
    }
    // Small on the wire, without end when inflated; deep without end.
    let bomb = kitbag_core::packing::pack(&vec![0; 32 << 20]);
    assert!(bomb.len() < 64 << 10);
    assert!(refused(&[&[1, 1], bomb.as_slice()].concat()));
    let deep = kitbag_core::packing::pack(&[0x81; 60_000]);
    assert!(refused(&[&[1, 1], deep.as_slice()].concat()));
    // Another's team: nothing is answered of it.
    let other = kitbag_core::model::TeamId([9; 16]);
    let asked =
        Message { teams: vec![other], clock: Some(Default::default()), ..Message::default() };
    let answer = Message::decode(&client.sync(asked.encode()).unwrap()).unwrap();
    assert!(answer.teams.is_empty() && answer.runs.is_empty() && answer.signed.is_empty());
    // The request itself, played again and again, counts once.
    for _ in 0..3 {
        assert!(!refused(&request));
    }
    assert_eq!(hub.reversals(&worker), 1);
    assert!(hub.stop().0.success());
}
