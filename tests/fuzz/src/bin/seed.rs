//! `seed FOLDER`: writes the first files of each corpus, made by the engine.

use kitbag_core::identity::{Certificate, Role, SigningKey};
use kitbag_core::log::entry::{Entry, Tip, kind, sign};
use kitbag_core::log::payload::{Administration, KeptTip, Open, RecordPayload, Waived};
use kitbag_core::log::run::{Brought, Run, RunEntry, SignedTip};
use kitbag_core::model::{EntryId, Operation, RecordId, TeamId, UnixMillis, Value};
use kitbag_core::sync::Message;
use kitbag_interchange::{ODIN_MAPPING, ODIN_SAMPLE};
use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).unwrap_or_else(|| "tests/fuzz/corpus".into());
    let folder = Path::new(&folder);
    for (target, name, bytes) in seeds() {
        std::fs::create_dir_all(folder.join(target))?;
        std::fs::write(folder.join(target).join(name), bytes)?;
    }
    Ok(())
}

fn seeds() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let key = SigningKey::from_seed(&[1; 32]);
    let device = key.device_key();
    let team = TeamId([2; 16]);
    let open = Open { key: device, team, random: [4; 16], certificate: EntryId([3; 32]) };
    let first = Entry::new(open.log(), None, (kind::OPEN, 1), None, open.encode());
    let record = RecordPayload {
        salt: [5; 8],
        at: UnixMillis(1_520_000_000_000),
        after: vec![first.id],
        operations: vec![
            Operation::put("site", "elk"),
            Operation::put("void", Value::Null),
            Operation::append("administrations", vec![("doses".to_owned(), 2.into())]),
        ],
    };
    let second = Entry::new(open.log(), Some(first.tip()), (17, 1), None, record.encode());
    let signed = sign(&key, open.log(), second.tip());
    let run = Run::of(&[first.clone(), second.clone()], signed);
    let tip = Tip { position: 2, id: second.id };
    let signed_tip = SignedTip { log: open.log(), open: open.clone(), tip, signature: signed };
    let clock = [(open.log(), vec![tip])].into_iter().collect();
    let message = Message {
        teams: vec![team],
        signed: vec![signed_tip],
        runs: run.iter().cloned().map(Ok).collect(),
        cursor: vec![7; 48],
        clock: Some(clock),
        skip: vec![open.log()],
        brought: vec![Brought {
            open: open.clone(),
            position: 2,
            previous: first.id,
            entry: RunEntry::of(&second),
        }],
        ..Message::default()
    };
    let certificate = Certificate {
        key: device,
        role: Role::Worker,
        team,
        renew_by: None,
        continues: None,
        made_at: kitbag_core::model::UnixMillis(0),
    };
    let kinded = |kind: u8, payload: Vec<u8>| [vec![kind], payload].concat();
    let says = |says: Administration| kinded(says.kind(), says.encode());
    let kept = vec![KeptTip { log: open.log(), tip, signature: signed }];
    let invitation = "kitbag://hub.example:8737/".to_owned() + &device.to_string();
    vec![
        ("entry", "record", kinded(17, record.encode())),
        ("entry", "open", kinded(kind::OPEN, open.encode())),
        ("entry", "certify", says(Administration::Certify(certificate.clone()))),
        ("entry", "revoke", says(Administration::Revoke { certificate: first.id, kept })),
        (
            "entry",
            "accept",
            says(Administration::Accept { waived: Waived::Role, entries: vec![first.id] }),
        ),
        ("entry", "erase", says(Administration::Erase { team, records: vec![RecordId([6; 16])] })),
        ("entry", "ask-erase", says(Administration::AskErase { records: vec![RecordId([6; 16])] })),
        ("entry", "set-aside", says(Administration::SetAside { log: open.log(), position: 9 })),
        ("run", "two", run.map(|run| run.encode()).unwrap_or_default()),
        ("page", "body", message.body()),
        ("page", "packed", message.encode()),
        ("bundle", "good", kitbag_fuzz::good_bundle()),
        ("invitation", "hub", invitation.into_bytes()),
        ("invitation", "whole", kitbag_fuzz::good_invitation()),
        ("certificate", "worker", certificate.encode()),
        ("mapping", "odin.toml", ODIN_MAPPING.as_bytes().to_vec()),
        (
            "workbook",
            "outreach.xlsx",
            include_bytes!("../../../fixtures/workbooks/outreach.xlsx").to_vec(),
        ),
        (
            "workbook",
            "outreach.ods",
            include_bytes!("../../../fixtures/workbooks/outreach.ods").to_vec(),
        ),
        ("mapping", "rows.csv", ODIN_SAMPLE.iter().take(3_000).copied().collect()),
    ]
}
