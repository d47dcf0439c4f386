//! The store's key, and where it comes from.

use super::StoreError;
use crate::identity::slow_hash::slow_hash;
use chacha20poly1305::aead::Aead;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use std::io::Write;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The store's 256-bit key. Never shown; wiped when dropped.
#[derive(Clone)]
pub struct StoreKey(pub(super) Zeroizing<[u8; 32]>);

impl StoreKey {
    /// The key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        StoreKey(Zeroizing::new(bytes))
    }

    /// A new key, of the system's randomness.
    pub fn fresh() -> Result<Self, StoreError> {
        let mut bytes = Zeroizing::new([0; 32]);
        let failed = |error: getrandom::Error| {
            StoreError::Key(KeyFault::NotHad(std::io::Error::from(error).kind()))
        };
        getrandom::fill(bytes.as_mut()).map_err(failed)?;
        Ok(StoreKey(bytes))
    }

    /// The key's bytes, for keys of other uses that are kept in files of this form.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }
}

/// Where the store's key comes from: the platform's keystore in an app, a file on a server.
pub trait KeyProvider {
    /// The key, made on first use.
    fn store_key(&self) -> Result<StoreKey, StoreError>;
}

/// Why a store's key is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Whoever keeps it does not give it: a keystore that is locked, a file that cannot be read or written.
    #[error("it cannot be had ({0})")]
    NotHad(std::io::ErrorKind),
    /// What is kept there is no key.
    #[error("what lies there is no key")]
    NotAKey,
    /// Another passphrase opens it. Nothing was changed.
    #[error("the passphrase does not open it; nothing was changed")]
    OtherPassphrase,
    /// Another secret of the keystore's wrapped it. Nothing was changed.
    #[error("another secret wrapped it; nothing was changed")]
    OtherSecret,
    /// Another PIN opens it, or none was given. Nothing was changed.
    #[error("the PIN does not open it; nothing was changed")]
    OtherPin,
    /// A new PIN is too short.
    #[error("a PIN has at least six characters")]
    PinTooShort,
    /// A new passphrase is too short.
    #[error("a passphrase has at least {PASSPHRASE_CHARS_MIN} characters")]
    TooShort,
}

impl KeyProvider for StoreKey {
    fn store_key(&self) -> Result<StoreKey, StoreError> {
        Ok(self.clone())
    }
}

/// A key in a file that only its owner reads, made on first use.
pub struct KeyFile(pub PathBuf);

impl KeyProvider for KeyFile {
    fn store_key(&self) -> Result<StoreKey, StoreError> {
        let failed = |reason: std::io::Error| StoreError::Key(KeyFault::NotHad(reason.kind()));
        if !self.0.exists() {
            write_private(&self.0, StoreKey::fresh()?.0.as_ref()).map_err(failed)?;
        }
        let bytes = Zeroizing::new(std::fs::read(&self.0).map_err(failed)?);
        let key = bytes.as_slice().try_into();
        key.map(StoreKey::new).map_err(|_| StoreError::Key(KeyFault::NotAKey))
    }
}

/// A key in a file that a passphrase opens (Argon2id), made on first use: for keys kept offline.
pub struct PassphraseFile {
    /// The file.
    pub path: PathBuf,
    /// The passphrase.
    pub passphrase: Zeroizing<String>,
}

const PASSPHRASE_CHARS_MIN: usize = 12;
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 24;

impl PassphraseFile {
    fn cipher(&self, salt: &[u8]) -> Result<XChaCha20Poly1305, StoreError> {
        let key = slow_hash(self.passphrase.as_bytes(), salt);
        let key = key.ok_or(StoreError::Key(KeyFault::OtherPassphrase))?;
        Ok(XChaCha20Poly1305::new((&*key).into()))
    }

