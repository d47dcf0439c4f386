//! Totals: sums over records, by period, site, team, author and any coded field, with what is missing.

pub mod suppression;

use crate::model::answers::{Answers, find};
use crate::model::catalogue::PARTS_MAX;
pub use crate::model::catalogue::coded_fields;
use crate::model::date::Period;
use crate::model::field::Shape;
use crate::model::indicator::Sums;
use crate::model::{Answer, CivilDate, DeviceKey, Kind, TeamId};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// How totals are split.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// assert_eq!("month".parse::<Split>()?.to_string(), "month");
/// assert_eq!("administrations.route".parse::<Split>()?, Split::Code("administrations.route".into()));
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Split {
    /// By period of `occurred_on`.
    Period(Period),
    /// By site.
    Site,
    /// By team.
    Team,
    /// By the person who created the record: a person has the key of the first of their devices.
    Author,
    /// By the kind of record.
    Kind,
    /// By the codes of one coded field; a field of a list's elements is `list.field`.
    Code(String),
}

/// Text that names no way to split totals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected day, week, epi_week, month, quarter, year, fiscal_year, site, team, author, kind or a coded field: {fields}"
)]
pub struct NotASplit {
    /// The coded fields, separated by commas.
    pub fields: String,
}

impl std::str::FromStr for Split {
    type Err = NotASplit;
    fn from_str(text: &str) -> Result<Self, NotASplit> {
        match (text, text.parse()) {
            ("site", _) => Ok(Split::Site),
            ("team", _) => Ok(Split::Team),
            ("author", _) => Ok(Split::Author),
            ("kind", _) => Ok(Split::Kind),
            (_, Ok(period)) => Ok(Split::Period(period)),
            (field, Err(_)) if coded_fields().contains(field) => Ok(Split::Code(field.to_owned())),
            _ => {
                let fields: Vec<String> = coded_fields().into_iter().collect();
                Err(NotASplit { fields: fields.join(", ") })
            }
        }
    }
}

impl std::fmt::Display for Split {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Split::Period(period) => f.write_str(period.name()),
            Split::Site => f.write_str("site"),
            Split::Team => f.write_str("team"),
            Split::Author => f.write_str("author"),
            Split::Kind => f.write_str("kind"),
            Split::Code(field) => f.write_str(field),
        }
    }
}

/// What is asked for.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// phone.record(team, &reversal()?)?;
/// let by = vec!["quarter".parse()?, Split::Site];
/// let totals = phone.totals(&Query { team: Some(team), by, ..Query::default() })?;
/// assert_eq!(totals.lines.len(), 1);
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Only this team; `None` for all that the store holds.
    pub team: Option<TeamId>,
    /// Only what is counted for this site.
    pub site: Option<String>,
    /// Only what is counted of this kind of record.
    pub kind: Option<Kind>,
    /// Only from this date on.
    pub from: Option<CivilDate>,
    /// Only up to this date, inclusive.
    pub to: Option<CivilDate>,
    /// How to split, coarsest first; none gives one line.
    pub by: Vec<Split>,
}

/// The most parts that totals are split by, and of those the most that are codes: a record may have many
/// codes of each, and belongs to a line for each combination.
pub const SPLITS_MAX: usize = 5;
/// See [`SPLITS_MAX`].
pub const CODE_SPLITS_MAX: usize = 2;

impl Query {
    /// The same, with fiscal years that begin with this month.
    pub fn with_first_month(mut self, first_month: u8) -> Query {
        for split in &mut self.by {
            if let Split::Period(Period::FiscalYear { first_month: month }) = split {
                *month = first_month;
            }
        }
        self
    }

    /// Whether it is split by more than is answered.
    pub fn is_split_too_often(&self) -> bool {
        let codes = self.by.iter().filter(|by| matches!(by, Split::Code(_))).count();
        self.by.len() > SPLITS_MAX || codes > CODE_SPLITS_MAX
    }

    /// Whether what is counted for a team and site is asked for.
    pub(crate) fn wants(&self, team: TeamId, site: &str) -> bool {
        self.team.is_none_or(|wanted| wanted == team)
            && self.site.as_ref().is_none_or(|wanted| wanted == site)
    }

    /// Whether only rows can answer: the sums kept are by day, team and site.
    pub(crate) fn needs_rows(&self) -> bool {
        self.by.iter().any(|by| matches!(by, Split::Code(_) | Split::Author | Split::Kind))
    }
}

/// The part of a split by code that records are in which were not asked for it, as a blank cell says it.
/// Records of a kind without the field are in no part.
pub const NOT_ASKED: &str = "";

/// What is known of a record beside its answers.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// Its team.
    pub team: TeamId,
    /// The device that created it.
    pub author: DeviceKey,
    /// Its site's code.
    pub site: &'a str,
    /// Days since 1970-01-01.
    pub day: i64,
}

