//! One row for each record, and the totals over them, kept in the entry's transaction.

use super::{Store, StoreError};
use crate::log::Verdict;
use crate::model::{CivilDate, RecordId, TeamId, UnixMillis, Value};
use crate::record::Record;
use crate::totals::Facts;
use rusqlite::OptionalExtension;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const COUNTED: i64 = 1;
const VOID: i64 = 2;
pub(super) const FLAGGED: i64 = 3;
const DUPLICATE: i64 = 4;

/// Changes of totals by (team, site, day, indicator).
pub(super) type TallyChanges = BTreeMap<([u8; 16], String, i64, String), i64>;

impl Store {
    /// Replaces a record's row, and moves the totals by the difference.
    pub(super) fn project(
        &mut self,
        id: RecordId,
        record: Option<&Record>,
    ) -> Result<(), StoreError> {
        if self.has_row(id)? {
            self.relink(id)?;
            self.tally(id, -1)?;
            self.sql()?.prepare_cached("DELETE FROM record WHERE id = ?1")?.execute([id.0])?;
            self.sql()?.prepare_cached("DELETE FROM link WHERE a = ?1")?.execute([id.0])?;
        }
        if let Some(record) = record {
            self.insert_row(record)?;
            for (value, _) in record.fields.get("duplicate_of").into_iter().flatten() {
                if let Some(other) = value.as_text().and_then(|text| text.parse::<RecordId>().ok())
                {
                    self.sql()?
                        .prepare_cached("INSERT OR IGNORE INTO link (a, b) VALUES (?1, ?2)")?
                        .execute((id.0, other.0))?;
                }
            }
        }
        self.tally(id, 1)?;
        self.relink(id)
    }

    /// Notes a record and its neighbours by links, so that [`Store::settle_duplicates`] looks at
    /// their sets once for all records of the transaction.
    fn relink(&mut self, id: RecordId) -> Result<(), StoreError> {
        let neighbours = self.neighbours(id)?;
        if !neighbours.is_empty() {
            self.relinked.insert(id);
            self.relinked.extend(neighbours);
        }
        Ok(())
    }

