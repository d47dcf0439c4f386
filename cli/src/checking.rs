//! `kitbag verify`: whether a store is what its entries say. `kitbag doctor`: what is wrong here, and
//! what to do.

use crate::Failure;
use crate::device::StoreArguments;
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
    let mut findings: Vec<(&'static str, u64, String)> =
        found.iter().map(|found| (found.code(), found.count(), advice(found))).collect();
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
fn advice(found: &Finding) -> String {
    let n = found.count();
    match found {
        Finding::NoTeam => {
            "This device has joined no team: ask a coordinator for an invitation, then \
                            `kitbag join`."
                .to_owned()
        }
        Finding::NoHub => {
            "No hub is known here: `kitbag programme hub` notes its address. Until then \
                           records are safe, and only here."
                .to_owned()
        }
        Finding::SyncFailed(fault, _) => {
            format!("The last sync failed: {}", crate::words().sync_fault(*fault))
        }
        Finding::WaitingLong(_, since) => format!(
            "{n} records wait for the hub, since {}: sync, or carry a bundle.",
            since.to_iso()
        ),
        Finding::ClockOff => {
            "This device's clock is more than a day from the hub's: set it right.".to_owned()
        }
        Finding::Conflicts(_) => format!(
            "{n} records have two values for a field: `kitbag conflicts` shows them, `kitbag correct` \
             settles."
        ),
        Finding::Duplicates(_) => {
            format!("{n} pairs of records look like one event: `kitbag duplicates` shows them.")
        }
        Finding::Contradicting(all) => {
            let shown = all.iter().take(CONTRADICTING_SHOWN);
            let named: String =
                shown.map(|(id, wrong)| format!("\n  {id}  {}", crate::told(wrong))).collect();
            format!(
                "{n} records contradict themselves, as two people changed them apart: they count as they \
                 are; `kitbag correct` puts them right, and an import elsewhere refuses them until \
                 then.{named}"
            )
        }
        Finding::Flagged(_) => format!(
            "{n} records count nowhere because of their date: `kitbag list --state flagged`, then \
             correct occurred_on."
        ),
        Finding::Waiting(_) => {
            format!("{n} entries wait for others, or for a newer version of Kitbag.")
        }
        Finding::Missing(_) => format!(
            "{n} entries are known to exist and not here yet: totals are short of them. Sync, or ask \
             for a bundle."
        ),
        Finding::Refused(verdict, _) => {
            format!("{n} entries are {verdict}: a coordinator can look into them.")
        }
        Finding::Forks(_) => format!(
            "A log forked {n} times: a phone was restored from a copy, or cloned. If nobody did, revoke \
             it."
        ),
        Finding::Drafts(_) => {
            format!("{n} drafts are not finished: `kitbag draft list`. They count nowhere.")
        }
    }
}
