//! `kitbag totals`: a store's totals as a table, with what they lack.

use crate::{Failure, cannot_read, failure};
use comfy_table::{CellAlignment, ContentArrangement, Table};
use kitbag_core::engine::{Engine, Environment};
use kitbag_core::model::pack::CodePack;
use kitbag_core::store::KeyFile;
use kitbag_core::totals::{INDICATORS, KnownMissing, Lines, Query, Split, Totals};
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(clap::Args)]
pub struct TotalsArguments {
    /// The store's file; its key lies beside it, as `NAME.key`
    #[arg(value_name = "STORE")]
    store: PathBuf,
    /// How to split, separated by commas: day, week, month, quarter, year, site, team, or a coded
    /// field such as outcome or age_band
    #[arg(long, value_name = "PARTS", default_value = "month", value_delimiter = ',')]
    by: Vec<Split>,
    /// A code pack (TOML) whose labels are shown for codes; without it, the one of the demonstration
    #[arg(long, value_name = "FILE")]
    pack: Option<PathBuf>,
    /// As JSON: `{lines: [{key, sums}], known_missing: {entries, devices}, flagged, waiting, forks}`
    #[arg(long)]
    json: bool,
}

const ODIN_CODES: &str = include_str!("../data/odin-codes.toml");

pub fn run(arguments: &TotalsArguments) -> Result<(), Failure> {
    let key = KeyFile(arguments.store.with_extension("key"));
    for path in [&arguments.store, &key.0] {
        if !path.exists() {
            return Err(failure(path.display(), "is not there; name the file of a store"));
        }
    }
    let engine = Engine::open_to_read(&arguments.store, &key, Environment::system())
        .map_err(|error| failure(arguments.store.display(), error))?;
    let (name, text) = match &arguments.pack {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            (path.display().to_string(), text.map_err(|error| cannot_read(path, &error))?)
        }
        None => ("the demonstration's pack".to_owned(), ODIN_CODES.to_owned()),
    };
    let pack = CodePack::from_toml(&text).map_err(|error| failure(name, error))?;
    let totals = engine.totals(&Query { by: arguments.by.clone(), ..Query::default() })?;
    if arguments.json {
        let lines = totals.lines.iter();
        let lines: Vec<_> =
            lines.map(|(key, sums)| serde_json::json!({ "key": key, "sums": sums })).collect();
        let missing = &totals.missing;
        let json = serde_json::json!({
            "lines": lines,
            "known_missing": { "entries": missing.entries, "devices": missing.devices },
            "flagged": totals.flagged,
            "waiting": totals.waiting,
            "forks": totals.forks,
        });
        say!("{json}");
        return Ok(());
    }
    say!("{}", table(&arguments.by, &totals.lines, &pack));
    say!("{}", missing_in_words(&totals.missing));
    say_what_else(totals.flagged, totals.waiting, totals.forks);
    Ok(())
}

/// Says what counts nowhere although it is here, and which alarm there is, with what to do.
pub fn say_what_else(flagged: u64, waiting: u64, forks: u64) {
    if flagged > 0 {
        say!(
            "{flagged} records count nowhere because of their date: before 2000, or later than the \
             clock of whoever entered it. Correct the date, or enter it again."
        );
    }
    if waiting > 0 {
        say!("{waiting} entries are here and wait for others, or for a newer version.");
    }
    if forks > 0 {
        say!(
            "Alarm: forks of a log: {forks}. A phone was restored from a copy, or cloned; nothing is \
             lost by it. If nobody restored one, revoke its certificate."
        );
    }
}

/// Totals as a table, with the pack's labels for codes: a row for each line, right-aligned numbers, survival last. An indicator that
/// is 0 on every line has no column.
pub fn table(by: &[Split], lines: &Lines, pack: &CodePack) -> Table {
    let label = |(split, part): (&Split, &String)| match split {
        Split::Code(field) => pack.label(field, part).to_owned(),
        _ => part.clone(),
    };
    let shown: Vec<&str> = INDICATORS
        .iter()
        .filter(|name| **name == "reversals" || lines.values().any(|sums| sum(sums, name) != 0))
        .copied()
        .collect();
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let parts = by.iter().map(ToString::to_string);
    let indicators = shown.iter().map(|name| name.replace('_', " "));
    table.set_header(parts.chain(indicators).chain(["survival".to_owned()]));
    for (key, sums) in lines {
        let numbers = shown.iter().map(|name| sum(sums, name).to_string());
        let survival = Totals::survival(sums)
            .map_or_else(|| "—".to_owned(), |share| format!("{:.1} %", share * 100.0));
        table.add_row(by.iter().zip(key).map(label).chain(numbers).chain([survival]));
    }
    for column in table.column_iter_mut().skip(by.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// One indicator of a line; absent means 0.
pub fn sum(line: &BTreeMap<String, i64>, indicator: &str) -> i64 {
    line.get(indicator).copied().unwrap_or(0)
}

/// What is known missing, in one line.
pub fn missing_in_words(missing: &KnownMissing) -> String {
    match missing.entries {
        0 => "Nothing is known to be missing.".to_owned(),
        entries => format!(
            "{entries} entries known to exist, not yet here, from {} phones.",
            missing.devices
        ),
    }
}
