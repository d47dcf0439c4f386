//! What goes on beside something else: long reads, slow files, a busy writer, a store that is let go of and taken again.
//! Nothing here is timed: what waits for good does not end.

use super::client::{opening, phone, run};
use super::hub_process::Hub;
use super::programme::{Programme, TEAM, heavy, key, reversal};
use kitbag_client::{Client, Error, SyncOptions};
use kitbag_core::engine::{BundleOf, Engine, Environment};
use kitbag_core::identity::HubAddress;
use kitbag_core::model::{Form, Kind};
use kitbag_core::store::Search;
use kitbag_core::sync::{Agreement, SyncFault};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// A phone whose hub takes connections and says nothing.
fn alone(programme: &mut Programme) -> (TcpListener, PathBuf) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = HubAddress::insecure(listener.local_addr().unwrap());
    let store = phone(programme, &address);
    (listener, store)
}

/// Something that waits, in the midst of its work, until it is told to go on.
struct Held {
    began: Sender<()>,
    goes_on: Receiver<()>,
}

/// Who tells it; dropped, it goes on.
struct Holder {
    began: Receiver<()>,
    _goes_on: Sender<()>,
}

fn held() -> (Held, Holder) {
    let ((began, told), (sender, goes_on)) = (channel(), channel());
    (Held { began, goes_on }, Holder { began: told, _goes_on: sender })
}

impl Held {
    fn wait(&self) {
        _ = self.began.send(());
        _ = self.goes_on.recv();
    }
}

impl Holder {
    async fn began(self) -> Holder {
        tokio::task::spawn_blocking(move || {
            self.began.recv().unwrap();
            self
        })
        .await
        .unwrap()
    }
}

impl Read for Held {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        self.wait();
        Ok(0)
    }
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.wait();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A reading that goes on until its holder is dropped.
async fn long_read(client: &Client) -> (Holder, tokio::task::JoinHandle<()>) {
    let (waits, holder) = held();
    let client = client.clone();
    let task = tokio::spawn(async move {
        let look = |waits: &mut Held, _| {
            waits.wait();
            false
        };
        client.records().look_through((None, None), waits, look).await.unwrap();
    });
    (holder.began().await, task)
}

async fn save(client: &Client) {
    client.records().record(TEAM, reversal("survived")).await.unwrap();
}

async fn count(client: &Client) -> Result<u64, Error> {
    Ok(client.records().list_and_count(Search::default()).await?.1)
}

#[test]
fn screens_are_read_beside_reports_and_saves_beside_slow_files() {
    let mut programme = Programme::new();
    let (_listener, store) = alone(&mut programme);
    run(async {
        let client = Client::open(opening(&store)).await.unwrap();
        save(&client).await;
        let (first, one) = long_read(&client).await;
        let second = {
            let client = client.clone();
            tokio::spawn(async move {
                client.records().look_through((None, None), (), |(), _| true).await.unwrap();
            })
        };
        assert_eq!(count(&client).await, Ok(1), "a screen beside two reports");
        drop(first);
        one.await.unwrap();
        second.await.unwrap();
        let (slow, holder) = held();
        let importing = {
            let client = client.clone();
            tokio::spawn(async move { client.bundles().import(slow, |_| {}).await })
        };
        let holder = holder.began().await;
        save(&client).await;
        drop(holder);
        assert_eq!(importing.await.unwrap().err(), Some(Error::NotUsable("not_a_bundle")));
        let (slow, holder) = held();
        let exporting = {
            let client = client.clone();
            let of = BundleOf::Everything;
            tokio::spawn(async move { client.bundles().export(TEAM, of, slow, |_| {}).await })
        };
        let holder = holder.began().await;
        save(&client).await;
        drop(holder);
        assert!(exporting.await.unwrap().unwrap().entries > 0);
        client.close().await;
    });
}

#[test]
fn a_sync_ends_when_it_is_told_to_though_the_writer_is_busy() {
    let mut programme = Programme::new();
    let (_listener, store) = alone(&mut programme);
    run(async {
        let client = Client::open(opening(&store)).await.unwrap();
        let (waits, holder) = held();
        let busy = {
            let client = client.clone();
            let progress = move |_| waits.wait();
            tokio::spawn(async move { client.health().verify(progress).await.map(drop) })
        };
        let holder = holder.began().await;
        let deadline = Some(Duration::from_millis(30));
        let sync = client.sync().start(SyncOptions { deadline, ..SyncOptions::default() });
        assert_eq!(sync.ended().await, Err(Error::Sync(SyncFault::OutOfTime)));
        let sync = client.sync().start(SyncOptions::default());
        sync.cancel();
        assert_eq!(sync.ended().await, Err(Error::Sync(SyncFault::Cancelled)));
        drop(holder);
        busy.await.unwrap().unwrap();
        client.close().await;
    });
}

