//! Verdicts and projection: authority anew where it is stale, then each dirty record.

use super::Setting;
use super::carried::Looked;
use super::insert::{HIDDEN, place_of};
use super::payload::kept_if_any;
use super::rows::last_id_of;
use super::{OF_RECORD, RECORD, Store, StoreError};
use crate::identity::Role;
use crate::log::authority::{self, AuthorityInputs, HeldAdministration};
use crate::log::chain::Place;
use crate::log::entry::{settles, signature_is_good};
use crate::log::judge::{Judged, RecordEntry, judge};
use crate::log::payload::{Administration, KeptTip, Waived};
use crate::log::{Author, Authority, Ending, Verdict};
use crate::model::cbor::Malformed;
use crate::model::{DeviceKey, EntryId, LogId, RecordId, TeamId};
use crate::record::{Record, replay};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// So many entries of one record in one message put its judging off.
const POSTPONED_FROM: u32 = 500;

/// A record of so many entries is judged again in the same sync only at its end.
const AGAIN_FROM: usize = 8;

/// How many entries one transaction of a hub's background work judges, but for the last record's: nobody
/// waits longer for the store than that takes.
const ENTRIES_PER_STEP: usize = 5_000;
/// How many records one transaction of a hub's background work settles.
const RECORDS_PER_STEP: usize = 500;

impl Store {
    /// Settles some of what came in, in a transaction of its own. Returns whether more is left.
    pub fn settle_some(&mut self) -> Result<bool, StoreError> {
        self.transact(|store| {
            store.settle_authority_if_stale()?;
            let mut room = ENTRIES_PER_STEP;
            let mut is_more = false;
            for record in store.dirty(RECORDS_PER_STEP)? {
                is_more = room == 0;
                if is_more {
                    break;
                }
                room = room.saturating_sub(store.settle_record(record)?);
                store.is_judged(record)?;
            }
            store.settle_duplicates()?;
            store.write_changes()?;
            Ok(is_more || !store.dirty(1)?.is_empty())
        })
    }

    /// For whom entries were judged since this was last asked: each record for whose entry came last of it.
    pub fn take_judged_for(&mut self) -> BTreeMap<DeviceKey, u64> {
        std::mem::take(&mut self.judging.judged_for)
    }

    /// Whether everything that came in is settled.
    pub fn is_settled(&self) -> Result<bool, StoreError> {
        Ok(self.dirty(1)?.is_empty() && self.setting(&Setting::AuthorityStale)?.is_none())
    }

    /// Settles what a message brought; but records that it brought very much of, or of which much was judged
    /// since the sync began, only once all came, by [`Store::settle_postponed`], so that what comes in many
    /// pages is not judged again for each. Until then totals say that something waits.
    pub(super) fn settle_brought(&mut self) -> Result<(), StoreError> {
        let many = std::mem::take(&mut self.judging.brought);
        for (record, entries) in many {
            let is_put_off = entries >= POSTPONED_FROM || self.judging.judged.contains(&record);
            // An erasure does not wait.
            if !is_put_off || self.authority.is_erased_anywhere(record) {
                continue;
            }
            let mut insert =
                self.sql()?.prepare_cached("INSERT OR IGNORE INTO dirty (record) VALUES (?1)")?;
            insert.execute([record.0])?;
            drop(insert);
            self.judging.postponed.insert(record);
        }
        self.settle_but_postponed(&mut |_, _| {})
    }

    /// Settles what was put off while messages came, durably: whoever carries a sync or imports a bundle
    /// calls this at its end, however it ended.
    pub fn settle_postponed(&mut self) -> Result<(), StoreError> {
        self.judging.judged.clear();
        if self.judging.postponed.is_empty() {
            return Ok(());
        }
        self.transact(|store| store.settle_all(&mut |_, _| {}))
    }

