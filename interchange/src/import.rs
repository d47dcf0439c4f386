//! Rows that were read become records, each once: what a team's records know already is left out, and what they know
//! otherwise is corrected or refused, never doubled.

use crate::{Imported, Mapped, Refusal, RefusedRow, RowKey, Taken};
use kitbag_core::model::answers::Named;
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
    /// Those of them whose records are void here, and stay so.
    pub void: u64,
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
    own: BTreeSet<DeviceKey>,
    team: TeamId,
    kind: Kind,
    keys: BTreeSet<String>,
    files: BTreeSet<String>,
    rows: BTreeSet<String>,
    /// Keys of own records that are void.
    void: BTreeSet<String>,
    /// Files of these that records came of whose rows say something else now.
    read_otherwise: BTreeSet<String>,
    held: BTreeMap<String, (RecordId, Answers)>,
    /// What colleagues' records say that count under a key of one of these rows.
    of_colleagues: BTreeMap<String, (RecordId, Answers)>,
    /// How many records came of an equal row of another file, by its digest.
    equal: BTreeMap<String, u64>,
}

impl Known {
    /// Nothing yet, of the rows of a file that a person with these devices imports into a team.
    pub fn of(taken: &[Taken], (own, team, kind): (BTreeSet<DeviceKey>, TeamId, Kind)) -> Self {
        let keys = taken.iter().flat_map(|taken| {
            [Some(taken.key.to_string()), origin(&taken.form).map(str::to_owned)]
        });
        let counted = taken.iter().filter_map(|taken| match &taken.key {
            RowKey::Counted { file, row, .. } => Some((file.clone(), row.clone())),
            RowKey::Named(_) => None,
        });
        let (files, rows) = counted.unzip();
        Known {
            own,
            team,
            kind,
            keys: keys.flatten().collect(),
            files,
            rows,
            void: BTreeSet::new(),
            read_otherwise: BTreeSet::new(),
            held: BTreeMap::new(),
            of_colleagues: BTreeMap::new(),
            equal: BTreeMap::new(),
        }
    }

    /// Looks at one record of the store.
    pub fn look(&mut self, row: &Row) {
        if row.team != self.team || row.answers.kind != self.kind {
            return;
        }
        // An id is the record's own. A key is what somebody says: it names a row as here already where
        // a device of this person made the record, so that nobody can keep a row out of totals.
        let id = row.id.to_string();
        let is_own = self.own.contains(&row.author);
        let key = row.answers.code("import_key");
        let own_key = key.filter(|_| is_own);
        for key in own_key.into_iter().chain([id.as_str()]).filter(|key| self.keys.contains(*key)) {
            match row.state {
                // What counts goes before what does not.
                State::Void => _ = self.void.insert(key.to_owned()),
                _ => _ = self.held.insert(key.to_owned(), (row.id, row.answers.clone())),
            }
        }
        // A colleague's record keeps no row out: equal ones count once, wherever they were made. One that says something
        // else is a question for a person.
        if let Some(key) = key.filter(|key| !is_own && self.keys.contains(*key))
            && row.state == State::Counted
        {
            self.of_colleagues.insert(key.to_owned(), (row.id, row.answers.clone()));
        }
        let Some(key) = key.filter(|key| !self.keys.contains(*key) && row.state != State::Void)
        else {
            return;
        };
        let mut parts = key.split('.');
        let (Some(file), Some(digest)) = (parts.next(), parts.next()) else { return };
        let is_of_row = self.rows.contains(digest);
        if self.files.contains(file) && !is_of_row {
            self.read_otherwise.insert(file.to_owned());
        }
        // Of another file, whoever imported it: that is a question for a person, not an answer. Copies that two devices
        // made of one row are one event.
        if is_of_row && row.state == State::Counted {
            *self.equal.entry(digest.to_owned()).or_default() += 1;
        }
    }
}

/// How many records are saved together.
const TOGETHER: usize = 1_000;

