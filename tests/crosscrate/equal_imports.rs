//! One file at two desks: of the records of one row one counts, and nobody's copy hides a colleague's.

use super::programme::{Programme, TEAM, reversal, with};
use kitbag_core::engine::{Engine, Why};
use kitbag_core::model::{Form, RecordId};
use kitbag_core::store::State;

fn row(outcome: &str, key: &str) -> Form {
    with(reversal(outcome), "import_key", key)
}

fn state(engine: &Engine, id: RecordId) -> State {
    engine.store().row(id).unwrap().unwrap().state
}

fn sync_all(programme: &mut Programme, phones: &mut [&mut Engine]) {
    for _ in 0..2 {
        programme.sync_coordinator();
        phones.iter_mut().for_each(|phone| programme.sync(phone));
    }
    programme.settle();
}

fn counted(engines: &[&Engine]) -> Vec<RecordId> {
    let of = |engine: &Engine| -> Vec<RecordId> {
        let ids = engine.store().record_ids(TEAM).unwrap().into_iter();
        ids.filter(|id| state(engine, *id) == State::Counted).collect()
    };
    let all: Vec<_> = engines.iter().map(|engine| of(engine)).collect();
    assert!(all.windows(2).all(|two| two[0] == two[1]), "{all:?}");
    all[0].clone()
}

#[test]
fn of_equal_rows_one_counts_the_coordinators_before_the_workers_and_the_changed_before_all() {
    let mut programme = Programme::new();
    let (mut ana, _) = programme.worker();
    let (mut ben, _) = programme.worker();
    // With a note, which is sealed: the same row is the same bytes.
    let form = with(row("survived", "a row"), "note", "by the bridge");
    sync_all(&mut programme, &mut [&mut ana, &mut ben]);
    let anas = ana.record_imported(TEAM, &form).unwrap();
    let bens = ben.record_imported(TEAM, &form).unwrap();
    sync_all(&mut programme, &mut [&mut ana, &mut ben]);
    assert_eq!(counted(&[&ana, &ben, &programme.coordinator]), [anas.min(bens)]);
    let desks = programme.coordinator.record_imported(TEAM, &form).unwrap();
    sync_all(&mut programme, &mut [&mut ana, &mut ben]);
    assert_eq!(counted(&[&ana, &ben, &programme.coordinator]), [desks]);
    // What a coordinator has put right counts before what one made.
    programme.coordinator.correct(anas.max(bens), "gender", "woman").unwrap();
    sync_all(&mut programme, &mut [&mut ana, &mut ben]);
    assert_eq!(counted(&[&ana, &ben, &programme.coordinator]), [anas.max(bens)]);
    programme.coordinator.void(anas.max(bens), "test").unwrap();
    sync_all(&mut programme, &mut [&mut ana, &mut ben]);
    assert_eq!(counted(&[&ana, &ben, &programme.coordinator]), [desks]);
    programme.coordinator.rebuild().unwrap();
    assert_eq!(counted(&[&ana, &ben, &programme.coordinator]), [desks]);
    assert_eq!(programme.coordinator.verify(|_| {}).unwrap().faults, []);
}

#[test]
fn what_a_worker_changed_counts_for_itself_and_hides_nothing() {
    let mut programme = Programme::new();
    let (mut ana, _) = programme.worker();
    let (mut ben, _) = programme.worker();
    let anas = ana.record_imported(TEAM, &row("died", "a row")).unwrap();
    let bens = ben.record_imported(TEAM, &row("died", "a row")).unwrap();
    sync_all(&mut programme, &mut [&mut ana, &mut ben]);
    assert_eq!(counted(&[&ana, &ben]).len(), 1);
    ben.correct(bens, "outcome", "survived").unwrap();
    sync_all(&mut programme, &mut [&mut ana, &mut ben]);
    let mut both = [anas, bens];
    both.sort_unstable();
    assert_eq!(counted(&[&ana, &ben]), both, "one of the two is to be looked at");
    let suspected = programme.coordinator.suspected_duplicates(0).unwrap();
    assert_eq!(suspected.iter().map(|pair| pair.why).collect::<Vec<_>>(), [Why::ImportedTwice]);
    // All at once: the one that somebody changed stays.
    let linked = programme.coordinator.link_suspected(Why::ImportedTwice, |_| {}).unwrap();
    sync_all(&mut programme, &mut [&mut ana, &mut ben]);
    assert_eq!((linked, counted(&[&ana, &ben, &programme.coordinator])), (1, vec![bens]));
    // Other answers at the creation are another row.
    let other = ana.record_imported(TEAM, &row("survived", "a row")).unwrap();
    assert_eq!(state(&ana, other), State::Counted);
}

