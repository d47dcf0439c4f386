//! `kitbag accept`: what a revoked device wrote past its revocation, of which the hub keeps a little aside.

use crate::device::{StoreArguments, hub_of, sync, team_of};
use crate::joining::certificate_named;
use crate::{Failure, failure};
use kitbag_core::log::entry::{Entry, kind};
use kitbag_core::log::payload::{Administration, NAMED_MAX, RecordPayload, Waived};
use kitbag_core::log::run::Brought;
use kitbag_core::model::{EntryId, Kind, TeamId};
use kitbag_core::sync::Message;

#[derive(clap::Args)]
pub struct AcceptArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// The certificate, as `kitbag members` prints it; its first digits are enough
    #[arg(value_name = "CERTIFICATE")]
    certificate: String,
    /// The team
    #[arg(long, value_name = "ID")]
    team: Option<TeamId>,
    /// Show what is aside, and accept nothing
    #[arg(long)]
    list: bool,
}

/// Accepts what a revoked device wrote past its revocation, of which the hub keeps a little aside.
pub fn accept(arguments: &AcceptArguments) -> Result<(), Failure> {
    let mut engine = arguments.store.open()?;
    let team = team_of(&engine, arguments.team)?;
    sync(&mut engine, None, |_| {})?;
    let certificate = certificate_named(&engine, team, &arguments.certificate)?;
    let client = engine.client(&hub_of(&engine)?)?;
    let answer = client.get(&format!("/v1/aside?certificate={certificate}"))?;
    let answer =
        Message::decode(&answer).map_err(|_| failure("the hub", "gave no answer that is read"))?;
    // What a certificate is for, its own log says: of others nothing is taken.
    let aside: Vec<Entry> = answer
        .brought
        .iter()
        .filter(|kept| kept.open.certificate == certificate && kept.open.team == team)
        .map(Brought::expand)
        .filter(|entry| entry.header.kind >= kind::RECORDS_FROM)
        .collect();
    if arguments.list {
        return list_aside(&aside);
    }
    let ids: Vec<EntryId> = aside.iter().map(|entry| entry.id).collect();
    for entries in ids.chunks(NAMED_MAX as usize) {
        let waived = Waived::Revoked;
        engine.administer(team, &Administration::Accept { waived, entries: entries.to_vec() })?;
    }
    sync(&mut engine, None, |_| {})?;
    tell!("Accepted {} entries of a revoked device; what follows stays apart.", ids.len());
    Ok(())
}

/// What is aside, as text: kind, whether it creates or changes, and how much it says.
fn list_aside(aside: &[Entry]) -> Result<(), Failure> {
    let mut table = crate::screen::table(["entry", "kind", "record", "when"]);
    for entry in aside.iter().take(crate::screen::ROWS_MAX) {
        let of_kind = Kind::from_number(entry.header.kind);
        let payload = entry.payload.as_deref().map(RecordPayload::decode);
        let at = payload.and_then(Result::ok).map(|payload| payload.at.to_iso());
        let record = entry.record().map(|record| record.to_string());
        table.add_row(crate::screen::row([
            entry.id.to_string().get(..12).unwrap_or_default().to_owned(),
            of_kind.map_or_else(|| "of a newer version".to_owned(), |of| crate::words().kind(of)),
            record.unwrap_or_default(),
            at.unwrap_or_default(),
        ]));
    }
    say!("{table}");
    crate::screen::say_rest(aside.len());
    Ok(())
}
