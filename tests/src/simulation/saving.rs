//! How people's records come to be saved: as an app saves them, which refuses what is wrong; but for one person of each
//! world, whose software is of another make and asks nobody.

use super::Failure;
use super::forms::{SEALED, word};
use super::hostile::Hostile;
use super::oracle::{Answer, Deed, Intent, Label};
use super::world::{PEOPLE, Pending, TEAMS, World};
use kitbag_core::engine::EngineError;
use kitbag_core::identity::Role;
use kitbag_core::model::{EntryId, Form, Kind, Operation, RecordId, TeamId, Value};
use kitbag_core::store::StoreError;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

type Dice = ChaCha8Rng;

/// How often a record is a draft first.
const DRAFTED: f64 = 0.25;

impl World {
    /// Saves what somebody means as his software does.
    pub(super) fn save(
        &mut self,
        at: usize,
        (team, kind, record): (TeamId, Kind, Option<RecordId>),
        operations: Vec<Operation>,
    ) -> Result<(), EngineError> {
        let asks_nobody = u64::from(self.phones[at].person) == self.seed % PEOPLE;
        let engine = self.engine(at);
        // An observer's app is an honest one; what software writes that is none, another observer does.
        let unasked = asks_nobody && engine.role(team) != Some(Role::Observer);
        match record {
            _ if unasked => engine.write_unasked(team, kind, record, operations).map(drop),
            Some(id) => engine.change(id, operations).map(drop),
            None => engine.create(team, kind, operations).map(drop),
        }
    }

    /// Saves what somebody recorded: at once, or as a draft that outlives the app and is finished then.
    pub(super) fn save_new(
        &mut self,
        at: usize,
        (team, kind): (usize, Kind),
        (intent, operations): (Intent, Vec<Operation>),
        dice: &mut Dice,
    ) -> Result<(), Failure> {
        let Some(form) = form_of(kind, &operations).filter(|_| dice.random_bool(DRAFTED)) else {
            let saved = self.save(at, (TEAMS[team], kind, None), operations);
            return self.after_try(at, intent, saved);
        };
        let kept = match self.engine(at).save_draft(None, &form) {
            Err(EngineError::Invalid(_)) => return self.after_phone(at, Ok(())).map(drop),
            kept => kept,
        };
        let Some(draft) = self.after_phone(at, kept)? else { return Ok(()) };
        if dice.random_bool(0.5) {
            self.close(at);
            self.open(at)?;
        }
        if !self.engine(at).drafts()?.contains(&(draft, form.clone())) {
            return Err(Failure("LOST: a draft that was saved is not there".to_owned()));
        }
        // What the device knows is filled in before it is saved.
        let meant = self.engine(at).prepared(TEAMS[team], &form).ok();
        let meant = meant.and_then(|form| form.operations().ok()).unwrap_or_default();
        let intent = Intent { deeds: meant.iter().filter_map(deed).collect(), ..intent };
        let before = self.done.intents.len();
        let saved = self.engine(at).finish_draft_as(draft, TEAMS[team], &form).map(drop);
        self.after_try(at, intent, saved)?;
        let is_saved = self.done.intents.len() > before;
        let is_draft = self.engine(at).drafts()?.iter().any(|(id, _)| *id == draft);
        if is_saved == is_draft {
            return Err(Failure("of a draft and its record one is there".to_owned()));
        }
        if is_draft { Ok(self.engine(at).discard_draft(draft)?) } else { Ok(()) }
    }

    /// A worker syncs, and leaves a team where that agreed and nothing of his is here alone. Nobody loses
    /// anything by it.
    pub(super) fn leave(&mut self, at: usize, dice: &mut Dice) -> Result<(), Failure> {
        self.disarm();
        let Some(team) = self.team_of(at, dice)? else { return Ok(()) };
        self.phones[at].session = None;
        let session = self.engine(at).session();
        let Some(session) = self.sync_whole(at, session)? else { return Ok(()) };
        let before = self.held_by_anybody()?;
        match self.engine(at).leave(TEAMS[team], &session) {
            Err(EngineError::WouldLose { .. }) => {
                self.note("stayed");
                return Ok(());
            }
            left => left?,
        }
        self.note("left");
        if !self.engine(at).store().record_ids(TEAMS[team])?.is_empty() {
            return Err(Failure("records of a team that was left are here".to_owned()));
        }
        let after = self.held_by_anybody()?;
        let gone: Vec<Label> = before.difference(&after).copied().collect();
        // What a phone or the hub lost that was put back, nobody but him may have had.
        if gone.is_empty() || self.was_put_back {
            self.may_be_gone.extend(gone)
        } else {
            return Err(Failure("LOST: what was here alone was left".to_owned()));
        }
        Ok(())
    }