#[test]
fn a_store_is_let_go_of_and_taken_again_one_after_the_other() {
    let mut programme = Programme::new();
    let (_listener, store) = alone(&mut programme);
    run(async {
        let client = Client::open(opening(&store)).await.unwrap();
        save(&client).await;
        // Back in front before it was let go of.
        let (holder, reading) = long_read(&client).await;
        let mut suspended = Box::pin(client.suspend());
        // It has begun before anybody resumes.
        tokio::select! {
            biased;
            () = &mut suspended => panic!("a reading is still going on"),
            () = std::future::ready(()) => {}
        }
        let resuming = client.clone();
        let resumed = tokio::spawn(async move { resuming.resume().await });
        drop(holder);
        reading.await.unwrap();
        suspended.await;
        assert_eq!(resumed.await.unwrap(), Ok(()));
        client.resume().await.unwrap();
        assert_eq!(count(&client).await, Ok(1));
        save(&client).await;
        // One that fails leaves nothing half open.
        client.suspend().await;
        let other = Engine::open(&store, &key(), Environment::system()).unwrap();
        assert_eq!(client.resume().await, Err(Error::InUse));
        drop(other);
        let refused = client.records().record(TEAM, reversal("survived")).await;
        assert_eq!(refused, Err(Error::NotOpen("suspended")));
        assert_eq!(count(&client).await, Err(Error::NotOpen("suspended")));
        client.resume().await.unwrap();
        assert_eq!(count(&client).await, Ok(2));
        // Suspending is no failure of the hub.
        for _ in 0..5 {
            let sync = client.sync().start(SyncOptions::default());
            client.suspend().await;
            assert!(sync.ended().await.is_err());
            client.resume().await.unwrap();
        }
        let last = client.sync().status().await.unwrap().last;
        assert_eq!((last.failures, last.next_try), (0, None), "{last:?}");
        client.close().await;
        for _ in 0..20 {
            drop(Client::open(opening(&store)).await.unwrap());
        }
    });
}

#[test]
fn a_client_whose_runtime_is_gone_says_so_and_lets_its_store_go() {
    let mut programme = Programme::new();
    let (_listener, store) = alone(&mut programme);
    let gone = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let gone = gone.unwrap();
    let client = gone.block_on(Client::open(opening(&store))).unwrap();
    gone.shutdown_timeout(Duration::from_secs(5));
    run(async {
        save(&client).await;
        let sync = client.sync().start(SyncOptions::default());
        assert_eq!(sync.ended().await, Err(Error::Sync(SyncFault::CutOff)));
        client.suspend().await;
        client.resume().await.unwrap();
        client.close().await;
    });
    assert_eq!(
        Engine::open(&store, &key(), Environment::system()).map(drop).err().map(|_| ()),
        None
    );
}

#[test]
fn what_is_opened_to_read_alone_is_read_as_of_one_moment() {
    let mut programme = Programme::new();
    let (_listener, store) = alone(&mut programme);
    run(async {
        let writer = Client::open(opening(&store)).await.unwrap();
        save(&writer).await;
        let beside = Client::open_to_read(opening(&store)).await;
        assert_eq!(beside.err(), Some(Error::InUse));
        writer.close().await;
        let (one, other) = (
            Client::open_to_read(opening(&store)).await.unwrap(),
            Client::open_to_read(opening(&store)).await.unwrap(),
        );
        assert_eq!(Client::open(opening(&store)).await.err(), Some(Error::InUse), "it is read");
        assert_eq!((count(&one).await, count(&other).await), (Ok(1), Ok(1)));
        one.close().await;
        assert_eq!(Client::open(opening(&store)).await.err(), Some(Error::InUse), "it is read");
        other.close().await;
        let writer = Client::open(opening(&store)).await.unwrap();
        save(&writer).await;
        assert_eq!(count(&writer).await, Ok(2));
        writer.close().await;
    });
}

#[test]
fn a_draft_that_is_done_with_is_nobody_elses() {
    let mut programme = Programme::new();
    let (_listener, store) = alone(&mut programme);
    run(async {
        let client = Client::open(opening(&store)).await.unwrap();
        let drafts = client.drafts();
        let first = drafts.save(None, reversal("survived")).await.unwrap();
        drafts.finish(first, TEAM, reversal("survived")).await.unwrap();
        let late = Err(Error::NotFound("draft"));
        assert_eq!(drafts.save(Some(first), reversal("died")).await, late);
        let second = drafts.save(None, Form::new(Kind::Contact)).await.unwrap();
        assert_ne!(second, first, "a number is given once");
        assert_eq!(drafts.save(Some(first), reversal("died")).await, late);
        let far = kitbag_core::engine::DraftId(u64::MAX);
        assert_eq!(drafts.save(Some(far), Form::new(Kind::Contact)).await, late);
        let finished = drafts.finish(first, TEAM, reversal("died")).await;
        assert_eq!(finished.err(), late.err());
        assert_eq!(drafts.list().await.unwrap(), [(second, Form::new(Kind::Contact))]);
        drafts.discard(second).await.unwrap();
        assert!(drafts.save(None, Form::new(Kind::Contact)).await.unwrap() > second);
        client.close().await;
    });
}

#[test]
fn a_revocation_goes_to_the_hub_beside_syncs_that_may_send_little() {
    let mut programme = Programme::new();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    hub.sync(&mut programme.root).unwrap();
    hub.sync(&mut programme.coordinator).unwrap();
    let (mut worker, certificate) = programme.worker();
    hub.sync(&mut programme.coordinator).unwrap();
    hub.sync(&mut worker).unwrap();
    for n in 0..30 {
        heavy(&mut programme.coordinator, n);
    }
    programme.coordinator.set_hub(&hub.address).unwrap();
    let at = programme.folder.path().join("coordinator");
    let Programme { folder, root, coordinator, .. } = programme;
    drop(coordinator);
    run(async {
        let desk = Client::open(opening(&at)).await.unwrap();
        let of_app = desk.clone();
        let app = tokio::spawn(async move {
            let little = SyncOptions { upload_budget: Some(10), ..SyncOptions::default() };
            loop {
                _ = of_app.sync().start(little).ended().await;
            }
        });
        let revoked = desk.team().revoke(TEAM, certificate).await.unwrap();
        assert_eq!((revoked.before, revoked.after), (None, None));
        app.abort();
        desk.close().await;
    });
    let ended = hub.sync(&mut worker).unwrap();
    assert!(matches!(ended, Agreement::Without(_)), "the hub knows of it: {ended:?}");
    drop((folder, root));
}
