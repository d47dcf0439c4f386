//! What a device is told when it writes what would count nowhere, or contradicts itself.

use super::programme::{Programme, TEAM, reversal};
use kitbag_core::engine::{Engine, EngineError};
use kitbag_core::log::verdict::Refusal;
use kitbag_core::model::{Form, Kind};
use kitbag_core::store::StoreError;

fn is_refused(result: Result<impl Sized, EngineError>, reason: Refusal) -> bool {
    matches!(result, Err(EngineError::Store(StoreError::Refused(found))) if found == reason)
}

fn target() -> Form {
    let mut form = Form::at(Kind::Target, "riverside", "2026-03-01".parse().unwrap());
    form.put("indicator", "reversals").unwrap().put("scope", "team").unwrap();
    form.put("period", "2026-Q1").unwrap().put("value", 9).unwrap();
    form
}

fn entries(engine: &Engine) -> usize {
    engine.store().entries().unwrap().len()
}

#[test]
fn a_worker_is_told_what_its_role_does_not_allow_and_nothing_is_left_of_it() {
    let mut programme = Programme::new();
    let (mut one, _) = programme.worker();
    let (mut two, _) = programme.worker();
    let id = one.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut one);
    programme.sync(&mut two);
    let before = entries(&two);
    let waiting = two.status().unwrap().waiting.entries;
    assert!(is_refused(two.record(TEAM, &target()), Refusal::Role));
    assert!(is_refused(two.correct(id, "outcome", "died"), Refusal::Role));
    assert!(is_refused(two.void(id, "test"), Refusal::Role));
    assert_eq!((entries(&two), two.status().unwrap().waiting.entries), (before, waiting));
    // What it may is saved as before, and follows in the same log.
    let own = two.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut two);
    programme.sync_coordinator();
    assert_eq!(programme.coordinator.get(own).unwrap().author, two.device_key());
    assert!(programme.coordinator.record(TEAM, &target()).is_ok());
}

#[test]
fn a_device_goes_on_in_a_new_log_before_one_ends_by_too_many_changes_of_a_record() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let id = worker.record(TEAM, &reversal("survived")).unwrap();
    let logs = |engine: &Engine| {
        engine.store().chains().iter().filter(|(_, info)| info.key == engine.device_key()).count()
    };
    let before = logs(&worker);
    for n in 0..501 {
        let outcome = ["died", "unknown"][n % 2];
        worker.correct(id, "outcome", outcome).unwrap();
    }
    assert_eq!(logs(&worker), before + 1);
    assert_eq!(worker.get(id).unwrap().get("outcome"), Some(&"died".into()));
    programme.sync(&mut worker);
    programme.sync_coordinator();
    let shown = programme.coordinator.get(id).unwrap();
    assert_eq!((shown.history.len(), shown.get("outcome")), (502, Some(&"died".into())));
}

#[test]
fn only_a_contradiction_that_a_change_brings_is_refused() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let mut form = Form::at(Kind::Distribution, "riverside", "2026-03-01".parse().unwrap());
    for (field, answer) in [
        ("recipient_role", "at_risk"),
        ("supply_type", "first"),
        ("channel", "mail"),
        ("product", "p"),
        ("training", "full"),
    ] {
        form.put(field, answer).unwrap();
    }
    form.put("doses_per_kit", 2).unwrap().put("kits", 1).unwrap();
    form.put("single_doses", 1).unwrap();
    let id = worker.record(TEAM, &form).unwrap();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    // Each alone leaves one above 0; together they leave none.
    worker.correct(id, "kits", 0).unwrap();
    programme.coordinator.correct(id, "single_doses", 0).unwrap();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    let refused = programme.coordinator.correct(id, "kits", 0);
    assert!(refused.is_ok(), "it was so before");
    programme.coordinator.correct(id, "gender", "woman").unwrap();
    programme.coordinator.correct(id, "kits", 3).unwrap();
    let refused = programme.coordinator.correct(id, "kits", 0);
    assert!(matches!(refused, Err(EngineError::Invalid(_))), "now the change would bring it");
}

#[test]
fn undoing_leaves_what_others_changed_of_an_element_alone() {
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let id = worker.record(TEAM, &reversal("survived")).unwrap();
    let name = worker.get(id).unwrap().lists["administrations"][0].name;
    worker.correct_element(id, "administrations", name, "route", "IN").unwrap();
    programme.sync(&mut worker);
    programme.sync_coordinator();
    programme.coordinator.correct_element(id, "administrations", name, "route", "IM").unwrap();
    programme.sync_coordinator();
    programme.sync(&mut worker);
    assert!(matches!(worker.undo(id), Err(EngineError::NothingToUndo)));
    let fields = &worker.get(id).unwrap().lists["administrations"][0].fields;
    assert_eq!(fields["route"].last().unwrap().0, "IM".into());
}
