//! What a store costs as it grows: saves, a sync of twenty, totals, opening, lists, searches, an export
//! and memory, at 10³, 10⁴, … records, and how each grows.

use super::{
    Failed, NOW, TEAM, key, median, memory_of, memory_peak_mib, operations, reversal, sync_with,
};
use kitbag_core::engine::{Engine, Environment};
use kitbag_core::identity::{Role, SigningKey};
use kitbag_core::log::entry::{Entry, Tip, kind, sign};
use kitbag_core::log::payload::{Open, RecordPayload};
use kitbag_core::log::run::Run;
use kitbag_core::model::{EntryId, Kind, LogId, UnixMillis};
use kitbag_core::store::{Order, Search, Settling, Store};
use kitbag_core::totals::{Query, Split};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

const REPEATS: usize = 5;
const SAVES: u32 = 40;
const SYNCED: u32 = 20;
/// Devices that the records come from.
const AUTHORS: u8 = 30;
/// How many entries one run brings.
const RUN_ENTRIES: u32 = 1_000;

/// What was measured at one size; times in ms.
#[derive(Clone, Debug, serde::Serialize)]
pub struct AtSize {
    pub records: u32,
    pub save_ms: f64,
    pub sync_of_20_ms: f64,
    pub month_ms: f64,
    pub month_by_outcome_ms: f64,
    pub open_and_month_ms: f64,
    pub list_ms: f64,
    pub list_by_recording_ms: f64,
    pub search_all_ms: f64,
    pub export_ms: f64,
    pub store_bytes_per_record: f64,
    pub memory_mib: f64,
}

/// One author's log, as far as it was written.
struct Author {
    key: SigningKey,
    log: LogId,
    tip: Tip,
    begun: Vec<Entry>,
}

/// Measures a store of so many records.
pub fn measure(records: u32) -> Result<AtSize, Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("device");
    let mut root = Engine::found(&folder.path().join("root"), &key(), Environment::system())?;
    let mut hub =
        Store::open(&folder.path().join("hub"), &key(), Some(root.root()), None, Settling::Behind)?;
    drop(super::device(folder.path(), "device", &mut root)?);
    fill(&path, &mut hub, &mut root, records)?;
    let mut engine = Engine::open(&path, &key(), Environment::system())?;
    sync_with(&mut engine, &mut hub)?;

    let save_ms = repeated(|| {
        for number in 0..SAVES {
            engine.record(TEAM, &reversal(number)?)?;
        }
        Ok(f64::from(SAVES))
    })?;
    sync_with(&mut engine, &mut hub)?;
    let mut syncs = [0.0; REPEATS];
    for time in &mut syncs {
        for number in 0..SYNCED {
            engine.record(TEAM, &reversal(number)?)?;
        }
        let began = Instant::now();
        sync_with(&mut engine, &mut hub)?;
        *time = began.elapsed().as_secs_f64() * 1_000.0;
        while hub.settle_some()? {}
    }
    let month = |by: Vec<Split>| -> Result<Query, Failed> {
        let (from, to) = ("2018-03-01".parse()?, "2018-03-31".parse()?);
        Ok(Query { from: Some(from), to: Some(to), by, ..Query::default() })
    };
    let (plain, coded) = (month(Vec::new())?, month(vec![Split::Code("outcome".to_owned())])?);
    let month_ms = repeated(|| {
        engine.totals(&plain)?;
        Ok(1.0)
    })?;
    let month_by_outcome_ms = repeated(|| {
        engine.totals(&coded)?;
        Ok(1.0)
    })?;
    let list = Search { most: 50, ..Search::default() };
    let list_ms = repeated(|| {
        engine.search(&list)?;
        Ok(1.0)
    })?;
    let by_recording = Search { order: Order::Recording, ..list.clone() };
    let list_by_recording_ms = repeated(|| {
        engine.search(&by_recording)?;
        Ok(1.0)
    })?;
    let nothing = vec![("gender".to_owned(), "nobody".to_owned())];
    let rare = Search { answers: nothing, most: 50, ..Search::default() };
    let search_all_ms = repeated(|| {
        engine.search(&rare)?;
        Ok(1.0)
    })?;
    let began = Instant::now();
    let mut rows = 0_u32;
    engine.store().each_row(None, None, |row| {
        rows += u32::from(row.answers.code("site").is_some());
        Ok(())
    })?;
    let export_ms = began.elapsed().as_secs_f64() * 1_000.0;
    if rows < records {
        return Err(format!("{rows} rows of {records} records").into());
    }
    engine.checkpoint()?;
    drop(engine);
    let open_and_month_ms = repeated(|| {
        let engine = Engine::open(&path, &key(), Environment::system())?;
        engine.totals(&plain)?;
        Ok(1.0)
    })?;
    Ok(AtSize {
        records,
        save_ms,
        sync_of_20_ms: median(syncs),
        month_ms,
        month_by_outcome_ms,
        open_and_month_ms,
        list_ms,
        list_by_recording_ms,
        search_all_ms,
        export_ms,
        store_bytes_per_record: std::fs::metadata(&path)?.len() as f64 / f64::from(records),
        memory_mib: memory_of(&["--look"], &path)?,
    })
}

