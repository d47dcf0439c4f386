//! A hub as a process of its own, so that what it costs is its own.

use super::Failed;
use kitbag_core::engine::Engine;
use kitbag_core::identity::HubAddress;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// A running hub; it stops when this is dropped.
pub struct Hub {
    child: Child,
    stdin: Option<ChildStdin>,
    pub address: HubAddress,
}

impl Hub {
    /// Starts one of this programme in a folder, over TLS on loopback.
    pub fn start(folder: &Path, root: &Engine) -> Result<Self, Failed> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--hub")
            .arg(folder)
            .arg(root.root().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().ok_or("the hub's output")?).read_line(&mut line)?;
        let address = line.trim().parse().map_err(|_| "the hub did not start")?;
        let stdin = child.stdin.take();
        Ok(Hub { child, stdin, address })
    }

    /// The processor time that its threads took so far, in ms.
    pub fn processor_ms(&self) -> Result<f64, Failed> {
        let mut ms = 0.0;
        for task in std::fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let stat = std::fs::read_to_string(task?.path().join("schedstat"))?;
            let nanoseconds: f64 = stat.split_whitespace().next().ok_or("a time")?.parse()?;
            ms += nanoseconds / 1e6;
        }
        Ok(ms)
    }

    /// The memory that it holds now, in MiB.
    pub fn memory_mib(&self) -> Result<f64, Failed> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("memory")?;
        let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib / 1024.0)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

/// What the process of its own does: serves until standard input ends.
pub fn run(folder: &str, root: &str) -> Result<(), Failed> {
    let options = kitbag_hub::Options {
        folder: folder.into(),
        listen: ([127, 0, 0, 1], 0).into(),
        public: None,
        root: Some(root.parse()?),
        insecure_loopback: false,
        until_stdin_ends: true,
        budgets: kitbag_hub::Budgets::default(),
    };
    Ok(kitbag_hub::run(options, |address| println!("{address}"))?)
}
