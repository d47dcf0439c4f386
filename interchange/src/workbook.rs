//! Workbooks as spreadsheets save them, `.xlsx` (with macros or without) and `.ods`, read as a table; and `.xlsx` written.
//! Nothing in them is run: of a formula its saved result is read. What they unpack to is bounded before it is read.

use crate::table::{Form, NotATable, ROWS_MAX, RowFault, Table, TableRow};
use calamine::{Data, DataRef, Dimensions, ExcelDateTime, Ods, Reader, SheetVisible, Xlsx};
use csv::StringRecord;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

/// The most bytes that a workbook unpacks to: more is no programme's file.
const UNPACKED_BYTES_MAX: u64 = 256 << 20;
/// The most bytes of the texts that its cells share.
const SHARED_BYTES_MAX: u64 = 64 << 20;
/// The most merged areas.
const MERGED_MAX: usize = 100_000;
/// The most columns that are looked at.
const COLUMNS_MAX: u32 = 1_024;
/// The most cells of a sheet; one of `.ods` says of a cell how often it is repeated.
const CELLS_MAX: u64 = 6_000_000;

/// Whether these are the first bytes of a workbook: of a packed one, or of the old kind and of one with a password.
pub(crate) fn is_workbook(file: &[u8]) -> bool {
    file.starts_with(b"PK\x03\x04") || file.starts_with(&[0xd0, 0xcf, 0x11, 0xe0])
}

/// What a workbook holds.
enum Book<'a> {
    Xlsx(Box<Xlsx<Cursor<&'a [u8]>>>),
    Ods(Box<Ods<Cursor<&'a [u8]>>>),
}

/// Reads a sheet of a workbook, by its name or its number from 1; without either the first that is not hidden.
pub(crate) fn read(file: &[u8], sheet: Option<&str>) -> Result<Table, NotATable> {
    if !file.starts_with(b"PK") {
        return Err(NotATable::OldWorkbook);
    }
    let (mut book, content) = open(file)?;
    let sheets: Vec<(String, bool)> = book.sheets();
    let visible: Vec<&String> =
        sheets.iter().filter(|(_, is_visible)| *is_visible).map(|(name, _)| name).collect();
    let name = match sheet {
        None => visible.first().copied().ok_or(NotATable::Empty)?.clone(),
        Some(said) => named(&sheets, said)?,
    };
    let mut found = Cells::default();
    match &mut book {
        Book::Xlsx(book) => cells_of_xlsx(book, &name, &mut found)?,
        Book::Ods(book) => {
            cells_of_ods(book, &name, &mut found)?;
            let number = sheets.iter().position(|(of, _)| *of == name).unwrap_or_default();
            found.faults.extend(crate::ods::faults(&content, number));
        }
    }
    let others: Vec<String> = visible.into_iter().filter(|of| **of != name).cloned().collect();
    let mut table = found.into_table()?;
    table.sheet = Some(name);
    table.other_sheets = if sheet.is_none() { others } else { Vec::new() };
    Ok(table)
}

/// The sheet of this name, or of this number from 1.
fn named(sheets: &[(String, bool)], said: &str) -> Result<String, NotATable> {
    let by_name = sheets.iter().find(|(name, _)| name == said);
    let by_number =
        said.parse::<usize>().ok().and_then(|number| sheets.get(number.checked_sub(1)?));
    let found = by_name.or(by_number).map(|(name, _)| name.clone());
    found.ok_or_else(|| {
        let names: Vec<&str> = sheets.iter().map(|(name, _)| name.as_str()).collect();
        NotATable::NoSheet(names.join(", "))
    })
}

/// The workbook; of one of `.ods` what its cells are in, too.
fn open(file: &[u8]) -> Result<(Book<'_>, Vec<u8>), NotATable> {
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).map_err(|_| NotATable::NoWorkbook)?;
    let names = archive.file_names().filter_map(Result::ok).map(|name| name.into_owned());
    let names: BTreeSet<String> = names.collect();
    let is_ods = names.contains("content.xml");
    if !is_ods && !names.contains("xl/workbook.xml") {
        return Err(NotATable::NoWorkbook);
    }
    let (mut unpacked, mut kept) = (0, Vec::new());
    for at in 0..archive.len() {
        let part = archive.by_index(at).map_err(|_| NotATable::NoWorkbook)?;
        let is_content = part.name().is_ok_and(|name| name == "content.xml");
        let is_shared = part.name().is_ok_and(|name| name == "xl/sharedStrings.xml");
        // What its header says of its size need not be so.
        let mut part = part.take(UNPACKED_BYTES_MAX + 1 - unpacked);
        let read = if is_content {
            let mut content = Vec::new();
            let read = part.read_to_end(&mut content).map(|bytes| bytes as u64);
            if crate::ods::cells_said(&content) > CELLS_MAX {
                return Err(NotATable::TooLarge);
            }
            kept = content;
            read
        } else {
            std::io::copy(&mut part, &mut std::io::sink())
        };
        let read = read.map_err(|_| NotATable::NoWorkbook)?;
        unpacked += read;
        if is_shared && read > SHARED_BYTES_MAX {
            return Err(NotATable::TooLarge);
        }
        if unpacked > UNPACKED_BYTES_MAX {
            return Err(NotATable::TooLarge);
        }
    }
    let wrong = NotATable::NoWorkbook;
    let book = if is_ods {
        Book::Ods(Box::new(Ods::new(Cursor::new(file)).map_err(|_| wrong)?))
    } else {
        Book::Xlsx(Box::new(Xlsx::new(Cursor::new(file)).map_err(|_| wrong)?))
    };
    Ok((book, kept))
}

