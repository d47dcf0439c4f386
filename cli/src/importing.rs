//! `kitbag import`: rows of CSV files become records, each once.

use crate::device::{StoreArguments, team_of};
use crate::import::{Imported, Mapping, Refused, Taken, unguarded};
use crate::totals::kind_named;
use crate::{Failure, cannot_read, failure};
use indicatif::{ProgressBar, ProgressStyle};
use kitbag_core::engine::{Engine, EngineError};
use kitbag_core::model::pack::{CodePack, fill_in};
use kitbag_core::model::schema::{Shape, parse};
use kitbag_core::model::{Element, Invalid, Kind, TeamId};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(
    after_help = "A row that was imported before is left out, on whichever device that was. Refused \
    rows go into FILE.refused.csv, with the reason of each: mend them there and import that file.\n\n\
    Examples:\n  \
    kitbag import --store phone.db --map odin.toml odin-2018.csv\n  \
    kitbag import --store phone.db january/distribution.csv january/reversal.csv"
)]
pub struct ImportArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The team; needed where this device is in several
    #[arg(long, value_name = "ID")]
    team: Option<TeamId>,
    /// How columns become fields (TOML); without it, a column is the field of its name, as in exports
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// The kind of record; without it, and without a mapping, the file's name says it
    #[arg(long, value_name = "KIND", value_parser = kind_named, conflicts_with = "map")]
    kind: Option<Kind>,
    /// As JSON: `{files: [{name, rows, imported, known, refused: {reason: n}}]}`
    #[arg(long)]
    json: bool,
    /// The files
    #[arg(value_name = "CSV", required = true)]
    files: Vec<PathBuf>,
}

/// What became of one file.
struct Outcome {
    rows: u64,
    imported: u64,
    /// Rows that were imported before.
    known: u64,
    refused: BTreeMap<String, u64>,
    refused_file: Option<PathBuf>,
}

pub fn run(arguments: &ImportArguments) -> Result<(), Failure> {
    let mut engine = arguments.store.open()?;
    let team = team_of(&engine, arguments.team)?;
    let mut outcomes = Vec::new();
    for path in &arguments.files {
        outcomes.push((path, import(&mut engine, team, arguments, path)?));
    }
    if arguments.json {
        let files = outcomes.iter().map(|(path, outcome)| {
            json!({
                "name": path.display().to_string(), "rows": outcome.rows,
                "imported": outcome.imported, "known": outcome.known, "refused": outcome.refused,
            })
        });
        say!("{}", json!({ "files": files.collect::<Vec<_>>() }));
    } else {
        for (path, outcome) in &outcomes {
            tell(path, outcome);
        }
    }
    let refused: u64 = outcomes.iter().flat_map(|(_, outcome)| outcome.refused.values()).sum();
    match refused {
        0 => Ok(()),
        _ => Err(Failure::in_part(format!("{refused} rows were refused; the others are saved"))),
    }
}

fn tell(path: &Path, outcome: &Outcome) {
    say!(
        "{}: {} rows, {} imported, {} were here already.",
        path.display(),
        outcome.rows,
        outcome.imported,
        outcome.known
    );
    for (reason, count) in &outcome.refused {
        say!("  refused, {reason}: {count}");
    }
    if let Some(file) = &outcome.refused_file {
        say!("  mend them in {}, and import that", file.display());
    }
}

