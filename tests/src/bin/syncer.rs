//! `syncer STORE HUB-ADDRESS --rounds N`: a device that saves and syncs again and again, and says what
//! it was told, for tests that kill it. It was made and joined before.

use kitbag_client::BlockingHubClient;
use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::HubAddress;
use kitbag_core::model::TeamId;
use kitbag_core::net::NetError;
use kitbag_core::store::{Delivery, StoreKey};
use std::io::Write;
use std::path::Path;

const TEAM: TeamId = TeamId([5; 16]);

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Net(#[from] NetError),
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, hub, flag, rounds] = arguments.as_slice() else {
        return Err("expected STORE HUB-ADDRESS --rounds N".into());
    };
    let rounds: u64 = if flag == "--rounds" { rounds.parse()? } else { 0 };
    let hub: HubAddress = hub.parse()?;
    let key = StoreKey::new([9; 32]);
    let mut device = Engine::open(Path::new(store), &key, Environment::system())?;
    let client = BlockingHubClient::to(&device, &hub)?;
    for _ in 0..rounds {
        let reversal = kitbag_tests::made_up::reversal("survived");
        let id = device.record(TEAM, &reversal)?;
        say(&format!("saved {id}"))?;
        let synced: Result<_, Failed> =
            device.sync(|request| client.sync(request).map_err(Failed::Net));
        if synced.is_ok() && device.delivery(id)? == Delivery::OnHub {
            say(&format!("on_hub {id}"))?;
        }
    }
    Ok(())
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
