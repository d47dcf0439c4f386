//! What Kitbag costs, measured: `cargo xtask bench [--json FILE] [--records N]`.
//!
//! Each timing is the median of five. A save is compared with a raw SQLCipher insert of the same
//! answers under the same settings, the two in turn in one run; the rest with what a programme would
//! pick instead. Real reversals (`rows.rs`).

mod growth;
mod hostile;
mod hub;
mod imports;
mod in_use;
mod languages;
mod peers;
mod rows;
mod strangers;
mod wire;

use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::Role;
use kitbag_core::model::{TeamId, UnixMillis, Value};
use kitbag_core::store::{Settling, Store, StoreKey};
use kitbag_core::sync;
use rows::{operations, reversal};
use std::path::Path;
use std::time::Instant;

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);
const TEAM: TeamId = TeamId([5; 16]);
const REPEATS: usize = 5;
const SAVES: u32 = 200;
const RECEIVED: u32 = 5_000;
const FIRST_SYNC: u32 = 10_000;
/// How far a store grows where nothing else is asked for.
const GROWTH_RECORDS: u32 = 100_000;

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (json, most) = match words.as_slice() {
        ["--look", store] => return growth::look(Path::new(store)),
        ["--import", file] => return imports::run(Path::new(file)),
        ["--imports"] => {
            let mut rows = Vec::new();
            imports::rows(&mut rows)?;
            rows.iter().for_each(|row| println!("{}: {:.3} {}", row.name, row.measured, row.unit));
            return Ok(());
        }
        ["--hub", folder, root] => return hub::run(folder, root),
        ["--languages"] => {
            let mut rows = Vec::new();
            languages::rows(&mut rows)?;
            rows.iter().for_each(|row| println!("{}: {:.3} {}", row.name, row.measured, row.unit));
            return Ok(());
        }
        ["--look-peer", name, store] => return peers::look(name, Path::new(store)),
        [] => (None, GROWTH_RECORDS),
        ["--json", file] => (Some((*file).to_owned()), GROWTH_RECORDS),
        ["--records", most] => (None, most.parse()?),
        ["--json", file, "--records", most] => (Some((*file).to_owned()), most.parse()?),
        _ => return Err("expected [--json FILE] [--records N]".into()),
    };
    let mut rows = Vec::new();
    let wire = wire::measure(FIRST_SYNC)?;
    rows.push(Row::at_most(
        "wire, 20 records to the hub, the whole request",
        60.0,
        wire.twenty,
        "B/record",
    ));
    rows.push(Row::at_most(
        "wire, nothing new, 30-device team, both directions",
        400.0,
        wire.idle,
        "B",
    ));
    rows.push(Row::at_most("wire, 10,000 records to a new device", 32.0, wire.first, "B/record"));
    rows.push(Row::at_most("requests of a sync when all is well", 1.0, wire.requests as f64, ""));
    rows.push(Row::at_most(
        "saved durably, against a raw SQLCipher insert",
        1.5,
        save_ratio()?,
        "×",
    ));
    let received = received_per_second()?;
    rows.push(Row::at_least(
        "received, verified, replayed, projected",
        5_000.0,
        received,
        "records/s",
    ));
    let store = store_bytes(FIRST_SYNC)?;
    rows.push(Row::at_most("store, 10,000 records", 500.0, store, "B/record"));
    harm_rows(&mut rows)?;
    in_use_rows(&mut rows, most)?;
    languages::rows(&mut rows)?;
    imports::rows(&mut rows)?;
    let mut grown = Vec::new();
    for size in growth::sizes(most) {
        eprintln!("a store of {size} records …");
        grown.push(growth::measure(size)?);
    }
    growth_rows(&grown, &mut rows);
    growth::print(&grown);
    let mut costs = vec![ours(&grown, &wire, received, store)?];
    costs.extend(peers::measure(most.min(GROWTH_RECORDS))?);
    peers::print(&costs);
    println!("{:<55} {:>9} {:>9} {:<10}", "what", "budget", "measured", "unit");
    for row in &rows {
        let sign = if row.is_floor { "≥" } else { "≤" };
        let met = if row.met { "" } else { "not met" };
        println!(
            "{:<55} {sign} {:>7} {:>9.2} {:<10} {met}",
            row.name, row.budget, row.measured, row.unit
        );
    }
    if let Some(file) = json {
        let all = serde_json::json!({ "budgets": rows, "growth": grown, "peers": costs });
        std::fs::write(&file, serde_json::to_string_pretty(&all)? + "\n")?;
    }
    Ok(())
}

