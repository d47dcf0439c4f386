//! How a kind of record is declared: its fields, the rules that no single field holds, and what it
//! adds to totals. `check` holds operations against it; projection, indicators, flags, columns and
//! documentation follow from it.
//!
//! Lists of codes are open: a code that this version does not know is kept, sent on and counted
//! verbatim. A field that it does not know is kept too. What is checked is the shape.

use super::contradiction::Contradiction;
use super::indicator::{Derived, Indicator, Share};
use super::stock::StockMove;
use super::{Answers, Operation, Value};

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

/// A rule over several fields, held when a record is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The list has an element, or the other field says why not.
    OneElement {
        /// The list.
        list: &'static str,
        /// The field that may stand for it.
        or: Option<&'static str>,
    },
    /// At least one of these numbers is above 0.
    OneAbove0(&'static [&'static str]),
    /// The two fields differ.
    Differ(&'static str, &'static str),
    /// The number is above 0, but where another field has this code.
    AboveZeroUnless {
        /// The number.
        number: &'static str,
        /// The other field.
        field: &'static str,
        /// Its code.
        code: &'static str,
    },
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

/// What is wrong with a field, as a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// It is required and absent, or taken back.
    Required,
    /// It does not hold what its shape allows.
    Shape,
    /// It comes from the creating entry.
    FromCreation,
    /// This version knows no such field.
    UnknownField,
    /// It is a list: elements are added one by one, and never replaced.
    IsAList,
    /// It is no list.
    NotAList,
    /// It is a set of codes or numbers by code: each code is a field of its own.
    ByCode,
    /// At least one of several is needed.
    OneOf,
    /// It must differ from another field.
    Differ,
    /// It must be above 0.
    AboveZero,
    /// It is of a newer version.
    Newer,
    /// There are more than may be.
    TooMany,
    /// It cannot be said beside another answer.
    Contradicts,
    /// It is above another answer, and cannot be.
    AtMost,
    /// It lies more than ten years from another date.
    FarApart,
    /// It names what there is not.
    NoSuch,
    /// It is answered twice, and not alike.
    Twice,
}

impl Wrong {
    /// All of them.
    pub const ALL: [Wrong; 17] = [
        Wrong::Required,
        Wrong::Shape,
        Wrong::FromCreation,
        Wrong::UnknownField,
        Wrong::IsAList,
        Wrong::NotAList,
        Wrong::ByCode,
        Wrong::OneOf,
        Wrong::Differ,
        Wrong::AboveZero,
        Wrong::Newer,
        Wrong::TooMany,
        Wrong::Contradicts,
        Wrong::AtMost,
        Wrong::FarApart,
        Wrong::NoSuch,
        Wrong::Twice,
    ];

    /// The code, as exports, JSON and the files of words have it.
    pub fn code(self) -> &'static str {
        match self {
            Wrong::Required => "required",
            Wrong::Shape => "shape",
            Wrong::FromCreation => "from_creation",
            Wrong::UnknownField => "unknown_field",
            Wrong::IsAList => "is_a_list",
            Wrong::NotAList => "not_a_list",
            Wrong::ByCode => "by_code",
            Wrong::OneOf => "one_of",
            Wrong::Differ => "differ",
            Wrong::AboveZero => "above_zero",
            Wrong::Newer => "newer",
            Wrong::TooMany => "too_many",
            Wrong::Contradicts => "contradicts",
            Wrong::AtMost => "at_most",
            Wrong::FarApart => "far_apart",
            Wrong::NoSuch => "no_such",
            Wrong::Twice => "twice",
        }
    }
}

/// A field that does not hold what its kind allows. Never carries the value itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {} ({expected})", wrong.code())]
pub struct Invalid {
    /// The field, as in the data dictionary; list elements as `list.field`.
    pub field: String,
    /// What is wrong.
    pub wrong: Wrong,
    /// What is allowed, for developers; people read the files of words.
    pub expected: String,
    /// The shape that is allowed, where it is one field's.
    pub allowed: Option<Shape>,
    /// The other field, where it takes two to be wrong.
    pub other: Option<&'static str>,
}

impl Invalid {
    /// A field, what is wrong with it and what is allowed.
    pub fn new(field: impl Into<String>, wrong: Wrong, expected: impl Into<String>) -> Self {
        Invalid {
            field: field.into(),
            wrong,
            expected: expected.into(),
            allowed: None,
            other: None,
        }
    }

    /// A field that does not go with another.
    pub fn beside(field: impl Into<String>, wrong: Wrong, other: &'static str) -> Self {
        let expected = match wrong {
            Wrong::AtMost => format!("expected at most {other}"),
            Wrong::FarApart => format!("expected a date within ten years of {other}"),
            Wrong::Differ => format!("expected another than {other}"),
            _ => format!("expected not to be said beside {other} as that is answered"),
        };
        Invalid { other: Some(other), ..Invalid::new(field, wrong, expected) }
    }

    /// A required field that is absent.
    pub fn required(field: impl Into<String>, shape: Shape) -> Self {
        let expected = format!("expected {}", expected(shape));
        Invalid { allowed: Some(shape), ..Invalid::new(field, Wrong::Required, expected) }
    }

    /// A field that does not hold what its shape allows.
    pub fn shape(field: impl Into<String>, shape: Shape) -> Self {
        let expected = format!("expected {}", expected(shape));
        Invalid { allowed: Some(shape), ..Invalid::new(field, Wrong::Shape, expected) }
    }
}

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

/// Whether the operations of a creation hold a rule.
pub(super) fn hold(rule: Rule, operations: &[Operation]) -> Result<(), Invalid> {
    let put = |name: &str| {
        operations.iter().rev().find_map(|operation| match operation {
            Operation::Put { field, value } if field == name => Some(value),
            _ => None,
        })
    };
    let number = |name: &str| put(name).and_then(Value::as_int).unwrap_or(0);
    match rule {
        Rule::OneElement { list, or } => {
            let added = operations
                .iter()
                .any(|operation| matches!(operation, Operation::Append { list: name, .. } if name == list));
            let said = or.and_then(put).is_some_and(|value| !value.is_null());
            let expected = match or {
                Some(or) => format!("expected one element or more, or {or}"),
                None => "expected one element or more".to_owned(),
            };
            (added || said).then_some(()).ok_or(Invalid::new(list, Wrong::OneOf, expected))
        }
        Rule::OneAbove0(names) => {
            let expected = || format!("expected one above 0 of {}", names.join(", "));
            let first = names.first().copied().unwrap_or_default();
            (names.iter().any(|name| number(name) > 0))
                .then_some(())
                .ok_or_else(|| Invalid::new(first, Wrong::OneOf, expected()))
        }
        Rule::Differ(one, other) => match put(one) == put(other) {
            true => Err(Invalid::beside(one, Wrong::Differ, other)),
            false => Ok(()),
        },
        Rule::AboveZeroUnless { number: name, field, code } => {
            let is_exempt = put(field).and_then(Value::as_text) == Some(code);
            let expected = || format!("expected a number above 0, but for {field} {code}");
            let holds = if is_exempt { number(name) != 0 } else { number(name) > 0 };
            holds.then_some(()).ok_or_else(|| Invalid::new(name, Wrong::AboveZero, expected()))
        }
    }
}
