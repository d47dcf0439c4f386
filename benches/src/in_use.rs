//! What people wait for while something else goes on: a save beside a sync, a list beside what comes in, a first sync,
//! a phone's sync beside somebody's totals; and how many pages a save writes.

use super::hub::Hub;
use super::wire::SyncFailed;
use super::{Failed, REPEATS, SAVES, TEAM, device, growth, key, median, reversal};
use kitbag_client::{BlockingHubClient, Client, Error, Opening, SyncOptions};
use kitbag_core::engine::{Engine, Environment};
use kitbag_core::identity::HubAddress;
use kitbag_core::model::Form;
use kitbag_core::store::{Search, Settling, Store};
use kitbag_core::sync::SyncFault;
use std::future::Future;
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Records that a first sync brings.
const FIRST: u32 = 10_000;
/// Syncs of which the slowest in a hundred is told.
const SYNCS: usize = 100;
const SYNCED: u32 = 20;
/// What SQLite's log adds to each page, and begins with, in bytes (its file format).
const FRAME_HEAD_BYTES: f64 = 24.0;
const LOG_HEAD_BYTES: f64 = 32.0;
const PAGE_BYTES: f64 = 4_096.0;

fn run<T>(work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(work)
}

fn opening(store: &Path) -> Opening {
    Opening { insecure_loopback: true, ..Opening::of(store, key()) }
}

/// A phone of a new programme, closed, that knows this hub.
fn phone(folder: &Path, hub: &HubAddress) -> Result<(), Failed> {
    let mut root = Engine::found(&folder.join("root"), &key(), Environment::system())?;
    let mut phone = device(folder, "phone", &mut root)?;
    Ok(phone.set_hub(hub)?)
}

/// How much longer a save takes while a sync waits for a hub that says nothing.
pub fn save_beside_a_silent_hub() -> Result<f64, Failed> {
    let folder = tempfile::tempdir()?;
    // It takes connections, and answers nobody.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    phone(folder.path(), &HubAddress::insecure(silent.local_addr()?))?;
    let forms: Vec<Form> = (0..SAVES).map(reversal).collect::<Result<_, _>>()?;
    run(async {
        let client = Client::open(opening(&folder.path().join("phone"))).await?;
        let mut ratios = [0.0; REPEATS];
        for ratio in &mut ratios {
            let mut taken = [0.0; 2];
            // In turns, so that what the disk does otherwise falls on both.
            for forms in forms.chunks(20) {
                for (is_waiting, taken) in [false, true].into_iter().zip(&mut taken) {
                    let sync = is_waiting.then(|| client.sync().start(SyncOptions::default()));
                    // Until its request is with the hub.
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    let began = Instant::now();
                    for form in forms {
                        client.records().record(TEAM, form.clone()).await?;
                    }
                    *taken += began.elapsed().as_secs_f64();
                    if let Some(sync) = sync {
                        sync.cancel();
                        let ended = sync.ended().await;
                        if ended != Err(Error::Sync(SyncFault::Cancelled)) {
                            return Err("the sync did not wait".into());
                        }
                    }
                }
            }
            *ratio = taken[1] / taken[0];
        }
        client.close().await;
        Ok(median(ratios))
    })
}

/// How long the slowest in a hundred lists of fifty takes, in ms, on a store of so many records while others come in.
pub fn list_beside_what_comes_in(records: u32) -> Result<f64, Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("phone");
    let mut root = Engine::found(&folder.path().join("root"), &key(), Environment::system())?;
    drop(device(folder.path(), "phone", &mut root)?);
    let hub_folder = folder.path().join("hub");
    let mut hub = made(&hub_folder, &root)?;
    growth::fill(&path, &mut hub, &mut root, records)?;
    drop(hub);
    let hub = Hub::start(&hub_folder, &root)?;
    let line = BlockingHubClient::to(&root, &hub.address)?;
    root.sync(|request| Ok::<_, SyncFailed>(line.sync(request)?))?;
    let mut colleague = device(folder.path(), "colleague", &mut root)?;
    root.sync(|request| Ok::<_, SyncFailed>(line.sync(request)?))?;
    for number in 0..FIRST {
        colleague.record(TEAM, &reversal(number)?)?;
    }
    let mut own = Engine::open(&path, &key(), Environment::system())?;
    own.set_hub(&hub.address)?;
    let line = BlockingHubClient::to(&own, &hub.address)?;
    own.sync(|request| Ok::<_, SyncFailed>(line.sync(request)?))?;
    drop(own);
    let line = BlockingHubClient::to(&colleague, &hub.address)?;
    colleague.sync(|request| Ok::<_, SyncFailed>(line.sync(request)?))?;
    let mut seconds = run(async {
        let client = Client::open(opening(&path)).await?;
        let list = Search { most: 50, ..Search::default() };
        client.records().list(list.clone()).await?;
        let sync = client.sync().start(SyncOptions::default());
        let mut ended = Box::pin(sync.ended());
        let mut seconds = Vec::new();
        loop {
            let began = Instant::now();
            client.records().list(list.clone()).await?;
            seconds.push(began.elapsed().as_secs_f64());
            // As a screen asks, ten times a second at most, or what it shows is not read.
            let pause = tokio::time::sleep(std::time::Duration::from_millis(5));
            tokio::select! {
                ended = &mut ended => {
                    ended?;
                    break;
                }
                () = pause => {}
            }
        }
        client.close().await;
        Ok(seconds)
    })?;
    Ok(slowest_of_a_hundred(&mut seconds)? * 1_000.0)
}

