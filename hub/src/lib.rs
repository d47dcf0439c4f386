//! The hub: a peer with the whole programme in scope, over one SQLite file.
//!
//! It acknowledges an entry after COMMIT; verdicts and projection follow behind, so that no entry
//! can stop ingest, and totals say up to when they include everything.

mod answers;
mod backup;
mod budgets;
mod invitations;
mod keys;
mod places;
mod rates;
mod reporting;
mod server;
mod state;
mod totals;

pub use backup::{backup, restore};
pub use budgets::Budgets;
pub use server::{HubError, Options, run, use_spare};
