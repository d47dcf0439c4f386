//! `kitbag sync`, `status`, `bundle`: a device's day on the command line.

use crate::device::{Opened, StoreArguments};
use crate::{Failure, cannot_read, failure};
use clap::Subcommand;
use data_encoding::BASE32_NOPAD;
use kitbag_core::engine::{BundleOf, Status};
use kitbag_core::identity::Role;
use kitbag_core::model::{RecordId, TeamId, UnixMillis};
use kitbag_core::store::{Delivery, Reason};
use kitbag_core::sync::Agreement;
use kitbag_core::totals::Query;
use serde_json::json;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  kitbag sync --store phone.db\n  kitbag sync --store phone.db --upload-budget 100000"
)]
pub struct SyncArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Send about this many bytes at most; the rest waits
    #[arg(long, value_name = "BYTES")]
    upload_budget: Option<u64>,
    /// As JSON: `{agreement, kept_from, waiting}`; agreement is `whole`, `caught_up`, `without` or
    /// `partial`
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  kitbag status --store phone.db\n  kitbag status --store phone.db --record ID --json"
)]
pub struct StatusArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Also of one record
    #[arg(long, value_name = "ID")]
    record: Option<RecordId>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
pub enum BundleCommand {
    /// Writes what waits for the hub into a file, encrypted for the team
    Export {
        #[command(flatten)]
        store: StoreArguments,
        /// The team; needed where this device is in several
        #[arg(long, value_name = "ID")]
        team: Option<TeamId>,
        /// Everything that this device holds of the team
        #[arg(long)]
        everything: bool,
        /// The file
        #[arg(value_name = "FILE")]
        out: PathBuf,
        /// As JSON: `{entries, team_key}`
        #[arg(long)]
        json: bool,
    },
    /// Takes a bundle in
    Import {
        #[command(flatten)]
        store: StoreArguments,
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// As JSON: `{entries, new_entries, turned_away, team_key}`
        #[arg(long)]
        json: bool,
    },
}

pub fn sync(arguments: &SyncArguments) -> Result<(), Failure> {
    let held = arguments.store.hold()?;
    let agreement = held.sync(arguments.upload_budget)?;
    if arguments.json {
        let (name, kept_from, waiting) = match agreement {
            Agreement::Whole => ("whole", Vec::new(), 0),
            Agreement::CaughtUp => ("caught_up", Vec::new(), 0),
            Agreement::Without(teams) => ("without", teams, 0),
            Agreement::Partial { waiting } => ("partial", Vec::new(), waiting),
        };
        let kept_from: Vec<String> = kept_from.iter().map(ToString::to_string).collect();
        say!("{}", json!({ "agreement": name, "kept_from": kept_from, "waiting": waiting }));
        return Ok(());
    }
    match agreement {
        Agreement::Whole if held.wait(held.client().sync().status())?.is_synced => {
            say!("Synced: the hub and this device hold the same.");
        }
        Agreement::Whole => say_not_synced(&held)?,
        Agreement::CaughtUp => {
            say!(
                "What the hub had is here, and the hub has what was here. More came since: sync again."
            );
        }
        Agreement::Without(teams) => {
            let own = held.wait(held.client().team().own())?;
            for team in teams.into_iter().filter(|team| *team != TeamId::PROGRAMME) {
                if own.contains(&(team, Some(Role::Observer))) {
                    say!("This device observes team {team}: it reads totals, and no records.");
                } else {
                    say!(
                        "The hub keeps team {team} from this device: its certificate is revoked, or did \
                         not reach the hub. Ask the coordinator."
                    )
                }
            }
            say_not_synced(&held)?;
        }
        Agreement::Partial { waiting } => {
            say!("Part of it is sent: {waiting} entries wait for the next sync.");
        }
    }
    Ok(())
}

/// Both sides hold the same, and this device's entries still do not count: it says why.
fn say_not_synced(held: &Opened) -> Result<(), Failure> {
    let status = held.wait(held.client().sync().status())?;
    say_aside(&status);
    match (status.waiting.entries, status.waiting.aside) {
        (0, 0) => say!("What was recorded here is on the hub."),
        (0, _) => {}
        (entries, _) => say!("{entries} entries still wait for the hub: sync again."),
    }
    Ok(())
}

/// Names what the hub does not take, and why.
fn say_aside(status: &Status) {
    for team in &status.uncertified {
        say!(
            "This device's certificate in team {team} does not hold: what it records there counts \
             nowhere. Ask the coordinator for a new invitation."
        );
    }
    if let (Some(reason), entries) = (status.waiting.why_aside, status.waiting.aside) {
        let why = match reason {
            Reason::Revoked => {
                "their device's certificate was revoked: a coordinator can accept them"
            }
            Reason::NoCertificate => {
                "it knows no certificate: the coordinator's device must sync first"
            }
            Reason::Other(_) => "it finds a fault in them: update Kitbag, and ask the coordinator",
        };
        say!("{entries} entries are not taken by the hub, because {why}. They are safe here.");
    }
}

