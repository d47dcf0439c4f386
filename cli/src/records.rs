//! `kitbag list`, `show`, `history`, `conflicts`, `duplicates`, `correct`, `void`, `undo`: records as
//! they are, and what becomes of them.

use crate::device::{StoreArguments, team_of};
use crate::screen::{self, SpanArguments};
use crate::totals::kind_named;
use crate::{Failure, failure};
use comfy_table::Table;
use kitbag_core::engine::Engine;
use kitbag_core::model::schema::{Shape, parse};
use kitbag_core::model::{
    DeviceKey, Invalid, Kind, Operation, RecordId, TeamId, Value, Wrong, form, json,
};
use kitbag_core::record::{Fields, Record};
use kitbag_core::store::{Row, Search, State};
use serde_json::{Map, Value as Json, json};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    kitbag list --store phone.db --kind distribution --where lot=A123\n  \
    kitbag list --store phone.db --state void --json\n  \
    kitbag list --store phone.db --where suspected_substances=heroin --from 2026-01-01")]
pub struct ListArguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    span: SpanArguments,
    /// Only of this kind
    #[arg(long, value_name = "KIND", value_parser = kind_named)]
    kind: Option<Kind>,
    /// Only those of this device
    #[arg(long, value_name = "KEY")]
    author: Option<DeviceKey>,
    /// Only in this state: counted, void, flagged, duplicate
    #[arg(long, value_name = "STATE", value_parser = state_named)]
    state: Option<State>,
    /// Only where a field has this answer; may be given again, and all must hold
    #[arg(long = "where", value_name = "FIELD=ANSWER", value_parser = pair)]
    answers: Vec<(String, String)>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    most: u64,
    /// Goes on where the last page ended
    #[arg(long, value_name = "N")]
    before: Option<i64>,
    /// As JSON: `{records: [{id, kind, team, author, state, conflicts, answers}], next}`
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub struct OneArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The record
    #[arg(value_name = "ID")]
    id: RecordId,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub struct AllArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    kitbag correct --store phone.db ID outcome=survived\n  \
    kitbag correct --store phone.db ID barriers.cost=true note=\n  \
    kitbag correct --store phone.db ID --add events status=attended,on=2026-03-04\n  \
    kitbag correct --store phone.db ID --element administrations/1 doses=2")]
pub struct CorrectArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The record
    #[arg(value_name = "ID")]
    id: RecordId,
    /// New answers; an empty one takes an answer back. Several are saved at once
    #[arg(value_name = "FIELD=ANSWER", value_parser = pair, required_unless_present = "add")]
    answers: Vec<(String, String)>,
    /// Adds an element to a list
    #[arg(long, num_args = 2, value_names = ["LIST", "FIELD=ANSWER,…"])]
    add: Vec<String>,
    /// The answers are of this element of a list, counted from 1 as `show` does
    #[arg(long, value_name = "LIST/N", conflicts_with = "add")]
    element: Option<String>,
}

#[derive(clap::Args)]
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
    #[arg(long)]
    clear: bool,
}

#[derive(clap::Args)]
pub struct UndoArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The record; the one that this device changed last where not given
    #[arg(value_name = "ID")]
    id: Option<RecordId>,
    /// The team; needed where this device is in several
    #[arg(long, value_name = "TEAM")]
    team: Option<TeamId>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (field, answer) = text.split_once('=').ok_or("expected FIELD=ANSWER")?;
    Ok((field.trim().to_owned(), answer.trim().to_owned()))
}

fn state_named(name: &str) -> Result<State, String> {
    State::from_name(name).ok_or_else(|| "expected counted, void, flagged or duplicate".to_owned())
}

pub fn list(arguments: &ListArguments) -> Result<(), Failure> {
    let engine = arguments.store.open_to_read()?;
    let page = engine.search(&Search {
        team: arguments.span.team,
        kind: arguments.kind,
        author: arguments.author,
        state: arguments.state,
        conflicted: false,
        from: arguments.span.from,
        to: arguments.span.to,
        answers: arguments.answers.clone(),
        before: arguments.before,
        most: arguments.most,
    })?;
    if arguments.json {
        let records: Vec<Json> = page.rows.iter().map(row_as_json).collect();
        say!("{}", json!({ "records": records, "next": page.next }));
        return Ok(());
    }
    say!("{}", table(&page.rows));
    match page.next {
        Some(next) => say!("There are more: go on with --before {next}."),
        None => say!("{} records.", page.rows.len()),
    }
    Ok(())
}

fn row_as_json(row: &Row) -> Json {
    json!({
        "id": row.id.to_string(),
        "kind": row.answers.kind.name(),
        "team": row.team.to_string(),
        "author": row.author.to_string(),
        "state": row.state.name(),
        "conflicts": row.conflicts,
        "answers": json::of_answers(&row.answers),
    })
}

