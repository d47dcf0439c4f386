//! What is true of a sync at every moment: one round trip, cuts, budgets, clocks, rollbacks, bundles.

use super::hub_process::Failed;
use super::programme::{NOW, Programme, TEAM, key, reversal, sync_through};
use kitbag_core::engine::{Engine, EngineError};
use kitbag_core::net::NetError;
use kitbag_core::store::Delivery;
use kitbag_core::sync::{self, Agreement, Session, SyncFault};

/// Syncs message by message, and says how many requests it took and how many bytes went each way.
fn measured(engine: &mut Engine, programme: &mut Programme) -> (u32, usize, usize) {
    let (mut requests, mut up, mut down) = (0, 0, 0);
    let device = engine.device_key();
    let hub = &mut programme.hub;
    engine
        .sync(|request| {
            requests += 1;
            up += request.len();
            let answer = sync::respond(hub, device, NOW, &request).map_err(EngineError::from)?;
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
fn a_sync_that_is_cut_or_times_out_is_not_a_success_and_says_when_it_is_tried_again() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let id = worker.record(TEAM, &reversal("survived")).unwrap();
    for failures in 1..=3 {
        let mut session = worker.session();
        let cut: Result<Agreement, Failed> =
            worker.carry(&mut session, |_, _| Err(NetError::NoAnswer.into()));
        assert!(matches!(cut, Err(Failed::Net(NetError::NoAnswer))));
        assert_eq!(session.agreement(), None);
        worker.note_sync(&session, Some(SyncFault::NoAnswer)).unwrap();
        let status = worker.status().unwrap();
        assert!(!status.is_synced);
        assert_eq!(status.last.failures, failures);
        assert_eq!(status.last.failed, Some(SyncFault::NoAnswer));
        assert!(status.last.next_try.is_some());
        assert_eq!(status.waiting.records, 1);
        assert_eq!(worker.delivery(id).unwrap(), Delivery::Waiting);
    }
    assert!(worker.network_returned().unwrap(), "something waits: sync now");
    let last = worker.status().unwrap().last;
    assert_eq!((last.failures, last.next_try), (0, None));
    // The hub took it, and the answer was lost: it is sent again, and counted once.
    let device = worker.device_key();
    let hub = &mut programme.hub;
    let lost: Result<Agreement, Failed> = worker.sync(|request| {
        sync::respond(hub, device, NOW, &request).map_err(EngineError::from)?;
        Err(NetError::NoAnswer.into())
    });
    assert!(lost.is_err());
    assert_eq!(worker.delivery(id).unwrap(), Delivery::Waiting);
    let mut session = worker.session();
    let hub = &mut programme.hub;
    let agreed = worker.carry(&mut session, |request, _| {
        sync::respond(hub, device, NOW, &request).map_err(EngineError::from)
    });
    assert_eq!(agreed.unwrap(), Agreement::Whole);
    worker.note_sync(&session, None).unwrap();
    let status = worker.status().unwrap();
    assert!(status.is_synced);
    assert_eq!((status.last.failures, status.last.next_try), (0, None));
    programme.settle();
    assert_eq!(programme.hub.record_ids(TEAM).unwrap(), vec![id]);
}

#[test]
fn a_signature_heard_from_a_colleague_tells_the_hub_of_a_phone_that_never_came() {
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
    let answer = sync::respond(&mut programme.hub, ana.device_key(), NOW, &request).unwrap();
    let mut of_ben = ben.session();
    let _ = ben.request(&mut of_ben).unwrap();
    let _ = ben.reply(&mut of_ben, &answer);
    assert_ne!(ben.delivery(id).unwrap(), Delivery::OnHub, "nobody acknowledged it");
}
