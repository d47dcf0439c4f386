//! What screens are built from: the kinds with their fields and codes, and the words for all of them.

use crate::error::{KitbagError, words};
use crate::runtime::run;
use kitbag_core::model::Kind;
use kitbag_core::model::field::{ENVELOPE, Field, Need, Shape};
use kitbag_core::model::pack::CodePack;
use kitbag_core::words::Words;
use std::collections::HashMap;

/// What a field holds.
#[derive(uniffi::Enum)]
#[allow(missing_docs)]
pub enum FieldShape {
    Code,
    CodeSet,
    Counts { min: i64, max: i64 },
    Date,
    Month,
    Period,
    Time,
    Int { min: i64, max: i64 },
    IntOrUnknown { min: i64, max: i64 },
    Holder,
    Text,
    Record,
    Elements { fields: Vec<FieldDeclaration> },
}

/// Whether a record is complete without a field.
#[derive(uniffi::Enum)]
#[allow(missing_docs)]
pub enum FieldNeed {
    Required,
    RequiredIf { field: String, codes: Vec<String> },
    Optional,
}

/// A field.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct FieldDeclaration {
    pub name: String,
    pub shape: FieldShape,
    pub need: FieldNeed,
    pub codes: Vec<String>,
    pub in_words: String,
    pub codes_in_words: HashMap<String, String>,
}

/// A kind of record, with its fields in the order in which a form asks them.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct KindDeclaration {
    pub kind: Kind,
    pub name: String,
    pub in_words: String,
    pub fields: Vec<FieldDeclaration>,
    pub indicators: Vec<String>,
    pub indicators_in_words: HashMap<String, String>,
}

/// All kinds, with words in a language: asked once and kept.
#[uniffi::export]
pub async fn declarations(language: String) -> Result<Vec<KindDeclaration>, KitbagError> {
    run(async move {
        let words = Words::in_language(&language);
        Ok(Kind::ALL.into_iter().map(|kind| kind_of(&words, kind)).collect())
    })
    .await
}

/// What people read of an error's, a finding's or a state's code, in a language or in the app's; `id` as in the files of
/// words. The id itself where there is none.
#[uniffi::export]
pub fn message(language: Option<String>, id: String) -> Result<String, KitbagError> {
    let words = language.map_or_else(words, |language| Words::in_language(&language));
    Ok(words.message(&id).unwrap_or(id))
}

/// Reads a code pack whole, so that what is wrong with it is known before it is published.
#[uniffi::export]
pub fn check_pack(toml: String) -> Result<(), KitbagError> {
    CodePack::checked(&toml).map(drop).map_err(|_| KitbagError::argument("pack"))
}

fn kind_of(words: &Words, kind: Kind) -> KindDeclaration {
    let fields = ENVELOPE.iter().chain(kind.declaration().fields);
    let names: Vec<String> =
        kind.declaration().indicators.iter().map(|indicator| indicator.name.to_owned()).collect();
    KindDeclaration {
        kind,
        name: kind.name().to_owned(),
        in_words: words.kind(kind),
        fields: fields.map(|field| field_of(words, field)).collect(),
        indicators_in_words: names
            .iter()
            .map(|name| (name.clone(), words.indicator(name)))
            .collect(),
        indicators: names,
    }
}

fn field_of(words: &Words, field: &Field) -> FieldDeclaration {
    let codes = field.codes();
    let said = codes.iter().map(|code| ((*code).to_owned(), words.code(field.name, code)));
    FieldDeclaration {
        name: field.name.to_owned(),
        shape: shape_of(words, field.shape),
        need: match field.need {
            Need::Required => FieldNeed::Required,
            Need::RequiredIf { field, codes } => FieldNeed::RequiredIf {
                field: field.to_owned(),
                codes: codes.iter().map(|code| (*code).to_owned()).collect(),
            },
            Need::Optional => FieldNeed::Optional,
        },
        codes: codes.iter().map(|code| (*code).to_owned()).collect(),
        in_words: words.field(field.name),
        codes_in_words: said.collect(),
    }
}

fn shape_of(words: &Words, shape: Shape) -> FieldShape {
    match shape {
        Shape::Code(_) => FieldShape::Code,
        Shape::CodeSet(_) => FieldShape::CodeSet,
        Shape::Counts { min, max, .. } => FieldShape::Counts { min, max },
        Shape::Date => FieldShape::Date,
        Shape::Month => FieldShape::Month,
        Shape::Period => FieldShape::Period,
        Shape::Time => FieldShape::Time,
        Shape::Int { min, max } => FieldShape::Int { min, max },
        Shape::IntOrUnknown { min, max } => FieldShape::IntOrUnknown { min, max },
        Shape::Holder => FieldShape::Holder,
        Shape::Text => FieldShape::Text,
        Shape::Record => FieldShape::Record,
        Shape::List(fields) => FieldShape::Elements {
            fields: fields.iter().map(|field| field_of(words, field)).collect(),
        },
    }
}
