//! What a review found on the command line, each held here: files with rows of equal ids, torn rows,
//! lists without their records, what would count nowhere, drafts, stock that ran out.
#![allow(clippy::unwrap_used, missing_docs)]

mod desk;

use desk::Desk;
use serde_json::Value;

const CONTACT: &str = "site,occurred_on,utc_offset_min,people,visit";

impl Desk {
    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        name.to_owned()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    /// What an import that may refuse rows says of its first file, and its exit code.
    fn imported(&self, arguments: &[&str]) -> (Value, Option<i32>) {
        let output = self.output(&[&["import", "--json"], arguments].concat());
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        (said["files"][0].clone(), output.status.code())
    }
}

fn contact(id: u32, people: u32) -> String {
    format!("{id},riverside,2026-03-01,0,{people},new\n")
}

#[test]
fn an_id_names_a_row_of_its_kind_and_another_event_of_that_id_is_refused() {
    let desk = Desk::new();
    let header = format!("id,{CONTACT}\n");
    desk.write("contact.csv", &(header.clone() + &contact(1, 3) + &contact(2, 4) + &contact(2, 4)));
    let training = "id,site,occurred_on,utc_offset_min,mode,people_trained,people_supplied,topics\n\
                    1,riverside,2026-03-02,0,group,5,0,naloxone\n";
    desk.write("training.csv", training);
    let said = desk.json(&["import", "contact.csv", "training.csv"]);
    assert_eq!((&said["files"][0]["imported"], &said["files"][0]["known"]), (&2.into(), &1.into()));
    assert_eq!(said["files"][1]["imported"], 1, "{said}");
    // The next sheet numbers its rows from 1 again.
    desk.write("contact.csv", &(header + &contact(1, 9) + &contact(2, 4) + &contact(3, 1)));
    let (file, code) = desk.imported(&["contact.csv"]);
    assert_eq!((&file["imported"], &file["known"]), (&1.into(), &1.into()), "{file}");
    assert_eq!((&file["refused"]["known_id"], code), (&1.into(), Some(3)));
    assert!(desk.read("contact.refused.csv").contains(",1,riverside,2026-03-01,0,9,new"));
    assert_eq!(desk.total("people_met"), 3 + 4 + 1);
}

#[test]
fn two_mappings_of_equal_rows_make_two_records() {
    let desk = Desk::new();
    let mapping = |site: &str| {
        format!(
            "source = \"made up\"\nkind = \"contact\"\n[constants]\nsite = \"{site}\"\n\
             utc_offset_min = \"0\"\nvisit = \"new\"\n\
             [[field]]\nfield = \"occurred_on\"\ncolumn = \"day\"\n\
             [[field]]\nfield = \"people\"\ncolumn = \"n\"\n"
        )
    };
    desk.write("north.toml", &mapping("north"));
    desk.write("south.toml", &mapping("south"));
    desk.write("sheet.csv", "day,n\n2026-03-01,2\n2026-03-01,2\n");
    assert_eq!(desk.imported(&["--map", "north.toml", "sheet.csv"]).0["imported"], 2);
    // The same bytes add nothing in silence: that they are other events, a person says.
    let (asked, code) = desk.imported(&["--map", "south.toml", "sheet.csv"]);
    assert_eq!((&asked["refused"]["read_otherwise"], code), (&2.into(), Some(3)));
    assert_eq!(desk.imported(&["--map", "south.toml", "--same", "sheet.csv"]).0["known"], 2);
    assert_eq!(desk.total("people_met"), 4);
    assert_eq!(desk.imported(&["--map", "south.toml", "--others", "sheet.csv"]).0["imported"], 2);
    for map in ["north.toml", "south.toml"] {
        assert_eq!(desk.imported(&["--map", map, "sheet.csv"]).0["known"], 2, "{map}");
    }
    assert_eq!(desk.total("people_met"), 8);
}

