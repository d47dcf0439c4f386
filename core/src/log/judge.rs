//! The verdicts of one record's entries, and the plan to replay it: a pure function, linear in what the
//! entries hold.

use super::entry::is_known;
use super::payload::RecordPayload;
use super::verdict::{Refusal, Verdict, Waiting};
use crate::identity::Role;
use crate::model::check;
use crate::model::declaration::WorkerMay;
use crate::model::{DeviceKey, EntryId, Kind, Operation, RecordId, TeamId};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// An entry that names the record being judged, and is carried.
#[derive(Clone, Debug)]
pub struct RecordEntry {
    /// The entry.
    pub id: EntryId,
    /// The header's kind.
    pub kind: u8,
    /// The header's schema version.
    pub schema: u16,
    /// Whether it creates the record.
    pub creates: bool,
    /// The payload; `None` once erased.
    pub payload: Option<Vec<u8>>,
    /// Who wrote it.
    pub author: DeviceKey,
    /// The first certificate of the person who did.
    pub person: EntryId,
    /// The role by its log's certificate.
    pub role: Role,
    /// Whether it ends its branch, and no acceptance brings it in.
    pub has_ended: bool,
    /// Whether every revocation keeps it, or an acceptance brings it in.
    pub stands: bool,
    /// Whether an acceptance waives its role.
    pub is_role_waived: bool,
}

/// One step of a replay.
#[derive(Clone, Debug)]
pub struct ReplayStep {
    /// The entry.
    pub id: EntryId,
    /// Who wrote it.
    pub author: DeviceKey,
    /// The first certificate of the person who did.
    pub person: EntryId,
    /// Whether a coordinator's log holds it.
    pub by_coordinator: bool,
    /// Whether it counts. One that is refused by role, or for want of an element, only stands for what
    /// its author had seen.
    pub counts: bool,
    /// What it says.
    pub payload: RecordPayload,
    /// The steps that it builds on, each earlier; empty for the creation.
    pub parents: Vec<usize>,
}

/// How to replay a record: its creation first, each step after those that it builds on.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The record.
    pub record: RecordId,
    /// Its kind.
    pub kind: Kind,
    /// Its team.
    pub team: TeamId,
    /// The steps.
    pub steps: Vec<ReplayStep>,
}

/// What [`judge`] makes of a record's entries.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// A verdict for each entry.
    pub verdicts: BTreeMap<EntryId, Verdict>,
    /// How to replay the record; `None` where no creation counts.
    pub plan: Option<Plan>,
}

/// Judges all carried entries of one team that name one record. No entry waits for what it names as seen:
/// a name that is no carried entry of this record that counts stands for nothing, and the entry is judged
/// again when one arrives.
pub fn judge(record: RecordId, team: TeamId, is_erased: bool, entries: Vec<RecordEntry>) -> Judged {
    let mut judged = Judged::default();
    if is_erased {
        let verdicts = entries.iter().map(|entry| (entry.id, Verdict::Erased));
        judged.verdicts.extend(verdicts);
        return judged;
    }
    let mut judging = Judging::new(entries);
    let creation = judging.creation();
    let Some((creation, kind)) = creation.filter(|_| judging.judge_creation(creation)) else {
        for entry in &judging.entries {
            let verdict = judging.first_verdict(entry);
            judged
                .verdicts
                .insert(entry.id, verdict.unwrap_or(Verdict::Waiting(Waiting::Creation)));
        }
        if let Some((creation, _)) = creation {
            let verdict = judging.verdict_of_creation(creation);
            judged.verdicts.insert(judging.entries[creation].id, verdict);
        }
        return judged;
    };
    for at in judging.in_order(creation) {
        judging.settle(at, creation, kind);
    }
    judged.verdicts = judging.verdicts();
    judged.plan = Some(Plan { record, kind, team, steps: judging.steps });
    judged
}

struct Judging {
    entries: Vec<RecordEntry>,
    payloads: Vec<Option<RecordPayload>>,
    by_id: HashMap<EntryId, usize>,
    verdict: Vec<Option<Verdict>>,
    steps: Vec<ReplayStep>,
    /// The step of each entry that has one.
    step_of: Vec<Option<usize>>,
}

impl Judging {
    fn new(entries: Vec<RecordEntry>) -> Self {
        let decoded = |entry: &RecordEntry| {
            let payload = entry.payload.as_ref().filter(|_| is_known(entry.kind, entry.schema));
            payload.and_then(|payload| RecordPayload::decode(payload).ok())
        };
        Judging {
            payloads: entries.iter().map(decoded).collect(),
            by_id: entries.iter().enumerate().map(|(at, entry)| (entry.id, at)).collect(),
            verdict: vec![None; entries.len()],
            steps: Vec::new(),
            step_of: vec![None; entries.len()],
            entries,
        }
    }

