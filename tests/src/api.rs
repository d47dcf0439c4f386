//! What app developers call, as one text: whatever changes of it shows in a commit.

use std::path::{Path, PathBuf};

/// Where it stands.
pub const FILE: &str = "docs/api.txt";
/// What of the sources it is read from: the facade of the engine, and the client.
const SOURCES: [&str; 3] = ["core/src/engine.rs", "core/src/engine", "client/src"];

/// The public items of the facade and of the client, file by file, without comments and bodies.
pub fn api(root: &Path) -> std::io::Result<String> {
    let mut text = String::from("# Made from the sources by `cargo xtask pages`.\n");
    for source in SOURCES {
        let mut files = Vec::new();
        files_in(&root.join(source), &mut files)?;
        files.sort();
        for file in files {
            let items = items_of(&std::fs::read_to_string(&file)?);
            if let (false, Ok(shown)) = (items.is_empty(), file.strip_prefix(root)) {
                text.push_str(&format!("\n{}\n", shown.to_string_lossy().replace('\\', "/")));
                items.iter().for_each(|item| text.push_str(&format!("  {item}\n")));
            }
        }
    }
    Ok(text)
}

fn files_in(path: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if path.is_file() {
        found.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        files_in(&entry?.path(), found)?;
    }
    Ok(())
}

/// Each item in one line, an enum with its variants; `in` names whose methods follow.
fn items_of(source: &str) -> Vec<String> {
    let own = source.split("\n#[cfg(test)]").next().unwrap_or_default();
    let mut lines = own
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//") && !line.starts_with("#["));
    let (mut items, mut of) = (Vec::new(), String::new());
    while let Some(line) = lines.next() {
        if line.starts_with("impl") {
            of = line.trim_end_matches(" {").to_owned();
        }
        if !line.starts_with("pub ") || line.starts_with("pub mod ") {
            continue;
        }
        let is_enum = line.starts_with("pub enum ");
        let mut item = line.to_owned();
        let ends = |line: &str| {
            if is_enum { line == "}" } else { line.ends_with(['{', ';', ',']) && !is_open(line) }
        };
        let mut last = line;
        while !(ends(last) && (is_enum || !is_open(&item))) {
            let Some(next) = lines.next() else { break };
            item.push(' ');
            item.push_str(next);
            last = next;
        }
        let item = item.trim_end_matches([' ', '{', ';', ',']).to_owned();
        let is_method = item.contains(" fn ") && source.contains(&format!("    {line}"));
        items.push(if is_method { format!("[{of}] {item}") } else { item });
    }
    items
}

/// Whether a bracket is open at its end.
fn is_open(text: &str) -> bool {
    let count = |open: char, shut: char| {
        text.chars().filter(|c| *c == open).count() > text.chars().filter(|c| *c == shut).count()
    };
    count('(', ')') || count('[', ']')
}
