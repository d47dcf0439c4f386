//! Opening a store: key, settings, migrations, and what is kept in memory.

use super::{SCHEMA_VERSION, Settling, Store, StoreError};
use crate::log::chain::{Branch, Chains, LogInfo, Place};
use crate::log::entry::Tip;
use crate::log::payload::Open;
use crate::model::{DeviceKey, EntryId, LogId, TeamId};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use zeroize::Zeroizing;

/// The store's 256-bit key. Never shown; wiped when dropped.
#[derive(Clone)]
pub struct StoreKey(pub(super) Zeroizing<[u8; 32]>);

impl StoreKey {
    /// The key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        StoreKey(Zeroizing::new(bytes))
    }
}

/// Where the store's key comes from: the platform's keystore in an app, a file on a server.
pub trait KeyProvider {
    /// The key, made on first use.
    fn store_key(&self) -> Result<StoreKey, StoreError>;
}

impl KeyProvider for StoreKey {
    fn store_key(&self) -> Result<StoreKey, StoreError> {
        Ok(self.clone())
    }
}

const MIGRATIONS: [&str; SCHEMA_VERSION as usize] =
    [include_str!("migrations/0001_log_and_projection.sql")];

impl Store {
    /// Opens a store, making it on first use for the programme of this root key.
    pub fn open(
        path: &Path,
        key: &dyn KeyProvider,
        root: Option<DeviceKey>,
        scope: Option<BTreeSet<TeamId>>,
        settling: Settling,
    ) -> Result<Store, StoreError> {
        let key = key.store_key()?;
        let connection = connect(path, &key)?;
        let mut store = Store {
            connection,
            path: path.to_owned(),
            key,
            root: DeviceKey([0; 32]),
            scope,
            settling,
            chains: Chains::default(),
            opens: BTreeMap::new(),
            authority: crate::log::Authority::default(),
        };
        store.root = match (store.meta("root")?, root) {
            (Some(bytes), _) => {
                DeviceKey::from_slice(&bytes).ok_or(StoreError::Damaged("the root key"))?
            }
            (None, Some(root)) => {
                store.set_meta("root", &root.0)?;
                root
            }
            (None, None) => return Err(StoreError::Damaged("the root key")),
        };
        store.load()?;
        Ok(store)
    }

    /// Closes the file and reads it anew.
    pub(super) fn reload(&mut self) -> Result<(), StoreError> {
        self.connection = connect(&self.path, &self.key)?;
        self.load()
    }

    fn load(&mut self) -> Result<(), StoreError> {
        self.chains = Chains::default();
        self.opens.clear();
        let mut numbers = BTreeMap::new();
        let mut statement = self
            .connection
            .prepare("SELECT number, id, open FROM log")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (number, open): (i64, Vec<u8>) = (row.get(0)?, row.get(2)?);
            let id = LogId::from_slice(&row.get::<_, [u8; 16]>(1)?)
                .ok_or(StoreError::Damaged("a log's id"))?;
            let open = Open::decode(&open).map_err(|_| StoreError::Damaged("a log's open"))?;
            numbers.insert(number, (id, open));
        }
        drop(rows);
        drop(statement);
        for (number, (id, open)) in numbers {
            let mut info = LogInfo {
                key: open.key,
                team: open.team,
                certificate: open.certificate,
                branches: Vec::new(),
            };
            let mut statement = self.connection.prepare_cached(
                "SELECT parent_branch, parent_position, position, entry FROM branch WHERE log = ?1 ORDER BY number",
            )?;
            let mut rows = statement.query([number])?;
            while let Some(row) = rows.next()? {
                let parent: (Option<u32>, Option<i64>) = (row.get(0)?, row.get(1)?);
                let entry: Vec<u8> = row.get(3)?;
                info.branches.push(Branch {
                    parent: match parent {
                        (Some(branch), Some(position)) => Some(Place {
                            branch,
                            position: position as u64,
                        }),
                        _ => None,
                    },
                    tip: Tip {
                        position: row.get::<_, i64>(2)? as u64,
                        id: EntryId::from_slice(&entry).ok_or(StoreError::Damaged("a tip"))?,
                    },
                });
            }
            self.chains.insert(id, info);
            self.opens.insert(id, (number, open));
        }
        self.authority = self.settle_authority()?;
        Ok(())
    }
}

fn connect(path: &Path, key: &StoreKey) -> Result<Connection, StoreError> {
    let connection = Connection::open(path)?;
    let hex: Zeroizing<String> =
        Zeroizing::new(key.0.iter().map(|byte| format!("{byte:02x}")).collect());
    let pragma = Zeroizing::new(format!("PRAGMA key = \"x'{}'\"", hex.as_str()));
    connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
    connection.execute_batch(&pragma)?;
    // The first read: a wrong key or a foreign file ends here, before anything is written.
    let found: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > SCHEMA_VERSION {
        return Err(StoreError::NewerSchema {
            found,
            known: SCHEMA_VERSION,
        });
    }
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;
         PRAGMA mmap_size = 0; PRAGMA busy_timeout = 5000;",
    )?;
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    for (version, migration) in (1..).zip(MIGRATIONS).skip(found as usize) {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {migration}; PRAGMA user_version = {version}; COMMIT;"
        ))?;
    }
    Ok(connection)
}