    /// The creation, with its kind where that is known.
    fn creation(&self) -> Option<(usize, Kind)> {
        let creations = self.entries.iter().enumerate().filter(|(_, entry)| entry.creates);
        let (at, entry) = creations.min_by_key(|(_, entry)| entry.id)?;
        // Of a kind that is not known nothing counts; which one stands in its place says nothing.
        Some((at, Kind::from_number(entry.kind).unwrap_or(Kind::ALL[0])))
    }

    fn judge_creation(&self, creation: Option<(usize, Kind)>) -> bool {
        creation.is_some_and(|(at, _)| self.verdict_of_creation(at) == Verdict::Admitted)
    }

    /// The verdict of the creation, which hangs on nothing else.
    fn verdict_of_creation(&self, at: usize) -> Verdict {
        let entry = &self.entries[at];
        if let Some(verdict) = self.first_verdict(entry) {
            return verdict;
        }
        let (Some(payload), Some(kind)) = (&self.payloads[at], Kind::from_number(entry.kind))
        else {
            return Verdict::Refused(Refusal::Ended);
        };
        let checked =
            check::check_creation(kind, u64::from(entry.schema), &payload.operations).is_ok();
        if !checked || !payload.after.is_empty() {
            return Verdict::Refused(Refusal::Schema);
        }
        if entry.is_role_waived || self.role_allows(entry, kind, at, payload) {
            Verdict::Admitted
        } else {
            Verdict::Refused(Refusal::Role)
        }
    }

    /// What an entry's log and header say of it, in the order of precedence.
    fn first_verdict(&self, entry: &RecordEntry) -> Option<Verdict> {
        if entry.has_ended {
            return Some(Verdict::Refused(Refusal::Ended));
        }
        if !entry.stands {
            return Some(Verdict::Refused(Refusal::Revoked));
        }
        let is_known = is_known(entry.kind, entry.schema);
        (!is_known).then_some(Verdict::Waiting(Waiting::NewerVersion))
    }

    /// The entries that others build on: those that they name as seen, and whose elements they change.
    fn named(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        let payload = self.payloads[at].as_ref();
        let seen = payload.into_iter().flat_map(|payload| &payload.after);
        let elements = payload.into_iter().flat_map(|payload| &payload.operations);
        let elements = elements.filter_map(|operation| match operation {
            Operation::PutIn { element, .. } => Some(&element.entry),
            _ => None,
        });
        let named = seen.chain(elements).filter_map(|id| self.by_id.get(id).copied());
        named.filter(move |named| *named != at)
    }

