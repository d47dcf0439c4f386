//! Whose word counts: certificates, revocations, acceptances and erasures, settled from above.
//!
//! Levels: the root, coordinators, the rest. Within a level acceptances are settled first, then
//! erasures, certificates, revocations, so that no verdict depends on itself. The result is redone
//! whole when an administrative entry or a kept tip arrives; it is small.

mod settling;

pub use settling::settle;

use super::chain::{Chains, LogInfo, Place};
use super::payload::{Administration, Waived};
use super::verdict::Verdict;
use crate::identity::Role;
use crate::identity::sealing::SealingPublic;
use crate::model::cbor::Malformed;
use crate::model::{DeviceKey, EntryId, LogId, RecordId, TeamId};
use std::collections::{BTreeMap, BTreeSet};

/// An administrative entry that a store holds.
#[derive(Clone, Debug)]
pub struct HeldAdministration {
    /// The entry.
    pub id: EntryId,
    /// Its log.
    pub log: LogId,
    /// Its place in the log.
    pub place: Place,
    /// What it says, or why it cannot be read.
    pub says: Result<Administration, Malformed>,
}

/// What a store holds that authority is read from.
pub struct Held<'a> {
    /// The programme's root key.
    pub root: DeviceKey,
    /// All logs.
    pub chains: &'a Chains,
    /// All administrative entries.
    pub administration: &'a [HeldAdministration],
    /// Where an entry stands, if it is held. Asked for kept tips and certificates only.
    pub locate: &'a dyn Fn(&EntryId) -> Option<(LogId, Place)>,
}

/// Whether a log's author may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mandate {
    /// The certificate is not held.
    Waiting,
    /// There is none that holds.
    Refused,
    /// The programme's root.
    Root,
    /// A certificate of its own that does not hold, because its certifier was cut.
    Cut(Role),
    /// A certificate that holds.
    Holds(Role),
}

/// A kept tip of one revocation for one log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kept {
    position: u64,
    /// Where it stands, once held.
    held: Option<Place>,
}

/// What authority makes of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether its author may write.
    pub mandate: Mandate,
    /// For each revocation the tips that it keeps; an entry stands if each admits it.
    cuts: Vec<Vec<Kept>>,
}

impl Standing {
    /// Whether the entry at this place is among those that every revocation keeps. While a kept tip
    /// is not held, entries at or below its position stand: letting them wait would take true
    /// records out of a total because others are late.
    pub fn stands(&self, info: &LogInfo, place: Place) -> bool {
        self.cuts.iter().all(|kept| {
            kept.iter().any(|tip| match tip.held {
                Some(held) => info.is_at_or_before(place, held),
                None => place.position <= tip.position,
            })
        })
    }
}

/// Who accepted an entry, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Acceptance {
    /// The reason that is waived.
    pub waived: Waived,
    /// The key of whoever accepted; nobody accepts their own entry.
    pub by: DeviceKey,
    /// The team that it counts in; [`TeamId::PROGRAMME`] for the root's, which counts in all.
    pub team: TeamId,
}

/// How far a log reaches by a kept tip that is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// The log.
    pub log: LogId,
    /// The device that writes it.
    pub device: DeviceKey,
    /// Its team.
    pub team: TeamId,
    /// The tip's position.
    pub position: u64,
}

/// Whose word counts, as a function of the entries held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authority {
    standings: BTreeMap<LogId, Standing>,
    accepted: BTreeMap<EntryId, BTreeSet<Acceptance>>,
    erased: BTreeSet<(TeamId, RecordId)>,
    /// The verdict of each administrative entry.
    pub verdicts: BTreeMap<EntryId, Verdict>,
    /// Kept tips that are not held, with what is missing by each.
    pub awaited_tips: BTreeMap<EntryId, Awaited>,
    /// Other entries that were looked for and are not held.
    awaited: BTreeSet<EntryId>,
    /// The certificates that hold, each with its key, team and role.
    holders: BTreeMap<EntryId, (DeviceKey, TeamId, Role)>,
    /// The certificates that were revoked.
    revoked: BTreeSet<EntryId>,
    /// Who may read a team's entries: keys with a certificate that holds and is not revoked, but
    /// observers, who read totals alone.
    readers: BTreeSet<(TeamId, DeviceKey)>,
    /// The keys that each team's texts may be sealed to, by generation, with the devices that were
    /// handed them.
    team_keys: BTreeMap<TeamId, BTreeMap<(u64, SealingPublic), BTreeSet<DeviceKey>>>,
}

impl Authority {
    /// What holds of one log; a log not held has no mandate yet.
    pub fn standing(&self, log: &LogId) -> Option<&Standing> {
        self.standings.get(log)
    }

    /// Whether a log's author has a certificate of its own, though its certifier may be cut. Other
    /// logs are kept within a quota, and not offered to anyone: nothing in them can count.
    pub fn is_named(&self, log: &LogId) -> bool {
        let mandate = self.standings.get(log).map(|standing| standing.mandate);
        matches!(mandate, Some(Mandate::Root | Mandate::Cut(_) | Mandate::Holds(_)))
    }

    /// Whether a log is a coordinator's by its certificate, though that one may be cut.
    pub fn is_coordinators(&self, log: &LogId) -> bool {
        let mandate = self.standings.get(log).map(|standing| standing.mandate);
        let coordinator = Role::Coordinator;
        matches!(mandate, Some(Mandate::Holds(role) | Mandate::Cut(role)) if role == coordinator)
    }

    /// Whether something here hangs on this entry, which is not held.
    pub fn awaits(&self, id: &EntryId) -> bool {
        self.awaited.contains(id) || self.awaited_tips.contains_key(id)
    }