/// How long a new phone takes to have all of a hub's records, in seconds, over TLS.
pub fn first_sync_seconds() -> Result<f64, Failed> {
    let folder = tempfile::tempdir()?;
    let mut root = Engine::found(&folder.path().join("root"), &key(), Environment::system())?;
    drop(device(folder.path(), "filled", &mut root)?);
    let hub_folder = folder.path().join("hub");
    let mut hub = made(&hub_folder, &root)?;
    growth::fill(&folder.path().join("filled"), &mut hub, &mut root, FIRST)?;
    drop(hub);
    let mut phones = Vec::new();
    for number in 0..REPEATS {
        phones.push(device(folder.path(), &format!("phone-{number}"), &mut root)?);
    }
    let hub = Hub::start(&hub_folder, &root)?;
    let line = BlockingHubClient::to(&root, &hub.address)?;
    root.sync(|request| Ok::<_, SyncFailed>(line.sync(request)?))?;
    let mut times = [0.0; REPEATS];
    for (mut phone, time) in phones.into_iter().zip(&mut times) {
        let line = BlockingHubClient::to(&phone, &hub.address)?;
        let began = Instant::now();
        phone.sync(|request| Ok::<_, SyncFailed>(line.sync(request)?))?;
        *time = began.elapsed().as_secs_f64();
        let held = phone.how_many(&Search::default())?;
        if held != u64::from(FIRST) {
            return Err(format!("{held} records came").into());
        }
    }
    Ok(median(times))
}

/// How much longer the slowest in a hundred syncs of twenty takes while somebody reads totals by a code without end.
pub fn sync_beside_totals(records: u32) -> Result<f64, Failed> {
    let folder = tempfile::tempdir()?;
    let mut root = Engine::found(&folder.path().join("root"), &key(), Environment::system())?;
    let hub_folder = folder.path().join("hub");
    let mut hub = made(&hub_folder, &root)?;
    growth::fill_all(&mut [&mut hub], &mut root, records)?;
    drop(hub);
    let mut phone = device(folder.path(), "phone", &mut root)?;
    let reader = device(folder.path(), "reader", &mut root)?;
    let hub = Hub::start(&hub_folder, &root)?;
    let line = BlockingHubClient::to(&root, &hub.address)?;
    root.sync(|request| Ok::<_, SyncFailed>(line.sync(request)?))?;
    let line = BlockingHubClient::to(&phone, &hub.address)?;
    let asks = BlockingHubClient::to(&reader, &hub.address)?;
    // It records, and holds nothing of the others: what is measured is the hub.
    let mut syncs = |number: &mut u32| {
        let mut seconds = Vec::new();
        for _ in 0..SYNCS {
            for _ in 0..SYNCED {
                phone.record(TEAM, &reversal(*number)?)?;
                *number += 1;
            }
            let mut session = phone.session();
            let request = phone.request(&mut session)?.ok_or("a request")?;
            let began = Instant::now();
            let answer = line.sync(request)?;
            seconds.push(began.elapsed().as_secs_f64());
            drop(answer);
        }
        slowest_of_a_hundred(&mut seconds)
    };
    let (stops, mut number) = (AtomicBool::new(false), 0);
    let idle = syncs(&mut number)?;
    let beside = std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut read = 0_u32;
            while !stops.load(Ordering::Relaxed) {
                read += u32::from(asks.get("/v1/totals?by=outcome").is_ok());
            }
            read
        });
        let beside = syncs(&mut number);
        stops.store(true, Ordering::Relaxed);
        match reading.join() {
            Ok(0) | Err(_) => Err("no totals were read".into()),
            Ok(_) => beside,
        }
    })?;
    Ok(beside / idle)
}

/// How many pages of its log a save writes.
pub fn pages_a_save_writes() -> Result<f64, Failed> {
    const FEW: u32 = 50;
    let folder = tempfile::tempdir()?;
    let mut root = Engine::found(&folder.path().join("root"), &key(), Environment::system())?;
    let mut phone = device(folder.path(), "phone", &mut root)?;
    let mut pages = [0.0; REPEATS];
    for (at, pages) in pages.iter_mut().enumerate() {
        // A store that was used for a while.
        for number in 0..1_000 {
            phone.record(TEAM, &reversal(number + 1_000 * at as u32)?)?;
        }
        phone.checkpoint()?;
        let log = || std::fs::metadata(folder.path().join("phone-wal")).map_or(0, |log| log.len());
        phone.record(TEAM, &reversal(0)?)?;
        let before = log() as f64;
        for number in 0..FEW {
            phone.record(TEAM, &reversal(number)?)?;
        }
        let written = log() as f64 - before;
        if written <= LOG_HEAD_BYTES {
            return Err("the log did not grow".into());
        }
        *pages = written / (PAGE_BYTES + FRAME_HEAD_BYTES) / f64::from(FEW);
    }
    Ok(median(pages))
}

/// A hub's store in its folder, as the hub itself makes it.
fn made(folder: &Path, root: &Engine) -> Result<Store, Failed> {
    // The hub makes its key and its store, and stops again.
    drop(Hub::start(folder, root)?);
    let key = kitbag_core::store::KeyFile(folder.join("hub.key"));
    Ok(Store::open(&folder.join("hub.db"), &key, None, None, Settling::Behind)?)
}

fn slowest_of_a_hundred(seconds: &mut [f64]) -> Result<f64, Failed> {
    seconds.sort_by(f64::total_cmp);
    let at = (seconds.len() * 99).div_ceil(100).saturating_sub(1);
    seconds.get(at).copied().ok_or_else(|| "nothing was measured".into())
}
