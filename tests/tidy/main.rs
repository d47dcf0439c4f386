//! Facts about the code itself.
#![allow(clippy::unwrap_used, missing_docs)]

mod apps;
mod layers;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Files longer than this hold two things.
const LINES_MAX: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// All files of the project, relative to its root, but what is built and what is given.
fn files() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match path.is_dir() {
                true if [".git", "target", "fixtures"].contains(&name.as_str()) => {}
                true => walk(&path, found),
                false => found.push(path.strip_prefix(root()).unwrap().to_owned()),
            }
        }
    }
    let mut found = Vec::new();
    walk(root(), &mut found);
    found.sort();
    found
}

fn with_ending(ending: &str) -> Vec<(PathBuf, String)> {
    let of_kind = files().into_iter().filter(|path| path.extension().is_some_and(|e| e == ending));
    of_kind
        .map(|path| (path.clone(), std::fs::read_to_string(root().join(path)).unwrap()))
        .collect()
}

fn assert_none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn each_heavy_dependency_has_one_owner() {
    let owners: [(&str, &[&str]); 23] = [
        ("automerge::", &["core/src/record/replay_against_automerge.rs", "benches/src/peers"]),
        ("loro::", &["benches/src/peers"]),
        ("yrs::", &["benches/src/peers"]),
        (
            "rusqlite::",
            &[
                "core/src/store",
                "tests/src/file_system.rs",
                "tests/crosscrate/erased.rs",
                "tests/crosscrate/store_file.rs",
                "tests/crosscrate/verifying.rs",
                "benches/",
            ],
        ),
        ("axum::", &["hub/", "dashboard/"]),
        ("maud::", &["dashboard/"]),
        (
            "tokio::",
            &[
                "hub/",
                "client/",
                "dashboard/src/local.rs",
                "bindings/",
                "cli/src/device.rs",
                "core/src/net",
                "benches/src/in_use.rs",
                "tests/crosscrate/client",
            ],
        ),
        ("rustls::", &["core/src/net", "hub/src/server.rs", "benches/src/strangers.rs"]),
        ("uniffi::", &["bindings/"]),
        ("csv::", &["interchange/"]),
        ("calamine::", &["interchange/src/workbook.rs"]),
        ("rust_xlsxwriter::", &["interchange/src/workbook.rs"]),
        ("zip::", &["interchange/src/workbook.rs"]),
        ("chrono_tz::", &["interchange/src/zones.rs"]),
        ("aes::", &["tests/crosscrate/erased.rs"]),
        ("socket2::", &["benches/src/strangers.rs"]),
        ("hpke::", &["core/src/identity/sealing.rs"]),
        ("argon2::", &["core/src/identity/slow_hash.rs"]),
        ("fluent_bundle::", &["core/src/words.rs"]),
        ("zstd::", &["core/src/packing.rs", "benches/", "tests/"]),
        ("qrcode::", &["cli/src/joining.rs"]),
        ("clap::", &["cli/", "xtask/"]),
        ("ed25519_dalek::", &["core/src/identity"]),
    ];
    let mut faults = Vec::new();
    for (path, text) in with_ending("rs") {
        let shown = path.to_string_lossy().into_owned();
        if shown.starts_with("tests/tidy") {
            continue;
        }
        for (dependency, allowed) in owners {
            let owned = allowed.iter().any(|owner| shown.starts_with(owner));
            if text.contains(dependency) && !owned {
                faults.push(format!("{shown} uses {dependency}, which is owned by {allowed:?}"));
            }
        }
    }
    assert_none(faults);
}

