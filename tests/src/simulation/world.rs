//! The programme: its machines, what is in flight between them, and what its people did.

use super::Failure;
use super::hostile::Hostile;
use super::hub;
use super::oracle::{self, Given, Hand, Intent, Label, Role, Said, Word};
use super::plan::Step;
use super::story;
use crate::disk::{Backup, Disk, Stop};
use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::Role as CertifiedRole;
use kitbag_core::log::entry::kind;
use kitbag_core::model::{DeviceKey, EntryId, LogId, TeamId, UnixMillis};
use kitbag_core::store::{Store, StoreKey};
use kitbag_core::sync::{Session, SyncError};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// 2018-03-01, where the simulation's calendar begins, in days since 1970-01-01.
pub(super) const FIRST_DAY: i64 = 17_591;
pub(super) const MILLIS_PER_HOUR: i64 = 3_600_000;
/// How far phones' clocks are off, in days: 1970, a year, nothing, 2038, 9999.
const CLOCKS_OFF_DAYS: [i64; 8] = [0, 0, 0, -1, -FIRST_DAY, 365, 7_250, 2_900_000];
pub const TEAMS: [TeamId; 2] = [TeamId([1; 16]), TeamId([2; 16])];
pub const HUB: &str = "/hub";
/// Phones by number: the root, two coordinators, four workers. Clones come behind.
pub const ROOT: usize = 0;
pub const COORDINATORS: [usize; 2] = [1, 2];
pub const WORKERS: std::ops::Range<usize> = 3..7;

/// One device of a person.
pub struct Phone {
    pub machine: String,
    pub person: u32,
    engine: Option<Engine>,
    pub session: Option<Session>,
    pub backup: Option<Backup>,
    now: Arc<AtomicI64>,
    pub(super) off_days: i64,
    opened: u64,
}

impl Phone {
    /// A machine without an app yet, whose clock is right.
    pub(super) fn new(machine: String, person: u32) -> Phone {
        let now = Arc::new(AtomicI64::new(FIRST_DAY * 24 * MILLIS_PER_HOUR));
        let (engine, session, backup) = (None, None, None);
        Phone { machine, person, engine, session, backup, now, off_days: 0, opened: 0 }
    }

    /// Puts its app on it.
    pub(super) fn put(&mut self, engine: Engine) {
        self.engine = Some(engine);
    }
}

/// How many people a world begins with.
pub const PEOPLE: u64 = 7;

/// A message in flight.
#[derive(Clone)]
pub struct Packet {
    /// The phone that it comes from or goes to; `None` for a hostile one.
    pub phone: Option<usize>,
    /// Whose connection it travels on.
    pub device: DeviceKey,
    pub to_hub: bool,
    pub bytes: Vec<u8>,
}

/// What a person did when the machine stopped: it may be saved or not.
pub enum Pending {
    Intent(Intent),
    Said(Said),
}

/// What one certificate says.
#[derive(Clone, Copy)]
pub struct Certified {
    pub label: Label,
    pub person: u32,
    pub team: usize,
}

/// All of it.
pub struct World {
    pub phones: Vec<Phone>,
    pub hub: Option<Store>,
    pub hub_backup: Option<Backup>,
    pub in_flight: Vec<Packet>,
    pub done: oracle::World,
    /// Intents and words that may be gone with a phone, so that nobody has to hold them.
    pub may_be_gone: BTreeSet<Label>,
    /// The indicators that anything was counted of, in the end.
    pub indicators_seen: BTreeSet<String>,
    pub certificates: Vec<Certified>,
    pub hands: BTreeMap<Label, (u32, Role)>,
    pub hostile: Hostile,
    /// A coordinator's key that was stolen.
    pub rogue: Hostile,
    /// Whom that certifies, once it does.
    pub sybil: Hostile,
    /// Who may look at totals, and writes all the same.
    pub observer: Hostile,
    /// What is left of each author's budget of new logs and branches at the hub.
    pub branches_left: BTreeMap<DeviceKey, u32>,
    /// Tips that it says it keeps, signed and never written: by revocation, the log and the position.
    pub made_up: Vec<(Label, LogId, u64)>,
    /// Whether anything was put back to an older copy.
    pub was_put_back: bool,
    pub(super) armed: BTreeMap<String, Stop>,
    pub(super) seed: u64,
    /// Most worlds have pages so small that every sync needs several.
    pub(super) page_entries_max: u64,
    pub(super) hours: i64,
    trace: blake3::Hasher,
}

