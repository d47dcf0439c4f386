//! What of a log is carried: counted, acknowledged, relayed and in the clock. The rest is held, hidden,
//! because it may come back.

use super::chain::{LogInfo, Place};
use super::entry::Tip;
use std::collections::HashSet;

/// A tip that a revocation keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The tip.
    pub tip: Tip,
    /// Where it stands, where it is carried: then the chain shows what lies before it. Until then, entries
    /// at or below its position count as kept: letting them wait would take true records out of a total
    /// because others are late.
    pub held: Option<Place>,
}

/// For each branch of a log how far it is carried, and how far every revocation keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carriage {
    carried: Vec<u64>,
    stands: Vec<u64>,
}

impl Carriage {
    /// The carriage of a log whose certificate stands. `cuts` holds for each revocation of it the tips of
    /// this log that it keeps; one that names none of them keeps nothing.
    pub fn of(info: &LogInfo, cuts: &[Vec<Kept>]) -> Self {
        let sound = info.sound();
        let kept: Vec<Vec<u64>> = cuts.iter().map(|kept| kept_by(info, kept)).collect();
        let mut carriage = Carriage::default();
        for (number, branch) in info.branches.iter().enumerate() {
            let of_branch = |kept: &Vec<u64>| kept.get(number).copied().unwrap_or(0);
            let to = sound.get(number).copied().unwrap_or(0);
            // Carried is what any revocation keeps; standing is what all of them keep.
            let any = kept.iter().map(of_branch).max().unwrap_or(u64::MAX);
            let all = kept.iter().map(of_branch).min().unwrap_or(u64::MAX);
            let any = if crate::planted!(RelayPastRevocation) { u64::MAX } else { any };
            let begins = branch.parent.is_none_or(|parent| carriage.carries(parent));
            let carried = to.min(any);
            let is_there = begins && carried >= branch.first();
            carriage.carried.push(if is_there { carried } else { 0 });
            carriage.stands.push(to.min(all));
        }
        carriage
    }

    /// Adds the branch that was begun last, before any end, to a log that nothing cuts: as [`Carriage::of`] anew.
    pub fn add_branch(&mut self, parent: Option<Place>) {
        let begins = parent.is_none_or(|parent| self.carries(parent));
        self.carried.push(if begins { u64::MAX } else { 0 });
        self.stands.push(if begins { u64::MAX } else { 0 });
    }

    /// The branches of which something is carried or stands now and did not before, or the other way, each with the
    /// position behind which that is so.
    pub fn changed_since(&self, before: &Carriage) -> Vec<(u32, u64)> {
        let both = |of: &Carriage, at: usize| {
            let to = |reach: &[u64]| reach.get(at).copied().unwrap_or(0);
            [to(&of.carried), to(&of.stands)]
        };
        let branches = self.carried.len().max(before.carried.len());
        let changed = (0..branches).filter_map(|at| {
            let pairs = both(self, at).into_iter().zip(both(before, at));
            let behind = pairs.filter(|(now, was)| now != was).map(|(now, was)| now.min(was)).min();
            Some((u32::try_from(at).ok()?, behind?))
        });
        changed.collect()
    }

    /// Whether the entry at this place is carried.
    pub fn carries(&self, place: Place) -> bool {
        self.reach(place.branch) >= place.position
    }

    /// How far a branch is carried; 0 where nothing of it is.
    pub fn reach(&self, branch: u32) -> u64 {
        self.carried.get(branch as usize).copied().unwrap_or(0)
    }

    /// Whether every revocation keeps the entry at this place.
    pub fn stands(&self, place: Place) -> bool {
        self.stands.get(place.branch as usize).is_some_and(|to| *to >= place.position)
    }

    /// The places of the last entries carried: of each branch one, but where another goes on from it.
    pub fn tips(&self, info: &LogInfo) -> Vec<Place> {
        let last = |branch: u32| -> Option<Place> {
            let held = info.branches.get(branch as usize)?;
            let position = held.tip.position.min(self.reach(branch));
            (position >= held.first()).then_some(Place { branch, position })
        };
        let all: Vec<Place> = (0..info.branches.len() as u32).filter_map(last).collect();
        let parent = |place: &Place| info.branches.get(place.branch as usize)?.parent;
        let go_on: HashSet<Place> = all.iter().filter_map(parent).collect();
        all.into_iter().filter(|place| !go_on.contains(place)).collect()
    }

    /// How often the log forked, in what is carried of it.
    pub fn forks(&self) -> u64 {
        let branches = self.carried.iter().filter(|carried| **carried > 0).count() as u64;
        branches.saturating_sub(1)
    }