    fn neighbours(&self, id: RecordId) -> Result<Vec<RecordId>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT b FROM link WHERE a = ?1 UNION SELECT a FROM link WHERE b = ?1",
        )?;
        let rows = statement.query_map([id.0], |row| Ok(RecordId(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn has_row(&self, id: RecordId) -> Result<bool, StoreError> {
        Ok(self.sql()?.prepare_cached("SELECT 1 FROM record WHERE id = ?1")?.exists([id.0])?)
    }

    fn insert_row(&self, record: &Record) -> Result<(), StoreError> {
        let (day, put_by) = match record.fields.get("occurred_on").and_then(|values| values.last())
        {
            Some((Value::Text(date), by)) => (date.parse::<CivilDate>().ok(), record.clock_of(by)),
            _ => (None, None),
        };
        let flagged = day.is_none_or(|day| day.is_flagged(put_by.unwrap_or(UnixMillis(i64::MIN))));
        let state = match (record.is_void(), flagged) {
            (true, _) => VOID,
            (false, true) => FLAGGED,
            (false, false) => COUNTED,
        };
        self.sql()?.prepare_cached(
            "INSERT INTO record (id, kind, team, author, site, day, state, conflicts, facts, digest)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?.execute((
            record.id.0,
            record.kind.number(),
            record.team.0,
            record.author.0,
            record.get("site").and_then(Value::as_text).unwrap_or_default(),
            day.map_or(0, CivilDate::epoch_day),
            state,
            record.conflicts().count() as i64,
            Facts::of(record).encode(),
            *blake3::hash(&record.canonical()).as_bytes(),
        ))?;
        Ok(())
    }

    /// Adds a counted record's measures to the totals, or takes them away. The sums are gathered
    /// and written by [`Store::write_tally`] in the same transaction.
    pub(super) fn tally(&mut self, id: RecordId, sign: i64) -> Result<(), StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT team, site, day, facts FROM record WHERE id = ?1 AND state = 1",
        )?;
        let row = statement
            .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
            .optional()?;
        drop(statement);
        let Some((team, site, day, facts)): Option<([u8; 16], String, i64, Vec<u8>)> = row else {
            return Ok(());
        };
        let facts = Facts::decode(&facts).map_err(|_| StoreError::Damaged("a record's facts"))?;
        for (indicator, n) in facts.measures {
            let line = (team, site.clone(), day, indicator);
            *self.tally_changes.entry(line).or_default() += n * sign;
        }
        Ok(())
    }

    /// Writes the sums gathered since the last call.
    pub(super) fn write_tally(&mut self) -> Result<(), StoreError> {
        let changes = std::mem::take(&mut self.tally_changes);
        let mut add = self.sql()?.prepare_cached(
            "INSERT INTO tally (team, site, day, indicator, n) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET n = n + excluded.n",
        )?;
        // What is 0 again leaves no trace of a site or a day.
        let mut clear = self.sql()?.prepare_cached(
            "DELETE FROM tally WHERE team = ?1 AND site = ?2 AND day = ?3 AND indicator = ?4 AND n = 0",
        )?;
        for ((team, site, day, indicator), n) in changes.into_iter().filter(|(_, n)| *n != 0) {
            add.execute((team, &site, day, &indicator, n))?;
            if n < 0 {
                clear.execute((team, &site, day, &indicator))?;
            }
        }
        Ok(())
    }

    /// The records joined with this one by links, in either direction, of one team and kind.
    fn linked(&self, id: RecordId) -> Result<BTreeSet<RecordId>, StoreError> {
        let mut set = BTreeSet::from([id]);
        let mut next = vec![id];
        let mut alike = self.sql()?.prepare_cached(
            "SELECT count(*) FROM record AS a JOIN record AS b USING (team, kind)
             WHERE a.id = ?1 AND b.id = ?2",
        )?;
        while let Some(id) = next.pop() {
            for other in self.neighbours(id)? {
                let is_alike = alike.query_row((id.0, other.0), |row| row.get::<_, i64>(0))? == 1;
                if is_alike && set.insert(other) {
                    next.push(other);
                }
            }
        }
        Ok(set)
    }

    /// Of each connected set the lowest record id counts that is neither void nor kept out of totals
    /// by its date (docs/adr/0005).
    pub(super) fn settle_duplicates(&mut self) -> Result<(), StoreError> {
        while let Some(id) = self.relinked.pop_first() {
            let set = self.linked(id)?;
            for other in &set {
                self.relinked.remove(other);
            }
            let mut first = true;
            for id in set {
                let state: Option<i64> = self
                    .sql()?
                    .prepare_cached("SELECT state FROM record WHERE id = ?1")?
                    .query_row([id.0], |row| row.get(0))
                    .optional()?;
                let out = |state: &i64| [VOID, FLAGGED].contains(state);
                let Some(state) = state.filter(|state| !out(state)) else { continue };
                let wanted = if first { COUNTED } else { DUPLICATE };
                first = false;
                if wanted != state {
                    self.tally(id, -1)?;
                    self.sql()?
                        .prepare_cached("UPDATE record SET state = ?2 WHERE id = ?1")?
                        .execute((id.0, wanted))?;
                    self.tally(id, 1)?;
                }
            }
        }
        Ok(())
    }

    /// Drops the projection and builds it again from the entries held; the result is the same.
    pub fn rebuild(&mut self) -> Result<(), StoreError> {
        self.transact(|store| {
            store.sql()?.execute_batch(
                "DELETE FROM record; DELETE FROM link; DELETE FROM tally;
                 INSERT OR IGNORE INTO dirty SELECT DISTINCT record FROM entry WHERE record IS NOT NULL;",
            )?;
            store.settle_within(true)
        })
    }

    /// The ids of a team's records, ascending.
    pub fn record_ids(&self, team: TeamId) -> Result<Vec<RecordId>, StoreError> {
        let mut statement =
            self.sql()?.prepare_cached("SELECT id FROM record WHERE team = ?1 ORDER BY id")?;
        let rows = statement.query_map([team.0], |row| row.get::<_, [u8; 16]>(0))?;
        rows.map(|row| Ok(RecordId(row?))).collect()
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
        self.digest("SELECT id, digest FROM record WHERE team = ?1 ORDER BY id", team)
    }

    /// A digest over all that is derived: rows and sums. Dropping and rebuilding gives the same.
    pub fn projection_digest(&self) -> Result<[u8; 32], StoreError> {
        let mut hasher = blake3::Hasher::new();
        for (table, order) in
            [("record", "id"), ("link", "a, b"), ("tally", "team, site, day, indicator")]
        {
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

    /// A digest over (entry id, verdict) of a team's logs whose author has a certificate: a
    /// difference between stores that hold the same is a bug.
    pub fn verdict_digest(&self, team: TeamId) -> Result<[u8; 32], StoreError> {
        let mut hasher = blake3::Hasher::new();
        for entry in self.entries()? {
            let of_team = self.chains.log(&entry.log).is_some_and(|info| info.team == team);
            if of_team && self.authority.is_named(&entry.log) {
                hasher.update(&entry.id.0);
                hasher.update(&[entry.verdict.map_or(0, Verdict::number)]);
            }
        }
        Ok(*hasher.finalize().as_bytes())
    }

    fn digest(&self, query: &str, team: TeamId) -> Result<[u8; 32], StoreError> {
        let mut hasher = blake3::Hasher::new();
        let mut statement = self.sql()?.prepare_cached(query)?;
        let mut rows = statement.query([team.0])?;
        while let Some(row) = rows.next()? {
            let (id, digest): ([u8; 16], [u8; 32]) = (row.get(0)?, row.get(1)?);
            hasher.update(&id).update(&digest);
        }
        Ok(*hasher.finalize().as_bytes())
    }
}
