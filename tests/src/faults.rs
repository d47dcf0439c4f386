//! SQLite's own method on our own work: the k-th operation of the disk fails, for k = 0, 1, 2 …,
//! until the work ends without a fault.
//!
//! After each fault the process goes on and must be able to save; then it is killed, and whatever it
//! acknowledged must be there, with totals of just that.

use crate::disk::{Backup, Disk, Fault, Stop};
use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::Role;
use kitbag_core::model::{Form, RecordId, TeamId, UnixMillis};
use kitbag_core::store::{Settling, Store, StoreKey};
use kitbag_core::sync;
use kitbag_core::totals::Query;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const TEAM: TeamId = TeamId([5; 16]);
const PHONE: &str = "/phone";
const HUB: &str = "/hub";
const MACHINES: [&str; 3] = ["/founder", PHONE, HUB];
/// A work that makes more operations than this has no end.
const OPERATIONS_MAX: u64 = 20_000;

/// What is going on when the disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A phone saves a record.
    Save,
    /// A phone syncs: sends, takes in, notes what is agreed.
    Sync,
    /// A hub takes a page in, and settles it.
    Ingest,
    /// A phone's store is made: schema, key, membership.
    Make,
    /// A store of an older version is opened, and brought up to date.
    Migrate,
    /// The write-ahead log is written back.
    Checkpoint,
    /// A phone's store is closed and opened.
    Reopen,
}

/// All works.
pub const WORKS: [Work; 7] = [
    Work::Save,
    Work::Sync,
    Work::Ingest,
    Work::Make,
    Work::Migrate,
    Work::Checkpoint,
    Work::Reopen,
];
/// All faults.
pub const FAULTS: [Fault; 5] =
    [Fault::ErrorOnce, Fault::ErrorForGood, Fault::Full, Fault::Torn, Fault::PowerLoss];

/// A store that the version before the second schema wrote: a device with six records.
const OF_SCHEMA_1: &[u8] = include_bytes!("../fixtures/store-of-schema-1.db");

/// What became of the points of one work and fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How often the work was done.
    pub points: u64,
    /// How often the fault happened.
    pub injected: u64,
    /// How often all that was acknowledged was there afterwards.
    pub survived: u64,
    /// How often something was not.
    pub lost: u64,
    /// How often nothing could be saved afterwards, or the store did not open.
    pub stuck: u64,
}

impl Tally {
    /// Adds the points of another seed.
    pub fn add(&mut self, other: Tally) {
        self.points += other.points;
        self.injected += other.injected;
        self.survived += other.survived;
        self.lost += other.lost;
        self.stuck += other.stuck;
    }
}

enum End {
    Survived,
    Lost,
    Stuck,
}

/// A world to begin a work from, made once.
pub struct Template {
    work: Work,
    machines: Vec<(&'static str, Backup)>,
    acknowledged: BTreeSet<RecordId>,
    /// A folder of a real disk, where the work is to be done on one.
    folder: Option<PathBuf>,
}

impl Template {
    /// Makes the world that this work begins in, on this thread's disk. With a folder, the work itself
    /// is done on the real disk there: every write, sync and read goes through it.
    pub fn new(work: Work, folder: Option<PathBuf>) -> Result<Self, EngineError> {
        let mut world = match work {
            Work::Make => World::new(1)?,
            Work::Migrate => World::of_schema_1()?,
            _ => World::with_phone(1)?,
        };
        let acknowledged = std::mem::take(&mut world.acknowledged);
        // Stopped as they are, with their logs beside them.
        for machine in MACHINES {
            Disk::with(|disk| disk.stop(machine));
        }
        drop(world);
        let machines =
            MACHINES.iter().map(|machine| (*machine, Disk::with(|disk| disk.back_up(machine))));
        Ok(Template { work, machines: machines.collect(), acknowledged, folder })
    }

