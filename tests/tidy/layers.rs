//! Which module stands on which: read from what they import.

use crate::{assert_none, with_ending};
use std::collections::{BTreeMap, BTreeSet};

/// The layers of `core`, from the bottom: a module uses those before it alone.
const CORE: [&str; 11] = [
    "packing", "mutant", "model", "identity", "log", "record", "totals", "store", "sync", "net",
    "engine",
];
/// What people read for names of `model` and faults of `sync`; nothing but front ends uses it.
const BESIDE: &str = "words";

/// The code of a file without its comments and unit tests.
fn code(text: &str) -> String {
    let own = text.split("\n#[cfg(test)]").next().unwrap_or_default();
    let lines = own.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules of its crate that a file names.
fn named(text: &str) -> BTreeSet<String> {
    let code = code(text);
    let word = |rest: &str| -> String {
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    code.split("crate::").skip(1).map(word).collect()
}

/// The files of a folder, each under its module's path, with their text.
fn files_of(folder: &str) -> Vec<(String, String)> {
    let all = with_ending("rs").into_iter().filter_map(|(path, text)| {
        let within = path.strip_prefix(folder).ok()?.with_extension("");
        Some((within.to_string_lossy().replace('\\', "/"), text))
    });
    let found: Vec<(String, String)> = all.collect();
    assert!(found.len() > 3, "{folder} has files");
    found
}

#[test]
fn each_module_of_the_core_uses_what_is_below_it_alone() {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, text) in files_of("core/src") {
        let own = path.split('/').next().unwrap_or_default().to_owned();
        if own == "lib" {
            continue;
        }
        let rank = |name: &str| CORE.iter().position(|layer| *layer == name);
        for used in named(&text).iter().filter(|used| **used != own) {
            let (Some(of_used), above) = (rank(used), rank(&own)) else { continue };
            let is_beside = own == BESIDE && ["model", "sync"].contains(&used.as_str());
            if !(is_beside || above.is_some_and(|above| of_used < above)) {
                faults.push(format!("core/src/{path}.rs uses {used}, which stands above it"));
            }
        }
        seen.insert(own);
    }
    let declared = CORE.into_iter().chain([BESIDE]).map(str::to_owned);
    assert_eq!(seen, declared.collect(), "every module has its place");
    assert_none(faults);
}

/// The paths of a file's imports, and those that begin at its crate, itself or its parent.
fn paths(text: &str) -> Vec<String> {
    let code = code(text);
    let mut paths = Vec::new();
    for import in code.split("\nuse ").skip(1).filter_map(|rest| rest.split(';').next()) {
        spread("", import.trim(), &mut paths);
    }
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let is_path = |c: char| c.is_ascii_alphanumeric() || ['_', ':'].contains(&c);
            paths.push(code[at..].chars().take_while(|c| is_path(*c)).collect());
        }
    }
    paths
}

/// The paths of one import, whose braces may stand in braces.
fn spread(before: &str, import: &str, paths: &mut Vec<String>) {
    let Some((start, inner)) = import.split_once('{') else {
        paths.push(format!("{before}{}", import.trim()));
        return;
    };
    let before = format!("{before}{}", start.trim());
    let (mut depth, mut part) = (0, String::new());
    for c in inner.trim_end().strip_suffix('}').unwrap_or(inner).chars().chain([',']) {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            spread(&before, &std::mem::take(&mut part), paths);
        } else {
            part.push(c);
        }
    }
}

/// Which of these files a path leads to, from one of them: the longest that it begins with.
fn led_to<'a>(files: &BTreeSet<&'a str>, from: &str, path: &str) -> Option<&'a str> {
    let mut at: Vec<&str> = from.split('/').collect();
    let mut rest = path;
    if let Some(of_crate) = path.strip_prefix("crate::") {
        (at, rest) = (Vec::new(), of_crate);
    } else if let Some(of_self) = path.strip_prefix("self::") {
        rest = of_self;
    } else if !path.starts_with("super::") {
        return None;
    }
    while let Some(of_parent) = rest.strip_prefix("super::") {
        at.pop();
        rest = of_parent;
    }
    at.extend(rest.split("::"));
    (1..=at.len()).rev().find_map(|length| files.get(at[..length].join("/").as_str()).copied())
}

