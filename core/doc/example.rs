// What each example of the facade begins with, hidden there, so that it shows its own lines alone.
pub use kitbag_core::engine::*;
pub use kitbag_core::identity::{HubAddress, Role};
pub use kitbag_core::model::{CivilDate, Form, Kind, Operation, TeamId, UnixMillis, Value};
pub use kitbag_core::store::{Delivery, Search, Settling, Store, StoreKey};
pub use kitbag_core::sync::{self, Agreement, SyncFault};
pub use kitbag_core::totals::{Query, Split};

pub type Failed = Box<dyn std::error::Error>;

/// A programme: its root, a coordinator's device and a worker's phone in one team, and a hub's store.
pub struct Example {
    pub root: Engine,
    pub coordinator: Engine,
    pub phone: Engine,
    pub hub: Store,
    pub team: TeamId,
    pub key: StoreKey,
    pub folder: tempfile::TempDir,
}

pub fn example() -> Result<Example, Failed> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    let key = StoreKey::new([7; 32]);
    let mut root = Engine::found(&at("root.db"), &key, Environment::system())?;
    let team = root.new_team();
    let device = |name| Engine::device(&at(name), &key, root.root(), Environment::system());
    let (mut coordinator, mut phone) = (device("coordinator.db")?, device("phone.db")?);
    coordinator.join(&root.certify(coordinator.device_key(), Role::Coordinator, team)?)?;
    phone.join(&coordinator.certify(phone.device_key(), Role::Worker, team)?)?;
    let hub = Store::open(&at("hub.db"), &key, Some(root.root()), None, Settling::Within)?;
    Ok(Example { root, coordinator, phone, hub, team, key, folder })
}

/// A hub's address as its operator hands it on, with the keys that devices pin.
pub fn hub_address() -> Result<HubAddress, Failed> {
    let (key, spare) = ("11".repeat(32), "22".repeat(32));
    Ok(format!("kitbag://hub.example:8737/{key}/{spare}").parse()?)
}

/// A reversal as an app's form would hold it.
pub fn reversal() -> Result<Form, Failed> {
    let mut form = Form::at(Kind::Reversal, "riverside", "2026-11-24".parse()?).with_unknowns();
    form.put("outcome", "survived")?;
    Ok(form)
}

/// Carries messages between a device and a hub; an app does it over TLS, with `Engine::client`.
pub fn sync_with(device: &mut Engine, hub: &mut Store) -> Result<Agreement, EngineError> {
    let key = device.device_key();
    device.sync(|request| {
        sync::respond(hub, key, UnixMillis(1_790_000_000_000), &request).map_err(EngineError::from)
    })
}