pub(super) fn key() -> StoreKey {
    StoreKey::new([9; 32])
}

pub(super) fn path(machine: &str) -> String {
    format!("{machine}/store.db")
}

impl World {
    pub fn new(seed: u64) -> Result<Self, Failure> {
        Disk::reset(seed);
        let mut world = World {
            phones: Vec::new(),
            hub: None,
            hub_backup: None,
            in_flight: Vec::new(),
            done: oracle::World::default(),
            may_be_gone: BTreeSet::new(),
            indicators_seen: BTreeSet::new(),
            certificates: Vec::new(),
            hands: BTreeMap::new(),
            was_put_back: false,
            hostile: Hostile::new(seed, Hostile::PERSON, Role::Worker),
            rogue: Hostile::new(seed, Hostile::ROGUE, Role::Coordinator),
            sybil: Hostile::new(seed, Hostile::SYBIL, Role::Worker),
            observer: Hostile::new(seed, Hostile::OBSERVER, Role::Worker),
            branches_left: BTreeMap::new(),
            made_up: Vec::new(),
            armed: BTreeMap::new(),
            seed,
            page_entries_max: [1, 2, 3, 5, 2_000][(seed % 5) as usize],
            hours: 0,
            trace: blake3::Hasher::new(),
        };
        world.found()?;
        Ok(world)
    }