/// What saves records and corrects them; each says why a row is refused: what a code pack finds wrong with it, or that this
/// device may not. Any other error ends the import; what was saved stays.
pub trait Saves<E> {
    /// Saves records together.
    fn record(&mut self, forms: Vec<Form>) -> Result<Vec<Result<(), Refusal>>, E>;
    /// What a record said when it was made.
    fn said_first(&mut self, id: RecordId) -> Result<Answers, E>;
    /// Makes a record say what a row says now.
    fn correct(
        &mut self,
        id: RecordId,
        form: &Form,
        mapped: &Mapped,
    ) -> Result<Result<(), Refusal>, E>;
    /// Hears how many rows were looked at.
    fn progress(&mut self, looked_at: u64);
}

/// Saves the rows taken that are not known yet, in the file's order. What is refused stands among the file's refused rows.
pub fn save<E>(
    imported: &mut Imported,
    known: Known,
    decided: Decided,
    saves: &mut impl Saves<E>,
) -> Result<Saved, E> {
    let taken = std::mem::take(&mut imported.taken);
    let contradicting = contradicting(&taken);
    let mut saving = Saving {
        contradicting,
        known,
        decided,
        saved: Saved::default(),
        added: BTreeMap::new(),
        origins: BTreeSet::new(),
        together: Vec::new(),
        waiting: BTreeSet::new(),
        refused: &mut imported.refused,
        mapped: &imported.mapped,
    };
    for (looked_at, taken) in (1..).zip(taken) {
        saving.take(taken, saves)?;
        saves.progress(looked_at);
    }
    saving.save_together(saves)?;
    let saved = saving.saved;
    imported.refused.sort_by_key(|refused| refused.row);
    Ok(saved)
}

/// The rows of an event.
type Rows = Vec<(usize, u64)>;

struct Saving<'i> {
    known: Known,
    decided: Decided,
    saved: Saved,
    /// The names by which rows of this file say different things.
    contradicting: BTreeSet<String>,
    /// What this file itself brought: by its rows' own names.
    added: BTreeMap<String, Answers>,
    origins: BTreeSet<String>,
    /// What is to be saved next, together.
    together: Vec<(Rows, Option<String>, Form)>,
    /// The names of those.
    waiting: BTreeSet<String>,
    refused: &'i mut Vec<RefusedRow>,
    mapped: &'i Mapped,
}

