//! Kitbag on the command line: the demonstration, a hub, and totals of a store.

/// Prints a line. A reader that went away, as `head` does, is no fault; another failure ends the
/// program, so that a table cut short is never taken for whole.
macro_rules! say {
    ($($words:tt)*) => { $crate::print_line(format_args!($($words)*)) };
}

/// Tells people something beside the result, on the error output.
macro_rules! tell {
    ($($words:tt)*) => { $crate::tell_line(format_args!($($words)*)) };
}

mod accepting;
mod checking;
mod completeness;
mod correcting;
mod dashboard;
mod demo;
mod device;
mod drafting;
mod erasing;
mod export;
mod files;
mod hub;
mod importing;
mod joining;
mod packs;
mod programme;
mod recording;
mod records;
mod screen;
mod shown;
mod stock;
mod syncing;
mod targets;
mod totals;
mod zone;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use kitbag_core::model::Invalid;
use kitbag_core::words::Words;
use kitbag_interchange::FileError;
use std::process::ExitCode;
use std::sync::OnceLock;

/// Records made offline, merged later, and totals that say what they lack.
#[derive(Parser)]
#[command(name = "kitbag", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Plays a programme from the first save to the month's totals, with a hub and one phone for
    /// each site, over a bad line, and checks that nothing was lost or counted twice
    Demo(demo::DemoArguments),
    /// Founds a programme, notes its hub, makes teams
    #[command(
        subcommand,
        after_help = "Examples:\n  kitbag programme init --store root.db\n  kitbag programme team --store root.db\n  kitbag programme coordinator --store root.db --team ID desk.db"
    )]
    Programme(programme::ProgrammeCommand),
    /// A programme's codes, products and sites, and what its receivers want
    #[command(
        subcommand,
        after_help = "Examples:\n  kitbag pack show scotland > ours.toml\n  kitbag pack publish --store root.db ours.toml"
    )]
    Pack(packs::PackCommand),
    /// Invites a device to a team, by a picture or a text that holds ten minutes
    Invite(joining::InviteArguments),
    /// Lets the device in whose screen shows these six digits
    Approve(joining::ApproveArguments),
    /// Joins a team by an invitation
    Join(joining::JoinArguments),
    /// Says what people call a device
    Label(joining::LabelArguments),
    /// Lists the devices of a team: labels, roles, when they joined and last synced
    Members(joining::MembersArguments),
    /// Revokes a device's certificate: what the hub holds of it stands
    Revoke(joining::CertificateArguments),
    /// Accepts what a revoked device wrote and the hub keeps aside
    Accept(accepting::AcceptArguments),
    /// Prints what proves how far this device reaches, for a colleague to hear; some hundred letters
    Announce(joining::TeamArguments),
    /// Hears what a colleague's device announced, and passes it on with the next sync
    Hear(syncing::HearArguments),
    /// Asks for records to be erased for good, lists what is asked, and does it on the root's device
    #[command(
        subcommand,
        after_help = "Examples:\n  kitbag erase ask --store phone.db ID\n  kitbag erase list --store root.db\n  kitbag erase do --store root.db ID"
    )]
    Erase(erasing::EraseCommand),
    /// Says that what a device claims to hold is not awaited any more
    #[command(name = "set-aside")]
    SetAside(syncing::SetAsideArguments),
    /// Leaves a team, and deletes what this device held of it
    Leave(joining::TeamArguments),
    /// Saves a record, durably, and prints its id
    #[command(subcommand, arg_required_else_help = true)]
    Record(recording::RecordCommand),
    /// Keeps forms that are being filled in: never sent, never counted
    #[command(
        subcommand,
        after_help = "Examples:\n  kitbag draft save reversal --store phone.db --site riverside\n  kitbag draft list --store phone.db\n  kitbag record reversal --store phone.db --draft 1 --unknowns"
    )]
    Draft(drafting::DraftCommand),
    /// Lists records, the latest first, by any answer
    List(records::ListArguments),
    /// Shows what a record says
    Show(records::OneArguments),
    /// Shows who changed what of a record, and when
    History(records::OneArguments),
    /// Lists records with two values for a field, written apart
    Conflicts(records::AllArguments),
    /// Lists pairs of records that look like one event, or links them all
    Duplicates(records::DuplicatesArguments),
    /// Says of two records that look like one event that they are two
    KeepApart(records::KeepApartArguments),
    /// Gives fields of a record other answers
    Correct(correcting::CorrectArguments),
    /// Says that a record counts nowhere, and why
    Void(correcting::VoidArguments),
    /// Undoes this device's last change of a record
    Undo(correcting::UndoArguments),
    /// Syncs a device with its hub
    Sync(syncing::SyncArguments),
    /// Says what waits, since when, what failed last and when it is tried again
    Status(syncing::StatusArguments),
    /// Lists what is known to exist and is not here, by whose device it is on
    Missing(syncing::MissingArguments),
    /// Shows a coordinator's store as pages in a browser, on this machine alone
    Dashboard(dashboard::DashboardArguments),
    /// Moves a damaged store aside, and makes a new one for the same device
    Recover(syncing::RecoverArguments),
    /// Carries entries by hand: a file that only members of the team can open
    #[command(
        subcommand,
        after_help = "Examples:\n  kitbag bundle export --store phone.db carried.bundle\n  kitbag bundle import --store coordinator.db carried.bundle"
    )]
    Bundle(syncing::BundleCommand),
    /// Shows the totals of a store, with what they lack
    Totals(totals::TotalsArguments),
    /// Asks the hub how complete a period is: who synced, what is missing, what came late
    Completeness(completeness::CompletenessArguments),
    /// Shows what was to be reached in a period, and how far it is
    Targets(targets::TargetsArguments),
    /// Shows who holds how much of which lot
    Stock(stock::StockArguments),
    /// Makes records of the rows of CSV files, each once
    Import(importing::ImportArguments),
    /// Writes the records that count as CSV, with a description
    Export(export::ExportArguments),
    /// Checks that a store is what its entries say
    Verify(checking::VerifyArguments),
    /// Says what is wrong here, and what to do
    Doctor(checking::DoctorArguments),
    /// Prints what completes commands and flags in a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Writes a man page for each command
    Man {
        /// The folder, made where it is not there
        #[arg(value_name = "FOLDER")]
        folder: std::path::PathBuf,
    },
    /// Runs a hub, backs it up, restores it
    #[command(
        subcommand,
        after_help = "Examples:\n  kitbag hub run --folder hub --root KEY\n  kitbag hub backup --folder hub backup.db"
    )]
    Hub(hub::HubCommand),
}

