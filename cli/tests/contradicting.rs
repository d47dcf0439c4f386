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
