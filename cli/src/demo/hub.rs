//! The hub of the demonstration: this program again, as a process of its own.

use crate::{Failure, failure};
use kitbag_client::BlockingHubClient;
use kitbag_core::identity::HubAddress;
use kitbag_core::model::DeviceKey;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the hub may take to settle what came in.
const SETTLE_SECONDS_MAX: u64 = 120;

/// A hub that stops when this is dropped, or when this process ends in any way.
pub struct HubProcess {
    child: Child,
    pub address: HubAddress,
    folder: PathBuf,
    root: DeviceKey,
}

impl HubProcess {
    pub fn start(folder: &Path, root: DeviceKey) -> Result<Self, Failure> {
        Self::start_at(folder, root, "127.0.0.1:0")
    }

    fn start_at(folder: &Path, root: DeviceKey, listen: &str) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["hub", "run", "--listen", listen, "--until-stdin-ends", "--root"])
            .arg(root.to_string())
            .arg("--folder")
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let address = line.trim().strip_prefix("listening on ").unwrap_or_default().parse();
        let address = address.map_err(|_| {
            let _ = child.kill();
            failure("the hub", "did not start; run `kitbag hub run` by hand to see why")
        })?;
        Ok(HubProcess { child, address, folder: folder.to_owned(), root })
    }

    /// Ends the process at once, as a power cut does.
    pub fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again at its address.
    pub fn start_again(&mut self) -> Result<(), Failure> {
        let at = self.address.at.clone();
        *self = Self::start_at(&self.folder, self.root, &at)?;
        Ok(())
    }

    /// Copies its store aside while it runs.
    pub fn back_up(&self) -> Result<u64, Failure> {
        Ok(kitbag_hub::backup(&self.folder, &self.backup())?)
    }

    /// Puts the copy in the place of the store of a hub that was killed.
    pub fn restore(&self) -> Result<(), Failure> {
        kitbag_hub::restore(&self.folder, &self.backup())?;
        Ok(())
    }

    fn backup(&self) -> PathBuf {
        self.folder.with_extension("backup")
    }

    /// Reads a page of the hub as this device, once all that came in is settled.
    pub fn settled(&self, client: &BlockingHubClient, path: &str) -> Result<Value, Failure> {
        let began = Instant::now();
        loop {
            let page: Value = serde_json::from_slice(&client.get(path)?)?;
            if page["settled"] == true {
                return Ok(page);
            }
            if began.elapsed() > Duration::from_secs(SETTLE_SECONDS_MAX) {
                return Err(failure("the hub", "did not settle what came in; its log says why"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for HubProcess {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