impl Book<'_> {
    /// The names of its sheets, and which of them are not hidden.
    fn sheets(&self) -> Vec<(String, bool)> {
        let of = |sheets: &[calamine::Sheet]| {
            let sheets = sheets.iter();
            sheets.map(|one| (one.name.clone(), one.visible == SheetVisible::Visible)).collect()
        };
        match self {
            Book::Xlsx(book) => of(book.sheets_metadata()),
            Book::Ods(book) => of(book.sheets_metadata()),
        }
    }
}

/// The cells of a sheet, row by row as a person sees it.
#[derive(Default)]
struct Cells {
    rows: BTreeMap<u32, Vec<(u32, String)>>,
    faults: BTreeMap<u32, RowFault>,
    is_cut: bool,
    /// How many are kept.
    count: u64,
    /// The first row that says something, and how wide it is.
    header: Option<(u32, u32)>,
}

impl Cells {
    fn put(&mut self, (row, column): (u32, u32), text: String) -> Result<(), NotATable> {
        if column >= COLUMNS_MAX || text.trim().is_empty() {
            return Ok(());
        }
        match &mut self.header {
            Some((first, width)) if *first == row => *width = (*width).max(column + 1),
            // Beyond the header there is no column: that it is wide is all that is kept of it.
            Some((_, width)) if column >= *width => {
                self.rows.entry(row).or_default();
                self.faults.entry(row).or_insert(RowFault::Width);
                return Ok(());
            }
            Some(_) => {}
            None => self.header = Some((row, column + 1)),
        }
        self.count += 1;
        if self.count > CELLS_MAX {
            return Err(NotATable::TooLarge);
        }
        // The header, and one more that tells that there are too many.
        if self.rows.len() > ROWS_MAX + 1 && !self.rows.contains_key(&row) {
            self.is_cut = true;
            return Ok(());
        }
        // What an export guarded, a spreadsheet keeps so.
        let text = crate::cells::unguarded(text.trim()).trim().to_owned();
        self.rows.entry(row).or_default().push((column, text));
        Ok(())
    }

    /// Marks the rows that say something and lie in merged areas.
    fn mark_merged(&mut self, mut areas: Vec<(u32, u32)>) {
        areas.sort_unstable();
        let mut areas = areas.into_iter().peekable();
        let mut last = None;
        for row in self.rows.keys() {
            while let Some((_, end)) = areas.next_if(|(start, _)| start <= row) {
                last = last.max(Some(end));
            }
            if last.is_some_and(|end| *row <= end) {
                self.faults.insert(*row, RowFault::Merged);
            }
        }
    }

