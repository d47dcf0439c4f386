//! Files as people hand them in: cumulative exports, tally sheets, several rows of one event, words of no table.
#![allow(clippy::unwrap_used, missing_docs)]

mod desk;

use desk::Desk;
use serde_json::Value;

impl Desk {
    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        name.to_owned()
    }

    /// What an import says of its file, and its exit code.
    fn imported(&self, arguments: &[&str]) -> (Value, Option<i32>) {
        let output = self.output(&[&["import", "--json"], arguments].concat());
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        (said["files"][0].clone(), output.status.code())
    }
}

const EVENTS: &str = r#"
source = "events, one row a drug and an administration"
kind = "reversal"
unknowns = true
id = ["incident", "victim"]
[constants]
site = "elk"
utc_offset_min = "-300"
[[field]]
field = "occurred_on"
column = "day"
date = "MM/DD/YYYY"
[[field]]
field = "outcome"
column = "end"
codes = { OK = "survived", Died = "died" }
[[set]]
set = "suspected_substances"
column = "drug"
separator = "|"
codes = { "china white" = "fentanyl" }
[[list]]
list = "administrations"
id = ["administration"]
constants = { product = "unknown", route = "unknown", source = "ems" }
[[list.field]]
field = "doses"
column = "doses"
"#;
const HEADER: &str = "incident,victim,day,end,drug,administration,doses";

#[test]
fn rows_of_one_event_are_one_record_and_what_became_known_corrects_it() {
    let desk = Desk::new();
    desk.write("map.toml", EVENTS);
    let rows = "1,7,01/06/2018,ok,HEROIN,50,1\n1,7,01/06/2018,OK,China White,50,1\n\
                1,7,01/06/2018,Ok,heroin,51,2\n2,8,01/07/2018, died ,heroin,52,1\n";
    desk.write("january.csv", &format!("{HEADER}\n{rows}"));
    let (file, code) = desk.imported(&["--map", "map.toml", "january.csv"]);
    assert_eq!((&file["rows"], &file["imported"], code), (&4.into(), &2.into(), Some(0)), "{file}");
    assert_eq!((desk.total("reversals"), desk.total("doses"), desk.total("survived")), (2, 4, 1));
    // The next export: numbered anew, another order of columns, one dose more and another end.
    let later = "FID,doses,day,end,drug,administration,victim,incident\n\
                 9,1,01/06/2018,OK,heroin,50,7,1\n8,2,01/06/2018,OK,heroin,51,7,1\n\
                 7,1,01/06/2018,OK,china white,50,7,1\n6,3,01/07/2018,OK,heroin,52,8,2\n";
    desk.write("february.csv", later);
    let (file, code) = desk.imported(&["--map", "map.toml", "february.csv"]);
    let found = (&file["known"], &file["refused"]["known_id"], code);
    assert_eq!(found, (&3.into(), &1.into(), Some(3)), "{file}");
    assert_eq!((desk.total("reversals"), desk.total("doses")), (2, 4));
    let (file, code) = desk.imported(&["--update", "--map", "map.toml", "february.csv"]);
    assert_eq!((&file["corrected"], code), (&1.into(), Some(0)), "{file}");
    assert_eq!((desk.total("reversals"), desk.total("doses"), desk.total("survived")), (2, 6, 2));
    // Once more it changes nothing.
    let (file, _) = desk.imported(&["--update", "--map", "map.toml", "february.csv"]);
    assert_eq!((&file["corrected"], &file["known"]), (&0.into(), &4.into()), "{file}");
}

#[test]
fn rows_of_one_event_that_contradict_each_other_are_refused_together() {
    let desk = Desk::new();
    desk.write("map.toml", EVENTS);
    let rows = "1,7,01/06/2018,OK,heroin,50,1\n1,7,01/06/2018,died,heroin,51,1\n\
                2,8,01/07/2018,OK,heroin,52,1\n2,8,01/07/2018,OK,heroin,52,2\n,9,01/07/2018,OK,heroin,53,2\n\
                3,9,13/14/2018,OK,heroin,54,1\n3,9,01/07/2018,OK,heroin,55,1\n4,1,01/07/2018,OK,heroin,56,1\n";
    desk.write("january.csv", &format!("{HEADER}\n{rows}"));
    let (file, code) = desk.imported(&["--map", "map.toml", "january.csv"]);
    assert_eq!((&file["imported"], code), (&1.into(), Some(3)), "{file}");
    let refused = &file["refused"];
    assert_eq!((&refused["contradicts"], &refused["same_event"]), (&2.into(), &3.into()), "{file}");
    assert_eq!((&refused["no_id"], &refused["invalid"]), (&1.into(), &1.into()), "{file}");
    assert_eq!(desk.total("doses"), 1);
}

const TALLY: &str = r#"
source = "tally sheets"
kind = "contact"
[constants]
utc_offset_min = "0"
visit = "new"
[[field]]
field = "site"
column = "site"
[[field]]
field = "occurred_on"
column = "date"
[[field]]
field = "people"
column = "people"
[[field]]
field = "supplies.condoms"
column = "condoms"
"#;

