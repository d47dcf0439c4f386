//! Settling authority: level by level, and within a level phase by phase. What a log says is looked at
//! where it is carried, and a log is carried only where its certificate stands: so everything is settled
//! from what was settled above it.

use super::{
    Acceptance, Authority, AuthorityInputs, Awaited, Claimed, HeldAdministration, Standing,
};
use crate::identity::{Certificate, Role};
use crate::log::carriage::{Carriage, Kept};
use crate::log::chain::LogInfo;
use crate::log::ending::{Author, Ending};
use crate::log::entry::is_known;
use crate::log::payload::{Administration, KeptTip, Waived};
use crate::log::verdict::{Refusal, Verdict, Waiting};
use crate::model::{EntryId, LogId, TeamId};
use std::collections::{BTreeMap, BTreeSet};

/// Settles authority from all administrative entries held.
pub fn settle(held: &AuthorityInputs<'_>) -> Authority {
    let mut settling = Settlement {
        held,
        by_log: BTreeMap::new(),
        by_certificate: BTreeMap::new(),
        revocations: BTreeMap::new(),
        by_fallen: BTreeSet::new(),
        authority: Authority::default(),
    };
    for entry in held.administration {
        settling.by_log.entry(entry.log).or_default().push(entry);
    }
    for (log, info) in held.chains.iter() {
        settling.by_certificate.entry(info.certificate).or_default().push((*log, info));
    }
    settling.settle_level(Level::Root);
    settling.settle_level(Level::Coordinators);
    settling.bound_what_the_fallen_keep();
    settling.settle_level(Level::Rest);
    settling.note_readers();
    settling.note_persons();
    settling.authority
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Coordinators,
    Rest,
}

/// An administrative entry that is carried, with what its log says of its author.
struct Carried<'a> {
    entry: &'a HeldAdministration,
    info: &'a LogInfo,
    author: Author,
    verdict: Verdict,
}

struct Settlement<'a> {
    held: &'a AuthorityInputs<'a>,
    by_log: BTreeMap<LogId, Vec<&'a HeldAdministration>>,
    by_certificate: BTreeMap<EntryId, Vec<(LogId, &'a LogInfo)>>,
    /// For each certificate the kept tips of each revocation that counts.
    revocations: BTreeMap<EntryId, Vec<Vec<KeptTip>>>,
    /// Which of them, by certificate and place, are the words of coordinators who are revoked themselves.
    by_fallen: BTreeSet<(EntryId, usize)>,
    authority: Authority,
}

/// How far beyond what the revocations of those who stand keep of a log a tip reaches at most that a revoked
/// coordinator keeps, while it is not held: a key that was stolen cannot keep a log open for ever.
pub const KEPT_BY_FALLEN_MAX: u64 = 1_000;

/// How many entries the acceptances under one certificate bring in, past revocations and behind ends: each is a
/// tip of its own in clocks, which hold 10,000.
pub const BROUGHT_BY_ONE_MAX: u64 = 4_000;

impl<'a> Settlement<'a> {
    fn note_readers(&mut self) {
        let standing = self.authority.certificates.iter();
        let standing = standing.filter(|(id, _)| !self.revocations.contains_key(id));
        let readers = standing.filter(|(_, certificate)| certificate.role != Role::Observer);
        let readers = readers.map(|(_, certificate)| (certificate.team, certificate.key));
        self.authority.readers.extend(readers);
        for (certificate, revocations) in &self.revocations {
            self.authority.revoked.insert(*certificate);
            self.authority.kept.insert(*certificate, revocations.clone());
        }
    }

    fn note_persons(&mut self) {
        let continuing = self.authority.certificates.values().any(|one| one.continues.is_some());
        if !continuing {
            return;
        }
        let mut persons: BTreeMap<EntryId, EntryId> = BTreeMap::new();
        for certificate in self.authority.certificates.keys() {
            let (mut of_one, mut at) = (vec![*certificate], *certificate);
            let person = loop {
                if let Some(person) = persons.get(&at) {
                    break *person;
                }
                let Some(earlier) = self.authority.continued_by(&at) else { break at };
                of_one.push(earlier);
                at = earlier;
            };
            persons.extend(of_one.into_iter().map(|of| (of, person)));
        }
        for standing in self.authority.logs.values_mut() {
            if let Some(person) = persons.get(&standing.person) {
                standing.person = *person;
            }
        }
    }

    /// The logs of a level: each with its author, by a certificate that was settled above.
    fn logs_of(&self, level: Level) -> Vec<(LogId, &'a LogInfo, Author)> {
        let of_certificate = |id: &EntryId| self.by_certificate.get(id).into_iter().flatten();
        if level == Level::Root {
            let is_root =
                |info: &LogInfo| info.key == self.held.root && info.team == TeamId::PROGRAMME;
            let of_root = of_certificate(&EntryId::NONE).filter(|(_, info)| is_root(info));
            return of_root.map(|(log, info)| (*log, *info, Author::Root)).collect();
        }
        let is_of_level = |certificate: &Certificate| {
            (certificate.role == Role::Coordinator) == (level == Level::Coordinators)
        };
        let certificates = self.authority.certificates.iter();
        let certificates = certificates.filter(|(_, certificate)| is_of_level(certificate));
        let logs = certificates.flat_map(|(id, certificate)| {
            let author = Author::Certified(certificate.role, certificate.team);
            let fits =
                |info: &LogInfo| (info.key, info.team) == (certificate.key, certificate.team);
            let fitting = of_certificate(id).filter(move |(_, info)| fits(info));
            fitting.map(move |(log, info)| (*log, *info, author))
        });
        logs.collect()
    }

