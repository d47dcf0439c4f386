//! Stock: who holds what, what is short, what expires, where a lot went.

use crate::Error;
use crate::client::Client;
use kitbag_core::engine::{Engine, EngineError};
use kitbag_core::model::pack::CodePack;
use kitbag_core::model::stock::Batch;
use kitbag_core::model::{CivilDate, Kind, RecordId, TeamId};
use kitbag_core::store::{OnHand, Search, State};
use kitbag_core::words::Words;
use std::collections::{BTreeMap, BTreeSet};

/// Stock.
pub struct Stock<'client>(pub(crate) &'client Client);

impl Client {
    /// Stock: who holds what, what is short, what expires.
    pub fn stock(&self) -> Stock<'_> {
        Stock(self)
    }
}

/// What is on hand, as of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StockNow {
    /// By team, holder and batch; with 0 doses whoever was given a product once and has none of it.
    pub held: Vec<HeldBatch>,
    /// How long what is on hand lasts, by team, holder and product.
    pub lasting: Vec<Lasting>,
    /// What is short, expires soon, or was not recorded, by the programme's code packs: of several the strictest.
    pub alarms: Vec<Alarm>,
}

/// How long a stock lasts if as much goes out as in the last 28 days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lasting {
    /// Whose team.
    pub team: TeamId,
    /// Whose stock.
    pub holder: String,
    /// Of which product.
    pub product: String,
    /// The doses on hand.
    pub doses: i64,
    /// The doses that were handed out or given in the last 28 days.
    pub went_out: i64,
    /// For how many days they last, rounded down; `None` where nothing went out.
    pub days: Option<i64>,
}

/// Over how many days it is counted what goes out: four weeks, so that each day of the week weighs the same.
const LASTING_DAYS: i64 = 28;

/// What a holder has of a batch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeldBatch {
    /// Who, of what, how many doses.
    pub on_hand: OnHand,
    /// The kits and single doses that these make, where a code pack knows how many a kit has.
    pub kits: Option<(i64, i64)>,
}

/// Something that a person should do something about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// What is wrong.
    pub what: StockAlarm,
    /// Whose stock.
    pub holder: String,
    /// Of which product.
    pub product: String,
    /// The doses that it is about: those that are there, that expire, or that are lacking, below 0.
    pub doses: i64,
}

impl Alarm {
    /// What people read: what is wrong, beside whose stock of what.
    pub fn in_words(&self, words: &Words) -> String {
        words.alarm(self.what.code(), self.doses)
    }
}

/// What is wrong with a stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockAlarm {
    /// Less than the programme wants there.
    BelowMinimum,
    /// It expires within the days that the programme warns ahead.
    Expiring,
    /// More went out than came in: a movement was not recorded.
    BelowZero,
}

impl StockAlarm {
    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            StockAlarm::BelowMinimum => "below_minimum",
            StockAlarm::Expiring => "expiring",
            StockAlarm::BelowZero => "below_zero",
        }
    }
}

impl Stock<'_> {
    /// What is on hand of a team, or of all; `today` tells what expires soon.
    pub async fn now(&self, team: Option<TeamId>, today: CivilDate) -> Result<StockNow, Error> {
        self.0.read(move |engine| stock_now(engine, team, today)).await
    }

    /// The records that hand out or give doses of a lot.
    pub async fn naming(&self, team: Option<TeamId>, lot: String) -> Result<Vec<RecordId>, Error> {
        self.0.read(move |engine| records_naming(engine, team, &lot)).await
    }
}

/// What more went out of than came in, of all teams.
pub(crate) fn below_zero(engine: &Engine) -> Result<Vec<Alarm>, EngineError> {
    let today = CivilDate::from_epoch_day(0);
    let on_hand = engine.store().stock(None)?;
    let mut alarms = today.map_or_else(Vec::new, |today| alarms(&[], &on_hand, today));
    alarms.retain(|alarm| alarm.what == StockAlarm::BelowZero);
    Ok(alarms)
}

fn stock_now(
    engine: &Engine,
    team: Option<TeamId>,
    today: CivilDate,
) -> Result<StockNow, EngineError> {
    let mut on_hand = engine.store().stock(team)?;
    on_hand.extend(run_out(engine, team, &on_hand)?);
    on_hand.sort_unstable();
    let packs = engine.packs()?;
    let alarms = alarms(&packs, &on_hand, today);
    let lasting = lasting(engine, team, &on_hand, today)?;
    let held =
        on_hand.into_iter().map(|on_hand| HeldBatch { kits: kits(&packs, &on_hand), on_hand });
    Ok(StockNow { held: held.collect(), lasting, alarms })
}

