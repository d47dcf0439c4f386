//! What goes wrong between an import and the next: half an event, two sheets, a mended file, an export that a spreadsheet
//! saved.
#![allow(clippy::unwrap_used, missing_docs)]

mod desk;

use desk::Desk;
use serde_json::Value;

const COUNTED: &str = "source = \"made up\"\nkind = \"contact\"\n[constants]\nsite = \"west\"\n\
                       utc_offset_min = \"0\"\nvisit = \"new\"\n\
                       [[field]]\nfield = \"occurred_on\"\ncolumn = \"date\"\n\
                       [[field]]\nfield = \"people\"\ncolumn = \"n\"\n";

fn write(desk: &Desk, name: &str, text: &str) {
    std::fs::write(desk.folder.path().join(name), text).unwrap();
}

fn write_sheet(desk: &Desk, name: &str, rows: &[&[&str]]) {
    let text = |row: &&[&str]| row.iter().map(|cell| (*cell).to_owned()).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(text).collect();
    let book = kitbag_interchange::written_workbook("sheet", &rows).unwrap();
    std::fs::write(desk.folder.path().join(name), book).unwrap();
}

fn imported(desk: &Desk, arguments: &[&str]) -> (Value, Option<i32>) {
    let output = desk.output(&[&["import", "--json"], arguments].concat());
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    (said["files"][0].clone(), output.status.code())
}

#[test]
fn an_equal_row_of_another_sheet_is_a_question() {
    let desk = Desk::new();
    write(&desk, "m.toml", COUNTED);
    let book = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/workbooks/two_sheets.xlsx");
    let of = |sheet: &str, more: &[&str]| {
        imported(&desk, &[&["--map", "m.toml", "--sheet", sheet], more, &[book]].concat())
    };
    assert_eq!(of("Van 1", &[]).0["imported"], 1);
    assert_eq!(of("Van 1", &[]).0["known"], 1, "the same sheet adds nothing");
    let (asked, code) = of("Van 2", &[]);
    assert_eq!((&asked["refused"]["equal_row"], code), (&1.into(), Some(3)), "{asked}");
    assert_eq!(of("Van 2", &["--others"]).0["imported"], 1);
    assert_eq!(desk.total("people_met"), 10);
}

#[test]
fn what_was_voided_to_be_read_otherwise_comes_back_by_others() {
    let desk = Desk::new();
    write(&desk, "m.toml", &COUNTED.replace("[constants]", "dates = \"dmy\"\n[constants]"));
    write(&desk, "a.csv", "date,n\n03/03/2026,1\n03/04/2026,2\n");
    assert_eq!(imported(&desk, &["--map", "m.toml", "a.csv"]).0["imported"], 2);
    write(&desk, "m.toml", &COUNTED.replace("[constants]", "dates = \"mdy\"\n[constants]"));
    let (asked, code) = imported(&desk, &["--map", "m.toml", "a.csv"]);
    assert_eq!((&asked["refused"]["read_otherwise"], code), (&1.into(), Some(3)), "{asked}");
    let list = desk.json(&["list"]);
    for record in list["records"].as_array().unwrap() {
        desk.says(&["void", record["id"].as_str().unwrap(), "--reason", "entered_in_error"]);
    }
    let (again, _) = imported(&desk, &["--map", "m.toml", "--others", "a.csv"]);
    assert_eq!(again["imported"], 2, "{again}");
    let (once_more, code) = imported(&desk, &["--map", "m.toml", "--others", "a.csv"]);
    assert_eq!((&once_more["known"], code), (&2.into(), Some(0)), "{once_more}");
    assert_eq!(desk.total("people_met"), 3);
}

const EVENTS: &str = "source = \"made up\"\nkind = \"reversal\"\nid = [\"inc\"]\nunknowns = true\n[constants]\nsite = \"west\"\n\
                      utc_offset_min = \"0\"\noutcome = \"survived\"\n\
                      [only]\ncolumn = \"nal\"\ntake = \"Y\"\nnot = \"N\"\n\
                      [[field]]\nfield = \"occurred_on\"\ncolumn = \"date\"\n\
                      [[list]]\nlist = \"administrations\"\nid = [\"adm\"]\n\
                      constants = { product = \"unknown\", route = \"unknown\", source = \"ems\" }\n\
                      [[list.field]]\nfield = \"doses\"\ncolumn = \"doses\"\n";

