//! Records that look like one event.

use super::{Engine, EngineError};
use crate::log::payload::RecordPayload;
use crate::model::answers::{Named, Word};
use crate::model::{Answer, DeviceKey, Kind, RecordId, TeamId, UnixMillis};
use crate::store::{Row, State};
use std::collections::BTreeMap;

/// By team, kind and `import_key`: the records made of one row, each with its author.
type Imported = BTreeMap<(TeamId, u8, String), Vec<(RecordId, DeviceKey)>>;

/// What is alike where one device saved one event twice: all answers.
type Equal<'a> = (TeamId, DeviceKey, Kind, (&'a Named, &'a Vec<(Word, Vec<Named>)>));

/// Two equal records of one device within this time look like one that was saved twice.
const SAVED_TWICE_MS_MAX: i64 = 10 * 60 * 1_000;
/// How often the records of two authors at one site on one day are compared at most: more tell nobody
/// anything.
const COMPARED_MAX: usize = 2_000;
/// The most pairs of one page.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// assert!(phone.suspected_duplicates(0)?.len() <= SUSPECTED_MAX);
/// # Ok::<(), Failed>(())
/// ```
pub const SUSPECTED_MAX: usize = 1_000;

/// Why two records look like one event.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// assert_eq!(Why::SavedTwice.name(), "saved_twice");
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// One device saved the same answers twice within ten minutes.
    SavedTwice,
    /// Two devices imported the same row of a file.
    ImportedTwice,
    /// Two devices recorded the same day and site, and contradict each other in nothing that two
    /// people who saw one event would both know.
    SeenByTwo,
}

impl Why {
    /// Its name in JSON.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// assert_eq!(Why::SeenByTwo.name(), "seen_by_two");
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Why::SavedTwice => "saved_twice",
            Why::ImportedTwice => "imported_twice",
            Why::SeenByTwo => "seen_by_two",
        }
    }

    /// The reason of this name.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// assert_eq!(Why::from_name("imported_twice"), Some(Why::ImportedTwice));
    /// ```
    pub fn from_name(name: &str) -> Option<Why> {
        [Why::SavedTwice, Why::ImportedTwice, Why::SeenByTwo]
            .into_iter()
            .find(|why| why.name() == name)
    }

    /// What people read.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// println!("{}", Why::SeenByTwo.in_words());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn in_words(self) -> &'static str {
        match self {
            Why::SavedTwice => "the same answers, saved twice by one device within ten minutes",
            Why::ImportedTwice => "the same row of a file, imported by two devices",
            Why::SeenByTwo => "the same day and site by two devices, and nothing contradicts",
        }
    }
}

/// Two records that look like one event. Only people decide: nothing is linked by itself.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let (one, other) = (phone.record(team, &reversal()?)?, phone.record(team, &reversal()?)?);
/// let pair = Suspected { one: one.min(other), other: one.max(other), why: Why::SavedTwice };
/// assert_eq!(phone.suspected_duplicates(0)?, [pair]);
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Suspected {
    /// The lower record id.
    pub one: RecordId,
    /// The higher.
    pub other: RecordId,
    /// Why.
    pub why: Why,
}

