//! Settling authority: level by level, and within a level phase by phase.

use super::{Acceptance, Authority, Awaited, Held, HeldAdministration, Kept, Mandate, Standing};
use crate::identity::{Certificate, Role};
use crate::log::chain::LogInfo;
use crate::log::payload::{Administration, KeptTip, Waived};
use crate::log::verdict::{Refusal, Verdict, Waiting};
use crate::model::cbor::Malformed;
use crate::model::{DeviceKey, EntryId, LogId, RecordId, TeamId};
use std::collections::{BTreeMap, BTreeSet};

/// Settles authority from all administrative entries held.
pub fn settle(held: &Held<'_>) -> Authority {
    let mut settling = Settling {
        held,
        by_log: BTreeMap::new(),
        certificates: BTreeMap::new(),
        revocations: BTreeMap::new(),
        erasures: BTreeMap::new(),
        newer: BTreeSet::new(),
        authority: Authority::default(),
    };
    for entry in held.administration {
        settling.by_log.entry(entry.log).or_default().push(entry);
        if entry.says == Err(Malformed::Newer) {
            settling.newer.insert(entry.id);
        }
    }
    for level in [Level::Root, Level::Coordinators, Level::Rest] {
        settling.settle_level(level);
    }
    settling.note_readers();
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
    revocations: BTreeMap<EntryId, Vec<&'a [KeptTip]>>,
    /// For each record of a team the coordinators that want it erased.
    erasures: BTreeMap<(TeamId, RecordId), BTreeSet<DeviceKey>>,
    /// Administrative entries that only a newer version can read: a certificate with a new role.
    newer: BTreeSet<EntryId>,
    authority: Authority,
}

impl<'a> Settling<'a> {
    fn note_readers(&mut self) {
        let holding = self.certificates.iter().filter(|(_, (_, _, holds))| *holds);
        let standing = holding.filter(|(id, _)| !self.revocations.contains_key(id));
        let readers =
            standing.filter(|(_, (certificate, _, _))| certificate.role != Role::Observer);
        let readers = readers.map(|(_, (certificate, _, _))| (certificate.team, certificate.key));
        self.authority.readers.extend(readers);
        self.authority.revoked.extend(self.revocations.keys());
    }

    fn settle_level(&mut self, level: Level) {
        let held = self.held;
        let mut logs: Vec<(LogId, &'a LogInfo, Mandate)> = Vec::new();
        for (log, info) in held.chains.iter() {
            let (of, mandate) = self.mandate(info);
            if of == level {
                logs.push((*log, info, mandate));
            }
        }
        for (log, info, mandate) in &logs {
            let cuts = self.cuts(*log, info.certificate);
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
                    Ok(
                        Administration::Open(_)
                        | Administration::TeamKey(_)
                        | Administration::CodePack { .. },
                    )
                    | Err(_) => 4,
                };
                if of_phase == phase {
                    let verdict = self.judge(entry, info, *mandate);
                    self.authority.verdicts.insert(entry.id, verdict);
                }
            }
        }
    }

    /// The level of a log, and whether its author may write, from certificates settled above.
    fn mandate(&mut self, info: &LogInfo) -> (Level, Mandate) {
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
            None if self.newer.contains(&info.certificate) => (Level::Rest, Mandate::Waiting),
            None => (Level::Rest, self.uncertified(&log)),
        }
    }

    /// The log of an entry that is held and stands where this team's stores all see it: in the
    /// programme's scope or the team's own. What a store holds of other teams must not change what
    /// it makes of this one.
    fn visible(&mut self, id: &EntryId, team: TeamId) -> Option<LogId> {
        let Some((log, _)) = (self.held.locate)(id) else {
            self.authority.awaited.insert(*id);
            return None;
        };
        let of = self.held.chains.log(&log)?.team;
        (of == team || of == TeamId::PROGRAMME).then_some(log)
    }

    /// The mandate by an entry of this log that is no certificate settled above: it may become one
    /// only while the log's own author waits for a coordinator's certificate.
    fn uncertified(&mut self, log: &LogId) -> Mandate {
        let above = self.held.chains.log(log).map(|info| (info.certificate, info.team));
        match above.filter(|(above, _)| *above != EntryId::NONE) {
            Some((above, team)) if self.visible(&above, team).is_none() => Mandate::Waiting,
            _ => Mandate::Refused,
        }
    }

    fn cuts(&self, log: LogId, certificate: EntryId) -> Vec<Vec<Kept>> {
        let of_log = |kept: &&'a [KeptTip]| {
            let named = kept.iter().filter(|named| named.log == log);
            named
                .map(|named| {
                    let place = (self.held.locate)(&named.tip.id).filter(|(of, _)| *of == log);
                    Kept { position: named.tip.position, held: place.map(|(_, place)| place) }
                })
                .collect()
        };
        self.revocations.get(&certificate).into_iter().flatten().map(of_log).collect()
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
            (Administration::Accept { .. }, None | Some(Role::Coordinator)) => true,
            (Administration::TeamKey(_), Some(Role::Coordinator)) => true,
            (Administration::CodePack { .. }, None) => true,
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
                    self.authority
                        .holders
                        .insert(entry.id, (certificate.key, certificate.team, certificate.role));
                }
            }
            Administration::Accept { waived, entries } if verdict == Verdict::Admitted => {
                self.accept(*waived, entries, info, role.is_none());
            }
            Administration::TeamKey(key) if verdict == Verdict::Admitted => {
                let of_team = self.authority.team_keys.entry(info.team).or_default();
                let devices = of_team.entry((key.generation, key.public)).or_default();
                devices.extend(key.sealed.iter().map(|(device, _)| *device));
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
        kept: &'a [KeptTip],
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
                let named = *named;
                for KeptTip { log, tip } in kept {
                    if (self.held.locate)(&tip.id).is_none() {
                        let (device, team, position) = (named.key, named.team, tip.position);
                        let awaited = Awaited { log: *log, device, team, position };
                        self.authority.awaited_tips.insert(tip.id, awaited);
                    }
                }
                self.revocations.entry(*certificate).or_default().push(kept);
                Verdict::Admitted
            }
            // Settled on no level above or beside: not a certificate that this can cut.
            None => Verdict::Refused(Refusal::Role),
        }
    }
}
