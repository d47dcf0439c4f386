//! What people do with records on the command line, from a founded programme to an export read back.
#![allow(clippy::unwrap_used, missing_docs)]

mod desk;

use desk::Desk;
use serde_json::Value;

/// One record of each kind that people fill in.
fn fill(desk: &Desk) -> Vec<String> {
    let at = ["--site", "riverside", "--on", "2026-03-01", "--utc-offset-min", "60"];
    let record = |arguments: &[&str]| desk.says(&[&["record"], arguments, &at].concat());
    vec![
        record(&[
            "stock-movement",
            "--movement",
            "receipt",
            "--product",
            "nasal_4mg",
            "--doses-per-kit",
            "2",
            "--lot",
            "A1",
            "--expiry",
            "2026-12",
            "--quantity",
            "50",
            "--from",
            "outside",
            "--to",
            "site:riverside",
        ]),
        record(&[
            "distribution",
            "--recipient-role",
            "at_risk",
            "--supply-type",
            "resupply",
            "--resupply-reason",
            "used_on_other",
            "--channel",
            "prison_release",
            "--product",
            "nasal_4mg",
            "--doses-per-kit",
            "2",
            "--kits",
            "3",
            "--single-doses",
            "1",
            "--lot",
            "A1",
            "--expiry",
            "2026-12",
            "--training",
            "brief",
            "--taken-from",
            "site:riverside",
            "--note",
            "=SUM(A1) of no use",
        ]),
        record(&[
            "reversal",
            "--unknowns",
            "--outcome",
            "survived",
            "--suspected-substances",
            "heroin,new_code",
            "--administrations",
            "product=nasal_4mg,route=IN,doses=2,source=this_programme,lot=A1",
            "--administrations",
            "product=unknown,route=IN,doses=unknown,source=ems",
            "--taken-from",
            "site:riverside",
        ]),
        record(&[
            "referral",
            "--service",
            "methadone",
            "--origin",
            "after_overdose",
            "--urgency",
            "today",
            "--handoff",
            "accompanied",
            "--receiving-service",
            "clinic, second floor",
            "--barriers",
            "cost",
            "--events",
            "status=made,on=2026-03-01",
            "--events",
            "status=attended,on=2026-03-05",
        ]),
        record(&[
            "training",
            "--mode",
            "group",
            "--people-trained",
            "10",
            "--people-supplied",
            "9",
        ]),
        record(&[
            "contact",
            "--people",
            "4",
            "--visit",
            "new",
            "--supplies",
            "condoms=12,new_type=1",
        ]),
        record(&[
            "target",
            "--indicator",
            "kits_distributed",
            "--scope",
            "team",
            "--period",
            "2026-Q1",
            "--value",
            "500",
        ]),
        record(&[
            "report",
            "--period",
            "2026-Q1",
            "--revision",
            "1",
            "--records-digest",
            "00",
            "--approved-by",
            "office",
            "--suppression",
            "under_10",
            "--values",
            "kits_distributed=3",
        ]),
    ]
}

