//! The client that front ends hold: a save waits for no hub, a read for no save, a sync that is cut anywhere loses
//! nothing, and a store that is let go of is let go of.

use super::hub_process::Hub;
use super::programme::{Programme, TEAM, key, reversal};
use kitbag_client::{Client, Error, Opening, SyncOptions};
use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::HubAddress;
use kitbag_core::store::{Delivery, Noticed, Search, StoreError};
use kitbag_core::sync::{Agreement, SyncFault};
use kitbag_core::totals::Query;
use std::future::Future;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

/// More than anything here takes.
const LONG: Duration = Duration::from_secs(120);

/// Runs what a front end does, on a runtime of its own.
pub fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LONG, work).await.expect("in time") })
}

/// A little while.
pub async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// A worker's phone, made and closed again, that knows this hub.
pub fn phone(programme: &mut Programme, hub: &HubAddress) -> PathBuf {
    let (mut engine, _) = programme.worker();
    engine.set_hub(hub).unwrap();
    programme.folder.path().join("device-1")
}

pub fn opening(store: &PathBuf) -> Opening {
    Opening { insecure_loopback: true, ..Opening::of(store, key()) }
}

/// A hub that takes connections and says nothing, until it is dropped.
fn silent() -> (TcpListener, HubAddress) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = HubAddress::insecure(listener.local_addr().unwrap());
    (listener, address)
}

#[test]
fn a_save_waits_for_no_hub_and_a_sync_that_is_cancelled_ends_at_once() {
    let mut programme = Programme::new();
    let (_listener, address) = silent();
    let store = phone(&mut programme, &address);
    run(async {
        let client = Client::open(opening(&store)).await.unwrap();
        let sync = client.sync().start(SyncOptions::default());
        let soon =
            SyncOptions { deadline: Some(Duration::from_millis(20)), ..SyncOptions::default() };
        let (joined, hasty) =
            (client.sync().start(SyncOptions::default()), client.sync().start(soon));
        let id = client.records().record(TEAM, reversal("survived")).await.unwrap();
        assert_eq!(client.records().get(id).await.unwrap().id, id);
        assert_eq!(hasty.ended().await, Err(Error::Sync(SyncFault::OutOfTime)));
        sync.cancel();
        assert_eq!(sync.ended().await, Err(Error::Sync(SyncFault::Cancelled)));
        let goes_on = tokio::time::timeout(Duration::from_millis(20), joined.ended()).await;
        assert!(goes_on.is_err(), "whoever joined still wants it: {goes_on:?}");
        joined.cancel();
        let next = client.sync().start(SyncOptions::default());
        assert_eq!(joined.ended().await, Err(Error::Sync(SyncFault::Cancelled)));
        let goes_on = tokio::time::timeout(Duration::from_millis(50), next.ended()).await;
        assert!(goes_on.is_err(), "the next one is not the one that was cancelled: {goes_on:?}");
        next.cancel();
        assert_eq!(next.ended().await, Err(Error::Sync(SyncFault::Cancelled)));
        let status = client.sync().status().await.unwrap();
        assert_eq!(status.last.failed, Some(SyncFault::Cancelled));
        assert_eq!(status.waiting.records, 1);
        let deadline = Some(Duration::from_millis(50));
        let sync = client.sync().start(SyncOptions { deadline, ..SyncOptions::default() });
        assert_eq!(sync.ended().await, Err(Error::Sync(SyncFault::OutOfTime)));
        client.close().await;
    });
}

