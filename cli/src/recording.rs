//! `kitbag record KIND`: a flag for each field of the kind, made from its declaration.

use crate::device::{Opened, StoreArguments};
use crate::syncing::clock_in_words;
use crate::zone::Zone;
use crate::{Failure, cannot_read, failure, wrong_file};
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, Subcommand};
use kitbag_core::engine::{Attention, DraftId};
use kitbag_core::model::field::{Field, Need, Shape, expected};
use kitbag_core::model::json::{self, NotRead};
use kitbag_core::model::{Form, Kind, TeamId, Value, Wrong};
use std::io::Read;

/// What has commands of its own, and the name of an imported row.
const NOT_SET: [&str; 3] = ["void", "duplicate_of", "import_key"];
/// How many codes a flag's help names.
const CODES_SHOWN: usize = 12;

/// A record of one kind, as flags.
pub struct RecordCommand {
    kind: Kind,
    store: StoreArguments,
    team: Option<TeamId>,
    /// The draft that it goes on with.
    pub draft: Option<DraftId>,
    matches: ArgMatches,
}

#[derive(Args)]
struct Beside {
    #[command(flatten)]
    store: StoreArguments,
    /// The team; needed where this device is in several
    #[arg(long, value_name = "ID")]
    team: Option<TeamId>,
    /// A draft of this kind: what is not given here is taken from it, and an empty answer takes one
    /// back. `draft save` puts the result in its place, `record` makes it a record
    #[arg(long, value_name = "N", conflicts_with = "json")]
    draft: Option<u64>,
}

impl RecordCommand {
    /// Whether what is not given is answered with `unknown`.
    pub fn is_with_unknowns(&self) -> bool {
        self.matches.get_flag("unknowns")
    }
}

impl Subcommand for RecordCommand {
    fn augment_subcommands(command: Command) -> Command {
        Kind::ALL.into_iter().fold(command, |command, kind| command.subcommand(of_kind(kind)))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        RecordCommand::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        Kind::from_name(&name.replace('-', "_")).is_some()
    }
}

impl FromArgMatches for RecordCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let missing = || clap::Error::new(clap::error::ErrorKind::MissingSubcommand);
        let (name, matches) = matches.subcommand().ok_or_else(missing)?;
        let kind = Kind::from_name(&name.replace('-', "_")).ok_or_else(missing)?;
        let beside = Beside::from_arg_matches(matches)?;
        let (store, team, draft) = (beside.store, beside.team, beside.draft.map(DraftId));
        Ok(RecordCommand { kind, store, team, draft, matches: matches.clone() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = RecordCommand::from_arg_matches(matches)?;
        Ok(())
    }
}

fn of_kind(kind: Kind) -> Command {
    let about = format!("Saves a {}: {}", kind.name().replace('_', " "), kind.declaration().about);
    let command = Command::new(kind.name().replace('_', "-"))
        // As `list --kind` and the files have it.
        .aliases(kind.name().contains('_').then_some(kind.name()))
        .after_help(
            "The record is durable when its id is printed. Example of a whole record as JSON:\n  \
             echo '{\"site\": \"riverside\", …}' | kitbag record KIND --store phone.db --json -",
        )
        .arg(
            Arg::new("json").long("json").value_name("FILE").help(
                "Read the answers from a JSON object in this file; - reads them from the input",
            ),
        )
        .arg(
            Arg::new("unknowns")
                .long("unknowns")
                .action(ArgAction::SetTrue)
                .help("Answer with `unknown` what is required, allows it and is not given"),
        );
    // Flattened arguments bring what they say of themselves; the command's own word is the last.
    let command = Beside::augment_args(command).about(about).long_about(None);
    let settable = kind.fields().filter(|field| !NOT_SET.contains(&field.name));
    settable.fold(command, |command, field| command.arg(flag(field)))
}

