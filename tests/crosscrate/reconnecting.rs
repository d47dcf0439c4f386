//! What is true of a sync at every moment: one round trip, cuts, budgets, clocks, rollbacks, bundles.

use super::hub_process::{Failed, Hub};
use super::programme::{NOW, Programme, TEAM, key, reversal, sync_through};
use kitbag_core::engine::{BundleError, BundleOf, Engine, EngineError, Environment};
use kitbag_core::model::{RecordId, UnixMillis};
use kitbag_core::net::NetError;
use kitbag_core::store::Delivery;
use kitbag_core::sync::{self, Agreement, Session};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// Syncs message by message, and says how many requests it took and how many bytes went each way.
fn measured(engine: &mut Engine, programme: &mut Programme) -> (u32, usize, usize) {
    let (mut requests, mut up, mut down) = (0, 0, 0);
    let device = engine.device_key();
    let hub = &mut programme.hub;
    engine
        .sync(|request| {
            requests += 1;
            up += request.len();
            let answer = sync::answer(hub, device, NOW, &request).map_err(EngineError::from)?;
            down += answer.len();
            Ok::<_, EngineError>(answer)
        })
        .unwrap();
    (requests, up, down)
}

#[test]
fn when_all_is_well_it_is_one_round_trip_with_or_without_news() {
    let mut programme = Programme::new();
    let (mut ana, _) = programme.worker();
    let (mut ben, _) = programme.worker();
    for _ in 0..2 {
        programme.sync_coordinator();
        programme.sync(&mut ana);
        programme.sync(&mut ben);
    }
    assert_eq!(measured(&mut ana, &mut programme).0, 1, "nothing new");
    let id = ana.record(TEAM, &reversal("survived")).unwrap();
    assert_eq!(ana.delivery(id).unwrap(), Delivery::Waiting);
    assert_eq!(measured(&mut ana, &mut programme).0, 1, "something to send");
    assert_eq!(ana.delivery(id).unwrap(), Delivery::OnHub);
    assert_eq!(measured(&mut ben, &mut programme).0, 1, "something to receive");
    assert!(ben.get(id).is_ok());
    ben.record(TEAM, &reversal("died")).unwrap();
    ana.record(TEAM, &reversal("died")).unwrap();
    programme.sync(&mut ana);
    assert_eq!(measured(&mut ben, &mut programme).0, 1, "both at once");
    let (requests, up, down) = measured(&mut ben, &mut programme);
    assert_eq!(requests, 1);
    assert!(up + down < 300, "{up} and {down} bytes when there is nothing new");
}

#[test]
fn acknowledged_then_the_hub_is_put_back_and_they_come_again() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut worker);
    let path = programme.folder.path().join("hub");
    let old = |programme: &Programme| {
        std::fs::copy(programme.folder.path().join("hub"), programme.folder.path().join("copy"))
    };
    // Everything is in the file, not in the log beside it, once the store was closed.
    let reopen = || {
        kitbag_core::store::Store::open(
            &path,
            &key(),
            None,
            None,
            kitbag_core::store::Settling::Behind,
        )
    };
    let placeholder = programme.folder.path().join("placeholder");
    let root = Some(programme.root.root());
    let settling = kitbag_core::store::Settling::Behind;
    programme.hub =
        kitbag_core::store::Store::open(&placeholder, &key(), root, None, settling).unwrap();
    old(&programme).unwrap();
    programme.hub = reopen().unwrap();
    let id = worker.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut worker);
    assert_eq!(worker.delivery(id).unwrap(), Delivery::OnHub);
    let spare = programme.folder.path().join("spare");
    let root = Some(programme.root.root());
    programme.hub = kitbag_core::store::Store::open(&spare, &key(), root, None, settling).unwrap();
    std::fs::copy(programme.folder.path().join("copy"), &path).unwrap();
    programme.hub = reopen().unwrap();
    assert!(programme.hub.record_ids(TEAM).unwrap().is_empty());
    assert_eq!(sync_through(&mut worker, &mut programme.hub).unwrap(), Agreement::Whole);
    programme.settle();
    assert_eq!(programme.hub.record_ids(TEAM).unwrap(), vec![id]);
    assert_eq!(programme.hub.rollbacks().unwrap(), 1, "seen in one exchange");
    let awaited = programme.hub.awaited_devices().unwrap();
    assert!(!awaited.contains(&worker.device_key()), "it came again");
    assert!(awaited.contains(&programme.coordinator.device_key()), "it did not yet");
}

