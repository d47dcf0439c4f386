//! The hub: a peer with the whole programme in scope, over one SQLite file.
//!
//! It acknowledges an entry after COMMIT; verdicts and projection follow behind, so that no entry
//! can stop ingest, and totals say up to when they include everything.

mod access;
mod aside;
mod backup;
mod budgets;
mod completeness;
mod digests;
mod error;
mod invitations;
mod joining;
mod keys;
mod problem;
mod rates;
mod router;
mod server;
mod slots;
mod state;
mod syncing;
mod totals;

pub use backup::{backup, restore};
pub use budgets::Budgets;
pub use error::HubError;
pub use server::{Options, run, use_spare};
