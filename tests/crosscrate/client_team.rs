//! Joining, approving, leaving, bundles and findings through the client that front ends hold.

use super::client::{pause, run};
use super::hub_process::Hub;
use super::programme::{Programme, TEAM, key, reversal, with};
use kitbag_client::{Client, Error, Finding, Joining, Opening};
use kitbag_core::engine::{BundleOf, Engine, Environment, Newcomer};
use kitbag_core::identity::Role;
use kitbag_core::model::UnixMillis;
use kitbag_core::store::{Delivery, Noticed, Search};
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
        let invited = desk.team().invite(TEAM, Role::Worker, Newcomer::default()).await.unwrap();
        let wrong = Joining::ask(Opening::of(&new, key()), "a shopping list").await;
        assert_eq!(wrong.err(), Some(Error::NotUsable("not_an_invitation")));
        let joining = Joining::ask(Opening::of(&new, key()), &invited.text).await.unwrap();
        assert_eq!(joining.team(), TEAM);
        let (code, other) = (joining.code().to_owned(), "000 000");
        assert!(code != other.replace(' ', ""), "one in a million");
        assert_eq!(desk.team().approve(other).await, Err(Error::NotFound("code")));
        let late =
            Joining::ask(Opening::of(new.with_file_name("late"), key()), &invited.text).await;
        assert_eq!(late.err(), Some(Error::NotUsable("invitation_used")), "one device, once");
        desk.team().approve(&format!("{} {}", &code[..3], &code[3..])).await.unwrap();
        let phone = joining.approved().await.unwrap();
        assert_eq!(phone.team().own().await.unwrap(), [(TEAM, Some(Role::Worker))]);
        let members = desk.team().members(TEAM).await.unwrap();
        assert!(members.iter().any(|member| member.role == Role::Worker && !member.is_revoked));
        let noted = with(reversal("survived"), "note", "by the river");
        phone.records().record(TEAM, noted).await.unwrap();
        let mut changes = phone.observe();
        assert_eq!(changes.next().await, Some(Noticed::everything()));
        phone.team().leave(TEAM).await.unwrap();
        let mut noticed = Noticed::default();
        while !noticed.is_many {
            noticed.add(&changes.next().await.unwrap());
        }
        assert!(noticed.sums && noticed.delivery && !noticed.kinds.is_empty(), "{noticed:?}");
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

