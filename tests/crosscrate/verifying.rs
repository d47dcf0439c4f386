//! What a verification finds, and what it does not.

use super::programme::{Programme, TEAM, key, reversal};
use kitbag_core::engine::{Engine, Environment, VerifyFault};

/// Changes a store behind its engine's back, and verifies it.
fn verified_after(sql: &str) -> Vec<VerifyFault> {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    for outcome in ["survived", "died", "unknown"] {
        worker.record(TEAM, &reversal(outcome)).unwrap();
    }
    drop(worker);
    let path = programme.folder.path().join("device-1");
    {
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection
            .execute_batch(&format!("PRAGMA key = \"x'{}'\"; {sql}", "09".repeat(32)))
            .unwrap();
    }
    let worker = Engine::open(&path, &key(), Environment::system()).unwrap();
    worker.verify(|_| {}).unwrap().faults
}

#[test]
fn verifying_changes_no_byte_and_leaves_no_copy() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    worker.record(TEAM, &reversal("survived")).unwrap();
    drop(worker);
    let folder = programme.folder.path();
    let files = || {
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let bytes = files.map(|path| (path.clone(), std::fs::read(path).unwrap_or_default()));
        bytes.collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = files();
    let path = folder.join("device-1");
    let worker = Engine::open_to_read(&path, &key(), Environment::system()).unwrap();
    assert_eq!(worker.verify(|_| {}).unwrap().faults, []);
    drop(worker);
    let after = files();
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert!(before == after, "a file changed");
}

#[test]
fn what_was_changed_behind_the_engine_is_found() {
    assert_eq!(verified_after(""), []);
    let rows = "UPDATE record SET day = day + 1 WHERE number = (SELECT max(number) FROM record)";
    assert_eq!(verified_after(rows), [VerifyFault::Projection]);
    assert_eq!(verified_after("DELETE FROM tally"), [VerifyFault::Projection]);
    let verdicts = "UPDATE entry SET verdict = 37 WHERE kind = 17 AND arrival = (SELECT max(arrival) FROM entry)";
    assert_eq!(verified_after(verdicts), [VerifyFault::Projection]);
}
