//! Rows of a CSV file become reversals by a mapping that is data (TOML). A row that cannot be read
//! is refused with its line and reason, and stops no other.

use kitbag_core::model::{Administration, CivilDate, Reversal};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// How the columns of one kind of file become the fields of a reversal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What the files are, and where they come from.
    pub source: String,
    /// The kind of record; `reversal` is the only one yet.
    kind: MappedKind,
    /// The column of the site.
    site: String,
    /// The column of the date, `yyyy-mm-dd`.
    occurred_on: String,
    /// Minutes that the file's local time is ahead of UTC.
    utc_offset_min: i64,
    /// Which rows are records at all.
    only: Option<Only>,
    /// Fields that the file does not hold, with the value that all rows get.
    #[serde(default)]
    constants: BTreeMap<String, String>,
    #[serde(default, rename = "field")]
    fields: Vec<MappedField>,
    #[serde(default, rename = "set")]
    sets: Vec<MappedSet>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MappedKind {
    Reversal,
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
pub struct Refused {
    /// The line in the file, from 1.
    pub line: u64,
    /// A stable code.
    pub reason: String,
    /// The column or field, and what is allowed.
    pub detail: String,
}

/// What a file gave.
#[derive(Debug, Default)]
pub struct Imported {
    /// All rows of the file, the refused among them.
    pub rows: u64,
    /// The reversals, in the file's order.
    pub reversals: Vec<Reversal>,
    /// The rows refused, in the file's order.
    pub refused: Vec<Refused>,
    /// Every site that a row names, also one whose rows were all refused.
    pub sites: BTreeSet<String>,
}

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The mapping is not one.
    #[error("the mapping is not valid: {0}")]
    Mapping(#[from] toml::de::Error),
    /// The file lacks columns.
    #[error(
        "the file has no column {0}; check that it is the kind of file that the mapping is for"
    )]
    Columns(String),
    /// The file is no CSV at all.
    #[error("the file cannot be read as CSV: {0}")]
    Csv(String),
}

impl Mapping {
    /// Reads a mapping.
    pub fn from_toml(text: &str) -> Result<Self, ImportError> {
        Ok(toml::from_str(text)?)
    }

    /// Reads a file by this mapping.
    pub fn read(&self, file: &[u8]) -> Result<Imported, ImportError> {
        let MappedKind::Reversal = self.kind;
        let mut reader = csv::ReaderBuilder::new().from_reader(file);
        let header = reader.headers().map_err(|error| ImportError::Csv(place(&error)))?.clone();
        let columns: BTreeMap<&str, usize> =
            header.iter().enumerate().map(|(at, name)| (name, at)).collect();
        let missing: Vec<&str> =
            self.columns().filter(|name| !columns.contains_key(name)).collect();
        if !missing.is_empty() {
            return Err(ImportError::Columns(missing.join(", ")));
        }
        let mut imported = Imported::default();
        let mut line = 2;
        for row in reader.into_byte_records() {
            imported.rows += 1;
            let read = match row {
                Ok(row) => {
                    line = row.position().map_or(line, csv::Position::line);
                    self.read_row(&columns, &row, &mut imported.sites)
                }
                Err(error) => {
                    line = error.position().map_or(line, csv::Position::line);
                    Err(refusal(
                        "unreadable",
                        "the row has another number of columns than the header",
                    ))
                }
            };
            match read {
                Ok(reversal) => imported.reversals.push(reversal),
                Err((reason, detail)) => imported.refused.push(Refused { line, reason, detail }),
            }
        }
        Ok(imported)
    }

    fn columns(&self) -> impl Iterator<Item = &str> {
        let only = self.only.iter().map(|only| only.column.as_str());
        let fields = self.fields.iter().map(|field| field.column.as_str());
        let sets = self.sets.iter().map(|set| set.column.as_str());
        [self.site.as_str(), &self.occurred_on].into_iter().chain(only).chain(fields).chain(sets)
    }

