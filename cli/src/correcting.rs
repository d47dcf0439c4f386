//! `kitbag correct`, `void`, `undo`: what becomes of a record. Nothing is erased.

use crate::device::{Opened, StoreArguments};
use crate::records::pair;
use crate::{Failure, failure};
use kitbag_core::model::field::Shape;
use kitbag_core::model::text::parse;
use kitbag_core::model::{EntryId, Invalid, Kind, Operation, RecordId, TeamId, Value, Wrong, form};
use kitbag_core::record::Record;
use kitbag_core::store::State;
use serde_json::json;
use std::collections::BTreeSet;

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    kitbag correct --store phone.db ID outcome=survived\n  \
    kitbag correct --store phone.db ID barriers.cost=true note=\n  \
    kitbag correct --store phone.db ID --add events status=attended,on=2026-03-04\n  \
    kitbag correct --store phone.db ID administrations/1.doses=2\n  \
    kitbag correct --store phone.db ID administrations/1.void=entered_in_error \
    none_given_reason=refused")]
pub struct CorrectArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The record
    #[arg(value_name = "ID")]
    id: RecordId,
    /// New answers; an empty one takes an answer back. LIST/N.FIELD is of an element, counted from 1 as
    /// `show` does. Several are saved at once
    #[arg(value_name = "FIELD=ANSWER", value_parser = pair, required_unless_present = "add")]
    answers: Vec<(String, String)>,
    /// Adds an element to a list
    #[arg(long, num_args = 2, value_names = ["LIST", "FIELD=ANSWER,…"])]
    add: Vec<String>,
    /// As JSON: `{id, entry}`
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  kitbag void --store phone.db ID --reason entered_in_error\n  kitbag void --store phone.db ID --clear"
)]
pub struct VoidArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The record
    #[arg(value_name = "ID")]
    id: RecordId,
    /// Why: duplicate, wrong_person, wrong_team, test, entered_in_error
    #[arg(long, value_name = "REASON", required_unless_present = "clear")]
    reason: Option<String>,
    /// Takes the void back
    #[arg(long, conflicts_with = "reason")]
    clear: bool,
    /// As JSON: `{id, entry}`
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  kitbag undo --store phone.db\n  kitbag undo --store phone.db ID"
)]
pub struct UndoArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The record; the one that this device changed last where not given
    #[arg(value_name = "ID")]
    id: Option<RecordId>,
    /// The team; needed where this device is in several
    #[arg(long, value_name = "TEAM")]
    team: Option<TeamId>,
    /// As JSON: `{id, entry}`
    #[arg(long)]
    json: bool,
}

pub fn correct(arguments: &CorrectArguments) -> Result<(), Failure> {
    let held = arguments.store.hold()?;
    let one = held.wait(held.client().records().look_at(arguments.id))?;
    let (record, was_counted_elsewhere) = (one.record, one.state == Some(State::Duplicate));
    let mut operations = Vec::new();
    for (field, text) in &arguments.answers {
        operations.push(match field.split_once('/') {
            Some((list, at)) => in_element(&record, list, at, text)?,
            None => {
                let shape = shape_of(record.kind, field)?;
                Operation::put(field, value_of(field, shape, text)?)
            }
        });
    }
    // Two values for each time that the flag is given.
    for added in arguments.add.chunks(2) {
        let [list, element] = added else { continue };
        let element = form::element_of_text(record.kind, list, element)?;
        operations.push(form::append(list, &element));
    }
    if let Some(field) = put_twice(&operations) {
        return Err(Invalid::twice(&field).into());
    }
    let entry = held.wait(held.client().records().change(arguments.id, operations))?;
    tell(arguments.json, arguments.id, entry, "Saved. The old answers stay in the history.");
    let state = held.wait(held.client().records().look_at(arguments.id))?.state;
    if was_counted_elsewhere && state == Some(State::Duplicate) {
        tell!(
            "kitbag: saved, and it counts nowhere: another record of the same event does, which kitbag list --state counted \
             shows; correct that one, too"
        );
    }
    Ok(())
}

