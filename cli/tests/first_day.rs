//! Each command of docs/first-day.md, run as it stands there.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::Command;

#[test]
fn a_strangers_first_day_goes_as_the_page_says() {
    let page = include_str!("../../docs/first-day.md");
    let mut script = String::from("set -eu\n");
    let mut commands = 0;
    for block in page.split("```sh\n").skip(1) {
        let block = block.split("```").next().unwrap();
        commands += block.lines().filter(|line| line.contains("kitbag ")).count();
        script.push_str(block);
    }
    assert!(commands > 15, "{commands}");
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_kitbag"));
    let path =
        format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{errors}");
    for expected in [
        "Take-home naloxone kits supplied",
        "Referrals",
        "compared with what the entries give",
        "Records that count",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(folder.path().join("first-day/datapackage.json").exists());
}
