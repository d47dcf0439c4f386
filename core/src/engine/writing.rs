//! Writing to our own logs.

use super::outbox::UNSIGNED;
use super::{Engine, EngineError};
use crate::log::ending::CHANGES_ON_PATH_MAX;
use crate::log::entry::{Entry, Tip, kind};
use crate::log::payload::{AFTER_MAX, Open, RecordPayload};
use crate::log::run::Run;
use crate::model::check;
use crate::model::checked::faults_of_change;
use crate::model::field::Shape;
use crate::model::{Checked, EntryId, Invalid, Kind, LogId, Operation, RecordId, TeamId, Wrong};
use crate::store::{LogUse, Setting};

/// How many entries go into one frame of the outbox: of the heaviest that a change writes, all fit.
const OUTBOX_ENTRIES: usize = 8;

/// What an entry of ours is.
pub(super) struct Writing {
    pub(super) log_use: LogUse,
    pub(super) kind: u8,
    /// The version of the kind's schema.
    pub(super) schema: u16,
    /// The record that it changes.
    pub(super) record: Option<RecordId>,
    /// Whether it is an error where every store would refuse it.
    pub(super) must_count: bool,
    /// What is forgotten with it, in one transaction: the draft that it comes from.
    pub(super) forgets: Option<Setting>,
}

impl Writing {
    fn new(kind: Kind, version: u64, record: Option<RecordId>) -> Self {
        Writing {
            log_use: LogUse::Records,
            kind: kind.number(),
            schema: u16::try_from(version).unwrap_or(u16::MAX),
            record,
            must_count: false,
            forgets: None,
        }
    }
}

impl Engine {
    /// Creates a record of any kind from its operations. When this returns, it is durable.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let operations = reversal()?.operations()?;
    /// let id = phone.create(team, Kind::Reversal, operations)?;
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn create(
        &mut self,
        team: TeamId,
        kind: Kind,
        operations: Vec<Operation>,
    ) -> Result<RecordId, EngineError> {
        self.store.ensure_open()?;
        self.create_checked(team, Checked::creation(kind, operations)?, None)
    }

    /// Creates a record, and forgets a draft with it.
    pub(super) fn create_checked(
        &mut self,
        team: TeamId,
        checked: Checked,
        draft: Option<Setting>,
    ) -> Result<RecordId, EngineError> {
        let (kind, version) = (checked.kind(), checked.version());
        self.check_link(team, None, &checked)?;
        let operations = self.seal_texts(team, kind, checked.into_operations())?;
        let payload = self.payload(Vec::new(), operations)?;
        let how = Writing { must_count: true, forgets: draft, ..Writing::new(kind, version, None) };
        Ok(self.write(team, how, payload)?.record())
    }

    /// Creates records together, in one transaction: all, or none.
    pub(super) fn create_all(
        &mut self,
        team: TeamId,
        all: Vec<Checked>,
    ) -> Result<Vec<RecordId>, EngineError> {
        let mut payloads = Vec::with_capacity(all.len());
        for checked in all {
            let of_kind = Writing::new(checked.kind(), checked.version(), None);
            self.check_link(team, None, &checked)?;
            let operations = self.seal_texts(team, checked.kind(), checked.into_operations())?;
            payloads.push((of_kind, self.payload(Vec::new(), operations)?));
        }
        let Some((first, _)) = payloads.first() else { return Ok(Vec::new()) };
        let mut chain = self.chain(team, first, 1)?;
        let mut ids = Vec::with_capacity(payloads.len());
        for (of_kind, payload) in payloads {
            ids.push(chain.push((of_kind.kind, of_kind.schema), None, payload).record());
        }
        let mut noted = None;
        for run in chain.entries.chunks(OUTBOX_ENTRIES).filter_map(|part| Run::of(part, UNSIGNED)) {
            let at = self.note_outgoing(&run);
            noted = noted.or(at);
        }
        if let Err(error) = self.store.append_all(&chain.entries) {
            self.take_back(noted);
            return Err(error.into());
        }
        Ok(ids)
    }

