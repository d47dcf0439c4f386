//! `kitbag draft`: forms that are being filled in, kept on this device alone.

use crate::device::StoreArguments;
use crate::recording::RecordCommand;
use crate::{Failure, recording, wrong_file};
use clap::Subcommand;
use kitbag_core::engine::DraftId;
use kitbag_core::model::{TeamId, json};
use serde_json::json;

#[derive(Subcommand)]
pub enum DraftCommand {
    /// Keeps a form that is not complete, with the flags of `record`; --draft N goes on with an older one
    #[command(subcommand, arg_required_else_help = true)]
    Save(RecordCommand),
    /// Lists the drafts of this device
    List {
        #[command(flatten)]
        store: StoreArguments,
        /// As JSON: `{drafts: [{draft, kind, answers}]}`
        #[arg(long)]
        json: bool,
    },
    /// Makes a record of a draft; `record KIND --draft N` answers what it lacks as well
    Finish {
        #[command(flatten)]
        store: StoreArguments,
        /// The team; needed where this device is in several
        #[arg(long, value_name = "ID")]
        team: Option<TeamId>,
        /// The draft
        #[arg(value_name = "N")]
        draft: u64,
        /// As JSON: `{id}`
        #[arg(long)]
        json: bool,
    },
    /// Deletes a draft
    Discard {
        #[command(flatten)]
        store: StoreArguments,
        /// The draft
        #[arg(value_name = "N")]
        draft: u64,
        /// As JSON: `{draft}`
        #[arg(long)]
        json: bool,
    },
}

pub fn run(command: &DraftCommand) -> Result<(), Failure> {
    match command {
        DraftCommand::Save(command) => {
            // An unknown that a draft holds would stand beside what is answered later.
            if command.is_with_unknowns() {
                let said = "is for a whole record: give it to `record KIND --draft N`";
                return Err(wrong_file("--unknowns", said));
            }
            let (held, form) = recording::opened(command)?;
            let saved = held.wait(held.client().drafts().save(command.draft, form))?;
            say!("{}", saved.0);
        }
        DraftCommand::List { store, json } => {
            let held = store.hold_to_read()?;
            let drafts = held.wait(held.client().drafts().list())?;
            let shown = drafts.iter().map(|(id, form)| {
                json!({
                    "draft": id.0, "kind": form.kind().name(), "answers": json::of_form(form),
                })
            });
            if *json {
                say!("{}", json!({ "drafts": shown.collect::<Vec<_>>() }));
                return Ok(());
            }
            for (id, form) in &drafts {
                let kind = form.kind().name().replace('_', " ");
                say!("{:>3}  {kind}, {} answers", id.0, form.fields().len());
            }
            say!("{} drafts. They are never sent and never counted.", drafts.len());
        }
        DraftCommand::Finish { store, team, draft, json } => {
            let held = store.hold()?;
            let team = held.team(*team)?;
            let form = recording::form_of(&held, DraftId(*draft))?;
            let id = held.wait(held.client().drafts().finish(DraftId(*draft), team, form))?;
            if *json { say!("{}", json!({ "id": id.to_string() })) } else { say!("{id}") }
        }
        DraftCommand::Discard { store, draft, json } => {
            let held = store.hold()?;
            held.wait(held.client().drafts().discard(DraftId(*draft)))?;
            if *json { say!("{}", json!({ "draft": draft })) } else { say!("Discarded.") }
        }
    }
    Ok(())
}
