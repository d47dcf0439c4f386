//! A client against a hub that is no good, and over a store that is: each an error that an app can branch on, and
//! nothing lost.

use super::client::{opening, pause, phone, run};
use super::hub_process::Hub;
use super::programme::{Programme, TEAM, reversal};
use kitbag_client::{Client, Error, SyncOptions};
use kitbag_core::identity::HubAddress;
use kitbag_core::model::UnixMillis;
use kitbag_core::sync::{Agreement, Message, SyncFault};
use kitbag_core::totals::{Query, Split};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What a made-up hub writes for a request's body.
type Says = fn(&[u8]) -> Vec<u8>;

/// A hub without TLS that says what it is told to, to each request on a connection of its own.
struct MadeUp {
    address: HubAddress,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl MadeUp {
    fn start(says: Says) -> MadeUp {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if told.load(Ordering::SeqCst) {
                    return;
                }
                let mut stream = stream.unwrap();
                let body = body_of(&mut stream);
                // Who does not wait any more closes.
                _ = stream.write_all(&says(&body));
            }
        });
        MadeUp { address: HubAddress::insecure(at), ends, thread: Some(thread) }
    }
}

impl Drop for MadeUp {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        _ = TcpStream::connect(&self.address.at);
        _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Reads a request whole.
fn body_of(stream: &mut TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (mut bytes, mut part) = (Vec::new(), [0; 4_096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        if let Some(head) = text.find("\r\n\r\n") {
            let length = text.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.trim().parse::<usize>().ok());
            // Before the body the head is plain text, so that both count alike.
            if bytes.len() >= head + 4 + length.unwrap_or(0) {
                return bytes.split_off(head + 4);
            }
        }
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return Vec::new(),
            Ok(read) => bytes.extend(&part[..read]),
        }
    }
}

fn http(status: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn whole(body: &[u8]) -> Vec<u8> {
    http("200 OK", body.len(), body)
}

#[test]
fn what_a_hub_makes_up_ends_a_sync_with_its_reason_and_is_taken_for_no_receipt() {
    let hubs: [(&str, Says, &[SyncFault]); 11] = [
        ("no HTTP", |_| b"hello".to_vec(), &[SyncFault::NoAnswer]),
        ("nothing", |_| Vec::new(), &[SyncFault::NoAnswer]),
        ("an empty body", |_| whole(b""), &[SyncFault::NotRead]),
        ("noise", |_| whole(&[0xff; 300]), &[SyncFault::NotRead]),
        ("half a body", |_| http("200 OK", 1_000, b"half"), &[SyncFault::NoAnswer]),
        ("the request itself", whole, &[SyncFault::NotRead]),
        (
            "that it keeps nothing",
            |_| whole(&Message { now: 1_790_000_000_000, ..Message::default() }.encode()),
            &[SyncFault::KeptOut, SyncFault::Stuck],
        ),
        ("a server's fault", |_| http("500 Fault", 0, b""), &[SyncFault::Refused(500)]),
        ("that it is busy", |_| http("503 Busy", 0, b""), &[SyncFault::Busy]),
        ("no such page", |_| http("404 Not Found", 4, b"none"), &[SyncFault::Refused(404)]),
        (
            "more than can be kept",
            |_| http("200 OK", 40 << 20, &vec![1; 17 << 20]),
            &[SyncFault::NoAnswer],
        ),
    ];
    let mut programme = Programme::new();
    let first = MadeUp::start(hubs[0].1);
    let store = phone(&mut programme, &first.address);
    let good = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    good.sync(&mut programme.root).unwrap();
    good.sync(&mut programme.coordinator).unwrap();
    run(async {
        let client = Client::open(opening(&store)).await.unwrap();
        for (at, (what, says, faults)) in hubs.into_iter().enumerate() {
            client.records().record(TEAM, reversal("survived")).await.unwrap();
            let hub = MadeUp::start(says);
            client.programme().set_hub(hub.address.clone()).await.unwrap();
            let ended = client.sync().start(SyncOptions::default()).ended().await;
            let fault = match ended {
                Err(Error::Sync(fault)) => fault,
                Ok(Agreement::Without(_)) => SyncFault::KeptOut,
                other => panic!("{what}: {other:?}"),
            };
            assert!(faults.contains(&fault), "{what}: {fault:?}");
            let status = client.sync().status().await.unwrap();
            assert_eq!(status.waiting.records, at as u64 + 1, "{what}");
            assert!(!status.is_synced, "{what}");
        }
        client.programme().set_hub(good.address.clone()).await.unwrap();
        let ended = client.sync().start(SyncOptions::default()).ended().await;
        assert_eq!(ended, Ok(Agreement::Whole));
        client.close().await;
    });
    assert_eq!(good.reversals(&programme.coordinator), 11);
}

#[test]
fn a_hub_that_trickles_holds_up_nobody_who_has_a_deadline() {
    let mut programme = Programme::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let store = phone(&mut programme, &HubAddress::insecure(listener.local_addr().unwrap()));
    let slow = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        body_of(&mut stream);
        let mut said = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n");
        // Nobody says anything more: each reading waits as long as it may.
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        while said.is_ok() && !matches!(stream.read(&mut [0]), Ok(0)) {
            said = stream.write_all(b"x");
        }
    });
    run(async {
        let client = Client::open(opening(&store)).await.unwrap();
        let deadline = Some(Duration::from_millis(400));
        let sync = client.sync().start(SyncOptions { deadline, ..SyncOptions::default() });
        pause().await;
        client.records().record(TEAM, reversal("survived")).await.unwrap();
        assert_eq!(sync.ended().await, Err(Error::Sync(SyncFault::OutOfTime)));
        client.close().await;
    });
    slow.join().unwrap();
}

