//! The suites of `cargo xtask test`, and what lint checks.

use crate::{apps, bindings, phones, setup, shell};
use serde_json::Value;
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

/// How many seeds `cargo xtask test` simulates.
pub const SEEDS: u64 = 500;
/// And `cargo xtask test --quick`.
const SEEDS_QUICK: u64 = 100;
/// How many points at most `cargo xtask test` lets the disk fail at.
pub const POINTS: u64 = 10_000;

/// How many of them on a real disk, as well.
const POINTS_ON_DISK: u64 = 200;

/// How a suite ended.
#[derive(Clone, Copy, Default)]
pub struct Outcome {
    pub passed: u64,
    pub failed: u64,
}

/// Formatting; clippy with warnings denied; licences, bans and sources.
pub fn lint() -> Result<(), String> {
    shell::run(&mut shell::cargo(&["fmt", "--all", "--check"]))?;
    // A macro declares their modules, where `cargo fmt` does not look.
    shell::run(&mut shell::rustfmt_check("core/src/model/kinds")?)?;
    // With what only benches and the tests of both packages build.
    let all = "kitbag-benches/peers,kitbag-bindings/scenario";
    let clippy =
        ["clippy", "--workspace", "--all-targets", "--features", all, "--", "-D", "warnings"];
    shell::run(&mut shell::cargo(&clippy))?;
    if !setup::has_deny() {
        return Err("cargo-deny is not here; `cargo xtask setup` adds it".to_owned());
    }
    let deny = ["deny", "--log-level", "error", "check", "licenses", "bans", "sources"];
    shell::run(&mut shell::cargo(&deny))
}

