//! Civil dates and clocks. A clock is carried and shown; it decides nothing.

use chrono::{Datelike, Days, NaiveDate};
use std::fmt;
use std::str::FromStr;

/// Milliseconds since 1970-01-01T00:00:00Z by the clock of whoever wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    const PER_DAY: i64 = 86_400_000;

    /// Days since 1970-01-01 in UTC, rounded down.
    pub fn epoch_day(self) -> i64 {
        self.0.div_euclid(Self::PER_DAY)
    }

    /// When a day since 1970-01-01 begins in UTC.
    pub fn start_of(day: i64) -> UnixMillis {
        UnixMillis(day.saturating_mul(Self::PER_DAY))
    }

    /// The moment as ISO 8601 in UTC, to the second, or the bare number where no calendar reaches.
    pub fn to_iso(self) -> String {
        match chrono::DateTime::from_timestamp_millis(self.0) {
            Some(moment) => moment.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            None => format!("{} ms", self.0),
        }
    }
}

/// A local civil date, year 0000 to 9999, written `yyyy-mm-dd`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CivilDate(NaiveDate);

/// Text that is no date of the calendar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a date of the calendar as yyyy-mm-dd")]
pub struct NotADate;

/// How finely totals are split by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// `2018-01-31`
    Day,
    /// `2018-W05`, ISO 8601 weeks
    Week,
    /// An epidemiological week (MMWR): from Sunday on, of the year in which its Wednesday lies.
    EpiWeek,
    /// `2018-01`
    Month,
    /// `2018-Q1`
    Quarter,
    /// `2018`
    Year,
    /// A year that begins with this month, 1 to 12, as those that programmes report in.
    FiscalYear {
        /// The month: a code pack says which, or it is April.
        first_month: u8,
    },
}

impl CivilDate {
    /// The date of these days since 1970-01-01, if the year has four digits.
    pub fn from_epoch_day(day: i64) -> Option<Self> {
        let date = NaiveDate::from_epoch_days(i32::try_from(day).ok()?)?;
        (0..=9999).contains(&date.year()).then_some(Self(date))
    }

    /// Days since 1970-01-01.
    pub fn epoch_day(self) -> i64 {
        i64::from(self.0.to_epoch_days())
    }

    /// The period that holds this date, in its written form.
    pub fn period(self, period: Period) -> String {
        match period {
            Period::Day => self.to_string(),
            Period::Week => {
                let week = self.0.iso_week();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
            Period::EpiWeek => {
                // A week is of the year in which its Wednesday lies.
                let (sunday, _) = self.bounds(period);
                let wednesday = sunday.0.checked_add_days(Days::new(3)).unwrap_or(sunday.0);
                format!("{:04}-EW{:02}", wednesday.year(), wednesday.ordinal0() / 7 + 1)
            }
            Period::Month => format!("{:04}-{:02}", self.0.year(), self.0.month()),
            Period::FiscalYear { first_month } => {
                let (first, last) = self.bounds(period);
                match first_month {
                    1 => format!("{:04}", first.0.year()),
                    _ => format!("{:04}/{:02}", first.0.year(), last.0.year() % 100),
                }
            }
            Period::Quarter => format!("{:04}-Q{}", self.0.year(), self.0.month0() / 3 + 1),
            Period::Year => format!("{:04}", self.0.year()),
        }
    }

    /// The first and the last day of the period that holds this date.
    pub fn bounds(self, period: Period) -> (CivilDate, CivilDate) {
        let first = match period {
            Period::Day => self.0,
            Period::Week => {
                let back = u64::from(self.0.weekday().num_days_from_monday());
                self.0.checked_sub_days(Days::new(back)).unwrap_or(self.0)
            }
            Period::EpiWeek => {
                let back = u64::from(self.0.weekday().num_days_from_sunday());
                self.0.checked_sub_days(Days::new(back)).unwrap_or(self.0)
            }
            Period::FiscalYear { first_month } => {
                let year = self.0.year() - i32::from(self.0.month() < u32::from(first_month));
                NaiveDate::from_ymd_opt(year, u32::from(first_month), 1).unwrap_or(self.0)
            }
            Period::Month => self.0.with_day(1).unwrap_or(self.0),
            Period::Quarter => {
                NaiveDate::from_ymd_opt(self.0.year(), self.0.month0() / 3 * 3 + 1, 1)
                    .unwrap_or(self.0)
            }
            Period::Year => NaiveDate::from_ymd_opt(self.0.year(), 1, 1).unwrap_or(self.0),
        };
        let last = match period {
            Period::Day => first,
            Period::Week | Period::EpiWeek => first.checked_add_days(Days::new(6)).unwrap_or(first),
            Period::Month | Period::Quarter | Period::Year | Period::FiscalYear { .. } => {
                let months = match period {
                    Period::Month => 1,
                    Period::Quarter => 3,
                    _ => 12,
                };
                first
                    .checked_add_months(chrono::Months::new(months))
                    .and_then(|next| next.pred_opt())
                    .unwrap_or(first)
            }
        };
        (CivilDate(first), CivilDate(last))
    }

    /// The year of the calendar.
    pub fn year(self) -> i32 {
        self.0.year()
    }
}

impl fmt::Display for CivilDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

impl FromStr for CivilDate {
    type Err = NotADate;
    fn from_str(text: &str) -> Result<Self, NotADate> {
        let shape = text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !shape {
            return Err(NotADate);
        }
        let number =
            |range: std::ops::Range<usize>| text[range].parse::<u32>().map_err(|_| NotADate);
        let year = i32::try_from(number(0..4)?).map_err(|_| NotADate)?;
        NaiveDate::from_ymd_opt(year, number(5..7)?, number(8..10)?).map(CivilDate).ok_or(NotADate)
    }
}

impl Period {
    /// The first month of fiscal years where no code pack says another: April.
    pub const FIRST_MONTH: u8 = 4;