impl Saving<'_> {
    fn refuse(&mut self, rows: &Rows, reason: &str, detail: String) {
        self.refused.extend(rows.iter().map(|(row, line)| RefusedRow {
            row: *row,
            line: *line,
            reason: reason.to_owned(),
            detail: detail.clone(),
        }));
    }

    fn take<E>(&mut self, taken: Taken, saves: &mut impl Saves<E>) -> Result<(), E> {
        let Taken { rows, mut form, key } = taken;
        // Where the row first came from, also by way of other programmes' exports.
        let origin = origin(&form).map(str::to_owned);
        let name = key.to_string();
        if self.contradicting.contains(&name) {
            self.refuse(&rows, "contradicts", CONTRADICTS.to_owned());
            return Ok(());
        }
        if self.waiting.contains(&name) {
            self.save_together(saves)?;
        }
        let is_named = matches!(key, RowKey::Named(_)) || origin.is_some();
        let says = |answers: &Answers| is_named && differs(&form.answers(), answers, self.mapped);
        let of_origin = origin.as_ref().and_then(|origin| self.known.held.get(origin));
        let held = of_origin.or(self.known.held.get(&name));
        let colleagues = self.known.of_colleagues.get(&name).filter(|(_, said)| says(said));
        match (held.or(colleagues), self.added.get(&name)) {
            (Some((id, answers)), _) if says(answers) => {
                let id = *id;
                // A row that says what it said when it was imported says nothing new: a person knew better since.
                let first = saves.said_first(id)?;
                let is_of_row = first.code("import_key") == Some(origin.as_ref().unwrap_or(&name));
                if is_of_row && !differs(&form.answers(), &first, self.mapped) {
                    self.refuse(&rows, "changed_here", format!("record {id} {CHANGED_HERE}"));
                } else if self.decided.updates {
                    match saves.correct(id, &form, self.mapped)? {
                        Ok(()) => self.saved.corrected += 1,
                        Err((reason, detail)) => self.refuse(&rows, &reason, detail),
                    }
                } else {
                    let here = "is here by this id and says something else";
                    self.refuse(&rows, "known_id", format!("record {id} {here}; {KNOWN_ID}"));
                }
                return Ok(());
            }
            (None, Some(answers)) if says(answers) => {
                let other = "another row of this file has this id and says something else";
                self.refuse(&rows, "known_id", format!("{other}; {KNOWN_ID}"));
                return Ok(());
            }
            (Some(_), _) | (_, Some(_)) => {
                self.saved.known += rows.len() as u64;
                return Ok(());
            }
            // What was voided stays so, unless somebody says that it is another event after all.
            (None, None)
                if self.decided.equal != Equal::Others
                    && self.known.void.contains(origin.as_ref().unwrap_or(&name)) =>
            {
                self.saved.known += rows.len() as u64;
                self.saved.void += rows.len() as u64;
                return Ok(());
            }
            (None, None) => {}
        }
        if let RowKey::Counted { file, row, .. } = &key {
            let equal = self.known.equal.get_mut(row).filter(|left| **left > 0);
            let question = match &equal {
                Some(_) => Some(("equal_row", EQUAL_ROW)),
                None => self
                    .known
                    .read_otherwise
                    .contains(file)
                    .then_some(("read_otherwise", READ_OTHERWISE)),
            };
            match (question, self.decided.equal) {
                (Some((reason, detail)), Equal::Ask) => {
                    self.refuse(&rows, reason, detail.to_owned());
                    return Ok(());
                }
                (Some(_), Equal::Same) => {
                    equal.into_iter().for_each(|left| *left -= 1);
                    self.saved.known += 1;
                    return Ok(());
                }
                (Some(_), Equal::Others) | (None, _) => {}
            }
        }
        // Two records of one origin, which two devices imported apart, stay two.
        let origin = origin.filter(|origin| self.origins.insert(origin.clone()));
        if let Err(invalid) = form.put("import_key", origin.as_ref().unwrap_or(&name).as_str()) {
            self.refuse(&rows, "invalid", invalid.to_string());
            return Ok(());
        }
        // A row that is counted has a name that no other one of the file has.
        let name = matches!(key, RowKey::Named(_)).then_some(name);
        self.waiting.extend(name.clone());
        self.together.push((rows, name, form));
        if self.together.len() == TOGETHER { self.save_together(saves) } else { Ok(()) }
    }

    fn save_together<E>(&mut self, saves: &mut impl Saves<E>) -> Result<(), E> {
        self.waiting.clear();
        let together = std::mem::take(&mut self.together);
        if together.is_empty() {
            return Ok(());
        }
        let done = saves.record(together.iter().map(|(_, _, form)| form.clone()).collect())?;
        for ((rows, name, form), done) in together.into_iter().zip(done) {
            match done {
                Ok(()) => {
                    self.saved.imported += 1;
                    self.added.extend(name.map(|name| (name, form.answers())));
                }
                Err((reason, detail)) => self.refuse(&rows, &reason, detail),
            }
        }
        Ok(())
    }
}

/// What several rows of a file say otherwise of one record: which of them is right, nobody knows.
fn contradicting(taken: &[Taken]) -> BTreeSet<String> {
    let mut said: BTreeMap<&str, &Form> = BTreeMap::new();
    let mut contradicting = BTreeSet::new();
    // By the row's own id: two records of one origin stay two.
    let named = taken.iter().filter_map(|taken| match &taken.key {
        RowKey::Named(name) => Some((name.as_str(), &taken.form)),
        RowKey::Counted { .. } => None,
    });
    for (name, form) in named {
        let first = said.entry(name).or_insert(form);
        if (first.fields(), first.lists()) != (form.fields(), form.lists()) {
            contradicting.insert(name.to_owned());
        }
    }
    contradicting
}

const CONTRADICTS: &str = "rows of this file with this id say different things: keep the one that is right, and give what is \
                           another event an id of its own, or none";
const CHANGED_HERE: &str = "was made of this row and changed here since: it stays so; kitbag correct changes it, if the file is \
                            right all the same";
