//! A backup of a running hub, and putting one back.

use crate::error::{HubError, io};
use kitbag_core::store::{KeyFile, Settling, Store};
use std::path::{Path, PathBuf};

/// Copies a hub's store into a file, whole and as of one moment, while the hub runs. The copy is
/// encrypted by the same key, `hub.key`, which must be kept elsewhere, too. Returns its size in bytes.
pub fn backup(folder: &Path, out: &Path) -> Result<u64, HubError> {
    let file = folder.join("hub.db");
    let key = KeyFile(folder.join("hub.key"));
    if !file.exists() || !key.0.exists() {
        return Err(HubError::StoreGone);
    }
    let real = |path: &Path| path.canonicalize().ok();
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = real(parent.unwrap_or(Path::new(".")));
    let is_ours = parent.zip(real(folder)).is_some_and(|(parent, ours)| parent.starts_with(ours));
    // What is there already may be an older backup, and nothing else.
    if is_ours || (out.exists() && Store::check(out, &key).is_err()) {
        return Err(HubError::NotForABackup);
    }
    let mut beside = out.as_os_str().to_owned();
    beside.push(format!(".part-{}", std::process::id()));
    let beside = PathBuf::from(beside);
    Store::copy(&file, &key, &beside)?;
    // A copy that cannot be opened is none: it is tried now, not when it is needed.
    Store::check(&beside, &key)?;
    let copied = std::fs::File::open(&beside).map_err(io("the backup"))?;
    copied.sync_all().map_err(io("the backup"))?;
    std::fs::rename(&beside, out).map_err(io("the backup"))?;
    copied.metadata().map(|file| file.len()).map_err(io("the backup"))
}

/// Puts a backup in the place of a stopped hub's store, which is moved aside, not deleted. The hub
/// begins a new epoch: devices offer again what the backup lacks. Returns where the old store is.
pub fn restore(folder: &Path, from: &Path) -> Result<Option<PathBuf>, HubError> {
    let file = folder.join("hub.db");
    let key = KeyFile(folder.join("hub.key"));
    if !key.0.exists() {
        return Err(HubError::KeyGone);
    }
    std::fs::metadata(from).map_err(io("the backup"))?;
    Store::check(from, &key)?;
    let beside = folder.join("hub.restoring");
    std::fs::copy(from, &beside).map_err(io("the backup"))?;
    let copied = std::fs::File::open(&beside).map_err(io("the copy"))?;
    copied.sync_all().map_err(io("the copy"))?;
    // The new epoch begins before the copy is in its place: no crash leaves it without.
    let mut store = Store::open(&beside, &key, None, None, Settling::Behind)?;
    store.begin_epoch()?;
    store.checkpoint()?;
    drop(store);
    let aside = Store::move_aside(&file).inspect_err(|_| _ = std::fs::remove_file(&beside))?;
    std::fs::rename(&beside, &file).map_err(io("the hub's store"))?;
    for left in ["hub.restoring-wal", "hub.restoring-shm", "hub.restoring-lock"] {
        let _ = std::fs::remove_file(folder.join(left));
    }
    Ok(aside)
}
