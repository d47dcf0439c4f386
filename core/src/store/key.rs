//! The store's key, and where it comes from.

use super::StoreError;
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

impl KeyProvider for StoreKey {
    fn store_key(&self) -> Result<StoreKey, StoreError> {
        Ok(self.clone())
    }
}

/// A key in a file that only its owner reads, made on first use.
pub struct KeyFile(pub PathBuf);

impl KeyProvider for KeyFile {
    fn store_key(&self) -> Result<StoreKey, StoreError> {
        let failed = |reason: std::io::Error| StoreError::Key(reason.to_string());
        if !self.0.exists() {
            let mut bytes = Zeroizing::new([0; 32]);
            getrandom::fill(bytes.as_mut()).map_err(|error| failed(error.into()))?;
            write_private(&self.0, bytes.as_ref()).map_err(failed)?;
        }
        let bytes = Zeroizing::new(std::fs::read(&self.0).map_err(failed)?);
        let key = bytes.as_slice().try_into();
        key.map(StoreKey::new).map_err(|_| StoreError::Key("it is not 32 bytes long".to_owned()))
    }
}

/// Writes beside the file and renames, so that a crash leaves the whole key or none.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let beside = path.with_extension("key-new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
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