    /// Writes also what this device's role does not allow: a creation, or a change where a record is
    /// named. Others refuse it, and keep it apart until a coordinator accepts it. Apps call
    /// [`Engine::record`] and [`Engine::change`]; simulations show with this what stores make of it.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.write_unasked(team, Kind::Reversal, None, reversal()?.operations()?)?;
    /// assert_eq!(phone.attention(id.record())?, Attention::None); // this one it may
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn write_unasked(
        &mut self,
        team: TeamId,
        kind: Kind,
        record: Option<RecordId>,
        operations: Vec<Operation>,
    ) -> Result<EntryId, EngineError> {
        self.store.ensure_open()?;
        let after = match record {
            Some(id) => self.get(id)?.heads,
            None => Vec::new(),
        };
        let operations = self.seal_texts(team, kind, operations)?;
        let version = check::version_needed(kind, &operations);
        self.write_behind(team, Writing::new(kind, version, record), after, operations)
    }

    /// Changes a record: any number of operations at once, seen by others together or not at all.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// let both = vec![Operation::put("outcome", "died"), Operation::put("place", "vehicle")];
    /// phone.change(id, both)?; // others see both or neither
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn change(
        &mut self,
        id: RecordId,
        operations: Vec<Operation>,
    ) -> Result<EntryId, EngineError> {
        self.store.ensure_open()?;
        let record = self.get(id)?;
        let (before, after) = (record.as_creation(&[]), record.as_creation(&operations));
        let checked = Checked::change(record.kind, (&before, &after), operations)?;
        self.check_link(record.team, Some(id), &checked)?;
        let version = checked.version();
        let operations = self.seal_texts(record.team, record.kind, checked.into_operations())?;
        let how = Writing { must_count: true, ..Writing::new(record.kind, version, Some(id)) };
        self.write_behind(record.team, how, record.heads, operations)
    }

