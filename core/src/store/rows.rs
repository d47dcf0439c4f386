//! One row for each record: what it says now, for lists, searches, totals and exports.

use super::at_rest::decode_answers;
use super::payload::kept_if_any;
use super::{RECORD, Store, StoreError};
use crate::model::{
    Answers, CivilDate, DeviceKey, EntryId, Kind, LogId, RecordId, TeamId, UnixMillis,
};
use rusqlite::OptionalExtension;
use std::collections::{BTreeMap, BTreeSet};

/// Why a record counts, or counts nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It counts.
    Counted,
    /// It is void.
    Void,
    /// Another record of the same event counts in its place.
    Duplicate,
}

impl State {
    /// Its name in exports and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            State::Counted => "counted",
            State::Void => "void",
            State::Duplicate => "duplicate",
        }
    }

    /// The state of this name.
    pub fn from_name(name: &str) -> Option<State> {
        [State::Counted, State::Void, State::Duplicate]
            .into_iter()
            .find(|state| state.name() == name)
    }

    pub(super) fn number(self) -> i64 {
        match self {
            State::Counted => 1,
            State::Void => 2,
            State::Duplicate => 3,
        }
    }

    pub(super) fn from_number(number: i64) -> Result<State, StoreError> {
        Ok(match number {
            1 => State::Counted,
            2 => State::Void,
            3 => State::Duplicate,
            _ => return Err(StoreError::Damaged("a record's state")),
        })
    }
}

/// A record's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// This store's number for it: higher for one that came later.
    pub number: i64,
    /// The record.
    pub id: RecordId,
    /// Its team.
    pub team: TeamId,
    /// The device that created it.
    pub author: DeviceKey,
    /// When it was recorded, by its author's clock.
    pub recorded_at: UnixMillis,
    /// The day since 1970-01-01 that it counts on: that on which it happened, or the last of its span.
    pub day: i64,
    /// Why it counts, or counts nowhere.
    pub state: State,
    /// Why its date may be wrong, whoever looks: the latest time, in ms since 1970, that the log of whoever put it had
    /// known before; 0 where that clock was ahead of the hub's, or the date is of a day after the clock's. See
    /// [`Row::is_date_in_doubt`].
    pub doubt: Option<i64>,
    /// How many fields have two values written apart.
    pub conflicts: u64,
    /// Whether it moves stock: whoever wrote whose stock it is may speak for them.
    pub moves_stock: bool,
    /// What it says.
    pub answers: Answers,
}

/// The row's columns, in the order in which [`read`] takes them.
pub(super) const COLUMNS: &str = "number, record.kind, record.log, day, state, conflicts, answers, entry.id, moves_stock, since_day, doubt";

impl Store {
    /// The teams and authors of logs, by this store's numbers.
    pub(super) fn origins(&self) -> BTreeMap<i64, (TeamId, DeviceKey)> {
        self.logs.values().map(|log| (log.number, (log.open.team, log.open.key))).collect()
    }

    /// The teams of logs and the keys of the persons whose they are, by this store's numbers.
    fn persons(&self) -> BTreeMap<i64, (TeamId, DeviceKey)> {
        let of = |id: &LogId, key: DeviceKey| {
            let person = self.authority.standing(id).map(|standing| standing.person);
            person.and_then(|person| self.authority.key_of_person(&person)).unwrap_or(key)
        };
        let logs = self.logs.iter();
        logs.map(|(id, log)| (log.number, (log.open.team, of(id, log.open.key)))).collect()
    }

