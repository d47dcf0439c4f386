//! Clocks that cannot have been right, and what that says of dates. Nothing counts by it: it is shown.

use super::payload::kept_if_any;
use super::rows::Row;
use super::{Store, StoreError};

use crate::identity::Certificate;
use crate::log::chain::Place;
use crate::log::entry::{Entry, kind};
use crate::log::payload::RecordPayload;
use crate::model::{CivilDate, EntryId, LogId, TeamId, UnixMillis};
use rusqlite::OptionalExtension;
use std::collections::{BTreeMap, HashMap};

/// How far a clock may be from another, or a date after a clock, before anybody doubts it, in ms: one day, as zones
/// differ by up to that.
pub const CLOCK_OFF_MS: i64 = 24 * 60 * 60 * 1_000;

/// The first day whose dates nobody doubts: 2000-01-01 (data dictionary, rules for every record), in days since
/// 1970-01-01.
const FIRST_DAY: i64 = 10_957;

/// What is known of clocks while entries come in.
#[derive(Default)]
pub(super) struct Clocks {
    /// What the table says of entries.
    doubted: BTreeMap<EntryId, i64>,
    /// The last entry that came of each log, and the latest time that its log knew then.
    latest: HashMap<LogId, (EntryId, i64)>,
    /// What time the hub says that it is, while its answer is taken in; at a hub its own clock.
    hub_now: Option<UnixMillis>,
}

impl Row {
    /// Whether its date may be wrong, by this clock: it is before 2000, or later than tomorrow, or of a clock that
    /// cannot have been right. It counts all the same.
    pub fn is_date_in_doubt(&self, now: UnixMillis) -> bool {
        let limit = now.0.saturating_add(CLOCK_OFF_MS);
        let by_clock = self.doubt.is_some_and(|known| known <= limit);
        self.day < FIRST_DAY || self.day > now.epoch_day().saturating_add(1) || by_clock
    }
}

impl Store {
    /// What a row's date is doubted by, as SQL with `:first_day`, `:tomorrow` and `:clock_limit`.
    pub(super) const IN_DOUBT: &'static str =
        "(day < :first_day OR day > :tomorrow OR (doubt IS NOT NULL AND doubt <= :clock_limit))";

