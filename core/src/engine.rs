//! The facade: what apps and the hub call.

mod accepting;
mod bundle;
mod capturing;
mod certifying;
mod drafts;
mod duplicates;
mod erasing;
mod finding;
mod forms;
mod invitation;
mod joining;
mod labels;
mod listing;
mod offering;
mod outbox;
mod packs;
mod programme;
mod reading;
mod records;
mod recover;
mod status;
mod suspecting;
mod sync_steps;
mod syncing;
mod team_keys;
mod verifying;
mod writing;

pub use accepting::Aside;
pub use bundle::{BundleError, BundleOf, BundleTaken, is_bundle};
pub use drafts::{DRAFTS_MAX, DraftId};
pub use erasing::AskedErasure;
pub use invitation::{Invitation, JoinRequest, NotAnInvitation};
pub use joining::Newcomer;
pub use listing::{List, Listed};
pub use programme::Enrolment;
pub use recover::Recovered;
pub use status::{Attention, LastSync, Status};
pub use suspecting::{SUSPECTED_MAX, Suspected, Why};
pub use sync_steps::{Step, Syncing};
pub use verifying::{Verified, VerifyFault};

use crate::identity::SigningKey;
use crate::log::run::TurnedAway;
use crate::model::date::Period;
use crate::model::pack::CodePack;
use crate::model::pack::first_month;
use crate::model::{DeviceKey, EntryId, Invalid, TeamId, UnixMillis};
use crate::store::{Store, StoreError};
use crate::sync::SyncError;
use crate::totals::{Query, Split, Totals};
use std::collections::{BTreeMap, BTreeSet};

/// Fills a buffer with random bytes.
pub type Random = Box<dyn FnMut(&mut [u8]) + Send>;

/// Told how many records are done, and of how many.
pub type Renewing = Box<dyn FnMut(u64, u64) + Send>;

/// What the engine takes from outside: a clock, randomness, and whom to tell of long work. None decides
/// what counts.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let mut environment = Environment::system();
/// environment.now = Box::new(|| UnixMillis(1_790_000_000_000)); // a test's clock
/// let path = folder.path().join("tested.db");
/// let device = Engine::device(&path, &key, root.root(), environment)?;
/// # Ok::<(), Failed>(())
/// ```
pub struct Environment {
    /// The clock.
    pub now: Box<dyn Fn() -> UnixMillis + Send>,
    /// Fills a buffer with random bytes.
    pub random: Random,
    /// Whether an invitation may lead to a hub on this machine without TLS: in development alone.
    pub insecure_loopback: bool,
    /// Told while a store is opened that an update must bring up to date first: every record, once.
    pub renewing: Renewing,
}

impl Environment {
    /// The system's clock and randomness.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let mut environment = Environment::system();
    /// assert!((environment.now)().0 > 1_700_000_000_000);
    /// # Ok::<(), Failed>(())
    /// ```
    #[allow(clippy::disallowed_methods)] // The one place where the core reads a clock.
    pub fn system() -> Self {
        Environment {
            now: Box::new(|| {
                let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                UnixMillis(
                    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
                )
            }),
            random: Box::new(|buffer| {
                getrandom::fill(buffer).expect("the system gives randomness")
            }),
            insecure_loopback: false,
            renewing: Box::new(|_, _| {}),
        }
    }
}

