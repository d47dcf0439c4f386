//! Devices with a certificate that write what no honest one does, straight to the hub or to a colleague's
//! phone: a worker's, and a coordinator's whose key was stolen.

use super::Failure;
use super::forms;
use super::oracle::{Answer, Deed, Hand, Intent, Label, Role};
use super::people::operation;
use super::world::{Packet, TEAMS, World};
use kitbag_core::identity::SigningKey;
use kitbag_core::log::entry::{Entry, Tip, kind, sign};
use kitbag_core::log::payload::{Open, RecordPayload};
use kitbag_core::log::run::{Body, Run};
use kitbag_core::model::{
    DeviceKey, ElementName, EntryId, LogId, Operation, RecordId, UnixMillis, Value,
};
use kitbag_core::sync::{self, Message, SyncError};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// A key without a certificate.
const NOBODY: DeviceKey = DeviceKey([66; 32]);

const DISTRIBUTION: u8 = 16;
pub(super) const REVERSAL: u8 = 17;
const REFERRAL: u8 = 18;
const STOCK_MOVEMENT: u8 = 19;

/// What a hostile device keeps between its acts.
pub struct Hostile {
    pub(super) key: SigningKey,
    person: u32,
    role: Role,
    pub(super) random: ChaCha8Rng,
    pub certificate: EntryId,
    /// Its log, from its `open`, along one path.
    pub(super) path: Vec<Entry>,
    /// All that it ever wrote, on other paths, too: log, position and entry.
    pub(super) written: Vec<(LogId, u64, Label)>,
    /// Where on that path its log ended: nothing from there on counts.
    end: Option<usize>,
    /// Its records, by the last change of each.
    pub(super) own: Vec<(u8, EntryId)>,
    /// What it sent, to be sent again.
    sent: Vec<Vec<u8>>,
    /// Whether it said that it holds what nobody ever saw.
    pub has_claimed: bool,
    /// Entries that it wrote and that never count, so that nobody takes them for somebody's intent.
    pub others: BTreeSet<Label>,
}

impl Hostile {
    /// People from here on are hostile.
    pub const PERSON: u32 = 100;
    pub const ROGUE: u32 = 101;
    /// Whom the rogue certifies.
    pub const SYBIL: u32 = 102;
    pub const OBSERVER: u32 = 103;

    pub fn new(seed: u64, person: u32, role: Role) -> Self {
        Hostile {
            key: SigningKey::from_seed(&[person as u8; 32]),
            person,
            role,
            random: ChaCha8Rng::seed_from_u64(seed ^ 0xbad ^ u64::from(person) << 32),
            certificate: EntryId::NONE,
            path: Vec::new(),
            written: Vec::new(),
            end: None,
            own: Vec::new(),
            sent: Vec::new(),
            has_claimed: false,
            others: BTreeSet::new(),
        }
    }

    pub fn key(&self) -> DeviceKey {
        self.key.device_key()
    }

    fn open(&mut self, certificate: EntryId) -> Entry {
        let open =
            Open { key: self.key(), team: TEAMS[0], random: self.random.random(), certificate };
        let how = (kind::OPEN, kind::ADMINISTRATION_SCHEMA);
        let entry = Entry::new(open.log(), None, how, None, open.encode());
        self.others.insert(entry.id.0);
        entry
    }

    /// Whether nothing counts any more that it writes on its path.
    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Its log ends with the last entry of its path, where it did not before.
    pub(super) fn note_end(&mut self) {
        self.end.get_or_insert(self.path.len().saturating_sub(1));
    }

    pub(super) fn begin(&mut self) {
        self.end = None;
        self.path = vec![self.open(self.certificate)];
    }

    /// Its next entry, on the path.
    pub(super) fn append(
        &mut self,
        of: (u8, u16),
        record: Option<RecordId>,
        payload: Vec<u8>,
    ) -> Entry {
        if self.path.is_empty() || (self.end.is_some() && self.random.random_bool(0.5)) {
            self.begin();
        }
        let before = self.path.last().map(|last| (last.header.log, last.tip()));
        let (log, tip) = before.unwrap_or((LogId([0; 16]), Tip { position: 0, id: EntryId::NONE }));
        let entry = Entry::new(log, Some(tip), of, record, payload);
        self.written.push((log, entry.header.position, entry.id.0));
        self.path.push(entry.clone());
        entry
    }

