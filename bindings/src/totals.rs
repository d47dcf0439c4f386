//! Totals, each with what it lacks; targets and completeness.

use crate::error::KitbagError;
use crate::kitbag::Kitbag;
use crate::runtime::{Cancel, run, run_until};
use kitbag_client::{Shares, Target, TwoPeriods, shares_of};
use kitbag_core::model::date::Period;
use kitbag_core::model::{CivilDate, Kind, TeamId};
use kitbag_core::totals::{KnownMissing, Query, Split, Totals};
use std::collections::HashMap;
use std::sync::Arc;

/// Of which records, and how split.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct TotalsOf {
    pub team: Option<TeamId>,
    pub site: Option<String>,
    pub kind: Option<Kind>,
    pub from: Option<CivilDate>,
    pub to: Option<CivilDate>,
    pub by: Vec<Split>,
}

impl From<TotalsOf> for Query {
    fn from(of: TotalsOf) -> Self {
        let TotalsOf { team, site, kind, from, to, by } = of;
        Query { team, site, kind, from, to, by }
    }
}

/// A line of totals.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct TotalsLine {
    pub by: Vec<String>,
    pub sums: HashMap<String, i64>,
    pub shares: HashMap<String, f64>,
}

/// Totals with what they lack.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct TotalsSeen {
    pub lines: Vec<TotalsLine>,
    pub missing: KnownMissing,
    pub in_doubt: HashMap<i32, u64>,
    pub of_spans: u64,
    pub waiting: u64,
    pub forks: u64,
}

impl TotalsSeen {
    pub(crate) fn of(totals: &Totals, shares: &Shares) -> Self {
        let lines = totals.lines.iter().map(|(by, sums)| TotalsLine {
            by: by.clone(),
            sums: sums.iter().map(|(name, sum)| (name.to_string(), *sum)).collect(),
            shares: shares.get(by).cloned().unwrap_or_default().into_iter().collect(),
        });
        TotalsSeen {
            lines: lines.collect(),
            missing: totals.missing,
            in_doubt: totals.in_doubt.clone().into_iter().collect(),
            of_spans: totals.of_spans,
            waiting: totals.waiting,
            forks: totals.forks,
        }
    }
}

/// A period beside the one before it.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct Periods {
    pub name: String,
    pub totals: TotalsSeen,
    pub name_before: String,
    pub before: TotalsSeen,
}

impl From<TwoPeriods> for Periods {
    fn from(two: TwoPeriods) -> Self {
        Periods {
            totals: TotalsSeen::of(&two.this, &two.shares),
            before: TotalsSeen::of(&two.before, &two.shares_before),
            name: two.name,
            name_before: two.name_before,
        }
    }
}

/// How complete the records of a period are.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct CompletenessSeen {
    pub from: String,
    pub to: String,
    pub counts: HashMap<String, u64>,
    pub settled: bool,
    pub rounded_down_to: Option<u64>,
}

#[uniffi::export]
impl Kitbag {
    /// The totals asked for.
    pub async fn totals(&self, of: TotalsOf) -> Result<TotalsSeen, KitbagError> {
        let client = self.client()?;
        let totals = run(async move { client.totals().of(of.into()).await }).await?;
        Ok(TotalsSeen::of(&totals, &shares_of(&totals)))
    }

    /// The totals of the period in which a day lies, beside those of the one before.
    pub async fn two_periods(
        &self,
        day: CivilDate,
        period: Period,
        of: TotalsOf,
    ) -> Result<Periods, KitbagError> {
        let client = self.client()?;
        let two = async move { client.totals().beside_the_last(day, period, of.into()).await };
        run(two).await.map(Periods::from)
    }

    /// How complete a span of days is, as the hub says it.
    pub async fn completeness(
        &self,
        team: Option<TeamId>,
        from: CivilDate,
        to: CivilDate,
        cancel: Arc<Cancel>,
    ) -> Result<CompletenessSeen, KitbagError> {
        let client = self.client()?;
        let asked = async move { client.totals().completeness(team, from, to).await };
        let of = run_until(cancel, asked).await?;
        Ok(CompletenessSeen {
            from: of.from,
            to: of.to,
            counts: of.counts.into_iter().collect(),
            settled: of.settled,
            rounded_down_to: of.rounded_down_to,
        })
    }

    /// What the programme wants to reach, and how far it is.
    pub async fn targets(&self, team: Option<TeamId>) -> Result<Vec<Target>, KitbagError> {
        let client = self.client()?;
        run(async move { client.totals().targets(team).await }).await
    }
}