#[test]
fn no_files_of_a_crate_use_each_other_in_a_circle() {
    let crates =
        ["core/src", "client/src", "bindings/src", "hub/src", "interchange/src", "cli/src"];
    for folder in crates {
        let files = files_of(folder);
        let names: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        let uses = |name: &str, text: &str| -> BTreeSet<&str> {
            let to = paths(text).into_iter().filter_map(|path| led_to(&names, name, &path));
            to.filter(|used| *used != name).collect()
        };
        let mut left: BTreeMap<&str, BTreeSet<&str>> =
            files.iter().map(|(name, text)| (name.as_str(), uses(name, text))).collect();
        let arrows: usize = left.values().map(BTreeSet::len).sum();
        assert!(arrows > names.len() / 2, "{folder}: its files use each other");
        // What uses nothing that is left is in no circle, nor is what nothing uses.
        loop {
            let used: BTreeSet<&str> = left.values().flatten().copied().collect();
            let free: Vec<&str> = left
                .iter()
                .filter(|(name, uses)| uses.is_empty() || !used.contains(*name))
                .map(|(name, _)| *name)
                .collect();
            if free.is_empty() {
                break;
            }
            for name in free {
                left.remove(name);
                left.values_mut().for_each(|uses| _ = uses.remove(name));
            }
        }
        assert!(left.is_empty(), "{folder}: {left:?}");
    }
}

/// The store's walls: which files write which tables. All others read.
const WRITERS: [(&str, &[&str]); 18] = [
    // Settings.
    ("meta", &["settings"]),
    // The log as it is held.
    ("log", &["ingest", "insert", "leaving"]),
    ("branch", &["insert", "leaving"]),
    ("entry", &["aside", "ingest", "insert", "leaving", "missing", "plain", "settle"]),
    ("dirty", &["dirty", "insert", "projection", "settle"]),
    // What is known of others.
    ("heard", &["insert", "leaving", "missing"]),
    ("on_hub", &["delivery", "leaving"]),
    ("turned_away", &["delivery", "leaving"]),
    ("own_accepted", &["delivery", "hidden", "leaving"]),
    ("aside", &["aside"]),
    ("arrived", &["completeness"]),
    ("synced", &["completeness"]),
    // The projection and its sums.
    ("record", &["leaving", "links", "projection"]),
    ("link", &["leaving", "projection"]),
    ("equal_import", &["equal_imports", "leaving", "projection"]),
    // What is shown of clocks.
    ("clock_doubt", &["clocks", "leaving"]),
    ("tally", &["leaving", "projection"]),
    ("stock", &["leaving", "projection"]),
];

#[test]
fn each_table_of_the_store_is_written_by_its_owners_alone() {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, text) in files_of("core/src") {
        let code = code(&text);
        for verb in [
            "INSERT INTO ",
            "INSERT OR REPLACE INTO ",
            "INSERT OR IGNORE INTO ",
            "UPDATE ",
            "DELETE FROM ",
        ] {
            for rest in code.split(verb).skip(1) {
                let table: String =
                    rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                let Some((table, writers)) = WRITERS.iter().find(|(name, _)| *name == table) else {
                    continue;
                };
                seen.insert(*table);
                let file = path.strip_prefix("store/").unwrap_or(&path);
                if !writers.contains(&file) {
                    faults.push(format!("core/src/{path}.rs writes {table}, which is not its own"));
                }
            }
        }
    }
    assert!(seen.len() > 14, "tables that are written: {seen:?}");
    assert_none(faults);
}
