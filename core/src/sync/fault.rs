//! Why a sync did not end whole, by codes: what is stored and shown has no sentence of its own.

use serde::{Deserialize, Serialize};

/// Why a sync did not end whole. `Words::sync_fault` says it in the reader's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncFault {
    /// Nobody answered, or not in time.
    NoAnswer,
    /// Somebody answered who is not the hub. Nothing was sent.
    NotTheHub,
    /// The hub has more to do than it can.
    Busy,
    /// The hub refused, with this HTTP status.
    Refused(u16),
    /// Somebody stopped it.
    Cancelled,
    /// The time that it was given is over.
    OutOfTime,
    /// It ended for another reason outside.
    CutOff,
    /// What the hub sent cannot be read.
    NotRead,
    /// Both sides still differ, and neither could offer more.
    Stuck,
    /// It found more and more to do.
    Unending,
    /// The hub keeps a team from this device.
    KeptOut,
    /// What it might send is used up; so many entries wait for the next one.
    BudgetSpent(u64),
    /// The store failed.
    Store,
}

impl SyncFault {
    /// One of each.
    pub const ALL: [SyncFault; 13] = [
        SyncFault::NoAnswer,
        SyncFault::NotTheHub,
        SyncFault::Busy,
        SyncFault::Refused(400),
        SyncFault::Cancelled,
        SyncFault::OutOfTime,
        SyncFault::CutOff,
        SyncFault::NotRead,
        SyncFault::Stuck,
        SyncFault::Unending,
        SyncFault::KeptOut,
        SyncFault::BudgetSpent(2),
        SyncFault::Store,
    ];

    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            SyncFault::NoAnswer => "no_answer",
            SyncFault::NotTheHub => "not_the_hub",
            SyncFault::Busy => "busy",
            SyncFault::Refused(_) => "refused",
            SyncFault::Cancelled => "cancelled",
            SyncFault::OutOfTime => "out_of_time",
            SyncFault::CutOff => "cut_off",
            SyncFault::NotRead => "not_read",
            SyncFault::Stuck => "stuck",
            SyncFault::Unending => "unending",
            SyncFault::KeptOut => "kept_out",
            SyncFault::BudgetSpent(_) => "budget_spent",
            SyncFault::Store => "store",
        }
    }

    /// The number that goes with it: a status, or how many entries wait.
    pub fn number(self) -> Option<u64> {
        match self {
            SyncFault::Refused(status) => Some(status.into()),
            SyncFault::BudgetSpent(waiting) => Some(waiting),
            _ => None,
        }
    }
}
