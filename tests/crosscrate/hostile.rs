//! Bad input: refused or waiting by its named reason, within bounds, and nothing else is touched.

use super::programme::{NOW, Programme, TEAM, reversal, sync_through};
use kitbag_core::engine::Engine;
use kitbag_core::identity::{Role, SigningKey};
use kitbag_core::log::entry::{Entry, Tip, kind, sign};
use kitbag_core::log::payload::{Open, RecordPayload};
use kitbag_core::log::run::{Body, Run, RunEntry};
use kitbag_core::log::{Refusal, Verdict, Waiting};
use kitbag_core::model::{
    ElementName, EntryId, LogId, Operation, RecordId, TeamId, UnixMillis, Value,
};
use kitbag_core::sync::{self, Message};

const REVERSAL: u8 = 17;

/// A certified device that writes whatever it likes, beside an honest record.
struct World {
    programme: Programme,
    worker: Engine,
    honest: EntryId,
    key: SigningKey,
    log: LogId,
    tip: Tip,
    last_answer: Message,
}

impl World {
    fn new() -> Self {
        let mut programme = Programme::new();
        let (mut worker, _) = programme.worker();
        let id = worker.record(TEAM, &reversal("survived")).unwrap();
        let honest = worker.get(id).unwrap().history[0].entry;
        let key = SigningKey::from_seed(&[66; 32]);
        let enrolment =
            programme.coordinator.certify(key.device_key(), Role::Worker, TEAM).unwrap();
        programme.sync_coordinator();
        programme.sync(&mut worker);
        programme.settle();
        let open = Open {
            key: key.device_key(),
            team: TEAM,
            random: [7; 16],
            certificate: enrolment.certificate,
        };
        let first = Entry::new(open.log(), None, (kind::OPEN, 1), None, open.encode());
        let mut world = World {
            programme,
            worker,
            honest,
            key,
            log: open.log(),
            tip: first.tip(),
            last_answer: Message::default(),
        };
        world.send(&[first]);
        world
    }

    fn payload(after: Vec<EntryId>, operations: Vec<Operation>) -> Vec<u8> {
        let at = UnixMillis(1_520_000_000_000);
        RecordPayload { salt: [3; 8], at, after, operations }.encode()
    }

    fn entry(&mut self, of_kind: u8, record: Option<RecordId>, payload: Vec<u8>) -> Entry {
        let entry = Entry::new(self.log, Some(self.tip), (of_kind, 1), record, payload);
        self.tip = entry.tip();
        entry
    }

    fn run(&self, entries: &[Entry]) -> Run {
        let last = entries.last().unwrap().tip();
        Run::of(entries, sign(&self.key, self.log, last)).unwrap()
    }

    fn send(&mut self, entries: &[Entry]) -> Vec<String> {
        let run = self.run(entries);
        self.send_runs(vec![run])
    }

    /// Sends runs to the hub; returns why some were turned away.
    fn send_runs(&mut self, runs: Vec<Run>) -> Vec<String> {
        let runs = runs.into_iter().map(Ok).collect();
        let request = Message { teams: vec![TEAM], runs, ..Message::default() };
        let device = self.key.device_key();
        let answer =
            sync::respond(&mut self.programme.hub, device, NOW, &request.encode()).unwrap();
        self.last_answer = Message::decode(&answer).unwrap();
        self.programme.settle();
        self.last_answer.turned_away.iter().map(|run| run.reason()).collect()
    }

    fn verdict(&self, entry: &Entry) -> Option<Verdict> {
        let entries = self.programme.hub.entries().unwrap();
        entries.into_iter().find(|held| held.id == entry.id).and_then(|held| held.verdict)
    }

    /// The honest record is as it was, on the hub and on its phone.
    fn assert_unharmed(&mut self) {
        self.programme.settle();
        let record = self.programme.hub.record(self.honest.record()).unwrap().unwrap();
        assert_eq!(record.get("outcome"), Some(&Value::from("survived")));
        assert_eq!(record.conflicts().count(), 0);
        assert_eq!(self.programme.hub.record_ids(TEAM).unwrap(), vec![record.id]);
        self.programme.sync(&mut self.worker);
        assert_eq!(self.worker.get(record.id).unwrap(), record);
    }
}

