//! What is computed over all kinds: indicators, shares, what a record adds to them, the fields that
//! totals can be split by, and the table of all words.

use super::answers::{Answer, Answers, Word};
use super::field::{Field, Shape};
use super::indicator::{Adds, Indicator, Share, Sums};
use super::{Kind, Value};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

/// All indicators, in the order of display.
pub fn indicators() -> impl Iterator<Item = &'static Indicator> {
    Kind::ALL.into_iter().flat_map(|kind| kind.declaration().indicators)
}

/// All shares, in the order of display.
pub fn shares() -> impl Iterator<Item = &'static Share> {
    Kind::ALL.into_iter().flat_map(|kind| kind.declaration().shares)
}

/// The shares of these sums, by name; one with nothing below its line is absent.
pub fn shares_of(sums: &Sums) -> BTreeMap<&'static str, f64> {
    shares().filter_map(|share| Some((share.name, share.of(sums)?))).collect()
}

/// The indicator of this name.
pub fn indicator(name: &str) -> Option<&'static Indicator> {
    indicators().find(|indicator| indicator.name == name)
}

/// The share of this name.
pub fn share(name: &str) -> Option<&'static Share> {
    shares().find(|share| share.name == name)
}

/// The most parts of one indicator that one record adds to.
pub const PARTS_MAX: usize = 100;

/// What a record adds to each indicator, without zeros.
pub fn measures(answers: &Answers) -> Vec<(Word, i64)> {
    type OfKind = Vec<(&'static str, Adds)>;
    static BY_KIND: OnceLock<Vec<(Kind, OfKind)>> = OnceLock::new();
    let by_kind = BY_KIND.get_or_init(|| {
        let of = |kind: Kind| {
            let adding = |indicator: &'static Indicator| {
                let (_, adds) = indicator.adds.iter().find(|(of, _)| *of == kind)?;
                Some((indicator.name, *adds))
            };
            indicators().filter_map(adding).collect()
        };
        Kind::ALL.into_iter().map(|kind| (kind, of(kind))).collect()
    });
    let of_kind = by_kind.iter().find(|(kind, _)| *kind == answers.kind).map(|(_, of)| of);
    let mut measures = Vec::new();
    for (name, adds) in of_kind.into_iter().flatten() {
        match adds {
            Adds::Number(of) => measures.push((Word::Borrowed(*name), of(answers))),
            Adds::ByPart(of) => {
                let parts = of(answers).into_iter().take(PARTS_MAX);
                measures.extend(parts.map(|(part, n)| (known(&format!("{name}.{part}")), n)));
            }
        }
    }
    measures.retain(|(_, n)| *n != 0);
    measures
}

/// The names of all coded fields that totals can be split by: of all kinds, those of list elements as
/// `list.field`, and codes that follow from others. The site has a split of its own, and a void record
/// counts nowhere.
pub fn coded_fields() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for kind in Kind::ALL {
        for field in kind.fields() {
            match field.shape {
                Shape::Code(_) | Shape::CodeSet(_) => _ = names.insert(field.name.to_owned()),
                Shape::List(fields) => {
                    let coded = fields.iter().filter(|field| matches!(field.shape, Shape::Code(_)));
                    names.extend(coded.map(|inner| format!("{}.{}", field.name, inner.name)));
                }
                _ => {}
            }
        }
        names.extend(kind.declaration().derived.iter().map(|derived| derived.name.to_owned()));
    }
    names.retain(|name| {
        !["site", "void", "import_key", "distinct"].contains(&name.as_str())
            && !name.ends_with(".void")
    });
    names
}

/// The answer that a value gives; nothing for one that was taken back. `is_free` says that a text is
/// free.
pub fn answer(value: &Value, is_free: bool) -> Option<Answer> {
    match value {
        Value::Null => None,
        Value::Bool(flag) => Some(Answer::Flag(*flag)),
        Value::Int(number) => Some(Answer::Number(*number)),
        Value::Text(_) if is_free => Some(Answer::Text),
        Value::Text(text) => Some(Answer::Word(known(text))),
        Value::Bytes(_) => Some(Answer::Text),
    }
}