#[test]
fn a_row_that_nobody_can_read_keeps_all_of_its_event_back_until_it_is_mended() {
    let desk = Desk::new();
    write(&desk, "e.toml", EVENTS);
    let rows = "2,2026-03-02,Y,1,1\n2,2026-03-02,Yes,2,4\n3,2026-03-02,Y,1,2\n3,2026-03-02,N,2,9\n4,2026-03-02,Y,1,1\n4,2026-03-02,Y,2,1,9\n";
    write(&desk, "e.csv", &format!("inc,date,nal,adm,doses\n{rows}"));
    let (file, code) = imported(&desk, &["--map", "e.toml", "e.csv"]);
    assert_eq!((&file["imported"], code), (&1.into(), Some(3)), "{file}");
    let refused = &file["refused"];
    let why = (&refused["unreadable"], &refused["same_event"], &refused["not_taken"]);
    assert_eq!(why, (&2.into(), &2.into(), &1.into()), "{file}");
    assert_eq!(desk.total("doses"), 2, "what the mapping leaves out keeps nothing back");
    let refused = desk.folder.path().join("e.refused.csv");
    let mended = std::fs::read_to_string(&refused).unwrap();
    let mended = mended.replace("Yes", "Y").replace("2,1,9", "2,1");
    write(&desk, "e.refused.csv", &mended);
    let (file, _) = imported(&desk, &["--map", "e.toml", "e.refused.csv"]);
    assert_eq!(file["imported"], 2, "{file}");
    assert_eq!(desk.total("doses"), 2 + 5 + 2);
}

#[test]
fn an_id_is_the_same_however_a_spreadsheet_spells_it_and_two_of_one_file_are_never_one_in_silence()
{
    let desk = Desk::new();
    let named = COUNTED.replace("[constants]", "id = [\"inc\", \"date\"]\n[constants]");
    write(&desk, "m.toml", &named);
    write(&desk, "a.csv", "inc,date,n\n007,03/14/2026,5\n\"1,000\",03/04/2026,6\n");
    assert_eq!(imported(&desk, &["--map", "m.toml", "a.csv"]).0["imported"], 2);
    let rows: [&[&str]; 3] =
        [&["inc", "date", "n"], &["7", "2026-03-14", "5"], &["1000", "2026-03-04", "6"]];
    write_sheet(&desk, "a.xlsx", &rows);
    let (again, code) = imported(&desk, &["--map", "m.toml", "a.xlsx"]);
    assert_eq!((&again["known"], code), (&2.into(), Some(0)), "{again}");
    assert_eq!(desk.total("people_met"), 11);
    let twice = "inc,date,n\n08,2026-03-14,1\n8,2026-03-14,1\n2.01801E+11,2026-03-14,1\n2.01801E+11,2026-03-14,1\n";
    write(&desk, "b.csv", twice);
    let (file, code) = imported(&desk, &["--map", "m.toml", "b.csv"]);
    assert_eq!((&file["imported"], code), (&0.into(), Some(3)), "{file}");
    assert_eq!(
        (&file["refused"]["id_spelled_twice"], &file["refused"]["id_shortened"]),
        (&1.into(), &2.into()),
        "{file}"
    );
}

#[test]
fn an_export_that_a_spreadsheet_saved_comes_back_with_its_lists() {
    let (one, other) = (Desk::new(), Desk::new());
    one.says(&[
        "record",
        "referral",
        "--site=-Nord",
        "--on",
        "2026-03-14",
        "--service",
        "housing",
        "--origin",
        "outreach",
        "--urgency",
        "today",
        "--handoff",
        "accompanied",
        "--receiving-service",
        "clinic",
        "--events",
        "status=made,on=2026-03-14",
    ]);
    one.says(&["export", "out"]);
    let out = one.folder.path().join("out");
    let saved = |name: &str| {
        let text = std::fs::read_to_string(out.join(name)).unwrap();
        text.replace("2026-03-14", "14/03/2026")
    };
    write(&other, "referral.csv", &saved("referral.csv"));
    write(&other, "referral.events.csv", &saved("referral.events.csv"));
    let (file, code) = imported(&other, &["referral.csv"]);
    assert_eq!((&file["imported"], code), (&1.into(), Some(0)), "{file}");
    assert_eq!(other.total("referrals_made"), 1);
    // As workbooks beside the files of text: they are read, not those; and the mark before the sign is no part of it.
    let cells = |name: &str| -> Vec<Vec<String>> {
        let text = saved(name);
        text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
    };
    let mut events = cells("referral.events.csv");
    let mut attended = events[1].clone();
    for cell in &mut attended {
        *cell = cell.replace("made", "attended").replace("14/03", "15/03");
    }
    events.push(attended);
    for (name, rows) in [("referral.xlsx", cells("referral.csv")), ("referral.events.xlsx", events)]
    {
        let book = kitbag_interchange::written_workbook("sheet", &rows).unwrap();
        std::fs::write(other.folder.path().join(name), book).unwrap();
    }
    let (file, _) = imported(&other, &["referral.xlsx"]);
    assert_eq!(file["refused"]["known_id"], 1, "{file}");
    let (file, _) = imported(&other, &["--update", "referral.xlsx"]);
    assert_eq!(file["corrected"], 1, "{file}");
    assert_eq!(other.total("referrals_attended"), 1);
    let totals = other.json(&["totals", "--by", "site"]);
    assert_eq!(totals["lines"][0]["key"][0], "-Nord");
    // What cannot be read is looked for where it is.
    write(&other, "referral.csv", &saved("referral.csv").replace("14/03/2026", "16/03/2026"));
    write(
        &other,
        "referral.events.csv",
        &saved("referral.events.csv").replace("14/03/2026", "soon"),
    );
    imported(&other, &["referral.csv"]);
    let refused =
        std::fs::read_to_string(other.folder.path().join("referral.refused.csv")).unwrap();
    assert!(refused.contains("referral.events.csv, row 2: column on"), "{refused}");
}

