//! Bundles, as files.

use crate::error::KitbagError;
use crate::kitbag::Kitbag;
use crate::runtime::run;
use kitbag_client::BundleWritten;
use kitbag_core::engine::{BundleOf, BundleTaken};
use kitbag_core::model::TeamId;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};

/// A file that is opened where it is first read or written: on a thread that may wait for it.
struct Lazily {
    path: String,
    is_new: bool,
    file: Option<File>,
}

impl Lazily {
    fn of(path: String, is_new: bool) -> Self {
        Lazily { path, is_new, file: None }
    }

    fn file(&mut self) -> std::io::Result<&mut File> {
        match &mut self.file {
            Some(file) => Ok(file),
            file => {
                let opened = match self.is_new {
                    true => {
                        OpenOptions::new().write(true).create(true).truncate(true).open(&self.path)
                    }
                    false => File::open(&self.path),
                };
                Ok(file.insert(opened?))
            }
        }
    }
}

impl Read for Lazily {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.file()?.read(bytes)
    }
}

impl Write for Lazily {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file()?.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        // A card that is pulled out after the call has all of it.
        self.file()?.sync_all()
    }
}

#[uniffi::export]
impl Kitbag {
    /// Writes a bundle for a team's members into a file.
    pub async fn export_bundle(
        &self,
        team: TeamId,
        of: BundleOf,
        path: String,
    ) -> Result<BundleWritten, KitbagError> {
        let client = self.client()?;
        let export =
            async move { client.bundles().export(team, of, Lazily::of(path, true), |_| {}).await };
        run(export).await
    }

    /// Takes a bundle in, from a file.
    pub async fn import_bundle(&self, path: String) -> Result<BundleTaken, KitbagError> {
        let client = self.client()?;
        let import = async move { client.bundles().import(Lazily::of(path, false), |_| {}).await };
        run(import).await
    }
}
