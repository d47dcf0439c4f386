//! A device with a certificate that writes what no honest one does, straight to the hub.

use super::Failure;
use super::oracle::{Answer, Deed, Hand, Intent, Label, Role};
use super::people::operation;
use super::world::{Packet, TEAMS, World};
use kitbag_core::identity::SigningKey;
use kitbag_core::log::entry::{Entry, Tip, kind, seal};
use kitbag_core::log::payload::{Open, RecordPayload};
use kitbag_core::log::run::{Body, Run};
use kitbag_core::model::{
    DeviceKey, ElementName, EntryId, LogId, Operation, RecordId, UnixMillis, Value,
};
use kitbag_core::sync::Message;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// A key without a certificate: entries are taken from anybody, by their own seals.
const NOBODY: DeviceKey = DeviceKey([66; 32]);

const REVERSAL: u8 = 17;

/// What it keeps between its acts.
pub struct Hostile {
    key: SigningKey,
    random: ChaCha8Rng,
    pub certificate: EntryId,
    log: Option<(LogId, Tip, Entry)>,
    /// Entries that it wrote and that never count, so that nobody takes them for somebody's intent.
    pub others: BTreeSet<Label>,
}

impl Hostile {
    pub const PERSON: u32 = 100;

    pub fn new(seed: u64) -> Self {
        Hostile {
            key: SigningKey::from_seed(&[66; 32]),
            random: ChaCha8Rng::seed_from_u64(seed ^ 0xbad),
            certificate: EntryId::NONE,
            log: None,
            others: BTreeSet::new(),
        }
    }

    pub fn key(&self) -> DeviceKey {
        self.key.device_key()
    }

    /// Its log's tip; `open` where it has none yet.
    fn tip(&mut self, certificate: EntryId) -> (LogId, Tip, Vec<Entry>) {
        if let Some((log, tip, _)) = &self.log
            && certificate == self.certificate
        {
            return (*log, *tip, Vec::new());
        }
        let open =
            Open { key: self.key(), team: TEAMS[0], random: self.random.random(), certificate };
        let entry = Entry::new(open.log(), None, kind::OPEN, None, open.encode());
        self.others.insert(entry.id.0);
        (open.log(), entry.tip(), vec![entry])
    }

    fn payload(&mut self, at: i64, after: Vec<EntryId>, operations: Vec<Operation>) -> Vec<u8> {
        let salt = self.random.random();
        RecordPayload { schema_version: 1, salt, at: UnixMillis(at), after, operations }.encode()
    }
}

impl World {
    pub(super) fn hostile_act(&mut self, dice: &mut ChaCha8Rng) -> Result<(), Failure> {
        let at = self.today() * 86_400_000;
        let records: Vec<&Intent> = self
            .done
            .intents
            .iter()
            .filter(|intent| intent.id == intent.record && intent.by.team == 0)
            .collect();
        let victim = records.choose(dice).map(|intent| EntryId(intent.id));
        let own = self.hostile.certificate;
        match dice.random_range(0..9) {
            0 => self.hostile_creation(at, false),
            1 => self.hostile_creation(at, true),
            2 => match victim {
                Some(victim) => self.hostile_change(at, victim),
                None => Ok(()),
            },
            3 => {
                // A rule of the schema is broken: fields that are required are not there.
                let payload =
                    self.hostile.payload(at, Vec::new(), vec![Operation::put("site", "x")]);
                self.hostile_entry(own, REVERSAL, None, payload)
            }
            4 => {
                // An element that does not exist.
                let element = ElementName { entry: own, index: 3 };
                let operation = Operation::PutIn {
                    list: "administrations".to_owned(),
                    element,
                    field: "doses".to_owned(),
                    value: Value::Int(1),
                };
                let after = victim.into_iter().collect();
                let payload = self.hostile.payload(at, after, vec![operation]);
                self.hostile_entry(own, REVERSAL, victim.map(|id| id.record()), payload)
            }
            5 => {
                // A change that names an entry of another record as seen.
                let payload =
                    self.hostile.payload(at, vec![own], vec![Operation::put("void", "test")]);
                self.hostile_entry(own, REVERSAL, victim.map(|id| id.record()), payload)
            }
            6 => {
                // Under the certificate of another device.
                let other =
                    self.certificates.choose(dice).map(|certified| EntryId(certified.label));
                let operations = creation().iter().map(|deed| operation(REVERSAL, deed)).collect();
                let payload = self.hostile.payload(at, Vec::new(), operations);
                match other.filter(|other| *other != own) {
                    Some(other) => self.hostile_entry(other, REVERSAL, None, payload),
                    None => Ok(()),
                }
            }
            7 => self.forged(at),
            _ => {
                let mut bytes = vec![1, 1];
                bytes.extend((0..dice.random_range(0..200)).map(|_| dice.random::<u8>()));
                self.in_flight.push(Packet { phone: None, device: NOBODY, to_hub: true, bytes });
                Ok(())
            }
        }
    }

    fn hand_of_hostile(&self) -> Hand {
        let certificate = self.hostile.certificate.0;
        Hand { person: Hostile::PERSON, team: 0, role: Role::Worker, certificate }
    }

