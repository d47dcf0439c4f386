//! Verdicts and projection: authority anew where it is stale, then each dirty record.

use super::payload::kept_if_any;
use super::rows::last_id_of;
use super::{OF_RECORD, RECORD, Store, StoreError};
use crate::log::authority::{self, Held, HeldAdministration};
use crate::log::chain::Place;
use crate::log::judge::{ENTRIES_PER_KEY_MAX, Judged, RecordEntry, beyond, judge};
use crate::log::payload::Administration;
use crate::log::{Authority, Verdict};
use crate::model::cbor::Malformed;
use crate::model::{EntryId, LogId, RecordId, TeamId};
use crate::record::{Record, replay};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many records one transaction of a hub's background work settles.
const RECORDS_PER_STEP: usize = 500;

impl Store {
    /// Settles some of what came in, in a transaction of its own. Returns whether more is left.
    pub fn settle_some(&mut self) -> Result<bool, StoreError> {
        self.transact(|store| {
            store.settle_authority_if_stale()?;
            let dirty = store.dirty(RECORDS_PER_STEP)?;
            for record in &dirty {
                store.settle_record(*record)?;
            }
            store.settle_duplicates()?;
            store.write_changes()?;
            Ok(dirty.len() == RECORDS_PER_STEP)
        })
    }

    /// Whether everything that came in is settled.
    pub fn is_settled(&self) -> Result<bool, StoreError> {
        Ok(self.dirty(1)?.is_empty() && self.meta("authority_stale")?.is_none())
    }

    pub(super) fn settle_within(&mut self, wanted: bool) -> Result<(), StoreError> {
        match wanted {
            true => self.settle_all(&mut |_, _| {}),
            false => Ok(()),
        }
    }

    /// Settles all that is not, and tells how many records are done, and of how many.
    pub(super) fn settle_all(
        &mut self,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), StoreError> {
        self.settle_authority_if_stale()?;
        let mut dirty = std::mem::take(&mut self.dirty_here);
        dirty.extend(self.dirty(usize::MAX)?);
        if crate::planted!(TotalsOutsideTransaction) {
            self.sql()?.execute_batch("DELETE FROM dirty; COMMIT; BEGIN IMMEDIATE")?;
        }
        let all = dirty.len() as u64;
        for (done, record) in (1..).zip(dirty) {
            self.settle_record(record)?;
            progress(done, all);
        }
        self.settle_duplicates()?;
        self.write_changes()
    }

