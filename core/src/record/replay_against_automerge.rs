//! What the replay makes of random histories is what automerge makes of them: each entry one change by an
//! actor of its own, built on the changes that it names, by `fork_at`.

use super::*;
use crate::log::payload::RecordPayload;
use crate::model::{DeviceKey, Kind, RecordId, TeamId, UnixMillis};
use automerge::transaction::{CommitOptions, Transactable};
use automerge::{ActorId, Automerge, ChangeHash, ObjId, ObjType, ROOT, ReadDoc, ScalarValue};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::collections::BTreeSet;

/// For each field of the record, and of its elements, the entries whose values stand.
type Standing = BTreeMap<(Option<ElementName>, String), BTreeSet<EntryId>>;

fn id(at: usize) -> EntryId {
    EntryId([at as u8 + 1; 32])
}

fn below(random: &mut ChaCha20Rng, bound: usize) -> usize {
    random.next_u32() as usize % bound
}

/// A creation, and steps that build on any of those before them, some of which only stand for others.
fn plan(seed: u64) -> Plan {
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    let mut steps: Vec<ReplayStep> = Vec::new();
    let mut elements: Vec<(ElementName, usize)> = Vec::new();
    for at in 0..2 + below(&mut random, 12) {
        let mut parents = BTreeSet::new();
        for _ in 0..(if at == 0 { 0 } else { 1 + below(&mut random, 3) }) {
            parents.insert(below(&mut random, at));
        }
        let counts = at == 0 || below(&mut random, 6) > 0;
        let mut operations = Vec::new();
        for index in 0..1 + below(&mut random, 3) {
            let value = Value::Int(below(&mut random, 3) as i64);
            let field = ["a", "b", "c"][below(&mut random, 3)].to_owned();
            match below(&mut random, 4) {
                0 => {
                    let name = ElementName { entry: id(at), index: index as u32 };
                    if counts {
                        elements.push((name, at));
                    }
                    operations.push(Operation::append("administrations", vec![(field, value)]));
                }
                1 if at > 0 && !elements.is_empty() => {
                    let (element, of) = elements[below(&mut random, elements.len())];
                    if of < at {
                        parents.insert(of);
                    }
                    let list = "administrations".to_owned();
                    operations.push(Operation::PutIn { list, element, field, value });
                }
                _ => operations.push(Operation::Put { field, value }),
            }
        }
        let payload =
            RecordPayload { salt: [0; 8], at: UnixMillis(0), after: Vec::new(), operations };
        let author = DeviceKey([4; 32]);
        let parents = parents.into_iter().collect();
        let by_coordinator = false;
        let person = EntryId([5; 32]);
        steps.push(ReplayStep {
            id: id(at),
            author,
            person,
            by_coordinator,
            counts,
            payload,
            parents,
        });
    }
    Plan { record: RecordId([3; 16]), kind: Kind::Reversal, team: TeamId([5; 16]), steps }
}

/// The steps that count and that one builds on, also by way of those that only stand for others.
fn counting_parents(steps: &[ReplayStep], at: usize) -> BTreeSet<usize> {
    let parents = steps[at].parents.iter();
    let resolved = parents.flat_map(|parent| {
        if steps[*parent].counts {
            BTreeSet::from([*parent])
        } else {
            counting_parents(steps, *parent)
        }
    });
    resolved.collect()
}

fn scalar(value: &Value) -> ScalarValue {
    match value {
        Value::Int(number) => ScalarValue::Int(*number),
        _ => ScalarValue::Null,
    }
}

