//! Answers queries for totals: sums by period, site and team from the tally, by coded field from
//! the rows. Both hold the same numbers; a test compares them.

use super::projection::{COUNTED, FLAGGED};
use super::{Store, StoreError};
use crate::model::{CivilDate, LogId, TeamId};
use crate::totals::{Facts, Lines, Query, Split, Totals};

impl Store {
    /// Totals, with what they lack.
    pub fn totals(&self, query: &Query) -> Result<Totals, StoreError> {
        let coded = query.by.iter().any(|split| matches!(split, Split::Code(_)));
        let team = query.team.map(|team| team.0);
        let count = |sql: &str| -> Result<i64, StoreError> {
            Ok(self.sql()?.prepare_cached(sql)?.query_row([team], |row| row.get(0))?)
        };
        let flagged = count(&format!(
            "SELECT count(*) FROM record WHERE state = {FLAGGED} AND team = coalesce(?1, team)"
        ))?;
        Ok(Totals {
            lines: if coded { self.lines_from_rows(query)? } else { self.lines_from_tally(query)? },
            missing: self.known_missing(query.team)?,
            flagged: flagged as u64,
            waiting: self.waiting(query.team)?,
            forks: self
                .chains
                .iter()
                .filter(|(_, info)| query.team.is_none_or(|team| team == info.team))
                .map(|(_, info)| info.forks())
                .sum(),
        })
    }

    /// How many entries held wait to be judged or for others.
    fn waiting(&self, team: Option<TeamId>) -> Result<u64, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT log.id, count(*) FROM entry JOIN log ON log.number = entry.log
             WHERE verdict = 0 OR verdict BETWEEN 16 AND 31 GROUP BY log.id",
        )?;
        let mut rows = statement.query([])?;
        let mut waiting = 0;
        while let Some(row) = rows.next()? {
            let of = self.chains.log(&LogId(row.get(0)?)).map(|info| info.team);
            if team.is_none() || team == of {
                waiting += row.get::<_, i64>(1)? as u64;
            }
        }
        Ok(waiting)
    }

    fn lines_from_tally(&self, query: &Query) -> Result<Lines, StoreError> {
        let mut lines = Lines::new();
        let mut statement = self.sql()?.prepare_cached(
            "SELECT team, site, day, indicator, n FROM tally WHERE day BETWEEN ?1 AND ?2",
        )?;
        let mut rows = statement.query(bounds(query))?;
        while let Some(row) = rows.next()? {
            let (team, site): ([u8; 16], String) = (row.get(0)?, row.get(1)?);
            let (day, indicator, n): (i64, String, i64) = (row.get(2)?, row.get(3)?, row.get(4)?);
            if n != 0 && query.team.is_none_or(|wanted| wanted.0 == team) {
                for key in keys(query, TeamId(team), &site, day, &[]) {
                    *lines.entry(key).or_default().entry(indicator.clone()).or_default() += n;
                }
            }
        }
        Ok(lines)
    }

    fn lines_from_rows(&self, query: &Query) -> Result<Lines, StoreError> {
        let mut lines = Lines::new();
        let mut statement = self.sql()?.prepare_cached(&format!(
            "SELECT team, site, day, facts FROM record WHERE state = {COUNTED} AND day BETWEEN ?1 AND ?2"
        ))?;
        let mut rows = statement.query(bounds(query))?;
        while let Some(row) = rows.next()? {
            let (team, site, day): ([u8; 16], String, i64) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            let facts: Vec<u8> = row.get(3)?;
            let facts =
                Facts::decode(&facts).map_err(|_| StoreError::Damaged("a record's facts"))?;
            if query.team.is_none_or(|wanted| wanted.0 == team) && !facts.measures.is_empty() {
                for key in keys(query, TeamId(team), &site, day, &facts.coded) {
                    let line = lines.entry(key).or_default();
                    for (indicator, n) in &facts.measures {
                        *line.entry(indicator.clone()).or_default() += n;
                    }
                }
            }
        }
        Ok(lines)
    }
}

fn bounds(query: &Query) -> (i64, i64) {
    (
        query.from.map_or(i64::MIN, CivilDate::epoch_day),
        query.to.map_or(i64::MAX, CivilDate::epoch_day),
    )
}

/// The lines that one row belongs to: several, where a set of codes has several ticked.
fn keys(
    query: &Query,
    team: TeamId,
    site: &str,
    day: i64,
    coded: &[(String, String)],
) -> Vec<Vec<String>> {
    let mut keys = vec![Vec::new()];
    for split in &query.by {
        let parts: Vec<String> = match split {
            Split::Period(period) => CivilDate::from_epoch_day(day)
                .map(|date| date.period(*period))
                .into_iter()
                .collect(),
            Split::Site => vec![site.to_owned()],
            Split::Team => vec![team.to_string()],
            Split::Code(field) => coded
                .iter()
                .filter(|(name, _)| name == field)
                .map(|(_, code)| code.clone())
                .collect(),
        };
        keys = keys
            .iter()
            .flat_map(|key: &Vec<String>| {
                parts.iter().map(move |part| [key.as_slice(), std::slice::from_ref(part)].concat())
            })
            .collect();
    }
    keys
}
