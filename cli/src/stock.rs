//! `kitbag stock`: who holds what, what is short, what expires, where a lot went.

use crate::Failure;
use crate::device::StoreArguments;
use crate::screen;
use comfy_table::{CellAlignment, Table};
use kitbag_core::engine::Engine;
use kitbag_core::model::{Kind, RecordId, TeamId};
use kitbag_core::store::{OnHand, Search, State};
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
    #[arg(long, value_name = "YYYY-MM")]
    expiring_by: Option<String>,
    /// A lot that is recalled: who still holds it, and which records name it
    #[arg(long, value_name = "LOT")]
    recall: Option<String>,
    /// As JSON: `{on_hand: [{team, holder, product, lot, expiry, doses}], alerts: [{what, holder,
    /// product, doses}], records: [ID]}`
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &StockArguments) -> Result<(), Failure> {
    let engine = arguments.store.open_to_read()?;
    let mut on_hand = engine.store().stock(arguments.team)?;
    let alerts = alerts(&engine, &on_hand)?;
    if let Some(month) = &arguments.expiring_by {
        on_hand.retain(|held| !held.batch.expiry.is_empty() && held.batch.expiry <= *month);
    }
    if let Some(lot) = &arguments.recall {
        on_hand.retain(|held| held.batch.lot == *lot);
    }
    if let Some(below) = arguments.below {
        let all = on_hand.clone();
        on_hand.retain(|held| of_product(&all, held) < below);
    }
    let records = match &arguments.recall {
        Some(lot) => naming(&engine, arguments.team, lot)?,
        None => Vec::new(),
    };
    if arguments.json {
        let on_hand: Vec<Value> = on_hand.iter().map(as_json).collect();
        let records: Vec<String> = records.iter().map(ToString::to_string).collect();
        let alerts: Vec<Value> = alerts
            .iter()
            .map(|alert| {
                json!({
                    "what": alert.what, "holder": alert.holder, "product": alert.product,
                    "doses": alert.doses,
                })
            })
            .collect();
        say!("{}", json!({ "on_hand": on_hand, "alerts": alerts, "records": records }));
        return Ok(());
    }
    say!("{}", table(&on_hand));
    for alert in &alerts {
        say!("{}: {} of {}: {} doses", alert.what, alert.holder, alert.product, alert.doses);
    }
    if alerts.iter().any(|alert| alert.what == "below_zero") {
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

/// What a code pack's thresholds say of what is on hand.
struct Alert {
    /// `below_minimum`, `expiring` or `below_zero`.
    what: &'static str,
    holder: String,
    product: String,
    doses: i64,
}

/// What is short, what expires soon, and what was not recorded, by the programme's code packs: of
/// several the strictest.
fn alerts(engine: &Engine, on_hand: &[OnHand]) -> Result<Vec<Alert>, Failure> {
    let packs = engine.packs()?;
    let minimum = packs.iter().filter_map(|pack| pack.thresholds.minimum_doses).max();
    let days = packs.iter().filter_map(|pack| pack.thresholds.expiring_days).max();
    let last = days.and_then(|days| {
        let day = chrono::Local::now().date_naive() + chrono::Duration::try_days(days)?;
        Some(day.format("%Y-%m").to_string())
    });
    let mut alerts = Vec::new();
    let mut told = std::collections::BTreeSet::new();
    for held in on_hand {
        let holder = held.holder.to_string();
        let product = held.batch.product.clone();
        let alert =
            |what, doses| Alert { what, holder: holder.clone(), product: product.clone(), doses };
        let expires = !held.batch.expiry.is_empty()
            && last.as_ref().is_some_and(|last| held.batch.expiry <= *last);
        if expires && held.doses > 0 {
            alerts.push(alert("expiring", held.doses));
        }
        let all = of_product(on_hand, held);
        let what = match all {
            all if all < 0 => Some("below_zero"),
            all if minimum.is_some_and(|minimum| all < minimum) => Some("below_minimum"),
            _ => None,
        };
        let is_new = told.insert((held.team, holder.clone(), product.clone()));
        alerts.extend(what.filter(|_| is_new).map(|what| alert(what, all)));
    }
    Ok(alerts)
}

/// The doses that a holder has of a product, over all its lots.
fn of_product(all: &[OnHand], held: &OnHand) -> i64 {
    let same = all.iter().filter(|other| {
        other.team == held.team
            && other.holder == held.holder
            && other.batch.product == held.batch.product
    });
    same.map(|other| other.doses).sum()
}

/// The records that hand out or give doses of a lot.
fn naming(engine: &Engine, team: Option<TeamId>, lot: &str) -> Result<Vec<RecordId>, Failure> {
    let mut found = Vec::new();
    for (kind, field) in [(Kind::Distribution, "lot"), (Kind::Reversal, "administrations.lot")] {
        let mut search = Search {
            team,
            kind: Some(kind),
            state: Some(State::Counted),
            answers: vec![(field.to_owned(), lot.to_owned())],
            most: 500,
            ..Search::default()
        };
        loop {
            let page = engine.search(&search)?;
            found.extend(page.rows.iter().map(|row| row.id));
            match page.next {
                Some(next) => search.before = Some(next),
                None => break,
            }
        }
    }
    Ok(found)
}

fn as_json(held: &OnHand) -> Value {
    json!({
        "team": held.team.to_string(),
        "holder": held.holder.to_string(),
        "product": held.batch.product,
        "lot": held.batch.lot,
        "expiry": held.batch.expiry,
        "doses": held.doses,
    })
}

fn table(on_hand: &[OnHand]) -> Table {
    let mut table = screen::table(["holder", "product", "lot", "expiry", "doses"]);
    for held in on_hand {
        table.add_row([
            held.holder.to_string(),
            held.batch.product.clone(),
            held.batch.lot.clone(),
            held.batch.expiry.clone(),
            held.doses.to_string(),
        ]);
    }
    if let Some(column) = table.column_mut(4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