/// A field that several operations put, of the record or of one of its elements.
fn put_twice(operations: &[Operation]) -> Option<String> {
    let mut put = BTreeSet::new();
    operations.iter().find_map(|operation| match operation {
        Operation::Put { field, .. } => (!put.insert((None, field))).then(|| field.clone()),
        Operation::PutIn { list, element, field, .. } => {
            (!put.insert((Some(*element), field))).then(|| format!("{list}.{field}"))
        }
        Operation::Append { .. } => None,
    })
}

/// The answer to a field of an element, named as `LIST/N.FIELD`.
fn in_element(record: &Record, list: &str, at: &str, text: &str) -> Result<Operation, Failure> {
    let (at, field) = at.split_once('.').unwrap_or((at, ""));
    let is_number = !at.is_empty() && at.bytes().all(|byte| byte.is_ascii_digit());
    let fields = form::list_fields(record.kind, list)?;
    let elements = record.lists.get(list).map(Vec::as_slice).unwrap_or_default();
    let number = at.parse::<usize>().ok().and_then(|at| at.checked_sub(1));
    let element = number.filter(|_| is_number && !field.is_empty());
    let element = element.and_then(|at| elements.get(at)).ok_or_else(|| {
        let expected = format!("expected {list}/N.FIELD, N from 1 to {}", elements.len());
        Invalid::new(list, Wrong::NoSuch, expected)
    })?;
    let full = format!("{list}.{field}");
    let known = fields.iter().find(|known| known.name == field);
    let known = known.ok_or_else(|| Invalid::new(&full, Wrong::UnknownField, "of a list"))?;
    Ok(Operation::PutIn {
        list: list.to_owned(),
        element: element.name,
        field: field.to_owned(),
        value: value_of(&full, known.shape, text)?,
    })
}

fn shape_of(kind: Kind, field: &str) -> Result<Shape, Failure> {
    if kind.field(field).is_some_and(kitbag_core::model::field::Field::is_by_code) {
        let expected = format!("expected {field}.CODE=yes, =no or a number");
        return Err(Invalid::new(field, Wrong::ByCode, expected).into());
    }
    let known = kitbag_core::model::check::declared(kind, field);
    let known = known.ok_or_else(|| {
        Invalid::new(field, Wrong::UnknownField, format!("expected a field of a {}", kind.name()))
    })?;
    Ok(known.shape)
}

fn value_of(name: &str, shape: Shape, text: &str) -> Result<Value, Invalid> {
    match text {
        "" => Ok(Value::Null),
        text => parse(name, shape, text),
    }
}

pub fn void(arguments: &VoidArguments) -> Result<(), Failure> {
    let held = arguments.store.hold()?;
    let records = held.client().records();
    let (entry, said) = match &arguments.reason {
        Some(reason) if !arguments.clear => (
            held.wait(records.void(arguments.id, reason.clone()))?,
            "Void: it counts nowhere. --clear takes that back.",
        ),
        _ => (held.wait(records.clear_void(arguments.id))?, "The void is taken back."),
    };
    tell(arguments.json, arguments.id, entry, said);
    Ok(())
}

pub fn undo(arguments: &UndoArguments) -> Result<(), Failure> {
    let held = arguments.store.hold()?;
    let id = match arguments.id {
        Some(id) => id,
        None => last_changed(&held, arguments.team)?,
    };
    let entry = held.wait(held.client().records().undo(id))?;
    tell(arguments.json, id, entry, &format!("Undone: {id}"));
    Ok(())
}

/// Says that a record was changed, durably.
fn tell(as_json: bool, id: RecordId, entry: EntryId, said: &str) {
    if as_json {
        say!("{}", json!({ "id": id.to_string(), "entry": entry.to_string() }))
    } else {
        say!("{said}")
    }
}

fn last_changed(held: &Opened, team: Option<TeamId>) -> Result<RecordId, Failure> {
    let team = held.team(team)?;
    let last = held.wait(held.client().records().last_changed(team))?;
    last.ok_or_else(|| failure("undo", "this device has not changed a record yet"))
}
