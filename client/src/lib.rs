//! What every front end holds: one device's store, with a writer and readers beside it, and its syncs.
//!
//! A [`Client`] is cheap to clone and may be called from any thread. A save never waits for the network, and a read
//! never waits for a save: the one writer has a thread of its own, readers have theirs. What is asked for stands under
//! the subject by which people look for it: [`Client::records`], [`Client::sync`], [`Client::team`] and so on.
#![warn(missing_docs)]

mod blocking;
mod bundles;
mod changes;
mod client;
mod drafts;
mod error;
mod health;
mod joining;
mod keeping;
mod keys;
mod programme;
mod protected_key;
mod records;
mod reports;
mod revoking;
mod running;
mod stock;
mod sync;
mod team;
mod totals;
mod workers;

pub use blocking::BlockingHubClient;
pub use bundles::{BundleWritten, Bundles};
pub use changes::Changes;
pub use client::{Client, Clock, Opening, Randomness, Renewing};
pub use drafts::Drafts;
pub use error::Error;
pub use health::{Finding, Health};
pub use joining::Joining;
pub use keeping::KeptSynced;
pub use kitbag_core::store::Noticed;
pub use programme::{Own, Programme};
pub use protected_key::ProtectedKey;
pub use records::{LiftedBy, OneRecord, Records, RefusedRecord};
pub use reports::{Report, ReportLine, Reported, Reports};
pub use revoking::{Aside, Asked, Revoked};
pub use running::SyncEnded;
pub use stock::{Alarm, HeldBatch, Lasting, Stock, StockAlarm, StockNow, of_product};
pub use sync::{Sync, SyncOptions, SyncRun};
pub use team::{Invited, Member, Team};
pub use totals::{CompletenessOf, Shares, Target, Totals, TwoPeriods, shares_of};
