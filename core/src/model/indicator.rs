//! What totals count: each indicator declared once, by its name, its definition, its source and what
//! one record adds to it.
//!
//! Every indicator is a sum over records, so that it can be counted on any device, merged, and
//! recounted with the same answer. Shares and percentiles are read from sums and never summed.

use super::answers::{Word, known, read_word, write_word};
use super::{Answers, Kind, cbor};
use std::collections::BTreeMap;
use std::sync::OnceLock;

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

/// All indicators, in the order of display.
pub fn indicators() -> impl Iterator<Item = &'static Indicator> {
    Kind::ALL.into_iter().flat_map(|kind| kind.declaration().indicators)
}

/// All shares, in the order of display.
pub fn shares() -> impl Iterator<Item = &'static Share> {
    Kind::ALL.into_iter().flat_map(|kind| kind.declaration().shares)
}

/// The indicator of this name.
pub fn indicator(name: &str) -> Option<&'static Indicator> {
    indicators().find(|indicator| indicator.name == name)
}

/// The share of this name.
pub fn share(name: &str) -> Option<&'static Share> {
    shares().find(|share| share.name == name)
}

/// The most parts of one indicator that one record adds to.
pub const PARTS_MAX: usize = 100;

/// What a record adds to each indicator, without zeros.
pub fn measures(answers: &Answers) -> Vec<(Word, i64)> {
    type OfKind = Vec<(&'static str, Adds)>;
    static BY_KIND: OnceLock<Vec<(Kind, OfKind)>> = OnceLock::new();
    let by_kind = BY_KIND.get_or_init(|| {
        let of = |kind: Kind| {
            let adding = |indicator: &'static Indicator| {
                let (_, adds) = indicator.adds.iter().find(|(of, _)| *of == kind)?;
                Some((indicator.name, *adds))
            };
            indicators().filter_map(adding).collect()
        };
        Kind::ALL.into_iter().map(|kind| (kind, of(kind))).collect()
    });
    let of_kind = by_kind.iter().find(|(kind, _)| *kind == answers.kind).map(|(_, of)| of);
    let mut measures = Vec::new();
    for (name, adds) in of_kind.into_iter().flatten() {
        match adds {
            Adds::Number(of) => measures.push((Word::Borrowed(*name), of(answers))),
            Adds::ByPart(of) => {
                let parts = of(answers).into_iter().take(PARTS_MAX);
                measures.extend(parts.map(|(part, n)| (known(&format!("{name}.{part}")), n)));
            }
        }
    }
    measures.retain(|(_, n)| *n != 0);
    measures
}

/// Whether a sum is of one part of an indicator.
pub fn is_part(name: &str) -> bool {
    name.contains('.')
}

/// Canonical CBOR of sums, readable by the version that wrote it.
pub fn encode_sums(sums: &BTreeMap<Word, i64>) -> Vec<u8> {
    cbor::encode(|encoder| {
        encoder.map(sums.len() as u64)?;
        for (name, n) in sums {
            write_word(encoder, name)?;
            encoder.i64(*n)?;
        }
        Ok(())
    })
}

/// Reads what [`encode_sums`] wrote.
pub fn decode_sums(bytes: &[u8]) -> Result<BTreeMap<Word, i64>, cbor::Malformed> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let count = cbor::map_up_to(&mut decoder, 10_000, "sums")?;
    (0..count).map(|_| Ok((read_word(&mut decoder)?, decoder.i64()?))).collect()
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