pub(crate) fn print_line(words: std::fmt::Arguments<'_>) {
    print_bytes(shown::marked(&format!("{words}\n")).as_bytes());
}

pub(crate) fn tell_line(words: std::fmt::Arguments<'_>) {
    eprintln!("{}", shown::marked(&words.to_string()));
}

/// Prints rows of CSV.
pub(crate) fn print_rows(bytes: &[u8]) -> Result<(), Failure> {
    let text = std::str::from_utf8(bytes).map_err(|error| failure("the output", error))?;
    print_bytes(shown::marked_rows(text).as_bytes());
    Ok(())
}

pub(crate) fn print_bytes(bytes: &[u8]) {
    use std::io::{ErrorKind, Write};
    match std::io::stdout().write_all(bytes) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("kitbag: the output cannot be written: {error}");
            std::process::exit(1);
        }
        _ => {}
    }
}

/// What a program that calls this one can branch on; docs/cli.md lists them.
#[derive(Clone, Copy)]
enum Exit {
    /// It was not done.
    Failed = 1,
    /// Flags, a field or a file's form were wrong: nothing was done.
    Wrong = 2,
    /// Part of it was done; the rest was refused, and is named.
    InPart = 3,
    /// Something was looked for that must not be there, and was found.
    Found = 4,
}

/// A failure as one line: what, where, what to do.
pub(crate) struct Failure {
    reason: String,
    exit: Exit,
}

impl Failure {
    fn of(reason: impl Into<String>, exit: Exit) -> Self {
        Failure { reason: reason.into(), exit }
    }

    /// Nothing was done, for this reason.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Failure::of(reason, Exit::Failed)
    }

    /// Why, in words.
    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    /// Something that must not be there was found.
    pub(crate) fn found(reason: impl Into<String>) -> Self {
        Failure::of(reason, Exit::Found)
    }

    /// Part of it was done.
    pub(crate) fn in_part(reason: impl Into<String>) -> Self {
        Failure::of(reason, Exit::InPart)
    }
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        use kitbag_core::engine::EngineError;
        let any = &error as &dyn std::any::Any;
        let invalid = any.downcast_ref::<Invalid>().or(match any.downcast_ref() {
            Some(EngineError::Invalid(invalid)) => Some(invalid),
            _ => None,
        });
        let is_wrong = matches!(any.downcast_ref(), Some(FileError::Wrong { .. }));
        match invalid {
            Some(invalid) => Failure::of(told(invalid), Exit::Wrong),
            None if is_wrong => Failure::of(error.to_string(), Exit::Wrong),
            None => Failure::of(error.to_string(), Exit::Failed),
        }
    }
}

/// An error of the client, in the reader's language.
pub(crate) fn failed(error: kitbag_client::Error) -> Failure {
    match &error {
        kitbag_client::Error::Invalid(faults) => Failure::of(told_all(faults), Exit::Wrong),
        _ => Failure::new(error.in_words(words())),
    }
}

/// What is wrong with several answers.
pub(crate) fn told_all(faults: &[Invalid]) -> String {
    faults.iter().map(told).collect::<Vec<_>>().join("; ")
}

