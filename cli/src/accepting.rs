//! `kitbag accept`: what a revoked device wrote past its revocation, of which the hub keeps a little aside.

use crate::Failure;
use crate::joining::CertificateArguments;
use kitbag_core::log::entry::Entry;
use kitbag_core::log::payload::RecordPayload;
use kitbag_core::model::{EntryId, Kind};

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
    let held = arguments.of.store.hold()?;
    let (team, of_team) = (held.team(arguments.of.team)?, held.client().team());
    held.sync(None)?;
    let certificate = held.member_named(team, &arguments.of.certificate)?.certificate;
    let aside = held.wait(of_team.aside(team, certificate))?;
    if arguments.list {
        return list_aside(&aside.entries, &aside.certificates);
    }
    let ids: Vec<EntryId> = aside.entries.iter().map(|entry| entry.id).collect();
    let count = ids.len();
    held.wait(of_team.accept(team, ids))?;
    tell!("Accepted {count} entries of a revoked device; what follows stays apart.");
    if !aside.certificates.is_empty() {
        tell!(
            "{} certificates that it gave stay apart: invite those devices that you know.",
            aside.certificates.len()
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
