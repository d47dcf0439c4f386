//! The programme of the demonstration: its phones, its coordinator and its hub.

use super::hub::HubProcess;
use super::line::{Line, LineError, Weather};
use crate::Failure;
use kitbag_core::engine::{Engine, Enrolment, Environment};
use kitbag_core::model::{DeviceKey, RecordId, Reversal, TeamId};
use kitbag_core::store::KeyFile;
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};

/// How often a sync is tried over a bad line before the weather gets better.
const TRIES_MAX: u32 = 40;

/// One phone, or the coordinator's tablet.
pub struct Device {
    pub name: String,
    /// The site that it records for.
    pub site: String,
    pub team: TeamId,
    /// `None` while the app is closed.
    engine: Option<Engine>,
    path: PathBuf,
    /// What its worker still has to record.
    pub to_record: Vec<Reversal>,
    /// What its app said is saved.
    pub saved: Vec<RecordId>,
}

impl Device {
    /// A device of this programme, new, with a store of its own in the folder.
    pub fn new(folder: &Path, name: &str, team: TeamId, root: DeviceKey) -> Result<Self, Failure> {
        let path = folder.join(name).with_extension("db");
        let engine = Engine::device(&path, &key_file(&path), root, Environment::system())?;
        Ok(Device::of(name, team, path, engine))
    }

    /// The device that founds the programme and keeps its root key.
    pub fn root(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("root.db");
        let engine = Engine::found(&path, &key_file(&path), Environment::system())?;
        Ok(Device::of("root", TeamId::PROGRAMME, path, engine))
    }

    fn of(name: &str, team: TeamId, path: PathBuf, engine: Engine) -> Self {
        Device {
            name: name.to_owned(),
            site: String::new(),
            team,
            engine: Some(engine),
            path,
            to_record: Vec::new(),
            saved: Vec::new(),
        }
    }

    /// The engine; opens the app where it was closed.
    pub fn engine(&mut self) -> Result<&mut Engine, Failure> {
        if self.engine.is_none() {
            let engine = Engine::open(&self.path, &key_file(&self.path), Environment::system())?;
            self.engine = Some(engine);
        }
        self.engine.as_mut().ok_or_else(|| Failure("the app could not be opened".to_owned()))
    }

    pub fn close(&mut self) {
        self.engine = None;
    }

    pub fn join(&mut self, enrolment: &Enrolment) -> Result<(), Failure> {
        Ok(self.engine()?.join(enrolment)?)
    }

    /// Saves the next `count` reversals, one by one, each durably.
    pub fn record(&mut self, count: usize) -> Result<(), Failure> {
        let team = self.team;
        for reversal in self.to_record.drain(..count).collect::<Vec<_>>() {
            let id = self.engine()?.record(team, &reversal)?;
            self.saved.push(id);
        }
        Ok(())
    }

    /// Copies the closed store aside, as a backup does.
    pub fn back_up(&mut self) -> Result<(), Failure> {
        self.close();
        std::fs::copy(&self.path, self.path.with_extension("backup"))?;
        Ok(())
    }

    /// Puts the older copy in the place of the store.
    pub fn restore(&mut self) -> Result<(), Failure> {
        self.close();
        std::fs::rename(self.path.with_extension("backup"), &self.path)?;
        Ok(())
    }
}

fn key_file(path: &Path) -> KeyFile {
    KeyFile(path.with_extension("key"))
}

/// All of it.
pub struct World {
    pub root: Device,
    pub coordinator: Device,
    pub phones: Vec<Device>,
    pub teams: Vec<(TeamId, &'static str)>,
    pub hub: HubProcess,
    pub line: Line,
    pub random: ChaCha8Rng,
}

/// Who syncs.
#[derive(Clone, Copy)]
pub enum Who {
    Root,
    Coordinator,
    Phone(usize),
}

impl World {
    /// Syncs one device over the line, again and again until it gets through; returns false where
    /// the weather never lets it.
    pub fn sync(&mut self, who: Who, weather: Weather) -> Result<bool, Failure> {
        let (device, hub, line, random) = match who {
            Who::Root => (&mut self.root, &self.hub, &mut self.line, &mut self.random),
            Who::Coordinator => {
                (&mut self.coordinator, &self.hub, &mut self.line, &mut self.random)
            }
            Who::Phone(at) => {
                let Some(phone) = self.phones.get_mut(at) else { return Ok(false) };
                (phone, &self.hub, &mut self.line, &mut self.random)
            }
        };
        let client = device.engine()?.client(&hub.address)?;
        let mut last = None;
        for attempt in 1..=TRIES_MAX {
            let weather = match (weather, attempt) {
                (Weather::Bad, TRIES_MAX) => Weather::Good,
                (weather, _) => weather,
            };
            let mut nth = 0;
            let synced = device.engine()?.sync(|request| {
                nth += 1;
                line.exchange(&client, weather, nth, random, request)
            });
            match synced {
                Ok(_) => return Ok(true),
                Err(LineError::Cut) if weather == Weather::CutAfterFirst => return Ok(false),
                Err(LineError::Cut) => {}
                Err(other) => last = Some(other),
            }
        }
        match last {
            Some(error) => Err(error.into()),
            None => Ok(false),
        }
    }

    /// A page of the hub, as the coordinator reads it, once all that came in is settled.
    pub fn page(&mut self, path: &str) -> Result<serde_json::Value, Failure> {
        let client = self.coordinator.engine()?.client(&self.hub.address)?;
        self.hub.settled(&client, path)
    }

    pub fn sync_all(&mut self, weather: Weather, mut done: impl FnMut()) -> Result<(), Failure> {
        self.sync(Who::Coordinator, weather)?;
        for at in 0..self.phones.len() {
            self.sync(Who::Phone(at), weather)?;
            done();
        }
        self.sync(Who::Coordinator, weather)?;
        Ok(())
    }
}