#[test]
fn what_breaks_a_rule_is_refused_by_its_name() {
    let mut world = World::new();
    let honest = world.honest;
    let record = Some(honest.record());
    let void = || vec![Operation::put("void", "test")];
    let creation = reversal("died").operations().unwrap();
    let refused = Verdict::Refused;
    let cases = [
        (
            "a worker's change of a colleague's record",
            REVERSAL,
            record,
            vec![honest],
            void(),
            refused(Refusal::Role),
        ),
        (
            "a creation without required fields",
            REVERSAL,
            None,
            vec![],
            vec![Operation::put("site", "x")],
            refused(Refusal::Schema),
        ),
        (
            "a creation after something",
            REVERSAL,
            None,
            vec![honest],
            creation.clone(),
            refused(Refusal::Schema),
        ),
        (
            "a field that comes from the creation",
            REVERSAL,
            record,
            vec![honest],
            vec![Operation::put("author", "me")],
            refused(Refusal::Schema),
        ),
        (
            "a list put as a field",
            REVERSAL,
            record,
            vec![honest],
            vec![Operation::put("administrations", "x")],
            refused(Refusal::Schema),
        ),
        (
            "a change of a record that nobody created",
            REVERSAL,
            Some(RecordId([9; 16])),
            vec![],
            void(),
            Verdict::Waiting(Waiting::Creation),
        ),
        (
            "a kind of a newer version",
            200,
            None,
            vec![],
            creation,
            Verdict::Waiting(Waiting::NewerVersion),
        ),
    ];
    for (what, of_kind, record, after, operations, expected) in cases {
        let payload = World::payload(after, operations);
        let entry = world.entry(of_kind, record, payload);
        assert_eq!(world.send(std::slice::from_ref(&entry)), Vec::<String>::new(), "{what}");
        assert_eq!(world.verdict(&entry), Some(expected), "{what}");
    }
    world.assert_unharmed();
}

#[test]
fn what_an_own_record_cannot_name_is_refused_by_its_name() {
    let mut world = World::new();
    let creation =
        world.entry(REVERSAL, None, World::payload(vec![], reversal("died").operations().unwrap()));
    let id = creation.id;
    world.send(&[creation]);
    let honest = world.honest;
    let element = |list: &str, entry, index| Operation::PutIn {
        list: list.to_owned(),
        element: ElementName { entry, index },
        field: "doses".to_owned(),
        value: Value::Int(1),
    };
    let needs = Verdict::Refused(Refusal::Needs);
    let cases = [
        ("an element that does not exist", vec![id], element("administrations", id, 900), needs),
        ("an element of another record", vec![id], element("administrations", honest, 8), needs),
        ("an operation that is no append", vec![id], element("administrations", id, 0), needs),
        (
            "an entry of another record as seen, which stands for nothing",
            vec![honest],
            Operation::put("void", "test"),
            Verdict::Admitted,
        ),
        (
            "an entry that is not held as seen, which stands for nothing",
            vec![EntryId([9; 32])],
            Operation::put("void", "test"),
            Verdict::Admitted,
        ),
        (
            "a list that its version does not have",
            vec![id],
            element("visits", id, 8),
            Verdict::Refused(Refusal::Schema),
        ),
    ];
    for (what, after, operation, expected) in cases {
        let entry =
            world.entry(REVERSAL, Some(id.record()), World::payload(after, vec![operation]));
        world.send(std::slice::from_ref(&entry));
        assert_eq!(world.verdict(&entry), Some(expected), "{what}");
    }
    let other_kind = world.entry(99, Some(id.record()), World::payload(vec![id], vec![]));
    world.send(std::slice::from_ref(&other_kind));
    assert_eq!(world.verdict(&other_kind), Some(Verdict::Waiting(Waiting::NewerVersion)));
}

#[test]
fn an_entry_of_another_team_changes_nothing_here() {
    let mut world = World::new();
    let other = TeamId([6; 16]);
    let key = world.key.device_key();
    let enrolment = {
        let coordinator = world.programme.coordinator.device_key();
        let root = &mut world.programme.root;
        let enrolment = root.certify(coordinator, Role::Coordinator, other).unwrap();
        world.programme.coordinator.join(&enrolment).unwrap();
        world.programme.coordinator.certify(key, Role::Worker, other).unwrap()
    };
    let Programme { root, hub, .. } = &mut world.programme;
    sync_through(root, hub).unwrap();
    world.programme.sync_coordinator();
    let open = Open { key, team: other, random: [8; 16], certificate: enrolment.certificate };
    let first = Entry::new(open.log(), None, (kind::OPEN, 1), None, open.encode());
    let payload = World::payload(vec![world.honest], vec![Operation::put("void", "wrong_team")]);
    let record = Some(world.honest.record());
    let second = Entry::new(open.log(), Some(first.tip()), (REVERSAL, 1), record, payload);
    let run =
        Run::of(&[first, second.clone()], sign(&world.key, open.log(), second.tip())).unwrap();
    // The hub holds both teams; a phone of the one is not handed the other's.
    assert_eq!(world.send_runs(vec![run.clone()]), Vec::<String>::new());
    assert_eq!(world.verdict(&second), Some(Verdict::Waiting(Waiting::Creation)));
    world.assert_unharmed();
    let message = Message { teams: vec![TEAM], runs: vec![Ok(run)], ..Message::default() };
    let mut session = world.worker.session();
    let _ = world.worker.reply(&mut session, &super::programme::as_response(message));
    let teams = world.worker.store().teams();
    assert!(!teams.contains(&other), "a phone does not take in a team that it is not in");
}

