//! `kitbag stock`: who holds what, what is short, what expires, where a lot went.

use crate::Failure;
use crate::device::{Names, StoreArguments};
use crate::screen;
use comfy_table::{CellAlignment, Table};
use kitbag_client::{HeldBatch, StockAlarm, StockNow, of_product};
use kitbag_core::model::{CivilDate, TeamId};
use kitbag_core::store::OnHand;
use serde_json::{Value, json};

#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    kitbag stock --store phone.db\n  \
    kitbag stock --store phone.db --below 40\n  \
    kitbag stock --store phone.db --expiring-by 2026-06\n  \
    kitbag stock --store phone.db --recall A123")]
pub struct StockArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Only of this team
    #[arg(long, value_name = "ID")]
    team: Option<TeamId>,
    /// Only holders with fewer doses of a product than this
    #[arg(long, value_name = "DOSES")]
    below: Option<i64>,
    /// Only what expires in this month or before
    #[arg(long, value_name = "YYYY-MM", value_parser = month)]
    expiring_by: Option<String>,
    /// A lot that is recalled: who still holds it, and which records name it
    #[arg(long, value_name = "LOT")]
    recall: Option<String>,
    /// As JSON: `{on_hand: [{team, holder, label, product, lot, expiry, doses, lot_not_said, kits, single_doses}],
    /// alerts: [{what, holder, label, product, doses}], records: [ID]}`; kits where a code pack knows the product
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &StockArguments) -> Result<(), Failure> {
    let held_store = arguments.store.hold_to_read()?;
    let stock = held_store.client().stock();
    let today = chrono::Local::now().date_naive().to_string().parse()?;
    let StockNow { mut held, alarms, .. } = held_store.wait(stock.now(arguments.team, today))?;
    if let Some(month) = &arguments.expiring_by {
        held.retain(|held| {
            let expiry = &held.on_hand.batch.expiry;
            !expiry.is_empty() && *expiry <= *month
        });
    }
    if let Some(lot) = &arguments.recall {
        held.retain(|held| held.on_hand.batch.lot == *lot);
    }
    if let Some(below) = arguments.below {
        let all: Vec<_> = held.iter().map(|held| held.on_hand.clone()).collect();
        held.retain(|held| of_product(&all, &held.on_hand) < below);
    }
    let records = match &arguments.recall {
        Some(lot) => held_store.wait(stock.naming(arguments.team, lot.clone()))?,
        None => Vec::new(),
    };
    let names = held_store.names()?;
    if arguments.json {
        let on_hand: Vec<Value> = held.iter().map(|held| as_json(held, &names)).collect();
        let records: Vec<String> = records.iter().map(ToString::to_string).collect();
        let alerts: Vec<Value> = alarms
            .iter()
            .map(|alarm| {
                json!({
                    "what": alarm.what.code(), "holder": alarm.holder,
                    "label": names.label_of_holder(&alarm.holder), "product": alarm.product,
                    "doses": alarm.doses,
                })
            })
            .collect();
        say!("{}", json!({ "on_hand": on_hand, "alerts": alerts, "records": records }));
        return Ok(());
    }
    say!("{}", table(&held, &names));
    for alarm in &alarms {
        say!(
            "{} of {}: {}",
            names.holder(&alarm.holder),
            alarm.product,
            alarm.in_words(crate::words())
        );
    }
    if alarms.iter().any(|alarm| alarm.what == StockAlarm::BelowZero) {
        say!("Below zero a movement was not recorded: count, and record a count_adjust.");
    }
    if arguments.recall.is_some() {
        say!("{} records name the lot.", records.len());
        for id in records {
            say!("  {id}");
        }
    }
    Ok(())
}

fn month(text: &str) -> Result<String, String> {
    let is_month = format!("{text}-01").parse::<CivilDate>().is_ok();
    is_month.then(|| text.to_owned()).ok_or("expected a month as yyyy-mm".to_owned())
}

fn as_json(HeldBatch { on_hand: held, kits }: &HeldBatch, names: &Names) -> Value {
    json!({
        "kits": kits.map(|(kits, _)| kits),
        "single_doses": kits.map(|(_, single)| single),
        "team": held.team.to_string(),
        "holder": held.holder.to_string(),
        "label": names.label_of_holder(&held.holder.to_string()),
        "product": held.batch.product,
        "lot": held.batch.lot,
        "expiry": held.batch.expiry,
        "doses": held.doses,
        "lot_not_said": held.lot_not_said,
    })
}

/// The doses, and how many of them are counted here although nobody said the lot.
fn doses_in_words(held: &OnHand) -> String {
    match held.lot_not_said {
        0 => held.doses.to_string(),
        out if out > 0 => format!("{} ({out} went out without a lot)", held.doses),
        come => format!("{} ({} came in without a lot)", held.doses, come.saturating_neg()),
    }
}

fn table(all: &[HeldBatch], names: &Names) -> Table {
    let mut table = screen::table(["holder", "product", "lot", "expiry", "doses", "kits"]);
    for HeldBatch { on_hand: held, kits } in all {
        table.add_row(screen::row([
            names.holder(&held.holder.to_string()),
            held.batch.product.clone(),
            match held.batch.lot.as_str() {
                "" if held.doses != 0 => "lot not said".to_owned(),
                lot => lot.to_owned(),
            },
            held.batch.expiry.clone(),
            doses_in_words(held),
            kits.map_or_else(String::new, |(kits, single)| match single {
                0 => kits.to_string(),
                single => format!("{kits} and {single} doses"),
            }),
        ]));
    }
    for column in [4, 5] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
