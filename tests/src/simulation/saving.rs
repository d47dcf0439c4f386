//! How people's records come to be saved: mostly as an app saves them, which refuses what is wrong, and now and then as
//! software writes that asks nobody.

use super::Failure;
use super::oracle::{Answer, Deed, Intent, Label};
use super::world::{Pending, TEAMS, World};
use kitbag_core::engine::EngineError;
use kitbag_core::model::{EntryId, Kind, Operation, RecordId, TeamId, Value};
use kitbag_core::store::StoreError;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

type Dice = ChaCha8Rng;

/// How often nobody is asked.
const UNASKED: f64 = 0.3;

impl World {
    /// Saves what somebody means, as an app does or without asking.
    pub(super) fn save(
        &mut self,
        at: usize,
        (team, kind, record): (TeamId, Kind, Option<RecordId>),
        operations: Vec<Operation>,
        dice: &mut Dice,
    ) -> Result<(), EngineError> {
        let unasked = dice.random_bool(UNASKED);
        let engine = self.engine(at);
        match record {
            _ if unasked => engine.write_unasked(team, kind, record, operations).map(drop),
            Some(id) => engine.change(id, operations).map(drop),
            None => engine.create(team, kind, operations).map(drop),
        }
    }

    /// What was refused left nothing behind; else as after any save.
    pub(super) fn after_try(
        &mut self,
        at: usize,
        intent: Intent,
        saved: Result<(), EngineError>,
    ) -> Result<(), Failure> {
        let refused = match saved {
            Err(EngineError::Invalid(_) | EngineError::Store(StoreError::Refused(_))) => true,
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
        match entries.iter().any(|entry| entry.kind >= kinds && !own(&entry.id.0)) {
            true => Err(Failure("what was refused was saved".to_owned())),
            false => {
                self.note("was refused");
                Ok(())
            }
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
        let intent = self.intent(at, by, (shown.kind.number(), record), after, deeds);
        self.after_try(at, intent, saved.map(drop))
    }
}

/// What an operation means; `None` for what an undo never does.
fn deed(operation: &Operation) -> Option<Deed> {
    let answer = |value: &Value| match value {
        Value::Bool(flag) => Answer::Flag(*flag),
        Value::Int(number) => Answer::Number(*number),
        Value::Text(word) => Answer::Word(word.clone()),
        Value::Null | Value::Bytes(_) => Answer::Nothing,
    };
    match operation {
        Operation::Put { field, value } => Some(Deed::Put(field.clone(), answer(value))),
        Operation::PutIn { element, field, value, .. } => {
            Some(Deed::PutIn((element.entry.0, element.index), field.clone(), answer(value)))
        }
        Operation::Append { .. } => None,
    }
}
