//! What a record says now: the winning answer of each field, and the elements that are not void. What
//! totals, lists, searches and exports read.

use super::{Kind, Operation, Value};
use std::borrow::Cow;

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
}

/// The answer of this name.
pub fn find<'a>(named: &'a [(Word, Answer)], name: &str) -> Option<&'a Answer> {
    named.iter().find(|(field, _)| field == name).map(|(_, answer)| answer)
}
