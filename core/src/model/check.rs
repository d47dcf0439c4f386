//! Holds operations against the declarations: where a record is written, and where it arrives.

use super::operation::Operation;
use super::schema::{
    CODE_CHARS_MAX, FROM_CREATION, Field, Invalid, Need, Shape, TEXT_CHARS_MAX, UNKNOWN_BYTES_MAX,
    expected,
};
use super::{CivilDate, Kind, RecordId, Value};

/// What the schema makes of an entry's operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// This version cannot judge them: written by a newer one.
    Newer,
    /// They break a rule.
    Invalid(Invalid),
}

impl Fault {
    /// The fault as a field and a reason, for whoever wrote the operations here.
    pub fn into_invalid(self) -> Invalid {
        match self {
            Fault::Invalid(invalid) => invalid,
            Fault::Newer => Invalid::new("schema_version", "is newer than this version of Kitbag"),
        }
    }
}

impl From<Invalid> for Fault {
    fn from(invalid: Invalid) -> Self {
        Fault::Invalid(invalid)
    }
}

/// Checks the operations of an entry that creates a record.
pub fn check_creation(kind: Kind, version: u64, operations: &[Operation]) -> Result<(), Fault> {
    check_change(kind, version, operations)?;
    for field in kind.fields().filter(|field| field.need == Need::Required) {
        let given = operations.iter().rev().find_map(|operation| match operation {
            Operation::Put { field: name, value } if name == field.name => Some(value),
            _ => None,
        });
        if given.is_none_or(Value::is_null) {
            return Err(Invalid::new(field.name, "is required").into());
        }
    }
    if operations.iter().any(|operation| matches!(operation, Operation::PutIn { .. })) {
        return Err(Invalid::new("operations", "a creation has no element to put in yet").into());
    }
    kind.check_creation(operations).map_err(Fault::Invalid)
}

/// Checks the operations of an entry that changes a record.
pub fn check_change(kind: Kind, version: u64, operations: &[Operation]) -> Result<(), Fault> {
    if version == 0 {
        return Err(Invalid::new("schema_version", "starts at 1").into());
    }
    if version > kind.schema_version() {
        return Err(Fault::Newer);
    }
    operations.iter().try_for_each(|operation| match operation {
        Operation::Put { field, value } => check_put(kind, field, value),
        Operation::Append { list, element } => {
            let fields = list_fields(kind, list)?;
            for field in fields.iter().filter(|field| field.need == Need::Required) {
                let given = element.iter().find(|(name, _)| name == field.name);
                if given.is_none_or(|(_, value)| value.is_null()) {
                    let name = format!("{list}.{}", field.name);
                    return Err(Invalid::new(name, "is required").into());
                }
            }
            element
                .iter()
                .try_for_each(|(name, value)| check_in(list, fields, name, value))
                .map_err(Fault::Invalid)
        }
        Operation::PutIn { list, field, value, .. } => {
            check_in(list, list_fields(kind, list)?, field, value).map_err(Fault::Invalid)
        }
    })
}

/// The declaration that a field name falls under: its own, or its set's.
pub fn declared(kind: Kind, name: &str) -> Option<&'static Field> {
    kind.fields().find(|field| match field.shape {
        Shape::CodeSet(_) => {
            name.strip_prefix(field.name).is_some_and(|rest| rest.starts_with('.'))
        }
        _ => field.name == name,
    })
}

fn check_put(kind: Kind, name: &str, value: &Value) -> Result<(), Fault> {
    if FROM_CREATION.contains(&name) {
        return Err(
            Invalid::new(name, "comes from the creating entry and cannot be written").into()
        );
    }
    let set =
        kind.fields().any(|field| field.name == name && matches!(field.shape, Shape::CodeSet(_)));
    if set {
        return Err(Invalid::new(name, format!("is a set of codes: write {name}.CODE")).into());
    }
    match declared(kind, name) {
        Some(field) => check_field(name, field, value).map_err(Fault::Invalid),
        None => check_unknown(name, value).map_err(Fault::Invalid),
    }
}

fn list_fields(kind: Kind, list: &str) -> Result<&'static [Field], Fault> {
    match declared(kind, list).map(|field| field.shape) {
        Some(Shape::List(fields)) => Ok(fields),
        Some(_) => Err(Invalid::new(list, "is not a list").into()),
        None => Err(Fault::Newer),
    }
}

fn check_in(list: &str, fields: &[Field], name: &str, value: &Value) -> Result<(), Invalid> {
    let full = format!("{list}.{name}");
    match fields.iter().find(|field| field.name == name) {
        Some(field) => check_field(&full, field, value),
        None => check_unknown(&full, value),
    }
}

fn check_field(name: &str, field: &Field, value: &Value) -> Result<(), Invalid> {
    if value.is_null() {
        return match (field.need, field.shape) {
            (_, Shape::List(_)) => Err(Invalid::new(name, "is a list and is never replaced")),
            (Need::Required, _) => Err(Invalid::new(name, "is required and cannot be taken back")),
            (Need::Optional, _) => Ok(()),
        };
    }
    let fits = match (field.shape, value) {
        (Shape::Code(_), Value::Text(code)) => is_code(code),
        (Shape::CodeSet(_), Value::Bool(_)) => {
            return match name.split_once('.') {
                Some((_, code)) if is_code(code) => Ok(()),
                _ => Err(Invalid::new(field.name, "expected a code of 1 to 64 characters")),
            };
        }
        (Shape::Date, Value::Text(date)) => date.parse::<CivilDate>().is_ok(),
        (Shape::Time, Value::Text(time)) => is_time(time),
        (Shape::Int { min, max }, Value::Int(number)) => (min..=max).contains(number),
        (Shape::IntOrUnknown { min, max }, Value::Int(number)) => (min..=max).contains(number),
        (Shape::IntOrUnknown { .. }, Value::Text(code)) => code == "unknown",
        (Shape::Text, Value::Text(text)) => text.chars().count() <= TEXT_CHARS_MAX,
        (Shape::Text, Value::Bytes(sealed)) => sealed.len() <= UNKNOWN_BYTES_MAX,
        (Shape::Record, Value::Text(id)) => id.parse::<RecordId>().is_ok(),
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(Invalid::new(name, format!("expected {}", expected(field.shape))))
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

fn is_time(time: &str) -> bool {
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    match time.split_once(':') {
        Some((hour, minute)) => digits(hour) && digits(minute) && hour < "24" && minute < "60",
        None => false,
    }
}

/// A field of a newer version: any scalar of bounded size under a name that could be a field's.
fn check_unknown(name: &str, value: &Value) -> Result<(), Invalid> {
    let named =
        name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.chars().any(char::is_control);
    if !named {
        return Err(Invalid::new("field name", "starts with a lower-case letter"));
    }
    let bytes = match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Null | Value::Bool(_) | Value::Int(_) => 0,
    };
    if bytes > UNKNOWN_BYTES_MAX {
        return Err(Invalid::new(name, format!("expected at most {UNKNOWN_BYTES_MAX} bytes")));
    }
    Ok(())
}