#[test]
fn links_beside_a_set_are_followed_as_links_are() {
    let mut programme = Programme::new();
    let (mut ana, _) = programme.worker();
    let anas = ana.record_imported(TEAM, &row("died", "a row")).unwrap();
    sync_all(&mut programme, &mut [&mut ana]);
    let desks = programme.coordinator.record_imported(TEAM, &row("died", "a row")).unwrap();
    let other = programme.coordinator.record(TEAM, &reversal("died")).unwrap();
    // What counts of the set is itself of another event's record: none of the set counts.
    programme.coordinator.mark_duplicate(desks, other).unwrap();
    sync_all(&mut programme, &mut [&mut ana]);
    assert_eq!(counted(&[&ana, &programme.coordinator]), [other]);
    // A ring: of it the lowest counts.
    programme.coordinator.mark_duplicate(other, anas).unwrap();
    sync_all(&mut programme, &mut [&mut ana]);
    let lowest = *[anas, desks, other].iter().min().unwrap();
    assert_eq!(counted(&[&ana, &programme.coordinator]), [lowest]);
    ana.rebuild().unwrap();
    assert_eq!(counted(&[&ana, &programme.coordinator]), [lowest]);
}

#[test]
fn two_that_are_two_are_kept_apart_by_who_may_write_both() {
    let mut programme = Programme::new();
    let (mut ana, _) = programme.worker();
    let (mut ben, _) = programme.worker();
    let anas = ana.record(TEAM, &reversal("died")).unwrap();
    let bens = ben.record(TEAM, &reversal("died")).unwrap();
    sync_all(&mut programme, &mut [&mut ana, &mut ben]);
    assert_eq!(ana.suspected_duplicates(0).unwrap().len(), 1);
    assert!(ana.keep_apart(anas, bens).is_err(), "she may not write both");
    // Written all the same, it is a suggestion.
    let says = kitbag_core::model::Operation::put(format!("distinct.{bens}"), true);
    ana.change(anas, vec![says]).unwrap();
    sync_all(&mut programme, &mut [&mut ana, &mut ben]);
    assert_eq!(programme.coordinator.suspected_duplicates(0).unwrap().len(), 1);
    assert!(programme.coordinator.keep_apart(anas, anas).is_err(), "not from itself");
    programme.coordinator.keep_apart(bens, anas).unwrap();
    sync_all(&mut programme, &mut [&mut ana, &mut ben]);
    for engine in [&ana, &ben, &programme.coordinator] {
        assert!(engine.suspected_duplicates(0).unwrap().is_empty());
        assert!(engine.is_kept_apart(anas, bens).unwrap());
    }
    assert_eq!(counted(&[&ana, &ben, &programme.coordinator]).len(), 2);
    // Her own two she may keep apart herself.
    let (one, two) = (
        ana.record(TEAM, &reversal("survived")).unwrap(),
        ana.record(TEAM, &reversal("survived")).unwrap(),
    );
    assert_eq!(ana.suspected_duplicates(0).unwrap().len(), 1);
    ana.keep_apart(one, two).unwrap();
    assert!(ana.suspected_duplicates(0).unwrap().is_empty());
}
