//! `kitbag export`: records that count, as files; docs/cli.md documents their shape.

use crate::Failure;
use crate::device::StoreArguments;
use crate::screen::SpanArguments;
use indicatif::{ProgressBar, ProgressStyle};
use kitbag_core::store::{State, StoreError};
use kitbag_interchange::export::Export;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    kitbag export --store coordinator.db january --from 2026-01-01 --to 2026-01-31\n  \
    kitbag import --store other.db january/distribution.csv")]
pub struct ExportArguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    span: SpanArguments,
    /// As JSON: `{files: [{name, rows}]}`
    #[arg(long)]
    json: bool,
    /// The folder, which must not be there yet
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub fn run(arguments: &ExportArguments) -> Result<(), Failure> {
    let engine = arguments.store.open_to_read()?;
    let (folder, span) = (&arguments.folder, arguments.span);
    let mut export = Export::begin(folder)?;
    let style = ProgressStyle::with_template("exporting {pos} records")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style);
    let mut failed = None;
    let read = engine.store().each_row(span.from, span.to, |row| {
        if row.state == State::Counted && span.team.is_none_or(|team| team == row.team) {
            bar.inc(1);
            failed = export.add(row).err();
        }
        match failed {
            Some(_) => Err(StoreError::NotOpen),
            None => Ok(()),
        }
    });
    if let Some(failed) = failed {
        return Err(failed.into());
    }
    read?;
    let files = export.finish()?;
    bar.finish_and_clear();
    if arguments.json {
        let files: Vec<Value> =
            files.iter().map(|(name, rows)| json!({ "name": name, "rows": rows })).collect();
        say!("{}", json!({ "files": files }));
        return Ok(());
    }
    for (name, rows) in &files {
        say!("{rows:>9}  {}", folder.join(name).display());
    }
    say!(
        "Records that count, without free text, client codes and authors; stock names the devices that hold \
         it. Small numbers are not masked: hand it to nobody outside the programme."
    );
    Ok(())
}