/// The flag of a field: its name with hyphens, and what it may hold.
fn flag(field: &'static Field) -> Arg {
    let value = match field.shape {
        Shape::Date => "DATE",
        Shape::Month => "MONTH",
        Shape::Period => "PERIOD",
        Shape::Time => "TIME",
        Shape::Int { .. } | Shape::IntOrUnknown { .. } => "N",
        Shape::CodeSet(_) => "CODES",
        Shape::Counts { .. } => "CODE=N,…",
        Shape::List(_) => "FIELD=VALUE,…",
        Shape::Holder => "HOLDER",
        Shape::Text => "TEXT",
        Shape::Record => "ID",
        Shape::Code(_) => "CODE",
    };
    let need = match field.need {
        Need::Required if field.name == "occurred_on" => "; today where not given".to_owned(),
        Need::Required if field.name == "utc_offset_min" => {
            "; this machine's where not given".to_owned()
        }
        Need::Required => "; required".to_owned(),
        Need::RequiredIf { field, codes } => {
            format!("; required where {field} is {}", codes.join(" or "))
        }
        Need::Optional => String::new(),
    };
    let allowed = match field.shape {
        Shape::List(fields) => {
            let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
            format!(" (fields: {}; the flag may be given again)", names.join(", "))
        }
        shape => match field.codes() {
            [] => format!(" ({})", expected(shape)),
            codes => {
                let more = if codes.len() > CODES_SHOWN { ", …" } else { "" };
                let shown: Vec<&str> = codes.iter().take(CODES_SHOWN).copied().collect();
                format!(" ({}{more}, or another code)", shown.join(", "))
            }
        },
    };
    let flag = Arg::new(field.name)
        .long(field.name.replace('_', "-"))
        .value_name(value)
        .allow_hyphen_values(true)
        .help(format!("{}{need}{allowed}", field.about));
    match (field.shape, field.name) {
        (Shape::List(_), _) => flag.action(ArgAction::Append),
        (_, "occurred_on") => flag.visible_alias("on"),
        _ => flag,
    }
}

/// The store that a command names, held, and the form that its flags fill in.
pub fn opened(command: &RecordCommand) -> Result<(Opened, Form), Failure> {
    let held = command.store.hold()?;
    let begun = begun(&held, command)?;
    let (form, is_of_today) = form(command, begun)?;
    if is_of_today {
        refuse_wrong_clock(&held)?;
    }
    let form = with_offset(command, &held, form)?;
    Ok((held, form))
}

/// Today's date is not put where this device knows that its clock is wrong.
fn refuse_wrong_clock(held: &Opened) -> Result<(), Failure> {
    let status = held.wait(held.client().sync().status())?;
    if status.clock_is_off {
        return Err(wrong_file("--on", format!("is needed. {}", clock_in_words(&status))));
    }
    Ok(())
}

/// What a draft holds.
pub fn form_of(held: &Opened, draft: DraftId) -> Result<Form, Failure> {
    let drafts = held.wait(held.client().drafts().list())?;
    let found = drafts.into_iter().find(|(id, _)| *id == draft).map(|(_, form)| form);
    found.ok_or_else(|| crate::failed(kitbag_client::Error::NotFound("draft")))
}

/// What the draft holds that a command goes on with.
fn begun(held: &Opened, command: &RecordCommand) -> Result<Form, Failure> {
    let Some(draft) = command.draft else { return Ok(Form::new(command.kind)) };
    let form = form_of(held, draft)?;
    if form.kind() == command.kind {
        Ok(form)
    } else {
        Err(wrong_file("--draft", format!("is of a {}", form.kind().name())))
    }
}

