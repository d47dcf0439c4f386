//! How far a sync is, and how it ends.

use crate::model::TeamId;

/// How a sync ended that did not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// The hub and this store hold the same entries of all teams.
    Whole,
    /// The hub keeps some teams from this device, which has no certificate there, or is revoked. What
    /// it wrote is on the hub; it learns nothing of them.
    Without(Vec<TeamId>),
    /// All that the hub held when it first said so is here, and all of ours is there; more came to it
    /// since, which the next sync brings.
    CaughtUp,
    /// A budget is used up, this sync's or the hub's for us; the rest waits for the next sync.
    Partial {
        /// How many entries wait.
        waiting: u64,
    },
}

/// How far a sync is, in entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Acknowledged in this sync.
    pub sent: u64,
    /// Still waiting for the hub.
    pub to_send: u64,
    /// Received in this sync.
    pub received: u64,
    /// Known to be still to come; 0 until the hub showed its clock.
    pub to_receive: u64,
}
