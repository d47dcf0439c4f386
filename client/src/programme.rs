//! The root's work: teams, coordinators, the hub's address, code packs, erasures.

use crate::Error;
use crate::client::{Client, Opening};
use crate::workers::Turn;
use kitbag_core::identity::{HubAddress, Role};
use kitbag_core::model::pack::CodePack;
use kitbag_core::model::{DeviceKey, RecordId, TeamId};

/// The programme.
pub struct Programme<'client>(pub(crate) &'client Client);

impl Client {
    /// The programme: the root's work.
    pub fn programme(&self) -> Programme<'_> {
        Programme(self)
    }
}

/// Which programme this device is of, and what it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own {
    /// The programme's root key.
    pub root: DeviceKey,
    /// This device's key.
    pub device: DeviceKey,
}

impl Own {
    /// Whether this is the root's own device.
    pub fn is_root(&self) -> bool {
        self.root == self.device
    }
}

impl Programme<'_> {
    /// The programme's root key and this device's.
    pub async fn own(&self) -> Result<Own, Error> {
        let own = |engine: &kitbag_core::engine::Engine| {
            Ok(Own { root: engine.root(), device: engine.device_key() })
        };
        self.0.read(own).await
    }

    /// Where the hub is, with its keys; `None` where it is not known here.
    pub async fn hub(&self) -> Result<Option<HubAddress>, Error> {
        self.0.read(|engine| engine.hub()).await
    }

    /// Notes where the hub is.
    pub async fn set_hub(&self, hub: HubAddress) -> Result<(), Error> {
        self.0.write(Turn::Soon, move |engine| engine.set_hub(&hub)).await
    }

    /// Makes a new team.
    pub async fn new_team(&self) -> Result<TeamId, Error> {
        self.0.write(Turn::Soon, |engine| Ok(engine.new_team())).await
    }

    /// Makes a coordinator's store on this machine, which is not there yet; on another one, invite it.
    pub async fn make_coordinator(&self, team: TeamId, new: Opening) -> Result<Client, Error> {
        let (root, hub) = (self.own().await?.root, self.hub().await?);
        let coordinator = Client::open(Opening { root: Some(root), ..new }).await?;
        let device = coordinator.programme().own().await?.device;
        let certify = move |engine: &mut kitbag_core::engine::Engine| {
            engine.certify(device, Role::Coordinator, team)
        };
        let enrolment = self.0.write(Turn::Soon, certify).await?;
        let join = move |engine: &mut kitbag_core::engine::Engine| {
            engine.join(&enrolment)?;
            hub.map_or(Ok(()), |hub| engine.set_hub(&hub))
        };
        coordinator.write(Turn::Soon, join).await?;
        Ok(coordinator)
    }

    /// The root's device looks into a team from now on: the next sync brings it.
    pub async fn look_into(&self, team: TeamId) -> Result<(), Error> {
        self.0.write(Turn::Soon, move |engine| engine.look_into(team)).await
    }

    /// Publishes a code pack; the next syncs bring it to all.
    pub async fn publish_pack(&self, toml: String) -> Result<(), Error> {
        self.0.write(Turn::Soon, move |engine| engine.publish_pack(&toml)).await.map(drop)
    }

    /// The code packs that are here.
    pub async fn packs(&self) -> Result<Vec<CodePack>, Error> {
        self.0.read(|engine| engine.packs()).await
    }

    /// Erases records for good, here and at every store that syncs from now on.
    pub async fn erase(&self, team: TeamId, records: Vec<RecordId>) -> Result<(), Error> {
        self.0.write(Turn::Soon, move |engine| engine.erase(team, &records)).await
    }
}
