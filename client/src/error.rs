//! What an app can branch on: few kinds, each with a stable code; what people read stands in `locales`.

use kitbag_core::engine::EngineError;
use kitbag_core::model::Invalid;
use kitbag_core::net::NetError;
use kitbag_core::store::{KeyFault, StoreError};
use kitbag_core::sync::SyncFault;
use kitbag_core::words::Words;

/// What can go wrong. Its `Display` is for logs: it never holds what a record says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Answers do not hold what their fields allow: every fault at once. Nothing was saved.
    #[error("{} answers are wrong", .0.len())]
    Invalid(Vec<Invalid>),
    /// This device may not do this, or not now; the code says why. Nothing was changed.
    #[error("not allowed: {0}")]
    NotAllowed(&'static str),
    /// There is no such record, draft, team or the like here; the code says what.
    #[error("not found: {0}")]
    NotFound(&'static str),
    /// Leaving now would lose so many entries that only this device has.
    #[error("{0} entries are only on this device")]
    WouldLose(u64),
    /// What was given cannot be used: an invitation, a code pack, a reply; the code says why. Nothing was changed.
    #[error("not usable: {0}")]
    NotUsable(&'static str),
    /// The device's storage is full: what was being saved is not saved.
    #[error("the storage is full")]
    StorageFull,
    /// Another program uses the store.
    #[error("the store is in use")]
    InUse,
    /// The key does not open the store, or cannot be had. No byte was changed.
    #[error("the key does not open the store")]
    WrongKey,
    /// Another version of Kitbag is needed for this store: `newer`, or to bring it up to date first.
    #[error("the store is of another version")]
    OtherVersion,
    /// The store is damaged: nothing more is written to it; recover it.
    #[error("the store is damaged")]
    Damaged,
    /// A sync did not end whole, or the hub did not do what it was asked; what is here stays, and the next one goes on.
    #[error("the sync ended: {}", .0.code())]
    Sync(SyncFault),
    /// The client was closed, or is suspended; or its store failed in a way that is a fault of Kitbag.
    #[error("not open: {0}")]
    NotOpen(&'static str),
}

impl Error {
    /// Its stable code, for words and for logs.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Invalid(_) => "invalid",
            Error::NotAllowed(code) | Error::NotFound(code) => code,
            Error::NotUsable(code) | Error::NotOpen(code) => code,
            Error::WouldLose(_) => "would_lose",
            Error::StorageFull => "storage_full",
            Error::InUse => "in_use",
            Error::WrongKey => "wrong_key",
            Error::OtherVersion => "other_version",
            Error::Damaged => "damaged",
            Error::Sync(fault) => fault.code(),
        }
    }
}

impl Error {
    /// What people read: what happened, and what to do next.
    pub fn in_words(&self, words: &Words) -> String {
        match self {
            Error::Invalid(faults) => {
                let said: Vec<String> = faults.iter().map(|fault| words.invalid(fault)).collect();
                said.join("\n")
            }
            Error::Sync(fault) => words.sync_fault(*fault),
            Error::WouldLose(entries) => words.error(self.code(), *entries),
            _ => words.error(self.code(), 0),
        }
    }
}

impl From<Invalid> for Error {
    fn from(fault: Invalid) -> Self {
        Error::Invalid(vec![fault])
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Invalid(invalid) => Error::Invalid(vec![invalid]),
            EngineError::Store(error) => error.into(),
            EngineError::Sync(_) => Error::Sync(error.as_sync_fault()),
            EngineError::Enrolment(_) => Error::NotUsable("enrolment"),
            EngineError::TooLarge => Error::NotAllowed("too_large"),
            EngineError::NoRecord => Error::NotFound("record"),
            EngineError::Pack(_) => Error::NotUsable("pack"),
            EngineError::PackNotNewer { .. } => Error::NotUsable("pack_not_newer"),
            EngineError::NotTheRoot => Error::NotAllowed("not_the_root"),
            EngineError::NoDraft => Error::NotFound("draft"),
            EngineError::NothingToUndo => Error::NotAllowed("nothing_to_undo"),
            EngineError::NoTeamKey => Error::NotAllowed("no_team_key"),
            EngineError::MayNotInvite => Error::NotAllowed("may_not_invite"),
            EngineError::InvitationUsed => Error::NotUsable("invitation_used"),
            EngineError::OtherProgramme => Error::NotUsable("other_programme"),
            EngineError::NotAReply => Error::NotUsable("not_a_reply"),
            EngineError::NoOutbox => Error::NotFound("outbox"),
            EngineError::NotDamaged => Error::NotAllowed("not_damaged"),
            EngineError::AcceptedEnough => Error::NotAllowed("accepted_enough"),
            EngineError::MayNotRevoke => Error::NotAllowed("may_not_revoke"),
            EngineError::InsecureInvitation => Error::NotUsable("insecure_invitation"),
            EngineError::AlreadyAMember => Error::NotAllowed("already_a_member"),
            EngineError::WouldLose { waiting } => Error::WouldLose(waiting),
            EngineError::NotAWorker => Error::NotAllowed("role"),
            EngineError::NotAMember => Error::NotFound("team"),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::WrongKey | StoreError::Key(KeyFault::OtherPassphrase) => Error::WrongKey,
            StoreError::Key(KeyFault::NotHad(_) | KeyFault::OtherSecret) => {
                Error::NotOpen("key_not_had")
            }
            StoreError::Key(KeyFault::OtherPin) => Error::NotUsable("pin_wrong"),
            StoreError::Key(KeyFault::PinTooShort) => Error::NotUsable("pin_too_short"),
            StoreError::Key(KeyFault::NotAKey) => Error::NotUsable("not_a_key"),
            StoreError::Key(KeyFault::TooShort) => Error::NotUsable("passphrase_too_short"),
            StoreError::Refused(_) => Error::NotAllowed("role"),
            StoreError::NewerSchema { .. } | StoreError::OlderSchema => Error::OtherVersion,
            StoreError::OpenedToRead | StoreError::NotOpen => Error::NotOpen("store"),
            StoreError::NoCipher => Error::NotOpen("no_cipher"),
            StoreError::StorageFull => Error::StorageFull,
            StoreError::Busy => Error::InUse,
            StoreError::Damaged(_) => Error::Damaged,
            StoreError::SplitTooOften => Error::NotAllowed("split_too_often"),
            StoreError::Database(error) => {
                tracing::warn!(code = ?error.sqlite_error_code(), "the store failed");
                Error::NotOpen("store_failed")
            }
        }
    }
}