/// Runs all suites, and fails if one failed, ran nothing, or (in CI) was left out.
pub fn test(quick: bool) -> Result<(), String> {
    let peer = setup::peer_python().exists();
    let (began, mut took) = (Instant::now(), Vec::new());
    let mut timed = |name: &'static str, suite: &dyn Fn() -> Result<Outcome, String>| {
        let since = began.elapsed();
        let outcome = suite();
        took.push(format!("{name} {} s", (began.elapsed() - since).as_secs()));
        (name, Some(outcome))
    };
    let suites = if quick {
        vec![
            timed("rust", &|| rust(&["--lib", "--test", "tidy", "--test", "crosscrate"])),
            timed("simulate", &|| simulate(SEEDS_QUICK, 1)),
        ]
    } else {
        vec![
            timed("rust", &|| rust(&[])),
            timed("library", &phones::library),
            match bindings::has_maven() {
                true => timed("kotlin", &bindings::kotlin),
                false => ("kotlin", None),
            },
            match apps::has_tools() {
                true => timed("android-demo", &apps::android),
                false => ("android-demo", None),
            },
            match apps::has_tools() {
                true => timed("apk", &apps::apk_checked),
                false => ("apk", None),
            },
            match bindings::has_swift() {
                true => timed("swift", &bindings::swift),
                false => ("swift", None),
            },
            match bindings::has_swift() {
                true => timed("ios-demo", &apps::ios),
                false => ("ios-demo", None),
            },
            match bindings::has_maven() && bindings::has_swift() {
                true => timed("scenario", &bindings::scenario),
                false => ("scenario", None),
            },
            match bindings::has_maven() && bindings::has_swift() {
                true => timed("meeting", &bindings::meeting),
                false => ("meeting", None),
            },
            match bindings::has_maven() && bindings::has_swift() {
                true => timed("consumer", &bindings::consumer),
                false => ("consumer", None),
            },
            timed("example", &example),
            timed("demo", &demo),
            timed("story", &story),
            timed("field", &field),
            timed("simulate", &|| simulate(SEEDS, 1)),
            timed("faults", &|| faults(POINTS)),
            timed("fuzz", &|| fuzz(None, FUZZ_SECONDS)),
            timed("mutants", &mutants),
            if peer { timed("sqlcipher", &sqlcipher) } else { ("sqlcipher", None) },
        ]
    };
    println!("\ntook: {}", took.join(", "));
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let mut faults = Vec::new();
    println!();
    for (name, outcome) in suites {
        match outcome {
            Some(Ok(Outcome { passed, failed })) => {
                println!("{name}: {passed} passed, {failed} failed");
                if failed > 0 || passed == 0 {
                    faults.push(format!("{name} failed"));
                }
            }
            Some(Err(reason)) => {
                println!("{name}: 0 passed, 1 failed");
                faults.push(reason);
            }
            None => {
                println!("{name}: left out; `cargo xtask setup` adds what it needs");
                if in_ci {
                    faults.push(format!("{name} was left out"));
                }
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
}

/// A suite's closing line, when it is run alone; one that ran nothing has failed.
pub fn closing(name: &'static str) -> impl FnOnce(Outcome) -> Result<(), String> {
    move |Outcome { passed, failed }| {
        println!("{name}: {passed} passed, {failed} failed");
        if failed > 0 || passed == 0 { Err(format!("{name} failed")) } else { Ok(()) }
    }
}

/// Unit tests, documentation tests, cross-crate tests, tidy tests.
fn rust(only: &[&str]) -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    let mut command = shell::cargo(&["test", "--workspace", "--no-fail-fast"]);
    command.args(only);
    let succeeded = shell::watch(&mut command, |line| {
        if let Some(counts) = line.strip_prefix("test result: ") {
            outcome.passed += count(counts, " passed");
            outcome.failed += count(counts, " failed");
        }
    })?;
    if !succeeded && outcome.failed == 0 {
        return Err("cargo test failed".to_owned());
    }
    Ok(outcome)
}

/// The number before a word, as in `ok. 8 passed; 0 failed`.
fn count(text: &str, word: &str) -> u64 {
    let before = text.split(word).next().unwrap_or_default();
    let digits = before.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().unwrap_or(0)
}

/// A library user's first program.
fn example() -> Result<Outcome, String> {
    let build = ["build", "--quiet", "--workspace", "--example", "first_record"];
    shell::run(&mut shell::cargo(&build))?;
    shell::run(&mut Command::new(shell::target().join("debug/examples/first_record")))?;
    Ok(Outcome { passed: 1, failed: 0 })
}

/// The demonstration on real rows, and on another year's, gives the totals that were counted
/// without Kitbag, loses nothing and counts nothing twice.
fn demo() -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    for name in ["odin-2018", "other-year"] {
        let fixture = |ending: &str| shell::root().join(format!("tests/fixtures/{name}{ending}"));
        let out = shell::target().join(format!("{name}.json"));
        let mut command = shell::built("kitbag", &[])?;
        command.arg("demo").arg("--odin").arg(fixture(".csv")).arg("--json").arg(&out);
        shell::run(&mut command)?;
        let read = |path: &std::path::Path| -> Result<Value, String> {
            let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
            serde_json::from_str(&text).map_err(|error| error.to_string())
        };
        let (found, expected) = (read(&out)?, read(&fixture("-expected.json"))?);
        let counted = expected.as_object().into_iter().flatten();
        let above = |key: &str| found[key].as_u64().is_some_and(|count| count > 0);
        let mut faults: Vec<&str> =
            counted.filter(|(key, value)| found[*key] != **value).map(|(key, _)| &**key).collect();
        faults.extend(["lost", "duplicated"].into_iter().filter(|key| found[*key] != 0));
        let seen = ["conflicts_seen", "forks_seen", "known_missing_half_way"];
        faults.extend(seen.into_iter().filter(|key| !above(key)));
        if faults.is_empty() {
            outcome.passed += 1
        } else {
            outcome.failed += 1;
            println!("demo: {name} is not as expected in {}", faults.join(", "));
        }
    }
    Ok(outcome)
}

/// The demonstration, with these flags.
pub fn demonstrate(arguments: &[String]) -> Result<(), String> {
    shell::run(shell::built("kitbag", &[])?.arg("demo").args(arguments))
}

