//! What a programme would pick instead, on the same work and the same rows: one document of plain
//! automerge, of Loro, of Yrs.
//!
//! Each keeps all records in one map by a random id, each record a map of its answers, as their own
//! examples do. A save is one transaction, and its update a row of an SQLCipher file under the settings
//! of Kitbag's store. What is sent is compressed by zstd where that makes it smaller. The file is
//! measured compacted to one snapshot, and opening reads that snapshot: their best case. They count
//! totals by reading every record. Nothing is signed, nobody is judged, no row is kept for a list.

mod automerge;
mod loro;
mod yrs;

use super::{Failed, key_pragma, median, memory_peak_mib, operations};
use kitbag_core::model::{Operation, Value};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rusqlite::Connection;
use std::path::Path;
use std::time::Instant;

const REPEATS: usize = 5;
const SAVES: u32 = 40;
const TWENTY: u32 = 20;
const RECEIVED: u32 = 5_000;
const SMALL: u32 = 10_000;
const MONTH: &str = "2018-03";

/// A map's fields.
type Fields = Vec<(String, Value)>;

/// One record, as a peer keeps it.
pub struct Record {
    id: String,
    fields: Fields,
    /// The elements of lists: the list, its elements.
    lists: Vec<(String, Vec<Fields>)>,
}

/// Reversals of one month, and how many of them were survived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Month {
    reversals: u32,
    survived: u32,
}

impl Month {
    fn add(&mut self, occurred_on: &str, outcome: &str) {
        if occurred_on.starts_with(MONTH) {
            self.reversals += 1;
            self.survived += u32::from(outcome == "survived");
        }
    }
}

/// One of them: a replica.
trait Peer: Sized {
    const NAME: &'static str;
    /// What a replica holds, to ask for what came later.
    type Version;
    fn new() -> Result<Self, Failed>;
    fn load(snapshot: &[u8]) -> Result<Self, Failed>;
    /// Adds a record in a transaction of its own.
    fn add(&mut self, record: &Record) -> Result<(), Failed>;
    fn version(&mut self) -> Self::Version;
    /// The update that a replica of that version lacks.
    fn since(&mut self, version: &Self::Version) -> Result<Vec<u8>, Failed>;
    fn apply(&mut self, update: &[u8]) -> Result<(), Failed>;
    fn snapshot(&mut self) -> Result<Vec<u8>, Failed>;
    fn month(&self) -> Result<Month, Failed>;
}

/// What one costs; sizes in bytes a record.
#[derive(serde::Serialize)]
pub struct Costs {
    pub name: &'static str,
    pub save_ms: f64,
    pub twenty: f64,
    pub first: f64,
    pub received_per_second: f64,
    pub store: f64,
    pub open_and_month_ms: f64,
    pub memory_mib: f64,
}

/// Measures all three; the last two figures on a document of so many records.
pub fn measure(most: u32) -> Result<Vec<Costs>, Failed> {
    Ok(vec![
        costs::<automerge::Automerge>(most)?,
        costs::<loro::Loro>(most)?,
        costs::<yrs::Yrs>(most)?,
    ])
}

/// What a process of its own does to be measured: opens a file and counts the month.
pub fn look(name: &str, path: &Path) -> Result<(), Failed> {
    let month = match name {
        automerge::Automerge::NAME => open::<automerge::Automerge>(path)?.month()?,
        loro::Loro::NAME => open::<loro::Loro>(path)?.month()?,
        yrs::Yrs::NAME => open::<yrs::Yrs>(path)?.month()?,
        _ => return Err("no such peer".into()),
    };
    if month.reversals == 0 {
        return Err("the month is empty".into());
    }
    memory_peak_mib()
}

fn costs<P: Peer>(most: u32) -> Result<Costs, Failed> {
    eprintln!("{} …", P::NAME);
    let folder = tempfile::tempdir()?;
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut peer = filled::<P>(SMALL, &mut random)?;
    let snapshot = peer.snapshot()?;
    let first = packed(&snapshot)? as f64 / f64::from(SMALL);
    let path = folder.path().join("small");
    keep(&path, &snapshot)?;
    let store = std::fs::metadata(&path)?.len() as f64 / f64::from(SMALL);
    let save_ms = save(&mut peer, &path, &mut random)?;

    let version = peer.version();
    for number in 0..TWENTY {
        peer.add(&record(number, &mut random)?)?;
    }
    let twenty = packed(&peer.since(&version)?)? as f64 / f64::from(TWENTY);
    drop(peer);

    let path = folder.path().join("large");
    keep(&path, &filled::<P>(most, &mut random)?.snapshot()?)?;
    let expected = expected(most)?;
    let mut times = [0.0; REPEATS];
    for time in &mut times {
        let began = Instant::now();
        let counted = open::<P>(&path)?.month()?;
        *time = began.elapsed().as_secs_f64() * 1_000.0;
        if counted != expected {
            return Err(format!("{} counted another month", P::NAME).into());
        }
    }
    Ok(Costs {
        name: P::NAME,
        save_ms,
        twenty,
        first,
        received_per_second: received::<P>(folder.path(), &mut random)?,
        store,
        open_and_month_ms: median(times),
        memory_mib: super::memory_of(&["--look-peer", P::NAME], &path)?,
    })
}