fn table(rows: &[Row]) -> Table {
    let mut table = screen::table(["id", "kind", "date", "site", "state", "says"]);
    for row in rows {
        let of = |field: &str| row.answers.code(field).unwrap_or_default().to_owned();
        table.add_row([
            row.id.to_string(),
            crate::words().kind(row.answers.kind),
            of("occurred_on"),
            of("site"),
            crate::words().state(row.state.name()),
            brief(row),
        ]);
    }
    table
}

/// The required answers of a kind, those of the envelope left out.
fn brief(row: &Row) -> String {
    let own = row.answers.kind.declaration().fields.iter();
    let answers = own.filter_map(|field| {
        let answer = row.answers.get(field.name)?;
        match (answer.word(), answer.number()) {
            (Some("unknown") | None, None) => None,
            (Some(word), _) => Some(crate::words().code(field.name, word)),
            (None, Some(number)) => Some(format!("{}: {number}", crate::words().field(field.name))),
        }
    });
    answers.take(4).collect::<Vec<_>>().join(", ")
}

pub fn show(arguments: &OneArguments) -> Result<(), Failure> {
    let engine = arguments.store.open_to_read()?;
    let record = engine.get(arguments.id)?;
    let row = engine.store().row(arguments.id)?;
    let state = row.as_ref().map_or("unsettled", |row| row.state.name());
    if arguments.json {
        say!("{}", record_as_json(&record, state));
        return Ok(());
    }
    say!("{} {} ({state})", record.kind.name().replace('_', " "), record.id);
    say!("recorded {} by device {}", record.recorded_at.to_iso(), record.author);
    for (field, values) in &record.fields {
        say!("  {field}: {}", all_values(values));
    }
    for (list, elements) in record.lists.iter().filter(|(_, elements)| !elements.is_empty()) {
        for (at, element) in (1..).zip(elements) {
            let answers = element.fields.iter();
            let answers: Vec<String> =
                answers.map(|(field, values)| format!("{field}={}", all_values(values))).collect();
            say!("  {list}/{at}: {}", answers.join(", "));
        }
    }
    Ok(())
}

/// The winner, and what was written apart from it.
fn all_values(values: &[(Value, kitbag_core::model::EntryId)]) -> String {
    let mut values = values.iter().rev().map(|(value, _)| value.to_string());
    let winner = values.next().unwrap_or_default();
    let others: Vec<String> = values.collect();
    match others.is_empty() {
        true => winner,
        false => format!("{winner} (apart from it: {})", others.join(", ")),
    }
}

fn record_as_json(record: &Record, state: &str) -> Json {
    let values = |fields: &Fields| -> Json {
        let fields = fields.iter().map(|(field, values)| {
            (field.clone(), values.iter().map(|(value, _)| value_as_json(value)).collect())
        });
        Json::Object(fields.collect::<Map<_, _>>())
    };
    let lists = record.lists.iter().map(|(list, elements)| {
        (list.clone(), elements.iter().map(|element| values(&element.fields)).collect())
    });
    json!({
        "id": record.id.to_string(),
        "kind": record.kind.name(),
        "team": record.team.to_string(),
        "author": record.author.to_string(),
        "recorded_at": record.recorded_at.to_iso(),
        "state": state,
        "values": values(&record.fields),
        "lists": lists.collect::<Map<String, Json>>(),
    })
}

fn value_as_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => (*flag).into(),
        Value::Int(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Bytes(_) => json!({ "sealed": true }),
    }
}

pub fn history(arguments: &OneArguments) -> Result<(), Failure> {
    let engine = arguments.store.open_to_read()?;
    let record = engine.get(arguments.id)?;
    let changes: Vec<Json> = record
        .history
        .iter()
        .map(|change| {
            let said: Vec<String> = change.operations.iter().map(in_words).collect();
            json!({
                "entry": change.entry.to_string(),
                "author": change.author.to_string(),
                "at": change.at.to_iso(),
                "said": said,
            })
        })
        .collect();
    if arguments.json {
        say!("{}", json!({ "id": record.id.to_string(), "changes": changes }));
        return Ok(());
    }
    for change in &record.history {
        say!("{}  {}", change.at.to_iso(), change.author);
        for operation in &change.operations {
            say!("    {}", in_words(operation));
        }
    }
    Ok(())
}

fn in_words(operation: &Operation) -> String {
    match operation {
        Operation::Put { field, value } => format!("{field}: {value}"),
        Operation::Append { list, element } => {
            let answers: Vec<String> =
                element.iter().map(|(field, value)| format!("{field}={value}")).collect();
            format!("{list} + {}", answers.join(", "))
        }
        Operation::PutIn { list, field, value, .. } => format!("{list}, {field}: {value}"),
    }
}

