//! What the boundary to Kotlin and Swift costs: their programs, on stores that are made here. `cargo xtask bench` builds
//! them, and says in the environment how they are run.

use super::{Failed, Row, device, growth, key};
use kitbag_core::engine::{Engine, Environment};
use kitbag_core::store::{Settling, Store};
use std::path::Path;
use std::process::Command;

/// How many records a list is read of.
const LISTED: u32 = 100_000;
const MIB: f64 = 1_048_576.0;

/// The rows of both languages.
pub fn rows(rows: &mut Vec<Row>) -> Result<(), Failed> {
    let folder = tempfile::tempdir_in(scratch()?)?;
    let mut root = Engine::found(&folder.path().join("root"), &key(), Environment::system())?;
    for name in ["kotlin", "swift", "changes", "list"] {
        drop(device(folder.path(), name, &mut root)?);
    }
    let of = |name: &str| folder.path().join(name);
    let kotlin = |store: &str, command: &str, word: &str| -> Result<f64, Failed> {
        measured("KITBAG_KOTLIN_BENCH", &of(store), &[command], word)
    };
    rows.push(Row::at_most(
        "a save through Kotlin, against the same save in Rust",
        1.3,
        kotlin("kotlin", "saves", "ratio")?,
        "×",
    ));
    rows.push(Row::at_most(
        "a save through Swift, against the same save in Rust",
        1.3,
        measured("KITBAG_SWIFT_BENCH", &of("swift"), &[], "ratio")?,
        "×",
    ));
    let mut hub = Store::open(&of("hub"), &key(), Some(root.root()), None, Settling::Behind)?;
    growth::fill(&of("list"), &mut hub, &mut root, LISTED)?;
    rows.push(Row::at_most(
        "a list of 50 from 100,000 through Kotlin",
        20.0,
        kotlin("list", "list", "ms")?,
        "ms",
    ));
    let told = run("KITBAG_KOTLIN_BENCH", &of("changes"), &["changes"])?;
    rows.push(Row::at_most("ten thousand changes observed", 0.0, number(&told, "lost")?, "lost"));
    rows.push(Row::at_most(
        "ten thousand changes observed, what the last 8,000 left in memory",
        4.0,
        number(&told, "mib")?,
        "MiB",
    ));
    let library =
        std::env::var("KITBAG_PHONE_LIBRARY").map_err(|_| "no library for aarch64 was built")?;
    let bytes = std::fs::metadata(library)?.len() as f64;
    rows.push(Row::at_most("shared library, stripped, aarch64", 8.0, bytes / MIB, "MiB"));
    Ok(())
}

/// Where all programs see the same files.
fn scratch() -> Result<String, Failed> {
    let folder =
        std::env::var("KITBAG_BENCH_FOLDER").map_err(|_| "run it by `cargo xtask bench`")?;
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn measured(program: &str, store: &Path, arguments: &[&str], word: &str) -> Result<f64, Failed> {
    number(&run(program, store, arguments)?, word)
}

fn run(program: &str, store: &Path, arguments: &[&str]) -> Result<String, Failed> {
    let command = std::env::var(program).map_err(|_| "run it by `cargo xtask bench`")?;
    let mut words = command.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    let output = command.args(words).arg(store).args(arguments).output()?;
    if !output.status.success() {
        return Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The number behind a word, on a line of its own.
fn number(said: &str, word: &str) -> Result<f64, Failed> {
    let line = said.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    Ok(line.ok_or_else(|| format!("no {word} in {said}"))?.parse()?)
}
