//! Rows of a CSV file become records by a mapping that is data (TOML). A row that cannot be read is
//! refused with its line and reason, and stops no other.

use crate::cells::{ends_in_quotes, key_of, reasons_in, split_codes, unguarded};
use kitbag_core::model::field::Shape;
use kitbag_core::model::{Form, Invalid, Kind};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// How the columns of one kind of file become the fields of a record.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What the files are, and where they come from.
    pub source: String,
    /// The kind of record.
    kind: String,
    /// Which rows are records at all.
    only: Option<Only>,
    /// Fields that the file does not hold, with the value that all rows get.
    #[serde(default)]
    constants: BTreeMap<String, String>,
    /// Whether a required field without an answer is answered with `unknown`.
    #[serde(default)]
    unknowns: bool,
    #[serde(default, rename = "field")]
    fields: Vec<MappedField>,
    #[serde(default, rename = "set")]
    sets: Vec<MappedSet>,
    /// How people are told what is wrong with an answer.
    #[serde(skip)]
    tell: Option<fn(&Invalid) -> String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Only {
    column: String,
    take: String,
    /// For other values the reason of the refusal.
    refuse: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MappedField {
    field: String,
    column: String,
    /// Codes by the file's words; a word that is not here is kept as it is.
    #[serde(default)]
    codes: BTreeMap<String, String>,
    /// Words that mean "not asked", beside the empty one.
    #[serde(default)]
    not_asked: Vec<String>,
    keep_characters: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MappedSet {
    set: String,
    column: String,
    separator: String,
}

/// A row that was not taken. Never carries the row's contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// The row's place in the file, from 0, the header not counted.
    pub row: usize,
    /// The line in the file, from 1.
    pub line: u64,
    /// A stable code.
    pub reason: String,
    /// The column or field, and what is allowed.
    pub detail: String,
}

/// A row that became a record.
#[derive(Debug)]
pub struct Taken {
    /// The row's place in the file, from 0, the header not counted.
    pub row: usize,
    /// The line in the file, from 1.
    pub line: u64,
    /// The record.
    pub form: Form,
    /// What tells the row from all others: equal for the same row of the same file.
    pub key: String,
    /// Whether the file itself names the row, by an id.
    pub is_named: bool,
}

/// What a file gave.
#[derive(Debug, Default)]
pub struct Imported {
    /// All rows of the file, the refused among them.
    pub rows: u64,
    /// The records, in the file's order.
    pub taken: Vec<Taken>,
    /// The rows refused, in the file's order.
    pub refused: Vec<RefusedRow>,
    /// Every site that a row names, also one whose rows were all refused.
    pub sites: BTreeSet<String>,
}

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The mapping is not one.
    #[error("the mapping is not valid: {0}")]
    Mapping(#[from] toml::de::Error),
    /// The mapping names what there is not.
    #[error("the mapping names no known {0}; check it against the data dictionary")]
    Names(String),
    /// The file lacks columns.
    #[error(
        "the file has no column {0}; check that it is the kind of file that the mapping is for, and \
         that commas separate its cells"
    )]
    Columns(String),
    /// Which of two columns of one name is meant, nobody can tell.
    #[error("the file has the column {0} twice; take one of them out")]
    Twice(String),
    /// The file is no CSV at all.
    #[error("the file cannot be read as CSV in UTF-8: {0}")]
    Csv(String),
}

impl Mapping {
    /// Reads a mapping, and holds its names against the declarations.
    pub fn from_toml(text: &str) -> Result<Self, ImportError> {
        let mapping: Mapping = toml::from_str(text)?;
        let kind = mapping.kind()?;
        let names = mapping.fields.iter().map(|field| &field.field);
        let names = names.chain(mapping.sets.iter().map(|set| &set.set));
        for name in names.chain(mapping.constants.keys()) {
            if kind.field(name).is_none() {
                return Err(ImportError::Names(format!("field of a {}: {name}", kind.name())));
            }
        }
        Ok(mapping)
    }

