//! The kinds of record, and the number that an entry's header gives each.

use super::operation::Operation;
use super::schema::{Field, Invalid};

/// A kind of record that this version can show and count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// One overdose event.
    Reversal,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 1] = [Kind::Reversal];

    /// The kind's number in an entry's header. Numbers from 16 are records; numbers below are
    /// administration. A number once given is never given again.
    pub fn number(self) -> u8 {
        match self {
            Kind::Reversal => 17,
        }
    }

    /// The kind of this number, if this version knows it.
    pub fn from_number(number: u8) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The kind's name, as in the data dictionary.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Reversal => "reversal",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The newest schema version of this kind that this version knows; versions start at 1.
    pub fn schema_version(self) -> u64 {
        1
    }

    /// The fields declared for this kind, the envelope's first.
    pub fn fields(self) -> impl Iterator<Item = &'static Field> {
        let own = match self {
            Kind::Reversal => super::reversal::FIELDS,
        };
        super::schema::ENVELOPE.iter().chain(own)
    }

    /// The rules of this kind that no single field holds.
    pub fn check_creation(self, operations: &[Operation]) -> Result<(), Invalid> {
        match self {
            Kind::Reversal => super::reversal::check_creation(operations),
        }
    }
}
