//! What follows from a kind's declaration: its number, its name, its fields, its versions.

use super::kinds::Kind;
use super::schema::{ENVELOPE, Field};

impl Kind {
    /// The kind's number in an entry's header.
    pub fn number(self) -> u8 {
        self.declaration().number
    }

    /// The kind of this number, if this version knows it.
    pub fn from_number(number: u8) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The kind's name, as in the data dictionary.
    pub fn name(self) -> &'static str {
        self.declaration().name
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The newest schema version of this kind that this version knows; versions start at 1.
    pub fn schema_version(self) -> u64 {
        let versions = self.fields().flat_map(|field| {
            let inner = match field.shape {
                super::schema::Shape::List(fields) => fields,
                _ => &[],
            };
            inner.iter().map(|field| field.since).chain([field.since])
        });
        versions.max().unwrap_or(1)
    }

    /// The fields declared for this kind, the envelope's first.
    pub fn fields(self) -> impl Iterator<Item = &'static Field> {
        ENVELOPE.iter().chain(self.declaration().fields)
    }

    /// The field of this name.
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().find(|field| field.name == name)
    }
}

/// Raised when what is derived from the same declarations changes its form or its meaning.
const PROJECTION_VERSION: u32 = 2;

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
    use crate::model::indicator::{indicators, shares};
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
