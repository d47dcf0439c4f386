//! The hub as a process: what it acknowledges, refuses and says, and how it stops.

use super::hub_process::{Failed, Hub};
use super::programme::{Programme, TEAM, reversal};
use kitbag_client::BlockingHubClient;
use kitbag_core::identity::{HubAddress, SigningKey};
use kitbag_core::net::NetError;
use std::process::Command;

const MARKER: &str = "PLANTED-MARKER";

#[test]
fn what_the_hub_acknowledged_is_there_after_kill_9_and_counted_once() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let folder = programme.folder.path().join("hub-process");
    let mut hub = Hub::start(&folder, &programme.root);
    for kill in 1..=5 {
        worker.record(TEAM, &reversal("survived")).unwrap();
        hub.sync(&mut worker).unwrap();
        hub.kill();
        assert!(matches!(hub.sync(&mut worker), Err(Failed::Net(NetError::NoAnswer))));
        hub.start_again();
        hub.sync(&mut programme.coordinator).unwrap();
        let page = hub.totals(&programme.coordinator);
        assert_eq!(page["lines"][0]["sums"]["reversals"], kill);
        let until = page["includes_all_up_to"].as_str().unwrap();
        assert!(until > "2026-01-01T00:00:00Z", "{until}");
    }
    let (status, _) = hub.stop();
    assert!(status.success());
}

#[test]
fn no_log_of_the_hub_holds_contents_codes_or_places() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let mut planted = reversal(MARKER);
    planted.put("site", MARKER).unwrap();
    planted.put("note", MARKER).unwrap();
    worker.record(TEAM, &planted).unwrap();
    let hub = Hub::start_insecure(&programme.folder.path().join("hub-process"), &programme.root);
    hub.sync(&mut worker).unwrap();
    let page = hub.totals(&worker);
    assert_eq!(page["known_missing"]["entries"], 0);
    let request =
        format!("POST /v1/sync HTTP/1.1\r\nhost: x\r\ncontent-length: 14\r\n\r\n{MARKER}");
    hub.raw(request.replace("HTTP/1.1", "HTTP/1.0").as_bytes());
    let (status, log) = hub.stop();
    assert!(status.success());
    assert!(log.contains("stopped"), "it logs, so that the next line means something: {log}");
    assert!(!log.contains(MARKER), "{log}");
}

#[test]
fn bad_requests_get_a_problem_and_change_nothing() {
    let programme = Programme::new();
    let hub = Hub::start_insecure(&programme.folder.path().join("hub-process"), &programme.root);
    let device = format!("kitbag-device: {}\r\n", programme.coordinator.device_key());
    let post = |path: &str, device: &str, body: &[u8]| {
        let head =
            format!("POST {path} HTTP/1.0\r\n{device}content-length: {}\r\n\r\n", body.len());
        hub.raw(&[head.as_bytes(), body].concat())
    };
    for body in [&b""[..], b"\x02\x01", b"\x01\x01garbage", &[0x28; 7_000]] {
        let answer = post("/v1/sync", &device, body);
        assert!(answer.starts_with("HTTP/1.0 400"), "{answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
        assert!(answer.contains("\"code\":\"message\""), "{answer}");
    }
    for nobody in ["", "kitbag-device: x\r\n"] {
        let answer = post("/v1/sync", nobody, b"");
        assert!(answer.starts_with("HTTP/1.0 401"), "{answer}");
    }
    let too_large = post("/v1/sync", &device, &vec![0; (5 << 19) + 1]);
    assert!(too_large.is_empty() || too_large.starts_with("HTTP/1.0 413"), "{too_large}");
    let get = |path: &str| hub.raw(format!("GET {path} HTTP/1.0\r\n{device}\r\n").as_bytes());
    assert!(get("/healthz").starts_with("HTTP/1.0 200"));
    assert!(get("/v1/totals?by=colour").starts_with("HTTP/1.0 400"));
    assert!(get("/v1/totals?by=colour").contains("expected day, week"));
    assert!(get("/v1/totals?kind=colour").contains("expected one of distribution"));
    assert!(get("/v1/totals?team=x").starts_with("HTTP/1.0 400"));
    assert!(get("/v1/totals?from=yesterday").starts_with("HTTP/1.0 400"));
    assert!(get(&format!("/v1/devices?team={TEAM}")).starts_with("HTTP/1.0 403"));
    assert!(get(&format!("/v1/totals?team={TEAM}")).starts_with("HTTP/1.0 403"));
    assert!(get("/nowhere").starts_with("HTTP/1.0 404"));
    assert!(hub.stop().0.success());
}

#[test]
fn a_device_talks_to_the_pinned_key_or_its_spare_and_to_nobody_else() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    worker.record(TEAM, &reversal("survived")).unwrap();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    let [own, spare] = hub.address.pins[..] else { panic!("a key and a spare") };
    let other = SigningKey::from_seed(&[1; 32]);
    let at = |pins| HubAddress { at: hub.address.at.clone(), pins };
    let refused = BlockingHubClient::new(&at(vec![spare, other.device_key()]), &other).unwrap();
    assert!(matches!(refused.get("/healthz"), Err(NetError::NotTheHub)));
    let spare_first = BlockingHubClient::to(&worker, &at(vec![spare, own])).unwrap();
    assert_eq!(spare_first.get("/healthz").unwrap(), b"ok\n");
    // Without TLS nothing is answered, and no other version of TLS is spoken.
    let plain =
        BlockingHubClient::new(&HubAddress { at: hub.address.at.clone(), pins: vec![] }, &other);
    assert!(matches!(plain.unwrap().get("/healthz"), Err(NetError::NoAnswer)));
    assert!(!hub.raw(b"GET /healthz HTTP/1.0\r\n\r\n").contains("200"));
    assert_eq!(hub.sync(&mut worker).unwrap(), kitbag_core::sync::Agreement::Whole);
    assert!(hub.stop().0.success());
}

