//! Facts about the whole path, from a save to a total on another store.
#![allow(clippy::unwrap_used, missing_docs)]

mod bad_line;
mod bundles;
mod completeness;
mod damage;
mod endpoint;
mod expressible;
mod hard;
mod hostile;
mod hub;
mod hub_process;
mod joining;
mod kill;
mod kill_sync;
mod mended;
mod newer;
mod operating;
mod own_writing;
mod path;
mod programme;
mod protocol;
mod reconnecting;
mod salvage;
mod store_file;
mod totals;
mod verifying;
