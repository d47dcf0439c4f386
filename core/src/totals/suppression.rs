//! Small-cell suppression: what those who hold no record may read of totals (data dictionary, exports).
//!
//! A count above zero and under the threshold is masked. In each column with a single masked cell the next
//! smallest loses its number as well, so that the masked one cannot be had by subtraction from the whole. A
//! masked cell is absent, never 0. Complements across tables and across periods are not looked at here.

use super::Lines;
use std::collections::{BTreeMap, BTreeSet};

/// Counts under this are masked.
pub const THRESHOLD: i64 = 10;

/// Lines with what is masked taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suppressed {
    /// The lines, without the masked cells.
    pub lines: Lines,
    /// The masked cells: the line's parts, and the indicator.
    pub masked: BTreeSet<(Vec<String>, String)>,
}

/// Masks the cells of these lines that are under the threshold, and those from which they could be had.
pub fn suppress(lines: &Lines) -> Suppressed {
    let mut columns: BTreeMap<&str, Vec<(&Vec<String>, i64)>> = BTreeMap::new();
    for (key, sums) in lines {
        for (indicator, n) in sums {
            columns.entry(indicator).or_default().push((key, *n));
        }
    }
    let mut masked = BTreeSet::new();
    for (indicator, mut cells) in columns {
        cells.sort_by_key(|(_, n)| *n);
        let counted = cells.iter().filter(|(_, n)| *n != 0);
        let small = counted.clone().filter(|(_, n)| n.abs() < THRESHOLD).count();
        // One alone could be had from the sum of the others.
        let most = if small == 1 { 2 } else { small };
        masked.extend(counted.take(most).map(|(key, _)| ((*key).clone(), indicator.to_owned())));
    }
    let mut kept = lines.clone();
    for (key, indicator) in &masked {
        if let Some(sums) = kept.get_mut(key) {
            sums.remove(indicator);
        }
    }
    Suppressed { lines: kept, masked }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(cells: &[(&str, i64)]) -> Lines {
        let line = |(key, n): &(&str, i64)| {
            (vec![(*key).to_owned()], BTreeMap::from([("reversals".to_owned(), *n)]))
        };
        cells.iter().map(line).collect()
    }

    fn masked(cells: &[(&str, i64)]) -> Vec<String> {
        let suppressed = suppress(&lines(cells));
        for (key, _) in &suppressed.masked {
            assert!(!suppressed.lines[key].contains_key("reversals"), "masked is absent");
        }
        suppressed.masked.into_iter().map(|(key, _)| key.concat()).collect()
    }

    #[test]
    fn small_cells_are_absent_and_none_can_be_had_from_the_others() {
        assert_eq!(masked(&[("a", 10), ("b", 12)]), Vec::<String>::new());
        assert_eq!(masked(&[("a", 9), ("b", 40), ("c", 30)]), ["a", "c"]);
        assert_eq!(masked(&[("a", 1), ("b", 40), ("c", 3)]), ["a", "c"]);
        assert_eq!(masked(&[("a", 1)]), ["a"], "where there is nothing else to mask");
        assert_eq!(
            masked(&[("a", 0), ("b", 40)]),
            Vec::<String>::new(),
            "nothing is no small count"
        );
    }
}