    /// A creation that counts; where it forks, a second one at the position of the last.
    fn hostile_creation(&mut self, at: i64, fork: bool) -> Result<(), Failure> {
        let deeds = creation();
        let operations = deeds.iter().map(|deed| operation(REVERSAL, deed)).collect();
        let payload = self.hostile.payload(at, Vec::new(), operations);
        let (log, mut tip, mut entries) = self.hostile.tip(self.hostile.certificate);
        if let (true, Some((_, _, last))) = (fork, &self.hostile.log)
            && last.header.position > 1
        {
            tip = Tip { position: last.header.position - 1, id: last.header.previous };
        }
        let entry = Entry::new(log, Some(tip), REVERSAL, None, payload);
        self.done.intents.push(Intent {
            id: entry.id.0,
            by: self.hand_of_hostile(),
            record: entry.id.0,
            kind: REVERSAL,
            saw: BTreeSet::new(),
            clock_day: self.today(),
            deeds,
        });
        // Its log may never have reached the hub before this entry: nobody has to hold it.
        self.may_be_gone.insert(entry.id.0);
        entries.push(entry);
        self.send(log, entries)
    }

    /// A worker's change of somebody else's record: refused by its role, unless accepted.
    fn hostile_change(&mut self, at: i64, victim: EntryId) -> Result<(), Failure> {
        let deeds = vec![Deed::Put("outcome".to_owned(), Answer::Word("died".to_owned()))];
        let operations = deeds.iter().map(|deed| operation(REVERSAL, deed)).collect();
        let payload = self.hostile.payload(at, vec![victim], operations);
        let (log, tip, mut entries) = self.hostile.tip(self.hostile.certificate);
        let entry = Entry::new(log, Some(tip), REVERSAL, Some(victim.record()), payload);
        self.done.intents.push(Intent {
            id: entry.id.0,
            by: self.hand_of_hostile(),
            record: victim.0,
            kind: REVERSAL,
            saw: BTreeSet::from([victim.0]),
            clock_day: self.today(),
            deeds,
        });
        self.may_be_gone.insert(entry.id.0);
        entries.push(entry);
        self.send(log, entries)
    }

    fn hostile_entry(
        &mut self,
        certificate: EntryId,
        of_kind: u8,
        record: Option<RecordId>,
        payload: Vec<u8>,
    ) -> Result<(), Failure> {
        let (log, tip, mut entries) = self.hostile.tip(certificate);
        let entry = Entry::new(log, Some(tip), of_kind, record, payload);
        self.hostile.others.insert(entry.id.0);
        entries.push(entry);
        match certificate == self.hostile.certificate {
            true => self.send(log, entries),
            false => self.send_run(&entries),
        }
    }

    /// Entries under the log of an honest device, sealed with the wrong key.
    fn forged(&mut self, at: i64) -> Result<(), Failure> {
        let own_key = self.hostile.key();
        let hub = self.hub();
        let honest = hub.chains().of_team(TEAMS[0]).find(|(_, info)| info.key != own_key);
        let Some((log, tip)) = honest.and_then(|(log, info)| Some((*log, *info.tips().first()?)))
        else {
            return Ok(());
        };
        let operations = creation().iter().map(|deed| operation(REVERSAL, deed)).collect();
        let payload = self.hostile.payload(at, Vec::new(), operations);
        let entry = Entry::new(log, Some(tip), REVERSAL, None, payload);
        self.hostile.others.insert(entry.id.0);
        self.send_run(&[entry])
    }

    fn send(&mut self, log: LogId, entries: Vec<Entry>) -> Result<(), Failure> {
        let Some(last) = entries.last().cloned() else { return Ok(()) };
        self.hostile.log = Some((log, last.tip(), last));
        self.send_run(&entries)
    }

    fn send_run(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        let Some(last) = entries.last() else { return Ok(()) };
        let seal = seal(&self.hostile.key, last.header.log, last.tip());
        let mut run = Run::of(entries, seal).ok_or_else(|| Failure("an empty run".to_owned()))?;
        if self.hostile.random.random_bool(0.05) {
            // As if its record had been erased.
            for entry in &mut run.entries {
                if let Body::Payload(payload) = &entry.body {
                    entry.body = Body::Erased(*blake3::hash(payload).as_bytes());
                }
            }
        }
        let message = Message { teams: vec![TEAMS[0]], runs: vec![Ok(run)], ..Message::default() };
        let bytes = message.encode();
        self.in_flight.push(Packet { phone: None, device: NOBODY, to_hub: true, bytes });
        Ok(())
    }
}

/// What creates a valid reversal.
fn creation() -> Vec<Deed> {
    let words = [
        ("site", "elsewhere"),
        ("occurred_on", "2018-03-01"),
        ("report_basis", "unknown"),
        ("reporter_role", "unknown"),
        ("place", "unknown"),
        ("ems_called", "unknown"),
        ("outcome", "died"),
        ("none_given_reason", "unknown"),
    ];
    let puts = words
        .into_iter()
        .map(|(field, code)| Deed::Put(field.to_owned(), Answer::Word(code.to_owned())));
    puts.chain([Deed::Put("utc_offset_min".to_owned(), Answer::Number(0))]).collect()
}
