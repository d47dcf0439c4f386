//! What totals count: each indicator declared once, by its name, its definition, its source and what
//! one record adds to it.
//!
//! Every indicator is a sum over records, so that it can be counted on any device, merged, and
//! recounted with the same answer. Shares and percentiles are read from sums and never summed.

use super::{Answers, Kind};
use std::collections::BTreeMap;

/// What one record adds.
#[derive(Clone, Copy, Debug)]
pub enum Adds {
    /// One number.
    Number(fn(&Answers) -> i64),
    /// A number for each of several parts, kept as `indicator.part`.
    ByPart(fn(&Answers) -> Vec<(String, i64)>),
}

/// An indicator of the data dictionary.
#[derive(Clone, Copy, Debug)]
pub struct Indicator {
    /// Its name in totals, exports and code packs.
    pub name: &'static str,
    /// What is counted, in English.
    pub definition: &'static str,
    /// Where the definition comes from.
    pub source: &'static str,
    /// For each kind of record that adds to it, what one record adds.
    pub adds: &'static [(Kind, Adds)],
}

/// A share: one sum over another. Where the other is 0 there is none.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// Its name.
    pub name: &'static str,
    /// What it says, in English.
    pub definition: &'static str,
    /// Where the definition comes from.
    pub source: &'static str,
    /// The indicator above the line.
    pub of: &'static str,
    /// The indicators below the line, added.
    pub over: &'static [&'static str],
}

/// A code that follows from a record's other answers; totals can be split by it.
#[derive(Clone, Copy, Debug)]
pub struct Derived {
    /// Its name.
    pub name: &'static str,
    /// What it says, in English.
    pub about: &'static str,
    /// The codes that it can have.
    pub codes: &'static [&'static str],
    /// The code of a record.
    pub of: fn(&Answers) -> Option<String>,
}

/// Sums by indicator; one that is absent is 0.
pub type Sums = BTreeMap<String, i64>;

/// Whether a sum is of one part of an indicator.
pub fn is_part(name: &str) -> bool {
    name.contains('.')
}

impl Share {
    /// The share of these sums, from 0 up; `None` where nothing is below the line.
    pub fn of(&self, sums: &Sums) -> Option<f64> {
        let sum = |name: &&str| sums.get(*name).copied().unwrap_or(0);
        let over: i64 = self.over.iter().map(sum).sum();
        (over != 0).then(|| sum(&self.of) as f64 / over as f64)
    }
}

/// Of counts kept by whole number as `indicator.N`, the smallest number that this share of them does
/// not pass: 0.5 is the median, 0.9 the 90th percentile. `None` where there are none.
pub fn percentile(sums: &Sums, indicator: &str, share: f64) -> Option<i64> {
    let prefix = format!("{indicator}.");
    let mut counts: Vec<(i64, i64)> = sums
        .iter()
        .filter_map(|(name, n)| Some((name.strip_prefix(&prefix)?.parse().ok()?, *n)))
        .collect();
    counts.sort_unstable();
    let all: i64 = counts.iter().map(|(_, n)| n).sum();
    let wanted = (all as f64 * share).ceil().max(1.0) as i64;
    let mut so_far = 0;
    counts.into_iter().find_map(|(number, n)| {
        so_far += n;
        (so_far >= wanted).then_some(number)
    })
}