#[test]
fn an_upload_budget_sends_part_and_says_what_waits() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    programme.sync_coordinator();
    for number in 0..600 {
        let mut varied = reversal("survived");
        varied.site = format!("site {number}");
        worker.record(TEAM, &varied).unwrap();
    }
    let device = worker.device_key();
    let mut waited = worker.status().unwrap().waiting;
    assert_eq!(waited.records, 600);
    assert!(waited.since.is_some());
    let mut syncs = 0;
    loop {
        let mut session = worker.session();
        session.limit_upload(10_000);
        let mut sent = 0;
        let hub = &mut programme.hub;
        let agreement = worker
            .carry(&mut session, |request, _| {
                sent += request.len();
                sync::answer(hub, device, NOW, &request).map_err(EngineError::from)
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
                let said = status.last.failed.unwrap();
                assert!(said.contains(&format!("{waiting} entries wait")), "{said}");
            }
            Agreement::Whole => break,
            Agreement::Without(teams) => panic!("{teams:?}"),
        }
    }
    assert!(syncs > 2, "{syncs} syncs");
    assert!(worker.status().unwrap().is_synced);
    programme.settle();
    assert_eq!(programme.hub.record_ids(TEAM).unwrap().len(), 600);
}

#[test]
fn a_sync_that_is_cut_or_times_out_is_not_a_success_and_says_when_it_is_tried_again() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let id = worker.record(TEAM, &reversal("survived")).unwrap();
    for failures in 1..=3 {
        let mut session = worker.session();
        let cut: Result<Agreement, Failed> =
            worker.carry(&mut session, |_, _| Err(NetError::NoAnswer.into()));
        let reason = cut.unwrap_err().to_string();
        assert_eq!(session.agreement(), None);
        worker.note_sync(&session, Some(&reason)).unwrap();
        let status = worker.status().unwrap();
        assert!(!status.is_synced);
        assert_eq!(status.last.failures, failures);
        assert_eq!(
            status.last.failed.as_deref(),
            Some("the hub did not answer; it will be tried again")
        );
        assert!(status.last.next_try.is_some());
        assert_eq!(status.waiting.records, 1);
        assert_eq!(worker.delivery(id).unwrap(), Delivery::Waiting);
    }
    // The hub took it, and the answer was lost: it is sent again, and counted once.
    let device = worker.device_key();
    let hub = &mut programme.hub;
    let lost: Result<Agreement, Failed> = worker.sync(|request| {
        sync::answer(hub, device, NOW, &request).map_err(EngineError::from)?;
        Err(NetError::NoAnswer.into())
    });
    assert!(lost.is_err());
    assert_eq!(worker.delivery(id).unwrap(), Delivery::Waiting);
    let mut session = worker.session();
    let hub = &mut programme.hub;
    let agreed = worker.carry(&mut session, |request, _| {
        sync::answer(hub, device, NOW, &request).map_err(EngineError::from)
    });
    assert_eq!(agreed.unwrap(), Agreement::Whole);
    worker.note_sync(&session, None).unwrap();
    let status = worker.status().unwrap();
    assert!(status.is_synced);
    assert_eq!((status.last.failures, status.last.next_try), (0, None));
    programme.settle();
    assert_eq!(programme.hub.record_ids(TEAM).unwrap(), vec![id]);
}

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
        let client = worker.client(&broken).unwrap();
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
    let client = worker.client(&hub.address).unwrap();
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
fn a_phones_clock_decides_nothing_and_is_said_to_be_wrong() {
    let mut programme = Programme::new();
    programme.sync_coordinator();
    let year = 365 * 24 * 60 * 60 * 1_000_i64;
    for (number, now) in [0, 68 * year, 8_029 * year, NOW.0].into_iter().enumerate() {
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
        programme.sync_coordinator();
        let device = phone.device_key();
        let mut session = phone.session();
        let hub = &mut programme.hub;
        phone
            .carry(&mut session, |request, _| {
                sync::answer(hub, device, NOW, &request).map_err(EngineError::from)
            })
            .unwrap();
        phone.note_sync(&session, None).unwrap();
        let status = phone.status().unwrap();
        assert_eq!(status.clock_is_off, now != NOW.0, "a clock at {now}");
        assert!(status.is_synced);
    }
    programme.settle();
    assert_eq!(programme.hub.record_ids(TEAM).unwrap().len(), 4);
}

