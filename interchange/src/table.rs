//! A file's rows as a spreadsheet shows them: its separator and its encoding are found out, cells come without the spaces
//! around them, and rows and columns that say nothing are passed over.

use crate::cells::{ends_in_quotes, unguarded};
use csv::StringRecord;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::borrow::Cow;

/// Cells of which one stands where the file was in no encoding.
const LOST: char = '\u{FFFD}';

/// The most rows of a table, in any kind of file.
pub(crate) const ROWS_MAX: usize = 250_000;

/// A file of rows.
#[derive(Debug)]
pub struct Table {
    /// The names of its columns; of one that has none, nothing.
    pub header: Vec<String>,
    /// Its rows, in its order.
    pub rows: Vec<TableRow>,
    /// How it was written.
    pub form: Form,
    /// Of a workbook the sheet that it is. Its cells are typed: dates are `yyyy-mm-dd`, numbers have no separators.
    pub sheet: Option<String>,
    /// The other sheets that are not hidden, where nobody said which one is meant.
    pub other_sheets: Vec<String>,
}

/// A row that says something.
#[derive(Debug)]
pub struct TableRow {
    /// The line in the file, from 1.
    pub line: u64,
    /// Its cells, as many as the header's where nothing is wrong with it.
    pub cells: StringRecord,
    /// What keeps it from being read.
    pub fault: Option<RowFault>,
}

/// What keeps a row from being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFault {
    /// It has more cells than the header, or fewer.
    Width,
    /// It holds bytes of another encoding than the file's.
    Encoding,
    /// A quotation mark in it is never closed: rows behind it may be in it.
    Open,
    /// Cells of it are merged: which of them is meant, nobody can tell.
    Merged,
    /// It holds a formula whose result is an error, or was not saved.
    Formula,
}

/// How a file was written, so that what is refused of it is written the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// What separates its cells.
    pub separator: u8,
    /// Whether its first line says so (`sep=;`).
    pub says_separator: bool,
    /// Its encoding.
    pub encoding: &'static Encoding,
    /// Whether it begins with a mark of its encoding.
    pub has_mark: bool,
}

/// Two columns have one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Twice;

/// Why a file is no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotATable {
    /// There is nothing in it.
    #[error("the file is empty: not even a header is there")]
    Empty,
    /// Its first line holds no names.
    #[error("the file cannot be read as a table: its first line is no header")]
    NoHeader,
    /// Nobody knows an encoding of this name.
    #[error("no encoding is known by that name; try windows-1252, windows-1251, utf-16le or utf-8")]
    UnknownEncoding,
    /// It is packed as a workbook is, and is none.
    #[error(
        "the file is no workbook that can be read; open it in a spreadsheet, and save it as .xlsx or .csv"
    )]
    NoWorkbook,
    /// It is a workbook of before 2007, or has a password.
    #[error(
        "the file is an old workbook (.xls), or has a password; open it in a spreadsheet, and save it as .xlsx without one"
    )]
    OldWorkbook,
    /// It has no such sheet.
    #[error("the workbook has no such sheet; it has: {0}")]
    NoSheet(String),
    /// What it unpacks to is more than any programme's file.
    #[error(
        "the workbook unpacks to more than 256 MiB, or to too many cells; save the one sheet alone, as .csv"
    )]
    TooLarge,
    /// It has more rows than are read at once.
    #[error("the file has more than 250,000 rows; split it")]
    TooManyRows,
}

impl Table {
    /// Reads a file of text, in the encoding of this name or in the one that it is found to be in.
    pub fn read(file: &[u8], encoding: Option<&str>) -> Result<Table, NotATable> {
        let (text, mut form) = decode(file, encoding)?;
        let mut text = text.as_ref();
        let first = text.lines().next().unwrap_or_default();
        let mut lines_before = 0;
        if let Some(separator) = said_separator(first) {
            (form.separator, form.says_separator, lines_before) = (separator, true, 1);
            text = text.split_once('\n').map_or("", |(_, rest)| rest);
        } else {
            form.separator = found_separator(text);
        }
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(form.separator)
            .flexible(true)
            .has_headers(false)
            .from_reader(text.as_bytes());
        let mut records = reader.records();
        let header = match records.next() {
            Some(Ok(header)) => header,
            Some(Err(_)) => return Err(NotATable::NoHeader),
            None => return Err(NotATable::Empty),
        };
        let header: Vec<String> =
            header.iter().map(|name| unguarded(name.trim()).trim().to_owned()).collect();
        if header.iter().all(String::is_empty) {
            return Err(NotATable::NoHeader);
        }
        let mut rows = Vec::new();
        let mut lines = Lines { text: text.as_bytes(), at: 0, line: 1 + lines_before };
        for record in records {
            // Text is UTF-8 by now, and any number of cells is taken.
            let Ok(record) = record else { continue };
            let line = lines.of(record.position().map_or(0, csv::Position::byte));
            rows.extend(row(&record, line, header.len()));
        }
        if ends_in_quotes(text.as_bytes(), form.separator)
            && let Some(last) = rows.last_mut()
        {
            last.fault = Some(RowFault::Open);
        }
        if rows.len() > ROWS_MAX {
            return Err(NotATable::TooManyRows);
        }
        Ok(Table { header, rows, form, sheet: None, other_sheets: Vec::new() })
    }

