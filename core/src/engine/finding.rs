//! Finding records again: search, and undoing the last change.

use super::{Engine, EngineError};
use crate::model::checked::faults_of_record;
use crate::model::{CivilDate, ElementName, EntryId, Invalid, Operation, RecordId, TeamId, Value};
use crate::record::{Change, Record};
use crate::store::{Page, Row, Search, State, StoreError};

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
    /// assert_eq!(page.older, None); // no further page
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn search(&self, search: &Search) -> Result<Page, EngineError> {
        Ok(self.store.search(search, (self.environment.now)())?)
    }

    /// Looks at all records looked for, the latest first.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// let mut found = 0;
    /// phone.each_found(Search { most: 100, ..Search::default() }, |_| found += 1)?;
    /// assert_eq!(found, 1);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn each_found(
        &self,
        mut search: Search,
        mut look: impl FnMut(&Row),
    ) -> Result<(), EngineError> {
        loop {
            let page = self.search(&search)?;
            page.rows.iter().for_each(&mut look);
            match page.older {
                Some(older) => search.older_than = Some(older),
                None => return Ok(()),
            }
        }
    }

    /// Looks at the rows of a span of days, one by one, day by day, until `look` has seen enough and returns false.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// let mut seen = 0;
    /// phone.look_through(None, None, |_| {
    ///     seen += 1;
    ///     true
    /// })?;
    /// assert_eq!(seen, 1);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn look_through(
        &self,
        from: Option<CivilDate>,
        to: Option<CivilDate>,
        mut look: impl FnMut(Row) -> bool,
    ) -> Result<(), EngineError> {
        let mut is_enough = false;
        let seen = self.store.each_row(from, to, |row| {
            is_enough = !look(row);
            if is_enough { Err(StoreError::NotOpen) } else { Ok(()) }
        });
        // The error that ended it is ours.
        if is_enough { Ok(()) } else { Ok(seen?) }
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
                let mut faults = faults_of_record(kind, &whole).into_iter();
                found.extend(faults.next().map(|fault| (row.id, fault)));
            }
            Ok(())
        })?;
        Ok(found)
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
        if operations.is_empty() {
            Err(EngineError::NothingToUndo)
        } else {
            self.change(id, operations)
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