#[test]
fn a_sync_that_is_cancelled_wherever_it_is_loses_nothing() {
    let mut programme = Programme::new();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    let store = phone(&mut programme, &hub.address);
    hub.sync(&mut programme.root).unwrap();
    hub.sync(&mut programme.coordinator).unwrap();
    run(async {
        let client = Client::open(opening(&store)).await.unwrap();
        let mut ids = Vec::new();
        let mut cancelled = 0;
        for round in 0..12_u64 {
            for _ in 0..20 {
                ids.push(client.records().record(TEAM, reversal("survived")).await.unwrap());
            }
            let mut sync = client.sync().start(SyncOptions::default());
            // At its beginning, between steps, or a little later than any of them.
            for _ in 0..round % 4 {
                _ = sync.next_progress().await;
            }
            tokio::time::sleep(Duration::from_micros(300 * round)).await;
            sync.cancel();
            match sync.ended().await {
                Err(Error::Sync(SyncFault::Cancelled)) => cancelled += 1,
                Ok(Agreement::Whole) => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(cancelled > 0);
        let sync = client.sync().start(SyncOptions::default());
        assert_eq!(sync.ended().await, Ok(Agreement::Whole));
        let status = client.sync().status().await.unwrap();
        assert!(status.is_synced);
        assert_eq!(ids.len(), 240);
        client.close().await;
    });
    assert_eq!(hub.reversals(&programme.coordinator), 240);
}

/// The files that this process has open under a folder.
fn open_files(under: &std::path::Path) -> Vec<PathBuf> {
    let all = std::fs::read_dir("/proc/self/fd").unwrap();
    let paths = all.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    paths.filter(|path| path.starts_with(under)).collect()
}

#[test]
fn a_store_that_is_suspended_is_held_by_nobody_and_goes_on_afterwards() {
    let mut programme = Programme::new();
    let (_listener, address) = silent();
    let store = phone(&mut programme, &address);
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own");
    std::fs::copy(&store, &own).unwrap();
    run(async {
        let client = Client::open(opening(&own)).await.unwrap();
        let used = |error: Result<Engine, EngineError>| {
            matches!(error, Err(EngineError::Store(StoreError::Busy)))
        };
        assert!(used(Engine::open(&own, &key(), Environment::system())), "one process at a time");
        let id = client.records().record(TEAM, reversal("survived")).await.unwrap();
        client.records().get(id).await.unwrap();
        let _sync = client.sync().start(SyncOptions::default());
        client.suspend().await;
        assert_eq!(open_files(folder.path()), Vec::<PathBuf>::new());
        let refused = client.records().get(id).await;
        assert_eq!(refused.unwrap_err(), Error::NotOpen("suspended"));
        // Another one has it meanwhile.
        let mut other = Engine::open(&own, &key(), Environment::system()).unwrap();
        let theirs = other.record(TEAM, &reversal("died")).unwrap();
        drop(other);
        client.resume().await.unwrap();
        let found = client.records().list(Search { most: 10, ..Search::default() }).await;
        let found: Vec<_> = found.unwrap().rows.iter().map(|at| at.row.id).collect();
        assert_eq!(found, [theirs, id]);
        client.close().await;
        let closed = client.records().get(id).await;
        assert_eq!(closed.unwrap_err(), Error::NotOpen("closed"));
        assert_eq!(open_files(folder.path()), Vec::<PathBuf>::new());
        client.resume().await.unwrap_err();
    });
}

#[test]
fn a_thousand_callers_of_one_client_lose_nothing() {
    let mut programme = Programme::new();
    let (_listener, address) = silent();
    let store = phone(&mut programme, &address);
    run(async {
        let client = Client::open(opening(&store)).await.unwrap();
        let callers = (0..1_000).map(|n| {
            let client = client.clone();
            tokio::spawn(async move {
                let id = client.records().record(TEAM, reversal("survived")).await.unwrap();
                if n % 3 == 0 {
                    assert_eq!(
                        client.records().get(id).await.unwrap().id,
                        id,
                        "one reads what one saved"
                    );
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
        let all = client.records().list(Search { most: 2_000, ..Search::default() }).await;
        assert_eq!(all.unwrap().rows.len(), 1_000);
        client.close().await;
    });
    let engine = Engine::open(&store, &key(), Environment::system()).unwrap();
    let totals = engine.totals(&Query::default()).unwrap();
    assert_eq!(totals.lines.values().filter_map(|line| line.get("reversals")).sum::<i64>(), 1_000);
}

#[test]
fn who_listens_hears_one_summary_of_what_came_meanwhile_and_holds_nobody_up() {
    let mut programme = Programme::new();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    let store = phone(&mut programme, &hub.address);
    hub.sync(&mut programme.root).unwrap();
    hub.sync(&mut programme.coordinator).unwrap();
    let corrected = run(async {
        let client = Client::open(opening(&store)).await.unwrap();
        let (mut slow, gone) = (client.observe(), client.observe());
        drop(gone);
        assert_eq!(slow.next().await, Some(Noticed::everything()), "a screen begins with it");
        let mut ids = std::collections::BTreeSet::new();
        for _ in 0..30 {
            ids.insert(client.records().record(TEAM, reversal("survived")).await.unwrap());
        }
        let heard = slow.next().await.unwrap();
        assert_eq!(heard.records, ids);
        assert!(heard.sums && !heard.is_many && !heard.delivery);
        let sync = client.sync().start(SyncOptions::default());
        assert_eq!(sync.ended().await, Ok(Agreement::Whole));
        let mut after = Noticed::default();
        while !(after.delivery && after.state) {
            after.add(&slow.next().await.unwrap());
        }
        let id = *ids.first().unwrap();
        client.records().correct(id, "outcome".to_owned(), "died".into()).await.unwrap();
        let heard = slow.next().await.unwrap();
        assert_eq!(heard.records.iter().collect::<Vec<_>>(), [&id]);
        client.close().await;
        assert_eq!(slow.next().await, None);
        id
    });
    let engine = Engine::open(&store, &key(), Environment::system()).unwrap();
    for row in engine.search(&Search::default()).unwrap().rows {
        let expected = if row.id == corrected { Delivery::Waiting } else { Delivery::OnHub };
        assert_eq!(engine.delivery(row.id).unwrap(), expected);
    }
}

#[test]
fn what_is_wrong_is_told_apart_by_code() {
    let mut programme = Programme::new();
    let (_listener, address) = silent();
    let store = phone(&mut programme, &address);
    run(async {
        let client = Client::open(opening(&store)).await.unwrap();
        let mut form = reversal("survived");
        form.put("outcome", kitbag_core::model::Value::Null).unwrap();
        match client.records().record(TEAM, form).await {
            Err(Error::Invalid(faults)) => assert_eq!(faults[0].field, "outcome"),
            other => panic!("{other:?}"),
        }
        let id = client.records().record(TEAM, reversal("survived")).await.unwrap();
        client.records().undo(id).await.unwrap();
        let again = client.records().undo(id).await.unwrap_err();
        assert_eq!(again.code(), "nothing_to_undo");
        let other = kitbag_core::model::TeamId([77; 16]);
        let foreign = client.records().record(other, reversal("survived")).await.unwrap_err();
        assert_eq!(foreign, Error::NotFound("team"));
        client.close().await;
        let wrong = kitbag_core::store::StoreKey::new([1; 32]);
        let opened = Client::open(Opening::of(&store, wrong)).await;
        assert_eq!(opened.err(), Some(Error::WrongKey));
    });
}
