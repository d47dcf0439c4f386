//! Whose word counts: certificates, revocations, acceptances and erasures, settled from above.
//!
//! Levels: the root, coordinators, the rest. Within a level acceptances are settled first, then
//! erasures, certificates, revocations, so that no verdict depends on itself. The result is redone
//! whole when an administrative entry or a kept tip arrives; it is small.

use super::chain::{Chains, LogInfo, Place};
use super::entry::Tip;
use super::payload::{Administration, Waived};
use super::verdict::{Refusal, Verdict, Waiting};
use crate::identity::{Certificate, Role};
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

/// Whose word counts, as a function of the entries held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authority {
    standings: BTreeMap<LogId, Standing>,
    accepted: BTreeMap<EntryId, BTreeSet<Acceptance>>,
    erased: BTreeSet<(TeamId, RecordId)>,
    /// The verdict of each administrative entry.
    pub verdicts: BTreeMap<EntryId, Verdict>,
    /// Kept tips that are not held, with log, device and position of each: known missing.
    pub awaited_tips: BTreeMap<EntryId, (LogId, DeviceKey, u64)>,
    /// The certificates that hold, each with its key and team.
    holders: BTreeMap<EntryId, (DeviceKey, TeamId)>,
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

    /// How early a log travels: the root's, then coordinators', then the rest, because an entry
    /// without payload is taken only by a store that holds its erasure.
    pub fn rank(&self, log: &LogId) -> u8 {
        match self.standings.get(log).map(|standing| standing.mandate) {
            Some(Mandate::Root) => 0,
            Some(Mandate::Holds(Role::Coordinator) | Mandate::Cut(Role::Coordinator)) => 1,
            _ => 2,
        }
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
            false => self.holders.get(certificate) == Some(&(key, team)),
        }
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

/// Settles authority from all administrative entries held.
pub fn settle(held: &Held<'_>) -> Authority {
    let mut settling = Settling {
        held,
        by_log: BTreeMap::new(),
        certificates: BTreeMap::new(),
        revocations: BTreeMap::new(),
        erasures: BTreeMap::new(),
        authority: Authority::default(),
    };
    for entry in held.administration {
        settling.by_log.entry(entry.log).or_default().push(entry);
    }
    for level in [Level::Root, Level::Coordinators, Level::Rest] {
        settling.settle_level(level);
    }
    settling.authority
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Coordinators,
    Rest,
}

struct Settling<'a> {
    held: &'a Held<'a>,
    by_log: BTreeMap<LogId, Vec<&'a HeldAdministration>>,
    /// Certificates that are read, with the level that they put their key on, and whether they hold.
    certificates: BTreeMap<EntryId, (&'a Certificate, Level, bool)>,
    /// For each certificate the kept tips of each revocation that counts.
    revocations: BTreeMap<EntryId, Vec<&'a [super::payload::KeptTip]>>,
    /// For each record of a team the coordinators that want it erased.
    erasures: BTreeMap<(TeamId, RecordId), BTreeSet<DeviceKey>>,
    authority: Authority,
}

