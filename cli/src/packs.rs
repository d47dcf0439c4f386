//! `kitbag pack`: a programme's codes, products, sites and what its receivers want, as data.

use crate::device::{Opened, StoreArguments};
use crate::{Failure, cannot_read, wrong_file};
use clap::Subcommand;
use kitbag_core::model::pack::{CodePack, SHIPPED};
use serde_json::json;
use std::path::Path;

#[derive(Subcommand)]
pub enum PackCommand {
    /// Publishes a pack to the whole programme, from the root's store
    Publish {
        #[command(flatten)]
        store: StoreArguments,
        /// A file (TOML), or the name of one that comes with Kitbag: odin, scotland
        #[arg(value_name = "FILE")]
        pack: String,
        /// As JSON: `{name, version}`
        #[arg(long)]
        json: bool,
    },
    /// Lists the packs that this store has
    List {
        #[command(flatten)]
        store: StoreArguments,
        /// As JSON: `{packs: [{name, version, source}]}`
        #[arg(long)]
        json: bool,
    },
    /// Checks a pack, or prints one that comes with Kitbag, to begin from
    Show {
        /// A file (TOML), or a name
        #[arg(value_name = "FILE")]
        pack: String,
    },
}

pub fn run(command: &PackCommand) -> Result<(), Failure> {
    match command {
        PackCommand::Publish { store, pack, json } => {
            let text = text_of(pack)?;
            let checked = checked(pack, &text)?;
            let held = store.hold()?;
            held.wait(held.client().programme().publish_pack(text))?;
            if *json {
                say!("{}", json!({ "name": checked.name, "version": checked.version }));
                return Ok(());
            }
            say!("Published {} {}. The next syncs bring it to all.", checked.name, checked.version);
        }
        PackCommand::List { store, json } => {
            let held = store.hold_to_read()?;
            let packs = held.wait(held.client().programme().packs())?;
            if *json {
                let packs = packs.iter().map(|pack| {
                    json!({ "name": pack.name, "version": pack.version, "source": pack.source })
                });
                say!("{}", json!({ "packs": packs.collect::<Vec<_>>() }));
                return Ok(());
            }
            for pack in &packs {
                say!("{} {}  {}", pack.name, pack.version, pack.source);
            }
            say!("{} packs.", packs.len());
        }
        PackCommand::Show { pack } => {
            let text = text_of(pack)?;
            checked(pack, &text)?;
            say!("{}", text.trim_end());
        }
    }
    Ok(())
}

/// A pack whose zone exists: a published one cannot be taken back.
fn checked(name: &str, text: &str) -> Result<CodePack, Failure> {
    let pack = CodePack::checked(text).map_err(|error| wrong_file(name, error))?;
    let zone =
        pack.time_zone.as_deref().filter(|zone| kitbag_interchange::zone_named(zone).is_none());
    match zone {
        Some(_) => {
            let reason = "time_zone names no zone; take one of the IANA's, such as Europe/Kyiv";
            Err(wrong_file(name, reason))
        }
        None => Ok(pack),
    }
}

/// The text of a file, or of a pack that comes with Kitbag.
fn text_of(name: &str) -> Result<String, Failure> {
    if let Some((_, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
        return Ok((*text).to_owned());
    }
    let path = Path::new(name);
    std::fs::read_to_string(path).map_err(|error| cannot_read(path, &error))
}

/// The pack of this name that the programme has, or that comes with Kitbag, or of this file.
pub fn named(held: &Opened, name: &str) -> Result<CodePack, Failure> {
    let packs = held.wait(held.client().programme().packs())?;
    if let Some(pack) = packs.into_iter().find(|pack| pack.name == name) {
        return Ok(pack);
    }
    checked(name, &text_of(name)?)
}