fn import(
    engine: &mut Engine,
    team: TeamId,
    arguments: &ImportArguments,
    path: &Path,
) -> Result<Outcome, Failure> {
    let file = std::fs::read(path).map_err(|error| cannot_read(path, &error))?;
    // What a catalogue knows is filled in before a row is found incomplete.
    let packs = engine.packs()?;
    let mut imported = match &arguments.map {
        Some(map) => {
            let text = std::fs::read_to_string(map).map_err(|error| cannot_read(map, &error))?;
            let mapping =
                Mapping::from_toml(&text).map_err(|error| failure(map.display(), error))?;
            let read = mapping.read_with(&file, |_, form| {
                fill_in(form, &packs);
                Ok(None)
            });
            read.map_err(|error| failure(path.display(), error))?
        }
        None => by_name(arguments.kind, path, &file, &packs)?,
    };
    let keys: BTreeSet<&str> = imported.taken.iter().map(|taken| taken.key.as_str()).collect();
    let known = known_keys(engine, team, &keys)?;
    let mut outcome = Outcome {
        rows: imported.rows,
        imported: 0,
        known: 0,
        refused: BTreeMap::new(),
        refused_file: None,
    };
    let style = ProgressStyle::with_template("importing {wide_bar} {pos}/{len}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(imported.taken.len() as u64).with_style(style);
    for Taken { row, line, mut form, key } in std::mem::take(&mut imported.taken) {
        bar.inc(1);
        if known.contains(&key) {
            outcome.known += 1;
            continue;
        }
        form.put("import_key", key.as_str())?;
        match engine.record_imported(team, &form) {
            Ok(_) => outcome.imported += 1,
            // What a code pack asks for beside the data dictionary.
            Err(EngineError::Invalid(invalid)) => {
                let (reason, detail) = ("invalid".to_owned(), invalid.to_string());
                imported.refused.push(Refused { row, line, reason, detail });
            }
            Err(other) => return Err(other.into()),
        }
    }
    bar.finish_and_clear();
    for row in &imported.refused {
        *outcome.refused.entry(row.reason.clone()).or_default() += 1;
    }
    if !imported.refused.is_empty() {
        outcome.refused_file = Some(write_refused(path, &file, &imported.refused)?);
    }
    Ok(outcome)
}

/// Those of these keys that records of the team carry, or are: an export may come back to where it was
/// made.
fn known_keys(
    engine: &Engine,
    team: TeamId,
    keys: &BTreeSet<&str>,
) -> Result<BTreeSet<String>, Failure> {
    let mut known = BTreeSet::new();
    engine.store().each_row(None, None, |row| {
        if row.team == team {
            let id = row.id.to_string();
            let named = row.answers.code("import_key").into_iter().chain([id.as_str()]);
            known.extend(named.filter(|key| keys.contains(key)).map(str::to_owned));
        }
        Ok(())
    })?;
    Ok(known)
}

/// Reads a file that has a column for each field, with the files of its lists beside it.
fn by_name(
    kind: Option<Kind>,
    path: &Path,
    file: &[u8],
    packs: &[CodePack],
) -> Result<Imported, Failure> {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let stem = stem.strip_suffix(".refused").unwrap_or(stem);
    let named = kind.or_else(|| Kind::from_name(stem));
    let kind = named.ok_or_else(|| {
        failure(
            path.display(),
            "does not say which kind it holds; give --kind, or a mapping with --map",
        )
    })?;
    let bare = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut reader = csv::ReaderBuilder::new().from_reader(bare);
    let header =
        reader.headers().map_err(|_| failure(path.display(), "is not CSV with a header"))?;
    let header = header.clone();
    let columns: Vec<&str> = header.iter().collect();
    let unknown: Vec<&str> = columns
        .iter()
        .filter(|column| {
            !["id", "team", "refused_reason", "refused_detail"].contains(*column)
                && kind.field(column).is_none()
        })
        .copied()
        .collect();
    if !unknown.is_empty() {
        let reason =
            format!("has columns that are no fields of a {}: {}", kind.name(), unknown.join(", "));
        return Err(failure(path.display(), reason + "; write a mapping, and give it with --map"));
    }
    let lists = lists_beside(kind, path)?;
    let ids: Vec<Option<String>> = match columns.iter().position(|column| *column == "id") {
        Some(at) => reader
            .into_byte_records()
            .map(|row| {
                let id = row.ok()?;
                let id = std::str::from_utf8(id.get(at)?).ok()?;
                Some(unguarded(id).to_owned()).filter(|id| !id.is_empty())
            })
            .collect(),
        None => Vec::new(),
    };
    let mapping = Mapping::of_fields(kind, &columns);
    let imported = mapping
        .read_with(file, |row, form| {
            fill_in(form, packs);
            let Some(Some(id)) = ids.get(row) else { return Ok(None) };
            for (list, elements) in &lists {
                for element in elements.get(id).into_iter().flatten() {
                    form.add(list, element.clone()?)?;
                }
            }
            Ok(Some(id.clone()))
        })
        .map_err(|error| failure(path.display(), error))?;
    Ok(imported)
}

/// By record; one that cannot be read refuses its record's row.
type Elements = BTreeMap<String, Vec<Result<Element, Invalid>>>;

/// The elements of each list of a kind, by record, from the files beside.
fn lists_beside(kind: Kind, path: &Path) -> Result<Vec<(&'static str, Elements)>, Failure> {
    let mut lists = Vec::new();
    for field in kind.fields() {
        let Shape::List(fields) = field.shape else { continue };
        let beside = path.with_file_name(format!("{}.{}.csv", kind.name(), field.name));
        if !beside.exists() {
            continue;
        }
        let failed = |reason: String| failure(beside.display(), reason);
        let file = std::fs::read(&beside).map_err(|error| cannot_read(&beside, &error))?;
        let bare = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&file);
        let mut reader = csv::ReaderBuilder::new().from_reader(bare);
        let header = reader.headers().map_err(|_| failed("is not CSV with a header".to_owned()))?;
        let header = header.clone();
        let mut elements = Elements::new();
        for row in reader.into_records() {
            let row = row.map_err(|error| failed(format!("cannot be read: {error}")))?;
            let mut element = Ok(Element::new());
            let mut record = String::new();
            for (name, cell) in header.iter().zip(&row).filter(|(_, cell)| !cell.is_empty()) {
                if name == "record" {
                    record = cell.to_owned();
                    continue;
                }
                let inner = fields.iter().find(|inner| inner.name == name);
                let inner =
                    inner.ok_or_else(|| failed(format!("has a column of no field: {name}")))?;
                let full = format!("{}.{name}", field.name);
                let value = parse(&full, inner.shape, unguarded(cell));
                element = element.and_then(|mut element| {
                    element.insert(name.to_owned(), value?);
                    Ok(element)
                });
            }
            elements.entry(record).or_default().push(element);
        }
        lists.push((field.name, elements));
    }
    Ok(lists)
}

