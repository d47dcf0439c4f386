//! Writes each record's row, and the sums and balances over them, in the entry's transaction.

use super::at_rest::{decode_sums, encode_answers, encode_sums};
use super::digests::DIGEST_LEN;
use super::rows::{Row, State, since_day};
use super::{Store, StoreError};
use crate::model::answers::Word;
use crate::model::catalogue::measures;
use crate::model::field::Shape;
use crate::model::indicator::is_part;
use crate::model::stock::Holder;
use crate::model::{CivilDate, RecordId};
use crate::record::Record;
use rusqlite::OptionalExtension;
use std::collections::BTreeMap;

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
        let before = self.row_numbered(number)?;
        if before.is_none() && record.is_none() {
            return Ok(());
        }
        let had_links = self.relink(id)?;
        self.note_equal_import(id, record)?;
        if let Some(before) = before {
            self.notice_record(id, before.answers.kind);
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
            self.notice_record(id, record.kind);
            self.count(&row, 1);
            let links = links(record);
            let (author, person) = (record.author, self.maker(id)?.and_then(|(_, person)| person));
            for link in &links {
                self.sql()?
                    .prepare_cached(
                        "INSERT INTO link (a, b, by_coordinator, author, person)
                         VALUES (?1, ?2, ?3, ?4, ?5)
                         ON CONFLICT (a, b) DO UPDATE
                           SET by_coordinator = max(by_coordinator, excluded.by_coordinator),
                             author = coalesce(author, excluded.author),
                             person = coalesce(person, excluded.person)",
                    )?
                    .execute((
                        id.0,
                        link.to.0,
                        link.by_coordinator,
                        link.by_same_key.then_some(author.0),
                        person.filter(|_| link.by_same_person).map(|person| person.0),
                    ))?;
                self.note_link(id, link.to)?;
            }
            if !links.is_empty() {
                self.relink(id)?;
            }
        }
        Ok(())
    }

    /// Notes a record with links, or to which others link, so that [`Store::settle_duplicates`] looks at
    /// all that hangs on it once for all records of the transaction. Returns whether it has any.
    fn relink(&mut self, id: RecordId) -> Result<bool, StoreError> {
        let mut linked = self.sql()?.prepare_cached(
            "SELECT 1 FROM link WHERE a = ?1 UNION ALL SELECT 1 FROM link WHERE b = ?1 LIMIT 1",
        )?;
        let is_linked = linked.exists([id.0])?;
        drop(linked);
        if is_linked {
            self.judging.relinked.insert(id);
        }
        Ok(is_linked)
    }

    fn write_row(&self, number: i64, record: &Record) -> Result<Row, StoreError> {
        let dated = |name: &str| {
            let (value, by) = record.fields.get(name)?.last()?;
            Some((value.as_text()?.parse::<CivilDate>().ok()?, by))
        };
        // What stands for a span counts on its last day.
        let (dated, is_span) = match (dated("occurred_on"), dated("through")) {
            (Some((first, _)), Some((last, by))) if last >= first => {
                (Some((last, by)), last > first)
            }
            (first, _) => (first, false),
        };
        let (day, put_by) = dated.unzip();
        let doubt = put_by.and_then(|by| self.doubt_of_date(by, record.clock_of(by)?, day?));
        let is_out = record.is_void() || crate::planted!(DateKeepsOut) && doubt == Some(0);
        let row = Row {
            number,
            id: record.id,
            team: record.team,
            author: record.author,
            recorded_at: record.recorded_at,
            day: day.map_or(0, CivilDate::epoch_day),
            state: if is_out { State::Void } else { State::Counted },
            doubt,
            conflicts: record.conflicts().count() as u64,
            moves_stock: moves_stock(record),
            answers: record.answers(),
        };
        let digest = blake3::hash(&record.canonical());
        self.sql()?
            .prepare_cached(
                "INSERT OR REPLACE INTO record
                   (number, kind, log, day, state, conflicts, answers, digest, moves_stock, since_day, doubt,
                    is_span)
                 VALUES (?1, ?2, (SELECT log FROM entry WHERE arrival = ?1), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute((
                number,
                record.kind.number(),
                row.day,
                row.state.number(),
                row.conflicts as i64,
                encode_answers(&row.answers),
                &digest.as_bytes()[..DIGEST_LEN],
                row.moves_stock,
                since_day(row.recorded_at, row.day),
                row.doubt,
                is_span,
            ))?;
        Ok(row)
    }

    /// Adds what a counted record counts, or takes it away. The changes are gathered and written by
    /// [`Store::write_changes`] in the same transaction.
    pub(super) fn count(&mut self, row: &Row, sign: i64) {
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
        if let Some(stock) = row.answers.kind.declaration().stock.filter(|_| row.moves_stock) {
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

    /// Drops the projection and builds it again from the entries held; the result is the same.
    pub fn rebuild(&mut self) -> Result<(), StoreError> {
        self.transact(|store| {
            store.drop_projection()?;
            store.settle_all(&mut |_, _| {})
        })
    }

    /// Drops the projection, so that settling builds it again.
    pub(super) fn drop_projection(&mut self) -> Result<(), StoreError> {
        Ok(self.sql()?.execute_batch(
            "DELETE FROM record; DELETE FROM link; DELETE FROM equal_import; DELETE FROM tally; DELETE FROM stock;
             INSERT OR IGNORE INTO dirty
               SELECT coalesce(changes, substr(id, 1, 16)) FROM entry WHERE kind >= 16;",
        )?)
    }
}

/// That a record says it is a duplicate of another one, by a word that may have effect.
struct Link {
    to: RecordId,
    by_coordinator: bool,
    by_same_key: bool,
    by_same_person: bool,
}

/// The records that this one says it is a duplicate of, by a word that may have effect: a coordinator's,
/// or that of whoever made this record. Others' are suggestions.
fn links(record: &Record) -> Vec<Link> {
    let values = record.fields.get("duplicate_of").into_iter().flatten();
    let links = values.filter_map(|(value, by)| {
        let to = value.as_text()?.parse().ok()?;
        let change = record.change(by)?;
        let by_coordinator = change.by_coordinator || crate::planted!(StrangersLinkCounts);
        let by_same_key = change.author == record.author;
        let by_same_person = change.by_same_person;
        let may = by_coordinator || by_same_key || by_same_person;
        may.then_some(Link { to, by_coordinator, by_same_key, by_same_person })
    });
    links.collect()
}

/// Whether whoever wrote whose stock is moved may speak for them: a coordinator for all, a worker for
/// itself and for what is nobody's own.
fn moves_stock(record: &Record) -> bool {
    let holders = record.kind.fields().filter(|field| field.shape == Shape::Holder);
    holders.into_iter().all(|field| {
        let Some((value, by)) = record.fields.get(field.name).and_then(|values| values.last())
        else {
            return true;
        };
        match value.as_text().and_then(|text| text.parse().ok()) {
            Some(Holder::Device(device)) => record
                .change(by)
                .is_some_and(|change| change.by_coordinator || change.author == device),
            _ => true,
        }
    })
}
