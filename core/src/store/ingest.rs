//! Entries come in: our own, and runs from others.

use super::{Settling, Store, StoreError};
use crate::log::chain::{Branch, LogInfo, Place};
use crate::log::entry::{Entry, Tip, kind};
use crate::log::payload::Open;
use crate::log::run::{Body, Run, SealedTip, TurnedAway};
use crate::model::{EntryId, LogId};

/// A log with this many waiting entries gets no further acknowledgement until some are admitted.
pub const WAITING_MAX: u64 = 10_000;

/// What became of a page.
#[derive(Debug, Default)]
pub struct Received {
    /// Entries that were not held before.
    pub new_entries: u64,
    /// Runs that were turned away, with the log that each names.
    pub turned_away: Vec<(LogId, TurnedAway)>,
}

impl Store {
    /// Appends entries of our own, durably; all are held when this returns.
    pub fn append(&mut self, entries: &[Entry], own: i64) -> Result<(), StoreError> {
        self.transact(|store| {
            for entry in entries {
                store.insert(entry, own)?;
            }
            store.settle_within(true)
        })
    }

    /// Takes runs in. Each is verified before anything of it is stored; a bad one is turned away by
    /// its reason and stops nothing. When this returns, what was taken is durable.
    pub fn receive(&mut self, runs: &[Run], heard: &[SealedTip]) -> Result<Received, StoreError> {
        self.transact(|store| {
            let mut received = Received::default();
            for run in runs {
                match store.receive_run(run)? {
                    Ok(new_entries) => received.new_entries += new_entries,
                    Err(reason) => received.turned_away.push((run.log, reason)),
                }
            }
            for sealed in heard {
                store.hear(sealed)?;
            }
            let within = store.settling == Settling::Within;
            store.settle_within(within)?;
            Ok(received)
        })
    }

    fn receive_run(&mut self, run: &Run) -> Result<Result<u64, TurnedAway>, StoreError> {
        let known = self.chains.log(&run.log).map(|info| (info.key, info.team));
        let (entries, open) = match run.verify(known.map(|(key, _)| key)) {
            Ok(verified) => verified,
            Err(reason) => return Ok(Err(reason)),
        };
        let team = known.map(|(_, team)| team).or(open.map(|open| open.team));
        if !team.is_some_and(|team| self.holds_team(team)) {
            return Ok(Err(TurnedAway::ForeignTeam));
        }
        if run.first > 1
            && self
                .locate(&run.previous)?
                .is_none_or(|(log, _)| log != run.log)
        {
            return Ok(Err(TurnedAway::PreviousNotHeld));
        }
        if run
            .entries
            .iter()
            .any(|entry| matches!(entry.body, Body::Erased(_)))
        {
            return Ok(Err(TurnedAway::PayloadMissing));
        }
        if let Some((number, _)) = self.opens.get(&run.log) {
            let waiting: i64 = self
                .connection
                .prepare_cached(
                    "SELECT count(*) FROM entry WHERE log = ?1 AND verdict BETWEEN 16 AND 31",
                )?
                .query_row([number], |row| row.get(0))?;
            if waiting as u64 >= WAITING_MAX {
                return Ok(Err(TurnedAway::TooManyWaiting {
                    waiting: waiting as u64,
                }));
            }
        }
        let mut new_entries = 0;
        for entry in &entries {
            new_entries += u64::from(self.insert(entry, 0)?);
        }
        if let Some(last) = entries.last() {
            self.connection
                .prepare_cached("UPDATE entry SET seal = ?2 WHERE id = ?1")?
                .execute((last.id.0, run.seal))?;
        }
        // A device offered entries of its own log that it did not hold was restored or cloned: it
        // takes them, and goes on in a new log.
        if new_entries > 0 {
            self.connection
                .prepare_cached("UPDATE log SET own = 3 WHERE id = ?1 AND own IN (1, 2)")?
                .execute([run.log.0])?;
        }
        Ok(Ok(new_entries))
    }

