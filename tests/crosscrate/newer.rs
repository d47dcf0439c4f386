//! What a newer version writes, on a store that cannot read it: kept, handed on, counted as waiting, and
//! never written over.

use super::programme::{Programme, TEAM, reversal};
use kitbag_core::model::{Kind, Operation, Value};
use kitbag_core::totals::{Query, Split};

#[test]
fn a_field_and_a_code_of_a_newer_version_outlive_an_older_ones_correction_everywhere() {
    let mut programme = Programme::new();
    let (mut newer, _) = programme.worker();
    let (mut older, _) = programme.worker();
    let mut operations = reversal("survived").operations().unwrap();
    operations.push(Operation::put("zz_field_of_tomorrow", "code_of_tomorrow"));
    operations.push(Operation::put("gender", "gender_of_tomorrow"));
    let id = newer.create(TEAM, Kind::Reversal, operations).unwrap();
    programme.sync(&mut newer);
    programme.sync_coordinator();
    programme.coordinator.correct(id, "outcome", "died").unwrap();
    programme.sync_coordinator();
    programme.sync(&mut older);
    programme.sync(&mut newer);
    programme.settle();
    for engine in [&newer, &older, &programme.coordinator] {
        let record = engine.get(id).unwrap();
        let said = |field: &str| record.get(field).cloned();
        assert_eq!(said("zz_field_of_tomorrow"), Some(Value::from("code_of_tomorrow")));
        assert_eq!(said("gender"), Some(Value::from("gender_of_tomorrow")));
        assert_eq!(said("outcome"), Some(Value::from("died")));
        let by = vec![Split::Code("gender".to_owned())];
        let totals = engine.totals(&Query { by, ..Query::default() }).unwrap();
        assert_eq!(totals.lines[&vec!["gender_of_tomorrow".to_owned()]]["reversals"], 1);
        let digest = engine.store().canonical_digest(TEAM).unwrap();
        assert_eq!(digest, programme.hub.canonical_digest(TEAM).unwrap());
    }
}

/// A record of a schema that this version does not know waits here, and is handed on byte for byte.
#[test]
fn a_record_of_a_newer_schema_waits_is_said_to_wait_and_is_handed_on() {
    use kitbag_core::identity::{Role, SigningKey};
    use kitbag_core::log::entry::{Entry, kind, sign};
    use kitbag_core::log::payload::{Open, RecordPayload};
    use kitbag_core::log::run::Run;
    use kitbag_core::model::UnixMillis;

    let mut programme = Programme::new();
    let key = SigningKey::from_seed(&[77; 32]);
    let enrolment = programme.coordinator.certify(key.device_key(), Role::Worker, TEAM).unwrap();
    let certificate = enrolment.certificate;
    let open = Open { key: key.device_key(), team: TEAM, random: [1; 16], certificate };
    let first = Entry::new(open.log(), None, (kind::OPEN, 1), None, open.encode());
    let payload = RecordPayload {
        salt: [2; 8],
        at: UnixMillis(1_790_000_000_000),
        after: Vec::new(),
        operations: reversal("survived").operations().unwrap(),
    };
    let newer = (Kind::Reversal.number(), Kind::Reversal.schema_version() as u16 + 1);
    let second = Entry::new(open.log(), Some(first.tip()), newer, None, payload.encode());
    let signed = sign(&key, open.log(), second.tip());
    let (id, tip) = (second.id, second.tip());
    let run = Run::of(&[first, second], signed).unwrap();
    programme.sync_coordinator();
    assert!(programme.hub.receive(&[&run], &[]).unwrap().turned_away.is_empty());
    programme.settle();
    let (mut older, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut older);
    assert!(older.store().holds_entry(&id).unwrap(), "handed on by a hub that cannot read it");
    let totals = older.totals(&Query::default()).unwrap();
    assert_eq!((totals.waiting, totals.lines.len()), (1, 0), "it waits, and does not count");
    assert_eq!(older.store().tips(&open.log()), [tip]);
    assert_eq!(older.verify(|_| {}).unwrap().faults, []);
}