    /// This store's number for a record: the arrival of the entry that creates it.
    pub(super) fn number_of(&self, id: RecordId) -> Result<Option<i64>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT arrival FROM entry WHERE id BETWEEN ?1 AND ?2 AND changes IS NULL AND kind >= 16",
        )?;
        Ok(statement.query_row((id.0, last_id_of(id)), |row| row.get(0)).optional()?)
    }

    /// Reads what counts of a span of days, one by one, in no order: the team of each record and the key of the
    /// person who made it, which is that of the first of their devices; its day and its answers.
    pub(super) fn each_counted(
        &self,
        (from, to): (i64, i64),
        mut take: impl FnMut(TeamId, DeviceKey, i64, &Answers),
    ) -> Result<(), StoreError> {
        let origins = self.persons();
        let mut statement = self.sql()?.prepare_cached(
            "SELECT kind, log, day, answers FROM record WHERE state = 1 AND day BETWEEN ?1 AND ?2",
        )?;
        let mut rows = statement.query((from, to))?;
        while let Some(row) = rows.next()? {
            let kind = Kind::from_number(row.get(0)?);
            let kind = kind.ok_or(StoreError::Damaged("a record's kind"))?;
            let Some((team, author)) = origins.get(&row.get(1)?) else { continue };
            let answers = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
            let answers = decode_answers(kind, answers);
            let answers = answers.map_err(|_| StoreError::Damaged("a record's answers"))?;
            take(*team, *author, row.get(2)?, &answers);
        }
        Ok(())
    }

    /// Reads the rows of all records of a span of days, one by one, day by day.
    pub fn each_row(
        &self,
        from: Option<CivilDate>,
        to: Option<CivilDate>,
        mut take: impl FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let origins = self.origins();
        let mut statement = self.sql()?.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM record JOIN entry ON entry.arrival = number
             WHERE day BETWEEN ?1 AND ?2 ORDER BY day, number"
        ))?;
        let span = (
            from.map_or(i64::MIN, CivilDate::epoch_day),
            to.map_or(i64::MAX, CivilDate::epoch_day),
        );
        let mut rows = statement.query(span)?;
        while let Some(row) = rows.next()? {
            if let Some(row) = read(row, &origins)? {
                take(row)?;
            }
        }
        Ok(())
    }

    /// A record's row; `None` where nothing of it counts as a record.
    pub fn row(&self, id: RecordId) -> Result<Option<Row>, StoreError> {
        let Some(number) = self.number_of(id)? else { return Ok(None) };
        self.row_numbered(number)
    }

    pub(super) fn row_numbered(&self, number: i64) -> Result<Option<Row>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM record JOIN entry ON entry.arrival = number WHERE number = ?1"
        ))?;
        let mut rows = statement.query([number])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let log: i64 = row.get(2)?;
        let held = self.logs.values().find(|held| held.number == log);
        let origins = held.map(|held| (log, (held.open.team, held.open.key))).into_iter().collect();
        read(row, &origins)
    }

    /// The ids of a team's records, ascending.
    pub fn record_ids(&self, team: TeamId) -> Result<Vec<RecordId>, StoreError> {
        let origins = self.origins();
        let mut statement = self.sql()?.prepare_cached(
            "SELECT record.log, entry.id FROM record JOIN entry ON entry.arrival = number",
        )?;
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, i64>(0)?, EntryId(row.get(1)?).record())))?;
        let mut ids = Vec::new();
        for row in rows {
            let (log, id) = row?;
            if origins.get(&log).is_some_and(|(of, _)| *of == team) {
                ids.push(id);
            }
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// How many records hold a field with two values written apart.
    pub fn conflicted(&self) -> Result<u64, StoreError> {
        let count: i64 = self.sql()?.query_row(
            "SELECT count(*) FROM record WHERE conflicts > 0",
            [],
            |row| row.get(0),
        )?;
        Ok(count as u64)
    }

    /// A digest over the canonical bytes of all records of a team: equal where records are.
    pub fn canonical_digest(&self, team: TeamId) -> Result<[u8; 32], StoreError> {
        Ok(super::digests::of_records(self.sql()?, &self.logs_of(team))?.1)
    }

    /// A digest over (entry id, verdict) of a team's entries that are carried: a difference between stores
    /// that carry the same is a bug.
    pub fn verdict_digest(&self, team: TeamId) -> Result<[u8; 32], StoreError> {
        super::digests::of_verdicts(self.sql()?, &self.logs_of(team))
    }

    /// The logs of a team, by this store's numbers.
    pub(super) fn logs_of(&self, team: TeamId) -> BTreeSet<i64> {
        let of_team = self.logs.values().filter(|log| log.open.team == team);
        of_team.map(|log| log.number).collect()
    }

    /// A digest over all that is derived: rows, links, sums and balances. Dropping and rebuilding
    /// gives the same.
    pub fn projection_digest(&self) -> Result<[u8; 32], StoreError> {
        let mut hasher = blake3::Hasher::new();
        for (table, order) in [
            ("record", "number"),
            ("link", "a, b"),
            ("tally", "day, team, site, part"),
            ("stock", "team, holder, product, lot, expiry"),
        ] {
            let mut statement =
                self.sql()?.prepare(&format!("SELECT * FROM {table} ORDER BY {order}"))?;
            let columns = statement.column_count();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                for column in 0..columns {
                    let value = row.get_ref(column)?;
                    let bytes = value.as_bytes_or_null().ok().flatten().unwrap_or_default();
                    let number = value.as_i64().unwrap_or_default();
                    hasher.update(&(bytes.len() as u64).to_be_bytes());
                    hasher.update(bytes).update(&number.to_be_bytes());
                }
            }
        }
        Ok(*hasher.finalize().as_bytes())
    }

    /// The payload of the entry that creates a record.
    pub fn creation_payload(&self, id: RecordId) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(number) = self.number_of(id)? else { return Ok(None) };
        let mut statement =
            self.sql()?.prepare_cached("SELECT payload FROM entry WHERE arrival = ?1")?;
        kept_if_any(statement.query_row([number], |row| row.get(0))?)
    }

    /// The record that a device's own logs created or changed last in a team.
    pub fn last_record_by(
        &self,
        device: DeviceKey,
        team: TeamId,
    ) -> Result<Option<RecordId>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(&format!(
            "SELECT arrival, {RECORD} FROM entry WHERE log = ?1 AND branch = ?2 AND branch >= 0
               AND kind >= 16 ORDER BY position DESC LIMIT 1"
        ))?;
        let mut last = None;
        let own =
            self.logs.iter().filter(|(_, log)| log.open.key == device && log.open.team == team);
        for (id, log) in own {
            let branches = self.chains.log(id).map_or(0, |info| info.branches.len());
            for branch in 0..branches as i64 {
                let found = statement
                    .query_row((log.number, branch), |row| {
                        Ok((row.get::<_, i64>(0)?, RecordId(row.get(1)?)))
                    })
                    .optional()?;
                last = last.max(found);
            }
        }
        Ok(last.map(|(_, id)| id))
    }

    /// The log of this number.
    pub(super) fn log_numbered(&self, number: i64) -> Option<LogId> {
        self.logs.iter().find(|(_, log)| log.number == number).map(|(id, _)| *id)
    }
}