    /// All that keeps operations from changing a record, where there is such a record.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// let wrong = [Operation::put("occurred_on", "yesterday"), Operation::put("outcome", "")];
    /// assert_eq!(phone.change_faults(id, &wrong)?.len(), 2);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn change_faults(
        &self,
        id: RecordId,
        operations: &[Operation],
    ) -> Result<Vec<Invalid>, EngineError> {
        let record = self.get(id)?;
        let (before, after) = (record.as_creation(&[]), record.as_creation(operations));
        Ok(faults_of_change(record.kind, (&before, &after), operations))
    }

    /// Writes a change behind these heads. A correction settles every value that its author saw, however
    /// many: where an entry cannot name all heads, entries that change nothing bring them together before it,
    /// with it or not at all.
    fn write_behind(
        &mut self,
        team: TeamId,
        how: Writing,
        mut heads: Vec<EntryId>,
        operations: Vec<Operation>,
    ) -> Result<EntryId, EngineError> {
        let most = AFTER_MAX as usize;
        // Each brings together as many as it names, and is a head itself.
        let merges = heads.len().saturating_sub(most).div_ceil(most - 1);
        let mut chain = self.chain(team, &how, 2 + merges as u64)?;
        heads.sort_unstable();
        while heads.len() > most {
            let rest = heads.split_off(most);
            let payload = self.payload(heads, Vec::new())?;
            heads = rest;
            heads.push(chain.push((how.kind, 1), how.record, payload));
        }
        let payload = match self.payload(heads.clone(), operations.clone()) {
            // Beside so many heads there is no room for what is said: they come together first.
            Err(EngineError::TooLarge) if heads.len() > 1 => {
                let payload = self.payload(heads, Vec::new())?;
                let head = chain.push((how.kind, 1), how.record, payload);
                self.payload(vec![head], operations)
            }
            payload => payload,
        }?;
        chain.push((how.kind, how.schema), how.record, payload);
        self.append(chain, &how)
    }

    /// Checks that a link to another record of the same event leads to one: held here, of the same kind
    /// and team, and not the record itself (data dictionary, indicators).
    fn check_link(
        &self,
        team: TeamId,
        id: Option<RecordId>,
        checked: &Checked,
    ) -> Result<(), EngineError> {
        let linked = checked.operations().iter().filter_map(|operation| match operation {
            Operation::Put { field, value } if field == "duplicate_of" => value.as_text(),
            _ => None,
        });
        for other in linked.filter_map(|text| text.parse::<RecordId>().ok()) {
            if let Some(fault) = self.fault_of_link((team, checked.kind()), id, other)? {
                return Err(fault.into());
            }
        }
        Ok(())
    }

    /// What is wrong with a link of a record, or of a new one, to another.
    pub(super) fn fault_of_link(
        &self,
        (team, kind): (TeamId, Kind),
        id: Option<RecordId>,
        other: RecordId,
    ) -> Result<Option<Invalid>, EngineError> {
        let found = if id == Some(other) { None } else { self.store.record(other)? };
        if found.is_some_and(|found| found.team == team && found.kind == kind) {
            return Ok(None);
        }
        let expected = "expected another record of this team and kind that is held here";
        let wrong = Invalid::new("duplicate_of", Wrong::NoSuch, expected);
        Ok(Some(Invalid { allowed: Some(Shape::Record), ..wrong }))
    }

    fn payload(
        &mut self,
        mut after: Vec<EntryId>,
        operations: Vec<Operation>,
    ) -> Result<Vec<u8>, EngineError> {
        let mut salt = [0; 8];
        (self.environment.random)(&mut salt);
        after.sort();
        let at = (self.environment.now)();
        let payload = RecordPayload { salt, at, after, operations }.encode();
        // What no other store would read must not enter the log: all behind it would stay unsent.
        RecordPayload::check(&payload).map_err(|_| EngineError::TooLarge)?;
        Ok(payload)
    }

    /// Appends one entry to our log of this use, opening one where there is none, durably.
    pub(super) fn write(
        &mut self,
        team: TeamId,
        how: Writing,
        payload: Vec<u8>,
    ) -> Result<EntryId, EngineError> {
        let mut chain = self.chain(team, &how, 1)?;
        chain.push((how.kind, how.schema), how.record, payload);
        self.append(chain, &how)
    }

    /// Where our log of this use goes on, or one that is opened, with room for so many entries of one record.
    fn chain(&mut self, team: TeamId, how: &Writing, entries: u64) -> Result<Chain, EngineError> {
        let certificate = *self.members.get(&team).ok_or(EngineError::NotAMember)?;
        self.store.ensure_open()?;
        if entries > CHANGES_ON_PATH_MAX {
            return Err(EngineError::TooLarge);
        }
        let of_record = how.record.map(|record| (record, entries));
        Ok(match self.store.own_log(team, certificate, how.log_use, of_record)? {
            Some((log, tip)) => Chain { log, tip, entries: Vec::new() },
            None => {
                let mut random = [0; 16];
                (self.environment.random)(&mut random);
                let open = Open { key: self.device_key(), team, random, certificate };
                let opens = (kind::OPEN, kind::OPEN_SCHEMA);
                let entry = Entry::new(open.log(), None, opens, None, open.encode());
                Chain { log: open.log(), tip: entry.tip(), entries: vec![entry] }
            }
        })
    }

    /// Appends what goes on in our log, durably; returns the id of the last.
    fn append(&mut self, chain: Chain, how: &Writing) -> Result<EntryId, EngineError> {
        let entries = chain.entries;
        let mut noted = None;
        for run in entries.chunks(OUTBOX_ENTRIES).filter_map(|part| Run::of(part, UNSIGNED)) {
            let at = self.note_outgoing(&run);
            noted = noted.or(at);
        }
        if let Err(error) =
            self.store.append(&entries, how.log_use, how.must_count, how.forgets.as_ref())
        {
            self.take_back(noted);
            return Err(error.into());
        }
        let now = (self.environment.now)();
        self.fresh.retain(|(_, at)| now.0.abs_diff(at.0) < FRESH_MS);
        self.fresh.push((how.record.unwrap_or_else(|| chain.tip.id.record()), now));
        Ok(chain.tip.id)
    }
}

/// So long a device that captures only keeps what it wrote last, so that it can be undone.
pub(super) const FRESH_MS: u64 = 20_000;

/// Entries with which a log of ours goes on.
struct Chain {
    log: LogId,
    tip: Tip,
    entries: Vec<Entry>,
}

impl Chain {
    fn push(&mut self, of_kind: (u8, u16), record: Option<RecordId>, payload: Vec<u8>) -> EntryId {
        let entry = Entry::new(self.log, Some(self.tip), of_kind, record, payload);
        self.tip = entry.tip();
        self.entries.push(entry);
        self.tip.id
    }
}
