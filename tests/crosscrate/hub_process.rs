//! A hub as a process of its own, for tests.

use kitbag_client::BlockingHubClient;
use kitbag_core::engine::{Engine, EngineError};
use kitbag_core::identity::HubAddress;
use kitbag_core::model::DeviceKey;
use kitbag_core::net::NetError;
use kitbag_core::sync::Agreement;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};

pub struct Hub {
    child: Child,
    stdin: Option<ChildStdin>,
    pub address: HubAddress,
    folder: PathBuf,
    root: DeviceKey,
}

#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Net(#[from] NetError),
}

impl Hub {
    pub fn start(folder: &Path, root: &Engine) -> Self {
        Self::start_as(folder, root.root(), "tls", "127.0.0.1:0")
    }

    /// Plain HTTP, so that a test can write a request by hand.
    pub fn start_insecure(folder: &Path, root: &Engine) -> Self {
        Self::start_as(folder, root.root(), "insecure", "127.0.0.1:0")
    }

    fn start_as(folder: &Path, root: DeviceKey, how: &str, listen: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hub_for_tests"))
            .arg(folder)
            .args([&root.to_string(), how, listen])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().parse().unwrap_or_else(|_| {
            let mut log = String::new();
            child.stderr.as_mut().unwrap().read_to_string(&mut log).unwrap();
            panic!("the hub did not start: {log}")
        });
        let stdin = child.stdin.take();
        Hub { child, stdin, address, folder: folder.to_owned(), root }
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again at the same address.
    pub fn start_again(&mut self) {
        let at = self.address.at.clone();
        let how = if self.address.pins.is_empty() { "insecure" } else { "tls" };
        *self = Self::start_as(&self.folder, self.root, how, &at);
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    pub fn is_told_by_stdin(&self) -> bool {
        self.stdin.is_some()
    }

    pub fn client(&self, engine: &Engine) -> BlockingHubClient {
        BlockingHubClient::to(engine, &self.address).unwrap()
    }

    pub fn sync(&self, engine: &mut Engine) -> Result<Agreement, Failed> {
        let client = self.client(engine);
        engine.sync(|request| client.sync(request).map_err(Failed::Net))
    }

    /// A page of totals, once all is settled, as this device reads it.
    pub fn totals(&self, engine: &Engine) -> Value {
        let client = self.client(engine);
        loop {
            let page = client.get(&format!("/v1/totals?team={}", super::programme::TEAM)).unwrap();
            let page: Value = serde_json::from_slice(&page).unwrap();
            if page["settled"] == true {
                return page;
            }
        }
    }

    pub fn reversals(&self, engine: &Engine) -> i64 {
        let page = self.totals(engine);
        let lines = page["lines"].as_array().unwrap();
        lines.iter().filter_map(|line| line["sums"]["reversals"].as_i64()).sum()
    }

    /// Writes these bytes to the socket and reads what comes.
    pub fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(&self.address.at).unwrap();
        // A hub that refuses what is too long closes before it is all read.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Asks it to stop, and returns how it did, with what it logged.
    pub fn stop(mut self) -> (ExitStatus, String) {
        drop(self.stdin.take());
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap(), log)
    }
}