    fn into_table(mut self) -> Result<Table, NotATable> {
        let (first, header_cells) = self.rows.pop_first().ok_or(NotATable::Empty)?;
        if self.is_cut || self.rows.len() > ROWS_MAX {
            return Err(NotATable::TooManyRows);
        }
        if self.faults.contains_key(&first) {
            return Err(NotATable::NoHeader);
        }
        let width = header_cells.iter().map(|(column, _)| *column + 1).max().unwrap_or(0);
        let mut header = vec![String::new(); width as usize];
        for (column, name) in header_cells {
            header[column as usize] = name;
        }
        let rows = self.rows.into_iter().map(|(number, said)| {
            let mut cells = vec![""; width as usize];
            for (column, text) in &said {
                if let Some(cell) = cells.get_mut(*column as usize) {
                    *cell = text;
                }
            }
            let fault = self.faults.get(&number).copied();
            TableRow { line: u64::from(number) + 1, cells: StringRecord::from(cells), fault }
        });
        let rows: Vec<TableRow> = rows.collect();
        let (sheet, other_sheets) = (None, Vec::new());
        Ok(Table { header, rows, form: Form::of_workbook(), sheet, other_sheets })
    }
}

fn cells_of_xlsx(
    book: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    found: &mut Cells,
) -> Result<(), NotATable> {
    let wrong = |_| NotATable::NoWorkbook;
    // What is merged stands in one cell, and says nothing of the others that it covers.
    let merged = book.merge_cells_by_sheet_name(name).map_err(wrong)?;
    if merged.len() > MERGED_MAX {
        return Err(NotATable::TooLarge);
    }
    let mut reader = book.worksheet_cells_reader(name).map_err(wrong)?;
    while let Some(cell) = reader.next_cell_with_formula_metadata().map_err(wrong)? {
        if cell.formula.is_some() && matches!(cell.value, DataRef::Empty) {
            found.faults.entry(cell.pos.0).or_insert(RowFault::Formula);
        }
        let text = match cell.value {
            DataRef::Empty => continue,
            DataRef::Int(number) => number.to_string(),
            DataRef::Float(number) => number_text(number),
            DataRef::String(text) => text,
            DataRef::SharedString(text) => text.to_owned(),
            DataRef::Bool(is_so) => is_so.to_string(),
            DataRef::DateTime(at) => moment(at),
            DataRef::DateTimeIso(text) => iso_moment(&text),
            DataRef::DurationIso(text) => iso_duration(&text),
            DataRef::Error(_) => {
                found.faults.entry(cell.pos.0).or_insert(RowFault::Formula);
                continue;
            }
        };
        found.put(cell.pos, text)?;
    }
    let areas = merged.into_iter().map(|Dimensions { start, end }| (start.0, end.0));
    found.mark_merged(areas.collect());
    Ok(())
}

fn cells_of_ods(
    book: &mut Ods<Cursor<&[u8]>>,
    name: &str,
    found: &mut Cells,
) -> Result<(), NotATable> {
    let range = book.worksheet_range(name).map_err(|_| NotATable::NoWorkbook)?;
    let (first, left) = range.start().unwrap_or_default();
    for (row, column, value) in range.used_cells() {
        let at = (first + row as u32, left + column as u32);
        let text = match value {
            Data::Empty => continue,
            Data::Int(number) => number.to_string(),
            Data::Float(number) => number_text(*number),
            Data::String(text) => text.clone(),
            Data::Bool(is_so) => is_so.to_string(),
            Data::DateTime(at) => moment(*at),
            Data::DateTimeIso(text) => iso_moment(text),
            Data::DurationIso(text) => iso_duration(text),
            Data::Error(_) => {
                found.faults.entry(at.0).or_insert(RowFault::Formula);
                continue;
            }
        };
        found.put(at, text)?;
    }
    Ok(())
}

/// A number as it is written without separators; parts of one never as three digits, which could be thousands.
fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{number:.0}");
    }
    let text = number.to_string();
    match text.split_once('.') {
        Some((_, parts)) if parts.len() == 3 => format!("{text}0"),
        _ => text,
    }
}

/// The first day that is none, in days of a spreadsheet: 10000-01-01.
const DAYS_END: f64 = 2_958_466.0;

