//! Answers that cannot both be true: the device that writes is told which, and nothing is saved; what
//! two people said apart is kept and counted.

use super::programme::{Programme, TEAM};
use kitbag_core::engine::EngineError;
use kitbag_core::model::{Form, Kind, Operation, Value, Wrong, json};

const DISTRIBUTION: &str = r#""recipient_role":"at_risk","supply_type":"first","channel":"mail",
    "product":"p","doses_per_kit":2,"kits":1,"training":"full""#;
const REVERSAL: &str = r#""report_basis":"unknown","reporter_role":"unknown","place":"vehicle",
    "ems_called":"no","outcome":"survived",
    "administrations":[{"product":"p","route":"IN","doses":1,"source":"ems"}]"#;
const REFERRAL: &str = r#""service":"methadone","origin":"outreach","urgency":"today",
    "handoff":"accompanied","receiving_service":"clinic",
    "events":[{"status":"made","on":"2036-02-01"},{"status":"offered","on":"2016-04-01"}]"#;
const TRAINING: &str = r#""mode":"group","people_trained":9,"people_supplied":9"#;
const CONTACT: &str = r#""people":2,"visit":"mixed""#;
const MOVEMENT: &str = r#""movement":"return","product":"p","doses_per_kit":1,"quantity":5,
    "from":"site:a","to":"site:b""#;
const TARGET: &str = r#""indicator":"reversals","scope":"team","period":"2026","value":9"#;

fn form(kind: Kind, answers: &str) -> Form {
    let envelope = r#""site":"riverside","occurred_on":"2026-03-01","utc_offset_min":0"#;
    json::read(kind, &format!("{{{envelope},{answers}}}")).expect("answers of a test")
}

/// A kind, answers that stand, answers that go with them, the one that does not, and how that is told.
type Case = (
    Kind,
    &'static str,
    &'static [(&'static str, &'static str)],
    (&'static str, &'static str),
    (&'static str, Wrong, Option<&'static str>),
);

const CASES: [Case; 10] = [
    (
        Kind::Distribution,
        DISTRIBUTION,
        &[("kit_number_from", "N098"), ("kit_number_to", "N100")],
        ("resupply_reason", "lost"),
        ("resupply_reason", Wrong::Contradicts, Some("supply_type")),
    ),
    (
        Kind::Distribution,
        DISTRIBUTION,
        &[("kit_number_from", "N099"), ("kit_number_to", "N099")],
        ("kit_number_to", "N98"),
        ("kit_number_from", Wrong::AtMost, Some("kit_number_to")),
    ),
    (
        Kind::Reversal,
        REVERSAL,
        &[("ems_arrived", "no")],
        ("none_given_reason", "refused"),
        ("none_given_reason", Wrong::Contradicts, Some("administrations")),
    ),
    (
        Kind::Reversal,
        REVERSAL,
        &[("ems_not_called_reason", "no_phone")],
        ("ems_called", "yes"),
        ("ems_not_called_reason", Wrong::Contradicts, Some("ems_called")),
    ),
    (
        Kind::StockMovement,
        MOVEMENT,
        &[("movement", "transfer"), ("from", "outside"), ("to", "site:b")],
        ("movement", "loss"),
        ("from", Wrong::Contradicts, Some("movement")),
    ),
    (
        Kind::StockMovement,
        MOVEMENT,
        &[("movement", "receipt")],
        ("to", "outside"),
        ("to", Wrong::Contradicts, Some("movement")),
    ),
    (
        Kind::Referral,
        REFERRAL,
        &[],
        ("occurred_on", "2026-02-01"),
        ("events.on", Wrong::FarApart, Some("occurred_on")),
    ),
    (
        Kind::Training,
        TRAINING,
        &[],
        ("people_supplied", "10"),
        ("people_supplied", Wrong::AtMost, Some("people_trained")),
    ),
    (Kind::Contact, CONTACT, &[], ("people", "1"), ("visit", Wrong::Contradicts, Some("people"))),
    (
        Kind::Target,
        TARGET,
        &[("indicator", "kits_distributed")],
        ("indicator", "supplied_of_trained"),
        ("indicator", Wrong::NoSuch, None),
    ),
];

fn told(result: Result<impl Sized, EngineError>) -> Option<(String, Wrong, Option<&'static str>)> {
    match result {
        Err(EngineError::Invalid(invalid)) => Some((invalid.field, invalid.wrong, invalid.other)),
        Ok(_) | Err(_) => None,
    }
}

fn value(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| text.into(), Value::Int)
}

