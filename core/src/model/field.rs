//! What a field is: its name, what it holds, whether a record is complete without it.
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
    optional(
        "distinct",
        Shape::CodeSet(&[]),
        "records that look like this one and are of other events, by their ids: shown as duplicates no more",
    ),
    optional(
        "through",
        Shape::Date,
        "the last day of a span that the record stands for, as of a vending machine or a partner's month: \
         from occurred_on to it, within a year, counted on it",
    ),
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
        Shape::Period => {
            "a year, fiscal year, quarter or month as yyyy, yyyy/yy, yyyy-Qn or yyyy-mm".to_owned()
        }
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

/// Whether text can be a code: 1 to 64 characters, none of them a control character, no space at
/// either end. Which codes exist is left open.
pub fn is_code(code: &str) -> bool {
    let length = code.chars().count();
    (1..=CODE_CHARS_MAX).contains(&length)
        && code.trim() == code
        && !code.chars().any(char::is_control)
}
