//! What a stolen key cannot do to others: keep them from syncing, cut what the key's owner wrote, take a team's
//! words from it, or make them pay.

use super::programme::*;
use super::written::Written;
use kitbag_core::engine::{BundleOf, Engine, EngineError};
use kitbag_core::identity::sealing::{SealingSecret, seal_to, sealing_public};
use kitbag_core::identity::{Certificate, Role};
use kitbag_core::log::authority::BROUGHT_BY_ONE_MAX;
use kitbag_core::log::entry::{Entry, Tip, kind};
use kitbag_core::log::payload::{Administration, KeptTip, Open, RecordPayload, TeamKey, Waived};
use kitbag_core::log::run::{Brought, Run, RunEntry};
use kitbag_core::model::{EntryId, LogId, Operation, RecordId};
use kitbag_core::store::{Delivery, Store};
use kitbag_core::sync::{self, Agreement, Message, TurnedAwayRun};

fn creation_of(n: u64) -> Vec<u8> {
    let operations = reversal("died").operations().unwrap();
    RecordPayload { salt: n.to_be_bytes(), at: NOW, after: vec![], operations }.encode()
}

fn records_of(log: &mut Written, count: u64) {
    for n in 0..count {
        log.add(17, None, creation_of(n));
    }
}

fn send_runs(hub: &mut Store, seed: &[u8; 32], runs: Vec<Run>) {
    assert_eq!(send_as(hub, device(seed), &message(runs)), Vec::<String>::new());
}

#[test]
fn more_accepted_than_one_certificate_may_keeps_nobody_from_syncing() {
    let mut programme = Programme::new();
    let of_stolen = stolen(&mut programme);
    let (mut ana, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut ana);
    let mut admin = Written::new(&STOLEN, of_stolen, 0);
    let mut all = Vec::new();
    for seed in [[66_u8; 32], [67; 32], [68; 32]] {
        let certify = Certificate {
            key: device(&seed),
            role: Role::Worker,
            team: TEAM,
            renew_by: None,
            continues: None,
            made_at: kitbag_core::model::UnixMillis(0),
        };
        let certificate = admin.add(kind::CERTIFY, None, certify.encode());
        let mut log = Written::new(&seed, certificate, 0);
        let open = Open::decode(log.entries[0].payload.as_deref().unwrap()).unwrap();
        records_of(&mut log, 1_500);
        let entries: Vec<Entry> = log.entries.drain(1..).collect();
        let revoke = Administration::Revoke { certificate, kept: vec![] };
        admin.add(kind::REVOKE, None, revoke.encode());
        for some in entries.chunks(1_000) {
            let mut named: Vec<EntryId> = some.iter().map(|entry| entry.id).collect();
            named.sort();
            let accept = Administration::Accept { waived: Waived::Revoked, entries: named };
            admin.add(kind::ACCEPT, None, accept.encode());
        }
        all.push((open, entries));
    }
    send_runs(&mut programme.hub, &STOLEN, vec![admin.run()]);
    let mut refused = 0;
    for (open, entries) in all {
        let brought = entries.iter().map(|entry| Brought {
            open: open.clone(),
            position: entry.header.position,
            previous: entry.header.previous,
            entry: RunEntry::of(entry),
        });
        let message = Message { teams: vec![TEAM], brought: brought.collect(), ..message(vec![]) };
        refused += send_as(&mut programme.hub, device(&STOLEN), &message).len() as u64;
    }
    programme.settle();
    assert_eq!(counted(&programme.hub), BROUGHT_BY_ONE_MAX as i64);
    assert!(refused > 0, "what is beyond is named by no acceptance that counts");
    let id = ana.record(TEAM, &reversal("survived")).unwrap();
    let (_, ended) = synced(&mut ana, &mut programme.hub);
    assert_eq!(ended.unwrap(), Agreement::Whole);
    assert_eq!(counted(ana.store()), BROUGHT_BY_ONE_MAX as i64 + 1);
    assert_eq!(ana.delivery(id).unwrap(), Delivery::OnHub);
}