/// What Kitbag costs in this run, in the peers' terms: its own sizes hold signatures, authors and rows, and
/// what it sends the whole request, heads included.
fn ours(
    grown: &[growth::AtSize],
    wire: &wire::Wire,
    received_per_second: f64,
    store: f64,
) -> Result<peers::Costs, Failed> {
    let saved = grown.iter().rfind(|at| at.records <= FIRST_SYNC).ok_or("a size")?;
    let large = grown.iter().rfind(|at| at.records <= GROWTH_RECORDS).ok_or("a size")?;
    Ok(peers::Costs {
        name: "Kitbag",
        save_ms: saved.save_ms,
        twenty: wire.twenty,
        first: wire.first,
        received_per_second,
        store,
        open_and_month_ms: large.open_and_month_ms,
        memory_mib: large.memory_mib,
    })
}

/// What people wait for while something else goes on.
fn in_use_rows(rows: &mut Vec<Row>, most: u32) -> Result<(), Failed> {
    let name = "a save while a sync waits for a silent hub, against a save alone";
    rows.push(Row::at_most(name, 1.2, in_use::save_beside_a_silent_hub()?, "×"));
    let name = "a list of 50 of 100,000 while 10,000 records come in";
    let list = in_use::list_beside_what_comes_in(most.min(GROWTH_RECORDS))?;
    rows.push(Row::at_most(name, 20.0, list, "ms, p99"));
    let name = "first sync of 10,000 records, one phone";
    rows.push(Row::at_most(name, 2.0, in_use::first_sync_seconds()?, "s"));
    let name = "hub: a sync of 20 records, p99, while totals by a code of 1,000,000 records are read, \
                against idle";
    let records = most.saturating_mul(10).min(1_000_000);
    rows.push(Row::at_most(name, 2.0, in_use::sync_beside_totals(records)?, "×"));
    let name = "pages a save writes";
    rows.push(Row::at_most(name, 4.0, in_use::pages_a_save_writes()?, ""));
    Ok(())
}

/// What strangers and a hostile member cost others.
fn harm_rows(rows: &mut Vec<Row>) -> Result<(), Failed> {
    let name = "stranger: processor time of the hub for each KiB sent";
    rows.push(Row::at_most(name, 1.0, strangers::processor_ms_per_kib()?, "ms"));
    let name = "stranger: memory of 2,000 connections";
    rows.push(Row::at_most(name, 64.0, strangers::memory_of_connections_mib()?, "MiB"));
    let name =
        "a colleague's sync beside 1 MiB of a hostile member, against 1 MiB of honest records";
    rows.push(Row::at_most(name, 2.0, hostile::sync_ratio()?, "×"));
    let name = "sync of an honest device while 60 strangers do their worst";
    rows.push(Row::at_most(name, 2.0, strangers::honest_sync_seconds()?, "s, p99"));
    Ok(())
}

