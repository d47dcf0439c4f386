//! The store: SQLCipher, with one transaction for an entry, its verdict, its projection and totals.
//!
//! This module owns rusqlite. It is blocking and has one writer. Nothing leaves a device before the
//! COMMIT that stored it has returned; after a failed COMMIT the file is read anew.

mod aside;
mod at_rest;
mod beside;
mod capture;
mod carried;
mod clocks;
mod completeness;
mod connection;
mod cursor;
mod delivery;
mod digests;
mod dirty;
mod equal_imports;
mod files;
mod held;
mod hidden;
mod ingest;
mod insert;
mod key;
mod leaving;
mod links;
mod listing;
mod missing;
mod noticed;
mod on_hand;
mod on_path;
mod open;
mod outgoing;
mod own;
mod paging;
mod payload;
mod plain;
mod projection;
mod rows;
mod runs;
mod settings;
mod settle;
mod totals;
mod wrapped_key;

pub use aside::{ASIDE_BYTES_MAX, ASIDE_ENTRIES_MAX};
pub use beside::Reader;
pub(crate) use capture::AFTER_A_SYNC;
pub use clocks::CLOCK_OFF_MS;
pub use completeness::{COMPLETENESS, Completeness, LATE_DAYS};
pub use cursor::Cursor;
pub use delivery::{Delivery, FrontierDigest, Reason, WaitingForHub, digest_of};
pub use digests::Digests;
pub use held::{Arrived, HeldEntry};
pub use hidden::{ASIDE_RUN_BYTES, ASIDE_RUN_ENTRIES, OWN_TOLD_MAX};
pub use ingest::{Incoming, MayBranch, Received, VerifiedRun};
pub use key::{KeyFault, KeyFile, KeyProvider, PassphraseFile, StoreKey};
pub use listing::{ListPlace, Order, Page, Refused, Search};
pub use missing::{CLAIMED_MAX, MissingFrom};
pub use noticed::{NOTICED_MAX, Noticed};
pub use on_hand::OnHand;
pub use outgoing::{Frontier, SIGNED_TIPS_MAX};
pub use paging::Peer;
pub use plain::Asked;
pub use rows::{Row, State};
pub use settings::Setting;
pub use wrapped_key::{PIN_CHARS_MIN, is_under, needs_pin, unwrapped, wrapped};

use crate::log::payload::Open;
use crate::log::verdict::Refusal;
use crate::log::{Authority, Chains};
use crate::model::{DeviceKey, LogId, TeamId};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The newest SQL schema that this version knows.
pub const SCHEMA_VERSION: u32 = 2;

/// The record that an entry creates or changes, as SQL: a creation's id begins with its record's.
const RECORD: &str = "coalesce(changes, substr(id, 1, 16))";
/// The entries that name the record `?1`, whose last possible entry id is `?2`.
const OF_RECORD: &str = "(changes = ?1
  OR entry.id BETWEEN ?1 AND ?2 AND changes IS NULL AND entry.kind >= 16)";

fn refused_in_words(reason: Refusal) -> &'static str {
    match reason {
        Refusal::Role => {
            "this device's role does not allow this, so it would count nowhere; nothing was saved: ask a \
             coordinator to do it"
        }
        _ => {
            "this would count nowhere; nothing was saved: please report it, it is a fault of Kitbag"
        }
    }
}

/// What can go wrong with a store. Never carries a record's contents.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The key does not open the file, or the file is not a store. No byte was changed.
    #[error("this key does not open the store, or the file is damaged; nothing was changed")]
    WrongKey,
    /// This program was not built with SQLCipher: nothing was opened, as it would not be enciphered.
    #[error(
        "this program was built without SQLCipher; nothing was opened: build it as docs/integrating-rust.md says"
    )]
    NoCipher,
    /// Every store would refuse what was to be saved. Nothing was.
    #[error("{}", refused_in_words(*.0))]
    Refused(Refusal),
    /// A newer version wrote the file. No byte was changed.
    #[error("the store has schema {found}, this version knows {known}; update Kitbag")]
    NewerSchema {
        /// The schema found.
        found: u32,
        /// The newest known.
        known: u32,
    },
    /// An older version wrote the file, and it was opened to be read alone. No byte was changed.
    #[error("an older version of Kitbag wrote this store; sync once, which brings it up to date")]
    OlderSchema,
    /// The store was opened to be read alone.
    #[error("this store was opened to be read alone; nothing was saved")]
    OpenedToRead,
    /// The disk is full: what was being saved is not saved.
    #[error("the device's storage is full; this was not saved: free some space and save again")]
    StorageFull,
    /// Another process holds the store.
    #[error("another program is using this store; close it and try again")]
    Busy,
    /// The key could not be had.
    #[error("the store's key could not be read: {0}")]
    Key(KeyFault),
    /// What is stored contradicts itself.
    #[error(
        "the store is damaged ({0}); recover it: its files are kept aside, and the hub brings back the rest"
    )]
    Damaged(&'static str),
    /// The store was closed after a failure and could not be read anew.
    #[error("the store was closed after a failure; try again, and it is read anew")]
    NotOpen,
    /// Totals were asked for by more parts than are answered.
    #[error("totals are split by at most five parts, two of them coded fields; leave some out")]
    SplitTooOften,
    /// The database failed.
    #[error("the store failed; what was being saved is not saved")]
    Database(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::StorageFull,
            Some(ErrorCode::NotADatabase) => StoreError::WrongKey,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged("the file"),
            _ => StoreError::Database(error),
        }
    }
}

/// Whether verdicts and projection follow in the same transaction or behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settling {
    /// In the same transaction: a device.
    Within,
    /// Behind it, by [`Store::settle_some`]: a hub, so that no entry can stop ingest.
    Behind,
}

