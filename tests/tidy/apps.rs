//! Facts about the demo apps.

use super::{assert_none, with_ending};
use std::collections::BTreeSet;

/// The app's own words, by name, as `locales/app` has them in English.
fn words() -> BTreeSet<String> {
    let english = with_ending("ftl").into_iter().find(|(path, _)| path.ends_with("app/en.ftl"));
    let lines = english.unwrap().1;
    let names = lines.lines().filter_map(|line| line.split_once(" = "));
    names.map(|(name, _)| name.to_owned()).filter(|name| name.starts_with("app-")).collect()
}

/// The names of words that a file names whole.
fn named(code: &str) -> Vec<String> {
    let after = code.split("\"app-").skip(1);
    let names = after.filter_map(|rest| rest.split('"').next());
    names.filter(|name| !name.contains(['$', '\\'])).map(|name| format!("app-{name}")).collect()
}

#[test]
fn screens_know_nothing_of_a_platform() {
    let screens = with_ending("kt").into_iter().filter(|(path, _)| {
        path.starts_with("android-demo/src/main") && path.parent().unwrap().ends_with("screens")
    });
    let mut faults = Vec::new();
    let mut seen = 0;
    for (path, code) in screens {
        seen += 1;
        for line in code.lines().filter(|line| line.starts_with("import ")) {
            let known = ["import java.", "import kotlin", "import org.kitbag."];
            if !known.iter().any(|start| line.starts_with(start)) || line.contains("demo.android") {
                faults.push(format!("{}: {line}", path.display()));
            }
        }
    }
    assert!(seen > 10);
    assert_none(faults);
}

#[test]
fn each_word_that_an_app_says_is_there_and_none_is_left_over() {
    let words = words();
    assert!(words.len() > 200);
    let mut faults = Vec::new();
    let mut said = BTreeSet::new();
    for (ending, app) in [("kt", "android-demo"), ("swift", "ios-demo")] {
        let code = with_ending(ending).into_iter().filter(|(path, _)| path.starts_with(app));
        let here: BTreeSet<String> = code.flat_map(|(_, code)| named(&code)).collect();
        assert!(here.len() > 200, "{app} says {}", here.len());
        faults.extend(here.difference(&words).map(|name| format!("{app}: no word is {name}")));
        said.extend(here);
    }
    // Made of parts, or named by resources.
    let made = ["about_safe", "about_not_safe", "step_", "label", "harmless", "camera_why"];
    let made = made.map(|start| format!("app-{start}"));
    let unsaid =
        words.difference(&said).filter(|name| !made.iter().any(|start| name.starts_with(start)));
    faults.extend(unsaid.map(|name| format!("nobody says {name}")));
    assert_none(faults);
}

/// The names of the pages that an app's screens show.
fn pages(ending: &str, app: &str) -> BTreeSet<String> {
    let code = with_ending(ending).into_iter().filter(|(path, _)| path.starts_with(app));
    let own = code.filter(|(path, _)| !path.to_string_lossy().to_lowercase().contains("test"));
    let name =
        |rest: &str| rest.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned);
    own.flat_map(|(_, code)| code.split("Page(").skip(1).filter_map(name).collect::<Vec<_>>())
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn both_apps_have_the_same_pages_each_listed_with_its_states_and_tested() {
    let (android, ios) = (pages("kt", "android-demo"), pages("swift", "ios-demo"));
    assert!(android.len() > 30, "{android:?}");
    assert_eq!(android, ios);
    let listed = with_ending("md").into_iter().find(|(path, _)| path.ends_with("docs/screens.md"));
    let listed = listed.unwrap().1;
    let tests = with_ending("kt").into_iter();
    let tests: String = tests
        .filter(|(path, _)| path.starts_with("android-demo/src/test"))
        .map(|(_, code)| code)
        .collect();
    let rows = listed.lines().filter(|line| line.starts_with("| `"));
    let named = rows.filter_map(|row| row.split('|').nth(3));
    let mut faults: Vec<String> = named
        .flat_map(|tests| tests.split('`').skip(1).step_by(2))
        .filter(|test| !tests.contains(&format!("fun {test}()")))
        .map(|test| format!("docs/screens.md names {test}, which is no test"))
        .collect();
    // Seen for a moment, or where a test would have to break the app.
    let unseen = ["starting", "locking", "trouble"];
    for page in &android {
        if !listed.contains(&format!("`{page}`")) {
            faults.push(format!("docs/screens.md has no {page}"));
        }
        for (ending, app) in [("kt", "android-demo/src/test"), ("swift", "ios-demo/Tests")] {
            let mut tests =
                with_ending(ending).into_iter().filter(|(path, _)| path.starts_with(app));
            let is_tested = tests.any(|(_, code)| code.contains(&format!("\"{page}\"")));
            if !is_tested && !unseen.contains(&page.as_str()) {
                faults.push(format!("{app} never is at {page}"));
            }
        }
    }
    assert_none(faults);
}
