//! Bundles, as files.

use crate::error::KitbagError;
use crate::kitbag::Kitbag;
use crate::runtime::run;
use kitbag_client::BundleWritten;
use kitbag_core::engine::{BundleOf, BundleTaken};
use kitbag_core::model::TeamId;
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

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
    path: PathBuf,
    beside: PathBuf,
    file: Option<File>,
}

impl InPlace {
    fn of(path: String) -> Self {
        let path = PathBuf::from(path);
        let mut beside = path.clone().into_os_string();
        beside.push(".part");
        InPlace { path, beside: beside.into(), file: None }
    }
}

impl Write for InPlace {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            none => none.insert(File::create(&self.beside)?).write(bytes),
        }
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
    /// Writes a bundle for a team's members into a file, which is there whole or as it was before.
    pub async fn export_bundle(
        &self,
        team: TeamId,
        of: BundleOf,
        path: String,
    ) -> Result<BundleWritten, KitbagError> {
        let client = self.client()?;
        let export =
            async move { client.bundles().export(team, of, InPlace::of(path), |_| {}).await };
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