    /// The entries that honest people meant, and any store holds.
    fn held_by_anybody(&mut self) -> Result<BTreeSet<Label>, Failure> {
        let mut held: BTreeSet<Label> =
            self.hub().entries()?.into_iter().map(|entry| entry.id.0).collect();
        for at in 0..self.phones.len() {
            held.extend(self.engine(at).store().entries()?.into_iter().map(|entry| entry.id.0));
        }
        let intents = self.done.intents.iter().filter(|one| one.by.person < Hostile::PERSON);
        let meant =
            intents.map(|intent| intent.id).chain(self.done.said.iter().map(|said| said.id));
        Ok(meant.filter(|id| held.contains(id)).collect())
    }

    /// What was refused left nothing behind; else as after any save.
    pub(super) fn after_try(
        &mut self,
        at: usize,
        intent: Intent,
        saved: Result<(), EngineError>,
    ) -> Result<(), Failure> {
        let refused = match saved {
            Err(
                EngineError::Invalid(_)
                | EngineError::Store(StoreError::Refused(_))
                // A note is not saved open.
                | EngineError::NoTeamKey,
            ) => true,
            Err(_) | Ok(_) => false,
        };
        if !refused {
            return self.after_save(at, Pending::Intent(intent), saved);
        }
        // A machine that was to stop does so now.
        self.after_phone(at, Ok(()))?;
        let known = self.known();
        let entries = self.engine(at).store().entries()?;
        let own = |id: &Label| known.contains(id);
        let kinds = kitbag_core::log::entry::kind::RECORDS_FROM;
        if entries.iter().any(|entry| entry.kind >= kinds && !own(&entry.id.0)) {
            Err(Failure("what was refused was saved".to_owned()))
        } else {
            self.note("was refused");
            Ok(())
        }
    }

    /// Somebody takes back what their device changed last; what that means is read from what was written.
    pub(super) fn undo(&mut self, at: usize, dice: &mut Dice) -> Result<(), Failure> {
        // What it wrote is read back: nothing stops meanwhile.
        self.disarm();
        let Some(team) = self.team_of(at, dice)? else { return Ok(()) };
        let Some(id) = self.engine(at).last_changed(TEAMS[team])? else { return Ok(()) };
        let Ok(shown) = self.engine(at).get(id) else { return Ok(()) };
        let after: BTreeSet<Label> = shown.heads.iter().map(|entry| entry.0).collect();
        let record = shown.history.first().map(|change| change.entry.0);
        let by = self.hand(at, team)?;
        let saved = self.engine(at).undo(id);
        if matches!(saved, Err(EngineError::NothingToUndo)) {
            return Ok(());
        }
        let done = self.engine(at).get(id).ok();
        let known: BTreeSet<EntryId> = shown.history.iter().map(|change| change.entry).collect();
        let changes = done.into_iter().flat_map(|record| record.history);
        let undone = changes.rev().find(|change| !known.contains(&change.entry));
        let deeds = undone.iter().flat_map(|change| &change.operations).filter_map(deed).collect();
        let intent = self.intent(by, (shown.kind.number(), record), after, deeds);
        self.after_try(at, intent, saved.map(drop))
    }
}

/// What an operation means.
fn deed(operation: &Operation) -> Option<Deed> {
    let answer = |value: &Value| match value {
        Value::Bool(flag) => Answer::Flag(*flag),
        Value::Int(number) => Answer::Number(*number),
        Value::Text(word) => Answer::Word(word.clone()),
        Value::Bytes(_) => word(SEALED),
        Value::Null => Answer::Nothing,
    };
    match operation {
        Operation::Put { field, value } => Some(Deed::Put(field.clone(), answer(value))),
        Operation::PutIn { element, field, value, .. } => {
            Some(Deed::PutIn((element.entry.0, element.index), field.clone(), answer(value)))
        }
        Operation::Append { list, element } => {
            let fields = element.iter().map(|(field, value)| (field.clone(), answer(value)));
            Some(Deed::Add(list.clone(), fields.collect()))
        }
    }
}

/// The form that these operations fill in, where one could.
fn form_of(kind: Kind, operations: &[Operation]) -> Option<Form> {
    let mut form = Form::new(kind);
    for operation in operations {
        match operation {
            Operation::Put { field, value } => _ = form.put(field, value.clone()).ok()?,
            Operation::Append { list, element } => {
                _ = form.add(list, element.iter().cloned().collect()).ok()?;
            }
            Operation::PutIn { .. } => return None,
        }
    }
    Some(form)
}