pub fn conflicts(arguments: &AllArguments) -> Result<(), Failure> {
    let engine = arguments.store.open_to_read()?;
    let mut found = Vec::new();
    let mut search = Search { conflicted: true, most: 500, ..Search::default() };
    loop {
        let page = engine.search(&search)?;
        for row in &page.rows {
            found.push(engine.get(row.id)?);
        }
        match page.next {
            Some(next) => search.before = Some(next),
            None => break,
        }
    }
    if arguments.json {
        let conflicts: Vec<Json> = found
            .iter()
            .map(|record| {
                let fields = record.conflicts().map(|(field, values)| {
                    (
                        field.into_owned(),
                        values.iter().map(|(value, _)| value_as_json(value)).collect(),
                    )
                });
                let fields = fields.collect::<Map<String, Json>>();
                json!({ "id": record.id.to_string(), "kind": record.kind.name(), "fields": fields })
            })
            .collect();
        say!("{}", json!({ "conflicts": conflicts }));
        return Ok(());
    }
    for record in &found {
        for (field, values) in record.conflicts() {
            say!("{}  {} {field}: {}", record.id, record.kind.name(), all_values(values));
        }
    }
    match found.is_empty() {
        true => say!("No record has two values for a field."),
        false => say!(
            "{} records. Settle each with the right value: kitbag correct --store FILE ID FIELD=ANSWER",
            found.len()
        ),
    }
    Ok(())
}

pub fn duplicates(arguments: &AllArguments) -> Result<(), Failure> {
    let engine = arguments.store.open_to_read()?;
    let suspected = engine.suspected_duplicates()?;
    if arguments.json {
        let pairs: Vec<Json> = suspected
            .iter()
            .map(|pair| {
                json!({
                    "one": pair.one.to_string(), "other": pair.other.to_string(),
                    "why": pair.why.name(),
                })
            })
            .collect();
        say!("{}", json!({ "suspected": pairs }));
        return Ok(());
    }
    for pair in &suspected {
        say!("{}  {}  {}", pair.one, pair.other, pair.why.in_words());
    }
    match suspected.is_empty() {
        true => say!("No two records look like one event."),
        false => say!(
            "{} pairs. Look at both; if they are one event: kitbag correct --store FILE ID \
             duplicate_of=OTHER",
            suspected.len()
        ),
    }
    Ok(())
}

pub fn correct(arguments: &CorrectArguments) -> Result<(), Failure> {
    let mut engine = arguments.store.open()?;
    let record = engine.get(arguments.id)?;
    let mut operations = Vec::new();
    if let Some(element) = &arguments.element {
        let (list, at) = element.split_once('/').unwrap_or((element, ""));
        let elements = record.lists.get(list).map(Vec::as_slice).unwrap_or_default();
        let at = at.parse::<usize>().ok().and_then(|at| at.checked_sub(1));
        let found = at.and_then(|at| elements.get(at)).ok_or_else(|| {
            failure("--element", format!("the record has {} elements there", elements.len()))
        })?;
        let fields = form::list_fields(record.kind, list)?;
        for (field, text) in &arguments.answers {
            let full = format!("{list}.{field}");
            let known = fields.iter().find(|known| known.name == field);
            let known =
                known.ok_or_else(|| Invalid::new(&full, Wrong::UnknownField, "of a list"))?;
            operations.push(Operation::PutIn {
                list: list.to_owned(),
                element: found.name,
                field: field.clone(),
                value: value_of(&full, known.shape, text)?,
            });
        }
    } else {
        for (field, text) in &arguments.answers {
            let shape = shape_of(record.kind, field)?;
            operations.push(Operation::put(field, value_of(field, shape, text)?));
        }
    }
    if let [list, element] = arguments.add.as_slice() {
        let element = form::element_of_text(record.kind, list, element)?;
        operations.push(form::append(list, &element));
    }
    engine.change(arguments.id, operations)?;
    say!("Saved. The old answers stay in the history.");
    Ok(())
}

fn shape_of(kind: Kind, field: &str) -> Result<Shape, Failure> {
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
    let mut engine = arguments.store.open()?;
    match &arguments.reason {
        Some(reason) if !arguments.clear => {
            engine.void(arguments.id, reason)?;
            say!("Void: it counts nowhere. --clear takes that back.");
        }
        _ => {
            engine.clear_void(arguments.id)?;
            say!("The void is taken back.");
        }
    }
    Ok(())
}

pub fn undo(arguments: &UndoArguments) -> Result<(), Failure> {
    let mut engine = arguments.store.open()?;
    let id = match arguments.id {
        Some(id) => id,
        None => last_changed(&engine, arguments.team)?,
    };
    engine.undo(id)?;
    say!("Undone: {id}");
    Ok(())
}

fn last_changed(engine: &Engine, team: Option<TeamId>) -> Result<RecordId, Failure> {
    let team = team_of(engine, team)?;
    let last = engine.last_changed(team)?;
    last.ok_or_else(|| failure("undo", "this device has not changed a record yet"))
}
