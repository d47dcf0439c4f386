//! A store's file that was damaged, cut off or zeroed: nothing of it changes by being looked at, and the
//! device goes on with what the hub and its outbox have.

use super::programme::{Programme, TEAM, key, reversal, sync_through};
use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::model::RecordId;
use kitbag_core::store::{KeyProvider, StoreError, StoreKey};
use std::collections::BTreeMap;
use std::path::Path;

const PAGE: usize = 4_096;

fn bytes_in(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    files
        .filter(|entry| !entry.file_name().to_string_lossy().ends_with("-shm"))
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

type Damage = Box<dyn Fn(&mut Vec<u8>)>;

/// Ways to damage a file, by name.
fn damages() -> Vec<(String, Damage)> {
    let mut damages: Vec<(String, Damage)> = Vec::new();
    for page in [0_usize, 1, 2, 3, 5, 8, 13, 20, 27] {
        let at = page * PAGE + 100;
        damages.push((
            format!("a flipped byte in page {page}"),
            Box::new(move |bytes: &mut Vec<u8>| {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1;
                }
            }),
        ));
        damages.push((
            format!("page {page} zeroed"),
            Box::new(move |bytes| {
                bytes.iter_mut().skip(page * PAGE).take(PAGE).for_each(|byte| *byte = 0);
            }),
        ));
        damages.push((
            format!("cut off in page {page}"),
            Box::new(move |bytes| bytes.truncate(page * PAGE + 777)),
        ));
    }
    damages.push(("empty".to_owned(), Box::new(Vec::clear)));
    damages
}

/// Does something with a device, recovering its store where that is needed.
fn insist<T>(
    path: &Path,
    device: &mut Option<Engine>,
    recoveries: &mut u32,
    mut work: impl FnMut(&mut Engine) -> Result<T, EngineError>,
) -> T {
    for _ in 0..3 {
        let opened = match device.take() {
            Some(engine) => Ok(engine),
            None => Engine::open(path, &key(), Environment::system()),
        };
        let done = opened.and_then(|mut engine| {
            let done = work(&mut engine)?;
            *device = Some(engine);
            Ok(done)
        });
        match done {
            Ok(done) => return done,
            Err(_) => {
                *recoveries += 1;
                *device = Some(Engine::recover(path, &key(), Environment::system()).unwrap().0);
            }
        }
    }
    panic!("it does not recover");
}

#[test]
fn a_damaged_store_is_moved_aside_and_nothing_is_lost_or_shadowed() {
    let mut recoveries = 0;
    for (what, damage) in damages() {
        let mut programme = Programme::new();
        programme.sync_coordinator();
        let (mut worker, _) = programme.worker();
        programme.sync_coordinator();
        let mut expected: Vec<RecordId> = Vec::new();
        for _ in 0..30 {
            expected.push(worker.record(TEAM, &reversal("survived")).unwrap());
        }
        programme.sync(&mut worker);
        for _ in 0..3 {
            expected.push(worker.record(TEAM, &reversal("died")).unwrap());
        }
        drop(worker);
        let path = programme.folder.path().join("device-1");
        let mut bytes = std::fs::read(&path).unwrap();
        damage(&mut bytes);
        std::fs::write(&path, &bytes).unwrap();
        // Looking at it changes nothing.
        let before = bytes_in(programme.folder.path());
        if let Ok(engine) = Engine::open_to_read(&path, &key(), Environment::system()) {
            let _ = engine.totals(&Default::default());
            let _ = engine.status();
        }
        assert_eq!(bytes_in(programme.folder.path()), before, "{what}");
        let mut device = None;
        let mut of_this = 0;
        let new = insist(&path, &mut device, &mut of_this, |engine| {
            engine.record(TEAM, &reversal("unknown"))
        });
        expected.push(new);
        let hub = &mut programme.hub;
        for _ in 0..2 {
            insist(&path, &mut device, &mut of_this, |engine| sync_through(engine, hub));
        }
        recoveries += of_this;
        programme.settle();
        let on_hub = programme.hub.record_ids(TEAM).unwrap();
        let lost = expected.iter().filter(|id| !on_hub.contains(id)).count();
        assert_eq!(lost, 0, "{what}, after {of_this} recoveries");
        if of_this > 0 {
            let aside = programme.folder.path().join("device-1.aside-1");
            assert!(aside.exists(), "{what}: what was damaged is kept");
        }
    }
    assert!(recoveries > 10, "{recoveries} recoveries: the damages do damage");
}

#[test]
fn a_second_process_is_told_that_the_store_is_in_use() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let path = programme.folder.path().join("device-1");
    let second = Engine::open(&path, &key(), Environment::system());
    let Err(EngineError::Store(StoreError::Busy)) = second else { panic!("two at once") };
    let reader = Engine::open_to_read(&path, &key(), Environment::system());
    assert!(matches!(reader, Err(EngineError::Store(StoreError::Busy))));
    let recovered = Engine::recover(&path, &key(), Environment::system());
    assert!(recovered.is_err(), "a store in use is not moved away");
    worker.record(TEAM, &reversal("survived")).unwrap();
    drop(worker);
    assert!(Engine::open(&path, &key(), Environment::system()).is_ok());
}

