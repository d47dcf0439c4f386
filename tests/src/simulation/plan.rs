//! What happens in one simulation: drawn from the seed before anything runs.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One thing that happens. Who and what is drawn from the randomness beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Somebody creates a record.
    Create,
    /// Somebody corrects a field, or two.
    Correct,
    /// Somebody voids a record, or takes a void back.
    Void,
    /// Somebody links a record as a duplicate of another.
    Duplicate,
    /// Somebody adds an administration.
    Add,
    /// Somebody corrects or voids an administration.
    PutIn,
    /// Somebody undoes their own last change.
    Undo,
    /// A device begins a sync.
    Sync,
    /// A phone's bundle is carried to a colleague's.
    Carry,
    /// A message in flight arrives, not the oldest first.
    Deliver,
    /// A message in flight is lost.
    Lose,
    /// A message in flight comes twice.
    Twice,
    /// A message in flight loses its end.
    Cut,
    /// The hub settles some of what came in.
    Settle,
    /// A coordinator revokes a worker; or the root a coordinator.
    Revoke,
    /// A coordinator certifies a worker anew.
    Certify,
    /// A coordinator accepts what was refused.
    Accept,
    /// A coordinator, or another one, wants a record erased.
    Erase,
    /// A machine stops before, in or after its next change.
    Crash,
    /// A phone's files are copied aside.
    BackUp,
    /// A phone goes on from its older copy.
    Restore,
    /// A second phone goes on from a copy; both live.
    Clone,
    /// The hub's files are copied aside.
    BackUpHub,
    /// The hub goes on from its older copy.
    RestoreHub,
    /// An app is closed and opened.
    Reopen,
    /// A worker syncs and leaves a team.
    Leave,
    /// A certified device turned hostile does something.
    Hostile,
    /// A worker comes with a new phone.
    NewPhone,
    /// Somebody imports a row that others import, too.
    Import,
    /// Somebody says that two records are two events.
    KeepApart,
    /// Somebody says what a device is called.
    Label,
    /// Somebody sets a phone's clock.
    Clock,
}

/// The steps, each with randomness of its own.
pub type Plan = Vec<(Step, u64)>;

/// How often each step is drawn, in a world without weather.
const WEIGHTS: [(Step, u32); 32] = [
    (Step::Create, 16),
    (Step::Correct, 16),
    (Step::Void, 4),
    (Step::Duplicate, 4),
    (Step::Add, 4),
    (Step::PutIn, 4),
    (Step::Undo, 4),
    (Step::Sync, 16),
    (Step::Carry, 4),
    (Step::Deliver, 40),
    (Step::Lose, 3),
    (Step::Twice, 3),
    (Step::Cut, 3),
    (Step::Settle, 6),
    (Step::Revoke, 2),
    (Step::Certify, 2),
    (Step::Accept, 4),
    (Step::Erase, 2),
    (Step::Crash, 6),
    (Step::BackUp, 3),
    (Step::Restore, 2),
    (Step::Clone, 1),
    (Step::BackUpHub, 1),
    (Step::RestoreHub, 1),
    (Step::Reopen, 2),
    (Step::Leave, 1),
    (Step::Hostile, 8),
    (Step::NewPhone, 3),
    (Step::Import, 6),
    (Step::KeepApart, 2),
    (Step::Label, 2),
    (Step::Clock, 2),
];

/// Draws a plan. A swarm: each seed leaves some kinds of step out and has others more often, so that
/// rare meetings are not drowned.
pub fn plan(seed: u64) -> Plan {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let weights: Vec<(Step, u32)> = WEIGHTS
        .iter()
        .map(|(step, weight)| {
            let essential = [Step::Create, Step::Correct, Step::Sync, Step::Deliver].contains(step);
            let factor = match random.random_range(0..4) {
                0 if !essential => 0,
                3 => 3,
                _ => 1,
            };
            (*step, weight * factor)
        })
        .collect();
    let length = random.random_range(20..120);
    (0..length)
        .map(|_| {
            let drawn = weights.choose_weighted(&mut random, |(_, weight)| *weight);
            (drawn.map_or(Step::Create, |(step, _)| *step), random.random())
        })
        .collect()
}
