//! Merges a record's steps, in time linear in what they say.
//!
//! The values are those of the automerge document that the steps would make, each entry one change by an
//! actor of its own; a test compares the two. automerge itself takes time that grows with the square of
//! the changes written apart, whoever wrote them (docs/adr/0014), so it is not asked.

use super::{Change, Fields, HeldElement, Record, Written};
use crate::log::judge::{Plan, ReplayStep};
use crate::model::field::Shape;
use crate::model::{ElementName, EntryId, Operation, Value};
use std::collections::{BTreeMap, HashMap};

/// A plan that could not be followed: a bug, since `judge` checked all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a record could not be replayed")]
pub struct ReplayError;

/// How many steps come before one at most: of values written apart the highest wins, of equal ones that of
/// the higher entry id.
type Height = u64;

/// A field of the record, or of one of its elements.
type Key<'a> = (Option<ElementName>, &'a str);

/// One value that was put, and by which step.
struct Put<'a> {
    step: usize,
    value: &'a Value,
}

/// Replays a plan. The order of steps written apart makes no difference.
pub fn replay(plan: &Plan) -> Result<Record, ReplayError> {
    let first = plan.steps.first().ok_or(ReplayError)?;
    let heights = heights(&plan.steps);
    let mut puts: BTreeMap<Key<'_>, Vec<Put<'_>>> = BTreeMap::new();
    let mut elements: BTreeMap<&str, Vec<(Height, ElementName)>> = BTreeMap::new();
    for field in plan.kind.fields().filter(|field| matches!(field.shape, Shape::List(_))) {
        elements.insert(field.name, Vec::new());
    }
    for (at, step) in plan.steps.iter().enumerate().filter(|(_, step)| step.counts) {
        for (index, operation) in (0..).zip(&step.payload.operations) {
            match operation {
                Operation::Put { field, value } => put(&mut puts, (None, field), at, value),
                Operation::Append { list, element } => {
                    let name = ElementName { entry: step.id, index };
                    let of_list = elements.get_mut(list.as_str()).ok_or(ReplayError)?;
                    of_list.push((heights[at], name));
                    for (field, value) in element {
                        put(&mut puts, (Some(name), field), at, value);
                    }
                }
                Operation::PutIn { element, field, value, .. } => {
                    put(&mut puts, (Some(*element), field), at, value);
                }
            }
        }
    }
    let overwritten = Overwritten::of(&plan.steps, &puts);
    let mut fields: HashMap<Option<ElementName>, Fields> = HashMap::new();
    for ((key, of_key), overwritten) in puts.iter().zip(&overwritten.0) {
        let values = current(&plan.steps, &heights, of_key, overwritten);
        fields.entry(key.0).or_default().insert(key.1.to_owned(), values);
    }
    let mut lists = BTreeMap::new();
    for (list, mut named) in elements {
        named.sort_unstable();
        let mut made = Vec::new();
        for (_, name) in named {
            made.push(HeldElement { name, fields: fields.remove(&Some(name)).unwrap_or_default() });
        }
        lists.insert(list.to_owned(), made);
    }
    Ok(Record {
        id: plan.record,
        kind: plan.kind,
        team: plan.team,
        author: first.author,
        recorded_at: first.payload.at,
        fields: fields.remove(&None).unwrap_or_default(),
        lists,
        heads: heads(&plan.steps),
        history: history(plan),
    })
}

/// Notes a value; of two that one step gives a field the later stands.
fn put<'a>(
    puts: &mut BTreeMap<Key<'a>, Vec<Put<'a>>>,
    key: Key<'a>,
    step: usize,
    value: &'a Value,
) {
    let of_key = puts.entry(key).or_default();
    match of_key.last_mut().filter(|last| last.step == step) {
        Some(last) => last.value = value,
        None => of_key.push(Put { step, value }),
    }
}

fn heights(steps: &[ReplayStep]) -> Vec<Height> {
    let mut heights: Vec<Height> = Vec::with_capacity(steps.len());
    for step in steps {
        let below = step.parents.iter().filter_map(|parent| heights.get(*parent)).max();
        heights.push(below.copied().unwrap_or(0) + u64::from(step.counts));
    }
    heights
}

/// The values that no later step replaced, the winner last.
fn current(
    steps: &[ReplayStep],
    heights: &[Height],
    puts: &[Put<'_>],
    overwritten: &[bool],
) -> Vec<Written> {
    let standing = puts.iter().zip(overwritten).filter(|(_, overwritten)| !**overwritten);
    let mut standing: Vec<(Height, EntryId, &Value)> =
        standing.map(|(put, _)| (heights[put.step], steps[put.step].id, put.value)).collect();
    standing.sort_by_key(|(height, id, _)| (*height, *id));
    standing.into_iter().map(|(_, id, value)| (value.clone(), id)).collect()
}

/// For each field, and each value put in it, whether a step that saw it put another.
struct Overwritten(Vec<Vec<bool>>);

impl Overwritten {
    /// Walks the steps backwards once for each 64 fields that were put more than once: which of those
    /// fields are put by something that builds on a step is one bit each.
    fn of(steps: &[ReplayStep], puts: &BTreeMap<Key<'_>, Vec<Put<'_>>>) -> Self {
        let mut overwritten: Vec<Vec<bool>> =
            puts.values().map(|of_key| vec![false; of_key.len()]).collect();
        let many: Vec<(usize, &Vec<Put<'_>>)> =
            puts.values().enumerate().filter(|(_, of_key)| of_key.len() > 1).collect();
        for batch in many.chunks(64) {
            let mut own: Vec<u64> = vec![0; steps.len()];
            for (bit, (_, of_key)) in batch.iter().enumerate() {
                of_key.iter().for_each(|put| own[put.step] |= 1 << bit);
            }
            let mut above: Vec<u64> = vec![0; steps.len()];
            for (at, step) in steps.iter().enumerate().rev() {
                let seen = own[at] | above[at];
                step.parents.iter().for_each(|parent| above[*parent] |= seen);
            }
            for (bit, (key, of_key)) in batch.iter().enumerate() {
                for (at, put) in of_key.iter().enumerate() {
                    let replaced = above[put.step] & (1 << bit) != 0;
                    overwritten[*key][at] = replaced && !crate::planted!(ReplacedValuesStay);
                }
            }
        }
        Overwritten(overwritten)
    }
}

/// The entries that count and that none that counts builds on.
fn heads(steps: &[ReplayStep]) -> Vec<EntryId> {
    let mut has_later = vec![false; steps.len()];
    for (at, step) in steps.iter().enumerate().rev() {
        let seen = step.counts || has_later[at];
        step.parents.iter().for_each(|parent| has_later[*parent] |= seen);
    }
    let heads = steps.iter().zip(&has_later).filter(|(step, later)| step.counts && !**later);
    let mut heads: Vec<EntryId> = heads.map(|(step, _)| step.id).collect();
    heads.sort_unstable();
    heads
}

fn history(plan: &Plan) -> Vec<Change> {
    let person = plan.steps.first().map(|first| first.person);
    let changes = plan.steps.iter().filter(|step| step.counts).map(|step| Change {
        entry: step.id,
        author: step.author,
        by_coordinator: step.by_coordinator,
        by_same_person: Some(step.person) == person,
        at: step.payload.at,
        operations: step.payload.operations.clone(),
    });
    changes.collect()
}

#[cfg(test)]
#[path = "replay_against_automerge.rs"]
mod against_automerge;
