//! Facts about the simulator, and SQLite's own method: the k-th change fails, for k = 0, 1, 2 …,
//! until the work ends without a fault.
#![allow(clippy::unwrap_used, missing_docs)]

use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::Role;
use kitbag_core::model::{Form, TeamId, UnixMillis};
use kitbag_core::store::{Settling, Store, StoreKey};
use kitbag_core::sync;
use kitbag_core::totals::Query;
use kitbag_tests::disk::{Disk, Fault, Stop};
use kitbag_tests::file_system;
use kitbag_tests::simulation::{Plan, Step, plan, play, shrink_by, story};
use std::path::Path;

const TEAM: TeamId = TeamId([5; 16]);

fn key() -> StoreKey {
    StoreKey::new([9; 32])
}

fn reversal() -> Form {
    kitbag_tests::made_up::reversal("unknown")
}

fn coordinator() -> Engine {
    let mut root = Engine::found(Path::new("/founder/db"), &key(), Environment::system()).unwrap();
    let mut device =
        Engine::device(Path::new("/phone/db"), &key(), root.root(), Environment::system()).unwrap();
    let enrolment = root.certify(device.device_key(), Role::Coordinator, TEAM).unwrap();
    device.join(&enrolment).unwrap();
    device
}

fn sync_through(device: &mut Engine, hub: &mut Store) -> Result<sync::Agreement, EngineError> {
    let key = device.device_key();
    let now = UnixMillis(1_790_000_000_000);
    device.sync(|request| sync::respond(hub, key, now, &request).map_err(EngineError::from))
}

fn reversals(store: &Store) -> i64 {
    let totals = store.totals(&Query::default(), kitbag_core::model::UnixMillis(0)).unwrap();
    totals.lines.values().filter_map(|line| line.get("reversals")).sum()
}

fn stops() -> [Stop; 2] {
    file_system::install();
    [Stop::Killed, Stop::PowerLoss]
}

#[test]
fn a_save_is_whole_or_not_at_all_wherever_the_machine_stops() {
    for stop in stops() {
        let mut points = 0;
        for changes in 0.. {
            Disk::reset(changes);
            let mut device = coordinator();
            for _ in 0..3 {
                device.record(TEAM, &reversal()).unwrap();
            }
            Disk::with(|disk| disk.stop_after("/phone", changes));
            let saved = device.record(TEAM, &reversal());
            let was_stopped = Disk::with(|disk| disk.is_stopped("/phone"));
            Disk::with(|disk| disk.stop("/phone"));
            drop(device);
            Disk::with(|disk| disk.start("/phone", stop));
            let device =
                Engine::open(Path::new("/phone/db"), &key(), Environment::system()).unwrap();
            let held = device.store().record_ids(TEAM).unwrap();
            match saved {
                Ok(id) => assert!(held.contains(&id), "acknowledged at {changes}, and lost"),
                Err(_) => assert!((3..=4).contains(&held.len())),
            }
            assert_eq!(reversals(device.store()), held.len() as i64, "totals are of what is held");
            points += 1;
            if !was_stopped {
                break;
            }
        }
        assert!(points > 10, "a save makes more than {points} changes");
    }
}

#[test]
fn what_the_hub_acknowledged_stays_wherever_it_stops() {
    for stop in stops() {
        for changes in 0.. {
            Disk::reset(changes);
            let mut device = coordinator();
            for _ in 0..5 {
                device.record(TEAM, &reversal()).unwrap();
            }
            let open = |root| {
                Store::open(Path::new("/hub/db"), &key(), root, None, Settling::Behind).unwrap()
            };
            let mut hub = open(Some(device.root()));
            Disk::with(|disk| disk.stop_after("/hub", changes));
            let synced = sync_through(&mut device, &mut hub);
            let settled = hub.settle_some();
            let was_stopped = Disk::with(|disk| disk.is_stopped("/hub"));
            Disk::with(|disk| disk.stop("/hub"));
            drop(hub);
            Disk::with(|disk| disk.start("/hub", stop));
            let mut hub = open(None);
            if synced.is_ok() {
                assert_eq!(hub.clock(&[TEAM]), device.store().clock(&[TEAM]), "at {changes}");
            }
            sync_through(&mut device, &mut hub).unwrap();
            while hub.settle_some().unwrap() {}
            assert_eq!(reversals(&hub), 5);
            if !was_stopped && settled.is_ok() {
                break;
            }
        }
    }
}

#[test]
fn a_store_is_made_whole_wherever_the_machine_stops() {
    for stop in stops() {
        for changes in 0.. {
            Disk::reset(changes);
            Disk::with(|disk| disk.stop_after("/founder", changes));
            let made = Engine::found(Path::new("/founder/db"), &key(), Environment::system());
            let was_stopped = Disk::with(|disk| disk.is_stopped("/founder"));
            let device_key = made.as_ref().ok().map(Engine::device_key);
            Disk::with(|disk| disk.stop("/founder"));
            drop(made);
            Disk::with(|disk| disk.start("/founder", stop));
            let root =
                Engine::found(Path::new("/founder/db"), &key(), Environment::system()).unwrap();
            assert_eq!(
                root.root(),
                root.device_key(),
                "the key is the programme's root, at {changes}"
            );
            if let Some(device_key) = device_key {
                assert_eq!(root.device_key(), device_key, "a device never gets another key");
            }
            if !was_stopped {
                break;
            }
        }
    }
}

#[test]
fn a_seed_replays_to_the_same_trace_and_another_does_not() {
    file_system::install();
    let trace = |seed| play(seed, &plan(seed)).unwrap();
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}

#[test]
fn a_failing_plan_shrinks_to_what_fails() {
    let wanted = [Step::Create, Step::Sync];
    let has_both =
        |plan: &Plan| wanted.iter().all(|wanted| plan.iter().any(|(step, _)| step == wanted));
    let full = plan(3);
    assert!(has_both(&full) && full.len() > 10);
    let mut shrunk: Vec<Step> =
        shrink_by(&full, has_both).into_iter().map(|(step, _)| step).collect();
    shrunk.sort_by_key(|step| *step == Step::Sync);
    assert_eq!(shrunk, wanted);
}

#[test]
fn a_full_disk_is_said_and_nothing_is_saved_until_there_is_room() {
    file_system::install();
    Disk::reset(1);
    let mut device = coordinator();
    device.record(TEAM, &reversal()).unwrap();
    Disk::with(|disk| disk.fail_after("/phone", 0, Fault::Full));
    for _ in 0..2 {
        let error = device.record(TEAM, &reversal()).unwrap_err();
        assert!(error.to_string().contains("storage is full; this was not saved"), "{error}");
    }
    Disk::with(|disk| disk.go_on("/phone"));
    device.record(TEAM, &reversal()).unwrap();
    assert_eq!(device.store().record_ids(TEAM).unwrap().len(), 2);
}

#[test]
fn a_seeds_story_has_a_line_for_each_step_and_an_end() {
    file_system::install();
    let steps = plan(3);
    let lines = story(3, &steps);
    assert_eq!(lines.len(), steps.len() + 1);
    assert!(lines[0].starts_with("1. day "), "{}", lines[0]);
    assert!(lines.iter().any(|line| line.ends_with(": was saved")), "{lines:?}");
    assert!(lines.last().unwrap().starts_with("All stores are equal"), "{lines:?}");
}