#[test]
fn a_mended_row_is_one_record_also_where_the_first_file_is_mended_as_well() {
    let desk = Desk::new();
    let rows = |people: &str| format!("{CONTACT}\nriverside,2026-03-01,0,{people},new\n");
    desk.write("contact.csv", &rows("x"));
    assert_eq!(desk.imported(&["contact.csv"]).1, Some(3));
    let refused = desk.read("contact.refused.csv");
    desk.write("contact.refused.csv", &refused.replace(",x,", ",9,"));
    // What somebody mends is not written over.
    assert_eq!(desk.imported(&["contact.csv"]).1, Some(3));
    assert!(desk.read("contact.refused.csv").contains(",9,"));
    assert!(desk.read("contact.refused-2.csv").contains(",x,"));
    assert_eq!(desk.imported(&["contact.refused.csv"]).0["imported"], 1);
    desk.write("contact.csv", &rows("9"));
    // It is in another file now: a person says whether it is another event.
    let (file, code) = desk.imported(&["contact.csv"]);
    assert_eq!((&file["refused"]["equal_row"], code), (&1.into(), Some(3)));
    assert_eq!(desk.imported(&["--same", "contact.csv"]).0["known"], 1);
    assert_eq!(desk.total("people_met"), 9);
}

#[test]
fn a_torn_row_stays_torn_until_it_is_mended() {
    let desk = Desk::new();
    let rows = "riverside,2026-03-01,0,3,new,Smith,5 High St\nriverside,2026-03-01,0\n";
    desk.write("contact.csv", &format!("{CONTACT}\n{rows}"));
    assert_eq!(desk.imported(&["contact.csv"]).0["refused"]["unreadable"], 2);
    let refused = desk.read("contact.refused.csv");
    assert!(refused.contains("new,Smith,5 High St"), "{refused}");
    assert_eq!(desk.imported(&["contact.refused.csv"]).0["refused"]["unreadable"], 2);
    let open = format!(
        "{CONTACT}\nriverside,2026-03-01,0,3,new\n\
                        riverside,2026-03-02,0,1,\"new\nriverside,2026-03-03,0,1,new\n"
    );
    desk.write("contact.csv", &open);
    let (file, code) = desk.imported(&["contact.csv"]);
    assert_eq!((&file["imported"], &file["refused"]["quote_not_closed"]), (&1.into(), &1.into()));
    assert_eq!(code, Some(3));
    assert!(desk.read("contact.refused-2.csv").contains("2026-03-03"));
    let (code, said) = desk.refused(&["import", &desk.write("contact.csv", "site,site\na,b\n")]);
    assert!(said.contains("twice"), "{said}");
    assert_eq!(code, 2);
}

#[test]
fn rows_of_a_list_without_a_record_are_refused_and_what_a_known_record_lacks_is_said() {
    let desk = Desk::new();
    let header =
        "id,site,occurred_on,utc_offset_min,service,origin,urgency,handoff,receiving_service\n";
    let row = "fife,2026-03-01,0,housing,outreach,today,accompanied,clinic";
    desk.write("referral.csv", &format!("{header}one,{row}\ntwo,{row}\n"));
    let events = "record,status,on\none,made,2026-03-01\ntwo,made,2026-03-01\n";
    let mut bytes = format!("{events}three,made,2026-03-01\n,made,2026-03-01\n").into_bytes();
    std::fs::write(desk.folder.path().join("referral.events.csv"), &bytes).unwrap();
    let (file, code) = desk.imported(&["referral.csv", "referral.events.csv"]);
    assert_eq!((&file["imported"], &file["refused"]["no_such_record"]), (&2.into(), &2.into()));
    assert_eq!(code, Some(3));
    assert_eq!(desk.read("referral.events.refused.csv").lines().count(), 3);
    // A later file with one more event for a record that is here.
    desk.write("referral.events.csv", &format!("{events}one,attended,2026-03-04\n"));
    let (file, _) = desk.imported(&["referral.csv"]);
    assert_eq!((&file["known"], &file["refused"]["known_id"]), (&1.into(), &1.into()), "{file}");
    // One that is not UTF-8 refuses its own record alone.
    bytes = "record,status,on,by\nthree,made,2026-03-01,prêt\n".as_bytes().to_vec();
    bytes.extend(b"four,made,2026-03-01,caf\xe9\n");
    std::fs::write(desk.folder.path().join("referral.events.csv"), &bytes).unwrap();
    desk.write("referral.csv", &format!("{header}three,{row}\nfour,{row}\n"));
    let (file, _) = desk.imported(&["referral.csv"]);
    assert_eq!((&file["imported"], &file["refused"]["not_utf8"]), (&1.into(), &1.into()), "{file}");
    let (code, said) = desk.refused(&["import", "referral.events.csv"]);
    assert!(said.contains("import referral.csv"), "{said}");
    assert_eq!(code, 2);
}

