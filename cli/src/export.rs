//! `kitbag export`: records that count, as CSV with a `datapackage.json` that describes it.
//!
//! One file for each kind, and one for each list of it, whose rows name their record. Free text, client
//! codes and authors never leave; a device only as a holder of stock. The shape is documented in docs/cli.md.

use crate::device::StoreArguments;
use crate::import::cells::guarded;
use crate::screen::{SpanArguments, csv_writer};
use crate::{Failure, failure};
use indicatif::{ProgressBar, ProgressStyle};
use kitbag_core::engine::Engine;
use kitbag_core::model::answers::find;
use kitbag_core::model::schema::{Field, Need, Shape};
use kitbag_core::model::{Answer, Answers, Kind};
use kitbag_core::store::{Row, State, StoreError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// What separates the codes of a set, and numbers by code, within one cell.
pub const SEPARATOR: &str = ";";
/// The name of the file that describes the others.
pub const DESCRIPTION: &str = "datapackage.json";

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    kitbag export --store coordinator.db january --from 2026-01-01 --to 2026-01-31\n  \
    kitbag import --store other.db january/distribution.csv")]
pub struct ExportArguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    span: SpanArguments,
    /// As JSON: `{files: [{name, rows}]}`
    #[arg(long)]
    json: bool,
    /// The folder, which must not be there yet
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub fn run(arguments: &ExportArguments) -> Result<(), Failure> {
    let engine = arguments.store.open_to_read()?;
    let folder = &arguments.folder;
    if folder.exists() {
        return Err(failure(folder.display(), "is there already; name a new folder"));
    }
    // Written beside and renamed: a folder that is there is whole.
    let beside = crate::beside(folder);
    let failed = |error: std::io::Error| failure(beside.display(), error);
    if let Some(parent) = beside.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    // Fails where it is there: nothing is deleted but what is made here.
    crate::files::create_folder(&beside).map_err(failed)?;
    let written = write(&engine, arguments, &beside);
    let files = written.and_then(|files| {
        std::fs::rename(&beside, folder).map_err(failed)?;
        Ok(files)
    });
    let files = files.inspect_err(|_| _ = std::fs::remove_dir_all(&beside))?;
    if arguments.json {
        let files: Vec<Value> =
            files.iter().map(|(name, rows)| json!({ "name": name, "rows": rows })).collect();
        say!("{}", json!({ "files": files }));
        return Ok(());
    }
    for (name, rows) in &files {
        say!("{rows:>9}  {}", folder.join(name).display());
    }
    say!(
        "Records that count, without free text, client codes and authors; stock names the devices that hold \
         it. Small numbers are not masked: hand it to nobody outside the programme."
    );
    Ok(())
}

/// One file that is being written.
struct Sheet {
    writer: csv::Writer<File>,
    rows: u64,
}

impl Sheet {
    fn new(folder: &Path, name: &str, header: &[&str]) -> Result<Self, Failure> {
        let path = folder.join(name);
        let file = crate::files::create(&path).map_err(|error| failure(path.display(), error))?;
        let mut writer = csv_writer(file);
        writer.write_record(header)?;
        Ok(Sheet { writer, rows: 0 })
    }

    fn write(&mut self, cells: Vec<String>) -> Result<(), csv::Error> {
        self.rows += 1;
        self.writer.write_record(cells)
    }
}

/// Writes all files; returns their names with how many rows each has.
fn write(
    engine: &Engine,
    arguments: &ExportArguments,
    folder: &Path,
) -> Result<Vec<(String, u64)>, Failure> {
    let mut sheets: BTreeMap<String, Sheet> = BTreeMap::new();
    let style = ProgressStyle::with_template("exporting {pos} records")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style);
    let mut of_day: Vec<Row> = Vec::new();
    let mut failed: Option<Failure> = None;
    let read = engine.store().each_row(arguments.span.from, arguments.span.to, |row| {
        let wanted =
            row.state == State::Counted && arguments.span.team.is_none_or(|team| team == row.team);
        if of_day.first().is_some_and(|first| first.day != row.day) {
            failed = write_day(&mut of_day, folder, &mut sheets).err();
        }
        if wanted {
            bar.inc(1);
            of_day.push(row);
        }
        match failed {
            Some(_) => Err(StoreError::NotOpen),
            None => Ok(()),
        }
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    read?;
    write_day(&mut of_day, folder, &mut sheets)?;
    bar.finish_and_clear();
    let mut files = Vec::new();
    for (name, mut sheet) in sheets {
        let synced = sheet.writer.flush().and_then(|()| sheet.writer.get_ref().sync_all());
        synced.map_err(|error| failure(&name, error))?;
        files.push((name, sheet.rows));
    }
    let description = serde_json::to_string_pretty(&describe(&files))? + "\n";
    let path = folder.join(DESCRIPTION);
    crate::files::write(&path, description.as_bytes())
        .map_err(|error| failure(path.display(), error))?;
    Ok(files)
}

/// Writes the records of one day, sorted by id, so that equal records give equal files.
fn write_day(
    rows: &mut Vec<Row>,
    folder: &Path,
    sheets: &mut BTreeMap<String, Sheet>,
) -> Result<(), Failure> {
    rows.sort_by_key(|row| row.id);
    for row in rows.drain(..) {
        let kind = row.answers.kind;
        let name = format!("{}.csv", kind.name());
        if !sheets.contains_key(&name) {
            let header: Vec<&str> =
                ["id", "team"].into_iter().chain(columns(kind).map(|field| field.name)).collect();
            sheets.insert(name.clone(), Sheet::new(folder, &name, &header)?);
        }
        let id = row.id.to_string();
        let own = columns(kind).map(|field| cell(&row.answers, field));
        let cells = [id.clone(), row.team.to_string()].into_iter().chain(own).collect();
        if let Some(sheet) = sheets.get_mut(&name) {
            sheet.write(cells)?;
        }
        for field in kind.fields() {
            let Shape::List(inner) = field.shape else { continue };
            write_list(&id, &row.answers, field, inner, folder, sheets)?;
        }
    }
    Ok(())
}

fn write_list(
    id: &str,
    answers: &Answers,
    list: &Field,
    fields: &'static [Field],
    folder: &Path,
    sheets: &mut BTreeMap<String, Sheet>,
) -> Result<(), Failure> {
    let name = format!("{}.{}.csv", answers.kind.name(), list.name);
    let shown = || fields.iter().filter(|field| field.name != "void");
    for element in answers.elements(list.name) {
        if !sheets.contains_key(&name) {
            let header: Vec<&str> =
                ["record"].into_iter().chain(shown().map(|field| field.name)).collect();
            sheets.insert(name.clone(), Sheet::new(folder, &name, &header)?);
        }
        let cells = shown().map(|field| find(element, field.name).map_or_else(String::new, text));
        if let Some(sheet) = sheets.get_mut(&name) {
            sheet.write([id.to_owned()].into_iter().chain(cells).collect())?;
        }
    }
    Ok(())
}

/// The fields that leave in an export, but lists.
pub fn columns(kind: Kind) -> impl Iterator<Item = &'static Field> {
    kind.fields().filter(|field| {
        !matches!(field.shape, Shape::Text | Shape::List(_) | Shape::Record) && field.name != "void"
    })
}

fn cell(answers: &Answers, field: &Field) -> String {
    match field.shape {
        Shape::CodeSet(_) => {
            let codes = answers.by_code(field.name).filter_map(|(code, answer)| match answer {
                // A code that itself ends so would be read as another answer.
                Answer::Flag(true) if code.ends_with("=no") || code.ends_with("=yes") => {
                    Some(escaped(code) + "=yes")
                }
                Answer::Flag(true) => Some(escaped(code)),
                Answer::Flag(false) => Some(escaped(code) + "=no"),
                _ => None,
            });
            guarded(&codes.collect::<Vec<_>>().join(SEPARATOR)).into_owned()
        }
        Shape::Counts { .. } => {
            let numbers = answers.by_code(field.name).filter_map(|(code, answer)| {
                Some(format!("{}={}", escaped(code), answer.number()?))
            });
            guarded(&numbers.collect::<Vec<_>>().join(SEPARATOR)).into_owned()
        }
        _ => answers.get(field.name).map_or_else(String::new, text),
    }
}

/// A code within a cell of several: a separator of its own gets a backslash.
fn escaped(code: &str) -> String {
    code.replace('\\', "\\\\").replace(SEPARATOR, &format!("\\{SEPARATOR}"))
}

fn text(answer: &Answer) -> String {
    match answer {
        Answer::Flag(flag) => flag.to_string(),
        Answer::Number(number) => number.to_string(),
        Answer::Word(word) => guarded(word).into_owned(),
        Answer::Text => String::new(),
    }
}

/// The description of the files, as a tabular data package.
fn describe(files: &[(String, u64)]) -> Value {
    let resources = files.iter().filter_map(|(name, _)| {
        let stem = name.strip_suffix(".csv")?;
        let (kind, list) = stem.split_once('.').map_or((stem, None), |(kind, list)| (kind, Some(list)));
        let kind = Kind::from_name(kind)?;
        let schema = match list {
            None => {
                let own = columns(kind).map(column);
                let fields: Vec<Value> = [
                    json!({ "name": "id", "type": "string", "constraints": { "required": true, "unique": true } }),
                    json!({ "name": "team", "type": "string", "constraints": { "required": true } }),
                ]
                .into_iter()
                .chain(own)
                .collect();
                json!({ "fields": fields, "primaryKey": "id", "missingValues": [""] })
            }
            Some(list) => {
                let Shape::List(inner) = kind.field(list)?.shape else { return None };
                let fields: Vec<Value> =
                    [json!({ "name": "record", "type": "string", "constraints": { "required": true } })]
                        .into_iter()
                        .chain(inner.iter().filter(|field| field.name != "void").map(column))
                        .collect();
                json!({
                    "fields": fields,
                    "missingValues": [""],
                    "foreignKeys": [{
                        "fields": "record",
                        "reference": { "resource": kind.name(), "fields": "id" },
                    }],
                })
            }
        };
        Some(json!({
            "name": stem, "path": name, "profile": "tabular-data-resource", "format": "csv",
            "mediatype": "text/csv", "encoding": "utf-8",
            "description": kind.declaration().about, "schema": schema,
        }))
    });
    json!({
        "profile": "tabular-data-package",
        "name": "kitbag-export",
        "description": "Records that count, by the Kitbag data dictionary. Blank: not asked. Several \
                        codes in one cell are separated by semicolons.",
        "resources": resources.collect::<Vec<_>>(),
    })
}

fn column(field: &Field) -> Value {
    let kind = match field.shape {
        Shape::Int { .. } => "integer",
        Shape::Date => "date",
        Shape::Month => "yearmonth",
        _ => "string",
    };
    let mut constraints = serde_json::Map::new();
    if field.need == Need::Required {
        constraints.insert("required".to_owned(), true.into());
    }
    if let Shape::Int { min, max } = field.shape {
        constraints.insert("minimum".to_owned(), min.into());
        constraints.insert("maximum".to_owned(), max.into());
    }
    json!({
        "name": field.name, "type": kind, "description": field.about, "constraints": constraints,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::cells::{guarded, split_codes, unguarded};

    #[test]
    fn a_code_that_holds_the_separator_is_read_back_whole() {
        for codes in [vec!["a;b", "c"], vec!["\\", "x\\;y", ";"], vec!["plain"]] {
            let cell = codes.iter().map(|code| escaped(code)).collect::<Vec<_>>().join(SEPARATOR);
            assert_eq!(split_codes(&cell, SEPARATOR), codes, "{cell}");
        }
        assert_eq!(split_codes("cocaine;heroin; ", ";"), ["cocaine", "heroin"]);
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_guarded_and_read_back() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-300", "-300"),
            ("-3 people", "'-3 people"),
            ("'=1", "''=1"),
            ("plain", "plain"),
            ("it's", "it's"),
            ("''", "''"),
            ("x;=cmd|'/c calc'!A0;y", "x;'=cmd|'/c calc'!A0;y"),
            ("a\t+1", "a\t'+1"),
            ("a, -2", "a,' -2"),
            ("\"=1", "'\"=1"),
            ("＝1", "'＝1"),
            ("a|'=1", "a|''=1"),
        ] {
            assert_eq!(guarded(cell), written);
            assert_eq!(unguarded(written), cell, "{written}");
        }
    }
}