    /// How far the log may reach in what nobody here holds yet: a claim beyond it counts nowhere.
    pub fn claim_max(info: &LogInfo, cuts: &[Vec<Kept>]) -> u64 {
        if crate::planted!(ClaimPastRevocation) {
            return u64::MAX;
        }
        let any = cuts.iter().map(|kept| kept.iter().map(|kept| kept.tip.position).max());
        let any = any.map(|position| position.unwrap_or(0)).max().unwrap_or(u64::MAX);
        // What stands behind an end says nothing of how far the log may reach.
        let sound = info.sound();
        let is_open =
            |(branch, sound): (&super::chain::Branch, &u64)| branch.end.is_none() && *sound > 0;
        if info.branches.is_empty() || info.branches.iter().zip(&sound).any(is_open) {
            any
        } else {
            any.min(sound.into_iter().max().unwrap_or(0))
        }
    }
}

/// How far one revocation keeps each branch.
fn kept_by(info: &LogInfo, kept: &[Kept]) -> Vec<u64> {
    let mut reach = vec![0; info.branches.len()];
    for kept in kept {
        match kept.held {
            Some(place) => {
                for part in info.path(place) {
                    if let Some(reach) = reach.get_mut(part.branch as usize) {
                        *reach = part.position.max(*reach);
                    }
                }
            }
            None => reach.iter_mut().for_each(|reach| *reach = kept.tip.position.max(*reach)),
        }
    }
    reach
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::chain::Branch;
    use crate::log::ending::Ending;
    use crate::model::{DeviceKey, EntryId, TeamId};

    fn tip(position: u64) -> Tip {
        Tip { position, id: EntryId([position as u8; 32]) }
    }

    fn at(branch: u32, position: u64) -> Place {
        Place { branch, position }
    }

    /// Positions 1 to 9, and from 5 on another branch to 8.
    fn forked() -> LogInfo {
        LogInfo {
            key: DeviceKey([0; 32]),
            team: TeamId([2; 16]),
            certificate: EntryId::NONE,
            branches: vec![
                Branch { parent: None, tip: tip(9), end: None },
                Branch { parent: Some(at(0, 5)), tip: tip(8), end: None },
            ],
        }
    }

    fn kept(position: u64, held: Option<Place>) -> Vec<Kept> {
        vec![Kept { tip: tip(position), held }]
    }

    #[test]
    fn carried_is_what_any_revocation_keeps_and_standing_what_all_do() {
        let info = forked();
        let both = [kept(7, Some(at(0, 7))), kept(8, Some(at(1, 8)))];
        let carriage = Carriage::of(&info, &both);
        assert_eq!((carriage.reach(0), carriage.reach(1)), (7, 8));
        assert!(carriage.stands(at(0, 5)) && !carriage.stands(at(0, 6)));
        assert!(!carriage.stands(at(1, 6)));
        assert_eq!(carriage.tips(&info), [at(0, 7), at(1, 8)]);
    }

    #[test]
    fn a_branch_that_is_added_is_as_if_all_were_looked_at_anew() {
        let mut info = forked();
        let added = info.branches.pop().and_then(|branch| branch.parent);
        let mut carriage = Carriage::of(&info, &[]);
        carriage.add_branch(added);
        assert_eq!(carriage, Carriage::of(&forked(), &[]));
    }

    #[test]
    fn a_tip_is_the_same_however_the_branches_are_numbered() {
        let info = forked();
        let carriage = Carriage::of(&info, &[kept(8, Some(at(1, 8)))]);
        assert_eq!(carriage.tips(&info), [at(1, 8)], "what goes on is no tip");
        let carriage = Carriage::of(&info, &[kept(5, Some(at(0, 5)))]);
        assert_eq!(carriage.tips(&info), [at(0, 5)]);
    }

    #[test]
    fn below_a_kept_tip_that_is_not_here_all_stands_until_the_chain_shows_otherwise() {
        let info = forked();
        let carriage = Carriage::of(&info, &[kept(7, None)]);
        assert!(carriage.stands(at(0, 7)) && carriage.stands(at(1, 7)));
        assert!(!carriage.stands(at(0, 8)));
    }

    #[test]
    fn what_is_claimed_reaches_no_further_than_a_revocation_or_an_end() {
        let mut info = forked();
        assert_eq!(Carriage::claim_max(&info, &[]), u64::MAX);
        assert_eq!(Carriage::claim_max(&info, &[kept(12, None)]), 12);
        assert_eq!(Carriage::claim_max(&info, &[vec![]]), 0);
        info.branches[0].end = Some((9, Ending::Kind));
        assert_eq!(Carriage::claim_max(&info, &[]), u64::MAX, "the other branch goes on");
        info.branches[1].end = Some((8, Ending::Kind));
        assert_eq!(Carriage::claim_max(&info, &[]), 9);
    }
}
