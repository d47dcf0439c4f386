//! The words of `locales/` in the forms that apps and dashboard read: `cargo xtask words FOLDER`.
//!
//! Android's `values-LANGUAGE/strings.xml`, Apple's `LANGUAGE.lproj/Localizable.strings` and `.stringsdict`, and
//! JSON for the dashboard, each with the same messages under the same names. What Fluent fills in by name, as
//! `{ $field }`, they fill in by its place among the message's names in English. What varies by a number does so by the
//! same categories (zero, one, two, few, many, other), that number being the first in English.

use kitbag_core::words::LANGUAGES;
use std::path::PathBuf;

/// The words of the demo apps beside Kitbag's, by language, English first.
const APP: [(&str, &str); 5] = [
    ("en", include_str!("../../locales/app/en.ftl")),
    ("es", include_str!("../../locales/app/es.ftl")),
    ("fr", include_str!("../../locales/app/fr.ftl")),
    ("ar", include_str!("../../locales/app/ar.ftl")),
    ("uk", include_str!("../../locales/app/uk.ftl")),
];

/// The one language whose words Android shows where a phone's own has none.
const FALLBACK: &str = "en";

/// A message: its name, and its parts; more than once where it varies by a number.
struct Message<'a> {
    name: &'a str,
    forms: Vec<Form<'a>>,
}

/// The parts of a message for a category of numbers; of one that does not vary, for none.
struct Form<'a> {
    category: Option<&'a str>,
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

/// The texts of a message, each with the category of numbers that it is for.
type Texts<'a> = Vec<(Option<&'a str>, &'a str)>;

/// Each message with its texts.
fn texts(file: &str) -> Vec<(&str, Texts<'_>)> {
    let mut texts: Vec<(&str, Texts<'_>)> = Vec::new();
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        if let Some((name, text)) = line.split_once(" = ") {
            let varies = text.ends_with("->");
            texts.push((name, if varies { Vec::new() } else { vec![(None, text)] }));
        } else if let Some((category, text)) = line
            .trim_start_matches([' ', '*'])
            .strip_prefix('[')
            .and_then(|form| form.split_once("] "))
        {
            texts.last_mut().into_iter().for_each(|(_, forms)| forms.push((Some(category), text)));
        }
    }
    texts
}

fn holes(text: &str) -> Vec<&str> {
    let after = text.split("{ $").skip(1);
    after.filter_map(|rest| rest.split_once(" }").map(|(name, _)| name)).collect()
}

fn messages(english: &'static str, file: &'static str) -> Vec<Message<'static>> {
    let english = texts(english);
    let order = |name: &str| -> Vec<&str> {
        let found = english.iter().find(|(id, _)| *id == name);
        let last = found.and_then(|(_, forms)| forms.last());
        last.map(|(_, text)| holes(text)).unwrap_or_default()
    };
    let parts = |name: &str, text: &'static str| {
        let order = order(name);
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
        parts
    };
    let message = |(name, forms): (&'static str, Texts<'static>)| {
        let forms = forms.into_iter();
        let forms = forms.map(|(category, text)| Form { category, parts: parts(name, text) });
        Message { name, forms: forms.collect() }
    };
    texts(file).into_iter().map(message).collect()
}

fn written(
    form: &Form<'_>,
    text: impl Fn(&str) -> String,
    hole: impl Fn(&str, usize) -> String,
) -> String {
    // Where something is filled in, a percent sign means it.
    let has_holes = form.parts.iter().any(|part| matches!(part, Part::Hole(..)));
    let of_platform = |piece: &str| {
        let piece = text(piece);
        if has_holes { piece.replace('%', "%%") } else { piece }
    };
    let parts = form.parts.iter().map(|part| match part {
        Part::Text(piece) => of_platform(piece),
        Part::Hole(name, place) => hole(name, *place),
    });
    parts.collect()
}

fn in_xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn android(messages: &[Message<'_>]) -> String {
    let mut file = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- Made from locales/ by cargo xtask words. -->\n<resources>\n",
    );
    let text =
        |piece: &str| in_xml(piece).replace('\\', "\\\\").replace('\'', "\\'").replace('"', "\\\"");
    for message in messages {
        let name = android_name(message.name);
        let mut items = String::new();
        for form in &message.forms {
            let number = |place| if form.category.is_some() && place == 1 { "d" } else { "s" };
            let text = written(form, text, |_, place| format!("%{place}${}", number(place)));
            // Android takes these at the beginning for something else.
            let guard = if text.starts_with(['@', '?']) { "\\" } else { "" };
            items += &match form.category {
                None => format!("    <string name=\"{name}\">{guard}{text}</string>\n"),
                Some(category) => {
                    format!("        <item quantity=\"{category}\">{guard}{text}</item>\n")
                }
            };
        }
        let varies = message.forms.iter().any(|form| form.category.is_some());
        file += &if varies {
            format!("    <plurals name=\"{name}\">\n{items}    </plurals>\n")
        } else {
            items
        };
    }
    file + "</resources>\n"
}