#[test]
fn a_store_that_is_only_read_does_not_change_and_saves_nothing() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let id = worker.record(TEAM, &reversal("survived")).unwrap();
    drop(worker);
    let path = programme.folder.path().join("device-1");
    let before = bytes_in(programme.folder.path());
    let mut reader = Engine::open_to_read(&path, &key(), Environment::system()).unwrap();
    assert_eq!(reader.get(id).unwrap().get("outcome"), Some(&"survived".into()));
    assert!(reader.record(TEAM, &reversal("died")).is_err());
    drop(reader);
    let outbox = "device-1.outbox.log";
    let without_outbox = |mut bytes: BTreeMap<String, Vec<u8>>| {
        bytes.remove(outbox);
        bytes
    };
    assert_eq!(
        without_outbox(bytes_in(programme.folder.path())),
        without_outbox(before),
        "the file is as it was"
    );
    let wrong = Engine::open_to_read(&path, &StoreKey::new([1; 32]), Environment::system());
    assert!(matches!(wrong, Err(EngineError::Store(StoreError::WrongKey))));
    // Nor does recovering by another's key move what is sound aside.
    let before = bytes_in(programme.folder.path());
    let wrong = Engine::recover(&path, &StoreKey::new([1; 32]), Environment::system());
    assert!(matches!(wrong.err(), Some(EngineError::Store(StoreError::WrongKey))));
    assert_eq!(bytes_in(programme.folder.path()), before);
    assert!(KeyProvider::store_key(&key()).is_ok());
}

#[test]
fn an_outbox_holds_no_plaintext_and_begins_anew_once_the_hub_has_all() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    for _ in 0..50 {
        worker.record(TEAM, &reversal("PLANTED-MARKER")).unwrap();
    }
    let outbox = programme.folder.path().join("device-1.outbox.log");
    let full = std::fs::read(&outbox).unwrap();
    assert!(full.len() > 5_000);
    assert!(!full.windows(14).any(|part| part == b"PLANTED-MARKER" || part == b"riverside"));
    programme.sync(&mut worker);
    assert!(std::fs::read(&outbox).unwrap().len() < 500);
}

#[test]
fn without_an_outbox_the_device_is_asked_to_join_anew_and_the_file_is_kept() {
    let mut programme = Programme::new();
    let (worker, _) = programme.worker();
    drop(worker);
    let path = programme.folder.path().join("device-1");
    std::fs::remove_file(programme.folder.path().join("device-1.outbox.log")).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..PAGE]).unwrap();
    let recovered = Engine::recover(&path, &key(), Environment::system());
    assert!(matches!(recovered, Err(EngineError::NoOutbox)));
    let aside = programme.folder.path().join("device-1.aside-1");
    assert_eq!(std::fs::read(aside).unwrap(), bytes[..PAGE]);
}

#[test]
fn a_missing_or_foreign_log_beside_the_store_loses_nothing_that_the_hub_or_the_outbox_has() {
    for foreign in [false, true] {
        let mut programme = Programme::new();
        programme.sync_coordinator();
        let (mut worker, _) = programme.worker();
        let (other, _) = programme.worker();
        programme.sync_coordinator();
        let mut expected: Vec<RecordId> = Vec::new();
        for _ in 0..10 {
            expected.push(worker.record(TEAM, &reversal("survived")).unwrap());
        }
        programme.sync(&mut worker);
        expected.push(worker.record(TEAM, &reversal("died")).unwrap());
        let path = programme.folder.path().join("device-1");
        let log = programme.folder.path().join("device-1-wal");
        // The machine stops: what a clean end would have written back is in the log alone.
        let with_log = (std::fs::read(&path).unwrap(), std::fs::read(&log).unwrap());
        let others_log = std::fs::read(programme.folder.path().join("device-2-wal")).unwrap();
        let outbox = std::fs::read(programme.folder.path().join("device-1.outbox.log")).unwrap();
        drop((worker, other));
        std::fs::write(&path, &with_log.0).unwrap();
        std::fs::write(programme.folder.path().join("device-1.outbox.log"), outbox).unwrap();
        let _ = std::fs::remove_file(programme.folder.path().join("device-1-shm"));
        if foreign {
            std::fs::write(&log, others_log).unwrap()
        } else {
            _ = std::fs::remove_file(&log)
        }
        assert!(!with_log.1.is_empty());
        let (mut device, mut recoveries) = (None, 0);
        expected.push(insist(&path, &mut device, &mut recoveries, |engine| {
            engine.record(TEAM, &reversal("unknown"))
        }));
        let hub = &mut programme.hub;
        for _ in 0..2 {
            insist(&path, &mut device, &mut recoveries, |engine| sync_through(engine, hub));
        }
        programme.settle();
        let on_hub = programme.hub.record_ids(TEAM).unwrap();
        let lost = expected.iter().filter(|id| !on_hub.contains(id)).count();
        // Without its log the store is an older state of itself; the outbox knows of what it lacks.
        assert_eq!(lost, 0, "foreign {foreign}: lost after {recoveries} recoveries");
    }
}