/// The budgets that are about how a store grows.
fn growth_rows(grown: &[growth::AtSize], rows: &mut Vec<Row>) {
    if let Some(at) = grown.iter().find(|at| at.records == 100_000) {
        let name = "open a store of 100,000 records, read a month's totals";
        rows.push(Row::at_most(name, 60.0, at.open_and_month_ms, "ms"));
        rows.push(Row::at_most("memory, 100,000 records", 64.0, at.memory_mib, "MiB"));
    }
    if let Some(at) = grown.iter().find(|at| at.records == 1_000_000) {
        rows.push(Row::at_most("memory, 1,000,000 records", 64.0, at.memory_mib, "MiB"));
    }
    if grown.len() < 2 {
        return;
    }
    let slopes = [
        ("growth of a save, log-log slope", growth::slope(grown, |at| at.save_ms)),
        ("growth of a sync of 20, log-log slope", growth::slope(grown, |at| at.sync_of_20_ms)),
        ("growth of a month's totals, log-log slope", growth::slope(grown, |at| at.month_ms)),
    ];
    rows.extend(slopes.map(|(name, slope)| Row::at_most(name, 0.1, slope, "")));
}

/// One budget of the design, and what was measured.
#[derive(serde::Serialize)]
struct Row {
    name: &'static str,
    budget: f64,
    measured: f64,
    unit: &'static str,
    met: bool,
    #[serde(skip)]
    is_floor: bool,
}

impl Row {
    fn at_most(name: &'static str, budget: f64, measured: f64, unit: &'static str) -> Self {
        Row { name, budget, measured, unit, met: measured <= budget, is_floor: false }
    }

    fn at_least(name: &'static str, budget: f64, measured: f64, unit: &'static str) -> Self {
        Row { name, budget, measured, unit, met: measured >= budget, is_floor: true }
    }
}

fn median(mut measured: [f64; REPEATS]) -> f64 {
    measured.sort_by(f64::total_cmp);
    measured[REPEATS / 2]
}

fn key() -> StoreKey {
    StoreKey::new([9; 32])
}

fn device(folder: &Path, name: &str, root: &mut Engine) -> Result<Engine, Failed> {
    let mut device =
        Engine::device(&folder.join(name), &key(), root.root(), Environment::system())?;
    device.join(&root.certify(device.device_key(), Role::Coordinator, TEAM)?)?;
    Ok(device)
}

fn sync_with(engine: &mut Engine, hub: &mut Store) -> Result<(), Failed> {
    let device = engine.device_key();
    engine.sync(|request| sync::respond(hub, device, NOW, &request).map_err(EngineError::from))?;
    Ok(())
}

/// The answers of a reversal that a raw row holds, but its offset, administration and substance.
const RAW_COLUMNS: [&str; 11] = [
    "site",
    "occurred_on",
    "occurred_time",
    "report_basis",
    "reporter_role",
    "place",
    "ems_called",
    "outcome",
    "gender",
    "age_band",
    "response_minutes",
];

/// A raw insert: one table, one row and one transaction for each reversal.
fn raw(path: &Path) -> Result<rusqlite::Connection, Failed> {
    let connection = rusqlite::Connection::open(path)?;
    connection.execute_batch(&format!(
        "{} CREATE TABLE reversal (id INTEGER PRIMARY KEY, site TEXT, occurred_on TEXT,
           occurred_time TEXT, utc_offset_min INTEGER, report_basis TEXT, reporter_role TEXT,
           place TEXT, product TEXT, route TEXT, doses TEXT, source TEXT, ems_called TEXT,
           outcome TEXT, gender TEXT, age_band TEXT, response_minutes TEXT, substance TEXT) STRICT;",
        key_pragma()
    ))?;
    Ok(connection)
}

/// The key and the settings that a store opens its file with.
fn key_pragma() -> String {
    format!(
        "PRAGMA key = \"x'{}'\"; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         PRAGMA secure_delete = ON; PRAGMA cell_size_check = ON;",
        "09".repeat(32)
    )
}

