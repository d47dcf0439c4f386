//! Entries are put where they belong: in their log's tree, or alone where an acceptance brought them.

use super::Setting;
use super::carried::Looked;
use super::on_path::{OnPath, Path};
use super::{HeldLog, Settling, Store, StoreError};
use crate::identity::SigningKey;
use crate::log::chain::{LogInfo, Place};
use crate::log::ending::{self, Ending};
use crate::log::entry::{Entry, Tip, kind, settles};
use crate::log::payload::Open;
use crate::log::{Author, Verdict};
use crate::model::{EntryId, LogId, RecordId};
use zeroize::Zeroizing;

/// The verdict of entries that are held and not carried.
pub(super) const HIDDEN: u8 = 3;
/// What `own` says of a log of this device's that it writes no more in (see the schema).
const OURS_CLOSED: i64 = 3;

impl Store {
    /// Adds the next entry of a path, whose chain is good; the path goes on behind it.
    pub(super) fn insert(
        &mut self,
        path: &mut Path,
        entry: &Entry,
        on_path: OnPath,
        own: i64,
    ) -> Result<(), StoreError> {
        let header = &entry.header;
        let branches = self.chains.log(&header.log).map_or(0, |info| info.branches.len());
        let place = match (header.position, path.previous) {
            (1, _) => self.begin_log(entry, own)?,
            (_, Some((_, previous))) => self.extend(header.log, previous, entry.tip())?,
            (_, None) => return Err(StoreError::Damaged("an entry's chain")),
        };
        path.previous = Some((header.log, place));
        self.note_clock(entry, place, own != 0)?;
        let info = self.chains.log(&header.log);
        let forked = info.map_or(0, |info| info.branches.len()) != branches;
        let branch = info.and_then(|info| info.branches.get(place.branch as usize));
        let has_ended = branch.is_some_and(|branch| branch.end.is_some());
        if let (Some(ending), false) = (on_path.ending, has_ended) {
            self.chains.set_end(&header.log, place.branch, Some((place.position, ending)));
        }
        let ends = !has_ended && on_path.ending.is_some();
        let is_cut = self.authority.standing(&header.log).map(|standing| !standing.cuts.is_empty());
        let is_looked_at_anew = ends || is_cut.is_none_or(|is_cut| is_cut && forked);
        if is_looked_at_anew || !self.note_next(entry, place, forked) {
            self.write_entry(entry, place, on_path, 0)?;
            self.note_opened(&header.log)?;
            self.refresh_carriage(&header.log)?;
            if let Some(verdict) = self.first_verdict(entry, place, on_path) {
                self.sql()?
                    .prepare_cached("UPDATE entry SET verdict = ?2 WHERE id = ?1")?
                    .execute((entry.id.0, verdict))?;
            }
        } else {
            let verdict = self.first_verdict(entry, place, on_path).unwrap_or(0);
            self.write_entry(entry, place, on_path, verdict)?;
        }
        self.after_insert(entry)
    }

    /// The verdict that administration has at once.
    fn first_verdict(&mut self, entry: &Entry, place: Place, on_path: OnPath) -> Option<u8> {
        let header = &entry.header;
        match header.kind {
            kind::OPEN if self.authority.admit_open(&header.log, entry.id) => {
                Some(Verdict::Admitted.number())
            }
            of_kind if of_kind < kind::RECORDS_FROM && !settles(of_kind, header.schema) => {
                let (at, of_kind) = ((place, entry.id), (of_kind, header.schema));
                Some(self.plain_verdict(&header.log, at, of_kind, on_path.ending))
            }
            // What is not carried has none, until authority finds one.
            of_kind if of_kind < kind::RECORDS_FROM => {
                (!self.is_carried(&header.log, place, entry.id)).then_some(HIDDEN)
            }
            _ => None,
        }
    }

    /// A log that was not held when authority was settled: whose it is, its certificate tells.
    fn note_opened(&mut self, log: &LogId) -> Result<(), StoreError> {
        if self.authority.standing(log).is_some() {
            return Ok(());
        }
        match self.logs.get(log).map(|log| log.open.clone()) {
            Some(open) => {
                let (certificate, root) = (open.certificate, self.root);
                let author = self.authority.author(&certificate, open.key, open.team, root);
                match author {
                    Some(author) if !self.authority.is_revoked(&certificate) => {
                        self.authority.note_log(*log, author, &certificate);
                        Ok(())
                    }
                    _ => self.set_authority_stale(),
                }
            }
            None => Ok(()),
        }
    }

