//! A record as an app fills it in, of any kind, and the operations that it becomes.

use super::answers::Answers;
use super::catalogue::{answer, known};
use super::check::{Fault, check_creation, declared, version_needed};
use super::checked::{Checked, faults_of_creation};
use super::field::{Field, Need, Shape, expected};
use super::invalid::{Invalid, Wrong, cut};
use super::operation::Operation;
use super::rules::Rule;
use super::text::parse;
use super::{CivilDate, Kind, Value};
use std::collections::BTreeMap;

/// The most elements that a form adds to a list.
pub const ELEMENTS_MAX: usize = 200;

/// Values by field name: one element of a list.
pub type Element = BTreeMap<String, Value>;

/// A record as an app fills it in. Codes are text: the lists are open. A field that the declarations
/// do not have is refused, so that a slip of the pen is not kept as an answer.
///
/// ```
/// use kitbag_core::model::{Form, Kind};
///
/// let mut form = Form::new(Kind::Contact);
/// form.put("site", "riverside")?;
/// form.put("occurred_on", "2026-03-01")?;
/// form.put("utc_offset_min", 60)?;
/// form.put("people", 3)?;
/// form.put("visit", "new")?;
/// form.put("supplies.condoms", 12)?;
/// assert_eq!(form.operations()?.len(), 6);
/// # Ok::<(), kitbag_core::model::Invalid>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    kind: Kind,
    fields: BTreeMap<String, Value>,
    lists: BTreeMap<String, Vec<Element>>,
}

impl Form {
    /// A form of this kind with no answer yet.
    pub fn new(kind: Kind) -> Self {
        Form { kind, fields: BTreeMap::new(), lists: BTreeMap::new() }
    }

    /// A form with the site and the local date, at UTC, and no other answer yet.
    pub fn at(kind: Kind, site: &str, occurred_on: CivilDate) -> Self {
        let mut form = Form::new(kind);
        form.fields.insert("site".to_owned(), site.into());
        form.fields.insert("occurred_on".to_owned(), occurred_on.to_string().as_str().into());
        form.fields.insert("utc_offset_min".to_owned(), 0.into());
        form
    }