impl From<NetError> for Error {
    fn from(error: NetError) -> Self {
        Error::Sync(error.as_sync_fault())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kitbag_core::words::{ERRORS, LANGUAGES};

    #[test]
    fn every_code_that_this_crate_gives_has_words_in_every_language() {
        let sources = [
            include_str!("error.rs"),
            include_str!("bundles.rs"),
            include_str!("client.rs"),
            include_str!("joining.rs"),
            include_str!("reports.rs"),
            include_str!("revoking.rs"),
            include_str!("sync.rs"),
            include_str!("protected_key.rs"),
            include_str!("team.rs"),
            include_str!("workers.rs"),
        ];
        let kinds = ["NotAllowed(\"", "NotFound(\"", "NotUsable(\"", "NotOpen(\""];
        let mut given = std::collections::BTreeSet::new();
        for (source, kind) in sources.iter().flat_map(|s| kinds.iter().map(move |k| (s, k))) {
            let code = source.split("\n#[cfg(test)]").next().unwrap_or_default();
            let codes = code.split(kind).skip(1).filter_map(|rest| rest.split('"').next());
            given.extend(codes.map(str::to_owned));
        }
        // Of an app's argument that cannot be read: the boundary to other languages gives it.
        given.insert("argument".to_owned());
        given.extend(
            [
                Error::WouldLose(2),
                Error::StorageFull,
                Error::InUse,
                Error::WrongKey,
                Error::OtherVersion,
                Error::Damaged,
            ]
            .map(|error| error.code().to_owned()),
        );
        let declared: std::collections::BTreeSet<String> =
            ERRORS.iter().map(|code| (*code).to_owned()).collect();
        assert_eq!(given, declared);
        for (language, _) in LANGUAGES {
            let words = Words::in_language(language);
            for code in &declared {
                assert_ne!(words.error(code, 3), *code, "{language}");
            }
        }
        let two = Error::WouldLose(2).in_words(&Words::in_language("ar"));
        assert!(two.contains("قيدان"), "{two}");
    }
}