    /// Where the column of this name is, where one has it.
    pub fn column(&self, name: &str) -> Result<Option<usize>, Twice> {
        let mut found = (0..self.header.len()).filter(|at| self.header[*at] == name);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(Twice),
            (one, _) => Ok(one),
        }
    }
}

/// Counts lines: a reader of CSV takes the end of a line for the beginning of the next row, where that is two characters.
struct Lines<'t> {
    text: &'t [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line on which the row begins that is said to begin at this byte.
    fn of(&mut self, byte: u64) -> u64 {
        let begin = usize::try_from(byte).unwrap_or(usize::MAX).min(self.text.len());
        let rest = self.text[begin..].iter();
        let ends = rest.take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let passed = &self.text[self.at.min(begin)..begin + ends];
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.at = begin + ends;
        self.line
    }
}

/// A row as it is read; nothing where it says nothing.
fn row(record: &StringRecord, line: u64, width: usize) -> Option<TableRow> {
    let is_said = |cell: &str| !cell.trim().is_empty();
    if !record.iter().any(is_said) {
        return None;
    }
    let fault = if record.iter().any(|cell| cell.contains(LOST)) {
        Some(RowFault::Encoding)
    } else if record.len() < width || record.iter().skip(width).any(is_said) {
        Some(RowFault::Width)
    } else {
        None
    };
    // What stands in no column says nothing: a spreadsheet adds empty ones.
    let kept = if fault == Some(RowFault::Width) { record.len() } else { width };
    let cells = record.iter().take(kept).map(|cell| unguarded(cell.trim()).trim().to_owned());
    Some(TableRow { line, cells: cells.collect::<Vec<_>>().into(), fault })
}

/// The text of a file, and its encoding.
fn decode<'a>(file: &'a [u8], said: Option<&str>) -> Result<(Cow<'a, str>, Form), NotATable> {
    let marked = Encoding::for_bom(file);
    let named = match said {
        Some(name) => Some(Encoding::for_label(name.as_bytes()).ok_or(NotATable::UnknownEncoding)?),
        None => None,
    };
    let (bare, encoding) = match (marked, named) {
        (Some((encoding, mark)), _) => (&file[mark..], encoding),
        (None, Some(encoding)) => (file, encoding),
        (None, None) => (file, found_encoding(file)),
    };
    let (text, _) = encoding.decode_without_bom_handling(bare);
    let form =
        Form { separator: b',', says_separator: false, encoding, has_mark: marked.is_some() };
    match bare.iter().all(u8::is_ascii_whitespace) {
        true => Err(NotATable::Empty),
        false => Ok((text, form)),
    }
}

/// The encoding that a file is in that does not say it: UTF-8 where it holds more of that than of what cannot be it.
fn found_encoding(file: &[u8]) -> &'static Encoding {
    let zeros =
        |from: usize| file.iter().skip(from).step_by(2).take(200).filter(|b| **b == 0).count();
    // Latin letters in two bytes each, without the mark.
    match (zeros(0), zeros(1)) {
        (even, odd) if odd > 2 * even && odd * 4 > file.len().min(400) => return UTF_16LE,
        (even, odd) if even > 2 * odd && even * 4 > file.len().min(400) => return UTF_16BE,
        _ => {}
    }
    let (mut good, mut bad) = (0, 0);
    for chunk in file.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    if bad <= good {
        return UTF_8;
    }
    let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
    detector.feed(file, true);
    detector.guess(None, chardetng::Utf8Detection::Deny)
}

/// The separator that a first line says, as some spreadsheets write and read it.
fn said_separator(line: &str) -> Option<u8> {
    let said = line.trim().trim_matches('"').strip_prefix("sep=")?;
    match said.as_bytes() {
        [one] if one.is_ascii() => Some(*one),
        // The line was trimmed of a tab.
        [] => Some(b'\t'),
        _ => None,
    }
}