#[test]
fn one_certificate_accepts_so_much_and_says_so() {
    let mut programme = Programme::new();
    let many: Vec<EntryId> = (0..=BROUGHT_BY_ONE_MAX)
        .map(|n| EntryId(*blake3::hash(&n.to_be_bytes()).as_bytes()))
        .collect();
    let refused = programme.coordinator.accept(TEAM, &many);
    assert!(matches!(refused, Err(EngineError::AcceptedEnough)), "{refused:?}");
    programme.coordinator.accept(TEAM, &many[1..]).unwrap();
    let refused = programme.coordinator.accept(TEAM, &many[..1]);
    assert!(matches!(refused, Err(EngineError::AcceptedEnough)), "{refused:?}");
}

#[test]
fn logs_begun_with_a_stolen_phone_cut_nothing_of_what_its_owner_wrote_before() {
    let mut programme = Programme::new();
    let certificate = certified(&mut programme, &HOSTILE);
    let mut log = Written::new(&HOSTILE, certificate, 0);
    records_of(&mut log, 5);
    send_runs(&mut programme.hub, &HOSTILE, vec![log.run()]);
    programme.sync_coordinator();
    // The thief's logs are longer, and more than a revocation names.
    let runs = (0..490_u64).map(|n| {
        let mut random = [0; 16];
        random[..8].copy_from_slice(&(n + 1_000).to_be_bytes());
        let open = Open { key: device(&HOSTILE), team: TEAM, random, certificate };
        let first = Entry::new(open.log(), None, (kind::OPEN, 1), None, open.encode());
        let key = kitbag_core::identity::SigningKey::from_seed(&HOSTILE);
        let (log, tip) = (open.log(), first.tip());
        let mut log = Written { key, log, tip, entries: vec![first] };
        for m in 0..6 {
            let ask = Administration::AskErase { records: vec![RecordId([m; 16])] };
            log.add(kind::ASK_ERASE, None, ask.encode());
        }
        log.run()
    });
    send_runs(&mut programme.hub, &HOSTILE, runs.collect());
    programme.sync_coordinator();
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    programme.sync_coordinator();
    programme.settle();
    assert_eq!(counted(&programme.hub), 5);
    assert_eq!(counted(programme.coordinator.store()), 5);
}

/// A key of the team by a stolen coordinator's hand, handed to this device alone.
fn key_for(of_stolen: EntryId, generation: u64, to: &Engine) -> Run {
    let secret = SealingSecret::from_seed(&[3; 32]);
    let beside = [TEAM.0.as_slice(), &generation.to_be_bytes()].concat();
    let public = sealing_public(&to.device_key()).unwrap();
    let sealed =
        seal_to(&public, "kitbag team key 1", &beside, &*secret.to_bytes(), &[9; 32].into());
    let sealed = vec![(to.device_key(), sealed.unwrap())];
    let key = TeamKey { team: TEAM, generation, public: secret.public().unwrap(), sealed };
    let mut log = Written::new(&STOLEN, of_stolen, 0);
    log.add(kind::TEAM_KEY, None, Administration::TeamKey(key).encode());
    log.run()
}

#[test]
fn a_key_that_one_person_was_handed_alone_gives_way_at_once() {
    let mut programme = Programme::new();
    let of_stolen = stolen(&mut programme);
    let (mut ana, _) = programme.worker();
    let (mut ben, _) = programme.worker();
    for engine in [&mut ana, &mut ben] {
        programme.coordinator.tend_team_keys().unwrap();
        programme.sync_coordinator();
        programme.sync(engine);
    }
    send_runs(&mut programme.hub, &STOLEN, vec![key_for(of_stolen, 2, &ana)]);
    programme.sync(&mut ana);
    assert_eq!(ana.team_key_number(TEAM).unwrap(), Some(2));
    programme.sync_coordinator();
    assert!(programme.coordinator.tend_team_keys().unwrap() > 0);
    programme.sync_coordinator();
    programme.sync(&mut ana);
    programme.sync(&mut ben);
    let number = |engine: &Engine| engine.team_key_number(TEAM).unwrap();
    assert_eq!([&ana, &ben, &programme.coordinator].map(number), [Some(3); 3]);
    let id = ana.record(TEAM, &with(reversal("survived"), "note", "by the river")).unwrap();
    let mut bundle = Vec::new();
    ana.export_bundle(TEAM, BundleOf::Waiting, &mut bundle, |_| ()).unwrap();
    ben.import_bundle(&mut bundle.as_slice(), |_| ()).unwrap();
    assert_eq!(ben.get(id).unwrap().get("note"), Some(&"by the river".into()));
    programme.sync(&mut ana);
    programme.sync_coordinator();
    assert_eq!(programme.coordinator.tend_team_keys().unwrap(), 0, "one key is enough");
    let read = programme.coordinator.get(id).unwrap();
    assert_eq!(read.get("note"), Some(&"by the river".into()));
}

