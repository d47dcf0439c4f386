//! Listening, TLS, limits, stopping, and the work behind ingest.

use crate::budgets::Budgets;
use crate::error::{HubError, io};
use crate::keys::HubKeys;
use crate::problem::Problem;
use crate::rates::{Bodies, Rates};
use crate::router::router;
use crate::slots::{Slot, Slots};
use crate::state::Hub;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use kitbag_core::identity::HubAddress;
use kitbag_core::model::DeviceKey;
use kitbag_core::net::{INSECURE_DEVICE_HEADER, tls};
use kitbag_core::store::{KeyFile, Settling, Store};
use kitbag_core::sync::Sender;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// The longest request body, in bytes: a page that no packing makes less, and beside it the longest clock.
const BODY_BYTES_MAX: usize = 5 << 19;
/// Up to so many bytes a body's place is made at once, as long as it says that it is.
const SMALL_BODY_BYTES: usize = 16 << 10;
/// The longest body of a key without a certificate, in bytes.
const STRANGERS_BODY_BYTES_MAX: usize = 16 << 10;
/// What is read ahead of a connection, in bytes.
const READ_BYTES_MAX: usize = 16 << 10;
/// How long a TLS handshake, a request's head, its body and a whole connection may take, in seconds.
const HANDSHAKE_SECONDS_MAX: u64 = 10;
const HEAD_SECONDS_MAX: u64 = 10;
const CONNECTION_SECONDS_MAX: u64 = 3_600;
/// A body may take this long, in seconds, and longer as it comes: a bad line brings some 5 kB a second,
/// and whoever holds a connection open must send.
const BODY_SECONDS: u64 = 30;
const BODY_BYTES_PER_SECOND: u64 = 500;

/// How a hub is started.
pub struct Options {
    /// The folder of its store and keys; made on first start.
    pub folder: PathBuf,
    /// Where to listen; port 0 for a free one.
    pub listen: SocketAddr,
    /// The `host:port` that devices call, where it is not the one listened on.
    pub public: Option<String>,
    /// The programme's root key; needed on first start only.
    pub root: Option<DeviceKey>,
    /// Plain HTTP, for development: refused on any address that is not this machine's own.
    pub insecure_loopback: bool,
    /// Stop when standard input ends, so that a hub never outlives whoever started it.
    pub until_stdin_ends: bool,
    /// What each member may use.
    pub budgets: Budgets,
}