    /// Settles all that is not, and tells how many records are done, and of how many.
    pub(super) fn settle_all(
        &mut self,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), StoreError> {
        self.judging.postponed.clear();
        self.settle_but_postponed(progress)
    }

    fn settle_but_postponed(
        &mut self,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), StoreError> {
        self.settle_authority_if_stale()?;
        let mut dirty = std::mem::take(&mut self.judging.dirty);
        let noted: BTreeSet<RecordId> = self.dirty(usize::MAX)?.into_iter().collect();
        dirty.extend(&noted);
        dirty.retain(|record| !self.judging.postponed.contains(record));
        if crate::planted!(TotalsOutsideTransaction) {
            self.sql()?.execute_batch("DELETE FROM dirty; COMMIT; BEGIN IMMEDIATE")?;
        }
        let all = dirty.len() as u64;
        for (done, record) in (1..).zip(dirty) {
            if self.settle_record(record)? >= AGAIN_FROM {
                self.judging.judged.insert(record);
            }
            if noted.contains(&record) {
                self.is_judged(record)?;
            }
            progress(done, all);
        }
        self.settle_duplicates()?;
        self.write_changes()
    }

    pub(super) fn settle_authority_if_stale(&mut self) -> Result<(), StoreError> {
        if self.setting(&Setting::AuthorityStale)?.is_none() {
            return Ok(());
        }
        let mut reopened = false;
        loop {
            let after = self.settle_authority()?;
            let before = std::mem::replace(&mut self.authority, after);
            let changed = self.authority.changed_since(&before);
            for log in &changed.logs {
                if before.standing(log).is_none() && self.lost_an_end(log)? {
                    // An erasure came while it did not stand.
                    self.find_ends(log)?;
                }
                let was = self.carried.get(log).map(|carried| carried.carriage.clone());
                self.refresh_carriage(log)?;
                let now = self.carried.get(log).map(|carried| &carried.carriage);
                let has_author = |of: &Authority| {
                    of.standing(log).map(|standing| (standing.author, standing.person))
                };
                match (was, now) {
                    // One more revocation cuts little more: the rest of the log says what it said.
                    (Some(was), Some(now))
                        if has_author(&before) == has_author(&self.authority) =>
                    {
                        let changed = now.changed_since(&was);
                        if !changed.is_empty() {
                            self.judge_plain(log)?;
                            self.mark_dirty_behind(log, &changed)?;
                        }
                    }
                    _ => {
                        self.judge_plain(log)?;
                        self.mark_log_dirty(log)?;
                    }
                }
            }
            self.mark_persons_dirty(&before, &changed.logs)?;
            if reopened || !changed.logs.is_empty() || !changed.entries.is_empty() {
                self.load_brought()?;
                self.forget_aside()?;
            }
            for id in &changed.entries {
                self.sql()?
                    .prepare_cached(&format!(
                        "INSERT OR IGNORE INTO dirty SELECT {RECORD} FROM entry WHERE id = ?1 AND kind >= 16"
                    ))?
                    .execute([id.0])?;
            }
            self.write_verdicts(&before)?;
            reopened = false;
            for (team, record) in changed.records {
                self.mark_dirty(&record.0)?;
                reopened |= self.drop_ends_of(team, record)?;
            }
            // A payload that had ended a log is erased: what stands behind it may say more.
            if !reopened {
                break;
            }
        }
        self.drop_setting(&Setting::AuthorityStale)?;
        Ok(())
    }

    /// Writes the verdicts of administrative entries that changed; what is not carried has none.
    fn write_verdicts(&self, before: &Authority) -> Result<(), StoreError> {
        let mut update =
            self.sql()?.prepare_cached("UPDATE entry SET verdict = ?2 WHERE id = ?1")?;
        for (id, verdict) in &self.authority.verdicts {
            if before.verdicts.get(id) != Some(verdict) {
                update.execute((id.0, verdict.number()))?;
            }
        }
        let gone = before.verdicts.keys().filter(|id| !self.authority.verdicts.contains_key(*id));
        for id in gone {
            update.execute((id.0, HIDDEN))?;
        }
        Ok(())
    }

