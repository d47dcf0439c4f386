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
    assert!(found.len() > 10, "{folder} has files");
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

#[test]
fn no_files_of_the_client_or_the_hub_use_each_other_in_a_circle() {
    for folder in ["client/src", "hub/src"] {
        let files = files_of(folder);
        let names: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        let mut left: BTreeMap<&str, BTreeSet<String>> = files
            .iter()
            .filter(|(name, _)| name != "lib")
            .map(|(name, text)| {
                let uses = named(text).into_iter();
                (
                    name.as_str(),
                    uses.filter(|used| names.contains(used.as_str()) && used != name).collect(),
                )
            })
            .collect();
        // What uses nothing that is left can be read; what stays uses each other.
        loop {
            let free: Vec<&str> =
                left.iter().filter(|(_, uses)| uses.is_empty()).map(|(name, _)| *name).collect();
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
