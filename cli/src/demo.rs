//! `kitbag demo`: a programme from the first save to the month's totals.
//!
//! A hub runs as a process of its own. Each site of the file has one phone with its own encrypted
//! store; phones record offline and sync over a line that duplicates, cuts and reorders messages.

mod check;
mod hub;
mod line;
mod made_up;
mod phases;
mod report;
mod world;

use crate::{Failure, cannot_read, failure};
use kitbag_interchange::{Imported, Mapping, ODIN_MAPPING, ODIN_SAMPLE};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct DemoArguments {
    /// A CSV file of the Overdose Information Network; without it, a sample of 390 rows
    #[arg(long, value_name = "FILE")]
    odin: Option<PathBuf>,
    /// What decides who loses which message
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Also write totals and findings to this file
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    /// Keep the stores in this folder, which must be empty or not there yet
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

pub fn run(arguments: &DemoArguments) -> Result<(), Failure> {
    let imported = read_rows(arguments.odin.as_deref())?;
    let folder = Folder::new(arguments.keep.as_deref())?;
    let began = std::time::Instant::now();
    let mut world = phases::found(&imported, folder.path(), arguments.seed)?;
    let findings = phases::play(&mut world, &imported)?;
    say!("\nAll of it took {:.1} s.", began.elapsed().as_secs_f64());
    let totals = report::final_report(&mut world, &imported)?;
    if let Some(out) = &arguments.json {
        let json = report::json(&totals, &imported, &findings);
        let text = serde_json::to_string_pretty(&json)?;
        std::fs::write(out, text + "\n").map_err(|error| failure(out.display(), error))?;
        say!("Wrote {}.", out.display());
    }
    report::what_next(arguments.keep.as_deref());
    findings.verdict()
}

fn read_rows(odin: Option<&Path>) -> Result<Imported, Failure> {
    let mapping = Mapping::from_toml(ODIN_MAPPING)?;
    let (name, file) = match odin {
        Some(path) => {
            let file = std::fs::read(path).map_err(|error| cannot_read(path, &error))?;
            (path.display().to_string(), file)
        }
        None => ("the sample that this program carries".to_owned(), ODIN_SAMPLE.to_vec()),
    };
    let imported = mapping.read(&file).map_err(|error| failure(&name, error))?;
    say!(
        "Read {name} ({}): {} rows, {} reversals, {} refused.",
        mapping.source,
        imported.rows,
        imported.taken.len(),
        imported.refused.len()
    );
    report::refused(&imported.refused);
    if imported.taken.is_empty() {
        return Err(failure(&name, "holds no reversal, so there is nothing to show"));
    }
    Ok(imported)
}

/// The folder of all stores: kept where asked for, removed otherwise.
enum Folder {
    Kept(PathBuf),
    Removed(tempfile::TempDir),
}

impl Folder {
    fn new(keep: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = keep else {
            return Ok(Folder::Removed(tempfile::tempdir()?));
        };
        let failed = |error: std::io::Error| failure(path.display(), error);
        std::fs::create_dir_all(path).map_err(failed)?;
        if std::fs::read_dir(path).map_err(failed)?.next().is_some() {
            return Err(failure(path.display(), "is not empty; name a folder that is"));
        }
        Ok(Folder::Kept(path.to_owned()))
    }

    fn path(&self) -> &Path {
        match self {
            Folder::Kept(path) => path,
            Folder::Removed(folder) => folder.path(),
        }
    }
}