pub fn record(command: &RecordCommand) -> Result<(), Failure> {
    let (held, form) = match command.draft {
        Some(_) => opened(command)?,
        None => {
            // What is wrong with the answers is said before a store is looked at; what is missing, a code
            // pack may know.
            let (form, is_of_today) = form(command, Form::new(command.kind))?;
            match form.faults().into_iter().find(|fault| fault.wrong != Wrong::Required) {
                Some(invalid) => return Err(invalid.into()),
                None => {
                    let held = command.store.hold()?;
                    if is_of_today {
                        refuse_wrong_clock(&held)?;
                    }
                    let form = with_offset(command, &held, form)?;
                    (held, form)
                }
            }
        }
    };
    let team = held.team(command.team)?;
    let last_day = form.get("through").and_then(Value::as_text).map(str::to_owned);
    let id = match command.draft {
        Some(draft) => held.wait(held.client().drafts().finish(draft, team, form))?,
        None => held.wait(held.client().records().record(team, form))?,
    };
    say!("{id}");
    if let Some(day) = last_day {
        tell!("kitbag: saved; what stands for a span of days counts on its last, {day}");
    }
    let status = held.wait(held.client().sync().status())?;
    if status.clock_is_off {
        tell!("kitbag: saved, and counted on the date that you said. {}", clock_in_words(&status));
    } else if held.wait(held.client().records().look_at(id))?.attention == Attention::DateInDoubt {
        tell!(
            "kitbag: saved, and its date may be wrong: before 2000, or later than tomorrow. It counts there; \
             kitbag correct {id} occurred_on=DATE puts it right"
        );
    }
    Ok(())
}

/// The form as the flags fill it in, and whether its date is today's because nobody said one.
fn form(command: &RecordCommand, begun: Form) -> Result<(Form, bool), Failure> {
    let mut form = match command.matches.get_one::<String>("json") {
        Some(file) => from_json(command.kind, file)?,
        None => begun,
    };
    for field in command.kind.fields() {
        if !command.matches.try_contains_id(field.name).unwrap_or(false) {
            continue;
        }
        let given = command.matches.get_many::<String>(field.name).into_iter().flatten();
        let given: Vec<&String> = given.collect();
        // What is given takes the place of what a draft holds; an empty answer takes it back.
        if !given.is_empty() {
            form.take_back(field.name)?;
        }
        for text in given.into_iter().filter(|text| !text.is_empty()) {
            match field.shape {
                Shape::List(_) => _ = form.add_text(field.name, text)?,
                _ => _ = form.put_text(field.name, text)?,
            }
        }
    }
    let is_given = command.matches.contains_id("occurred_on");
    let is_of_today = form.get("occurred_on").is_none() && !is_given;
    if is_of_today {
        form.put("occurred_on", chrono::Local::now().format("%Y-%m-%d").to_string().as_str())?;
    }
    let form = if command.is_with_unknowns() { form.with_unknowns() } else { form };
    Ok((form, is_of_today))
}

/// The form with what local time was ahead of UTC on its day, where nobody said that.
fn with_offset(command: &RecordCommand, held: &Opened, mut form: Form) -> Result<Form, Failure> {
    let is_given = command.matches.contains_id("utc_offset_min");
    if form.get("utc_offset_min").is_none() && !is_given {
        let packs = held.wait(held.client().programme().packs())?;
        if let Some(minutes) = Zone::of_machine(&packs)?.offset_of(&form) {
            form.put("utc_offset_min", minutes)?;
        }
    }
    Ok(form)
}

fn from_json(kind: Kind, file: &str) -> Result<Form, Failure> {
    let bytes = match file {
        "-" => {
            let mut bytes = Vec::new();
            let read = std::io::stdin().read_to_end(&mut bytes);
            read.map_err(|error| failure("the input", error))?;
            bytes
        }
        path => {
            let path = std::path::Path::new(path);
            std::fs::read(path).map_err(|error| cannot_read(path, &error))?
        }
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong_file(file, "is not UTF-8"))?;
    // Some editors mark a file as Unicode.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    json::read(kind, text).map_err(|error| match error {
        NotRead::Invalid(invalid) => invalid.into(),
        NotRead::Json { .. } => wrong_file(file, format!("is {error}")),
    })
}