    /// Whether an entry that ended a branch, or that only a newer version can judge, was erased since.
    fn lost_an_end(&self, log: &LogId) -> Result<bool, StoreError> {
        let number = self.logs.get(log).map(|log| log.number);
        let mut erased = self.sql()?.prepare_cached(
            "SELECT 1 FROM entry INDEXED BY entry_ends
             WHERE log = ?1 AND ends > 0 AND payload IS NULL
             UNION ALL SELECT 1 FROM entry INDEXED BY entry_newer
             WHERE log = ?1 AND newer IS NOT NULL AND payload IS NULL LIMIT 1",
        )?;
        Ok(erased.exists([number])?)
    }

    /// What the payloads of an erased record ended goes on; what they weighed, where only a newer version can
    /// judge them, weighs less.
    fn drop_ends_of(&mut self, team: TeamId, record: RecordId) -> Result<bool, StoreError> {
        let mut statement = self.sql()?.prepare_cached(&format!(
            "SELECT DISTINCT log.id FROM entry JOIN log ON log.number = entry.log
             WHERE {OF_RECORD} AND (ends = ?3 OR newer IS NOT NULL)"
        ))?;
        let by_payload = Ending::Payload.number();
        let rows = statement
            .query_map((record.0, last_id_of(record), by_payload), |row| Ok(LogId(row.get(0)?)))?;
        let logs: Vec<LogId> = rows.collect::<Result<_, _>>()?;
        drop(statement);
        let mut reopened = false;
        for log in logs {
            if self.team_of(&log) != Some(team) {
                continue;
            }
            self.erase_payloads(record, team)?;
            self.find_ends(&log)?;
            self.mark_log_dirty(&log)?;
            reopened = true;
        }
        Ok(reopened)
    }