#[test]
fn a_seal_heard_from_a_colleague_tells_the_hub_of_a_phone_that_never_came() {
    let mut programme = Programme::new();
    let (mut ana, _) = programme.worker();
    let (mut cleo, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut ana);
    for _ in 0..17 {
        cleo.record(TEAM, &reversal("survived")).unwrap();
    }
    let announcement = cleo.announce(TEAM).unwrap();
    assert!(announcement.len() < 400, "{} bytes fit into a picture", announcement.len());
    ana.hear(&announcement).unwrap();
    assert_eq!(measured(&mut ana, &mut programme).0, 1);
    let missing = programme.hub.known_missing(Some(TEAM)).unwrap();
    assert_eq!((missing.entries, missing.devices), (18, 1));
    programme.sync_coordinator();
    let missing = programme.coordinator.store().known_missing(Some(TEAM)).unwrap();
    assert_eq!((missing.entries, missing.devices), (18, 1), "passed on to all");
    let (_, up, _) = measured(&mut ana, &mut programme);
    assert!(up < 150, "{up} bytes: it is not told again");
    programme.sync(&mut cleo);
    programme.sync_coordinator();
    assert_eq!(programme.coordinator.store().known_missing(None).unwrap().entries, 0);
}

fn bundle(engine: &mut Engine, of: BundleOf) -> Vec<u8> {
    let mut bytes = Vec::new();
    engine.export_bundle(TEAM, of, &mut bytes, |_| {}).unwrap();
    bytes
}

#[test]
fn a_bundle_by_two_couriers_is_the_same_as_by_one_and_needs_no_order() {
    let mut programme = Programme::new();
    let (mut cleo, _) = programme.worker();
    let (mut ana, _) = programme.worker();
    let (mut ben, _) = programme.worker();
    cleo.limit_pages(7);
    let mut ids: Vec<RecordId> = Vec::new();
    for _ in 0..40 {
        ids.push(cleo.record(TEAM, &reversal("survived")).unwrap());
    }
    let early = bundle(&mut cleo, BundleOf::Waiting);
    for _ in 0..5 {
        ids.push(cleo.record(TEAM, &reversal("died")).unwrap());
    }
    let late = bundle(&mut cleo, BundleOf::Waiting);
    let first = ana.import_bundle(&mut late.as_slice(), |_| {}).unwrap();
    assert_eq!(first.turned_away, 0);
    let again = ana.import_bundle(&mut early.as_slice(), |_| {}).unwrap();
    assert_eq!((again.new_entries, again.turned_away), (0, 0));
    ben.import_bundle(&mut early.as_slice(), |_| {}).unwrap();
    programme.sync_coordinator();
    programme.sync(&mut ana);
    programme.sync(&mut ben);
    programme.settle();
    ids.sort();
    assert_eq!(programme.hub.record_ids(TEAM).unwrap(), ids);
    assert_eq!(ben.store().record_ids(TEAM).unwrap(), ids);
    // Cleo learns it once she hears from the hub, or from a bundle that comes back.
    assert_eq!(cleo.delivery(ids[0]).unwrap(), Delivery::Waiting);
    programme.sync(&mut cleo);
    assert_eq!(cleo.delivery(ids[0]).unwrap(), Delivery::OnHub);
}