/// What is wrong with an answer: the stable code for programs, then what people read.
pub(crate) fn told(invalid: &Invalid) -> String {
    format!("{}: {}: {}", invalid.field, invalid.wrong.code(), words().invalid(invalid))
}

/// Words in the reader's language, by the environment.
pub(crate) fn words() -> &'static Words {
    static WORDS: OnceLock<Words> = OnceLock::new();
    WORDS.get_or_init(|| {
        let named = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .filter_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        Words::in_language(&named.take(1).collect::<String>())
    })
}

/// A failure with a place in front of its reason.
pub(crate) fn failure(place: impl std::fmt::Display, reason: impl std::fmt::Display) -> Failure {
    Failure::new(format!("{place}: {reason}"))
}

/// A file, or what a flag says, that has not the form it should have: nothing was done.
pub(crate) fn wrong_file(place: impl std::fmt::Display, reason: impl std::fmt::Display) -> Failure {
    Failure { exit: Exit::Wrong, ..failure(place, reason) }
}

/// A file that cannot be read.
pub(crate) fn cannot_read(path: &std::path::Path, error: &std::io::Error) -> Failure {
    failure(
        path.display(),
        format!("cannot be read ({error}); check its name, and that it is yours"),
    )
}

/// The most lines of a reason that are put together into one.
const REASON_LINES_MAX: usize = 20;

fn main() -> ExitCode {
    files::nobody_elses();
    files::no_core_dumps();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if is_a_fault(error.kind()) => {
            tell!("{}", one_line(&error.to_string()));
            return ExitCode::from(2);
        }
        Err(help) => help.exit(),
    };
    let done = match arguments.command {
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Programme(command) => programme::run(command),
        Command::Pack(command) => packs::run(&command),
        Command::Invite(arguments) => joining::invite(&arguments),
        Command::Approve(arguments) => joining::approve(&arguments),
        Command::Join(arguments) => joining::join(&arguments),
        Command::Label(arguments) => joining::label(&arguments),
        Command::Members(arguments) => joining::members(&arguments),
        Command::Revoke(arguments) => joining::revoke(&arguments),
        Command::Accept(arguments) => accepting::accept(&arguments),
        Command::Announce(arguments) => joining::announce(&arguments),
        Command::Hear(arguments) => syncing::hear(&arguments),
        Command::Erase(command) => erasing::run(&command),
        Command::SetAside(arguments) => syncing::set_aside(&arguments),
        Command::Leave(arguments) => joining::leave(&arguments),
        Command::Record(command) => recording::record(&command),
        Command::Draft(command) => drafting::run(&command),
        Command::List(arguments) => records::list(&arguments),
        Command::Show(arguments) => records::show(&arguments),
        Command::History(arguments) => records::history(&arguments),
        Command::Conflicts(arguments) => records::conflicts(&arguments),
        Command::KeepApart(arguments) => records::keep_apart(&arguments),
        Command::Duplicates(arguments) => records::duplicates(&arguments),
        Command::Correct(arguments) => correcting::correct(&arguments),
        Command::Void(arguments) => correcting::void(&arguments),
        Command::Undo(arguments) => correcting::undo(&arguments),
        Command::Stock(arguments) => stock::run(&arguments),
        Command::Targets(arguments) => targets::run(&arguments),
        Command::Import(arguments) => importing::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Sync(arguments) => syncing::sync(&arguments),
        Command::Dashboard(arguments) => dashboard::run(&arguments),
        Command::Status(arguments) => syncing::status(&arguments),
        Command::Missing(arguments) => syncing::missing(&arguments),
        Command::Recover(arguments) => syncing::recover(&arguments),
        Command::Bundle(command) => syncing::bundle(&command),
        Command::Totals(arguments) => totals::run(&arguments),
        Command::Completeness(arguments) => completeness::run(&arguments),
        Command::Verify(arguments) => checking::verify(&arguments),
        Command::Doctor(arguments) => checking::doctor(&arguments),
        Command::Completions { shell } => {
            let mut bytes = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "kitbag", &mut bytes);
            print_bytes(&bytes);
            Ok(())
        }
        Command::Man { folder } => write_man_pages(&folder),
        Command::Hub(command) => hub::run(command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { reason, exit }) => {
            // One line, also where a parser shows several.
            let lines: Vec<&str> = reason.lines().map(str::trim).take(REASON_LINES_MAX).collect();
            tell!("kitbag: {}", lines.join(" "));
            ExitCode::from(exit as u8)
        }
    }
}

fn write_man_pages(folder: &std::path::Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| failure(folder.display(), error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Arguments::command(), folder).map_err(failed)
}

/// Whether flags were wrong, rather than help asked for or wanted.
fn is_a_fault(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// What is wrong with the flags and where to look, as one line.
fn one_line(message: &str) -> String {
    let lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let said: Vec<&str> = lines
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .collect();
    format!(
        "kitbag: {}; --help shows what is expected",
        said.join(" ").trim_start_matches("error: ")
    )
}