    fn make(&self) -> Result<(), StoreError> {
        if self.passphrase.chars().count() < PASSPHRASE_CHARS_MIN {
            return Err(StoreError::Key(KeyFault::TooShort));
        }
        let failed = |reason: std::io::Error| StoreError::Key(KeyFault::NotHad(reason.kind()));
        let mut fresh = Zeroizing::new([0; 32 + SALT_BYTES + NONCE_BYTES]);
        getrandom::fill(fresh.as_mut()).map_err(|error| failed(error.into()))?;
        let (key, public) = fresh.split_at(32);
        let (salt, nonce) = public.split_at(SALT_BYTES);
        let mut nonce_bytes = [0; NONCE_BYTES];
        nonce_bytes.copy_from_slice(nonce);
        let sealed = self.cipher(salt)?.encrypt(&XNonce::from(nonce_bytes), key);
        let sealed = sealed.map_err(|_| StoreError::Key(KeyFault::NotAKey))?;
        let file = [&[1, 1], salt, nonce, &sealed].concat();
        write_private(&self.path, &file).map_err(failed)
    }
}

impl KeyProvider for PassphraseFile {
    fn store_key(&self) -> Result<StoreKey, StoreError> {
        if !self.path.exists() {
            self.make()?;
        }
        let not_ours = || StoreError::Key(KeyFault::NotAKey);
        let file = std::fs::read(&self.path);
        let file = file.map_err(|error| StoreError::Key(KeyFault::NotHad(error.kind())))?;
        let rest = file.strip_prefix(&[1, 1]).ok_or_else(not_ours)?;
        let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>().ok_or_else(not_ours)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(not_ours)?;
        let key = self.cipher(salt)?.decrypt(&XNonce::from(*nonce), sealed);
        let wrong = |_| StoreError::Key(KeyFault::OtherPassphrase);
        let key = Zeroizing::new(key.map_err(wrong)?);
        key.as_slice().try_into().map(StoreKey::new).map_err(|_| not_ours())
    }
}

/// Writes beside the file and renames, so that a crash leaves the whole key or none.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut random = [0; 8];
    getrandom::fill(&mut random)?;
    let beside = path.with_extension(format!("key-new-{}", u64::from_be_bytes(random)));
    let mut options = std::fs::OpenOptions::new();
    // Under a name that nobody has, and never through a link or into a file that others made.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let named = written.and_then(|()| match std::fs::symlink_metadata(path) {
        Ok(_) => Err(std::io::ErrorKind::AlreadyExists.into()),
        Err(_) => std::fs::rename(&beside, path),
    });
    named.inspect_err(|_| _ = std::fs::remove_file(&beside))?;
    #[cfg(unix)]
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_opens_its_key_and_another_does_not() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let file = |passphrase: &str| PassphraseFile {
            path: folder.path().join("root.key"),
            passphrase: Zeroizing::new(passphrase.to_owned()),
        };
        assert!(matches!(file("too short").store_key(), Err(StoreError::Key(_))));
        assert!(!file("").path.exists());
        let made = file("correct horse battery").store_key().ok().map(|key| key.0.to_vec());
        assert!(made.is_some());
        let before = std::fs::read(file("").path).expect("just made");
        let again = file("correct horse battery").store_key().ok().map(|key| key.0.to_vec());
        assert_eq!(again, made);
        assert!(matches!(file("correct horse batterz").store_key(), Err(StoreError::Key(_))));
        assert_eq!(std::fs::read(file("").path).expect("still there"), before);
        for length in [0, 1, 2, 20, before.len() - 1] {
            std::fs::write(file("").path, &before[..length]).expect("the test owns it");
            assert!(matches!(file("correct horse battery").store_key(), Err(StoreError::Key(_))));
        }
    }

    #[test]
    fn a_key_file_is_made_once_and_read_by_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let file = KeyFile(folder.path().join("store.key"));
        let made = file.store_key().ok().map(|key| key.0.to_vec());
        assert!(made.is_some());
        assert_eq!(file.store_key().ok().map(|key| key.0.to_vec()), made);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&file.0).expect("just made").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(&file.0, b"short").expect("the test owns it");
        assert!(matches!(file.store_key(), Err(StoreError::Key(_))));
    }
}
