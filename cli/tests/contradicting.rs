//! Answers that contradict each other, or are said twice: on the command line, in JSON, in files, in
//! drafts. Each is named by a stable code, and nothing is saved of it.
#![allow(clippy::unwrap_used, missing_docs)]

mod desk;

use desk::Desk;
use serde_json::Value;

const CONTACT: [&str; 6] = ["record", "contact", "--site", "x", "--visit", "new"];

fn contact(more: &[&'static str]) -> Vec<&'static str> {
    [&CONTACT, more].concat()
}

#[test]
fn what_is_said_twice_or_beside_its_opposite_is_named() {
    let desk = Desk::new();
    let write = |name: &str, text: &str| std::fs::write(desk.folder.path().join(name), text);
    write("twice.json", r#"{"site":"x","people":1,"people":2,"visit":"new"}"#).unwrap();
    write("torn.json", r#"{"site":"x","#).unwrap();
    let id = desk.says(&contact(&["--people", "3"]));
    let own = id.trim();
    let training = ["record", "training", "--site", "x", "--mode", "group"];
    let trained = ["--people-trained", "2", "--people-supplied"];
    for (arguments, expected) in [
        (contact(&["--people", "2", "--supplies", "condoms=1,condoms=5"]), "supplies: twice"),
        (contact(&["--people", "1", "--visit", "mixed"]), "cannot be used multiple times"),
        (vec!["record", "contact", "--json", "twice.json"], "people: twice"),
        (vec!["record", "contact", "--json", "torn.json"], "line 1, column 12"),
        ([&training[..], &trained, &["3"]].concat(), "people_supplied: at_most"),
        (
            [&training[..], &trained, &["1", "--topics", "naloxone,naloxone=no"]].concat(),
            "topics: twice",
        ),
        (vec!["correct", own, "people=1", "people=2"], "people: twice"),
        (vec!["correct", own, &format!("duplicate_of={own}")], "duplicate_of: no_such"),
        (vec!["correct", own, "import_key=x"], "import_key: from_creation"),
    ] {
        let output = desk.output(&arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(expected), "{expected}: {said}");
        assert_eq!(output.status.code(), Some(2), "{said}");
    }
    desk.says(&contact(&["--people", "2", "--supplies", "condoms=5,condoms=5"]));
    assert_eq!((desk.total("people_met"), desk.total("people_trained")), (5, 0));
}

#[test]
fn what_only_goes_together_is_corrected_together() {
    let desk = Desk::new();
    let given = "product=p,route=IN,doses=1,source=ems";
    let own = ["record", "reversal", "--site", "x", "--unknowns", "--administrations", given];
    let id = desk.says(&own);
    let (void, reason) = ("administrations/1.void=entered_in_error", "none_given_reason=refused");
    assert!(desk.refused(&["correct", id.trim(), void]).1.contains("administrations: one_of"));
    assert!(desk.refused(&["correct", id.trim(), reason]).1.contains("contradicts"));
    let (code, said) = desk.refused(&["correct", id.trim(), "administrations/2.doses=3"]);
    assert!(code == 2 && said.contains("administrations: no_such"), "{said}");
    assert_eq!(desk.total("reversals"), 1);
    desk.says(&["correct", id.trim(), void, reason]);
    assert_eq!(desk.total("reversals"), 0);
}

#[test]
fn a_row_that_contradicts_itself_is_refused_alone_and_imported_once_mended() {
    let desk = Desk::new();
    let write = |name: &str, text: &str| std::fs::write(desk.folder.path().join(name), text);
    let header = "id,site,occurred_on,utc_offset_min,mode,people_trained,people_supplied,topics\n";
    let rows = "1,x,2026-03-02,0,group,5,6,naloxone\n2,x,2026-03-02,0,group,4,4,naloxone\n\
                3,x,2026-03-02,0,group,4,4,naloxone;naloxone=no\n";
    write("training.csv", &format!("{header}{rows}")).unwrap();
    let output = desk.output(&["import", "training.csv", "--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let file = &said["files"][0];
    assert_eq!((&file["imported"], &file["refused"]["invalid"]), (&1.into(), &2.into()), "{said}");
    let refused = desk.folder.path().join("training.refused.csv");
    let kept = std::fs::read_to_string(&refused).unwrap();
    assert!(kept.contains("people_supplied: at_most"), "{kept}");
    assert!(kept.contains("topics: twice"), "{kept}");
    let mended = kept.replace(",5,6,", ",6,5,").replace(";naloxone=no", "");
    std::fs::write(&refused, mended).unwrap();
    assert_eq!(desk.json(&["import", "training.refused.csv"])["files"][0]["imported"], 2);
    assert_eq!(desk.total("people_trained"), 6 + 4 + 4);
}

#[test]
fn an_answer_of_a_draft_is_taken_back_and_what_no_draft_can_keep_is_named() {
    let desk = Desk::new();
    let (code, said) = desk.refused(&["draft", "save", "reversal", "--site", "x", "--unknowns"]);
    assert!(code == 2 && said.contains("--draft N"), "{said}");
    let given = "product=p,route=IN,doses=1,source=ems";
    let own = ["draft", "save", "reversal", "--other-response", "oxygen"];
    desk.says(&[&own[..], &["--outcome", "died", "--administrations", given]].concat());
    let again = ["draft", "save", "reversal", "--draft", "1", "--outcome", ""];
    desk.says(&[&again[..], &["--other-response", "", "--administrations", ""]].concat());
    let answers = desk.json(&["draft", "list"])["drafts"][0]["answers"].clone();
    let left: Vec<&String> = answers.as_object().unwrap().keys().collect();
    assert_eq!(left, ["occurred_on", "utc_offset_min"]);
    for (name, text) in [
        ("a.json", r#"{"barriers":["\u0000"],"site":"x"}"#),
        ("b.json", r#"{"outcome":7,"site":"x","suspected_substances.heroin":"perhaps"}"#),
        ("c.json", r#"{"administrations":[{"doses":true}],"note":"two\nlines"}"#),
        ("d.json", r#"{"other_response":[""],"administrations":[{}]}"#),
    ] {
        std::fs::write(desk.folder.path().join(name), text).unwrap();
        let kind = if name == "a.json" { "referral" } else { "reversal" };
        let before = desk.json(&["draft", "list"])["drafts"].as_array().unwrap().len();
        let output = desk.output(&["draft", "save", kind, "--json", name]);
        let after = desk.json(&["draft", "list"])["drafts"].as_array().unwrap().len();
        // Either it is kept and listed, or its fault is said.
        assert_eq!(after - before, usize::from(output.status.success()), "{name}");
    }
}

#[test]
fn several_elements_are_added_at_once_and_none_is_swallowed() {
    let desk = Desk::new();
    let own = ["record", "referral", "--site", "x", "--service", "hiv", "--origin", "self"];
    let more = ["--urgency", "today", "--handoff", "warm_handoff", "--receiving-service", "s"];
    let id = desk.says(&[&own[..], &more, &["--events", "status=made,on=2026-03-01"]].concat());
    let (id, add) = (id.trim(), "--add");
    let accepted = ["events", "status=accepted,on=2026-03-02"];
    let attended = ["events", "status=attended,on=2026-03-03"];
    let wrong = ["nolist", "status=x"];
    let both = [&["correct", id, add], &accepted[..], &[add], &wrong].concat();
    assert_eq!(desk.refused(&both).0, 2);
    assert_eq!(desk.total("referrals_accepted"), 0, "both or none");
    desk.says(&[&["correct", id, add], &accepted[..], &[add], &attended].concat());
    assert_eq!((desk.total("referrals_accepted"), desk.total("referrals_attended")), (1, 1));
    let twice = ["correct", id, "events/1.on=2026-03-02", "events/01.on=2026-03-03"];
    assert!(desk.refused(&twice).1.contains("events.on: twice"));
    assert!(desk.refused(&["correct", id, "events/1=x"]).1.contains("events: no_such"));
    assert_eq!(desk.output(&["void", id, "--reason", "test", "--clear"]).status.code(), Some(2));
}

#[test]
fn what_is_given_takes_the_place_of_what_a_draft_holds() {
    let desk = Desk::new();
    let given = "product=p,route=IN,doses=2,source=ems";
    let own = ["draft", "save", "reversal", "--site", "x", "--on", "2026-01-05"];
    desk.says(&[&own[..], &["--administrations", given, "--other-response", "oxygen"]].concat());
    desk.says(&["draft", "save", "reversal", "--draft", "1", "--on", ""]);
    let answers = desk.json(&["draft", "list"])["drafts"][0]["answers"].clone();
    assert_eq!(answers.get("occurred_on"), None, "taken back, and not today's");
    let again = ["record", "reversal", "--draft", "1", "--unknowns", "--on", "2026-01-06"];
    let again = [&again[..], &["--administrations", given, "--other-response", "x"]].concat();
    desk.says(&again);
    assert_eq!((desk.total("reversals"), desk.total("doses")), (1, 2));
    let ticked = &desk.json(&["list"])["records"][0]["answers"]["other_response"];
    assert_eq!(ticked, &serde_json::json!(["x"]));
}

#[test]
fn files_that_are_not_what_they_should_be_are_told_apart() {
    let desk = Desk::new();
    let write = |name: &str, text: &[u8]| std::fs::write(desk.folder.path().join(name), text);
    write("bom.json", b"\xef\xbb\xbf{\"site\":\"x\",\"people\":2,\"visit\":\"new\"}").unwrap();
    desk.says(&["record", "contact", "--json", "bom.json"]);
    write("latin.json", b"{\"site\":\"Li\xe8ge\"}").unwrap();
    write("empty.csv", b"").unwrap();
    write("name.json", b"{\"Jo Smith\":\"site\"}").unwrap();
    for (arguments, expected) in [
        (vec!["record", "contact", "--json", "latin.json"], "is not UTF-8"),
        (vec!["import", "--kind", "contact", "empty.csv"], "is empty"),
        (vec!["record", "contact", "--json", "name.json"], "unknown_field"),
    ] {
        let (code, said) = desk.refused(&arguments);
        assert!(code == 2 && said.contains(expected) && !said.contains("Smith"), "{said}");
    }
    let stock = ["--product", "p", "--doses-per-kit", "1", "--quantity", "5"];
    let own = ["record", "stock_movement", "--site", "x", "--movement", "loss"];
    let (code, said) =
        desk.refused(&[&own[..], &stock, &["--from", "outside", "--to", "site:x"]].concat());
    assert!(code == 2 && said.contains("from: contradicts"), "{said}");
    // What is refused again is written once, in the reader's language.
    let header = "id,site,occurred_on,utc_offset_min,people,visit\n";
    write("contact.csv", (header.to_owned() + "1,x,2026-03-02,0,1,mixed\n").as_bytes()).unwrap();
    for _ in 0..2 {
        assert_eq!(desk.output(&["import", "contact.csv"]).status.code(), Some(3));
    }
    assert!(!desk.folder.path().join("contact.refused-2.csv").exists());
    let kept = std::fs::read_to_string(desk.folder.path().join("contact.refused.csv")).unwrap();
    assert!(kept.contains("visit: contradicts: "), "{kept}");
}