#[derive(clap::Args)]
#[command(after_help = "Example:\n  kitbag hear --store phone.db LETTERS")]
pub struct HearArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// What the other device printed
    #[arg(value_name = "LETTERS")]
    letters: String,
}

pub fn hear(arguments: &HearArguments) -> Result<(), Failure> {
    let held = arguments.store.hold()?;
    let letters: String = arguments.letters.split_whitespace().collect();
    let bytes = BASE32_NOPAD.decode(letters.to_ascii_uppercase().as_bytes());
    let bytes =
        bytes.map_err(|_| failure("the announcement", "is not whole; copy or scan it again"))?;
    held.wait(held.client().team().hear(bytes))?;
    say!("Heard. The next sync passes it on.");
    Ok(())
}

#[derive(clap::Args)]
#[command(after_help = "Example:\n  kitbag set-aside --store coordinator.db DEVICE")]
pub struct SetAsideArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The device: its label, or the start of it, of its certificate or of its key
    #[arg(value_name = "NAME")]
    device: String,
    /// The team; needed where this device is in several
    #[arg(long, value_name = "ID")]
    team: Option<TeamId>,
}

/// A coordinator says that what a device claims beyond what is held is not awaited any more.
pub fn set_aside(arguments: &SetAsideArguments) -> Result<(), Failure> {
    let held = arguments.store.hold()?;
    let team = held.team(arguments.team)?;
    let of_team = held.client().team();
    let device = match arguments.device.parse() {
        Ok(device) => device,
        Err(_) => held.member_named(team, &arguments.device)?.device,
    };
    let set_aside = held.wait(of_team.set_aside(team, device))?;
    tell!(
        "{set_aside} claims are set aside: they count nowhere. What arrives of them counts as ever."
    );
    Ok(())
}

#[derive(clap::Args)]
pub struct RecoverArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// As JSON: `{aside, salvaged}`
    #[arg(long)]
    json: bool,
}

pub fn recover(arguments: &RecoverArguments) -> Result<(), Failure> {
    let recovered = arguments.store.recover()?;
    if arguments.json {
        let aside = recovered.aside.map(|aside| aside.display().to_string());
        say!("{}", json!({ "aside": aside, "salvaged": recovered.salvaged }));
        return Ok(());
    }
    if let Some(aside) = recovered.aside {
        say!("The damaged store is now {}. Nothing of it was deleted.", aside.display());
    }
    say!(
        "A new store is in its place, with {} entries of this device from its outbox. Sync now: the hub \
         brings the rest.",
        recovered.salvaged
    );
    Ok(())
}

pub fn status(arguments: &StatusArguments) -> Result<(), Failure> {
    let held = arguments.store.hold_to_read()?;
    let client = held.client();
    let status = held.wait(client.sync().status())?;
    let record = arguments.record.map(|id| held.wait(client.records().look_at(id)));
    let record = record.transpose()?;
    let device = held.wait(client.programme().own())?.device;
    let names = held.names()?;
    let in_doubt = held.wait(client.totals().of(Query::default()))?.in_doubt;
    let team_keys = held.wait(client.team().keys())?;
    let iso = |at: i64| UnixMillis(at).to_iso();
    if arguments.json {
        let json = json!({
            "device": device.to_string(),
            "label": names.label(&device),
            "synced": status.is_synced,
            "waiting_entries": status.waiting.entries,
            "waiting_records": status.waiting.records,
            "waiting_since": status.waiting.since.map(|at| at.to_iso()),
            "aside": status.waiting.aside,
            "uncertified": status.uncertified.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "team_keys": team_keys.iter().map(|(team, number)| json!({
                "team": team.to_string(), "number": number,
            })).collect::<Vec<_>>(),
            "last_synced": status.last.agreed_at.map(iso),
            "failed": status.last.failed.map(|fault| crate::words().sync_fault(fault)),
            "failures": status.last.failures,
            "next_try": status.last.next_try.map(iso),
            "date_in_doubt": in_doubt,
            "clock_is_off": status.clock_is_off,
            "clock_behind": status.clock_behind.map(|at| at.to_iso()),
            "record": record.map(|one| json!({
                "id": one.record.id.to_string(),
                "delivery": delivery_word(one.delivery),
                "attention": format!("{:?}", one.attention).to_lowercase(),
            })),
        });
        say!("{json}");
        return Ok(());
    }
    if names.label(&device).is_some() {
        say!("This is {}.", names.of(&device));
    }
    match (status.is_synced, status.waiting.entries) {
        (true, _) => say!("Synced: nothing waits."),
        (false, 0) => say!("Nothing waits for the hub."),
        (false, entries) => {
            let since = status.waiting.since.map(|at| format!(", since {}", at.to_iso()));
            say!(
                "{} records wait for the hub ({entries} entries){}.",
                status.waiting.records,
                since.unwrap_or_default()
            );
        }
    }
    say_aside(&status);
    for (team, number) in &team_keys {
        match number {
            Some(number) => say!("Team {team}: notes are sealed under its key {number}."),
            None => say!("Team {team}: its key is not here yet; notes cannot be sealed."),
        }
    }
    match status.last.agreed_at {
        Some(at) => say!("Last synced {}.", iso(at)),
        None => say!("Not synced yet."),
    }
    if let Some(fault) = status.last.failed {
        say!("The last sync: {}", crate::words().sync_fault(fault));
    }
    if let Some(at) = status.last.next_try {
        say!("Next try {}, or as soon as the network returns.", iso(at));
    }
    if status.clock_is_off {
        say!("{}", clock_in_words(&status));
    }
    for (year, records) in &in_doubt {
        say!("{}", crate::words().dated_in(*year, *records));
    }
    if let Some(one) = record {
        let (id, delivery) = (one.record.id, delivery_word(one.delivery));
        say!("Record {id}: {delivery}, attention {:?}.", one.attention);
    }
    Ok(())
}