#[test]
fn rows_of_one_id_that_contradict_each_other_correct_nothing() {
    let desk = Desk::new();
    desk.says(&[
        "record",
        "contact",
        "--site",
        "x",
        "--people",
        "10",
        "--visit",
        "new",
        "--on",
        "2026-03-01",
        "--through",
        "2026-03-04",
    ]);
    desk.says(&["export", "out"]);
    let path = desk.folder.path().join("out/contact.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    let (header, row) = text.split_once("\r\n").unwrap();
    let row = row.trim_end();
    let people = header.split(',').position(|name| name == "people").unwrap();
    let with = |people_met: &str| {
        let mut cells: Vec<&str> = row.split(',').collect();
        cells[people] = people_met;
        cells.join(",")
    };
    std::fs::write(&path, format!("{header}\r\n{}\r\n{}\r\n", with("11"), with("12"))).unwrap();
    let file = path.to_str().unwrap().to_owned();
    let (said, code) = imported(&desk, &["--update", &file]);
    assert_eq!((&said["refused"]["contradicts"], code), (&2.into(), Some(3)), "{said}");
    assert_eq!(desk.total("people_met"), 10);
    // A span that the file has no more is asked about, and taken back.
    std::fs::write(&path, format!("{header}\r\n{}\r\n", row.replace("2026-03-04", ""))).unwrap();
    assert_eq!(imported(&desk, &[&file]).0["refused"]["known_id"], 1);
    assert_eq!(imported(&desk, &["--update", &file]).0["corrected"], 1);
    assert_eq!(desk.json(&["totals"])["of_spans"], 0);
}

#[test]
fn a_mappings_own_words_are_held_to_the_lists_and_all_unknown_ones_are_told_at_once() {
    let desk = Desk::new();
    let wrong = EVENTS.replace("outcome = \"survived\"\n", "").replace(
        "[[list]]",
        "[[field]]\nfield = \"outcome\"\ncolumn = \"end\"\ncodes = { Y = \"survivd\" }\n[[list]]",
    );
    write(&desk, "e.toml", &wrong);
    let rows = "1,2026-03-02,Y,1,1,Y\n2,soon,Y,1,1,fine\n";
    write(&desk, "e.csv", &format!("inc,date,nal,adm,doses,end\n{rows}"));
    let (file, code) = imported(&desk, &["--map", "e.toml", "e.csv"]);
    assert_eq!((&file["imported"], code), (&0.into(), Some(3)), "{file}");
    let words = file["unknown_words"].as_array().unwrap();
    let words: Vec<&str> = words.iter().filter_map(|said| said["word"].as_str()).collect();
    assert_eq!(words, ["fine", "survivd"], "a row is read to its end");
    let constant = EVENTS.replace("outcome = \"survived\"", "outcome = \"Survivd\"");
    write(&desk, "e.toml", &constant);
    let (code, said) = desk.refused(&["import", "--map", "e.toml", "e.csv"]);
    assert!(code == 2 && said.contains("outcome"), "{code} {said}");
    let (file, _) = imported(&desk, &["--keep-unknown-codes", "--map", "e.toml", "e.csv"]);
    assert_eq!(file["imported"], 1, "{file}");
}

#[test]
fn what_a_person_corrected_stays_while_its_row_says_what_it_said() {
    let desk = Desk::new();
    write(&desk, "m.toml", &COUNTED.replace("[constants]", "id = [\"k\"]\n[constants]"));
    write(&desk, "a.csv", "k,date,n\n1,2026-03-14,10\n2,2026-03-14,1\n");
    assert_eq!(imported(&desk, &["--map", "m.toml", "a.csv"]).0["imported"], 2);
    let list = desk.json(&["list"]);
    let ten = |record: &&Value| record["answers"]["people"] == 10;
    let id = list["records"].as_array().unwrap().iter().find(ten).unwrap()["id"].clone();
    desk.says(&["correct", id.as_str().unwrap(), "people=15"]);
    write(&desk, "b.csv", "k,date,n\n1,2026-03-14,10\n2,2026-03-14,2\n3,2026-03-14,4\n");
    for update in [&[][..], &["--update"]] {
        let (said, code) = imported(&desk, &[&["--map", "m.toml"], update, &["b.csv"]].concat());
        assert_eq!((&said["refused"]["changed_here"], code), (&1.into(), Some(3)), "{said}");
    }
    assert_eq!(desk.total("people_met"), 15 + 2 + 4);
    // What the file says anew goes before.
    write(&desk, "c.csv", "k,date,n\n1,2026-03-14,11\n");
    let (said, _) = imported(&desk, &["--map", "m.toml", "--update", "c.csv"]);
    assert_eq!(said["corrected"], 1, "{said}");
    assert_eq!(desk.total("people_met"), 11 + 2 + 4);
}