/// A word, not copied where the declarations have it.
pub fn known(text: &str) -> Word {
    let (list, places) = words();
    match places.get(text).and_then(|place| list.get(usize::from(*place))) {
        Some(word) => Cow::Borrowed(*word),
        None => Cow::Owned(text.to_owned()),
    }
}

type Words = (Vec<&'static str>, HashMap<&'static str, u16>);

/// All names and codes of the declarations, sorted, and the place of each.
pub fn words() -> &'static Words {
    static WORDS: OnceLock<Words> = OnceLock::new();
    WORDS.get_or_init(|| {
        let mut list: Vec<&'static str> = Vec::new();
        for kind in Kind::ALL {
            for field in kind.fields() {
                add_words(&mut list, field);
            }
        }
        list.extend(indicators().map(|indicator| indicator.name));
        list.sort_unstable();
        list.dedup();
        let places = (0..).zip(&list).map(|(place, word)| (*word, place)).collect();
        (list, places)
    })
}

fn add_words(list: &mut Vec<&'static str>, field: &'static Field) {
    list.push(field.name);
    list.extend(field.codes());
    if field.is_by_code() {
        let names = field.codes().iter().map(|code| format!("{}.{code}", field.name));
        // Once for each code of the declarations, for as long as the program runs.
        list.extend(names.map(|name| &*Box::leak(name.into_boxed_str())));
    }
    if let Shape::List(fields) = field.shape {
        fields.iter().for_each(|field| add_words(list, field));
    }
}

/// Raised when what is derived from the same declarations changes its form or its meaning.
const PROJECTION_VERSION: u32 = 5;

/// A digest of all declarations: rows and sums made by others are built again.
pub fn declarations_digest() -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("kitbag declarations 1");
    hasher.update(&PROJECTION_VERSION.to_be_bytes());
    for kind in Kind::ALL {
        let declaration = kind.declaration();
        let counted =
            declaration.indicators.iter().map(|counted| (counted.name, counted.definition));
        let derived = declaration.derived.iter().map(|derived| (derived.name, derived.about));
        let fields: Vec<&Field> = kind.fields().collect();
        let all: Vec<_> = counted.chain(derived).collect();
        hasher.update(format!("{:?} {fields:?} {all:?}", (kind.name(), kind.number())).as_bytes());
    }
    let mut digest = [0; 16];
    hasher.finalize_xof().fill(&mut digest);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_and_names_are_given_once() {
        let numbers: BTreeSet<u8> = Kind::ALL.iter().map(|kind| kind.number()).collect();
        let names: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!((numbers.len(), names.len()), (Kind::ALL.len(), Kind::ALL.len()));
        assert!(numbers.iter().all(|number| *number >= 16), "below 16 is administration");
        for kind in Kind::ALL {
            let fields: Vec<&str> = kind.fields().map(|field| field.name).collect();
            let distinct: BTreeSet<&&str> = fields.iter().collect();
            assert_eq!(fields.len(), distinct.len(), "{}", kind.name());
            assert!(kind.fields().all(|field| !field.about.is_empty()), "{}", kind.name());
        }
    }

    #[test]
    fn each_indicator_has_one_declaration_with_a_definition_and_a_source() {
        let names: Vec<&str> = indicators()
            .map(|indicator| indicator.name)
            .chain(shares().map(|share| share.name))
            .collect();
        let distinct: BTreeSet<&&str> = names.iter().collect();
        assert_eq!(names.len(), distinct.len());
        assert!(indicators().all(|i| !i.definition.is_empty() && !i.source.is_empty()));
        for share in shares() {
            let known = |name: &&&str| indicators().any(|indicator| indicator.name == **name);
            assert!(
                share.over.iter().chain([&share.of]).all(|name| known(&name)),
                "{}",
                share.name
            );
        }
    }
}
