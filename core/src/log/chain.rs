//! Which entries of a log come before which, when a log may have forked.
//!
//! A log held is a tree rooted at its `open`. A store numbers its branches as they come; the
//! numbers are its own, the relation between entries is not.

use super::entry::Tip;
use crate::model::{DeviceKey, EntryId, LogId, TeamId};
use std::collections::BTreeMap;

/// Where an entry stands in its log's tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The branch, by this store's numbering.
    pub branch: u32,
    /// The position, from 1.
    pub position: u64,
}

/// One branch of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Where it left another branch; `None` for the first.
    pub parent: Option<Place>,
    /// Its last entry held.
    pub tip: Tip,
}

/// What a log's `open` says, and its branches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogInfo {
    /// The device that writes it.
    pub key: DeviceKey,
    /// The team that it is for.
    pub team: TeamId,
    /// The entry that gives its author a role.
    pub certificate: EntryId,
    /// Its branches, by number.
    pub branches: Vec<Branch>,
}

impl LogInfo {
    /// The branches on which `place` lies, from its own to the root, each with the last position
    /// of it that is at or before `place`.
    pub fn path(&self, place: Place) -> Vec<Place> {
        let mut path = vec![place];
        let mut branch = place.branch;
        while let Some(parent) = self.branches.get(branch as usize).and_then(|b| b.parent) {
            path.push(parent);
            branch = parent.branch;
        }
        path
    }

    /// Whether `a` is `b` or comes before it.
    pub fn is_at_or_before(&self, a: Place, b: Place) -> bool {
        self.path(b).iter().any(|last| last.branch == a.branch && a.position <= last.position)
    }

    /// The tips: the last entry of each branch, by position.
    pub fn tips(&self) -> Vec<Tip> {
        let mut tips: Vec<Tip> = self.branches.iter().map(|branch| branch.tip).collect();
        tips.sort();
        if crate::planted!(TipsWithoutForks) {
            tips.truncate(1);
        }
        tips
    }

    /// The position of the last entry held, on the longest branch.
    pub fn length(&self) -> u64 {
        self.branches.iter().map(|branch| branch.tip.position).max().unwrap_or(0)
    }

    /// How often the log forked.
    pub fn forks(&self) -> u64 {
        (self.branches.len() as u64).saturating_sub(1)
    }
}

/// All logs that a store holds, by id.
#[derive(Clone, Debug, Default)]
pub struct Chains {
    logs: BTreeMap<LogId, LogInfo>,
    /// How many branches the logs of each key have together.
    branches: BTreeMap<DeviceKey, usize>,
}

impl Chains {
    /// One log.
    pub fn log(&self, id: &LogId) -> Option<&LogInfo> {
        self.logs.get(id)
    }

    /// All logs, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&LogId, &LogInfo)> {
        self.logs.iter()
    }

    /// The logs of one team, by id.
    pub fn of_team(&self, team: TeamId) -> impl Iterator<Item = (&LogId, &LogInfo)> {
        self.logs.iter().filter(move |(_, info)| info.team == team)
    }

    /// How many branches the logs of a key have together.
    pub fn branches_of(&self, key: &DeviceKey) -> usize {
        self.branches.get(key).copied().unwrap_or(0)
    }

    /// Adds a log that is not held yet.
    pub fn insert(&mut self, id: LogId, info: LogInfo) {
        *self.branches.entry(info.key).or_default() += info.branches.len();
        self.logs.insert(id, info);
    }

    /// Extends a log after `previous`: the branch moves on where `previous` is its tip, and a new
    /// one starts elsewhere. Returns the new entry's place, or `None` for a log not held.
    pub fn extend(&mut self, id: &LogId, previous: Place, tip: Tip) -> Option<Place> {
        let info = self.logs.get_mut(id)?;
        let branch = info.branches.get_mut(previous.branch as usize)?;
        if branch.tip.position == previous.position {
            branch.tip = tip;
            return Some(Place { branch: previous.branch, position: tip.position });
        }
        let number = u32::try_from(info.branches.len()).ok()?;
        info.branches.push(Branch { parent: Some(previous), tip });
        *self.branches.entry(info.key).or_default() += 1;
        Some(Place { branch: number, position: tip.position })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tip(position: u64, mark: u8) -> Tip {
        Tip { position, id: EntryId([mark; 32]) }
    }

    #[test]
    fn a_fork_keeps_the_order_within_each_branch() {
        let log = LogId([1; 16]);
        let mut chains = Chains::default();
        chains.insert(
            log,
            LogInfo {
                key: DeviceKey([0; 32]),
                team: TeamId([2; 16]),
                certificate: EntryId::NONE,
                branches: vec![Branch { parent: None, tip: tip(1, 1) }],
            },
        );
        let at = |branch, position| Place { branch, position };
        for position in 2..=5 {
            chains.extend(&log, at(0, position - 1), tip(position, 1));
        }
        assert_eq!(chains.extend(&log, at(0, 3), tip(4, 2)), Some(at(1, 4)));
        assert_eq!(chains.extend(&log, at(1, 4), tip(5, 2)), Some(at(1, 5)));
        let info = chains.log(&log).expect("just inserted");
        assert!(info.is_at_or_before(at(0, 3), at(1, 5)));
        assert!(!info.is_at_or_before(at(0, 4), at(1, 5)));
        assert!(!info.is_at_or_before(at(1, 4), at(0, 5)));
        assert_eq!(info.tips(), vec![tip(5, 1), tip(5, 2)]);
        assert_eq!(info.forks(), 1);
        assert_eq!(chains.branches_of(&DeviceKey([0; 32])), 2);
    }
}
