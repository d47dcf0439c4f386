//! What a hub keeps aside: a little of what is not carried, for coordinators who ask.

use super::ingest::{Taken, VerifiedRun};
use super::insert::HIDDEN;
use super::on_path::Path;
use super::payload::kept_if_any;
use super::{Store, StoreError};
use crate::log::Author;
use crate::log::chain::Place;
use crate::log::entry::{Entry, Tip};
use crate::log::payload::Open;
use crate::log::run::{RUNS_BYTES_MAX, Run, TurnedAway, weight};
use crate::model::{EntryId, LogId};
use std::cmp::Ordering;

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
            self.note_signature(last.id, run.signature)?;
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
        let (count, more) = self.weigh_aside(log, entries);
        Ok(held + count <= ASIDE_ENTRIES_MAX && bytes + more <= ASIDE_BYTES_MAX)
    }

    /// How many of these entries of a log no acceptance brings in, and what they weigh.
    fn weigh_aside(&self, log: &LogId, entries: &[Entry]) -> (u64, u64) {
        let brought = self.carried.get(log).map_or(&[][..], |carried| &carried.brought);
        let is_brought = |entry: &&Entry| {
            let tip = Tip { position: entry.header.position, id: entry.id };
            brought.binary_search(&tip).is_ok()
        };
        let aside = entries.iter().filter(|entry| !is_brought(entry));
        aside.fold((0, 0), |(count, bytes), entry| {
            (count + 1, bytes + weight(entry.payload.as_deref()))
        })
    }

    /// What is kept aside of a certificate: entries, and what they weigh.
    fn aside(&self, certificate: &EntryId) -> Result<(u64, u64), StoreError> {
        let mut statement = self
            .sql()?
            .prepare_cached("SELECT entries, bytes FROM aside WHERE certificate = ?1")?;
        let mut rows = statement.query([certificate.0])?;
        if let Some(row) = rows.next()? {
            return Ok((row.get::<_, i64>(0)? as u64, row.get::<_, i64>(1)? as u64));
        }
        let (entries, bytes) = self.count_hidden(certificate)?;
        self.sql()?
            .prepare_cached("INSERT INTO aside (certificate, entries, bytes) VALUES (?1, ?2, ?3)")?
            .execute((certificate.0, entries as i64, bytes as i64))?;
        Ok((entries, bytes))
    }

    /// What was kept aside of a certificate and is still: what was accepted since, or is carried again because a
    /// revocation fell, is no more.
    fn count_hidden(&self, certificate: &EntryId) -> Result<(u64, u64), StoreError> {
        let mut hidden = self.sql()?.prepare_cached(
            "SELECT id, position, payload FROM entry
             WHERE log = ?1 AND branch = ?2 AND branch >= 0 AND position > ?3 AND verdict = ?4",
        )?;
        let (mut entries, mut bytes) = (0, 0);
        for (log, info) in self.chains.iter().filter(|(_, of)| of.certificate == *certificate) {
            let number = self.logs.get(log).map(|log| log.number);
            for branch in 0..info.branches.len() as u32 {
                let carried = self.reach(log, branch).min(i64::MAX as u64) as i64;
                let mut rows = hidden.query((number, branch, carried, HIDDEN))?;
                while let Some(row) = rows.next()? {
                    let place = Place { branch, position: row.get::<_, i64>(1)? as u64 };
                    if !self.is_carried(log, place, EntryId(row.get(0)?)) {
                        entries += 1;
                        bytes += weight(kept_if_any(row.get(2)?)?.as_deref());
                    }
                    if entries > ASIDE_ENTRIES_MAX || bytes > ASIDE_BYTES_MAX {
                        return Ok((entries, bytes));
                    }
                }
            }
        }
        Ok((entries, bytes))
    }

    /// What is aside is counted anew: authority changed.
    pub(super) fn forget_aside(&self) -> Result<(), StoreError> {
        self.sql()?.execute("DELETE FROM aside", [])?;
        Ok(())
    }

    pub(super) fn count_aside(&self, log: &LogId, entries: &[Entry]) -> Result<(), StoreError> {
        let certificate = self.logs.get(log).map(|log| log.open.certificate);
        let (Some(certificate), false) = (certificate, entries.is_empty()) else { return Ok(()) };
        let (count, bytes) = self.weigh_aside(log, entries);
        self.sql()?
            .prepare_cached(
                "INSERT INTO aside (certificate, entries, bytes) VALUES (?1, ?2, ?3)
                 ON CONFLICT (certificate) DO UPDATE SET entries = entries + ?2, bytes = bytes + ?3",
            )?
            .execute((certificate.0, count as i64, bytes as i64))?;
        Ok(())
    }

    /// A page of what is kept aside of a certificate, behind this entry, as coordinators look at it: runs
    /// that their device signed.
    pub fn kept_aside(
        &self,
        certificate: EntryId,
        after: Option<EntryId>,
    ) -> Result<Vec<Run>, StoreError> {
        let after = match after {
            Some(id) => self.locate(&id)?,
            None => None,
        };
        let of_certificate = self.chains.iter().filter(|(_, info)| info.certificate == certificate);
        let mut runs = Vec::new();
        let mut room = self.room(RUNS_BYTES_MAX);
        for (log, info) in of_certificate {
            for (number, branch) in (0u32..).zip(&info.branches) {
                let place = Place { branch: number, position: branch.first() };
                let carried = self.carried.get(log).map_or(0, |log| log.carriage.reach(number));
                let mut position = place.position.max(carried.saturating_add(1)).max(2);
                if let Some((at, last)) = after {
                    match (at, last.branch).cmp(&(*log, number)) {
                        Ordering::Less => {}
                        Ordering::Equal => position = position.max(last.position + 1),
                        Ordering::Greater => continue,
                    }
                }
                let from = Place { position, ..place };
                let to = branch.tip.position;
                if position <= to {
                    runs.extend(self.run_from(*log, info, from, to, None, &mut room)?);
                }
                if room.is_full {
                    return Ok(runs);
                }
            }
        }
        Ok(runs)
    }
}
