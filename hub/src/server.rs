//! Listening, limits, stopping, and the work behind ingest.

use crate::answers;
use crate::state::Hub;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use kitbag_core::model::DeviceKey;
use kitbag_core::store::{KeyFile, Settling, Store, StoreError};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// The most connections at a time; one more is closed, and its device tries again.
const CONNECTIONS_MAX: usize = 1_000;

/// How a hub is started.
pub struct Options {
    /// The folder of its store and key; made on first start.
    pub folder: PathBuf,
    /// Where to listen: a loopback address, port 0 for a free one.
    pub listen: SocketAddr,
    /// The programme's root key; needed on first start only.
    pub root: Option<DeviceKey>,
    /// Stop when standard input ends, so that a hub never outlives whoever started it.
    pub until_stdin_ends: bool,
}

/// Why a hub does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Plain HTTP is for this machine alone.
    #[error("{0} is not a loopback address: plain HTTP is refused there; listen on 127.0.0.1")]
    NotLoopback(SocketAddr),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key is there and the store is not.
    #[error(
        "the hub's key is here, but hub.db is empty or gone: put a backup in its place; if there was \
         never anything in it, move hub.key away and start again"
    )]
    StoreGone,
    /// The folder or the socket cannot be used.
    #[error("cannot use {what}: {reason}; check that it exists and is yours")]
    Io {
        /// Which.
        what: &'static str,
        /// The system's word.
        reason: std::io::Error,
    },
}

fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> HubError {
    move |reason| HubError::Io { what, reason }
}

/// Runs a hub until it is told to stop. `ready` gets the address once it listens.
pub fn run(options: Options, ready: impl FnOnce(SocketAddr)) -> Result<(), HubError> {
    if !options.listen.ip().is_loopback() {
        return Err(HubError::NotLoopback(options.listen));
    }
    std::fs::create_dir_all(&options.folder).map_err(io("the hub's folder"))?;
    let key = KeyFile(options.folder.join("hub.key"));
    let file = options.folder.join("hub.db");
    // A key without its store: the store was lost or cut off. A new one in its place would hide that.
    let is_there = std::fs::metadata(&file).is_ok_and(|file| file.len() > 0);
    if key.0.exists() && !is_there {
        return Err(HubError::StoreGone);
    }
    let store = Store::open(&file, &key, options.root, None, Settling::Behind)?;
    let runtime = tokio::runtime::Runtime::new().map_err(io("the system's threads"))?;
    runtime.block_on(serve(options, store, ready))
}

async fn serve(
    options: Options,
    store: Store,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), HubError> {
    let listener =
        tokio::net::TcpListener::bind(options.listen).await.map_err(io("the address"))?;
    ready(listener.local_addr().map_err(io("the address"))?);
    let hub = Hub::new(store);
    let settling = tokio::spawn(hub.clone().settle());
    let service = TowerToHyperService::new(answers::router(hub));
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let connections = hyper_util::server::graceful::GracefulShutdown::new();
    let mut stop = std::pin::pin!(stopped(options.until_stdin_ends));
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else {
                    // Out of file handles, most likely: some will be free again.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                };
                let Ok(permit) = Arc::clone(&places).try_acquire_owned() else {
                    tracing::warn!("too many connections; one was closed");
                    continue;
                };
                let connection = http.serve_connection(TokioIo::new(stream), service.clone());
                let watched = connections.watch(connection);
                tokio::spawn(async move {
                    let _permit = permit;
                    let limited = tokio::time::timeout(Duration::from_secs(120), watched).await;
                    if !matches!(limited, Ok(Ok(()))) {
                        tracing::debug!("a connection ended early");
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

async fn stopped(until_stdin_ends: bool) {
    let stdin_ends = async {
        match until_stdin_ends {
            true => _ = stdin_ends().await,
            false => std::future::pending::<()>().await,
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => _ = signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = stdin_ends => {}
        () = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
