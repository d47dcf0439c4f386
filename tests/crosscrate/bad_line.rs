//! Bad lines and bad clients, through the real endpoint and process.

use super::hub_process::{Failed, Hub};
use super::programme::{Programme, TEAM, reversal};
use kitbag_client::BlockingHubClient;
use kitbag_core::engine::Engine;
use kitbag_core::net::NetError;
use kitbag_core::sync::Agreement;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// Passes bytes on to the hub until so many came from the phone, then closes both ways.
fn line_that_breaks(to: &str, after: usize) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let hub = TcpStream::connect(to).unwrap();
    let thread = std::thread::spawn(move || {
        let (mut phone, _) = listener.accept().unwrap();
        let (mut from_hub, mut to_phone) = (hub.try_clone().unwrap(), phone.try_clone().unwrap());
        let back = std::thread::spawn(move || {
            let _ = std::io::copy(&mut from_hub, &mut to_phone);
        });
        let mut hub = hub;
        let mut left = after;
        let mut buffer = [0; 512];
        while left > 0 {
            let Ok(read @ 1..) = phone.read(&mut buffer[..left.min(512)]) else { break };
            left -= read;
            if hub.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = hub.shutdown(std::net::Shutdown::Both);
        let _ = phone.shutdown(std::net::Shutdown::Both);
        let _ = back.join();
    });
    (at, thread)
}

#[test]
fn wherever_the_line_breaks_nothing_is_said_to_be_done_and_the_next_sync_goes_on() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    let mut expected = 0;
    for after in [0, 1, 5, 100, 300, 500, 700, 900, 1_200, 1_600, 2_500, 4_000] {
        for _ in 0..8 {
            worker.record(TEAM, &reversal("survived")).unwrap();
            expected += 1;
        }
        let (at, line) = line_that_breaks(&hub.address.at, after);
        let broken = kitbag_core::identity::HubAddress { at, pins: hub.address.pins.clone() };
        let client = BlockingHubClient::to(&worker, &broken).unwrap();
        let cut: Result<Agreement, Failed> =
            worker.sync(|request| client.sync(request).map_err(Failed::Net));
        drop(client);
        line.join().unwrap();
        if cut.is_err() {
            assert!(worker.status().unwrap().waiting.entries > 0, "cut after {after} bytes");
        }
    }
    assert_eq!(hub.sync(&mut worker).unwrap(), Agreement::Whole);
    assert_eq!(worker.status().unwrap().waiting.entries, 0);
    assert_eq!(hub.reversals(&worker), expected);
    assert!(hub.stop().0.success());
}

#[test]
fn a_hub_killed_in_the_middle_of_an_upload_is_sent_the_rest_again() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    worker.limit_pages(20);
    let mut hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    for _ in 0..100 {
        worker.record(TEAM, &reversal("survived")).unwrap();
    }
    let client = BlockingHubClient::to(&worker, &hub.address).unwrap();
    let mut requests = 0;
    let mut killed = None;
    let cut: Result<Agreement, Failed> = worker.sync(|request| {
        requests += 1;
        if requests == 3 {
            hub.kill();
            killed = Some(());
        }
        client.sync(request).map_err(Failed::Net)
    });
    assert!(killed.is_some() && matches!(cut, Err(Failed::Net(NetError::NoAnswer))));
    let waiting = worker.status().unwrap().waiting;
    assert!(waiting.entries > 0 && waiting.records < 100, "{waiting:?}: pages before it are known");
    hub.start_again();
    assert_eq!(hub.sync(&mut worker).unwrap(), Agreement::Whole);
    assert_eq!(hub.reversals(&worker), 100);
    assert!(hub.stop().0.success());
}

#[test]
fn eight_writers_and_a_health_poll_lose_nothing_and_count_nothing_twice() {
    let mut programme = Programme::new();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    let devices: Vec<Engine> = (0..8).map(|_| programme.worker().0).collect();
    hub.sync(&mut programme.coordinator).unwrap();
    let poll = BlockingHubClient::to(&programme.coordinator, &hub.address).unwrap();
    let is_done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(std::sync::atomic::Ordering::SeqCst) {
                assert_eq!(poll.get("/healthz").unwrap(), b"ok\n");
            }
        });
        let writers: Vec<_> = devices
            .into_iter()
            .map(|mut device| {
                let hub = &hub;
                scope.spawn(move || {
                    for _ in 0..25 {
                        device.record(TEAM, &reversal("survived")).unwrap();
                        hub.sync(&mut device).unwrap();
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        is_done.store(true, std::sync::atomic::Ordering::SeqCst);
    });
    assert_eq!(hub.reversals(&programme.coordinator), 200);
    assert!(hub.stop().0.success());
}

#[test]
fn slow_half_open_and_idle_connections_keep_nobody_out() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    let mut idle = Vec::new();
    for number in 0..1_000 {
        let mut socket = TcpStream::connect(&hub.address.at).unwrap();
        // Some say nothing, some begin a handshake and stop, some send a byte now and then.
        if number % 3 == 1 {
            socket.write_all(&[0x16, 3, 1, 2, 0, 1]).unwrap();
        }
        if number % 3 == 2 {
            let _ = socket.shutdown(std::net::Shutdown::Write);
        }
        idle.push(socket);
    }
    for round in 0..5 {
        worker.record(TEAM, &reversal("survived")).unwrap();
        for socket in idle.iter_mut().step_by(3) {
            let _ = socket.write_all(&[0x16]);
        }
        assert_eq!(hub.sync(&mut worker).unwrap(), Agreement::Whole, "round {round}");
    }
    assert_eq!(hub.reversals(&worker), 5);
    drop(idle);
    assert!(hub.stop().0.success());
}
