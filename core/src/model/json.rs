//! Records as JSON: what the command line reads and prints, and what files of data hold.
//!
//! A field is a member of its name. A set of codes is an array of the codes ticked; numbers by code are
//! an object; a list is an array of objects. A set's code that is not ticked, `false`, has no place in
//! the array and is a member of its own, `"barriers.cost": false`.

use super::answers::{Answers, Named};
use super::field::{Field, Shape};
use super::invalid::{Invalid, Wrong, cut};
use super::{Answer, Element, Form, Kind, Value};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json, json};
use std::cell::RefCell;
use std::fmt;

/// Answers as a JSON object; free text is left out.
pub fn of_answers(answers: &Answers) -> Json {
    let mut object = Map::new();
    for (name, answer) in &answers.fields {
        let by_code = name
            .split_once('.')
            .filter(|(set, _)| answers.kind.field(set).is_some_and(Field::is_by_code));
        match (by_code, answer) {
            (_, Answer::Text) => {}
            (Some((set, code)), Answer::Flag(true)) => {
                let ticked = object.entry(set).or_insert_with(|| json!([]));
                if let Some(ticked) = ticked.as_array_mut() {
                    ticked.push(code.into());
                }
            }
            (Some((set, code)), Answer::Number(number)) => {
                let numbers = object.entry(set).or_insert_with(|| json!({}));
                if let Some(numbers) = numbers.as_object_mut() {
                    numbers.insert(code.to_owned(), (*number).into());
                }
            }
            _ => _ = object.insert(name.to_string(), of_answer(answer)),
        }
    }
    for (list, elements) in &answers.lists {
        object.insert(list.to_string(), elements.iter().map(of_named).collect());
    }
    Json::Object(object)
}

fn of_named(named: &Named) -> Json {
    let members = named.iter().filter(|(_, answer)| *answer != Answer::Text);
    Json::Object(members.map(|(name, answer)| (name.to_string(), of_answer(answer))).collect())
}

fn of_answer(answer: &Answer) -> Json {
    match answer {
        Answer::Flag(flag) => (*flag).into(),
        Answer::Number(number) => (*number).into(),
        Answer::Word(word) => word.as_ref().into(),
        Answer::Text => Json::Null,
    }
}

/// Why a text gave no form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRead {
    /// It is not JSON from this place on, both from 1.
    #[error("not JSON at line {line}, column {column}; expected one object")]
    Json {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// A member is wrong, or there twice.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// A form from the text of a JSON object, in which no member is said twice.
///
/// ```
/// use kitbag_core::model::{Kind, json};
///
/// let form = json::read(Kind::Contact, r#"{"people": 3, "visit": "new"}"#)?;
/// assert_eq!(form.fields().len(), 2);
/// assert!(json::read(Kind::Contact, r#"{"people": 3, "people": 4}"#).is_err());
/// # Ok::<(), json::NotRead>(())
/// ```
pub fn read(kind: Kind, text: &str) -> Result<Form, NotRead> {
    let within = RefCell::new(Within::default());
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Once(&within).deserialize(&mut reader).and_then(|json| {
        reader.end()?;
        Ok(json)
    });
    if let Some(name) = within.take().repeated {
        return Err(Invalid { field: cut(&name), ..Invalid::twice("") }.into());
    }
    let json =
        read.map_err(|error| NotRead::Json { line: error.line(), column: error.column() })?;
    Ok(to_form(kind, &json)?)
}

/// Where a reader is, and the first member that an object had twice.
#[derive(Default)]
struct Within {
    path: Vec<String>,
    repeated: Option<String>,
}

/// Reads any JSON, and notes a member that an object has twice.
#[derive(Clone, Copy)]
struct Once<'a>(&'a RefCell<Within>);

impl<'de> DeserializeSeed<'de> for Once<'_> {
    type Value = Json;
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Json, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once<'_> {
    type Value = Json;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(flag.into())
    }
    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(number.into())
    }
    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(number.into())
    }
    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(number.into())
    }
    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(text.into())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.0.borrow_mut().path.push(name.clone());
            let member = members.next_value_seed(self)?;
            let mut within = self.0.borrow_mut();
            if object.insert(name, member).is_some() {
                let path = within.path.join(".");
                within.repeated.get_or_insert(path);
            }
            within.path.pop();
        }
        Ok(Json::Object(object))
    }
}

/// A form from a JSON object; `null` is not asked.
///
/// # Errors
/// `unknown_field` for a member that the kind does not have, `shape` for one that is no answer.
pub fn to_form(kind: Kind, json: &Json) -> Result<Form, Invalid> {
    let object = json.as_object();
    let object = object.ok_or_else(|| {
        Invalid::new(
            kind.name(),
            Wrong::Shape,
            "expected a JSON object with a member for each field",
        )
    })?;
    let mut form = Form::new(kind);
    // A code may be said in its set or numbers, and by its own name: alike.
    let put = |form: &mut Form, name: &str, value: Value| match form.get(name) {
        Some(before) if *before != value => Err(Invalid::twice(name)),
        _ => form.put(name, value).map(drop),
    };
    for (name, member) in object {
        let shape = kind.field(name).map(|field| field.shape);
        match (shape, member) {
            (_, Json::Null) => {}
            (Some(Shape::CodeSet(_)), Json::Array(codes)) => {
                for code in codes {
                    let code = code.as_str().ok_or_else(|| not_a_set(name))?;
                    put(&mut form, &format!("{name}.{code}"), true.into())?;
                }
            }
            (Some(Shape::CodeSet(_)), _) => return Err(not_a_set(name)),
            (Some(Shape::Counts { .. }), Json::Object(numbers)) => {
                for (code, number) in numbers {
                    put(&mut form, &format!("{name}.{code}"), to_value(name, number)?)?;
                }
            }
            (Some(Shape::Counts { .. }), _) => {
                let expected = "expected an object with a number for each code";
                return Err(Invalid::new(name, Wrong::Shape, expected));
            }
            (Some(Shape::List(_)), Json::Array(elements)) => {
                for element in elements {
                    form.add(name, to_element(name, element)?)?;
                }
            }
            (Some(Shape::List(_)), _) => return Err(not_a_list(name)),
            _ => put(&mut form, name, to_value(name, member)?)?,
        }
    }
    Ok(form)
}

