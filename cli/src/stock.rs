//! `kitbag stock`: who holds what, what is short, what expires, where a lot went.

use crate::Failure;
use crate::device::StoreArguments;
use crate::screen;
use comfy_table::{CellAlignment, Table};
use kitbag_core::engine::Engine;
use kitbag_core::model::pack::CodePack;
use kitbag_core::model::stock::Batch;
use kitbag_core::model::{CivilDate, Kind, RecordId, TeamId};
use kitbag_core::store::{OnHand, Search, State};
use serde_json::{Value, json};
use std::collections::BTreeSet;

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
    /// As JSON: `{on_hand: [{team, holder, product, lot, expiry, doses, kits, single_doses}], alerts:
    /// [{what, holder, product, doses}], records: [ID]}`; kits where a code pack knows the product
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &StockArguments) -> Result<(), Failure> {
    let engine = arguments.store.open_to_read()?;
    let mut on_hand = engine.store().stock(arguments.team)?;
    on_hand.extend(run_out(&engine, arguments.team, &on_hand)?);
    on_hand.sort_unstable();
    let packs = engine.packs()?;
    let alerts = alerts(&packs, &on_hand);
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
        let on_hand: Vec<Value> = on_hand.iter().map(|held| as_json(held, &packs)).collect();
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
    say!("{}", table(&on_hand, &packs));
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
fn alerts(packs: &[CodePack], on_hand: &[OnHand]) -> Vec<Alert> {
    let minimum = packs.iter().filter_map(|pack| pack.thresholds.minimum_doses).max();
    let days = packs.iter().filter_map(|pack| pack.thresholds.expiring_days).max();
    let last = days.and_then(|days| {
        let days = chrono::Duration::try_days(days)?;
        let day = chrono::Local::now().date_naive().checked_add_signed(days)?;
        Some(day.format("%Y-%m").to_string())
    });
    let mut alerts = Vec::new();
    let mut told = BTreeSet::new();
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
        // A batch below zero hides behind another of the same product.
        let is_short = on_hand.iter().any(|other| other.doses < 0 && is_of_product(other, held));
        let what = match all {
            _ if is_short => Some("below_zero"),
            all if minimum.is_some_and(|minimum| all < minimum) => Some("below_minimum"),
            _ => None,
        };
        let is_new = told.insert((held.team, holder.clone(), product.clone()));
        alerts.extend(what.filter(|_| is_new).map(|what| alert(what, all)));
    }
    alerts
}

/// The kits and single doses that doses of a product make, where a code pack knows how many a kit has.
fn kits(packs: &[CodePack], held: &OnHand) -> Option<(i64, i64)> {
    let of_kit = |pack: &CodePack| pack.product(&held.batch.product)?.doses_per_kit;
    let doses = packs.iter().rev().find_map(of_kit).filter(|doses| *doses > 0)?;
    Some((held.doses / doses, held.doses % doses))
}

/// Holders that were given a product once and have none of it now, with 0 doses: who ran out is told
/// first.
fn run_out(
    engine: &Engine,
    team: Option<TeamId>,
    on_hand: &[OnHand],
) -> Result<Vec<OnHand>, Failure> {
    let mut given = BTreeSet::new();
    let (kind, state) = (Some(Kind::StockMovement), Some(State::Counted));
    let mut search = Search { team, kind, state, most: 500, ..Search::default() };
    loop {
        let page = engine.search(&search)?;
        for row in &page.rows {
            let to = row.answers.code("to").filter(|to| *to != "outside");
            let product = row.answers.code("product").unwrap_or_default();
            given.extend(to.map(|to| (row.team, to.to_owned(), product.to_owned())));
        }
        match page.next {
            Some(next) => search.before = Some(next),
            None => break,
        }
    }
    for held in on_hand {
        given.remove(&(held.team, held.holder.to_string(), held.batch.product.clone()));
    }
    let empty = given.into_iter().filter_map(|(team, holder, product)| {
        let batch = Batch { product, lot: String::new(), expiry: String::new() };
        Some(OnHand { team, holder: holder.parse().ok()?, batch, doses: 0 })
    });
    Ok(empty.collect())
}

fn month(text: &str) -> Result<String, String> {
    let is_month = format!("{text}-01").parse::<CivilDate>().is_ok();
    is_month.then(|| text.to_owned()).ok_or("expected a month as yyyy-mm".to_owned())
}

/// The doses that a holder has of a product, over all its lots.
fn of_product(all: &[OnHand], held: &OnHand) -> i64 {
    all.iter().filter(|other| is_of_product(other, held)).map(|other| other.doses).sum()
}

fn is_of_product(other: &OnHand, held: &OnHand) -> bool {
    (other.team, &other.holder, &other.batch.product)
        == (held.team, &held.holder, &held.batch.product)
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

fn as_json(held: &OnHand, packs: &[CodePack]) -> Value {
    let kits = kits(packs, held);
    json!({
        "kits": kits.map(|(kits, _)| kits),
        "single_doses": kits.map(|(_, single)| single),
        "team": held.team.to_string(),
        "holder": held.holder.to_string(),
        "product": held.batch.product,
        "lot": held.batch.lot,
        "expiry": held.batch.expiry,
        "doses": held.doses,
    })
}

fn table(on_hand: &[OnHand], packs: &[CodePack]) -> Table {
    let mut table = screen::table(["holder", "product", "lot", "expiry", "doses", "kits"]);
    for held in on_hand {
        table.add_row(screen::row([
            held.holder.to_string(),
            held.batch.product.clone(),
            held.batch.lot.clone(),
            held.batch.expiry.clone(),
            held.doses.to_string(),
            kits(packs, held).map_or_else(String::new, |(kits, single)| match single {
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
