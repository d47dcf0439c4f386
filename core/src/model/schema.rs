//! What fields are: their shapes, which are needed, and those that every kind has. `check` holds
//! them against operations.
//!
//! Lists of codes are open: a code that this version does not know is kept, sent on and counted
//! verbatim. A field that it does not know is kept too. What is checked is the shape.

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
    /// A civil date, `yyyy-mm-dd`.
    Date,
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
    /// May be absent: "not asked".
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
}

/// A required field.
pub const fn required(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, need: Need::Required }
}

/// An optional field.
pub const fn optional(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, need: Need::Optional }
}

/// The reasons for a void (data dictionary, rules for every record).
pub const VOID: &[&str] =
    &["duplicate", "wrong_person", "wrong_team", "test", "entered_in_error", "undone"];

/// The fields that every kind has (data dictionary, envelope).
pub const ENVELOPE: &[Field] = &[
    required("site", Shape::Code(&[])),
    required("occurred_on", Shape::Date),
    optional("occurred_time", Shape::Time),
    required("utc_offset_min", Shape::Int { min: -1_080, max: 1_080 }),
    optional("client_code", Shape::Text),
    optional("void", Shape::Code(VOID)),
    optional("duplicate_of", Shape::Record),
    optional("note", Shape::Text),
];

/// Names that come from the creating entry, so that no operation can touch them.
pub const FROM_CREATION: &[&str] =
    &["id", "kind", "team", "author", "recorded_at", "schema_version"];

/// A field that does not hold what its kind allows. Never carries the value itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Invalid {
    /// The field, as in the data dictionary; list elements as `list.field`.
    pub field: String,
    /// What is wrong, and what is allowed.
    pub reason: String,
}

impl Invalid {
    /// A field and what is wrong with it.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Invalid { field: field.into(), reason: reason.into() }
    }
}

/// What a shape allows, in words.
pub fn expected(shape: Shape) -> String {
    match shape {
        Shape::Code(_) => format!("a code of 1 to {CODE_CHARS_MAX} characters"),
        Shape::CodeSet(_) => "true or false for each code".to_owned(),
        Shape::Date => "a date of the calendar as yyyy-mm-dd".to_owned(),
        Shape::Time => "a time of day as hh:mm".to_owned(),
        Shape::Int { min, max } => format!("a whole number from {min} to {max}"),
        Shape::IntOrUnknown { min, max } => {
            format!("a whole number from {min} to {max}, or unknown")
        }
        Shape::Text => format!("text of at most {TEXT_CHARS_MAX} characters"),
        Shape::Record => "a record's id, 32 hexadecimal digits".to_owned(),
        Shape::List(_) => "elements added one by one".to_owned(),
    }
}
