//! A programme with a root, a coordinator, workers and a hub store, for tests.

use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::{Role, SigningKey};
use kitbag_core::log::entry::Entry;
use kitbag_core::log::run::Run;
use kitbag_core::model::{DeviceKey, EntryId, Kind, Operation, TeamId, UnixMillis};
use kitbag_core::store::{Settling, Store, StoreKey};
use kitbag_core::sync::{self, Agreement, Message, Session};
use kitbag_core::totals::Query;

pub const TEAM: TeamId = TeamId([5; 16]);

pub struct Programme {
    pub folder: tempfile::TempDir,
    pub root: Engine,
    pub coordinator: Engine,
    pub hub: Store,
    devices: u32,
}

pub fn key() -> StoreKey {
    StoreKey::new([9; 32])
}

impl Programme {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        // Who certifies knows the hub's time.
        let at_now = || Environment { now: Box::new(|| NOW), ..Environment::system() };
        let mut root = Engine::found(&at("root"), &key(), at_now()).unwrap();
        let mut coordinator =
            Engine::device(&at("coordinator"), &key(), root.root(), at_now()).unwrap();
        let enrolment = root.certify(coordinator.device_key(), Role::Coordinator, TEAM).unwrap();
        coordinator.join(&enrolment).unwrap();
        let hub =
            Store::open(&at("hub"), &key(), Some(root.root()), None, Settling::Behind).unwrap();
        let mut programme = Programme { folder, root, coordinator, hub, devices: 0 };
        sync_with(&mut programme.root, &mut programme.hub);
        programme
    }

    pub fn worker(&mut self) -> (Engine, EntryId) {
        self.devices += 1;
        let path = self.folder.path().join(format!("device-{}", self.devices));
        let mut engine =
            Engine::device(&path, &key(), self.root.root(), Environment::system()).unwrap();
        let enrolment = self.coordinator.certify(engine.device_key(), Role::Worker, TEAM).unwrap();
        engine.join(&enrolment).unwrap();
        (engine, enrolment.certificate)
    }

    pub fn sync(&mut self, engine: &mut Engine) {
        sync_with(engine, &mut self.hub);
    }

    pub fn sync_coordinator(&mut self) {
        sync_with(&mut self.coordinator, &mut self.hub);
    }

    pub fn sync_root(&mut self) {
        sync_with(&mut self.root, &mut self.hub);
    }

    pub fn settle(&mut self) {
        while self.hub.settle_some().unwrap() {}
    }
}

/// The hub's clock in tests.
pub const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

/// Syncs a device with a hub's store, message by message.
pub fn sync_through(engine: &mut Engine, hub: &mut Store) -> Result<sync::Agreement, EngineError> {
    let device = engine.device_key();
    engine.sync(|request| sync::respond(hub, device, NOW, &request).map_err(EngineError::from))
}

/// A message of the team and the programme that brings these runs.
pub fn message(runs: Vec<Run>) -> Message {
    let runs = runs.into_iter().map(Ok).collect();
    Message { teams: vec![TEAM, TeamId::PROGRAMME], runs, ..Message::default() }
}

/// What a hub would answer so, as it travels.
pub fn as_response(message: Message) -> Vec<u8> {
    Message { now: NOW.0, ..message }.encode()
}

/// Sends a message as this device; why each run that was turned away was.
pub fn send_as(hub: &mut Store, device: DeviceKey, message: &Message) -> Vec<String> {
    let answer = sync::respond(hub, device, NOW, &message.encode()).unwrap();
    Message::decode(&answer).unwrap().turned_away.iter().map(|run| run.reason()).collect()
}

/// The reversals that a store counts.
pub fn counted(store: &Store) -> i64 {
    let totals = store.totals(&Query::default(), UnixMillis(0)).unwrap();
    totals.lines.values().filter_map(|line| line.get("reversals")).sum()
}

/// All that a hub keeps aside of a certificate, page by page.
pub fn aside(hub: &Store, certificate: EntryId) -> Vec<Entry> {
    let mut aside: Vec<Entry> = Vec::new();
    loop {
        let page = hub.kept_aside(certificate, aside.last().map(|last| last.id)).unwrap();
        if page.is_empty() {
            return aside;
        }
        aside.extend(page.iter().flat_map(Run::expand));
    }
}

/// The key of a worker who writes by hand.
pub const HOSTILE: [u8; 32] = [66; 32];
/// A coordinator's key that was stolen.
pub const STOLEN: [u8; 32] = [71; 32];

pub fn device(seed: &[u8; 32]) -> DeviceKey {
    SigningKey::from_seed(seed).device_key()
}

/// Certifies this key as a worker's, and gives the certificate.
pub fn certified(programme: &mut Programme, seed: &[u8; 32]) -> EntryId {
    let enrolment = programme.coordinator.certify(device(seed), Role::Worker, TEAM).unwrap();
    programme.sync_coordinator();
    enrolment.certificate
}

/// Certifies [`STOLEN`] as a coordinator's, and gives the certificate.
pub fn stolen(programme: &mut Programme) -> EntryId {
    let enrolment = programme.root.certify(device(&STOLEN), Role::Coordinator, TEAM).unwrap();
    programme.sync_root();
    programme.sync_coordinator();
    enrolment.certificate
}

/// Syncs a device as its app does; the session, and how it ended.
pub fn synced(engine: &mut Engine, hub: &mut Store) -> (Session, Result<Agreement, EngineError>) {
    let (device, mut session) = (engine.device_key(), engine.session());
    let carried = engine.carry(&mut session, |request, _| {
        sync::respond(hub, device, NOW, &request).map_err(EngineError::from)
    });
    engine.note_sync(&session, None).unwrap();
    (session, carried)
}

/// A record of some 8 KB.
pub fn heavy(phone: &mut Engine, n: i64) {
    let mut operations = reversal("survived").operations().unwrap();
    for m in 0..60_i64 {
        let noise = blake3::hash(&(n * 1_000 + m).to_be_bytes()).to_string();
        let element = [
            ("doses".to_owned(), 1.into()),
            ("route".to_owned(), noise[..40].into()),
            ("source".to_owned(), "unknown".into()),
            ("product".to_owned(), "nasal_4mg".into()),
        ];
        let (list, element) = ("administrations".to_owned(), element.into());
        operations.push(Operation::Append { list, element });
    }
    phone.create(TEAM, Kind::Reversal, operations).unwrap();
}

fn sync_with(engine: &mut Engine, hub: &mut Store) {
    sync_through(engine, hub).unwrap();
}

pub use kitbag_tests::made_up::{administration, reversal, with};