/// Makes the folder, the owner's alone; one that is there stays as it is.
fn make_folder(folder: &std::path::Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Opens a hub's store, making it on first start.
pub(crate) fn open_store(
    folder: &std::path::Path,
    root: Option<DeviceKey>,
) -> Result<Store, HubError> {
    make_folder(folder).map_err(io("the hub's folder"))?;
    let key = KeyFile(folder.join("hub.key"));
    let file = folder.join("hub.db");
    // A key without its store: the store was lost or cut off. A new one in its place would hide that.
    let is_there = std::fs::metadata(&file).is_ok_and(|file| file.len() > 0);
    if key.0.exists() && !is_there {
        return Err(HubError::StoreGone);
    }
    if !is_there && root.is_none() {
        return Err(HubError::RootNeeded);
    }
    Ok(Store::open(&file, &key, root, None, Settling::Behind)?)
}

/// Puts the spare key in the place of a stopped hub's own. Returns the two keys that new invitations
/// carry.
pub fn use_spare(
    folder: &std::path::Path,
    spare: &std::path::Path,
) -> Result<Vec<DeviceKey>, HubError> {
    let mut store = open_store(folder, None)?;
    Ok(HubKeys::use_spare(&mut store, folder, spare)?.pins())
}

/// Runs a hub until it is told to stop. `ready` gets its address, with its keys, once it listens.
pub fn run(options: Options, ready: impl FnOnce(HubAddress)) -> Result<(), HubError> {
    if options.insecure_loopback && !options.listen.ip().is_loopback() {
        return Err(HubError::NotLoopback(options.listen));
    }
    let mut store = open_store(&options.folder, options.root)?;
    let keys = HubKeys::of(&mut store, &options.folder)?;
    let runtime = tokio::runtime::Runtime::new().map_err(io("the system's threads"))?;
    runtime.block_on(serve(options, store, keys, ready))
}

/// What every connection needs.
#[derive(Clone)]
struct Front {
    router: Router,
    hub: Hub,
    /// The bodies in hand.
    bodies: Bodies,
    /// `None` for plain HTTP on this machine.
    tls: Option<TlsAcceptor>,
    http: hyper::server::conn::http1::Builder,
    rates: Rates,
}

async fn serve(
    options: Options,
    store: Store,
    keys: HubKeys,
    ready: impl FnOnce(HubAddress),
) -> Result<(), HubError> {
    let listener =
        tokio::net::TcpListener::bind(options.listen).await.map_err(io("the address"))?;
    let address = listener.local_addr().map_err(io("the address"))?;
    let tls = if options.insecure_loopback {
        None
    } else {
        let config = tls::server_config(&keys.own);
        let config = config.map_err(|error| HubError::Tls(error.to_string()))?;
        Some(TlsAcceptor::from(Arc::new(config)))
    };
    // Before anybody is told that it runs, so that whoever then stops it is heard.
    let mut stop = std::pin::pin!(stopped(options.until_stdin_ends));
    ready(match tls {
        None => HubAddress::insecure(address),
        Some(_) => HubAddress {
            at: options.public.unwrap_or_else(|| address.to_string()),
            pins: keys.pins(),
        },
    });
    let hub = Hub::new(store, options.budgets);
    let settling = tokio::spawn(hub.clone().settle());
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEAD_SECONDS_MAX))
        .max_buf_size(READ_BYTES_MAX)
        .auto_date_header(false);
    let front = Front {
        router: router(hub.clone()),
        hub,
        tls,
        http,
        rates: Rates::default(),
        bodies: Bodies::default(),
    };
    let slots = Slots::default();
    let connections = hyper_util::server::graceful::GracefulShutdown::new();
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => {
                let Ok((stream, peer)) = accepted else {
                    // Out of file handles, most likely: some will be free again.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let Some((slot, leave)) = slots.admit(peer.ip()) else {
                    tracing::warn!("too many connections are being served; one was closed");
                    continue;
                };
                let served = front.clone().serve(stream, slot, connections.watcher());
                tokio::spawn(async move {
                    let limit = Duration::from_secs(CONNECTION_SECONDS_MAX);
                    tokio::select! {
                        () = served => {}
                        Ok(()) = leave => tracing::debug!("a connection that waited was closed"),
                        () = tokio::time::sleep(limit) => tracing::debug!("a connection was too long"),
                    }
                });
            }
        }
    }
    let _ = tokio::time::timeout(Duration::from_secs(10), connections.shutdown()).await;
    settling.abort();
    tracing::info!("stopped");
    Ok(())
}

impl Front {
    async fn serve(self, stream: TcpStream, slot: Slot, watcher: Watcher) {
        let _ = stream.set_nodelay(true);
        let Some(tls) = self.tls.clone() else {
            return self.serve_http(TokioIo::new(stream), None, slot, watcher).await;
        };
        let limit = Duration::from_secs(HANDSHAKE_SECONDS_MAX);
        let Ok(Ok(stream)) = tokio::time::timeout(limit, tls.accept(stream)).await else {
            tracing::debug!("a handshake failed");
            return;
        };
        if let Some(device) = tls::peer_key(stream.get_ref().1) {
            if self.hub.sender(device) == Sender::Stranger {
                slot.is_strangers();
            }
            self.serve_http(TokioIo::new(stream), Some(device), slot, watcher).await;
        }
    }

    async fn serve_http<Stream>(
        self,
        stream: Stream,
        device: Option<DeviceKey>,
        slot: Slot,
        watcher: Watcher,
    ) where
        Stream: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let slot = Arc::new(slot);
        let http = self.http.clone();
        let service = hyper::service::service_fn(move |request| {
            let (front, slot) = (self.clone(), Arc::clone(&slot));
            async move { Ok::<_, Infallible>(front.answer(&slot, device, request).await) }
        });
        let connection = http.serve_connection(stream, service);
        if watcher.watch(connection).await.is_err() {
            tracing::debug!("a connection ended early");
        }
    }
}

