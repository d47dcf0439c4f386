//! `cargo xtask simulate` and `cargo xtask mutants` run this.

use kitbag_tests::simulation::{Failure, Plan, plan, play, shrink, story};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Every so many seeds a line says how far it is.
const PROGRESS_SEEDS: u64 = 250;
/// So many seeds leave no indicator out.
const SEEDS_THAT_COUNT_EVERYTHING: u64 = 500;

fn main() -> ExitCode {
    kitbag_tests::file_system::install();
    std::panic::set_hook(Box::new(|_| {}));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["seeds", "--count", count, "--from", from] => match (count.parse(), from.parse()) {
            (Ok(count), Ok(from)) => seeds(count, from),
            _ => usage(),
        },
        ["faults", "--points", points] => match points.parse() {
            Ok(points) => faults(points, None),
            Err(_) => usage(),
        },
        ["faults", "--points", points, "--on", folder] => match points.parse() {
            Ok(points) => faults(points, Some(Path::new(folder))),
            Err(_) => usage(),
        },
        #[cfg(feature = "mutants")]
        ["mutants"] => mutants(),
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("simulator: expected `seeds --count N --from SEED`, or `mutants` where built in");
    ExitCode::FAILURE
}

/// Plays seeds on all cores, each twice: a seed must replay to the same trace. Stops at the first
/// that fails, and shrinks it.
fn seeds(count: u64, from: u64) -> ExitCode {
    let next = AtomicU64::new(from);
    let until = from.saturating_add(count);
    let failed: Mutex<Option<(u64, Failure)>> = Mutex::new(None);
    let seen: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    let stop = failed.lock().is_ok_and(|failed| failed.is_some());
                    if seed >= until || stop {
                        return;
                    }
                    match play_twice(seed) {
                        Err(reason) => {
                            if let Ok(mut failed) = failed.lock() {
                                failed.get_or_insert((seed, reason));
                            }
                        }
                        Ok(counted) => {
                            if let Ok(mut seen) = seen.lock() {
                                seen.extend(counted);
                            }
                            if (seed - from + 1).is_multiple_of(PROGRESS_SEEDS) {
                                println!("simulate: {} of {count} seeds", seed - from + 1);
                            }
                        }
                    }
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_default() {
        None => {
            println!("simulate: {count} seeds from {from}: all stores equal, equal to the oracle");
            every_indicator_was_counted(count, &seen.into_inner().unwrap_or_default())
        }
        Some((seed, Failure(reason))) => {
            println!("simulate: seed {seed} failed: {reason}");
            show(&shrink(seed, &plan(seed)), seed);
            println!("Again: cargo xtask simulate --seeds 1 --from {seed}");
            ExitCode::FAILURE
        }
    }
}

/// Lets every operation of every work fail in every way, with other seeds again and again until so many
/// points were looked at, and shows a table of what became of them; in memory, or on the disk of a
/// folder.
fn faults(most: u64, folder: Option<&Path>) -> ExitCode {
    use kitbag_tests::faults::{FAULTS, Tally, Template, WORKS, inject};
    let kinds: Vec<_> =
        WORKS.iter().flat_map(|work| FAULTS.iter().map(move |fault| (*work, *fault))).collect();
    let (next, looked_at) = (AtomicU64::new(0), AtomicU64::new(0));
    let tallies: Mutex<BTreeMap<usize, Tally>> = Mutex::new(BTreeMap::new());
    // A few of each kind where few are asked for.
    let each = if folder.is_some() { most.div_ceil(kinds.len() as u64) } else { u64::MAX };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for core in 0..cores {
            let folder = folder.map(|folder| folder.join(core.to_string()));
            let (next, looked_at, tallies, kinds) = (&next, &looked_at, &tallies, &kinds);
            let each = &each;
            // On a real disk a few, spread over the work.
            let stride = if folder.is_some() { 7 } else { 1 };
            scope.spawn(move || {
                let made =
                    WORKS.iter().filter_map(|work| Template::new(*work, folder.clone()).ok());
                let templates: Vec<Template> = made.collect();
                if templates.len() < WORKS.len() {
                    eprintln!("faults: a world could not be made");
                    return;
                }
                loop {
                    let turn = next.fetch_add(1, Ordering::SeqCst);
                    let at = (turn % kinds.len() as u64) as usize;
                    let seed = turn / kinds.len() as u64 + 1;
                    let left = most.saturating_sub(looked_at.load(Ordering::SeqCst));
                    // In memory each kind is looked at once, however few points were asked for.
                    if left == 0 && (seed > 1 || folder.is_some()) {
                        return;
                    }
                    let Some(template) = templates.get(at / FAULTS.len()) else { return };
                    let (_, fault) = kinds[at];
                    let tally = inject(template, fault, seed, left.clamp(1, *each), stride);
                    looked_at.fetch_add(tally.points, Ordering::SeqCst);
                    if let Ok(mut tallies) = tallies.lock() {
                        tallies.entry(at).or_default().add(tally);
                    }
                }
            });
        }
    });
    let tallies = tallies.into_inner().unwrap_or_default();
    if tallies.len() < kinds.len() {
        return ExitCode::FAILURE;
    }
    println!("work       fault         points injected survived  lost stuck");
    let mut all = Tally::default();
    for (at, tally) in tallies {
        let (work, fault) = kinds[at];
        let (work, fault) = (format!("{work:?}"), format!("{fault:?}"));
        let Tally { points, injected, survived, lost, stuck } = tally;
        println!(
            "{work:<10} {fault:<13} {points:>6} {injected:>8} {survived:>8} {lost:>5} {stuck:>5}"
        );
        all.points += points;
        all.lost += lost;
        all.stuck += stuck;
    }
    println!("faults: {} points, {} lost, {} stuck", all.points, all.lost, all.stuck);
    if all.lost + all.stuck == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Zero means something: over many seeds each indicator must have been counted and compared.