#[test]
fn keys_without_end_keep_none_from_going_along_with_an_enrolment() {
    let mut programme = Programme::new();
    let of_stolen = stolen(&mut programme);
    programme.worker();
    let mut log = Written::new(&STOLEN, of_stolen, 0);
    for n in 0..1_500_u64 {
        let (public, sealed) =
            (*blake3::hash(&n.to_be_bytes()).as_bytes(), vec![(device(&STOLEN), vec![0; 80])]);
        let key = TeamKey { team: TEAM, generation: 1, public, sealed };
        log.add(kind::TEAM_KEY, None, Administration::TeamKey(key).encode());
    }
    send_runs(&mut programme.hub, &STOLEN, vec![log.run()]);
    programme.sync_coordinator();
    let (mut ana, _) = programme.worker();
    ana.record(TEAM, &with(reversal("survived"), "note", "by the river")).unwrap();
}

#[test]
fn revocations_that_cut_a_little_more_each_time_leave_what_each_keeps() {
    let mut programme = Programme::new();
    let of_stolen = stolen(&mut programme);
    let certificate = certified(&mut programme, &HOSTILE);
    let mut log = Written::new(&HOSTILE, certificate, 0);
    let mut runs = Vec::new();
    let mut kept = Vec::new();
    for n in 0..20 {
        log.add(17, None, creation_of(n));
        let run = log.run();
        let signature = run.signature;
        kept.push(KeptTip { log: log.log, tip: log.tip, signature });
        runs.push(run);
    }
    send_runs(&mut programme.hub, &HOSTILE, runs);
    programme.settle();
    let (mut colleague, _) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut colleague);
    programme.hub.take_judged_for();
    let mut admin = Written::new(&STOLEN, of_stolen, 0);
    let mut least = 20;
    for keeps in [20_usize, 20, 19, 15, 18] {
        let kept = vec![kept[keeps - 1]];
        admin.add(kind::REVOKE, None, Administration::Revoke { certificate, kept }.encode());
        send_runs(&mut programme.hub, &STOLEN, vec![admin.run()]);
        programme.settle();
        programme.sync(&mut colleague);
        // What counts is what all of them keep.
        least = least.min(keeps as i64);
        assert_eq!([&programme.hub, colleague.store()].map(counted), [least; 2]);
        let before = programme.hub.projection_digest().unwrap();
        programme.hub.rebuild().unwrap();
        programme.settle();
        assert_eq!(programme.hub.projection_digest().unwrap(), before);
    }
    assert_eq!(counted(&programme.hub), 15);
    assert!(
        !programme.hub.take_judged_for().contains_key(&device(&HOSTILE)),
        "its owner pays nothing"
    );
}