#[test]
fn a_lost_phone_is_revoked_and_what_it_wrote_since_is_accepted_and_erased_by_the_root() {
    let mut programme = Programme::new();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    let desk = coordinator(&mut programme, &hub);
    let (mut engine, certificate) = programme.worker();
    engine.set_hub(&hub.address).unwrap();
    let phone = programme.folder.path().join("device-1");
    let device = engine.device_key();
    drop(engine);
    programme.root.set_hub(&hub.address).unwrap();
    hub.sync(&mut programme.coordinator).unwrap();
    let root = programme.folder.path().join("root");
    let keep = Programme::new();
    let programme = std::mem::replace(&mut programme, keep);
    let folder = programme.folder;
    drop((programme.root, programme.coordinator));
    run(async {
        let desk = Client::open(Opening::of(&desk, key())).await.unwrap();
        let root = Client::open(Opening::of(&root, key())).await.unwrap();
        let phone = Client::open(Opening::of(&phone, key())).await.unwrap();
        let sync = async |client: &Client| client.sync().start(Default::default()).ended().await;
        phone.records().record(TEAM, reversal("survived")).await.unwrap();
        sync(&phone).await.unwrap();
        sync(&desk).await.unwrap();
        let named = certificate.to_string();
        let found = desk.team().certificates_named(TEAM, &named[..9]).await.unwrap();
        assert_eq!(found.iter().map(|one| one.certificate).collect::<Vec<_>>(), [certificate]);
        let none = desk.team().certificates_named(TEAM, "zz").await.unwrap_err();
        assert_eq!(none.code(), "certificate");
        assert!(phone.team().revoke(TEAM, certificate).await.is_err(), "a worker revokes nobody");
        assert!(phone.team().last_synced(TEAM).await.is_err(), "nor is it told who synced");
        let revoked = desk.team().revoke(TEAM, certificate).await.unwrap();
        assert_eq!((revoked.before, revoked.after), (None, None));
        let members = desk.team().members(TEAM).await.unwrap();
        assert!(members.iter().any(|member| member.device == device && member.is_revoked));
        // What it writes now is aside.
        let late = phone.records().record(TEAM, reversal("died")).await.unwrap();
        _ = sync(&phone).await;
        let aside = desk.team().aside(TEAM, certificate).await.unwrap();
        let ids: Vec<_> = aside.entries.iter().map(|entry| entry.id).collect();
        assert_eq!(ids.iter().map(|id| id.record()).collect::<Vec<_>>(), [late]);
        assert!(desk.records().get(late).await.is_err(), "it counts nowhere");
        desk.team().accept(TEAM, ids).await.unwrap();
        sync(&desk).await.unwrap();
        assert_eq!(desk.records().get(late).await.unwrap().id, late);
        // The coordinator asks, the root does it.
        desk.team().ask_erasure(TEAM, vec![late]).await.unwrap();
        sync(&desk).await.unwrap();
        assert!(root.programme().own().await.unwrap().is_root());
        root.programme().look_into(TEAM).await.unwrap();
        let (_, pack) = kitbag_core::model::pack::SHIPPED[0];
        root.programme().publish_pack(pack.to_owned()).await.unwrap();
        let again = root.programme().publish_pack(pack.to_owned()).await;
        assert_eq!(again, Err(Error::NotUsable("pack_not_newer")));
        let wrong = root.programme().publish_pack("colour = 1".to_owned()).await;
        assert_eq!(wrong, Err(Error::NotUsable("pack")));
        sync(&root).await.unwrap();
        let asked = root.team().asked_erasures().await.unwrap();
        assert_eq!((asked.len(), asked[0].record, asked[0].is_by_coordinator), (1, late, true));
        root.programme().erase(TEAM, vec![late]).await.unwrap();
        sync(&root).await.unwrap();
        sync(&desk).await.unwrap();
        assert!(desk.records().get(late).await.is_err(), "erased");
        assert_eq!(desk.team().erased(TEAM).await.unwrap(), [late]);
        // Who synced when is told to those who look after the team.
        let seen = desk.team().last_synced(TEAM).await.unwrap();
        assert!(seen.contains_key(&device), "of a lost phone people ask when it was last heard of");
        let own = desk.programme().own().await.unwrap().device;
        assert!(seen.contains_key(&own));
        let members = desk.team().members_and_last_sync(TEAM).await.unwrap();
        let of_desk = members.iter().find(|member| member.device == own).unwrap();
        assert_eq!(of_desk.last_synced, seen.get(&own).copied());
        let revoked = members.iter().find(|member| member.device == device).unwrap();
        let last = seen.get(&device).copied();
        assert_eq!((revoked.is_revoked, revoked.last_synced), (true, last));
        for client in [desk, root, phone] {
            client.close().await;
        }
    });
    drop(folder);
}

#[test]
fn what_is_saved_goes_by_itself_and_again_once_the_hub_is_there() {
    let mut programme = Programme::new();
    let mut hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    let (mut engine, _) = programme.worker();
    engine.set_hub(&hub.address).unwrap();
    hub.sync(&mut programme.coordinator).unwrap();
    let path = programme.folder.path().join("device-1");
    drop(engine);
    run(async {
        let phone = Client::open(Opening::of(&path, key())).await.unwrap();
        let kept = phone.sync().keep(Default::default());
        let id = phone.records().record(TEAM, reversal("survived")).await.unwrap();
        on_hub(&phone, id).await;
        hub.kill();
        let late = phone.records().record(TEAM, reversal("died")).await.unwrap();
        kept.now();
        while phone.sync().status().await.unwrap().last.failures == 0 {
            pause().await;
        }
        hub.start_again();
        kept.now();
        on_hub(&phone, late).await;
        drop(kept);
        let alone = phone.records().record(TEAM, reversal("survived")).await.unwrap();
        let look = phone.records().look_at(alone).await.unwrap();
        assert_eq!(look.delivery, Delivery::Waiting, "dropped, it syncs no more");
        phone.close().await;
    });
}

/// Waits until the hub has a record; the test's own limit ends it.
async fn on_hub(client: &Client, id: kitbag_core::model::RecordId) {
    while client.records().look_at(id).await.unwrap().delivery != Delivery::OnHub {
        pause().await;
    }
}
