//! `kitbag targets`: what a programme wants to reach in a period, and how far it is.

use crate::Failure;
use crate::device::StoreArguments;
use crate::{screen, totals};
use comfy_table::CellAlignment;
use kitbag_core::engine::Engine;
use kitbag_core::model::date::Period;
use kitbag_core::model::{CivilDate, Kind, TeamId};
use kitbag_core::store::{Row, Search, State};
use kitbag_core::totals::{Query, Split};
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

/// One target, and what was reached of it.
struct Target {
    row: Row,
    /// `None` for the whole team.
    site: Option<String>,
    indicator: String,
    period: String,
    value: i64,
    reached: i64,
}

pub fn run(arguments: &TargetsArguments) -> Result<(), Failure> {
    let engine = arguments.store.open_to_read()?;
    let (team, kind, state) = (arguments.team, Some(Kind::Target), Some(State::Counted));
    let mut search = Search { team, kind, state, most: 500, ..Search::default() };
    let mut targets = Vec::new();
    loop {
        let page = engine.search(&search)?;
        for row in page.rows {
            targets.extend(target(&engine, row)?);
        }
        match page.next {
            Some(next) => search.before = Some(next),
            None => break,
        }
    }
    targets.sort_by(|one, other| (&one.period, one.row.id).cmp(&(&other.period, other.row.id)));
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
            target.site.clone().unwrap_or_else(|| format!("team {}", target.row.team)),
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
    say!("{}", totals::missing_in_words(&engine.totals(&Query::default())?.missing));
    Ok(())
}

fn as_json(target: &Target) -> Value {
    json!({
        "id": target.row.id.to_string(), "team": target.row.team.to_string(), "site": target.site,
        "indicator": target.indicator, "period": target.period, "value": target.value,
        "reached": target.reached,
    })
}

fn target(engine: &Engine, row: Row) -> Result<Option<Target>, Failure> {
    let code = |name: &str| row.answers.code(name).unwrap_or_default().to_owned();
    let (period, indicator) = (code("period"), code("indicator"));
    let Some((from, to)) = days_of(&period) else { return Ok(None) };
    let site = (code("scope") == "site").then(|| code("site"));
    let by = vec![Split::Site];
    let query = Query { team: Some(row.team), from: Some(from), to: Some(to), by };
    let lines = engine.totals(&query)?.lines;
    let of_site = |key: &[String]| site.as_ref().is_none_or(|site| key.first() == Some(site));
    let sums = lines.iter().filter(|(key, _)| of_site(key)).map(|(_, sums)| sums);
    let reached = sums.map(|sums| totals::sum(sums, &indicator)).sum();
    let value = row.answers.number("value").unwrap_or(0);
    Ok(Some(Target { row, site, indicator, period, value, reached }))
}

/// The first and the last day of a year, a month or a quarter: `2026`, `2026-03`, `2026-Q1`.
fn days_of(written: &str) -> Option<(CivilDate, CivilDate)> {
    let (year, part) = written.split_once('-').unwrap_or((written, ""));
    let (period, month) = match part.strip_prefix('Q') {
        Some(quarter) => {
            (Period::Quarter, quarter.parse::<u8>().ok()?.checked_mul(3)?.checked_sub(2)?)
        }
        None if part.is_empty() => (Period::Year, 1),
        None => (Period::Month, part.parse().ok()?),
    };
    let first: CivilDate = format!("{year}-{month:02}-01").parse().ok()?;
    Some(first.bounds(period))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_its_first_and_last_day() {
        for (period, from, to) in [
            ("2026", "2026-01-01", "2026-12-31"),
            ("2028-02", "2028-02-01", "2028-02-29"),
            ("2026-12", "2026-12-01", "2026-12-31"),
            ("2026-Q1", "2026-01-01", "2026-03-31"),
            ("2026-Q4", "2026-10-01", "2026-12-31"),
            ("9999", "9999-01-01", "9999-12-31"),
        ] {
            let days = days_of(period).map(|(from, to)| (from.to_string(), to.to_string()));
            assert_eq!(days, Some((from.to_owned(), to.to_owned())), "{period}");
        }
        assert_eq!(days_of("spring"), None);
    }
}
