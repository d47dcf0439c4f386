//! Writing to our own logs.

use super::outbox::UNSEALED;
use super::{Engine, EngineError};
use crate::log::entry::{Entry, kind};
use crate::log::payload::{AFTER_MAX, Open, RecordPayload};
use crate::log::run::Run;
use crate::model::check;
use crate::model::{EntryId, Kind, Operation, RecordId, TeamId};
use crate::store::LogUse;

impl Engine {
    /// Creates a record of any kind from its operations. When this returns, it is durable.
    pub fn create(
        &mut self,
        team: TeamId,
        kind: Kind,
        operations: Vec<Operation>,
    ) -> Result<RecordId, EngineError> {
        let version = check::version_needed(kind, &operations);
        check::check_creation(kind, version, &operations).map_err(check::Fault::into_invalid)?;
        self.create_checked(team, kind, operations)
    }

    /// Creates a record from operations that were checked.
    pub(super) fn create_checked(
        &mut self,
        team: TeamId,
        kind: Kind,
        operations: Vec<Operation>,
    ) -> Result<RecordId, EngineError> {
        let operations = self.seal_texts(team, kind, operations)?;
        let payload = self.payload(kind, Vec::new(), operations)?;
        Ok(self.write(team, LogUse::Records, kind.number(), None, payload)?.record())
    }

    /// Changes a record: any number of operations at once, seen by others together or not at all.
    pub fn change(
        &mut self,
        id: RecordId,
        operations: Vec<Operation>,
    ) -> Result<EntryId, EngineError> {
        self.store.ensure_open()?;
        let record = self.get(id)?;
        let version = check::version_needed(record.kind, &operations);
        check::check_change(record.kind, version, &operations)
            .map_err(check::Fault::into_invalid)?;
        let operations = self.seal_texts(record.team, record.kind, operations)?;
        let payload = self.payload(record.kind, record.heads, operations)?;
        self.write(record.team, LogUse::Records, record.kind.number(), Some(id), payload)
    }

    fn payload(
        &mut self,
        kind: Kind,
        mut after: Vec<EntryId>,
        operations: Vec<Operation>,
    ) -> Result<Vec<u8>, EngineError> {
        let mut salt = [0; 8];
        (self.environment.random)(&mut salt);
        after.sort();
        after.truncate(AFTER_MAX as usize);
        let at = (self.environment.now)();
        let schema_version = check::version_needed(kind, &operations);
        let payload = RecordPayload { schema_version, salt, at, after, operations }.encode();
        // What no other store would read must not enter the log: all behind it would stay unsent.
        RecordPayload::decode(&payload).map_err(|_| EngineError::TooLarge)?;
        Ok(payload)
    }

    /// Appends one entry to our log of this use, opening one where there is none, durably.
    pub(super) fn write(
        &mut self,
        team: TeamId,
        log_use: LogUse,
        of_kind: u8,
        record: Option<RecordId>,
        payload: Vec<u8>,
    ) -> Result<EntryId, EngineError> {
        let certificate = *self.members.get(&team).ok_or(EngineError::NotAMember)?;
        self.store.ensure_open()?;
        let mut entries = Vec::new();
        let (log, tip) = match self.store.own_log(team, certificate, log_use)? {
            Some(found) => found,
            None => {
                let mut random = [0; 16];
                (self.environment.random)(&mut random);
                let open = Open { key: self.device_key(), team, random, certificate };
                let entry = Entry::new(open.log(), None, kind::OPEN, None, open.encode());
                let found = (open.log(), entry.tip());
                entries.push(entry);
                found
            }
        };
        let entry = Entry::new(log, Some(tip), of_kind, record, payload);
        let id = entry.id;
        entries.push(entry);
        let noted = Run::of(&entries, UNSEALED).and_then(|run| self.note_outgoing(&run));
        if let Err(error) = self.store.append(&entries, log_use) {
            self.take_back(noted);
            return Err(error.into());
        }
        Ok(id)
    }
}
