//! A hub's client for callers that block: the command line, tests, benches.

use kitbag_core::engine::Engine;
use kitbag_core::identity::{HubAddress, SigningKey};
use kitbag_core::model::DeviceKey;
use kitbag_core::net::{HubClient, NetError};
use tokio::runtime::{Builder, Runtime};

/// Calls one hub as one device, each call until its response is here, on a runtime of its own.
pub struct BlockingHubClient {
    client: HubClient,
    runtime: Runtime,
}

impl BlockingHubClient {
    /// A line to this hub, as the device of this key.
    pub fn new(hub: &HubAddress, own: &SigningKey) -> std::io::Result<BlockingHubClient> {
        Ok(BlockingHubClient { client: HubClient::new(hub, own)?, runtime: runtime()? })
    }

    /// A line to this hub, as this device.
    pub fn to(engine: &Engine, hub: &HubAddress) -> std::io::Result<BlockingHubClient> {
        Ok(BlockingHubClient { client: engine.client(hub)?, runtime: runtime()? })
    }

    /// Sends a sync request and brings the response.
    pub fn sync(&self, request: Vec<u8>) -> Result<Vec<u8>, NetError> {
        self.runtime.block_on(self.client.sync(request))
    }

    /// Sends a body and brings the response.
    pub fn post(&self, path: &str, body: Vec<u8>) -> Result<Vec<u8>, NetError> {
        self.runtime.block_on(self.client.post(path, body))
    }

    /// Reads a page of the hub.
    pub fn get(&self, path: &str) -> Result<Vec<u8>, NetError> {
        self.runtime.block_on(self.client.get(path))
    }

    /// The key that the hub showed at the last connection.
    pub fn shown_key(&self) -> Option<DeviceKey> {
        self.client.shown_key()
    }
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
