//! Totals: sums over records, by period, site, team and any coded field, with what is missing.

use crate::model::date::Period;
use crate::model::schema::Shape;
use crate::model::{CivilDate, Kind, TeamId, Value, cbor};
use crate::record::Record;
use std::collections::BTreeMap;

/// The indicators of the reversal (data dictionary, indicators). `survival` is
/// survived / (survived + died); only reversals with an administration count anywhere.
pub const INDICATORS: &[&str] = &[
    "reversals",
    "doses",
    "doses_unknown",
    "survived",
    "died",
    "outcome_unknown",
    "ems_called",
    "ems_not_called",
];

/// What one record adds to totals: the same code on device and hub.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Each indicator with what the record adds to it.
    pub measures: Vec<(String, i64)>,
    /// Each coded field with the code answered; a set gives one for each code ticked.
    pub coded: Vec<(String, String)>,
}

impl Facts {
    /// The facts of a record.
    pub fn of(record: &Record) -> Facts {
        match record.kind {
            Kind::Reversal => Facts { measures: reversal_measures(record), coded: coded(record) },
        }
    }

    /// Writes `[{indicator: n}, [[field, code] …]]`.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(|encoder| {
            encoder.array(2)?.array(self.measures.len() as u64)?;
            for (indicator, n) in &self.measures {
                encoder.array(2)?.str(indicator)?.i64(*n)?;
            }
            encoder.array(self.coded.len() as u64)?;
            for (field, code) in &self.coded {
                encoder.array(2)?.str(field)?.str(code)?;
            }
            Ok(())
        })
    }

    /// Reads what [`Facts::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Facts, cbor::Malformed> {
        let mut decoder = minicbor::Decoder::new(bytes);
        cbor::array_of(&mut decoder, 2)?;
        let mut facts = Facts::default();
        for _ in 0..cbor::array_up_to(&mut decoder, 1_000, "measures")? {
            cbor::array_of(&mut decoder, 2)?;
            facts.measures.push((decoder.str()?.to_owned(), decoder.i64()?));
        }
        for _ in 0..cbor::array_up_to(&mut decoder, 1_000_000, "answers")? {
            cbor::array_of(&mut decoder, 2)?;
            facts.coded.push((decoder.str()?.to_owned(), decoder.str()?.to_owned()));
        }
        Ok(facts)
    }
}

fn reversal_measures(record: &Record) -> Vec<(String, i64)> {
    let doses: Vec<Option<i64>> = record
        .elements("administrations")
        .map(|element| {
            let value = element.fields.get("doses").and_then(|values| values.last());
            value.and_then(|(value, _)| value.as_int())
        })
        .collect();
    if doses.is_empty() {
        return Vec::new();
    }
    let code = |field: &str| record.get(field).and_then(Value::as_text);
    let mut measures = vec![("reversals".to_owned(), 1)];
    let known: i64 = doses.iter().flatten().sum();
    let unknown = doses.iter().filter(|doses| doses.is_none()).count() as i64;
    measures.push(("doses".to_owned(), known));
    measures.push(("doses_unknown".to_owned(), unknown));
    let outcome = match code("outcome") {
        Some("survived") => "survived",
        Some("died") => "died",
        _ => "outcome_unknown",
    };
    measures.push((outcome.to_owned(), 1));
    match code("ems_called") {
        Some("yes") => measures.push(("ems_called".to_owned(), 1)),
        Some("no") => measures.push(("ems_not_called".to_owned(), 1)),
        _ => {}
    }
    measures.retain(|(_, n)| *n != 0);
    measures
}

fn coded(record: &Record) -> Vec<(String, String)> {
    let mut coded = Vec::new();
    for (name, values) in &record.fields {
        let Some((value, _)) = values.last() else {
            continue;
        };
        let shape =
            crate::model::check::declared(record.kind, name).map(|field| (field.name, field.shape));
        match (shape, value) {
            (Some((_, shape @ Shape::Code(_))), Value::Text(code))
                if is_counted_by(name, shape) =>
            {
                coded.push((name.clone(), code.clone()));
            }
            (Some((set, Shape::CodeSet(_))), Value::Bool(true)) => {
                let code = name.get(set.len() + 1..).unwrap_or_default();
                coded.push((set.to_owned(), code.to_owned()));
            }
            _ => {}
        }
    }
    coded
}

/// How totals are split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Split {
    /// By period of `occurred_on`.
    Period(Period),
    /// By site.
    Site,
    /// By team.
    Team,
    /// By the codes of one coded field.
    Code(String),
}

/// Text that names no way to split totals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected day, week, month, quarter, year, site, team or a coded field: {fields}")]
pub struct NotASplit {
    /// The coded fields, separated by commas.
    pub fields: String,
}

impl std::str::FromStr for Split {
    type Err = NotASplit;
    fn from_str(text: &str) -> Result<Self, NotASplit> {
        let coded = || {
            let fields = Kind::ALL.into_iter().flat_map(Kind::fields);
            fields.filter(|field| is_counted_by(field.name, field.shape)).map(|field| field.name)
        };
        match (text, text.parse()) {
            ("site", _) => Ok(Split::Site),
            ("team", _) => Ok(Split::Team),
            (_, Ok(period)) => Ok(Split::Period(period)),
            (field, Err(_)) if coded().any(|name| name == field) => {
                Ok(Split::Code(field.to_owned()))
            }
            _ => Err(NotASplit { fields: coded().collect::<Vec<_>>().join(", ") }),
        }
    }
}

/// Whether totals can be split by a field's codes. The site has a split of its own, and a void
/// record counts nowhere.
fn is_counted_by(name: &str, shape: Shape) -> bool {
    matches!(shape, Shape::Code(_) | Shape::CodeSet(_)) && name != "site" && name != "void"
}

impl std::fmt::Display for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Split::Period(period) => f.write_str(period.name()),
            Split::Site => f.write_str("site"),
            Split::Team => f.write_str("team"),
            Split::Code(field) => f.write_str(field),
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Only this team; `None` for all that the store holds.
    pub team: Option<TeamId>,
    /// Only from this date on.
    pub from: Option<CivilDate>,
    /// Only up to this date, inclusive.
    pub to: Option<CivilDate>,
    /// How to split, coarsest first; none gives one line.
    pub by: Vec<Split>,
}

/// What is known to exist and is not here yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownMissing {
    /// How many entries at least.
    pub entries: u64,
    /// From how many devices.
    pub devices: u64,
}

/// One line of totals: the parts that it was split by, and each indicator's sum.
pub type Lines = BTreeMap<Vec<String>, BTreeMap<String, i64>>;

/// An answer: totals with what they lack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The sums, by the parts asked for.
    pub lines: Lines,
    /// What is known to exist and not yet here.
    pub missing: KnownMissing,
    /// Records that count nowhere because of their date.
    pub flagged: u64,
    /// Entries held that wait to be judged or for others.
    pub waiting: u64,
    /// How often logs forked: each a device restored from a copy, cloned, or hostile. An alarm for
    /// coordinators; all branches count.
    pub forks: u64,
}

impl Totals {
    /// survived / (survived + died) of one line; `None` where nobody's outcome is known.
    pub fn survival(line: &BTreeMap<String, i64>) -> Option<f64> {
        let of = |indicator: &str| line.get(indicator).copied().unwrap_or(0);
        let known = of("survived") + of("died");
        (known > 0).then(|| of("survived") as f64 / known as f64)
    }
}
