//! What each kind of record is: a line for each here, and its declaration in the module of its name.

use super::Kind;
use super::declaration::Declaration;
use super::field::{ENVELOPE, Field, Shape};

/// Makes the modules and their table, so that a kind is declared in one place.
macro_rules! kinds {
    ($($name:ident = $module:ident),* $(,)?) => {
        $(pub mod $module;)*

        impl Kind {
            /// The kind's declaration.
            pub fn declaration(self) -> &'static Declaration {
                match self {
                    $(Kind::$name => &$module::DECLARATION),*
                }
            }
        }
    };
}

kinds! {
    Distribution = distribution,
    Reversal = reversal,
    Referral = referral,
    StockMovement = stock_movement,
    Training = training,
    Contact = contact,
    Target = target,
    Report = report,
}

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
                Shape::List(fields) => fields,
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
