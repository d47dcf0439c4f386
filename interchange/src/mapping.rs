//! Rows of a file become records by a mapping that is data (TOML). A row that cannot be read is
//! refused with its line and reason, and stops no other.

use crate::dates::{Order, is_date_form, is_time_form};
use crate::numbers::NumberForm;
use crate::table::NotATable;
use crate::zones::zone_named;
use kitbag_core::model::field::{Field, Shape};
use kitbag_core::model::{Invalid, Kind};
use serde::Deserialize;
use std::collections::BTreeMap;

/// How the columns of one kind of file become the fields of a record.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What the files are, and where they come from.
    pub source: String,
    /// The kind of record.
    pub(crate) kind: String,
    /// The columns (or constants) that tell an event from all others: rows that are equal in them are one record.
    #[serde(default)]
    pub(crate) id: Vec<String>,
    /// The order of its dates: `dmy`, `mdy` or `ymd`.
    dates: Option<String>,
    /// How its numbers are written, as an example: `1,200.5` or `1.200,5`.
    numbers: Option<String>,
    /// Its encoding, where it cannot be found out.
    pub(crate) encoding: Option<String>,
    /// The sheet of a workbook, by its name or its number from 1.
    pub(crate) sheet: Option<String>,
    /// The zone of its dates and times, as the IANA's database names it: what local time was ahead of UTC is that of each
    /// row's day.
    pub(crate) zone: Option<String>,
    /// Which rows are records at all: all of these conditions.
    #[serde(default)]
    pub(crate) only: Several<Only>,
    /// Fields that the file does not hold, with the value that all rows get.
    #[serde(default)]
    pub(crate) constants: BTreeMap<String, String>,
    /// Whether a required field without an answer is answered with `unknown`.
    #[serde(default)]
    pub(crate) unknowns: bool,
    #[serde(default, rename = "field")]
    pub(crate) fields: Vec<MappedField>,
    #[serde(default, rename = "set")]
    pub(crate) sets: Vec<MappedSet>,
    #[serde(default, rename = "list")]
    pub(crate) lists: Vec<MappedList>,
    /// How people are told what is wrong with an answer.
    #[serde(skip)]
    tell: Option<fn(&Invalid) -> String>,
}

/// One, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Several<T> {
    One(T),
    All(Vec<T>),
}

impl<T> Default for Several<T> {
    fn default() -> Self {
        Several::All(Vec::new())
    }
}

impl<T> Several<T> {
    pub(crate) fn all(&self) -> &[T] {
        match self {
            Several::One(one) => std::slice::from_ref(one),
            Several::All(all) => all,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Only {
    pub(crate) column: String,
    /// The words of rows that are taken.
    #[serde(default)]
    pub(crate) take: Several<String>,
    /// The words of rows that are not.
    #[serde(default)]
    pub(crate) not: Several<String>,
    /// For other words the reason of the refusal.
    #[serde(default)]
    pub(crate) refuse: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappedField {
    pub(crate) field: String,
    pub(crate) column: String,
    /// Codes by the file's words.
    #[serde(default)]
    pub(crate) codes: BTreeMap<String, String>,
    /// Words that mean "not asked", beside the empty one.
    #[serde(default)]
    pub(crate) not_asked: Vec<String>,
    pub(crate) keep_characters: Option<usize>,
    /// How the column's dates are written: `MM/DD/YYYY`, `serial`, `epoch` …
    pub(crate) date: Option<String>,
    /// How its times are written: `hh:mm:ss AM`, `hh:mm`, `serial`, `epoch` …; without, all that are times of day are read.
    pub(crate) time: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappedSet {
    pub(crate) set: String,
    pub(crate) column: String,
    pub(crate) separator: String,
    #[serde(default)]
    pub(crate) codes: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) not_asked: Vec<String>,
}

/// The elements of a list, of the rows of one record.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappedList {
    pub(crate) list: String,
    /// The columns that tell an element from the others of its record; without them, all that is mapped.
    #[serde(default)]
    pub(crate) id: Vec<String>,
    #[serde(default)]
    pub(crate) constants: BTreeMap<String, String>,
    #[serde(default, rename = "field")]
    pub(crate) fields: Vec<MappedField>,
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
    /// A constant is a code of no list.
    #[error(
        "a constant of the mapping is in no list of {0}: mend the mapping, or import with --keep-unknown-codes"
    )]
    Code(String),
    /// The file lacks columns.
    #[error(
        "the file has no column {0}; check that it is the kind of file that the mapping is for"
    )]
    Columns(String),
    /// Which of two columns of one name is meant, nobody can tell.
    #[error("the file has the column {0} twice; take one of them out")]
    Twice(String),
    /// Dates that could be two.
    #[error(
        "the dates of column {column} may have the day first or the month first, and nothing in the file says which: that of \
         row {row} is {day_first} or {month_first}; say --dates dmy for the one, or --dates mdy for the other"
    )]
    Dates {
        /// The column.
        column: String,
        /// The first row that could be two, as a person counts it.
        row: u64,
        /// That row's date with the day first, as `yyyy-mm-dd`.
        day_first: String,
        /// With the month first.
        month_first: String,
    },
    /// Dates of two orders.
    #[error(
        "some dates of column {0} have the day first and others the month: say --dates dmy or --dates mdy, and those of the \
         other order are refused, to be mended"
    )]
    MixedDates(String),
    /// The file is no table at all.
    #[error("{0}")]
    Table(#[from] NotATable),
}

