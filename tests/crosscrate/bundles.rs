//! Bundles carried by hand.

use super::programme::{Programme, TEAM, reversal};
use kitbag_core::engine::{BundleError, BundleOf, Engine};
use kitbag_core::model::RecordId;
use kitbag_core::store::Delivery;

fn bundle(engine: &mut Engine, of: BundleOf) -> Vec<u8> {
    let mut bytes = Vec::new();
    engine.export_bundle(TEAM, of, &mut bytes, |_| {}).unwrap();
    bytes
}

#[test]
fn a_bundle_by_two_couriers_is_the_same_as_by_one_and_needs_no_order() {
    let mut programme = Programme::new();
    let (mut cleo, _) = programme.worker();
    let (mut ana, _) = programme.worker();
    let (mut ben, _) = programme.worker();
    cleo.limit_pages(7);
    let mut ids: Vec<RecordId> = Vec::new();
    for _ in 0..40 {
        ids.push(cleo.record(TEAM, &reversal("survived")).unwrap());
    }
    let early = bundle(&mut cleo, BundleOf::Waiting);
    for _ in 0..5 {
        ids.push(cleo.record(TEAM, &reversal("died")).unwrap());
    }
    let late = bundle(&mut cleo, BundleOf::Waiting);
    let first = ana.import_bundle(&mut late.as_slice(), |_| {}).unwrap();
    assert_eq!(first.turned_away, 0);
    let again = ana.import_bundle(&mut early.as_slice(), |_| {}).unwrap();
    assert_eq!((again.new_entries, again.turned_away), (0, 0));
    ben.import_bundle(&mut early.as_slice(), |_| {}).unwrap();
    programme.sync_coordinator();
    programme.sync(&mut ana);
    programme.sync(&mut ben);
    programme.settle();
    ids.sort();
    assert_eq!(programme.hub.record_ids(TEAM).unwrap(), ids);
    assert_eq!(ben.store().record_ids(TEAM).unwrap(), ids);
    // Cleo learns it once she hears from the hub, or from a bundle that comes back.
    assert_eq!(cleo.delivery(ids[0]).unwrap(), Delivery::Waiting);
    programme.sync(&mut cleo);
    assert_eq!(cleo.delivery(ids[0]).unwrap(), Delivery::OnHub);
}

#[test]
fn a_bundle_cut_at_any_byte_keeps_what_came_whole_and_says_that_it_is_cut() {
    let mut programme = Programme::new();
    let (mut cleo, _) = programme.worker();
    let (mut ana, _) = programme.worker();
    cleo.limit_pages(4);
    for _ in 0..10 {
        cleo.record(TEAM, &reversal("survived")).unwrap();
    }
    let whole = bundle(&mut cleo, BundleOf::Waiting);
    let mut most = 0;
    for at in (0..whole.len()).step_by(13).chain([whole.len() - 1]) {
        match ana.import_bundle(&mut &whole[..at], |_| {}) {
            Err(BundleError::NotABundle) => assert!(at < 300, "cut at {at}"),
            Err(BundleError::Damaged { taken }) => {
                assert!(taken.entries >= most, "cut at {at}");
                most = taken.entries;
            }
            other => panic!("cut at {at}: {other:?}"),
        }
    }
    assert!(most > 0);
    assert_eq!(ana.import_bundle(&mut whole.as_slice(), |_| {}).unwrap().turned_away, 0);
    for at in (0..whole.len()).step_by(7) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x20;
        assert!(ana.import_bundle(&mut flipped.as_slice(), |_| {}).is_err(), "flipped at {at}");
    }
    let swapped = [&whole[..6], b"garbage".as_slice(), &whole[6..]].concat();
    assert!(ana.import_bundle(&mut swapped.as_slice(), |_| {}).is_err());
    assert_eq!(ana.store().record_ids(TEAM).unwrap().len(), 10);
    assert!(!whole.windows(9).any(|part| part == b"riverside"), "no place can be read in it");
}