/// The lines that a record belongs to, each with the part of its answers that counts there: several
/// where a set of codes has several ticked, or a list has several elements; [`NOT_ASKED`] where it has
/// the field and no answer; none where its kind has no such field.
pub fn lines_of<'a>(
    by: &[Split],
    origin: Origin<'_>,
    answers: &'a Answers,
) -> Vec<(Vec<String>, Cow<'a, Answers>)> {
    let mut lines = vec![(Vec::new(), Cow::Borrowed(answers))];
    for split in by {
        lines = lines
            .into_iter()
            .flat_map(|(key, part)| {
                split_by(split, origin, &part)
                    .into_iter()
                    .take(PARTS_MAX)
                    .map(|(code, narrowed)| {
                        let narrowed = narrowed.map_or_else(|| part.clone(), Cow::Owned);
                        ([key.as_slice(), &[code]].concat(), narrowed)
                    })
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    lines
}

/// The codes of one split, each with the answers narrowed to it where they are.
fn split_by(
    split: &Split,
    origin: Origin<'_>,
    answers: &Answers,
) -> Vec<(String, Option<Answers>)> {
    let whole = |code: String| vec![(code, None)];
    match split {
        Split::Period(period) => CivilDate::from_epoch_day(origin.day)
            .map(|date| (date.period(*period), None))
            .into_iter()
            .collect(),
        Split::Site => whole(origin.site.to_owned()),
        Split::Team => whole(origin.team.to_string()),
        Split::Author => whole(origin.author.to_string()),
        Split::Kind => whole(answers.kind.name().to_owned()),
        Split::Code(field) => codes_of(answers, field),
    }
}

fn codes_of(answers: &Answers, name: &str) -> Vec<(String, Option<Answers>)> {
    let derived = answers.kind.declaration().derived.iter().find(|derived| derived.name == name);
    if let Some(derived) = derived {
        return vec![((derived.of)(answers).unwrap_or(NOT_ASKED.to_owned()), None)];
    }
    if let Some((list, field)) = name.split_once('.') {
        let is_declared = answers.kind.field(list).is_some_and(|declared| match declared.shape {
            Shape::List(fields) => fields.iter().any(|inner| inner.name == field),
            _ => false,
        });
        let codes = answers.elements(list).iter();
        let codes: BTreeSet<Option<&str>> =
            codes.map(|element| find(element, field).and_then(Answer::word)).collect();
        if codes.is_empty() && is_declared {
            return vec![(NOT_ASKED.to_owned(), None)];
        }
        let named = |code: Option<&str>| code.unwrap_or(NOT_ASKED).to_owned();
        let narrowed = |code: Option<&str>| answers.with_elements_of(list, field, code);
        return codes.iter().map(|code| (named(*code), Some(narrowed(*code)))).collect();
    }
    match answers.kind.field(name).map(|field| field.shape) {
        Some(Shape::Code(_)) => {
            vec![(answers.code(name).unwrap_or(NOT_ASKED).to_owned(), None)]
        }
        Some(Shape::CodeSet(_)) => {
            let ticked: Vec<_> = answers.ticked(name).map(|code| (code.to_owned(), None)).collect();
            if ticked.is_empty() { vec![(NOT_ASKED.to_owned(), None)] } else { ticked }
        }
        _ => Vec::new(),
    }
}

/// What is known to exist and is not here yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownMissing {
    /// How many entries.
    pub entries: u64,
    /// From how many devices.
    pub devices: u64,
    /// Whether a device claims more than is believed of one: the number is doubtful.
    pub is_doubtful: bool,
}

/// One line of totals: the parts that it was split by, and each indicator's sum.
pub type Lines = BTreeMap<Vec<String>, Sums>;

/// What of these lines is counted of one kind; lines of which nothing is are left out.
pub fn of_kind(kind: Kind, lines: &Lines) -> Lines {
    let is_of = |name: &str| {
        let whole = name.split('.').next().unwrap_or_default();
        kind.declaration().indicators.iter().any(|indicator| indicator.name == whole)
    };
    let narrowed = lines.iter().map(|(key, sums)| {
        let of_kind = sums.iter().filter(|(name, _)| is_of(name));
        (key.clone(), of_kind.map(|(name, n)| (name.clone(), *n)).collect::<Sums>())
    });
    narrowed.filter(|(_, sums)| !sums.is_empty()).collect()
}

/// An answer: totals with what they lack.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let totals = phone.totals(&Query::default())?;
/// assert_eq!((totals.missing.entries, totals.in_doubt.len(), totals.forks), (0, 0, 0));
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The sums, by the parts asked for.
    pub lines: Lines,
    /// What is known to exist and not yet here.
    pub missing: KnownMissing,
    /// How many records have a date that may be wrong, by the year of that date: they count there.
    pub in_doubt: BTreeMap<i32, u64>,
    /// How many records of the team, kind and days asked for stand for a span of days: each counts on its last.
    pub of_spans: u64,
    /// Entries held that wait to be judged or for others.
    pub waiting: u64,
    /// How often logs forked: each a device restored from a copy, cloned, or hostile. An alarm for
    /// coordinators; all branches count.
    pub forks: u64,
}
