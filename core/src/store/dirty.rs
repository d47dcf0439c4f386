//! Records that are to be judged anew.

use super::{RECORD, Store, StoreError};
use crate::model::{DeviceKey, LogId, RecordId};
use std::collections::{BTreeMap, BTreeSet};

/// What is to be judged, and for whom, beside what the table of dirty records keeps over a stop.
#[derive(Default)]
pub(super) struct ToJudge {
    /// How often authority was settled among the runs of the message that is taken in.
    pub(super) settlings: u8,
    /// How many entries of each record the message in hand brought.
    pub(super) brought: BTreeMap<RecordId, u32>,
    /// On a hub, whose entry came last of each record that is to be judged for it: nobody pays for what
    /// others say of what he wrote.
    pub(super) dirtied_by: BTreeMap<RecordId, DeviceKey>,
    /// On a hub, how many entries were judged for whom.
    pub(super) judged_for: BTreeMap<DeviceKey, u64>,
    /// Records with many entries that were judged since the last sync ended.
    pub(super) judged: BTreeSet<RecordId>,
    /// Records whose judging waits for the end of a sync.
    pub(super) postponed: BTreeSet<RecordId>,
    /// Records to judge in this transaction.
    pub(super) dirty: BTreeSet<RecordId>,
    /// Records whose links changed in this transaction.
    pub(super) relinked: BTreeSet<RecordId>,
}

impl ToJudge {
    /// The file was read anew: what was meant for a transaction that did not end is nobody's.
    pub(super) fn begin_anew(&mut self) {
        let judged_for = std::mem::take(&mut self.judged_for);
        *self = ToJudge { judged_for, settlings: self.settlings, ..ToJudge::default() };
    }
}

impl Store {
    pub(super) fn dirty(&self, most: usize) -> Result<Vec<RecordId>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut statement =
            self.sql()?.prepare_cached("SELECT record FROM dirty ORDER BY record LIMIT ?1")?;
        let rows = statement.query_map([most], |row| row.get::<_, [u8; 16]>(0))?;
        rows.map(|row| Ok(RecordId(row?))).collect()
    }

    pub(super) fn mark_log_dirty(&self, log: &LogId) -> Result<(), StoreError> {
        let of_log = if crate::planted!(VerdictByArrival) {
            "kind >= 16 AND verdict BETWEEN 16 AND 31"
        } else {
            "kind >= 16"
        };
        self.sql()?
            .prepare_cached(&format!(
                "INSERT OR IGNORE INTO dirty SELECT {RECORD} FROM entry
                 WHERE {of_log} AND log = (SELECT number FROM log WHERE id = ?1) AND branch >= 0
                 UNION ALL SELECT {RECORD} FROM entry INDEXED BY entry_alone
                 WHERE {of_log} AND log = (SELECT number FROM log WHERE id = ?1) AND branch < 0"
            ))?
            .execute([log.0])?;
        Ok(())
    }

    /// The records of which a log's branches say something behind these positions.
    pub(super) fn mark_dirty_behind(
        &self,
        log: &LogId,
        behind: &[(u32, u64)],
    ) -> Result<(), StoreError> {
        let mut insert = self.sql()?.prepare_cached(&format!(
            "INSERT OR IGNORE INTO dirty SELECT {RECORD} FROM entry
             WHERE kind >= 16 AND log = (SELECT number FROM log WHERE id = ?1)
               AND branch = ?2 AND branch >= 0 AND position > ?3"
        ))?;
        for (branch, position) in behind {
            insert.execute((log.0, branch, i64::try_from(*position).unwrap_or(i64::MAX)))?;
        }
        Ok(())
    }

    pub(super) fn is_judged(&self, record: RecordId) -> Result<(), StoreError> {
        self.sql()?.prepare_cached("DELETE FROM dirty WHERE record = ?1")?.execute([record.0])?;
        Ok(())
    }
}