/// The median of five of what `work` takes, for each of what it says that it did, in ms.
fn repeated(mut work: impl FnMut() -> Result<f64, Failed>) -> Result<f64, Failed> {
    let mut times = [0.0; REPEATS];
    for time in &mut times {
        let began = Instant::now();
        let done = work()?;
        *time = began.elapsed().as_secs_f64() * 1_000.0 / done;
    }
    Ok(median(times))
}

/// Fills a device's store and a hub's with records of many authors, as runs bring them.
pub fn fill(device: &Path, hub: &mut Store, root: &mut Engine, records: u32) -> Result<(), Failed> {
    let scope = BTreeSet::from([TEAM]);
    let mut store = Store::open(device, &key(), None, Some(scope), Settling::Within)?;
    fill_all(&mut [&mut store, hub], root, records)
}

/// Fills stores with the same records.
pub fn fill_all(stores: &mut [&mut Store], root: &mut Engine, records: u32) -> Result<(), Failed> {
    let mut authors = Vec::new();
    for number in 0..AUTHORS {
        let key = SigningKey::from_seed(&[number + 1; 32]);
        let enrolment = root.certify(key.device_key(), Role::Coordinator, TEAM)?;
        for to in &mut *stores {
            to.receive(&enrolment.runs.iter().collect::<Vec<_>>(), &[])?;
        }
        let random = [number; 16];
        let open =
            Open { key: key.device_key(), team: TEAM, random, certificate: enrolment.certificate };
        let entry = Entry::new(open.log(), None, (kind::OPEN, 1), None, open.encode());
        authors.push(Author { key, log: open.log(), tip: entry.tip(), begun: vec![entry] });
    }
    let mut made = 0;
    while made < records {
        for author in &mut authors {
            let until = (made + RUN_ENTRIES).min(records);
            let mut entries = std::mem::take(&mut author.begun);
            for number in made..until {
                let entry = creation(author, number)?;
                author.tip = entry.tip();
                entries.push(entry);
            }
            made = until;
            if entries.is_empty() {
                continue;
            }
            let signed = sign(&author.key, author.log, author.tip);
            let run = Run::of(&entries, signed).ok_or("a run of entries")?;
            for to in &mut *stores {
                let received = to.receive(&[&run], &[])?;
                if let Some((_, reason)) = received.turned_away.first() {
                    return Err(format!("turned away: {reason}").into());
                }
            }
            for to in &mut *stores {
                while to.settle_some()? {}
            }
        }
    }
    Ok(())
}

fn creation(author: &Author, number: u32) -> Result<Entry, Failed> {
    let salt = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    let payload = RecordPayload {
        salt,
        at: UnixMillis(NOW.0 - i64::from(number) * 1_000),
        after: Vec::<EntryId>::new(),
        operations: operations(number)?,
    };
    Ok(Entry::new(
        author.log,
        Some(author.tip),
        (Kind::Reversal.number(), 1),
        None,
        payload.encode(),
    ))
}

/// What a process of its own does to be measured: opens the store, reads totals, lists, searches and reads
/// every row.
pub fn look(path: &Path) -> Result<(), Failed> {
    let engine = Engine::open(path, &key(), Environment::system())?;
    engine.totals(&Query { by: vec![Split::Code("outcome".to_owned())], ..Query::default() })?;
    engine.search(&Search { most: 50, ..Search::default() })?;
    let nothing = vec![("gender".to_owned(), "nobody".to_owned())];
    engine.search(&Search { answers: nothing, most: 50, ..Search::default() })?;
    engine.store().each_row(None, None, |_| Ok(()))?;
    memory_peak_mib()
}

/// The slope of a line through the logarithms: 0 is flat, 1 grows as the records do.
pub fn slope(of: &[AtSize], value: impl Fn(&AtSize) -> f64) -> f64 {
    let points: Vec<(f64, f64)> =
        of.iter().map(|at| (f64::from(at.records).ln(), value(at).max(1e-6).ln())).collect();
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let above: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let below: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    above / below
}

/// The sizes from 1,000 on, each ten times the one before.
pub fn sizes(most: u32) -> Vec<u32> {
    std::iter::successors(Some(1_000_u32), |size| size.checked_mul(10))
        .take_while(|size| *size <= most)
        .collect()
}

pub fn print(of: &[AtSize]) {
    println!(
        "{:>9} {:>8} {:>8} {:>8} {:>10} {:>8} {:>8} {:>8} {:>8} {:>9} {:>8} {:>7}",
        "records",
        "save",
        "sync 20",
        "month",
        "by outcome",
        "open",
        "list",
        "recorded",
        "search",
        "export",
        "B/rec",
        "MiB"
    );
    for at in of {
        println!(
            "{:>9} {:>8.2} {:>8.1} {:>8.2} {:>10.1} {:>8.1} {:>8.2} {:>8.2} {:>8.1} {:>9.0} {:>8.0} {:>7.1}",
            at.records,
            at.save_ms,
            at.sync_of_20_ms,
            at.month_ms,
            at.month_by_outcome_ms,
            at.open_and_month_ms,
            at.list_ms,
            at.list_by_recording_ms,
            at.search_all_ms,
            at.export_ms,
            at.store_bytes_per_record,
            at.memory_mib
        );
    }
}