    const NAMED: [(Period, &str); 7] = [
        (Period::Day, "day"),
        (Period::Week, "week"),
        (Period::EpiWeek, "epi_week"),
        (Period::Month, "month"),
        (Period::Quarter, "quarter"),
        (Period::Year, "year"),
        (Period::FiscalYear { first_month: Period::FIRST_MONTH }, "fiscal_year"),
    ];

    /// The first and the last day of a period, as it is written: `2026-03-01`, `2026-W09`, `2026-EW09`, `2026-03`,
    /// `2026-Q1`, `2026`; `2018/19` is a fiscal year that begins in this month.
    pub fn of_written(written: &str, first_month: u8) -> Option<(CivilDate, CivilDate)> {
        let (year, part) = match written.split_once(['-', '/']) {
            None => (written, ""),
            Some((year, part)) => (year, part),
        };
        let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
        let year: i32 = year.parse().ok().filter(|_| is_year)?;
        let begins = |month: u32| NaiveDate::from_ymd_opt(year, month, 1).map(CivilDate);
        let number = |digits: &str| {
            let is_two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u32>().ok().filter(|_| is_two)
        };
        let week_of = |day: NaiveDate, week: u32, period: Period, name: String| {
            let day = day.checked_add_days(Days::new(u64::from(week.checked_sub(1)?) * 7))?;
            let found = CivilDate(day);
            (found.period(period) == name).then(|| found.bounds(period))
        };
        if written.contains('/') {
            let period = Period::FiscalYear { first_month };
            let bounds = begins(u32::from(first_month))?.bounds(period);
            return (bounds.0.period(period) == written).then_some(bounds);
        }
        let of = |period, month: u32| Some(begins(month)?.bounds(period));
        if let Some(week) = part.strip_prefix("EW") {
            // The week that holds the fourth of January is the first.
            let first = NaiveDate::from_ymd_opt(year, 1, 4)?;
            return week_of(first, number(week)?, Period::EpiWeek, written.to_owned());
        }
        if let Some(week) = part.strip_prefix('W') {
            let first = NaiveDate::from_ymd_opt(year, 1, 4)?;
            return week_of(first, number(week)?, Period::Week, written.to_owned());
        }
        match part {
            "" if written.len() == 4 => of(Period::Year, 1),
            "Q1" => of(Period::Quarter, 1),
            "Q2" => of(Period::Quarter, 4),
            "Q3" => of(Period::Quarter, 7),
            "Q4" => of(Period::Quarter, 10),
            month if month.len() == 2 => of(Period::Month, number(month)?),
            _ => written.parse::<CivilDate>().ok().map(|day| (day, day)),
        }
    }