#[test]
fn of_each_kind_what_contradicts_is_refused_by_name_when_created_and_when_changed() {
    let mut programme = Programme::new();
    let engine = &mut programme.coordinator;
    for (kind, answers, more, (field, wrong), (named, code, other)) in CASES {
        let mut whole = form(kind, answers);
        for (field, text) in more {
            whole.put_text(field, text).unwrap();
        }
        let expected = Some((named.to_owned(), code, other));
        let mut spoilt = whole.clone();
        spoilt.put_text(field, wrong).unwrap();
        let before = engine.store().entries().unwrap().len();
        assert_eq!(told(engine.record(TEAM, &spoilt)), expected, "{field}");
        assert_eq!(told(engine.create(TEAM, kind, spoilt.operations().unwrap())), expected);
        assert_eq!(engine.store().entries().unwrap().len(), before, "nothing is left of it");
        let id = engine.record(TEAM, &whole).unwrap();
        assert_eq!(told(engine.correct(id, field, value(wrong))), expected, "{field}");
        // An answer that contradicts nothing is taken as before.
        engine.correct(id, "site", "station").unwrap();
        assert!(matches!(engine.change(id, Vec::new()), Err(EngineError::Invalid(_))));
    }
    let kinds: Vec<Kind> = CASES.iter().map(|case| case.0).collect();
    for kind in Kind::ALL.into_iter().filter(|kind| !kind.declaration().contradictions.is_empty()) {
        let count = kinds.iter().filter(|of| **of == kind).count();
        assert_eq!(count, kind.declaration().contradictions.len(), "{}", kind.name());
    }
}

#[test]
fn an_element_that_is_void_from_the_start_stands_for_nothing() {
    let mut programme = Programme::new();
    let engine = &mut programme.coordinator;
    let void = r#"{"product":"p","route":"IN","doses":1,"source":"ems","void":"test"}"#;
    let mut of_void = form(Kind::Reversal, REVERSAL);
    of_void.take_back("administrations").unwrap();
    let element = json::to_element("administrations", &void.parse().unwrap()).unwrap();
    of_void.add("administrations", element).unwrap();
    let refused = told(engine.record(TEAM, &of_void));
    let other = Some("none_given_reason");
    assert_eq!(refused, Some(("administrations".to_owned(), Wrong::OneOf, other)));
    of_void.put("none_given_reason", "refused").unwrap();
    engine.record(TEAM, &of_void).unwrap();
    let far = r#"{"status":"made","on":"1926-03-01","void":"entered_in_error"}"#;
    let mut referral = form(Kind::Referral, REFERRAL);
    referral.add("events", json::to_element("events", &far.parse().unwrap()).unwrap()).unwrap();
    engine.record(TEAM, &referral).unwrap();
}

#[test]
fn what_two_people_said_apart_is_kept_and_one_change_mends_it() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let id = worker.record(TEAM, &form(Kind::Reversal, REVERSAL)).unwrap();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    worker.correct(id, "ems_not_called_reason", "no_phone").unwrap();
    programme.coordinator.correct(id, "ems_called", "yes").unwrap();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    let record = programme.coordinator.get(id).unwrap();
    assert_eq!(record.get("ems_called"), Some(&"yes".into()));
    assert_eq!(record.get("ems_not_called_reason"), Some(&"no_phone".into()));
    let totals = programme.coordinator.totals(&Default::default()).unwrap();
    let line = totals.lines.values().next().unwrap();
    assert_eq!(line.get("ems_called"), Some(&1));
    let found = programme.coordinator.contradicting().unwrap();
    let named: Vec<_> = found.iter().map(|(of, wrong)| (*of, wrong.field.as_str())).collect();
    assert_eq!(named, [(id, "ems_not_called_reason")]);
    let both = vec![
        Operation::put("ems_not_called_reason", Value::Null),
        Operation::put("taken_to_hospital", "yes"),
    ];
    programme.coordinator.change(id, both).unwrap();
    assert!(programme.coordinator.contradicting().unwrap().is_empty());
}

#[test]
fn a_link_leads_to_another_record_of_the_team_and_kind_that_is_here() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let own = worker.record(TEAM, &form(Kind::Contact, CONTACT)).unwrap();
    let same = worker.record(TEAM, &form(Kind::Contact, CONTACT)).unwrap();
    let other_kind = worker.record(TEAM, &form(Kind::Training, TRAINING)).unwrap();
    let elsewhere = programme.coordinator.record(TEAM, &form(Kind::Contact, CONTACT)).unwrap();
    for wrong in [own, other_kind, elsewhere] {
        let refused = told(worker.mark_duplicate(own, wrong));
        assert_eq!(refused, Some(("duplicate_of".to_owned(), Wrong::NoSuch, None)));
    }
    let mut linked = form(Kind::Contact, CONTACT);
    linked.put("duplicate_of", elsewhere.to_string().as_str()).unwrap();
    assert!(told(worker.record(TEAM, &linked)).is_some());
    worker.mark_duplicate(own, same).unwrap();
    programme.sync_coordinator();
    programme.sync(&mut worker);
    worker.mark_duplicate(own, elsewhere).unwrap();
}