    pub(super) fn payload(
        &mut self,
        at: i64,
        after: Vec<EntryId>,
        operations: Vec<Operation>,
    ) -> Vec<u8> {
        let salt = self.random.random();
        RecordPayload { salt, at: UnixMillis(at), after, operations }.encode()
    }
}

impl World {
    /// One act of the worker, or of another one whom a stolen coordinator's key certified.
    pub(super) fn hostile_act(&mut self, dice: &mut ChaCha8Rng) -> Result<(), Failure> {
        let of_sybil = self.sybil.certificate != EntryId::NONE && dice.random_bool(0.3);
        if of_sybil {
            std::mem::swap(&mut self.hostile, &mut self.sybil);
        }
        let done = self.hostile_step(of_sybil, dice);
        if of_sybil {
            std::mem::swap(&mut self.hostile, &mut self.sybil);
        }
        done
    }

    fn hostile_step(&mut self, of_sybil: bool, dice: &mut ChaCha8Rng) -> Result<(), Failure> {
        let records: Vec<&Intent> = self
            .done
            .intents
            .iter()
            .filter(|intent| intent.id == intent.record && intent.by.team == 0)
            .collect();
        let victim = records.choose(dice).map(|intent| (EntryId(intent.id), intent.kind));
        let referrals: Vec<&&Intent> =
            records.iter().filter(|intent| intent.kind == REFERRAL).collect();
        let referral = referrals.choose(dice).map(|intent| EntryId(intent.id));
        match dice.random_range(0..22) {
            0 => self.hostile_creation(REVERSAL, Vec::new()).map(drop),
            1 => self.fork(dice),
            2 => self.hostile_change(victim),
            3 => self.broken(victim, dice),
            4 => self.under_another_certificate(dice),
            5 => self.forged(),
            6 | 7 => self.link(victim, dice),
            8 => self.foreign_stock(dice),
            9 | 10 => self.dead_after(),
            11 => self.event_on(referral, dice),
            12 => self.end_its_log(dice),
            13 => self.flood(dice),
            14 | 15 => self.claim(dice),
            16..=18 if !of_sybil => self.rogue_act(victim, dice),
            19 => self.sign_over(dice),
            20 if !of_sybil => self.observer_act(dice),
            _ => {
                let mut bytes = vec![1, 1];
                bytes.extend((0..dice.random_range(0..200)).map(|_| dice.random::<u8>()));
                self.fly(bytes);
                Ok(())
            }
        }
    }

    /// Everything that hostile devices ever sent, once more, straight to the hub.
    pub(super) fn hostile_all_again(&mut self) -> Result<(), Failure> {
        let all = [&self.rogue, &self.hostile, &self.sybil, &self.observer];
        for (key, sent) in all.map(|hostile| (hostile.key(), hostile.sent.clone())) {
            for bytes in sent {
                let now = self.hub_now();
                match sync::respond(self.hub(), key, now, &bytes) {
                    Ok(_) | Err(SyncError::Message(_)) => {}
                    Err(error) => return Err(Failure(format!("the hub: {error}"))),
                }
            }
        }
        Ok(())
    }

    pub(super) fn at(&self) -> i64 {
        self.today() * 86_400_000
    }

    pub(super) fn fly(&mut self, bytes: Vec<u8>) {
        // Under its own key, or that of a stranger.
        let stranger = self.hostile.random.random_bool(0.2);
        let device = if stranger { NOBODY } else { self.hostile.key() };
        self.hostile.sent.push(bytes.clone());
        self.in_flight.push(Packet { phone: None, device, to_hub: true, bytes });
    }

    pub(super) fn hostile_hand(&self) -> Hand {
        let Hostile { person, role, certificate, .. } = self.hostile;
        Hand { person, team: 0, role, certificate: certificate.0 }
    }

