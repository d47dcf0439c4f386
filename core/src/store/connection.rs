//! Connections to a store's file: the cipher and its key, settings, and the schema brought up to date.

use super::{SCHEMA_VERSION, StoreError, StoreKey};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use zeroize::Zeroizing;

const MIGRATIONS: [&str; SCHEMA_VERSION as usize] = [
    include_str!("migrations/0001_log_and_projection.sql"),
    include_str!("migrations/0002_exchanges.sql"),
];

/// How long a connection waits for another one, as its settings have it.
pub(super) const BUSY: std::time::Duration = std::time::Duration::from_secs(5);

/// The name of a file that belongs to a store, beside its own.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Opens a connection, once the cipher is there. SQLite lets a second thread open while the first one's call still sets
/// SQLCipher up, and a key given then is refused: whoever comes first in a process sets it up for all.
///
/// # Errors
/// [`StoreError::NoCipher`] where SQLite is not SQLCipher, as a phone's own is not: nothing is opened.
pub(super) fn connect(name: impl AsRef<Path>, flags: OpenFlags) -> Result<Connection, StoreError> {
    static HAS_CIPHER: OnceLock<bool> = OnceLock::new();
    let has_cipher = HAS_CIPHER.get_or_init(|| {
        let version = Connection::open_in_memory().and_then(|sql| {
            sql.query_row("PRAGMA cipher_version", [], |row| row.get::<_, String>(0))
        });
        version.is_ok_and(|version| !version.is_empty())
    });
    if *has_cipher {
        Ok(Connection::open_with_flags(name, flags)?)
    } else {
        Err(StoreError::NoCipher)
    }
}

/// A connection that changes no byte: without a log beside the store nothing is written anywhere; with
/// one, only the index that SQLite keeps of it.
pub(super) fn connect_to_read(path: &Path, key: &StoreKey) -> Result<Connection, StoreError> {
    let has_log = std::fs::metadata(with_ending(path, "-wal")).is_ok_and(|log| log.len() > 0);
    connect_read_only(path, key, if has_log { "mode=ro" } else { "immutable=1" })
}

/// A connection that reads what another one of this process writes meanwhile.
pub(super) fn connect_beside(path: &Path, key: &StoreKey) -> Result<Connection, StoreError> {
    let connection = connect_read_only(path, key, "mode=ro")?;
    connection.execute_batch("PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY")?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn connect_read_only(path: &Path, key: &StoreKey, how: &str) -> Result<Connection, StoreError> {
    let name = path.to_str().ok_or(StoreError::Damaged("its name"))?;
    let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = connect(format!("file:{name}?{how}"), flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    set_key(&connection, key)?;
    let found: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match found {
        0 => Err(StoreError::Damaged("the file is empty or cut off")),
        SCHEMA_VERSION => Ok(connection),
        older if older < SCHEMA_VERSION => Err(StoreError::OlderSchema),
        _ => Err(StoreError::NewerSchema { found, known: SCHEMA_VERSION }),
    }
}

/// Gives a connection the store's raw key; the first read tells whether it fits.
pub(super) fn set_key(connection: &Connection, key: &StoreKey) -> Result<(), StoreError> {
    let hex: Zeroizing<String> =
        Zeroizing::new(key.0.iter().map(|byte| format!("{byte:02x}")).collect());
    let pragma = Zeroizing::new(format!("PRAGMA key = \"x'{}'\"", hex.as_str()));
    connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
    connection.execute_batch(&pragma)?;
    Ok(())
}

/// Opens the file with the settings of docs/adr/0002, and brings its schema up to date. Where it
/// cannot be read, because of the key, its version or damage, no byte of it is changed.
pub(super) fn connect_to_write(
    path: &Path,
    key: &StoreKey,
    create: bool,
) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, create);
    let connection = connect(path, flags)?;
    // Closing the last connection would write the -wal file back, even one that we cannot read.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    set_key(&connection, key)?;
    // The first read: a wrong key or a foreign file ends here, before anything is written.
    let found: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found == 0 && !create {
        return Err(StoreError::Damaged("the file is empty or cut off"));
    }
    if found > SCHEMA_VERSION {
        // Reading made an empty -wal file where there was none; closing takes it away again.
        let frames: i64 =
            connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1))?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, frames > 0)?;
        return Err(StoreError::NewerSchema { found, known: SCHEMA_VERSION });
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;
         PRAGMA mmap_size = 0; PRAGMA busy_timeout = 5000;",
    )?;
    // What a killed process wrote and did not sync would be shown, and sent, before it is durable;
    // a checkpoint syncs it.
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Plans do not depend on the values bound, so a statement is not prepared again for others.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(128);
    for (version, migration) in (1..).zip(MIGRATIONS).skip(found as usize) {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {migration}; PRAGMA user_version = {version}; COMMIT;"
        ))?;
    }
    Ok(connection)
}
