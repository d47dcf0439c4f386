//! Answers queries for totals: sums by period, site and team from the tally, all others from the rows.
//! Both hold the same numbers; a test compares them.

use super::at_rest::decode_sums;
use super::{Store, StoreError};
use crate::model::catalogue::measures;
use crate::model::{Answers, CivilDate, DeviceKey, Kind, TeamId, UnixMillis};
use crate::totals::{Lines, Origin, Query, Totals, lines_of, of_kind};

impl Store {
    /// Totals, with what they lack, and which dates may be wrong by this clock.
    pub fn totals(&self, query: &Query, now: UnixMillis) -> Result<Totals, StoreError> {
        if query.is_split_too_often() {
            return Err(StoreError::SplitTooOften);
        }
        let lines = if query.needs_rows() {
            self.lines_from_rows(query)?
        } else {
            self.lines_from_tally(query)?
        };
        let lines = match query.kind {
            Some(kind) => of_kind(kind, &lines),
            None => lines,
        };
        Ok(Totals {
            lines,
            missing: self.known_missing(query.team)?,
            in_doubt: self.dates_in_doubt(query.team, now)?,
            of_spans: self.of_spans(query)?,
            waiting: self.waiting(query.team)?,
            forks: self.forks(query.team),
        })
    }

    /// How many records that count stand for a span of days, of the team, kind and days asked for.
    fn of_spans(&self, query: &Query) -> Result<u64, StoreError> {
        let day = |date: Option<CivilDate>, or| date.map_or(or, CivilDate::epoch_day);
        let mut statement = self.sql()?.prepare_cached(
            "SELECT log, count(*) FROM record
             WHERE is_span = 1 AND state = 1 AND day BETWEEN ?1 AND ?2
               AND (?3 IS NULL OR kind = ?3) GROUP BY log",
        )?;
        let kind = query.kind.map(Kind::number);
        let of = (day(query.from, i64::MIN), day(query.to, i64::MAX), kind);
        let mut rows = statement.query(of)?;
        let mut sum = 0;
        while let Some(row) = rows.next()? {
            if query.team.is_none() || query.team == self.team_numbered(row.get(0)?) {
                sum += row.get::<_, i64>(1)? as u64;
            }
        }
        Ok(sum)
    }

    /// The team of the log of this number here.
    fn team_numbered(&self, log: i64) -> Option<TeamId> {
        let log = self.log_numbered(log)?;
        self.chains.log(&log).map(|info| info.team)
    }

    /// How many entries held wait to be judged or for others.
    fn waiting(&self, team: Option<TeamId>) -> Result<u64, StoreError> {
        let mut unsettled = self.sql()?.prepare_cached(
            "SELECT log, count(*) FROM entry WHERE verdict BETWEEN 16 AND 31 GROUP BY log",
        )?;
        let waiting = self.sum_by_log(&mut unsettled, team)?;
        if self.is_settled()? {
            return Ok(waiting);
        }
        let mut unjudged = self
            .sql()?
            .prepare_cached("SELECT log, count(*) FROM entry WHERE verdict = 0 GROUP BY log")?;
        Ok(waiting + self.sum_by_log(&mut unjudged, team)?)
    }

    fn sum_by_log(
        &self,
        statement: &mut rusqlite::CachedStatement<'_>,
        team: Option<TeamId>,
    ) -> Result<u64, StoreError> {
        let mut rows = statement.query([])?;
        let mut sum = 0;
        while let Some(row) = rows.next()? {
            if team.is_none() || team == self.team_numbered(row.get(0)?) {
                sum += row.get::<_, i64>(1)? as u64;
            }
        }
        Ok(sum)
    }

    fn lines_from_tally(&self, query: &Query) -> Result<Lines, StoreError> {
        let mut lines = Lines::new();
        let mut statement = self.sql()?.prepare_cached(
            "SELECT day, team, site, sums FROM tally WHERE day BETWEEN ?1 AND ?2",
        )?;
        let mut rows = statement.query(bounds(query))?;
        // The splits that the tally answers look at no answer.
        let nothing = Answers::new(Kind::Reversal);
        while let Some(row) = rows.next()? {
            let team = TeamId(row.get(1)?);
            let site = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
            if !query.wants(team, site) {
                continue;
            }
            let sums = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
            let sums = decode_sums(sums).map_err(|_| StoreError::Damaged("sums"))?;
            let origin = Origin { team, author: DeviceKey([0; 32]), site, day: row.get(0)? };
            for (key, _) in lines_of(&query.by, origin, &nothing) {
                let line = lines.entry(key).or_default();
                for (indicator, n) in &sums {
                    match line.get_mut(indicator.as_ref()) {
                        Some(sum) => *sum += n,
                        None => _ = line.insert(indicator.clone().into_owned(), *n),
                    }
                }
            }
        }
        Ok(lines)
    }

    fn lines_from_rows(&self, query: &Query) -> Result<Lines, StoreError> {
        let mut lines = Lines::new();
        self.each_counted(bounds(query), |team, author, day, answers| {
            let site = answers.code("site").unwrap_or_default();
            if !query.wants(team, site) {
                return;
            }
            let origin = Origin { team, author, site, day };
            for (key, answers) in lines_of(&query.by, origin, answers) {
                let measures = measures(&answers);
                if measures.is_empty() {
                    continue;
                }
                let line = lines.entry(key).or_default();
                for (indicator, n) in measures {
                    *line.entry(indicator.into_owned()).or_default() += n;
                }
            }
        })?;
        Ok(lines)
    }
}

fn bounds(query: &Query) -> (i64, i64) {
    (
        query.from.map_or(i64::MIN, CivilDate::epoch_day),
        query.to.map_or(i64::MAX, CivilDate::epoch_day),
    )
}