    /// The mapping of a file that has a column for each field, as exports have.
    pub fn of_fields(kind: Kind, columns: &[&str]) -> Self {
        let mut fields = Vec::new();
        let mut sets = Vec::new();
        for field in kind.fields().filter(|field| columns.contains(&field.name)) {
            let (name, column) = (field.name.to_owned(), field.name.to_owned());
            match field.shape {
                Shape::CodeSet(_) | Shape::Counts { .. } => {
                    sets.push(MappedSet { set: name, column, separator: ";".to_owned() });
                }
                _ => fields.push(MappedField {
                    field: name,
                    column,
                    codes: BTreeMap::new(),
                    not_asked: Vec::new(),
                    keep_characters: None,
                }),
            }
        }
        Mapping {
            source: "a file with a column for each field".to_owned(),
            kind: kind.name().to_owned(),
            only: None,
            constants: BTreeMap::new(),
            unknowns: false,
            fields,
            sets,
            tell: None,
        }
    }

    /// The same mapping, which tells people so what is wrong with an answer.
    pub fn telling(self, tell: fn(&Invalid) -> String) -> Self {
        Mapping { tell: Some(tell), ..self }
    }

    fn told(&self, invalid: &Invalid) -> String {
        self.tell.map_or_else(|| invalid.to_string(), |tell| tell(invalid))
    }

    /// The kind of record that rows become.
    pub fn kind(&self) -> Result<Kind, ImportError> {
        let kind = Kind::from_name(&self.kind);
        kind.ok_or_else(|| ImportError::Names(format!("kind: {}", self.kind)))
    }

    /// Reads a file by this mapping.
    pub fn read(&self, file: &[u8]) -> Result<Imported, ImportError> {
        self.read_with(file, |_, _| Ok(None))
    }

    /// Reads a file by this mapping; `beside` adds to the form of each row what other files hold, and
    /// gives the row's key where the file has one.
    pub fn read_with(
        &self,
        file: &[u8],
        mut beside: impl FnMut(usize, &mut Form) -> Result<Option<String>, Invalid>,
    ) -> Result<Imported, ImportError> {
        let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
        let mut reader = csv::ReaderBuilder::new().from_reader(file);
        let header = reader.headers().map_err(|error| ImportError::Csv(place(&error)))?.clone();
        let columns: BTreeMap<&str, usize> =
            header.iter().enumerate().map(|(at, name)| (name, at)).collect();
        let mut names = BTreeSet::new();
        if let Some(twice) = header.iter().find(|name| !name.is_empty() && !names.insert(*name)) {
            return Err(ImportError::Twice(twice.to_owned()));
        }
        let is_open = ends_in_quotes(file);
        let reasons = reasons_in(header.iter());
        let beside_key = self.beside_key();
        let missing: Vec<&str> =
            self.columns().filter(|name| !columns.contains_key(name)).collect();
        if !missing.is_empty() {
            return Err(ImportError::Columns(missing.join(", ")));
        }
        let kind = self.kind()?;
        let mut imported = Imported::default();
        let mut seen: BTreeMap<[u8; 16], u64> = BTreeMap::new();
        let mut line = 2;
        for (at, row) in reader.into_byte_records().enumerate() {
            imported.rows += 1;
            let read = match row {
                Ok(row) => {
                    line = row.position().map_or(line, csv::Position::line);
                    let key = key_of(&beside_key, row.iter().skip(reasons), &mut seen);
                    self.read_row(kind, &columns, &row, &mut imported.sites).and_then(|mut form| {
                        let wrong = |invalid: Invalid| refusal("invalid", &self.told(&invalid));
                        let named = beside(at, &mut form).map_err(wrong)?;
                        form.operations().map_err(wrong)?;
                        let is_named = named.is_some();
                        Ok(Taken { row: at, line, form, key: named.unwrap_or(key), is_named })
                    })
                }
                Err(error) => {
                    line = error.position().map_or(line, csv::Position::line);
                    let detail = "the row has another number of columns than the header";
                    Err(refusal("unreadable", detail))
                }
            };
            match read {
                Ok(taken) => imported.taken.push(taken),
                Err((reason, detail)) => {
                    imported.refused.push(RefusedRow { row: at, line, reason, detail });
                }
            }
        }
        if is_open && let Some(last) = imported.rows.checked_sub(1) {
            // It may have swallowed all rows behind it.
            let row = usize::try_from(last).unwrap_or(usize::MAX);
            imported.taken.retain(|taken| taken.row != row);
            imported.refused.retain(|refused| refused.row != row);
            let reason = "quote_not_closed".to_owned();
            let detail =
                "a quotation mark in this row is never closed: rows behind it may be in it";
            imported.refused.push(RefusedRow { row, line, reason, detail: detail.to_owned() });
        }
        Ok(imported)
    }

