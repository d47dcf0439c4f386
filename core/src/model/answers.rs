//! What a record says now: the winning answer of each field, and the elements that are not void. What
//! totals, lists, searches and exports read.

use super::{Kind, Operation, Value, cbor};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

/// A field's name or a code: words of the declarations are not copied.
pub type Word = Cow<'static, str>;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Ticked or not.
    Flag(bool),
    /// A number.
    Number(i64),
    /// A code, a date, a time or another text that is not free.
    Word(Word),
    /// Free text, which is not looked into here.
    Text,
}

impl Answer {
    /// The word, where the answer is one.
    pub fn word(&self) -> Option<&str> {
        match self {
            Answer::Word(word) => Some(word),
            _ => None,
        }
    }

    /// The number, where the answer is one.
    pub fn number(&self) -> Option<i64> {
        match self {
            Answer::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// Answers by name, sorted by it.
pub type Named = Vec<(Word, Answer)>;

/// What a record says now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// The record's kind.
    pub kind: Kind,
    /// Its fields; one that was not asked or was taken back is absent.
    pub fields: Named,
    /// Its lists with the elements that are not void, by the id of the entry that added each.
    pub lists: Vec<(Word, Vec<Named>)>,
}

impl Answers {
    /// A record of this kind that says nothing yet.
    pub fn new(kind: Kind) -> Self {
        Answers { kind, fields: Vec::new(), lists: Vec::new() }
    }

    /// What it says, as the operations that would create it so; free text without its words.
    pub fn as_creation(&self) -> Vec<Operation> {
        let value = |answer: &Answer| match answer {
            Answer::Flag(flag) => Value::Bool(*flag),
            Answer::Number(number) => Value::Int(*number),
            Answer::Word(word) => Value::Text(word.to_string()),
            Answer::Text => Value::Text(String::new()),
        };
        let puts = self.fields.iter();
        let puts = puts.map(|(name, answer)| Operation::put(name.as_ref(), value(answer)));
        let lists = self.lists.iter().flat_map(|(list, elements)| {
            let named = |element: &Named| {
                element.iter().map(|(name, answer)| (name.to_string(), value(answer))).collect()
            };
            elements.iter().map(move |element| Operation::append(list.as_ref(), named(element)))
        });
        puts.chain(lists).collect()
    }

    /// A field's answer.
    pub fn get(&self, field: &str) -> Option<&Answer> {
        find(&self.fields, field)
    }

    /// A field's code.
    pub fn code(&self, field: &str) -> Option<&str> {
        self.get(field).and_then(Answer::word)
    }

    /// A field's number.
    pub fn number(&self, field: &str) -> Option<i64> {
        self.get(field).and_then(Answer::number)
    }

    /// 1 where a field has one of these codes, else 0.
    pub fn one_if(&self, field: &str, codes: &[&str]) -> i64 {
        i64::from(self.code(field).is_some_and(|code| codes.contains(&code)))
    }

    /// Whether a field has this answer, as text; of a list's field, whether an element has.
    pub fn says(&self, field: &str, text: &str) -> bool {
        let is = |answer: &Answer| match answer {
            Answer::Flag(flag) => text == if *flag { "true" } else { "false" },
            Answer::Number(number) => text.parse() == Ok(*number),
            Answer::Word(word) => word == text,
            Answer::Text => false,
        };
        let in_list = |(list, inner): (&str, &str)| {
            self.elements(list).iter().any(|element| find(element, inner).is_some_and(is))
        };
        self.get(field).is_some_and(is)
            || self.get(&format!("{field}.{text}")) == Some(&Answer::Flag(true))
            || field.split_once('.').is_some_and(in_list)
    }

    /// The elements of a list.
    pub fn elements(&self, list: &str) -> &[Named] {
        let found = self.lists.iter().find(|(name, _)| name == list);
        found.map(|(_, elements)| elements.as_slice()).unwrap_or_default()
    }

    /// The codes of a set that are ticked, or the numbers by code.
    pub fn by_code<'a>(&'a self, set: &'a str) -> impl Iterator<Item = (&'a str, &'a Answer)> {
        self.fields.iter().filter_map(move |(name, answer)| {
            let code = name.strip_prefix(set)?.strip_prefix('.')?;
            Some((code, answer))
        })
    }

    /// The codes of a set that are ticked.
    pub fn ticked<'a>(&'a self, set: &'a str) -> impl Iterator<Item = &'a str> {
        self.by_code(set).filter(|(_, answer)| **answer == Answer::Flag(true)).map(|(code, _)| code)
    }

    /// The same record with those elements of a list alone in which a field has this code, or none.
    pub fn with_elements_of(&self, list: &str, field: &str, code: Option<&str>) -> Answers {
        let mut part = self.clone();
        for (name, elements) in &mut part.lists {
            if name == list {
                elements.retain(|element| find(element, field).and_then(Answer::word) == code);
            }
        }
        part
    }

    /// Canonical CBOR `[fields, lists]`: names and codes of the declarations as their place among
    /// [`words`], so that it is read only by the version that wrote it.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(|encoder| {
            encoder.array(2)?;
            write_named(encoder, &self.fields)?;
            encoder.array(self.lists.len() as u64)?;
            for (list, elements) in &self.lists {
                encoder.array(2)?;
                write_word(encoder, list)?;
                encoder.array(elements.len() as u64)?;
                for element in elements {
                    write_named(encoder, element)?;
                }
            }
            Ok(())
        })
    }

    /// Reads what [`Answers::encode`] of the same version wrote.
    pub fn decode(kind: Kind, bytes: &[u8]) -> Result<Answers, cbor::Malformed> {
        let mut decoder = minicbor::Decoder::new(bytes);
        cbor::array_of(&mut decoder, 2)?;
        let fields = read_named(&mut decoder)?;
        let mut lists = Vec::new();
        for _ in 0..cbor::array_up_to(&mut decoder, 1_000, "lists")? {
            cbor::array_of(&mut decoder, 2)?;
            let list = read_word(&mut decoder)?;
            let count = cbor::array_up_to(&mut decoder, 1_000_000, "elements")?;
            let elements =
                (0..count).map(|_| read_named(&mut decoder)).collect::<Result<_, _>>()?;
            lists.push((list, elements));
        }
        Ok(Answers { kind, fields, lists })
    }
}

