//! The programme of the demonstration: its phones, its coordinator and its hub.

use super::hub::HubProcess;
use super::line::{Line, LineError, Weather};
use super::made_up::Counted;
use crate::Failure;
use kitbag_client::BlockingHubClient;
use kitbag_core::engine::{BundleOf, Engine, Enrolment, Environment};
use kitbag_core::model::{DeviceKey, Form, Kind, RecordId, TeamId};
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
    pub to_record: Vec<Form>,
    /// What its app said is saved.
    pub saved: Vec<(RecordId, Kind)>,
    /// Whether it never meets the hub: colleagues carry its bundles.
    pub is_carried: bool,
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
            is_carried: false,
        }
    }

    /// The engine; opens the app where it was closed.
    pub fn engine(&mut self) -> Result<&mut Engine, Failure> {
        if self.engine.is_none() {
            let engine = Engine::open(&self.path, &key_file(&self.path), Environment::system())?;
            self.engine = Some(engine);
        }
        self.engine.as_mut().ok_or_else(|| Failure::new("the app could not be opened"))
    }

    pub fn close(&mut self) {
        self.engine = None;
    }

    pub fn join(&mut self, enrolment: &Enrolment) -> Result<(), Failure> {
        Ok(self.engine()?.join(enrolment)?)
    }

    /// Saves the next `count` records, one by one, each durably.
    pub fn record(&mut self, count: usize) -> Result<(), Failure> {
        let team = self.team;
        for form in self.to_record.drain(..count).collect::<Vec<_>>() {
            let id = self.engine()?.record(team, &form)?;
            self.saved.push((id, form.kind()));
        }
        Ok(())
    }

    /// Saves all that is to be recorded, in this team.
    pub fn record_in(&mut self, team: TeamId) -> Result<(), Failure> {
        for form in std::mem::take(&mut self.to_record) {
            let id = self.engine()?.record(team, &form)?;
            self.saved.push((id, form.kind()));
        }
        Ok(())
    }

    /// A bundle of this phone's, as a file's bytes.
    fn bundle(&mut self, of: BundleOf) -> Result<Vec<u8>, Failure> {
        self.bundle_of(self.team, of)
    }

    fn bundle_of(&mut self, team: TeamId, of: BundleOf) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        self.engine()?.export_bundle(team, of, &mut bytes, |_| {})?;
        Ok(bytes)
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
    /// What was made up beside the real rows.
    pub made_up: Counted,
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
        let client = BlockingHubClient::to(device.engine()?, &hub.address)?;
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
        let client = BlockingHubClient::to(self.coordinator.engine()?, &self.hub.address)?;
        self.hub.settled(&client, path)
    }

    /// Two colleagues of a phone that never meets the hub.
    fn colleagues(&self, of: usize) -> Vec<usize> {
        let team = self.phones.get(of).map(|phone| phone.team);
        let others = (0..self.phones.len()).filter(|at| *at != of);
        others
            .filter(|at| Some(self.phones[*at].team) == team && !self.phones[*at].is_carried)
            .take(2)
            .collect()
    }

    /// Colleagues among these phones hear how far those reach that never meet the hub.
    pub fn hear_of_carried(&mut self, by: &[usize]) -> Result<(), Failure> {
        for at in 0..self.phones.len() {
            if !self.phones[at].is_carried {
                continue;
            }
            let team = self.phones[at].team;
            let announcement = self.phones[at].engine()?.announce(team)?;
            let colleague = by.iter().find(|by| self.phones[**by].team == team).copied();
            let by = match colleague {
                Some(colleague) => &mut self.phones[colleague],
                None => &mut self.coordinator,
            };
            by.engine()?.hear(&announcement)?;
        }
        Ok(())
    }

    /// Colleagues take the bundles of phones that never meet the hub, each phone's by two of them.
    /// Returns how many entries were carried.
    pub fn carry_in(&mut self) -> Result<u64, Failure> {
        let mut carried = 0;
        for at in 0..self.phones.len() {
            if !self.phones[at].is_carried {
                continue;
            }
            let bundle = self.phones[at].bundle(BundleOf::Waiting)?;
            let colleagues = self.colleagues(at);
            if colleagues.is_empty() {
                let engine = self.coordinator.engine()?;
                carried += engine.import_bundle(&mut bundle.as_slice(), |_| {})?.new_entries;
            }
            for colleague in colleagues {
                let engine = self.phones[colleague].engine()?;
                carried += engine.import_bundle(&mut bundle.as_slice(), |_| {})?.new_entries;
            }
        }
        Ok(carried)
    }

    /// A colleague brings everything back to the phones that never meet the hub.
    pub fn carry_back(&mut self) -> Result<(), Failure> {
        for at in 0..self.phones.len() {
            if !self.phones[at].is_carried {
                continue;
            }
            let team = self.phones[at].team;
            let bundle = match self.colleagues(at).first().copied() {
                Some(colleague) => self.phones[colleague].bundle(BundleOf::Everything)?,
                None => self.coordinator.bundle_of(team, BundleOf::Everything)?,
            };
            self.phones[at].engine()?.import_bundle(&mut bundle.as_slice(), |_| {})?;
        }
        Ok(())
    }

    /// Kills the hub in the middle of a phone's sync, which must not be taken for done, and starts it
    /// again.
    pub fn kill_hub_during_sync(&mut self, at: usize) -> Result<(), Failure> {
        let World { phones, hub, .. } = self;
        let Some(phone) = phones.get_mut(at) else { return Ok(()) };
        let client = BlockingHubClient::to(phone.engine()?, &hub.address)?;
        let mut nth = 0;
        let cut = phone.engine()?.sync(|request| {
            nth += 1;
            if nth == 1 && hub.kill().is_err() {
                return Err(LineError::Cut);
            }
            Ok(client.sync(request)?)
        });
        hub.start_again()?;
        match cut {
            Err(LineError::Net(_)) => Ok(()),
            _ => Err(Failure::new("a sync with a killed hub was taken for done")),
        }
    }

    pub fn sync_all(&mut self, weather: Weather, mut done: impl FnMut()) -> Result<(), Failure> {
        self.sync(Who::Coordinator, weather)?;
        for at in 0..self.phones.len() {
            if !self.phones[at].is_carried {
                self.sync(Who::Phone(at), weather)?;
            }
            done();
        }
        self.sync(Who::Coordinator, weather)?;
        Ok(())
    }
}
