//! A client for a hub: HTTP/1.1 over TLS 1.3 to the hub's pinned key, one connection for a sync.

mod quiet;
pub mod tls;

use crate::identity::{HubAddress, SigningKey};
use crate::model::DeviceKey;
use crate::sync::SyncFault;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use quiet::Quiet;
use rustls::pki_types::ServerName;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;

/// How long nothing may come from the hub, in seconds; longer by what a slow line takes for the request.
const SILENCE_SECONDS_MAX: u64 = 60;
/// The slowest line that is waited for, in bytes a second.
const SLOWEST_BYTES_PER_SECOND: u64 = 500;
/// The longest time until a connection stands, in seconds.
const CONNECT_SECONDS_MAX: u64 = 20;
/// The longest response that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Names the device where there is no TLS: on this machine, in development.
pub const INSECURE_DEVICE_HEADER: &str = "kitbag-device";

/// Why a call gave no response. Nothing that was saved is touched by it.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// Nobody answered, or not in time.
    #[error("the hub did not answer; it will be tried again")]
    NoAnswer,
    /// Somebody answered who is not the hub.
    #[error(
        "what answered at the hub's address is not the hub; nothing was sent. On another network \
         it may work; if not, ask the coordinator"
    )]
    NotTheHub,
    /// The hub has more to do than it can.
    #[error("the hub is busy; it will be tried again")]
    Busy,
    /// The hub refused, with this status, and says why.
    #[error("the hub refused: {1} (status {0})")]
    Status(u16, String),
}

impl NetError {
    /// As what a sync notes it that fails by it.
    pub fn as_sync_fault(&self) -> SyncFault {
        match self {
            NetError::NoAnswer => SyncFault::NoAnswer,
            NetError::NotTheHub => SyncFault::NotTheHub,
            NetError::Busy => SyncFault::Busy,
            NetError::Status(status, _) => SyncFault::Refused(*status),
        }
    }
}

/// Why an exchange on a connection ended.
enum Cut {
    /// The connection was closed.
    Closed,
    /// Nothing came for too long.
    Silent,
}

enum Security {
    Tls(Arc<rustls::ClientConfig>),
    Loopback,
}

/// Calls one hub as one device, one call after the other, on the runtime of whoever calls. The connection stays for the
/// next call. A call that is dropped gives its connection up.
pub struct HubClient {
    at: String,
    device: DeviceKey,
    security: Security,
    connection: tokio::sync::Mutex<Option<SendRequest<Full<Bytes>>>>,
    /// The key that the hub showed last.
    shown: Mutex<Option<DeviceKey>>,
}

impl HubClient {
    /// A client of this hub, as the device of this key.
    pub fn new(hub: &HubAddress, own: &SigningKey) -> std::io::Result<Self> {
        let security = if hub.pins.is_empty() {
            Security::Loopback
        } else {
            Security::Tls(Arc::new(
                tls::client_config(own, hub.pins.clone()).map_err(std::io::Error::other)?,
            ))
        };
        Ok(HubClient {
            at: hub.at.clone(),
            device: own.device_key(),
            security,
            connection: tokio::sync::Mutex::new(None),
            shown: Mutex::new(None),
        })
    }

