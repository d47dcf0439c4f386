//! The worked example of docs/protocol.md, read and made again.

use kitbag_core::identity::{Certificate, Role, SigningKey};
use kitbag_core::log::entry::{Entry, kind, seal};
use kitbag_core::log::payload::{Open, RecordPayload};
use kitbag_core::log::run::Run;
use kitbag_core::model::{EntryId, Operation, TeamId, UnixMillis};
use kitbag_core::sync::Message;
use std::collections::BTreeMap;

const DOCUMENT: &str = include_str!("../../docs/protocol.md");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The example's parts by name, made by the engine.
fn made() -> BTreeMap<&'static str, String> {
    let key = SigningKey::from_seed(&[1; 32]);
    let team = TeamId([2; 16]);
    let certificate = EntryId([3; 32]);
    let open = Open { key: key.device_key(), team, random: [4; 16], certificate };
    let first = Entry::new(open.log(), None, kind::OPEN, None, open.encode());
    let payload = RecordPayload {
        schema_version: 1,
        salt: [5; 8],
        at: UnixMillis(1_520_000_000_000),
        after: vec![],
        operations: vec![
            Operation::put("site", "elk"),
            Operation::append("administrations", vec![("doses".to_owned(), 2.into())]),
        ],
    };
    let second = Entry::new(open.log(), Some(first.tip()), 17, None, payload.encode());
    let signature = seal(&key, open.log(), second.tip());
    let run = Run::of(&[first.clone(), second.clone()], signature).unwrap();
    let certify = Certificate { key: key.device_key(), role: Role::Worker, team, renew_by: None };
    let message = Message { teams: vec![team], runs: vec![Ok(run.clone())], ..Message::default() };
    let body = message.body();
    BTreeMap::from([
        ("device key", hex(&key.device_key().0)),
        ("log id", hex(&open.log().0)),
        ("open payload", hex(&open.encode())),
        ("open header", hex(&first.header.encode())),
        ("open entry id", hex(&first.id.0)),
        ("creation payload", hex(&payload.encode())),
        ("creation header", hex(&second.header.encode())),
        ("creation entry id", hex(&second.id.0)),
        ("record id", hex(&second.id.record().0)),
        ("seal", hex(&signature)),
        ("run", hex(&run.encode())),
        ("certify payload", hex(&certify.encode())),
        ("message body", hex(&body)),
    ])
}

/// The example's parts by name, as the document has them: `name:` and hexadecimal lines below.
fn documented() -> BTreeMap<String, String> {
    let example = DOCUMENT.split("```example").nth(1).expect("the document has an example");
    let example = example.split("```").next().unwrap_or_default();
    let mut parts: BTreeMap<String, String> = BTreeMap::new();
    let mut name = String::new();
    for line in example.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.strip_suffix(':') {
            Some(next) => name = next.to_owned(),
            None => parts.entry(name.clone()).or_default().push_str(line),
        }
    }
    parts
}

#[test]
fn the_documents_example_is_what_the_engine_makes() {
    let documented = documented();
    for (name, made) in made() {
        assert_eq!(documented.get(name), Some(&made), "{name}");
    }
    assert_eq!(documented.len(), made().len());
}

#[test]
fn the_documents_example_is_what_the_engine_reads() {
    let documented = documented();
    let bytes = |name: &str| -> Vec<u8> {
        let hex = &documented[name];
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    };
    let run = Run::decode(&bytes("run")).unwrap();
    let (entries, open) = run.verify(None).unwrap();
    assert_eq!(open.unwrap(), Open::decode(&bytes("open payload")).unwrap());
    assert_eq!(entries[1].id.0.to_vec(), bytes("creation entry id"));
    // The id is BLAKE3 of the header, by hand.
    assert_eq!(
        blake3::hash(&bytes("creation header")).as_bytes().to_vec(),
        bytes("creation entry id")
    );
    assert_eq!(
        &bytes("creation header")[75..],
        blake3::hash(&bytes("creation payload")).as_bytes()
    );
    let payload = RecordPayload::decode(&bytes("creation payload")).unwrap();
    assert_eq!(payload.operations[0], Operation::put("site", "elk"));
}