#[test]
fn no_shipped_crate_turns_the_mutants_on() {
    let mut faults = Vec::new();
    for (path, text) in
        with_ending("toml").into_iter().filter(|(path, _)| path.ends_with("Cargo.toml"))
    {
        let shown = path.to_string_lossy().into_owned();
        let manifest: toml::Table = toml::from_str(&text).unwrap();
        let features = manifest.get("features").and_then(toml::Value::as_table);
        let defaults =
            features.and_then(|features| features.get("default")).map(ToString::to_string);
        if defaults.is_some_and(|defaults| defaults.contains("mutants")) {
            faults.push(format!("{shown} has mutants among its default features"));
        }
        let has_feature = features.is_some_and(|features| features.contains_key("mutants"));
        let allowed = ["core/Cargo.toml", "tests/Cargo.toml"].contains(&shown.as_str());
        if has_feature && !allowed {
            faults.push(format!("{shown} has a feature mutants"));
        }
        let mentions =
            text.lines().filter(|line| line.contains("mutants") && !line.starts_with('#'));
        let expected = usize::from(allowed);
        if mentions.clone().filter(|line| !line.contains("description")).count() > expected {
            faults.push(format!("{shown} mentions mutants beside its feature"));
        }
    }
    assert_none(faults);
}

#[test]
fn each_function_that_the_walks_name_is_where_it_says() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for walk in ["## One save", "## One sync", "## One total"] {
        let walk = text.split(walk).nth(1).unwrap().split("\n## ").next().unwrap();
        each_function_of(walk);
    }
}

fn each_function_of(walk: &str) {
    let steps = walk.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count();
    assert!((1..10).contains(&steps), "{steps} steps");
    let mut named = 0;
    for link in walk.split("[`").skip(1) {
        let (name, rest) = link.split_once("`](").unwrap();
        let (file, _) = rest.split_once(')').unwrap();
        let code = std::fs::read_to_string(root().join(file)).unwrap();
        let function = name.rsplit("::").next().unwrap();
        let is_there = ["(", "<"].iter().any(|next| code.contains(&format!("fn {function}{next}")));
        assert!(is_there, "{file} has no function {function}");
        named += 1;
    }
    assert!(named >= steps, "each step names a function");
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut faults = Vec::new();
    for (path, text) in with_ending("md") {
        let folder = root().join(path.parent().unwrap());
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            if !target.is_empty() && !target.contains("://") && !folder.join(target).exists() {
                faults.push(format!("{} links to {target}", path.display()));
            }
        }
    }
    assert_none(faults);
}

#[test]
fn tests_that_documents_name_exist() {
    let code: String = with_ending("rs").into_iter().map(|(_, text)| text).collect();
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let invariants = text.split("## Invariants").nth(1).unwrap().split("\n## ").next().unwrap();
    let named = invariants.split('`').skip(1).step_by(2);
    let tests = named.filter(|name| name.matches('_').count() > 3 && !name.contains('/'));
    let missing: Vec<String> =
        tests.filter(|name| !code.contains(&format!("fn {name}()"))).map(str::to_owned).collect();
    assert_none(missing);
}

#[test]
fn files_hold_one_thing_and_have_names_that_say_which() {
    let mut faults = Vec::new();
    for (path, text) in with_ending("rs") {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            faults.push(format!("{} has {lines} lines", path.display()));
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if ["utils", "util", "helpers", "common", "misc"].contains(&name.as_str()) {
            faults.push(format!("{} has a name that says nothing", path.display()));
        }
        // What examples include stands in the middle of a module, where `//!` may not.
        let is_included = path.starts_with("core/doc");
        if !text.starts_with("//!") && !is_included {
            faults.push(format!("{} does not say what it is", path.display()));
        }
    }
    assert_none(faults);
}

#[test]
fn nothing_is_left_open_or_left_out() {
    let words = ["TO\u{44}O", "FIX\u{4d}E", "#[ig\u{6e}ore", "todo\u{21}(", "thread::sle\u{65}p"];
    let mut faults = Vec::new();
    for (path, text) in with_ending("rs") {
        let shown = path.to_string_lossy().into_owned();
        for word in words {
            // Only the command line waits: for its hub, for somebody who joins.
            let waiting = ["cli/src/demo/hub.rs", "cli/src/joining.rs"];
            let waits = word.starts_with("thread") && waiting.contains(&shown.as_str());
            if text.contains(word) && !waits {
                faults.push(format!("{shown} has {word}"));
            }
        }
    }
    assert_none(faults);
}

