//! Whose word counts: certificates, revocations, acceptances and erasures, settled from above.
//!
//! The root's erasures come first; then levels: the root, coordinators, the rest; within a level
//! acceptances, certificates, revocations, so that no verdict depends on itself. The result is redone
//! whole when an administrative entry or a kept tip arrives; it is small.

mod settling;

pub use settling::{BROUGHT_BY_ONE_MAX, KEPT_BY_FALLEN_MAX, settle, verdict_by};

use super::carriage::{Carriage, Kept};
use super::chain::{Chains, LogInfo, Place};
use super::ending::{Author, Ending};
use super::entry::Tip;
use super::payload::{Administration, KeptTip, Waived};
use super::verdict::Verdict;
use crate::identity::sealing::SealingPublic;
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
    /// The header's kind.
    pub kind: u8,
    /// The header's schema version.
    pub schema: u16,
    /// How it ends its branch, if it does.
    pub ending: Option<Ending>,
    /// What it says, or why it cannot be read.
    pub says: Result<Administration, Malformed>,
}

/// What a store holds that authority is read from.
pub struct AuthorityInputs<'a> {
    /// The programme's root key.
    pub root: DeviceKey,
    /// All logs.
    pub chains: &'a Chains,
    /// All administrative entries.
    pub administration: &'a [HeldAdministration],
    /// Where an entry stands, if it is held. Asked for kept tips only.
    pub locate: &'a dyn Fn(&EntryId) -> Option<(LogId, Place)>,
    /// Whether the signature over a kept tip is this device's.
    pub signature_holds: &'a dyn Fn(DeviceKey, &KeptTip) -> bool,
}

/// What authority makes of a log whose certificate stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Who writes it.
    pub author: Author,
    /// The first certificate of the person whose log it is: its own, or the one that it continues.
    pub person: EntryId,
    /// For each revocation of the certificate the tips of this log that it keeps.
    pub cuts: Vec<Vec<Kept>>,
}

impl Standing {
    /// How far each branch is carried.
    pub fn carriage(&self, info: &LogInfo) -> Carriage {
        Carriage::of(info, &self.cuts)
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

/// How far a log is said to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The log.
    pub log: LogId,
    /// Its certificate.
    pub certificate: EntryId,
    /// The position.
    pub position: u64,
}

/// A kept tip that is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// The device that writes the log.
    pub device: DeviceKey,
    /// Its team.
    pub team: TeamId,
    /// How far the log reaches by it.
    pub claimed: Claimed,
}

/// Whose word counts, as a function of the entries held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authority {
    /// The logs whose certificate stands.
    logs: BTreeMap<LogId, Standing>,
    accepted: BTreeMap<EntryId, BTreeSet<Acceptance>>,
    /// How many entries the acceptances under each certificate bring in.
    brought_by: BTreeMap<EntryId, u64>,
    erased: BTreeSet<(TeamId, RecordId)>,
    /// The verdict of each administrative entry that is carried.
    pub verdicts: BTreeMap<EntryId, Verdict>,
    /// Kept tips that are not held, by the device that signed them, with what is missing by each.
    pub awaited_tips: BTreeMap<(EntryId, DeviceKey), Awaited>,
    /// The signatures over kept tips, by the device: whose key is revoked by somebody else signs for nobody.
    kept_signatures: BTreeMap<(EntryId, DeviceKey), [u8; 64]>,
    /// For each certificate what each revocation of it keeps.
    kept: BTreeMap<EntryId, Vec<Vec<KeptTip>>>,
    /// The certificates that stand; revoked ones do.
    certificates: BTreeMap<EntryId, Certificate>,
    /// Those of them that were revoked.
    revoked: BTreeSet<EntryId>,
    /// Who may read a team's entries: keys with a certificate that stands and is not revoked, but
    /// observers, who read totals alone.
    readers: BTreeSet<(TeamId, DeviceKey)>,
    /// The keys that each team's texts may be sealed to, by generation, with the devices that were
    /// handed them.
    team_keys: BTreeMap<TeamId, BTreeMap<(u64, SealingPublic), BTreeSet<DeviceKey>>>,
}

impl Authority {
    /// What holds of one log; nothing where its certificate does not stand.
    pub fn standing(&self, log: &LogId) -> Option<&Standing> {
        self.logs.get(log)
    }

    /// Admits the `open` of a log that no revocation cuts; returns whether it is one.
    pub(crate) fn admit_open(&mut self, log: &LogId, open: EntryId) -> bool {
        let stands = self.standing(log).is_some_and(|standing| standing.cuts.is_empty());
        if stands {
            self.verdicts.insert(open, Verdict::Admitted);
        }
        stands
    }

