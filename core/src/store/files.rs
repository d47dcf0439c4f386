//! The store's files: one process at a time, copies, checks that change nothing, moving aside.

use super::connection::{BUSY, connect, connect_to_read, set_key, with_ending};
use super::{KeyFault, KeyProvider, Store, StoreError};
use rusqlite::OpenFlags;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The endings of the files that belong to a store beside its own.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// This process has the store. The system gives it back when the process ends in any way.
pub(super) struct Lock {
    file: File,
    path: PathBuf,
    /// Whether the lock's file was made now, so that it goes again where the store does not open.
    is_new: bool,
    /// Held to read: others may read beside, and nobody may write.
    is_to_read: bool,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A child that was just started may hold the same open file for a moment.
        let _ = self.file.unlock();
        // What was made to read goes with the last who reads.
        if self.is_to_read && self.is_new && self.file.try_lock().is_ok() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Lock {
    /// Takes the lock away again, with its file where it was made for nothing.
    pub(super) fn give_up(self) {
        if self.is_new {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Takes the store for this process. Where its folder is no folder of this system, as under a file
/// system of SQLite's own, nobody else can have it.
pub(super) fn lock(path: &Path) -> Result<Option<Lock>, StoreError> {
    lock_for(path, false)
}

/// Takes the store to read it: others may read it meanwhile, and nobody writes.
pub(super) fn lock_to_read(path: &Path) -> Result<Option<Lock>, StoreError> {
    lock_for(path, true)
}

fn lock_for(path: &Path, is_to_read: bool) -> Result<Option<Lock>, StoreError> {
    let path = with_ending(path, "-lock");
    let is_new = !path.exists();
    let opened = File::options().create(true).truncate(false).write(true).open(&path);
    let Ok(file) = opened else { return Ok(None) };
    let locked = if is_to_read { file.try_lock_shared() } else { file.try_lock() };
    match locked {
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Busy),
        Ok(()) | Err(std::fs::TryLockError::Error(_)) => {
            Ok(Some(Lock { file, path, is_new, is_to_read }))
        }
    }
}

/// A copy of a store beside it, to try on; its files go when it is dropped.
pub(crate) struct Copied {
    store: Option<Store>,
    path: PathBuf,
}

impl Copied {
    pub(crate) fn store(&mut self) -> Result<&mut Store, StoreError> {
        self.store.as_mut().ok_or(StoreError::NotOpen)
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        self.store = None;
        for ending in BESIDE.iter().chain(&["", "-lock"]) {
            let _ = std::fs::remove_file(with_ending(&self.path, ending));
        }
    }
}

impl Store {
    /// Copies this store, as it is now, into a file beside it. Nothing of this one changes.
    pub(crate) fn copied(&self) -> Result<Copied, StoreError> {
        let path = with_ending(&self.path, ".copy");
        // What an interrupted call left behind is nobody's.
        drop(Copied { store: None, path: path.clone() });
        let mut copied = Copied { store: None, path };
        let out = copied.path.to_str().ok_or(StoreError::Damaged("the name of the copy"))?;
        self.sql()?.execute("VACUUM INTO ?1", [out])?;
        let (scope, settling) = (self.scope.clone(), self.settling);
        copied.store = Some(Store::open(&copied.path, &self.key, None, scope, settling)?);
        Ok(copied)
    }
}

impl Store {
    /// Copies a store into a new file as of one moment, under the same key, though another process
    /// writes to it meanwhile. The store itself is only read.
    pub fn copy(path: &Path, key: &dyn KeyProvider, out: &Path) -> Result<(), StoreError> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        set_key(&connection, &key.store_key()?)?;
        connection.execute_batch("PRAGMA busy_timeout = 5000")?;
        let out = out.to_str().ok_or(StoreError::Damaged("the name of the copy"))?;
        connection.execute("VACUUM INTO ?1", [out])?;
        Ok(())
    }

    /// Empties the log beside the store after an erasure, so that nothing of it is left on the disk; at
    /// the next transaction where that fails.
    pub(super) fn empty_log_after_erasure(&self) {
        let Some(connection) = self.connection.as_ref().filter(|_| self.erased.get()) else {
            return;
        };
        // Nobody waits here for who reads: the next transaction tries again.
        let _ = connection.busy_timeout(Duration::ZERO);
        let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
        let _ = connection.busy_timeout(BUSY);
        self.erased.set(busy != Ok(0_i64));
    }

    /// Writes the log beside the store back into it, and empties it.
    pub fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.ensure_open()?;
        let checkpointed = self.sql()?.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if checkpointed.is_err() {
            self.reload_or_close();
        }
        Ok(checkpointed?)
    }

    /// Whether a store's file that nobody writes to is whole: opens with this key, is of a version
    /// that this one reads, and holds in every page. No byte of it changes, and no file beside it is
    /// made.
    pub fn check(path: &Path, key: &dyn KeyProvider) -> Result<(), StoreError> {
        let connection = match connect_to_read(path, &key.store_key()?) {
            // An older one is brought up to date when it is opened.
            Err(StoreError::OlderSchema) => return Ok(()),
            connection => connection?,
        };
        let mut pages = connection.prepare("PRAGMA cipher_integrity_check")?;
        if pages.query([])?.next()?.is_some() {
            return Err(StoreError::Damaged("a page"));
        }
        let whole: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if whole == "ok" { Ok(()) } else { Err(StoreError::Damaged("the file")) }
    }

    /// Moves a store's files aside, all of them, whatever is in them: nothing is deleted. Returns
    /// where the store is now, or `None` where there was none.
    pub fn move_aside(path: &Path) -> Result<Option<PathBuf>, StoreError> {
        let _lock = lock(path)?;
        let failed = |error: std::io::Error| StoreError::Key(KeyFault::NotHad(error.kind()));
        let is_there =
            |path: &Path| BESIDE.iter().chain([&""]).any(|end| with_ending(path, end).exists());
        if !is_there(path) {
            return Ok(None);
        }
        let aside = (1_u32..)
            .map(|number| with_ending(path, &format!(".aside-{number}")))
            .find(|aside| !is_there(aside))
            .ok_or(StoreError::Damaged("the files moved aside"))?;
        // The log first: a store without it is an older state, a log without its store is nothing.
        for ending in ["-shm", "-wal", ""] {
            let from = with_ending(path, ending);
            if from.exists() {
                std::fs::rename(&from, with_ending(&aside, ending)).map_err(failed)?;
            }
        }
        Ok(Some(aside))
    }
}