    fn settle_level(&mut self, level: Level) {
        let mut entries = Vec::new();
        let logs = self.logs_of(level);
        for (log, info, author) in &logs {
            let cuts = self.cuts(*log, info);
            let carriage = Carriage::of(info, &cuts);
            for entry in self.by_log.get(log).map(Vec::as_slice).unwrap_or_default() {
                let stands = carriage.stands(entry.place);
                let is_carried = carriage.carries(entry.place);
                entries.push((*entry, *info, *author, is_carried, stands));
            }
            // Whose person it is is known once all certificates are.
            let person = info.certificate;
            self.authority.logs.insert(*log, Standing { author: *author, person, cuts });
        }
        if level == Level::Root {
            self.erase(&entries.iter().map(|(entry, ..)| *entry).collect::<Vec<_>>());
        }
        // Acceptances first: what they bring in counts among what follows. By certificate and log, so that
        // which are within the bound depends on nothing but what is held.
        let mut acceptances: Vec<_> =
            entries.iter().filter(|(_, _, _, is_carried, stands)| *is_carried && *stands).collect();
        acceptances.sort_by_key(|(entry, info, ..)| {
            (info.certificate, entry.log, entry.place.position, entry.id)
        });
        for (entry, info, author, ..) in acceptances {
            if let Ok(Administration::Accept { waived, entries }) = &entry.says {
                self.accept(*waived, entries, info, *author);
            }
        }
        let carried: Vec<Carried<'a>> = entries
            .into_iter()
            .filter_map(|(entry, info, author, is_carried, stands)| {
                let is_brought = self.brings(entry, info);
                let is_certificate = matches!(entry.says, Ok(Administration::Certify(_)));
                let is_carried =
                    is_carried || is_certificate && crate::planted!(CertificateOutlivesCut);
                let verdict = verdict(entry, stands || is_brought);
                (is_carried || is_brought).then_some(Carried { entry, info, author, verdict })
            })
            .collect();
        for phase in [Phase::Certificates, Phase::Revocations, Phase::Others] {
            for carried in &carried {
                self.authority.verdicts.insert(carried.entry.id, carried.verdict);
                let is_certificate = matches!(carried.entry.says, Ok(Administration::Certify(_)));
                let planted = is_certificate && crate::planted!(CertificateOutlivesCut);
                if carried.verdict == Verdict::Admitted || planted {
                    self.take(phase, carried);
                }
            }
        }
    }

    /// Whether an acceptance brings this certificate in, past a cut or behind an end.
    fn brings(&self, entry: &HeldAdministration, info: &LogInfo) -> bool {
        let is_certificate = matches!(entry.says, Ok(Administration::Certify(_)));
        is_certificate
            && !entry.ending.is_some_and(crate::log::Ending::is_by_content)
            && self.authority.waives(&entry.id, Waived::Revoked, info.key, info.team)
    }

    /// Where somebody who stands, or the root, revoked the certificate as well, his word bounds theirs.
    fn bound_what_the_fallen_keep(&mut self) {
        let bounded: BTreeSet<EntryId> = self.by_fallen.iter().map(|(id, _)| *id).collect();
        for certificate in bounded {
            let Some(revocations) = self.revocations.get_mut(&certificate) else { continue };
            let fallen = |at: usize| self.by_fallen.contains(&(certificate, at));
            if (0..revocations.len()).all(fallen) {
                continue;
            }
            let mut reach: BTreeMap<LogId, u64> = BTreeMap::new();
            let standing = revocations.iter().enumerate().filter(|(at, _)| !fallen(*at));
            for kept in standing.flat_map(|(_, kept)| kept) {
                let reach = reach.entry(kept.log).or_default();
                *reach = kept.tip.position.max(*reach);
            }
            for (_, kept) in revocations.iter_mut().enumerate().filter(|(at, _)| fallen(*at)) {
                for kept in kept {
                    let most = reach.get(&kept.log).copied().unwrap_or(0);
                    let most = most.saturating_add(KEPT_BY_FALLEN_MAX);
                    kept.tip.position = kept.tip.position.min(most);
                }
            }
        }
    }