#[test]
fn each_kind_is_recorded_by_flags_and_counted() {
    let desk = Desk::new();
    let ids = fill(&desk);
    for (indicator, n) in [
        ("kits_distributed", 3),
        ("doses_distributed", 7),
        ("resupply_used", 1),
        ("prison_release_kits", 3),
        ("reversals", 1),
        ("doses", 2),
        ("doses_unknown", 1),
        ("survived", 1),
        ("referrals_made", 1),
        ("referrals_attended", 1),
        ("linkage_days.4", 1),
        ("people_trained", 11),
        ("people_supplied", 10),
        ("people_met", 4),
        ("supplies.condoms", 12),
        ("supplies.new_type", 1),
        ("kits_received", 50),
    ] {
        assert_eq!(desk.total(indicator), n, "{indicator}");
    }
    let stock = desk.json(&["stock"]);
    let held: Vec<(&str, i64)> = stock["on_hand"]
        .as_array()
        .unwrap()
        .iter()
        .map(|held| (held["expiry"].as_str().unwrap(), held["doses"].as_i64().unwrap()))
        .collect();
    // 50 kits of 2 less 7 handed out, and the 2 doses of an administration, which names no expiry.
    assert_eq!(held, [("2026-12", 91)]);
    let recall = desk.json(&["stock", "--recall", "A1"]);
    let named: Vec<&str> =
        recall["records"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert_eq!(named, [ids[1].as_str(), ids[2].as_str()]);
}

#[test]
fn records_are_found_corrected_voided_and_undone() {
    let desk = Desk::new();
    let ids = fill(&desk);
    let found = desk.json(&["list", "--where", "administrations.product=nasal_4mg"]);
    assert_eq!(found["records"][0]["id"], ids[2].as_str());
    assert_eq!(found["records"].as_array().unwrap().len(), 1);
    let page = desk.json(&["list", "--most", "3"]);
    let before = page["next"].to_string();
    let rest = desk.json(&["list", "--before", &before, "--most", "10"]);
    assert_eq!(rest["records"].as_array().unwrap().len(), 5);

    let reversal = ids[2].as_str();
    desk.says(&["correct", reversal, "outcome=died", "suspected_substances.heroin=false"]);
    assert_eq!((desk.total("died"), desk.total("survived")), (1, 0));
    desk.says(&["undo"]);
    assert_eq!((desk.total("died"), desk.total("survived")), (0, 1));
    let shown = desk.json(&["show", reversal]);
    assert_eq!(shown["values"]["suspected_substances.heroin"][0], true);
    desk.says(&["correct", reversal, "administrations/2.doses=3"]);
    assert_eq!(desk.total("doses"), 5);
    desk.says(&["undo", reversal]);
    assert_eq!((desk.total("doses"), desk.total("doses_unknown")), (2, 1));
    desk.says(&["correct", &ids[3], "--add", "events", "status=completed,on=2026-03-09"]);
    assert_eq!(desk.total("referrals_completed"), 1);
    desk.says(&["undo", &ids[3]]);
    assert_eq!(desk.total("referrals_completed"), 0);
    desk.says(&["void", reversal, "--reason", "test"]);
    assert_eq!(desk.total("reversals"), 0);
    desk.says(&["void", reversal, "--clear"]);
    assert_eq!(desk.total("reversals"), 1);
    desk.says(&["undo", &ids[5]]);
    assert_eq!(desk.total("contacts"), 0);
    assert_eq!(desk.json(&["list", "--state", "void"])["records"][0]["id"], ids[5].as_str());
    let history = desk.json(&["history", reversal]);
    assert_eq!(history["changes"].as_array().unwrap().len(), 7);
    assert_eq!(desk.json(&["conflicts"])["conflicts"].as_array().unwrap().len(), 0);
}

#[test]
fn a_record_saved_twice_is_suspected_and_linked_by_people_alone() {
    let desk = Desk::new();
    let first = fill(&desk);
    let second = fill(&desk);
    let suspected = desk.json(&["duplicates"]);
    assert_eq!(suspected["suspected"].as_array().unwrap().len(), 8);
    assert_eq!(suspected["suspected"][0]["why"], "saved_twice");
    assert_eq!(desk.total("reversals"), 2);
    desk.says(&["correct", &second[2], &format!("duplicate_of={}", first[2])]);
    let corrected = desk.output(&["correct", &second[2], "site=elsewhere"]);
    let said = String::from_utf8(corrected.stderr).unwrap();
    assert!(said.contains("it counts nowhere"), "{said}");
    assert_eq!(desk.total("reversals"), 1);
    assert_eq!(desk.json(&["duplicates"])["suspected"].as_array().unwrap().len(), 7);
}

#[test]
fn a_draft_is_kept_and_counts_only_once_it_is_finished() {
    let desk = Desk::new();
    let draft = desk.says(&["draft", "save", "reversal", "--site", "riverside"]);
    assert_eq!(desk.json(&["draft", "list"])["drafts"][0]["kind"], "reversal");
    let (code, said) = desk.refused(&["draft", "finish", &draft]);
    assert_eq!((code, said.contains("report_basis: required")), (2, true), "{said}");
    assert_eq!((desk.total("reversals"), draft.as_str()), (0, "1"));
    desk.says(&["draft", "discard", &draft]);
    let draft = desk.says(&["draft", "save", "reversal", "--site", "riverside"]);
    desk.says(&["record", "reversal", "--draft", &draft, "--unknowns"]);
    assert_eq!(desk.total("reversals"), 1);
    assert_eq!(desk.json(&["draft", "list"])["drafts"].as_array().unwrap().len(), 0);
}

#[test]
fn an_export_imported_into_a_fresh_programme_gives_the_same_totals_once() {
    let desk = Desk::new();
    fill(&desk);
    fill(&desk);
    let void = fill(&desk);
    desk.says(&["void", &void[1], "--reason", "test"]);
    let exported = desk.json(&["export", "out"]);
    let names: Vec<&str> = exported["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 10, "{names:?}");
    let out = desk.folder.path().join("out");
    let all: String =
        names.iter().map(|name| std::fs::read_to_string(out.join(name)).unwrap()).collect();
    assert!(!all.contains("no use"), "free text never leaves");
    let described: Value =
        serde_json::from_slice(&std::fs::read(out.join("datapackage.json")).unwrap()).unwrap();
    assert_eq!(described["resources"].as_array().unwrap().len(), 10);

    let fresh = Desk::new();
    let files: Vec<String> = names
        .iter()
        .filter(|name| name.matches('.').count() == 1)
        .map(|name| out.join(name).to_str().unwrap().to_owned())
        .collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let sums = |desk: &Desk, by: &str| desk.json(&["totals", "--by", by])["lines"].clone();
    for expected in [23, 0] {
        let imported = fresh.json(&[&["import"], files.as_slice()].concat());
        let of = imported["files"].as_array().unwrap();
        assert_eq!(of.iter().filter_map(|file| file["imported"].as_i64()).sum::<i64>(), expected);
        for by in ["month", "site", "administrations.product", "status", "suspected_substances"] {
            assert_eq!(sums(&fresh, by), sums(&desk, by), "{by}");
        }
    }
    let doses = |desk: &Desk| {
        desk.json(&["stock"])["on_hand"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|held| held["doses"].as_i64())
            .collect::<Vec<_>>()
    };
    assert_eq!(doses(&fresh), doses(&desk));
}

#[test]
fn rows_that_cannot_be_read_are_refused_into_a_file_that_can_be_mended_and_imported() {
    let desk = Desk::new();
    let header = "site,occurred_on,utc_offset_min,people,visit,supplies\r\n";
    let long = "x".repeat(1_000_000);
    let rows = format!(
        "\u{feff}{header}riverside,2026-03-01,0,3,new,condoms=2\r\nriverside,2026-03-01,0,many,new,\r\n\
         \"two\r\nlines\",2026-03-01,0,3,new,\r\nriverside,2026-13-01,0,3,new,\r\n\
         riverside,2026-03-01,0,3,{long},\r\n'=1+1,2026-03-01,0,2,\"a \"\"new\"\" code\",\r\n"
    );
    let path = desk.folder.path().join("contact.csv");
    let mut bytes = rows.into_bytes();
    bytes.extend(b"M\xe9xico,2026-03-01,0,3,new,\r\n");
    std::fs::write(&path, bytes).unwrap();
    let output = desk.output(&["import", "contact.csv", "--keep-unknown-codes", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let file = &said["files"][0];
    assert_eq!((&file["rows"], &file["imported"]), (&7.into(), &2.into()));
    assert_eq!((&file["refused"]["invalid"], &file["refused"]["not_utf8"]), (&4.into(), &1.into()));
    assert_eq!(desk.total("people_met"), 5);
    let kept = desk.json(&["list", "--where", "site==1+1"]);
    assert_eq!(kept["records"][0]["answers"]["visit"], "a \"new\" code");

    let refused = desk.folder.path().join("contact.refused.csv");
    let text = String::from_utf8_lossy(&std::fs::read(&refused).unwrap()).into_owned();
    assert!(text.contains("column people: people: shape"), "the reason stands beside the row");
    let mended = text
        .replace(",many,", ",4,")
        .replace("\"two\r\nlines\"", "two lines")
        .replace("2026-13-01", "2025-12-01")
        .replace(&long, "returning")
        .replace("M\u{fffd}xico", "Mexico");
    std::fs::write(&refused, mended).unwrap();
    let said = desk.json(&["import", "contact.refused.csv"]);
    assert_eq!(said["files"][0]["imported"], 5);
    assert_eq!(desk.total("contacts"), 7);
}

#[test]
fn each_wrong_answer_is_one_line_with_a_stable_code_and_harms_nothing() {
    let desk = Desk::new();
    let base = ["record", "contact", "--site", "x", "--on", "2026-03-01", "--visit", "new"];
    let cases: [(&[&str], &str); 8] = [
        (&[], "people: required: People met needs an answer: a whole number from 1 to 99999."),
        (&["--people", "0"], "people: shape"),
        (&["--people", "3", "--supplies", "condoms"], "supplies: shape"),
        (&["--people", "3", "--supplies", "condoms=10000000"], "supplies: shape"),
        (&["--people", "3", "--occurred-time", "24:00"], "occurred_time: shape"),
        (&["--people", "3", "--json", "nowhere.json"], "cannot be read"),
        (&["--people", "3", "--note", &"x".repeat(501)], "note: shape"),
        (&["--people", "3", "--colour", "red"], "--colour"),
    ];
    for (more, expected) in cases {
        let (code, said) = desk.refused(&[&base, more].concat());
        assert!(said.contains(expected), "{more:?}: {said}");
        assert!([1, 2].contains(&code));
    }
    let missing = "00000000000000000000000000000001";
    for arguments in [
        &["show", missing][..],
        &["correct", missing, "people=1"],
        &["void", missing, "--reason", "test"],
        &["undo"],
        &["totals", "--bars", "colours"],
        &["list", "--kind", "colours"],
        &["import", "--map", "nowhere.toml", "nowhere.csv"],
        &["export", "."],
    ] {
        desk.refused(arguments);
    }
    assert_eq!(desk.total("contacts"), 0);
}

#[test]
fn a_store_is_verified_and_looked_over_and_the_tool_describes_itself() {
    let desk = Desk::new();
    fill(&desk);
    let verified = desk.json(&["verify"]);
    assert_eq!((&verified["records"], &verified["unsealed"]), (&8.into(), &0.into()));
    assert!(verified["entries"].as_u64().unwrap() > 10);
    assert_eq!(verified["faults"].as_array().unwrap().len(), 0);
    let codes = |desk: &Desk| -> Vec<String> {
        let findings = desk.json(&["doctor"]);
        let findings = findings["findings"].as_array().unwrap().clone();
        findings.iter().map(|found| found["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(&desk), ["no_hub"]);
    fill(&desk);
    desk.says(&["draft", "save", "contact", "--people", "2"]);
    assert_eq!(codes(&desk), ["no_hub", "duplicates", "drafts"]);

    let help = desk.says(&["record", "distribution", "--help"]);
    assert!(help.contains("--recipient-role") && help.contains("at_risk"), "{help}");
    assert!(desk.says(&["completions", "bash"]).contains("stock-movement"));
    desk.says(&["man", "pages"]);
    let page = desk.folder.path().join("pages/kitbag-record-distribution.1");
    assert!(std::fs::read_to_string(page).unwrap().contains("recipient"));
}

#[test]
fn errors_and_tables_speak_the_readers_language() {
    let desk = Desk::new();
    let in_language = |language: &str, arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_kitbag"))
            .env("KITBAG_STORE", &desk.store)
            .env("LC_ALL", language)
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    fill(&desk);
    let contact = ["record", "contact", "--site", "x", "--on", "2026-03-01", "--visit", "new"];
    for (language, error, table) in [
        ("es_ES.UTF-8", "people: required: Personas contactadas necesita", "Supervivencia"),
        ("fr_FR.UTF-8", "people: required: Personnes rencontrées attend", "Survie"),
        ("ar_EG.UTF-8", "people: required: يلزم جواب عن", "نسبة"),
        ("uk_UA.UTF-8", "people: required: Потрібна відповідь", "Виживання"),
        ("de_DE.UTF-8", "people: required: People met needs", "Survival"),
    ] {
        assert!(in_language(language, &contact).contains(error), "{language}");
        assert!(in_language(language, &["totals"]).contains(table), "{language}");
    }
}

#[test]
fn an_export_that_comes_back_adds_nothing_and_odd_codes_survive_it() {
    let desk = Desk::new();
    fill(&desk);
    let at = ["--site", "riverside", "--on", "2026-03-01"];
    let odd = r#"{"suspected_substances": ["a;b", "c,d", "x=y", "back\\slash"]}"#;
    std::fs::write(desk.folder.path().join("odd.json"), odd).unwrap();
    let flags = ["record", "reversal", "--unknowns", "--json", "odd.json"];
    desk.says(&[flags.as_slice(), &at].concat());
    let counts = r#"{"people": 2, "visit": "new", "supplies": {"p;q=r": 3}}"#;
    std::fs::write(desk.folder.path().join("counts.json"), counts).unwrap();
    desk.says(&[&["record", "contact", "--json", "counts.json"][..], &at].concat());
    desk.says(&["export", "out"]);
    let files = ["out/reversal.csv", "out/contact.csv", "out/referral.csv"];
    let back = desk.json(&[&["import"][..], &files].concat());
    for file in back["files"].as_array().unwrap() {
        assert_eq!(file["imported"], 0, "{file}");
        assert!(file["known"].as_u64().unwrap() > 0, "{file}");
    }
    let fresh = Desk::new();
    let out = desk.folder.path().join("out");
    let of = |name: &str| out.join(name).to_str().unwrap().to_owned();
    fresh.says(&["import", &of("reversal.csv"), &of("contact.csv")]);
    for (by, field) in [("suspected_substances", "reversals"), ("year", "supplies.p;q=r")] {
        let sums = |desk: &Desk| {
            let lines = desk.json(&["totals", "--by", by])["lines"].as_array().unwrap().clone();
            lines
                .iter()
                .filter_map(|line| Some((line["key"].clone(), line["sums"][field].as_i64()?)))
                .collect::<Vec<_>>()
        };
        assert_eq!(sums(&fresh), sums(&desk), "{by}");
        assert!(!sums(&desk).is_empty());
    }
}

#[test]
fn what_a_pack_or_a_list_lacks_refuses_its_own_row_alone() {
    let desk = Desk::with_packs(&["scotland"]);
    let header = "site,occurred_on,utc_offset_min,recipient_role,supply_type,channel,product,kits,\
                  training,age_band,gender,released_from_custody_4w\n";
    let row = "fife,2026-03-01,0,at_risk,first,mail,nyxoid,1,full";
    let rows = format!("{header}{row},,woman,no\n{row},25_34,man,no\n");
    std::fs::write(desk.folder.path().join("distribution.csv"), rows).unwrap();
    let output = desk.output(&["import", "distribution.csv", "--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["files"][0]["imported"], output.status.code()), (&1.into(), Some(3)));
    let refused = std::fs::read_to_string(desk.folder.path().join("distribution.refused.csv"));
    let refused = refused.unwrap();
    assert_eq!((refused.lines().count(), refused.contains("age_band: required")), (2, true));
    assert_eq!(desk.total("doses_distributed"), 2, "the catalogue knew the doses");

    let header =
        "id,site,occurred_on,utc_offset_min,service,origin,urgency,handoff,receiving_service\n";
    let row = "fife,2026-03-01,0,housing,outreach,today,accompanied,clinic";
    let rows = format!("{header}one,{row}\ntwo,{row}\n");
    std::fs::write(desk.folder.path().join("referral.csv"), rows).unwrap();
    let events = "\u{feff}record,status,on\none,made,2026-03-01\ntwo,made,the first of March\n";
    std::fs::write(desk.folder.path().join("referral.events.csv"), events).unwrap();
    let output = desk.output(&["import", "referral.csv", "--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["files"][0]["imported"], output.status.code()), (&1.into(), Some(3)));
    let refused = std::fs::read_to_string(desk.folder.path().join("referral.refused.csv")).unwrap();
    assert!(refused.contains("referral.events.csv, row 3: column on"), "{refused}");
}
