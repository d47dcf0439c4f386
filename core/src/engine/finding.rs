//! Finding records again: search, records that look like one event, and undoing the last change.

use super::{Engine, EngineError};
use crate::log::payload::RecordPayload;
use crate::model::{
    Answer, DeviceKey, ElementName, EntryId, Invalid, Operation, RecordId, TeamId, UnixMillis,
    Value, check,
};
use crate::record::{Change, Record};
use crate::store::{Page, Row, Search, State};
use std::collections::BTreeMap;

/// Two equal records of one device within this time look like one that was saved twice.
const SAVED_TWICE_MS_MAX: i64 = 10 * 60 * 1_000;
/// The most pairs that are looked for at once.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// assert!(phone.suspected_duplicates()?.len() <= SUSPECTED_MAX);
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
/// assert_eq!(phone.suspected_duplicates()?, [pair]);
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
    /// A page of the records looked for, the latest first.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// let survived = vec![("outcome".to_owned(), "survived".to_owned())];
    /// let page = phone.search(&Search { answers: survived, most: 50, ..Search::default() })?;
    /// assert_eq!(page.rows[0].id, id);
    /// assert_eq!(page.next, None); // no further page
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn search(&self, search: &Search) -> Result<Page, EngineError> {
        Ok(self.store.search(search)?)
    }

    /// Pairs of records that count and look like one event, at most [`SUSPECTED_MAX`].
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// phone.record(team, &reversal()?)?; // a thumb that slipped
    /// let pairs = phone.suspected_duplicates()?;
    /// phone.mark_duplicate(pairs[0].other, pairs[0].one)?; // where a person says so
    /// assert!(phone.suspected_duplicates()?.is_empty());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn suspected_duplicates(&self) -> Result<Vec<Suspected>, EngineError> {
        let mut found = Vec::new();
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
                of_day.push(row);
            }
            Ok(())
        })?;
        failed?;
        self.pairs_of_day(&of_day, &mut found)?;
        Ok(found)
    }

    /// Records that count and contradict themselves, each with the first thing that is wrong: two people
    /// changed them apart, each rightly, or another version of Kitbag wrote them. They count as they are;
    /// a person who knows puts them right.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// assert!(phone.contradicting()?.is_empty()); // what one device writes is checked
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn contradicting(&self) -> Result<Vec<(RecordId, Invalid)>, EngineError> {
        let mut found = Vec::new();
        self.store.each_row(None, None, |row| {
            if row.state == State::Counted {
                let (kind, whole) = (row.answers.kind, row.answers.as_creation());
                let version = check::version_needed(kind, &whole);
                let rules = check::faults_of_whole(kind, version, &whole);
                let mut faults = rules.into_iter().chain(check::contradictions(kind, &whole));
                found.extend(faults.next().map(|fault| (row.id, fault)));
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Pairs among the records of one day: of equal answers by one device those that follow each other,
    /// of one event seen by two each with each.
    fn pairs_of_day(&self, rows: &[Row], found: &mut Vec<Suspected>) -> Result<(), EngineError> {
        let mut equal: BTreeMap<(TeamId, DeviceKey, u8, Vec<u8>), Vec<&Row>> = BTreeMap::new();
        let mut seen: BTreeMap<(TeamId, u8, &str), Vec<&Row>> = BTreeMap::new();
        for row in rows {
            let kind = row.answers.kind;
            let answers = row.answers.encode();
            equal.entry((row.team, row.author, kind.number(), answers)).or_default().push(row);
            if kind.declaration().same_event.is_some() {
                let site = row.answers.code("site").unwrap_or_default();
                seen.entry((row.team, kind.number(), site)).or_default().push(row);
            }
        }
        for pair in equal.values().flat_map(|of| of.windows(2)) {
            let [one, other] = pair else { continue };
            let pair = Suspected::of(one, other, Why::SavedTwice);
            if found.len() < SUSPECTED_MAX && self.within_minutes(pair)? {
                found.push(pair);
            }
        }
        let mut imported: BTreeMap<(TeamId, u8, &str), Vec<&Row>> = BTreeMap::new();
        for row in rows {
            if let Some(key) = row.answers.code("import_key") {
                imported.entry((row.team, row.answers.kind.number(), key)).or_default().push(row);
            }
        }
        for pair in imported.values().flat_map(|of| of.windows(2)) {
            if let [one, other] = pair
                && found.len() < SUSPECTED_MAX
            {
                found.push(Suspected::of(one, other, Why::ImportedTwice));
            }
        }
        for group in seen.values() {
            for (at, one) in group.iter().enumerate() {
                for other in &group[at + 1..] {
                    if found.len() < SUSPECTED_MAX && is_seen_by_two(one, other) {
                        found.push(Suspected::of(one, other, Why::SeenByTwo));
                    }
                }
            }
        }
        Ok(())
    }

    fn within_minutes(&self, pair: Suspected) -> Result<bool, EngineError> {
        let at = |id: RecordId| -> Result<Option<UnixMillis>, EngineError> {
            let creation = self.store.creation_payload(id)?;
            let payload = creation.and_then(|bytes| RecordPayload::decode(&bytes).ok());
            Ok(payload.map(|payload| payload.at))
        };
        Ok(match (at(pair.one)?, at(pair.other)?) {
            (Some(one), Some(other)) => one.0.abs_diff(other.0) <= SAVED_TWICE_MS_MAX as u64,
            _ => false,
        })
    }

    /// The record that this device changed last in a team.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// assert_eq!(phone.last_changed(team)?, Some(id));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn last_changed(&self, team: TeamId) -> Result<Option<RecordId>, EngineError> {
        Ok(self.store.last_record_by(self.device_key(), team)?)
    }

    /// Undoes this device's last change of a record: a creation becomes void, a correction gets back
    /// what was there, an added element becomes void. What others changed since is left alone.
    ///
    /// # Errors
    /// [`EngineError::NothingToUndo`] where this device changed nothing, or others overwrote all of it.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// phone.correct(id, "outcome", "died")?;
    /// phone.undo(id)?;
    /// assert_eq!(phone.get(id)?.get("outcome"), Some(&"survived".into()));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn undo(&mut self, id: RecordId) -> Result<EntryId, EngineError> {
        self.store.ensure_open()?;
        let record = self.store.record(id)?.ok_or(EngineError::NoRecord)?;
        let own = self.device_key();
        let last = record.history.iter().rposition(|change| change.author == own);
        let last = last.ok_or(EngineError::NothingToUndo)?;
        let earlier = record.history[..last].iter().rposition(|change| change.author == own);
        if is_taken_back(&record, earlier, last) {
            // Undone once more it would be done again.
            return Err(EngineError::NothingToUndo);
        }
        let operations = match last {
            0 => vec![Operation::put("void", "undone")],
            last => undoing(&record, last),
        };
        match operations.is_empty() {
            true => Err(EngineError::NothingToUndo),
            false => self.change(id, operations),
        }
    }
}

/// Whether the last change took the one before it back, and nobody changed anything between: an undo. One
/// that comes after an undo is a change of its own, whatever it says.
fn is_taken_back(record: &Record, earlier: Option<usize>, last: usize) -> bool {
    let Some(earlier) = earlier.filter(|earlier| earlier + 1 == last) else { return false };
    let was_undo = earlier > 0 && is_undone_by(record, earlier - 1, earlier);
    is_undone_by(record, earlier, last) && !was_undo
}

/// Whether a later change does nothing but take an earlier one back.
fn is_undone_by(record: &Record, earlier: usize, later: usize) -> bool {
    let (before, change) = (&record.history[..earlier], &record.history[earlier]);
    let void = Operation::put("void", "undone");
    let takes_back = |operation: &Operation| match operation {
        _ if earlier == 0 => *operation == void,
        Operation::Put { field, value } => {
            let was_put = change
                .operations
                .iter()
                .any(|done| matches!(done, Operation::Put { field: of, .. } if of == field));
            was_put && put_before(before, field) == *value
        }
        Operation::PutIn { element, field, value, .. } => {
            let appended = element.entry == change.entry && field == "void";
            let was_put = change.operations.iter().any(|done| {
                matches!(done, Operation::PutIn { element: of, field: name, .. }
                    if of == element && name == field)
            });
            appended || was_put && put_in_before(before, *element, field) == *value
        }
        Operation::Append { .. } => false,
    };
    let done = &record.history[later].operations;
    !done.is_empty() && done.iter().all(takes_back)
}

/// What takes one change of a record back.
fn undoing(record: &Record, at: usize) -> Vec<Operation> {
    let (before, change) = (&record.history[..at], &record.history[at]);
    let stands = |field: &str| {
        let winner = record.fields.get(field).and_then(|values| values.last());
        winner.is_some_and(|(_, by)| *by == change.entry)
    };
    let stands_in = |list: &str, name: ElementName, field: &str| {
        let elements = record.lists.get(list).map(Vec::as_slice).unwrap_or_default();
        let element = elements.iter().find(|element| element.name == name);
        let winner = element.and_then(|element| element.fields.get(field)?.last());
        winner.is_some_and(|(_, by)| *by == change.entry)
    };
    let mut operations = Vec::new();
    for (index, operation) in (0..).zip(&change.operations) {
        match operation {
            Operation::Put { field, .. } if stands(field) => {
                operations.push(Operation::put(field, put_before(before, field)));
            }
            Operation::Put { .. } => {}
            Operation::Append { list, .. } => operations.push(Operation::PutIn {
                list: list.clone(),
                element: ElementName { entry: change.entry, index },
                field: "void".to_owned(),
                value: "undone".into(),
            }),
            Operation::PutIn { list, element, field, .. } if !stands_in(list, *element, field) => {}
            Operation::PutIn { list, element, field, .. } => operations.push(Operation::PutIn {
                list: list.clone(),
                element: *element,
                field: field.clone(),
                value: put_in_before(before, *element, field),
            }),
        }
    }
    operations
}

fn put_before(before: &[Change], field: &str) -> Value {
    let puts = before.iter().rev().flat_map(|change| change.operations.iter().rev());
    let mut values = puts.filter_map(|operation| match operation {
        Operation::Put { field: name, value } if name == field => Some(value.clone()),
        _ => None,
    });
    values.next().unwrap_or(Value::Null)
}

fn put_in_before(before: &[Change], element: ElementName, field: &str) -> Value {
    let mut value = Value::Null;
    for change in before {
        for (index, operation) in (0..).zip(&change.operations) {
            let is_it = element == ElementName { entry: change.entry, index };
            match operation {
                Operation::Append { element: fields, .. } if is_it => {
                    let found = fields.iter().find(|(name, _)| name == field);
                    value = found.map_or(Value::Null, |(_, value)| value.clone());
                }
                Operation::PutIn { element: of, field: name, value: put, .. }
                    if *of == element && name == field =>
                {
                    value = put.clone();
                }
                _ => {}
            }
        }
    }
    value
}

impl Suspected {
    fn of(one: &Row, other: &Row, why: Why) -> Self {
        Suspected { one: one.id.min(other.id), other: one.id.max(other.id), why }
    }
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
