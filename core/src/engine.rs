//! The facade: what apps and the hub call.

mod bundle;
mod drafts;
mod finding;
mod joining;
mod outbox;
mod packs;
mod programme;
mod recover;
mod status;
mod team_keys;
mod verifying;
mod writing;

pub use bundle::{BundleError, BundleOf, BundleTaken};
pub use drafts::{DRAFTS_MAX, DraftId};
pub use finding::{SUSPECTED_MAX, Suspected, Why};
pub use joining::{Invitation, JoinRequest, NotAnInvitation};
pub use programme::Enrolment;
pub use recover::Recovered;
pub use status::{Attention, LastSync, Status};
pub use verifying::{Verified, VerifyFault};

#[cfg(feature = "net")]
use crate::identity::HubAddress;
use crate::identity::SigningKey;
use crate::log::run::TurnedAway;
use crate::model::form::append;
use crate::model::pack::CodePack;
use crate::model::{
    DeviceKey, Element, ElementName, EntryId, Form, Invalid, Operation, RecordId, TeamId,
    UnixMillis, Value,
};
use crate::record::Record;
use crate::store::{Store, StoreError};
use crate::sync::{Agreement, Message, Progress, Session, SyncError, take};
use crate::totals::{Query, Totals};
use std::collections::{BTreeMap, BTreeSet};

/// Fills a buffer with random bytes.
pub type Random = Box<dyn FnMut(&mut [u8]) + Send>;

/// What the engine takes from outside: a clock and randomness. Neither decides what counts.
pub struct Environment {
    /// The clock.
    pub now: Box<dyn FnMut() -> UnixMillis + Send>,
    /// Fills a buffer with random bytes.
    pub random: Random,
}

impl Environment {
    /// The system's clock and randomness.
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
        }
    }
}

/// What an app can branch on.
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
    /// Only the root's device may do this.
    #[error("only the programme's root publishes code packs; open its store")]
    NotTheRoot,
    /// There is no such draft here.
    #[error("there is no such draft here")]
    NoDraft,
    /// This device changed nothing of the record that still stands.
    #[error("this device changed nothing of the record that still stands")]
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
    /// A revocation that the log would refuse.
    #[error(
        "this device may not revoke that certificate: coordinators revoke their team's devices, the \
         root revokes coordinators, once it looked into their team"
    )]
    MayNotRevoke,
    /// Leaving now would lose what only this device has.
    #[error(
        "{waiting} entries are only on this device, or the last sync was not whole; sync, then leave"
    )]
    WouldLose {
        /// How many.
        waiting: u64,
    },
    /// This device has no certificate for the team.
    #[error("this device is not a member of the team; ask a coordinator to enrol it")]
    NotAMember,
}

/// One device: its store, its key and its teams.
pub struct Engine {
    store: Store,
    key: SigningKey,
    members: BTreeMap<TeamId, EntryId>,
    /// Teams that the root looks into, to revoke there.
    looked_into: BTreeSet<TeamId>,
    /// Those of them that a whole sync brought since.
    looked: BTreeSet<TeamId>,
    environment: Environment,
    outbox: outbox::Outbox,
    /// The code packs, and how many entries of packs were held when they were read.
    known_packs: (u64, Vec<CodePack>),
    /// Whose stock the last distribution in each team came from.
    taken_from: BTreeMap<TeamId, Option<String>>,
}

impl Engine {
    /// The device's public key.
    pub fn device_key(&self) -> DeviceKey {
        self.key.device_key()
    }

    /// The programme's root key.
    pub fn root(&self) -> DeviceKey {
        self.store.root()
    }

    /// The store, to read.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The teams that this device is in; the root's is the programme's own scope.
    pub fn teams(&self) -> Vec<TeamId> {
        self.members.keys().copied().collect()
    }

    /// The id of a new team: 16 random bytes.
    pub fn new_team(&mut self) -> TeamId {
        let mut id = [0; 16];
        (self.environment.random)(&mut id);
        TeamId(id)
    }

    /// Saves a record of any kind. When this returns, it is durable. What the form leaves open and the
    /// programme or this device knows is filled in, by [`Engine::prepared`].
    pub fn record(&mut self, team: TeamId, form: &Form) -> Result<RecordId, EngineError> {
        let form = self.prepared(team, form)?;
        let id = self.create_checked(team, form.kind(), form.operations()?)?;
        self.note_taken_from(team, &form);
        Ok(id)
    }

    /// Saves a record of a file: the same, but that no stock is taken for the last used.
    pub fn record_imported(&mut self, team: TeamId, form: &Form) -> Result<RecordId, EngineError> {
        let form = self.known_of(form)?;
        self.create_checked(team, form.kind(), form.operations()?)
    }

    /// Gives a field of a record another value. The old one stays in the history.
    pub fn correct(
        &mut self,
        id: RecordId,
        field: &str,
        value: impl Into<Value>,
    ) -> Result<EntryId, EngineError> {
        self.change(id, vec![Operation::put(field, value)])
    }

    /// Voids a record, with a reason of the data dictionary: it counts nowhere from then on.
    pub fn void(&mut self, id: RecordId, reason: &str) -> Result<EntryId, EngineError> {
        self.correct(id, "void", reason)
    }

    /// Takes a void back.
    pub fn clear_void(&mut self, id: RecordId) -> Result<EntryId, EngineError> {
        self.correct(id, "void", Value::Null)
    }

