//! Holds operations against the declarations: where a record is written, and where it arrives.

use super::field::{
    FROM_CREATION, Field, Need, Shape, TEXT_CHARS_MAX, UNKNOWN_BYTES_MAX, expected, is_code,
};
use super::invalid::{Invalid, Wrong};
use super::operation::Operation;
use super::stock::Holder;
use super::whole::faults_of_whole;
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
            Fault::Newer => Invalid::new(
                "schema_version",
                Wrong::Newer,
                "expected a version that is known here",
            ),
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
    if operations.iter().any(|operation| matches!(operation, Operation::PutIn { .. })) {
        let expected = "a creation has no element to put in yet";
        return Err(Invalid::new("operations", Wrong::NotAList, expected).into());
    }
    match faults_of_whole(kind, version, operations).into_iter().next() {
        Some(invalid) => Err(Fault::Invalid(invalid)),
        None => Ok(()),
    }
}

/// Checks the operations of an entry that changes a record.
pub fn check_change(kind: Kind, version: u64, operations: &[Operation]) -> Result<(), Fault> {
    if version == 0 {
        let expected = "expected a version from 1";
        return Err(Invalid::new("schema_version", Wrong::Shape, expected).into());
    }
    if version > kind.schema_version() {
        return Err(Fault::Newer);
    }
    operations.iter().try_for_each(|operation| match operation {
        Operation::Put { field, value } => check_put(kind, version, field, value),
        Operation::Append { list, element } => {
            let fields = list_fields(kind, list)?;
            for field in fields.iter().filter(|field| field.need == Need::Required) {
                let given = element.iter().find(|(name, _)| name == field.name);
                if given.is_none_or(|(_, value)| value.is_null()) {
                    let name = format!("{list}.{}", field.name);
                    return Err(Invalid::required(name, field.shape).into());
                }
            }
            element
                .iter()
                .try_for_each(|(name, value)| check_in(list, fields, version, name, value))
                .map_err(Fault::Invalid)
        }
        Operation::PutIn { list, field, value, .. } => {
            check_in(list, list_fields(kind, list)?, version, field, value).map_err(Fault::Invalid)
        }
    })
}

/// The declaration that a field name falls under: its own, or that of its set.
pub fn declared(kind: Kind, name: &str) -> Option<&'static Field> {
    kind.fields().find(|field| {
        if field.is_by_code() {
            name.strip_prefix(field.name).is_some_and(|rest| rest.starts_with('.'))
        } else {
            field.name == name
        }
    })
}

/// The lowest schema version under which these operations say the same: an older version of Kitbag
/// that knows it can count them.
pub fn version_needed(kind: Kind, operations: &[Operation]) -> u64 {
    let of_field = |name: &str| declared(kind, name).map_or(1, |field| field.since);
    let of_element = |list: &str, name: &str| {
        let fields = match declared(kind, list).map(|field| field.shape) {
            Some(Shape::List(fields)) => fields,
            _ => &[],
        };
        let since = fields.iter().find(|field| field.name == name).map_or(1, |field| field.since);
        since.max(of_field(list))
    };
    let versions = operations.iter().flat_map(|operation| match operation {
        Operation::Put { field, .. } => vec![of_field(field)],
        Operation::Append { list, element } => {
            element.iter().map(|(name, _)| of_element(list, name)).collect()
        }
        Operation::PutIn { list, field, .. } => vec![of_element(list, field)],
    });
    versions.max().unwrap_or(1)
}

fn check_put(kind: Kind, version: u64, name: &str, value: &Value) -> Result<(), Fault> {
    if FROM_CREATION.contains(&name) {
        let expected = "it comes from the creating entry and cannot be written";
        return Err(Invalid::new(name, Wrong::FromCreation, expected).into());
    }
    if let Some(field) = kind.field(name).filter(|field| field.is_by_code()) {
        let expected = format!("expected {name}.CODE, {}", expected(field.shape));
        return Err(Invalid::new(name, Wrong::ByCode, expected).into());
    }
    match declared(kind, name).filter(|field| field.since <= version) {
        Some(field) => check_field(name, field, value).map_err(Fault::Invalid),
        None => check_unknown(name, value).map_err(Fault::Invalid),
    }
}

fn list_fields(kind: Kind, list: &str) -> Result<&'static [Field], Fault> {
    match declared(kind, list).map(|field| field.shape) {
        Some(Shape::List(fields)) => Ok(fields),
        Some(shape) => Err(Invalid::new(list, Wrong::NotAList, expected(shape)).into()),
        None => Err(Fault::Newer),
    }
}

