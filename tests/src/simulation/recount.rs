//! Totals of the reversals that should count, recounted from the values that screens show. Shares
//! no code with the engine.

use super::oracle::{Answer, Label};
use std::collections::{BTreeMap, BTreeSet};

/// What a screen shows of a record: of each field all values, the winner last, each with the day by
/// the clock of whoever put it.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    pub team: u32,
    pub fields: BTreeMap<String, Vec<(Answer, i64)>>,
    pub administrations: Vec<BTreeMap<String, Vec<Answer>>>,
}

/// (date, site, outcome) with reversals and known doses.
pub type Totals = BTreeMap<(String, String, String), (i64, i64)>;

/// Counts each event once.
pub fn recount(records: &BTreeMap<Label, Shown>) -> Totals {
    let mut totals = Totals::new();
    for (id, shown) in records {
        let counts = !is_void(shown) && !is_flagged(shown) && is_first_of_its_set(id, records);
        let given: Vec<_> = shown
            .administrations
            .iter()
            .filter(|given| !any_set(given.get("void").into_iter().flatten()))
            .collect();
        if !counts || given.is_empty() {
            continue;
        }
        let doses = given.iter().filter_map(|given| match given.get("doses")?.last() {
            Some(Answer::Number(doses)) => Some(*doses),
            _ => None,
        });
        let key = (word(shown, "occurred_on"), word(shown, "site"), word(shown, "outcome"));
        let line = totals.entry(key).or_default();
        line.0 += 1;
        line.1 += doses.sum::<i64>();
    }
    totals
}

fn any_set<'a>(mut answers: impl Iterator<Item = &'a Answer>) -> bool {
    answers.any(|answer| *answer != Answer::Nothing)
}

fn is_void(shown: &Shown) -> bool {
    any_set(shown.fields.get("void").into_iter().flatten().map(|(answer, _)| answer))
}

fn word(shown: &Shown, field: &str) -> String {
    match shown.fields.get(field).and_then(|values| values.last()) {
        Some((Answer::Word(word), _)) => word.clone(),
        _ => String::new(),
    }
}

/// Days since 1970-01-01 of the record's date; the calendar counted out, not looked up.
fn day(shown: &Shown) -> Option<i64> {
    let text = word(shown, "occurred_on");
    let mut parts = text.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = |month: i64| match month {
        2 => 28 + i64::from(leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let years: i64 = match year >= 1970 {
        true => (1970..year).map(|year| 365 + i64::from(leap(year))).sum(),
        false => -(year..1970).map(|year| 365 + i64::from(leap(year))).sum::<i64>(),
    };
    Some(years + (1..month).map(length).sum::<i64>() + day - 1)
}

/// Before 2000-01-01 (day 10,957), or later than the day after the clock of whoever put it.
fn is_flagged(shown: &Shown) -> bool {
    let put_on = shown.fields.get("occurred_on").and_then(|values| values.last());
    match (day(shown), put_on) {
        (Some(day), Some((_, clock_day))) => day < 10_957 || day > clock_day + 1,
        _ => true,
    }
}

/// Of records that name each other as duplicates, in one team, the lowest counts that is neither void
/// nor kept out by its date.
fn is_first_of_its_set(id: &Label, records: &BTreeMap<Label, Shown>) -> bool {
    let short = |id: &Label| id[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let names = |shown: &Shown| -> BTreeSet<String> {
        let values = shown.fields.get("duplicate_of").into_iter().flatten();
        let words = values.filter_map(|(answer, _)| match answer {
            Answer::Word(word) => Some(word.clone()),
            _ => None,
        });
        words.collect()
    };
    let mut set = BTreeSet::from([*id]);
    loop {
        let more: Vec<Label> = records
            .iter()
            .filter(|(other, shown)| {
                !set.contains(*other)
                    && shown.team == records[id].team
                    && set.iter().any(|of| {
                        names(shown).contains(&short(of))
                            || names(&records[of]).contains(&short(other))
                    })
            })
            .map(|(other, _)| *other)
            .collect();
        if more.is_empty() {
            break;
        }
        set.extend(more);
    }
    let counts = |of: &&Label| !is_void(&records[*of]) && !is_flagged(&records[*of]);
    set.iter().filter(counts).min() == Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_out_right() {
        let shown = |date: &str| Shown {
            fields: BTreeMap::from([(
                "occurred_on".to_owned(),
                vec![(Answer::Word(date.to_owned()), 0)],
            )]),
            ..Shown::default()
        };
        for (date, days) in
            [("1970-01-01", 0), ("2000-01-01", 10_957), ("2018-03-01", 17_591), ("1969-12-31", -1)]
        {
            assert_eq!(day(&shown(date)), Some(days), "{date}");
        }
    }
}