#[test]
fn an_export_by_way_of_another_programme_comes_back_as_what_it_was() {
    let (one, other) = (Desk::new(), Desk::new());
    one.says(&["record", "contact", "--site", "x", "--people", "3", "--visit", "new"]);
    one.says(&["export", "out"]);
    let of = |desk: &Desk| desk.folder.path().join("out/contact.csv").to_str().unwrap().to_owned();
    assert_eq!(other.imported(&[&of(&one)]).0["imported"], 1);
    std::fs::create_dir(other.folder.path().join("out.part")).unwrap();
    other.says(&["export", "out"]);
    assert!(other.folder.path().join("out.part").exists(), "nobody else's folder is touched");
    assert_eq!(one.imported(&[&of(&other)]).0["known"], 1);
    assert_eq!(one.total("people_met"), 3);
}

#[test]
fn a_code_that_is_not_the_case_is_exported_as_such() {
    let (one, other) = (Desk::new(), Desk::new());
    let id = one.says(&[
        "record",
        "reversal",
        "--site",
        "x",
        "--unknowns",
        "--suspected-substances",
        "heroin,cocaine,odd=no=yes,meth=no",
    ]);
    one.says(&["correct", id.trim(), "suspected_substances.cocaine=false"]);
    one.says(&["export", "out"]);
    let file = one.folder.path().join("out/reversal.csv");
    other.says(&["import", file.to_str().unwrap()]);
    let answers = &other.json(&["list"])["records"][0]["answers"];
    let shown = one.json(&["list"])["records"][0]["answers"].clone();
    assert_eq!(answers["suspected_substances"], shown["suspected_substances"], "{answers}");
}

#[test]
fn what_contradicts_itself_is_not_saved_and_what_was_undone_is_not_done_again() {
    let desk = Desk::new();
    let id = desk.says(&["record", "contact", "--site", "x", "--people", "3", "--visit", "new"]);
    let id = id.trim();
    for (arguments, code) in [
        (vec!["correct", id, "void=false"], "void: shape"),
        (vec!["correct", id, "void=no"], "void: shape"),
        (vec!["correct", id, "client_code=Jo Smith"], "client_code: shape"),
    ] {
        let (exit, said) = desk.refused(&arguments);
        assert!(said.contains(code) && !said.contains("Smith"), "{said}");
        assert_eq!(exit, 2);
    }
    let kit = desk.says(&[
        "record",
        "distribution",
        "--site",
        "x",
        "--recipient-role",
        "at_risk",
        "--supply-type",
        "first",
        "--channel",
        "mail",
        "--product",
        "p",
        "--doses-per-kit",
        "2",
        "--kits",
        "1",
        "--training",
        "full",
    ]);
    let (_, said) = desk.refused(&["correct", kit.trim(), "kits=0"]);
    assert!(said.contains("one_of"), "{said}");
    let (_, said) = desk.refused(&["correct", kit.trim(), "supply_type=resupply"]);
    assert!(said.contains("resupply_reason: required"), "{said}");
    desk.says(&["correct", id, "people=4"]);
    desk.says(&["undo", id]);
    let (_, said) = desk.refused(&["undo", id]);
    assert!(said.contains("nothing of yours to undo"), "{said}");
    assert_eq!(desk.total("people_met"), 3);
}

