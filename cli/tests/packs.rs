//! Each real pack's form, filled in by the command line, and read back as its receiver wants it.
#![allow(clippy::unwrap_used, missing_docs)]

mod desk;

use desk::Desk;
use std::collections::BTreeMap;

/// How many times each form is filled in: more than any question has answers.
const TIMES: usize = 33;

/// The questions of a pack: the field, and the codes that its answers stand for.
fn questions(text: &str) -> Vec<(String, Vec<String>)> {
    let pack: toml::Table = text.parse().unwrap();
    let form = pack["form"].as_array().unwrap();
    form.iter()
        .map(|question| {
            let codes = question.get("codes").and_then(|codes| codes.as_table());
            let codes = codes.into_iter().flat_map(|codes| codes.values());
            let codes = codes.map(|code| code.as_str().unwrap().to_owned()).collect();
            (question["field"].as_str().unwrap().to_owned(), codes)
        })
        .collect()
}

/// Fills in the form again and again, so that each answer of each question is given; returns what was
/// answered, form by form.
fn fill_in(
    desk: &Desk,
    kind: &str,
    questions: &[(String, Vec<String>)],
    free: &[(&str, &[&str])],
    fixed: &[&str],
) -> Vec<BTreeMap<String, String>> {
    let mut filled = Vec::new();
    for nth in 0..TIMES {
        let mut answers = BTreeMap::new();
        for (field, codes) in questions {
            let of_free = free.iter().find(|(name, _)| name == field);
            let free: Vec<String> = of_free
                .iter()
                .flat_map(|(_, codes)| codes.iter().map(|c| (*c).to_owned()))
                .collect();
            let codes = if codes.is_empty() { &free } else { codes };
            assert!(!codes.is_empty(), "the test answers {field}");
            answers.insert(field.clone(), codes[nth % codes.len()].clone());
        }
        // The form asks for the reason of a repeat supply alone.
        if answers.get("supply_type").is_some_and(|supply| supply == "first") {
            answers.remove("resupply_reason");
        }
        let mut flags: Vec<String> = vec!["record".to_owned(), kind.to_owned()];
        flags.extend(fixed.iter().map(|flag| (*flag).to_owned()));
        for (field, answer) in &answers {
            match field.split_once('.') {
                None => flags.extend([format!("--{}", field.replace('_', "-")), answer.clone()]),
                Some((list, inner)) => flags.extend([
                    format!("--{}", list.replace('_', "-")),
                    format!("{inner}={answer},product=unknown,route=unknown,source=unknown"),
                ]),
            }
        }
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        desk.says(&flags);
        filled.push(answers);
    }
    filled
}

/// The lines of `totals --pack`, by indicator and code.
fn reported(desk: &Desk, pack: &str) -> BTreeMap<(String, String), String> {
    let said = desk.json(&["totals", "--pack", pack]);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let lines = said["lines"].as_array().unwrap().iter();
    lines.map(|line| ((text(&line["label"]), text(&line["code"])), text(&line["value"]))).collect()
}

fn count(filled: &[BTreeMap<String, String>], field: &str, code: &str) -> usize {
    filled.iter().filter(|answers| answers[field] == code).count()
}

#[test]
fn scotlands_form_is_filled_in_and_its_indicators_are_printed() {
    let text = include_str!("../../core/packs/scotland.toml");
    let desk = Desk::with_packs(&["scotland"]);
    let free: &[(&str, &[&str])] = &[
        ("occurred_on", &["2025-04-01", "2026-03-31"]),
        ("site", &["fife", "lothian"]),
        ("kits", &["1"]),
        ("age_band", &["25_34", "45_54", "declined"]),
    ];
    let filled =
        fill_in(&desk, "distribution", &questions(text), free, &["--utc-offset-min", "60"]);
    let lines = reported(&desk, "scotland");
    let said = |label: &str, code: &str| lines.get(&(label.to_owned(), code.to_owned())).cloned();
    assert_eq!(said("Take-home naloxone kits supplied", ""), Some(TIMES.to_string()));
    let by = [
        ("Kits supplied by type of recipient", "recipient_role"),
        ("Kits supplied by way of supply", "channel"),
        ("Kits supplied by age", "age_band"),
        ("Kits supplied by gender", "gender"),
        ("Kits supplied within four weeks of release from custody", "released_from_custody_4w"),
    ];
    for (label, field) in by {
        for answers in &filled {
            let expected = count(&filled, field, &answers[field]).to_string();
            assert_eq!(said(label, &answers[field]), Some(expected), "{field}");
        }
    }
    let repeat: Vec<_> = filled.iter().filter(|a| a["supply_type"] == "resupply").collect();
    let used = repeat.iter().filter(|a| a["resupply_reason"].starts_with("used_")).count();
    let share = format!("{:.1} %", used as f64 / repeat.len() as f64 * 100.0);
    assert_eq!(said("Repeat supplies because the kit before was used", ""), Some(share));
    // The catalogue of the pack knew the doses of each kit.
    let doses: usize =
        count(&filled, "product", "prenoxad") * 5 + count(&filled, "product", "nyxoid") * 2;
    assert_eq!(desk.total("doses_distributed"), doses as i64);
    // The pack asks for what the data dictionary leaves open.
    let (code, line) = desk.refused(&[
        "record",
        "distribution",
        "--site",
        "fife",
        "--recipient-role",
        "at_risk",
        "--supply-type",
        "first",
        "--channel",
        "mail",
        "--product",
        "nyxoid",
        "--kits",
        "1",
        "--training",
        "full",
    ]);
    assert_eq!((code, line.contains("age_band: required")), (2, true), "{line}");
}

