//! Reading beside the one that writes, in the same process: each reading as of one moment.

use super::{KeyProvider, Settling, Store, StoreError};
use crate::model::{DeviceKey, TeamId};
use std::collections::BTreeSet;
use std::path::Path;

impl Store {
    /// Opens a store to read it beside another of this process that writes it and stays open.
    pub fn open_beside(
        path: &Path,
        key: &dyn KeyProvider,
        scope: Option<BTreeSet<TeamId>>,
    ) -> Result<Store, StoreError> {
        let key = key.store_key()?;
        let connection = super::files::connect_beside(path, &key)?;
        let mut store = Store::over(connection, path, key, scope, Settling::Behind);
        store.is_for_reading = true;
        let root = store.meta("root")?.and_then(|root| DeviceKey::from_slice(&root));
        store.root = root.ok_or(StoreError::Damaged("the root key"))?;
        Ok(store)
    }

    /// Begins to read as of one moment; returns whether anything was written since the last time.
    pub(crate) fn begin_reading(&mut self) -> Result<bool, StoreError> {
        let sql = self.sql()?;
        if !sql.is_autocommit() {
            sql.execute_batch("ROLLBACK")?;
        }
        sql.execute_batch("BEGIN")?;
        let version: i64 = sql.query_row("PRAGMA main.data_version", [], |row| row.get(0))?;
        Ok(self.version_read.replace(version) != Some(version))
    }

    /// Reads what is kept in memory of the logs anew.
    pub(crate) fn read_logs_anew(&mut self) -> Result<(), StoreError> {
        self.load_logs()?;
        self.authority = self.settle_authority()?;
        self.load_carriage()
    }

    pub(crate) fn end_reading(&mut self) -> Result<(), StoreError> {
        Ok(self.sql()?.execute_batch("ROLLBACK")?)
    }
}
