//! `kill -9` at random moments of a saving process.

use super::programme::{TEAM, key};
use kitbag_core::engine::{Engine, Environment};
use kitbag_core::model::RecordId;
use kitbag_core::totals::Query;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const KILLS: usize = 100;

#[test]
fn nothing_acknowledged_is_lost_when_the_saving_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut acknowledged: BTreeSet<RecordId> = BTreeSet::new();
    for kill in 0..KILLS {
        let mut saver = Command::new(env!("CARGO_BIN_EXE_saver"))
            .arg(&store)
            .args(["--count", "1000000"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(saver.stdout.take().unwrap()).lines();
        let mut take = |line: String| {
            let id = line.strip_prefix("saved ").map(str::parse::<RecordId>);
            // The last line may be cut off by the kill: then nobody was told.
            acknowledged.extend(id.and_then(Result::ok));
        };
        for _ in 0..random.random_range(1..12) {
            take(lines.next().unwrap().unwrap());
        }
        // Somewhere within the saves that follow: an amount of work, not a time.
        let mut hash = blake3::hash(&[kill as u8]);
        for _ in 0..random.random_range(0..4_000) {
            hash = blake3::hash(hash.as_bytes());
        }
        assert_ne!(hash.as_bytes(), &[0; 32]);
        saver.kill().unwrap();
        saver.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            take(line);
        }
        let device = Engine::open(&store, &key(), Environment::system()).unwrap();
        let held: BTreeSet<RecordId> =
            device.store().record_ids(TEAM).unwrap().into_iter().collect();
        assert!(acknowledged.is_subset(&held), "an acknowledged record is lost at kill {kill}");
        let totals = device.totals(&Query::default()).unwrap();
        let counted: i64 = totals.lines.values().filter_map(|line| line.get("survived")).sum();
        assert_eq!(counted as usize, held.len(), "totals are of what is held, at kill {kill}");
    }
    assert!(acknowledged.len() >= KILLS);
}
