//! A store's key in a file that the platform's keystore and, where a person chose one, a PIN open together.
//!
//! A wrong PIN costs time, and never a record: waits grow with each, and nothing is wiped. They are measured by how long
//! this process runs, not by the clock, which whoever holds the phone can set; who ends the app waits anew.

use crate::Error;
use kitbag_core::store::{StoreKey, is_under, needs_pin, unwrapped, wrapped};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many wrong PINs cost nothing: fingers shake.
const FREE_TRIES: u32 = 4;
/// How long each further one waits for the next, in s; the last stands for all that follow.
const WAITS_S: [u64; 5] = [30, 60, 300, 900, 3_600];

/// The file of a key.
pub struct ProtectedKey {
    path: PathBuf,
    /// Since when the next try is waited for.
    since: Mutex<Instant>,
}

impl ProtectedKey {
    /// The key in this file, which may not be there yet. Keep one for as long as the app runs.
    pub fn at(path: &Path) -> Self {
        ProtectedKey { path: path.to_owned(), since: Mutex::new(Instant::now()) }
    }

    /// Whether it was made: also where it cannot be looked at, so that nothing is ever made in its place.
    pub fn is_made(&self) -> bool {
        let looked = std::fs::symlink_metadata(&self.path);
        !looked.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    }

    /// Makes a new key under the keystore's secret, without a PIN.
    ///
    /// # Errors
    /// `store_is_there` where one was made: it may be a store's.
    pub fn make(&self, secret: &StoreKey) -> Result<StoreKey, Error> {
        if self.is_made() {
            return Err(Error::NotAllowed("store_is_there"));
        }
        let key = StoreKey::fresh()?;
        self.put(&wrapped(&key, secret, None)?)?;
        Ok(key)
    }

    /// Whether a PIN opens it.
    pub fn needs_pin(&self) -> Result<bool, Error> {
        needs_pin(&self.read()?).ok_or(Error::NotUsable("not_a_key"))
    }

    /// Whether it is under this secret of the keystore's: after an interrupted [`ProtectedKey::change`] it may be under
    /// the one before.
    pub fn is_under(&self, secret: &StoreKey) -> Result<bool, Error> {
        is_under(&self.read()?, secret).ok_or(Error::NotUsable("not_a_key"))
    }

    /// How long a PIN has to wait; zero where it need not.
    pub fn wait(&self) -> Duration {
        self.wait_at(Instant::now())
    }

    fn wait_at(&self, now: Instant) -> Duration {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        wait_after(self.tries()).saturating_sub(now.saturating_duration_since(since))
    }

    /// The key.
    ///
    /// # Errors
    /// `pin_wrong` for another PIN, or none; `pin_wait` while [`ProtectedKey::wait`] is not over; `key_not_had` for another
    /// secret; `storage_full` where a try cannot be noted.
    pub fn open(&self, secret: &StoreKey, pin: Option<&str>) -> Result<StoreKey, Error> {
        self.open_at(secret, pin, Instant::now())
    }

    fn open_at(
        &self,
        secret: &StoreKey,
        pin: Option<&str>,
        now: Instant,
    ) -> Result<StoreKey, Error> {
        let file = self.read()?;
        if needs_pin(&file) != Some(true) || pin.is_none() {
            return Ok(unwrapped(&file, secret, pin)?);
        }
        if is_under(&file, secret) != Some(true) {
            return Err(Error::NotOpen("key_not_had"));
        }
        if !self.wait_at(now).is_zero() {
            return Err(Error::NotAllowed("pin_wait"));
        }
        // Noted before it is tried: who stops the app in between has tried.
        let tries = self.tries().saturating_add(1);
        self.note(tries)?;
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = now;
        let key = unwrapped(&file, secret, pin)?;
        self.note(0)?;
        Ok(key)
    }

    /// Wraps the key anew: another PIN, one where there was none, none where there was one; and another secret, so that
    /// the keystore can forget the one that opened what the file held before. Whole, or not at all.
    ///
    /// # Errors
    /// As [`ProtectedKey::open`]; `pin_too_short`.
    pub fn change(
        &self,
        (secret, pin): (&StoreKey, Option<&str>),
        (new_secret, new_pin): (&StoreKey, Option<&str>),
    ) -> Result<(), Error> {
        let key = self.open(secret, pin)?;
        let file = wrapped(&key, new_secret, new_pin)?;
        // Space for what is noted of tries is taken while there is some.
        self.note(0)?;
        self.put(&file)
    }