    /// The values that [`Store::IN_DOUBT`] asks for.
    pub(super) fn doubted_beyond(now: UnixMillis) -> [(&'static str, i64); 3] {
        [
            (":first_day", FIRST_DAY),
            (":tomorrow", now.epoch_day().saturating_add(1)),
            (":clock_limit", now.0.saturating_add(CLOCK_OFF_MS)),
        ]
    }

    /// What time it is, while the hub's answer is taken in: the later of this clock and the hub's, so that neither
    /// alone brings entries in doubt. Those of later clocks still are of clocks that ran ahead. `None` forgets it.
    pub fn note_hub_now(&mut self, now: Option<UnixMillis>) {
        self.clocks.hub_now = now.and_then(|now| self.clocks.hub_now.max(Some(now)));
    }

    /// Reads what is known of clocks.
    pub(super) fn load_clocks(&mut self) -> Result<(), StoreError> {
        self.clocks.latest.clear();
        let mut statement = self.sql()?.prepare("SELECT entry, known FROM clock_doubt")?;
        let rows = statement.query_map([], |row| Ok((EntryId(row.get(0)?), row.get(1)?)))?;
        let doubted = rows.collect::<Result<_, _>>()?;
        drop(statement);
        self.clocks.doubted = doubted;
        Ok(())
    }

    /// Holds the clock of an entry that was added to its log against what the log knew before it.
    pub(super) fn note_clock(
        &mut self,
        entry: &Entry,
        place: Place,
        is_own: bool,
    ) -> Result<(), StoreError> {
        let header = &entry.header;
        let payload = entry.payload.as_deref().filter(|_| header.kind >= kind::RECORDS_FROM);
        let Some(at) = payload.and_then(RecordPayload::clock_of) else { return Ok(()) };
        let known = match self.clocks.latest.get(&header.log) {
            Some((before, known)) if *before == header.previous => Some(*known),
            _ => self.known_before(&header.log, place, header.previous)?,
        };
        let hub = self.clocks.hub_now.filter(|_| !is_own);
        let is_ahead = hub.is_some_and(|hub| at.0 > hub.0.saturating_add(CLOCK_OFF_MS));
        let is_behind = known.is_some_and(|known| at.0 < known.saturating_sub(CLOCK_OFF_MS));
        let doubt = match (is_ahead, known) {
            (true, _) => Some(0),
            (false, Some(known)) if is_behind => Some(known),
            _ => None,
        };
        if let Some(known) = doubt {
            self.sql()?
                .prepare_cached(
                    "INSERT OR REPLACE INTO clock_doubt (entry, known) VALUES (?1, ?2)",
                )?
                .execute((entry.id.0, known))?;
            self.clocks.doubted.insert(entry.id, known);
        }
        // A clock that ran ahead tells nothing of the time.
        let latest = known.into_iter().chain((!is_ahead).then_some(at.0)).max();
        if let Some(latest) = latest {
            self.clocks.latest.insert(header.log, (entry.id, latest));
        }
        Ok(())
    }

    /// The latest time that a log knew before an entry of its: that of its last record; before its first one, when its
    /// certificate was given.
    fn known_before(
        &self,
        log: &LogId,
        place: Place,
        previous: EntryId,
    ) -> Result<Option<i64>, StoreError> {
        let Some(known) = self.logs.get(log) else { return Ok(None) };
        let certificate = known.open.certificate;
        // The entry before, or where that is no record's the last on its branch that is.
        let mut statement = self.sql()?.prepare_cached(
            "SELECT id, payload FROM entry WHERE id = ?1 AND kind >= 16
             UNION ALL SELECT * FROM (SELECT id, payload FROM entry
               WHERE log = ?2 AND branch = ?3 AND branch >= 0 AND position < ?4 AND kind >= 16
               ORDER BY position DESC LIMIT 1)
             LIMIT 1",
        )?;
        let read = |row: &rusqlite::Row<'_>| Ok((EntryId(row.get(0)?), row.get(1)?));
        let of = (previous.0, known.number, place.branch, place.position as i64);
        let last = statement.query_row(of, read).optional()?;
        match last {
            Some((entry, payload)) => self.latest_at(entry, payload),
            None => self.certified_at(&certificate),
        }
    }

    /// When a certificate was given, by the clock of whoever gave it.
    fn certified_at(&self, certificate: &EntryId) -> Result<Option<i64>, StoreError> {
        let mut statement =
            self.sql()?.prepare_cached("SELECT payload FROM entry WHERE id = ?1 AND kind = ?2")?;
        let of = (certificate.0, kind::CERTIFY);
        let payload = statement.query_row(of, |row| row.get(0)).optional()?.flatten();
        let given = kept_if_any(payload)?.and_then(|payload| Certificate::decode(&payload).ok());
        Ok(given.map(|given| given.made_at.0))
    }

    /// The latest time that a log knew at a record's entry: that of the entry, and what it was doubted by.
    fn latest_at(
        &self,
        entry: EntryId,
        payload: Option<Vec<u8>>,
    ) -> Result<Option<i64>, StoreError> {
        let at = kept_if_any(payload)?.and_then(|payload| RecordPayload::clock_of(&payload));
        let doubted = self.clocks.doubted.get(&entry).copied();
        Ok(match doubted {
            // What ran ahead tells nothing of the time.
            Some(0) => None,
            doubted => at.map(|at| at.0).into_iter().chain(doubted).max(),
        })
    }

    /// When an entry of this clock was written at the earliest, as far as its log tells. Read from the table: who reads
    /// beside the writer keeps nothing of clocks.
    pub(super) fn told_time(
        &self,
        entry: EntryId,
        at: UnixMillis,
    ) -> Result<UnixMillis, StoreError> {
        let mut statement =
            self.sql()?.prepare_cached("SELECT known FROM clock_doubt WHERE entry = ?1")?;
        let known: Option<i64> = statement.query_row([entry.0], |row| row.get(0)).optional()?;
        Ok(UnixMillis(known.map_or(at.0, |known| known.max(at.0))))
    }

    /// The latest time that this device's own entries tell of, among those that came after this number.
    pub fn latest_own_time(&self, after: i64) -> Result<Option<UnixMillis>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT entry.id, payload FROM entry JOIN log ON log.number = entry.log
             WHERE arrival > ?1 AND own > 0 AND kind >= 16 AND payload IS NOT NULL
             ORDER BY arrival DESC LIMIT 1",
        )?;
        let read = |row: &rusqlite::Row<'_>| Ok((EntryId(row.get(0)?), row.get(1)?));
        let Some((id, payload)) = statement.query_row([after], read).optional()? else {
            return Ok(None);
        };
        let at = kept_if_any(payload)?.and_then(|payload| RecordPayload::clock_of(&payload));
        at.map(|at| self.told_time(id, at)).transpose()
    }

    /// Why a date that this entry put, with this clock, may be wrong.
    pub(super) fn doubt_of_date(
        &self,
        by: &EntryId,
        at: UnixMillis,
        date: CivilDate,
    ) -> Option<i64> {
        let by_log = self.clocks.doubted.get(by).copied();
        let is_after = date.epoch_day() > at.epoch_day().saturating_add(1);
        by_log.or(is_after.then_some(0))
    }

    /// How many records that count have a date that may be wrong, by this clock: by year of the date.
    pub fn dates_in_doubt(
        &self,
        team: Option<TeamId>,
        now: UnixMillis,
    ) -> Result<BTreeMap<i32, u64>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT log, day, count(*) FROM
               (SELECT number, log, day, state FROM record WHERE day < ?1
                UNION SELECT number, log, day, state FROM record WHERE day > ?2
                UNION SELECT number, log, day, state FROM record
                  WHERE doubt IS NOT NULL AND doubt <= ?3)
             WHERE state = 1 GROUP BY log, day",
        )?;
        let mut rows = statement.query(Self::doubted_beyond(now).map(|(_, value)| value))?;
        let mut by_year = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let log = self.log_numbered(row.get(0)?);
            let of = log.and_then(|log| self.chains.log(&log)).map(|info| info.team);
            if team.is_some() && team != of {
                continue;
            }
            let year = CivilDate::from_epoch_day(row.get(1)?).map_or(0, CivilDate::year);
            *by_year.entry(year).or_default() += row.get::<_, i64>(2)? as u64;
        }
        Ok(by_year)
    }
}
