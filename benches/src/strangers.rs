//! What keys without a certificate cost a hub, and those who belong.

use super::hub::Hub;
use super::wire::SyncFailed;
use super::{Failed, REPEATS, TEAM, device, key, median, reversal, sync_with};
use kitbag_client::BlockingHubClient;
use kitbag_core::engine::{Engine, Environment};
use kitbag_core::identity::{Role, SigningKey};
use kitbag_core::log::entry::{Entry, Tip, kind, sign};
use kitbag_core::log::payload::Open;
use kitbag_core::log::run::Run;
use kitbag_core::model::{EntryId, LogId, TeamId};
use kitbag_core::net::tls;
use kitbag_core::store::{Peer, Settling, Store};
use kitbag_core::sync::Message;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use socket2::{Domain, Socket, Type};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many requests of each kind a hub is asked at once, five times: it keeps not many more connections of
/// strangers.
const BATCH: u64 = 200;
/// How many connections are held, half from each of two addresses.
const CONNECTIONS: u64 = 2_000;
/// What a stranger's request may weigh, and inflate to, in bytes (docs/protocol.md).
const BODY_BYTES_MAX: usize = 16_384;
const INFLATED_BYTES_MAX: usize = 262_144;
const STRANGERS: u64 = 60;
/// Syncs of the honest device.
const SYNCS: usize = 100;

type Stream = StreamOwned<ClientConnection, TcpStream>;

fn sync_root(root: &mut Engine, hub: &Hub) -> Result<(), Failed> {
    let client = BlockingHubClient::to(root, &hub.address)?;
    root.sync(|request| Ok::<_, SyncFailed>(client.sync(request)?))?;
    Ok(())
}

/// The root's log, as a member has it.
fn log_of(root: &mut Engine) -> Result<Run, Failed> {
    let folder = tempfile::tempdir()?;
    let (path, key) = (folder.path().join("hub"), key());
    let mut hub = Store::open(&path, &key, Some(root.root()), None, Settling::Behind)?;
    sync_with(root, &mut hub)?;
    let runs = hub.page_of(&hub.logs_in_order(&[TeamId::PROGRAMME]), &Peer::default(), None)?;
    runs.into_iter().next().ok_or_else(|| "the root's log".into())
}

