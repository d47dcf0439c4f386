//! Records as screens show them, for the recount.

use super::check::answer;
use super::oracle::{Answer, Deed, Hand, Intent, Label, Role};
use super::recount::{By, Shown};
use kitbag_core::model::{EntryId, Value};
use kitbag_core::record::{self, Record};
use std::collections::BTreeMap;

/// The record as a screen shows it, winners last.
pub(super) fn on_screen(
    record: &Record,
    (team, label): (u32, Label),
    made: &BTreeMap<Label, &Intent>,
    persons: &BTreeMap<Label, Label>,
    keys: &BTreeMap<u32, String>,
) -> Shown {
    let fields = record.fields.iter().map(|(field, written)| {
        (field.clone(), written.iter().map(|(value, _)| answer(value)).collect())
    });
    let lists = record.lists.iter().map(|(list, elements)| {
        let elements = elements.iter().map(|element| {
            let values = |written: &Vec<record::Written>| {
                written.iter().map(|(value, _)| answer(value)).collect()
            };
            let fields = element.fields.iter();
            let fields = fields.map(|(field, written)| (field.clone(), values(written)));
            (element.name.entry.0, fields.collect())
        });
        (list.clone(), elements.collect())
    });
    let hand = |by: &EntryId| made.get(&by.0).map(|intent| intent.by);
    let of = |hand: Hand| By {
        key: hand.person,
        person: persons.get(&hand.certificate).copied().unwrap_or(hand.certificate),
        is_coordinator: hand.role == Role::Coordinator,
    };
    let links = record.fields.get("duplicate_of").into_iter().flatten();
    let repeats = links.filter_map(|(value, by)| match (answer(value), hand(by)) {
        (Answer::Word(named), Some(hand)) => Some((named, of(hand))),
        _ => None,
    });
    let distinct = record.fields.iter().filter_map(|(field, written)| {
        let (value, by) = written.last()?;
        let named = field.strip_prefix("distinct.")?.to_owned();
        (*value == Value::Bool(true)).then_some((named, of(hand(by)?)))
    });
    let may_move = |field: &&str| match record.fields.get(*field).and_then(|put| put.last()) {
        Some((Value::Text(holder), by)) if holder.starts_with("device:") => {
            hand(by).is_some_and(|hand| {
                hand.role == Role::Coordinator
                    || keys.get(&hand.person).is_some_and(|key| holder.ends_with(key))
            })
        }
        _ => true,
    };
    Shown {
        team,
        kind: record.kind.number(),
        fields: fields.collect(),
        lists: lists.collect(),
        by: made.get(&label).map_or(By::default(), |intent| of(intent.by)),
        repeats: repeats.collect(),
        distinct: distinct.collect(),
        row: row_of(record, made, &hand),
        moves_stock: ["taken_from", "from", "to"].iter().all(may_move),
    }
}

/// Which row of a file a record is, and whether it is preferred, where nobody but coordinators changed it since.
fn row_of(
    record: &Record,
    intents: &BTreeMap<Label, &Intent>,
    hand: &impl Fn(&EntryId) -> Option<Hand>,
) -> Option<(String, u8)> {
    let made = intents.get(&record.history.first()?.entry.0)?;
    let puts = |name: &str| {
        made.deeds.iter().any(|deed| matches!(deed, Deed::Put(field, _) if field == name))
    };
    let (_, changes) = record.history.split_first()?;
    let is_coordinators =
        |by: &EntryId| hand(by).is_some_and(|hand| hand.role == Role::Coordinator);
    let is_row = puts("import_key") && !puts("duplicate_of");
    if !is_row || !changes.iter().all(|change| is_coordinators(&change.entry)) {
        return None;
    }
    let row = format!("{} {} {:?}", made.by.team, made.kind, made.deeds);
    // That it is apart from another one changes nothing that it says.
    let is_apart =
        |deed: &Deed| matches!(deed, Deed::Put(field, _) if field.starts_with("distinct."));
    let is_as_made = changes.iter().all(|change| {
        intents.get(&change.entry.0).is_some_and(|intent| intent.deeds.iter().all(is_apart))
    });
    let preferred = match (is_as_made, made.by.role) {
        (false, _) => 0,
        (true, Role::Coordinator) => 1,
        (true, Role::Worker) => 2,
    };
    Some((row, preferred))
}