const KNOWN_ID: &str = "if it is another event, give the row an id of its own; if the file is right now, import it again \
                        with --update";
const EQUAL_ROW: &str = "an equal row of another file is here already: import again with --others if these are other \
                         events, or with --same if they are the same";
const READ_OTHERWISE: &str = "this file was imported before, and this row was read in another way: import it with --same, and \
                              what is here stays; or void the record that it made then, and import it with --others, \
                              which makes one of each row that has none that counts";

fn origin(form: &Form) -> Option<&str> {
    form.get("import_key").and_then(Value::as_text)
}

/// Whether a row says something else than the record of its id, or nothing where that one says something. What local time
/// was ahead of UTC is nobody's answer, unless the file has it.
fn differs(row: &Answers, held: &Answers, mapped: &Mapped) -> bool {
    let is_told =
        |name: &str| name != "import_key" && (name != "utc_offset_min" || mapped.has(name));
    let mut fields = row.fields.iter().filter(|(name, _)| is_told(name));
    let mut taken_away =
        held.fields.iter().filter(|(name, _)| mapped.has(name) && row.get(name).is_none());
    let mut lists = row.lists.iter().map(|(list, _)| list.as_ref()).chain(mapped.lists());
    fields.any(|(name, answer)| held.get(name) != Some(answer))
        || taken_away.next().is_some()
        || lists.any(|list| {
            let mut left: Vec<_> = held.elements(list).iter().collect();
            let has = |element: &Named| {
                let same = left.iter().position(|of| element.iter().all(|said| of.contains(said)));
                same.map(|at| left.remove(at)).is_some()
            };
            !row.elements(list).iter().all(has) || !left.is_empty() && mapped.has_list(list)
        })
}

/// What a record said when it was made.
pub fn said_first(record: &Record) -> Answers {
    let mut form = Form::new(record.kind);
    for operation in record.history.first().into_iter().flat_map(|change| &change.operations) {
        // What a newer version knows alone is no answer here.
        _ = match operation {
            Operation::Put { field, value } => form.put(field, value.clone()).map(drop),
            Operation::Append { list, element } => {
                form.add(list, element.iter().cloned().collect()).map(drop)
            }
            Operation::PutIn { .. } => Ok(()),
        };
    }
    form.answers()
}

/// The operations by which a record says what a row says now: fields that differ, elements that are new, and a void for each
/// element that the row has no more, so that nothing counts twice; an answer that the file has no more is taken back.
pub fn corrections(record: &Record, form: &Form, mapped: &Mapped) -> Vec<Operation> {
    let mut operations = Vec::new();
    let is_told =
        |name: &str| name != "import_key" && (name != "utc_offset_min" || mapped.has(name));
    let winner = |field: &str| {
        let winner = record.fields.get(field).and_then(|values| values.last());
        winner.map(|(value, _)| value).filter(|value| !value.is_null())
    };
    for (field, value) in form.fields().iter().filter(|(field, _)| is_told(field)) {
        if winner(field) != Some(value) {
            operations.push(Operation::Put { field: field.clone(), value: value.clone() });
        }
    }
    let taken_away = record.fields.keys().filter(|field| {
        let field = field.as_str();
        mapped.has(field) && form.get(field).is_none() && winner(field).is_some()
    });
    operations.extend(taken_away.map(|field| Operation::put(field.as_str(), Value::Null)));
    let lists: BTreeSet<&str> =
        form.lists().keys().map(String::as_str).chain(mapped.lists()).collect();
    for list in lists {
        let elements = form.lists().get(list).map(Vec::as_slice).unwrap_or_default();
        let is_void = |held: &&HeldElement| {
            let void = held.fields.get("void").and_then(|values| values.last());
            void.is_some_and(|(value, _)| !value.is_null())
        };
        let held = record.lists.get(list).into_iter().flatten();
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
                None => {
                    operations.push(Operation::append(list, element.clone().into_iter().collect()))
                }
            }
        }
        operations.extend(left.into_iter().map(|held| Operation::PutIn {
            list: list.to_owned(),
            element: held.name,
            field: "void".to_owned(),
            value: "entered_in_error".into(),
        }));
    }
    operations
}
