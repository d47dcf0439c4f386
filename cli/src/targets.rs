//! `kitbag targets`: what a programme wants to reach in a period, and how far it is.

use crate::Failure;
use crate::device::StoreArguments;
use crate::{screen, totals};
use comfy_table::CellAlignment;
use kitbag_client::Target;
use kitbag_core::model::TeamId;
use kitbag_core::totals::Query;
use serde_json::{Value, json};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    kitbag record target --store coordinator.db --site riverside --scope site --indicator \
    kits_distributed --period 2026-Q1 --value 200\n  \
    kitbag targets --store coordinator.db")]
pub struct TargetsArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Only of this team
    #[arg(long, value_name = "ID")]
    team: Option<TeamId>,
    /// As JSON: `{targets: [{id, team, site, indicator, period, value, reached}]}`; site is null for the
    /// whole team's
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &TargetsArguments) -> Result<(), Failure> {
    let held = arguments.store.hold_to_read()?;
    let targets = held.wait(held.client().totals().targets(arguments.team))?;
    if arguments.json {
        let targets: Vec<Value> = targets.iter().map(as_json).collect();
        say!("{}", json!({ "targets": targets }));
        return Ok(());
    }
    let mut table = screen::table(["period", "for", "indicator", "target", "reached", ""]);
    for target in &targets {
        let share = match target.value {
            0 => String::new(),
            value => format!("{} %", target.reached.saturating_mul(100) / value),
        };
        table.add_row(screen::row([
            target.period.clone(),
            target.site.clone().unwrap_or_else(|| format!("team {}", target.team)),
            crate::words().indicator(&target.indicator),
            target.value.to_string(),
            target.reached.to_string(),
            share,
        ]));
    }
    for column in 3..=5 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    say!("{table}");
    say!(
        "{}",
        totals::missing_in_words(&held.wait(held.client().totals().of(Query::default()))?.missing)
    );
    Ok(())
}

fn as_json(target: &Target) -> Value {
    json!({
        "id": target.id.to_string(), "team": target.team.to_string(), "site": target.site,
        "indicator": target.indicator, "period": target.period, "value": target.value,
        "reached": target.reached,
    })
}
