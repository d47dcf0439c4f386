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
    /// `2018-01`
    Month,
    /// `2018-Q1`
    Quarter,
    /// `2018`
    Year,
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
            Period::Month => format!("{:04}-{:02}", self.0.year(), self.0.month()),
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
            Period::Month => self.0.with_day(1).unwrap_or(self.0),
            Period::Quarter => {
                NaiveDate::from_ymd_opt(self.0.year(), self.0.month0() / 3 * 3 + 1, 1)
                    .unwrap_or(self.0)
            }
            Period::Year => NaiveDate::from_ymd_opt(self.0.year(), 1, 1).unwrap_or(self.0),
        };
        let last = match period {
            Period::Day => first,
            Period::Week => first.checked_add_days(Days::new(6)).unwrap_or(first),
            Period::Month | Period::Quarter | Period::Year => {
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
    const NAMED: [(Period, &str); 5] = [
        (Period::Day, "day"),
        (Period::Week, "week"),
        (Period::Month, "month"),
        (Period::Quarter, "quarter"),
        (Period::Year, "year"),
    ];

    /// The period's name.
    pub fn name(self) -> &'static str {
        Self::NAMED.iter().find(|(period, _)| *period == self).map_or("", |(_, name)| name)
    }
}

impl FromStr for Period {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::NAMED.iter().find(|(_, name)| *name == text);
        named
            .map(|(period, _)| *period)
            .ok_or_else(|| "expected day, week, month, quarter or year".to_owned())
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
    fn periods_follow_iso_8601() {
        assert_eq!(date("2018-12-31").period(Period::Week), "2019-W01");
        assert_eq!(date("2021-01-03").period(Period::Week), "2020-W53");
        assert_eq!(date("2018-06-30").period(Period::Quarter), "2018-Q2");
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