#[test]
fn a_run_with_a_broken_chain_or_signature_is_turned_away_and_the_runs_beside_it_are_not() {
    let mut world = World::new();
    let good_tip = world.tip;
    let creation = |world: &mut World| {
        let payload = World::payload(vec![], reversal("died").operations().unwrap());
        world.entry(REVERSAL, None, payload)
    };
    let entry = creation(&mut world);
    let mut jump = world.run(std::slice::from_ref(&entry));
    jump.first = 1_000_000;
    let tip = Tip { position: 1_000_000, id: jump.expand()[0].id };
    jump.signature = sign(&world.key, world.log, tip);
    let later = creation(&mut world);
    let gap = world.run(std::slice::from_ref(&later));
    let mut second_open = world.run(std::slice::from_ref(&entry));
    second_open.entries[0] =
        RunEntry { kind: kind::OPEN, schema: 1, record: None, body: Body::Payload(vec![1]) };
    let mut erased = world.run(std::slice::from_ref(&entry));
    let Body::Payload(payload) = &erased.entries[0].body else { panic!("it has one") };
    erased.entries[0].body = Body::Erased(*blake3::hash(payload).as_bytes());
    let mut unknown = world.run(std::slice::from_ref(&entry));
    unknown.log = LogId([5; 16]);
    let good = world.run(std::slice::from_ref(&entry));
    let third = creation(&mut world);
    let mut wrong_signature = world.run(std::slice::from_ref(&third));
    wrong_signature.signature[7] ^= 1;
    let fourth = creation(&mut world);
    let late = world.run(std::slice::from_ref(&fourth));
    let reasons =
        world.send_runs(vec![jump, gap, second_open, erased, unknown, good, wrong_signature, late]);
    let expected = [
        "go on where",
        "entry before",
        "does not open",
        "erasure is not held",
        "not known here",
        "the signature",
        "not looked at",
    ];
    assert_eq!(reasons.len(), expected.len(), "{reasons:?}");
    for (reason, expected) in reasons.iter().zip(expected) {
        assert!(reason.contains(expected), "{reason} should say {expected}");
    }
    assert_eq!(world.verdict(&entry), Some(Verdict::Admitted), "the good run was taken");
    // A device that claimed a huge position goes on where it was: its true entries are not dropped.
    assert_eq!(good_tip.position + 1, entry.header.position);
    assert_eq!(world.send(std::slice::from_ref(&later)), Vec::<String>::new());
    assert_eq!(world.verdict(&later), Some(Verdict::Admitted));
}

#[test]
fn a_run_that_cannot_be_read_is_turned_away_alone() {
    let mut world = World::new();
    let too_long = world.entry(REVERSAL, None, vec![0; 65_537]);
    let oversized = world.run(&[too_long]);
    world.tip.position -= 1;
    let honest_tip = world.programme.hub.tips(&world.log)[0];
    world.tip = honest_tip;
    let payload = World::payload(vec![], reversal("died").operations().unwrap());
    let entry = world.entry(REVERSAL, None, payload);
    let good = world.run(std::slice::from_ref(&entry));
    let reasons = world.send_runs(vec![oversized, good]);
    assert_eq!(reasons.len(), 1);
    assert!(reasons[0].contains("could not be read"), "{}", reasons[0]);
    assert_eq!(world.last_answer.turned_away[0].index, 0);
    assert_eq!(world.verdict(&entry), Some(Verdict::Admitted));
}

#[test]
fn no_cut_or_flipped_message_panics_or_harms() {
    let mut world = World::new();
    let payload = World::payload(vec![], reversal("died").operations().unwrap());
    let entry = world.entry(REVERSAL, None, payload);
    let run = world.run(std::slice::from_ref(&entry));
    let bytes = run.encode();
    for at in 0..bytes.len() {
        assert!(Run::decode(&bytes[..at]).is_err(), "cut at {at}");
        for bit in [1, 0x10, 0x80] {
            let mut flipped = bytes.clone();
            flipped[at] ^= bit;
            if let Ok(run) = Run::decode(&flipped) {
                let known = Some(world.key.device_key());
                assert!(run.verify(known).is_err(), "flipped at {at}: the signature holds all");
            }
        }
    }
    let message = Message { teams: vec![TEAM], runs: vec![Ok(run)], ..Message::default() }.encode();
    let device = world.key.device_key();
    for at in 0..message.len() {
        let _ = sync::respond(&mut world.programme.hub, device, NOW, &message[..at]);
        let mut flipped = message.clone();
        flipped[at] ^= 0x40;
        let _ = sync::respond(&mut world.programme.hub, device, NOW, &flipped);
    }
    for bad in [&b""[..], &[1], &[2, 1, 0], &[1, 9, 0]] {
        let answer = sync::respond(&mut world.programme.hub, device, NOW, bad);
        assert!(matches!(answer, Err(sync::SyncError::Message(_))), "{bad:?}");
    }
    // A flip outside the run leaves the run good; a flip inside it does not.
    world.programme.settle();
    let held = world.programme.hub.record_ids(TEAM).unwrap();
    assert!(held.iter().all(|id| [entry.id.record(), world.honest.record()].contains(id)));
    let honest = world.programme.hub.record(world.honest.record()).unwrap().unwrap();
    assert_eq!(honest.history.len(), 1);
}

