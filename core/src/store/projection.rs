//! Writes each record's row, and the sums and balances over them, in the entry's transaction.

use super::rows::{Row, State};
use super::{Store, StoreError};
use crate::model::answers::Word;
use crate::model::indicator::{decode_sums, encode_sums, is_part, measures};
use crate::model::{CivilDate, RecordId, TeamId, UnixMillis, Value};
use crate::record::Record;
use rusqlite::OptionalExtension;
use std::collections::{BTreeMap, BTreeSet};

/// Where sums are kept: day, team, site, and the indicator's part or nothing.
type TallyKey = (i64, [u8; 16], String, String);

/// Changes of sums and balances, gathered and written once in a transaction.
#[derive(Default)]
pub(super) struct Changes {
    tally: BTreeMap<TallyKey, BTreeMap<Word, i64>>,
    /// By team, holder, product, lot, expiry.
    stock: BTreeMap<([u8; 16], String, String, String, String), i64>,
}

impl Changes {
    pub(super) fn clear(&mut self) {
        *self = Changes::default();
    }
}

impl Store {
    /// Replaces a record's row, and moves sums and balances by the difference.
    pub(super) fn project(
        &mut self,
        id: RecordId,
        record: Option<&Record>,
    ) -> Result<(), StoreError> {
        let Some(number) = self.number_of(id)? else { return Ok(()) };
        let had_links = self.relink(id)?;
        if let Some(before) = self.row_numbered(number)? {
            self.count(&before, -1);
            if record.is_none() {
                self.sql()?
                    .prepare_cached("DELETE FROM record WHERE number = ?1")?
                    .execute([number])?;
            }
        }
        if had_links {
            self.sql()?.prepare_cached("DELETE FROM link WHERE a = ?1")?.execute([id.0])?;
        }
        if let Some(record) = record {
            let row = self.write_row(number, record)?;
            self.count(&row, 1);
            let links: Vec<RecordId> = record
                .fields
                .get("duplicate_of")
                .into_iter()
                .flatten()
                .filter_map(|(value, _)| value.as_text()?.parse().ok())
                .collect();
            for other in &links {
                self.sql()?
                    .prepare_cached("INSERT OR IGNORE INTO link (a, b) VALUES (?1, ?2)")?
                    .execute((id.0, other.0))?;
            }
            if !links.is_empty() {
                self.relink(id)?;
            }
        }
        Ok(())
    }

    /// Notes a record and its neighbours by links, so that [`Store::settle_duplicates`] looks at
    /// their sets once for all records of the transaction. Returns whether it has any.
    fn relink(&mut self, id: RecordId) -> Result<bool, StoreError> {
        let neighbours = self.neighbours(id)?;
        if neighbours.is_empty() {
            return Ok(false);
        }
        self.relinked.insert(id);
        self.relinked.extend(neighbours);
        Ok(true)
    }

