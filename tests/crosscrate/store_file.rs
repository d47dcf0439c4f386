//! Facts about the file: what it shows to others, and when it is left alone.

use super::programme::{Programme, TEAM, key, reversal};
use kitbag_core::engine::{Engine, EngineError, Environment, Renewing};
use kitbag_core::store::{SCHEMA_VERSION, StoreError, StoreKey};
use kitbag_core::totals::Query;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

const MARKER: &str = "PLANTED-MARKER";

/// The files' hashes, so that a failure prints no contents.
fn hashes(folder: &Path) -> BTreeMap<String, blake3::Hash> {
    files(folder).into_iter().map(|(name, bytes)| (name, blake3::hash(&bytes))).collect()
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap())
        // The index of a write-ahead log holds nothing of its own and is made anew.
        .filter(|file| !file.file_name().to_string_lossy().ends_with("-shm"))
        .map(|file| {
            (file.file_name().to_string_lossy().into_owned(), std::fs::read(file.path()).unwrap())
        })
        .collect()
}

fn refused(path: &Path, key: &StoreKey) -> StoreError {
    match Engine::open(path, key, Environment::system()) {
        Err(EngineError::Store(error)) => error,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("the store opened"),
    }
}

#[test]
fn no_file_holds_a_planted_marker_and_a_wrong_key_changes_no_byte() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let mut planted = reversal("survived");
    planted.put("site", MARKER).unwrap();
    planted.put("note", format!("note {MARKER}").as_str()).unwrap();
    worker.record(TEAM, &planted).unwrap();
    programme.sync(&mut worker);
    programme.settle();
    let folder = programme.folder.path().to_owned();
    // Open and closed, write-ahead logs included; the phone's and the hub's.
    for worker in [Some(worker), None] {
        for (name, bytes) in files(&folder) {
            let holds = bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes());
            assert!(!holds, "{name} holds the marker");
            assert!(!bytes.starts_with(b"SQLite format 3"), "{name} is not encrypted");
        }
        drop(worker);
    }
    let path = folder.join("device-1");
    let before = hashes(&folder);
    assert!(matches!(refused(&path, &StoreKey::new([1; 32])), StoreError::WrongKey));
    assert_eq!(hashes(&folder), before);
    assert!(Engine::open(&path, &key(), Environment::system()).is_ok());
}

#[test]
fn a_wrong_key_leaves_a_write_ahead_log_alone() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    worker.record(TEAM, &reversal("survived")).unwrap();
    // As a kill leaves it: the log is not written back.
    let copy = tempfile::tempdir().unwrap();
    for name in ["device-1", "device-1-wal"] {
        std::fs::copy(programme.folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let before = hashes(copy.path());
    assert!(files(copy.path())["device-1-wal"].len() > 32);
    let path = copy.path().join("device-1");
    assert!(matches!(refused(&path, &StoreKey::new([1; 32])), StoreError::WrongKey));
    assert_eq!(hashes(copy.path()), before);
    let opened = Engine::open(&path, &key(), Environment::system()).unwrap();
    assert_eq!(opened.store().record_ids(TEAM).unwrap().len(), 1);
}

#[test]
fn a_newer_schema_is_refused_untouched() {
    let mut programme = Programme::new();
    let (worker, _) = programme.worker();
    drop(worker);
    let path = programme.folder.path().join("device-1");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA key = \"x'{}'\"; PRAGMA user_version = 99;",
            "09".repeat(32)
        ))
        .unwrap();
    drop(connection);
    let before = hashes(programme.folder.path());
    let error = refused(&path, &key());
    assert!(
        matches!(error, StoreError::NewerSchema { found: 99, known: SCHEMA_VERSION }),
        "{error}"
    );
    assert!(error.to_string().contains("update Kitbag"));
    assert_eq!(hashes(programme.folder.path()), before);
}

#[test]
fn a_file_that_is_no_store_is_refused_untouched_and_none_is_made_by_opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    for content in [&b""[..], b"not a store", &[0; 8192], b"SQLite format 3\0 and then nothing"] {
        std::fs::write(&path, content).unwrap();
        refused(&path, &key());
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
    let nowhere = folder.path().join("nowhere");
    refused(&nowhere, &key());
    assert!(!nowhere.exists());
}

#[test]
fn making_a_device_again_keeps_its_key_and_records() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    worker.record(TEAM, &reversal("survived")).unwrap();
    let (device, root) = (worker.device_key(), worker.root());
    drop(worker);
    let path = programme.folder.path().join("device-1");
    let worker = Engine::device(&path, &key(), root, Environment::system()).unwrap();
    assert_eq!(worker.device_key(), device);
    assert_eq!(worker.store().record_ids(TEAM).unwrap().len(), 1);
}

#[test]
fn an_erased_record_leaves_no_trace_of_its_site() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let mut planted = reversal("died");
    planted.put("site", "secret_site_marker").unwrap();
    let id = worker.record(TEAM, &planted).unwrap();
    programme.sync(&mut worker);
    programme.root.erase(TEAM, &[id]).unwrap();
    programme.sync_root();
    programme.sync(&mut worker);
    assert!(worker.store().record(id).unwrap().is_none());
    drop(worker);
    let path = programme.folder.path().join("device-1");
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch(&format!("PRAGMA key = \"x'{}'\"", "09".repeat(32))).unwrap();
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM tally WHERE site = 'secret_site_marker'"), 0);
    assert_eq!(count("SELECT count(*) FROM record"), 0);
    assert_eq!(count("SELECT count(*) FROM entry WHERE kind = 17 AND payload IS NOT NULL"), 0);
}

/// Stores that earlier versions wrote: a device with six records of one team each.
const OLDER: [&[u8]; 1] = [include_bytes!("../fixtures/store-of-schema-1.db")];

#[test]
fn stores_of_older_versions_are_brought_up_to_date_with_all_that_they_hold() {
    for (version, bytes) in (1..).zip(OLDER) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        std::fs::write(&path, bytes).unwrap();
        let read = Engine::open_to_read(&path, &key(), Environment::system()).map(drop);
        assert!(read.unwrap_err().to_string().contains("sync once"), "{version}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "reading changes nothing");
        let told = Arc::new(Mutex::new(Vec::new()));
        let told_here = Arc::clone(&told);
        let renewing: Renewing =
            Box::new(move |done, all| told_here.lock().unwrap().push((done, all)));
        let environment = Environment { renewing, ..Environment::system() };
        let mut engine = Engine::open(&path, &key(), environment).unwrap();
        let told = told.lock().unwrap().clone();
        let all = told.len() as u64;
        assert!(all >= 6, "{version}: it is told of every record");
        assert!(told.into_iter().eq((1..=all).map(|done| (done, all))), "{version}");
        let reversals = |engine: &Engine| {
            let totals = engine.totals(&Query::default()).unwrap();
            totals.lines.values().map(|sums| sums["reversals"]).sum::<i64>()
        };
        assert_eq!(reversals(&engine), 6, "{version}");
        assert_eq!(engine.verify(|_| {}).unwrap().faults, [], "{version}");
        let team = engine.teams()[0];
        engine.record(team, &reversal("survived")).unwrap();
        drop(engine);
        let engine = Engine::open_to_read(&path, &key(), Environment::system()).unwrap();
        assert_eq!(reversals(&engine), 7, "{version}");
    }
}
