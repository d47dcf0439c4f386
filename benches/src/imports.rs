//! What the import of a file costs: 100,000 rows of CSV and of a workbook, with the memory of the process that does it.

use super::{Failed, REPEATS, Row, TEAM, key, median, memory_peak_mib};
use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::Role;
use kitbag_core::model::{Answers, Form, Kind, RecordId};
use kitbag_interchange::import::{Decided, Equal, Known, Saves, corrections, said_first, save};
use kitbag_interchange::{Mapped, Mapping, Options, Refusal, Table};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// The rows of a file: as many as a large programme hands in of a year.
const ROWS: usize = 100_000;
const MAPPING: &str = r#"
source = "made up: outreach contacts"
kind = "contact"
unknowns = true
constants = { utc_offset_min = "60" }
[[field]]
field = "occurred_on"
column = "day"
[[field]]
field = "site"
column = "site"
[[field]]
field = "people"
column = "people"
[[field]]
field = "visit"
column = "visit"
"#;

pub fn rows(rows: &mut Vec<Row>) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let (text, book) = (folder.path().join("contacts.csv"), folder.path().join("contacts.xlsx"));
    let cells: Vec<Vec<String>> = (0..=ROWS).map(cells).collect();
    let lines: Vec<String> = cells.iter().map(|row| row.join(",")).collect();
    std::fs::write(&text, lines.join("\n"))?;
    std::fs::write(&book, kitbag_interchange::written_workbook("contacts", &cells)?)?;
    drop((cells, lines));
    let mut most: f64 = 0.0;
    for (file, name, at_least) in [
        (&text, "import of 100,000 rows of CSV", 5_000.0),
        (&book, "import of 100,000 rows of .xlsx", 2_000.0),
    ] {
        let mut rates = [0.0; REPEATS];
        for rate in &mut rates {
            // A process of its own, so that its memory is the import's.
            let output =
                Command::new(std::env::current_exe()?).arg("--import").arg(file).output()?;
            let said = String::from_utf8(output.stdout)?;
            let (seconds, memory) = said.trim().split_once(' ').ok_or("what an import says")?;
            *rate = ROWS as f64 / seconds.parse::<f64>()?;
            most = most.max(memory.parse()?);
        }
        rows.push(Row::at_least(name, at_least, median(rates), "rows/s"));
    }
    rows.push(Row::at_most("memory of an import of 100,000 rows", 256.0, most, "MiB"));
    Ok(())
}

fn cells(row: usize) -> Vec<String> {
    let Some(at) = row.checked_sub(1) else {
        return ["day", "site", "people", "visit"].map(str::to_owned).to_vec();
    };
    let visit = if at.is_multiple_of(3) { "returning" } else { "new" };
    vec![
        format!("2026-{:02}-{:02}", 1 + at % 12, 1 + at % 28),
        format!("site {}", at % 40),
        (1 + at % 9).to_string(),
        visit.to_owned(),
    ]
}

/// Imports a file into a store of its own, and prints the seconds that took and the most memory in MiB.
pub fn run(file: &Path) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    let mut root = Engine::found(&at("root"), &key(), Environment::system())?;
    let mut device = Engine::device(&at("desk"), &key(), root.root(), Environment::system())?;
    device.join(&root.certify(device.device_key(), Role::Coordinator, TEAM)?)?;
    let began = Instant::now();
    let file = std::fs::read(file)?;
    let table = Table::open(&file, None, None)?;
    let mapping = Mapping::from_toml(MAPPING)?;
    let mut imported = mapping.read_table(&file, &table, &Options::default(), |_, _| Ok(None))?;
    let own = ([device.device_key()].into(), TEAM, Kind::Contact);
    let known = Known::of(&imported.taken, own);
    let decided = Decided { equal: Equal::Ask, updates: false };
    let mut saves = InStore(device);
    let saved = save(&mut imported, known, decided, &mut saves)?;
    if saved.imported != ROWS as u64 {
        return Err("not every row was imported".into());
    }
    print!("{} ", began.elapsed().as_secs_f64());
    memory_peak_mib()
}

fn refused(error: EngineError) -> Refusal {
    ("invalid".to_owned(), error.to_string())
}

struct InStore(Engine);

impl Saves<Failed> for InStore {
    fn record(&mut self, forms: Vec<Form>) -> Result<Vec<Result<(), Refusal>>, Failed> {
        let saved = self.0.record_all_imported(TEAM, &forms).into_iter();
        Ok(saved.map(|one| one.map(drop).map_err(refused)).collect())
    }

    fn said_first(&mut self, id: RecordId) -> Result<Answers, Failed> {
        Ok(said_first(&self.0.get(id)?))
    }

    fn correct(
        &mut self,
        id: RecordId,
        form: &Form,
        mapped: &Mapped,
    ) -> Result<Result<(), Refusal>, Failed> {
        let record = self.0.get(id)?;
        Ok(self.0.change(id, corrections(&record, form, mapped)).map(drop).map_err(refused))
    }

    fn progress(&mut self, _: u64) {}
}
