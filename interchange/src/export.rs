//! Records that count, as CSV with a `datapackage.json` that describes it.
//!
//! One file for each kind, and one for each list of it, whose rows name their record. Free text, client
//! codes and authors never leave; a device only as a holder of stock. The shape is documented in docs/cli.md.

use crate::FileError;
use crate::cells::{csv_writer, guarded};
use kitbag_core::model::answers::find;
use kitbag_core::model::field::{Field, Need, Shape};
use kitbag_core::model::{Answer, Answers, Kind};
use kitbag_core::store::Row;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::path::{Path, PathBuf};

/// What separates the codes of a set, and numbers by code, within one cell.
pub const SEPARATOR: &str = ";";
/// The name of the file that describes the others.
pub const DESCRIPTION: &str = "datapackage.json";

/// The files of an export, in a folder that is there once all of it is: written beside and renamed, or removed.
pub struct Export {
    folder: PathBuf,
    beside: PathBuf,
    sheets: BTreeMap<String, Sheet>,
    of_day: Vec<Row>,
    is_whole: bool,
}

impl Export {
    /// Begins an export into a folder that is not there yet.
    pub fn begin(folder: &Path) -> Result<Self, FileError> {
        if folder.exists() {
            return Err(FileError::failed(folder, "is there already; name a new folder"));
        }
        let beside = crate::files::beside(folder);
        let failed = |error: std::io::Error| FileError::failed(&beside, error);
        if let Some(parent) = beside.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        // Fails where it is there: nothing is deleted but what is made here.
        crate::files::create_folder(&beside).map_err(failed)?;
        let (sheets, of_day) = (BTreeMap::new(), Vec::new());
        Ok(Export { folder: folder.to_owned(), beside, sheets, of_day, is_whole: false })
    }

    /// Adds one record; they come by day, as a store gives them.
    pub fn add(&mut self, row: Row) -> Result<(), FileError> {
        if self.of_day.first().is_some_and(|first| first.day != row.day) {
            self.write_day()?;
        }
        self.of_day.push(row);
        Ok(())
    }

    /// Writes what is left and the description, and gives the folder its name; returns each file's name
    /// and how many rows it has.
    pub fn finish(mut self) -> Result<Vec<(String, u64)>, FileError> {
        self.write_day()?;
        let mut files = Vec::new();
        for (name, mut sheet) in std::mem::take(&mut self.sheets) {
            let synced = sheet.writer.flush().and_then(|()| sheet.writer.get_ref().sync_all());
            synced.map_err(|error| FileError::failed(&self.beside.join(&name), error))?;
            files.push((name, sheet.rows));
        }
        let path = self.beside.join(DESCRIPTION);
        let failed = |error: std::io::Error| FileError::failed(&path, error);
        let description = serde_json::to_string_pretty(&describe(&files));
        let description = description.map_err(|error| failed(error.into()))? + "\n";
        crate::files::write(&path, description.as_bytes()).map_err(failed)?;
        std::fs::rename(&self.beside, &self.folder)
            .map_err(|error| FileError::failed(&self.folder, error))?;
        self.is_whole = true;
        Ok(files)
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        if !self.is_whole {
            _ = std::fs::remove_dir_all(&self.beside);
        }
    }
}

/// One file that is being written.
struct Sheet {
    writer: csv::Writer<File>,
    path: PathBuf,
    rows: u64,
}

impl Sheet {
    fn new(folder: &Path, name: &str, header: &[&str]) -> Result<Self, FileError> {
        let path = folder.join(name);
        let file = crate::files::create(&path).map_err(|error| FileError::failed(&path, error))?;
        let mut writer = csv_writer(file);
        writer.write_record(header).map_err(|error| FileError::failed(&path, error))?;
        Ok(Sheet { writer, path, rows: 0 })
    }

    fn write(&mut self, cells: Vec<String>) -> Result<(), FileError> {
        self.rows += 1;
        self.writer.write_record(cells).map_err(|error| FileError::failed(&self.path, error))
    }
}

impl Export {
    /// Writes the records of one day, sorted by id, so that equal records give equal files.
    fn write_day(&mut self) -> Result<(), FileError> {
        let mut rows = std::mem::take(&mut self.of_day);
        rows.sort_by_key(|row| row.id);
        for row in rows {
            let kind = row.answers.kind;
            let name = format!("{}.csv", kind.name());
            let own = columns(kind).map(|field| cell(&row.answers, field));
            let id = row.id.to_string();
            let cells = [id.clone(), row.team.to_string()].into_iter().chain(own).collect();
            let header = || ["id", "team"].into_iter().chain(columns(kind).map(|field| field.name));
            self.sheet(name, header)?.write(cells)?;
            for field in kind.fields() {
                let Shape::List(inner) = field.shape else { continue };
                self.write_list(&id, &row.answers, field, inner)?;
            }
        }
        Ok(())
    }

    fn write_list(
        &mut self,
        id: &str,
        answers: &Answers,
        list: &Field,
        fields: &'static [Field],
    ) -> Result<(), FileError> {
        let shown = || fields.iter().filter(|field| field.name != "void");
        for element in answers.elements(list.name) {
            let name = format!("{}.{}.csv", answers.kind.name(), list.name);
            let header = || ["record"].into_iter().chain(shown().map(|field| field.name));
            let cells =
                shown().map(|field| find(element, field.name).map_or_else(String::new, text));
            let cells = [id.to_owned()].into_iter().chain(cells).collect();
            self.sheet(name, header)?.write(cells)?;
        }
        Ok(())
    }

    /// The file of this name, begun with this header where it is not there yet.
    fn sheet<'a, I: Iterator<Item = &'a str>>(
        &mut self,
        name: String,
        header: impl FnOnce() -> I,
    ) -> Result<&mut Sheet, FileError> {
        Ok(match self.sheets.entry(name) {
            Entry::Occupied(sheet) => sheet.into_mut(),
            Entry::Vacant(place) => {
                let header: Vec<&str> = header().collect();
                let sheet = Sheet::new(&self.beside, place.key(), &header)?;
                place.insert(sheet)
            }
        })
    }
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
    use crate::cells::{guarded, split_codes, unguarded};

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
