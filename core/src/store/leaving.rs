//! A team that is left: all that is held of it goes, from every table at once.

use super::{Setting, Store, StoreError};
use crate::model::{LogId, TeamId};

impl Store {
    /// Deletes all that is held of a team, durably, and takes it out of scope.
    pub fn forget_team(&mut self, team: TeamId) -> Result<(), StoreError> {
        self.transact(|store| {
            let logs: Vec<(LogId, i64)> = store
                .logs
                .iter()
                .filter(|(_, log)| log.open.team == team)
                .map(|(id, log)| (*id, log.number))
                .collect();
            let sql = store.sql()?;
            for (id, number) in logs {
                sql.execute("DELETE FROM heard WHERE log = ?1", [id.0])?;
                for table in ["record", "on_hub", "turned_away", "branch", "entry"] {
                    sql.execute(&format!("DELETE FROM {table} WHERE log = ?1"), [number])?;
                }
                sql.execute("DELETE FROM log WHERE number = ?1", [number])?;
            }
            sql.execute("DELETE FROM own_accepted WHERE entry NOT IN (SELECT id FROM entry)", [])?;
            for table in ["tally", "stock"] {
                sql.execute(&format!("DELETE FROM {table} WHERE team = ?1"), [team.0])?;
            }
            sql.execute("DELETE FROM clock_doubt WHERE entry NOT IN (SELECT id FROM entry)", [])?;
            for (table, record) in [("link", "a"), ("equal_import", "equal_import.id")] {
                sql.execute(
                    &format!(
                        "DELETE FROM {table} WHERE NOT EXISTS
                           (SELECT 1 FROM entry WHERE changes IS NULL AND entry.id BETWEEN {record}
                             AND CAST({record} || x'ffffffffffffffffffffffffffffffff' AS BLOB))"
                    ),
                    [],
                )?;
            }
            store.drop_setting(&Setting::SyncedDays(team))?;
            store.drop_setting(&Setting::OwnLabel(team))?;
            store.drop_setting(&Setting::Member(team))?;
            store.drop_setting(&Setting::Cursor)?;
            store.set_authority_stale()?;
            store.erased.set(true);
            Ok(())
        })?;
        self.notice_everything();
        if let Some(scope) = &mut self.scope {
            scope.remove(&team);
        }
        self.reload()
    }
}