    /// The key that the hub showed at the last connection. Once it is the spare, the other may be known
    /// to somebody else, and must not be accepted again.
    pub fn shown_key(&self) -> Option<DeviceKey> {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a sync request and brings the response.
    pub async fn sync(&self, request: Vec<u8>) -> Result<Vec<u8>, NetError> {
        self.post("/v1/sync", request).await
    }

    /// Sends a body and brings the response.
    pub async fn post(&self, path: &str, body: Vec<u8>) -> Result<Vec<u8>, NetError> {
        self.call("POST", path, body).await
    }

    /// Reads a page of the hub.
    pub async fn get(&self, path: &str) -> Result<Vec<u8>, NetError> {
        self.call("GET", path, Vec::new()).await
    }

    async fn call(&self, method: &str, path: &str, body: Vec<u8>) -> Result<Vec<u8>, NetError> {
        let body = Bytes::from(body);
        let mut kept = self.connection.lock().await;
        let sending = body.len() as u64 / SLOWEST_BYTES_PER_SECOND;
        let limit = Duration::from_secs(SILENCE_SECONDS_MAX + sending);
        // A kept connection may have been closed since: then, and only then, a new one is tried.
        if let Some(mut sender) = kept.take().filter(|sender| !sender.is_closed()) {
            match self.exchange(&mut sender, method, path, body.clone(), limit).await {
                Ok(response) => {
                    *kept = Some(sender);
                    return status(response);
                }
                Err(Cut::Closed) => {}
                Err(Cut::Silent) => return Err(NetError::NoAnswer),
            }
        }
        let mut sender = self.connect().await?;
        let response = self.exchange(&mut sender, method, path, body, limit).await;
        let response = response.map_err(|_| NetError::NoAnswer)?;
        *kept = Some(sender);
        status(response)
    }

    async fn exchange(
        &self,
        sender: &mut SendRequest<Full<Bytes>>,
        method: &str,
        path: &str,
        body: Bytes,
        limit: Duration,
    ) -> Result<(u16, Vec<u8>), Cut> {
        let mut request = Request::builder().method(method).uri(path).header("host", "h");
        if matches!(self.security, Security::Loopback) {
            request = request.header(INSECURE_DEVICE_HEADER, self.device.to_string());
        }
        let request = request.body(Full::new(body)).map_err(|_| Cut::Closed)?;
        // One that is still busy with what went before is as good as closed.
        let ready = tokio::time::timeout(limit, sender.ready()).await;
        ready.map_err(|_| Cut::Closed)?.map_err(|_| Cut::Closed)?;
        let sent = tokio::time::timeout(limit, sender.send_request(request)).await;
        let response = sent.map_err(|_| Cut::Silent)?.map_err(|_| Cut::Closed)?;
        let status = response.status().as_u16();
        let mut body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
        let mut bytes = Vec::new();
        let began = tokio::time::Instant::now();
        loop {
            let wait = patience(bytes.len(), began.elapsed());
            let frame = tokio::time::timeout(wait, body.frame());
            let Some(frame) = frame.await.map_err(|_| Cut::Silent)? else { break };
            let frame = frame.map_err(|_| Cut::Closed)?;
            bytes.extend(frame.into_data().unwrap_or_default());
        }
        Ok((status, bytes))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, NetError> {
        let limit = Duration::from_secs(CONNECT_SECONDS_MAX);
        tokio::time::timeout(limit, self.connect_without_limit())
            .await
            .unwrap_or(Err(NetError::NoAnswer))
    }

    async fn connect_without_limit(&self) -> Result<SendRequest<Full<Bytes>>, NetError> {
        let stream = TcpStream::connect(&self.at).await.map_err(|_| NetError::NoAnswer)?;
        let _ = stream.set_nodelay(true);
        match &self.security {
            Security::Loopback => {
                let is_here = stream.peer_addr().is_ok_and(|peer| peer.ip().is_loopback());
                if !is_here {
                    return Err(NetError::NotTheHub);
                }
                handshake(TokioIo::new(Quiet(stream))).await
            }
            Security::Tls(config) => {
                // The key is pinned, so the name says nothing, and is not sent.
                let name = ServerName::from(IpAddr::from(Ipv4Addr::UNSPECIFIED));
                let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
                let stream = connector.connect(name, Quiet(stream)).await.map_err(|error| {
                    let is_tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
                    if is_tls { NetError::NotTheHub } else { NetError::NoAnswer }
                })?;
                *self.shown.lock().unwrap_or_else(PoisonError::into_inner) =
                    tls::peer_key(stream.get_ref().1);
                handshake(TokioIo::new(stream)).await
            }
        }
    }
}

/// How much longer the rest of a response is waited for, of which so many bytes came in so long: while something
/// comes, and not more slowly than the slowest line brings it.
fn patience(received: usize, elapsed: Duration) -> Duration {
    let silence = Duration::from_secs(SILENCE_SECONDS_MAX);
    let coming = Duration::from_secs(received as u64 / SLOWEST_BYTES_PER_SECOND);
    silence.min((silence + coming).saturating_sub(elapsed))
}

fn status((status, body): (u16, Vec<u8>)) -> Result<Vec<u8>, NetError> {
    match status {
        200 => Ok(body),
        429 | 503 => Err(NetError::Busy),
        other => {
            let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
            let detail = problem["detail"].as_str().unwrap_or("without a reason");
            Err(NetError::Status(other, detail.chars().take(300).collect()))
        }
    }
}

async fn handshake<Stream>(stream: Stream) -> Result<SendRequest<Full<Bytes>>, NetError>
where
    Stream: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (sender, connection) =
        hyper::client::conn::http1::handshake(stream).await.map_err(|_| NetError::NoAnswer)?;
    tokio::spawn(connection);
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_line_is_waited_for_and_a_hub_that_trickles_is_not() {
        let seconds = Duration::from_secs;
        assert_eq!(patience(0, seconds(0)), seconds(60));
        assert_eq!(patience(0, seconds(60)), seconds(0), "silent for a minute");
        assert_eq!(patience(600_000, seconds(1_200)), seconds(60), "500 bytes a second");
        assert_eq!(patience(61, seconds(61)), seconds(0), "a byte a second");
    }
}
