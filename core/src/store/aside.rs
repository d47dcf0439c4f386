//! What a hub keeps aside: a little of what is not carried, for coordinators who ask.

use super::ingest::{Taken, VerifiedRun};
use super::insert::{HIDDEN, Path, place_of};
use super::{Store, StoreError};
use crate::log::Author;
use crate::log::chain::Place;
use crate::log::entry::Entry;
use crate::log::payload::Open;
use crate::log::run::{Brought, TurnedAway, weight};
use crate::model::{EntryId, LogId};

/// What a hub keeps aside of one certificate, for coordinators who ask: entries, and what they weigh.
pub const ASIDE_ENTRIES_MAX: u64 = 1_000;
/// See [`ASIDE_ENTRIES_MAX`], in bytes.
pub const ASIDE_BYTES_MAX: u64 = 1 << 20;

impl Store {
    /// Keeps a run aside that is not carried at all, where there is room: for coordinators who ask.
    pub(super) fn keep_aside(
        &mut self,
        run: &VerifiedRun,
        author: Author,
        previous: Option<(LogId, Place)>,
        new: &[Entry],
        reason: TurnedAway,
    ) -> Result<Result<Taken, TurnedAway>, StoreError> {
        if reason == TurnedAway::Newer || !self.has_room_aside(&run.log, run.open.as_ref(), new)? {
            return Ok(Err(reason));
        }
        let mut path = Path::after(author, previous);
        for entry in new {
            let on_path = self.look(&mut path, entry)?;
            self.insert(&mut path, entry, on_path, 0)?;
            self.sql()?
                .prepare_cached("UPDATE entry SET verdict = ?2 WHERE id = ?1")?
                .execute((entry.id.0, HIDDEN))?;
        }
        self.count_aside(&run.log, new)?;
        if let Some(last) = run.entries.last() {
            self.note_seal(last.id, run.seal)?;
        }
        Ok(Ok(Taken { held: self.last_carried(run)?, turned_away: Some(reason), new_entries: 0 }))
    }

    /// Whether this store is a hub's, and has room for entries of a certificate that are not carried.
    pub(super) fn has_room_aside(
        &self,
        log: &LogId,
        open: Option<&Open>,
        entries: &[Entry],
    ) -> Result<bool, StoreError> {
        let certificate = self.logs.get(log).map(|log| log.open.certificate);
        let Some(certificate) = certificate.or(open.map(|open| open.certificate)) else {
            return Ok(false);
        };
        if self.scope.is_some() {
            return Ok(false);
        }
        let (held, bytes) = self.aside(&certificate)?;
        let more: u64 = entries.iter().map(|entry| weight(entry.payload.as_deref())).sum();
        Ok(held + entries.len() as u64 <= ASIDE_ENTRIES_MAX && bytes + more <= ASIDE_BYTES_MAX)
    }

    /// What is kept aside of a certificate: entries, and what they weigh.
    fn aside(&self, certificate: &EntryId) -> Result<(u64, u64), StoreError> {
        let mut statement = self
            .sql()?
            .prepare_cached("SELECT entries, bytes FROM aside WHERE certificate = ?1")?;
        let mut rows = statement.query([certificate.0])?;
        Ok(match rows.next()? {
            Some(row) => (row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64),
            None => (0, 0),
        })
    }

    pub(super) fn count_aside(&self, log: &LogId, entries: &[Entry]) -> Result<(), StoreError> {
        let certificate = self.logs.get(log).map(|log| log.open.certificate);
        let (Some(certificate), false) = (certificate, entries.is_empty()) else { return Ok(()) };
        let bytes: u64 = entries.iter().map(|entry| weight(entry.payload.as_deref())).sum();
        self.sql()?
            .prepare_cached(
                "INSERT INTO aside (certificate, entries, bytes) VALUES (?1, ?2, ?3)
                 ON CONFLICT (certificate) DO UPDATE SET entries = entries + ?2, bytes = bytes + ?3",
            )?
            .execute((certificate.0, entries.len() as i64, bytes as i64))?;
        Ok(())
    }

    /// What is kept aside of a certificate, oldest first, as coordinators look at it.
    pub fn kept_aside(&self, certificate: EntryId) -> Result<Vec<Brought>, StoreError> {
        let mut aside = Vec::new();
        let logs: Vec<LogId> = self
            .chains
            .iter()
            .filter(|(_, info)| info.certificate == certificate)
            .map(|(log, _)| *log)
            .collect();
        for log in logs {
            let number = self.logs.get(&log).map(|log| log.number);
            let mut statement = self.sql()?.prepare_cached(
                "SELECT id, branch, position FROM entry WHERE log = ?1 AND branch >= 0
                 ORDER BY arrival",
            )?;
            let rows = statement.query_map([number], |row| {
                Ok((EntryId(row.get(0)?), place_of(row.get(1)?, row.get(2)?)))
            })?;
            for row in rows {
                let (id, place) = row?;
                if !self.is_carried(&log, place, id) && place.position > 1 {
                    aside.extend(self.brought(&log, id)?);
                }
            }
        }
        Ok(aside)
    }
}
