//! Which of several records of one event should count, by what the records say of each other. Shares no code with the
//! engine.

use super::oracle::Label;
use super::recount::{By, Shown, is_void};
use std::collections::{BTreeMap, BTreeSet};

/// Which records count.
pub fn which_count(records: &BTreeMap<Label, Shown>) -> BTreeSet<Label> {
    let counts = |id: &Label, shown: &Shown| stands(shown) && !is_taken_out(id, records);
    records.iter().filter(|(id, shown)| counts(id, shown)).map(|(id, _)| *id).collect()
}

/// Whether all these hands are one person's, by the same key or by certificates of the same person.
fn is_one(hands: &[By]) -> bool {
    hands.windows(2).all(|two| two[0].key == two[1].key)
        || hands.windows(2).all(|two| two[0].person == two[1].person)
}

fn stands(shown: &Shown) -> bool {
    !is_void(shown)
}

/// The record of this short name, but this one.
fn named<'a>(
    records: &'a BTreeMap<Label, Shown>,
    short: &str,
    but: &Label,
) -> Option<(&'a Label, &'a Shown)> {
    let of = |id: &Label| id[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    records.iter().find(|(other, _)| of(other) == short && *other != but)
}

/// The records to which links lead from one, over others too: a link counts by a coordinator's word, or
/// by that of the person who made both, in a record that is not void. A row of a file leads to the one that is
/// preferred of those of the same row.
fn reached(from: &Label, records: &BTreeMap<Label, Shown>) -> BTreeSet<Label> {
    let mut reached = BTreeSet::new();
    let mut next = vec![*from];
    while let Some(id) = next.pop() {
        let shown = &records[&id];
        for (short, by) in &shown.repeats {
            let Some((other, target)) = named(records, short, &id) else { continue };
            let of_one = is_one(&[*by, shown.by, target.by]) && !is_void(shown);
            let alike = (target.team, target.kind) == (shown.team, shown.kind);
            if alike && (by.is_coordinator || of_one) && reached.insert(*other) {
                next.push(*other);
            }
        }
        let same = |other: &Shown| match (&other.row, &shown.row) {
            (Some((one, _)), Some((two, _))) => one == two && !is_void(other) && !is_void(shown),
            _ => false,
        };
        let alike = records.iter().filter(|(_, other)| same(other));
        let preferred = alike.min_by_key(|(other, of)| (of.row.as_ref().map(|row| row.1), **other));
        if let Some((other, _)) = preferred.filter(|(other, _)| **other != id)
            && reached.insert(*other)
        {
            next.push(*other);
        }
    }
    reached
}

/// Of all that say of another record that they are two: which, of which, and whether that has effect.
pub fn kept_apart(records: &BTreeMap<Label, Shown>) -> Vec<(Label, Label, bool)> {
    let of_one = |(id, shown): (&Label, &Shown)| -> Vec<(Label, Label, bool)> {
        let said = shown.distinct.iter().filter_map(|(short, by)| {
            let (other, target) = named(records, short, id)?;
            let alike = (target.team, target.kind) == (shown.team, shown.kind);
            let may = by.is_coordinator || is_one(&[*by, shown.by, target.by]);
            Some((*id, *other, alike && may))
        });
        said.collect()
    };
    records.iter().flat_map(of_one).collect()
}

/// Whether links lead on to a record that stands and does not lead back here; of a ring, all but the
/// lowest that stands are out.
fn is_taken_out(id: &Label, records: &BTreeMap<Label, Shown>) -> bool {
    let others = reached(id, records).into_iter().filter(|other| other != id);
    others.filter(|other| stands(&records[other])).any(|other| {
        let is_ring = reached(&other, records).contains(id);
        !is_ring || other < *id
    })
}
