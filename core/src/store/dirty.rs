//! Records that are to be judged anew.

use super::{RECORD, Store, StoreError};
use crate::model::{LogId, RecordId};

impl Store {
    pub(super) fn dirty(&self, most: usize) -> Result<Vec<RecordId>, StoreError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut statement =
            self.sql()?.prepare_cached("SELECT record FROM dirty ORDER BY record LIMIT ?1")?;
        let rows = statement.query_map([most], |row| row.get::<_, [u8; 16]>(0))?;
        rows.map(|row| Ok(RecordId(row?))).collect()
    }

    pub(super) fn mark_log_dirty(&self, log: &LogId) -> Result<(), StoreError> {
        let of_log = match crate::planted!(VerdictByArrival) {
            false => "kind >= 16",
            true => "kind >= 16 AND verdict BETWEEN 16 AND 31",
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