#[test]
fn equal_rows_of_another_file_are_a_question_and_the_same_file_adds_nothing() {
    let desk = Desk::new();
    desk.write("map.toml", TALLY);
    let sheet = "site,date,people,condoms\nnorth,2026-03-01,1,2\nnorth,2026-03-01,1,2\nnorth,2026-03-02,1,0\n";
    desk.write("ana.csv", sheet);
    desk.write("ana-again.csv", sheet);
    let map = ["--map", "map.toml"];
    assert_eq!(desk.imported(&[&map[..], &["ana.csv"]].concat()).0["imported"], 3);
    assert_eq!(desk.imported(&[&map[..], &["ana-again.csv"]].concat()).0["known"], 3);
    desk.write("ben.csv", &format!("{sheet}north,2026-03-01,1,2\nsouth,2026-03-01,4,0\n"));
    let (file, code) = desk.imported(&[&map[..], &["ben.csv"]].concat());
    let found = (&file["imported"], &file["refused"]["equal_row"], code);
    assert_eq!(found, (&1.into(), &4.into(), Some(3)), "{file}");
    // The same ones are left out, and one more than there were is another event.
    let (file, code) = desk.imported(&[&map[..], &["--same", "ben.csv"]].concat());
    assert_eq!(
        (&file["imported"], &file["known"], code),
        (&1.into(), &4.into(), Some(0)),
        "{file}"
    );
    assert_eq!(desk.total("people_met"), 8);
    desk.write("cleo.csv", sheet);
    std::fs::write(desk.folder.path().join("cleo.csv"), format!("{sheet}\n")).unwrap();
    let (file, _) = desk.imported(&[&map[..], &["--others", "cleo.csv"]].concat());
    assert_eq!(file["imported"], 3, "{file}");
    assert_eq!(desk.total("people_met"), 11);
}

#[test]
fn words_of_no_table_are_told_and_refused_where_they_decide() {
    let desk = Desk::new();
    desk.write("map.toml", EVENTS);
    let rows = "1,7,01/06/2018,well,heroin|dust,50,1\n2,8,01/06/2018,OK,Dust,51,1\n";
    desk.write("january.csv", &format!("{HEADER}\n{rows}"));
    let (file, code) = desk.imported(&["--map", "map.toml", "january.csv"]);
    assert_eq!((&file["refused"]["unknown_word"], code), (&1.into(), Some(3)), "{file}");
    let words = file["unknown_words"].as_array().unwrap();
    let told: Vec<_> =
        words.iter().map(|said| (said["column"].as_str(), said["word"].as_str())).collect();
    let expected = ["drug Dust", "drug dust", "end well"].map(|said| said.split_once(' ').unwrap());
    let expected = expected.map(|(column, word)| (Some(column), Some(word)));
    assert_eq!(told, expected, "also of a row that is refused for another word: {file}");
    let (file, code) = desk.imported(&["--keep-unknown-codes", "--map", "map.toml", "january.csv"]);
    assert_eq!((&file["imported"], code), (&1.into(), Some(0)), "{file}");
    assert_eq!(desk.total("reversals"), 2);
}

#[test]
fn a_word_of_a_packs_list_is_known_by_its_label_and_another_is_told_and_kept() {
    let desk = Desk::with_packs(&["scotland"]);
    desk.write("map.toml", TALLY);
    desk.write(
        "sheet.csv",
        "site,date,people,condoms\nnhs  BORDERS,2026-03-01,2,2\nMoon,2026-03-01,3,0\n",
    );
    let (file, code) = desk.imported(&["--map", "map.toml", "sheet.csv"]);
    assert_eq!((&file["imported"], code), (&2.into(), Some(0)), "{file}");
    let told = serde_json::json!([{ "column": "site", "word": "Moon", "cells": 1 }]);
    let words = file["unknown_words"].as_array().unwrap();
    assert_eq!((words.len(), &words[0]["word"]), (1, &told[0]["word"]), "{file}");
    let totals = desk.json(&["totals", "--by", "site"]);
    let sites: Vec<&str> = totals["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|line| line["key"][0].as_str())
        .collect();
    assert_eq!(sites, ["Moon", "borders"]);
}

#[test]
fn a_lists_words_are_known_told_or_refused_like_those_of_its_records() {
    let desk = Desk::new();
    let header =
        "id,occurred_on,site,utc_offset_min,service,origin,urgency,handoff,receiving_service\n";
    let row =
        "00000000000000000000000000000001,2026-03-01,x,0,methadone,outreach,today,warm_handoff,y\n";
    desk.write("referral.csv", &format!("{header}{row}"));
    let events = "record,status,on,by\n00000000000000000000000000000001,";
    desk.write("referral.events.csv", &format!("{events}Attended,2026-03-02,the Queen\n"));
    let (file, code) = desk.imported(&["referral.csv"]);
    assert_eq!((&file["imported"], code), (&1.into(), Some(0)), "{file}");
    assert_eq!(file["unknown_words"][0]["column"], "events.by", "{file}");
    assert_eq!(desk.total("referrals_attended"), 1);
    desk.write("referral.events.csv", &format!("{events}attendid,2026-03-02,client\n"));
    desk.write("referral.csv", &format!("{header}{}", row.replace("03-01", "03-02")));
    let (file, code) = desk.imported(&["referral.csv"]);
    assert_eq!((&file["imported"], code), (&0.into(), Some(3)), "{file}");
}

#[test]
fn dates_that_could_be_two_are_asked_about() {
    let desk = Desk::new();
    desk.write("map.toml", TALLY);
    desk.write("sheet.csv", "site;date;people;condoms\nnorth;03/04/2026;1,0;2\n");
    let (code, said) = desk.refused(&["import", "--map", "map.toml", "sheet.csv"]);
    assert!(code == 2 && said.contains("--dates dmy"), "{said}");
    assert!(said.contains("row 2 is 2026-04-03 or 2026-03-04"), "{said}");
    let (file, code) = desk.imported(&["--dates", "dmy", "--map", "map.toml", "sheet.csv"]);
    assert_eq!((&file["imported"], code), (&1.into(), Some(0)), "{file}");
    assert_eq!(desk.json(&["list"])["records"][0]["answers"]["occurred_on"], "2026-04-03");
}