    fn write_entry(
        &mut self,
        entry: &Entry,
        place: Place,
        on_path: OnPath,
        verdict: u8,
    ) -> Result<(), StoreError> {
        let header = &entry.header;
        let number = self.logs.get(&header.log).map(|log| log.number);
        let number = number.ok_or(StoreError::Damaged("an entry's log"))?;
        let hash = entry.payload.is_none().then_some(header.payload_hash);
        let branch = if place.is_alone() { -1 } else { i64::from(place.branch) };
        let changes_on_path = on_path.changes.map(|changes| changes as i64);
        let ends = on_path.ending.map_or(0, Ending::number);
        self.sql()?
            .prepare_cached(
                "INSERT INTO entry (id, log, branch, position, kind, schema, changes, on_path, ends,
                   payload, payload_hash, previous, newer, newer_bytes, verdict)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
                 ON CONFLICT (id) DO UPDATE SET branch = ?3, on_path = ?8, ends = ?9,
                   previous = ?12, newer = ?13, newer_bytes = ?14",
            )?
            .execute((
                entry.id.0,
                number,
                branch,
                place.position as i64,
                header.kind,
                header.schema,
                header.record.map(|record| record.0),
                changes_on_path,
                ends,
                entry.payload.as_deref().map(super::payload::keep),
                hash,
                place.is_alone().then_some(header.previous.0),
                on_path.newer.map(|(entries, _)| entries as i64),
                on_path.newer.map(|(_, bytes)| bytes as i64),
                verdict,
            ))?;
        Ok(())
    }

    /// What an entry's coming sets going.
    fn after_insert(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let header = &entry.header;
        self.code_packs += u64::from(header.kind == kind::CODE_PACK);
        match entry.record() {
            Some(record) => {
                *self.judging.brought.entry(record).or_default() += 1;
                if self.settling == Settling::Behind
                    && let Some(of) = self.logs.get(&header.log)
                {
                    self.judging.dirtied_by.insert(record, of.open.key);
                }
                self.mark_dirty(&record.0)?;
            }
            None if header.kind == kind::OPEN || !settles(header.kind, header.schema) => {}
            None => {
                self.set_authority_stale()?;
                if let Some(log) = self.logs.get_mut(&header.log) {
                    log.administers |= header.kind != kind::TEAM_KEY;
                }
            }
        }
        if self.authority.awaits(&entry.id) {
            self.set_authority_stale()?;
            self.note_brought(entry.id)?;
        }
        self.sql()?
            .prepare_cached("DELETE FROM heard WHERE log = ?1 AND entry = ?2")?
            .execute((header.log.0, entry.id.0))?;
        Ok(())
    }

    /// Adds an entry without what lies before it; its log may hold nothing else.
    pub(super) fn insert_alone(&mut self, open: &Open, entry: &Entry) -> Result<(), StoreError> {
        let log = entry.header.log;
        if !self.logs.contains_key(&log) {
            self.insert_log(open, 0)?;
            self.note_opened(&log)?;
            self.refresh_carriage(&log)?;
        }
        let place = Place { branch: Place::ALONE, position: entry.header.position };
        self.write_entry(entry, place, OnPath { changes: None, newer: None, ending: None }, 0)?;
        self.after_insert(entry)?;
        self.note_brought(entry.id)
    }

    fn begin_log(&mut self, entry: &Entry, own: i64) -> Result<Place, StoreError> {
        let log = entry.header.log;
        let payload = entry.payload.as_deref().filter(|_| entry.header.kind == kind::OPEN);
        let open = payload
            .and_then(|payload| Open::decode(payload).ok())
            .ok_or(StoreError::Damaged("an open"))?;
        let number = match self.logs.get(&log) {
            Some(held) => held.number,
            None => self.insert_log(&open, own)?,
        };
        self.sql()?
            .prepare_cached("INSERT INTO branch (log, number) VALUES (?1, 0)")?
            .execute([number])?;
        self.chains.begin(&log, entry.tip()).ok_or(StoreError::Damaged("a log"))
    }

    fn insert_log(&mut self, open: &Open, own: i64) -> Result<i64, StoreError> {
        let log = open.log();
        let own = if own == 0 && self.is_ours(open)? { OURS_CLOSED } else { own };
        self.sql()?
            .prepare_cached("INSERT INTO log (id, open, own) VALUES (?1, ?2, ?3)")?
            .execute((log.0, open.encode(), own))?;
        let number = self.sql()?.last_insert_rowid();
        let (key, team, certificate) = (open.key, open.team, open.certificate);
        self.chains.insert(log, LogInfo { key, team, certificate, branches: Vec::new() });
        self.logs.insert(log, HeldLog { number, open: open.clone(), administers: false });
        Ok(number)
    }

    /// Whether a log that comes from elsewhere is this device's: of before it was put back to an older copy, or
    /// of a copy of it.
    fn is_ours(&self, open: &Open) -> Result<bool, StoreError> {
        let seed = self.setting(&Setting::Seed)?.map(Zeroizing::new);
        let seed = seed.and_then(|seed| <[u8; 32]>::try_from(seed.as_slice()).ok());
        Ok(seed.is_some_and(|seed| SigningKey::from_seed(&seed).device_key() == open.key))
    }

    fn extend(&mut self, log: LogId, previous: Place, tip: Tip) -> Result<Place, StoreError> {
        let place =
            self.chains.extend(&log, previous, tip).ok_or(StoreError::Damaged("a branch"))?;
        if place.branch != previous.branch {
            let number = self.logs.get(&log).map(|log| log.number);
            self.sql()?
                .prepare_cached(
                    "INSERT INTO branch (log, number, parent_branch, parent_position)
                     VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute((number, place.branch, previous.branch, previous.position as i64))?;
        }
        Ok(place)
    }

    /// Where an entry stands, if it is held.
    pub(super) fn locate(&self, id: &EntryId) -> Result<Option<(LogId, Place)>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT log.id, branch, position FROM entry JOIN log ON log.number = entry.log WHERE entry.id = ?1",
        )?;
        let mut rows = statement.query([id.0])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let log = LogId(row.get(0)?);
        Ok(Some((log, place_of(row.get(1)?, row.get(2)?))))
    }

    /// Marks a record to be judged: in this transaction, or later where settling follows behind.
    pub(super) fn mark_dirty(&mut self, record: &[u8; 16]) -> Result<(), StoreError> {
        if self.settling == Settling::Within {
            self.judging.dirty.insert(RecordId(*record));
            return Ok(());
        }
        self.sql()?
            .prepare_cached("INSERT OR IGNORE INTO dirty (record) VALUES (?1)")?
            .execute([record])?;
        Ok(())
    }

    pub(super) fn set_authority_stale(&self) -> Result<(), StoreError> {
        self.put_setting(&Setting::AuthorityStale, &[1])
    }

    /// Looks at the ends of a log anew, entry by entry: an erasure took a payload that had ended it, or an
    /// update knows what no version before did.
    pub(super) fn find_ends(&mut self, log: &LogId) -> Result<(), StoreError> {
        let Some((info, standing)) = self.standing(log) else { return Ok(()) };
        let (info, author) = (info.clone(), standing.author);
        let number = self.logs.get(log).map(|log| log.number);
        for (branch, held) in (0u32..).zip(&info.branches) {
            self.chains.set_end(log, branch, None);
            let mut path = Path::after(author, held.parent.map(|parent| (*log, parent)));
            let mut statement = self.sql()?.prepare(
                "SELECT id, position FROM entry WHERE log = ?1 AND branch = ?2 AND branch >= 0
                 ORDER BY position",
            )?;
            let rows = statement
                .query_map((number, branch), |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
            let rows: Vec<([u8; 32], i64)> = rows.collect::<Result<_, _>>()?;
            drop(statement);
            let mut end = None;
            for (id, position) in rows {
                let Some(entry) = self.whole_entry(log, EntryId(id))? else { continue };
                let on_path = self.look(&mut path, &entry)?;
                let ends = on_path.ending.map_or(0, Ending::number);
                self.sql()?
                    .prepare_cached(
                        "UPDATE entry SET ends = ?2, newer = ?3, newer_bytes = ?4 WHERE id = ?1
                         AND (ends, newer, newer_bytes) IS NOT (?2, ?3, ?4)",
                    )?
                    .execute((
                        id,
                        ends,
                        on_path.newer.map(|(entries, _)| entries as i64),
                        on_path.newer.map(|(_, bytes)| bytes as i64),
                    ))?;
                end = end.or(on_path.ending.map(|ending| (position as u64, ending)));
                path.previous = Some((*log, Place { branch, position: position as u64 }));
            }
            self.chains.set_end(log, branch, end);
        }
        self.refresh_carriage(log)?;
        self.judge_plain(log)
    }

    /// What an acceptance would look at of an entry that is not held yet.
    pub(super) fn looked_at(author: Author, entry: &Entry) -> Looked {
        let looked = ending::Looked {
            kind: entry.header.kind,
            schema: entry.header.schema,
            payload: entry.payload.as_deref(),
            changes_on_path: 0,
        };
        Looked { id: entry.id, kind: entry.header.kind, ending: ending::ending(author, looked) }
    }
}

/// The place that two columns tell.
pub(super) fn place_of(branch: i64, position: i64) -> Place {
    Place { branch: u32::try_from(branch).unwrap_or(Place::ALONE), position: position as u64 }
}