    /// The kind of record that it becomes.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The answer to a field.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.fields.get(field)
    }

    /// All answers, by field.
    pub fn fields(&self) -> &BTreeMap<String, Value> {
        &self.fields
    }

    /// The elements of all lists.
    pub fn lists(&self) -> &BTreeMap<String, Vec<Element>> {
        &self.lists
    }

    /// Answers a field; `Null` takes an answer back. Of a set it is one code: `barriers.cost`.
    ///
    /// # Errors
    /// `unknown_field`, `is_a_list` or `by_code` where the field cannot be answered so; what it may
    /// hold is checked by [`Form::operations`].
    pub fn put(&mut self, field: &str, value: impl Into<Value>) -> Result<&mut Self, Invalid> {
        self.declared(field)?;
        match value.into() {
            Value::Null => _ = self.fields.remove(field),
            value => _ = self.fields.insert(field.to_owned(), value),
        }
        Ok(self)
    }

    /// Takes an answer back: of a set all codes, of a list all elements.
    pub fn take_back(&mut self, field: &str) -> Result<&mut Self, Invalid> {
        if self.kind.field(field).is_none_or(|declared| !declared.is_many()) {
            return self.put(field, Value::Null);
        }
        let prefix = format!("{field}.");
        self.fields.retain(|name, _| !name.starts_with(&prefix));
        self.lists.remove(field);
        Ok(self)
    }

    /// Ticks a code of a set.
    pub fn tick(&mut self, set: &str, code: &str) -> Result<&mut Self, Invalid> {
        self.put(&format!("{set}.{code}"), true)
    }

    /// Answers a field with what a text says, as flags and cells have it. For a set the text is its
    /// codes, separated by commas; for numbers by code it is `code=number`, separated by commas.
    pub fn put_text(&mut self, field: &str, text: &str) -> Result<&mut Self, Invalid> {
        let set = self.kind.field(field).filter(|field| field.is_by_code());
        let Some(set) = set else {
            let shape = self.declared(field)?.shape;
            return self.put(field, parse(field, shape, text)?);
        };
        let mut said = BTreeMap::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = code_of_text(set, part)?;
            if said.insert(name.clone(), value.clone()).is_some_and(|before| before != value) {
                return Err(Invalid::twice(field));
            }
            self.put(&name, value)?;
        }
        Ok(self)
    }

    /// What [`Form::put_text`] is given to answer a field as it is answered; nothing where it is not.
    pub fn text_of(&self, field: &str) -> Option<String> {
        let is_by_code = self.kind.field(field).is_some_and(Field::is_by_code);
        if !is_by_code {
            let said = self.fields.get(field);
            let said = said.filter(|value| !matches!(value, Value::Null | Value::Bytes(_)));
            return said.map(ToString::to_string);
        }
        let codes = self.fields.iter().filter_map(|(name, value)| {
            let code = name.strip_prefix(field)?.strip_prefix('.')?;
            Some(match value {
                // A code that itself ends so would be read as another answer.
                Value::Bool(true) if code.ends_with("=no") || code.ends_with("=yes") => {
                    format!("{code}=yes")
                }
                Value::Bool(true) => code.to_owned(),
                Value::Bool(false) => format!("{code}=no"),
                value => format!("{code}={value}"),
            })
        });
        let codes: Vec<String> = codes.collect();
        (!codes.is_empty()).then(|| codes.join(","))
    }

    /// Answers one code of a set or of numbers by code, as a text says it, that was not answered yet.
    ///
    /// # Errors
    /// `twice` where it was, and not alike.
    pub fn put_code_text(&mut self, field: &str, text: &str) -> Result<&mut Self, Invalid> {
        let set = self.kind.field(field).filter(|field| field.is_by_code());
        let set = set.ok_or_else(|| unknown(field, self.kind.fields()))?;
        let (name, value) = code_of_text(set, text)?;
        match self.fields.get(&name) {
            Some(before) if *before != value => Err(Invalid::twice(field)),
            _ => self.put(&name, value),
        }
    }

    /// Adds an element to a list.
    ///
    /// # Errors
    /// `not_a_list` or `unknown_field` where there is no such list or field in it; `too_many` past
    /// [`ELEMENTS_MAX`].
    pub fn add(&mut self, list: &str, element: Element) -> Result<&mut Self, Invalid> {
        let fields = list_fields(self.kind, list)?;
        for name in element.keys() {
            element_field(list, fields, name)?;
        }
        let elements = self.lists.entry(list.to_owned()).or_default();
        if elements.len() >= ELEMENTS_MAX {
            let expected = format!("expected at most {ELEMENTS_MAX} elements");
            return Err(Invalid::new(list, Wrong::TooMany, expected));
        }
        elements.push(element);
        Ok(self)
    }

    /// Adds an element whose fields a text says, as `field=value` separated by commas.
    pub fn add_text(&mut self, list: &str, text: &str) -> Result<&mut Self, Invalid> {
        self.add(list, element_of_text(self.kind, list, text)?)
    }

    /// Answers each required field that allows `unknown` and has no answer with it, and adds one
    /// element of unknowns to a list that needs one: what "I do not know" means on a whole form.
    pub fn with_unknowns(mut self) -> Self {
        let allows =
            |field: &&Field| field.need == Need::Required && field.codes().contains(&"unknown");
        for field in self.kind.fields().filter(allows) {
            let answer = self.fields.entry(field.name.to_owned());
            answer.or_insert_with(|| "unknown".into());
        }
        for rule in self.kind.declaration().rules {
            let Rule::OneElement { list, or } = rule else { continue };
            let said = or.is_some_and(|or| self.fields.contains_key(or));
            if let (false, Ok(fields)) = (said, list_fields(self.kind, list)) {
                let elements = self.lists.entry((*list).to_owned()).or_default();
                let unknown = fields.iter().filter(allows);
                let unknown = unknown.map(|field| (field.name.to_owned(), "unknown".into()));
                if elements.is_empty() {
                    elements.push(unknown.collect());
                }
            }
        }
        self
    }

    /// The operations that create this record, fields in the order of the declaration, or the field
    /// that is wrong and why.
    pub fn operations(&self) -> Result<Vec<Operation>, Invalid> {
        let operations = self.unchecked();
        let version = version_needed(self.kind, &operations);
        check_creation(self.kind, version, &operations).map_err(Fault::into_invalid)?;
        Ok(operations)
    }

    /// All that keeps this form from being saved, what is missing first: one fault for each field.
    pub fn faults(&self) -> Vec<Invalid> {
        faults_of_creation(self.kind, &self.unchecked())
    }

    /// The operations that create this record, checked for a save, or the first of [`Form::faults`].
    pub fn checked(&self) -> Result<Checked, Invalid> {
        Checked::creation(self.kind, self.unchecked())
    }

    fn unchecked(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        for field in self.kind.fields() {
            if field.is_by_code() {
                let prefix = format!("{}.", field.name);
                let codes = self.fields.iter().filter(|(name, _)| name.starts_with(&prefix));
                operations.extend(codes.map(|(name, value)| Operation::put(name, value.clone())));
            } else if let Some(value) = self.fields.get(field.name) {
                operations.push(Operation::put(field.name, value.clone()));
            }
        }
        for (list, elements) in &self.lists {
            operations.extend(elements.iter().map(|element| append(list, element)));
        }
        operations
    }

    /// What the record would say, for indicators of a draft or of a file.
    pub fn answers(&self) -> Answers {
        let is_text =
            |name: &str| declared(self.kind, name).is_some_and(|field| field.shape == Shape::Text);
        let named = |values: &BTreeMap<String, Value>| {
            let answers = values
                .iter()
                .filter_map(|(name, value)| Some((known(name), answer(value, is_text(name))?)));
            answers.collect()
        };
        let lists = self.lists.iter();
        Answers {
            kind: self.kind,
            fields: named(&self.fields),
            lists: lists
                .map(|(list, elements)| (known(list), elements.iter().map(named).collect()))
                .collect(),
        }
    }

    fn declared(&self, name: &str) -> Result<&'static Field, Invalid> {
        if let Some(field) = self.kind.field(name) {
            return match field.shape {
                Shape::List(_) => Err(Invalid::new(name, Wrong::IsAList, expected(field.shape))),
                _ if field.is_by_code() => {
                    Err(Invalid::new(name, Wrong::ByCode, format!("expected {name}.CODE")))
                }
                _ => Ok(field),
            };
        }
        declared(self.kind, name).ok_or_else(|| unknown(name, self.kind.fields()))
    }
}

