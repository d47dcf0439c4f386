//! `kitbag programme`: what its founder does once.

use crate::device::StoreArguments;
use crate::{Failure, failure};
use clap::Subcommand;
use kitbag_core::identity::HubAddress;
use kitbag_core::model::TeamId;
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum ProgrammeCommand {
    /// Founds a programme: makes the store of its root key, under a passphrase, to be kept offline
    Init(StoreArguments),
    /// Notes where the hub is, as `kitbag hub run` printed it
    Hub {
        #[command(flatten)]
        store: StoreArguments,
        /// The hub's address with its keys
        #[arg(value_name = "ADDRESS")]
        address: HubAddress,
    },
    /// Makes a new team and prints its id
    Team(StoreArguments),
    /// Makes a coordinator's store on this machine; on another one, invite it
    Coordinator {
        #[command(flatten)]
        store: StoreArguments,
        /// The team
        #[arg(long, value_name = "ID")]
        team: TeamId,
        /// The coordinator's new store
        #[arg(value_name = "NEW-STORE")]
        new: PathBuf,
    },
}

pub fn run(command: ProgrammeCommand) -> Result<(), Failure> {
    match command {
        ProgrammeCommand::Init(store) => {
            let held = store.found()?;
            say!("{}", held.wait(held.client().programme().own())?.root);
            tell!(
                "This is the programme's root key. Start the hub with it: kitbag hub run --root KEY …\n\
                 Keep {} with its sealed-key offline, and a copy of both elsewhere: who has them and \
                 the passphrase can make coordinators.",
                store.path().display()
            );
        }
        ProgrammeCommand::Hub { store, address } => {
            let held = store.hold()?;
            held.wait(held.client().programme().set_hub(address))?;
            tell!("Noted.");
        }
        ProgrammeCommand::Team(store) => {
            let held = store.hold()?;
            let team = held.wait(held.client().programme().new_team())?;
            say!("{team}");
            tell!("Next: kitbag programme coordinator --team {team} …, or kitbag invite");
        }
        ProgrammeCommand::Coordinator { store, team, new } => {
            let held = store.hold()?;
            if new.exists() {
                return Err(failure(new.display(), "is there already; name a new file"));
            }
            let beside = StoreArguments { store: new, passphrase_file: None };
            let opening = beside.opening()?;
            held.wait(async {
                let programme = held.client().programme();
                programme.make_coordinator(team, opening).await?.close().await;
                Ok(())
            })?;
            say!("{} coordinates team {team}.", beside.path().display());
        }
    }
    Ok(())
}