    /// Notes what the oracle is to know of an entry: on a path that ended it counts nowhere.
    pub(super) fn note_hostile(
        &mut self,
        entry: &Entry,
        (of_kind, record): (u8, Option<EntryId>),
        after: &[EntryId],
        deeds: Vec<Deed>,
    ) {
        if self.hostile.has_ended() {
            self.hostile.others.insert(entry.id.0);
            return;
        }
        self.note_kept(entry);
        let by = self.hostile_hand();
        self.done.intents.push(Intent {
            id: entry.id.0,
            by,
            record: record.unwrap_or(entry.id).0,
            kind: of_kind,
            after: after.iter().map(|id| id.0).collect(),
            deeds,
        });
        // It may never have reached the hub: nobody has to hold it.
        self.may_be_gone.insert(entry.id.0);
    }

    /// A creation that counts, with these answers beside the usual ones.
    pub(super) fn hostile_creation(
        &mut self,
        of_kind: u8,
        more: Vec<(&str, Answer)>,
    ) -> Result<EntryId, Failure> {
        let mut deeds = creation(of_kind, &mut self.hostile.random);
        for (field, answer) in more {
            deeds.retain(|deed| !matches!(deed, Deed::Put(name, _) if name == field));
            deeds.push(Deed::Put(field.to_owned(), answer));
        }
        let operations = deeds.iter().map(|deed| operation(of_kind, deed)).collect();
        let payload = self.hostile.payload(self.at(), Vec::new(), operations);
        let entry = self.hostile.append((of_kind, 1), None, payload);
        self.note_hostile(&entry, (of_kind, None), &[], deeds);
        if !self.hostile.has_ended() {
            self.hostile.own.push((of_kind, entry.id));
        }
        self.send_path()?;
        Ok(entry.id)
    }

    /// A change, naming what it likes as seen.
    pub(super) fn hostile_deeds(
        &mut self,
        (record, of_kind): (EntryId, u8),
        after: Vec<EntryId>,
        deeds: Vec<Deed>,
    ) -> Result<(), Failure> {
        let operations = deeds.iter().map(|deed| operation(of_kind, deed)).collect();
        let payload = self.hostile.payload(self.at(), after.clone(), operations);
        let entry = self.hostile.append((of_kind, 1), Some(record.record()), payload);
        self.note_hostile(&entry, (of_kind, Some(record)), &after, deeds);
        self.send_path()
    }

    /// A second entry at the position of an earlier one; where the log ended, on a branch that did not.
    pub(super) fn fork(&mut self, dice: &mut ChaCha8Rng) -> Result<(), Failure> {
        let stands = self.hostile.end.map_or(self.hostile.path.len(), |end| end + 1);
        if stands > 1 {
            let keep = dice.random_range(1..stands);
            self.hostile.path.truncate(keep);
            self.hostile.end = None;
            self.hostile.own.clear();
        }
        self.hostile_creation(REVERSAL, Vec::new()).map(drop)
    }

    /// A worker's change of somebody else's record: refused by its role, unless accepted.
    fn hostile_change(&mut self, victim: Option<(EntryId, u8)>) -> Result<(), Failure> {
        let Some(victim) = victim else { return Ok(()) };
        let deeds = vec![Deed::Put("void".to_owned(), Answer::Word("test".to_owned()))];
        self.hostile_deeds(victim, vec![victim.0], deeds)
    }