    fn dirty(&self, most: usize) -> Result<Vec<RecordId>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut statement =
            self.sql()?.prepare_cached("SELECT record FROM dirty ORDER BY record LIMIT ?1")?;
        let rows = statement.query_map([most], |row| row.get::<_, [u8; 16]>(0))?;
        rows.map(|row| Ok(RecordId(row?))).collect()
    }

    pub(super) fn settle_authority_if_stale(&mut self) -> Result<(), StoreError> {
        if self.meta("authority_stale")?.is_none() {
            return Ok(());
        }
        let after = self.settle_authority()?;
        let before = std::mem::replace(&mut self.authority, after);
        let changed = self.authority.changed_since(&before);
        let of_log = match crate::planted!(VerdictByArrival) {
            false => "kind >= 16",
            true => "kind >= 16 AND verdict BETWEEN 16 AND 31",
        };
        for log in &changed.logs {
            self.sql()?
                .prepare_cached(&format!(
                    "INSERT OR IGNORE INTO dirty SELECT {RECORD} FROM entry
                     WHERE {of_log} AND log = (SELECT number FROM log WHERE id = ?1)"
                ))?
                .execute([log.0])?;
        }
        for id in &changed.entries {
            self.sql()?
                .prepare_cached(&format!(
                    "INSERT OR IGNORE INTO dirty SELECT {RECORD} FROM entry WHERE id = ?1 AND kind >= 16"
                ))?
                .execute([id.0])?;
        }
        for record in changed.records {
            self.mark_dirty(&record.0)?;
        }
        let mut update =
            self.sql()?.prepare_cached("UPDATE entry SET verdict = ?2 WHERE id = ?1")?;
        for (id, verdict) in &self.authority.verdicts {
            if before.verdicts.get(id) != Some(verdict) {
                update.execute((id.0, verdict.number()))?;
            }
        }
        self.sql()?.execute("DELETE FROM meta WHERE name = 'authority_stale'", [])?;
        Ok(())
    }

    /// Authority from all administrative entries held.
    pub(super) fn settle_authority(&self) -> Result<Authority, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT entry.id, log.id, branch, position, kind, payload
             FROM entry INDEXED BY entry_administration CROSS JOIN log ON log.number = entry.log
             WHERE kind < 16 ORDER BY entry.id",
        )?;
        let mut administration = Vec::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let payload = kept_if_any(row.get(5)?)?;
            let of_kind: u8 = row.get(4)?;
            administration.push(HeldAdministration {
                id: EntryId(row.get(0)?),
                log: LogId(row.get(1)?),
                place: Place { branch: row.get(2)?, position: row.get::<_, i64>(3)? as u64 },
                says: payload
                    .ok_or(Malformed::Shape(0))
                    .and_then(|payload| Administration::decode(of_kind, &payload)),
            });
        }
        let lookup = Lookup::new(self);
        let authority = authority::settle(&Held {
            root: self.root,
            chains: &self.chains,
            administration: &administration,
            locate: &|id| lookup.locate(id),
        });
        lookup.finish(authority)
    }

    fn settle_record(&mut self, id: RecordId) -> Result<(), StoreError> {
        let (judged, entries) = self.judge(id)?;
        self.drop_erased(&judged, &entries)?;
        let mut update = self
            .sql()?
            .prepare_cached("UPDATE entry SET verdict = ?2 WHERE id = ?1 AND verdict <> ?2")?;
        for (entry, verdict) in &judged.verdicts {
            update.execute((entry.0, verdict.number()))?;
        }
        drop(update);
        self.sql()?.prepare_cached("DELETE FROM awaited WHERE record = ?1")?.execute([id.0])?;
        for entry in &judged.awaited {
            self.sql()?
                .prepare_cached("INSERT OR IGNORE INTO awaited (entry, record) VALUES (?1, ?2)")?
                .execute((entry.0, id.0))?;
        }
        let record = replayed(&judged).unwrap_or_else(|_| {
            // One record must not stop the others: it counts nowhere until the bug is mended.
            tracing::error!("a record could not be replayed; it counts nowhere");
            None
        });
        self.project(id, record.as_ref())?;
        self.sql()?.prepare_cached("DELETE FROM dirty WHERE record = ?1")?.execute([id.0])?;
        Ok(())
    }

    /// Drops the payloads of an erased record, whenever they come; headers and hashes stay.
    fn drop_erased(&self, judged: &Judged, entries: &[RecordEntry]) -> Result<(), StoreError> {
        let erased =
            |entry: &&RecordEntry| judged.verdicts.get(&entry.id) == Some(&Verdict::Erased);
        for entry in entries.iter().filter(erased) {
            let payload: Option<Vec<u8>> = self
                .sql()?
                .prepare_cached("SELECT payload FROM entry WHERE id = ?1")?
                .query_row([entry.id.0], |row| row.get(0))?;
            if let Some(payload) = kept_if_any(payload)? {
                self.erased.set(true);
                self.sql()?
                    .prepare_cached(
                        "UPDATE entry SET payload = NULL, payload_hash = ?2 WHERE id = ?1",
                    )?
                    .execute((entry.id.0, *blake3::hash(&payload).as_bytes()))?;
            }
        }
        Ok(())
    }

    fn judge(&self, id: RecordId) -> Result<(Judged, Vec<RecordEntry>), StoreError> {
        let mut by_team: BTreeMap<TeamId, Vec<RecordEntry>> = BTreeMap::new();
        for entry in self.record_entries(id)? {
            let team = self.team_of(&entry.log).ok_or(StoreError::Damaged("an entry's log"))?;
            by_team.entry(team).or_default().push(entry);
        }
        let mut judged = Judged::default();
        for (team, of_team) in &by_team {
            let lookup = Lookup::new(self);
            let is_held = |id: &EntryId| {
                let of = lookup.locate(id).and_then(|(log, _)| self.team_of(&log));
                of == Some(*team) || of == Some(TeamId::PROGRAMME)
            };
            let part = judge(id, of_team, &self.authority, &self.chains, &is_held);
            let part = lookup.finish(part)?;
            judged.verdicts.extend(part.verdicts);
            judged.awaited.extend(part.awaited);
            judged.plan = judged.plan.or(part.plan);
        }
        Ok((judged, by_team.into_values().flatten().collect()))
    }

    /// The entries that name a record, with the payloads of those that are looked at.
    fn record_entries(&self, id: RecordId) -> Result<Vec<RecordEntry>, StoreError> {
        let select = |payload: &str, limit: u64| -> Result<Vec<RecordEntry>, StoreError> {
            let mut statement = self.sql()?.prepare_cached(&format!(
                "SELECT entry.id, log.id, branch, position, kind, changes IS NULL, {payload}
                 FROM entry JOIN log ON log.number = entry.log WHERE {OF_RECORD} LIMIT ?3"
            ))?;
            let rows = statement.query_map((id.0, last_id_of(id), limit as i64), |row| {
                Ok(RecordEntry {
                    id: EntryId(row.get(0)?),
                    log: LogId(row.get(1)?),
                    place: Place { branch: row.get(2)?, position: row.get::<_, i64>(3)? as u64 },
                    kind: row.get(4)?,
                    creates: row.get(5)?,
                    payload: row.get(6)?,
                    is_beyond: false,
                })
            })?;
            let mut entries: Vec<RecordEntry> = rows.collect::<Result<_, _>>()?;
            for entry in &mut entries {
                entry.payload = kept_if_any(entry.payload.take())?;
            }
            Ok(entries)
        };
        let most = ENTRIES_PER_KEY_MAX as u64;
        let few = select("payload", most + 1)?;
        if few.len() as u64 <= most {
            return Ok(few);
        }
        drop(few);
        let mut entries = select("NULL", i64::MAX as u64)?;
        let beyond = beyond(&entries, &self.chains);
        let mut payload = self.sql()?.prepare_cached("SELECT payload FROM entry WHERE id = ?1")?;
        for entry in &mut entries {
            entry.is_beyond = beyond.contains(&entry.id);
            if !entry.is_beyond {
                entry.payload = kept_if_any(payload.query_row([entry.id.0], |row| row.get(0))?)?;
            }
        }
        Ok(entries)
    }

    fn team_of(&self, log: &LogId) -> Option<TeamId> {
        self.chains.log(log).map(|info| info.team)
    }

    /// A record as this store holds it; `None` where nothing of it counts.
    pub fn record(&self, id: RecordId) -> Result<Option<Record>, StoreError> {
        replayed(&self.judge(id)?.0)
    }
}

/// Looks entries up for a pure function that takes no errors: the first error is kept for later.
struct Lookup<'a> {
    store: &'a Store,
    failed: RefCell<Option<StoreError>>,
}

impl<'a> Lookup<'a> {
    fn new(store: &'a Store) -> Self {
        Lookup { store, failed: RefCell::new(None) }
    }

    fn locate(&self, id: &EntryId) -> Option<(LogId, Place)> {
        self.store.locate(id).unwrap_or_else(|error| {
            self.failed.replace(Some(error));
            None
        })
    }

    /// What the function made of the look-ups, unless one of them failed.
    fn finish<T>(self, made: T) -> Result<T, StoreError> {
        self.failed.into_inner().map_or(Ok(made), Err)
    }
}

fn replayed(judged: &Judged) -> Result<Option<Record>, StoreError> {
    let Some(plan) = &judged.plan else { return Ok(None) };
    // Automerge's own panics end here, too.
    match catch_unwind(AssertUnwindSafe(|| replay(plan))) {
        Ok(Ok(record)) => Ok(Some(record)),
        Ok(Err(_)) | Err(_) => Err(StoreError::Damaged("a record's replay")),
    }
}