    fn neighbours(&self, id: RecordId) -> Result<Vec<RecordId>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT b FROM link WHERE a = ?1 UNION SELECT a FROM link WHERE b = ?1",
        )?;
        let rows = statement.query_map([id.0], |row| Ok(RecordId(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn write_row(&self, number: i64, record: &Record) -> Result<Row, StoreError> {
        let (day, put_by) = match record.fields.get("occurred_on").and_then(|values| values.last())
        {
            Some((Value::Text(date), by)) => (date.parse::<CivilDate>().ok(), record.clock_of(by)),
            _ => (None, None),
        };
        let flagged = day.is_none_or(|day| day.is_flagged(put_by.unwrap_or(UnixMillis(i64::MIN))));
        let row = Row {
            number,
            id: record.id,
            team: record.team,
            author: record.author,
            day: day.map_or(0, CivilDate::epoch_day),
            state: match (record.is_void(), flagged) {
                (true, _) => State::Void,
                (false, true) => State::Flagged,
                (false, false) => State::Counted,
            },
            conflicts: record.conflicts().count() as u64,
            answers: record.answers(),
        };
        let digest = blake3::hash(&record.canonical());
        self.sql()?
            .prepare_cached(
                "INSERT OR REPLACE INTO record
                   (number, kind, log, day, state, conflicts, answers, digest)
                 VALUES (?1, ?2, (SELECT log FROM entry WHERE arrival = ?1), ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute((
                number,
                record.kind.number(),
                row.day,
                row.state.number(),
                row.conflicts as i64,
                row.answers.encode(),
                &digest.as_bytes()[..16],
            ))?;
        Ok(row)
    }

    /// Adds what a counted record counts, or takes it away. The changes are gathered and written by
    /// [`Store::write_changes`] in the same transaction.
    fn count(&mut self, row: &Row, sign: i64) {
        if row.state != State::Counted {
            return;
        }
        let site = row.answers.code("site").unwrap_or_default();
        let key = |part: &str| (row.day, row.team.0, site.to_owned(), part.to_owned());
        let whole = key("");
        for (name, n) in measures(&row.answers) {
            let key = if is_part(&name) { key(&name) } else { whole.clone() };
            *self.changes.tally.entry(key).or_default().entry(name).or_default() += n * sign;
        }
        if let Some(stock) = row.answers.kind.declaration().stock {
            for moved in stock(&row.answers) {
                let batch = moved.batch;
                let holder = moved.holder.to_string();
                let key = (row.team.0, holder, batch.product, batch.lot, batch.expiry);
                *self.changes.stock.entry(key).or_default() += moved.doses * sign;
            }
        }
    }

    /// Counts a record twice: a fault that tests plant.
    pub(super) fn count_again(&mut self, id: RecordId) -> Result<(), StoreError> {
        if let Some(row) = self.row(id)? {
            self.count(&row, 1);
        }
        Ok(())
    }

    /// Writes the changes gathered since the last call. What is 0 again leaves no trace.
    pub(super) fn write_changes(&mut self) -> Result<(), StoreError> {
        let changes = std::mem::take(&mut self.changes);
        for ((day, team, site, part), changed) in changes.tally {
            let place = (day, team, &site, &part);
            let before: Option<Vec<u8>> = self
                .sql()?
                .prepare_cached(
                    "SELECT sums FROM tally WHERE day = ?1 AND team = ?2 AND site = ?3 AND part = ?4",
                )?
                .query_row(place, |row| row.get(0))
                .optional()?;
            let mut sums = match &before {
                Some(bytes) => decode_sums(bytes).map_err(|_| StoreError::Damaged("sums"))?,
                None => BTreeMap::new(),
            };
            for (name, n) in changed {
                *sums.entry(name).or_default() += n;
            }
            sums.retain(|_, n| *n != 0);
            let sql = self.sql()?;
            match (sums.is_empty(), before.is_some()) {
                (true, false) => 0,
                (true, true) => sql
                    .prepare_cached(
                        "DELETE FROM tally WHERE day = ?1 AND team = ?2 AND site = ?3 AND part = ?4",
                    )?
                    .execute(place)?,
                (false, _) => sql
                    .prepare_cached(
                        "INSERT OR REPLACE INTO tally (day, team, site, part, sums)
                         VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute((day, team, &site, &part, encode_sums(&sums)))?,
            };
        }
        for ((team, holder, product, lot, expiry), n) in
            changes.stock.iter().filter(|(_, n)| **n != 0)
        {
            self.sql()?
                .prepare_cached(
                    "INSERT INTO stock (team, holder, product, lot, expiry, doses)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT DO UPDATE SET doses = doses + excluded.doses",
                )?
                .execute((team, holder, product, lot, expiry, n))?;
            self.sql()?
                .prepare_cached(
                    "DELETE FROM stock WHERE team = ?1 AND holder = ?2 AND product = ?3 AND lot = ?4
                       AND expiry = ?5 AND doses = 0",
                )?
                .execute((team, holder, product, lot, expiry))?;
        }
        Ok(())
    }

    /// The records joined with this one by links, in either direction, of one team and kind.
    fn linked(&self, id: RecordId) -> Result<BTreeSet<RecordId>, StoreError> {
        let mut set = BTreeSet::from([id]);
        let mut next = vec![id];
        let alike = |id: RecordId| -> Result<Option<(TeamId, u8)>, StoreError> {
            Ok(self.row(id)?.map(|row| (row.team, row.answers.kind.number())))
        };
        while let Some(id) = next.pop() {
            let of = alike(id)?;
            for other in self.neighbours(id)? {
                if of.is_some() && !set.contains(&other) && alike(other)? == of {
                    set.insert(other);
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
                let Some(mut row) = self.row(id)? else { continue };
                if [State::Void, State::Flagged].contains(&row.state) {
                    continue;
                }
                let wanted = if first { State::Counted } else { State::Duplicate };
                first = false;
                if wanted != row.state {
                    self.count(&row, -1);
                    row.state = wanted;
                    self.sql()?
                        .prepare_cached("UPDATE record SET state = ?2 WHERE number = ?1")?
                        .execute((row.number, wanted.number()))?;
                    self.count(&row, 1);
                }
            }
        }
        Ok(())
    }

    /// Drops the projection and builds it again from the entries held; the result is the same.
    pub fn rebuild(&mut self) -> Result<(), StoreError> {
        self.transact(|store| {
            store.drop_projection()?;
            store.settle_within(true)
        })
    }

    /// Drops the projection, so that settling builds it again.
    pub(super) fn drop_projection(&mut self) -> Result<(), StoreError> {
        Ok(self.sql()?.execute_batch(
            "DELETE FROM record; DELETE FROM link; DELETE FROM tally; DELETE FROM stock;
             INSERT OR IGNORE INTO dirty
               SELECT coalesce(changes, substr(id, 1, 16)) FROM entry WHERE kind >= 16;",
        )?)
    }
}