    /// What breaks a rule of the dictionary: refused alone, and what follows counts.
    fn broken(
        &mut self,
        victim: Option<(EntryId, u8)>,
        dice: &mut ChaCha8Rng,
    ) -> Result<(), Failure> {
        let own = self.hostile.certificate;
        let of_victim = victim.map(|(id, _)| id.record());
        let (record, after, operations) = match dice.random_range(0..4) {
            3 => {
                // What only a newer version knows waits, and keeps nothing behind it from counting.
                let of = [(REVERSAL, 999), (200, 1)].choose(dice).copied().unwrap_or((200, 1));
                let noise = self.hostile.random.random::<[u8; 8]>().to_vec();
                let entry = self.hostile.append(of, None, noise);
                self.hostile.others.insert(entry.id.0);
                return self.send_path();
            }
            0 => (None, Vec::new(), vec![Operation::put("site", "x")]),
            1 => {
                let element = ElementName { entry: own, index: 3 };
                let list = "administrations".to_owned();
                let (field, value) = ("doses".to_owned(), Value::Int(1));
                let after = victim.map(|(id, _)| id).into_iter().collect();
                (of_victim, after, vec![Operation::PutIn { list, element, field, value }])
            }
            _ => {
                // What is no entry of the record stands for nothing.
                let Some(victim) = victim else { return Ok(()) };
                let deed = Deed::Put("void".to_owned(), Answer::Word("test".to_owned()));
                return self.hostile_deeds(victim, vec![own], vec![deed]);
            }
        };
        let payload = self.hostile.payload(self.at(), after, operations);
        let entry = self.hostile.append((REVERSAL, 1), record, payload);
        self.hostile.others.insert(entry.id.0);
        self.send_path()
    }

    /// Under the certificate of another device.
    fn under_another_certificate(&mut self, dice: &mut ChaCha8Rng) -> Result<(), Failure> {
        let own = self.hostile.certificate;
        let other = self.certificates.choose(dice).map(|certified| EntryId(certified.label));
        let Some(other) = other.filter(|other| *other != own) else { return Ok(()) };
        let open = self.hostile.open(other);
        let deeds = creation(REVERSAL, &mut self.hostile.random);
        let operations = deeds.iter().map(|deed| operation(REVERSAL, deed)).collect();
        let payload = self.hostile.payload(self.at(), Vec::new(), operations);
        let entry = Entry::new(open.header.log, Some(open.tip()), (REVERSAL, 1), None, payload);
        self.hostile.others.insert(entry.id.0);
        self.send_run(&[open, entry])
    }

    /// Entries under the log of an honest device, signed with the wrong key.
    fn forged(&mut self) -> Result<(), Failure> {
        let own_key = self.hostile.key();
        let hub = self.hub();
        let honest = hub.chains().of_team(TEAMS[0]).find(|(_, info)| info.key != own_key);
        let log = honest.map(|(log, _)| *log);
        let Some((log, tip)) = log.and_then(|log| Some((log, *hub.tips(&log).first()?))) else {
            return Ok(());
        };
        let deeds = creation(REVERSAL, &mut self.hostile.random);
        let operations = deeds.iter().map(|deed| operation(REVERSAL, deed)).collect();
        let payload = self.hostile.payload(self.at(), Vec::new(), operations);
        let entry = Entry::new(log, Some(tip), (REVERSAL, 1), None, payload);
        self.hostile.others.insert(entry.id.0);
        self.send_run(&[entry])
    }

    /// Says of its own record that it is a colleague's, or in several of them apart, as a bridge; void or
    /// not. It takes no colleague's record out.
    fn link(
        &mut self,
        victim: Option<(EntryId, u8)>,
        dice: &mut ChaCha8Rng,
    ) -> Result<(), Failure> {
        let Some((victim, of_kind)) = victim.filter(|(_, kind)| creatable(*kind)) else {
            return Ok(());
        };
        let named = |id: EntryId| Answer::Word(id.record().to_string());
        let own = self.hostile_creation(of_kind, vec![("duplicate_of", named(victim))])?;
        let of_kind_too: Vec<Label> = self
            .done
            .intents
            .iter()
            .filter(|intent| intent.id == intent.record && intent.kind == of_kind)
            .map(|intent| intent.id)
            .collect();
        for _ in 0..dice.random_range(0..4) {
            let Some(other) = of_kind_too.choose(dice) else { break };
            let deed = Deed::Put("duplicate_of".to_owned(), named(EntryId(*other)));
            self.hostile_deeds((own, of_kind), vec![own], vec![deed])?;
        }
        if dice.random_bool(0.3) {
            let deed = Deed::Put("void".to_owned(), Answer::Word("test".to_owned()));
            self.hostile_deeds((own, of_kind), vec![own], vec![deed])?;
        }
        Ok(())
    }

