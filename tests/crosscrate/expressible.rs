//! What a peer can say at all: nothing of automerge's own.

use kitbag_core::log::judge::{Plan, ReplayStep};
use kitbag_core::log::payload::RecordPayload;
use kitbag_core::model::cbor::{self, Malformed};
use kitbag_core::model::{DeviceKey, Kind, RecordId, TeamId, Value};
use kitbag_core::model::{ElementName, EntryId, Operation, UnixMillis};
use kitbag_core::record::replay;
use minicbor::Encoder;

/// A payload with one operation, written by hand.
fn payload_with(operation: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x84, 0x48];
    bytes.extend([3; 8]);
    bytes.extend([0x00, 0x80, 0x81]);
    bytes.extend(operation);
    bytes
}

#[test]
fn sequence_numbers_actors_and_object_ids_have_no_place_in_a_payload() {
    // The whole grammar: four parts, and three operations of text, scalars and element names. One
    // part more, wherever it stands, and nothing is read.
    let put = [&[0x83, 0x00][..], b"\x64site", b"\x61x"].concat();
    assert!(RecordPayload::decode(&payload_with(&put)).is_ok());
    for extra in [&b"\x01"[..], b"\x42\x01\x02", b"\x651@abc", b"\x81\x01"] {
        for (parts, body) in [
            (0x84, [&[0x00][..], b"\x64site\x61x", extra].concat()),
            (0x84, [&[0x00][..], extra, b"\x64site\x61x"].concat()),
        ] {
            let mut operation = vec![parts];
            operation.extend(body);
            assert!(RecordPayload::decode(&payload_with(&operation)).is_err());
        }
        let mut five = payload_with(&put);
        five[0] = 0x85;
        five.extend(extra);
        assert!(RecordPayload::decode(&five).is_err());
    }
}

#[test]
fn what_is_read_has_one_form_of_bytes() {
    let element = vec![("size".to_owned(), Value::Int(-300)), ("x".to_owned(), Value::Bool(true))];
    let operations = vec![
        Operation::put("note", Value::Bytes(vec![7; 30])),
        Operation::append("doses", element),
        Operation::put("place", Value::Null),
        Operation::put("kits", Value::Int(70_000)),
        Operation::put("far", Value::Int(i64::MIN)),
    ];
    let after = vec![EntryId([1; 32]), EntryId([2; 32])];
    let written =
        RecordPayload { salt: [3; 8], at: UnixMillis(1 << 40), after, operations }.encode();
    assert!(RecordPayload::decode(&written).is_ok());
    let mut read = 0;
    let mut check = |bytes: &[u8]| {
        assert_eq!(RecordPayload::check(bytes).is_ok(), RecordPayload::decode(bytes).is_ok());
        if let Ok(payload) = RecordPayload::decode(bytes) {
            assert_eq!(payload.encode(), bytes);
            read += 1;
        }
    };
    for at in 0..written.len() {
        for byte in 0..=255 {
            let mut changed = written.clone();
            changed[at] = byte;
            check(&changed);
            // The same number or length in a longer head; a length without end; a tag before it.
            let (head, rest) = written.split_at(at);
            check(&[head, &[byte], rest].concat());
            let info = rest[0] & 0x1f;
            check(&[head, &[rest[0] & 0xe0 | 24, info], &rest[1..]].concat());
            check(&[head, &[rest[0] & 0xe0 | 25, 0, info], &rest[1..]].concat());
        }
    }
    assert!(read > 1_000, "{read} of the changed payloads were read");
}

#[test]
fn operations_of_other_numbers_wait_for_a_newer_version_whatever_they_hold() {
    for number in 3..=255_u64 {
        for parts in 1..=8_u64 {
            let mut encoder = Encoder::new(Vec::new());
            encoder.array(parts).unwrap().u64(number).unwrap();
            for _ in 1..parts {
                encoder.bytes(&[7; 32]).unwrap();
            }
            let read = RecordPayload::decode(&payload_with(&encoder.into_writer()));
            assert_eq!(read, Err(Malformed::Newer), "operation {number} of {parts} parts");
        }
    }
}

#[test]
fn whatever_a_payload_says_its_values_are_written_by_its_entry() {
    let entry = |mark| EntryId([mark; 32]);
    let step = |mark, parents: Vec<usize>, operations| ReplayStep {
        id: entry(mark),
        author: DeviceKey([1; 32]),
        person: entry(9),
        by_coordinator: false,
        counts: true,
        payload: RecordPayload { salt: [0; 8], at: UnixMillis(0), after: Vec::new(), operations },
        parents,
    };
    // Names and values that look like automerge's own are names and values.
    let odd = ["_root", "1@0101", "2@ffff", "seq", "actor"];
    let put = odd.map(|name| Operation::put(name, "9@ffff")).to_vec();
    let append = Operation::append("administrations", vec![("id".to_owned(), "1@00".into())]);
    let put_in = Operation::PutIn {
        list: "administrations".to_owned(),
        element: ElementName { entry: entry(1), index: 0 },
        field: "actor".to_owned(),
        value: Value::from("2@ff"),
    };
    let plan = Plan {
        record: RecordId([1; 16]),
        kind: Kind::Reversal,
        team: TeamId([1; 16]),
        steps: vec![
            step(1, vec![], vec![append]),
            step(2, vec![0], put.clone()),
            step(3, vec![0], [put, vec![put_in]].concat()),
        ],
    };
    let record = replay(&plan).unwrap();
    for name in odd {
        let by: Vec<EntryId> = record.fields[name].iter().map(|(_, by)| *by).collect();
        assert_eq!(by, vec![entry(2), entry(3)], "{name}: both, the winner by entry id");
    }
    let element = &record.lists["administrations"][0];
    assert_eq!(element.fields["actor"][0].1, entry(3));
    assert_eq!(record.heads, vec![entry(2), entry(3)]);
}

#[test]
fn one_meaning_has_one_form_of_bytes() {
    // 0 written in two bytes, an indefinite array, a text in pieces: read, and refused.
    let good = payload_with(&[&[0x83, 0x00][..], b"\x64site\x61x"].concat());
    let mut long_integer = good.clone();
    long_integer.splice(10..11, [0x18, 0x00]);
    let mut indefinite = good.clone();
    indefinite[0] = 0x9f;
    indefinite.push(0xff);
    for bytes in [long_integer, indefinite, [good.clone(), vec![0]].concat()] {
        assert!(RecordPayload::decode(&bytes).is_err());
    }
    let unsorted = [&[0x83, 0x01][..], b"\x64list\xa2\x61b\x01\x61a\x02"].concat();
    assert_eq!(RecordPayload::decode(&payload_with(&unsorted)), Err(Malformed::NotCanonical));
    let read = RecordPayload::decode(&good).unwrap();
    assert_eq!(read.encode(), good);
    assert_eq!(cbor::encode(|encoder| encoder.null().map(|_| ())), vec![0xf6]);
}
