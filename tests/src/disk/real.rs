//! Real files under the disk in memory: what SQLite writes, syncs and reads goes through them.

use super::{Change, Failed};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A folder of a real disk.
pub(super) struct RealDisk(PathBuf);

fn failed(_: std::io::Error) -> Failed {
    Failed::Error
}

impl RealDisk {
    pub(super) fn new(folder: &Path) -> std::io::Result<Self> {
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder)?;
        Ok(RealDisk(folder.to_owned()))
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/').replace('/', "-"))
    }

    fn open(&self, path: &str) -> Result<File, Failed> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        options.open(self.at(path)).map_err(failed)
    }

    pub(super) fn change(&self, path: &str, change: &Change) -> Result<(), Failed> {
        let file = self.open(path)?;
        match change {
            Change::Write { at, bytes } => file.write_all_at(bytes, *at as u64),
            Change::Truncate(length) => file.set_len(*length as u64),
        }
        .map_err(failed)
    }

    pub(super) fn read(&self, path: &str, at: usize, buffer: &mut [u8]) -> Result<usize, Failed> {
        let file = self.open(path)?;
        let mut length = 0;
        while length < buffer.len() {
            match file.read_at(&mut buffer[length..], (at + length) as u64).map_err(failed)? {
                0 => break,
                read => length += read,
            }
        }
        buffer[length..].fill(0);
        Ok(length)
    }

    pub(super) fn sync(&self, path: &str) -> Result<(), Failed> {
        self.open(path)?.sync_all().map_err(failed)
    }

    pub(super) fn delete(&self, path: &str) {
        let _ = std::fs::remove_file(self.at(path));
    }

    /// Puts these files in the place of a machine's.
    pub(super) fn replace<'a>(
        &self,
        machine: &str,
        files: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) {
        let prefix = format!("{}-", machine.trim_start_matches('/'));
        for entry in std::fs::read_dir(&self.0).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        for (path, content) in files {
            let _ = std::fs::write(self.at(path), content);
        }
    }
}
