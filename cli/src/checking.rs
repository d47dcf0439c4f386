//! `kitbag verify`: whether a store is what its entries say. `kitbag doctor`: what is wrong here, and
//! what to do.

use crate::Failure;
use crate::device::StoreArguments;
use indicatif::{ProgressBar, ProgressStyle};
use kitbag_core::engine::{Engine, VerifyFault};
use kitbag_core::model::TeamId;
use kitbag_core::totals::Query;
use serde_json::{Value, json};

/// A phone that waits longer than this for its hub is worth a word, in days.
const WAITING_DAYS_MAX: i64 = 7;

#[derive(clap::Args)]
#[command(
    after_help = "Reads every entry: chains, seals, verdicts; builds what is derived anew in a copy beside \
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
    let engine = arguments.store.open_to_read()?;
    let style = ProgressStyle::with_template("verifying {pos} entries and records")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style);
    let verified = engine.verify(|looked_at| bar.set_position(looked_at))?;
    bar.finish_and_clear();
    drop(engine);
    if arguments.rebuild && verified.faults.contains(&VerifyFault::Projection) {
        arguments.store.open()?.rebuild()?;
    }
    if arguments.json {
        let faults: Vec<&str> = verified.faults.iter().map(|fault| fault.name()).collect();
        say!(
            "{}",
            json!({
                "entries": verified.entries, "unsealed": verified.unsealed,
                "records": verified.records, "faults": faults,
            })
        );
    } else {
        say!(
            "{} entries with good chains and seals; {} records replayed; verdicts, rows and totals \
             compared with what the entries give.",
            verified.entries,
            verified.records
        );
        if verified.unsealed > 0 {
            say!("{} entries wait for their author's next seal.", verified.unsealed);
        }
    }
    let wrong: Vec<&str> = verified.faults.iter().map(|fault| fault.in_words()).collect();
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Failure::found(wrong.join("; "))),
    }
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

/// Something that a person can do something about.
struct Finding {
    /// A stable code.
    code: &'static str,
    count: u64,
    /// What it is and what to do.
    advice: String,
}

pub fn doctor(arguments: &DoctorArguments) -> Result<(), Failure> {
    let engine = arguments.store.open_to_read()?;
    let mut findings = Vec::new();
    key_file(arguments, &mut findings);
    membership(&engine, &mut findings)?;
    delivery(&engine, &mut findings)?;
    records(&engine, &mut findings)?;
    if arguments.json {
        let findings: Vec<Value> = findings
            .iter()
            .map(
                |found| json!({ "code": found.code, "count": found.count, "advice": found.advice }),
            )
            .collect();
        say!("{}", json!({ "findings": findings }));
        return Ok(());
    }
    for found in &findings {
        say!("{}", found.advice);
    }
    match findings.len() {
        0 => say!("Nothing is wrong here."),
        1 => say!("One thing to look at."),
        many => say!("{many} things to look at."),
    }
    Ok(())
}

fn find(findings: &mut Vec<Finding>, code: &'static str, count: u64, advice: String) {
    if count > 0 {
        findings.push(Finding { code, count, advice });
    }
}

/// Whether others on this machine can read the key.
fn key_file(arguments: &DoctorArguments, findings: &mut Vec<Finding>) {
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
        find(findings, "key_readable", u64::from(mode & 0o077 != 0), advice);
    }
}

fn membership(engine: &Engine, findings: &mut Vec<Finding>) -> Result<(), Failure> {
    let teams = engine.teams().into_iter().filter(|team| *team != TeamId::PROGRAMME).count();
    let is_root = engine.device_key() == engine.root();
    let advice =
        "This device has joined no team: ask a coordinator for an invitation, then `kitbag join`.";
    find(findings, "no_team", u64::from(teams == 0 && !is_root), advice.to_owned());
    let unknown = engine.hub()?.is_none();
    let advice = "No hub is known here: `kitbag programme hub` notes its address. Until then records are \
                  safe, and only here.";
    find(findings, "no_hub", u64::from(unknown), advice.to_owned());
    Ok(())
}

fn delivery(engine: &Engine, findings: &mut Vec<Finding>) -> Result<(), Failure> {
    let status = engine.status()?;
    if let Some(fault) = status.last.failed {
        let advice = format!("The last sync failed: {}", crate::words().sync_fault(fault));
        find(findings, "sync_failed", u64::from(status.last.failures.max(1)), advice);
    }
    if let Some(since) = status.waiting.since {
        let now = i64::try_from(
            std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |since| since.as_millis()),
        );
        let days = (now.unwrap_or(i64::MAX) - since.0) / 86_400_000;
        let records = status.waiting.records;
        let advice = format!(
            "{records} records wait for the hub, since {}: sync, or carry a bundle.",
            since.to_iso()
        );
        let is_long = days >= WAITING_DAYS_MAX;
        find(findings, "waiting_long", if is_long { records.max(1) } else { 0 }, advice);
    }
    let advice = "This device's clock is more than a day from the hub's: set it right.";
    find(findings, "clock_off", u64::from(status.clock_is_off), advice.to_owned());
    Ok(())
}

fn records(engine: &Engine, findings: &mut Vec<Finding>) -> Result<(), Failure> {
    let totals = engine.totals(&Query::default())?;
    let of = |count: u64, advice: &str| (count, advice.replace("{n}", &count.to_string()));
    let (conflicts, advice) = of(
        engine.store().conflicted()?,
        "{n} records have two values for a field: `kitbag conflicts` shows them, `kitbag correct` settles.",
    );
    find(findings, "conflicts", conflicts, advice);
    let (duplicates, advice) = of(
        engine.suspected_duplicates()?.len() as u64,
        "{n} pairs of records look like one event: `kitbag duplicates` shows them.",
    );
    find(findings, "duplicates", duplicates, advice);
    let contradicting = engine.contradicting()?;
    let shown = contradicting.iter().take(CONTRADICTING_SHOWN);
    let named: String =
        shown.map(|(id, wrong)| format!("\n  {id}  {}", crate::told(wrong))).collect();
    let advice = format!(
        "{} records contradict themselves, as two people changed them apart: they count as they are; \
         `kitbag correct` puts them right, and an import elsewhere refuses them until then.{named}",
        contradicting.len()
    );
    find(findings, "contradicting", contradicting.len() as u64, advice);
    let (flagged, advice) = of(
        totals.flagged,
        "{n} records count nowhere because of their date: `kitbag list --state flagged`, then correct \
         occurred_on.",
    );
    find(findings, "flagged", flagged, advice);
    let (waiting, advice) =
        of(totals.waiting, "{n} entries wait for others, or for a newer version of Kitbag.");
    find(findings, "waiting", waiting, advice);
    let (missing, advice) = of(
        totals.missing.entries,
        "{n} entries are known to exist and not here yet: totals are short of them. Sync, or ask for a \
         bundle.",
    );
    find(findings, "missing", missing, advice);
    for (reason, count) in engine.store().refusals()? {
        let advice = format!("{count} entries are {reason}: a coordinator can look into them.");
        find(findings, "refused", count, advice);
    }
    let (forks, advice) = of(
        totals.forks,
        "A log forked {n} times: a phone was restored from a copy, or cloned. If nobody did, revoke it.",
    );
    find(findings, "forks", forks, advice);
    let (drafts, advice) = of(
        engine.drafts()?.len() as u64,
        "{n} drafts are not finished: `kitbag draft list`. They count nowhere.",
    );
    find(findings, "drafts", drafts, advice);
    Ok(())
}
