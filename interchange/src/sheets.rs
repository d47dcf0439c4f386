//! Files that have a column for each field, as exports have: one for a kind's records, one beside for
//! each of its lists; and the files of refused rows.

use crate::cells::{REFUSED, ends_in_quotes, reasons_in, unguarded};
use crate::{FileError, Imported, Mapping, RefusedRow};
use kitbag_core::model::field::{Field, Shape};
use kitbag_core::model::pack::{CodePack, fill_in};
use kitbag_core::model::text::parse;
use kitbag_core::model::{Element, Invalid, Kind, Wrong};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What stands in a file's name before its first point.
fn stem(path: &Path) -> &str {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.split('.').next().unwrap_or_default()
}

/// Whether a file is one of refused rows.
pub fn is_of_refused(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains(".refused"))
}

/// The file of the records that this file of a list belongs to.
pub fn records_of(path: &Path) -> Option<PathBuf> {
    let mut parts = path.file_name()?.to_str()?.split('.');
    let kind = Kind::from_name(parts.next()?)?;
    let is_list = matches!(kind.field(parts.next()?)?.shape, Shape::List(_));
    is_list.then(|| path.with_file_name(format!("{}.csv", kind.name())))
}

/// A row of a list's file: its place, its line, and the element that it says.
type ListRow = (usize, u64, Result<Element, Invalid>);

/// The file of a list of a kind.
pub struct ListSheet {
    name: &'static str,
    /// Where it lies.
    pub path: PathBuf,
    /// Its bytes.
    pub file: Vec<u8>,
    /// By record; one that cannot be read refuses its record's row.
    elements: BTreeMap<String, Vec<ListRow>>,
    /// Rows that belong to no record.
    pub refused: Vec<RefusedRow>,
}

/// Reads a file that has a column for each field, with the files of its lists beside it.
pub fn by_name(
    kind: Option<Kind>,
    path: &Path,
    file: &[u8],
    packs: &[CodePack],
    tell: fn(&Invalid) -> String,
) -> Result<(Imported, Kind, Vec<ListSheet>), FileError> {
    if let (None, Some(records)) = (kind, records_of(path)) {
        let advice = format!(
            "holds a list of records: put its rows into the list's file beside {}, and import {0}, which \
             it is read with",
            records.display()
        );
        return Err(FileError::wrong(path, advice));
    }
    let kind = kind.or_else(|| Kind::from_name(stem(path))).ok_or_else(|| {
        let advice = "does not say which kind it holds; give --kind, or a mapping with --map";
        FileError::wrong(path, advice)
    })?;
    let header = header(path, file)?;
    let columns: Vec<&str> = header.iter().collect();
    let unknown: Vec<&str> = columns
        .iter()
        .filter(|column| {
            !["id", "team"].contains(*column)
                && !REFUSED.contains(*column)
                && kind.field(column).is_none()
        })
        .copied()
        .collect();
    if !unknown.is_empty() {
        let reason =
            format!("has columns that are no fields of a {}: {}", kind.name(), unknown.join(", "));
        let advice =
            reason + "; write a mapping, and give it with --map; commas separate the cells";
        return Err(FileError::wrong(path, advice));
    }
    // The lists of another file of the same kind are not this one's.
    let mut lists = if stem(path) == kind.name() { lists_beside(kind, path)? } else { Vec::new() };
    let ids = ids(file, columns.iter().position(|column| *column == "id"));
    let has_ids = !lists.is_empty();
    let imported = Mapping::of_fields(kind, &columns)
        .telling(tell)
        .read_with(file, |row, form| {
            fill_in(form, packs);
            let id = match ids.get(row) {
                Some(Some(id)) => id,
                Some(None) if has_ids => {
                    return Err(Invalid::new("id", Wrong::Required, "expected an id, in UTF-8"));
                }
                _ => return Ok(None),
            };
            for list in &lists {
                for (_, _, element) in list.elements.get(id).into_iter().flatten() {
                    form.add(list.name, element.clone()?)?;
                }
            }
            Ok(Some(id.clone()))
        })
        .map_err(|error| FileError::wrong(path, error))?;
    // A file of refused rows has few of the records that the lists beside it are of.
    if !is_of_refused(path) {
        let ids: BTreeSet<&str> = ids.iter().flatten().map(String::as_str).collect();
        lists.iter_mut().for_each(|list| refuse_without_record(kind, list, &ids));
    }
    Ok((imported, kind, lists))
}

