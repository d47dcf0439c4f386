//! A founded programme with a coordinator's store, for tests of the command line.
#![allow(clippy::unwrap_used, dead_code)]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A coordinator's store of a programme founded in a folder of its own.
pub struct Desk {
    pub folder: tempfile::TempDir,
    pub store: PathBuf,
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kitbag")).current_dir(folder).args(arguments).output().unwrap()
}

fn printed(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap().trim().to_owned()
}

impl Desk {
    pub fn new() -> Self {
        Desk::with_packs(&[])
    }

    /// With these packs published before the coordinator's store is made.
    pub fn with_packs(packs: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("words"), "four words in a row\n").unwrap();
        let root = ["--store", "root.db", "--passphrase-file", "words"];
        let of_root = |first: &[&str], last: &[&str]| {
            printed(&run(folder.path(), &[first, &root, last].concat()))
        };
        of_root(&["programme", "init"], &[]);
        for pack in packs {
            of_root(&["pack", "publish"], &[pack]);
        }
        let team = of_root(&["programme", "team"], &[]);
        of_root(&["programme", "coordinator", "--team", &team], &["desk.db"]);
        let store = folder.path().join("desk.db");
        Desk { folder, store }
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The command, not run yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let store = self.store.to_str().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kitbag"));
        command
            .current_dir(self.folder.path())
            .env("KITBAG_STORE", store)
            .env("LC_ALL", "C")
            .args(arguments);
        command
    }

    pub fn says(&self, arguments: &[&str]) -> String {
        printed(&self.output(arguments))
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.says(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// How it ended, and its line of error.
    pub fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.output(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
        (output.status.code().unwrap(), said)
    }

    pub fn total(&self, indicator: &str) -> i64 {
        let totals = self.json(&["totals", "--by", "year"]);
        let lines = totals["lines"].as_array().unwrap();
        lines.iter().filter_map(|line| line["sums"][indicator].as_i64()).sum()
    }
}
