//! Joining, approving, leaving, bundles and findings through the client that front ends hold.

use super::client::run;
use super::hub_process::Hub;
use super::programme::{Programme, TEAM, key, reversal, with};
use kitbag_client::{Client, Error, Finding, Joining, Opening};
use kitbag_core::engine::{BundleOf, Engine, Environment};
use kitbag_core::identity::Role;
use kitbag_core::model::UnixMillis;
use kitbag_core::store::{Delivery, Search};
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// A second coordinator's store, closed, that knows the hub.
fn coordinator(programme: &mut Programme, hub: &Hub) -> PathBuf {
    let path = programme.folder.path().join("second-coordinator");
    let root = programme.root.root();
    let mut engine = Engine::device(&path, &key(), root, Environment::system()).unwrap();
    let certified = programme.root.certify(engine.device_key(), Role::Coordinator, TEAM).unwrap();
    engine.join(&certified).unwrap();
    engine.set_hub(&hub.address).unwrap();
    hub.sync(&mut programme.root).unwrap();
    path
}

#[test]
fn a_device_joins_by_six_digits_records_and_leaves() {
    let mut programme = Programme::new();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    let desk = coordinator(&mut programme, &hub);
    let new = programme.folder.path().join("new");
    run(async {
        let desk = Client::open(Opening::of(&desk, key())).await.unwrap();
        let invited = desk.team().invite(TEAM, Role::Worker).await.unwrap();
        let wrong = Joining::ask(Opening::of(&new, key()), "a shopping list").await;
        assert_eq!(wrong.err(), Some(Error::NotUsable("not_an_invitation")));
        let joining = Joining::ask(Opening::of(&new, key()), &invited.text).await.unwrap();
        assert_eq!(joining.team(), TEAM);
        let (code, other) = (joining.code().to_owned(), "000 000");
        assert!(code != other.replace(' ', ""), "one in a million");
        assert_eq!(desk.team().approve(other).await, Err(Error::NotFound("code")));
        desk.team().approve(&format!("{} {}", &code[..3], &code[3..])).await.unwrap();
        let phone = joining.approved().await.unwrap();
        assert_eq!(phone.team().own().await.unwrap(), [(TEAM, Some(Role::Worker))]);
        let members = desk.team().members(TEAM).await.unwrap();
        assert!(members.iter().any(|member| member.role == Role::Worker && !member.is_revoked));
        let noted = with(reversal("survived"), "note", "by the river");
        phone.records().record(TEAM, noted).await.unwrap();
        phone.team().leave(TEAM).await.unwrap();
        assert!(phone.team().own().await.unwrap().is_empty());
        desk.sync().start(Default::default()).ended().await.unwrap();
        let found = desk.records().list(Search { most: 5, ..Search::default() }).await.unwrap();
        assert_eq!(found.rows.len(), 1, "the hub has it all");
        phone.close().await;
        desk.close().await;
    });
}

#[test]
fn a_bundle_goes_by_hand_and_what_is_wrong_is_found() {
    let mut programme = Programme::new();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    let desk = coordinator(&mut programme, &hub);
    let (engine, _) = programme.worker();
    let phone = programme.folder.path().join("device-1");
    drop(engine);
    /// What one writes and another reads.
    #[derive(Clone, Default)]
    struct Card(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Card {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    // The other coordinator hands the team's key on.
    hub.sync(&mut programme.coordinator).unwrap();
    programme.coordinator.tend_team_keys().unwrap();
    hub.sync(&mut programme.coordinator).unwrap();
    run(async {
        let desk = Client::open(Opening::of(&desk, key())).await.unwrap();
        desk.sync().start(Default::default()).ended().await.unwrap();
        let phone = Client::open(Opening::of(&phone, key())).await.unwrap();
        let id = phone.records().record(TEAM, reversal("survived")).await.unwrap();
        let now = UnixMillis(4_000_000_000_000);
        let found = phone.health().findings(now).await.unwrap();
        assert!(found.contains(&Finding::NoHub));
        assert!(found.iter().any(|found| found.code() == "waiting_long"), "{found:?}");
        let card = Card::default();
        let written = phone.bundles().export(TEAM, BundleOf::Waiting, card.clone(), |_| {}).await;
        assert!(written.unwrap().entries > 0);
        let carried = card.0.lock().unwrap().clone();
        let cut = Cursor::new(carried[..carried.len() - 10].to_vec());
        let cut = desk.bundles().import(cut, |_| {}).await;
        assert_eq!(cut.err(), Some(Error::NotUsable("bundle_cut_off")));
        let taken = desk.bundles().import(Cursor::new(carried), |_| {}).await.unwrap();
        assert!(taken.entries > 0 && taken.turned_away == 0, "{taken:?}");
        assert_eq!(desk.records().get(id).await.unwrap().id, id);
        phone.close().await;
        desk.close().await;
    });
    let engine = Engine::open(&phone, &key(), Environment::system()).unwrap();
    let page = engine.search(&Search { most: 1, ..Search::default() }).unwrap();
    assert_eq!(engine.delivery(page.rows[0].id).unwrap(), Delivery::Waiting);
}