#[test]
fn odins_form_is_filled_in_and_its_indicators_are_printed() {
    let text = include_str!("../../core/packs/odin.toml");
    let desk = Desk::with_packs(&["odin"]);
    assert_eq!(desk.json(&["pack", "list"])["packs"][0]["name"], "odin");
    let free: &[(&str, &[&str])] = &[
        ("occurred_on", &["2018-01-04", "2018-12-31"]),
        ("occurred_time", &["00:42", "23:00"]),
        ("site", &["Delaware", "Elk", "York"]),
        ("suspected_substances", &["heroin", "fentanyl"]),
        ("administrations.doses", &["1", "2", "unknown"]),
    ];
    let fixed = ["--unknowns", "--utc-offset-min", "-300"];
    let filled = fill_in(&desk, "reversal", &questions(text), free, &fixed);
    let lines = reported(&desk, "odin");
    let said = |label: &str, code: &str| lines.get(&(label.to_owned(), code.to_owned())).cloned();
    assert_eq!(said("Responses with naloxone", ""), Some(TIMES.to_string()));
    let by = [
        ("Responses with naloxone by outcome", "outcome"),
        ("Responses with naloxone by age", "age_band"),
        ("Responses with naloxone by gender", "gender"),
        ("Responses with naloxone by suspected drug", "suspected_substances"),
        ("Responses with naloxone by minutes until the person responded", "response_minutes"),
    ];
    for (label, field) in by {
        for answers in &filled {
            let expected = count(&filled, field, &answers[field]).to_string();
            assert_eq!(said(label, &answers[field]), Some(expected), "{field}");
        }
    }
    let (survived, died) =
        (count(&filled, "outcome", "survived"), count(&filled, "outcome", "died"));
    let share = format!("{:.1} %", survived as f64 / (survived + died) as f64 * 100.0);
    assert_eq!(said("Survived, of those whose outcome is known", ""), Some(share));
}

#[test]
fn a_packs_thresholds_say_what_is_short_what_expires_and_what_is_below_zero() {
    let folder = tempfile::tempdir().unwrap();
    let pack = folder.path().join("thresholds.toml");
    let text = "name = \"own\"\nversion = 1\nsource = \"made up\"\n\
                [thresholds]\nminimum_doses = 20\nexpiring_days = 30\n";
    std::fs::write(&pack, text).unwrap();
    let desk = Desk::with_packs(&[pack.to_str().unwrap()]);
    let moved = |kits: &str, expiry: &str, from: &str, to: &str| {
        desk.says(&[
            "record",
            "stock-movement",
            "--site",
            "a",
            "--movement",
            "transfer",
            "--product",
            "nasal_4mg",
            "--doses-per-kit",
            "2",
            "--expiry",
            expiry,
            "--quantity",
            kits,
            "--from",
            from,
            "--to",
            to,
        ]);
    };
    moved("30", "2020-01", "outside", "site:a");
    moved("30", "2099-01", "outside", "site:a");
    moved("5", "2099-01", "site:a", "site:b");
    moved("1", "2099-01", "site:c", "outside");
    let said = desk.json(&["stock"]);
    let alerts: Vec<(&str, &str, i64)> = said["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|alert| {
            let text = |name: &str| alert[name].as_str().unwrap();
            (text("what"), text("holder"), alert["doses"].as_i64().unwrap())
        })
        .collect();
    let expected =
        [("expiring", "site:a", 60), ("below_minimum", "site:b", 10), ("below_zero", "site:c", -2)];
    assert_eq!(alerts, expected);
    // What is shown narrows, and what is alarming does not.
    assert_eq!(desk.json(&["stock", "--recall", "none"])["alerts"], said["alerts"]);
}