    /// Notes a log that was opened since, under a certificate that stands and that nothing cuts.
    pub fn note_log(&mut self, log: LogId, author: Author, certificate: &EntryId) {
        let person = self.person(certificate);
        self.logs.insert(log, Standing { author, person, cuts: Vec::new() });
    }

    /// The first certificate of the person who has this one: where it continues another of the same role and team that
    /// stands, that of the other's.
    pub fn person(&self, certificate: &EntryId) -> EntryId {
        let mut person = *certificate;
        // An id names only what was there before: there is no ring.
        while let Some(earlier) = self.continued_by(&person) {
            person = earlier;
        }
        person
    }

    /// The certificate that another one continues, where both stand and are of one role and team.
    fn continued_by(&self, certificate: &EntryId) -> Option<EntryId> {
        let certificate = self.certificates.get(certificate)?;
        let earlier = certificate.continues?;
        let named = self.certificates.get(&earlier)?;
        let same = (named.role, named.team) == (certificate.role, certificate.team);
        (same || crate::planted!(ContinuesAcrossTeams)).then_some(earlier)
    }

    /// The key by which a person is named: that of the first of their devices.
    pub fn key_of_person(&self, person: &EntryId) -> Option<DeviceKey> {
        self.certificates.get(person).map(|named| named.key)
    }

    /// Whether two certificates are one person's.
    pub fn is_one_person(&self, one: &EntryId, other: &EntryId) -> bool {
        self.person(one) == self.person(other)
    }

    /// A certificate that stands; revoked ones do.
    pub fn certificate(&self, id: &EntryId) -> Option<&Certificate> {
        self.certificates.get(id)
    }

    /// Who writes logs under a certificate, where it stands for this key in this team.
    pub fn author(
        &self,
        certificate: &EntryId,
        key: DeviceKey,
        team: TeamId,
        root: DeviceKey,
    ) -> Option<Author> {
        if *certificate == EntryId::NONE {
            return (key == root && team == TeamId::PROGRAMME).then_some(Author::Root);
        }
        let named = self.certificates.get(certificate)?;
        let fits = (named.key, named.team) == (key, team);
        fits.then_some(Author::Certified(named.role, named.team))
    }

    /// Whether a log is a coordinator's by its certificate.
    pub fn is_coordinators(&self, log: &LogId) -> bool {
        let author = self.logs.get(log).map(|standing| standing.author);
        matches!(author, Some(Author::Certified(Role::Coordinator, _)))
    }

    /// Whether something here hangs on this entry.
    pub fn awaits(&self, id: &EntryId) -> bool {
        let of_any = (*id, DeviceKey([0; 32]))..=(*id, DeviceKey([255; 32]));
        self.awaited_tips.range(of_any.clone()).next().is_some()
            || self.kept_signatures.range(of_any).next().is_some()
            || self.accepted.contains_key(id)
    }

    /// The signature of a device that a revocation carries over a tip that it keeps.
    pub fn kept_signature(&self, id: EntryId, device: DeviceKey) -> Option<[u8; 64]> {
        self.kept_signatures.get(&(id, device)).copied()
    }

    /// The tips of a log that each revocation of its certificate keeps.
    pub fn kept_of(&self, certificate: &EntryId, log: &LogId) -> Vec<Vec<Tip>> {
        let of_log = |kept: &Vec<KeptTip>| {
            kept.iter().filter(|kept| kept.log == *log).map(|kept| kept.tip).collect()
        };
        self.kept.get(certificate).into_iter().flatten().map(of_log).collect()
    }

    /// The role that a certificate gives, if it stands; a revoked one does.
    pub fn role(&self, certificate: &EntryId) -> Option<Role> {
        self.certificates.get(certificate).map(|named| named.role)
    }

    /// Whether this key may read a team's totals: whoever reads its entries, and observers.
    pub fn may_read_totals(&self, key: DeviceKey, team: TeamId) -> bool {
        self.live()
            .any(|(_, named)| named.key == key && (named.team == team || team == TeamId::PROGRAMME))
    }

