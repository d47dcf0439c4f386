//! Why a hub does not start, or stopped.

use kitbag_core::store::StoreError;
use std::net::SocketAddr;

/// Why a hub does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Plain HTTP is for this machine alone.
    #[error(
        "{0} is not a loopback address: plain HTTP is refused there; leave --insecure-loopback out"
    )]
    NotLoopback(SocketAddr),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key is there and the store is not.
    #[error(
        "the hub's key is here, but hub.db is empty or gone: put a backup in its place with \
         `kitbag hub restore`; if there was never anything in it, move hub.key away and start again"
    )]
    StoreGone,
    /// The place for a backup is in the hub's own folder, or something else is there.
    #[error(
        "a backup is not written into the hub's own folder, nor over anything but an older backup; name \
         another file"
    )]
    NotForABackup,
    /// A backup without its key cannot be read.
    #[error("hub.key is not in the hub's folder: a backup is encrypted by it; put it there first")]
    KeyGone,
    /// The file is not the spare that devices pinned.
    #[error("this is not the spare key that this hub's devices pinned; nothing was changed")]
    NotTheSpare,
    /// A first start without the root key.
    #[error(
        "this folder holds no hub yet: give the programme's root key with --root at its first start"
    )]
    RootNeeded,
    /// TLS does not take the hub's key.
    #[error("the hub's key cannot be used for TLS: {0}; restore the hub from a backup")]
    Tls(String),
    /// The folder or the socket cannot be used.
    #[error("cannot use {what}: {reason}; check that it exists and is yours")]
    Io {
        /// Which.
        what: &'static str,
        /// The system's word.
        reason: std::io::Error,
    },
}

pub(crate) fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> HubError {
    move |reason| HubError::Io { what, reason }
}