impl Engine {
    /// Pairs of records that count and look like one event, but those that are kept apart: a page of at most
    /// [`SUSPECTED_MAX`], behind the first `skip`. Where there are more, each two authors have their turn, so that
    /// nobody's records hide those of others. Those of two authors at one site on one day are compared 2,000 times
    /// at most.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// phone.record(team, &reversal()?)?; // a thumb that slipped
    /// let pairs = phone.suspected_duplicates(0)?;
    /// phone.mark_duplicate(pairs[0].other, pairs[0].one)?; // where a person says so
    /// assert!(phone.suspected_duplicates(0)?.is_empty());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn suspected_duplicates(&self, skip: u64) -> Result<Vec<Suspected>, EngineError> {
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let mut found = Found { most: skip.saturating_add(SUSPECTED_MAX), ..Found::default() };
        let mut imported: Imported = BTreeMap::new();
        let mut of_day: Vec<Row> = Vec::new();
        let mut failed = Ok(());
        self.store.each_row(None, None, |row| {
            if of_day.first().is_some_and(|first| first.day != row.day) {
                if failed.is_ok() {
                    failed = self.pairs_of_day(&of_day, &mut found);
                }
                of_day.clear();
            }
            if row.state == State::Counted {
                if let Some(key) = row.answers.code("import_key") {
                    let of_row = (row.team, row.answers.kind.number(), key.to_owned());
                    imported.entry(of_row).or_default().push((row.id, row.author));
                }
                of_day.push(row);
            }
            Ok(())
        })?;
        failed?;
        self.pairs_of_day(&of_day, &mut found)?;
        // One row of a file, whatever day was put right since.
        for pair in imported.values().flat_map(|of| of.windows(2)) {
            if let [one, other] = pair {
                self.suspect(&mut found, *one, *other, Why::ImportedTwice)?;
            }
        }
        Ok(found.in_turns(skip))
    }

    /// Pairs among the records of one day: of equal answers by one device, and of one row of a file, those
    /// that follow each other; of one event seen by two each with each.
    fn pairs_of_day(&self, rows: &[Row], found: &mut Found) -> Result<(), EngineError> {
        let mut equal: BTreeMap<Equal<'_>, Vec<&Row>> = BTreeMap::new();
        let mut seen: BTreeMap<(TeamId, u8, &str), BTreeMap<DeviceKey, Vec<&Row>>> =
            BTreeMap::new();
        for row in rows {
            let (team, kind) = (row.team, row.answers.kind);
            let answers = (&row.answers.fields, &row.answers.lists);
            equal.entry((team, row.author, kind, answers)).or_default().push(row);
            if kind.declaration().same_event.is_some() {
                let site = row.answers.code("site").unwrap_or_default();
                let of_site = seen.entry((team, kind.number(), site)).or_default();
                of_site.entry(row.author).or_default().push(row);
            }
        }
        for pair in equal.values().flat_map(|of| of.windows(2)) {
            if let [one, other] = pair
                && found.has_room(one.author, other.author)
                && self.within_minutes(one, other)?
            {
                let (one, other) = ((one.id, one.author), (other.id, other.author));
                self.suspect(found, one, other, Why::SavedTwice)?;
            }
        }
        for of_site in seen.values() {
            for (author, ones) in of_site {
                let later = of_site.iter().filter(|(other, _)| *other > author);
                for (_, others) in later {
                    let pairs = ones.iter().flat_map(|one| others.iter().map(move |of| (one, of)));
                    for (one, other) in pairs.take(COMPARED_MAX) {
                        if is_seen_by_two(one, other) {
                            let (one, other) = ((one.id, one.author), (other.id, other.author));
                            self.suspect(found, one, other, Why::SeenByTwo)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Notes a pair, unless somebody who may said that they are two.
    fn suspect(
        &self,
        found: &mut Found,
        (one, by): (RecordId, DeviceKey),
        (other, by_other): (RecordId, DeviceKey),
        why: Why,
    ) -> Result<(), EngineError> {
        if found.has_room(by, by_other) && !self.is_kept_apart(one, other)? {
            found.push((one, by), (other, by_other), why);
        }
        Ok(())
    }

    fn within_minutes(&self, one: &Row, other: &Row) -> Result<bool, EngineError> {
        let at = |id: RecordId| -> Result<Option<UnixMillis>, EngineError> {
            let creation = self.store.creation_payload(id)?;
            let payload = creation.and_then(|bytes| RecordPayload::decode(&bytes).ok());
            Ok(payload.map(|payload| payload.at))
        };
        Ok(match (at(one.id)?, at(other.id)?) {
            (Some(one), Some(other)) => one.0.abs_diff(other.0) <= SAVED_TWICE_MS_MAX as u64,
            _ => false,
        })
    }
}

/// Pairs that were found, each with its number among those of the same two authors.
#[derive(Default)]
struct Found {
    /// The most that are kept of two authors.
    most: usize,
    /// The pairs, each with how many of the same two authors came before it.
    pairs: Vec<(usize, Suspected)>,
    of_two: BTreeMap<(DeviceKey, DeviceKey), usize>,
}

impl Found {
    fn has_room(&self, one: DeviceKey, other: DeviceKey) -> bool {
        let of_two = self.of_two.get(&authors(one, other));
        of_two.is_none_or(|pairs| *pairs < self.most)
    }

    fn push(&mut self, one: (RecordId, DeviceKey), other: (RecordId, DeviceKey), why: Why) {
        if self.has_room(one.1, other.1) {
            let of_two = self.of_two.entry(authors(one.1, other.1)).or_default();
            let (one, other) = (one.0.min(other.0), one.0.max(other.0));
            self.pairs.push((*of_two, Suspected { one, other, why }));
            *of_two += 1;
        }
    }

    /// Those behind the first so many, in turns: whoever makes many look alike hides nobody else's.
    fn in_turns(mut self, skip: usize) -> Vec<Suspected> {
        if self.pairs.len() > SUSPECTED_MAX {
            self.pairs.sort_by_key(|(number, _)| *number);
        }
        self.pairs.into_iter().skip(skip).take(SUSPECTED_MAX).map(|(_, pair)| pair).collect()
    }
}

fn authors(one: DeviceKey, other: DeviceKey) -> (DeviceKey, DeviceKey) {
    (one.min(other), one.max(other))
}

fn is_seen_by_two(one: &Row, other: &Row) -> bool {
    let alike = one.answers.kind.declaration().same_event.unwrap_or_default();
    one.author != other.author && alike.iter().all(|field| !contradict(one, other, field))
}

/// Whether two records give different answers that both know. Times of day contradict from an hour on.
fn contradict(one: &Row, other: &Row, field: &str) -> bool {
    let known = |row: &Row| -> Option<Answer> {
        let answer = row.answers.get(field)?;
        let is_known = !matches!(answer.word(), Some("unknown" | "declined"));
        is_known.then(|| answer.clone())
    };
    let (Some(one), Some(other)) = (known(one), known(other)) else { return false };
    match (minutes(&one), minutes(&other)) {
        (Some(one), Some(other)) if field == "occurred_time" => one.abs_diff(other) >= 60,
        _ => one != other,
    }
}

fn minutes(time: &Answer) -> Option<u32> {
    let (hour, minute) = time.word()?.split_once(':')?;
    Some(hour.parse::<u32>().ok()? * 60 + minute.parse::<u32>().ok()?)
}
