//! What a store does that is there to capture only: what the hub has is not kept in a form that can be read.

use super::{OF_RECORD, RECORD, Setting, Store, StoreError};
use crate::model::{DeviceKey, EntryId, LogId, RecordId, TeamId};
use crate::store::rows::last_id_of;
use std::collections::{BTreeMap, BTreeSet};

/// Where a store takes the place of a damaged one, what it captures only from: a whole sync.
pub(crate) const AFTER_A_SYNC: [u8; 1] = [0];

impl Store {
    /// From now on, and for good, this store is there to capture only.
    pub fn begin_capture_only(&mut self) -> Result<(), StoreError> {
        self.set(&[(Setting::CaptureOnly, vec![1])])
    }

    /// Whether it is.
    pub fn is_capture_only(&self) -> Result<bool, StoreError> {
        Ok(self.setting(&Setting::CaptureOnly)?.is_some_and(|so| so != AFTER_A_SYNC))
    }

    /// Whether it will be as soon as the hub brought what its own logs follow: it takes the place of a damaged one.
    pub fn will_capture_only(&self) -> Result<bool, StoreError> {
        Ok(self.setting(&Setting::CaptureOnly)?.is_some_and(|so| so == AFTER_A_SYNC))
    }

    /// Drops, durably, the payloads of every record of which nothing waits for the hub, its row and what it says with
    /// them, but for those to be spared; headers stay, so that logs go on. Returns of how many records.
    pub fn drop_acknowledged(&mut self, spared: &BTreeSet<RecordId>) -> Result<u64, StoreError> {
        let waiting = self.records_beyond_hub()?;
        let mut statement = self.sql()?.prepare_cached(&format!(
            "SELECT DISTINCT {RECORD} FROM entry WHERE kind >= 16 AND payload IS NOT NULL"
        ))?;
        let rows = statement.query_map([], |row| row.get(0).map(RecordId))?;
        let mut held: BTreeSet<RecordId> = rows.collect::<Result<_, _>>()?;
        drop(statement);
        held.retain(|record| !waiting.contains(record) && !spared.contains(record));
        if held.is_empty() {
            return Ok(0);
        }
        self.transact(|store| {
            for record in &held {
                for entry in store.entries_naming(*record)? {
                    store.erase_payload(&entry)?;
                }
                store.mark_dirty(&record.0)?;
            }
            store.settle_all(&mut |_, _| {})
        })?;
        self.notice_everything();
        Ok(held.len() as u64)
    }

    /// Whether what this record said was dropped, or erased.
    pub fn is_dropped(&self, record: RecordId) -> Result<bool, StoreError> {
        let mut statement = self.sql()?.prepare_cached(&format!(
            "SELECT 1 FROM entry WHERE {OF_RECORD} AND payload IS NULL LIMIT 1"
        ))?;
        Ok(statement.exists((record.0, last_id_of(record)))?)
    }

    fn entries_naming(&self, record: RecordId) -> Result<Vec<EntryId>, StoreError> {
        let mut statement =
            self.sql()?.prepare_cached(&format!("SELECT entry.id FROM entry WHERE {OF_RECORD}"))?;
        let rows = statement.query_map((record.0, last_id_of(record)), |row| row.get(0))?;
        Ok(rows.map(|row| row.map(EntryId)).collect::<Result<_, _>>()?)
    }

    /// The records of which some entry is not known to be on the hub, whether it waits, was turned away, or is carried no
    /// more since a revocation: this may be the only copy.
    fn records_beyond_hub(&self) -> Result<BTreeSet<RecordId>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(&format!(
            "SELECT DISTINCT {RECORD} FROM entry
               LEFT JOIN on_hub ON on_hub.log = entry.log AND on_hub.branch = entry.branch
             WHERE kind >= 16 AND payload IS NOT NULL
               AND (entry.branch < 0 OR entry.position > coalesce(on_hub.position, 0))
               AND entry.id NOT IN (SELECT entry FROM own_accepted)"
        ))?;
        let rows = statement.query_map([], |row| row.get(0).map(RecordId))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many entries were dropped here, by the device that wrote them: they exist, and are not here.
    pub(super) fn dropped_by_device(
        &self,
        asked: &dyn Fn(TeamId) -> bool,
    ) -> Result<BTreeMap<DeviceKey, u64>, StoreError> {
        let mut dropped = BTreeMap::new();
        if !self.is_capture_only()? {
            return Ok(dropped);
        }
        let mut statement = self.sql()?.prepare_cached(&format!(
            "SELECT log.id, record, entries FROM
               (SELECT log, {RECORD} AS record, count(*) AS entries FROM entry
                WHERE kind >= 16 AND payload IS NULL GROUP BY 1, 2) AS dropped
             JOIN log ON log.number = dropped.log"
        ))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (log, record) = (LogId(row.get(0)?), RecordId(row.get(1)?));
            let entries = row.get::<_, i64>(2)? as u64;
            let Some(info) = self.chains.log(&log).filter(|info| asked(info.team)) else {
                continue;
            };
            if !self.authority.is_erased(info.team, record) {
                let of_device: &mut u64 = dropped.entry(info.key).or_default();
                *of_device = of_device.saturating_add(entries);
            }
        }
        Ok(dropped)
    }
}