/// Writes the refused rows with their reasons beside the file.
fn write_refused(path: &Path, file: &[u8], refused: &[Refused]) -> Result<PathBuf, Failure> {
    let out = path.with_extension("refused.csv");
    let bare = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bare);
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .terminator(csv::Terminator::CRLF)
        .from_path(&out)
        .map_err(|error| failure(out.display(), error))?;
    let mut header =
        reader.byte_headers().map_err(|_| failure(path.display(), "is not CSV"))?.clone();
    let own = header.iter().position(|column| column == b"refused_reason").unwrap_or(header.len());
    header.truncate(own);
    header.push_field(b"refused_reason");
    header.push_field(b"refused_detail");
    writer.write_byte_record(&header)?;
    let reasons: BTreeMap<usize, &Refused> = refused.iter().map(|row| (row.row, row)).collect();
    for (at, row) in reader.into_byte_records().enumerate() {
        let (Ok(mut row), Some(reason)) = (row, reasons.get(&at)) else { continue };
        row.truncate(own);
        while row.len() < own {
            row.push_field(b"");
        }
        row.push_field(reason.reason.as_bytes());
        row.push_field(reason.detail.as_bytes());
        writer.write_byte_record(&row)?;
    }
    writer.flush().map_err(|error| failure(out.display(), error))?;
    Ok(out)
}
