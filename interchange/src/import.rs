//! Rows that were read become records, each once: what a team's records know already is left out, and what they know
//! otherwise is corrected or refused, never doubled.

use crate::{Imported, RefusedRow, RowKey, Taken};
use kitbag_core::model::{Answers, DeviceKey, Form, Kind, Operation, RecordId, TeamId, Value};
use kitbag_core::record::{HeldElement, Record};
use kitbag_core::store::{Row, State};
use std::collections::{BTreeMap, BTreeSet};

/// How many rows became records, and how many were here already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Records saved.
    pub imported: u64,
    /// Records corrected by what a file says now.
    pub corrected: u64,
    /// Rows that were imported before.
    pub known: u64,
}

/// What becomes of rows without an id that equal rows of another file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Equal {
    /// A person decides: they are refused, and named.
    #[default]
    Ask,
    /// They are other events.
    Others,
    /// They are the same events.
    Same,
}

/// What whoever imports decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// About rows that equal those of another file.
    pub equal: Equal,
    /// Whether a row whose id is known and that says something else corrects its record.
    pub updates: bool,
}

/// What the records of a team and kind say that carry a key of one of these rows, or are it: an export may
/// come back to where it was made.
#[derive(Debug)]
pub struct Known {
    own: DeviceKey,
    team: TeamId,
    kind: Kind,
    keys: BTreeSet<String>,
    rows: BTreeSet<String>,
    held: BTreeMap<String, (RecordId, Answers)>,
    /// How many records came of an equal row of another file, by its digest.
    equal: BTreeMap<String, u64>,
}

impl Known {
    /// Nothing yet, of the rows of a file that `own` imports into a team.
    pub fn of(taken: &[Taken], (own, team, kind): (DeviceKey, TeamId, Kind)) -> Self {
        let keys = taken.iter().flat_map(|taken| {
            [Some(taken.key.to_string()), origin(&taken.form).map(str::to_owned)]
        });
        let rows = taken.iter().filter_map(|taken| match &taken.key {
            RowKey::Counted { row, .. } => Some(row.clone()),
            RowKey::Named(_) => None,
        });
        Known {
            own,
            team,
            kind,
            keys: keys.flatten().collect(),
            rows: rows.collect(),
            held: BTreeMap::new(),
            equal: BTreeMap::new(),
        }
    }

    /// Looks at one record of the store.
    pub fn look(&mut self, row: &Row) {
        if row.team != self.team || row.answers.kind != self.kind {
            return;
        }
        // An id is the record's own. A key is what somebody says: it names a row as here already where
        // this device made the record and it stands, so that nobody can keep a row out of totals.
        let id = row.id.to_string();
        let is_own = row.author == self.own && row.state != State::Void;
        let key = row.answers.code("import_key");
        let own_key = key.filter(|_| is_own);
        for key in own_key.into_iter().chain([id.as_str()]).filter(|key| self.keys.contains(*key)) {
            self.held.insert(key.to_owned(), (row.id, row.answers.clone()));
        }
        // Of another file, whoever imported it: that is a question for a person, not an answer.
        if let Some(key) = key.filter(|key| !self.keys.contains(*key) && row.state != State::Void)
            && let Some(digest) = key.split('.').nth(1).filter(|digest| self.rows.contains(*digest))
        {
            *self.equal.entry(digest.to_owned()).or_default() += 1;
        }
    }
}