    /// What a row's key stands for beside its cells: equal rows of two kinds, or of two sites' files that
    /// do not name their site, are two.
    fn beside_key(&self) -> Vec<u8> {
        let mut beside = self.kind.as_bytes().to_vec();
        for (field, text) in &self.constants {
            beside.extend([0].iter().chain(field.as_bytes()).chain(&[0]).chain(text.as_bytes()));
        }
        beside
    }

    fn columns(&self) -> impl Iterator<Item = &str> {
        let only = self.only.iter().map(|only| only.column.as_str());
        let fields = self.fields.iter().map(|field| field.column.as_str());
        let sets = self.sets.iter().map(|set| set.column.as_str());
        only.chain(fields).chain(sets)
    }

    fn read_row(
        &self,
        kind: Kind,
        columns: &BTreeMap<&str, usize>,
        row: &csv::ByteRecord,
        sites: &mut BTreeSet<String>,
    ) -> Result<Form, (String, String)> {
        let cell = |column: &str| {
            let bytes = columns.get(column).and_then(|at| row.get(*at)).unwrap_or_default();
            let text = std::str::from_utf8(bytes);
            let text =
                text.map_err(|_| refusal("not_utf8", &format!("column {column} is not UTF-8")))?;
            Ok::<_, (String, String)>(unguarded(text))
        };
        for site in self.fields.iter().filter(|mapped| mapped.field == "site") {
            sites.extend(site.value(&cell(&site.column)?));
        }
        if let Some(only) = &self.only {
            only.admit(&cell(&only.column)?)?;
        }
        let mut form = Form::new(kind);
        let wrong = |column: &str, invalid: Invalid| {
            refusal("invalid", &format!("column {column}: {}", self.told(&invalid)))
        };
        for (field, text) in &self.constants {
            form.put_text(field, text).map_err(|invalid| wrong(field, invalid))?;
        }
        for mapped in &self.fields {
            if let Some(text) = mapped.value(&cell(&mapped.column)?) {
                form.put_text(&mapped.field, &text)
                    .map_err(|invalid| wrong(&mapped.column, invalid))?;
            }
        }
        for mapped in &self.sets {
            for part in split_codes(&cell(&mapped.column)?, &mapped.separator) {
                form.put_code_text(&mapped.set, &part)
                    .map_err(|invalid| wrong(&mapped.column, invalid))?;
            }
        }
        if self.unknowns {
            form = form.with_unknowns();
        }
        Ok(form)
    }
}

impl Only {
    fn admit(&self, value: &str) -> Result<(), (String, String)> {
        if value == self.take {
            return Ok(());
        }
        if let Some(reason) = self.refuse.get(value) {
            return Err(refusal(reason, &format!("column {}", self.column)));
        }
        let allowed: Vec<&str> =
            self.refuse.keys().chain([&self.take]).map(String::as_str).collect();
        let detail = format!("column {}: expected {}", self.column, allowed.join(" or "));
        Err(refusal("unreadable", &detail))
    }
}

