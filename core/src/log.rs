//! The log: the only thing that is stored as truth, sent, acknowledged, relayed and kept.
//!
//! Each device appends entries to its own hash-chained log, one for each team. [`entry`] and
//! [`payload`] are the bytes, [`run`] how they travel, [`chain`] how branches of a forked log are
//! told apart, [`authority`] and [`judge`] decide what counts, as pure functions of what is held.

pub mod authority;
pub mod carriage;
pub mod chain;
pub mod ending;
pub mod entry;
pub mod judge;
pub mod payload;
pub mod run;
pub mod verdict;

pub use authority::Authority;
pub use carriage::Carriage;
pub use chain::{Chains, LogInfo, Place};
pub use ending::{Author, Ending};
pub use entry::{Entry, Header, Tip};
pub use payload::{Administration, Open, RecordPayload};
pub use run::{Brought, Run, SignedTip, TurnedAway};
pub use verdict::{Refusal, Verdict, Waiting};
