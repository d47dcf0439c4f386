//! How a kind of record is declared: its fields, the rules that no single field holds, and what it
//! adds to totals. `check` holds operations against it; projection, indicators, flags, columns and
//! documentation follow from it.
//!
//! Lists of codes are open: a code that this version does not know is kept, sent on and counted
//! verbatim. A field that it does not know is kept too. What is checked is the shape.

use super::indicator::{Derived, Indicator, Share};
use super::invalid::{Invalid, Wrong};
use super::rules::{Contradiction, Rule};
use super::stock::StockMove;
use super::{Answers, Value};

/// The longest code, in characters.
pub const CODE_CHARS_MAX: usize = 64;
/// The longest free text, in characters.
pub const TEXT_CHARS_MAX: usize = 500;
/// The longest value of a field that this version does not know, in bytes.
pub const UNKNOWN_BYTES_MAX: usize = 4_096;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One code of an open list; the known ones are named.
    Code(&'static [&'static str]),
    /// A set of codes, kept as one field `name.code` = true or false for each code.
    CodeSet(&'static [&'static str]),
    /// A number for each code, kept as one field `name.code` for each.
    Counts {
        /// The codes known.
        codes: &'static [&'static str],
        /// The smallest number.
        min: i64,
        /// The largest number.
        max: i64,
    },
    /// A civil date, `yyyy-mm-dd`.
    Date,
    /// A month, `yyyy-mm`.
    Month,
    /// A year, quarter or month: `yyyy`, `yyyy-Qn`, `yyyy-mm`.
    Period,
    /// A time of day, `hh:mm`.
    Time,
    /// A whole number within these bounds.
    Int {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// A whole number within these bounds, or the code `unknown`.
    IntOrUnknown {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// Where stock is: `site:CODE`, `device:ID` or `outside`.
    Holder,
    /// Free text, or the same sealed to the team.
    Text,
    /// Another record's id, 32 hexadecimal digits.
    Record,
    /// A list of elements with these fields.
    List(&'static [Field]),
}

/// Whether a record is complete without the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Must be there from the creation on, and cannot be taken back.
    Required,
    /// Must be there from the creation on where another field has one of these codes.
    RequiredIf {
        /// The other field.
        field: &'static str,
        /// Its codes.
        codes: &'static [&'static str],
    },
    /// May be absent: "not asked". A programme's code pack may ask for it.
    Optional,
}

/// One field of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in the data dictionary, the log, the projection and the exports.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Whether a record is complete without it.
    pub need: Need,
    /// The schema version that brought it. Entries written by an older version may hold a field of
    /// this name that is not this one: it is kept and not checked.
    pub since: u64,
    /// What it says, in English, with its sources in brackets.
    pub about: &'static str,
}

impl Field {
    /// The same field, required where another has one of these codes.
    pub const fn required_if(self, field: &'static str, codes: &'static [&'static str]) -> Field {
        Field { need: Need::RequiredIf { field, codes }, ..self }
    }

    /// The same field, brought by this schema version.
    pub const fn since(self, version: u64) -> Field {
        Field { since: version, ..self }
    }

    /// The codes known, of a coded field.
    pub fn codes(&self) -> &'static [&'static str] {
        match self.shape {
            Shape::Code(codes) | Shape::CodeSet(codes) | Shape::Counts { codes, .. } => codes,
            Shape::IntOrUnknown { .. } => &["unknown"],
            _ => &[],
        }
    }

    /// Whether the field holds several answers: by code, or in a list.
    pub fn is_many(&self) -> bool {
        self.is_by_code() || matches!(self.shape, Shape::List(_))
    }

    /// Whether the field is kept as one field `name.code` for each code.
    pub fn is_by_code(&self) -> bool {
        matches!(self.shape, Shape::CodeSet(_) | Shape::Counts { .. })
    }
}

/// A required field.
pub const fn required(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, need: Need::Required, since: 1, about }
}

/// An optional field.
pub const fn optional(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, need: Need::Optional, since: 1, about }
}