/// The field of a name: of a set or of numbers by code also `field.code`.
pub(crate) fn declared(kind: Kind, name: &str) -> Option<&'static Field> {
    let by_code = || kind.field(name.split_once('.')?.0).filter(|field| field.is_by_code());
    kind.field(name).or_else(by_code)
}

impl MappedField {
    /// The field of a column of its name.
    pub(crate) fn of(name: String) -> Self {
        MappedField {
            column: name.clone(),
            field: name,
            codes: BTreeMap::new(),
            not_asked: Vec::new(),
            keep_characters: None,
            date: None,
            time: None,
        }
    }
}

impl Mapping {
    /// Reads a mapping, and holds its names against the declarations.
    pub fn from_toml(text: &str) -> Result<Self, ImportError> {
        let mapping: Mapping = toml::from_str(text)?;
        let kind = mapping.kind()?;
        let no_field =
            |name: &str| ImportError::Names(format!("field of a {}: {name}", kind.name()));
        let names = mapping.fields.iter().map(|field| &field.field);
        let names = names.chain(mapping.sets.iter().map(|set| &set.set));
        for name in names.chain(mapping.constants.keys()) {
            declared(kind, name).ok_or_else(|| no_field(name))?;
        }
        for list in &mapping.lists {
            let Some(Shape::List(fields)) = kind.field(&list.list).map(|field| field.shape) else {
                return Err(ImportError::Names(format!(
                    "list of a {}: {}",
                    kind.name(),
                    list.list
                )));
            };
            let names = list.fields.iter().map(|field| &field.field).chain(list.constants.keys());
            for name in names {
                let is_known = fields.iter().any(|field| field.name == name);
                is_known.then_some(()).ok_or_else(|| no_field(&format!("{}.{name}", list.list)))?;
            }
        }
        let inner = mapping.lists.iter().flat_map(|list| &list.fields);
        for form in mapping.fields.iter().chain(inner).filter_map(|field| field.date.as_ref()) {
            if !is_date_form(form) {
                return Err(ImportError::Names(format!("form of dates: {form}")));
            }
        }
        let inner = mapping.lists.iter().flat_map(|list| &list.fields);
        for form in mapping.fields.iter().chain(inner).filter_map(|field| field.time.as_ref()) {
            if !is_time_form(form) {
                return Err(ImportError::Names(format!("form of times: {form}")));
            }
        }
        if let Some(name) = mapping.dates.as_ref().filter(|name| Order::of_name(name).is_none()) {
            return Err(ImportError::Names(format!("order of dates: {name}")));
        }
        if let Some(name) = mapping.zone.as_ref().filter(|name| zone_named(name).is_none()) {
            return Err(ImportError::Names(format!("zone: {name}")));
        }
        let of_numbers = |name: &&String| NumberForm::of_example(name).is_none();
        if let Some(name) = mapping.numbers.as_ref().filter(of_numbers) {
            return Err(ImportError::Names(format!("form of numbers: {name}")));
        }
        Ok(mapping)
    }

