//! Dates, months and times of day as people and agencies write them: in a declared form, or found out where only one
//! reading is possible. A date that could be two is never guessed.

use chrono::NaiveDate;

/// The order of a date's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Day, month, year.
    Dmy,
    /// Month, day, year.
    Mdy,
    /// Year, month, day.
    Ymd,
}

impl Order {
    /// The order of this name: `dmy`, `mdy` or `ymd`.
    pub fn of_name(name: &str) -> Option<Order> {
        match name {
            "dmy" => Some(Order::Dmy),
            "mdy" => Some(Order::Mdy),
            "ymd" => Some(Order::Ymd),
            _ => None,
        }
    }
}

/// What a column's dates say of their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Some can be read with the day first alone.
    day_first: bool,
    /// Some can be read with the month first alone.
    month_first: bool,
    /// Some can be read both ways.
    either: bool,
}

/// What becomes of a column whose dates name no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Their order; where nothing depends on it, any.
    Order(Order),
    /// Each can be read both ways.
    Ambiguous,
    /// Some have the day first, others the month.
    Contradicting,
}

impl Seen {
    /// Looks at one cell.
    pub fn look(&mut self, cell: &str) {
        let Some([first, second, year]) = parts(cell) else { return };
        if first.len() == 4 || year.len() != 4 {
            return;
        }
        let number = |text: &str| text.parse::<u32>().unwrap_or(0);
        match (number(first), number(second)) {
            (day, month) if day == month => {}
            (13.., ..=12) => self.day_first = true,
            (..=12, 13..) => self.month_first = true,
            (..=12, ..=12) => self.either = true,
            _ => {}
        }
    }

    /// What they say together.
    pub fn found(self) -> Found {
        match (self.day_first, self.month_first, self.either) {
            (true, true, _) => Found::Contradicting,
            (true, false, _) => Found::Order(Order::Dmy),
            (false, true, _) => Found::Order(Order::Mdy),
            (false, false, true) => Found::Ambiguous,
            (false, false, false) => Found::Order(Order::Ymd),
        }
    }
}

/// The three numbers of a date, what follows them (a time) left out.
fn parts(cell: &str) -> Option<[&str; 3]> {
    let date = cell.split([' ', 'T', 't']).next().unwrap_or(cell);
    let mut parts = date.split(['-', '/', '.']);
    let all = [parts.next()?, parts.next()?, parts.next()?];
    let is_number =
        |part: &str| (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    (parts.next().is_none() && all.iter().all(|part| is_number(part))).then_some(all)
}

/// A date, as `yyyy-mm-dd`: the year first always is the year; otherwise by this order. Two digits are no year.
pub fn date(cell: &str, order: Option<Order>) -> Option<String> {
    let [first, second, third] = parts(cell)?;
    let (year, month, day) = match (first.len(), order) {
        (4, _) => (first, second, third),
        (_, Some(Order::Dmy)) => (third, second, first),
        (_, Some(Order::Mdy)) => (third, first, second),
        // The same both ways.
        (_, _) if first.parse::<u32>() == second.parse::<u32>() => (third, second, first),
        _ => return None,
    };
    let number = |text: &str| text.parse::<u32>().ok();
    let year = (year.len() == 4).then(|| number(year))??;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number(month)?, number(day)?)?;
    Some(date.format("%Y-%m-%d").to_string())
}

/// A date in a declared form: `YYYY`, `YY` (2000 to 2099), `MM`, `DD`, `MMM`, and whatever stands between them; `serial` is the
/// day number of spreadsheets, `epoch` seconds and `epoch_ms` milliseconds since 1970.
pub fn date_by(form: &str, cell: &str) -> Option<String> {
    let days = |days: i64| {
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
        epoch.checked_add_signed(chrono::TimeDelta::try_days(days)?)
    };
    let found = match form {
        // A spreadsheet's day 1 is 1900-01-01, and it has a 29th of February in that year.
        "serial" => cell
            .parse::<f64>()
            .ok()
            .filter(|day| (61.0..2_958_466.0).contains(day))
            .and_then(|day| days(day as i64 - 25_569)),
        "epoch" => cell.parse::<i64>().ok().and_then(|seconds| days(seconds.div_euclid(86_400))),
        "epoch_ms" => {
            cell.parse::<i64>().ok().and_then(|millis| days(millis.div_euclid(86_400_000)))
        }
        _ => {
            let strptime = form
                .replace("YYYY", "%Y")
                .replace("YY", "%y")
                .replace("MMM", "%b")
                .replace("MM", "%m")
                .replace("DD", "%d");
            // chrono takes one digit where two may stand, as people write them; a time may follow.
            let read = NaiveDate::parse_and_remainder(cell, &strptime).ok();
            read.filter(|(_, rest)| rest.is_empty() || rest.starts_with([' ', 'T']))
                .map(|(date, _)| date)
        }
    };
    found.map(|date| date.format("%Y-%m-%d").to_string())
}

