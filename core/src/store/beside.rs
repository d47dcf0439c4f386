//! Reading beside the one that writes, in the same process: each reading as of one moment.

use super::Setting;
use super::{KeyProvider, Settling, Store, StoreError, StoreKey};
use crate::model::{DeviceKey, TeamId};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Reads a store beside the one that writes it, on a connection of its own that is opened when it is first needed, and
/// anew after it failed.
pub struct Reader {
    path: PathBuf,
    key: StoreKey,
    scope: Option<BTreeSet<TeamId>>,
    store: Option<Store>,
}

impl Reader {
    /// Reads as of one moment, whatever is written meanwhile.
    pub fn read<T>(
        &mut self,
        read: impl FnOnce(&Store) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut store = match self.store.take() {
            Some(store) => store,
            None => Store::open_beside(&self.path, &self.key, self.scope.clone())?,
        };
        if store.begin_reading()? {
            store.read_logs_anew()?;
        }
        let done = read(&store)?;
        store.end_reading()?;
        self.store = Some(store);
        Ok(done)
    }
}

impl Store {
    /// What reads this store beside it.
    pub fn reader(&self) -> Reader {
        let (path, key, scope) = (self.path.clone(), self.key.clone(), self.scope.clone());
        Reader { path, key, scope, store: None }
    }

    /// Opens a store to read it beside another of this process that writes it and stays open.
    pub fn open_beside(
        path: &Path,
        key: &dyn KeyProvider,
        scope: Option<BTreeSet<TeamId>>,
    ) -> Result<Store, StoreError> {
        let key = key.store_key()?;
        let connection = super::connection::connect_beside(path, &key)?;
        let mut store = Store::over(connection, path, key, scope, Settling::Behind);
        store.is_for_reading = true;
        let root = store.setting(&Setting::Root)?.and_then(|root| DeviceKey::from_slice(&root));
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
