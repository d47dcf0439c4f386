//! A worker is a person, not a key: what a certificate continues, and what it does not.

use super::programme::{Programme, TEAM, key, reversal};
use kitbag_client::{Client, Opening};
use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::Role;
use kitbag_core::model::{EntryId, TeamId};
use kitbag_core::store::State;
use kitbag_core::totals::{Query, Split};

fn device(programme: &Programme, name: &str) -> Engine {
    let path = programme.folder.path().join(name);
    Engine::device(&path, &key(), programme.root.root(), Environment::system()).unwrap()
}

/// A phone that continues a certificate.
fn continuing(programme: &mut Programme, name: &str, earlier: EntryId) -> (Engine, EntryId) {
    let mut phone = device(programme, name);
    let key = phone.device_key();
    let enrolment =
        programme.coordinator.certify_as(key, Role::Worker, TEAM, Some(earlier)).unwrap();
    phone.join(&enrolment).unwrap();
    (phone, enrolment.certificate)
}

fn sync_all(programme: &mut Programme, phones: &mut [&mut Engine]) {
    for _ in 0..2 {
        programme.sync_coordinator();
        phones.iter_mut().for_each(|phone| programme.sync(phone));
    }
    programme.settle();
}

#[test]
fn a_new_phone_corrects_voids_and_links_what_the_stolen_one_made_on_every_replica() {
    let mut programme = Programme::new();
    let (mut old, certificate) = programme.worker();
    let (one, two) = (
        old.record(TEAM, &reversal("unknown")).unwrap(),
        old.record(TEAM, &reversal("died")).unwrap(),
    );
    sync_all(&mut programme, &mut [&mut old]);
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    let (mut new, _) = continuing(&mut programme, "new", certificate);
    // A second one beside it continues the new one.
    let second = new.membership(TEAM).unwrap();
    let (mut third, _) = continuing(&mut programme, "third", second);
    let (mut colleague, _) = programme.worker();
    sync_all(&mut programme, &mut [&mut new, &mut third, &mut colleague]);
    assert!(colleague.correct(one, "outcome", "survived").is_err(), "it is not hers");
    new.correct(one, "outcome", "survived").unwrap();
    third.void(two, "test").unwrap();
    let same = third.record(TEAM, &reversal("survived")).unwrap();
    third.mark_duplicate(same, one).unwrap();
    sync_all(&mut programme, &mut [&mut new, &mut third, &mut colleague]);
    for store in [
        new.store(),
        third.store(),
        colleague.store(),
        programme.coordinator.store(),
        &programme.hub,
    ] {
        let state = |id| store.row(id).unwrap().unwrap().state;
        let outcome = store.row(one).unwrap().unwrap().answers.code("outcome").unwrap().to_owned();
        assert_eq!(outcome, "survived");
        assert_eq!(
            [state(one), state(two), state(same)],
            [State::Counted, State::Void, State::Duplicate]
        );
    }
    // One person, whichever phone: by the key of the first.
    new.record(TEAM, &reversal("survived")).unwrap();
    sync_all(&mut programme, &mut [&mut new]);
    let by = vec![Split::Author];
    let lines = programme.coordinator.totals(&Query { by, ..Query::default() }).unwrap().lines;
    let counted: Vec<(String, i64)> =
        lines.into_iter().map(|(key, sums)| (key[0].clone(), sums["reversals"])).collect();
    assert_eq!(counted, [(old.device_key().to_string(), 2)]);
    // What is imported on one of them is known on the others.
    let all = [&old, &new, &third].map(Engine::device_key);
    drop(third);
    let third = programme.folder.path().join("third");
    let own = super::client::run(async {
        let third = Client::open(Opening::of(&third, key())).await.unwrap();
        third.team().own_devices(TEAM).await.unwrap()
    });
    assert_eq!(own, all.into_iter().collect());
}

#[test]
fn a_certificate_continues_none_of_another_role_or_team_or_that_does_not_stand() {
    let mut programme = Programme::new();
    let (mut worker, certificate) = programme.worker();
    let id = worker.record(TEAM, &reversal("unknown")).unwrap();
    sync_all(&mut programme, &mut [&mut worker]);
    let observer = device(&programme, "observer").device_key();
    let coordinator = programme.coordinator.membership(TEAM);
    for earlier in [coordinator, Some(EntryId([7; 32]))] {
        let refused = programme.coordinator.certify_as(observer, Role::Worker, TEAM, earlier);
        assert!(matches!(refused, Err(EngineError::Invalid(_))), "{earlier:?}");
    }
    let refused =
        programme.coordinator.certify_as(observer, Role::Observer, TEAM, Some(certificate));
    assert!(matches!(refused, Err(EngineError::Invalid(_))), "another role");
    let other = TeamId([6; 16]);
    let mut elsewhere = device(&programme, "elsewhere");
    let key = elsewhere.device_key();
    let enrolment = programme.root.certify(key, Role::Coordinator, other).unwrap();
    elsewhere.join(&enrolment).unwrap();
    let refused = elsewhere.certify_as(observer, Role::Worker, other, Some(certificate));
    assert!(matches!(refused, Err(EngineError::Invalid(_))), "another team");
    // One that was written all the same holds, and continues nothing.
    let mut stranger = device(&programme, "stranger");
    let key = stranger.device_key();
    let says = kitbag_core::identity::Certificate {
        key,
        role: Role::Worker,
        team: TEAM,
        renew_by: None,
        made_at: kitbag_core::model::UnixMillis(0),
        continues: coordinator,
    };
    let says = kitbag_core::log::payload::Administration::Certify(says);
    let written = programme.coordinator.administer(TEAM, &says).unwrap();
    programme.sync_coordinator();
    let enrolment = programme.coordinator.certify(key, Role::Worker, TEAM).unwrap();
    assert_eq!(enrolment.certificate, written, "it holds");
    stranger.join(&enrolment).unwrap();
    sync_all(&mut programme, &mut [&mut stranger]);
    assert!(stranger.correct(id, "outcome", "survived").is_err());
    assert_eq!(stranger.store().authority().person(&written), written);
}

