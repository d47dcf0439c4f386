//! The words of `locales/` in the forms that apps and dashboard read: `cargo xtask words FOLDER`.
//!
//! Android's `values-LANGUAGE/strings.xml`, Apple's `LANGUAGE.lproj/Localizable.strings`, and JSON for
//! the dashboard, each with the same messages under the same names. What Fluent fills in by name, as
//! `{ $field }`, they fill in by its place among the message's names in English.

use kitbag_core::words::LANGUAGES;
use std::path::PathBuf;

/// The one language whose words Android shows where a phone's own has none.
const FALLBACK: &str = "en";

/// A message: its name, and its parts.
struct Message<'a> {
    name: &'a str,
    parts: Vec<Part<'a>>,
}

enum Part<'a> {
    Text(&'a str),
    /// What is filled in: its name, and its place among the names in English, from 1.
    Hole(&'a str, usize),
}

/// The name of a message for Android, whose names are identifiers.
pub fn android_name(name: &str) -> String {
    name.replace(['-', '.'], "_")
}

fn lines(file: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = file.lines().filter(|line| !line.starts_with(['#', ' ']));
    lines.filter_map(|line| line.split_once(" = "))
}

fn holes(text: &str) -> Vec<&str> {
    let after = text.split("{ $").skip(1);
    after.filter_map(|rest| rest.split_once(" }").map(|(name, _)| name)).collect()
}

fn messages(file: &'static str) -> Vec<Message<'static>> {
    let english = LANGUAGES[0].1;
    let order =
        |name: &str| lines(english).find(|(id, _)| *id == name).map(|(_, text)| holes(text));
    let message = |(name, text): (&'static str, &'static str)| {
        let order = order(name).unwrap_or_default();
        let mut parts = Vec::new();
        for (at, piece) in text.split("{ $").enumerate() {
            match piece.split_once(" }") {
                Some((hole, rest)) if at > 0 => {
                    let place = order.iter().position(|named| *named == hole).unwrap_or(0) + 1;
                    parts.extend([Part::Hole(hole, place), Part::Text(rest)]);
                }
                _ => parts.push(Part::Text(piece)),
            }
        }
        Message { name, parts }
    };
    lines(file).map(message).collect()
}

fn written(
    message: &Message<'_>,
    text: impl Fn(&str) -> String,
    hole: impl Fn(&str, usize) -> String,
) -> String {
    let parts = message.parts.iter().map(|part| match part {
        Part::Text(piece) => text(piece),
        Part::Hole(name, place) => hole(name, *place),
    });
    parts.collect()
}

fn android(messages: &[Message<'_>]) -> String {
    let mut file = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- Made from locales/ by cargo xtask words. -->\n<resources>\n",
    );
    for message in messages {
        let has_holes = message.parts.iter().any(|part| matches!(part, Part::Hole(..)));
        let text = |piece: &str| {
            let piece = piece.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let piece = piece.replace('\\', "\\\\").replace('\'', "\\'").replace('"', "\\\"");
            if has_holes { piece.replace('%', "%%") } else { piece }
        };
        let text = written(message, text, |_, place| format!("%{place}$s"));
        // Android takes these at the beginning for something else.
        let guard = if text.starts_with(['@', '?']) { "\\" } else { "" };
        let name = android_name(message.name);
        file += &format!("    <string name=\"{name}\">{guard}{text}</string>\n");
    }
    file + "</resources>\n"
}

fn apple(messages: &[Message<'_>]) -> String {
    let mut file = String::from("/* Made from locales/ by cargo xtask words. */\n");
    for message in messages {
        let has_holes = message.parts.iter().any(|part| matches!(part, Part::Hole(..)));
        let text = |piece: &str| {
            let piece = piece.replace('\\', "\\\\").replace('"', "\\\"");
            if has_holes { piece.replace('%', "%%") } else { piece }
        };
        let text = written(message, text, |_, place| format!("%{place}$@"));
        file += &format!("\"{}\" = \"{text}\";\n", message.name);
    }
    file
}

fn dashboard(messages: &[Message<'_>]) -> String {
    let words: serde_json::Map<String, serde_json::Value> = messages
        .iter()
        .map(|message| {
            let text = written(message, str::to_owned, |name, _| format!("{{{name}}}"));
            (message.name.to_owned(), text.into())
        })
        .collect();
    serde_json::to_string_pretty(&words).unwrap_or_default() + "\n"
}

/// All files, by their names under the folder that they are written to.
pub fn files() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for (language, file) in LANGUAGES {
        let messages = messages(file);
        let values = match language {
            FALLBACK => "values".to_owned(),
            language => format!("values-{language}"),
        };
        files.push((format!("android/{values}/strings.xml").into(), android(&messages)));
        files.push((format!("ios/{language}.lproj/Localizable.strings").into(), apple(&messages)));
        files.push((format!("dashboard/{language}.json").into(), dashboard(&messages)));
    }
    files
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use kitbag_core::words::Words;
    use std::collections::BTreeMap;

    fn file(name: &str) -> String {
        files().into_iter().find(|(path, _)| path.to_str() == Some(name)).unwrap().1
    }

    /// What Android shows for the text of a resource without anything to fill in.
    fn shown_by_android(text: &str) -> String {
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let mut shown = String::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            shown.extend(if c == '\\' { rest.next() } else { Some(c) });
        }
        shown
    }

    #[test]
    fn apps_and_dashboard_show_what_the_core_says_in_every_language() {
        for (language, source) in LANGUAGES {
            let words = Words::in_language(language);
            let values = if language == "en" { String::new() } else { format!("-{language}") };
            let android = file(&format!("android/values{values}/strings.xml"));
            let android: BTreeMap<&str, String> = android
                .lines()
                .filter_map(|line| {
                    let rest = line.trim().strip_prefix("<string name=\"")?;
                    let (name, rest) = rest.split_once("\">")?;
                    Some((name, shown_by_android(rest.strip_suffix("</string>")?)))
                })
                .collect();
            let apple = file(&format!("ios/{language}.lproj/Localizable.strings"));
            let apple: BTreeMap<&str, String> = apple
                .lines()
                .filter_map(|line| {
                    let (name, text) = line.strip_prefix('"')?.split_once("\" = \"")?;
                    let text = text.strip_suffix("\";")?.replace("\\\"", "\"");
                    Some((name, text.replace("\\\\", "\\")))
                })
                .collect();
            let dashboard = file(&format!("dashboard/{language}.json"));
            let dashboard: BTreeMap<String, String> = serde_json::from_str(&dashboard).unwrap();
            let ids: Vec<&str> =
                source.lines().filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
            assert!(ids.len() > 300, "{language}");
            assert_eq!(android.len(), ids.len(), "no two names are one for Android: {language}");
            assert_eq!((apple.len(), dashboard.len()), (ids.len(), ids.len()), "{language}");
            for id in ids {
                // What has something to fill in, the core says only filled in.
                let Some(said) = words.message(id) else { continue };
                assert_eq!(android[android_name(id).as_str()], said, "{language}: {id}");
                assert_eq!(apple[id], said, "{language}: {id}");
                assert_eq!(dashboard[id], said, "{language}: {id}");
            }
        }
    }

    #[test]
    fn what_is_filled_in_keeps_its_place_whatever_the_order_of_words() {
        let (arabic, name) = (file("android/values-ar/strings.xml"), "wrong_required");
        let line = arabic.lines().find(|line| line.contains(&format!("\"{name}\""))).unwrap();
        assert!(line.contains("%1$s") && line.contains("%2$s"), "{line}");
        let english = file("ios/en.lproj/Localizable.strings");
        assert!(english.contains("\"wrong-required\" = \"%1$@ needs an answer: %2$@.\";"));
        assert!(file("dashboard/fr.json").contains("{field}"));
    }
}
