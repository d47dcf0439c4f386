//! `cargo xtask simulate` and `cargo xtask mutants` run this.

use kitbag_tests::simulation::{Failure, Plan, plan, play, shrink};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Every so many seeds a line says how far it is.
const PROGRESS_SEEDS: u64 = 250;

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
            Ok(points) => faults(points),
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
                    if let Err(reason) = play_twice(seed) {
                        if let Ok(mut failed) = failed.lock() {
                            failed.get_or_insert((seed, reason));
                        }
                    } else if (seed - from + 1).is_multiple_of(PROGRESS_SEEDS) {
                        println!("simulate: {} of {count} seeds", seed - from + 1);
                    }
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_default() {
        None => {
            println!("simulate: {count} seeds from {from}: all stores equal, equal to the oracle");
            ExitCode::SUCCESS
        }
        Some((seed, Failure(reason))) => {
            println!("simulate: seed {seed} failed: {reason}");
            show(&shrink(seed, &plan(seed)), seed);
            println!("Again: cargo xtask simulate --seeds 1 --from {seed}");
            ExitCode::FAILURE
        }
    }
}

/// Lets every operation of every work fail in every way, at most so many points in all, and shows a
/// table of what became of them.
fn faults(most: u64) -> ExitCode {
    use kitbag_tests::faults::{FAULTS, Tally, WORKS, inject};
    let kinds: Vec<_> =
        WORKS.iter().flat_map(|work| FAULTS.iter().map(move |fault| (*work, *fault))).collect();
    let each = most.div_ceil(kinds.len() as u64);
    let next = AtomicU64::new(0);
    let tallies: Mutex<Vec<(usize, Tally)>> = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some((at, (work, fault))) =
                    usize::try_from(next.fetch_add(1, Ordering::SeqCst))
                        .ok()
                        .and_then(|at| Some((at, kinds.get(at)?)))
                {
                    let tally = inject(*work, *fault, each);
                    if let Ok(mut tallies) = tallies.lock() {
                        tallies.push((at, tally));
                    }
                }
            });
        }
    });
    let mut tallies = tallies.into_inner().unwrap_or_default();
    tallies.sort_by_key(|(at, _)| *at);
    println!("work     fault         points injected survived  lost stuck");
    let mut all = Tally::default();
    for (at, tally) in tallies {
        let (work, fault) = kinds[at];
        let (work, fault) = (format!("{work:?}"), format!("{fault:?}"));
        let Tally { points, injected, survived, lost, stuck } = tally;
        println!(
            "{work:<8} {fault:<13} {points:>6} {injected:>8} {survived:>8} {lost:>5} {stuck:>5}"
        );
        all.points += points;
        all.lost += lost;
        all.stuck += stuck;
    }
    println!("faults: {} points, {} lost, {} stuck", all.points, all.lost, all.stuck);
    if all.lost + all.stuck == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn play_twice(seed: u64) -> Result<(), Failure> {
    let plan = plan(seed);
    let trace = play(seed, &plan)?;
    match play(seed, &plan)? == trace {
        true => Ok(()),
        false => Err(Failure("the seed did not replay to the same trace".to_owned())),
    }
}

fn show(plan: &Plan, seed: u64) {
    println!("Shrunk to {} steps:", plan.len());
    for (step, random) in plan {
        println!("  {step:?} {random:#x}");
    }
    if let Err(Failure(reason)) = play(seed, plan) {
        println!("  fails: {reason}");
    }
}

/// Plants each fault in turn, until a seed fails.
#[cfg(feature = "mutants")]
fn mutants() -> ExitCode {
    use kitbag_core::mutant::{Mutant, plant};
    /// A fault that this many seeds do not catch is not caught.
    const SEEDS_MAX: u64 = 500;
    let mut all_caught = true;
    for (mutant, name) in Mutant::ALL {
        plant(Some(mutant));
        let caught = (1..=SEEDS_MAX).find_map(|seed| {
            let failure = play(seed, &plan(seed)).err()?;
            Some((seed, failure))
        });
        match caught {
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