fn header(path: &Path, file: &[u8]) -> Result<csv::StringRecord, FileError> {
    let mut reader = csv::ReaderBuilder::new().from_reader(bare(file));
    let header = reader
        .headers()
        .map_err(|_| FileError::wrong(path, "is not CSV in UTF-8 with a header"))?;
    if header.is_empty() {
        Err(FileError::wrong(path, "is empty: not even a header is there"))
    } else {
        Ok(header.clone())
    }
}

/// A file without the mark that says it is Unicode.
fn bare(file: &[u8]) -> &[u8] {
    file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file)
}

/// Each row's id, where it has one.
fn ids(file: &[u8], column: Option<usize>) -> Vec<Option<String>> {
    let Some(at) = column else { return Vec::new() };
    let reader = csv::ReaderBuilder::new().flexible(true).from_reader(bare(file));
    let id = |row: Result<csv::ByteRecord, csv::Error>| {
        let row = row.ok()?;
        let id = std::str::from_utf8(row.get(at)?).ok()?;
        Some(unguarded(id).into_owned()).filter(|id| !id.is_empty())
    };
    reader.into_byte_records().map(id).collect()
}

fn refuse_without_record(kind: Kind, list: &mut ListSheet, ids: &BTreeSet<&str>) {
    for (record, elements) in &list.elements {
        if !ids.contains(record.as_str()) {
            let detail = format!("no row of {}.csv has the id in the column record", kind.name());
            list.refused.extend(elements.iter().map(|(row, line, _)| RefusedRow {
                row: *row,
                line: *line,
                reason: "no_such_record".to_owned(),
                detail: detail.clone(),
            }));
        }
    }
    list.refused.sort_by_key(|refused| refused.row);
}

/// The files of a kind's lists beside the file of its records.
fn lists_beside(kind: Kind, path: &Path) -> Result<Vec<ListSheet>, FileError> {
    let mut lists = Vec::new();
    for field in kind.fields() {
        let Shape::List(fields) = field.shape else { continue };
        let beside = path.with_file_name(format!("{}.{}.csv", kind.name(), field.name));
        if beside.exists() {
            lists.push(read_list(field, fields, beside)?);
        }
    }
    Ok(lists)
}

fn read_list(
    list: &'static Field,
    fields: &'static [Field],
    path: PathBuf,
) -> Result<ListSheet, FileError> {
    let file = std::fs::read(&path).map_err(|error| FileError::unreadable(&path, error))?;
    let header = header(&path, &file)?;
    let is_known = |name: &str| name == "record" || fields.iter().any(|field| field.name == name);
    let unknown = header.iter().find(|name| !is_known(name) && !REFUSED.contains(name));
    if let Some(name) = unknown {
        return Err(FileError::wrong(&path, format!("has a column of no field: {name}")));
    }
    let mut names = BTreeSet::new();
    if let Some(name) = header.iter().find(|name| !names.insert(*name)) {
        return Err(FileError::wrong(&path, format!("has the column {name} twice")));
    }
    if ends_in_quotes(&file) {
        let reason = "ends inside of a quotation mark that is never closed; nothing was imported";
        return Err(FileError::wrong(&path, reason));
    }
    let mut sheet = ListSheet {
        name: list.name,
        path,
        file: Vec::new(),
        elements: BTreeMap::new(),
        refused: Vec::new(),
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bare(&file));
    for (at, row) in reader.byte_records().enumerate() {
        let row = row.map_err(|error| FileError::failed(&sheet.path, error))?;
        let line = row.position().map_or(0, csv::Position::line);
        let cells: Option<Vec<Cow<'_, str>>> =
            row.iter().map(|cell| std::str::from_utf8(cell).ok().map(unguarded)).collect();
        let whole = cells.filter(|cells| cells.len() == header.len());
        let place = header.iter().position(|name| name == "record");
        let record = place.and_then(|place| std::str::from_utf8(row.get(place)?).ok());
        let record = record.map(unguarded).unwrap_or_default().into_owned();
        let element = match whole {
            Some(cells) => {
                read_element(list, fields, header.iter().zip(cells.iter().map(Cow::as_ref)))
            }
            None => {
                let expected = "expected UTF-8, and as many cells as the header has";
                Err(Invalid::new(list.name, Wrong::Shape, expected))
            }
        };
        sheet.elements.entry(record).or_default().push((at, line, element));
    }
    sheet.file = file;
    Ok(sheet)
}

