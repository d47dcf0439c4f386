//! Totals, each with what it lacks.

use crate::Error;
use crate::client::Client;
use kitbag_core::engine::{Engine, EngineError};
use kitbag_core::model::catalogue;
use kitbag_core::model::date::Period;
use kitbag_core::model::pack::first_month;
use kitbag_core::model::{CivilDate, Kind, RecordId, TeamId};
use kitbag_core::store::{Row, Search, State};
use kitbag_core::sync::SyncFault;
use kitbag_core::totals::{Query, Totals as Answer};
use std::collections::BTreeMap;

/// Totals.
pub struct Totals<'client>(pub(crate) &'client Client);

impl Client {
    /// Totals, each with what it lacks.
    pub fn totals(&self) -> Totals<'_> {
        Totals(self)
    }
}

/// The shares of each line of totals, by their names; one with nothing below its line is absent.
pub type Shares = BTreeMap<Vec<String>, BTreeMap<String, f64>>;

/// A period beside the one before it, as of one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TwoPeriods {
    /// The period, as written: `2026-11`, `2026-Q4`.
    pub name: String,
    /// Its totals.
    pub this: Answer,
    /// Their shares.
    pub shares: Shares,
    /// The one before.
    pub name_before: String,
    /// Its totals.
    pub before: Answer,
    /// Their shares.
    pub shares_before: Shares,
}

/// The shares of totals, by line.
pub fn shares_of(totals: &Answer) -> Shares {
    let of = |sums| {
        let shares = catalogue::shares_of(sums).into_iter();
        shares.map(|(name, share)| (name.to_owned(), share)).collect()
    };
    totals.lines.iter().map(|(key, sums)| (key.clone(), of(sums))).collect()
}

/// What a programme wants to reach in a period, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The record that sets it.
    pub id: RecordId,
    /// Whose.
    pub team: TeamId,
    /// Of one site; `None` for the whole team.
    pub site: Option<String>,
    /// The indicator.
    pub indicator: String,
    /// The period, as written.
    pub period: String,
    /// What is wanted.
    pub value: i64,
    /// What is reached.
    pub reached: i64,
}

/// How complete the records of a period are, as the hub says it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CompletenessOf {
    /// From this date on, as written.
    pub from: String,
    /// Up to this date, inclusive.
    pub to: String,
    /// By the names of [`kitbag_core::store::COMPLETENESS`].
    pub counts: BTreeMap<String, u64>,
    /// Whether the hub has taken in all that it received.
    pub settled: bool,
    /// An observer's counts are rounded down to this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounded_down_to: Option<u64>,
}

impl Totals<'_> {
    /// The totals asked for, with what is known to be missing.
    pub async fn of(&self, query: Query) -> Result<Answer, Error> {
        self.0.read(move |engine| engine.totals(&query)).await
    }

    /// The period in which a day lies, beside the one before; the query's own span is not asked for.
    pub async fn beside_the_last(
        &self,
        day: CivilDate,
        period: Period,
        query: Query,
    ) -> Result<TwoPeriods, Error> {
        self.0.read(move |engine| two_periods(engine, (day, period), &query)).await
    }

    /// The first and the last day of a period as people write it: `2026`, `2018/19`, `2026-Q1`, `2026-03`, `2026-W09`,
    /// `2026-EW09`, `2026-03-14`. Fiscal years begin as the programme's code packs say.
    pub async fn days_of(&self, period: String) -> Result<(CivilDate, CivilDate), Error> {
        let days = self
            .0
            .read(move |engine| Ok(Period::of_written(&period, first_month(&engine.packs()?))));
        days.await?.ok_or(Error::NotUsable("argument"))
    }

    /// The month, 1 to 12, that the programme's fiscal years begin with.
    pub async fn first_month(&self) -> Result<u8, Error> {
        self.0.read(|engine| Ok(first_month(&engine.packs()?))).await
    }

    /// How complete the records of a period are, of one team or of all; the hub alone knows.
    pub async fn completeness(
        &self,
        team: Option<TeamId>,
        from: CivilDate,
        to: CivilDate,
    ) -> Result<CompletenessOf, Error> {
        let client = self.0.hub_client().await?;
        let team = team.map_or_else(String::new, |team| format!("&team={team}"));
        let path = format!("/v1/completeness?from={from}&to={to}{team}");
        let answer = self.0.until_shut(client.get(&path)).await?;
        let not_understood = |_| Error::Sync(SyncFault::NotRead);
        serde_json::from_slice(&answer).map_err(not_understood)
    }

    /// The targets of a team, or of all, by period.
    pub async fn targets(&self, team: Option<TeamId>) -> Result<Vec<Target>, Error> {
        self.0.read(move |engine| targets_of(engine, team)).await
    }
}

fn two_periods(
    engine: &Engine,
    (day, period): (CivilDate, Period),
    query: &Query,
) -> Result<TwoPeriods, EngineError> {
    let period = match period {
        Period::FiscalYear { .. } => {
            Period::FiscalYear { first_month: first_month(&engine.packs()?) }
        }
        period => period,
    };
    let (first, last) = day.bounds(period);
    let before = CivilDate::from_epoch_day(first.epoch_day() - 1).unwrap_or(first);
    let of = |(from, to): (CivilDate, CivilDate)| {
        engine.totals(&Query { from: Some(from), to: Some(to), ..query.clone() })
    };
    let (this, totals_before) = (of((first, last))?, of(before.bounds(period))?);
    Ok(TwoPeriods {
        name: day.period(period),
        shares: shares_of(&this),
        this,
        name_before: before.period(period),
        shares_before: shares_of(&totals_before),
        before: totals_before,
    })
}

fn targets_of(engine: &Engine, team: Option<TeamId>) -> Result<Vec<Target>, EngineError> {
    let (kind, state) = (Some(Kind::Target), Some(State::Counted));
    let search = Search { team, kind, state, most: 500, ..Search::default() };
    let mut rows = Vec::new();
    engine.each_found(search, |row| rows.push(row.clone()))?;
    let read = rows.iter().map(|row| target(engine, row));
    let read: Vec<Option<Target>> = read.collect::<Result<_, _>>()?;
    let mut targets: Vec<Target> = read.into_iter().flatten().collect();
    targets.sort_by(|one, other| (&one.period, one.id).cmp(&(&other.period, other.id)));
    Ok(targets)
}

fn target(engine: &Engine, row: &Row) -> Result<Option<Target>, EngineError> {
    let code = |name: &str| row.answers.code(name).unwrap_or_default().to_owned();
    let (period, indicator) = (code("period"), code("indicator"));
    let first_month = first_month(&engine.packs()?);
    let Some((from, to)) = Period::of_written(&period, first_month) else { return Ok(None) };
    let site = (code("scope") == "site").then(|| code("site"));
    let (from, to) = (Some(from), Some(to));
    let query = Query { team: Some(row.team), site: site.clone(), from, to, ..Query::default() };
    let lines = engine.totals(&query)?.lines;
    let reached = lines.values().map(|sums| sums.get(&indicator).copied().unwrap_or(0)).sum();
    let value = row.answers.number("value").unwrap_or(0);
    Ok(Some(Target { id: row.id, team: row.team, site, indicator, period, value, reached }))
}
