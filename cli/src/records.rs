//! `kitbag list`, `show`, `history`, `conflicts`, `duplicates`: records as they are.

use crate::device::StoreArguments;
use crate::screen::{self, SpanArguments};
use crate::shown::{one_line, whole};
use crate::totals::kind_named;
use crate::{Failure, wrong_file};
use comfy_table::Table;
use kitbag_core::engine::{SUSPECTED_MAX, Why};
use kitbag_core::model::field::Shape;
use kitbag_core::model::{Kind, Operation, RecordId, UnixMillis, Value, json};
use kitbag_core::record::{Fields, Record};
use kitbag_core::store::{ListPlace, Row, Search, State};
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
    /// Only those of this device, by its label or the start of its key
    #[arg(long, value_name = "DEVICE")]
    author: Option<String>,
    /// Only in this state: counted, void, duplicate
    #[arg(long, value_name = "STATE", value_parser = state_named)]
    state: Option<State>,
    /// Only those whose date may be wrong: before 2000, later than tomorrow, or of a clock that cannot have been right
    #[arg(long)]
    date_in_doubt: bool,
    /// Only where a field has this answer; may be given again, and all must hold
    #[arg(long = "where", value_name = "FIELD=ANSWER", value_parser = pair)]
    answers: Vec<(String, String)>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    most: u64,
    /// Goes on where the last page ended
    #[arg(long, value_name = "N")]
    before: Option<i64>,
    /// As JSON: `{records: [{id, kind, team, author, state, conflicts, answers}], next}`
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  kitbag show --store phone.db ID\n  kitbag history --store phone.db ID --json"
)]
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
#[command(
    after_help = "Examples:\n  kitbag conflicts --store phone.db\n  kitbag conflicts --store phone.db --json"
)]
pub struct AllArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  kitbag duplicates --store phone.db --json\n  kitbag duplicates --store desk.db --all imported_twice"
)]
pub struct DuplicatesArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Links all pairs of this kind: saved_twice, imported_twice, seen_by_two. What links take out stays, and `correct ID
    /// duplicate_of=` takes a link back
    #[arg(long, value_name = "WHY", value_parser = why_named)]
    all: Option<Why>,
    /// Goes on behind so many
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "all")]
    after: u64,
    /// As JSON: `{suspected: [{one, other, why}], next}`
    #[arg(long, conflicts_with = "all")]
    json: bool,
}

#[derive(clap::Args)]
#[command(after_help = "Example:\n  kitbag keep-apart --store desk.db ID OTHER")]
pub struct KeepApartArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The record that says so
    #[arg(value_name = "ID")]
    id: RecordId,
    /// The other one
    #[arg(value_name = "OTHER")]
    other: RecordId,
}

fn why_named(name: &str) -> Result<Why, String> {
    Why::from_name(name)
        .ok_or_else(|| "expected saved_twice, imported_twice or seen_by_two".to_owned())
}

/// `FIELD=ANSWER`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    let (field, answer) = text.split_once('=').ok_or("expected FIELD=ANSWER")?;
    Ok((field.trim().to_owned(), answer.trim().to_owned()))
}

fn state_named(name: &str) -> Result<State, String> {
    State::from_name(name).ok_or_else(|| "expected counted, void or duplicate".to_owned())
}

/// Whether some kind has the field that `--where` names.
fn is_field(name: &str) -> bool {
    let has = |kind: Kind| match name.split_once('.') {
        None => kind.field(name).is_some_and(|field| !matches!(field.shape, Shape::Text)),
        Some((list, inner)) => kind.field(list).is_some_and(|field| match field.shape {
            Shape::List(fields) => fields.iter().any(|field| field.name == inner),
            _ => field.is_by_code(),
        }),
    };
    Kind::ALL.into_iter().any(has)
}

