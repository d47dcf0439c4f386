//! Workbooks as spreadsheets save them: what is imported, what is refused, and the file to mend.
#![allow(clippy::unwrap_used, missing_docs)]

mod desk;

use desk::Desk;
use serde_json::Value;

fn with_files() -> Desk {
    let desk = Desk::new();
    let from = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/workbooks");
    for name in ["outreach.xlsx", "outreach.ods", "outreach.toml"] {
        std::fs::copy(format!("{from}/{name}"), desk.folder.path().join(name)).unwrap();
    }
    desk
}

fn imported(desk: &Desk, arguments: &[&str]) -> (Value, Option<i32>) {
    let output =
        desk.output(&[&["import", "--json", "--map", "outreach.toml"], arguments].concat());
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    (said["files"][0].clone(), output.status.code())
}

#[test]
fn a_sheet_is_read_as_a_person_sees_it_and_what_is_refused_is_a_workbook_again() {
    let desk = with_files();
    let (file, code) = imported(&desk, &["outreach.xlsx"]);
    let refused = serde_json::json!({ "formula": 1, "invalid": 1, "merged_cells": 1 });
    assert_eq!(
        (&file["imported"], &file["refused"], code),
        (&2.into(), &refused, Some(3)),
        "{file}"
    );
    assert_eq!(desk.total("people_met"), 7, "a formula's saved result counts");
    let list = desk.json(&["list", "--kind", "contact"]);
    let of = |field: &str| list["records"][0]["answers"][field].clone();
    assert_eq!((of("occurred_on"), of("utc_offset_min")), ("2026-03-05".into(), 120.into()));
    // Mended where it was made, it is imported: here by a stand-in for the spreadsheet.
    let table = kitbag_interchange::Table::open(
        &std::fs::read(desk.folder.path().join("outreach.refused.xlsx")).unwrap(),
        None,
        None,
    );
    let table = table.unwrap();
    assert_eq!(table.header[..4], ["refused_reason", "refused_detail", "Day", "Where"]);
    let said: Vec<&str> = table.rows.iter().filter_map(|row| row.cells.get(1)).collect();
    assert!(said[0].starts_with("row 5:") && said[1].starts_with("row 6:"), "{said:?}");
    let (again, code) = imported(&desk, &["outreach.xlsx"]);
    assert_eq!((&again["known"], &again["imported"], code), (&2.into(), &0.into(), Some(3)));
}

#[test]
fn an_ods_is_read_and_a_sheet_is_chosen_by_name_or_number() {
    let desk = with_files();
    let (file, code) = imported(&desk, &["outreach.ods"]);
    assert_eq!(
        (&file["imported"], &file["refused"]["invalid"], code),
        (&2.into(), &1.into(), Some(3)),
        "{file}"
    );
    assert_eq!(desk.total("people_met"), 7);
    assert!(desk.folder.path().join("outreach.refused.xlsx").exists());
    for sheet in ["Sheet9", "9"] {
        let (code, said) =
            desk.refused(&["import", "--map", "outreach.toml", "--sheet", sheet, "outreach.xlsx"]);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("Lists, Outreach"), "{said}");
    }
    let (code, said) =
        desk.refused(&["import", "--map", "outreach.toml", "--sheet", "1", "outreach.xlsx"]);
    assert!(code == 2 && said.contains("no column"), "{said}");
}

#[test]
fn what_is_no_workbook_is_one_clear_line_and_changes_nothing() {
    let desk = with_files();
    for (name, bytes, says) in [
        ("broken.xlsx", &b"PK\x03\x04 broken"[..], "no workbook"),
        ("old.xls", &[0xd0, 0xcf, 0x11, 0xe0, 1, 2][..], "old workbook"),
    ] {
        std::fs::write(desk.folder.path().join(name), bytes).unwrap();
        let (code, said) = desk.refused(&["import", "--map", "outreach.toml", name]);
        assert_eq!(code, 2);
        assert!(said.contains(says), "{said}");
    }
    let map = std::fs::read_to_string(desk.folder.path().join("outreach.toml")).unwrap();
    let wrong = map.replace("Europe/Kyiv", "Europe/Nowhere");
    std::fs::write(desk.folder.path().join("wrong.toml"), wrong).unwrap();
    let (code, said) = desk.refused(&["import", "--map", "wrong.toml", "outreach.xlsx"]);
    assert!(code == 2 && said.contains("zone: Europe/Nowhere"), "{said}");
    assert_eq!(desk.total("people_met"), 0);
}
