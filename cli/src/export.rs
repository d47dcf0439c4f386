//! `kitbag export`: records that count, as files; docs/cli.md documents their shape.

use crate::Failure;
use crate::device::StoreArguments;
use crate::screen::SpanArguments;
use indicatif::{ProgressBar, ProgressStyle};
use kitbag_core::store::State;
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
    let held = arguments.store.hold_to_read()?;
    let (folder, span) = (&arguments.folder, arguments.span);
    let export = Export::begin(folder)?;
    let style = ProgressStyle::with_template("exporting {pos} records")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style);
    let shown = bar.clone();
    let seen = (export, None);
    let records = held.client().records();
    let looked = records.look_through((span.from, span.to), seen, move |seen, row| {
        let (export, failed) = seen;
        if row.state == State::Counted && span.team.is_none_or(|team| team == row.team) {
            shown.inc(1);
            *failed = export.add(row).err();
        }
        failed.is_none()
    });
    let (export, failed) = held.wait(looked)?;
    if let Some(failed) = failed {
        return Err(failed.into());
    }
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