#[test]
fn a_draft_is_gone_on_with_and_finished_with_what_it_lacked() {
    let desk = Desk::new();
    let draft = desk.says(&["draft", "save", "contact", "--site", "x", "--people", "5000"]);
    let draft = draft.trim();
    let again = desk.says(&["draft", "save", "contact", "--draft", draft, "--people", "5"]);
    assert_eq!(again.trim(), draft, "the same draft");
    let (_, said) = desk.refused(&["draft", "finish", draft]);
    assert!(said.contains("visit: required"), "{said}");
    desk.says(&["record", "contact", "--draft", draft, "--visit", "new"]);
    assert_eq!(desk.json(&["draft", "list"])["drafts"], Value::Array(Vec::new()));
    assert_eq!(desk.total("people_met"), 5);
}

#[test]
fn who_ran_out_is_told_and_a_lot_given_without_its_expiry_is_taken_from_its_batch() {
    let desk = Desk::with_packs(&["odin"]);
    let movement = |arguments: &[&str]| {
        let own = ["record", "stock-movement", "--site", "x", "--product", "p"];
        desk.says(&[&own[..], arguments].concat());
    };
    let receipt = ["--movement", "receipt", "--doses-per-kit", "2", "--from", "outside"];
    movement(
        &[
            &receipt[..],
            &["--quantity", "5", "--to", "site:a", "--lot", "L9", "--expiry", "2027-01"],
        ]
        .concat(),
    );
    desk.says(&[
        "record",
        "reversal",
        "--site",
        "x",
        "--unknowns",
        "--taken-from",
        "site:a",
        "--administrations",
        "product=p,route=IN,doses=10,source=this_programme,lot=L9",
    ]);
    let said = desk.json(&["stock"]);
    assert_eq!(said["on_hand"][0]["doses"], 0, "{said}");
    assert_eq!(said["on_hand"].as_array().unwrap().len(), 1, "{said}");
    assert_eq!(desk.json(&["stock", "--below", "1"])["on_hand"][0]["holder"], "site:a");
    assert_eq!(desk.json(&["stock", "--expiring-by", "2027-12"])["on_hand"], Value::Array(vec![]));
    let (code, _) = desk.refused(&["stock", "--expiring-by", "2027-13"]);
    assert_eq!(code, 2);
}

#[test]
fn each_kind_says_of_itself_what_it_is() {
    let desk = Desk::new();
    let help = desk.says(&["record", "--help"]);
    assert!(help.contains("Saves a stock movement"), "{help}");
    let help = desk.says(&["record", "contact", "--help"]);
    assert!(help.contains("Saves a contact") && !help.contains("--import-key"), "{help}");
}