    fn read_row(
        &self,
        columns: &BTreeMap<&str, usize>,
        row: &csv::ByteRecord,
        sites: &mut BTreeSet<String>,
    ) -> Result<Reversal, (String, String)> {
        let cell = |column: &str| {
            let bytes = columns.get(column).and_then(|at| row.get(*at)).unwrap_or_default();
            let text = std::str::from_utf8(bytes);
            text.map_err(|_| refusal("not_utf8", &format!("column {column} is not UTF-8")))
        };
        let site = cell(&self.site)?;
        if !site.is_empty() {
            sites.insert(site.to_owned());
        }
        if let Some(only) = &self.only {
            let value = cell(&only.column)?;
            if let Some(reason) = only.refuse.get(value) {
                return Err(refusal(reason, &format!("column {}", only.column)));
            }
            if value != only.take {
                let allowed: Vec<&str> =
                    only.refuse.keys().chain([&only.take]).map(String::as_str).collect();
                let detail = format!("column {}: expected {}", only.column, allowed.join(" or "));
                return Err(refusal("unreadable", &detail));
            }
        }
        let date: CivilDate = cell(&self.occurred_on)?.parse().map_err(|error| {
            refusal("invalid", &format!("column {}: {error}", self.occurred_on))
        })?;
        let mut reversal = Reversal::new(site, date);
        reversal.administrations = vec![Administration::default()];
        reversal.utc_offset_min = self.utc_offset_min;
        for (field, value) in &self.constants {
            put(&mut reversal, field, value.clone());
        }
        for mapped in &self.fields {
            if let Some(value) = mapped.value(cell(&mapped.column)?) {
                put(&mut reversal, &mapped.field, value);
            }
        }
        for mapped in &self.sets {
            let codes = cell(&mapped.column)?.split(mapped.separator.as_str());
            let codes = codes.map(str::trim).filter(|code| !code.is_empty()).map(str::to_owned);
            match mapped.set.as_str() {
                "suspected_substances" => reversal.suspected_substances.extend(codes),
                "other_response" => reversal.other_response.extend(codes),
                set => return Err(refusal("invalid", &format!("the mapping names no set {set}"))),
            }
        }
        match reversal.operations() {
            Ok(_) => Ok(reversal),
            Err(invalid) => Err(refusal("invalid", &invalid.to_string())),
        }
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

fn put(reversal: &mut Reversal, field: &str, value: String) {
    match field {
        "report_basis" => reversal.report_basis = value,
        "reporter_role" => reversal.reporter_role = value,
        "place" => reversal.place = value,
        "ems_called" => reversal.ems_called = value,
        "outcome" => reversal.outcome = value,
        "occurred_time" => reversal.occurred_time = Some(value),
        _ => reversal.codes.push((field.to_owned(), value)),
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
        let mapping =
            Mapping::from_toml(include_str!("../data/odin.toml")).expect("our own mapping");
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
        assert_eq!((imported.rows, imported.reversals.len()), (8, 2));
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
        let kept = ("gender".to_owned(), "Two-spirit".to_owned());
        assert!(imported.reversals[1].codes.contains(&kept), "an unknown code is kept verbatim");
    }

    #[test]
    fn a_file_without_the_columns_is_refused_with_their_names() {
        let mapping =
            Mapping::from_toml(include_str!("../data/odin.toml")).expect("our own mapping");
        let error = mapping.read(b"county,survive\nElk,Y\n").expect_err("columns are missing");
        assert!(error.to_string().contains("incident_date"), "{error}");
        assert!(mapping.read(b"\xff\xfe\x00").is_err());
        assert!(Mapping::from_toml("kind = 7").is_err());
    }

    #[test]
    fn a_row_that_is_not_utf8_is_refused_alone() {
        let mapping =
            Mapping::from_toml(include_str!("../data/odin.toml")).expect("our own mapping");
        let mut file = HEADER.as_bytes().to_vec();
        file.extend(b"1,2018-01-04,00:42:00,M\xe9xico,1,Male,50 - 59,Y,NA,N,heroin\n");
        file.extend(b"2,2018-01-04,00:42:00,Elk,1,Male,50 - 59,Y,NA,N,heroin\n");
        let imported = mapping.read(&file).expect("the header is right");
        assert_eq!(
            (imported.reversals.len(), imported.refused[0].reason.as_str()),
            (1, "not_utf8")
        );
    }
}