/// Saves the rows taken that are not known yet, in the file's order. `record` saves one, `correct` makes a record say what a
/// row says now; both say what a code pack finds wrong with it: that row is refused, and stands among the file's refused
/// ones. Any other error of theirs ends it; what was saved stays. `progress` hears how many rows were looked at.
pub fn save<E>(
    imported: &mut Imported,
    mut known: Known,
    decided: Decided,
    mut record: impl FnMut(&Form) -> Result<Result<(), String>, E>,
    mut correct: impl FnMut(RecordId, &Form) -> Result<Result<(), String>, E>,
    mut progress: impl FnMut(u64),
) -> Result<Saved, E> {
    let mut saved = Saved::default();
    // What this file itself brought: by its rows' own names.
    let (mut added, mut origins) = (BTreeMap::<String, Answers>::new(), BTreeSet::new());
    let taken = std::mem::take(&mut imported.taken);
    for (looked_at, taken) in (1..).zip(taken) {
        let Taken { rows, mut form, key } = taken;
        progress(looked_at);
        let mut refuse = |reason: &str, detail: String| {
            imported.refused.extend(rows.iter().map(|(row, line)| RefusedRow {
                row: *row,
                line: *line,
                reason: reason.to_owned(),
                detail: detail.clone(),
            }));
        };
        // Where the row first came from, also by way of other programmes' exports.
        let origin = origin(&form).map(str::to_owned);
        let name = key.to_string();
        let is_named = matches!(key, RowKey::Named(_)) || origin.is_some();
        let held =
            origin.as_ref().and_then(|origin| known.held.get(origin)).or(known.held.get(&name));
        let says = |answers: &Answers| is_named && says_more(&form.answers(), answers);
        match (held, added.get(&name)) {
            (Some((id, answers)), _) if says(answers) => {
                if !decided.updates {
                    refuse(
                        "known_id",
                        format!(
                            "record {id} is here by this id and says something else; {KNOWN_ID}"
                        ),
                    );
                    continue;
                }
                match correct(*id, &form)? {
                    Ok(()) => saved.corrected += 1,
                    Err(detail) => refuse("invalid", detail),
                }
                continue;
            }
            (None, Some(answers)) if says(answers) => {
                refuse(
                    "known_id",
                    format!(
                        "another row of this file has this id and says something else; {KNOWN_ID}"
                    ),
                );
                continue;
            }
            (Some(_), _) | (_, Some(_)) => {
                saved.known += rows.len() as u64;
                continue;
            }
            (None, None) => {}
        }
        if let RowKey::Counted { row, .. } = &key
            && let Some(left) = known.equal.get_mut(row).filter(|left| **left > 0)
        {
            match decided.equal {
                Equal::Ask => {
                    refuse("equal_row", EQUAL_ROW.to_owned());
                    continue;
                }
                Equal::Same => {
                    *left -= 1;
                    saved.known += 1;
                    continue;
                }
                Equal::Others => {}
            }
        }
        // Two records of one origin, which two devices imported apart, stay two.
        let origin = origin.filter(|origin| origins.insert(origin.clone()));
        let named = form.put("import_key", origin.as_ref().unwrap_or(&name).as_str());
        let done = match named {
            Ok(_) => record(&form)?,
            Err(invalid) => Err(invalid.to_string()),
        };
        match done {
            Ok(()) => {
                saved.imported += 1;
                added.insert(name, form.answers());
            }
            Err(detail) => refuse("invalid", detail),
        }
    }
    imported.refused.sort_by_key(|refused| refused.row);
    Ok(saved)
}

const KNOWN_ID: &str = "if it is another event, give the row an id of its own; if the file is right now, import it again \
                        with --update";
const EQUAL_ROW: &str = "an equal row of another file is here already: import again with --others if these are other \
                         events, or with --same if they are the same";

fn origin(form: &Form) -> Option<&str> {
    form.get("import_key").and_then(Value::as_text)
}

/// Whether a row says something that the record of its id does not.
fn says_more(row: &Answers, held: &Answers) -> bool {
    let fields = row.fields.iter().filter(|(name, _)| name != "import_key");
    let differs = fields.clone().any(|(name, answer)| held.get(name) != Some(answer));
    let mut lists = row.lists.iter();
    let adds = lists.any(|(list, elements)| {
        let mut left: Vec<_> = held.elements(list).iter().collect();
        elements.iter().any(|element| {
            let same = left.iter().position(|of| {
                element.iter().all(|(name, answer)| {
                    of.iter().any(|(other, said)| other == name && said == answer)
                })
            });
            same.map(|at| left.remove(at)).is_none()
        })
    });
    differs || adds
}

/// The operations by which a record says what a row says now: fields that differ, elements that are new, and a void for each
/// element that the row has no more, so that nothing counts twice.
pub fn corrections(record: &Record, form: &Form) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (field, value) in form.fields().iter().filter(|(field, _)| *field != "import_key") {
        let winner = record.fields.get(field.as_str()).and_then(|values| values.last());
        if winner.map(|(value, _)| value) != Some(value) {
            operations.push(Operation::Put { field: field.clone(), value: value.clone() });
        }
    }
    for (list, elements) in form.lists() {
        let is_void = |held: &&HeldElement| {
            let void = held.fields.get("void").and_then(|values| values.last());
            void.is_some_and(|(value, _)| !value.is_null())
        };
        let held = record.lists.get(list.as_str()).into_iter().flatten();
        let mut left: Vec<&HeldElement> = held.filter(|held| !is_void(held)).collect();
        for element in elements {
            let says = |held: &&HeldElement| {
                element.iter().all(|(name, value)| {
                    let winner = held.fields.get(name.as_str()).and_then(|values| values.last());
                    winner.map(|(value, _)| value) == Some(value)
                })
            };
            match left.iter().position(says) {
                Some(at) => _ = left.remove(at),
                None => operations
                    .push(Operation::append(list.clone(), element.clone().into_iter().collect())),
            }
        }
        operations.extend(left.into_iter().map(|held| Operation::PutIn {
            list: list.clone(),
            element: held.name,
            field: "void".to_owned(),
            value: "entered_in_error".into(),
        }));
    }
    operations
}
