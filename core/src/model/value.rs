//! A field's value: always one plain scalar.

use std::fmt;

/// One value of one field. `Null` takes an answer back to "not asked".
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Not asked, or taken back.
    Null,
    /// An answer of a set of codes: ticked or not.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A code, a date, a time or free text.
    Text(String),
    /// Sealed bytes that only the team can open.
    Bytes(Vec<u8>),
}

impl Value {
    /// The text, where the value is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, where the value is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether the value says nothing.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Int(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Value::Bool(flag)
    }
}

/// Shows the value's type only: contents never reach a log by accident.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Value::Null => "Null",
            Value::Bool(_) => "Bool(…)",
            Value::Int(_) => "Int(…)",
            Value::Text(_) => "Text(…)",
            Value::Bytes(_) => "Bytes(…)",
        })
    }
}

/// The value as people read it; for screens and exports, never for logs.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("—"),
            Value::Bool(true) => f.write_str("yes"),
            Value::Bool(false) => f.write_str("no"),
            Value::Int(number) => write!(f, "{number}"),
            Value::Text(text) => f.write_str(text),
            Value::Bytes(bytes) => write!(f, "{} sealed bytes", bytes.len()),
        }
    }
}
