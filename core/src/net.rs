//! A client for a hub over HTTP on this machine. HTTPS to a pinned key comes with enrolment.

use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;

/// The longest time that one call may take.
const CALL_SECONDS_MAX: u64 = 60;
/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Why a call gave no answer. Nothing that was saved is touched by it.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// Nobody answered, or not in time.
    #[error("the hub did not answer; it will be tried again")]
    NoAnswer,
    /// The hub answered with another status than 200.
    #[error("the hub refused the request with status {0}")]
    Status(u16),
}

/// Calls one hub, one connection for each call.
pub struct HubClient {
    address: SocketAddr,
    runtime: tokio::runtime::Runtime,
}

impl HubClient {
    /// A client of the hub at this address.
    pub fn new(address: SocketAddr) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(HubClient { address, runtime })
    }

    /// Sends a sync request and brings the answer.
    pub fn sync(&self, request: Vec<u8>) -> Result<Vec<u8>, NetError> {
        self.call("POST", "/v1/sync", request)
    }

    /// Reads a page of the hub.
    pub fn get(&self, path: &str) -> Result<Vec<u8>, NetError> {
        self.call("GET", path, Vec::new())
    }

    fn call(&self, method: &str, path: &str, body: Vec<u8>) -> Result<Vec<u8>, NetError> {
        let exchange = async {
            let stream = tokio::net::TcpStream::connect(self.address)
                .await
                .map_err(|_| NetError::NoAnswer)?;
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream))
                    .await
                    .map_err(|_| NetError::NoAnswer)?;
            let driver = tokio::spawn(connection);
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("host", "localhost")
                .body(Full::new(Bytes::from(body)))
                .map_err(|_| NetError::NoAnswer)?;
            let answer = sender.send_request(request).await.map_err(|_| NetError::NoAnswer)?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX);
            let bytes = body.collect().await.map_err(|_| NetError::NoAnswer)?.to_bytes().to_vec();
            drop(sender);
            driver.abort();
            if status == 200 { Ok(bytes) } else { Err(NetError::Status(status)) }
        };
        self.runtime.block_on(async {
            tokio::time::timeout(Duration::from_secs(CALL_SECONDS_MAX), exchange)
                .await
                .unwrap_or(Err(NetError::NoAnswer))
        })
    }
}
