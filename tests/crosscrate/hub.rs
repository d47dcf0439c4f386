//! The hub as a process: what it acknowledges, refuses and says, and how it stops.

use super::programme::{Programme, TEAM, reversal};
use kitbag_core::engine::{Engine, EngineError};
use kitbag_core::net::{HubClient, NetError};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

const MARKER: &str = "PLANTED-MARKER";

struct Hub {
    child: Child,
    stdin: Option<ChildStdin>,
    address: SocketAddr,
    client: HubClient,
}

impl Hub {
    fn start(folder: &Path, root: &Engine) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hub_for_tests"))
            .arg(folder)
            .arg(root.root().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().parse().unwrap();
        let stdin = child.stdin.take();
        Hub { child, stdin, address, client: HubClient::new(address).unwrap() }
    }

    fn sync(&self, engine: &mut Engine) -> Result<(), Failed> {
        engine.sync(|request| self.client.sync(request).map_err(Failed::Net))
    }

    fn totals(&self) -> Value {
        loop {
            let page: Value =
                serde_json::from_slice(&self.client.get("/v1/totals").unwrap()).unwrap();
            if page["settled"] == true {
                return page;
            }
        }
    }

    /// Asks it to stop, and returns how it did, with what it logged.
    fn stop(mut self) -> (ExitStatus, String) {
        drop(self.stdin.take());
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap(), log)
    }
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Net(#[from] NetError),
}

fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn what_the_hub_acknowledged_is_there_after_kill_9_and_counted_once() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let folder = programme.folder.path().join("hub-process");
    let mut hub = Hub::start(&folder, &programme.root);
    for kill in 1..=5 {
        worker.record(TEAM, &reversal("survived")).unwrap();
        hub.sync(&mut worker).unwrap();
        hub.child.kill().unwrap();
        hub.child.wait().unwrap();
        assert!(matches!(hub.sync(&mut worker), Err(Failed::Net(NetError::NoAnswer))));
        hub = Hub::start(&folder, &programme.root);
        let page = hub.totals();
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
    planted.site = MARKER.to_owned();
    planted.note = Some(MARKER.to_owned());
    worker.record(TEAM, &planted).unwrap();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    hub.sync(&mut worker).unwrap();
    let page = hub.totals();
    assert_eq!(page["known_missing"]["entries"], 0);
    let request =
        format!("POST /v1/sync HTTP/1.1\r\nhost: x\r\ncontent-length: 14\r\n\r\n{MARKER}");
    raw(hub.address, request.replace("HTTP/1.1", "HTTP/1.0").as_bytes());
    let (status, log) = hub.stop();
    assert!(status.success());
    assert!(log.contains("stopped"), "it logs, so that the next line means something: {log}");
    assert!(!log.contains(MARKER), "{log}");
}

#[test]
fn bad_requests_get_a_problem_and_change_nothing() {
    let programme = Programme::new();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    let post = |path: &str, body: &[u8]| {
        let head = format!("POST {path} HTTP/1.0\r\ncontent-length: {}\r\n\r\n", body.len());
        raw(hub.address, &[head.as_bytes(), body].concat())
    };
    for body in [&b""[..], b"\x02\x01", b"\x01\x01garbage", &[0x28; 70_000]] {
        let answer = post("/v1/sync", body);
        assert!(answer.starts_with("HTTP/1.0 400"), "{answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
        assert!(answer.contains("\"code\":\"message\""), "{answer}");
    }
    let too_large = post("/v1/sync", &vec![0; (1 << 20) + 1]);
    assert!(too_large.is_empty() || too_large.starts_with("HTTP/1.0 413"), "{too_large}");
    let get = |path: &str| raw(hub.address, format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes());
    assert!(get("/healthz").starts_with("HTTP/1.0 200"));
    assert!(get("/v1/totals?by=colour").starts_with("HTTP/1.0 400"));
    assert!(get("/v1/totals?by=colour").contains("expected day, week"));
    assert!(get("/v1/totals?team=x").starts_with("HTTP/1.0 400"));
    assert!(get("/nowhere").starts_with("HTTP/1.0 404"));
    assert!(hub.stop().0.success());
}

#[test]
fn plain_http_is_refused_on_any_address_but_loopback() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        let options = kitbag_hub::Options {
            folder: folder.path().to_owned(),
            listen: address.parse().unwrap(),
            root: None,
            until_stdin_ends: true,
        };
        let refused = kitbag_hub::run(options, |_| panic!("it listens")).unwrap_err();
        assert!(refused.to_string().contains("not a loopback address"), "{refused}");
    }
}

#[test]
fn a_hub_stops_when_it_is_told_though_its_standard_input_stays_open() {
    let programme = Programme::new();
    let mut hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    let id = hub.child.id().to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(told.success());
    assert!(hub.child.wait().unwrap().success(), "it stopped, and said so");
    assert!(hub.stdin.is_some());
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
        root: Some(programme.root.root()),
        until_stdin_ends: true,
    };
    let refused = kitbag_hub::run(options, |_| panic!("it listens")).unwrap_err();
    assert!(refused.to_string().contains("put a backup in its place"), "{refused}");
    assert_eq!(std::fs::read(folder.join("hub.db")).unwrap(), b"");
}