#[test]
fn unsafe_code_stands_in_one_file() {
    let word = "unsa\u{66}e ";
    let with_unsafe: BTreeSet<String> = with_ending("rs")
        .into_iter()
        .filter(|(_, text)| {
            let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
            code.clone().any(|line| line.contains(word))
        })
        .map(|(path, _)| path.to_string_lossy().into_owned())
        .collect();
    assert_eq!(with_unsafe, BTreeSet::from(["tests/src/file_system.rs".to_owned()]));
}

#[test]
fn decisions_are_numbered_without_a_gap() {
    let numbers: Vec<usize> = files()
        .iter()
        .filter(|path| path.starts_with("docs/adr"))
        .map(|path| path.file_name().unwrap().to_string_lossy()[..4].parse().unwrap())
        .collect();
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
}

#[test]
fn each_dependency_says_why_it_is_here() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let dependencies = text.split("[workspace.dependencies]").nth(1).unwrap();
    let dependencies = dependencies.split("\n[").next().unwrap();
    // A comment speaks for the lines below it, up to the next; each must name a licence.
    for group in dependencies.split("\n#").skip(1) {
        let comment = group.lines().next().unwrap();
        let licences = ["MIT", "Apache", "BSD", "BlueOak", "CC0", "Unlicense", "MPL"];
        assert!(licences.iter().any(|licence| comment.contains(licence)), "no licence: {comment}");
    }
    let before_first = dependencies.split("\n#").next().unwrap();
    assert!(before_first.lines().all(|line| line.is_empty() || line.starts_with("kitbag")));
}

#[test]
fn no_path_of_a_machine_stands_in_the_project() {
    let paths = ["/wor\u{6b}/", "/hom\u{65}/", "/roo\u{74}/.", "/tmp/\u{2e}", "/User\u{73}/"];
    let mut faults = Vec::new();
    for path in files() {
        let Ok(text) = std::fs::read_to_string(root().join(&path)) else { continue };
        for word in paths.iter().filter(|word| text.contains(**word)) {
            faults.push(format!("{} has {word}", path.display()));
        }
    }
    assert_none(faults);
}

#[test]
fn pages_made_from_the_declarations_are_as_they_would_be_made_now() {
    for (name, page) in kitbag_tests::pages::pages() {
        let committed = std::fs::read_to_string(root().join(name)).unwrap_or_default();
        assert!(committed == page, "{name} is not what `cargo xtask pages` writes");
    }
    let committed = std::fs::read_to_string(root().join(kitbag_tests::api::FILE)).unwrap();
    let api = kitbag_tests::api::api(root()).unwrap();
    assert!(committed == api, "what apps call changed: `cargo xtask pages` shows it in the diff");
}

/// Whether an item's documentation, the lines before it, holds an example.
fn has_example(lines: &[&str], item: usize) -> bool {
    let above = lines[..item].iter().rev().map(|line| line.trim_start());
    let mut docs = above.take_while(|line| line.starts_with("///") || line.starts_with("#["));
    docs.any(|line| line.starts_with("/// ```"))
}

#[test]
fn every_item_of_the_facade_has_a_tested_example() {
    let is_item = |line: &str| {
        ["pub fn ", "pub struct ", "pub enum ", "pub const "]
            .iter()
            .any(|item| line.trim_start().starts_with(item))
    };
    let mut faults = Vec::new();
    let mut items = 0;
    for (path, text) in with_ending("rs") {
        let shown = path.to_string_lossy().into_owned();
        // The outbox, and what goes from it to the hub, are not the facade's.
        let is_facade = shown == "core/src/engine.rs" || shown.starts_with("core/src/engine/");
        if !is_facade || ["outbox.rs", "offering.rs"].iter().any(|inner| shown.ends_with(inner)) {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        for at in (0..lines.len()).filter(|at| is_item(lines[*at])) {
            items += 1;
            if !has_example(&lines, at) {
                faults.push(format!("{shown}:{}: {}", at + 1, lines[at].trim()));
            }
        }
    }
    assert!(items > 80, "{items}");
    assert_none(faults);
}