/// Whether a form is one that [`date_by`] reads.
pub fn is_date_form(form: &str) -> bool {
    ["serial", "epoch", "epoch_ms"].contains(&form)
        || form.contains("YY") && form.contains("MM") && form.contains("DD")
}

/// The months' names of a spreadsheet's *Mmm-yy*.
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// A month, as `yyyy-mm`: that, a date's, or a name and a year.
pub fn month(cell: &str, order: Option<Order>) -> Option<String> {
    if let Some(date) = date(cell, order) {
        return Some(date[..7].to_owned());
    }
    let (first, second) = cell.split_once(['-', '/', ' ', '.'])?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let named = |name: &str| {
        let name = name.to_lowercase();
        MONTHS.iter().position(|month| name.starts_with(month)).map(|at| at + 1)
    };
    let number = |text: &str| text.parse::<usize>().ok().filter(|month| (1..=12).contains(month));
    let (year, month) = match (first.len(), second.len()) {
        (4, 1 | 2) if digits(first) => (first.to_owned(), number(second)?),
        (1 | 2, 4) if digits(second) => (second.to_owned(), number(first)?),
        (_, 4) if digits(second) => (second.to_owned(), named(first)?),
        // An expiry is of this century.
        (_, 2) if digits(second) && !digits(first) => (format!("20{second}"), named(first)?),
        _ => return None,
    };
    Some(format!("{year}-{month:02}"))
}

/// A time in a declared form, as `hh:mm`: `hh:mm AM` or `hh:mm:ss AM` of twelve hours, `hh:mm` or `hh:mm:ss` of twenty-four;
/// `serial` is a part of a day as spreadsheets have it, `epoch` seconds and `epoch_ms` milliseconds since 1970, in UTC.
pub fn time_by(form: &str, cell: &str) -> Option<String> {
    let of_day = |seconds: i64| {
        let minutes = seconds.rem_euclid(86_400) / 60;
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    };
    match form {
        "serial" => {
            let days = cell.parse::<f64>().ok().filter(|days| (0.0..2_958_466.0).contains(days))?;
            Some(of_day((days.fract() * 86_400.0).round() as i64))
        }
        "epoch" => cell.parse().ok().map(of_day),
        "epoch_ms" => cell.parse::<i64>().ok().map(|millis| of_day(millis.div_euclid(1_000))),
        _ => {
            let says_half = |text: &str| text.to_lowercase().contains(['a', 'p']);
            time(cell).filter(|_| says_half(form) == says_half(cell))
        }
    }
}

/// Whether a form is one that [`time_by`] reads.
pub fn is_time_form(form: &str) -> bool {
    ["serial", "epoch", "epoch_ms", "hh:mm", "hh:mm:ss", "hh:mm AM", "hh:mm:ss AM"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(form))
}