    /// The roles of this key in a team, by certificates that are not revoked.
    pub fn roles(&self, key: DeviceKey, team: TeamId) -> impl Iterator<Item = Role> + '_ {
        let named = self.live().filter(move |(_, named)| (named.key, named.team) == (key, team));
        named.map(|(_, named)| named.role)
    }

    /// The certificates that stand and are not revoked.
    fn live(&self) -> impl Iterator<Item = (&EntryId, &Certificate)> {
        self.certificates.iter().filter(|(id, _)| !self.is_revoked(id))
    }

    /// Whether a certificate was revoked.
    pub fn is_revoked(&self, certificate: &EntryId) -> bool {
        self.revoked.contains(certificate)
    }

    /// Whether this key is some team's coordinator, and not revoked there.
    pub fn is_coordinator(&self, key: DeviceKey) -> bool {
        self.live().any(|(_, named)| (named.key, named.role) == (key, Role::Coordinator))
    }

    /// The keys that have a certificate, which may be revoked, in some team.
    pub fn certified(&self) -> BTreeSet<DeviceKey> {
        self.certificates.values().map(|named| named.key).collect()
    }

    /// Whether this key has a certificate, which may be revoked, in some team.
    pub fn has_certificate(&self, key: DeviceKey) -> bool {
        self.certificates.values().any(|named| named.key == key)
    }

    /// Whether a certificate of this key stands in some team, and is not revoked.
    pub fn is_enrolled(&self, key: DeviceKey) -> bool {
        self.live().any(|(_, named)| named.key == key)
    }

    /// The devices with a certificate that stands in a team, or in any, and is not revoked.
    pub fn enrolled(&self, team: Option<TeamId>) -> BTreeSet<DeviceKey> {
        let of_team = self.live().filter(|(_, named)| team.is_none_or(|team| team == named.team));
        of_team.map(|(_, named)| named.key).collect()
    }

    /// The certificates that stand in a team, with their keys and roles; revoked ones, too.
    pub fn members(&self, team: TeamId) -> impl Iterator<Item = (EntryId, DeviceKey, Role)> + '_ {
        let of_team = self.certificates.iter().filter(move |(_, named)| named.team == team);
        of_team.map(|(id, named)| (*id, named.key, named.role))
    }

    /// The teams in which somebody is certified.
    pub fn teams(&self) -> BTreeSet<TeamId> {
        self.certificates.values().map(|named| named.team).collect()
    }

    /// Whether this key may read the entries of this team; the programme's scope is read by all who
    /// may read some team.
    pub fn may_read(&self, key: DeviceKey, team: TeamId) -> bool {
        if team == TeamId::PROGRAMME {
            self.readers.iter().any(|(_, reader)| *reader == key)
        } else {
            self.readers.contains(&(team, key))
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

    /// The entries that acceptances name to bring them in.
    pub fn brought(&self) -> impl Iterator<Item = &EntryId> {
        let brings =
            |all: &BTreeSet<Acceptance>| all.iter().any(|one| one.waived == Waived::Revoked);
        self.accepted.iter().filter(move |(_, all)| brings(all)).map(|(id, _)| id)
    }

    /// How many more entries the acceptances under this certificate may bring in.
    pub fn may_bring(&self, certificate: &EntryId) -> u64 {
        BROUGHT_BY_ONE_MAX - self.brought_by.get(certificate).copied().unwrap_or(0)
    }

    /// Whether this record of this team is erased.
    pub fn is_erased(&self, team: TeamId, record: RecordId) -> bool {
        self.erased.contains(&(team, record))
    }

    /// The records of a team that are erased.
    pub fn erased(&self, team: TeamId) -> impl Iterator<Item = RecordId> + '_ {
        let of_team = self.erased.iter().filter(move |(of, _)| *of == team);
        of_team.map(|(_, record)| *record)
    }

    /// Whether this record is erased in some team.
    pub fn is_erased_anywhere(&self, record: RecordId) -> bool {
        self.erased.iter().any(|(_, erased)| *erased == record)
    }

    /// What changed between two authorities: logs whose entries, entries whose acceptance, and
    /// records whose erasure must be judged again.
    pub fn changed_since(&self, before: &Authority) -> Changed {
        let differing = |log: &&LogId| self.logs.get(log) != before.logs.get(log);
        let logs: BTreeSet<&LogId> = self.logs.keys().chain(before.logs.keys()).collect();
        let entries: BTreeSet<&EntryId> =
            self.accepted.keys().chain(before.accepted.keys()).collect();
        Changed {
            logs: logs.into_iter().filter(differing).copied().collect(),
            entries: entries
                .into_iter()
                .filter(|id| self.accepted.get(id) != before.accepted.get(id))
                .copied()
                .collect(),
            records: self.erased.symmetric_difference(&before.erased).copied().collect(),
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
    /// Records that are erased, with their team.
    pub records: Vec<(TeamId, RecordId)>,
}
