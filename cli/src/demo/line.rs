//! A line that duplicates, cuts and reorders messages, over the real client.

use kitbag_client::BlockingHubClient;
use kitbag_core::engine::EngineError;
use kitbag_core::net::NetError;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Why a sync over the line failed; the next one goes on.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Net(#[from] NetError),
    #[error("the line was cut")]
    Cut,
}

/// What the line does to a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// One in four messages is cut, one in four comes twice, one in four is overtaken.
    Bad,
    /// The line is cut after the first message of each sync.
    CutAfterFirst,
    /// Nothing happens to it.
    Good,
}

/// The line with what it did, and how much went over it.
#[derive(Default)]
pub struct Line {
    /// Messages that were held back, to arrive after later ones.
    held_back: Vec<Vec<u8>>,
    pub cut: u64,
    pub duplicated: u64,
    pub reordered: u64,
    pub bytes_up: u64,
    pub bytes_down: u64,
}

impl Line {
    /// Carries a request to the hub and brings the answer, as the weather lets it.
    pub fn exchange(
        &mut self,
        client: &BlockingHubClient,
        weather: Weather,
        nth: u64,
        random: &mut ChaCha8Rng,
        request: Vec<u8>,
    ) -> Result<Vec<u8>, LineError> {
        if weather == Weather::CutAfterFirst && nth > 1 {
            self.cut += 1;
            return Err(LineError::Cut);
        }
        if weather == Weather::Bad {
            match random.random_range(0..4) {
                0 => return self.cut(client, random, request),
                1 => {
                    self.duplicated += 1;
                    self.send(client, request.clone())?;
                }
                2 => {
                    // An old request overtaken by this one arrives first of all now.
                    self.reordered += 1;
                    if let Some(old) = self.held_back.pop() {
                        self.send(client, old)?;
                    }
                    self.held_back.push(request.clone());
                }
                _ => {}
            }
        }
        self.send(client, request)
    }

    /// Half of the cuts lose the end of the request, the others the answer.
    fn cut(
        &mut self,
        client: &BlockingHubClient,
        random: &mut ChaCha8Rng,
        mut request: Vec<u8>,
    ) -> Result<Vec<u8>, LineError> {
        self.cut += 1;
        if random.random_bool(0.5) {
            request.truncate(request.len() / 2);
        }
        match self.send(client, request) {
            Ok(_) | Err(LineError::Net(NetError::Status(..))) => Err(LineError::Cut),
            Err(other) => Err(other),
        }
    }

    fn send(&mut self, client: &BlockingHubClient, request: Vec<u8>) -> Result<Vec<u8>, LineError> {
        self.bytes_up += request.len() as u64;
        let answer = client.sync(request)?;
        self.bytes_down += answer.len() as u64;
        Ok(answer)
    }
}
