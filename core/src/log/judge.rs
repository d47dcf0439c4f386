//! The verdicts of one record's entries, and the plan to replay it: a pure function.

use super::authority::{Authority, Mandate};
use super::chain::{Chains, LogInfo, Place};
use super::payload::{RecordPayload, Waived};
use super::verdict::{Refusal, Verdict, Waiting};
use crate::identity::Role;
use crate::model::cbor::Malformed;
use crate::model::check::{self, Fault};
use crate::model::schema::WorkerMay;
use crate::model::{DeviceKey, ElementName, EntryId, Kind, LogId, Operation, RecordId, TeamId};
use std::collections::{BTreeMap, BTreeSet};

/// The most changes of one record by one key, in all its logs and branches.
pub const ENTRIES_PER_KEY_MAX: usize = 500;
/// The most operations that the changes of one key may hold for one record: replaying so many takes a
/// few tenths of a second.
pub const OPERATIONS_PER_KEY_MAX: u64 = 5_000;

/// An entry that names the record being judged.
#[derive(Clone, Debug)]
pub struct RecordEntry {
    /// The entry.
    pub id: EntryId,
    /// Its log.
    pub log: LogId,
    /// Its place there.
    pub place: Place,
    /// The header's kind.
    pub kind: u8,
    /// Whether it creates the record.
    pub creates: bool,
    /// The payload; `None` once erased, and beyond [`ENTRIES_PER_KEY_MAX`], where it is not looked at.
    pub payload: Option<Vec<u8>>,
    /// Whether it is beyond [`ENTRIES_PER_KEY_MAX`], by [`beyond`].
    pub is_beyond: bool,
}

/// One step of a replay: build these operations on these entries.
#[derive(Clone, Debug)]
pub struct Step {
    /// The entry.
    pub id: EntryId,
    /// Who wrote it.
    pub author: DeviceKey,
    /// What it says.
    pub payload: RecordPayload,
    /// The admitted entries that it builds on; empty for the creation.
    pub parents: Vec<EntryId>,
}

/// How to replay a record: its creation first, each entry after those that it builds on.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: Kind,
    /// Its team.
    pub team: TeamId,
    /// The steps, in dependency order.
    pub steps: Vec<Step>,
}

/// What [`judge`] makes of a record's entries.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// A verdict for each entry.
    pub verdicts: BTreeMap<EntryId, Verdict>,
    /// How to replay the record; `None` where no creation counts.
    pub plan: Option<Plan>,
    /// Entries that others wait for.
    pub awaited: BTreeSet<EntryId>,
}

/// Judges all entries of one team that name one record. `is_held` tells whether an entry of any
/// record is held in the team's scope or the programme's: a store that holds other teams, too, must
/// come to the same verdicts.
pub fn judge(
    record: RecordId,
    entries: &[RecordEntry],
    authority: &Authority,
    chains: &Chains,
    is_held: &dyn Fn(&EntryId) -> bool,
) -> Judged {
    let mut judging = Judging {
        record,
        authority,
        chains,
        is_held,
        by_id: entries.iter().map(|entry| (entry.id, entry)).collect(),
        payloads: entries
            .iter()
            .filter_map(|entry| Some((entry.id, RecordPayload::decode(entry.payload.as_ref()?))))
            .collect(),
        creation: entries.iter().filter(|entry| entry.creates).min_by_key(|entry| entry.id),
        resolved: BTreeMap::new(),
        judged: Judged::default(),
        steps: Vec::new(),
        step_of: BTreeMap::new(),
        over: BTreeSet::new(),
    };
    judging.count_operations(entries);
    for entry in judging.in_dependency_order() {
        judging.settle(entry);
    }
    judging.finish()
}

/// Changes of a record by one key, in the order of position and id.
type OfKey = BTreeSet<(u64, EntryId)>;

/// A record's changes by the key that wrote them, in an order that every store gives alike.
fn by_key(entries: &[RecordEntry], chains: &Chains) -> BTreeMap<DeviceKey, OfKey> {
    let mut keys: BTreeMap<DeviceKey, OfKey> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !entry.creates) {
        if let Some(info) = chains.log(&entry.log) {
            keys.entry(info.key).or_default().insert((entry.place.position, entry.id));
        }
    }
    keys
}

