//! Entries of this device's own: judged, and then appended.

use super::on_path::Path;
use super::settle::NotCarried;
use super::{LogUse, Setting, Store, StoreError};
use crate::log::Author;
use crate::log::entry::Entry;
use crate::log::judge::{RecordEntry, judge};
use crate::log::payload::Open;
use crate::log::verdict::{Refusal, Verdict};
use crate::model::{EntryId, TeamId};

/// Why an entry counts nowhere for good; what a revocation leaves out can still be accepted, once a coordinator
/// looks at it.
fn counts_nowhere(verdict: Option<Verdict>) -> Option<Refusal> {
    match verdict {
        Some(Verdict::Refused(reason)) if reason != Refusal::Revoked => Some(reason),
        _ => None,
    }
}

impl Store {
    /// Appends entries of our own, durably; all are held when this returns. With them a value that was
    /// kept by this name is forgotten.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where the last must count, and every store would refuse it: nothing is
    /// held then.
    pub fn append(
        &mut self,
        entries: &[Entry],
        log_use: LogUse,
        must_count: bool,
        forgets: Option<&Setting>,
    ) -> Result<(), StoreError> {
        self.ensure_open()?;
        if must_count && let Some(reason) = self.would_refuse(entries)? {
            return Err(StoreError::Refused(reason));
        }
        self.transact(|store| {
            store.insert_own(entries, log_use.number())?;
            store.settle_all(&mut |_, _| {})?;
            // What the whole log tells, as where honest software could not have written on.
            if let (true, Some(entry)) = (must_count, entries.last())
                && let Some(reason) = counts_nowhere(store.verdict_of(entry.id)?)
            {
                return Err(StoreError::Refused(reason));
            }
            if let Some(setting) = forgets {
                store.drop_setting(setting)?;
            }
            Ok(())
        })
    }

    /// Appends records that are made together, durably: all, or none where one of them would count nowhere.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where every store would refuse one of them: nothing is held then.
    pub fn append_all(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        self.ensure_open()?;
        self.transact(|store| {
            store.insert_own(entries, LogUse::Records.number())?;
            store.settle_all(&mut |_, _| {})?;
            for entry in entries.iter().filter(|entry| entry.record().is_some()) {
                if let Some(reason) = counts_nowhere(store.verdict_of(entry.id)?) {
                    return Err(StoreError::Refused(reason));
                }
            }
            Ok(())
        })
    }

    /// How often the file was read, the first time included: more than once where a failure closed it.
    pub fn readings(&self) -> u64 {
        self.readings
    }

    /// Why the last of these would count nowhere, as its record is held now: looked at before anything is written, so
    /// that nothing is to be taken back.
    fn would_refuse(&self, entries: &[Entry]) -> Result<Option<Refusal>, StoreError> {
        let Some(last) = entries.last() else { return Ok(None) };
        let opened = entries.first().filter(|first| first.header.position == 1);
        let opened = opened.and_then(|first| Open::decode(first.payload.as_deref()?).ok());
        let log = last.header.log;
        let author = self.author_of(&log).or_else(|| self.author_by(opened.as_ref()?));
        let opened_by = opened.as_ref().map(|open| open.certificate);
        let key = self.chains.log(&log).map(|info| info.key).or(opened.map(|open| open.key));
        let (Some(record), Some(Author::Certified(role, team)), Some(key)) =
            (last.record(), author, key)
        else {
            return Ok(None);
        };
        let certificate = self.chains.log(&log).map(|info| info.certificate);
        let certificate = certificate.or(opened_by).unwrap_or(EntryId::NONE);
        let person = self.authority.person(&certificate);
        let held = self.record_entries(record, &mut NotCarried::default())?.into_iter();
        let held = held.filter(|(of, _)| *of == team).map(|(_, entry)| entry);
        let new = entries.iter().filter(|entry| entry.record() == Some(record));
        let new = new.map(|entry| RecordEntry {
            id: entry.id,
            kind: entry.header.kind,
            schema: entry.header.schema,
            creates: entry.header.record.is_none(),
            payload: entry.payload.clone(),
            author: key,
            person,
            role,
            has_ended: false,
            stands: true,
            is_role_waived: false,
        });
        let is_erased = self.authority.is_erased(team, record);
        let judged = judge(record, team, is_erased, held.chain(new).collect());
        Ok(counts_nowhere(judged.verdicts.get(&last.id).copied()))
    }

    fn insert_own(&mut self, entries: &[Entry], own: i64) -> Result<(), StoreError> {
        let Some(first) = entries.first() else { return Ok(()) };
        let log = first.header.log;
        let previous = match first.header.position {
            1 => None,
            _ => self.locate(&first.header.previous)?,
        };
        let opened = first.payload.as_deref().filter(|_| first.header.position == 1);
        let opened = opened.and_then(|payload| Open::decode(payload).ok());
        // Without a certificate that stands nothing is carried, and nothing ends.
        let author = self.author_of(&log).or_else(|| self.author_by(opened.as_ref()?));
        let author =
            author.unwrap_or(Author::Certified(crate::identity::Role::Worker, TeamId::PROGRAMME));
        let mut path = Path::after(author, previous);
        for entry in entries {
            let on_path = self.look(&mut path, entry)?;
            self.insert(&mut path, entry, on_path, own)?;
        }
        Ok(())
    }

    /// Who writes a log that opens so, by a certificate that stands here.
    pub fn author_by(&self, open: &Open) -> Option<Author> {
        self.authority.author(&open.certificate, open.key, open.team, self.root)
    }
}