fn by_automerge(plan: &Plan) -> Standing {
    let mut document = Automerge::new();
    let mut hashes: BTreeMap<usize, ChangeHash> = BTreeMap::new();
    let mut objects: BTreeMap<ElementName, ObjId> = BTreeMap::new();
    for (at, step) in plan.steps.iter().enumerate().filter(|(_, step)| step.counts) {
        let parents: Vec<ChangeHash> =
            counting_parents(&plan.steps, at).iter().map(|parent| hashes[parent]).collect();
        let mut fork = match at {
            0 => Automerge::new(),
            _ => document.fork_at(&parents).expect("changes of this document"),
        };
        fork.set_actor(ActorId::from(step.id.0.as_slice()));
        let mut transaction = fork.transaction();
        if at == 0 {
            let made = transaction.put_object(ROOT, "administrations", ObjType::List);
            made.expect("a new list");
        }
        for (index, operation) in (0..).zip(&step.payload.operations) {
            let (object, field, value) = match operation {
                Operation::Put { field, value } => (ROOT, field, value),
                Operation::PutIn { element, field, value, .. } => {
                    (objects[element].clone(), field, value)
                }
                Operation::Append { element, .. } => {
                    let (_, list) = transaction
                        .get(ROOT, "administrations")
                        .expect("readable")
                        .expect("made by the creation");
                    let end = transaction.length(&list);
                    let made = transaction.insert_object(&list, end, ObjType::Map);
                    let made = made.expect("a new element");
                    objects.insert(ElementName { entry: step.id, index }, made.clone());
                    (made, &element[0].0, &element[0].1)
                }
            };
            // A put of the value that is there makes no operation: it is deleted first.
            if transaction.get(&object, field.as_str()).expect("readable").is_some() {
                transaction.delete(&object, field.as_str()).expect("there");
            }
            transaction.put(&object, field.as_str(), scalar(value)).expect("a map");
        }
        let hash = transaction.commit_with(CommitOptions::default().with_time(0)).0;
        hashes.insert(at, hash.expect("each step says something"));
        match at {
            0 => document = fork,
            _ => _ = document.merge(&mut fork).expect("a fork of this document"),
        }
    }
    let mut standing = Standing::new();
    let all = objects.into_iter().map(|(name, object)| (Some(name), object));
    for (name, object) in all.chain([(None, ROOT)]) {
        for field in ["a", "b", "c"] {
            let values = document.get_all(&object, field).expect("readable");
            let by = values.into_iter().filter_map(|(_, id)| match id {
                ObjId::Id(_, actor, _) => EntryId::from_slice(actor.to_bytes()),
                ObjId::Root => None,
            });
            let by: BTreeSet<EntryId> = by.collect();
            if !by.is_empty() {
                standing.insert((name, field.to_owned()), by);
            }
        }
    }
    standing
}

fn by_replay(plan: &Plan) -> Standing {
    let record = replay(plan).expect("a plan that can be followed");
    let elements = record.lists.into_values().flatten();
    let elements = elements.map(|element| (Some(element.name), element.fields));
    let all = elements.chain([(None, record.fields)]);
    all.flat_map(|(name, fields)| {
        let fields = fields.into_iter();
        fields.map(move |(field, values)| {
            ((name, field), values.into_iter().map(|(_, by)| by).collect())
        })
    })
    .collect()
}

#[test]
fn random_histories_give_what_automerge_gives() {
    let mut conflicts = 0;
    for seed in 0..1_000 {
        let plan = plan(seed);
        let by_automerge = by_automerge(&plan);
        conflicts += by_automerge.values().filter(|by| by.len() > 1).count();
        assert_eq!(by_replay(&plan), by_automerge, "seed {seed}");
    }
    assert!(conflicts > 500, "{conflicts} conflicts say little");
}

#[test]
fn an_own_later_correction_wins_over_an_earlier_one() {
    let step = |at: usize, value: i64, parents: Vec<usize>| ReplayStep {
        id: id(at),
        author: DeviceKey([4; 32]),
        person: EntryId([5; 32]),
        by_coordinator: false,
        counts: true,
        payload: RecordPayload {
            salt: [0; 8],
            at: UnixMillis(0),
            after: Vec::new(),
            operations: vec![Operation::put("a", value)],
        },
        parents,
    };
    // One chain of three, and beside it one written apart by a higher id.
    let steps =
        vec![step(0, 0, vec![]), step(1, 1, vec![0]), step(2, 2, vec![1]), step(9, 9, vec![0])];
    let plan =
        Plan { record: RecordId([3; 16]), kind: Kind::Reversal, team: TeamId([5; 16]), steps };
    let record = replay(&plan).expect("a plan that can be followed");
    let values: Vec<i64> =
        record.fields["a"].iter().filter_map(|(value, _)| value.as_int()).collect();
    assert_eq!(values, [9, 2], "the longer chain wins, and both are kept");
    assert_eq!(record.heads, [id(2), id(9)]);
}