/// The changes past the first [`ENTRIES_PER_KEY_MAX`] of a key: refused without a look at them.
pub fn beyond(entries: &[RecordEntry], chains: &Chains) -> BTreeSet<EntryId> {
    let keys = by_key(entries, chains).into_values();
    keys.flat_map(|of_key| of_key.into_iter().skip(ENTRIES_PER_KEY_MAX).map(|(_, id)| id)).collect()
}

/// What a later entry builds on when it names this one: these admitted entries, or not known yet.
type Stands = Option<BTreeSet<EntryId>>;

struct Judging<'a> {
    record: RecordId,
    authority: &'a Authority,
    chains: &'a Chains,
    is_held: &'a dyn Fn(&EntryId) -> bool,
    by_id: BTreeMap<EntryId, &'a RecordEntry>,
    payloads: BTreeMap<EntryId, Result<RecordPayload, Malformed>>,
    creation: Option<&'a RecordEntry>,
    resolved: BTreeMap<EntryId, Stands>,
    judged: Judged,
    steps: Vec<Step>,
    /// Where among the steps each admitted entry is.
    step_of: BTreeMap<EntryId, usize>,
    /// Entries past a key's [`OPERATIONS_PER_KEY_MAX`].
    over: BTreeSet<EntryId>,
}

impl<'a> Judging<'a> {
    fn count_operations(&mut self, entries: &[RecordEntry]) {
        for of_key in by_key(entries, self.chains).into_values() {
            let mut sum = 0;
            for (_, id) in of_key {
                if let Some(Ok(payload)) = self.payloads.get(&id) {
                    sum += payload.operations.len() as u64;
                }
                if sum > OPERATIONS_PER_KEY_MAX {
                    self.over.insert(id);
                }
            }
        }
    }

    fn after(&self, id: &EntryId) -> &[EntryId] {
        match self.payloads.get(id) {
            Some(Ok(payload)) => &payload.after,
            _ => &[],
        }
    }