#[test]
fn a_person_ends_where_what_links_the_certificates_falls() {
    let mut programme = Programme::new();
    let (mut first, certificate) = programme.worker();
    let one = first.record(TEAM, &reversal("survived")).unwrap();
    sync_all(&mut programme, &mut [&mut first]);
    // Another coordinator gives the new phone, and is cut before he did.
    let mut rogue = device(&programme, "rogue");
    let key = rogue.device_key();
    let enrolment = programme.root.certify(key, Role::Coordinator, TEAM).unwrap();
    rogue.join(&enrolment).unwrap();
    programme.sync_root();
    programme.sync(&mut rogue);
    let mut second = device(&programme, "second");
    let key = second.device_key();
    let given = rogue.certify_as(key, Role::Worker, TEAM, Some(certificate)).unwrap();
    second.join(&given).unwrap();
    let (mut third, _) = {
        programme.sync(&mut rogue);
        programme.sync_coordinator();
        continuing(&mut programme, "third", given.certificate)
    };
    sync_all(&mut programme, &mut [&mut rogue, &mut second, &mut third]);
    let same = third.record(TEAM, &reversal("survived")).unwrap();
    third.mark_duplicate(same, one).unwrap();
    sync_all(&mut programme, &mut [&mut third]);
    let state = |programme: &Programme, id| programme.hub.row(id).unwrap().map(|row| row.state);
    assert_eq!(state(&programme, same), Some(State::Duplicate));
    // The root cuts him with what he wrote since he joined: the second phone falls, and with it what made the third hers.
    programme.root.look_into(TEAM).unwrap();
    let cut = programme.root.administer(
        TeamId::PROGRAMME,
        &kitbag_core::log::payload::Administration::Revoke {
            certificate: enrolment.certificate,
            kept: vec![],
        },
    );
    cut.unwrap();
    programme.sync_root();
    sync_all(&mut programme, &mut [&mut third, &mut first]);
    assert_eq!(state(&programme, same), Some(State::Counted), "it is another person's word");
    for store in [first.store(), third.store(), programme.coordinator.store()] {
        assert_eq!(store.row(same).unwrap().map(|row| row.state), Some(State::Counted));
        assert_eq!(store.digests(&[TEAM]).unwrap(), programme.hub.digests(&[TEAM]).unwrap(),);
    }
}

#[test]
fn a_device_is_called_as_its_owner_or_a_coordinator_last_said_and_no_hub_reads_it() {
    let mut programme = Programme::new();
    let (mut ana, certificate) = programme.worker();
    let (mut ben, _) = programme.worker();
    sync_all(&mut programme, &mut [&mut ana, &mut ben]);
    programme.coordinator.set_label(certificate, "Van 2").unwrap();
    sync_all(&mut programme, &mut [&mut ana, &mut ben]);
    for engine in [&programme.coordinator, &ana, &ben] {
        assert_eq!(engine.labels().unwrap()[&certificate], "Van 2");
    }
    let refused = ben.set_label(certificate, "Ben's van");
    assert!(refused.unwrap_err().to_string().contains("role"));
    ana.set_label(certificate, "Ana's phone 🚐").unwrap();
    sync_all(&mut programme, &mut [&mut ana, &mut ben]);
    assert_eq!(ben.labels_of_devices().unwrap()[&ana.device_key()], "Ana's phone 🚐");
    for wrong in [
        "",
        " Van",
        "x".repeat(10_000).as_str(),
        "Van\n2",
        "Van \u{202e}2",
        "a\u{200b}b",
        "\u{feff}",
    ] {
        let refused = ana.set_label(certificate, wrong);
        assert!(matches!(refused, Err(EngineError::Invalid(_))), "{wrong:?}");
    }
    // The hub holds them sealed.
    let sealed: Vec<Vec<u8>> =
        programme.hub.labels().unwrap().into_iter().map(|(_, _, label)| label.sealed).collect();
    assert_eq!(sealed.len(), 2);
    let has =
        |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(sealed.iter().all(|sealed| !has(sealed, "Van") && !has(sealed, "Ana")));
}