fn read_element<'a>(
    list: &Field,
    fields: &'static [Field],
    cells: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Element, Invalid> {
    let mut element = Element::new();
    for (name, cell) in cells.filter(|(_, cell)| !cell.is_empty()) {
        if let Some(inner) = fields.iter().find(|inner| inner.name == name) {
            let value = parse(&format!("{}.{name}", list.name), inner.shape, cell)?;
            element.insert(name.to_owned(), value);
        }
    }
    Ok(element)
}

/// Writes the refused rows beside the file, the reason of each before its cells, as they were: a row of
/// too many or too few cells stays so, and is refused again until somebody mends it. What is there
/// already may be a file that somebody mends, and stays.
pub fn write_refused(
    path: &Path,
    file: &[u8],
    refused: &[RefusedRow],
) -> Result<PathBuf, FileError> {
    let named = |number: u32| match number {
        1 => path.with_file_name(format!("{}.refused.csv", base(path))),
        _ => path.with_file_name(format!("{}.refused-{number}.csv", base(path))),
    };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bare(file));
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let header = reader.byte_headers().map_err(|_| FileError::wrong(path, "is not CSV"))?.clone();
    let names = header.iter().map(|name| std::str::from_utf8(name).unwrap_or_default());
    let reasons = reasons_in(names);
    let with = |reason: &[u8], detail: &[u8], row: &csv::ByteRecord| {
        [reason, detail].into_iter().chain(row.iter().skip(reasons)).collect::<csv::ByteRecord>()
    };
    let failed = |error: csv::Error| FileError::failed(path, error);
    writer
        .write_byte_record(&with(b"refused_reason", b"refused_detail", &header))
        .map_err(failed)?;
    let rows: BTreeMap<usize, &RefusedRow> = refused.iter().map(|row| (row.row, row)).collect();
    for (at, row) in reader.into_byte_records().enumerate() {
        if let (Ok(row), Some(why)) = (row, rows.get(&at)) {
            let row = with(why.reason.as_bytes(), why.detail.as_bytes(), &row);
            writer.write_byte_record(&row).map_err(failed)?;
        }
    }
    let text = writer.into_inner().map_err(|error| FileError::failed(path, error.error()))?;
    // The same rows, refused again, need no second file.
    let is_free =
        |out: &PathBuf| !out.exists() || std::fs::read(out).is_ok_and(|there| there == text);
    let out = (1..).map(named).find(is_free);
    let out = out.ok_or_else(|| FileError::failed(path, "too many files of refused rows"))?;
    crate::files::write(&out, &text).map_err(|error| FileError::failed(&out, error))?;
    Ok(out)
}

/// The file's name without its ending and without what a file of refused rows adds to it.
fn base(path: &Path) -> String {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let bare = name.rsplit_once('.').map_or(name, |(bare, _)| bare);
    bare.split(".refused").next().unwrap_or_default().to_owned()
}