/// An element of a list from a JSON object.
pub fn to_element(list: &str, json: &Json) -> Result<Element, Invalid> {
    let object = json.as_object().ok_or_else(|| not_a_list(list))?;
    let members = object.iter().filter(|(_, member)| !member.is_null());
    members
        .map(|(name, member)| Ok((name.clone(), to_value(&format!("{list}.{name}"), member)?)))
        .collect()
}

/// A form as a JSON object that [`to_form`] reads.
pub fn of_form(form: &Form) -> Json {
    let mut json = of_answers(&form.answers());
    if let Some(object) = json.as_object_mut() {
        let texts = form.fields().iter().filter(|(name, _)| {
            form.kind().field(name).is_some_and(|field| field.shape == Shape::Text)
        });
        object.extend(
            texts.filter_map(|(name, value)| Some((name.clone(), Json::from(value.as_text()?)))),
        );
    }
    json
}

fn to_value(name: &str, json: &Json) -> Result<Value, Invalid> {
    match json {
        Json::Bool(flag) => Ok(Value::Bool(*flag)),
        Json::Number(number) => number.as_i64().map(Value::Int).ok_or_else(|| not_an_answer(name)),
        Json::String(text) => Ok(Value::Text(text.clone())),
        _ => Err(not_an_answer(name)),
    }
}

fn not_a_set(name: &str) -> Invalid {
    Invalid::new(name, Wrong::Shape, "expected an array of codes")
}

fn not_a_list(name: &str) -> Invalid {
    Invalid::new(name, Wrong::Shape, "expected an array with an object for each element")
}

fn not_an_answer(name: &str) -> Invalid {
    Invalid::new(cut(name), Wrong::Shape, "expected text, a whole number, true or false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_survives_json() {
        let json = json!({
            "site": "riverside", "occurred_on": "2018-03-01", "utc_offset_min": -300,
            "service": "methadone", "origin": "outreach", "urgency": "today",
            "handoff": "accompanied", "receiving_service": "clinic", "note": "in the afternoon",
            "barriers": ["cost", "distance"], "barriers.age": false,
            "events": [{ "status": "made", "on": "2018-03-01" }],
        });
        let form = to_form(Kind::Referral, &json).expect("a form of the test");
        assert_eq!(of_form(&form), json);
        assert_eq!(form.operations().expect("a whole form").len(), 13);
    }

    #[test]
    fn a_member_that_is_said_twice_is_named() {
        let refused = |kind: Kind, text: &str| match read(kind, text) {
            Err(NotRead::Invalid(invalid)) => Some((invalid.field, invalid.wrong)),
            Ok(_) | Err(NotRead::Json { .. }) => None,
        };
        let twice = |field: &str| Some((field.to_owned(), Wrong::Twice));
        assert_eq!(refused(Kind::Contact, r#"{"people":1,"people":1}"#), twice("people"));
        let nested = r#"{"events":[{"status":"made","status":"lost"}]}"#;
        assert_eq!(refused(Kind::Referral, nested), twice("events.status"));
        let opposite = r#"{"barriers":["cost"],"barriers.cost":false}"#;
        assert_eq!(refused(Kind::Referral, opposite), twice("barriers.cost"));
        let number = r#"{"supplies.condoms":3,"supplies":{"condoms":4}}"#;
        assert_eq!(refused(Kind::Contact, number), twice("supplies.condoms"));
        let alike = r#"{"supplies.condoms":3,"supplies":{"condoms":3}}"#;
        assert_eq!(refused(Kind::Contact, alike), None);
        assert_eq!(refused(Kind::Contact, r#"{"people":1,"visit":"new"}"#), None);
        let place = read(Kind::Contact, "{\"people\":\n 1,}");
        assert_eq!(place, Err(NotRead::Json { line: 2, column: 4 }));
        assert!(matches!(read(Kind::Contact, "{} {}"), Err(NotRead::Json { .. })));
    }

    #[test]
    fn what_is_no_answer_is_named() {
        for (json, field, wrong) in [
            (json!([]), "contact", Wrong::Shape),
            (json!({ "people": 1.5 }), "people", Wrong::Shape),
            (json!({ "peopel": 1 }), "peopel", Wrong::UnknownField),
            (json!({ "supplies": { "condoms": "many" } }), "supplies", Wrong::Shape),
            (json!({ "site": ["a"] }), "site", Wrong::Shape),
        ] {
            let checked =
                to_form(Kind::Contact, &json).and_then(|form| form.operations().map(drop));
            let invalid = checked.expect_err(field);
            assert_eq!((invalid.field.as_str(), invalid.wrong), (field, wrong));
        }
    }
}