    fn cuts(&mut self, log: LogId, info: &LogInfo) -> Vec<Vec<Kept>> {
        let sound = info.sound();
        let is_sound = |place: &crate::log::Place| {
            sound.get(place.branch as usize).is_some_and(|to| *to >= place.position)
        };
        let mut cuts = Vec::new();
        for kept in self.revocations.get(&info.certificate).into_iter().flatten() {
            let mut of_log = Vec::new();
            for named in kept.iter().filter(|named| named.log == log) {
                let held = (self.held.locate)(&named.tip.id).filter(|(of, _)| *of == log);
                let held = held.map(|(_, place)| place).filter(is_sound);
                of_log.push(Kept { tip: named.tip, held });
            }
            cuts.push(of_log);
        }
        cuts
    }

    /// Erasures come first, by the root's logs alone: no revocation touches them.
    fn erase(&mut self, of_root: &[&HeldAdministration]) {
        let all = self.held.administration.iter();
        let planted = crate::planted!(ErasureByRevoked);
        for entry in all.filter(|entry| planted || of_root.iter().any(|one| one.id == entry.id)) {
            if let Ok(Administration::Erase { team, records }) = &entry.says {
                let erased = records.iter().map(|record| (*team, *record));
                self.authority.erased.extend(erased);
            }
        }
    }

    fn accept(&mut self, waived: Waived, entries: &[EntryId], info: &LogInfo, author: Author) {
        let team = if author == Author::Root { TeamId::PROGRAMME } else { info.team };
        let brought = self.authority.brought_by.entry(info.certificate).or_default();
        for id in entries {
            if waived == Waived::Revoked {
                if *brought >= BROUGHT_BY_ONE_MAX {
                    continue;
                }
                *brought += 1;
            }
            let acceptance = Acceptance { waived, by: info.key, team };
            self.authority.accepted.entry(*id).or_default().insert(acceptance);
        }
    }

    /// What an entry that counts does, in its phase.
    fn take(&mut self, phase: Phase, carried: &Carried<'a>) {
        let Ok(says) = &carried.entry.says else { return };
        let Carried { entry, info, author, .. } = carried;
        match (phase, says) {
            (Phase::Certificates, Administration::Certify(certificate)) => {
                self.authority.certificates.insert(entry.id, certificate.clone());
            }
            (Phase::Revocations, Administration::Revoke { certificate, kept }) => {
                self.revoke(certificate, kept, info, *author);
            }
            (Phase::Others, Administration::TeamKey(key))
                if *author == Author::Root || key.team == info.team =>
            {
                let of_team = self.authority.team_keys.entry(key.team).or_default();
                let devices = of_team.entry((key.generation, key.public)).or_default();
                devices.extend(key.sealed.iter().map(|(device, _)| *device));
            }
            _ => {}
        }
    }

    /// A revocation cuts certificates of lower levels only: the root's any, a coordinator's the devices
    /// of its team, whoever certified them. What it names need not be here yet. A tip that the device did not
    /// signature is as if it were not named: nobody could hand on what it keeps.
    fn revoke(&mut self, certificate: &EntryId, kept: &[KeptTip], info: &LogInfo, author: Author) {
        let may_name = |named: &Certificate| match author {
            Author::Root => true,
            Author::Certified(..) => named.role != Role::Coordinator && named.team == info.team,
        };
        let Some(named) =
            self.authority.certificates.get(certificate).filter(|named| may_name(named))
        else {
            return;
        };
        let (key, signature_holds) = (named.key, self.held.signature_holds);
        let planted = crate::planted!(KeptWithoutSignature);
        let signed = kept.iter().filter(|kept| planted || signature_holds(key, kept)).cloned();
        let kept: Vec<KeptTip> = signed.collect();
        for KeptTip { log, tip, signature } in &kept {
            self.authority.kept_signatures.insert((tip.id, key), *signature);
            let of_log = self.held.chains.log(log).is_none_or(|of| of.certificate == *certificate);
            if of_log && (self.held.locate)(&tip.id).is_none() {
                let (device, team, position) = (named.key, named.team, tip.position);
                let claimed = Claimed { log: *log, certificate: *certificate, position };
                let awaited = Awaited { device, team, claimed };
                self.authority.awaited_tips.insert((tip.id, key), awaited);
            }
        }
        let revocations = self.revocations.entry(*certificate).or_default();
        revocations.push(kept);
        let place = revocations.len() - 1;
        if self.revocations.contains_key(&info.certificate) {
            self.by_fallen.insert((*certificate, place));
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Certificates,
    Revocations,
    Others,
}

/// The verdict of an administrative entry that is carried. Who may write it its log's end tells.
fn verdict(entry: &HeldAdministration, stands: bool) -> Verdict {
    verdict_by(entry.ending, stands, is_known(entry.kind, entry.schema))
}

/// The verdict of an administrative entry that is carried, by how it ends its branch, whether all revocations
/// keep it, and whether its kind and schema version are known here.
pub fn verdict_by(ending: Option<Ending>, stands: bool, is_known: bool) -> Verdict {
    match (ending, stands, is_known) {
        (Some(_), _, _) => Verdict::Refused(Refusal::Ended),
        (None, false, _) => Verdict::Refused(Refusal::Revoked),
        (None, true, true) => Verdict::Admitted,
        (None, true, false) => Verdict::Waiting(Waiting::NewerVersion),
    }
}