/// What a worker may do with records of a kind; a coordinator may do all in the team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerMay {
    /// Create records, and change its own.
    ItsOwn,
    /// The same, and append elements of its own to this list of any record of the team.
    ItsOwnAndAppend(&'static str),
    /// Only records of its own in which this field has one of these codes.
    ItsOwnWhere(&'static str, &'static [&'static str]),
    /// Nothing.
    Nothing,
}

/// A kind of record, declared once.
#[derive(Debug)]
pub struct Declaration {
    /// The kind's name in the data dictionary, on the command line and in exports.
    pub name: &'static str,
    /// Its number in an entry's header, from 16. A number once given is never given again.
    pub number: u8,
    /// What it is, in English.
    pub about: &'static str,
    /// Its fields beside the envelope's.
    pub fields: &'static [Field],
    /// The rules that no single field holds.
    pub rules: &'static [Rule],
    /// What a worker may do.
    pub worker_may: WorkerMay,
    /// What totals count of it.
    pub indicators: &'static [Indicator],
    /// What is shown of indicators as a share of others.
    pub shares: &'static [Share],
    /// The fields that two people who record one event would answer alike; `None` where records of one
    /// day and site are commonly alike and say nothing of each other.
    pub same_event: Option<&'static [&'static str]>,
    /// Codes that follow from a record's other answers.
    pub derived: &'static [Derived],
    /// Answers that cannot both be true.
    pub contradictions: &'static [Contradiction],
    /// How a record moves stock.
    pub stock: Option<fn(&Answers) -> Vec<StockMove>>,
}

/// The reasons for a void (data dictionary, rules for every record).
pub const VOID: &[&str] =
    &["duplicate", "wrong_person", "wrong_team", "test", "entered_in_error", "undone"];

/// The fields that every kind has (data dictionary, envelope).
pub const ENVELOPE: &[Field] = &[
    required("site", Shape::Code(&[]), "the site that it is counted for, by the code pack's list"),
    required("occurred_on", Shape::Date, "the local civil date on which it happened"),
    optional("occurred_time", Shape::Time, "the local time of day"),
    required(
        "utc_offset_min",
        Shape::Int { min: -1_080, max: 1_080 },
        "how many minutes local time was ahead of UTC",
    ),
    optional(
        "client_code",
        Shape::Text,
        "a code made on the device from answers that it forgets; off by default; sealed to the team, \
         never exported",
    ),
    optional("void", Shape::Code(VOID), "why the record counts nowhere"),
    optional("duplicate_of", Shape::Record, "another record of the same event"),
    optional("note", Shape::Text, "free text, sealed to the team, never exported"),
    optional(
        "import_key",
        Shape::Code(&[]),
        "what tells a row of an imported file from all others, so that it is imported once",
    ),
];

/// Names that come from the creating entry, so that no operation can touch them.
pub const FROM_CREATION: &[&str] =
    &["id", "kind", "team", "author", "recorded_at", "schema_version"];

/// What a shape allows, in words.
pub fn expected(shape: Shape) -> String {
    match shape {
        Shape::Code([]) => {
            format!("a code of 1 to {CODE_CHARS_MAX} characters")
        }
        Shape::Code(codes) => format!(
            "a code of 1 to {CODE_CHARS_MAX} characters, such as {}",
            codes.iter().take(12).copied().collect::<Vec<_>>().join(", ")
        ),
        Shape::CodeSet(_) => "true or false for each code".to_owned(),
        Shape::Counts { min, max, .. } => {
            format!("a whole number from {min} to {max} for each code")
        }
        Shape::Date => "a date of the calendar as yyyy-mm-dd".to_owned(),
        Shape::Month => "a month as yyyy-mm".to_owned(),
        Shape::Period => "a year, quarter or month as yyyy, yyyy-Qn or yyyy-mm".to_owned(),
        Shape::Time => "a time of day as hh:mm".to_owned(),
        Shape::Int { min, max } => format!("a whole number from {min} to {max}"),
        Shape::IntOrUnknown { min, max } => {
            format!("a whole number from {min} to {max}, or unknown")
        }
        Shape::Holder => "site:CODE, device:ID (64 hexadecimal digits) or outside".to_owned(),
        Shape::Text => format!("text of at most {TEXT_CHARS_MAX} characters"),
        Shape::Record => "a record's id, 32 hexadecimal digits".to_owned(),
        Shape::List(_) => "elements added one by one".to_owned(),
    }
}

/// The value that a text says for a field of this shape, as flags and cells have it.
pub fn parse(name: &str, shape: Shape, text: &str) -> Result<Value, Invalid> {
    let wrong = || Invalid::shape(name, shape);
    let number = || text.parse::<i64>().map(Value::Int).map_err(|_| wrong());
    match shape {
        Shape::Int { .. } | Shape::Counts { .. } => number(),
        Shape::IntOrUnknown { .. } if text == "unknown" => Ok(text.into()),
        Shape::IntOrUnknown { .. } => number(),
        Shape::CodeSet(_) => match text {
            "true" | "yes" => Ok(true.into()),
            "false" | "no" => Ok(false.into()),
            _ => Err(wrong()),
        },
        Shape::List(_) => Err(Invalid::new(name, Wrong::IsAList, expected(shape))),
        _ => Ok(text.into()),
    }
}
