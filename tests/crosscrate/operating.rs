//! The restore drill of docs/operating.md, as it is written there.

use super::hub_process::Hub;
use super::programme::{Programme, TEAM, reversal};
use kitbag_client::BlockingHubClient;
use kitbag_core::sync::Agreement;

#[test]
fn the_drill_restores_a_backup_of_a_running_hub_which_heals_from_its_phones() {
    let mut programme = Programme::new();
    let (mut ana, _) = programme.worker();
    let (mut ben, _) = programme.worker();
    let folder = programme.folder.path().join("hub-process");
    let backup = programme.folder.path().join("night.db");
    let mut hub = Hub::start(&folder, &programme.root);
    hub.sync(&mut programme.coordinator).unwrap();
    ana.record(TEAM, &reversal("survived")).unwrap();
    hub.sync(&mut ana).unwrap();
    let bytes = kitbag_hub::backup(&folder, &backup).unwrap();
    assert_eq!(bytes, std::fs::metadata(&backup).unwrap().len());
    // After the backup, before the disk dies.
    ben.record(TEAM, &reversal("died")).unwrap();
    ana.record(TEAM, &reversal("survived")).unwrap();
    hub.sync(&mut ben).unwrap();
    hub.sync(&mut ana).unwrap();
    assert_eq!(hub.reversals(&ana), 3);
    let running = kitbag_hub::restore(&folder, &backup).unwrap_err();
    assert!(running.to_string().contains("another program is using"), "{running}");
    assert_eq!(hub.reversals(&ana), 3, "a running hub is left alone");
    hub.kill();
    let aside = kitbag_hub::restore(&folder, &backup).unwrap().unwrap();
    assert!(aside.exists(), "the old store is kept");
    hub.start_again();
    let page = hub.totals(&programme.coordinator);
    assert_eq!(page["devices_awaited_since_restored"], 3);
    assert_eq!(hub.reversals(&programme.coordinator), 1);
    for phone in [&mut ben, &mut ana] {
        assert_eq!(hub.sync(phone).unwrap(), Agreement::Whole);
    }
    let page = hub.totals(&programme.coordinator);
    assert_eq!(page["devices_awaited_since_restored"], 1, "the coordinator's own");
    hub.sync(&mut programme.coordinator).unwrap();
    assert_eq!(hub.totals(&programme.coordinator)["devices_awaited_since_restored"], 0);
    assert_eq!(hub.reversals(&programme.coordinator), 3);
    assert!(hub.stop().0.success());
}

#[test]
fn a_hub_whose_key_is_known_to_others_goes_on_with_its_spare_and_devices_forget_the_other() {
    let mut programme = Programme::new();
    let (mut ana, _) = programme.worker();
    let folder = programme.folder.path().join("hub-process");
    let mut hub = Hub::start(&folder, &programme.root);
    let [first, spare] = hub.address.pins[..] else { panic!("two keys") };
    ana.set_hub(&hub.address).unwrap();
    let safe = programme.folder.path().join("safe.key");
    std::fs::rename(folder.join("spare.key"), &safe).unwrap();
    hub.kill();
    let wrong = programme.folder.path().join("wrong.key");
    std::fs::write(&wrong, [3; 32]).unwrap();
    for not_it in [&wrong, &programme.folder.path().join("nowhere")] {
        let refused = kitbag_hub::use_spare(&folder, not_it).unwrap_err();
        assert!(refused.to_string().contains("not the spare"), "{refused}");
    }
    let pins = kitbag_hub::use_spare(&folder, &safe).unwrap();
    assert_eq!(pins[0], spare);
    assert!(pins[1] != first && pins[1] != spare);
    assert!(folder.join("spare.key").exists(), "a new spare");
    let old = hub.address.clone();
    hub.start_again();
    assert_eq!(hub.address.pins, pins);
    let client = BlockingHubClient::to(&ana, &old).unwrap();
    assert_eq!(client.get("/healthz").unwrap(), b"ok\n");
    assert_eq!(client.shown_key(), Some(spare));
    ana.note_hub_key(spare).unwrap();
    assert_eq!(ana.hub().unwrap().unwrap().pins, vec![spare], "the first is not accepted again");
    assert!(hub.stop().0.success());
}

#[test]
fn a_backup_without_its_key_or_damaged_is_not_put_in_place() {
    let programme = Programme::new();
    let folder = programme.folder.path().join("hub-process");
    let hub = Hub::start(&folder, &programme.root);
    let backup = programme.folder.path().join("night.db");
    kitbag_hub::backup(&folder, &backup).unwrap();
    assert!(hub.stop().0.success());
    let before = std::fs::read(folder.join("hub.db")).unwrap();
    let empty = programme.folder.path().join("new-machine");
    std::fs::create_dir(&empty).unwrap();
    let refused = kitbag_hub::restore(&empty, &backup).unwrap_err();
    assert!(refused.to_string().contains("hub.key is not"), "{refused}");
    std::fs::write(empty.join("hub.key"), [1; 32]).unwrap();
    assert!(kitbag_hub::restore(&empty, &backup).is_err(), "another key does not open it");
    assert!(!empty.join("hub.db").exists());
    let good = std::fs::read(&backup).unwrap();
    for at in [0, 5_000, good.len() - 10] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&backup, &bad).unwrap();
        assert!(kitbag_hub::restore(&folder, &backup).is_err(), "flipped at {at}");
        std::fs::write(&backup, &good[..at]).unwrap();
        assert!(kitbag_hub::restore(&folder, &backup).is_err(), "cut at {at}");
    }
    assert_eq!(std::fs::read(folder.join("hub.db")).unwrap(), before, "the store is as it was");
    std::fs::copy(folder.join("hub.key"), empty.join("hub.key")).unwrap();
    std::fs::write(&backup, &good).unwrap();
    assert_eq!(kitbag_hub::restore(&empty, &backup).unwrap(), None);
}