/// What an app can branch on.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let mut form = reversal()?;
/// form.put("outcome", Value::Null)?; // taken back, and required
/// match phone.record(team, &form) {
///     Err(EngineError::Invalid(invalid)) => {
///         assert_eq!(invalid.field, "outcome");
///         assert_eq!(invalid.wrong.code(), "required");
///     }
///     _ => unreachable!("a reversal needs an outcome"),
/// }
/// # Ok::<(), Failed>(())
/// ```
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A field does not hold what its kind allows.
    #[error("{0}")]
    Invalid(#[from] Invalid),
    /// The store failed; what was being saved is not saved.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A sync failed; what is held stays held, and the next one goes on.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// An enrolment does not prove what it says. Nothing was joined.
    #[error("the enrolment cannot be used: {0}; ask the coordinator for a new one")]
    Enrolment(TurnedAway),
    /// One change says more than one entry can hold. Nothing was saved.
    #[error("this is more than one change can hold; save it as several")]
    TooLarge,
    /// There is no such record here.
    #[error("there is no such record here")]
    NoRecord,
    /// A text is no code pack, or names what there is not. Nothing was published.
    #[error("{0}")]
    Pack(String),
    /// A code pack of this name is published that is no older. Nothing was published.
    #[error("version {version} of {name} is published already; give this one a higher version")]
    PackNotNewer {
        /// The pack's name.
        name: String,
        /// The version that is published.
        version: u32,
    },
    /// Only the root's device may do this.
    #[error("only the programme's root does this; open its store")]
    NotTheRoot,
    /// There is no such draft here.
    #[error("there is no such draft here")]
    NoDraft,
    /// This device changed nothing of the record that still stands.
    #[error("this device changed nothing of the record that still stands, or took it back already")]
    NothingToUndo,
    /// The team has no key yet that texts could be sealed to. Nothing was saved.
    #[error(
        "this device has no key of its team yet, so that a note could be read by others; sync first, \
         or save without the note"
    )]
    NoTeamKey,
    /// Coordinators are invited by the root, all others by a coordinator of their team.
    #[error("this device may not invite: the root invites coordinators, they invite their team")]
    MayNotInvite,
    /// Each invitation is used once, within ten minutes.
    #[error("this invitation was used, or is older than ten minutes; make a new one")]
    InvitationUsed,
    /// The invitation is of another programme.
    #[error("this device belongs to another programme; use a new store for this one")]
    OtherProgramme,
    /// What came back does not certify this device.
    #[error(
        "the reply does not certify this device as the invitation says; ask for a new invitation"
    )]
    NotAReply,
    /// A damaged store without an outbox that tells whose it was.
    #[error(
        "the store is damaged, and no outbox.log beside it tells whose it was; the files were moved \
         aside. Ask the coordinator for an invitation, and join with a new store"
    )]
    NoOutbox,
    /// The store is whole: there is nothing to recover from.
    #[error("the store is whole, and was left as it is; sync it")]
    NotDamaged,
    /// One certificate accepts 4,000 entries. Nothing was accepted.
    #[error(
        "this device has accepted as many entries as one certificate may; another coordinator, or the \
         programme's root, accepts the rest"
    )]
    AcceptedEnough,
    /// A revocation that the log would refuse.
    #[error(
        "this device may not revoke that certificate: coordinators revoke their team's devices, the \
         root revokes coordinators, once it looked into their team"
    )]
    MayNotRevoke,
    /// An invitation names a hub without TLS.
    #[error(
        "this invitation leads to a hub without encryption, and is not used; ask for another one. On a \
         developer's own machine KITBAG_INSECURE_LOOPBACK=1 allows it"
    )]
    InsecureInvitation,
    /// A certificate that holds gives way to none that allows less.
    #[error(
        "this device is a member of the team already, and may do more there; nothing was changed"
    )]
    AlreadyAMember,
    /// Leaving now would lose what only this device has.
    #[error(
        "{waiting} entries are only on this device, or the last sync was not whole; sync, then leave"
    )]
    WouldLose {
        /// How many.
        waiting: u64,
    },
    /// Others rely on what this device holds.
    #[error(
        "a coordinator's, an observer's and the root's device keep what they hold: only a worker's captures only"
    )]
    NotAWorker,
    /// This device has no certificate for the team.
    #[error("this device is not a member of the team; ask a coordinator to enrol it")]
    NotAMember,
}