    /// Whether this certificate holds for this key in this team, or the key is the root's.
    pub fn certifies(
        &self,
        certificate: &EntryId,
        key: DeviceKey,
        team: TeamId,
        root: DeviceKey,
    ) -> bool {
        match *certificate == EntryId::NONE {
            true => key == root && team == TeamId::PROGRAMME,
            false => {
                self.holders.get(certificate).is_some_and(|(of, by, _)| (*of, *by) == (key, team))
            }
        }
    }

    /// The role that a certificate gives, if it holds; a revoked one does.
    pub fn role(&self, certificate: &EntryId) -> Option<Role> {
        self.holders.get(certificate).map(|(_, _, role)| *role)
    }

    /// Whether this key may read a team's totals: whoever reads its entries, and observers.
    pub fn may_read_totals(&self, key: DeviceKey, team: TeamId) -> bool {
        let observes = |(certificate, (of, named, _)): (&EntryId, &(DeviceKey, TeamId, Role))| {
            *of == key
                && (*named == team || team == TeamId::PROGRAMME)
                && !self.is_revoked(certificate)
        };
        self.holders.iter().any(observes)
    }

    /// Whether a certificate was revoked.
    pub fn is_revoked(&self, certificate: &EntryId) -> bool {
        self.revoked.contains(certificate)
    }

    /// Whether this key is some team's coordinator, and not revoked there.
    pub fn is_coordinator(&self, key: DeviceKey) -> bool {
        self.holders.values().any(|(of, team, role)| {
            (*of, *role) == (key, Role::Coordinator) && self.may_read(key, *team)
        })
    }

    /// Whether a certificate of this key holds in some team; the root's own needs none.
    pub fn is_enrolled(&self, key: DeviceKey) -> bool {
        self.enrolled_in(None).any(|held| held == key)
    }

    /// The devices with a certificate that holds in a team, or in any.
    pub fn enrolled(&self, team: Option<TeamId>) -> BTreeSet<DeviceKey> {
        self.enrolled_in(team).collect()
    }

    fn enrolled_in(&self, team: Option<TeamId>) -> impl Iterator<Item = DeviceKey> + '_ {
        let holders = self.holders.iter();
        let of_team = holders.filter(move |(_, (_, of, _))| team.is_none_or(|team| team == *of));
        of_team.filter(|(id, _)| !self.is_revoked(id)).map(|(_, (key, _, _))| *key)
    }

    /// The certificates that hold in a team, with their keys and roles, and whether each may read.
    pub fn members(&self, team: TeamId) -> impl Iterator<Item = (EntryId, DeviceKey, Role)> + '_ {
        let of_team = self.holders.iter().filter(move |(_, (_, of, _))| *of == team);
        of_team.map(|(id, (key, _, role))| (*id, *key, *role))
    }

    /// Whether this key may read the entries of this team; the programme's scope is read by all who
    /// may read some team.
    pub fn may_read(&self, key: DeviceKey, team: TeamId) -> bool {
        match team == TeamId::PROGRAMME {
            true => self.readers.iter().any(|(_, reader)| *reader == key),
            false => self.readers.contains(&(team, key)),
        }
    }

    /// Who may read a team's entries.
    pub fn readers(&self, team: TeamId) -> impl Iterator<Item = DeviceKey> + '_ {
        self.readers.iter().filter(move |(of, _)| *of == team).map(|(_, reader)| *reader)
    }

    /// A team's sealing keys by generation, with the devices that were handed each; the last is the
    /// one to seal to.
    pub fn team_keys(&self, team: TeamId) -> Vec<(u64, SealingPublic, &BTreeSet<DeviceKey>)> {
        // Generations follow each other from 1: nobody jumps to one that cannot be followed.
        let mut last = 0;
        let keys = self.team_keys.get(&team).into_iter().flatten();
        keys.take_while(|((generation, _), _)| {
            let follows = *generation > 0 && (*generation == last || *generation == last + 1);
            last = *generation;
            follows
        })
        .map(|((generation, public), devices)| (*generation, *public, devices))
        .collect()
    }

    /// Whether this reason is waived for this entry, written by `author` in `team`.
    pub fn waives(&self, entry: &EntryId, waived: Waived, author: DeviceKey, team: TeamId) -> bool {
        self.accepted.get(entry).is_some_and(|all| {
            all.iter().any(|acceptance| {
                acceptance.waived == waived
                    && acceptance.by != author
                    && (acceptance.team == team || acceptance.team == TeamId::PROGRAMME)
            })
        })
    }

    /// Whether this record of this team is erased.
    pub fn is_erased(&self, team: TeamId, record: RecordId) -> bool {
        self.erased.contains(&(team, record)) || self.erased.contains(&(TeamId::PROGRAMME, record))
    }

    /// What changed between two authorities: logs whose entries, entries whose acceptance, and
    /// records whose erasure must be judged again.
    pub fn changed_since(&self, before: &Authority) -> Changed {
        let differing = |log: &&LogId| self.standings.get(log) != before.standings.get(log);
        let logs: BTreeSet<&LogId> = self.standings.keys().chain(before.standings.keys()).collect();
        let entries: BTreeSet<&EntryId> =
            self.accepted.keys().chain(before.accepted.keys()).collect();
        Changed {
            logs: logs.into_iter().filter(differing).copied().collect(),
            entries: entries
                .into_iter()
                .filter(|id| self.accepted.get(id) != before.accepted.get(id))
                .copied()
                .collect(),
            records: self
                .erased
                .symmetric_difference(&before.erased)
                .map(|(_, record)| *record)
                .collect(),
        }
    }
}

/// What must be judged again after authority changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Logs that stand otherwise.
    pub logs: Vec<LogId>,
    /// Entries that are accepted or no longer so.
    pub entries: Vec<EntryId>,
    /// Records that are erased.
    pub records: Vec<RecordId>,
}
