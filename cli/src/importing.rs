//! `kitbag import`: rows of files become records, each once.

use crate::device::{Opened, StoreArguments};
use crate::totals::kind_named;
use crate::{Failure, cannot_read, wrong_file};
use indicatif::{ProgressBar, ProgressStyle};
use kitbag_client::Error;
use kitbag_core::model::pack::fill_in;
use kitbag_core::model::{Answers, Form, Kind, RecordId, TeamId};
use kitbag_interchange::dates::Order;
use kitbag_interchange::import::{Decided, Equal, Known, Saved, Saves, corrections};
use kitbag_interchange::sheets::{self, write_refused};
use kitbag_interchange::{Imported, Mapped, Mapping, Options, Refusal, RefusedRow, Table};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(
    after_help = "A row that this person's devices imported before is left out; what two devices make of \
    one row counts once. Refused rows go into FILE.refused.csv, or .xlsx \
    of a workbook, with the reason of each: mend them there and import that file.\n\n\
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
    /// The order of the file's dates, where nothing in it says which comes first
    #[arg(long, value_name = "dmy|mdy|ymd", value_parser = ["dmy", "mdy", "ymd"])]
    dates: Option<String>,
    /// The file's encoding, such as windows-1251, where it is not found out
    #[arg(long, value_name = "NAME")]
    encoding: Option<String>,
    /// The sheet of a workbook, by its name or its number; without it the first that is not hidden
    #[arg(long, value_name = "NAME|N")]
    sheet: Option<String>,
    /// Keep words of no table and no list where a required field has them
    #[arg(long)]
    keep_unknown_codes: bool,
    /// Correct the record of a known id where the row says something else now
    #[arg(long)]
    update: bool,
    /// Rows without an id that equal rows of another file are other events
    #[arg(long, conflicts_with = "same")]
    others: bool,
    /// They are the same events, and are left out
    #[arg(long)]
    same: bool,
    /// As JSON: `{files: [{name, rows, imported, corrected, known, void, refused: {reason: n}, unknown_words:
    /// [{column, word, rows}], encoding}]}`, or with `error` alone where a file could not be read
    #[arg(long)]
    json: bool,
    /// The files: CSV in any encoding, .xlsx or .ods
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

/// What became of one file.
struct Outcome {
    rows: u64,
    imported: u64,
    corrected: u64,
    /// Rows that were imported before.
    known: u64,
    /// Those of them whose records are void.
    void: u64,
    refused: BTreeMap<String, u64>,
    unknown_words: BTreeMap<(String, String), u64>,
    encoding: &'static str,
    refused_files: Vec<PathBuf>,
}

pub fn run(arguments: &ImportArguments) -> Result<(), Failure> {
    let held = arguments.store.hold()?;
    let team = held.team(arguments.team)?;
    let mut outcomes = Vec::new();
    for path in &arguments.files {
        // The file of a list is read with that of its records.
        let of_list = arguments.kind.is_none() && arguments.map.is_none();
        if let Some(records) = of_list.then(|| sheets::records_of(path)).flatten()
            && arguments.files.contains(&records)
            && !sheets::is_of_refused(path)
        {
            continue;
        }
        outcomes.push((path, import(&held, team, arguments, path)));
    }
    if arguments.json {
        let files = outcomes.iter().map(|(path, outcome)| match outcome {
            Ok(outcome) => json!({
                "name": path.display().to_string(), "rows": outcome.rows,
                "imported": outcome.imported, "corrected": outcome.corrected, "known": outcome.known, "void": outcome.void,
                "refused": outcome.refused, "unknown_words": words_of(outcome),
                "encoding": outcome.encoding,
            }),
            Err(failure) => {
                json!({ "name": path.display().to_string(), "error": failure.reason() })
            }
        });
        say!("{}", json!({ "files": files.collect::<Vec<_>>() }));
    }
    let mut failed = Vec::new();
    let (mut refused, mut done) = (0, false);
    for (path, outcome) in outcomes {
        match outcome {
            Ok(outcome) => {
                refused += outcome.refused.values().sum::<u64>();
                done |= outcome.imported + outcome.corrected > 0;
                if !arguments.json {
                    tell(path, &outcome);
                }
            }
            Err(failure) => failed.push(failure),
        }
    }
    let others = failed.len().saturating_sub(1);
    match failed.into_iter().next() {
        Some(first) if !done && others == 0 && refused == 0 => Err(first),
        Some(first) => {
            let others =
                if others > 0 { format!("; {others} more files failed") } else { String::new() };
            Err(Failure::in_part(format!(
                "{}{others}; {refused} rows were refused; the others are saved",
                first.reason()
            )))
        }
        None if refused > 0 => {
            Err(Failure::in_part(format!("{refused} rows were refused; the others are saved")))
        }
        None => Ok(()),
    }
}

fn words_of(outcome: &Outcome) -> Vec<serde_json::Value> {
    let words = outcome.unknown_words.iter();
    words
        .map(|((column, word), rows)| json!({ "column": column, "word": word, "rows": rows }))
        .collect()
}

fn tell(path: &Path, outcome: &Outcome) {
    say!(
        "{}: {} rows, {} imported, {} were here already.",
        path.display(),
        outcome.rows,
        outcome.imported,
        outcome.known
    );
    if outcome.void > 0 {
        say!(
            "  {} of those are void here, and stay so; --others makes new records of them",
            outcome.void
        );
    }
    if outcome.corrected > 0 {
        say!("  {} records corrected", outcome.corrected);
    }
    if outcome.encoding != "UTF-8" {
        say!(
            "  read as {}: look whether letters with marks are right, else say --encoding",
            outcome.encoding
        );
    }
    for ((column, word), rows) in &outcome.unknown_words {
        say!("  column {column}: the word {word:?} is in no table and no list, {rows} rows");
    }
    for (reason, count) in &outcome.refused {
        say!("  refused, {reason}: {count}");
    }
    for file in &outcome.refused_files {
        match sheets::records_of(file) {
            Some(records) => say!(
                "  {} holds rows of a list: mend them, put them back, and import {} again",
                file.display(),
                records.display()
            ),
            None => say!("  mend them in {}, and import that", file.display()),
        }
    }
}

fn import(
    held: &Opened,
    team: TeamId,
    arguments: &ImportArguments,
    path: &Path,
) -> Result<Outcome, Failure> {
    let file = std::fs::read(path).map_err(|error| cannot_read(path, &error))?;
    // What a catalogue knows is filled in before a row is found incomplete.
    let packs = held.wait(held.client().programme().packs())?;
    let mapping = match &arguments.map {
        Some(map) => {
            let text = std::fs::read_to_string(map).map_err(|error| cannot_read(map, &error))?;
            let mapping =
                Mapping::from_toml(&text).map_err(|error| wrong_file(map.display(), error))?;
            Some(mapping.telling(crate::told))
        }
        None => None,
    };
    let encoding = arguments.encoding.as_deref();
    let encoding = encoding.or(mapping.as_ref().and_then(Mapping::encoding));
    let wrong = |error: &dyn std::fmt::Display| wrong_file(path.display(), error);
    let sheet = arguments.sheet.as_deref().or(mapping.as_ref().and_then(Mapping::sheet));
    let table = Table::open(&file, encoding, sheet).map_err(|error| wrong(&error))?;
    if let (Some(sheet), [_, ..]) = (&table.sheet, table.other_sheets.as_slice()) {
        tell!(
            "kitbag: read the sheet {sheet:?}; others are there, too: {}. --sheet takes one of them",
            table.other_sheets.join(", ")
        );
    }
    let zone = crate::zone::Zone::of_machine(&packs)?;
    let options = Options {
        dates: arguments.dates.as_deref().and_then(Order::of_name),
        keeps_unknown_codes: arguments.keep_unknown_codes,
        packs: &packs,
        offset: Some(&|form: &Form| zone.offset_of(form)),
    };
    let (mut imported, kind, lists) = match &mapping {
        Some(mapping) => {
            let read = mapping.read_table(&file, &table, &options, |_, form| {
                fill_in(form, &packs);
                Ok(None)
            });
            let read = read.map_err(|error| wrong(&error))?;
            (read, mapping.kind().map_err(|error| wrong(&error))?, Vec::new())
        }
        None => sheets::by_name(arguments.kind, (path, &file), &table, &options, crate::told)?,
    };
    let decided = Decided {
        equal: match (arguments.others, arguments.same) {
            (true, _) => Equal::Others,
            (_, true) => Equal::Same,
            _ => Equal::Ask,
        },
        updates: arguments.update,
    };
    let saved = save(held, (team, kind), decided, &mut imported)?;
    let mut outcome = Outcome {
        rows: imported.rows,
        imported: saved.imported,
        corrected: saved.corrected,
        known: saved.known,
        void: saved.void,
        refused: BTreeMap::new(),
        unknown_words: std::mem::take(&mut imported.unknown_words),
        encoding: table.form.encoding.name(),
        refused_files: Vec::new(),
    };
    let mut count = |refused: &[RefusedRow]| {
        for row in refused {
            *outcome.refused.entry(row.reason.clone()).or_default() += 1;
        }
    };
    count(&imported.refused);
    lists.iter().for_each(|list| count(&list.refused));
    if !imported.refused.is_empty() {
        outcome.refused_files.push(write_refused(path, &table, &imported.refused)?);
    }
    for list in lists.iter().filter(|list| !list.refused.is_empty()) {
        outcome.refused_files.push(write_refused(&list.path, &list.table, &list.refused)?);
    }
    Ok(outcome)
}

/// Saves the rows that are not known yet.
fn save(
    held: &Opened,
    (team, kind): (TeamId, Kind),
    decided: Decided,
    imported: &mut Imported,
) -> Result<Saved, Failure> {
    let own = held.wait(held.client().team().own_devices(team))?;
    let known = Known::of(&imported.taken, (own, team, kind));
    let records = held.client().records();
    let known = held.wait(records.look_through((None, None), known, |known, row| {
        known.look(&row);
        true
    }))?;
    let style = ProgressStyle::with_template("importing {wide_bar} {pos}/{len}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(imported.taken.len() as u64).with_style(style);
    let mut saves = InStore { held, team, bar };
    let saved = kitbag_interchange::import::save(imported, known, decided, &mut saves)?;
    saves.bar.finish_and_clear();
    Ok(saved)
}

const NOT_YOURS: &str = "somebody else made the record of this id: its own author or a coordinator imports what the file says \
                         of it now";

/// What saves rows in a device's store.
struct InStore<'h> {
    held: &'h Opened,
    team: TeamId,
    bar: ProgressBar,
}

/// What a code pack asks for beside the data dictionary is the row's own fault, and so is that its record is another's.
fn settled<T>(done: Result<T, Error>) -> Result<Result<(), Refusal>, Failure> {
    match done {
        Ok(_) => Ok(Ok(())),
        Err(Error::Invalid(faults)) => Ok(Err(("invalid".to_owned(), crate::told_all(&faults)))),
        Err(Error::NotAllowed("role")) => Ok(Err(("not_yours".to_owned(), NOT_YOURS.to_owned()))),
        Err(other) => Err(crate::failed(other)),
    }
}

impl Saves<Failure> for InStore<'_> {
    fn record(&mut self, forms: Vec<Form>) -> Result<Vec<Result<(), Refusal>>, Failure> {
        let records = self.held.client().records();
        let done = self.held.wait(records.record_all_imported(self.team, forms))?;
        done.into_iter().map(settled).collect()
    }

    fn said_first(&mut self, id: RecordId) -> Result<Answers, Failure> {
        let one = self.held.wait(self.held.client().records().get(id))?;
        Ok(kitbag_interchange::import::said_first(&one))
    }

    fn correct(
        &mut self,
        id: RecordId,
        form: &Form,
        mapped: &Mapped,
    ) -> Result<Result<(), Refusal>, Failure> {
        let records = self.held.client().records();
        let one = self.held.wait(records.get(id))?;
        settled(self.held.tried(records.change(id, corrections(&one, form, mapped))))
    }

    fn progress(&mut self, looked_at: u64) {
        self.bar.set_position(looked_at);
    }
}