    /// Where an entry stands, if it is held.
    pub(super) fn locate(&self, id: &EntryId) -> Result<Option<(LogId, Place)>, StoreError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT log.id, branch, position FROM entry JOIN log ON log.number = entry.log WHERE entry.id = ?1",
        )?;
        let mut rows = statement.query([id.0])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let log: Vec<u8> = row.get(0)?;
        let log = LogId::from_slice(&log).ok_or(StoreError::Damaged("a log's id"))?;
        let place = Place {
            branch: row.get(1)?,
            position: row.get::<_, i64>(2)? as u64,
        };
        Ok(Some((log, place)))
    }

    /// Stores one entry whose chain and seal are good. Returns whether it was new.
    fn insert(&mut self, entry: &Entry, own: i64) -> Result<bool, StoreError> {
        if self.locate(&entry.id)?.is_some() {
            return Ok(false);
        }
        let header = &entry.header;
        let place = match header.position {
            1 => self.insert_log(entry, own)?,
            _ => {
                let (_, previous) = self
                    .locate(&header.previous)?
                    .ok_or(StoreError::Damaged("an entry's chain"))?;
                self.extend(header.log, previous, entry.tip())?
            }
        };
        let number = self.opens.get(&header.log).map(|(number, _)| *number);
        let number = number.ok_or(StoreError::Damaged("an entry's log"))?;
        let record = entry.record().map(|record| record.0);
        let hash = entry.payload.is_none().then_some(header.payload_hash);
        self.connection.prepare_cached(
            "INSERT INTO entry (id, log, branch, position, kind, creates, record, payload, payload_hash, verdict)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)",
        )?.execute((
            entry.id.0, number, place.branch, place.position as i64, header.kind,
            record.is_some() && header.record.is_none(), record, &entry.payload, hash,
        ))?;
        match record {
            Some(record) => self.mark_dirty(&record)?,
            None => self.set_authority_stale()?,
        }
        if self.authority.awaited_tips.contains_key(&entry.id) {
            self.set_authority_stale()?;
        }
        self.connection
            .prepare_cached(
                "INSERT OR IGNORE INTO dirty SELECT record FROM awaited WHERE entry = ?1",
            )?
            .execute([entry.id.0])?;
        Ok(true)
    }

    fn insert_log(&mut self, entry: &Entry, own: i64) -> Result<Place, StoreError> {
        let payload = entry
            .payload
            .as_deref()
            .filter(|_| entry.header.kind == kind::OPEN);
        let open = payload
            .and_then(|payload| Open::decode(payload).ok())
            .ok_or(StoreError::Damaged("an open"))?;
        self.connection
            .prepare_cached("INSERT INTO log (id, open, own) VALUES (?1, ?2, ?3)")?
            .execute((entry.header.log.0, open.encode(), own))?;
        let number = self.connection.last_insert_rowid();
        self.connection
            .prepare_cached(
                "INSERT INTO branch (log, number, position, entry) VALUES (?1, 0, 1, ?2)",
            )?
            .execute((number, entry.id.0))?;
        let branches = vec![Branch {
            parent: None,
            tip: entry.tip(),
        }];
        self.chains.insert(
            entry.header.log,
            LogInfo {
                key: open.key,
                team: open.team,
                certificate: open.certificate,
                branches,
            },
        );
        self.opens.insert(entry.header.log, (number, open));
        Ok(Place {
            branch: 0,
            position: 1,
        })
    }

    fn extend(&mut self, log: LogId, previous: Place, tip: Tip) -> Result<Place, StoreError> {
        let place = self
            .chains
            .extend(&log, previous, tip)
            .ok_or(StoreError::Damaged("a branch"))?;
        let number = self.opens.get(&log).map(|(number, _)| *number);
        if place.branch == previous.branch {
            self.connection
                .prepare_cached(
                    "UPDATE branch SET position = ?3, entry = ?4 WHERE log = ?1 AND number = ?2",
                )?
                .execute((number, place.branch, tip.position as i64, tip.id.0))?;
        } else {
            self.connection.prepare_cached(
                "INSERT INTO branch (log, number, parent_branch, parent_position, position, entry)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?.execute((
                number, place.branch, previous.branch, previous.position as i64,
                tip.position as i64, tip.id.0,
            ))?;
        }
        Ok(place)
    }

    /// Keeps the highest seal heard of a log whose tip is not held.
    fn hear(&mut self, sealed: &SealedTip) -> Result<(), StoreError> {
        let team_held = self.holds_team(sealed.open.team);
        if !team_held || self.locate(&sealed.tip.id)?.is_some() || !sealed.is_good() {
            return Ok(());
        }
        let higher = self.heard()?.into_iter().any(|known| {
            known.log == sealed.log
                && (known.tip.position, known.tip.id) >= (sealed.tip.position, sealed.tip.id)
        });
        if !higher {
            let bytes = crate::model::cbor::encode(|encoder| sealed.write(encoder));
            self.connection
                .prepare_cached("INSERT OR REPLACE INTO heard (log, sealed) VALUES (?1, ?2)")?
                .execute((sealed.log.0, bytes))?;
        }
        Ok(())
    }

    /// Seals heard of entries that are not held.
    pub(super) fn heard(&self) -> Result<Vec<SealedTip>, StoreError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT sealed FROM heard ORDER BY log")?;
        let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
        let mut heard = Vec::new();
        for bytes in rows {
            let sealed = SealedTip::read(&mut minicbor::Decoder::new(&bytes?))
                .map_err(|_| StoreError::Damaged("a seal heard"))?;
            if self.locate(&sealed.tip.id)?.is_none() {
                heard.push(sealed);
            }
        }
        Ok(heard)
    }

    pub(super) fn mark_dirty(&self, record: &[u8]) -> Result<(), StoreError> {
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO dirty (record) VALUES (?1)")?
            .execute([record])?;
        Ok(())
    }

    fn set_authority_stale(&mut self) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO meta (name, value) VALUES ('authority_stale', x'01')",
            )?
            .execute([])?;
        Ok(())
    }
}
