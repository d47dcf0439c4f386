//! Records as JSON: what the command line reads and prints, and what files of data hold.
//!
//! A field is a member of its name. A set of codes is an array of the codes ticked; numbers by code are
//! an object; a list is an array of objects. A set's code that is not ticked, `false`, has no place in
//! the array and is a member of its own, `"barriers.cost": false`.

use super::answers::{Answers, Named};
use super::schema::{Invalid, Shape, Wrong};
use super::{Answer, Element, Form, Kind, Value};
use serde_json::{Map, Value as Json, json};

/// Answers as a JSON object; free text is left out.
pub fn of_answers(answers: &Answers) -> Json {
    let mut object = Map::new();
    for (name, answer) in &answers.fields {
        let by_code = name.split_once('.').filter(|(set, _)| {
            answers.kind.field(set).is_some_and(super::schema::Field::is_by_code)
        });
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
    for (name, member) in object {
        let shape = kind.field(name).map(|field| field.shape);
        match (shape, member) {
            (_, Json::Null) => {}
            (Some(Shape::CodeSet(_)), Json::Array(codes)) => {
                for code in codes {
                    form.tick(name, code.as_str().ok_or_else(|| not_an_answer(name))?)?;
                }
            }
            (Some(Shape::Counts { .. }), Json::Object(numbers)) => {
                for (code, number) in numbers {
                    form.put(&format!("{name}.{code}"), to_value(name, number)?)?;
                }
            }
            (Some(Shape::List(_)), Json::Array(elements)) => {
                for element in elements {
                    form.add(name, to_element(name, element)?)?;
                }
            }
            _ => _ = form.put(name, to_value(name, member)?)?,
        }
    }
    Ok(form)
}

/// An element of a list from a JSON object.
pub fn to_element(list: &str, json: &Json) -> Result<Element, Invalid> {
    let object = json.as_object().ok_or_else(|| not_an_answer(list))?;
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

fn not_an_answer(name: &str) -> Invalid {
    let named: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    Invalid::new(named, Wrong::Shape, "expected text, a whole number, true or false")
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
