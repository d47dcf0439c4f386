//! Cells of CSV files: codes in one cell, guards against formulas, what tells a row from others.

use std::borrow::Cow;

/// The codes of a cell; a separator that belongs to a code has a backslash before it, as in exports.
pub fn split_codes(cell: &str, separator: &str) -> Vec<String> {
    let mut codes = Vec::new();
    let mut code = String::new();
    let mut rest = cell;
    while let Some(first) = rest.chars().next() {
        let escaped = rest
            .strip_prefix('\\')
            .filter(|after| after.starts_with(separator) || after.starts_with('\\'));
        if let Some(after) = escaped {
            let kept = if after.starts_with(separator) { separator } else { "\\" };
            code.push_str(kept);
            rest = &after[kept.len()..];
        } else if let Some(after) = rest.strip_prefix(separator).filter(|_| !separator.is_empty()) {
            codes.push(std::mem::take(&mut code));
            rest = after;
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    codes.push(code);
    codes.into_iter().map(|code| code.trim().to_owned()).filter(|code| !code.is_empty()).collect()
}

/// What a spreadsheet may separate cells by, whatever the file says.
const SEPARATORS: [char; 6] = [',', ';', '\t', '|', '\r', '\n'];

/// What a spreadsheet runs as a formula, full-width forms too.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Whether what begins here would be run, once marks, quotes and spaces are taken off.
fn would_run(part: &str) -> bool {
    let bare = |c: char| c == '\'' || c == '"' || c.is_whitespace() && !SEPARATORS.contains(&c);
    part.trim_start_matches(bare).starts_with(FORMULA)
}

/// A cell of which no part would be run as a formula: an apostrophe stands before each that would, at its
/// beginning and after every separator that a spreadsheet may use.
pub fn guarded(cell: &str) -> Cow<'_, str> {
    if cell.parse::<f64>().is_ok() || !cell.contains(FORMULA) {
        return Cow::Borrowed(cell);
    }
    let parts = cell.split_inclusive(SEPARATORS);
    // What looks guarded already is guarded once more, so that reading it gives it back.
    Cow::Owned(
        parts.map(|part| if would_run(part) { format!("'{part}") } else { part.into() }).collect(),
    )
}

/// A cell without the marks that keep spreadsheets from running parts of it.
pub fn unguarded(cell: &str) -> Cow<'_, str> {
    if !cell.contains('\'') {
        return Cow::Borrowed(cell);
    }
    let parts = cell.split_inclusive(SEPARATORS);
    let bare = |part| match <str>::strip_prefix(part, '\'') {
        Some(rest) if would_run(rest) => rest,
        _ => part,
    };
    Cow::Owned(parts.map(bare).collect())
}

/// The columns before the others in a file of refused rows, that say why.
pub const REFUSED: [&str; 2] = ["refused_reason", "refused_detail"];

/// How many columns of a header say why its rows were refused: those two, or none.
pub fn reasons_in<'a>(header: impl Iterator<Item = &'a str>) -> usize {
    if header.take(REFUSED.len()).eq(REFUSED) { REFUSED.len() } else { 0 }
}

/// Whether a file ends inside of quotation marks.
pub fn ends_in_quotes(file: &[u8], separator: u8) -> bool {
    const END: &[u8] = b"end of the file";
    if !file.contains(&b'"') {
        return false;
    }
    let file = [file, b"\n", END].concat();
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).flexible(true).delimiter(separator);
    let last = reader.from_reader(file.as_slice()).byte_records().last().and_then(Result::ok);
    !last.is_some_and(|row| row.len() == 1 && row.get(0) == Some(END))
}

/// A digest of some parts, as so many bytes in hexadecimal digits.
pub fn digest_of(parts: &[&[u8]], bytes: usize) -> String {
    use std::fmt::Write;
    let mut hasher = blake3::Hasher::new_derive_key("kitbag imported row 2");
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
    }
    let mut digest = vec![0; bytes];
    hasher.finalize_xof().fill(&mut digest);
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Writes CSV as exports have it: RFC 4180, lines that end with CR LF.
pub fn csv_writer<W: std::io::Write>(to: W) -> csv::Writer<W> {
    csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to)
}
