//! What goes over the wire, counted between a real client and a real hub, above TLS.
//!
//! The hub listens without TLS on this machine, so that a relay between the two sees and counts just
//! what TLS would carry; the one header that stands for TLS there is not counted.

use super::{Failed, TEAM, device, key, reversal};
use kitbag_client::BlockingHubClient;
use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::HubAddress;
use kitbag_core::net::{INSECURE_DEVICE_HEADER, NetError};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

/// Bytes up, bytes down, requests.
#[derive(Clone, Copy, Default)]
pub struct Counted {
    pub up: u64,
    pub down: u64,
    pub requests: u64,
}

#[derive(Default)]
struct Counters {
    up: AtomicU64,
    down: AtomicU64,
}

/// A hub with a relay in front that counts.
pub struct CountedHub {
    address: HubAddress,
    counters: Arc<Counters>,
}

/// Why a sync over the wire failed.
#[derive(Debug, thiserror::Error)]
pub enum SyncFailed {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Net(#[from] NetError),
}

impl CountedHub {
    /// Starts both; they end with this process.
    pub fn start(folder: &Path, root: &Engine) -> Result<Self, Failed> {
        let (ready, listening) = mpsc::channel();
        let options = kitbag_hub::Options {
            folder: folder.to_owned(),
            listen: ([127, 0, 0, 1], 0).into(),
            public: None,
            root: Some(root.root()),
            insecure_loopback: true,
            until_stdin_ends: false,
            budgets: kitbag_hub::Budgets::default(),
        };
        std::thread::spawn(move || {
            kitbag_hub::run(options, move |address| _ = ready.send(address))
                .map_err(|error| eprintln!("the hub: {error}"))
        });
        let hub: SocketAddr = listening.recv()?.at.parse()?;
        let relay = TcpListener::bind("127.0.0.1:0")?;
        let address = HubAddress::insecure(relay.local_addr()?);
        let counters = Arc::new(Counters::default());
        let counting = Arc::clone(&counters);
        std::thread::spawn(move || {
            for phone in relay.incoming().flatten() {
                let Ok(hub) = TcpStream::connect(hub) else { continue };
                let (Ok(from_hub), Ok(to_phone)) = (hub.try_clone(), phone.try_clone()) else {
                    continue;
                };
                let (up, down) = (Arc::clone(&counting), Arc::clone(&counting));
                std::thread::spawn(move || relay_bytes(phone, hub, &up.up));
                std::thread::spawn(move || relay_bytes(from_hub, to_phone, &down.down));
            }
        });
        Ok(CountedHub { address, counters })
    }

    /// Syncs a device, and says what it cost.
    pub fn sync(&self, engine: &mut Engine) -> Result<Counted, Failed> {
        let before = self.read();
        let client = BlockingHubClient::to(engine, &self.address)?;
        let mut requests = 0;
        engine.sync(|request| {
            requests += 1;
            Ok::<_, SyncFailed>(client.sync(request)?)
        })?;
        let after = self.read();
        // Over TLS the handshake says who asks.
        let header = INSECURE_DEVICE_HEADER.len() + ": ".len() + 64 + "\r\n".len();
        Ok(Counted {
            up: after.up - before.up - requests * header as u64,
            down: after.down - before.down,
            requests,
        })
    }

    fn read(&self) -> Counted {
        Counted {
            up: self.counters.up.load(Ordering::SeqCst),
            down: self.counters.down.load(Ordering::SeqCst),
            requests: 0,
        }
    }
}

fn relay_bytes(mut from: TcpStream, mut to: TcpStream, counter: &AtomicU64) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        counter.fetch_add(read as u64, Ordering::SeqCst);
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}

/// The three rows of the wire.
pub struct Wire {
    /// Bytes a record, the whole request of 20 records.
    pub twenty: f64,
    /// Bytes in both directions when there is nothing new in a team of 30 devices.
    pub idle: f64,
    /// Bytes a record to a new device.
    pub first: f64,
    /// Requests of the sync of twenty.
    pub requests: u64,
}

/// Measures them in one programme: a team of 30 devices, of which one records.
pub fn measure(first_records: u32) -> Result<Wire, Failed> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    let mut root = Engine::found(&at("root"), &key(), Environment::system())?;
    let hub = CountedHub::start(&at("hub"), &root)?;
    let mut devices = Vec::new();
    for number in 0..30 {
        devices.push(device(folder.path(), &format!("device-{number}"), &mut root)?);
    }
    hub.sync(&mut root)?;
    for _ in 0..2 {
        for device in &mut devices {
            device.record(TEAM, &reversal(7)?)?;
            hub.sync(device)?;
        }
    }
    for device in &mut devices {
        hub.sync(device)?;
    }
    let phone = devices.first_mut().ok_or("a phone")?;
    let idle = hub.sync(phone)?;
    for number in 0..20 {
        phone.record(TEAM, &reversal(number)?)?;
    }
    let twenty = hub.sync(phone)?;
    for number in 0..first_records {
        phone.record(TEAM, &reversal(number)?)?;
    }
    hub.sync(phone)?;
    let mut newcomer = device(folder.path(), "newcomer", &mut root)?;
    let first = hub.sync(&mut newcomer)?;
    Ok(Wire {
        twenty: twenty.up as f64 / 20.0,
        idle: (idle.up + idle.down) as f64,
        first: first.down as f64 / f64::from(first_records),
        requests: twenty.requests,
    })
}
