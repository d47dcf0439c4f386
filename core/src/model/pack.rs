//! Code packs: a programme's own codes and their labels, as data.
//!
//! A pack never decides what counts. Lists of codes are open, so a store without a pack, or with an
//! older one, holds and counts the same; a pack gives labels and the order of display.

use serde::Deserialize;
use std::collections::BTreeMap;

/// A versioned set of code lists with their labels.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodePack {
    /// The pack's name, such as `odin`.
    pub name: String,
    /// The pack's version, from 1.
    pub version: u32,
    /// Where its codes come from.
    pub source: String,
    /// For each field its codes in the order of display.
    #[serde(default)]
    pub lists: BTreeMap<String, Vec<Code>>,
}

/// One code and its label in the pack's language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// What is stored and counted.
    pub code: String,
    /// What people read.
    pub label: String,
}

impl CodePack {
    /// Reads a pack from TOML; the error names the line and what was expected there.
    pub fn from_toml(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// What people read for a code: its label, or the code itself where the pack has none.
    pub fn label<'a>(&'a self, field: &str, code: &'a str) -> &'a str {
        self.lists
            .get(field)
            .and_then(|list| list.iter().find(|entry| entry.code == code))
            .map_or(code, |entry| &entry.label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACK: &str = r#"
        name = "sample"
        version = 1
        source = "made up"
        [lists]
        outcome = [{ code = "survived", label = "came round" }]
    "#;

    #[test]
    fn a_code_that_a_pack_does_not_name_is_shown_as_it_is() {
        let pack = CodePack::from_toml(PACK).expect("a pack of the test");
        assert_eq!(pack.label("outcome", "survived"), "came round");
        assert_eq!(pack.label("outcome", "new_code"), "new_code");
        assert_eq!(pack.label("gender", "woman"), "woman");
    }

    #[test]
    fn a_pack_with_an_unknown_part_is_refused_with_its_line() {
        let error = CodePack::from_toml("name = \"x\"\ncolour = 1\n").expect_err("no such part");
        assert!(error.to_string().contains("line 2"), "{error}");
    }
}