    /// Takes stock from a colleague's own bag, or from its own.
    fn foreign_stock(&mut self, dice: &mut ChaCha8Rng) -> Result<(), Failure> {
        let at = dice.random_range(0..self.phones.len());
        let whose =
            if dice.random_bool(0.7) { self.engine(at).device_key() } else { self.hostile.key() };
        let holder = Answer::Word(format!("device:{whose}"));
        if dice.random_bool(0.5) {
            self.hostile_creation(DISTRIBUTION, vec![("taken_from", holder)]).map(drop)
        } else {
            let movement = ("movement", Answer::Word("return".to_owned()));
            self.hostile_creation(STOCK_MOVEMENT, vec![movement, ("from", holder)]).map(drop)
        }
    }

    /// A lawful event on a colleague's referral, in a log that goes to one phone alone.
    fn event_on(
        &mut self,
        referral: Option<EntryId>,
        dice: &mut ChaCha8Rng,
    ) -> Result<(), Failure> {
        let Some(referral) = referral else { return Ok(()) };
        let day = self.today();
        let day = kitbag_core::model::CivilDate::from_epoch_day(day).map(|day| day.to_string());
        let days = vec![Answer::Word(day.unwrap_or_default())];
        let event = forms::element(REFERRAL, &days, dice);
        let operations = vec![operation(REFERRAL, &event)];
        let payload = self.hostile.payload(self.at(), vec![referral], operations);
        self.hostile.begin();
        let entry = self.hostile.append((REFERRAL, 1), Some(referral.record()), payload);
        self.note_hostile(&entry, (REFERRAL, Some(referral)), &[referral], vec![event]);
        let Some(bytes) = self.path_as_message()? else { return Ok(()) };
        let at = dice.random_range(1..self.phones.len());
        // As a hostile hub would hand it on.
        let mut session = self.engine(at).session();
        self.engine(at).request(&mut session)?;
        let handed = Message::decode(&bytes).map_err(|reason| Failure(reason.to_string()))?;
        let handed = Message { now: self.hub_now().0, ..handed };
        let taken = self.engine(at).reply(&mut session, &handed.encode());
        self.after_phone(at, taken).map(drop)
    }

    pub(super) fn send_path(&mut self) -> Result<(), Failure> {
        match self.path_as_message()? {
            Some(bytes) => {
                self.fly(bytes);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn path_as_message(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let path = self.hostile.path.clone();
        self.run_as_message(&path)
    }

    fn send_run(&mut self, entries: &[Entry]) -> Result<(), Failure> {
        if let Some(bytes) = self.run_as_message(entries)? {
            self.fly(bytes);
        }
        Ok(())
    }

    fn run_as_message(&mut self, entries: &[Entry]) -> Result<Option<Vec<u8>>, Failure> {
        let Some(last) = entries.last() else { return Ok(None) };
        let signature = sign(&self.hostile.key, last.header.log, last.tip());
        let mut run =
            Run::of(entries, signature).ok_or_else(|| Failure("an empty run".to_owned()))?;
        if self.hostile.random.random_bool(0.05) {
            // As if its record had been erased.
            for entry in &mut run.entries {
                if let Body::Payload(payload) = &entry.body {
                    entry.body = Body::Erased(*blake3::hash(payload).as_bytes());
                }
            }
        }
        let message = Message { teams: vec![TEAMS[0]], runs: vec![Ok(run)], ..Message::default() };
        Ok(Some(message.encode()))
    }
}

/// Kinds of which it can make records.
fn creatable(of_kind: u8) -> bool {
    [DISTRIBUTION, REVERSAL, REFERRAL].contains(&of_kind)
}

/// What creates a valid record.
pub(super) fn creation(of_kind: u8, dice: &mut ChaCha8Rng) -> Vec<Deed> {
    let day = Answer::Word("2018-03-01".to_owned());
    let mut deeds = forms::creation(of_kind, std::slice::from_ref(&day), dice);
    let put = |field: &str, answer: Answer| Deed::Put(field.to_owned(), answer);
    deeds.push(put("site", Answer::Word("elsewhere".to_owned())));
    deeds.push(put("occurred_on", day));
    deeds
}