    /// The mapping of a file that has a column for each field, as exports have.
    pub fn of_fields(kind: Kind, columns: &[&str]) -> Self {
        let mut fields = Vec::new();
        let mut sets = Vec::new();
        for field in kind.fields().filter(|field| columns.contains(&field.name)) {
            let name = field.name.to_owned();
            match field.shape {
                Shape::CodeSet(_) | Shape::Counts { .. } => sets.push(MappedSet {
                    column: name.clone(),
                    set: name,
                    separator: ";".to_owned(),
                    codes: BTreeMap::new(),
                    not_asked: Vec::new(),
                }),
                _ => fields.push(MappedField::of(name)),
            }
        }
        Mapping {
            source: "a file with a column for each field".to_owned(),
            kind: kind.name().to_owned(),
            id: Vec::new(),
            dates: None,
            numbers: None,
            encoding: None,
            sheet: None,
            zone: None,
            only: Several::default(),
            constants: BTreeMap::new(),
            unknowns: false,
            fields,
            sets,
            lists: Vec::new(),
            tell: None,
        }
    }

    /// The codes that it gives to every row or element, with the fields that they are of.
    pub(crate) fn coded(&self) -> impl Iterator<Item = (&'static Field, &str)> {
        let kind = Kind::from_name(&self.kind);
        let own =
            self.constants.iter().filter_map(move |(name, word)| Some((kind?.field(name)?, word)));
        let inner = self.lists.iter().flat_map(move |list| {
            let fields = match kind.and_then(|kind| kind.field(&list.list)).map(|list| list.shape) {
                Some(Shape::List(fields)) => fields,
                _ => &[],
            };
            let named = |name: &str| fields.iter().find(|field| field.name == name);
            list.constants.iter().filter_map(move |(name, word)| Some((named(name)?, word)))
        });
        let all = own.chain(inner).filter(|(field, _)| matches!(field.shape, Shape::Code(_)));
        all.map(|(field, word)| (field, word.as_str()))
    }

    /// The same mapping, with a list's fields in columns of their names.
    pub(crate) fn with_list<'n>(
        mut self,
        list: &str,
        names: impl Iterator<Item = &'n str>,
    ) -> Self {
        self.lists.push(MappedList {
            list: list.to_owned(),
            id: Vec::new(),
            constants: BTreeMap::new(),
            fields: names.map(|name| MappedField::of(name.to_owned())).collect(),
        });
        self
    }

    /// The same mapping, which tells people so what is wrong with an answer.
    pub fn telling(self, tell: fn(&Invalid) -> String) -> Self {
        Mapping { tell: Some(tell), ..self }
    }

    pub(crate) fn told(&self, invalid: &Invalid) -> String {
        self.tell.map_or_else(|| invalid.to_string(), |tell| tell(invalid))
    }

    /// The kind of record that rows become.
    pub fn kind(&self) -> Result<Kind, ImportError> {
        let kind = Kind::from_name(&self.kind);
        kind.ok_or_else(|| ImportError::Names(format!("kind: {}", self.kind)))
    }

    /// The encoding that it says its files are in.
    pub fn encoding(&self) -> Option<&str> {
        self.encoding.as_deref()
    }

    /// The sheet that it says is meant.
    pub fn sheet(&self) -> Option<&str> {
        self.sheet.as_deref()
    }

    pub(crate) fn order(&self) -> Option<Order> {
        self.dates.as_deref().and_then(Order::of_name)
    }

    pub(crate) fn numbers(&self) -> Option<NumberForm> {
        self.numbers.as_deref().and_then(NumberForm::of_example)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Imported;

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
    fn a_row_in_another_encoding_than_the_file_is_refused_alone() {
        let mapping = Mapping::from_toml(crate::ODIN_MAPPING).expect("our own mapping");
        let mut file = HEADER.as_bytes().to_vec();
        file.extend("3,2018-01-04,00:42:00,Québec,1,Male,50 - 59,Y,NA,N,heroin\n".as_bytes());
        file.extend(b"1,2018-01-04,00:42:00,M\xe9xico,1,Male,50 - 59,Y,NA,N,heroin\n");
        file.extend(b"2,2018-01-04,00:42:00,Elk,1,Male,50 - 59,Y,NA,N,heroin\n");
        let imported = mapping.read(&file).expect("the header is right");
        assert_eq!((imported.taken.len(), imported.refused[0].reason.as_str()), (2, "not_utf8"));
    }
}