/// A time of day, as `hh:mm`: of twenty-four hours, or of twelve with AM or PM; seconds are left out. Behind a date it is the
/// time of that.
pub fn time(cell: &str) -> Option<String> {
    let mut words =
        cell.split([' ', 'T', 't', '\u{a0}', '\u{202f}']).filter(|word| !word.is_empty());
    let (mut clock, mut half) = (None, None);
    for word in words.by_ref() {
        let lower = word.to_lowercase();
        let (digits, tail) = lower.split_at(lower.find(['a', 'p']).unwrap_or(lower.len()));
        if digits.contains(':') && clock.is_none() {
            clock = Some(digits.to_owned());
        }
        match tail.trim_end_matches('z').replace('.', "").as_str() {
            "am" => half = Some(0),
            "pm" => half = Some(12),
            "" => {}
            _ => return None,
        }
    }
    let clock = clock?;
    let mut parts = clock.trim_end_matches('z').split(':');
    let (hour, minute) = (parts.next()?, parts.next()?);
    let second = parts.next().unwrap_or("0");
    let two = |text: &str, most: u32| {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u32>().ok().filter(|number| is_number && *number <= most)
    };
    // Parts of a second are left out with it.
    two(second.split(['.', ',']).next().unwrap_or(second), 59)
        .filter(|_| parts.next().is_none())?;
    let hour = match half {
        None => two(hour, 23)?,
        Some(half) => two(hour, 12).filter(|hour| *hour > 0)? % 12 + half,
    };
    Some(format!("{hour:02}:{:02}", two(minute, 59)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_a_declared_form_are_read_by_it_alone() {
        for (form, cell, expected) in [
            ("hh:mm:ss AM", "08:56:00 PM", Some("20:56")),
            ("hh:mm:ss AM", "08:56:00", None),
            ("hh:mm", "20:56", Some("20:56")),
            ("HH:mm", "8:56 PM", None),
            ("serial", "0.5", Some("12:00")),
            ("serial", "43831.75", Some("18:00")),
            ("epoch", "1520000000", Some("14:13")),
            ("epoch_ms", "1520000000000", Some("14:13")),
            ("serial", "noon", None),
        ] {
            assert_eq!(time_by(form, cell).as_deref(), expected, "{form} {cell}");
        }
        assert!(is_time_form("hh:mm:ss AM") && is_time_form("HH:mm") && !is_time_form("later"));
    }

    #[test]
    fn dates_are_read_where_they_say_one_day_and_never_guessed() {
        for (cell, order, expected) in [
            ("2026-03-04", None, Some("2026-03-04")),
            ("2022/01/16 11:08:00 AM", None, Some("2022-01-16")),
            ("2018-01-06T00:00:00.000", None, Some("2018-01-06")),
            ("04/03/2026", None, None),
            ("04/03/2026", Some(Order::Dmy), Some("2026-03-04")),
            ("04/03/2026", Some(Order::Mdy), Some("2026-04-03")),
            ("4.3.2026", Some(Order::Dmy), Some("2026-03-04")),
            ("03/03/2026", None, Some("2026-03-03")),
            ("31/02/2026", Some(Order::Dmy), None),
            ("04/03/26", Some(Order::Dmy), None),
            ("yesterday", None, None),
            ("1/2/3/4", Some(Order::Dmy), None),
        ] {
            assert_eq!(date(cell, order).as_deref(), expected, "{cell}");
        }
        let found = |cells: &[&str]| {
            let mut seen = Seen::default();
            cells.iter().for_each(|cell| seen.look(cell));
            seen.found()
        };
        assert_eq!(found(&["01/02/2026", "14/02/2026"]), Found::Order(Order::Dmy));
        assert_eq!(found(&["01/02/2026", "02/14/2026"]), Found::Order(Order::Mdy));
        assert_eq!(found(&["01/02/2026", "03/04/2026"]), Found::Ambiguous);
        assert_eq!(found(&["14/02/2026", "02/14/2026"]), Found::Contradicting);
        assert_eq!(found(&["2026-01-02", "5/5/2026"]), Found::Order(Order::Ymd));
        for (form, cell, expected) in [
            ("MM/DD/YYYY", "3/14/2026", Some("2026-03-14")),
            ("MM/DD/YYYY", "14/03/2026", None),
            ("MM/DD/YYYY", "03/14/2026 9:05 PM", Some("2026-03-14")),
            ("MM/DD/YYYY", "03/14/2026x", None),
            ("DD.MM.YY", "14.03.2026", None),
            ("DD.MM.YY", "14.03.26", Some("2026-03-14")),
            ("DD MMM YYYY", "14 Mar 2026", Some("2026-03-14")),
            ("serial", "46095", Some("2026-03-14")),
            ("serial", "46095.75", Some("2026-03-14")),
            ("serial", "12", None),
            ("epoch", "1773446400", Some("2026-03-14")),
            ("epoch_ms", "-1", Some("1969-12-31")),
        ] {
            assert_eq!(date_by(form, cell).as_deref(), expected, "{form} {cell}");
        }
    }

    #[test]
    fn times_and_months_are_read_as_they_are_written() {
        for (cell, expected) in [
            ("7:05", Some("07:05")),
            ("20:56:12", Some("20:56")),
            ("08:56:00 PM", Some("20:56")),
            ("12:10 am", Some("00:10")),
            ("12:10 p.m.", Some("12:10")),
            ("2022/01/16 11:08:00 AM", Some("11:08")),
            ("2018-01-06T09:30:00.000", Some("09:30")),
            ("13:00 PM", None),
            ("24:00", None),
            ("9", None),
            ("9:5:61", None),
        ] {
            assert_eq!(time(cell).as_deref(), expected, "{cell}");
        }
        for (cell, expected) in [
            ("2027-03", Some("2027-03")),
            ("Mar-27", Some("2027-03")),
            ("March 2027", Some("2027-03")),
            ("03/2027", Some("2027-03")),
            ("2027-03-31", Some("2027-03")),
            ("13/2027", None),
            ("03-27", None),
        ] {
            assert_eq!(month(cell, None).as_deref(), expected, "{cell}");
        }
    }
}
