//! Files that have a column for each field, as exports have: one for a kind's records, one beside for
//! each of its lists; and the files of refused rows.

use crate::cells::{REFUSED, guarded, reasons_in};
use crate::reading::{Options, Reading};
use crate::table::{RowFault, Table};
use crate::values::{Refusal, refusal};
use crate::{FileError, Imported, Mapping, RefusedRow};
use kitbag_core::model::field::{Field, Shape};
use kitbag_core::model::pack::fill_in;
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
type ListRow = (usize, u64, Result<Element, Refusal>);

/// The file of a list of a kind.
pub struct ListSheet {
    name: &'static str,
    /// Where it lies.
    pub path: PathBuf,
    /// Its rows.
    pub table: Table,
    /// By record; one that cannot be read refuses its record's row.
    elements: BTreeMap<String, Vec<ListRow>>,
    /// Rows that belong to no record.
    pub refused: Vec<RefusedRow>,
    /// Words that are in no list: by column and word how many cells say them.
    unknown_words: BTreeMap<(String, String), u64>,
}

/// Reads a file that has a column for each field, with the files of its lists beside it.
pub fn by_name(
    kind: Option<Kind>,
    (path, file): (&Path, &[u8]),
    table: &Table,
    options: &Options<'_>,
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
    let columns: Vec<&str> = table.header.iter().map(String::as_str).collect();
    let is_known = |column: &str| {
        column.is_empty()
            || ["id", "team"].contains(&column)
            || REFUSED.contains(&column)
            || kind.field(column).is_some()
    };
    let unknown: Vec<&str> = columns.iter().copied().filter(|column| !is_known(column)).collect();
    if !unknown.is_empty() {
        let reason =
            format!("has columns that are no fields of a {}: {}", kind.name(), unknown.join(", "));
        return Err(FileError::wrong(path, reason + "; write a mapping, and give it with --map"));
    }
    // The lists of another file of the same kind are not this one's.
    let mut lists = if stem(path) == kind.name() {
        lists_beside(kind, path, (options, tell))?
    } else {
        Vec::new()
    };
    let at = table.column("id").map_err(|_| FileError::wrong(path, "has the column id twice"))?;
    let id =
        |row: usize| at.and_then(|at| table.rows[row].cells.get(at)).filter(|id| !id.is_empty());
    let has_ids = !lists.is_empty();
    let mut imported = Mapping::of_fields(kind, &columns)
        .telling(tell)
        .read_table(file, table, options, |row, form| {
            fill_in(form, options.packs);
            let invalid = |invalid: Invalid| refusal("invalid", &tell(&invalid));
            let id = match (at, id(row)) {
                (_, Some(id)) => id,
                (Some(_), None) if has_ids => {
                    return Err(invalid(Invalid::new("id", Wrong::Required, "expected an id")));
                }
                _ => return Ok(None),
            };
            for list in &lists {
                for (_, line, element) in list.elements.get(id).into_iter().flatten() {
                    // Whoever mends it looks for it there.
                    let there = |(reason, detail): Refusal| {
                        (reason, format!("{}, row {line}: {detail}", named(&list.path)))
                    };
                    let element = element.clone().map_err(there)?;
                    form.add(list.name, element).map_err(|wrong| there(invalid(wrong)))?;
                }
            }
            Ok(Some(id.to_owned()))
        })
        .map_err(|error| FileError::wrong(path, error))?;
    let of_lists = lists.iter_mut().flat_map(|list| std::mem::take(&mut list.unknown_words));
    imported.unknown_words.extend(of_lists);
    imported.mapped.lists.extend(lists.iter().map(|list| list.name.to_owned()));
    // A file of refused rows has few of the records that the lists beside it are of.
    if !is_of_refused(path) {
        let ids: BTreeSet<&str> = (0..table.rows.len()).filter_map(id).collect();
        lists.iter_mut().for_each(|list| refuse_without_record(kind, list, &ids));
    }
    Ok((imported, kind, lists))
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

/// The name of a file, for people.
fn named(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The files of a kind's lists beside the file of its records; of several those of its own form.
fn lists_beside(
    kind: Kind,
    path: &Path,
    options: (&Options<'_>, fn(&Invalid) -> String),
) -> Result<Vec<ListSheet>, FileError> {
    let mut lists = Vec::new();
    let own = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    for field in kind.fields() {
        let Shape::List(fields) = field.shape else { continue };
        let named =
            |ending: &str| path.with_file_name(format!("{}.{}.{ending}", kind.name(), field.name));
        let mut all = [own, "csv", "xlsx", "ods"].map(named).into_iter();
        if let Some(beside) = all.find(|beside| beside.exists()) {
            lists.push(read_list(kind, (field, fields), beside, options)?);
        }
    }
    Ok(lists)
}

fn read_list(
    kind: Kind,
    (list, fields): (&'static Field, &'static [Field]),
    path: PathBuf,
    (options, tell): (&Options<'_>, fn(&Invalid) -> String),
) -> Result<ListSheet, FileError> {
    let file = std::fs::read(&path).map_err(|error| FileError::unreadable(&path, error))?;
    let table = Table::open(&file, None, None).map_err(|error| FileError::wrong(&path, error))?;
    let is_known = |name: &str| {
        name.is_empty() || name == "record" || fields.iter().any(|field| field.name == name)
    };
    let unknown =
        table.header.iter().find(|name| !is_known(name) && !REFUSED.contains(&name.as_str()));
    if let Some(name) = unknown {
        return Err(FileError::wrong(&path, format!("has a column of no field: {name}")));
    }
    let mut names = BTreeSet::new();
    if let Some(name) = table.header.iter().find(|name| !name.is_empty() && !names.insert(*name)) {
        return Err(FileError::wrong(&path, format!("has the column {name} twice")));
    }
    if table.rows.iter().any(|row| row.fault == Some(RowFault::Open)) {
        let reason = "ends inside of a quotation mark that is never closed; nothing was imported";
        return Err(FileError::wrong(&path, reason));
    }
    let place = table.header.iter().position(|name| name == "record");
    // Its cells are read as those of its records are.
    let mapping = Mapping::of_fields(kind, &[]).telling(tell);
    let columns: Vec<&str> = fields.iter().map(|field| field.name).collect();
    let columns = columns.into_iter().filter(|name| table.header.iter().any(|of| of == name));
    let mapping = mapping.with_list(list.name, columns);
    let reading = Reading::of(&mapping, &table, options);
    let mut reading = reading.map_err(|error| FileError::wrong(&path, error))?;
    let mut elements: BTreeMap<String, Vec<ListRow>> = BTreeMap::new();
    for (at, row) in table.rows.iter().enumerate() {
        let record = place.and_then(|place| row.cells.get(place)).unwrap_or_default().to_owned();
        let element = crate::events::fault_of(row).and_then(|()| {
            let said = reading.elements(row, options.keeps_unknown_codes)?;
            Ok(said.into_iter().next().map(|(_, _, element)| element).unwrap_or_default())
        });
        elements.entry(record).or_default().push((at, row.line, element));
    }
    let unknown_words = reading.values.take_unknown();
    let unknown_words = unknown_words
        .into_iter()
        .map(|((column, word), cells)| ((format!("{}.{column}", list.name), word), cells));
    let unknown_words = unknown_words.collect();
    drop(reading);
    Ok(ListSheet { name: list.name, path, table, elements, refused: Vec::new(), unknown_words })
}

/// Writes the refused rows beside the file, the reason of each before its cells, in the form that the file has: a row of
/// too many or too few cells stays so, and is refused again until somebody mends it. What is there
/// already may be a file that somebody mends, and stays.
pub fn write_refused(
    path: &Path,
    table: &Table,
    refused: &[RefusedRow],
) -> Result<PathBuf, FileError> {
    let ending = if table.sheet.is_some() { "xlsx" } else { "csv" };
    let named = |number: u32| match number {
        1 => path.with_file_name(format!("{}.refused.{ending}", base(path))),
        _ => path.with_file_name(format!("{}.refused-{number}.{ending}", base(path))),
    };
    let text = match &table.sheet {
        Some(sheet) => {
            refused_sheet(sheet, table, refused).map_err(|error| FileError::failed(path, error))?
        }
        None => refused_text(path, table, refused)?,
    };
    // The same rows, refused again, need no second file.
    let is_free =
        |out: &PathBuf| !out.exists() || std::fs::read(out).is_ok_and(|there| there == text);
    let out = (1..).map(named).find(is_free);
    let out = out.ok_or_else(|| FileError::failed(path, "too many files of refused rows"))?;
    crate::files::write(&out, &text).map_err(|error| FileError::failed(&out, error))?;
    Ok(out)
}

/// The rows of a sheet that were refused, as a workbook.
fn refused_sheet(sheet: &str, table: &Table, refused: &[RefusedRow]) -> Result<Vec<u8>, String> {
    let reasons = reasons_in(table.header.iter().map(String::as_str));
    let header = table.header.iter().skip(reasons).cloned();
    let mut rows = vec![REFUSED.map(str::to_owned).into_iter().chain(header).collect::<Vec<_>>()];
    for why in refused {
        let said = format!("row {}: {}", why.line, why.detail);
        let cells = table.rows[why.row].cells.iter().skip(reasons).map(str::to_owned);
        rows.push([why.reason.clone(), said].into_iter().chain(cells).collect());
    }
    crate::workbook::write(sheet, &rows)
}

/// The rows of a file of text that were refused, as it is written.
fn refused_text(path: &Path, table: &Table, refused: &[RefusedRow]) -> Result<Vec<u8>, FileError> {
    let mut writer = csv::WriterBuilder::new()
        .flexible(true)
        .delimiter(table.form.separator)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let reasons = reasons_in(table.header.iter().map(String::as_str));
    let failed = |error: csv::Error| FileError::failed(path, error);
    let header = REFUSED.into_iter().chain(table.header.iter().skip(reasons).map(String::as_str));
    writer.write_record(header).map_err(failed)?;
    let rows: BTreeMap<usize, &RefusedRow> = refused.iter().map(|row| (row.row, row)).collect();
    for (at, row) in table.rows.iter().enumerate() {
        if let Some(why) = rows.get(&at) {
            let said = format!("row {}: {}", why.line, why.detail);
            let cells = row.cells.iter().skip(reasons).map(guarded);
            let reason = [Cow::Borrowed(why.reason.as_str()), Cow::Owned(said)];
            writer
                .write_record(reason.into_iter().chain(cells).map(|cell| cell.into_owned()))
                .map_err(failed)?;
        }
    }
    let text = writer.into_inner().map_err(|error| FileError::failed(path, error.error()))?;
    Ok(table.form.encode(&String::from_utf8_lossy(&text)))
}

/// The file's name without its ending and without what a file of refused rows adds to it.
fn base(path: &Path) -> String {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let bare = name.rsplit_once('.').map_or(name, |(bare, _)| bare);
    bare.split(".refused").next().unwrap_or_default().to_owned()
}
