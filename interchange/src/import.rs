//! Rows that were read become records, each once: what a team's records know already is left out.

use crate::{Imported, RefusedRow, Taken};
use kitbag_core::model::{Answers, DeviceKey, Form, Kind, TeamId, Value};
use kitbag_core::store::{Row, State};
use std::collections::{BTreeMap, BTreeSet};

/// How many rows became records, and how many were here already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Records saved.
    pub imported: u64,
    /// Rows that were imported before.
    pub known: u64,
}

/// What the records of a team and kind say that carry a key of one of these rows, or are it: an export may
/// come back to where it was made.
#[derive(Debug)]
pub struct Known {
    own: DeviceKey,
    team: TeamId,
    kind: Kind,
    keys: BTreeSet<String>,
    held: BTreeMap<String, Answers>,
}

impl Known {
    /// Nothing yet, of the rows of a file that `own` imports into a team.
    pub fn of(taken: &[Taken], (own, team, kind): (DeviceKey, TeamId, Kind)) -> Self {
        let keys = taken.iter().flat_map(|taken| [Some(taken.key.as_str()), origin(&taken.form)]);
        let keys = keys.flatten().map(str::to_owned).collect();
        Known { own, team, kind, keys, held: BTreeMap::new() }
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
        let key = row.answers.code("import_key").filter(|_| is_own);
        for key in key.into_iter().chain([id.as_str()]).filter(|key| self.keys.contains(*key)) {
            self.held.insert(key.to_owned(), row.answers.clone());
        }
    }
}

/// Saves the rows taken that are not known yet, in the file's order. `record` saves one, or says what a code pack
/// finds wrong with it: that row is refused, and stands among the file's refused ones. Any other error of `record`
/// ends it; what was saved stays. `progress` hears how many rows were looked at.
pub fn save<E>(
    imported: &mut Imported,
    known: &Known,
    mut record: impl FnMut(&Form) -> Result<Result<(), String>, E>,
    mut progress: impl FnMut(u64),
) -> Result<Saved, E> {
    let mut saved = Saved::default();
    // What this file itself brought: by its rows' own names.
    let (mut added, mut origins) = (BTreeMap::new(), BTreeSet::new());
    let taken = std::mem::take(&mut imported.taken);
    for (looked_at, taken) in (1..).zip(taken) {
        let Taken { row, line, mut form, key, is_named } = taken;
        progress(looked_at);
        // Where the row first came from, also by way of other programmes' exports.
        let origin = origin(&form).map(str::to_owned);
        let is_named = is_named || origin.is_some();
        let of_origin = origin.as_ref().and_then(|origin| known.held.get(origin));
        match of_origin.or(known.held.get(&key)).or(added.get(&key)) {
            Some(held) if is_named && says_more(&form.answers(), held) => {
                let (reason, detail) = ("known_id".to_owned(), KNOWN_ID.to_owned());
                imported.refused.push(RefusedRow { row, line, reason, detail });
                continue;
            }
            Some(_) => {
                saved.known += 1;
                continue;
            }
            None => {}
        }
        // Two records of one origin, which two devices imported apart, stay two.
        let origin = origin.filter(|origin| origins.insert(origin.clone()));
        let named = form.put("import_key", origin.as_ref().unwrap_or(&key).as_str());
        let done = match named {
            Ok(_) => record(&form)?,
            Err(invalid) => Err(invalid.to_string()),
        };
        match done {
            Ok(()) => {
                saved.imported += 1;
                added.insert(key, form.answers());
            }
            Err(detail) => {
                let reason = "invalid".to_owned();
                imported.refused.push(RefusedRow { row, line, reason, detail });
            }
        }
    }
    imported.refused.sort_by_key(|refused| refused.row);
    Ok(saved)
}

const KNOWN_ID: &str = "a record of this id is here and does not say this; if it is another event, give \
                        the row an id of its own; if not, correct the record with kitbag correct";

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