    /// Authority from all administrative entries held.
    pub(super) fn settle_authority(&self) -> Result<Authority, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT entry.id, log.id, branch, position, kind, payload, schema, ends
             FROM entry INDEXED BY entry_administration CROSS JOIN log ON log.number = entry.log
             WHERE kind < 16 AND kind IN (1, 2, 3, 4, 5, 6) ORDER BY entry.id",
        )?;
        let mut administration = Vec::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (of_kind, schema): (u8, u16) = (row.get(4)?, row.get(6)?);
            if !settles(of_kind, schema) {
                continue;
            }
            let payload = kept_if_any(row.get(5)?)?;
            administration.push(HeldAdministration {
                id: EntryId(row.get(0)?),
                log: LogId(row.get(1)?),
                place: place_of(row.get(2)?, row.get(3)?),
                kind: of_kind,
                schema,
                ending: Ending::from_number(row.get(7)?),
                says: payload
                    .ok_or(Malformed::Shape(0))
                    .and_then(|payload| Administration::decode(of_kind, &payload)),
            });
        }
        let lookup = Lookup::new(self);
        let authority = authority::settle(&AuthorityInputs {
            root: self.root,
            chains: &self.chains,
            administration: &administration,
            locate: &|id| lookup.locate(id),
            signature_holds: &|key, kept| lookup.signature_holds(key, kept),
        });
        lookup.finish(authority)
    }

    /// Judges a record and writes its row; returns how many entries name it.
    fn settle_record(&mut self, id: RecordId) -> Result<usize, StoreError> {
        let (judged, hidden) = self.judge(id)?;
        let stored = &hidden.stored;
        let erased: Vec<EntryId> = judged
            .verdicts
            .iter()
            .filter(|(_, verdict)| **verdict == Verdict::Erased)
            .map(|(id, _)| *id)
            .chain(hidden.erased.iter().copied())
            .collect();
        // What follows on a record that was dropped here may be on no hub yet.
        let is_final = !erased.is_empty() && self.authority.is_erased_anywhere(id);
        erased.iter().filter(|_| is_final).try_for_each(|entry| self.erase_payload(entry))?;
        let mut update =
            self.sql()?.prepare_cached("UPDATE entry SET verdict = ?2 WHERE id = ?1")?;
        for (entry, verdict) in &judged.verdicts {
            if stored.get(entry) != Some(&verdict.number()) {
                update.execute((entry.0, verdict.number()))?;
            }
        }
        for entry in &hidden.entries {
            update.execute((entry.0, HIDDEN))?;
        }
        drop(update);
        let record = replayed(&judged).unwrap_or_else(|_| {
            // One record must not stop the others: it counts nowhere until the bug is mended.
            tracing::error!("a record could not be replayed; it counts nowhere");
            None
        });
        let entries = hidden.stored.len();
        if let Some(author) = self.judging.dirtied_by.remove(&id) {
            *self.judging.judged_for.entry(author).or_default() += entries as u64;
        }
        self.project(id, record.as_ref())?;
        Ok(entries)
    }

    /// Drops the payloads of an erased record that this team's logs hold; headers and hashes stay.
    fn erase_payloads(&self, record: RecordId, team: TeamId) -> Result<(), StoreError> {
        let mut statement = self.sql()?.prepare_cached(&format!(
            "SELECT entry.id, log.id FROM entry JOIN log ON log.number = entry.log
             WHERE {OF_RECORD} AND payload IS NOT NULL"
        ))?;
        let rows = statement.query_map((record.0, last_id_of(record)), |row| {
            Ok((EntryId(row.get(0)?), LogId(row.get(1)?)))
        })?;
        let rows: Vec<(EntryId, LogId)> = rows.collect::<Result<_, _>>()?;
        let of_team = rows.iter().filter(|(_, log)| self.team_of(log) == Some(team));
        of_team.into_iter().try_for_each(|(id, _)| self.erase_payload(id))
    }

    pub(super) fn erase_payload(&self, entry: &EntryId) -> Result<(), StoreError> {
        let payload: Option<Vec<u8>> = self
            .sql()?
            .prepare_cached("SELECT payload FROM entry WHERE id = ?1")?
            .query_row([entry.0], |row| row.get(0))?;
        if let Some(payload) = kept_if_any(payload)? {
            self.erased.set(true);
            self.erased_since.set(true);
            self.sql()?
                .prepare_cached("UPDATE entry SET payload = NULL, payload_hash = ?2 WHERE id = ?1")?
                .execute((entry.0, *blake3::hash(&payload).as_bytes()))?;
        }
        Ok(())
    }

    fn judge(&self, id: RecordId) -> Result<(Judged, NotCarried), StoreError> {
        let mut by_team: BTreeMap<TeamId, Vec<RecordEntry>> = BTreeMap::new();
        let mut hidden = NotCarried::default();
        for entry in self.record_entries(id, &mut hidden)? {
            let team = entry.0;
            by_team.entry(team).or_default().push(entry.1);
        }
        let mut judged = Judged::default();
        for (team, of_team) in by_team {
            // What was dropped here is as good as erased, to this store alone.
            let is_dropped = of_team.iter().any(|entry| entry.payload.is_none());
            let is_erased = is_dropped || self.authority.is_erased(team, id);
            let part = judge(id, team, is_erased, of_team);
            judged.verdicts.extend(part.verdicts);
            judged.plan = judged.plan.or(part.plan);
        }
        Ok((judged, hidden))
    }

    /// The carried entries that name a record, each with its team.
    pub(super) fn record_entries(
        &self,
        id: RecordId,
        hidden: &mut NotCarried,
    ) -> Result<Vec<(TeamId, RecordEntry)>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(&format!(
            "SELECT entry.id, log.id, branch, position, kind, changes IS NULL, payload, schema, ends,
               verdict
             FROM entry JOIN log ON log.number = entry.log WHERE {OF_RECORD}"
        ))?;
        let mut rows = statement.query((id.0, last_id_of(id)))?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            let (entry, log) = (EntryId(row.get(0)?), LogId(row.get(1)?));
            let place = place_of(row.get(2)?, row.get(3)?);
            hidden.stored.insert(entry, row.get(9)?);
            let info = self.chains.log(&log).ok_or(StoreError::Damaged("an entry's log"))?;
            let standing = self.authority.standing(&log);
            let Some((Author::Certified(role, team), person)) = standing
                .map(|standing| (standing.author, standing.person))
                .filter(|_| self.is_carried(&log, place, entry))
            else {
                hidden.entries.push(entry);
                if self.authority.is_erased(info.team, id) {
                    hidden.erased.push(entry);
                }
                continue;
            };
            let looked =
                Looked { id: entry, kind: row.get(4)?, ending: Ending::from_number(row.get(8)?) };
            let is_brought = self.is_brought(&log, looked);
            let waives = |waived| self.authority.waives(&entry, waived, info.key, info.team);
            let stands =
                self.carried.get(&log).is_some_and(|carried| carried.carriage.stands(place));
            entries.push((
                team,
                RecordEntry {
                    id: entry,
                    kind: looked.kind,
                    schema: row.get(7)?,
                    creates: row.get(5)?,
                    payload: kept_if_any(row.get(6)?)?,
                    author: info.key,
                    person,
                    role,
                    has_ended: looked.ending.is_some() && !is_brought,
                    stands: stands || is_brought,
                    is_role_waived: role == Role::Worker && waives(Waived::Role),
                },
            ));
        }
        Ok(entries)
    }

    pub(super) fn team_of(&self, log: &LogId) -> Option<TeamId> {
        self.chains.log(log).map(|info| info.team)
    }

    /// A record as this store holds it; `None` where nothing of it counts.
    pub fn record(&self, id: RecordId) -> Result<Option<Record>, StoreError> {
        replayed(&self.judge(id)?.0)
    }
}