/// One device: its store, its key and its teams.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let id = phone.record(team, &reversal()?)?; // durable from here on
/// phone.correct(id, "outcome", "unknown")?;
/// let totals = phone.totals(&Query::default())?;
/// assert_eq!(totals.lines.values().next().and_then(|sums| sums.get("reversals")), Some(&1));
/// assert_eq!(phone.delivery(id)?, Delivery::Waiting);
/// sync_with(&mut phone, &mut hub)?;
/// assert_eq!(phone.delivery(id)?, Delivery::OnHub);
/// # Ok::<(), Failed>(())
/// ```
pub struct Engine {
    store: Store,
    key: SigningKey,
    members: BTreeMap<TeamId, EntryId>,
    /// Teams that the root looks into, to revoke there.
    looked_into: BTreeSet<TeamId>,
    /// Those of them that a whole sync brought since.
    looked: BTreeSet<TeamId>,
    /// What was written here, and when: for a while it may be undone, on a device that captures only, too.
    fresh: Vec<(crate::model::RecordId, UnixMillis)>,
    environment: Environment,
    outbox: outbox::Outbox,
    /// The code packs, and how many entries of packs were held when they were read.
    known_packs: (u64, Vec<CodePack>),
    /// The teams' keys that this device was handed.
    key_ring: std::cell::RefCell<team_keys::KeyRing>,
    /// Whose stock the last distribution in each team came from.
    taken_from: BTreeMap<TeamId, Option<String>>,
}

impl Engine {
    /// The device's public key.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// assert_ne!(phone.device_key(), coordinator.device_key());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn device_key(&self) -> DeviceKey {
        self.key.device_key()
    }

    /// The programme's root key.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// assert_eq!(phone.root(), root.device_key());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn root(&self) -> DeviceKey {
        self.store.root()
    }

    /// The store, to read.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// assert_eq!(phone.store().record_ids(team)?, [id]);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The teams that this device is in; the root's is the programme's own scope.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// assert_eq!(phone.teams(), [team]);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn teams(&self) -> Vec<TeamId> {
        self.members.keys().copied().collect()
    }

    /// The id of a new team: 16 random bytes.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let youth = root.new_team();
    /// assert_ne!(youth, team);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn new_team(&mut self) -> TeamId {
        let mut id = [0; 16];
        (self.environment.random)(&mut id);
        TeamId(id)
    }

    /// Writes the log beside the store back into it: before a backup, or after an erasure, so that
    /// nothing of it is left on the disk.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// phone.checkpoint()?; // phone.db alone holds everything now
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn checkpoint(&mut self) -> Result<(), EngineError> {
        Ok(self.store.checkpoint()?)
    }

    /// What changed since this was asked last, for whoever shows it.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// assert!(phone.take_noticed().records.contains(&id));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn take_noticed(&mut self) -> crate::store::Noticed {
        self.store.take_noticed()
    }

    /// Drops the projection and builds it again from the entries held.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// let before = phone.totals(&Query::default())?.lines;
    /// phone.rebuild()?;
    /// assert_eq!(phone.totals(&Query::default())?.lines, before);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn rebuild(&mut self) -> Result<(), EngineError> {
        Ok(self.store.rebuild()?)
    }

    /// Totals, with what they lack.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// let november = Query {
    ///     from: Some("2026-11-01".parse()?),
    ///     to: Some("2026-11-30".parse()?),
    ///     by: vec![Split::Site],
    ///     ..Query::default()
    /// };
    /// let totals = phone.totals(&november)?;
    /// assert_eq!(totals.lines[&vec!["riverside".to_owned()]]["survived"], 1);
    /// assert_eq!(totals.missing.entries, 0); // as far as this phone knows
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn totals(&self, query: &Query) -> Result<Totals, EngineError> {
        let is_fiscal = |split: &Split| matches!(split, Split::Period(Period::FiscalYear { .. }));
        let query = match query.by.iter().any(is_fiscal) {
            true => &query.clone().with_first_month(first_month(&self.packs()?)),
            false => query,
        };
        Ok(self.store.totals(query, (self.environment.now)())?)
    }
}
