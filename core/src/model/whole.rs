//! What a record must hold as a whole: that what is needed is there, that its rules hold, and that its
//! answers do not contradict each other.

use super::catalogue::indicators;
use super::field::{Need, Shape};
use super::invalid::{Invalid, Wrong};
use super::operation::Operation;
use super::rules::{Contradiction, Rule};
use super::{CivilDate, Kind, Value};

/// How far a date of a list's element may lie from its record's own, in days: ten years, as the days
/// from made to attended are counted. A century that was mistyped lies further.
const FAR_DAYS: i64 = 3_650;
/// The most days of a span.
const SPAN_DAYS_MAX: i64 = 365;

/// What is missing and which rules are broken, of what a record says as a whole, told as the operations
/// that would create it so.
pub fn faults_of_whole(kind: Kind, version: u64, operations: &[Operation]) -> Vec<Invalid> {
    let mut faults = Vec::new();
    let given = |name: &str| {
        operations.iter().rev().find_map(|operation| match operation {
            Operation::Put { field, value } if field == name && !value.is_null() => Some(value),
            _ => None,
        })
    };
    for field in kind.fields().filter(|field| field.since <= version) {
        let is_needed = match field.need {
            Need::Required => true,
            Need::RequiredIf { field: other, codes } => {
                given(other).and_then(Value::as_text).is_some_and(|code| codes.contains(&code))
            }
            Need::Optional => false,
        };
        if is_needed && given(field.name).is_none() {
            faults.push(Invalid::required(field.name, field.shape));
        }
    }
    let rules = kind.declaration().rules;
    faults.extend(rules.iter().filter_map(|rule| hold(*rule, operations).err()));
    faults
}

/// Answers of one record that cannot both be true; only the device that writes is held to them.
pub fn contradictions(kind: Kind, whole: &[Operation]) -> impl Iterator<Item = Invalid> {
    let declared = kind.declaration().contradictions.iter();
    declared.filter_map(|one| hold_apart(*one, whole).err()).chain(fault_of_span(whole))
}

/// A span ends on the day on which it begins or later, and within a year: what lasts longer is no count of a period.
fn fault_of_span(whole: &[Operation]) -> Option<Invalid> {
    let day = |name: &str| {
        let put = whole.iter().rev().find_map(|operation| match operation {
            Operation::Put { field, value } if field == name => Some(value),
            _ => None,
        });
        put.and_then(day_of)
    };
    let (first, last) = (day("occurred_on")?, day("through")?);
    let expected =
        "expected the last day of a span: on occurred_on or later, and within a year of it";
    let wrong = Invalid::new("through", Wrong::Shape, expected);
    (!(first..first + SPAN_DAYS_MAX).contains(&last)).then_some(wrong)
}

/// Whether the operations of a creation hold a rule.
fn hold(rule: Rule, operations: &[Operation]) -> Result<(), Invalid> {
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
            let wrong = || match or {
                Some(or) => Invalid::beside(list, Wrong::OneOf, or),
                None => Invalid::required(list, Shape::List(&[])),
            };
            (added || said).then_some(()).ok_or_else(wrong)
        }
        Rule::OneAbove0(names) => {
            let first = names.first().copied().unwrap_or_default();
            let wrong = || match names.get(1) {
                Some(second) => Invalid::beside(first, Wrong::OneOf, second),
                None => Invalid::new(first, Wrong::AboveZero, "expected a number above 0"),
            };
            (names.iter().any(|name| number(name) > 0)).then_some(()).ok_or_else(wrong)
        }
        Rule::Differ(one, other) => {
            if put(one) == put(other) {
                Err(Invalid::beside(one, Wrong::Differ, other))
            } else {
                Ok(())
            }
        }
        Rule::AboveZeroUnless { number: name, field, code } => {
            let is_exempt = put(field).and_then(Value::as_text) == Some(code);
            let expected = || format!("expected a number above 0, but for {field} {code}");
            let holds = if is_exempt { number(name) != 0 } else { number(name) > 0 };
            holds.then_some(()).ok_or_else(|| Invalid::new(name, Wrong::AboveZero, expected()))
        }
    }
}