/// The separator of which the header has most; a comma where it has none.
fn found_separator(text: &str) -> u8 {
    let header = header_line(text);
    let count = |separator: u8| {
        let mut is_quoted = false;
        header
            .bytes()
            .filter(|byte| {
                is_quoted ^= *byte == b'"';
                !is_quoted && *byte == separator
            })
            .count()
    };
    let mut best = b',';
    for separator in [b';', b'\t', b'|'] {
        if count(separator) > count(best) {
            best = separator;
        }
    }
    best
}

/// The header, which may hold a line's end within quotation marks.
fn header_line(text: &str) -> &str {
    let mut is_quoted = false;
    let end = text.bytes().position(|byte| {
        is_quoted ^= byte == b'"';
        byte == b'\n' && !is_quoted
    });
    &text[..end.unwrap_or(text.len())]
}

impl Form {
    /// That of a workbook, which says nothing of text.
    pub(crate) fn of_workbook() -> Form {
        Form { separator: b',', says_separator: false, encoding: UTF_8, has_mark: false }
    }

    /// Text as this file's form has it.
    pub fn encode(&self, text: &str) -> Vec<u8> {
        let text = match self.says_separator {
            true => Cow::Owned(format!("sep={}\r\n{text}", char::from(self.separator))),
            false => Cow::Borrowed(text),
        };
        let mark = if self.has_mark { "\u{FEFF}" } else { "" };
        let text = format!("{mark}{text}");
        if self.encoding == UTF_16LE {
            text.encode_utf16().flat_map(u16::to_le_bytes).collect()
        } else if self.encoding == UTF_16BE {
            text.encode_utf16().flat_map(u16::to_be_bytes).collect()
        } else {
            self.encoding.encode(&text).0.into_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &[u8]) -> (Vec<String>, Vec<Vec<String>>, Form) {
        let table = Table::read(file, None).expect("a table");
        let cells = |row: &TableRow| row.cells.iter().map(str::to_owned).collect();
        (table.header.clone(), table.rows.iter().map(cells).collect(), table.form)
    }

    #[test]
    fn one_table_in_every_form_is_one_table() {
        let expected = read("site,kits\nOrléans,2\nКиїв,3\n".as_bytes());
        let utf16: Vec<u8> = "\u{FEFF}site\tkits\r\nOrléans\t2\r\nКиїв\t3\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for file in [
            "sep=;\r\nsite;kits\r\nOrléans;2\r\nКиїв;3\r\n".as_bytes(),
            "\u{FEFF}site|kits\nOrléans|2\nКиїв|3".as_bytes(),
            " site , kits,,\n Orléans,2 ,,\n,,,\n\nКиїв , 3,\n,\n".as_bytes(),
            utf16.as_slice(),
        ] {
            let (header, rows, _) = read(file);
            let rows: Vec<_> = rows.iter().map(|row| row[..2].to_vec()).collect();
            assert_eq!((&header[..2], rows), (&expected.0[..], expected.1.clone()));
        }
        let (_, rows, form) = read(b"site;kits\nOrl\xe9ans;2\n");
        assert_eq!((rows[0][0].as_str(), form.encoding.name()), ("Orléans", "windows-1252"));
        let cyrillic =
            encoding_rs::WINDOWS_1251.encode("місто;набори\nКиїв;2\nЛьвів;3\n").0.into_owned();
        let (_, rows, form) = read(&cyrillic);
        assert_eq!((rows[0][0].as_str(), form.encoding.name()), ("Київ", "windows-1251"));
        // Written back it is what it was.
        assert_eq!(form.encode("місто;набори\nКиїв;2\nЛьвів;3\n"), cyrillic);
    }

    #[test]
    fn what_is_wrong_with_a_row_is_its_own() {
        let file = b"sep=,\r\na,b\r\n1,2\r\n\r\n\"3\r\n4\",5\r\n6,7";
        let lines: Vec<u64> =
            Table::read(file, None).expect("a table").rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [3, 5, 7]);
        let table =
            Table::read("site,kits\né,1\nx,1,2\nx\nИ\u{FFFD},2\n\"x,3\nx,4\n".as_bytes(), None);
        let faults: Vec<_> =
            table.expect("a table").rows.iter().map(|row| (row.line, row.fault)).collect();
        let expected = [
            (2, None),
            (3, Some(RowFault::Width)),
            (4, Some(RowFault::Width)),
            (5, Some(RowFault::Encoding)),
            (6, Some(RowFault::Open)),
        ];
        assert_eq!(faults, expected);
        for (file, wrong) in
            [(&b" \n"[..], NotATable::Empty), (b",,\n1,2,3\n", NotATable::NoHeader)]
        {
            assert_eq!(Table::read(file, None).map(drop), Err(wrong));
        }
        assert_eq!(Table::read(b"a", Some("klingon")).map(drop), Err(NotATable::UnknownEncoding));
    }
}