    /// The creation first, then each entry after those that it names; ties by id. Ids are hashes
    /// that cover what is named, so there is no circle.
    fn in_order(&self, creation: usize) -> Vec<usize> {
        let mut missing: Vec<usize> = vec![0; self.entries.len()];
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.entries.len()];
        let mut ready: BTreeSet<(EntryId, usize)> = BTreeSet::new();
        for at in (0..self.entries.len()).filter(|at| *at != creation) {
            let mut before: Vec<usize> =
                self.named(at).filter(|named| *named != creation).collect();
            before.sort_unstable();
            before.dedup();
            missing[at] = before.len();
            for named in before {
                children[named].push(at);
            }
            if missing[at] == 0 {
                ready.insert((self.entries[at].id, at));
            }
        }
        let mut order = vec![creation];
        while let Some((_, at)) = ready.pop_first() {
            order.push(at);
            for child in std::mem::take(&mut children[at]) {
                missing[child] -= 1;
                if missing[child] == 0 {
                    ready.insert((self.entries[child].id, child));
                }
            }
        }
        order
    }

    fn settle(&mut self, at: usize, creation: usize, kind: Kind) {
        let verdict = if at == creation {
            Verdict::Admitted
        } else {
            self.verdict_of_change(at, creation, kind)
        };
        self.verdict[at] = Some(verdict);
        // An entry refused for who wrote it, or for want of an element, stands for what its author saw.
        let stands_for = [Refusal::Role, Refusal::Needs].map(Verdict::Refused).contains(&verdict);
        if verdict != Verdict::Admitted && !stands_for {
            return;
        }
        let Some(payload) = self.payloads[at].clone() else { return };
        let mut parents: Vec<usize> =
            self.named(at).filter_map(|named| self.step_of[named]).collect();
        parents.sort_unstable();
        parents.dedup();
        if parents.is_empty() && at != creation {
            parents.extend(self.step_of[creation]);
        }
        let entry = &self.entries[at];
        self.step_of[at] = Some(self.steps.len());
        self.steps.push(ReplayStep {
            id: entry.id,
            author: entry.author,
            person: entry.person,
            by_coordinator: entry.role == Role::Coordinator,
            counts: verdict == Verdict::Admitted,
            payload,
            parents,
        });
    }

    fn verdict_of_change(&self, at: usize, creation: usize, kind: Kind) -> Verdict {
        let entry = &self.entries[at];
        if let Some(verdict) = self.first_verdict(entry) {
            return verdict;
        }
        let Some(payload) = &self.payloads[at] else {
            return Verdict::Refused(Refusal::Ended);
        };
        let version = u64::from(entry.schema);
        let of_kind = entry.kind == self.entries[creation].kind && !entry.creates;
        if !of_kind || check::check_change(kind, version, &payload.operations).is_err() {
            return Verdict::Refused(Refusal::Schema);
        }
        if !entry.is_role_waived && !self.role_allows(entry, kind, creation, payload) {
            return Verdict::Refused(Refusal::Role);
        }
        if crate::planted!(DeadAfterBlocks)
            && payload.after.iter().any(|id| !self.by_id.contains_key(id))
        {
            return Verdict::Refused(Refusal::Needs);
        }
        if self.has_elements(payload) {
            Verdict::Admitted
        } else {
            Verdict::Refused(Refusal::Needs)
        }
    }

    /// Whether each element put in was appended, on the same list, by an entry that counts.
    fn has_elements(&self, payload: &RecordPayload) -> bool {
        payload.operations.iter().all(|operation| match operation {
            Operation::PutIn { list, element, .. } => {
                let Some(of) = self.by_id.get(&element.entry) else { return false };
                let appended = self.payloads[*of].as_ref();
                let appended =
                    appended.and_then(|payload| payload.operations.get(element.index as usize));
                matches!(appended, Some(Operation::Append { list: on, .. }) if on == list)
                    && self.verdict[*of] == Some(Verdict::Admitted)
            }
            _ => true,
        })
    }

    fn role_allows(
        &self,
        entry: &RecordEntry,
        kind: Kind,
        creation: usize,
        payload: &RecordPayload,
    ) -> bool {
        match entry.role {
            Role::Coordinator => true,
            Role::Observer => false,
            Role::Worker => {
                self.worker_may(kind.declaration().worker_may, entry, creation, payload)
                    || crate::planted!(RoleRuleOff)
            }
        }
    }

    /// Whether a worker may write these operations, by what the kind lets workers do.
    fn worker_may(
        &self,
        may: WorkerMay,
        entry: &RecordEntry,
        creation: usize,
        payload: &RecordPayload,
    ) -> bool {
        // By the same key, or by a certificate of the same tree; the two do not combine.
        let is_by_same = |of: &RecordEntry| of.author == entry.author || of.person == entry.person;
        let is_own = is_by_same(&self.entries[creation]);
        let appended_by_others: HashSet<EntryId> = self
            .named(self.by_id.get(&entry.id).copied().unwrap_or(creation))
            .filter(|of| !is_by_same(&self.entries[*of]))
            .map(|of| self.entries[of].id)
            .collect();
        // Whether it may begin at all: an empty change says that its author saw what it names.
        let may_begin = match may {
            WorkerMay::Nothing => false,
            WorkerMay::ItsOwnAndAppend(_) => true,
            WorkerMay::ItsOwn | WorkerMay::ItsOwnWhere(..) => is_own,
        };
        may_begin
            && payload.operations.iter().all(|operation| match (operation, may) {
                (Operation::Append { list, .. }, WorkerMay::ItsOwnAndAppend(open)) => {
                    is_own || list == open
                }
                (Operation::PutIn { list, element, .. }, WorkerMay::ItsOwnAndAppend(open)) => {
                    (is_own || list == open) && !appended_by_others.contains(&element.entry)
                }
                (Operation::PutIn { element, .. }, _) => {
                    is_own && !appended_by_others.contains(&element.entry)
                }
                (Operation::Put { field, value }, WorkerMay::ItsOwnWhere(narrowed, codes)) => {
                    let code = value.as_text().unwrap_or_default();
                    is_own && (field != narrowed || codes.contains(&code))
                }
                _ => is_own,
            })
    }

    fn verdicts(&self) -> BTreeMap<EntryId, Verdict> {
        let judged = self.entries.iter().zip(&self.verdict);
        judged.filter_map(|(entry, verdict)| Some((entry.id, (*verdict)?))).collect()
    }
}
