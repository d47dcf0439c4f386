//! Facts about the whole path, from a save to a total on another store.

use super::programme::{NOW, Programme, TEAM, administration, key, reversal};
use kitbag_core::engine::{Engine, Environment};
use kitbag_core::log::payload::Administration;
use kitbag_core::log::payload::Waived;
use kitbag_core::log::{Refusal, Verdict};
use kitbag_core::model::date::Period;
use kitbag_core::model::{ElementName, Operation, Value};
use kitbag_core::store::Store;
use kitbag_core::totals::{Query, Split};

fn count(store: &Store, indicator: &str) -> i64 {
    let totals = store.totals(&Query::default(), NOW).unwrap();
    totals.lines.values().filter_map(|line| line.get(indicator)).sum()
}

#[test]
fn a_reversal_saved_offline_is_counted_everywhere_after_syncs() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let id = worker.record(TEAM, &reversal("survived")).unwrap();
    assert_eq!(count(worker.store(), "reversals"), 1, "the enrolment proves the certificate");
    programme.sync_coordinator();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    programme.settle();
    for store in [worker.store(), &programme.hub, programme.coordinator.store()] {
        assert_eq!(count(store, "reversals"), 1);
        assert_eq!(count(store, "survived"), 1);
        assert_eq!(
            store.canonical_digest(TEAM).unwrap(),
            worker.store().canonical_digest(TEAM).unwrap()
        );
        assert_eq!(
            store.verdict_digest(TEAM).unwrap(),
            worker.store().verdict_digest(TEAM).unwrap()
        );
    }
    assert_eq!(worker.get(id).unwrap().get("outcome"), Some(&Value::from("survived")));
}

#[test]
fn corrections_made_apart_keep_both_values_and_a_void_counts_nowhere() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    programme.sync_coordinator();
    let first = worker.record(TEAM, &reversal("unknown")).unwrap();
    let second = worker.record(TEAM, &reversal("died")).unwrap();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    worker.change(first, vec![Operation::put("outcome", "survived")]).unwrap();
    programme.coordinator.change(first, vec![Operation::put("outcome", "died")]).unwrap();
    programme.coordinator.change(second, vec![Operation::put("void", "test")]).unwrap();
    programme.sync_coordinator();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    programme.settle();
    let here = worker.get(first).unwrap();
    assert_eq!(here, programme.coordinator.get(first).unwrap());
    let (field, values) = here.conflicts().next().unwrap();
    assert_eq!((field.as_ref(), values.len()), ("outcome", 2));
    for store in [worker.store(), &programme.hub, programme.coordinator.store()] {
        assert_eq!(count(store, "reversals"), 1);
    }
    programme.coordinator.change(second, vec![Operation::put("void", Value::Null)]).unwrap();
    assert_eq!(count(programme.coordinator.store(), "reversals"), 2);
}

#[test]
fn a_worker_cannot_change_a_colleagues_record_until_it_is_accepted() {
    let mut programme = Programme::new();
    let (mut one, _) = programme.worker();
    let (mut two, _) = programme.worker();
    programme.sync_coordinator();
    let id = one.record(TEAM, &reversal("unknown")).unwrap();
    programme.sync(&mut one);
    programme.sync(&mut two);
    let proposal = vec![Operation::put("outcome", "survived")];
    assert!(two.change(id, proposal.clone()).is_err(), "it would count nowhere");
    let kind = kitbag_core::model::Kind::Reversal;
    let entry = two.write_unasked(TEAM, kind, Some(id), proposal).unwrap();
    programme.sync(&mut two);
    programme.sync_coordinator();
    assert_eq!(
        programme.coordinator.get(id).unwrap().get("outcome"),
        Some(&Value::from("unknown"))
    );
    let accept = Administration::Accept { waived: Waived::Role, entries: vec![entry] };
    programme.coordinator.administer(TEAM, &accept).unwrap();
    assert_eq!(
        programme.coordinator.get(id).unwrap().get("outcome"),
        Some(&Value::from("survived"))
    );
}

#[test]
fn a_revocation_keeps_what_was_held_and_cuts_the_rest() {
    let mut programme = Programme::new();
    let (mut worker, certificate) = programme.worker();
    programme.sync_coordinator();
    worker.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    worker.record(TEAM, &reversal("died")).unwrap();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    programme.sync(&mut worker);
    programme.settle();
    for store in [&programme.hub, programme.coordinator.store()] {
        assert_eq!((count(store, "survived"), count(store, "died")), (1, 0));
    }
}

#[test]
fn a_device_restored_from_an_older_copy_loses_nothing_and_is_seen_to_fork() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    programme.sync_coordinator();
    worker.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut worker);
    drop(worker);
    let path = programme.folder.path().join("device-1");
    let copy = std::fs::read(&path).unwrap();
    let mut worker = Engine::open(&path, &key(), Environment::system()).unwrap();
    worker.record(TEAM, &reversal("died")).unwrap();
    programme.sync(&mut worker);
    drop(worker);
    std::fs::write(&path, copy).unwrap();
    let mut worker = Engine::open(&path, &key(), Environment::system()).unwrap();
    worker.record(TEAM, &reversal("unknown")).unwrap();
    programme.sync(&mut worker);
    worker.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut worker);
    programme.settle();
    assert_eq!(programme.hub.forks(None), 1);
    for store in [worker.store(), &programme.hub] {
        assert_eq!(count(store, "reversals"), 4);
    }
}