/// What is stored of entries that name a record, and which of them are not carried.
#[derive(Default)]
pub(super) struct NotCarried {
    /// The verdicts of all entries that name the record, as they are stored.
    stored: HashMap<EntryId, u8>,
    entries: Vec<EntryId>,
    /// Those of them whose record is erased: their payloads go, too.
    erased: Vec<EntryId>,
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

    /// Looks at a signature once: what is kept with the entry was looked at when it came, and what was looked
    /// at before is remembered.
    fn signature_holds(&self, key: DeviceKey, kept: &KeptTip) -> bool {
        let is_here = self.store.signature_held(kept.tip.id).unwrap_or_else(|error| {
            self.failed.replace(Some(error));
            None
        });
        let is_of_key = self.store.chains.log(&kept.log).is_some_and(|info| info.key == key);
        if is_of_key && is_here == Some((kept.log, kept.tip, kept.signature)) {
            return true;
        }
        let mut seen = self.store.signatures_seen.borrow_mut();
        let of_this = (key, kept.log, kept.tip, kept.signature);
        *seen
            .entry(of_this)
            .or_insert_with(|| signature_is_good(&key, kept.log, kept.tip, &kept.signature))
    }

    /// What the function made of the look-ups, unless one of them failed.
    fn finish<T>(self, made: T) -> Result<T, StoreError> {
        self.failed.into_inner().map_or(Ok(made), Err)
    }
}

fn replayed(judged: &Judged) -> Result<Option<Record>, StoreError> {
    let Some(plan) = &judged.plan else { return Ok(None) };
    // A panic of a bug ends here, too.
    match catch_unwind(AssertUnwindSafe(|| replay(plan))) {
        Ok(Ok(record)) => Ok(Some(record)),
        Ok(Err(_)) | Err(_) => Err(StoreError::Damaged("a record's replay")),
    }
}
