//! What each member may ask of the hub: a budget delays, and never decides what counts. Nothing is lost by
//! it: what is put off comes with a later sync.

use kitbag_core::model::DeviceKey;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What a member may use at once, and what comes back to it.
#[derive(Clone, Copy, Debug)]
pub struct Budgets {
    /// Bytes of requests, inflated: at once.
    pub inflated_bytes: u64,
    /// The hub's time for its requests, in seconds: at once.
    pub seconds: u64,
    /// New logs and branches of its own: at once.
    pub branches: u64,
}

impl Default for Budgets {
    /// Meant to let a first sync of a million records through, and a phone that is restored every day.
    fn default() -> Self {
        Budgets { inflated_bytes: 512 << 20, seconds: 300, branches: 100 }
    }
}

/// In this time a budget that was spent is whole again.
const WHOLE_AGAIN: Duration = Duration::from_secs(3_600);
/// The most members whose budgets are kept: those that are whole are dropped first.
const MEMBERS_MAX: usize = 50_000;

#[derive(Clone, Copy)]
struct Spent {
    bytes: f64,
    seconds: f64,
    branches: f64,
    at: Instant,
}

#[derive(Default)]
struct Held {
    spent: HashMap<DeviceKey, Spent>,
    /// Whose budget ran out, for coordinators to see.
    over: BTreeSet<DeviceKey>,
}

/// What all members have spent.
#[derive(Clone)]
pub(crate) struct Accounts {
    budgets: Budgets,
    held: Arc<Mutex<Held>>,
}

impl Accounts {
    pub(crate) fn new(budgets: Budgets) -> Self {
        Accounts { budgets, held: Arc::default() }
    }

    /// Changes what a member has spent, what came back since taken off first; tells whether it may go on.
    fn account(&self, member: DeviceKey, now: Instant, spend: impl FnOnce(&mut Spent)) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.spent.len() >= MEMBERS_MAX {
            held.spent.retain(|_, spent| now.duration_since(spent.at) < WHOLE_AGAIN);
        }
        let fresh = Spent { bytes: 0.0, seconds: 0.0, branches: 0.0, at: now };
        let spent = held.spent.entry(member).or_insert(fresh);
        let back = now.duration_since(spent.at).as_secs_f64() / WHOLE_AGAIN.as_secs_f64();
        let less = |spent: f64, whole: u64| (spent - back * whole as f64).max(0.0);
        spent.bytes = less(spent.bytes, self.budgets.inflated_bytes);
        spent.seconds = less(spent.seconds, self.budgets.seconds);
        spent.branches = less(spent.branches, self.budgets.branches);
        spent.at = now;
        let before = *spent;
        spend(spent);
        let is_within = before.bytes < self.budgets.inflated_bytes as f64
            && before.seconds < self.budgets.seconds as f64;
        let has_branches = spent.branches + 1.0 <= self.budgets.branches as f64;
        if !is_within || !has_branches {
            if held.over.insert(member) {
                tracing::warn!("a member's budget is spent; it is told to come again later");
            }
        } else {
            held.over.remove(&member);
        }
        is_within
    }

    /// Whether a member may ask now.
    pub(crate) fn may_ask(&self, member: DeviceKey, now: Instant) -> bool {
        self.account(member, now, |_| {})
    }

    /// Notes what a request cost.
    pub(crate) fn charge(&self, member: DeviceKey, bytes: usize, took: Duration, now: Instant) {
        self.account(member, now, |spent| {
            spent.bytes += bytes as f64;
            spent.seconds += took.as_secs_f64();
        });
    }

    /// Whether one more log or branch of this author may come now; it is noted where it may.
    pub(crate) fn may_branch(&self, author: DeviceKey, now: Instant) -> bool {
        let mut may = false;
        let most = self.budgets.branches as f64;
        self.account(author, now, |spent| {
            may = spent.branches + 1.0 <= most;
            // What is refused uses nothing up: asked again and again, it would never come.
            spent.branches += if may { 1.0 } else { 0.0 };
        });
        may
    }

    /// Whose budget is spent.
    pub(crate) fn over(&self) -> BTreeSet<DeviceKey> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).over.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spent_budget_comes_back_and_is_seen_until_then() {
        let budgets = Budgets { inflated_bytes: 1_000, seconds: 10, branches: 3 };
        let accounts = Accounts::new(budgets);
        let (member, other) = (DeviceKey([1; 32]), DeviceKey([2; 32]));
        let now = Instant::now();
        assert!(accounts.may_ask(member, now));
        accounts.charge(member, 2_000, Duration::from_secs(1), now);
        assert!(!accounts.may_ask(member, now));
        assert!(accounts.may_ask(other, now));
        assert!(accounts.over().contains(&member));
        let later = now + WHOLE_AGAIN * 2;
        assert!(accounts.may_ask(member, later));
        assert!(accounts.over().is_empty());
        let branches = (0..10).filter(|_| accounts.may_branch(other, now)).count();
        assert_eq!(branches, 3);
        assert!(accounts.may_ask(other, now), "branches alone stop no request");
        assert!(accounts.over().contains(&other));
        assert!(accounts.may_branch(other, now + WHOLE_AGAIN));
    }
}