#[test]
fn a_device_reads_its_own_teams_alone_and_a_stranger_nothing() {
    let mut programme = Programme::new();
    let (mut worker, certificate) = programme.worker();
    worker.record(TEAM, &reversal("survived")).unwrap();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    hub.sync(&mut worker).unwrap();
    hub.sync(&mut programme.coordinator).unwrap();
    assert_eq!(hub.reversals(&worker), 1);
    let stranger = BlockingHubClient::new(&hub.address, &SigningKey::from_seed(&[1; 32])).unwrap();
    let totals = format!("/v1/totals?team={TEAM}");
    assert!(matches!(stranger.get(&totals), Err(NetError::Status(403, _))));
    let digests = stranger.get("/v1/digests").unwrap();
    assert!(!String::from_utf8(digests).unwrap().contains("canonical"));
    let mut session = kitbag_core::sync::Session::new([TEAM]);
    let root = programme.root.root();
    let path = programme.folder.path().join("stranger");
    let key = super::programme::key();
    let environment = kitbag_core::engine::Environment::system();
    let mut device = kitbag_core::engine::Engine::device(&path, &key, root, environment).unwrap();
    while let Some(request) = device.request(&mut session).unwrap() {
        let answer = stranger.sync(request).unwrap();
        device.reply(&mut session, &answer).unwrap();
    }
    assert_eq!(device.store().entries().unwrap(), vec![], "a stranger learns nothing");
    // One that is revoked reads no more; what it still has is taken, kept, and does not count.
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    hub.sync(&mut programme.coordinator).unwrap();
    worker.record(TEAM, &reversal("survived")).unwrap();
    let agreement = hub.sync(&mut worker).unwrap();
    assert!(matches!(agreement, kitbag_core::sync::Agreement::Without(_)), "{agreement:?}");
    assert_eq!(worker.status().unwrap().waiting.entries, 0);
    assert!(matches!(
        BlockingHubClient::to(&worker, &hub.address).unwrap().get(&totals),
        Err(NetError::Status(403, _))
    ));
    hub.sync(&mut programme.coordinator).unwrap();
    assert_eq!(hub.reversals(&programme.coordinator), 1);
    assert_eq!(programme.coordinator.store().record_ids(TEAM).unwrap().len(), 1);
}

#[test]
fn plain_http_is_refused_on_any_address_but_loopback() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        let options = kitbag_hub::Options {
            folder: folder.path().to_owned(),
            listen: address.parse().unwrap(),
            public: None,
            root: None,
            insecure_loopback: true,
            until_stdin_ends: true,
            budgets: kitbag_hub::Budgets::default(),
        };
        let refused = kitbag_hub::run(options, |_| panic!("it listens")).unwrap_err();
        assert!(refused.to_string().contains("not a loopback address"), "{refused}");
    }
}

#[test]
fn a_hub_stops_when_it_is_told_though_its_standard_input_stays_open() {
    let programme = Programme::new();
    let mut hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    let id = hub.pid().to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(told.success());
    assert!(hub.wait().success(), "it stopped, and said so");
    assert!(hub.is_told_by_stdin());
}

#[test]
fn a_hub_whose_store_is_cut_off_does_not_start_anew_in_its_place() {
    let programme = Programme::new();
    let folder = programme.folder.path().join("hub-process");
    let hub = Hub::start(&folder, &programme.root);
    assert!(hub.stop().0.success());
    std::fs::write(folder.join("hub.db"), b"").unwrap();
    let options = kitbag_hub::Options {
        folder: folder.clone(),
        listen: ([127, 0, 0, 1], 0).into(),
        public: None,
        root: Some(programme.root.root()),
        insecure_loopback: false,
        until_stdin_ends: true,
        budgets: kitbag_hub::Budgets::default(),
    };
    let refused = kitbag_hub::run(options, |_| panic!("it listens")).unwrap_err();
    assert!(refused.to_string().contains("put a backup in its place"), "{refused}");
    assert_eq!(std::fs::read(folder.join("hub.db")).unwrap(), b"");
}
