//! What is wrong with an answer: the field, a stable code, what is allowed. Never the answer itself.

use super::field::{Shape, expected};

/// What is wrong with a field, as a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// It is required and absent, or taken back.
    Required,
    /// It does not hold what its shape allows.
    Shape,
    /// It comes from the creating entry.
    FromCreation,
    /// This version knows no such field.
    UnknownField,
    /// It is a list: elements are added one by one, and never replaced.
    IsAList,
    /// It is no list.
    NotAList,
    /// It is a set of codes or numbers by code: each code is a field of its own.
    ByCode,
    /// At least one of several is needed.
    OneOf,
    /// It must differ from another field.
    Differ,
    /// It must be above 0.
    AboveZero,
    /// It is of a newer version.
    Newer,
    /// There are more than may be.
    TooMany,
    /// It cannot be said beside another answer.
    Contradicts,
    /// It is above another answer, and cannot be.
    AtMost,
    /// It lies more than ten years from another date.
    FarApart,
    /// It names what there is not.
    NoSuch,
    /// It is answered twice, and not alike.
    Twice,
}

impl Wrong {
    /// All of them.
    pub const ALL: [Wrong; 17] = [
        Wrong::Required,
        Wrong::Shape,
        Wrong::FromCreation,
        Wrong::UnknownField,
        Wrong::IsAList,
        Wrong::NotAList,
        Wrong::ByCode,
        Wrong::OneOf,
        Wrong::Differ,
        Wrong::AboveZero,
        Wrong::Newer,
        Wrong::TooMany,
        Wrong::Contradicts,
        Wrong::AtMost,
        Wrong::FarApart,
        Wrong::NoSuch,
        Wrong::Twice,
    ];

    /// The code, as exports, JSON and the files of words have it.
    pub fn code(self) -> &'static str {
        match self {
            Wrong::Required => "required",
            Wrong::Shape => "shape",
            Wrong::FromCreation => "from_creation",
            Wrong::UnknownField => "unknown_field",
            Wrong::IsAList => "is_a_list",
            Wrong::NotAList => "not_a_list",
            Wrong::ByCode => "by_code",
            Wrong::OneOf => "one_of",
            Wrong::Differ => "differ",
            Wrong::AboveZero => "above_zero",
            Wrong::Newer => "newer",
            Wrong::TooMany => "too_many",
            Wrong::Contradicts => "contradicts",
            Wrong::AtMost => "at_most",
            Wrong::FarApart => "far_apart",
            Wrong::NoSuch => "no_such",
            Wrong::Twice => "twice",
        }
    }
}

/// A field that does not hold what its kind allows. Never carries the value itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {} ({expected})", wrong.code())]
pub struct Invalid {
    /// The field, as in the data dictionary; list elements as `list.field`.
    pub field: String,
    /// What is wrong.
    pub wrong: Wrong,
    /// What is allowed, for developers; people read the files of words.
    pub expected: String,
    /// The shape that is allowed, where it is one field's.
    pub allowed: Option<Shape>,
    /// The other field, where it takes two to be wrong.
    pub other: Option<&'static str>,
}

impl Invalid {
    /// The same, of a field of this name.
    pub fn named(self, field: &str) -> Invalid {
        Invalid { field: field.to_owned(), ..self }
    }

    /// A field, what is wrong with it and what is allowed.
    pub fn new(field: impl Into<String>, wrong: Wrong, expected: impl Into<String>) -> Self {
        Invalid {
            field: field.into(),
            wrong,
            expected: expected.into(),
            allowed: None,
            other: None,
        }
    }

    /// A field that does not go with another.
    pub fn beside(field: impl Into<String>, wrong: Wrong, other: &'static str) -> Self {
        let expected = match wrong {
            Wrong::AtMost => format!("expected at most {other}"),
            Wrong::FarApart => format!("expected a date within ten years of {other}"),
            Wrong::OneOf => format!("expected it or {other}, of numbers one above 0"),
            Wrong::Differ => format!("expected another than {other}"),
            _ => format!("expected not to be said beside {other} as that is answered"),
        };
        Invalid { other: Some(other), ..Invalid::new(field, wrong, expected) }
    }

    /// A required field that is absent.
    pub fn required(field: impl Into<String>, shape: Shape) -> Self {
        let expected = format!("expected {}", expected(shape));
        Invalid { allowed: Some(shape), ..Invalid::new(field, Wrong::Required, expected) }
    }

    /// One field, or one code of a set, with two answers in one text.
    pub fn twice(field: &str) -> Self {
        Invalid::new(field, Wrong::Twice, "expected one answer")
    }

    /// A field that does not hold what its shape allows.
    pub fn shape(field: impl Into<String>, shape: Shape) -> Self {
        let expected = format!("expected {}", expected(shape));
        Invalid { allowed: Some(shape), ..Invalid::new(field, Wrong::Shape, expected) }
    }
}

/// A name that could be a field's; others could hold anything, an answer too, and are not shown.
pub(super) fn cut(name: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || ['_', '.', '-'].contains(&c);
    if name.len() <= 64 && name.chars().all(is_name) {
        name.to_owned()
    } else {
        "(a name that is no field's)".to_owned()
    }
}