    /// The period's name.
    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(period, _)| *period == self).map_or("", |(_, name)| name)
    }
}

impl FromStr for Period {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::NAMED.iter().find(|(_, name)| *name == text);
        named.map(|(period, _)| *period).ok_or_else(|| {
            "expected day, week, epi_week, month, quarter, year or fiscal_year".to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> CivilDate {
        text.parse().expect("a date of the test")
    }

    #[test]
    fn only_dates_of_the_calendar_parse() {
        for text in
            ["2018-02-29", "2018-13-01", "18-01-01", "2018-1-01", "2018-01-0a", "", "+018-01-01"]
        {
            assert!(text.parse::<CivilDate>().is_err(), "{text}");
        }
        assert_eq!(date("2020-02-29").to_string(), "2020-02-29");
    }

    #[test]
    fn a_written_period_is_its_first_and_last_day() {
        for (period, from, to) in [
            ("2026", "2026-01-01", "2026-12-31"),
            ("2028-02", "2028-02-01", "2028-02-29"),
            ("2026-12", "2026-12-01", "2026-12-31"),
            ("2026-Q1", "2026-01-01", "2026-03-31"),
            ("2026-Q4", "2026-10-01", "2026-12-31"),
            ("9999", "9999-01-01", "9999-12-31"),
            ("2018/19", "2018-04-01", "2019-03-31"),
            ("1999/00", "1999-04-01", "2000-03-31"),
            ("2020-W53", "2020-12-28", "2021-01-03"),
            ("2019-W01", "2018-12-31", "2019-01-06"),
            ("2019-EW01", "2018-12-30", "2019-01-05"),
            ("2020-EW53", "2020-12-27", "2021-01-02"),
            ("2026-03-14", "2026-03-14", "2026-03-14"),
        ] {
            let days = Period::of_written(period, 4);
            let days = days.map(|(from, to)| (from.to_string(), to.to_string()));
            assert_eq!(days, Some((from.to_owned(), to.to_owned())), "{period}");
        }
        for wrong in [
            "",
            "2026-13",
            "2026-Q5",
            "2026-Q0",
            "26-01",
            "x",
            "2018/20",
            "2018/2019",
            "2019-W53",
            "2019-EW53",
            "2019-W00",
            "2019-W1",
            "+018",
            "2026-",
            "2026-é",
            "2018/1é",
        ] {
            assert_eq!(Period::of_written(wrong, 4), None, "{wrong}");
        }
        assert_eq!(
            Period::of_written("2018/19", 7).map(|(from, _)| from.to_string()).as_deref(),
            Some("2018-07-01")
        );
    }

    #[test]
    fn periods_follow_iso_8601_and_mmwr() {
        assert_eq!(date("2018-12-31").period(Period::Week), "2019-W01");
        assert_eq!(date("2021-01-03").period(Period::Week), "2020-W53");
        assert_eq!(date("2018-06-30").period(Period::Quarter), "2018-Q2");
        let fiscal = Period::FiscalYear { first_month: 4 };
        for (day, epi_week, year) in [
            // MMWR: the week of 30 December 2018 is the first of 2019; 2020 has 53.
            ("2018-12-29", "2018-EW52", "2018/19"),
            ("2018-12-30", "2019-EW01", "2018/19"),
            ("2019-03-31", "2019-EW14", "2018/19"),
            ("2019-04-01", "2019-EW14", "2019/20"),
            ("2021-01-02", "2020-EW53", "2020/21"),
            ("2021-01-03", "2021-EW01", "2020/21"),
            ("1999-12-31", "1999-EW52", "1999/00"),
        ] {
            let found = (date(day).period(Period::EpiWeek), date(day).period(fiscal));
            assert_eq!(found, (epi_week.to_owned(), year.to_owned()), "{day}");
        }
        assert_eq!(date("2019-04-01").period(Period::FiscalYear { first_month: 1 }), "2019");
        let (first, last) = date("2020-02-10").bounds(Period::Month);
        assert_eq!(
            (first.to_string(), last.to_string()),
            ("2020-02-01".into(), "2020-02-29".into())
        );
        let (first, last) = date("2018-12-31").bounds(Period::Week);
        assert_eq!(
            (first.to_string(), last.to_string()),
            ("2018-12-31".into(), "2019-01-06".into())
        );
    }
}