#[test]
fn a_cut_exchange_leaves_the_hub_knowing_what_it_lacks() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    programme.sync_coordinator();
    for _ in 0..200 {
        worker.record(TEAM, &reversal("survived")).unwrap();
    }
    let mut requests = 0;
    let hub = &mut programme.hub;
    let device = worker.device_key();
    let cut: Result<_, kitbag_core::engine::EngineError> = worker.sync(|request| {
        requests += 1;
        let answer = kitbag_core::sync::respond(hub, device, NOW, &request).unwrap();
        match requests {
            1 => Err(kitbag_core::engine::EngineError::NoRecord),
            _ => Ok(answer),
        }
    });
    assert!(cut.is_err());
    let missing = programme.hub.known_missing(None).unwrap();
    let held = programme.hub.chains().of_team(TEAM).map(|(_, info)| info.length()).max().unwrap();
    assert!(missing.entries > 100, "{} are known to exist", missing.entries);
    assert_eq!((missing.entries + held, missing.devices), (201, 1));
    programme.sync(&mut worker);
    assert_eq!(programme.hub.known_missing(None).unwrap().entries, 0);
}

#[test]
fn totals_by_period_equal_totals_by_code_and_a_rebuild_changes_nothing() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut worker);
    let mut ids = Vec::new();
    for outcome in ["survived", "survived", "died", "unknown"] {
        ids.push(worker.record(TEAM, &reversal(outcome)).unwrap());
    }
    let original = ids[0].min(ids[1]).to_string();
    worker
        .change(ids[0].max(ids[1]), vec![Operation::put("duplicate_of", original.as_str())])
        .unwrap();
    let by = |split: Split| {
        let query = Query { by: vec![split], ..Query::default() };
        worker.store().totals(&query, NOW).unwrap().lines
    };
    let months = by(Split::Period(Period::Month));
    let codes = by(Split::Code("outcome".to_owned()));
    assert_eq!(months[&vec!["2018-03".to_owned()]]["reversals"], 3);
    assert_eq!(codes.values().map(|line| line["reversals"]).sum::<i64>(), 3);
    assert_eq!(codes[&vec!["survived".to_owned()]]["reversals"], 1);
    drop(programme);
    let before = (months, worker.store().canonical_digest(TEAM).unwrap());
    let mut worker = worker;
    worker.rebuild().unwrap();
    let query = Query { by: vec![Split::Period(Period::Month)], ..Query::default() };
    let after = (
        worker.store().totals(&query, NOW).unwrap().lines,
        worker.store().canonical_digest(TEAM).unwrap(),
    );
    assert_eq!(
        before.0[&vec!["2018-03".to_owned()]]["reversals"],
        after.0[&vec!["2018-03".to_owned()]]["reversals"]
    );
    assert_eq!(before.1, after.1);
}

#[test]
fn a_worker_changes_only_elements_that_its_own_key_appended() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let id = worker.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    let one = administration(None);
    let appended = programme.coordinator.add(id, "administrations", &one).unwrap();
    programme.sync_coordinator();
    programme.sync(&mut worker);
    let own = worker.get(id).unwrap().lists["administrations"][0].name;
    let put_in = |element| Operation::PutIn {
        list: "administrations".to_owned(),
        element,
        field: "doses".to_owned(),
        value: Value::Int(3),
    };
    let theirs = ElementName { entry: appended, index: 0 };
    let (readings, held) = (worker.store().readings(), worker.store().entries().unwrap());
    let said = worker.change(id, vec![put_in(theirs)]).unwrap_err().to_string();
    assert!(said.contains("ask a coordinator"), "{said}");
    assert_eq!(
        worker.store().readings(),
        readings,
        "a refusal is known before anything is written"
    );
    assert_eq!(worker.store().entries().unwrap(), held);
    let of_theirs = vec![put_in(theirs)];
    let refused = worker
        .write_unasked(TEAM, kitbag_core::model::Kind::Reversal, Some(id), of_theirs)
        .unwrap();
    let admitted = worker.change(id, vec![put_in(own)]).unwrap();
    let entries = worker.store().entries().unwrap();
    let verdict = |id| entries.iter().find(|entry| entry.id == id).unwrap().verdict;
    assert_eq!(verdict(refused), Some(Verdict::Refused(Refusal::Role)));
    assert_eq!(verdict(admitted), Some(Verdict::Admitted));
}

#[test]
fn a_field_of_an_element_that_two_people_wrote_apart_is_a_conflict_until_somebody_settles_it() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let id = worker.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    let name = worker.get(id).unwrap().lists["administrations"][0].name;
    worker.correct_element(id, "administrations", name, "route", "IN").unwrap();
    programme.coordinator.correct_element(id, "administrations", name, "route", "IM").unwrap();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    programme.sync(&mut worker);
    for engine in [&worker, &programme.coordinator] {
        let record = engine.get(id).unwrap();
        let named: Vec<_> = record.conflicts().map(|(field, _)| field.into_owned()).collect();
        assert_eq!(named, ["administrations/1.route"]);
        assert_eq!(engine.store().conflicted().unwrap(), 1);
    }
    programme.coordinator.correct_element(id, "administrations", name, "route", "IV").unwrap();
    programme.sync_coordinator();
    programme.sync(&mut worker);
    assert_eq!(worker.store().conflicted().unwrap(), 0);
}
