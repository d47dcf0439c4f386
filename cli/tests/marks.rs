//! Whatever somebody wrote in a record, no command prints a character that a terminal obeys, that turns
//! the direction of reading, or that nobody sees.
#![allow(clippy::unwrap_used, missing_docs)]

mod desk;

use desk::Desk;

const HOSTILE: &str = "\u{1b}]0;OWNED\u{7}\u{1b}[2J\u{202e}Synced\u{200b}\u{85}";

/// Characters that must never be printed as they are.
fn is_hidden(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\r')) || matches!(c, '\u{200b}' | '\u{202e}')
}

#[test]
fn every_command_that_shows_others_words_shows_marks() {
    let desk = Desk::new();
    let record = |note: &str| {
        desk.says(&[
            "record",
            "reversal",
            "--site",
            "riverside",
            "--on",
            "2026-03-01",
            "--outcome",
            "died",
            "--unknowns",
            "--none-given-reason",
            "recovered",
            "--note",
            note,
        ])
    };
    let id = record(HOSTILE);
    record("plain");
    desk.says(&["correct", &id, &format!("note={HOSTILE} again")]);
    let shows: [&[&str]; 9] = [
        &["show", &id],
        &["history", &id],
        &["list"],
        &["totals", "--by", "site", "--json"],
        &["conflicts"],
        &["duplicates"],
        &["status"],
        &["totals", "--by", "site"],
        &["doctor"],
    ];
    let mut marks = 0;
    for shown in shows {
        let output = desk.output(shown);
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8(printed).unwrap();
        assert!(!printed.chars().any(is_hidden), "{shown:?}: {printed:?}");
        marks += usize::from(printed.contains("\\u001b"));
    }
    assert_eq!(marks, 1, "the note was shown, as marks");
    let json = desk.says(&["show", &id, "--json"]);
    assert!(!json.chars().any(is_hidden), "{json:?}");
}

#[test]
fn who_asks_for_what_there_is_not_hides_nothing_from_whoever_erases() {
    let desk = Desk::new();
    let id = desk.says(&[
        "record",
        "contact",
        "--site",
        "riverside",
        "--on",
        "2026-03-01",
        "--people",
        "3",
        "--visit",
        "new",
    ]);
    let made_up: Vec<String> = (0..700_u32).map(|n| format!("{n:032x}")).collect();
    let asked: Vec<&str> =
        ["erase", "ask"].into_iter().chain(made_up.iter().map(String::as_str)).collect();
    desk.says(&asked);
    desk.says(&["erase", "ask", &id]);
    let listed = desk.says(&["erase", "list"]);
    assert!(listed.lines().next().unwrap().starts_with(&id), "{}", listed.lines().next().unwrap());
    assert_eq!(listed.lines().count(), 201, "two hundred, and how many more");
    let all = desk.says(&["erase", "list", "--json"]);
    assert_eq!(all.lines().count(), 701);
}
