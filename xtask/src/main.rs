//! The task runner. CI calls the same subcommands as people do.

mod apps;
mod bindings;
mod phones;
mod setup;
mod shell;
mod suites;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Kitbag's tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Installs what some suites need beyond Rust
    Setup,
    /// Formatting, clippy, licences and sources
    Lint,
    /// Runs every suite whose tools are here, and names those left out; with CI=true one left out
    /// has failed
    Test {
        /// Unit tests, tidy, the tests across crates and a few seeds: what to run before each commit
        #[arg(long)]
        quick: bool,
    },
    /// Runs the simulator: many stores and a hub, faults from one seed, and an oracle
    Simulate(Simulate),
    /// Lets every operation of the disk fail in every way, and shows what became of what was saved
    Faults(Faults),
    /// Plays a programme's day from the command line alone (tests/story.sh)
    Story,
    /// Plays what people's files and phones do (tests/field)
    Field,
    /// Trains the dictionary of the protocol's version anew, on made-up rows
    Dictionary,
    /// Writes the pages that are made from the declarations: the data dictionary and the indicators
    Pages,
    /// Writes the words of locales/ as the apps and the dashboard read them
    Words {
        /// The folder
        folder: std::path::PathBuf,
    },
    /// Fuzzes one parser, or all of them: entry, run, page, bundle, invitation, certificate, mapping
    Fuzz {
        /// The target
        target: Option<String>,
        /// How long each is fuzzed, in seconds
        #[arg(long, default_value_t = 600)]
        seconds: u64,
    },
    /// Measures what Kitbag costs against its budgets
    Bench {
        /// Also write the rows to this file
        #[arg(long, value_name = "FILE")]
        json: Option<std::path::PathBuf>,
        /// How far a store grows; 1000000 takes some twenty minutes
        #[arg(long, value_name = "N", default_value_t = 100_000)]
        records: u32,
    },
    /// Writes the generated layer of the Kotlin and Swift packages, from the library as it is now
    Generate,
    /// Runs the Kotlin package's suite against the real library
    Kotlin,
    /// Runs the Swift package's suite against the real library
    Swift,
    /// Compares what the three languages' suites, run before, observed and exported of one week
    Scenario,
    /// Two processes of the JVM and one of Swift meet by bundle and by a hub, and end equal
    Meeting,
    /// Resolves both packages as an app would, and runs the program of each README
    Consumer,
    /// Holds the library to what it may show to others and ask of the system
    Library,
    /// Checks the library's types for Android and iOS, where neither's C headers are
    Phones,
    /// Builds the library for Android's machines, with its NDK
    Android,
    /// Packs the AAR, of the libraries that `android` built
    Aar,
    /// Runs the Android app's tests over the real library, as written and as shrunk
    AndroidDemo,
    /// Runs the tests of the iOS app's screens over the real library
    IosDemo,
    /// Builds and signs the Android app
    Apk,
    /// Draws the Android app's screens anew, into android-demo/screens
    Screens,
    /// Makes the XCFramework, on a Mac
    Ios,
    /// Plants each fault in the engine, and shows the seed that catches it
    Mutants,
    /// Plays the demonstration: `cargo demo`
    Demo {
        /// What `kitbag demo` takes
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

#[derive(clap::Args)]
struct Simulate {
    /// How many seeds
    #[arg(long, default_value_t = suites::SEEDS)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    from: u64,
}

#[derive(clap::Args)]
struct Faults {
    /// How many points at most
    #[arg(long, default_value_t = suites::POINTS)]
    points: u64,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Setup => setup::run(),
        Task::Lint => suites::lint(),
        Task::Test { quick } => suites::test(quick),
        Task::Demo { arguments } => suites::demonstrate(&arguments),
        Task::Simulate(asked) => suites::simulate(asked.seeds, asked.from).map(drop),
        Task::Faults(asked) => suites::faults(asked.points).map(drop),
        Task::Story => suites::story().map(drop),
        Task::Field => suites::field().and_then(suites::closing("field")),
        Task::Dictionary => suites::dictionary(),
        Task::Pages => suites::pages(),
        Task::Words { folder } => suites::words(&folder),
        Task::Fuzz { target, seconds } => suites::fuzz(target.as_deref(), seconds).map(drop),
        Task::Bench { json, records } => suites::bench(json, records),
        Task::Generate => bindings::generate(),
        Task::Scenario => bindings::scenario().and_then(suites::closing("scenario")),
        Task::Meeting => bindings::meeting().and_then(suites::closing("meeting")),
        Task::Consumer => bindings::consumer().and_then(suites::closing("consumer")),
        Task::Library => phones::library().and_then(suites::closing("library")),
        Task::Phones => phones::check(),
        Task::Android => phones::android(),
        Task::Aar => phones::aar(),
        Task::AndroidDemo => apps::android().and_then(suites::closing("android-demo")),
        Task::IosDemo => apps::ios().and_then(suites::closing("ios-demo")),
        Task::Apk => apps::apk(),
        Task::Screens => apps::screens(),
        Task::Ios => phones::ios(),
        Task::Kotlin => bindings::kotlin().and_then(suites::closing("kotlin")),
        Task::Swift => bindings::swift().and_then(suites::closing("swift")),
        Task::Mutants => suites::mutants().map(drop),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}
