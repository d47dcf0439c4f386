//! What a store holds, entry by entry: for verification, and for people who ask why.

use super::insert::place_of;
use super::payload::kept;
use super::rows::last_id_of;
use super::{OF_RECORD, Store, StoreError};
use crate::log::Verdict;
use crate::model::{EntryId, LogId, RecordId};

/// An entry that a store holds, without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldEntry {
    /// The entry.
    pub id: EntryId,
    /// Its log.
    pub log: LogId,
    /// Its position there.
    pub position: u64,
    /// The header's kind.
    pub kind: u8,
    /// The record that it creates or changes.
    pub record: Option<RecordId>,
    /// What this store makes of it; `None` until it is judged, and where it is not carried.
    pub verdict: Option<Verdict>,
    /// Whether it is carried: counted, acknowledged, relayed.
    pub is_carried: bool,
}

/// Up to which entry a store was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// How often the file was read anew by then, from 1: what was rolled back gives its number to another.
    pub(crate) reading: u64,
    number: i64,
}

impl Store {
    /// Whether an entry is held.
    pub fn holds_entry(&self, id: &EntryId) -> Result<bool, StoreError> {
        Ok(self.locate(id)?.is_some())
    }

    /// Whether an entry is held and carried.
    pub fn carries(&self, id: &EntryId) -> Result<bool, StoreError> {
        let place = self.locate(id)?;
        Ok(place.is_some_and(|(log, place)| self.is_carried(&log, place, *id)))
    }

    /// The payloads of the administrative entries of a kind that came after these, as they came, and up to which
    /// they are: also of those that a revocation cut since, so that what was read stays readable. All of them where
    /// the store was read anew since.
    pub fn administration_since(
        &self,
        of_kind: u8,
        since: Arrived,
    ) -> Result<(Vec<Vec<u8>>, Arrived), StoreError> {
        let after = if since.reading == self.readings { since.number } else { 0 };
        let mut statement = self.sql()?.prepare_cached(
            "SELECT arrival, payload FROM entry INDEXED BY entry_administration
             WHERE kind = ?1 AND kind < 16 AND arrival > ?2 AND payload IS NOT NULL AND ends = 0
             ORDER BY arrival",
        )?;
        let mut rows = statement.query((of_kind, after))?;
        let (mut payloads, mut number) = (Vec::new(), after);
        while let Some(row) = rows.next()? {
            number = row.get(0)?;
            payloads.push(kept(&row.get::<_, Vec<u8>>(1)?)?);
        }
        Ok((payloads, Arrived { reading: self.readings, number }))
    }

    /// The payloads of administrative entries of a kind that count, in the order of their ids.
    pub fn admitted_administration(&self, of_kind: u8) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT payload FROM entry INDEXED BY entry_administration
             WHERE kind = ?1 AND kind < 16 AND verdict = 1 AND payload IS NOT NULL ORDER BY id",
        )?;
        let rows = statement.query_map([of_kind], |row| row.get::<_, Vec<u8>>(0))?;
        rows.map(|row| kept(&row?)).collect()
    }

    /// How many entries of code packs are held.
    pub fn code_packs(&self) -> u64 {
        self.code_packs
    }

    /// What this store makes of one entry.
    pub(super) fn verdict_of(&self, entry: EntryId) -> Result<Option<Verdict>, StoreError> {
        let mut statement =
            self.sql()?.prepare_cached("SELECT verdict FROM entry WHERE id = ?1")?;
        Ok(Verdict::from_number(statement.query_row([entry.0], |row| row.get(0))?))
    }

    /// What this store makes of each entry of a record.
    pub fn verdicts_of(&self, record: RecordId) -> Result<Vec<Verdict>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(&format!(
            "SELECT DISTINCT verdict FROM entry WHERE {OF_RECORD} ORDER BY verdict"
        ))?;
        let rows =
            statement.query_map((record.0, last_id_of(record)), |row| row.get::<_, u8>(0))?;
        let numbers = rows.collect::<Result<Vec<_>, _>>()?;
        Ok(numbers.into_iter().filter_map(Verdict::from_number).collect())
    }

    /// How many entries are refused, by reason.
    pub fn refusals(&self) -> Result<Vec<(Verdict, u64)>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT verdict, count(*) FROM entry WHERE verdict > 31 GROUP BY verdict",
        )?;
        let rows =
            statement.query_map([], |row| Ok((row.get::<_, u8>(0)?, row.get::<_, i64>(1)?)))?;
        let mut refusals = Vec::new();
        for row in rows {
            let (number, count) = row?;
            if let Some(verdict @ Verdict::Refused(_)) = Verdict::from_number(number) {
                refusals.push((verdict, count as u64));
            }
        }
        Ok(refusals)
    }

    /// All entries held, by id.
    pub fn entries(&self) -> Result<Vec<HeldEntry>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT entry.id, log.id, position, kind, changes, verdict, branch
             FROM entry JOIN log ON log.number = entry.log ORDER BY entry.id",
        )?;
        let rows = statement.query_map([], |row| {
            let (id, kind): (EntryId, u8) = (EntryId(row.get(0)?), row.get(3)?);
            let changes = row.get::<_, Option<[u8; 16]>>(4)?.map(RecordId);
            let (log, place) = (LogId(row.get(1)?), place_of(row.get(6)?, row.get(2)?));
            Ok(HeldEntry {
                id,
                log,
                position: place.position,
                is_carried: self.is_carried(&log, place, id),
                kind,
                record: changes.or_else(|| (kind >= 16).then(|| id.record())),
                verdict: Verdict::from_number(row.get(5)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
