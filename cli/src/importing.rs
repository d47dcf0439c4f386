//! `kitbag import`: rows of CSV files become records, each once.

use crate::device::{StoreArguments, team_of};
use crate::import::{Imported, Mapping, Refused, Taken};
use crate::sheets::{self, write_refused};
use crate::totals::kind_named;
use crate::{Failure, cannot_read, wrong_file};
use indicatif::{ProgressBar, ProgressStyle};
use kitbag_core::engine::{Engine, EngineError};
use kitbag_core::model::pack::fill_in;
use kitbag_core::model::{Answers, Form, Kind, TeamId};
use kitbag_core::store::State;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(
    after_help = "A row that this device knows to be imported before is left out; if two devices import \
    one file apart, `kitbag duplicates` shows its rows. Refused rows go into FILE.refused.csv, with the \
    reason of each: mend them there and import that file.\n\n\
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
    /// As JSON: `{files: [{name, rows, imported, known, refused: {reason: n}}]}`, or with `error` alone
    /// where a file could not be read
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
    refused_files: Vec<PathBuf>,
}

pub fn run(arguments: &ImportArguments) -> Result<(), Failure> {
    let mut engine = arguments.store.open()?;
    let team = team_of(&engine, arguments.team)?;
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
        outcomes.push((path, import(&mut engine, team, arguments, path)));
    }
    if arguments.json {
        let files = outcomes.iter().map(|(path, outcome)| match outcome {
            Ok(outcome) => json!({
                "name": path.display().to_string(), "rows": outcome.rows,
                "imported": outcome.imported, "known": outcome.known, "refused": outcome.refused,
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
                done |= outcome.imported > 0;
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
    engine: &mut Engine,
    team: TeamId,
    arguments: &ImportArguments,
    path: &Path,
) -> Result<Outcome, Failure> {
    let file = std::fs::read(path).map_err(|error| cannot_read(path, &error))?;
    // What a catalogue knows is filled in before a row is found incomplete.
    let packs = engine.packs()?;
    let (mut imported, kind, lists) = match &arguments.map {
        Some(map) => {
            let text = std::fs::read_to_string(map).map_err(|error| cannot_read(map, &error))?;
            let mapping =
                Mapping::from_toml(&text).map_err(|error| wrong_file(map.display(), error))?;
            let mapping = mapping.telling(crate::told);
            let read = mapping.read_with(&file, |_, form| {
                fill_in(form, &packs);
                Ok(None)
            });
            let read = read.map_err(|error| wrong_file(path.display(), error))?;
            let kind = mapping.kind().map_err(|error| wrong_file(map.display(), error))?;
            (read, kind, Vec::new())
        }
        None => sheets::by_name(arguments.kind, path, &file, &packs)?,
    };
    let mut outcome = Outcome {
        rows: imported.rows,
        imported: 0,
        known: 0,
        refused: BTreeMap::new(),
        refused_files: Vec::new(),
    };
    save(engine, team, kind, &mut imported, &mut outcome)?;
    let mut count = |refused: &[Refused]| {
        for row in refused {
            *outcome.refused.entry(row.reason.clone()).or_default() += 1;
        }
    };
    count(&imported.refused);
    lists.iter().for_each(|list| count(&list.refused));
    if !imported.refused.is_empty() {
        outcome.refused_files.push(write_refused(path, &file, &imported.refused)?);
    }
    for list in lists.iter().filter(|list| !list.refused.is_empty()) {
        outcome.refused_files.push(write_refused(&list.path, &list.file, &list.refused)?);
    }
    Ok(outcome)
}

/// Saves the rows that are not known yet.
fn save(
    engine: &mut Engine,
    team: TeamId,
    kind: Kind,
    imported: &mut Imported,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let taken = std::mem::take(&mut imported.taken);
    let keys = taken.iter().flat_map(|taken| [Some(taken.key.as_str()), origin(&taken.form)]);
    let known = known(engine, team, kind, &keys.flatten().collect())?;
    // What this file itself brought: by its rows' own names.
    let (mut added, mut origins) = (BTreeMap::new(), BTreeSet::new());
    let style = ProgressStyle::with_template("importing {wide_bar} {pos}/{len}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(taken.len() as u64).with_style(style);
    for Taken { row, line, mut form, key, is_named } in taken {
        bar.inc(1);
        // Where the row first came from, also by way of other programmes' exports.
        let origin = origin(&form).map(str::to_owned);
        let is_named = is_named || origin.is_some();
        let of_origin = origin.as_ref().and_then(|origin| known.get(origin));
        let held = of_origin.or(known.get(&key)).or(added.get(&key));
        match held {
            Some(held) if is_named && says_more(&form.answers(), held) => {
                let (reason, detail) = ("known_id".to_owned(), KNOWN_ID.to_owned());
                imported.refused.push(Refused { row, line, reason, detail });
                continue;
            }
            Some(_) => {
                outcome.known += 1;
                continue;
            }
            None => {}
        }
        // Two records of one origin, which two devices imported apart, stay two.
        let origin = origin.filter(|origin| origins.insert(origin.clone()));
        form.put("import_key", origin.as_ref().unwrap_or(&key).as_str())?;
        match engine.record_imported(team, &form) {
            Ok(_) => {
                outcome.imported += 1;
                added.insert(key, form.answers());
            }
            // What a code pack asks for beside the data dictionary.
            Err(EngineError::Invalid(invalid)) => {
                let (reason, detail) = ("invalid".to_owned(), crate::told(&invalid));
                imported.refused.push(Refused { row, line, reason, detail });
            }
            Err(other) => return Err(other.into()),
        }
    }
    bar.finish_and_clear();
    imported.refused.sort_by_key(|refused| refused.row);
    Ok(())
}

const KNOWN_ID: &str = "a record of this id is here and does not say this; if it is another event, give \
                        the row an id of its own; if not, correct the record with kitbag correct";

fn origin(form: &Form) -> Option<&str> {
    form.get("import_key").and_then(kitbag_core::model::Value::as_text)
}

/// Whether a row says something that the record of its id does not.
fn says_more(row: &Answers, held: &Answers) -> bool {
    let fields = row.fields.iter().filter(|(name, _)| name != "import_key");
    let differs = fields.clone().any(|(name, answer)| held.get(name) != Some(answer));
    let mut lists = row.lists.iter();
    let adds = lists.any(|(list, elements)| {
        let mut left: Vec<_> = held.elements(list).iter().collect();
        elements.iter().any(|element| {
            let same = left.iter().position(|of| {
                element.iter().all(|(name, answer)| {
                    of.iter().any(|(other, said)| other == name && said == answer)
                })
            });
            same.map(|at| left.remove(at)).is_none()
        })
    });
    differs || adds
}

/// What the records of the team say that carry one of these keys, or are it: an export may come back to
/// where it was made.
fn known(
    engine: &Engine,
    team: TeamId,
    kind: Kind,
    keys: &BTreeSet<&str>,
) -> Result<BTreeMap<String, Answers>, Failure> {
    let mut known = BTreeMap::new();
    let own = engine.device_key();
    engine.store().each_row(None, None, |row| {
        if row.team == team && row.answers.kind == kind {
            // An id is the record's own. A key is what somebody says: it names a row as here already where
            // this device made the record and it stands, so that nobody can keep a row out of totals.
            let id = row.id.to_string();
            let is_own = row.author == own && row.state != State::Void;
            let key = row.answers.code("import_key").filter(|_| is_own);
            let named = key.into_iter().chain([id.as_str()]);
            for key in named.filter(|key| keys.contains(key)) {
                known.insert(key.to_owned(), row.answers.clone());
            }
        }
        Ok(())
    })?;
    Ok(known)
}