fn apple(messages: &[Message<'_>]) -> String {
    let mut file = String::from("/* Made from locales/ by cargo xtask words. */\n");
    for message in messages {
        for form in message.forms.iter().filter(|form| form.category.is_none()) {
            let text = |piece: &str| piece.replace('\\', "\\\\").replace('"', "\\\"");
            let text = written(form, text, |_, place| format!("%{place}$@"));
            file += &format!("\"{}\" = \"{text}\";\n", message.name);
        }
    }
    file
}

/// What varies by a number, for Apple.
fn apple_plurals(messages: &[Message<'_>]) -> String {
    let mut file = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- Made from locales/ by cargo xtask words. -->\n\
         <plist version=\"1.0\">\n<dict>\n",
    );
    let pair = |key: &str, value: &str| format!("<key>{key}</key><string>{value}</string>\n");
    for message in messages {
        let varying = message.forms.iter().filter_map(|form| Some((form.category?, form)));
        let is_hole = |part: &&Part<'_>| matches!(part, Part::Hole(..));
        let has_more =
            message.forms.iter().any(|form| form.parts.iter().filter(is_hole).count() > 1);
        let hole = |place: usize| match (has_more, place) {
            (false, _) => "%ld".to_owned(),
            (true, 1) => "%1$ld".to_owned(),
            (true, place) => format!("%{place}$@"),
        };
        let forms: Vec<String> = varying
            .map(|(category, form)| pair(category, &written(form, in_xml, |_, place| hole(place))))
            .collect();
        if !forms.is_empty() {
            file += &format!("<key>{}</key><dict>\n", message.name);
            let number = if has_more { "%1$#@number@" } else { "%#@number@" };
            file += &pair("NSStringLocalizedFormatKey", number);
            file += "<key>number</key><dict>\n";
            file += &pair("NSStringFormatSpecTypeKey", "NSStringPluralRuleType");
            file += &pair("NSStringFormatValueTypeKey", "ld");
            file += &forms.concat();
            file += "</dict>\n</dict>\n";
        }
    }
    file + "</dict>\n</plist>\n"
}

fn dashboard(messages: &[Message<'_>]) -> String {
    let text = |form: &Form<'_>| written(form, str::to_owned, |name, _| format!("{{{name}}}"));
    let mut words = serde_json::Map::new();
    for message in messages {
        let varying = message.forms.iter().filter_map(|form| Some((form.category?, form)));
        let varying: serde_json::Map<String, serde_json::Value> =
            varying.map(|(category, form)| (category.to_owned(), text(form).into())).collect();
        let said = match (message.forms.first(), varying.is_empty()) {
            (Some(only), true) => text(only).into(),
            _ => varying.into(),
        };
        words.insert(message.name.to_owned(), said);
    }
    serde_json::to_string_pretty(&words).unwrap_or_default() + "\n"
}

/// The folder of a language's words on Android.
fn values(language: &str) -> String {
    match language {
        FALLBACK => "values".to_owned(),
        language => format!("values-{language}"),
    }
}

/// What Apple's systems themselves say of the app, by their names for it.
const APPLE_INFO: [(&str, &str); 2] =
    [("CFBundleDisplayName", "app-label"), ("NSCameraUsageDescription", "app-camera_why")];

fn apple_info(strings: &str) -> String {
    let said = |(key, name): &(&str, &str)| {
        let named = format!("\"{name}\"");
        strings
            .lines()
            .find_map(|line| line.strip_prefix(&named))
            .map(|rest| format!("{key}{rest}\n"))
    };
    APPLE_INFO.iter().filter_map(said).collect()
}

/// All files, by their names under the folder that they are written to.
pub fn files() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for (language, file) in LANGUAGES {
        let messages = messages(LANGUAGES[0].1, file);
        let path = format!("android/{}/strings.xml", values(language));
        files.push((path.into(), android(&messages)));
        let folder = format!("ios/{language}.lproj");
        files.push((format!("{folder}/Localizable.strings").into(), apple(&messages)));
        let plurals = apple_plurals(&messages);
        files.push((format!("{folder}/Localizable.stringsdict").into(), plurals));
        files.push((format!("dashboard/{language}.json").into(), dashboard(&messages)));
    }
    for (language, file) in APP {
        let messages = messages(APP[0].1, file);
        let path = format!("android-demo/{}/words.xml", values(language));
        files.push((path.into(), android(&messages)));
        let folder = format!("ios-demo/{language}.lproj");
        let strings = apple(&messages);
        files.push((format!("{folder}/InfoPlist.strings").into(), apple_info(&strings)));
        files.push((format!("{folder}/App.strings").into(), strings));
        files.push((format!("{folder}/App.stringsdict").into(), apple_plurals(&messages)));
    }
    files
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use kitbag_core::sync::SyncFault;
    use kitbag_core::words::Words;
    use std::collections::{BTreeMap, BTreeSet};

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
            let dashboard: BTreeMap<String, serde_json::Value> =
                serde_json::from_str(&dashboard).unwrap();
            let lines = source.lines().filter_map(|line| line.split_once(" = "));
            let (varying, same): (Vec<_>, Vec<_>) =
                lines.partition(|(_, text)| text.ends_with("->"));
            let ids: Vec<&str> = same.into_iter().map(|(id, _)| id).collect();
            assert!(ids.len() > 300, "{language}");
            assert_eq!(android.len(), ids.len(), "no two names are one for Android: {language}");
            assert_eq!(apple.len(), ids.len(), "{language}");
            assert_eq!(dashboard.len(), ids.len() + varying.len(), "{language}");
            for id in ids {
                // What has something to fill in, the core says only filled in.
                let Some(said) = words.message(id) else { continue };
                assert_eq!(android[android_name(id).as_str()], said, "{language}: {id}");
                assert_eq!(apple[id], said, "{language}: {id}");
                assert_eq!(dashboard[id], said, "{language}: {id}");
            }
        }
    }

    /// What each language fills in and which numbers it tells apart, by message.
    fn shape(file: &str) -> BTreeMap<&str, (BTreeSet<&str>, BTreeSet<Option<&str>>)> {
        let shapes = texts(file).into_iter().map(|(name, forms)| {
            let filled = forms.iter().flat_map(|(_, text)| holes(text)).collect();
            (name, (filled, forms.into_iter().map(|(category, _)| category).collect()))
        });
        shapes.collect()
    }

    #[test]
    fn the_apps_say_the_same_in_every_language() {
        let english = shape(APP[0].1);
        for (language, file) in APP {
            let categories: &[&str] = match language {
                "ar" => &["zero", "one", "two", "few", "many", "other"],
                "uk" => &["one", "few", "many", "other"],
                "es" | "fr" => &["one", "many", "other"],
                _ => &["one", "other"],
            };
            let shapes = shape(file);
            let (said, asked): (Vec<_>, Vec<_>) =
                (shapes.keys().collect(), english.keys().collect());
            assert_eq!(said, asked, "{language}");
            for (name, (filled, forms)) in shapes {
                assert_eq!(filled, english[name].0, "{language}: {name}");
                let varies = english[name].1.len() > 1;
                let wanted = if varies {
                    categories.iter().map(|category| Some(*category)).collect()
                } else {
                    BTreeSet::from([None])
                };
                assert_eq!(forms, wanted, "{language}: {name}");
            }
            assert_eq!(texts(file).len(), english.len(), "{language}: no message twice");
        }
    }

    #[test]
    fn what_varies_by_a_number_does_so_everywhere() {
        let three = Words::in_language("uk").sync_fault(SyncFault::BudgetSpent(3));
        let android = file("android/values-uk/strings.xml");
        let of_few = android.split("<item quantity=\"few\">").nth(1).unwrap();
        let few = of_few.split("</item>").next().unwrap();
        assert_eq!(few.replace("%1$d", "3"), three);
        let apple = file("ios/uk.lproj/Localizable.stringsdict");
        assert!(
            apple
                .contains(&format!("<key>few</key><string>{}</string>", three.replace('3', "%ld")))
        );
        let dashboard: serde_json::Value =
            serde_json::from_str(&file("dashboard/uk.json")).unwrap();
        let few = dashboard["sync-budget_spent"]["few"].as_str().unwrap();
        assert_eq!(few.replace("{number}", "3"), three);
        assert_eq!(android.matches("<plurals").count(), 4);
        // Beside the number that it varies by, what is filled in keeps its place.
        let apple = file("ios/ar.lproj/Localizable.stringsdict");
        assert!(apple.contains("<string>%1$#@number@</string>"));
        let places = |text: &str, year: &str, number: &str| {
            let (year, number) = (text.find(year).unwrap(), text.find(number).unwrap());
            assert!(year < number, "in Arabic the year comes first");
        };
        let dated = apple.split("<key>dated-in</key>").nth(1).unwrap();
        places(dated.split("</dict>").next().unwrap(), "%2$@", "%1$ld");
        let android = file("android/values-ar/strings.xml");
        let dated = android.split("name=\"dated_in\"").nth(1).unwrap();
        places(dated.split("</plurals>").next().unwrap(), "%2$s", "%1$d");
    }

    #[test]
    fn apples_systems_say_why_the_camera_is_wanted_in_each_language() {
        for (language, _) in APP {
            let info = file(&format!("ios-demo/{language}.lproj/InfoPlist.strings"));
            assert_eq!(info.lines().count(), 2, "{language}");
            assert!(info.contains("\nNSCameraUsageDescription = \""), "{info}");
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
