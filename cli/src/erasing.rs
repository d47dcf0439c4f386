//! `kitbag erase`: asked for by authors and coordinators, done by the programme's root alone.

use crate::Failure;
use crate::device::StoreArguments;
use crate::screen::{ROWS_MAX, say_rest};
use clap::Subcommand;
use kitbag_core::model::{RecordId, TeamId};
use serde_json::json;

/// How many of those who ask for one erasure are named.
const NAMES_MAX: usize = 5;

#[derive(Subcommand)]
pub enum EraseCommand {
    /// Asks the programme's root to erase records; nothing is erased by it
    Ask {
        #[command(flatten)]
        store: StoreArguments,
        /// The records
        #[arg(value_name = "RECORD", required = true)]
        records: Vec<RecordId>,
        /// The team; needed where this device is in several
        #[arg(long, value_name = "ID")]
        team: Option<TeamId>,
    },
    /// Lists what is asked for and not done; on the root's device, after a sync, of every team
    List {
        #[command(flatten)]
        store: StoreArguments,
        /// On the root's device: the team to look into
        #[arg(long, value_name = "ID")]
        team: Option<TeamId>,
        /// As JSON, one object a line: `{team, record, by}`
        #[arg(long)]
        json: bool,
    },
    /// Erases records for good, on the root's device
    Do {
        #[command(flatten)]
        store: StoreArguments,
        /// The records
        #[arg(value_name = "RECORD", required = true)]
        records: Vec<RecordId>,
        /// Their team
        #[arg(long, value_name = "ID")]
        team: TeamId,
    },
}

pub fn run(command: &EraseCommand) -> Result<(), Failure> {
    match command {
        EraseCommand::Ask { store, records, team } => {
            let held = store.hold()?;
            let team = held.team(*team)?;
            held.wait(held.client().team().ask_erasure(team, records.clone()))?;
            tell!("Asked. The next sync brings it to the hub; the programme's root decides.");
            Ok(())
        }
        EraseCommand::List { store, team, json } => list(store, *team, *json),
        EraseCommand::Do { store, records, team } => {
            let held = store.hold()?;
            held.wait(held.client().programme().erase(*team, records.clone()))?;
            // What is not at the hub is erased here alone; the next sync tries again.
            let synced = held.sync(None);
            tell!(
                "Erased here, and at every store that syncs from now on. Backups, bundles, exports and \
                 phones that never sync again keep what they have: delete those."
            );
            synced.map(drop)
        }
    }
}

fn list(store: &StoreArguments, team: Option<TeamId>, as_json: bool) -> Result<(), Failure> {
    let held = store.hold()?;
    let is_root = held.wait(held.client().programme().own())?.is_root();
    if let (Some(team), true) = (team, is_root) {
        // Requests stand in the team's logs: the root reads them where it looks.
        held.wait(held.client().programme().look_into(team))?;
        held.sync(None)?;
    }
    let asked = held.wait(held.client().team().asked_erasures())?;
    if asked.is_empty() && !as_json {
        let where_to_look =
            if is_root && team.is_none() { "; name the team to look into with --team" } else { "" };
        say!("No erasure is asked for{where_to_look}.");
        return Ok(());
    }
    let (all, shown) = (asked.len(), if as_json { usize::MAX } else { ROWS_MAX });
    for one in asked.into_iter().take(shown) {
        let by: Vec<String> = one.by.iter().map(ToString::to_string).collect();
        if as_json {
            say!(
                "{}",
                json!({ "team": one.team.to_string(), "record": one.record.to_string(), "by": by })
            )
        } else {
            let keys = by.iter().take(NAMES_MAX);
            let names: Vec<&str> = keys.map(|key| key.get(..12).unwrap_or(key)).collect();
            say!("{}  team {}  asked by {}", one.record, one.team, names.join(", "));
        }
    }
    if !as_json {
        say_rest(all);
    }
    Ok(())
}