    fn world(&self, seed: u64) -> Result<World, EngineError> {
        Disk::reset(seed);
        if let Some(folder) = &self.folder {
            Disk::with(|disk| disk.write_through_to(folder));
        }
        for (machine, backup) in &self.machines {
            Disk::with(|disk| disk.restore(machine, backup));
        }
        let root = match self.work {
            Work::Make => {
                Some(Engine::open(Path::new("/founder/db"), &key(), Environment::system())?)
            }
            _ => None,
        };
        let hub = Store::open(Path::new("/hub/db"), &key(), None, None, Settling::Behind)?;
        let phone = match self.work {
            Work::Make | Work::Migrate => None,
            _ => Some(Engine::open(Path::new("/phone/db"), &key(), Environment::system())?),
        };
        let acknowledged = self.acknowledged.clone();
        let mut world = World { root, phone, hub: Some(hub), acknowledged };
        if matches!(self.work, Work::Checkpoint | Work::Reopen) {
            // Opening wrote the log back: something new to write back.
            world.save()?;
            world.save()?;
        }
        Ok(world)
    }
}

/// Lets the fault happen at each operation of the work in turn, or at every `stride`th, at most `most`
/// times.
pub fn inject(template: &Template, fault: Fault, seed: u64, most: u64, stride: u64) -> Tally {
    let mut tally = Tally::default();
    for operations in (0..OPERATIONS_MAX).step_by(stride as usize).take(most as usize) {
        let (was_faulty, end) = point(template, fault, seed, operations);
        tally.points += 1;
        tally.injected += u64::from(was_faulty);
        match end {
            End::Survived => tally.survived += 1,
            End::Lost => tally.lost += 1,
            End::Stuck => tally.stuck += 1,
        }
        if !was_faulty {
            break;
        }
    }
    tally
}

fn key() -> StoreKey {
    StoreKey::new([9; 32])
}

fn reversal() -> Form {
    crate::made_up::reversal("unknown")
}

/// A phone with some records, in a programme with another phone's at the hub.
struct World {
    root: Option<Engine>,
    phone: Option<Engine>,
    hub: Option<Store>,
    acknowledged: BTreeSet<RecordId>,
}

impl World {
    fn new(seed: u64) -> Result<Self, EngineError> {
        Disk::reset(seed);
        let mut root = Engine::found(Path::new("/founder/db"), &key(), Environment::system())?;
        let hub =
            Store::open(Path::new("/hub/db"), &key(), Some(root.root()), None, Settling::Behind)?;
        let mut other = new_phone("/other/db", &mut root)?;
        let mut acknowledged = BTreeSet::new();
        for _ in 0..5 {
            acknowledged.insert(other.record(TEAM, &reversal())?);
        }
        let mut world = World { root: Some(root), phone: None, hub: Some(hub), acknowledged };
        world.sync(&mut other)?;
        Ok(world)
    }

    fn with_phone(seed: u64) -> Result<Self, EngineError> {
        let mut world = World::new(seed)?;
        world.make_phone()?;
        for _ in 0..3 {
            world.save()?;
        }
        Ok(world)
    }

    fn make_phone(&mut self) -> Result<(), EngineError> {
        let root = self.root.as_mut().ok_or(EngineError::NoRecord)?;
        self.phone = Some(new_phone("/phone/db", root)?);
        Ok(())
    }

    /// A phone whose store the version before wrote, and a hub of its programme.
    fn of_schema_1() -> Result<Self, EngineError> {
        Disk::reset(1);
        Disk::with(|disk| disk.put("/reader/db", OF_SCHEMA_1));
        let reader = Engine::open(Path::new("/reader/db"), &key(), Environment::system())?;
        let acknowledged = reader.store().record_ids(TEAM)?.into_iter().collect();
        let root = Some(reader.root());
        drop(reader);
        let hub = Store::open(Path::new("/hub/db"), &key(), root, None, Settling::Behind)?;
        Disk::with(|disk| disk.put("/phone/db", OF_SCHEMA_1));
        Ok(World { root: None, phone: None, hub: Some(hub), acknowledged })
    }

    fn save(&mut self) -> Result<(), EngineError> {
        if self.phone.is_none() {
            self.phone = Some(Engine::open(Path::new("/phone/db"), &key(), Environment::system())?);
        }
        let phone = self.phone.as_mut().ok_or(EngineError::NoRecord)?;
        let id = phone.record(TEAM, &reversal())?;
        self.acknowledged.insert(id);
        phone.correct(id, "outcome", "survived")?;
        Ok(())
    }

    fn sync(&mut self, engine: &mut Engine) -> Result<(), EngineError> {
        let hub = self.hub.as_mut().ok_or(EngineError::NoRecord)?;
        let device = engine.device_key();
        let now = UnixMillis(1_790_000_000_000);
        engine
            .sync(|request| sync::respond(hub, device, now, &request).map_err(EngineError::from))
            .map(drop)
    }

    fn sync_phone(&mut self) -> Result<(), EngineError> {
        let mut phone = self.phone.take().ok_or(EngineError::NoRecord)?;
        let synced = self.sync(&mut phone);
        self.phone = Some(phone);
        synced
    }