fn lasting(
    engine: &Engine,
    team: Option<TeamId>,
    on_hand: &[OnHand],
    today: CivilDate,
) -> Result<Vec<Lasting>, EngineError> {
    let of = |held: &OnHand| (held.team, held.holder.to_string(), held.batch.product.clone());
    let mut stocks: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    for held in on_hand {
        stocks.entry(of(held)).or_default().0 += held.doses;
    }
    let from = CivilDate::from_epoch_day(today.epoch_day().saturating_sub(LASTING_DAYS - 1));
    for kind in [Kind::Distribution, Kind::Reversal] {
        let search = Search {
            team,
            kind: Some(kind),
            state: Some(State::Counted),
            from,
            to: Some(today),
            most: 500,
            ..Search::default()
        };
        let moves = kind.declaration().stock;
        engine.each_found(search, |row| {
            for moved in
                moves.filter(|_| row.moves_stock).map(|of| of(&row.answers)).into_iter().flatten()
            {
                let whose = (row.team, moved.holder.to_string(), moved.batch.product);
                if let Some((_, went_out)) = stocks.get_mut(&whose) {
                    *went_out = went_out.saturating_sub(moved.doses.min(0));
                }
            }
        })?;
    }
    let lasting = stocks.into_iter().map(|((team, holder, product), (doses, went_out))| {
        let days =
            (went_out > 0).then(|| doses.max(0).saturating_mul(LASTING_DAYS) / went_out.max(1));
        Lasting { team, holder, product, doses, went_out, days }
    });
    Ok(lasting.collect())
}

fn alarms(packs: &[CodePack], on_hand: &[OnHand], today: CivilDate) -> Vec<Alarm> {
    let minimum = packs.iter().filter_map(|pack| pack.thresholds.minimum_doses).max();
    let days = packs.iter().filter_map(|pack| pack.thresholds.expiring_days).max();
    let last =
        days.and_then(|days| CivilDate::from_epoch_day(today.epoch_day().checked_add(days)?));
    let last_month = last.map(|day| day.to_string().chars().take(7).collect::<String>());
    let mut alarms = Vec::new();
    let mut told = BTreeSet::new();
    for held in on_hand {
        let (holder, product) = (held.holder.to_string(), held.batch.product.clone());
        let alarm =
            |what, doses| Alarm { what, holder: holder.clone(), product: product.clone(), doses };
        let expires = !held.batch.expiry.is_empty()
            && last_month.as_ref().is_some_and(|last| held.batch.expiry <= *last);
        if expires && held.doses > 0 {
            alarms.push(alarm(StockAlarm::Expiring, held.doses));
        }
        let all = of_product(on_hand, held);
        // A batch below zero hides behind another of the same product.
        let below: i64 = on_hand
            .iter()
            .filter(|other| is_of_product(other, held))
            .map(|other| other.doses.min(0))
            .sum();
        let what = match all {
            _ if below < 0 => Some((StockAlarm::BelowZero, below)),
            all if minimum.is_some_and(|minimum| all < minimum) => {
                Some((StockAlarm::BelowMinimum, all))
            }
            _ => None,
        };
        let is_new = told.insert((held.team, holder.clone(), product.clone()));
        alarms.extend(what.filter(|_| is_new).map(|(what, doses)| alarm(what, doses)));
    }
    alarms
}

fn kits(packs: &[CodePack], held: &OnHand) -> Option<(i64, i64)> {
    let of_kit = |pack: &CodePack| pack.product(&held.batch.product)?.doses_per_kit;
    let doses = packs.iter().rev().find_map(of_kit).filter(|doses| *doses > 0)?;
    Some((held.doses / doses, held.doses % doses))
}

/// Holders that were given a product once and have none of it now, with 0 doses: who ran out is told first.
fn run_out(
    engine: &Engine,
    team: Option<TeamId>,
    on_hand: &[OnHand],
) -> Result<Vec<OnHand>, EngineError> {
    let mut given = BTreeSet::new();
    let (kind, state) = (Some(Kind::StockMovement), Some(State::Counted));
    let search = Search { team, kind, state, most: 500, ..Search::default() };
    engine.each_found(search, |row| {
        let to = row.answers.code("to").filter(|to| *to != "outside");
        let product = row.answers.code("product").unwrap_or_default();
        given.extend(to.map(|to| (row.team, to.to_owned(), product.to_owned())));
    })?;
    for held in on_hand {
        given.remove(&(held.team, held.holder.to_string(), held.batch.product.clone()));
    }
    let empty = given.into_iter().filter_map(|(team, holder, product)| {
        let batch = Batch { product, lot: String::new(), expiry: String::new() };
        Some(OnHand { team, holder: holder.parse().ok()?, batch, doses: 0, lot_not_said: 0 })
    });
    Ok(empty.collect())
}

/// The doses that a holder has of a product, over all its lots.
pub fn of_product(all: &[OnHand], held: &OnHand) -> i64 {
    all.iter().filter(|other| is_of_product(other, held)).map(|other| other.doses).sum()
}

fn is_of_product(other: &OnHand, held: &OnHand) -> bool {
    (other.team, &other.holder, &other.batch.product)
        == (held.team, &held.holder, &held.batch.product)
}

fn records_naming(
    engine: &Engine,
    team: Option<TeamId>,
    lot: &str,
) -> Result<Vec<RecordId>, EngineError> {
    let mut found = Vec::new();
    for (kind, field) in [(Kind::Distribution, "lot"), (Kind::Reversal, "administrations.lot")] {
        let search = Search {
            team,
            kind: Some(kind),
            state: Some(State::Counted),
            answers: vec![(field.to_owned(), lot.to_owned())],
            most: 500,
            ..Search::default()
        };
        engine.each_found(search, |row| found.push(row.id))?;
    }
    Ok(found)
}
