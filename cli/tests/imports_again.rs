//! The same rows once more: spelled otherwise, read by another mapping, with answers that are gone, or void here.
#![allow(clippy::unwrap_used, missing_docs)]

mod desk;

use desk::Desk;
use serde_json::Value;

const COUNTED: &str = "source = \"made up\"\nkind = \"contact\"\ndates = \"dmy\"\n[constants]\n\
                       utc_offset_min = \"0\"\nvisit = \"new\"\n\
                       [[field]]\nfield = \"site\"\ncolumn = \"where\"\ncodes = { west = \"west\" }\n\
                       [[field]]\nfield = \"occurred_on\"\ncolumn = \"day\"\n\
                       [[field]]\nfield = \"people\"\ncolumn = \"n\"\n";

fn write(desk: &Desk, name: &str, text: &str) {
    std::fs::write(desk.folder.path().join(name), text).unwrap();
}

fn imported(desk: &Desk, arguments: &[&str]) -> (Value, Option<i32>) {
    let output = desk.output(&[&["import", "--json"], arguments].concat());
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    (said["files"][0].clone(), output.status.code())
}

#[test]
fn equal_rows_are_asked_about_however_a_spreadsheet_spells_them() {
    let desk = Desk::new();
    write(&desk, "m.toml", COUNTED);
    write(&desk, "a.csv", "where,day,n\nwest,14/03/2026,7\nwest,15/03/2026,2\n");
    assert_eq!(imported(&desk, &["--map", "m.toml", "a.csv"]).0["imported"], 2);
    write(&desk, "b.csv", "n,where,day\n7.0, West ,14/3/2026\n\"2,00\",WEST,2026-03-15\n");
    let rows = [["where", "day", "n"], ["west", "14/03/2026", "7"], ["West", "2026-03-15", "2"]];
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect();
    let book = kitbag_interchange::written_workbook("sheet", &rows).unwrap();
    std::fs::write(desk.folder.path().join("c.xlsx"), book).unwrap();
    for again in ["b.csv", "c.xlsx"] {
        let (asked, code) = imported(&desk, &["--map", "m.toml", again]);
        assert_eq!(
            (&asked["refused"]["equal_row"], code),
            (&2.into(), Some(3)),
            "{again}: {asked}"
        );
    }
    assert_eq!(desk.total("people_met"), 9);
    let more =
        format!("{COUNTED}[[field]]\nfield = \"supplies.needles_syringes\"\ncolumn = \"n\"\n");
    write(&desk, "more.toml", &more);
    let (asked, code) = imported(&desk, &["--map", "more.toml", "a.csv"]);
    assert_eq!((&asked["refused"]["read_otherwise"], code), (&2.into(), Some(3)), "{asked}");
    assert_eq!(desk.total("people_met"), 9);
}

const NAMED: &str = "source = \"made up\"\nkind = \"contact\"\nid = [\"id\"]\n[constants]\n\
                     site = \"west\"\nutc_offset_min = \"0\"\nvisit = \"new\"\n\
                     [[field]]\nfield = \"occurred_on\"\ncolumn = \"day\"\n\
                     [[field]]\nfield = \"people\"\ncolumn = \"n\"\n\
                     [[field]]\nfield = \"note\"\ncolumn = \"note\"\n\
                     [[field]]\nfield = \"supplies.needles_syringes\"\ncolumn = \"needles\"\n";

#[test]
fn what_a_row_says_no_more_is_asked_about_and_taken_back_by_an_update() {
    let desk = Desk::new();
    write(&desk, "m.toml", NAMED);
    let rows = |needles: &str| {
        format!("id,day,n,note,needles\n7,2026-03-14,3,seen,{needles}\n8,2026-03-14,1,,4\n")
    };
    write(&desk, "a.csv", &rows("5"));
    assert_eq!(imported(&desk, &["--map", "m.toml", "a.csv"]).0["imported"], 2);
    // A spreadsheet's number is the same id.
    write(&desk, "same.csv", &rows("5").replace("\n7,", "\n7.0,"));
    let (same, code) = imported(&desk, &["--map", "m.toml", "same.csv"]);
    assert_eq!((&same["known"], code), (&2.into(), Some(0)), "{same}");
    write(&desk, "b.csv", &rows(""));
    let (asked, code) = imported(&desk, &["--map", "m.toml", "b.csv"]);
    assert_eq!((&asked["refused"]["known_id"], code), (&1.into(), Some(3)), "{asked}");
    let (mended, code) = imported(&desk, &["--map", "m.toml", "--update", "b.csv"]);
    assert_eq!((&mended["corrected"], code), (&1.into(), Some(0)), "{mended}");
    let list = desk.json(&["list", "--kind", "contact"]);
    let needles = list["records"].as_array().unwrap().iter().filter_map(|one| {
        one["answers"]["supplies"]["needles_syringes"]
            .as_i64()
            .or(one["answers"]["supplies.needles_syringes"].as_i64())
    });
    assert_eq!(needles.collect::<Vec<_>>(), [4], "{list}");
    // Rows of one id that say two numbers say neither.
    write(&desk, "c.csv", "id,day,n,note,needles\n9,2026-03-14,3,,10\n9,2026-03-14,3,,20\n");
    let (refused, code) = imported(&desk, &["--map", "m.toml", "c.csv"]);
    assert_eq!((&refused["refused"]["contradicts"], code), (&1.into(), Some(3)), "{refused}");
}

#[test]
fn what_its_own_device_voided_stays_void_when_its_file_comes_again() {
    let desk = Desk::new();
    write(&desk, "m.toml", NAMED);
    write(&desk, "a.csv", "id,day,n,note,needles\n7,2026-03-14,3,,5\n8,2026-03-14,1,,4\n");
    assert_eq!(imported(&desk, &["--map", "m.toml", "a.csv"]).0["imported"], 2);
    let list = desk.json(&["list", "--kind", "contact"]);
    let id = list["records"][0]["id"].as_str().unwrap().to_owned();
    desk.says(&["void", &id, "--reason", "test"]);
    let before = desk.total("people_met");
    let (again, code) = imported(&desk, &["--map", "m.toml", "a.csv"]);
    assert_eq!((&again["known"], &again["void"], code), (&2.into(), &1.into(), Some(0)), "{again}");
    assert_eq!(desk.total("people_met"), before);
}
