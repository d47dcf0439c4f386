//! `kitbag verify`: whether a store is what its entries say. `kitbag doctor`: what is wrong here, and
//! what to do.

use crate::Failure;
use crate::device::{Names, StoreArguments};
use indicatif::{ProgressBar, ProgressStyle};
use kitbag_client::Finding;
use kitbag_core::engine::VerifyFault;
use kitbag_core::model::UnixMillis;
use serde_json::json;

#[derive(clap::Args)]
#[command(
    after_help = "Reads every entry: chains, signatures, verdicts; builds what is derived anew in a copy beside \
    the store, and compares; recounts all totals. Changes nothing, but with --rebuild. Ends with 4 where \
    something is wrong.\n\nExample:\n  kitbag verify --store phone.db"
)]
pub struct VerifyArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Build what is derived anew from the entries, where it differs
    #[arg(long)]
    rebuild: bool,
    /// As JSON: `{entries, unsealed, records, faults: [CODE]}`
    #[arg(long)]
    json: bool,
}

pub fn verify(arguments: &VerifyArguments) -> Result<(), Failure> {
    let held = arguments.store.hold_to_read()?;
    let style = ProgressStyle::with_template("verifying {pos} entries and records")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style);
    let of_bar = bar.clone();
    let progress = move |looked_at| of_bar.set_position(looked_at);
    let verified = held.wait(held.client().health().verify(progress))?;
    bar.finish_and_clear();
    drop(held);
    if arguments.rebuild && verified.faults.contains(&VerifyFault::Projection) {
        let held = arguments.store.hold()?;
        held.wait(held.client().health().rebuild())?;
    }
    if arguments.json {
        let faults: Vec<&str> = verified.faults.iter().map(|fault| fault.name()).collect();
        say!(
            "{}",
            json!({
                "entries": verified.entries, "unsealed": verified.unsigned,
                "records": verified.records, "faults": faults,
            })
        );
    } else {
        say!(
            "{} entries with good chains and signatures; {} records replayed; verdicts, rows and totals \
             compared with what the entries give.",
            verified.entries,
            verified.records
        );
        if verified.unsigned > 0 {
            say!("{} entries wait for their author's next signature.", verified.unsigned);
        }
    }
    let wrong: Vec<&str> = verified.faults.iter().map(|fault| fault.in_words()).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Failure::found(wrong.join("; "))) }
}

#[derive(clap::Args)]
#[command(after_help = "Example:\n  kitbag doctor --store phone.db")]
pub struct DoctorArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// As JSON: `{findings: [{code, count, advice}]}`
    #[arg(long)]
    json: bool,
}

/// How many records that contradict themselves are named.
const CONTRADICTING_SHOWN: usize = 10;

pub fn doctor(arguments: &DoctorArguments) -> Result<(), Failure> {
    let held = arguments.store.hold_to_read()?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    let found = held.wait(held.client().health().findings(UnixMillis(now)))?;
    let names = held.names()?;
    let mut findings: Vec<(&'static str, u64, String)> =
        found.iter().map(|found| (found.code(), found.count(), advice(found, &names))).collect();
    findings.splice(0..0, key_file(arguments));
    if arguments.json {
        let findings = findings
            .iter()
            .map(|(code, count, advice)| json!({ "code": code, "count": count, "advice": advice }));
        say!("{}", json!({ "findings": findings.collect::<Vec<_>>() }));
        return Ok(());
    }
    for (_, _, advice) in &findings {
        say!("{advice}");
    }
    match findings.len() {
        0 => say!("Nothing is wrong here."),
        1 => say!("One thing to look at."),
        many => say!("{many} things to look at."),
    }
    Ok(())
}

/// Whether others on this machine can read the key.
fn key_file(arguments: &DoctorArguments) -> Option<(&'static str, u64, String)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = arguments.store.path().with_extension("key");
        let mode = std::fs::metadata(&key).map_or(0, |key| key.permissions().mode());
        let advice = format!(
            "Others on this machine can read {}: chmod 600 it, or found the store anew with a \
             passphrase.",
            key.display()
        );
        (mode & 0o077 != 0).then_some(("key_readable", 1, advice))
    }
    #[cfg(not(unix))]
    {
        _ = arguments;
        None
    }
}

/// What a finding is, and which command to use.
fn advice(found: &Finding, names: &Names) -> String {
    let said = found.in_words(crate::words());
    let command = match found {
        Finding::NoTeam => "kitbag join",
        Finding::NoHub => "kitbag programme hub",
        Finding::WaitingLong(..) => "kitbag sync; kitbag bundle export",
        Finding::Conflicts(_) => "kitbag conflicts; kitbag correct",
        Finding::Duplicates(_) => "kitbag duplicates",
        Finding::Contradicting(_) => "kitbag correct",
        Finding::DateInDoubt(_) => "kitbag list --date-in-doubt; kitbag correct",
        Finding::StockBelowZero(_) => "kitbag stock; kitbag record stock-movement",
        Finding::Waiting(_) | Finding::Missing(_) => "kitbag sync",
        Finding::Drafts(_) => "kitbag draft list",
        Finding::SyncFailed(..) | Finding::ClockOff | Finding::Refused(..) | Finding::Forks(_) => {
            return said;
        }
    };
    let named: String = match found {
        Finding::Contradicting(all) => {
            let shown = all.iter().take(CONTRADICTING_SHOWN);
            shown.map(|(id, wrong)| format!("\n  {id}  {}", crate::told(wrong))).collect()
        }
        Finding::StockBelowZero(all) => {
            let shown = all.iter().take(CONTRADICTING_SHOWN);
            let line = |alarm: &kitbag_client::Alarm| {
                let holder = names.holder(&alarm.holder);
                format!("\n  {holder} of {}: {} doses", alarm.product, alarm.doses)
            };
            shown.map(line).collect()
        }
        _ => String::new(),
    };
    format!("{said} [{command}]{named}")
}