    fn settle(&mut self) -> Result<(), EngineError> {
        let hub = self.hub.as_mut().ok_or(EngineError::NoRecord)?;
        while hub.settle_some()? {}
        Ok(())
    }

    fn work(&mut self, work: Work) -> Result<(), EngineError> {
        match work {
            Work::Save => self.save(),
            Work::Sync => self.sync_phone(),
            Work::Ingest => {
                self.sync_phone()?;
                self.settle()
            }
            Work::Make => {
                self.make_phone()?;
                self.save()
            }
            Work::Checkpoint => self.phone.as_mut().ok_or(EngineError::NoRecord)?.checkpoint(),
            Work::Migrate | Work::Reopen => {
                self.phone = None;
                self.phone =
                    Some(Engine::open(Path::new("/phone/db"), &key(), Environment::system())?);
                Ok(())
            }
        }
    }

    /// The disk is well again: what failed is done again, and one record more is saved.
    fn go_on(&mut self, work: Work) -> Result<(), EngineError> {
        if work == Work::Make {
            self.phone = None;
            self.make_phone()?;
        }
        self.save()?;
        self.sync_phone()?;
        self.settle()
    }

    /// After a kill, everything that was acknowledged is there, and counts once.
    fn is_whole(&mut self) -> Result<bool, EngineError> {
        for machine in [PHONE, HUB] {
            Disk::with(|disk| disk.stop(machine));
        }
        self.phone = None;
        self.hub = None;
        for machine in [PHONE, HUB] {
            Disk::with(|disk| disk.start(machine, Stop::PowerLoss));
        }
        let mut phone = Engine::open(Path::new("/phone/db"), &key(), Environment::system())?;
        self.hub = Some(Store::open(Path::new("/hub/db"), &key(), None, None, Settling::Behind)?);
        self.sync(&mut phone)?;
        self.settle()?;
        let held: BTreeSet<RecordId> = phone.store().record_ids(TEAM)?.into_iter().collect();
        let mut whole = self.acknowledged.is_subset(&held);
        let hub = self.hub.as_ref().ok_or(EngineError::NoRecord)?;
        for store in [phone.store(), hub] {
            let lines = store.totals(&Query::default(), UnixMillis(0))?.lines;
            let counted: i64 = lines.values().filter_map(|line| line.get("reversals")).sum();
            whole &= counted == held.len() as i64;
            whole &= store.record_ids(TEAM)?.len() == held.len();
        }
        let before = phone.store().projection_digest()?;
        phone.rebuild()?;
        Ok(whole && phone.store().projection_digest()? == before)
    }
}

fn new_phone(path: &str, root: &mut Engine) -> Result<Engine, EngineError> {
    let mut phone = Engine::device(Path::new(path), &key(), root.root(), Environment::system())?;
    if phone.store().memberships()?.is_empty() {
        phone.join(&root.certify(phone.device_key(), Role::Coordinator, TEAM)?)?;
    }
    Ok(phone)
}

fn point(template: &Template, fault: Fault, seed: u64, operations: u64) -> (bool, End) {
    let work = template.work;
    let Ok(mut world) = template.world(seed.wrapping_mul(1_000_003) + operations) else {
        return (true, End::Stuck);
    };
    let machine = if work == Work::Ingest { HUB } else { PHONE };
    Disk::with(|disk| disk.fail_after(machine, operations, fault));
    let _ = world.work(work);
    let was_faulty = Disk::with(|disk| disk.was_faulty(machine));
    if Disk::with(|disk| disk.is_stopped(machine)) {
        // The machine is off: its process is gone, and it starts anew.
        match work {
            Work::Ingest => world.hub = None,
            _ => world.phone = None,
        }
        Disk::with(|disk| disk.start(machine, Stop::PowerLoss));
        if work == Work::Ingest {
            match Store::open(Path::new("/hub/db"), &key(), None, None, Settling::Behind) {
                Ok(hub) => world.hub = Some(hub),
                Err(_) => return (was_faulty, End::Stuck),
            }
        }
    }
    Disk::with(|disk| disk.go_on(machine));
    if world.go_on(work).is_err() {
        return (was_faulty, End::Stuck);
    }
    match world.is_whole() {
        Ok(true) => (was_faulty, End::Survived),
        Ok(false) => (was_faulty, End::Lost),
        Err(_) => (was_faulty, End::Stuck),
    }
}
