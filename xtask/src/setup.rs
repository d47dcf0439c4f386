//! What some suites need beyond Rust: a separate SQLCipher, in a folder of its own under `target`.

use crate::shell;
use std::path::PathBuf;
use std::process::Command;

/// The separate SQLCipher 4, from PyPI.
const PEER: &str = "sqlcipher3-wheels==0.5.7";

/// The Python that has the separate SQLCipher.
pub fn peer_python() -> PathBuf {
    shell::target().join("peers/bin/python")
}

/// Installs what is missing.
pub fn run() -> Result<(), String> {
    let folder = shell::target().join("peers");
    if !peer_python().exists() {
        shell::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            .map_err(|reason| format!("{reason}; install Python 3 with venv, then set up again"))?;
    }
    shell::run(Command::new(peer_python()).args(["-m", "pip", "install", "--quiet", PEER]))?;
    println!("Set up: a separate SQLCipher in {}.", folder.display());
    Ok(())
}