pub fn list(arguments: &ListArguments) -> Result<(), Failure> {
    if let Some((field, _)) = arguments.answers.iter().find(|(field, _)| !is_field(field)) {
        let reason = format!(
            "no kind has a field {field} that can be looked for; docs/data-dictionary.md lists them"
        );
        return Err(wrong_file("--where", reason));
    }
    let held = arguments.store.hold_to_read()?;
    let author = arguments.author.as_deref().map(|named| held.device_named(named));
    let page = held.wait(held.client().records().list(Search {
        team: arguments.span.team,
        kind: arguments.kind,
        author: author.transpose()?,
        state: arguments.state,
        date_in_doubt: arguments.date_in_doubt,
        from: arguments.span.from,
        to: arguments.span.to,
        answers: arguments.answers.clone(),
        older_than: arguments.before.map(|number| ListPlace {
            day: 0,
            recorded_at: UnixMillis(0),
            number,
        }),
        most: arguments.most,
        ..Search::default()
    }))?;
    let rows: Vec<&Row> = page.rows.iter().map(|listed| &listed.row).collect();
    let next = page.older.map(|place| place.number);
    if arguments.json {
        let records: Vec<Json> = rows.iter().map(|row| row_as_json(row)).collect();
        say!("{}", json!({ "records": records, "next": next }));
        return Ok(());
    }
    say!("{}", table(&rows));
    match next {
        Some(next) => say!("There are more: go on with --before {next}."),
        None => say!("{} records.", rows.len()),
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

fn table(rows: &[&Row]) -> Table {
    let mut table = screen::table(["id", "kind", "date", "site", "state", "says"]);
    for row in rows {
        let of = |field: &str| row.answers.code(field).unwrap_or_default().to_owned();
        table.add_row(screen::row([
            row.id.to_string(),
            crate::words().kind(row.answers.kind),
            of("occurred_on"),
            of("site"),
            crate::words().state(row.state.name()),
            brief(row),
        ]));
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
    let held = arguments.store.hold_to_read()?;
    let looked = held.wait(held.client().records().look_at(arguments.id))?;
    let (record, state) = (looked.record, looked.state.map_or("unsettled", State::name));
    if arguments.json {
        say!("{}", record_as_json(&record, state));
        return Ok(());
    }
    say!("{} {} ({state})", record.kind.name().replace('_', " "), record.id);
    say!("recorded {} by {}", record.recorded_at.to_iso(), held.names()?.of(&record.author));
    for (field, values) in &record.fields {
        say!("  {}: {}", one_line(field), all_values(values));
    }
    for (list, elements) in record.lists.iter().filter(|(_, elements)| !elements.is_empty()) {
        for (at, element) in (1..).zip(elements) {
            let answers = element.fields.iter();
            let answers: Vec<String> = answers
                .map(|(field, values)| format!("{}={}", one_line(field), all_values(values)))
                .collect();
            say!("  {list}/{at}: {}", answers.join(", "));
        }
    }
    Ok(())
}

/// The most values written apart that one line shows.
const APART_MAX: usize = 10;

/// The winner, and what was written apart from it.
fn all_values(values: &[(Value, kitbag_core::model::EntryId)]) -> String {
    let mut values = values.iter().rev().map(|(value, _)| whole(&value.to_string()));
    let winner = values.next().unwrap_or_default();
    let count = values.len();
    let others: Vec<String> = values.take(APART_MAX).collect();
    match count.saturating_sub(APART_MAX) {
        0 if others.is_empty() => winner,
        0 => format!("{winner} (apart from it: {})", others.join(", ")),
        more => format!("{winner} (apart from it: {}, and {more} more)", others.join(", ")),
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
    let held = arguments.store.hold_to_read()?;
    let record = held.wait(held.client().records().get(arguments.id))?;
    let names = held.names()?;
    let changes: Vec<Json> = record
        .history
        .iter()
        .map(|change| {
            let said: Vec<String> = change.operations.iter().map(in_words).collect();
            json!({
                "entry": change.entry.to_string(),
                "author": change.author.to_string(),
                "label": names.label(&change.author),
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
        say!("{}  {}", change.at.to_iso(), names.of(&change.author));
        for operation in &change.operations {
            say!("    {}", whole(&in_words(operation)));
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
    let held = arguments.store.hold_to_read()?;
    let found = held.wait(held.client().records().conflicted())?;
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
            let field = one_line(&field);
            say!("{}  {} {field}: {}", record.id, record.kind.name(), all_values(values));
        }
    }
    if found.is_empty() {
        say!("No record has two values for a field.")
    } else {
        say!(
            "{} records. Settle each with the right value: kitbag correct --store FILE ID FIELD=ANSWER",
            found.len()
        )
    }
    Ok(())
}

pub fn duplicates(arguments: &DuplicatesArguments) -> Result<(), Failure> {
    if let Some(why) = arguments.all {
        let held = arguments.store.hold()?;
        let progress = |linked: u64| {
            if linked.is_multiple_of(1_000) {
                tell!("{linked} linked …");
            }
        };
        let linked = held.wait(held.client().records().link_suspected(why, progress))?;
        say!("{linked} records linked to the one that stays.");
        return Ok(());
    }
    let held = arguments.store.hold_to_read()?;
    let suspected = held.wait(held.client().records().suspected_duplicates(arguments.after))?;
    let next = arguments.after + suspected.len() as u64;
    let next = (suspected.len() == SUSPECTED_MAX).then_some(next);
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
        say!("{}", json!({ "suspected": pairs, "next": next }));
        return Ok(());
    }
    for pair in &suspected {
        say!("{}  {}  {}", pair.one, pair.other, pair.why.in_words());
    }
    if suspected.is_empty() {
        say!("No two records look like one event.")
    } else {
        say!(
            "{} pairs. Look at both. If they are one event: kitbag correct --store FILE ID duplicate_of=OTHER; if they \
             are two: kitbag keep-apart --store FILE ID OTHER. All of one kind at once: kitbag duplicates --store FILE \
             --all imported_twice",
            suspected.len()
        )
    }
    if let Some(next) = next {
        say!("There are more: --after {next}");
    }
    Ok(())
}

pub fn keep_apart(arguments: &KeepApartArguments) -> Result<(), Failure> {
    let held = arguments.store.hold()?;
    held.wait(held.client().records().keep_apart(arguments.id, arguments.other))?;
    tell!(
        "Kept apart: they are not shown as one event any more. One that a link or an equal import leaves out stays out; \
         `kitbag show` says whether each counts."
    );
    Ok(())
}