/// Whether the operations that would create a record hold no such contradiction.
fn hold_apart(contradiction: Contradiction, whole: &[Operation]) -> Result<(), Invalid> {
    let given = |name: &str| {
        whole.iter().rev().find_map(|operation| match operation {
            Operation::Put { field, value } if field == name && !value.is_null() => Some(value),
            _ => None,
        })
    };
    let has = |(name, codes): (&str, &[&str])| match given(name) {
        Some(value) => {
            codes.is_empty() || value.as_text().is_some_and(|code| codes.contains(&code))
        }
        None => false,
    };
    let unless = |is_wrong: bool, field: &str, wrong: Wrong, other: &'static str| {
        if is_wrong { Err(Invalid::beside(field, wrong, other)) } else { Ok(()) }
    };
    match contradiction {
        Contradiction::BesideElements { field, list } => {
            let is_both = has((field, &[])) && elements(whole, list).next().is_some();
            unless(is_both, field, Wrong::Contradicts, list)
        }
        Contradiction::Both { field, other } => {
            unless(has(field) && has(other), field.0, Wrong::Contradicts, other.0)
        }
        Contradiction::Fewer { number, least, other, code } => {
            let is_below =
                given(number).and_then(Value::as_int).is_some_and(|number| number < least);
            unless(is_below && has((other, &[code])), other, Wrong::Contradicts, number)
        }
        Contradiction::Above { field, other } => {
            let is_above = matches!((given(field), given(other)), (Some(one), Some(two)) if is_above(one, two));
            unless(is_above, field, Wrong::AtMost, other)
        }
        Contradiction::FarApart { list, field, other } => {
            let Some(day) = given(other).and_then(day_of) else { return Ok(()) };
            let mut days = elements(whole, list)
                .filter_map(|element| day_of(&element.iter().find(|(name, _)| name == field)?.1));
            let is_far = days.any(|of_element| (of_element - day).abs() > FAR_DAYS);
            unless(is_far, &format!("{list}.{field}"), Wrong::FarApart, other)
        }
        Contradiction::NoIndicator(field) => {
            let Some(name) = given(field).and_then(Value::as_text) else { return Ok(()) };
            if indicators().any(|indicator| indicator.name == name) {
                return Ok(());
            }
            let known: Vec<&str> = indicators().map(|indicator| indicator.name).collect();
            let expected = format!("expected one of {}", known.join(", "));
            Err(Invalid::new(field, Wrong::NoSuch, expected))
        }
    }
}

fn elements<'a>(
    whole: &'a [Operation],
    name: &'a str,
) -> impl Iterator<Item = &'a [(String, Value)]> {
    whole.iter().filter_map(move |operation| match operation {
        Operation::Append { list, element } if list == name => Some(element.as_slice()),
        _ => None,
    })
}

fn day_of(value: &Value) -> Option<i64> {
    Some(value.as_text()?.parse::<CivilDate>().ok()?.epoch_day())
}

/// Numbers by their value; printed numbers where they differ in their last digits alone. What cannot
/// be compared is not above.
fn is_above(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => one > other,
        (Value::Text(one), Value::Text(other)) => {
            let ((before, one), (other_before, other)) = (split_number(one), split_number(other));
            let is_numbered = !one.is_empty() && !other.is_empty() && before == other_before;
            let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
            is_numbered && (one.len(), one) > (other.len(), other)
        }
        _ => false,
    }
}

/// A printed number as what stands before its last digits, and those.
fn split_number(text: &str) -> (&str, &str) {
    let before = text.trim_end_matches(|c: char| c.is_ascii_digit());
    text.split_at(before.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_numbers_are_compared_where_they_can_be() {
        for (one, other, expected) in [
            ("N0012", "N0009", true),
            ("N0009", "N0012", false),
            ("10", "9", true),
            ("009", "10", false),
            ("7", "7", false),
            ("A2", "B1", false),
            ("2A", "1A", false),
            ("123456789012345678901", "123456789012345678900", true),
            ("", "1", false),
        ] {
            assert_eq!(is_above(&one.into(), &other.into()), expected, "{one} {other}");
        }
    }
}