#[test]
fn a_message_that_inflates_without_end_is_refused_within_its_cap() {
    let mut world = World::new();
    let bomb = zstd::bulk::compress(&vec![0; 64 << 20], 3).unwrap();
    assert!(bomb.len() < 64 << 10);
    let message = [&[1, 1], bomb.as_slice()].concat();
    let answer = sync::respond(&mut world.programme.hub, world.key.device_key(), NOW, &message);
    assert!(matches!(answer, Err(sync::SyncError::Message(_))));
    world.assert_unharmed();
}

#[test]
fn bytes_that_are_no_payload_end_their_log_and_others_go_on() {
    for (what, payload) in
        [("none at all", vec![]), ("no payload", vec![0xff; 40]), ("deep", vec![0x81; 60_000])]
    {
        let mut world = World::new();
        let before = world.tip;
        let ended = world.entry(REVERSAL, None, payload);
        assert_eq!(world.send(std::slice::from_ref(&ended)), Vec::<String>::new(), "{what}");
        assert_eq!(world.verdict(&ended), Some(Verdict::Refused(Refusal::Ended)), "{what}");
        let creation = World::payload(vec![], reversal("died").operations().unwrap());
        let behind = world.entry(REVERSAL, None, creation.clone());
        let reasons = world.send(std::slice::from_ref(&behind));
        assert!(reasons[0].contains("its log ended"), "{what}: {reasons:?}");
        assert!(world.last_answer.points.is_empty(), "it is not acknowledged");
        world.assert_unharmed();
        // Another branch goes on.
        world.tip = before;
        let beside = world.entry(REVERSAL, None, creation);
        assert_eq!(world.send(std::slice::from_ref(&beside)), Vec::<String>::new(), "{what}");
        assert_eq!(world.verdict(&beside), Some(Verdict::Admitted), "{what}");
    }
}

#[test]
fn a_key_without_a_certificate_leaves_nothing_behind() {
    let mut world = World::new();
    let key = SigningKey::from_seed(&[67; 32]);
    let open =
        Open { key: key.device_key(), team: TEAM, random: [7; 16], certificate: EntryId([9; 32]) };
    let first = Entry::new(open.log(), None, (kind::OPEN, 1), None, open.encode());
    let payload = World::payload(vec![], reversal("died").operations().unwrap());
    let second = Entry::new(open.log(), Some(first.tip()), (REVERSAL, 1), None, payload);
    let held = world.programme.hub.entries().unwrap().len();
    for entries in [vec![first.clone()], vec![first, second]] {
        let last = entries.last().unwrap().tip();
        let run = Run::of(&entries, sign(&key, open.log(), last)).unwrap();
        let request = Message { runs: vec![Ok(run)], ..Message::default() };
        let device = key.device_key();
        let answer =
            sync::respond(&mut world.programme.hub, device, NOW, &request.encode()).unwrap();
        let answer = Message::decode(&answer).unwrap();
        assert!(answer.turned_away[0].reason().contains("no certificate"));
    }
    assert_eq!(world.programme.hub.entries().unwrap().len(), held);
    world.assert_unharmed();
}

#[test]
fn the_501st_change_of_one_record_on_one_path_ends_it() {
    let mut world = World::new();
    let payload = World::payload(vec![], reversal("died").operations().unwrap());
    let creation = world.entry(REVERSAL, None, payload);
    let record = Some(creation.id.record());
    let mut entries = vec![creation];
    let change = |world: &mut World| {
        let payload = World::payload(vec![], vec![Operation::put("outcome", "unknown")]);
        world.entry(REVERSAL, record, payload)
    };
    for _ in 0..501 {
        entries.push(change(&mut world));
    }
    assert_eq!(world.send(&entries), Vec::<String>::new());
    assert_eq!(world.verdict(&entries[500]), Some(Verdict::Admitted));
    assert_eq!(world.verdict(&entries[501]), Some(Verdict::Refused(Refusal::Ended)));
    let behind = change(&mut world);
    let reasons = world.send(std::slice::from_ref(&behind));
    assert!(reasons[0].contains("its log ended"), "{reasons:?}");
}