/// The last entry id that begins with a record's.
pub(super) fn last_id_of(id: RecordId) -> [u8; 32] {
    let mut last = [0xff; 32];
    last[..16].copy_from_slice(&id.0);
    last
}

/// How long after the beginning of a day something was recorded, in ms.
pub(super) fn since_day(recorded_at: UnixMillis, day: i64) -> i64 {
    recorded_at.0.saturating_sub(UnixMillis::start_of(day).0)
}

pub(super) fn read(
    row: &rusqlite::Row<'_>,
    origins: &BTreeMap<i64, (TeamId, DeviceKey)>,
) -> Result<Option<Row>, StoreError> {
    let kind = Kind::from_number(row.get(1)?).ok_or(StoreError::Damaged("a record's kind"))?;
    let Some((team, author)) = origins.get(&row.get(2)?) else { return Ok(None) };
    let answers = row.get_ref(6)?.as_blob().map_err(rusqlite::Error::from)?;
    let answers = decode_answers(kind, answers);
    let day = row.get(3)?;
    Ok(Some(Row {
        number: row.get(0)?,
        id: EntryId(row.get(7)?).record(),
        team: *team,
        author: *author,
        recorded_at: UnixMillis(UnixMillis::start_of(day).0.saturating_add(row.get(9)?)),
        day,
        state: State::from_number(row.get(4)?)?,
        doubt: row.get(10)?,
        conflicts: row.get::<_, i64>(5)? as u64,
        moves_stock: row.get(8)?,
        answers: answers.map_err(|_| StoreError::Damaged("a record's answers"))?,
    }))
}
