//! What people read on the pages: Kitbag's words, and those of `locales/dashboard`.

use kitbag_core::words::Words;

/// The pages' own words, by language.
pub(crate) const PAGES: [(&str, &str); 5] = [
    ("en", include_str!("../../locales/dashboard/en.ftl")),
    ("es", include_str!("../../locales/dashboard/es.ftl")),
    ("fr", include_str!("../../locales/dashboard/fr.ftl")),
    ("ar", include_str!("../../locales/dashboard/ar.ftl")),
    ("uk", include_str!("../../locales/dashboard/uk.ftl")),
];

/// Words for the pages, in the language that a tag begins with; English where there are none.
pub fn in_language(tag: &str) -> Words {
    let words = Words::in_language(tag);
    let own = PAGES.iter().find(|(language, _)| *language == words.language());
    match own {
        Some((_, file)) => words.with(file),
        None => words,
    }
}

/// Whether a language is read from the right.
pub(crate) fn is_from_the_right(language: &str) -> bool {
    language == "ar"
}

/// The first of the languages that a browser asks for in which there are words; English where there is none.
pub(crate) fn accepted(header: &str) -> &'static str {
    let mut wanted: Vec<(&str, f32)> = header
        .split(',')
        .filter_map(|part| {
            let (tag, weight) = part.split_once(";q=").unwrap_or((part, "1"));
            Some((tag.trim().split('-').next()?, weight.trim().parse().ok()?))
        })
        .collect();
    wanted.sort_by(|one, other| other.1.total_cmp(&one.1));
    let known = |tag: &str| PAGES.iter().find(|(language, _)| *language == tag);
    wanted.iter().find_map(|(tag, _)| known(tag)).map_or("en", |(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_browser_gets_the_first_language_that_it_asks_for_and_there_is() {
        assert_eq!(accepted("de-DE,de;q=0.9,fr;q=0.7,en;q=0.8"), "en");
        assert_eq!(accepted("ar-MA,ar;q=0.9"), "ar");
        assert_eq!(accepted("fr;q=nonsense,uk;q=0.1"), "uk");
        assert_eq!(accepted(""), "en");
    }

    #[test]
    fn every_language_has_the_same_messages() {
        let names = |file: &str| -> BTreeSet<String> {
            let lines = file.lines().filter_map(|line| line.split_once(" = "));
            lines.map(|(name, _)| name.to_owned()).collect()
        };
        let english = names(PAGES[0].1);
        assert!(english.len() > 30);
        for (language, file) in PAGES {
            assert_eq!(names(file), english, "{language}");
        }
    }
}
