//! Entries come in: our own, and runs from others.

use super::{HeldLog, LogUse, Settling, Store, StoreError};
use crate::log::chain::{Branch, LogInfo, Place};
use crate::log::entry::{Entry, Tip, kind};
use crate::log::payload::Open;
use crate::log::run::{Run, SealedTip, TurnedAway, weight};
use crate::log::verdict::{Refusal, Verdict};
use crate::model::{EntryId, LogId, RecordId, TeamId};

/// A log with this many waiting entries gets no further acknowledgement until some are admitted.
pub const WAITING_MAX: u64 = 10_000;
/// The most branches that all logs of one key may have here: an honest device has one for each log,
/// and one more for each time that it was restored or cloned (docs/adr/0005).
pub const BRANCHES_PER_KEY_MAX: usize = 1_000;
/// What all logs together may weigh whose author has no certificate that holds here.
pub const UNCERTIFIED_BYTES_MAX: u64 = 64 << 20;

/// The most logs whose author has no certificate that holds here: each may have to be looked at anew
/// with every certificate that comes.
pub const UNCERTIFIED_LOGS_MAX: usize = 1_000;

/// What became of a page.
#[derive(Debug, Default)]
pub struct Received {
    /// Entries that were not held before.
    pub new_entries: u64,
    /// Runs that were turned away, by their place among those received.
    pub turned_away: Vec<(usize, TurnedAway)>,
    /// The last entry of each run that is held now, with its log.
    pub held: Vec<(LogId, Tip)>,
}