#[test]
fn a_hub_that_answers_another_key_gets_nothing() {
    let mut programme = Programme::new();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    let other = Hub::start(&programme.folder.path().join("other-process"), &programme.root);
    let at_its_place = HubAddress { at: other.address.at.clone(), pins: hub.address.pins.clone() };
    let store = phone(&mut programme, &at_its_place);
    hub.sync(&mut programme.root).unwrap();
    hub.sync(&mut programme.coordinator).unwrap();
    run(async {
        let client = Client::open(opening(&store)).await.unwrap();
        client.records().record(TEAM, reversal("survived")).await.unwrap();
        let ended = client.sync().start(SyncOptions::default()).ended().await;
        assert_eq!(ended, Err(Error::Sync(SyncFault::NotTheHub)));
        assert_eq!(client.sync().status().await.unwrap().waiting.records, 1);
        client.programme().set_hub(hub.address.clone()).await.unwrap();
        let ended = client.sync().start(SyncOptions::default()).ended().await;
        assert_eq!(ended, Ok(Agreement::Whole));
        client.close().await;
    });
    assert_eq!(hub.reversals(&programme.coordinator), 1);
}

#[test]
fn a_clock_that_is_set_back_while_a_sync_goes_on_loses_nothing_and_delays_nobody() {
    let mut programme = Programme::new();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    let store = phone(&mut programme, &hub.address);
    hub.sync(&mut programme.root).unwrap();
    hub.sync(&mut programme.coordinator).unwrap();
    let clock = Arc::new(AtomicI64::new(1_790_000_000_000));
    let shown = Arc::clone(&clock);
    run(async {
        let mut opening = opening(&store);
        opening.clock = Some(Arc::new(move || UnixMillis(shown.load(Ordering::SeqCst))));
        let client = Client::open(opening).await.unwrap();
        for _ in 0..300 {
            client.records().record(TEAM, reversal("survived")).await.unwrap();
        }
        let mut sync = client.sync().start(SyncOptions::default());
        while sync.next_progress().await.is_some() {
            clock.fetch_sub(400 * 24 * 3_600_000, Ordering::SeqCst);
        }
        assert_eq!(sync.ended().await, Ok(Agreement::Whole));
        assert!(client.sync().status().await.unwrap().is_synced);
        assert!(clock.load(Ordering::SeqCst) < 1_790_000_000_000, "it was set back meanwhile");
        client.records().record(TEAM, reversal("died")).await.unwrap();
        let kept = client.sync().keep(SyncOptions::default());
        while !client.sync().status().await.unwrap().is_synced {
            pause().await;
        }
        drop(kept);
        client.close().await;
    });
    assert_eq!(hub.reversals(&programme.coordinator), 301);
}

#[test]
fn a_store_that_is_damaged_while_it_is_read_says_so_and_is_read_again_once_it_is_whole() {
    let mut programme = Programme::new();
    let unheard = TcpListener::bind("127.0.0.1:0").unwrap();
    let store = phone(&mut programme, &HubAddress::insecure(unheard.local_addr().unwrap()));
    run(async {
        let client = Client::open(opening(&store)).await.unwrap();
        for _ in 0..600 {
            client.records().record(TEAM, reversal("survived")).await.unwrap();
        }
        // Closing writes the log beside the store back into it.
        client.close().await;
        let client = Client::open(opening(&store)).await.unwrap();
        let by_author = Query { by: vec![Split::Author], ..Query::default() };
        let sums = |totals: &kitbag_core::totals::Totals| -> i64 {
            totals.lines.values().map(|sums| sums["reversals"]).sum()
        };
        let whole = std::fs::read(&store).unwrap();
        let mut spoilt = whole.clone();
        // The first pages stay, so that it opens.
        spoilt[32_768..].iter_mut().for_each(|byte| *byte ^= 0x5a);
        std::fs::write(&store, &spoilt).unwrap();
        let read = client.totals().of(by_author.clone()).await;
        assert_eq!(read.map(|totals| sums(&totals)), Err(Error::Damaged));
        std::fs::write(&store, &whole).unwrap();
        let read = client.totals().of(by_author).await;
        assert_eq!(read.map(|totals| sums(&totals)), Ok(600), "read anew");
        client.records().record(TEAM, reversal("survived")).await.unwrap();
        client.close().await;
    });
}
