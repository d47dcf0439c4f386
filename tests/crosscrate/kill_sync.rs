//! `kill -9` at random moments of a syncing client, and of its hub.

use super::hub_process::Hub;
use super::programme::{Programme, TEAM, key};
use kitbag_core::engine::{Engine, Environment};
use kitbag_core::identity::Role;
use kitbag_core::model::RecordId;
use kitbag_core::sync::Agreement;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// Kills of the hub, and of the client behind each.
const KILLS: u32 = 200;

#[test]
fn nothing_acknowledged_is_lost_and_all_drains_when_client_and_hub_are_killed() {
    let mut programme = Programme::new();
    let folder = programme.folder.path().join("hub-process");
    let mut hub = Hub::start(&folder, &programme.root);
    let store = programme.folder.path().join("syncer");
    let mut device =
        Engine::device(&store, &key(), programme.root.root(), Environment::system()).unwrap();
    let enrolment = programme.coordinator.certify(device.device_key(), Role::Worker, TEAM).unwrap();
    device.join(&enrolment).unwrap();
    drop(device);
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let (mut saved, mut on_hub) = (BTreeSet::new(), BTreeSet::new());
    for kill in 0..KILLS {
        let mut syncer = Command::new(env!("CARGO_BIN_EXE_syncer"))
            .arg(&store)
            .args([&hub.address.to_string(), "--rounds", "1000000"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(syncer.stdout.take().unwrap()).lines();
        let mut take = |line: String| {
            // The last line may be cut off by the kill: then nobody was told.
            if let Some((word, id)) = line.split_once(' ')
                && let Ok(id) = id.parse::<RecordId>()
            {
                let told = if word == "saved" { &mut saved } else { &mut on_hub };
                told.insert(id);
            }
        };
        for _ in 0..random.random_range(1..6) {
            take(lines.next().unwrap().unwrap());
        }
        // Somewhere within what follows: an amount of work, not a time.
        let mut hash = blake3::hash(&[kill as u8]);
        for _ in 0..random.random_range(0..12_000) {
            hash = blake3::hash(hash.as_bytes());
        }
        assert_ne!(hash.as_bytes(), &[0; 32]);
        hub.kill();
        hub.start_again();
        // The client goes on: it is told that the hub did not answer, or is answered.
        take(lines.next().unwrap().unwrap());
        syncer.kill().unwrap();
        syncer.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            take(line);
        }
    }
    let mut device = Engine::open(&store, &key(), Environment::system()).unwrap();
    let held: BTreeSet<RecordId> = device.store().record_ids(TEAM).unwrap().into_iter().collect();
    assert!(saved.is_subset(&held), "a saved record is lost");
    hub.sync(&mut programme.coordinator).unwrap();
    let before: BTreeSet<RecordId> =
        programme.coordinator.store().record_ids(TEAM).unwrap().into_iter().collect();
    assert!(on_hub.is_subset(&before), "what the hub acknowledged is not there");
    assert_eq!(hub.sync(&mut device).unwrap(), Agreement::Whole);
    // A kill between the outbox and the COMMIT leaves a record that nobody was told is saved: the first
    // sync takes it in, as if the store had lost it, and the next one sends it (ADR 9).
    let before_sync = held.len();
    assert_eq!(hub.sync(&mut device).unwrap(), Agreement::Whole);
    let held: BTreeSet<RecordId> = device.store().record_ids(TEAM).unwrap().into_iter().collect();
    assert!(saved.is_subset(&held) && held.len() <= before_sync + 1, "at most the last save");
    hub.sync(&mut programme.coordinator).unwrap();
    assert_eq!(device.status().unwrap().waiting.entries, 0, "all drains");
    let after: BTreeSet<RecordId> =
        programme.coordinator.store().record_ids(TEAM).unwrap().into_iter().collect();
    assert_eq!(after, held);
    assert_eq!(hub.reversals(&programme.coordinator) as usize, held.len(), "each counts once");
    assert!(on_hub.len() > 50, "{} were said to be on the hub", on_hub.len());
    assert!(hub.stop().0.success());
}