/// A key that nobody certified.
fn stranger(number: u64) -> SigningKey {
    let mut seed = [0xaa; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    SigningKey::from_seed(&seed)
}

/// A log under a certificate that the hub may yet get, signed by its key, with so many bytes of payload
/// behind.
fn made_up(number: u64, payload_bytes: usize) -> Option<Run> {
    let key = stranger(number);
    let (team, certificate) = (TEAM, EntryId([9; 32]));
    let open = Open { key: key.device_key(), team, random: [0; 16], certificate };
    let first = Entry::new(open.log(), None, (kind::OPEN, 1), None, open.encode());
    let mut entries = vec![first];
    if payload_bytes > 0 {
        let tip = entries.first().map(Entry::tip);
        entries.push(Entry::new(open.log(), tip, (17, 1), None, vec![0; payload_bytes]));
    }
    let tip = entries.last()?.tip();
    Run::of(&entries, sign(&key, open.log(), tip))
}

/// With the root's log before them, which every member has, runs of unknown certificates are looked at.
fn message(root: &Run, runs: impl Iterator<Item = Option<Run>>) -> Vec<u8> {
    let runs = std::iter::once(root.clone()).chain(runs.flatten());
    Message { runs: runs.map(Ok).collect(), ..Message::default() }.encode()
}

/// The largest request of a kind that a hub takes as far as it can be taken.
fn largest(counts: u64, made: impl Fn(u64) -> Vec<u8>) -> Vec<u8> {
    let sizes = (1..=counts).rev().map(made);
    sizes.into_iter().find(|bytes| fits(bytes)).unwrap_or_default()
}

/// The kinds of request that cost a hub most for what they weigh.
fn worst(root: &Run) -> Vec<(&'static str, Vec<u8>)> {
    let of_teams = |count: u64| {
        let teams = vec![TEAM; count as usize];
        Message { teams, ..Message::default() }.encode()
    };
    let of_tips = |count: u64| {
        let tips = (1..=count).map(|position| Tip { position, id: EntryId([7; 32]) });
        let clock = Some([(LogId([7; 16]), tips.collect())].into());
        Message { clock, ..Message::default() }.encode()
    };
    vec![
        ("nothing", Message::default().encode()),
        ("teams", largest(1_000, of_teams)),
        ("a clock", largest(500, of_tips)),
        (
            "runs that inflate",
            largest(63, |count| message(root, (0..count).map(|n| made_up(n, 1_500)))),
        ),
        (
            "good signatures of nobody",
            largest(63, |count| message(root, (0..count).map(|n| made_up(n, 0)))),
        ),
    ]
}

/// Whether a hub takes such a request as far as it can be taken (docs/protocol.md).
fn fits(bytes: &[u8]) -> bool {
    let inflated_max = (4_096 + 16 * bytes.len()).min(INFLATED_BYTES_MAX);
    bytes.len() <= BODY_BYTES_MAX && Message::decode_up_to(bytes, inflated_max).is_ok()
}

fn head(length: usize) -> String {
    format!("POST /v1/sync HTTP/1.1\r\nhost: hub\r\ncontent-length: {length}\r\n\r\n")
}

/// A connection from an address of this machine.
fn reach(hub: &Hub, from: Ipv4Addr) -> Result<TcpStream, Failed> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect(&hub.address.at.parse::<SocketAddr>()?.into())?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The same, the handshake done.
fn connect(hub: &Hub, from: Ipv4Addr, own: &SigningKey) -> Result<Stream, Failed> {
    let stream = reach(hub, from)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let config = Arc::new(tls::client_config(own, hub.address.pins.clone())?);
    let name = ServerName::from(IpAddr::from(Ipv4Addr::UNSPECIFIED));
    let mut stream = StreamOwned::new(ClientConnection::new(config, name)?, stream);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// Sends a request and reads its whole answer; the status.
fn ask(stream: &mut Stream, body: &[u8]) -> Result<u16, Failed> {
    send(stream, body)?;
    status(stream)
}

fn send(stream: &mut Stream, body: &[u8]) -> Result<(), Failed> {
    stream.write_all(&[head(body.len()).as_bytes(), body].concat())?;
    Ok(stream.flush()?)
}

/// Reads a whole answer; its status.
fn status(stream: &mut Stream) -> Result<u16, Failed> {
    let mut answer = Vec::new();
    let mut buffer = [0; 8_192];
    loop {
        let read = stream.read(&mut buffer)?;
        answer.extend(buffer.get(..read).unwrap_or_default());
        let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        let Some(end) = text.find("\r\n\r\n") else {
            if read == 0 {
                return Err("the hub closed the connection".into());
            }
            continue;
        };
        let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        if read == 0 || answer.len() >= end + 4 + length {
            let status = text.split_whitespace().nth(1).and_then(|status| status.parse().ok());
            return status.ok_or_else(|| "no status".into());
        }
    }
}

/// The processor time of a hub for each KiB that a stranger sends, in ms, of the worst kind of request; the
/// handshakes are done before.
pub fn processor_ms_per_kib() -> Result<f64, Failed> {
    let mut worst_ms: f64 = 0.0;
    let folder = tempfile::tempdir()?;
    let mut root = Engine::found(&folder.path().join("root"), &key(), Environment::system())?;
    root.certify(stranger(u64::MAX).device_key(), Role::Coordinator, TEAM)?;
    for (at, (name, body)) in worst(&log_of(&mut root)?).into_iter().enumerate() {
        let hub = Hub::start(&folder.path().join(format!("hub-{at}")), &root)?;
        sync_root(&mut root, &hub)?;
        let sent_kib = (BATCH as usize * (head(body.len()).len() + body.len())) as f64 / 1024.0;
        let mut of_kib = [0.0; REPEATS];
        for (batch, of_kib) in (0..).zip(&mut of_kib) {
            let own = |number: u64| stranger(batch * BATCH + number);
            let streams = (0..BATCH).map(|n| connect(&hub, Ipv4Addr::LOCALHOST, &own(n)));
            let mut streams: Vec<Stream> = streams.collect::<Result<_, _>>()?;
            let before = hub.processor_ms()?;
            for stream in &mut streams {
                send(stream, &body)?;
            }
            for stream in &mut streams {
                let status = status(stream)?;
                if status != 200 {
                    return Err(format!("{name}: the hub answered {status}").into());
                }
            }
            *of_kib = (hub.processor_ms()? - before) / sent_kib;
        }
        let of_kib = median(of_kib);
        eprintln!("strangers who send {name}, {} B: {of_kib:.3} ms for each KiB", body.len());
        worst_ms = worst_ms.max(of_kib);
    }
    Ok(worst_ms)
}

/// The memory that a hub takes while strangers hold 2,000 connections, over idle, in MiB: the more of
/// connections that say nothing, and of those that shook hands and sent all of the longest body but its last
/// byte. Those that the hub closes are gone; what it keeps is its own to bound.
pub fn memory_of_connections_mib() -> Result<f64, Failed> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?;
    let folder = tempfile::tempdir()?;
    let mut root = Engine::found(&folder.path().join("root"), &key(), Environment::system())?;
    let hub = Hub::start(&folder.path().join("hub"), &root)?;
    let idle = hub.memory_mib()?;
    let from = |number: u64| match number % 2 {
        0 => Ipv4Addr::LOCALHOST,
        _ => Ipv4Addr::new(127, 0, 0, 2),
    };
    let mut silent = Vec::new();
    for number in 0..CONNECTIONS {
        silent.push(reach(&hub, from(number))?);
    }
    // The hub serves those who belong meanwhile.
    sync_root(&mut root, &hub)?;
    let of_silent = hub.memory_mib()? - idle;
    drop(silent);
    let body = vec![7; BODY_BYTES_MAX - 1];
    let mut streams = Vec::new();
    for number in 0..CONNECTIONS {
        let mut stream = connect(&hub, from(number), &stranger(number))?;
        stream.write_all(head(BODY_BYTES_MAX).as_bytes())?;
        stream.write_all(&body)?;
        stream.flush()?;
        streams.push(stream);
    }
    sync_root(&mut root, &hub)?;
    let of_bodies = hub.memory_mib()? - idle;
    eprintln!("2,000 connections: {of_silent:.1} MiB silent, {of_bodies:.1} MiB with bodies");
    Ok(of_silent.max(of_bodies))
}

/// The 99th of 100 syncs of an honest device, each with a record, in seconds, while 60 strangers do their
/// worst at the same hub: handshakes and the costliest requests without end, bodies that never end, and
/// bytes that are no TLS.
pub fn honest_sync_seconds() -> Result<f64, Failed> {
    let folder = tempfile::tempdir()?;
    let mut root = Engine::found(&folder.path().join("root"), &key(), Environment::system())?;
    let mut phone = device(folder.path(), "phone", &mut root)?;
    let hub = Hub::start(&folder.path().join("hub"), &root)?;
    sync_root(&mut root, &hub)?;
    let bodies: Vec<Vec<u8>> =
        worst(&log_of(&mut root)?).into_iter().map(|(_, body)| body).collect();
    let (stops, asked) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut seconds = std::thread::scope(|scope| {
        for number in 0..STRANGERS {
            let (hub, bodies, stops, asked) = (&hub, &bodies, &stops, &asked);
            scope.spawn(move || {
                let mut round = number * 1_000_000;
                while !stops.load(Ordering::Relaxed) {
                    round += 1;
                    // What the hub does to a stranger is no matter of ours.
                    let _ = harass(hub, round, bodies);
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let synced = (|| {
            let mut seconds = Vec::new();
            for number in 0..SYNCS {
                phone.record(TEAM, &reversal(number as u32)?)?;
                let began = Instant::now();
                let client = BlockingHubClient::to(&phone, &hub.address)?;
                phone.sync(|request| Ok::<_, SyncFailed>(client.sync(request)?))?;
                seconds.push(began.elapsed().as_secs_f64());
            }
            Ok::<_, Failed>(seconds)
        })();
        stops.store(true, Ordering::Relaxed);
        synced
    })?;
    if asked.load(Ordering::Relaxed) < STRANGERS {
        return Err("the strangers did nothing".into());
    }
    seconds.sort_by(f64::total_cmp);
    seconds.get(SYNCS * 99 / 100 - 1).copied().ok_or_else(|| "a sync".into())
}

fn harass(hub: &Hub, round: u64, bodies: &[Vec<u8>]) -> Result<(), Failed> {
    let (own, here) = (stranger(round), Ipv4Addr::LOCALHOST);
    let body = bodies.get(round as usize % bodies.len()).ok_or("a body")?;
    match round % 4 {
        0 => {
            let mut stream = connect(hub, here, &own)?;
            stream.write_all(head(BODY_BYTES_MAX).as_bytes())?;
            stream.write_all(&vec![7; BODY_BYTES_MAX - 1])?;
            stream.flush()?;
            // Until the hub loses patience, or we do.
            stream.sock.set_read_timeout(Some(Duration::from_secs(2)))?;
            let _ = stream.read(&mut [0; 1_024]);
        }
        1 => {
            let mut stream = TcpStream::connect(&hub.address.at)?;
            stream.write_all(&[0x16; 4_096])?;
        }
        _ => {
            let mut stream = connect(hub, here, &own)?;
            for _ in 0..60 {
                ask(&mut stream, body)?;
            }
        }
    }
    Ok(())
}