fn delivery_word(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Waiting => "waiting",
        Delivery::OnHub => "on_hub",
        Delivery::Aside(_) => "aside",
    }
}

pub fn bundle(command: &BundleCommand) -> Result<(), Failure> {
    match command {
        BundleCommand::Export { store, team, everything, out, json } => {
            let held = store.hold()?;
            let team = held.team(*team)?;
            let of = if *everything { BundleOf::Everything } else { BundleOf::Waiting };
            if out.exists() {
                return Err(failure(out.display(), "is there already; name a new file"));
            }
            // Written beside and renamed: a bundle that is there is whole.
            let beside = kitbag_interchange::files::beside(out);
            let failed = |error: std::io::Error| failure(beside.display(), error);
            let file = kitbag_interchange::files::create(&beside).map_err(failed)?;
            let writer = BufWriter::new(file.try_clone().map_err(failed)?);
            let written = held.wait(held.client().bundles().export(team, of, writer, |_| {}))?;
            file.sync_all().map_err(failed)?;
            std::fs::rename(&beside, out).map_err(failed)?;
            let (entries, number) = (written.entries, written.team_key);
            if *json {
                say!("{}", json!({ "entries": entries, "team_key": number }))
            } else {
                say!(
                    "{entries} entries are in {}. Only who has key {} of the team can open it.",
                    out.display(),
                    number.unwrap_or_default()
                );
                say!(
                    "A device revoked since that key was made may still have it: sync first where \
                         you can."
                );
            }
            Ok(())
        }
        BundleCommand::Import { store, file, json } => {
            let held = store.hold()?;
            let opened = File::open(file).map_err(|error| cannot_read(file, &error))?;
            let reader = BufReader::new(opened);
            let taken = held.wait(held.client().bundles().import(reader, |_| {}))?;
            if *json {
                say!(
                    "{}",
                    json!({
                        "entries": taken.entries, "new_entries": taken.new_entries,
                        "turned_away": taken.turned_away, "team_key": taken.team_key_number,
                    })
                )
            } else {
                say!(
                    "{} entries, {} of them new here; sealed under key {} of the team.",
                    taken.entries,
                    taken.new_entries,
                    taken.team_key_number
                );
            }
            if let Some(reason) = taken.reason {
                let reason = format!("{} runs were not taken: {reason}", taken.turned_away);
                return Err(failure(file.display(), reason));
            }
            if !json {
                say!("The next sync brings them to the hub.");
            }
            Ok(())
        }
    }
}

#[derive(clap::Args)]
#[command(after_help = "Example:\n  kitbag missing --store desk.db --json")]
pub struct MissingArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Only of this team
    #[arg(long, value_name = "ID")]
    team: Option<TeamId>,
    /// As JSON: `{missing: [{device, label, entries, doubtful}]}`
    #[arg(long)]
    json: bool,
}

pub fn missing(arguments: &MissingArguments) -> Result<(), Failure> {
    let held = arguments.store.hold_to_read()?;
    let (missing, names) =
        (held.wait(held.client().health().missing(arguments.team))?, held.names()?);
    if arguments.json {
        let each = missing.iter().map(|from| {
            json!({
                "device": from.device.to_string(), "label": names.label(&from.device),
                "entries": from.entries, "doubtful": from.is_doubtful,
            })
        });
        say!("{}", json!({ "missing": each.collect::<Vec<_>>() }));
        return Ok(());
    }
    for from in &missing {
        let doubt = if from.is_doubtful { ", which is more than is believed" } else { "" };
        say!("{}: {} entries{doubt}", names.of(&from.device), from.entries);
    }
    match missing.is_empty() {
        true => say!("Nothing is known to be missing."),
        false => {
            say!("They are on those devices, or on their way: let them sync, or bring a bundle.")
        }
    }
    Ok(())
}

/// What is wrong with this device's clock, and what to do.
pub fn clock_in_words(status: &kitbag_core::engine::Status) -> String {
    match status.clock_behind {
        Some(known) => format!(
            "This device's clock is wrong: it is later than {} already. Set it right; until then say dates yourself, with --on.",
            known.to_iso()
        ),
        None => "This device's clock is more than a day from the hub's. Set it right and sync; until then say dates yourself, \
                 with --on."
            .to_owned(),
    }
}