/// A programme's day from the command line alone: joining, a bundle, a revocation, a restored phone, a
/// restored hub.
pub fn story() -> Result<Outcome, String> {
    let program = shell::built("kitbag", &[])?.get_program().to_owned();
    let folder = shell::target().join("story");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut script = Command::new("sh");
    shell::run(script.arg(shell::root().join("tests/story.sh")).arg(program).arg(folder))?;
    Ok(Outcome { passed: 1, failed: 0 })
}

/// Files, dates and phones as people hand them in: one line a case.
pub fn field() -> Result<Outcome, String> {
    let program = shell::built("kitbag", &[])?.get_program().to_owned();
    let mut run = Command::new("bash");
    run.arg(shell::root().join("tests/field/run")).arg(program).current_dir(shell::root());
    let mut outcome = Outcome::default();
    shell::watch(&mut run, |line| {
        outcome.passed += u64::from(line.starts_with("right "));
        outcome.failed += u64::from(line.starts_with("WRONG "));
    })?;
    Ok(outcome)
}

/// The parsers that are fuzzed, and for how long each in `cargo xtask test`, in seconds.
const FUZZED: [&str; 8] =
    ["entry", "run", "page", "bundle", "invitation", "certificate", "mapping", "workbook"];
pub const FUZZ_SECONDS: u64 = 8;

/// Fuzzes one parser or all. The corpora that are committed begin each run; what is found new stays in
/// the target folder, and what breaks a parser beside it.
pub fn fuzz(target: Option<&str>, seconds: u64) -> Result<Outcome, String> {
    let wanted: Vec<&str> =
        FUZZED.into_iter().filter(|name| target.is_none_or(|target| target == *name)).collect();
    if wanted.is_empty() {
        return Err(format!("there is no such target; there are {}", FUZZED.join(", ")));
    }
    let wrapper = shell::root().join("tests/fuzz/rustc.sh");
    let arguments =
        ["build", "--quiet", "--workspace", "--features", "kitbag-fuzz/fuzzing", "--bin", "fuzz"];
    shell::run(shell::cargo(&arguments).env("RUSTC_WORKSPACE_WRAPPER", &wrapper))?;
    let outcome = Mutex::new(Outcome::default());
    let left = Mutex::new(wanted);
    // One on each core.
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let next = left.lock().ok().and_then(|mut left| left.pop());
                    let Some(name) = next else { return };
                    let is_whole = fuzz_one(name, seconds).map_err(|reason| println!("{reason}"));
                    if let Ok(mut outcome) = outcome.lock() {
                        outcome.passed += u64::from(is_whole.is_ok());
                        outcome.failed += u64::from(is_whole.is_err());
                    }
                }
            });
        }
    });
    let outcome = outcome.into_inner().unwrap_or_default();
    match outcome.failed {
        0 => Ok(outcome),
        _ => Err("a parser broke under fuzzing".to_owned()),
    }
}

/// Fuzzes one parser for so long.
fn fuzz_one(name: &str, seconds: u64) -> Result<(), String> {
    let found = shell::target().join("fuzz").join(name);
    std::fs::create_dir_all(&found).map_err(|error| error.to_string())?;
    let mut fuzzer = Command::new(shell::target().join("debug/fuzz"));
    fuzzer
        .env("KITBAG_FUZZ", name)
        .arg(&found)
        .arg(shell::root().join("tests/fuzz/corpus").join(name))
        .arg(format!("-max_total_time={seconds}"))
        .args(["-use_value_profile=1", "-timeout=10", "-rss_limit_mb=1024", "-verbosity=0"])
        .arg("-print_final_stats=1")
        .arg(format!("-artifact_prefix={}/broken-", found.display()));
    let log = found.with_extension("log");
    let said = std::fs::File::create(&log).map_err(|error| error.to_string())?;
    fuzzer.stderr(said);
    println!("fuzz: {name}, {seconds} s");
    shell::run(&mut fuzzer)
        .map_err(|reason| format!("fuzz: {name} broke: {reason}; {} says how", log.display()))
}

