//! `kitbag accept`: what a revoked device wrote past its revocation, of which the hub keeps a little aside.

use crate::Failure;
use crate::device::{hub_of, sync, team_of};
use crate::joining::{CertificateArguments, certificate_named};
use kitbag_client::BlockingHubClient;
use kitbag_core::log::entry::Entry;
use kitbag_core::log::payload::RecordPayload;
use kitbag_core::model::{EntryId, Kind};
use std::collections::BTreeSet;

#[derive(clap::Args)]
pub struct AcceptArguments {
    #[command(flatten)]
    of: CertificateArguments,
    /// Show what is aside, and accept nothing
    #[arg(long)]
    list: bool,
}

/// Accepts what a revoked device wrote past its revocation, of which the hub keeps a little aside.
pub fn accept(arguments: &AcceptArguments) -> Result<(), Failure> {
    let mut engine = arguments.of.store.open()?;
    let team = team_of(&engine, arguments.of.team)?;
    sync(&mut engine, None, |_| {})?;
    let certificate = certificate_named(&engine, team, &arguments.of.certificate)?;
    let client = BlockingHubClient::to(&engine, &hub_of(&engine)?)?;
    let (mut aside, mut certificates, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut path = format!("/v1/aside?certificate={certificate}");
    loop {
        let page = engine.read_aside(team, certificate, &client.get(&path)?)?;
        // A hub that shows the same page again ends it, too.
        let Some(last) = page.last.filter(|last| seen.insert(*last)) else { break };
        aside.extend(page.entries);
        certificates.extend(page.certificates);
        path = format!("/v1/aside?certificate={certificate}&after={last}");
    }
    if arguments.list {
        return list_aside(&aside, &certificates);
    }
    let ids: Vec<EntryId> = aside.iter().map(|entry| entry.id).collect();
    engine.accept(team, &ids)?;
    sync(&mut engine, None, |_| {})?;
    tell!("Accepted {} entries of a revoked device; what follows stays apart.", ids.len());
    if !certificates.is_empty() {
        tell!(
            "{} certificates that it gave stay apart: invite those devices that you know.",
            certificates.len()
        );
    }
    Ok(())
}

/// What is aside, as text: kind, record and when; then the certificates that the device gave.
fn list_aside(aside: &[Entry], certificates: &[Entry]) -> Result<(), Failure> {
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
    for entry in certificates.iter().take(crate::screen::ROWS_MAX.saturating_sub(aside.len())) {
        let id = entry.id.to_string().get(..12).unwrap_or_default().to_owned();
        let row = [id, "a certificate".to_owned(), String::new(), String::new()];
        table.add_row(crate::screen::row(row));
    }
    say!("{table}");
    crate::screen::say_rest(aside.len() + certificates.len());
    Ok(())
}
