//! What can go wrong, as it crosses: one kind of twelve, a stable code, what goes with it, and words.

use kitbag_client::Error;
use kitbag_core::model::Invalid;
use kitbag_core::words::Words;
use std::sync::{PoisonError, RwLock};

/// The language of what people read; English until the app says another.
static LANGUAGE: RwLock<String> = RwLock::new(String::new());

/// From now on errors and findings speak this language; where there are no words in it, English.
#[uniffi::export]
pub fn set_language(tag: String) {
    *LANGUAGE.write().unwrap_or_else(PoisonError::into_inner) = tag;
}

/// Words in the app's language.
pub(crate) fn words() -> Words {
    Words::in_language(&LANGUAGE.read().unwrap_or_else(PoisonError::into_inner))
}

/// The kinds of what can go wrong, as [`kitbag_client::Error`] has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
#[allow(missing_docs)]
pub enum ErrorKind {
    Invalid,
    NotAllowed,
    NotFound,
    WouldLose,
    NotUsable,
    StorageFull,
    InUse,
    WrongKey,
    OtherVersion,
    Damaged,
    Sync,
    NotOpen,
}

/// What is wrong with one answer.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Fault {
    /// The field, of a list's element `list.field`.
    pub field: String,
    /// A stable code.
    pub code: String,
    /// The other field, where it takes two to be wrong.
    pub other: Option<String>,
    /// What people read beside the field.
    pub in_words: String,
}

impl Fault {
    pub(crate) fn of(words: &Words, fault: &Invalid) -> Self {
        Fault {
            field: fault.field.clone(),
            code: fault.wrong.code().to_owned(),
            other: fault.other.map(str::to_owned),
            in_words: words.invalid(fault),
        }
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum KitbagError {
    /// There is one shape of it.
    #[error("{code}")]
    Failed {
        /// Of which kind it is.
        kind: ErrorKind,
        /// Its stable code.
        code: String,
        /// The number that goes with it: entries that would be lost or wait, a hub's status.
        number: Option<u64>,
        /// The argument that cannot be used, where it is one.
        argument: Option<String>,
        /// What is wrong with each answer, of `Invalid`.
        faults: Vec<Fault>,
        /// What people read: what happened, and what to do next.
        in_words: String,
    },
}

impl KitbagError {
    /// An argument that is not what its name says.
    pub(crate) fn argument(name: &str) -> Self {
        KitbagError::of(&Error::NotUsable("argument"), Some(name))
    }

    fn of(error: &Error, argument: Option<&str>) -> Self {
        let words = words();
        let (number, faults) = match error {
            Error::WouldLose(entries) => (Some(*entries), Vec::new()),
            Error::Sync(fault) => (fault.number(), Vec::new()),
            Error::Invalid(faults) => {
                (None, faults.iter().map(|fault| Fault::of(&words, fault)).collect())
            }
            _ => (None, Vec::new()),
        };
        KitbagError::Failed {
            kind: kind_of(error),
            code: error.code().to_owned(),
            number,
            argument: argument.map(str::to_owned),
            faults,
            in_words: error.in_words(&words),
        }
    }
}

impl KitbagError {
    pub(crate) fn is_cancelled(&self) -> bool {
        let KitbagError::Failed { kind, code, .. } = self;
        *kind == ErrorKind::Sync && code == "cancelled"
    }
}

impl From<Error> for KitbagError {
    fn from(error: Error) -> Self {
        KitbagError::of(&error, None)
    }
}

fn kind_of(error: &Error) -> ErrorKind {
    match error {
        Error::Invalid(_) => ErrorKind::Invalid,
        Error::NotAllowed(_) => ErrorKind::NotAllowed,
        Error::NotFound(_) => ErrorKind::NotFound,
        Error::WouldLose(_) => ErrorKind::WouldLose,
        Error::NotUsable(_) => ErrorKind::NotUsable,
        Error::StorageFull => ErrorKind::StorageFull,
        Error::InUse => ErrorKind::InUse,
        Error::WrongKey => ErrorKind::WrongKey,
        Error::OtherVersion => ErrorKind::OtherVersion,
        Error::Damaged => ErrorKind::Damaged,
        Error::Sync(_) => ErrorKind::Sync,
        Error::NotOpen(_) => ErrorKind::NotOpen,
    }
}
