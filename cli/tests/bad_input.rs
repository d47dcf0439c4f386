//! A malformed file or flag gives one clear line and a non-zero exit, and changes nothing.
#![allow(clippy::unwrap_used, missing_docs)]

use std::process::Command;

/// Runs the program; returns whether it succeeded, and its lines of error.
fn kitbag(arguments: &[&str]) -> (bool, Vec<String>) {
    let output = Command::new(env!("CARGO_BIN_EXE_kitbag"))
        .env("LC_ALL", "C")
        .args(arguments)
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stderr).unwrap();
    (output.status.success(), lines.lines().map(str::to_owned).collect())
}

#[test]
fn each_fault_is_one_line_that_says_what_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (not_csv, no_store, full) = (at("rows.csv"), at("store.db"), at("full"));
    std::fs::write(&not_csv, "county,survive\nElk,Y\n").unwrap();
    std::fs::write(&no_store, "not a store").unwrap();
    std::fs::write(at("store.key"), [9; 32]).unwrap();
    std::fs::create_dir(&full).unwrap();
    std::fs::write(at("full/file"), "kept").unwrap();
    let nowhere = at("nowhere.csv");
    let passphrase = at("passphrase");
    std::fs::write(&passphrase, "short\n").unwrap();
    let (root, bundle) = (at("root.db"), at("bundle"));
    std::fs::write(&bundle, [1, 1, 0, 0, 0, 9]).unwrap();
    let cases: [(&[&str], &str); 23] = [
        (&["demo", "--odin", &nowhere], "cannot be read"),
        (&["demo", "--odin", &not_csv], "incident_date"),
        (&["demo", "--keep", &full], "is not empty"),
        (&["demo", "--seed", "x"], "--seed"),
        (&["demo", "--colour"], "--colour"),
        (&["totals", "--store", &nowhere], "is not there"),
        (&["totals", "--store", &no_store], "does not open the store"),
        (&["totals", "--store", &no_store, "--by", "colour"], "expected day, week"),
        (&["hub", "run"], "--folder"),
        (&["hub", "run", "--folder", &full, "--listen", "x"], "--listen"),
        (
            &["hub", "run", "--folder", &full, "--listen", "0.0.0.0:0", "--insecure-loopback"],
            "is not a loopback address",
        ),
        (&["hub", "backup", "--folder", &full, &nowhere], "hub.db is empty or gone"),
        (&["hub", "restore", "--folder", &full, &nowhere], "hub.key is not"),
        (&["programme", "init", "--store", &root], "cannot be asked for"),
        (
            &["programme", "init", "--store", &root, "--passphrase-file", &passphrase],
            "at least 12 characters",
        ),
        (&["programme", "hub", "--store", &no_store, "https://hub"], "not a hub's address"),
        (&["join", "--store", &root, "KITBAG:AAAA"], "is not taken from the command line"),
        (&["sync", "--store", &nowhere], "is not there"),
        (&["status", "--store", &no_store], "does not open the store"),
        (&["bundle", "import", "--store", &no_store, &bundle], "does not open the store"),
        (
            &[
                "record",
                "reversal",
                "--store",
                &no_store,
                "--site",
                "x",
                "--on",
                "2026-02-30",
                "--unknowns",
            ],
            "occurred_on: shape: Date cannot hold this; expected a date",
        ),
        (&["approve", "--store", &nowhere, "123456"], "is not there"),
        (&["revoke", "--store", &nowhere, "x"], "is not there"),
    ];
    for (arguments, said) in cases {
        let (succeeded, lines) = kitbag(arguments);
        assert!(!succeeded, "{arguments:?}");
        assert_eq!(lines.len(), 1, "{arguments:?}: {lines:?}");
        assert!(lines[0].starts_with("kitbag: "), "{lines:?}");
        assert!(lines[0].contains(said), "{arguments:?}: {lines:?}");
    }
    assert_eq!(std::fs::read_to_string(&no_store).unwrap(), "not a store");
    assert_eq!(std::fs::read_to_string(at("full/file")).unwrap(), "kept");
}
