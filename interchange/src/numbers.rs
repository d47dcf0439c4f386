//! Whole numbers as spreadsheets write them: with a point behind them, and with marks between thousands.

/// Which mark stands before parts of one, and which between thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberForm {
    /// `1,200.5`
    Point,
    /// `1.200,5`
    Comma,
}

impl NumberForm {
    /// The form that an example shows: `1,200.5` or `1.200,5`.
    pub fn of_example(example: &str) -> Option<NumberForm> {
        match example {
            "1,200.5" => Some(NumberForm::Point),
            "1.200,5" => Some(NumberForm::Comma),
            _ => None,
        }
    }
}

/// What a cell says of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// One number.
    One(i64),
    /// Two readings are possible.
    Two(i64, i64),
    /// No whole number within the bounds.
    None,
}

/// The whole number of a cell, by a form or by whichever gives a number within the bounds.
pub fn whole(cell: &str, form: Option<NumberForm>, (min, max): (i64, i64)) -> Read {
    let read = |form| number(cell, form).filter(|number| (min..=max).contains(number));
    let readings = match form {
        Some(form) => (read(form), None),
        None => (read(NumberForm::Point), read(NumberForm::Comma)),
    };
    match readings {
        (Some(one), Some(other)) if one != other => Read::Two(one, other),
        (Some(one), _) | (None, Some(one)) => Read::One(one),
        (None, None) => Read::None,
    }
}

fn number(cell: &str, form: NumberForm) -> Option<i64> {
    let (decimal, thousands) = match form {
        NumberForm::Point => ('.', ','),
        NumberForm::Comma => (',', '.'),
    };
    let (sign, rest) = match cell.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (-1, rest),
        None => (1, cell.strip_prefix('+').unwrap_or(cell)),
    };
    let (before, after) = rest.split_once(decimal).unwrap_or((rest, ""));
    // Parts of one are no part of a whole number.
    if !after.bytes().all(|byte| byte == b'0') || before.is_empty() {
        return None;
    }
    let mut groups = before.split([thousands, ' ', '\u{a0}', '\u{202f}', '\'']);
    let first = groups.next()?;
    let mut digits = first.to_owned();
    let is_grouped = groups.clone().next().is_some();
    for group in groups {
        if group.len() != 3 {
            return None;
        }
        digits.push_str(group);
    }
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_first = if is_grouped { (1..=3).contains(&first.len()) } else { !first.is_empty() };
    (is_number && is_first)
        .then(|| digits.parse::<i64>().ok())
        .flatten()
        .map(|number| sign * number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_where_one_reading_is_a_value_of_the_field() {
        let bounds = (0, 99_999);
        for (cell, expected) in [
            ("2", Read::One(2)),
            ("2.0", Read::One(2)),
            ("2,00", Read::One(2)),
            ("1,200", Read::One(1_200)),
            ("1.200", Read::One(1_200)),
            ("1 200", Read::One(1_200)),
            ("12,345.00", Read::One(12_345)),
            ("12.345,00", Read::One(12_345)),
            ("1,000", Read::Two(1_000, 1)),
            ("2.5", Read::None),
            ("1,20", Read::None),
            ("12,34", Read::None),
            ("-1", Read::None),
            ("100000", Read::None),
            ("", Read::None),
            ("two", Read::None),
            ("99999999999999999999", Read::None),
        ] {
            assert_eq!(whole(cell, None, bounds), expected, "{cell}");
        }
        assert_eq!(whole("1,000", Some(NumberForm::Point), bounds), Read::One(1_000));
        assert_eq!(whole("1,000", Some(NumberForm::Comma), bounds), Read::One(1));
        assert_eq!(whole("1,000", None, (0, 999)), Read::One(1));
        assert_eq!(whole("-300", None, (-1_080, 1_080)), Read::One(-300));
    }
}