/// The answer of this name.
pub fn find<'a>(named: &'a [(Word, Answer)], name: &str) -> Option<&'a Answer> {
    named.iter().find(|(field, _)| field == name).map(|(_, answer)| answer)
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
        list.extend(super::indicator::indicators().map(|indicator| indicator.name));
        list.sort_unstable();
        list.dedup();
        let places = (0..).zip(&list).map(|(place, word)| (*word, place)).collect();
        (list, places)
    })
}

fn add_words(list: &mut Vec<&'static str>, field: &'static super::schema::Field) {
    list.push(field.name);
    list.extend(field.codes());
    if field.is_by_code() {
        let names = field.codes().iter().map(|code| format!("{}.{code}", field.name));
        // Once for each code of the declarations, for as long as the program runs.
        list.extend(names.map(|name| &*Box::leak(name.into_boxed_str())));
    }
    if let super::schema::Shape::List(fields) = field.shape {
        fields.iter().for_each(|field| add_words(list, field));
    }
}

pub(super) fn write_word(encoder: &mut cbor::Writer, word: &str) -> cbor::Written {
    match words().1.get(word) {
        Some(place) => encoder.u16(*place)?,
        None => encoder.str(word)?,
    };
    Ok(())
}

pub(super) fn read_word(decoder: &mut minicbor::Decoder<'_>) -> Result<Word, cbor::Malformed> {
    if decoder.datatype()? == minicbor::data::Type::String {
        return Ok(Cow::Owned(decoder.str()?.to_owned()));
    }
    let place = usize::from(decoder.u16()?);
    let word = words().0.get(place).ok_or(cbor::Malformed::NotCanonical)?;
    Ok(Cow::Borrowed(*word))
}

fn write_named(encoder: &mut cbor::Writer, named: &[(Word, Answer)]) -> cbor::Written {
    encoder.map(named.len() as u64)?;
    for (name, answer) in named {
        write_word(encoder, name)?;
        match answer {
            Answer::Flag(flag) => _ = encoder.bool(*flag)?,
            Answer::Text => _ = encoder.null()?,
            Answer::Word(word) => write_word(encoder, word)?,
            // A number is told from a word's place by the array around it.
            Answer::Number(number) => _ = encoder.array(1)?.i64(*number)?,
        }
    }
    Ok(())
}

fn read_named(decoder: &mut minicbor::Decoder<'_>) -> Result<Named, cbor::Malformed> {
    use minicbor::data::Type;
    let count = cbor::map_up_to(decoder, 1_000_000, "answers")?;
    let mut named = Named::with_capacity((count as usize).min(64));
    for _ in 0..count {
        let name = read_word(decoder)?;
        let answer = match decoder.datatype()? {
            Type::Bool => Answer::Flag(decoder.bool()?),
            Type::Null => {
                decoder.null()?;
                Answer::Text
            }
            Type::Array => {
                cbor::array_of(decoder, 1)?;
                Answer::Number(decoder.i64()?)
            }
            _ => Answer::Word(read_word(decoder)?),
        };
        named.push((name, answer));
    }
    Ok(named)
}