/// A date, a time, or both, as the spreadsheet's number of days says.
fn moment(at: ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = at.to_ymd_hms_milli();
    let value = at.as_f64();
    // A number that only looks like a date: no calendar has it, and no spreadsheet shows it.
    if !(0.0..DAYS_END).contains(&value) {
        return number_text(value);
    }
    if value < 1.0 {
        format!("{hour:02}:{minute:02}:{second:02}")
    } else if value.fract() == 0.0 {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

/// `2026-03-04T00:00:00` as a date alone.
fn iso_moment(text: &str) -> String {
    let text = text.replace('T', " ");
    match text.split_once(' ') {
        Some((date, time)) if time.trim_start_matches(['0', ':', '.']).is_empty() => {
            date.to_owned()
        }
        _ => text,
    }
}

/// `PT13H05M00S`, a time of day in `.ods`.
fn iso_duration(text: &str) -> String {
    let part = |from: &str, to: char| {
        let rest = text.split_once(from).map_or("", |(_, rest)| rest);
        let digits = rest.split(to).next().unwrap_or_default();
        let number = digits.split(['.', ',']).next().unwrap_or_default().parse::<u32>();
        number.ok().filter(|_| rest.contains(to))
    };
    match (part("T", 'H'), part("H", 'M'), part("M", 'S')) {
        (Some(hour), Some(minute), second) => {
            format!("{hour:02}:{minute:02}:{:02}", second.unwrap_or(0))
        }
        _ => text.to_owned(),
    }
}

/// A workbook of one sheet with these rows: numbers as numbers, all else as text. The same rows give the same bytes.
pub fn write(sheet: &str, rows: &[Vec<String>]) -> Result<Vec<u8>, String> {
    use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook};
    let failed = |error: rust_xlsxwriter::XlsxError| error.to_string();
    let mut book = Workbook::new();
    let made = ExcelDateTime::from_ymd(2000, 1, 1).map_err(failed)?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&made));
    let page = book.add_worksheet();
    // What a sheet cannot be called, this one is not.
    _ = page.set_name(sheet);
    for (row, cells) in (0_u32..).zip(rows) {
        for (column, text) in (0_u16..).zip(cells) {
            let number = text.parse::<f64>().ok().filter(|number| number_text(*number) == *text);
            let written = match number {
                Some(number) => page.write_number(row, column, number).map(drop),
                None if text.is_empty() => Ok(()),
                None => page.write_string(row, column, text.as_str()).map(drop),
            };
            written.map_err(failed)?;
        }
    }
    book.save_to_buffer().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(rows: &[&[&str]]) -> Vec<u8> {
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
        write("Sheet1", &rows).expect("a workbook")
    }

    fn texts(table: &Table) -> Vec<Vec<&str>> {
        table.rows.iter().map(|row| row.cells.iter().collect()).collect()
    }

    #[test]
    fn a_number_that_is_no_day_is_no_date() {
        let at = |value| {
            moment(calamine::ExcelDateTime::new(
                value,
                calamine::ExcelDateTimeType::DateTime,
                false,
            ))
        };
        assert_eq!((at(46_085.0), at(0.5)), ("2026-03-04".to_owned(), "12:00:00".to_owned()));
        assert_eq!((at(20_260_314.0), at(-3.0)), ("20260314".to_owned(), "-3".to_owned()));
        assert_eq!(at(2_958_465.0), "9999-12-31");
    }

    #[test]
    fn what_is_written_is_read_and_is_the_same_each_time() {
        let file = book(&[&["site", "kits"], &["Orléans", "2"], &[], &["007", "1.5"]]);
        assert_eq!(file, book(&[&["site", "kits"], &["Orléans", "2"], &[], &["007", "1.5"]]));
        let table = read(&file, None).expect("a table");
        assert_eq!(
            (table.header.join(","), table.sheet.as_deref()),
            ("site,kits".to_owned(), Some("Sheet1"))
        );
        assert_eq!(texts(&table), [["Orléans", "2"], ["007", "1.5"]]);
        assert_eq!(table.rows.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn dates_times_formulas_merged_cells_and_hidden_sheets_are_what_a_person_sees() {
        use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
        let mut book = Workbook::new();
        let hidden = book.add_worksheet();
        hidden.set_name("lists").expect("a name").set_hidden(true);
        hidden.write_string(0, 0, "hidden").expect("a cell");
        let page = book.add_worksheet();
        page.set_name("Naloxone").expect("a name").set_active(true);
        for (column, name) in ["day", "time", "kits", "note"].into_iter().enumerate() {
            page.write_string(2, column as u16, name).expect("a cell");
        }
        let date = Format::new().set_num_format("dd/mm/yyyy");
        let time = Format::new().set_num_format("hh:mm");
        let day = ExcelDateTime::from_ymd(2026, 3, 4).expect("a date");
        let noon = ExcelDateTime::from_hms(13, 5, 0.0).expect("a time");
        page.write_datetime_with_format(3, 0, &day, &date).expect("a cell");
        page.write_datetime_with_format(3, 1, &noon, &time).expect("a cell");
        page.write_formula(3, 2, Formula::new("=1+1").set_result("2")).expect("a cell");
        page.write_formula(4, 2, Formula::new("=1+1").set_result("")).expect("a cell");
        page.merge_range(5, 0, 5, 2, "both", &Format::new()).expect("merged");
        page.write_number(6, 2, 1234.5).expect("a cell");
        page.write_boolean(6, 3, true).expect("a cell");
        book.add_worksheet()
            .set_name("Other")
            .expect("a name")
            .write_string(0, 0, "x")
            .expect("a cell");
        let file = book.save_to_buffer().expect("a workbook");
        let table = read(&file, None).expect("a table");
        assert_eq!(
            (table.sheet.as_deref(), table.other_sheets.as_slice()),
            (Some("Naloxone"), &["Other".to_owned()][..])
        );
        assert_eq!(texts(&table)[0], ["2026-03-04", "13:05:00", "2", ""]);
        let faults: Vec<_> = table.rows.iter().map(|row| (row.line, row.fault)).collect();
        assert_eq!(faults[0], (4, None));
        assert!(faults.contains(&(6, Some(RowFault::Merged))));
        assert_eq!(texts(&table).last().expect("a row").as_slice(), ["", "", "1234.5", "true"]);
        for said in ["1", "lists"] {
            assert_eq!(read(&file, Some(said)).expect("a table").header, ["hidden"]);
        }
        let none = read(&file, Some("Sheet9")).expect_err("no such sheet");
        assert!(none.to_string().contains("lists, Naloxone, Other"), "{none}");
    }

    #[test]
    fn what_is_no_workbook_or_unpacks_without_end_is_refused() {
        for (file, wrong) in [
            (&b"PK\x03\x04 not a zip"[..], NotATable::NoWorkbook),
            (&[0xd0, 0xcf, 0x11, 0xe0, 0, 0][..], NotATable::OldWorkbook),
        ] {
            assert_eq!(read(file, None).map(drop), Err(wrong));
        }
        let mut bomb = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        bomb.start_file("xl/workbook.xml", options).expect("a part");
        let zeros = vec![b' '; 1 << 20];
        for _ in 0..(UNPACKED_BYTES_MAX >> 20) + 1 {
            std::io::Write::write_all(&mut bomb, &zeros).expect("written");
        }
        let bomb = bomb.finish().expect("a file").into_inner();
        assert!(bomb.len() < 2 << 20);
        assert_eq!(read(&bomb, None).map(drop), Err(NotATable::TooLarge));
        let spread = b"<table:table-row table:number-rows-repeated=\"1000000\"><table:table-cell office:value-type=\"float\" table:number-columns-repeated=\"16384\"/></table:table-row>";
        assert!(crate::ods::cells_said(spread) > CELLS_MAX);
        let usual = b"<table:table table:name=\"a\"><table:table-row><table:table-cell office:value-type=\"float\"/><table:table-cell table:number-columns-repeated=\"16383\"/></table:table-row><table:table-row table:number-rows-repeated=\"1048575\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row></table:table>";
        assert_eq!(crate::ods::cells_said(usual), 1);
    }
}