    fn read(&self) -> Result<Vec<u8>, Error> {
        std::fs::read(&self.path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::NotFound("no_store"),
            _ => Error::NotOpen("key_not_had"),
        })
    }

    fn put(&self, file: &[u8]) -> Result<(), Error> {
        let beside = self.path.with_extension("key-new");
        let written =
            write_beside(&beside, file).and_then(|()| std::fs::rename(&beside, &self.path));
        written.and_then(|()| sync_folder(&self.path)).map_err(failed)
    }

    fn tries_path(&self) -> PathBuf {
        self.path.with_extension("tries")
    }

    fn tries(&self) -> u32 {
        let noted = std::fs::read(self.tries_path()).unwrap_or_default();
        noted.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
    }

    /// In the same place, as a phone that is full has no other.
    fn note(&self, tries: u32) -> Result<(), Error> {
        let path = self.tries_path();
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let note = || {
            let mut file = options.open(&path)?;
            file.rewind()?;
            file.write_all(&tries.to_be_bytes())?;
            file.sync_all()
        };
        note().map_err(failed)
    }
}

fn wait_after(tries: u32) -> Duration {
    let beyond = tries.saturating_sub(FREE_TRIES) as usize;
    let wait = beyond.checked_sub(1).map(|at| WAITS_S.get(at).or(WAITS_S.last()).copied());
    Duration::from_secs(wait.flatten().unwrap_or(0))
}

fn write_beside(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::File::open(folder)?.sync_all()?;
    }
    _ = path;
    Ok(())
}

fn failed(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::StorageFull,
        _ => Error::NotOpen("key_not_had"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(from: Instant, seconds: u64) -> Instant {
        from + Duration::from_secs(seconds)
    }

    #[test]
    fn wrong_pins_wait_ever_longer_whatever_is_restarted_and_lose_nothing() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let path = folder.path().join("store.protected");
        let (one, two) = (StoreKey::new([1; 32]), StoreKey::new([2; 32]));
        let file = ProtectedKey::at(&path);
        let key = file.make(&one).map(|key| key.to_bytes()).expect("a new key");
        assert!(file.make(&one).is_err(), "a key that is there is a store's");
        let opened = |secret: &StoreKey, pin| file.open(secret, pin).map(|key| key.to_bytes());
        assert_eq!(opened(&one, None), Ok(key.clone()));
        file.change((&one, None), (&two, Some("135790"))).expect("a PIN");
        assert_eq!(file.needs_pin(), Ok(true));
        assert_eq!((file.is_under(&one), file.is_under(&two)), (Ok(false), Ok(true)));
        assert_eq!(opened(&two, None).map(drop), Err(Error::NotUsable("pin_wrong")));
        assert_eq!(opened(&one, Some("135790")).map(drop), Err(Error::NotOpen("key_not_had")));
        let start = Instant::now();
        let at = |seconds, pin| file.open_at(&two, Some(pin), later(start, seconds)).map(drop);
        for _ in 0..FREE_TRIES {
            assert_eq!(at(0, "000000"), Err(Error::NotUsable("pin_wrong")));
        }
        assert_eq!(at(0, "111111"), Err(Error::NotUsable("pin_wrong")));
        assert_eq!(at(29, "135790"), Err(Error::NotAllowed("pin_wait")));
        assert_eq!(at(30, "222222"), Err(Error::NotUsable("pin_wrong")));
        assert_eq!(at(89, "135790"), Err(Error::NotAllowed("pin_wait")));
        // Another process waits whole, however often it is ended.
        let again = ProtectedKey::at(&path);
        assert!(again.wait() > Duration::from_secs(58), "{:?}", again.wait());
        assert!(again.open(&two, Some("135790")).is_err());
        // The right one in time ends it.
        assert_eq!(at(90, "135790"), Ok(()));
        assert_eq!(ProtectedKey::at(&path).wait(), Duration::ZERO);
        file.change((&two, Some("135790")), (&one, None)).expect("no PIN any more");
        assert_eq!(opened(&one, None), Ok(key));
    }

    #[test]
    fn waits_grow_to_an_hour_and_no_further() {
        let waits: Vec<u64> = (0..12).map(|tries| wait_after(tries).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 30, 60, 300, 900, 3_600, 3_600, 3_600]);
        assert_eq!(wait_after(u32::MAX).as_secs(), 3_600);
    }
}