fn save<P: Peer>(peer: &mut P, path: &Path, random: &mut ChaCha8Rng) -> Result<f64, Failed> {
    let connection = connect(path)?;
    let mut insert = connection.prepare("INSERT INTO part VALUES (NULL, ?1)")?;
    let mut times = [0.0; REPEATS];
    for time in &mut times {
        for number in 0..SAVES {
            let record = record(number, random)?;
            let version = peer.version();
            let began = Instant::now();
            peer.add(&record)?;
            insert.execute([peer.since(&version)?])?;
            *time += began.elapsed().as_secs_f64() * 1_000.0 / f64::from(SAVES);
        }
    }
    Ok(median(times))
}

/// Records of one update that another replica applies and keeps, a second.
fn received<P: Peer>(folder: &Path, random: &mut ChaCha8Rng) -> Result<f64, Failed> {
    let mut from = P::new()?;
    let version = from.version();
    for number in 0..RECEIVED {
        from.add(&record(number, random)?)?;
    }
    let update = from.since(&version)?;
    let mut rates = [0.0; REPEATS];
    for (at, rate) in rates.iter_mut().enumerate() {
        let connection = connect(&folder.join(format!("received-{at}")))?;
        let began = Instant::now();
        let mut to = P::new()?;
        to.apply(&update)?;
        connection.execute("INSERT INTO part VALUES (NULL, ?1)", [&update])?;
        *rate = f64::from(RECEIVED) / began.elapsed().as_secs_f64();
        if to.month()?.reversals == 0 {
            return Err("nothing was received".into());
        }
    }
    Ok(median(rates))
}

fn filled<P: Peer>(records: u32, random: &mut ChaCha8Rng) -> Result<P, Failed> {
    let mut peer = P::new()?;
    for number in 0..records {
        peer.add(&record(number, random)?)?;
    }
    Ok(peer)
}

fn record(number: u32, random: &mut ChaCha8Rng) -> Result<Record, Failed> {
    let mut record = Record {
        id: format!("{:032x}", random.random::<u128>()),
        fields: Vec::new(),
        lists: Vec::new(),
    };
    for operation in operations(number)? {
        match operation {
            Operation::Put { field, value } => record.fields.push((field, value)),
            Operation::Append { list, element } => {
                match record.lists.iter_mut().find(|(name, _)| *name == list) {
                    Some((_, elements)) => elements.push(element),
                    None => record.lists.push((list, vec![element])),
                }
            }
            Operation::PutIn { .. } => return Err("a creation changes no element".into()),
        }
    }
    Ok(record)
}

/// The month as the rows have it.
fn expected(records: u32) -> Result<Month, Failed> {
    let mut month = Month::default();
    for number in 0..records {
        let form = super::rows::reversal(number)?;
        let text = |field: &str| form.get(field).and_then(Value::as_text).unwrap_or_default();
        month.add(text("occurred_on"), text("outcome"));
    }
    Ok(month)
}

/// The size when sent: compressed where that makes it smaller.
fn packed(bytes: &[u8]) -> Result<usize, Failed> {
    Ok(zstd::encode_all(bytes, 3)?.len().min(bytes.len()))
}

fn connect(path: &Path) -> Result<Connection, Failed> {
    let connection = Connection::open(path)?;
    connection.execute_batch(&format!(
        "{} CREATE TABLE IF NOT EXISTS part (id INTEGER PRIMARY KEY, bytes BLOB) STRICT;",
        key_pragma()
    ))?;
    Ok(connection)
}

fn keep(path: &Path, snapshot: &[u8]) -> Result<(), Failed> {
    connect(path)?.execute("INSERT INTO part VALUES (NULL, ?1)", [snapshot])?;
    Ok(())
}

fn open<P: Peer>(path: &Path) -> Result<P, Failed> {
    let snapshot: Vec<u8> =
        connect(path)?.query_row("SELECT bytes FROM part WHERE id = 1", [], |row| row.get(0))?;
    P::load(&snapshot)
}

pub fn print(of: &[Costs]) {
    println!(
        "{:<10} {:>8} {:>12} {:>14} {:>11} {:>8} {:>12} {:>8}",
        "", "save, ms", "20 sent, B", "10,000 sent, B", "received/s", "store, B", "open, ms", "MiB"
    );
    for one in of {
        println!(
            "{:<10} {:>8.2} {:>12.1} {:>14.1} {:>11.0} {:>8.0} {:>12.1} {:>8.1}",
            one.name,
            one.save_ms,
            one.twenty,
            one.first,
            one.received_per_second,
            one.store,
            one.open_and_month_ms,
            one.memory_mib
        );
    }
}