/// One code of a set, `code`, `code=yes` or `code=no`, or of numbers by code, `code=number`, as the
/// field that holds it and its value.
fn code_of_text(set: &Field, text: &str) -> Result<(String, Value), Invalid> {
    let (code, value) = match set.shape {
        // As exports say that a code was asked for and is not the case.
        Shape::CodeSet(_) => match (text.strip_suffix("=no"), text.strip_suffix("=yes")) {
            (Some(code), _) => (code, false.into()),
            (None, code) => (code.unwrap_or(text), true.into()),
        },
        shape => {
            let parts = text.rsplit_once('=');
            let (code, number) = parts.ok_or_else(|| Invalid::shape(set.name, shape))?;
            (code, parse(set.name, shape, number.trim())?)
        }
    };
    Ok((format!("{}.{}", set.name, code.trim()), value))
}

/// The operation that appends an element, its fields in the canonical order.
pub fn append(list: &str, element: &Element) -> Operation {
    Operation::append(list, element.clone().into_iter().collect())
}

/// The element that a text says, as `field=value` separated by commas.
pub fn element_of_text(kind: Kind, list: &str, text: &str) -> Result<Element, Invalid> {
    let fields = list_fields(kind, list)?;
    let mut element = Element::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or_else(|| {
            Invalid::new(list, Wrong::Shape, "expected field=value, separated by commas")
        })?;
        let field = element_field(list, fields, name.trim())?;
        let full = format!("{list}.{}", field.name);
        let value = parse(&full, field.shape, value.trim())?;
        let before = element.insert(field.name.to_owned(), value.clone());
        if before.is_some_and(|before| before != value) {
            return Err(Invalid::twice(&full));
        }
    }
    Ok(element)
}

/// The fields of a list's elements.
pub fn list_fields(kind: Kind, list: &str) -> Result<&'static [Field], Invalid> {
    match kind.field(list).map(|field| field.shape) {
        Some(Shape::List(fields)) => Ok(fields),
        Some(shape) => Err(Invalid::new(list, Wrong::NotAList, expected(shape))),
        None => Err(unknown(list, kind.fields())),
    }
}

fn element_field(
    list: &str,
    fields: &'static [Field],
    name: &str,
) -> Result<&'static Field, Invalid> {
    let found = fields.iter().find(|field| field.name == name);
    found.ok_or_else(|| unknown(&format!("{list}.{name}"), fields.iter()))
}