/// Measures what Kitbag costs; on a machine that does nothing else.
pub fn bench(json: Option<std::path::PathBuf>, records: u32) -> Result<(), String> {
    let mut benches = shell::built("kitbag-benches", &["kitbag-benches/peers"])?;
    bindings::benches(&mut benches)?;
    if let Some(file) = json {
        benches.arg("--json").arg(file);
    }
    shell::run(benches.arg("--records").arg(records.to_string()))
}

/// Writes the pages that are made from the declarations.
pub fn words(folder: &std::path::Path) -> Result<(), String> {
    shell::run(shell::built("words", &[])?.arg(folder))
}

pub fn pages() -> Result<(), String> {
    shell::run(shell::built("pages", &[])?.arg(shell::root()))
}

/// Trains the dictionary that messages are compressed with.
pub fn dictionary() -> Result<(), String> {
    let mut trainer = shell::built("dictionary", &[])?;
    shell::run(trainer.arg(shell::root().join("core/src/dictionary-1.bin")))
}

/// Runs the simulator over these seeds.
pub fn simulate(seeds: u64, from: u64) -> Result<Outcome, String> {
    let (seeds_text, from_text) = (seeds.to_string(), from.to_string());
    let mut command = shell::built("simulator", &[])?;
    command.args(["seeds", "--count", &seeds_text, "--from", &from_text]);
    shell::run(&mut command)?;
    Ok(Outcome { passed: seeds, failed: 0 })
}

/// Lets the k-th operation of the disk fail, for all k.
pub fn faults(points: u64) -> Result<Outcome, String> {
    let in_memory = faults_of(&["faults", "--points", &points.to_string()])?;
    let folder = shell::target().join("faults");
    let on = folder.display().to_string();
    let on_disk = faults_of(&["faults", "--points", &POINTS_ON_DISK.to_string(), "--on", &on])?;
    Ok(Outcome { passed: in_memory.passed + on_disk.passed, failed: 0 })
}

fn faults_of(asked: &[&str]) -> Result<Outcome, String> {
    let mut command = shell::built("simulator", &[])?;
    command.args(asked);
    let mut passed = 0;
    let succeeded = shell::watch(&mut command, |line| {
        if let Some(counts) = line.strip_prefix("faults: ") {
            passed = count(counts, " points");
        }
    })?;
    if succeeded {
        Ok(Outcome { passed, failed: 0 })
    } else {
        Err("the disk's faults lost something, or left a store stuck".to_owned())
    }
}

/// Plants each fault in turn; every one must be caught.
pub fn mutants() -> Result<Outcome, String> {
    let mut outcome = Outcome::default();
    let mut simulator = shell::built("simulator", &["kitbag-tests/mutants"])?;
    let succeeded = shell::watch(simulator.arg("mutants"), |line| {
        outcome.passed += u64::from(line.contains(": caught by seed "));
        outcome.failed += u64::from(line.contains(": NOT CAUGHT"));
    })?;
    if succeeded || outcome.failed > 0 {
        Ok(outcome)
    } else {
        Err("the mutants did not run".to_owned())
    }
}

/// A separate SQLCipher opens a store with the right key, and not with a wrong one.
fn sqlcipher() -> Result<Outcome, String> {
    let store = shell::target().join("peers/store.db");
    for ending in ["db", "db-wal", "db-shm"] {
        let _ = std::fs::remove_file(store.with_extension(ending));
    }
    let mut saver = shell::built("saver", &[])?;
    shell::run(saver.arg(&store).args(["--count", "20"]))?;
    let script = shell::root().join("tests/peers/open_store.py");
    shell::run(Command::new(setup::peer_python()).arg(script).arg(&store))?;
    Ok(Outcome { passed: 1, failed: 0 })
}
