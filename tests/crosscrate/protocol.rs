//! The worked example of docs/protocol.md, read and made again.

use kitbag_core::identity::{Certificate, Role, SigningKey};
use kitbag_core::log::entry::{Entry, kind, sign};
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
    let first = Entry::new(open.log(), None, (kind::OPEN, 1), None, open.encode());
    let payload = RecordPayload {
        salt: [5; 8],
        at: UnixMillis(1_520_000_000_000),
        after: vec![],
        operations: vec![
            Operation::put("site", "elk"),
            Operation::append("administrations", vec![("doses".to_owned(), 2.into())]),
        ],
    };
    let second = Entry::new(open.log(), Some(first.tip()), (17, 1), None, payload.encode());
    let signature = sign(&key, open.log(), second.tip());
    let run = Run::of(&[first.clone(), second.clone()], signature).unwrap();
    let certify = Certificate {
        key: key.device_key(),
        role: Role::Worker,
        team,
        renew_by: None,
        continues: None,
        made_at: kitbag_core::model::UnixMillis(0),
    };
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
        ("signature", hex(&signature)),
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
        &bytes("creation header")[77..],
        blake3::hash(&bytes("creation payload")).as_bytes()
    );
    let payload = RecordPayload::decode(&bytes("creation payload")).unwrap();
    assert_eq!(payload.operations[0], Operation::put("site", "elk"));
}

/// The page's constants, each with the words around it.
#[test]
fn the_documents_constants_are_the_engines() {
    use kitbag_core::log::authority::{BROUGHT_BY_ONE_MAX, KEPT_BY_FALLEN_MAX};
    use kitbag_core::log::entry::HEADER_BYTES;
    use kitbag_core::log::payload::{
        AFTER_MAX, GENERATIONS_MAX, KEPT_MAX, NAMED_MAX as NAMED_IN_PAYLOAD, TEAM_KEY_DEVICES_MAX,
    };
    use kitbag_core::log::run::{PAGE_ENTRIES_MAX, RUNS_BYTES_MAX};
    use kitbag_core::log::{ending, run};
    use kitbag_core::model::operation::{ELEMENT_FIELDS_MAX, FIELD_BYTES_MAX, OPERATIONS_MAX};
    use kitbag_core::store::{
        ASIDE_BYTES_MAX, ASIDE_ENTRIES_MAX, ASIDE_RUN_BYTES, ASIDE_RUN_ENTRIES, CLAIMED_MAX,
        OWN_TOLD_MAX, SIGNED_TIPS_MAX,
    };
    use kitbag_core::sync::{CURSOR_BYTES_MAX, NAMED_MAX, REQUESTS_MAX, TIPS_MAX};

    let page = DOCUMENT.split_whitespace().collect::<Vec<_>>().join(" ");
    // As the page writes numbers: with a comma between thousands.
    let number = |n: u64| {
        let digits = n.to_string();
        let parts: Vec<&str> = digits
            .as_bytes()
            .rchunks(3)
            .rev()
            .map(|part| std::str::from_utf8(part).unwrap())
            .collect();
        parts.join(",")
    };
    for (n, words) in [
        (HEADER_BYTES as u64, "A header of # bytes"),
        (65_536, "At most # bytes. | kind | form |"),
        (KEPT_MAX, "the tips that stand, at most #"),
        (NAMED_IN_PAYLOAD, "[entry id …]]`, at most #"),
        (TEAM_KEY_DEVICES_MAX, "at most # devices"),
        (GENERATIONS_MAX, "generation at most #:"),
        (
            kitbag_core::model::pack::PACK_BYTES_MAX as u64,
            "a programme's codes and labels, at most # bytes",
        ),
        (AFTER_MAX, "ascending by bytes, each once, at most #;"),
        (OPERATIONS_MAX, "At most # operations:"),
        (ELEMENT_FIELDS_MAX, "of at most # fields"),
        (FIELD_BYTES_MAX, "A field's name has at most # bytes"),
        (PAGE_ENTRIES_MAX, "A run holds 1 to # entries"),
        (RUNS_BYTES_MAX, "and weighs at most # bytes"),
        (run::weight(None), "its payload (at least 40) and 24"),
        (NAMED_MAX, "Lists hold at most # elements"),
        (SIGNED_TIPS_MAX as u64, "not known to have, at most # |"),
        (CURSOR_BYTES_MAX as u64, "| cursor | at most # bytes"),
        (TIPS_MAX as u64, "at most # tips in all"),
        (u64::from(REQUESTS_MAX), "after # requests it ends as"),
        (ASIDE_ENTRIES_MAX, "it would hold more than # entries"),
        (ASIDE_BYTES_MAX, "entries and # bytes of a certificate that are neither"),
        (ASIDE_RUN_ENTRIES, "in runs of # entries and"),
        (ASIDE_RUN_BYTES, "entries and # bytes, a page a sync"),
        (OWN_TOLD_MAX as u64, "carried of its own logs, # tips at most"),
        (ending::CHANGES_ON_PATH_MAX + 1, "it is the #st entry on the path"),
        (ending::NEWER_ON_PATH_MAX + 1, "it is the #st entry on the path of an unknown"),
        (ending::NEWER_BYTES_MAX, "those weigh more than # bytes"),
        (CLAIMED_MAX, "claims counts as # at most, marked doubtful"),
        (KEPT_BY_FALLEN_MAX, "reaches at most # positions beyond the highest"),
        (BROUGHT_BY_ONE_MAX, "under one certificate bring in # entries at most"),
    ] {
        let said = words.replace('#', &number(n));
        assert!(page.contains(&said), "docs/protocol.md should say: {said}");
    }
}

#[test]
fn the_document_names_every_verdict_and_every_reason() {
    use kitbag_core::log::run::TurnedAway;
    use kitbag_core::log::{Refusal, Verdict, Waiting};
    for (verdict, words) in [
        (Verdict::Admitted, "admitted"),
        (Verdict::Erased, "erased"),
        (Verdict::Waiting(Waiting::Creation), "waiting, creation"),
        (Verdict::Waiting(Waiting::NewerVersion), "waiting, newer version"),
        (Verdict::Refused(Refusal::Ended), "refused, ended"),
        (Verdict::Refused(Refusal::Revoked), "refused, revoked"),
        (Verdict::Refused(Refusal::Schema), "refused, schema"),
        (Verdict::Refused(Refusal::Role), "refused, role"),
        (Verdict::Refused(Refusal::Needs), "refused, needs"),
    ] {
        let row = format!("| {} | {words} |", verdict.number());
        assert!(DOCUMENT.contains(&row), "docs/protocol.md should say: {row}");
    }
    for code in 1..=u8::MAX {
        let is_there = DOCUMENT.contains(&format!("\n| {code} | "));
        let is_reason = TurnedAway::from_code(code).is_some();
        let of_verdict = [17, 19, 33, 35, 36, 37, 40].contains(&code);
        assert_eq!(is_there, is_reason || of_verdict, "{code}");
    }
}