fn unknown(name: &str, fields: impl Iterator<Item = &'static Field>) -> Invalid {
    let named = cut(name);
    let known: Vec<&str> = fields.map(|field| field.name).collect();
    Invalid::new(named, Wrong::UnknownField, format!("expected one of {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Form {
        let date = "2018-03-01".parse().expect("a date of the test");
        Form::at(Kind::Reversal, "riverside", date).with_unknowns()
    }

    #[test]
    fn an_unknown_code_is_kept_verbatim() {
        let mut form = sample();
        form.put("outcome", "left before we knew").expect("a field");
        form.put("gender", "two_spirit").expect("a field");
        let operations = form.operations().expect("open lists take any code");
        assert!(operations.contains(&Operation::put("outcome", "left before we knew")));
        assert!(operations.contains(&Operation::put("gender", "two_spirit")));
    }

    #[test]
    fn each_wrong_field_is_named_with_a_code_and_what_is_allowed() {
        type Spoil = fn(&mut Form) -> Result<&mut Form, Invalid>;
        let cases: [(Spoil, &str, Wrong, &str); 10] = [
            (|f| f.put("site", ""), "site", Wrong::Shape, "a code of 1 to 64"),
            (|f| f.put("site", Value::Null), "site", Wrong::Required, "a code of 1 to 64"),
            (|f| f.put("occurred_time", "25:00"), "occurred_time", Wrong::Shape, "hh:mm"),
            (|f| f.put("utc_offset_min", 5_000), "utc_offset_min", Wrong::Shape, "-1080 to 1080"),
            (|f| f.put("note", "x".repeat(501).as_str()), "note", Wrong::Shape, "at most 500"),
            (|f| f.put("author", "me"), "author", Wrong::UnknownField, "one of site"),
            (|f| f.put("administrations", 1), "administrations", Wrong::IsAList, "one by one"),
            (|f| f.put("other_response", true), "other_response", Wrong::ByCode, "CODE"),
            (
                |f| f.add_text("administrations", "product=x,route=IN,doses=21,source=ems"),
                "administrations.doses",
                Wrong::Shape,
                "1 to 20",
            ),
            (
                |f| f.add_text("administrations", "product=x,route=IN,doses=2"),
                "administrations.source",
                Wrong::Required,
                "a code",
            ),
        ];
        for (spoil, field, wrong, allowed) in cases {
            let mut form = sample();
            let invalid = match spoil(&mut form) {
                Ok(form) => form.operations().expect_err(field),
                Err(invalid) => invalid,
            };
            assert_eq!((invalid.field.as_str(), invalid.wrong), (field, wrong));
            assert!(invalid.expected.contains(allowed), "{invalid}");
        }
    }

    #[test]
    fn rules_over_several_fields_are_held_when_a_record_is_created() {
        let date: CivilDate = "2018-03-01".parse().expect("a date of the test");
        let refused = |kind: Kind, fields: &str| {
            let mut form = Form::at(kind, "riverside", date).with_unknowns();
            for part in fields.split(' ') {
                let (name, value) = part.split_once('=').expect("a pair of the test");
                form.put_text(name, value).expect("a field");
            }
            form.operations().err().map(|invalid| (invalid.field, invalid.wrong))
        };
        let handed = "channel=mail product=nasal_4mg doses_per_kit=2";
        let cases = [
            (Kind::Distribution, format!("{handed} kits=0"), Some(("kits", Wrong::OneOf))),
            (
                Kind::Distribution,
                format!("{handed} kits=1 supply_type=resupply"),
                Some(("resupply_reason", Wrong::Required)),
            ),
            (Kind::Distribution, format!("{handed} single_doses=1"), None),
        ];
        let moved = "movement=transfer product=nasal_4mg doses_per_kit=2 from=site:a";
        let more = [
            (
                Kind::StockMovement,
                format!("{moved} quantity=1 to=site:a"),
                Some(("from", Wrong::Differ)),
            ),
            (
                Kind::StockMovement,
                format!("{moved} quantity=-1 to=site:b"),
                Some(("quantity", Wrong::AboveZero)),
            ),
            (
                Kind::StockMovement,
                format!("{moved} quantity=-1 to=outside movement=count_adjust"),
                None,
            ),
            (
                Kind::StockMovement,
                format!("{moved} quantity=1 to=nowhere"),
                Some(("to", Wrong::Shape)),
            ),
        ];
        for (kind, fields, expected) in cases.into_iter().chain(more) {
            let expected = expected.map(|(field, wrong)| (field.to_owned(), wrong));
            assert_eq!(refused(kind, &fields), expected, "{fields}");
        }
    }

    #[test]
    fn an_answer_goes_to_text_and_back() {
        for (kind, field, text) in [
            (Kind::Contact, "people", "12"),
            (Kind::Contact, "supplies", "condoms=3,needles_syringes=20"),
            (Kind::Reversal, "outcome", "a new code"),
            (Kind::Reversal, "occurred_time", "23:05"),
            (Kind::Reversal, "suspected_substances", "alcohol,heroin=no"),
            (Kind::Reversal, "note", "by the river"),
        ] {
            let mut form = Form::new(kind);
            assert_eq!(form.text_of(field), None, "{field}");
            form.put_text(field, text).expect("a text of the test");
            let said = form.text_of(field).expect("it is answered");
            assert_eq!(said, text);
            let mut again = Form::new(kind);
            again.put_text(field, &said).expect("what it says");
            assert_eq!(again, form, "{field}");
        }
    }

    #[test]
    fn a_record_says_the_lowest_version_that_holds_its_fields() {
        let mut form = sample();
        let version =
            |form: &Form| version_needed(Kind::Reversal, &form.operations().expect("a whole form"));
        assert_eq!(version(&form), 1);
        form.put("taken_from", "site:riverside").expect("a field");
        assert_eq!(version(&form), 2);
    }
}