    /// Says that two records are of one event: of all that are linked, one counts.
    pub fn mark_duplicate(&mut self, id: RecordId, of: RecordId) -> Result<EntryId, EngineError> {
        self.correct(id, "duplicate_of", of.to_string().as_str())
    }

    /// Adds an element to a list of a record: an administration to a reversal, an event to a referral.
    pub fn add(
        &mut self,
        id: RecordId,
        list: &str,
        element: &Element,
    ) -> Result<EntryId, EngineError> {
        self.change(id, vec![append(list, element)])
    }

    /// Gives a field of a list's element another value; `void` with a reason takes it out.
    pub fn correct_element(
        &mut self,
        id: RecordId,
        list: &str,
        element: ElementName,
        field: &str,
        value: impl Into<Value>,
    ) -> Result<EntryId, EngineError> {
        let (list, field) = (list.to_owned(), field.to_owned());
        let value = value.into();
        self.change(id, vec![Operation::PutIn { list, element, field, value }])
    }

    /// A record as this store holds it.
    pub fn get(&self, id: RecordId) -> Result<Record, EngineError> {
        let mut record = self.store.record(id)?.ok_or(EngineError::NoRecord)?;
        self.open_texts(&mut record)?;
        Ok(record)
    }

    /// Writes the log beside the store back into it: before a backup, or after an erasure, so that
    /// nothing of it is left on the disk.
    pub fn checkpoint(&mut self) -> Result<(), EngineError> {
        Ok(self.store.checkpoint()?)
    }

    /// Drops the projection and builds it again from the entries held.
    pub fn rebuild(&mut self) -> Result<(), EngineError> {
        Ok(self.store.rebuild()?)
    }

    /// Totals, with what they lack.
    pub fn totals(&self, query: &Query) -> Result<Totals, EngineError> {
        Ok(self.store.totals(query)?)
    }

    /// Syncs with a hub through `exchange`, which carries a request and brings the answer; an error
    /// of it ends the sync, and what was acknowledged until then stays so.
    pub fn sync<E: From<EngineError>>(
        &mut self,
        mut exchange: impl FnMut(Vec<u8>) -> Result<Vec<u8>, E>,
    ) -> Result<Agreement, E> {
        self.store.ensure_open().map_err(EngineError::from)?;
        let mut session = self.session();
        self.carry(&mut session, |request, _| exchange(request))
    }

    /// Carries a session to its end. `exchange` gets each request with how far the sync is, and may
    /// cancel it by an error of its own.
    pub fn carry<E: From<EngineError>>(
        &mut self,
        session: &mut Session,
        mut exchange: impl FnMut(Vec<u8>, Progress) -> Result<Vec<u8>, E>,
    ) -> Result<Agreement, E> {
        while let Some(request) = self.request(session)? {
            let answer = exchange(request, session.progress())?;
            self.reply(session, &answer)?;
        }
        let agreement = session.agreement().cloned().unwrap_or(Agreement::Whole);
        if agreement == Agreement::Whole {
            self.looked.extend(&self.looked_into);
        }
        if !matches!(agreement, Agreement::Partial { .. }) {
            self.settle_outbox(&mut exchange)?;
        }
        Ok(agreement)
    }

    /// A client that calls this hub as this device.
    #[cfg(feature = "net")]
    pub fn client(&self, hub: &HubAddress) -> std::io::Result<crate::net::HubClient> {
        crate::net::HubClient::new(hub, &self.key)
    }

    /// Seals of how far this device's logs reach, and those that it heard, for a team: some hundred
    /// bytes that prove what exists. Passed on by a colleague, a file or a picture, they let others
    /// know what they lack, even of a phone that never came.
    pub fn announce(&self, team: TeamId) -> Result<Vec<u8>, EngineError> {
        let teams = [team, TeamId::PROGRAMME];
        let nothing = crate::store::Clock::new();
        let sealed = self.store.seals_lacked(&teams, &nothing, Some(&self.key))?;
        let own = |seal: &crate::log::run::SealedTip| seal.open.key == self.device_key();
        let sealed = sealed.into_iter().filter(own).collect();
        Ok(Message { teams: teams.to_vec(), sealed, ..Message::default() }.encode())
    }

    /// Hears what another device announced, durably; it is passed on with the next sync.
    pub fn hear(&mut self, announcement: &[u8]) -> Result<(), EngineError> {
        let message = Message::decode(announcement).map_err(SyncError::from)?;
        let message = Message { sealed: message.sealed, ..Message::default() };
        take(&mut self.store, &message)?;
        Ok(())
    }

    /// Makes pages smaller, so that little data needs many: for simulations.
    pub fn limit_pages(&mut self, entries: u64) {
        self.store.limit_pages(entries);
    }

    /// Begins a sync of all teams of this device, for callers that carry messages themselves.
    pub fn session(&self) -> Session {
        Session::new(self.members.keys().chain(&self.looked_into).copied())
    }

    /// The session's next request, or `None` once both sides hold the same.
    pub fn request(&self, session: &mut Session) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(session.request(&self.store, &self.key)?)
    }

    /// Takes an answer of the hub in, durably.
    pub fn reply(&mut self, session: &mut Session, answer: &[u8]) -> Result<(), EngineError> {
        Ok(session.reply(&mut self.store, answer)?)
    }
}