impl Front {
    /// Reads the whole request within its limits, then lets the router answer it. Whoever asks is looked up
    /// before anything of a body is read.
    async fn answer(
        self,
        slot: &Slot,
        device: Option<DeviceKey>,
        request: Request<Incoming>,
    ) -> Response {
        let (mut head, body) = request.into_parts();
        let named = head.headers.get(INSECURE_DEVICE_HEADER).and_then(|key| key.to_str().ok());
        // Where there is TLS, the handshake alone says who asks.
        let device = device.or_else(|| named.and_then(|key| key.parse().ok()));
        let sender = device.map_or(Sender::Stranger, |device| self.hub.sender(device));
        let is_health = head.uri.path() == "/healthz";
        let asks = device.filter(|_| !is_health);
        let is_allowed =
            |device: DeviceKey| self.rates.allow(device, sender, slot.address(), Instant::now());
        if !asks.is_none_or(is_allowed) {
            let detail = "this device asks too often; wait a minute".to_owned();
            return Problem(StatusCode::TOO_MANY_REQUESTS, "rate", detail).into_response();
        }
        let most = match sender {
            Sender::Known => BODY_BYTES_MAX,
            Sender::Stranger => STRANGERS_BODY_BYTES_MAX,
        };
        let Some(_hand) = self.bodies.take(device) else {
            let detail =
                "this device has as many requests at once as are taken; wait for one to end";
            return Problem(StatusCode::TOO_MANY_REQUESTS, "rate", detail.to_owned())
                .into_response();
        };
        let body = match whole(body, most).await {
            Ok(body) => body,
            Err(problem) => return problem.into_response(),
        };
        if let Some(device) = device {
            head.extensions.insert(device);
        }
        head.extensions.insert(slot.address());
        let leave = slot.is_served();
        let (method, route) = (head.method.clone(), route_of(head.uri.path()));
        let began = Instant::now();
        let answer = self.router.oneshot(Request::from_parts(head, Body::from(body))).await;
        slot.waits_again(leave);
        let answer = answer.unwrap_or_else(|never| match never {});
        let (status, ms) = (answer.status().as_u16(), began.elapsed().as_millis() as u64);
        // No device, no address, no id: who came when is nobody's to read.
        match route {
            "/healthz" => tracing::debug!(status, ms, "alive"),
            _ => tracing::info!(%method, route, status, ms, "answered"),
        }
        answer
    }
}

/// The part of a path that names no team and no invitation.
fn route_of(path: &str) -> &'static str {
    let routes =
        ["/healthz", "/v1/sync", "/v1/totals", "/v1/digests", "/v1/aside", "/v1/invitations"];
    routes.into_iter().find(|route| path.starts_with(route)).unwrap_or("other")
}

async fn whole(body: Incoming, most: usize) -> Result<Bytes, Problem> {
    let began = tokio::time::Instant::now();
    let said =
        hyper::body::Body::size_hint(&body).exact().and_then(|length| usize::try_from(length).ok());
    let mut body = Limited::new(body, most);
    let mut whole: Vec<u8> =
        Vec::with_capacity(said.filter(|said| *said <= SMALL_BODY_BYTES).unwrap_or(0));
    loop {
        let earned = BODY_SECONDS + whole.len() as u64 / BODY_BYTES_PER_SECOND;
        let until = began + Duration::from_secs(earned);
        match tokio::time::timeout_at(until, body.frame()).await {
            Ok(None) => return Ok(whole.into()),
            Ok(Some(Ok(frame))) => whole.extend(frame.into_data().unwrap_or_default()),
            Ok(Some(Err(error))) if error.is::<LengthLimitError>() => {
                let detail = format!("the body is longer than {most} bytes; send less at once");
                return Err(Problem(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail));
            }
            Ok(Some(Err(_))) => {
                let detail = "the body was cut off; send it again".to_owned();
                return Err(Problem(StatusCode::BAD_REQUEST, "cut_off", detail));
            }
            Err(_) => {
                let detail = "the body came too slowly; send it again".to_owned();
                return Err(Problem(StatusCode::REQUEST_TIMEOUT, "too_slow", detail));
            }
        }
    }
}

/// Tells when standard input ends. A thread of its own waits for it, because a runtime that is to
/// end waits for reads that it began.
fn stdin_ends() -> tokio::sync::oneshot::Receiver<()> {
    let (ended, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        let _ = ended.send(());
    });
    receiver
}

/// Tells when to stop. Listens from the call on, before it is first asked.
fn stopped(until_stdin_ends: bool) -> impl Future<Output = ()> {
    let stdin = until_stdin_ends.then(stdin_ends);
    #[cfg(unix)]
    let signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    let terminated = async move {
        #[cfg(unix)]
        if let Some(mut signal) = signal {
            signal.recv().await;
            return;
        }
        std::future::pending::<()>().await;
    };
    let stdin_ends = async move {
        match stdin {
            Some(stdin) => _ = stdin.await,
            None => std::future::pending::<()>().await,
        }
    };
    async move {
        tokio::select! {
            () = stdin_ends => {}
            () = terminated => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}
