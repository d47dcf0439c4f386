//! Bundles, as files.

use crate::error::KitbagError;
use crate::kitbag::Kitbag;
use crate::runtime::run;
use kitbag_client::BundleWritten;
use kitbag_core::engine::{BundleOf, BundleTaken, is_bundle};
use kitbag_core::model::TeamId;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// A file that is opened where it is first read: on a thread that may wait for it.
struct Lazily(PathBuf, Option<File>);

impl Read for Lazily {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        match &mut self.1 {
            Some(file) => file.read(bytes),
            none => none.insert(File::open(&self.0)?).read(bytes),
        }
    }
}

/// A file that is there whole, or as it was before: it is written beside its place, and moved there once the card has it.
struct InPlace {
    store: PathBuf,
    path: PathBuf,
    beside: PathBuf,
    file: Option<File>,
}

impl InPlace {
    fn of(store: &Path, path: String) -> Self {
        let (store, path) = (store.to_owned(), PathBuf::from(path));
        let mut beside = path.clone().into_os_string();
        beside.push(".part");
        InPlace { store, path, beside: beside.into(), file: None }
    }

    /// Whether nothing is lost by what takes the place: there is nothing yet, or a bundle. Never the store or a file of it.
    fn is_free(&self) -> bool {
        let name =
            |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = |path: &Path| {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            folder.unwrap_or(Path::new(".")).canonicalize().ok()
        };
        let is_own = folder(&self.path) == folder(&self.store)
            && name(&self.path).starts_with(&name(&self.store));
        let mut begin = Vec::new();
        let read = File::open(&self.path).and_then(|file| file.take(6).read_to_end(&mut begin));
        !is_own && (read.is_err() || begin.is_empty() || is_bundle(&begin))
    }
}

impl Write for InPlace {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.file.is_none() {
            if !self.is_free() {
                return Err(std::io::ErrorKind::AlreadyExists.into());
            }
            self.file = Some(File::create(&self.beside)?);
        }
        self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        // A card that is pulled out after the call has all of it.
        file.sync_all()?;
        std::fs::rename(&self.beside, &self.path)?;
        self.file = None;
        Ok(())
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        if self.file.is_some() {
            _ = std::fs::remove_file(&self.beside);
        }
    }
}

#[uniffi::export]
impl Kitbag {
    /// Writes a bundle for a team's members into a file, which is there whole or as it was before: a new one, or in the
    /// place of a bundle.
    pub async fn export_bundle(
        &self,
        team: TeamId,
        of: BundleOf,
        path: String,
    ) -> Result<BundleWritten, KitbagError> {
        let client = self.client()?;
        let export = async move {
            let file = InPlace::of(client.store(), path);
            client.bundles().export(team, of, file, |_| {}).await
        };
        run(export).await
    }

    /// Takes a bundle in, from a file.
    pub async fn import_bundle(&self, path: String) -> Result<BundleTaken, KitbagError> {
        let client = self.client()?;
        let from = Lazily(path.into(), None);
        let import = async move { client.bundles().import(from, |_| {}).await };
        run(import).await
    }
}