/// What we use a log of our own for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogUse {
    /// Records.
    Records,
    /// Acceptances, erasures and the rest of administration, kept apart so that they travel first.
    Administration,
    /// Teams' keys and code packs, which prove nothing.
    Keys,
    /// Certificates: what proves one to a device that joins is this alone, in few bytes.
    Certificates,
    /// Revocations: a device that joins anew hears of its earlier ones by these alone.
    Revocations,
}

impl LogUse {
    fn number(self) -> i64 {
        match self {
            LogUse::Records => 1,
            LogUse::Administration => 2,
            LogUse::Keys => 4,
            LogUse::Certificates => 5,
            LogUse::Revocations => 6,
        }
    }
}

/// What is kept in memory of a log beside its branches.
struct HeldLog {
    /// This store's number for it.
    number: i64,
    open: Open,
    /// Whether it holds certificates, revocations, acceptances, erasures.
    administers: bool,
}

/// A signature over a tip, and whose it should be.
type SeenSignature = (DeviceKey, LogId, crate::log::entry::Tip, [u8; 64]);

/// One database, on a device or in a hub.
pub struct Store {
    /// `None` after a failure, until the file was read anew.
    connection: Option<Connection>,
    path: PathBuf,
    key: StoreKey,
    root: DeviceKey,
    /// The teams held, or all of the programme's.
    scope: Option<BTreeSet<TeamId>>,
    settling: Settling,
    chains: Chains,
    logs: BTreeMap<LogId, HeldLog>,
    authority: Authority,
    /// What is carried of each log whose certificate stands.
    carried: BTreeMap<LogId, carried::CarriedLog>,
    changes: projection::Changes,
    /// How many entries of code packs are held.
    code_packs: u64,
    /// Signatures over kept tips that were looked at, and whether they hold.
    signatures_seen: std::cell::RefCell<BTreeMap<SeenSignature, bool>>,
    /// What a hub noted of today's exchanges.
    noted: completeness::Noted,
    clocks: clocks::Clocks,
    /// What is to be judged, and for whom.
    judging: dirty::ToJudge,
    page_entries_max: u64,
    /// What changed since that was asked last.
    noticed: std::cell::RefCell<noticed::Noticed>,
    /// Of a store that is read beside its writer: as of which state of the file.
    version_read: Option<i64>,
    /// How often the file was read, the first time included.
    readings: u64,
    /// Opened to be read alone: nothing is written, and the file is not opened again to write.
    is_for_reading: bool,
    /// Something was erased: the log beside the store, which may hold it, is to be emptied.
    erased: std::cell::Cell<bool>,
    /// Something was erased since this was asked last.
    erased_since: std::cell::Cell<bool>,
    /// Held for as long as this store is open, so that a second process is told so.
    _lock: Option<files::Lock>,
}

impl Store {
    /// The programme's root key.
    pub fn root(&self) -> DeviceKey {
        self.root
    }

    /// All logs held.
    pub fn chains(&self) -> &Chains {
        &self.chains
    }

    /// Whose word counts here.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Whether this store holds this team.
    pub fn holds_team(&self, team: TeamId) -> bool {
        team == TeamId::PROGRAMME || self.scope.as_ref().is_none_or(|teams| teams.contains(&team))
    }

    /// Makes pages smaller, so that little data needs many: for simulations.
    pub fn limit_pages(&mut self, entries: u64) {
        self.page_entries_max = entries.clamp(1, crate::log::run::PAGE_ENTRIES_MAX);
    }

    /// Takes one more team into scope.
    pub fn add_team(&mut self, team: TeamId) {
        if let Some(scope) = &mut self.scope {
            scope.insert(team);
        }
    }

    /// Takes a team out of scope again, where nothing of it is held.
    pub fn drop_from_scope(&mut self, team: TeamId) {
        if let Some(scope) = &mut self.scope {
            scope.remove(&team);
        }
    }

    /// The teams of which something is carried, the programme's scope first.
    pub fn teams(&self) -> BTreeSet<TeamId> {
        let carried = self.chains.iter().filter(|(log, _)| self.is_carried_log(log));
        carried.map(|(_, info)| info.team).collect()
    }

    /// Whether something was erased since this was asked last: files beside the store may hold it.
    pub fn take_erased(&mut self) -> bool {
        self.erased_since.replace(false)
    }

    /// Whether the file is open, outside a transaction, and not shut to writes: SQLCipher does that
    /// after a page that it could not read, and gives no page any more.
    fn is_well(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| {
            connection.is_autocommit() && connection.is_readonly("main") == Ok(false)
        })
    }

    fn sql(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or(StoreError::NotOpen)
    }

    /// Runs `work` in one transaction. If it or its COMMIT fails, the file is closed and read anew,
    /// so that memory never runs ahead of the disk. A transaction left open by a panic is such a
    /// failure, too, and so is a file that SQLCipher shut to writes after a page that it could not read.
    fn transact<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.is_for_reading {
            return Err(StoreError::OpenedToRead);
        }
        if !self.is_well() {
            self.reload()?;
        }
        self.sql()?.execute_batch("BEGIN IMMEDIATE")?;
        let worked = work(self);
        let committed = match &worked {
            Ok(_) => self.sql()?.execute_batch("COMMIT").map_err(StoreError::from),
            Err(_) => Ok(()),
        };
        match (worked, committed) {
            (Ok(value), Ok(())) => {
                self.empty_log_after_erasure();
                Ok(value)
            }
            (Ok(value), Err(_)) if crate::planted!(AckBeforeCommit) => {
                self.reload_or_close();
                Ok(value)
            }
            (Ok(_), Err(error)) | (Err(error), _) => {
                self.reload_or_close();
                Err(error)
            }
        }
    }
}
