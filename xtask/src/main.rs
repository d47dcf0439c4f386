//! The task runner. CI calls the same subcommands as people do.

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
    Test,
    /// Runs the simulator: many stores and a hub, faults from one seed, and an oracle
    Simulate(Simulate),
    /// Plants each fault in the engine, and shows the seed that catches it
    Mutants,
}

#[derive(clap::Args)]
struct Simulate {
    /// How many seeds
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    from: u64,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Setup => setup::run(),
        Task::Lint => suites::lint(),
        Task::Test => suites::test(),
        Task::Simulate(asked) => suites::simulate(asked.seeds, asked.from).map(drop),
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