#[test]
fn a_target_is_held_against_what_was_reached_in_its_period_and_scope() {
    let desk = Desk::new();
    let give = |site: &str, day: &str, kits: &str| {
        desk.says(&[
            "record",
            "distribution",
            "--site",
            site,
            "--on",
            day,
            "--recipient-role",
            "at_risk",
            "--supply-type",
            "first",
            "--channel",
            "mail",
            "--product",
            "p",
            "--doses-per-kit",
            "2",
            "--kits",
            kits,
            "--training",
            "full",
        ]);
    };
    for (site, day, kits) in
        [("a", "2026-01-01", "3"), ("b", "2026-03-31", "4"), ("a", "2026-04-01", "5")]
    {
        give(site, day, kits);
    }
    for scope in ["team", "site"] {
        desk.says(&[
            "record",
            "target",
            "--site",
            "a",
            "--on",
            "2026-01-01",
            "--scope",
            scope,
            "--indicator",
            "kits_distributed",
            "--period",
            "2026-Q1",
            "--value",
            "10",
        ]);
    }
    let said = desk.json(&["targets"]);
    let mut reached: Vec<(bool, i64)> = said["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| (target["site"].is_null(), target["reached"].as_i64().unwrap()))
        .collect();
    reached.sort_unstable();
    assert_eq!(reached, [(false, 3), (true, 7)]);
    assert!(desk.says(&["targets"]).contains("70 %"));
}

#[test]
fn every_command_that_answers_in_words_answers_in_json_too() {
    let desk = Desk::new();
    for command in [
        "list",
        "show",
        "history",
        "conflicts",
        "duplicates",
        "correct",
        "void",
        "undo",
        "sync",
        "status",
        "totals",
        "completeness",
        "targets",
        "stock",
        "import",
        "export",
        "verify",
        "doctor",
        "recover",
        "members",
        "draft list",
        "draft finish",
        "draft discard",
        "bundle export",
        "bundle import",
        "pack list",
        "pack publish",
    ] {
        let mut words: Vec<&str> = command.split(' ').collect();
        words.push("--help");
        assert!(desk.says(&words).contains("--json"), "{command}");
    }
    let draft =
        desk.says(&["draft", "save", "contact", "--site", "x", "--people", "2", "--visit", "new"]);
    let id = desk.json(&["draft", "finish", draft.trim()])["id"].as_str().unwrap().to_owned();
    assert_eq!(desk.json(&["correct", &id, "people=3"])["id"], id);
    assert_eq!(desk.json(&["undo"])["id"], id);
    assert_eq!(desk.json(&["void", &id, "--reason", "test"])["id"], id);
}

#[test]
fn an_attempt_that_is_refused_leaves_the_draft_as_it_was() {
    let desk = Desk::new();
    let draft =
        desk.says(&["draft", "save", "reversal", "--site", "fife", "--outcome", "survived"]);
    let given = "product=nyxoid,route=IN,doses=2,source=this_programme";
    let own = ["record", "reversal", "--draft", draft.trim(), "--administrations", given];
    let (_, said) = desk.refused(&own);
    assert!(said.contains("required"), "{said}");
    let rest = ["--place", "vehicle", "--report-basis", "unknown", "--reporter-role", "staff"];
    desk.says(&[&own[..], &rest, &["--ems-called", "yes"]].concat());
    assert_eq!((desk.total("reversals"), desk.total("doses")), (1, 2));
    let (code, _) =
        desk.refused(&["draft", "save", "reversal", "--draft", "1", "--json", "x.json"]);
    assert_eq!(code, 2, "a draft is gone on with by flags alone");
}

#[test]
fn a_correction_after_an_undo_can_be_undone() {
    let desk = Desk::new();
    let id = desk.says(&["record", "contact", "--site", "x", "--people", "3", "--visit", "new"]);
    let id = id.trim();
    for _ in 0..2 {
        desk.says(&["correct", id, "people=5"]);
        desk.says(&["undo", id]);
        assert_eq!(desk.total("people_met"), 3);
    }
}

#[test]
fn two_records_of_one_origin_stay_two_and_lists_of_other_files_are_left_alone() {
    let (one, other) = (Desk::new(), Desk::new());
    let rows = format!("id,import_key,{CONTACT}\n");
    let row = |id: &str| format!("{id},origin,riverside,2026-03-01,0,3,new\n");
    one.write("contact.csv", &(rows + &row("a") + &row("b")));
    assert_eq!(one.imported(&["contact.csv"]).0["imported"], 2);
    assert_eq!(one.imported(&["contact.csv"]).0["known"], 2);
    one.says(&["export", "out"]);
    let file = one.folder.path().join("out/contact.csv");
    assert_eq!(other.imported(&[file.to_str().unwrap()]).0["imported"], 2);
    assert_eq!(other.total("people_met"), 6);
    // A column of the source that is named like one of ours.
    let mapping = "source = \"made up\"\nkind = \"contact\"\n[constants]\nsite = \"x\"\n\
                   utc_offset_min = \"0\"\nvisit = \"new\"\n[[field]]\nfield = \"occurred_on\"\n\
                   column = \"day\"\n[[field]]\nfield = \"people\"\ncolumn = \"n\"\n";
    one.write("map.toml", mapping);
    one.write("sheet.csv", "nr,day,n,refused_service\n1,2026-03-01,bad,no\n");
    assert_eq!(one.imported(&["--map", "map.toml", "sheet.csv"]).1, Some(3));
    assert!(one.read("sheet.refused.csv").contains("nr,day,n,refused_service"));
}