fn every_indicator_was_counted(count: u64, seen: &BTreeSet<String>) -> ExitCode {
    let declared = kitbag_core::model::catalogue::indicators().map(|indicator| indicator.name);
    let missing: Vec<&str> = declared.filter(|name| !seen.contains(*name)).collect();
    if count < SEEDS_THAT_COUNT_EVERYTHING || missing.is_empty() {
        println!("simulate: {} indicators equal to the recount", seen.len());
        return ExitCode::SUCCESS;
    }
    println!("simulate: never counted: {}", missing.join(", "));
    ExitCode::FAILURE
}

fn play_twice(seed: u64) -> Result<BTreeSet<String>, Failure> {
    let plan = plan(seed);
    let played = play(seed, &plan)?;
    if play(seed, &plan)? == played {
        Ok(played.indicators)
    } else {
        Err(Failure("the seed did not replay to the same trace".to_owned()))
    }
}

fn show(plan: &Plan, seed: u64) {
    println!("Shrunk to {} steps:", plan.len());
    for (step, random) in plan {
        println!("  {step:?} {random:#x}");
    }
    println!("What happens:");
    story(seed, plan).iter().for_each(|line| println!("  {line}"));
}

/// Plants each fault in turn, until a seed fails.
#[cfg(feature = "mutants")]
fn mutants() -> ExitCode {
    use kitbag_core::mutant::{Mutant, plant};
    let mut all_caught = true;
    for (mutant, name) in Mutant::ALL {
        plant(Some(mutant));
        match first_that_fails() {
            Some((seed, Failure(reason))) => {
                let line: String = reason.chars().take(100).collect();
                println!("{name}: caught by seed {seed}: {line}");
            }
            None => {
                println!("{name}: NOT CAUGHT by {SEEDS_MAX} seeds");
                all_caught = false;
            }
        }
    }
    plant(None);
    if all_caught { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A fault that this many seeds do not catch is not caught.
#[cfg(feature = "mutants")]
const SEEDS_MAX: u64 = 3_000;

/// Seeds that caught one before: they are played first, so that what is caught is caught soon.
#[cfg(feature = "mutants")]
const CAUGHT_BEFORE: [u64; 14] = [1, 2, 5, 7, 8, 11, 16, 18, 19, 24, 49, 359, 450, 752];

/// The first seed that fails, looked for on all cores.
#[cfg(feature = "mutants")]
fn first_that_fails() -> Option<(u64, Failure)> {
    let next = AtomicU64::new(0);
    let seed_of = |turn: u64| match CAUGHT_BEFORE.get(turn as usize) {
        Some(seed) => *seed,
        None => turn - CAUGHT_BEFORE.len() as u64 + 1,
    };
    let failed: Mutex<BTreeMap<u64, Failure>> = Mutex::new(BTreeMap::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = seed_of(next.fetch_add(1, Ordering::SeqCst));
                    let stop = failed.lock().is_ok_and(|failed| !failed.is_empty());
                    if seed > SEEDS_MAX || stop {
                        return;
                    }
                    if let (Err(failure), Ok(mut failed)) = (play(seed, &plan(seed)), failed.lock())
                    {
                        failed.insert(seed, failure);
                    }
                }
            });
        }
    });
    failed.into_inner().ok()?.pop_first()
}
