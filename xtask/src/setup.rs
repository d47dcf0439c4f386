//! What lint and some suites need beyond Rust: cargo-deny, a separate SQLCipher, a JDK with Maven, and Swift, each in a
//! folder of its own under `target` where it is not the machine's.

use crate::{apps, bindings, shell};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Checks licences, bans and sources. Embark Studios, MIT OR Apache-2.0.
const DENY_VERSION: &str = "0.20.2";
/// The separate SQLCipher 4, from PyPI.
const PEER: &str = "sqlcipher3-wheels==0.5.7";

/// The Python that has the separate SQLCipher.
pub fn peer_python() -> PathBuf {
    shell::target().join("peers/bin/python")
}

/// Whether cargo-deny is here.
pub fn has_deny() -> bool {
    let mut command = shell::cargo(&["deny", "--version"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Installs what is missing.
pub fn run() -> Result<(), String> {
    if !has_deny() {
        println!("Installing cargo-deny {DENY_VERSION}; two to three minutes on two cores.");
        let version = ["--version", DENY_VERSION];
        let mut install = shell::cargo(&["install", "--locked", "--quiet", "cargo-deny"]);
        // Not in the workspace: its toolchain and target directory are its own.
        shell::run(install.args(version).env_remove("CARGO_TARGET_DIR"))?;
    }
    let folder = shell::target().join("peers");
    if !peer_python().exists() {
        shell::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            .map_err(|reason| format!("{reason}; install Python 3 with venv, then set up again"))?;
    }
    shell::run(Command::new(peer_python()).args(["-m", "pip", "install", "--quiet", PEER]))?;
    bindings::set_up()?;
    apps::set_up()?;
    println!("Set up: a separate SQLCipher in {}.", folder.display());
    Ok(())
}
