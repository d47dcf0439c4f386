//! `kitbag completeness`: what the hub says of how complete the records of a period are.

use crate::device::StoreArguments;
use crate::screen::{self, SpanArguments};
use crate::{Failure, failure};
use comfy_table::CellAlignment;
use kitbag_core::model::CivilDate;
use kitbag_core::store::COMPLETENESS;

#[derive(clap::Args)]
#[command(
    after_help = "Asks the hub, which alone knows when something came: for its coordinators, \
    observers and the root. Without dates, the last 30 days.\n\nExamples:\n  \
    kitbag completeness --store coordinator.db --from 2026-01-01 --to 2026-03-31\n  \
    kitbag completeness --store coordinator.db --json"
)]
pub struct CompletenessArguments {
    #[command(flatten)]
    store: StoreArguments,
    #[command(flatten)]
    span: SpanArguments,
    /// As JSON: `{from, to, counts: {NAME: n}, settled}`
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &CompletenessArguments) -> Result<(), Failure> {
    let held = arguments.store.hold_to_read()?;
    let today = chrono::Local::now().date_naive();
    let date = |days: i64| -> Result<CivilDate, Failure> {
        let day = chrono::Duration::try_days(days).and_then(|days| today.checked_sub_signed(days));
        let day = day.ok_or_else(|| failure("the clock", "gives no date"))?;
        Ok(day.format("%Y-%m-%d").to_string().parse()?)
    };
    let to = arguments.span.to.map_or_else(|| date(0), Ok)?;
    let from = arguments.span.from.map_or_else(|| date(30), Ok)?;
    let answer = held.wait(held.client().totals().completeness(arguments.span.team, from, to))?;
    if arguments.json {
        say!("{}", serde_json::to_value(&answer)?);
        return Ok(());
    }
    let mut table = screen::table([format!("{from} to {to}"), String::new()]);
    for (name, definition) in COMPLETENESS {
        let count = answer.counts.get(name).map_or_else(String::new, u64::to_string);
        table.add_row([definition.to_owned(), count]);
    }
    if let Some(column) = table.column_mut(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    say!("{table}");
    if !answer.settled {
        say!("The hub is still taking in what came; ask again.");
    }
    Ok(())
}
