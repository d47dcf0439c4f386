//! Which entries of a log come before which, when a log may have forked.
//!
//! A log held is a tree rooted at its `open`. A store numbers its branches as they come; the
//! numbers are its own, the relation between entries is not. Beside the tree stand single entries that an
//! acceptance names: they came without what lies before them.

use super::ending::Ending;
use super::entry::Tip;
use crate::model::{DeviceKey, EntryId, LogId, TeamId};
use std::collections::BTreeMap;

/// Where an entry stands in its log's tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The branch, by this store's numbering; [`Place::ALONE`] for one without what lies before it.
    pub branch: u32,
    /// The position, from 1.
    pub position: u64,
}

impl Place {
    /// The branch of entries that stand alone.
    pub const ALONE: u32 = u32::MAX;

    /// Whether it came without what lies before it.
    pub fn is_alone(self) -> bool {
        self.branch == Self::ALONE
    }
}

/// One branch of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Where it left another branch; `None` for the first.
    pub parent: Option<Place>,
    /// Its last entry held.
    pub tip: Tip,
    /// The first of its own entries that ends it, and how.
    pub end: Option<(u64, Ending)>,
}

impl Branch {
    /// The position of its first own entry.
    pub fn first(&self) -> u64 {
        self.parent.map_or(1, |parent| parent.position + 1)
    }

    /// The last of its own positions that honest software could have written, or that is evidence.
    fn sound_to(&self) -> u64 {
        match self.end {
            None => u64::MAX,
            Some((position, ending)) if ending.is_carried() => position,
            Some((position, _)) => position - 1,
        }
    }

    /// The last of its own positions from which it goes on.
    fn goes_on_to(&self) -> u64 {
        self.end.map_or(u64::MAX, |(position, _)| position - 1)
    }
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
    /// Its branches, by number; none where only entries are held that stand alone.
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

    /// For each branch the last position that its own path does not take out: 0 where it leaves its
    /// parent behind an end.
    pub fn sound(&self) -> Vec<u64> {
        let mut sound: Vec<u64> = Vec::with_capacity(self.branches.len());
        for branch in &self.branches {
            let begins = branch.parent.is_none_or(|parent| {
                // A branch leaves one that is numbered before it.
                let of = self.branches.get(parent.branch as usize);
                sound.get(parent.branch as usize).is_some_and(|to| *to > 0)
                    && of.is_some_and(|of| parent.position <= of.goes_on_to())
            });
            sound.push(if begins { branch.sound_to() } else { 0 });
        }
        sound
    }

    /// The same of one branch.
    pub fn sound_of(&self, branch: u32) -> u64 {
        let Some(held) = self.branches.get(branch as usize) else { return 0 };
        let mut parent = held.parent;
        while let Some(place) = parent {
            let Some(of) = self.branches.get(place.branch as usize) else { return 0 };
            if place.position > of.goes_on_to() {
                return 0;
            }
            parent = of.parent;
        }
        held.sound_to()
    }

    /// The position of the last entry held, on the longest branch.
    pub fn length(&self) -> u64 {
        self.branches.iter().map(|branch| branch.tip.position).max().unwrap_or(0)
    }
}

/// All logs that a store holds, by id.
#[derive(Clone, Debug, Default)]
pub struct Chains {
    logs: BTreeMap<LogId, LogInfo>,
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

    /// Adds a log that is not held yet.
    pub fn insert(&mut self, id: LogId, info: LogInfo) {
        self.logs.insert(id, info);
    }

    /// Begins a log's tree with its `open`, where only entries that stand alone were held.
    pub fn begin(&mut self, id: &LogId, tip: Tip) -> Option<Place> {
        let info = self.logs.get_mut(id)?;
        info.branches.push(Branch { parent: None, tip, end: None });
        Some(Place { branch: 0, position: 1 })
    }

    /// Notes how a branch ends, where no earlier entry of it ended it; or that nothing of it does.
    pub fn set_end(&mut self, id: &LogId, branch: u32, end: Option<(u64, Ending)>) {
        let of = self.logs.get_mut(id).and_then(|info| info.branches.get_mut(branch as usize));
        if let Some(branch) = of {
            branch.end = end;
        }
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
        info.branches.push(Branch { parent: Some(previous), tip, end: None });
        Some(Place { branch: number, position: tip.position })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tip(position: u64, mark: u8) -> Tip {
        Tip { position, id: EntryId([mark; 32]) }
    }

    fn at(branch: u32, position: u64) -> Place {
        Place { branch, position }
    }

    fn forked() -> (LogId, Chains) {
        let log = LogId([1; 16]);
        let mut chains = Chains::default();
        chains.insert(
            log,
            LogInfo {
                key: DeviceKey([0; 32]),
                team: TeamId([2; 16]),
                certificate: EntryId::NONE,
                branches: vec![Branch { parent: None, tip: tip(1, 1), end: None }],
            },
        );
        for position in 2..=5 {
            chains.extend(&log, at(0, position - 1), tip(position, 1));
        }
        assert_eq!(chains.extend(&log, at(0, 3), tip(4, 2)), Some(at(1, 4)));
        assert_eq!(chains.extend(&log, at(1, 4), tip(5, 2)), Some(at(1, 5)));
        (log, chains)
    }

    #[test]
    fn a_fork_keeps_the_order_within_each_branch() {
        let (log, chains) = forked();
        let info = chains.log(&log).expect("just inserted");
        assert!(info.is_at_or_before(at(0, 3), at(1, 5)));
        assert!(!info.is_at_or_before(at(0, 4), at(1, 5)));
        assert!(!info.is_at_or_before(at(1, 4), at(0, 5)));
        assert!(!info.is_at_or_before(at(Place::ALONE, 4), at(0, 5)));
    }

    #[test]
    fn an_end_takes_what_follows_it_and_leaves_other_branches() {
        let (log, mut chains) = forked();
        chains.set_end(&log, 0, Some((4, Ending::Payload)));
        assert_eq!(chains.log(&log).expect("held").sound(), [4, u64::MAX]);
        chains.set_end(&log, 0, Some((3, Ending::Payload)));
        assert_eq!(chains.log(&log).expect("held").sound(), [3, 0], "the fork leaves the end");
        chains.set_end(&log, 0, Some((4, Ending::Newer)));
        assert_eq!(chains.log(&log).expect("held").sound(), [3, u64::MAX]);
    }
}