    /// The creation first, then each entry after those that it names; ties by id. Ids are hashes
    /// that cover `after`, so there is no circle.
    fn in_dependency_order(&self) -> Vec<&'a RecordEntry> {
        let mut missing: BTreeMap<EntryId, usize> = BTreeMap::new();
        let mut children: BTreeMap<EntryId, Vec<EntryId>> = BTreeMap::new();
        let mut ready = BTreeSet::new();
        let first = self.creation.map(|creation| creation.id);
        for (id, _) in self.by_id.iter().filter(|(id, _)| Some(**id) != first) {
            let before: Vec<&EntryId> = self
                .after(id)
                .iter()
                .filter(|id| Some(**id) != first && self.by_id.contains_key(*id))
                .collect();
            for named in &before {
                children.entry(**named).or_default().push(*id);
            }
            match before.len() {
                0 => _ = ready.insert(*id),
                count => _ = missing.insert(*id, count),
            }
        }
        let mut order: Vec<&RecordEntry> = self.creation.into_iter().collect();
        while let Some(id) = ready.pop_first() {
            order.extend(self.by_id.get(&id));
            for child in children.remove(&id).unwrap_or_default() {
                if let Some(count) = missing.get_mut(&child) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert(child);
                    }
                }
            }
        }
        order
    }

    fn settle(&mut self, entry: &'a RecordEntry) {
        let is_creation = self.creation.is_some_and(|creation| creation.id == entry.id);
        let (stands, unresolved, foreign) = self.stands_for(entry, is_creation);
        let verdict = self.verdict(entry, is_creation, &stands, unresolved, foreign);
        let resolved = match verdict {
            Verdict::Admitted => Some(BTreeSet::from([entry.id])),
            Verdict::Waiting(_) => None,
            Verdict::Refused(_) | Verdict::Erased if unresolved => None,
            Verdict::Refused(_) | Verdict::Erased => Some(stands.clone()),
        };
        if verdict == Verdict::Admitted
            && let Some(Ok(payload)) = self.payloads.get(&entry.id)
            && let Some(info) = self.chains.log(&entry.log)
        {
            self.step_of.insert(entry.id, self.steps.len());
            self.steps.push(Step {
                id: entry.id,
                author: info.key,
                payload: payload.clone(),
                parents: stands.into_iter().collect(),
            });
        }
        self.resolved.insert(entry.id, resolved);
        self.judged.verdicts.insert(entry.id, verdict);
    }

    /// The admitted entries that this one builds on; whether some are not known yet; whether it
    /// names an entry of another record. A refused entry stands for its own `after`.
    fn stands_for(
        &mut self,
        entry: &RecordEntry,
        is_creation: bool,
    ) -> (BTreeSet<EntryId>, bool, bool) {
        let mut stands = BTreeSet::new();
        let (mut unresolved, mut foreign) = (false, false);
        for id in self.after(&entry.id).to_vec() {
            match self.resolved.get(&id) {
                Some(Some(set)) => stands.extend(set.iter().copied()),
                Some(None) => unresolved = true,
                None if (self.is_held)(&id) => foreign = true,
                None => {
                    unresolved = true;
                    self.judged.awaited.insert(id);
                }
            }
        }
        if stands.len() > 1 {
            let before = self.ancestors(&stands);
            stands.retain(|id| !before.contains(id));
        }
        if stands.is_empty() && !is_creation {
            stands.extend(self.creation.map(|creation| creation.id));
        }
        (stands, unresolved, foreign)
    }

    /// The rules in the order of precedence of admission.md: the verdict digest holds the reason.
    fn verdict(
        &self,
        entry: &RecordEntry,
        is_creation: bool,
        stands: &BTreeSet<EntryId>,
        unresolved: bool,
        foreign: bool,
    ) -> Verdict {
        let (Some(info), Some(standing)) =
            (self.chains.log(&entry.log), self.authority.standing(&entry.log))
        else {
            return Verdict::Waiting(Waiting::Certificate);
        };
        if self.authority.is_erased(info.team, self.record) {
            return Verdict::Erased;
        }
        let role = match standing.mandate {
            Mandate::Waiting => return Verdict::Waiting(Waiting::Certificate),
            Mandate::Refused | Mandate::Cut(_) | Mandate::Root => {
                return Verdict::Refused(Refusal::Certificate);
            }
            Mandate::Holds(role) => role,
        };
        let Some((creation, created_by)) =
            self.creation.and_then(|creation| Some((creation, self.chains.log(&creation.log)?)))
        else {
            return Verdict::Waiting(Waiting::Creation);
        };
        if entry.is_beyond {
            return Verdict::Refused(Refusal::TooMany);
        }
        let payload = match self.payload(entry, is_creation) {
            Ok(payload) => payload,
            Err(verdict) => return verdict,
        };
        let waives = |waived| self.authority.waives(&entry.id, waived, info.key, info.team);
        if !standing.stands(info, entry.place) && !waives(Waived::Revoked) {
            return Verdict::Refused(Refusal::Revoked);
        }
        let waived = role == Role::Worker && waives(Waived::Role);
        let kind = Kind::from_number(creation.kind);
        if !waived && !self.role_allows(role, kind, info, created_by, payload) {
            return Verdict::Refused(Refusal::Role);
        }
        if self.over.contains(&entry.id) {
            return Verdict::Refused(Refusal::TooMany);
        }
        if foreign || entry.kind != creation.kind || (entry.creates && !is_creation) {
            return Verdict::Refused(Refusal::Foreign);
        }
        if !is_creation {
            match self.judged.verdicts.get(&creation.id) {
                Some(Verdict::Admitted) => {}
                Some(Verdict::Refused(_) | Verdict::Erased) => {
                    return Verdict::Refused(Refusal::Needs);
                }
                Some(Verdict::Waiting(_)) | None => return Verdict::Waiting(Waiting::Creation),
            }
        }
        if unresolved {
            return Verdict::Waiting(Waiting::After);
        }
        match self.has_elements(payload, stands) {
            true => Verdict::Admitted,
            false => Verdict::Refused(Refusal::Needs),
        }
    }

    fn payload(&self, entry: &RecordEntry, is_creation: bool) -> Result<&RecordPayload, Verdict> {
        let newer = Verdict::Waiting(Waiting::NewerVersion);
        let kind = Kind::from_number(entry.kind).ok_or(newer)?;
        let payload = match self.payloads.get(&entry.id) {
            Some(Ok(payload)) => payload,
            Some(Err(Malformed::Newer)) => return Err(newer),
            Some(Err(_)) | None => return Err(Verdict::Refused(Refusal::Malformed)),
        };
        let check = match is_creation {
            true => check::check_creation(kind, payload.schema_version, &payload.operations),
            false => check::check_change(kind, payload.schema_version, &payload.operations),
        };
        match check {
            Ok(()) if is_creation && !payload.after.is_empty() => {
                Err(Verdict::Refused(Refusal::Schema))
            }
            Ok(()) => Ok(payload),
            Err(Fault::Newer) => Err(newer),
            Err(Fault::Invalid(_)) => Err(Verdict::Refused(Refusal::Schema)),
        }
    }

    fn role_allows(
        &self,
        role: Role,
        kind: Option<Kind>,
        info: &LogInfo,
        created_by: &LogInfo,
        payload: &RecordPayload,
    ) -> bool {
        match role {
            Role::Coordinator => true,
            Role::Observer => false,
            Role::Worker => {
                let may = kind.map(|kind| kind.declaration().worker_may);
                may.is_some_and(|may| self.worker_may(may, info, created_by, payload))
                    || crate::planted!(RoleRuleOff)
            }
        }
    }

    /// Whether a worker may write these operations, by what the kind lets workers do.
    fn worker_may(
        &self,
        may: WorkerMay,
        info: &LogInfo,
        created_by: &LogInfo,
        payload: &RecordPayload,
    ) -> bool {
        let is_own = created_by.key == info.key;
        let own_element = |element: &ElementName| {
            let appended_by = self.by_id.get(&element.entry);
            let appended_by = appended_by.and_then(|entry| self.chains.log(&entry.log));
            appended_by.is_none_or(|appended_by| appended_by.key == info.key)
        };
        let may_begin = match may {
            WorkerMay::Nothing => false,
            WorkerMay::ItsOwnAndAppend(_) => is_own || !payload.operations.is_empty(),
            WorkerMay::ItsOwn | WorkerMay::ItsOwnWhere(..) => is_own,
        };
        may_begin
            && payload.operations.iter().all(|operation| match (operation, may) {
                (_, WorkerMay::Nothing) => false,
                (Operation::Append { list, .. }, WorkerMay::ItsOwnAndAppend(open)) => {
                    is_own || list == open
                }
                (Operation::PutIn { list, element, .. }, WorkerMay::ItsOwnAndAppend(open)) => {
                    (is_own || list == open) && own_element(element)
                }
                (Operation::PutIn { element, .. }, _) => is_own && own_element(element),
                (Operation::Put { field, value }, WorkerMay::ItsOwnWhere(narrowed, codes)) => {
                    let code = value.as_text().unwrap_or_default();
                    is_own && (field != narrowed || codes.contains(&code))
                }
                _ => is_own,
            })
    }

    /// Whether each element put in was appended, on the same list, by an entry that this one saw.
    fn has_elements(&self, payload: &RecordPayload, stands: &BTreeSet<EntryId>) -> bool {
        let mut seen: Option<BTreeSet<EntryId>> = None;
        payload.operations.iter().all(|operation| match operation {
            Operation::PutIn { list, element, .. } => {
                let appended = match self.payloads.get(&element.entry) {
                    Some(Ok(payload)) => payload.operations.get(element.index as usize),
                    _ => None,
                };
                let seen = seen.get_or_insert_with(|| &self.ancestors(stands) | stands);
                matches!(appended, Some(Operation::Append { list: on, .. }) if on == list)
                    && seen.contains(&element.entry)
            }
            _ => true,
        })
    }

    /// All admitted entries before these.
    fn ancestors(&self, of: &BTreeSet<EntryId>) -> BTreeSet<EntryId> {
        let mut seen = BTreeSet::new();
        let mut next: Vec<EntryId> = of.iter().copied().collect();
        while let Some(id) = next.pop() {
            let step = self.step_of.get(&id).and_then(|at| self.steps.get(*at));
            let parents = step.into_iter().flat_map(|step| &step.parents);
            next.extend(parents.filter(|id| seen.insert(**id)));
        }
        seen
    }

    fn finish(mut self) -> Judged {
        let admitted = self
            .creation
            .filter(|creation| self.judged.verdicts.get(&creation.id) == Some(&Verdict::Admitted));
        self.judged.plan = admitted.and_then(|creation| {
            Some(Plan {
                record: self.record,
                kind: Kind::from_number(creation.kind)?,
                team: self.chains.log(&creation.log)?.team,
                steps: self.steps,
            })
        });
        self.judged
    }
}
