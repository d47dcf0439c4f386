use super::programme::{Programme, TEAM, key, reversal};
use kitbag_core::engine::{Engine, Environment};
use kitbag_core::store::StoreKey;

#[test]
fn the_file_holds_no_plain_marker_and_a_wrong_key_changes_no_byte() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let mut planted = reversal("survived");
    planted.site = "PLANTED-MARKER".to_owned();
    worker.record(TEAM, &planted).unwrap();
    drop(worker);
    let path = programme.folder.path().join("device-1");
    let before = std::fs::read(&path).unwrap();
    assert!(!before.windows(14).any(|window| window == b"PLANTED-MARKER"));
    assert!(!before.starts_with(b"SQLite format 3"));
    assert!(Engine::open(&path, &StoreKey::new([1; 32]), Environment::system()).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert!(Engine::open(&path, &key(), Environment::system()).is_ok());
}