impl MappedField {
    /// The field's value for a cell; `None` means not asked.
    fn value(&self, cell: &str) -> Option<String> {
        if cell.is_empty() || self.not_asked.iter().any(|word| word == cell) {
            return None;
        }
        let code = self.codes.get(cell).map_or(cell, String::as_str);
        Some(match self.keep_characters {
            Some(most) => code.chars().take(most).collect(),
            None => code.to_owned(),
        })
    }
}

fn refusal(reason: &str, detail: &str) -> (String, String) {
    (reason.to_owned(), detail.to_owned())
}

/// Where the file stops being CSV, without its contents.
fn place(error: &csv::Error) -> String {
    match error.position() {
        Some(position) => format!("line {}", position.line()),
        None => "its first line is not a header".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "incident_id,incident_date,incident_time,county,victim_id,gender,age_range,naloxone_administered,response_time,survive,suspected_drugs\n";

    fn read(rows: &str) -> Imported {
        let mapping = Mapping::from_toml(crate::ODIN_MAPPING).expect("our own mapping");
        mapping.read(format!("{HEADER}{rows}").as_bytes()).expect("a file with the right header")
    }

    #[test]
    fn bad_rows_are_refused_with_line_and_reason_and_the_others_imported() {
        let imported = read(concat!(
            "1,2018-01-04,00:42:00,Elk,1,Male,50 - 59,Y,NA,N,cocaine;heroin\n",
            "2,2018-13-04,00:42:00,Elk,1,Male,50 - 59,Y,NA,N,heroin\n",
            "3,2018-01-04,00:42:00,Elk\n",
            "4,2018-01-04,25:42:00,Elk,1,Male,50 - 59,Y,NA,N,heroin\n",
            "5,2018-01-04,00:42:00,Potter,1,Male,50 - 59,N,NA,N,heroin\n",
            "6,2018-01-04,00:42:00,,1,Male,50 - 59,Y,NA,N,heroin\n",
            "7,2018-01-04,00:42:00,Elk,1,Male,50 - 59,perhaps,NA,N,heroin\n",
            "8,2018-01-05,00:42:00,Elk,1,Two-spirit,50 - 59,Y,NA,U,\n",
        ));
        assert_eq!((imported.rows, imported.taken.len()), (8, 2));
        assert_eq!(imported.sites.iter().collect::<Vec<_>>(), ["Elk", "Potter"]);
        let refused: Vec<(u64, &str)> =
            imported.refused.iter().map(|row| (row.line, row.reason.as_str())).collect();
        let expected = [
            (3, "invalid"),
            (4, "unreadable"),
            (5, "invalid"),
            (6, "naloxone_not_given"),
            (7, "invalid"),
            (8, "unreadable"),
        ];
        assert_eq!(refused, expected);
        let kept = imported.taken[1].form.get("gender").and_then(|gender| gender.as_text());
        assert_eq!(kept, Some("Two-spirit"), "an unknown code is kept verbatim");
    }

    #[test]
    fn a_file_without_the_columns_is_refused_with_their_names() {
        let mapping = Mapping::from_toml(crate::ODIN_MAPPING).expect("our own mapping");
        let error = mapping.read(b"county,survive\nElk,Y\n").expect_err("columns are missing");
        assert!(error.to_string().contains("incident_date"), "{error}");
        assert!(mapping.read(b"\xff\xfe\x00").is_err());
        assert!(Mapping::from_toml("kind = 7").is_err());
    }

    #[test]
    fn a_row_that_is_not_utf8_is_refused_alone() {
        let mapping = Mapping::from_toml(crate::ODIN_MAPPING).expect("our own mapping");
        let mut file = HEADER.as_bytes().to_vec();
        file.extend(b"1,2018-01-04,00:42:00,M\xe9xico,1,Male,50 - 59,Y,NA,N,heroin\n");
        file.extend(b"2,2018-01-04,00:42:00,Elk,1,Male,50 - 59,Y,NA,N,heroin\n");
        let imported = mapping.read(&file).expect("the header is right");
        assert_eq!((imported.taken.len(), imported.refused[0].reason.as_str()), (1, "not_utf8"));
    }
}