/// The most memory that a process of its own, given these arguments and the file, took, in MiB; 0 where
/// the system does not tell.
fn memory_of(arguments: &[&str], path: &Path) -> Result<f64, Failed> {
    let program = std::env::current_exe()?;
    let output = std::process::Command::new(program).args(arguments).arg(path).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// Prints what [`memory_of`] reads: the most memory that this process took so far.
fn memory_peak_mib() -> Result<(), Failed> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    println!("{:.1}", peak.unwrap_or(0.0) / 1024.0);
    Ok(())
}

fn save_ratio() -> Result<f64, Failed> {
    let folder = tempfile::tempdir()?;
    let mut root = Engine::found(&folder.path().join("root"), &key(), Environment::system())?;
    let mut phone = device(folder.path(), "phone", &mut root)?;
    let connection = raw(&folder.path().join("raw"))?;
    let mut insert = connection.prepare(
        "INSERT INTO reversal VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
           ?14, ?15, ?16, ?17)",
    )?;
    let mut ratios = [0.0; REPEATS];
    for ratio in &mut ratios {
        let (mut ours, mut theirs) = (0.0, 0.0);
        for number in 0..SAVES {
            let reversal = reversal(number)?;
            let began = Instant::now();
            phone.record(TEAM, &reversal)?;
            ours += began.elapsed().as_secs_f64();
            let text = |field: &str| reversal.get(field).map(ToString::to_string);
            let texts = RAW_COLUMNS.map(text);
            let offset = reversal.get("utc_offset_min").and_then(Value::as_int);
            let began = Instant::now();
            insert.execute(rusqlite::params![
                texts[0], texts[1], texts[2], offset, texts[3], texts[4], texts[5], "unknown",
                "unknown", "unknown", "unknown", texts[6], texts[7], texts[8], texts[9], texts[10],
                "heroin",
            ])?;
            theirs += began.elapsed().as_secs_f64();
        }
        *ratio = ours / theirs;
    }
    Ok(median(ratios))
}

fn received_per_second() -> Result<f64, Failed> {
    let mut rates = [0.0; REPEATS];
    for rate in &mut rates {
        let folder = tempfile::tempdir()?;
        let mut root = Engine::found(&folder.path().join("root"), &key(), Environment::system())?;
        let mut phone = device(folder.path(), "phone", &mut root)?;
        for number in 0..RECEIVED {
            phone.record(TEAM, &reversal(number)?)?;
        }
        let path = folder.path().join("hub");
        let mut hub = Store::open(&path, &key(), Some(root.root()), None, Settling::Behind)?;
        let mut session = phone.session();
        let mut seconds = 0.0;
        while let Some(request) = phone.request(&mut session)? {
            let began = Instant::now();
            let answer = sync::respond(&mut hub, phone.device_key(), NOW, &request)?;
            seconds += began.elapsed().as_secs_f64();
            phone.reply(&mut session, &answer)?;
        }
        let began = Instant::now();
        while hub.settle_some()? {}
        seconds += began.elapsed().as_secs_f64();
        *rate = f64::from(RECEIVED) / seconds;
    }
    Ok(median(rates))
}

fn store_bytes(records: u32) -> Result<f64, Failed> {
    let folder = tempfile::tempdir()?;
    let mut root = Engine::found(&folder.path().join("root"), &key(), Environment::system())?;
    let path = folder.path().join("hub");
    let mut hub = Store::open(&path, &key(), Some(root.root()), None, Settling::Within)?;
    let mut phone = device(folder.path(), "phone", &mut root)?;
    let mut newcomer = device(folder.path(), "newcomer", &mut root)?;
    sync_with(&mut root, &mut hub)?;
    for number in 0..records {
        phone.record(TEAM, &reversal(number)?)?;
    }
    sync_with(&mut phone, &mut hub)?;
    sync_with(&mut newcomer, &mut hub)?;
    newcomer.checkpoint()?;
    drop(newcomer);
    let bytes = std::fs::metadata(folder.path().join("newcomer"))?.len();
    Ok(bytes as f64 / f64::from(records))
}