impl<'a> Settling<'a> {
    fn settle_level(&mut self, level: Level) {
        let held = self.held;
        let logs: Vec<(LogId, &'a LogInfo, Mandate)> = held
            .chains
            .iter()
            .filter_map(|(log, info)| {
                let (of, mandate) = self.mandate(info);
                (of == level).then_some((*log, info, mandate))
            })
            .collect();
        for (log, info, mandate) in &logs {
            let cuts = self.cuts(*log, info.certificate, info.key);
            self.authority.standings.insert(*log, Standing { mandate: *mandate, cuts });
        }
        let entries: Vec<(&'a HeldAdministration, &'a LogInfo, Mandate)> = logs
            .iter()
            .flat_map(|(log, info, mandate)| {
                let of_log = self.by_log.get(log).map(Vec::as_slice).unwrap_or_default();
                of_log.iter().map(|entry| (*entry, *info, *mandate)).collect::<Vec<_>>()
            })
            .collect();
        // Acceptances, erasures, certificates, revocations, in this order within a level.
        for phase in 0..5 {
            for (entry, info, mandate) in &entries {
                let of_phase = match &entry.says {
                    Ok(Administration::Accept { .. }) => 0,
                    Ok(Administration::Erase { .. }) => 1,
                    Ok(Administration::Certify(_)) => 2,
                    Ok(Administration::Revoke { .. }) => 3,
                    Ok(Administration::Open(_)) | Err(_) => 4,
                };
                if of_phase == phase {
                    let verdict = self.judge(entry, info, *mandate);
                    self.authority.verdicts.insert(entry.id, verdict);
                }
            }
        }
    }

    /// The level of a log, and whether its author may write, from certificates settled above.
    fn mandate(&self, info: &LogInfo) -> (Level, Mandate) {
        if info.certificate == EntryId::NONE {
            let is_root = info.key == self.held.root && info.team == TeamId::PROGRAMME;
            return match is_root {
                true => (Level::Root, Mandate::Root),
                false => (Level::Rest, Mandate::Refused),
            };
        }
        let Some(log) = self.visible(&info.certificate, info.team) else {
            return (Level::Rest, Mandate::Waiting);
        };
        match self.certificates.get(&info.certificate) {
            Some((certificate, level, holds)) => {
                let fits = certificate.key == info.key && certificate.team == info.team;
                match (fits, *holds) {
                    (true, true) => (*level, Mandate::Holds(certificate.role)),
                    (true, false) => (*level, Mandate::Cut(certificate.role)),
                    (false, _) => (Level::Rest, Mandate::Refused),
                }
            }
            None => (Level::Rest, self.uncertified(&log)),
        }
    }

    /// The log of an entry that is held and stands where this team's stores all see it: in the
    /// programme's scope or the team's own. What a store holds of other teams must not change what
    /// it makes of this one.
    fn visible(&self, id: &EntryId, team: TeamId) -> Option<LogId> {
        let (log, _) = (self.held.locate)(id)?;
        let of = self.held.chains.log(&log)?.team;
        (of == team || of == TeamId::PROGRAMME).then_some(log)
    }

    /// The mandate by an entry of this log that is no certificate settled above: it may become one
    /// only while the log's own author waits for a coordinator's certificate.
    fn uncertified(&self, log: &LogId) -> Mandate {
        let above = self.held.chains.log(log).map(|info| (info.certificate, info.team));
        match above.filter(|(above, _)| *above != EntryId::NONE) {
            Some((above, team)) if self.visible(&above, team).is_none() => Mandate::Waiting,
            _ => Mandate::Refused,
        }
    }

    fn cuts(&mut self, log: LogId, certificate: EntryId, key: DeviceKey) -> Vec<Vec<Kept>> {
        let mut cuts = Vec::new();
        for kept in self.revocations.get(&certificate).into_iter().flatten() {
            let mut of_log = Vec::new();
            for named in kept.iter().filter(|named| named.log == log) {
                let Tip { position, id } = named.tip;
                let place =
                    (self.held.locate)(&id).filter(|(of, _)| *of == log).map(|(_, place)| place);
                if place.is_none() {
                    self.authority.awaited_tips.insert(id, (log, key, position));
                }
                of_log.push(Kept { position, held: place });
            }
            cuts.push(of_log);
        }
        cuts
    }

    fn judge(
        &mut self,
        entry: &'a HeldAdministration,
        info: &'a LogInfo,
        mandate: Mandate,
    ) -> Verdict {
        let role = match mandate {
            Mandate::Waiting => return Verdict::Waiting(Waiting::Certificate),
            Mandate::Refused | Mandate::Cut(_) => {
                return Verdict::Refused(Refusal::Certificate);
            }
            Mandate::Root => None,
            Mandate::Holds(role) => Some(role),
        };
        let says = match &entry.says {
            Ok(says) => says,
            Err(Malformed::Newer) => return Verdict::Waiting(Waiting::NewerVersion),
            Err(_) => return Verdict::Refused(Refusal::Malformed),
        };
        let stands = self
            .authority
            .standing(&entry.log)
            .is_some_and(|standing| standing.stands(info, entry.place));
        let allowed = match (says, role) {
            (Administration::Open(_), _) => true,
            (Administration::Certify(certificate), None) => {
                certificate.role == Role::Coordinator && certificate.team != TeamId::PROGRAMME
            }
            (Administration::Certify(certificate), Some(Role::Coordinator)) => {
                certificate.role != Role::Coordinator && certificate.team == info.team
            }
            (
                Administration::Revoke { .. } | Administration::Erase { .. },
                None | Some(Role::Coordinator),
            ) => true,
            (Administration::Accept { .. }, None | Some(Role::Coordinator | Role::Desk)) => true,
            _ => false,
        };
        if let (Administration::Erase { records }, true) = (says, allowed) {
            // Final though its author is later cut: the payloads are gone.
            self.erase(records, info, role.is_none());
            return Verdict::Admitted;
        }
        let accepted = matches!(says, Administration::Certify(_))
            && self.authority.waives(&entry.id, Waived::Revoked, info.key, info.team);
        let verdict = match (stands || accepted, allowed) {
            (false, _) => Verdict::Refused(Refusal::Revoked),
            (true, false) => Verdict::Refused(Refusal::Role),
            (true, true) => Verdict::Admitted,
        };
        match says {
            Administration::Certify(certificate) if allowed => {
                let level = match role {
                    None => Level::Coordinators,
                    Some(_) => Level::Rest,
                };
                let holds = verdict == Verdict::Admitted;
                self.certificates.insert(entry.id, (certificate, level, holds));
                if holds {
                    self.authority.holders.insert(entry.id, (certificate.key, certificate.team));
                }
            }
            Administration::Accept { waived, entries } if verdict == Verdict::Admitted => {
                self.accept(*waived, entries, info, role.is_none());
            }
            Administration::Revoke { certificate, kept } if verdict == Verdict::Admitted => {
                return self.revoke(certificate, kept, info, role.is_none());
            }
            _ => {}
        }
        verdict
    }

    fn accept(&mut self, waived: Waived, entries: &[EntryId], info: &LogInfo, by_root: bool) {
        let team = if by_root { TeamId::PROGRAMME } else { info.team };
        for id in entries {
            let acceptance = Acceptance { waived, by: info.key, team };
            self.authority.accepted.entry(*id).or_default().insert(acceptance);
        }
    }

    fn erase(&mut self, records: &[RecordId], info: &LogInfo, by_root: bool) {
        for record in records {
            if by_root {
                self.authority.erased.insert((TeamId::PROGRAMME, *record));
                continue;
            }
            let wanted = self.erasures.entry((info.team, *record)).or_default();
            wanted.insert(info.key);
            if wanted.len() >= 2 {
                self.authority.erased.insert((info.team, *record));
            }
        }
    }

    /// A revocation cuts only a level below, and only in its author's team.
    fn revoke(
        &mut self,
        certificate: &EntryId,
        kept: &'a [super::payload::KeptTip],
        info: &LogInfo,
        by_root: bool,
    ) -> Verdict {
        if self.visible(certificate, info.team).is_none() {
            return Verdict::Waiting(Waiting::Certificate);
        }
        match self.certificates.get(certificate) {
            Some((named, level, _)) => {
                let below = match by_root {
                    true => *level == Level::Coordinators,
                    false => *level == Level::Rest && named.team == info.team,
                };
                if !below {
                    return Verdict::Refused(Refusal::Role);
                }
                self.revocations.entry(*certificate).or_default().push(kept);
                Verdict::Admitted
            }
            // Settled on no level above or beside: not a certificate that this can cut.
            None => Verdict::Refused(Refusal::Role),
        }
    }
}