#[test]
fn a_bundle_cut_at_any_byte_keeps_what_came_whole_and_says_that_it_is_cut() {
    let mut programme = Programme::new();
    let (mut cleo, _) = programme.worker();
    let (mut ana, _) = programme.worker();
    cleo.limit_pages(4);
    for _ in 0..10 {
        cleo.record(TEAM, &reversal("survived")).unwrap();
    }
    let whole = bundle(&mut cleo, BundleOf::Waiting);
    let mut most = 0;
    for at in (0..whole.len()).step_by(13).chain([whole.len() - 1]) {
        match ana.import_bundle(&mut &whole[..at], |_| {}) {
            Err(BundleError::NotABundle) => assert!(at < 300, "cut at {at}"),
            Err(BundleError::Damaged { taken }) => {
                assert!(taken.entries >= most, "cut at {at}");
                most = taken.entries;
            }
            other => panic!("cut at {at}: {other:?}"),
        }
    }
    assert!(most > 0);
    assert_eq!(ana.import_bundle(&mut whole.as_slice(), |_| {}).unwrap().turned_away, 0);
    for at in (0..whole.len()).step_by(7) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x20;
        assert!(ana.import_bundle(&mut flipped.as_slice(), |_| {}).is_err(), "flipped at {at}");
    }
    let swapped = [&whole[..6], b"garbage".as_slice(), &whole[6..]].concat();
    assert!(ana.import_bundle(&mut swapped.as_slice(), |_| {}).is_err());
    assert_eq!(ana.store().record_ids(TEAM).unwrap().len(), 10);
    assert!(!whole.windows(9).any(|part| part == b"riverside"), "no place can be read in it");
}

#[test]
fn eight_writers_and_a_health_poll_lose_nothing_and_count_nothing_twice() {
    let mut programme = Programme::new();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    let devices: Vec<Engine> = (0..8).map(|_| programme.worker().0).collect();
    hub.sync(&mut programme.coordinator).unwrap();
    let poll = programme.coordinator.client(&hub.address).unwrap();
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

#[test]
fn one_bad_entry_in_the_middle_of_a_thousand_stops_none_of_the_others() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    programme.sync_coordinator();
    for number in 0..1_000 {
        if number == 500 {
            // What no rule allows, in the log with a good seal: a record of nobody's is changed.
            let says = kitbag_core::log::payload::Administration::Erase { records: vec![] };
            worker.administer(TEAM, &says).unwrap();
            let kind = kitbag_core::model::Kind::Reversal;
            let mut wrong = reversal("survived").operations().unwrap();
            wrong.push(kitbag_core::model::Operation::put("zz_of_a_newer_version", 1));
            worker.create(TEAM, kind, wrong).unwrap();
        } else {
            worker.record(TEAM, &reversal("survived")).unwrap();
        }
    }
    programme.sync(&mut worker);
    programme.settle();
    assert_eq!(programme.hub.record_ids(TEAM).unwrap().len(), 1_000);
    let entries = programme.hub.entries().unwrap();
    let refused = entries
        .iter()
        .filter(|entry| matches!(entry.verdict, Some(kitbag_core::log::Verdict::Refused(_))));
    assert_eq!(refused.count(), 1);
}

#[test]
fn a_session_that_gets_anothers_answer_is_not_harmed() {
    let mut programme = Programme::new();
    let (mut ana, _) = programme.worker();
    let (mut ben, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut ana);
    let id = ben.record(TEAM, &reversal("survived")).unwrap();
    let mut session: Session = ana.session();
    let request = ana.request(&mut session).unwrap().unwrap();
    let answer = sync::answer(&mut programme.hub, ana.device_key(), NOW, &request).unwrap();
    let mut of_ben = ben.session();
    let _ = ben.request(&mut of_ben).unwrap();
    let _ = ben.reply(&mut of_ben, &answer);
    assert_ne!(ben.delivery(id).unwrap(), Delivery::OnHub, "nobody acknowledged it");
}