fn check_in(
    list: &str,
    fields: &[Field],
    version: u64,
    name: &str,
    value: &Value,
) -> Result<(), Invalid> {
    let full = format!("{list}.{name}");
    match fields.iter().find(|field| field.name == name && field.since <= version) {
        Some(field) => check_field(&full, field, value),
        None => check_unknown(&full, value),
    }
}

fn check_field(name: &str, field: &Field, value: &Value) -> Result<(), Invalid> {
    if value.is_null() {
        return match (field.need, field.shape) {
            (_, shape @ Shape::List(_)) => Err(Invalid::new(name, Wrong::IsAList, expected(shape))),
            (Need::Required, shape) => Err(Invalid::required(name, shape)),
            (Need::Optional | Need::RequiredIf { .. }, _) => Ok(()),
        };
    }
    let own_code = || name.split_once('.').is_some_and(|(_, code)| is_code(code));
    let fits = match (field.shape, value) {
        (Shape::Code(_), Value::Text(code)) => is_code(code),
        (Shape::CodeSet(_), Value::Bool(_)) => own_code(),
        (Shape::Counts { min, max, .. }, Value::Int(number)) => {
            own_code() && (min..=max).contains(number)
        }
        (Shape::Date, Value::Text(date)) => date.parse::<CivilDate>().is_ok(),
        (Shape::Month, Value::Text(month)) => is_month(month),
        (Shape::Period, Value::Text(period)) => is_period(period),
        (Shape::Time, Value::Text(time)) => is_time(time),
        (Shape::Int { min, max }, Value::Int(number)) => (min..=max).contains(number),
        (Shape::IntOrUnknown { min, max }, Value::Int(number)) => (min..=max).contains(number),
        (Shape::IntOrUnknown { .. }, Value::Text(code)) => code == "unknown",
        (Shape::Holder, Value::Text(holder)) => holder.parse::<Holder>().is_ok(),
        (Shape::Text, Value::Text(text)) => text.chars().count() <= TEXT_CHARS_MAX,
        (Shape::Text, Value::Bytes(sealed)) => sealed.len() <= UNKNOWN_BYTES_MAX,
        (Shape::Record, Value::Text(id)) => id.parse::<RecordId>().is_ok(),
        _ => false,
    };
    match fits {
        true => Ok(()),
        false if field.is_by_code() => Err(Invalid::shape(field.name, field.shape)),
        false => Err(Invalid::shape(name, field.shape)),
    }
}

fn is_time(time: &str) -> bool {
    match time.split_once(':') {
        Some((hour, minute)) => {
            is_digits(hour, 2) && is_digits(minute, 2) && hour < "24" && minute < "60"
        }
        None => false,
    }
}

fn is_month(month: &str) -> bool {
    match month.split_once('-') {
        Some((year, month)) => {
            is_digits(year, 4) && is_digits(month, 2) && ("01"..="12").contains(&month)
        }
        None => false,
    }
}

/// A fiscal year's second half is the year after the first.
fn is_fiscal_year((year, next): (&str, &str)) -> bool {
    let follows = |year: u32| (year + 1) % 100 == next.parse().unwrap_or(100);
    is_digits(year, 4) && is_digits(next, 2) && year.parse().is_ok_and(follows)
}

fn is_period(period: &str) -> bool {
    let quarter = |(year, quarter): (&str, &str)| {
        is_digits(year, 4) && ["1", "2", "3", "4"].contains(&quarter)
    };
    is_digits(period, 4)
        || is_month(period)
        || period.split_once("-Q").is_some_and(quarter)
        || period.split_once('/').is_some_and(is_fiscal_year)
}

fn is_digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A field of a newer version: any scalar of bounded size under a name that could be a field's.
fn check_unknown(name: &str, value: &Value) -> Result<(), Invalid> {
    let named =
        name.starts_with(|c: char| c.is_ascii_lowercase()) && !name.chars().any(char::is_control);
    if !named {
        let expected = "expected a name that starts with a lower-case letter";
        return Err(Invalid::new("field name", Wrong::Shape, expected));
    }
    let bytes = match value {
        Value::Text(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::Null | Value::Bool(_) | Value::Int(_) => 0,
    };
    if bytes > UNKNOWN_BYTES_MAX {
        let expected = format!("expected at most {UNKNOWN_BYTES_MAX} bytes");
        return Err(Invalid::new(name, Wrong::Shape, expected));
    }
    Ok(())
}