    fn found(&mut self) -> Result<(), Failure> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed ^ 0xc10c);
        for person in 0..PEOPLE as u32 {
            let off = CLOCKS_OFF_DAYS[random.random_range(0..CLOCKS_OFF_DAYS.len())];
            let phone = Phone::new(format!("/phone-{person}"), person);
            self.phones.push(Phone { off_days: if person == 0 { 0 } else { off }, ..phone });
        }
        self.tick();
        let environment = self.environment(ROOT);
        let path_of = |world: &World, at: usize| path(&world.phones[at].machine);
        let root = Engine::found(Path::new(&path_of(self, ROOT)), &key(), environment)?;
        let root_key = root.root();
        self.phones[ROOT].engine = Some(root);
        for at in COORDINATORS.into_iter().chain(WORKERS) {
            let environment = self.environment(at);
            let path = path_of(self, at);
            let engine = Engine::device(Path::new(&path), &key(), root_key, environment)?;
            self.phones[at].engine = Some(engine);
        }
        self.hub = Some(hub::open(Some(root_key))?);
        let entries = self.page_entries_max;
        self.hub().limit_pages(entries);
        for at in 0..self.phones.len() {
            self.engine(at).limit_pages(entries);
        }
        for (coordinator, team) in [(1, 0), (1, 1), (2, 0)] {
            self.enrol(ROOT, coordinator, team)?;
        }
        for (by, worker, team) in [(1, 3, 0), (2, 4, 0), (1, 5, 0), (1, 5, 1), (1, 6, 1)] {
            self.enrol(by, worker, team)?;
        }
        let hostile = self.hostile.key();
        let label = self.certify(1, hostile, Hostile::PERSON, 0)?.certificate.0;
        self.hostile.certificate = EntryId(label);
        let rogue = self.rogue.key();
        let label = self.certify(ROOT, rogue, Hostile::ROGUE, 0)?.certificate.0;
        self.rogue.certificate = EntryId(label);
        self.enrol_observer()
    }

    fn enrol(&mut self, by: usize, who: usize, team: usize) -> Result<(), Failure> {
        let key = self.engine(who).device_key();
        let person = self.phones[who].person;
        let enrolment = self.certify(by, key, person, team)?;
        Ok(self.engine(who).join(&enrolment)?)
    }

    /// Certifies a key and notes it; not under a fault.
    pub fn certify(
        &mut self,
        by: usize,
        key: DeviceKey,
        person: u32,
        team: usize,
    ) -> Result<kitbag_core::engine::Enrolment, Failure> {
        let (role, hand) = match by {
            ROOT => (CertifiedRole::Coordinator, None),
            _ => (CertifiedRole::Worker, Some(self.hand(by, team)?)),
        };
        let enrolment = self.engine(by).certify(key, role, TEAMS[team])?;
        let id = enrolment.certificate.0;
        // Who has a certificate of this role in this team is given none anew.
        if self.hands.contains_key(&id) {
            return Ok(enrolment);
        }
        let role_number = if by == ROOT { 2 } else { 1 };
        let given = Given { role: role_number, team: team as u32, continues: None };
        self.done.said.push(Said { id, by: hand, word: Word::Certify(given) });
        let role = if by == ROOT { Role::Coordinator } else { Role::Worker };
        self.hands.insert(id, (person, role));
        self.certificates.push(Certified { label: id, person, team });
        Ok(enrolment)
    }

    /// Who writes on this phone in this team: by the certificate that its store holds.
    pub fn hand(&mut self, at: usize, team: usize) -> Result<Hand, Failure> {
        let memberships = self.engine(at).store().memberships()?;
        let certificate = memberships.iter().find(|(of, _)| *of == TEAMS[team]);
        let certificate = certificate.map(|(_, certificate)| certificate.0);
        let certificate = certificate.ok_or_else(|| Failure("no member".to_owned()))?;
        let (person, role) = self.hands[&certificate];
        Ok(Hand { person, team: team as u32, role, certificate })
    }

    /// Whether this phone is in this team.
    pub fn is_member(&mut self, at: usize, team: usize) -> Result<bool, Failure> {
        let memberships = self.engine(at).store().memberships()?;
        Ok(memberships.iter().any(|(of, _)| *of == TEAMS[team]))
    }

    pub fn engine(&mut self, at: usize) -> &mut Engine {
        self.phones[at].engine.as_mut().expect("every app is open between steps")
    }

    pub fn hub(&mut self) -> &mut Store {
        self.hub.as_mut().expect("the hub runs between steps")
    }

    /// Whether a sync carries all at once.
    pub fn pages_are_large(&self) -> bool {
        self.page_entries_max >= 2_000
    }

    pub fn today(&self) -> i64 {
        FIRST_DAY + self.hours / 24
    }

    fn tick(&mut self) {
        self.hours += 3;
        if self.hours % 24 == 0 {
            self.branches_left.clear();
        }
        for phone in &self.phones {
            let millis = (FIRST_DAY + phone.off_days) * 24 * MILLIS_PER_HOUR;
            phone.now.store(millis + self.hours * MILLIS_PER_HOUR, Ordering::SeqCst);
        }
    }

    pub(super) fn environment(&mut self, at: usize) -> Environment {
        let phone = &mut self.phones[at];
        phone.opened += 1;
        let now = Arc::clone(&phone.now);
        let mut random =
            ChaCha8Rng::seed_from_u64(self.seed ^ ((at as u64) << 32) ^ (phone.opened << 48));
        Environment {
            now: Box::new(move || UnixMillis(now.load(Ordering::SeqCst))),
            random: Box::new(move |buffer| random.fill_bytes(buffer)),
            ..Environment::system()
        }
    }

    /// Closes the app; the machine may stop while it does.
    pub fn close(&mut self, at: usize) {
        self.phones[at].engine = None;
        self.phones[at].session = None;
        let machine = self.phones[at].machine.clone();
        self.start_if_stopped(&machine);
    }

    pub(super) fn start_if_stopped(&mut self, machine: &str) {
        let stop = self.armed.remove(machine);
        Disk::with(|disk| match (stop, disk.is_stopped(machine)) {
            (Some(stop), true) => disk.start(machine, stop),
            (_, true) => disk.start(machine, Stop::Killed),
            (_, false) => disk.go_on(machine),
        });
    }

    /// Opens the app: after any stop the store must open.
    pub fn open(&mut self, at: usize) -> Result<(), Failure> {
        let environment = self.environment(at);
        let path = path(&self.phones[at].machine);
        let engine = Engine::open(Path::new(&path), &key(), environment)
            .map_err(|error| Failure(format!("phone {at} does not open: {error}")))?;
        self.phones[at].engine = Some(engine);
        let entries = self.page_entries_max;
        self.engine(at).limit_pages(entries);
        Ok(())
    }

    /// A second phone of the same person, from a copy of the first.
    pub fn clone_phone(&mut self, at: usize) -> Result<(), Failure> {
        self.close(at);
        let machine = format!("/phone-{}", self.phones.len());
        Disk::with(|disk| {
            let copy = disk.back_up(&self.phones[at].machine);
            disk.restore(&machine, &copy);
        });
        let clone = Phone::new(machine, self.phones[at].person);
        self.phones.push(Phone { off_days: self.phones[at].off_days, ..clone });
        self.open(at)?;
        self.open(self.phones.len() - 1)
    }

    /// Stops a machine before, in or after its next change.
    pub fn arm(&mut self, machine: &str, changes: u64, stop: Stop) {
        Disk::with(|disk| disk.stop_after(machine, changes));
        self.armed.insert(machine.to_owned(), stop);
    }

    /// Plays one step.
    pub fn step(&mut self, step: Step, random: u64) -> Result<(), Failure> {
        self.tick();
        self.note_digest(format!("{step:?}\n").as_bytes());
        let mut random = ChaCha8Rng::seed_from_u64(random);
        self.act(step, &mut random)
            .map_err(|Failure(reason)| Failure(format!("{step:?}: {reason}")))
    }

    /// Looks at what a call on a phone gave: a stop is recovered from, another error is a failure.
    pub fn after_phone<T>(
        &mut self,
        at: usize,
        result: Result<T, EngineError>,
    ) -> Result<Option<T>, Failure> {
        let machine = self.phones[at].machine.clone();
        let was_armed = self.armed.remove(&machine);
        let mut stopped = Disk::with(|disk| disk.is_stopped(&machine));
        if was_armed.is_some() && !stopped {
            Disk::with(|disk| disk.stop(&machine));
            stopped = true;
        }
        let value = match result {
            Ok(value) => Some(value),
            Err(EngineError::Sync(SyncError::Stuck { .. } | SyncError::Message(_))) => None,
            Err(_) if stopped => None,
            Err(error) => return Err(Failure(format!("phone {at}: {error} ({error:?})"))),
        };
        if stopped {
            self.armed.insert(machine, was_armed.unwrap_or(Stop::Killed));
            self.close(at);
            self.open(at)?;
            self.note("stopped");
        }
        Ok(value)
    }

    /// What was being saved on a phone is there whole or not at all, and is there if it was
    /// acknowledged.
    pub fn after_save<T>(
        &mut self,
        at: usize,
        pending: Pending,
        result: Result<T, EngineError>,
    ) -> Result<(), Failure> {
        let acknowledged = self.after_phone(at, result)?.is_some();
        let known = self.known();
        let new: Vec<Label> = self
            .engine(at)
            .store()
            .entries()?
            .into_iter()
            .filter(|entry| ![kind::OPEN, kind::TEAM_KEY].contains(&entry.kind))
            .filter(|entry| !known.contains(&entry.id.0))
            .map(|entry| entry.id.0)
            .collect();
        match (new.as_slice(), pending) {
            ([], _) if acknowledged => {
                return Err(Failure("LOST: acknowledged, and not there".to_owned()));
            }
            ([], _) => self.note("was not saved"),
            ([id], Pending::Intent(intent)) => {
                // An intent that creates does not know its label before it is saved.
                let record = if intent.record == intent.id { *id } else { intent.record };
                self.done.intents.push(Intent { id: *id, record, ..intent });
                self.note("was saved");
            }
            ([id], Pending::Said(said)) => {
                self.done.said.push(Said { id: *id, ..said });
                self.note("was saved");
            }
            _ => return Err(Failure("one save left several entries".to_owned())),
        }
        Ok(())
    }

    /// All entries that somebody meant to be, but for the opening ones.
    pub fn known(&self) -> BTreeSet<Label> {
        let intents = self.done.intents.iter().map(|intent| intent.id);
        let said = self.done.said.iter().map(|said| said.id);
        let hostile = [&self.hostile, &self.rogue, &self.sybil, &self.observer];
        let others = hostile.into_iter().flat_map(|hostile| &hostile.others).copied();
        intents.chain(said).chain(others).collect()
    }

    /// After something was put back to an older copy: what nobody holds any more may be gone.
    pub fn note_what_may_be_gone(&mut self) -> Result<(), Failure> {
        self.was_put_back = true;
        let mut held: BTreeSet<Label> =
            self.hub().entries()?.into_iter().map(|entry| entry.id.0).collect();
        for at in 0..self.phones.len() {
            let entries = self.engine(at).store().entries()?;
            held.extend(entries.into_iter().map(|entry| entry.id.0));
        }
        let gone: Vec<Label> = self.known().into_iter().filter(|id| !held.contains(id)).collect();
        self.may_be_gone.extend(gone);
        Ok(())
    }

    pub fn note(&mut self, what: &str) {
        self.trace.update(what.as_bytes()).update(b"\n");
        story::became(what);
    }

    pub fn note_digest(&mut self, digest: &[u8]) {
        self.trace.update(digest);
    }

    pub fn trace_digest(&self) -> [u8; 32] {
        *self.trace.finalize().as_bytes()
    }

    /// No machine stops any more.
    pub fn disarm(&mut self) {
        for machine in std::mem::take(&mut self.armed).into_keys() {
            Disk::with(|disk| disk.go_on(&machine));
        }
    }
}