#[test]
fn a_path_over_many_branches_holds_as_many_changes_of_a_record_as_one() {
    let mut programme = Programme::new();
    let certificate = certified(&mut programme, &HOSTILE);
    let mut log = Written::new(&HOSTILE, certificate, 0);
    let creation = log.add(17, None, creation_of(1));
    let change = |n: u64| {
        let operations = vec![Operation::put("outcome", "died")];
        RecordPayload { salt: n.to_be_bytes(), at: NOW, after: vec![], operations }.encode()
    };
    let mut runs = Vec::new();
    for n in 0..10 {
        for m in 0..45 {
            log.add(17, Some(creation), change(n * 100 + m));
        }
        runs.push(log.run());
        // A branch beside, higher than where the path goes on, full of changes of the same record.
        let fork = log.tip;
        for m in 0..20 {
            log.add(17, Some(creation), change(1_000_000 + n * 100 + m));
        }
        runs.push(log.run());
        log.tip = fork;
        log.add(17, None, creation_of(1_000 + n));
    }
    runs.push(log.run());
    for run in runs {
        send_runs(&mut programme.hub, &HOSTILE, vec![run]);
    }
    for n in 0..50 {
        log.add(17, Some(creation), change(5_000_000 + n));
    }
    send_runs(&mut programme.hub, &HOSTILE, vec![log.run()]);
    log.add(17, Some(creation), change(6_000_000));
    let refused = send_as(&mut programme.hub, device(&HOSTILE), &message(vec![log.run()]));
    log.add(17, None, creation_of(2_000));
    let behind = send_as(&mut programme.hub, device(&HOSTILE), &message(vec![log.run()]));
    assert_eq!((refused.len(), behind.len()), (0, 1), "the 501st ends the branch: {behind:?}");
}

#[test]
fn who_was_enrolled_anew_and_synced_writes_on_whatever_revocations_came_before() {
    let mut programme = Programme::new();
    let of_stolen = stolen(&mut programme);
    let (mut ana, certificate) = programme.worker();
    programme.sync_coordinator();
    programme.sync(&mut ana);
    let mut log = Written::new(&STOLEN, of_stolen, 0);
    for n in 0..6_u64 {
        let kept = (0..480_u64).map(|m| {
            let hash = *blake3::hash(&(n * 1_000 + m).to_be_bytes()).as_bytes();
            let log = LogId(hash[..16].try_into().unwrap());
            KeptTip { log, tip: Tip { position: 5, id: EntryId(hash) }, signature: [1; 64] }
        });
        let revoke = Administration::Revoke { certificate, kept: kept.collect() };
        log.add(kind::REVOKE, None, revoke.encode());
    }
    send_runs(&mut programme.hub, &STOLEN, vec![log.run()]);
    programme.sync_coordinator();
    let enrolment = programme.coordinator.certify(ana.device_key(), Role::Worker, TEAM).unwrap();
    programme.sync_coordinator();
    ana.join(&enrolment).unwrap();
    programme.sync(&mut ana);
    let id = ana.record(TEAM, &reversal("survived")).unwrap();
    programme.sync(&mut ana);
    programme.settle();
    assert_eq!((ana.delivery(id).unwrap(), counted(&programme.hub)), (Delivery::OnHub, 1));
}

#[test]
fn a_hub_that_spoke_of_a_revocation_that_there_is_not_is_offered_again() {
    for code in [7, 9, 10, 11, 12] {
        let mut programme = Programme::new();
        let (mut ana, _) = programme.worker();
        programme.sync_coordinator();
        programme.sync(&mut ana);
        let id = ana.record(TEAM, &reversal("survived")).unwrap();
        let own = ana.device_key();
        for _ in 0..3 {
            let (mut session, hub) = (ana.session(), &mut programme.hub);
            let carried: Result<Agreement, EngineError> = ana.carry(&mut session, |request, _| {
                let mut message = Message::decode(&request).unwrap();
                let runs = std::mem::take(&mut message.runs).len() as u64;
                let answer = sync::respond(hub, own, NOW, &message.encode())?;
                let mut answer = Message::decode(&answer).unwrap();
                answer.turned_away = (0..runs).map(|index| TurnedAwayRun { index, code }).collect();
                Ok(answer.encode())
            });
            let failed = carried.err().map(|error| error.as_sync_fault());
            ana.note_sync(&session, failed).unwrap();
            assert!(!ana.status().unwrap().is_synced);
        }
        for _ in 0..2 {
            let (_, carried) = synced(&mut ana, &mut programme.hub);
            carried.unwrap();
        }
        programme.settle();
        assert_eq!(ana.delivery(id).unwrap(), Delivery::OnHub, "code {code}");
        assert!(ana.status().unwrap().is_synced, "code {code}");
        assert_eq!(counted(&programme.hub), 1);
    }
}