/// The logs whose author has no certificate that holds here.
#[derive(Clone, Copy, Default)]
struct Uncertified {
    logs: usize,
    bytes: u64,
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
        forgets: Option<&str>,
    ) -> Result<(), StoreError> {
        self.transact(|store| {
            store.insert_all(entries, log_use.number())?;
            store.settle_within(true)?;
            if let (true, Some(entry)) = (must_count, entries.last())
                && let Some(Verdict::Refused(reason)) = store.verdict_of(entry.id)?
                // What a revocation leaves out can still be accepted, once a coordinator looks at it.
                && !matches!(reason, Refusal::Revoked | Refusal::Certificate)
            {
                return Err(StoreError::Refused(reason));
            }
            if let Some(name) = forgets {
                store.sql()?.execute("DELETE FROM meta WHERE name = ?1", [name])?;
            }
            Ok(())
        })
    }

    /// Takes runs in. Each is verified before anything of it is stored; a bad one is turned away by
    /// its reason and stops nothing. When this returns, what was taken is durable.
    pub fn receive(&mut self, runs: &[&Run], heard: &[SealedTip]) -> Result<Received, StoreError> {
        self.transact(|store| {
            let mut received = Received::default();
            let mut uncertified = store.uncertified();
            for (index, run) in runs.iter().enumerate() {
                match store.receive_run(run, &mut uncertified)? {
                    Ok((new_entries, last)) => {
                        received.new_entries += new_entries;
                        received.held.extend(last.map(|last| (run.log, last)));
                    }
                    Err(reason) => received.turned_away.push((index, reason)),
                }
            }
            // Even a hub, which settles records behind, acknowledges by certificates.
            store.settle_authority_if_stale()?;
            for sealed in heard {
                store.hear(sealed)?;
            }
            let within = store.settling == Settling::Within;
            store.settle_within(within)?;
            Ok(received)
        })
    }

    fn receive_run(
        &mut self,
        run: &Run,
        uncertified: &mut Uncertified,
    ) -> Result<Result<(u64, Option<Tip>), TurnedAway>, StoreError> {
        let known = self.chains.log(&run.log).map(|info| (info.key, info.team));
        let (entries, open) = match run.verify(known.map(|(key, _)| key)) {
            Ok(verified) => verified,
            Err(reason) => return Ok(Err(reason)),
        };
        let Some(team) = known.map(|(_, team)| team).or(open.as_ref().map(|open| open.team)) else {
            return Ok(Err(TurnedAway::LogNotHeld));
        };
        let mut is_named = self.is_named(&run.log, open.as_ref());
        let is_full = uncertified.bytes >= UNCERTIFIED_BYTES_MAX
            || known.is_none() && uncertified.logs >= UNCERTIFIED_LOGS_MAX;
        if !is_named && is_full {
            // Its certificate may have come in the same page.
            self.settle_authority_if_stale()?;
            is_named = self.is_named(&run.log, open.as_ref());
            if !is_named {
                return Ok(Err(TurnedAway::QuotaWithoutCertificate));
            }
        }
        if let Some(reason) = self.turned_away(run, &entries, open.as_ref(), team)? {
            return Ok(Err(reason));
        }
        let new = self.insert_all(&entries, 0)?;
        let new_entries = new.len() as u64;
        let bytes: u64 = new.iter().map(|entry| weight(entry.payload.as_deref())).sum();
        if let Some(last) = entries.last() {
            self.sql()?
                .prepare_cached("UPDATE entry SET seal = ?2 WHERE id = ?1")?
                .execute((last.id.0, run.seal))?;
        }
        if new_entries > 0 {
            self.close_own_log(&run.log)?;
            self.sql()?
                .prepare_cached("UPDATE log SET bytes = bytes + ?2 WHERE id = ?1")?
                .execute((run.log.0, bytes as i64))?;
            if let Some(log) = self.logs.get_mut(&run.log) {
                log.bytes += bytes;
            }
            if !is_named {
                uncertified.bytes += bytes;
                uncertified.logs += usize::from(known.is_none());
            }
        }
        Ok(Ok((new_entries, entries.last().map(Entry::tip))))
    }

    /// Whether a log's author has a certificate of its own; of a log not held yet, its `open` tells.
    fn is_named(&self, log: &LogId, open: Option<&Open>) -> bool {
        self.authority.is_named(log)
            || open.is_some_and(|open| {
                self.authority.certifies(&open.certificate, open.key, open.team, self.root)
            })
    }

    /// A device that hears of an entry of its own log that it does not hold was restored or cloned:
    /// it goes on in a new log.
    pub(super) fn close_own_log(&self, log: &LogId) -> Result<(), StoreError> {
        self.sql()?
            .prepare_cached("UPDATE log SET own = 3 WHERE id = ?1 AND own IN (1, 2)")?
            .execute([log.0])?;
        Ok(())
    }

    /// Why a run whose seal is good cannot be stored here, if it cannot.
    fn turned_away(
        &mut self,
        run: &Run,
        entries: &[Entry],
        open: Option<&Open>,
        team: TeamId,
    ) -> Result<Option<TurnedAway>, StoreError> {
        if !self.holds_team(team) {
            return Ok(Some(TurnedAway::ForeignTeam));
        }
        if run.first > 1 {
            match self.locate(&run.previous)? {
                Some((log, place)) if log == run.log && place.position + 1 == run.first => {}
                Some(_) => return Ok(Some(TurnedAway::Chain)),
                None => return Ok(Some(TurnedAway::PreviousNotHeld)),
            }
        }
        if entries.iter().any(|entry| entry.payload.is_none()) {
            self.settle_authority_if_stale()?;
            let erased = |entry: &Entry| {
                entry.record().is_some_and(|record| self.authority.is_erased(team, record))
            };
            if !entries.iter().all(|entry| entry.payload.is_some() || erased(entry)) {
                return Ok(Some(TurnedAway::PayloadMissing));
            }
        }
        let key = open.map(|open| open.key).or(self.chains.log(&run.log).map(|info| info.key));
        let branches = key.map_or(0, |key| self.chains.branches_of(&key));
        if branches >= BRANCHES_PER_KEY_MAX && self.starts_a_branch(run, entries)? {
            return Ok(Some(TurnedAway::TooManyBranches));
        }
        let waiting = match self.logs.get(&run.log) {
            Some(log) => self.waiting_in(log.number)?,
            None => 0,
        };
        Ok((waiting >= WAITING_MAX).then_some(TurnedAway::TooManyWaiting { waiting }))
    }

    /// Whether a run would start a log, or its first entry that is not held leave a branch.
    fn starts_a_branch(&self, run: &Run, entries: &[Entry]) -> Result<bool, StoreError> {
        if self.chains.log(&run.log).is_none() {
            return Ok(true);
        }
        let mut previous = self.locate(&run.previous)?;
        for entry in entries {
            let held = self.locate(&entry.id)?;
            if held.is_some() {
                previous = held;
                continue;
            }
            return Ok(previous.is_some_and(|(log, place)| {
                let branch =
                    self.chains.log(&log).and_then(|info| info.branches.get(place.branch as usize));
                branch.is_none_or(|branch| branch.tip.position != place.position)
            }));
        }
        Ok(false)
    }

    fn waiting_in(&self, log: i64) -> Result<u64, StoreError> {
        let waiting: i64 = self
            .sql()?
            .prepare_cached(
                "SELECT count(*) FROM entry WHERE log = ?1 AND verdict BETWEEN 16 AND 31",
            )?
            .query_row([log], |row| row.get(0))?;
        Ok(waiting as u64)
    }

    /// What the logs weigh whose author has no certificate that holds here.
    fn uncertified(&self) -> Uncertified {
        let uncertified = self.logs.iter().filter(|(log, _)| !self.authority.is_named(log));
        uncertified.fold(Uncertified::default(), |all, (_, log)| Uncertified {
            logs: all.logs + 1,
            bytes: all.bytes + log.bytes,
        })
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
        let log: Vec<u8> = row.get(0)?;
        let log = LogId::from_slice(&log).ok_or(StoreError::Damaged("a log's id"))?;
        let place = Place { branch: row.get(1)?, position: row.get::<_, i64>(2)? as u64 };
        Ok(Some((log, place)))
    }

    /// Stores entries that follow each other in one log, whose chain and seal are good. Returns
    /// those that were new.
    fn insert_all<'a>(
        &mut self,
        entries: &'a [Entry],
        own: i64,
    ) -> Result<Vec<&'a Entry>, StoreError> {
        let mut new = Vec::new();
        let mut previous = match entries.first() {
            Some(first) if first.header.position > 1 => self.locate(&first.header.previous)?,
            _ => None,
        };
        for entry in entries {
            let held = self.locate(&entry.id)?;
            if held.is_none() {
                let place = self.insert(entry, previous.map(|(_, place)| place), own)?;
                new.push(entry);
                previous = Some((entry.header.log, place));
                continue;
            }
            previous = held;
            if let (true, Some(record)) = (crate::planted!(DedupeOff), entry.record()) {
                self.count_again(record)?;
            }
        }
        Ok(new)
    }

    fn insert(
        &mut self,
        entry: &Entry,
        previous: Option<Place>,
        own: i64,
    ) -> Result<Place, StoreError> {
        let header = &entry.header;
        let place = match (header.position, previous) {
            (1, _) => self.insert_log(entry, own)?,
            (_, Some(previous)) => self.extend(header.log, previous, entry.tip())?,
            (_, None) => return Err(StoreError::Damaged("an entry's chain")),
        };
        let number = self.logs.get(&header.log).map(|log| log.number);
        let number = number.ok_or(StoreError::Damaged("an entry's log"))?;
        let record = entry.record().map(|record| record.0);
        let hash = entry.payload.is_none().then_some(header.payload_hash);
        self.sql()?
            .prepare_cached(
                "INSERT INTO entry (id, log, branch, position, kind, changes, payload, payload_hash,
                   verdict)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
            )?
            .execute((
                entry.id.0,
                number,
                place.branch,
                place.position as i64,
                header.kind,
                header.record.map(|record| record.0),
                entry.payload.as_deref().map(super::payload::keep),
                hash,
            ))?;
        self.code_packs += u64::from(header.kind == kind::CODE_PACK);
        match record {
            Some(record) => self.mark_dirty(&record)?,
            None => self.set_authority_stale()?,
        }
        if self.authority.awaits(&entry.id) {
            self.set_authority_stale()?;
        }
        if let (true, Some(log)) =
            (record.is_none() && header.kind != kind::OPEN, self.logs.get_mut(&header.log))
        {
            log.administers = true;
        }
        self.sql()?
            .prepare_cached("DELETE FROM heard WHERE log = ?1 AND entry = ?2")?
            .execute((header.log.0, entry.id.0))?;
        let mut awaiting =
            self.sql()?.prepare_cached("SELECT record FROM awaited WHERE entry = ?1")?;
        let records = awaiting.query_map([entry.id.0], |row| row.get::<_, [u8; 16]>(0))?;
        let records = records.collect::<Result<Vec<_>, _>>()?;
        drop(awaiting);
        for record in records {
            self.mark_dirty(&record)?;
        }
        Ok(place)
    }

    fn insert_log(&mut self, entry: &Entry, own: i64) -> Result<Place, StoreError> {
        let payload = entry.payload.as_deref().filter(|_| entry.header.kind == kind::OPEN);
        let open = payload
            .and_then(|payload| Open::decode(payload).ok())
            .ok_or(StoreError::Damaged("an open"))?;
        self.sql()?
            .prepare_cached("INSERT INTO log (id, open, bytes, own) VALUES (?1, ?2, 0, ?3)")?
            .execute((entry.header.log.0, open.encode(), own))?;
        let number = self.sql()?.last_insert_rowid();
        self.sql()?
            .prepare_cached("INSERT INTO branch (log, number) VALUES (?1, 0)")?
            .execute([number])?;
        let branches = vec![Branch { parent: None, tip: entry.tip() }];
        self.chains.insert(
            entry.header.log,
            LogInfo { key: open.key, team: open.team, certificate: open.certificate, branches },
        );
        self.logs.insert(entry.header.log, HeldLog { number, open, bytes: 0, administers: false });
        Ok(Place { branch: 0, position: 1 })
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

    /// Marks a record to be judged: in this transaction, or later where settling follows behind.
    pub(super) fn mark_dirty(&mut self, record: &[u8; 16]) -> Result<(), StoreError> {
        if self.settling == Settling::Within {
            self.dirty_here.insert(RecordId(*record));
            return Ok(());
        }
        self.sql()?
            .prepare_cached("INSERT OR IGNORE INTO dirty (record) VALUES (?1)")?
            .execute([record])?;
        Ok(())
    }

    fn set_authority_stale(&mut self) -> Result<(), StoreError> {
        self.sql()?
            .prepare_cached(
                "INSERT OR REPLACE INTO meta (name, value) VALUES ('authority_stale', x'01')",
            )?
            .execute([])?;
        Ok(())
    }
}
