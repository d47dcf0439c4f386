//! Records: saved, corrected, looked for.

use crate::Error;
use crate::client::Client;
use crate::workers::Turn;
use kitbag_core::model::{Element, ElementName, EntryId, Form, RecordId, TeamId, Value};
use kitbag_core::record::Record;
use kitbag_core::store::{Page, Search};

/// Records: saved, corrected, looked for. When a call that saves returns, it is durable.
pub struct Records<'client>(pub(crate) &'client Client);

impl Records<'_> {
    /// Saves a record. What the form leaves open and the programme or this device knows is filled in.
    pub async fn record(&self, team: TeamId, form: Form) -> Result<RecordId, Error> {
        self.0.write(Turn::Soon, move |engine| engine.record(team, &form)).await
    }

    /// What a form will be saved as: with what the programme or this device knows filled in.
    pub async fn prepared(&self, team: TeamId, form: Form) -> Result<Form, Error> {
        self.0.write(Turn::Soon, move |engine| engine.prepared(team, &form)).await
    }

    /// Gives a field another value; the old one stays in the history.
    pub async fn correct(
        &self,
        id: RecordId,
        field: String,
        value: Value,
    ) -> Result<EntryId, Error> {
        self.0.write(Turn::Soon, move |engine| engine.correct(id, &field, value)).await
    }

    /// Voids a record, with a reason of the data dictionary: it counts nowhere from then on.
    pub async fn void(&self, id: RecordId, reason: String) -> Result<EntryId, Error> {
        self.0.write(Turn::Soon, move |engine| engine.void(id, &reason)).await
    }

    /// Takes a void back.
    pub async fn clear_void(&self, id: RecordId) -> Result<EntryId, Error> {
        self.0.write(Turn::Soon, move |engine| engine.clear_void(id)).await
    }

    /// Says that a record is of the same event as another one.
    pub async fn mark_duplicate(&self, id: RecordId, of: RecordId) -> Result<EntryId, Error> {
        self.0.write(Turn::Soon, move |engine| engine.mark_duplicate(id, of)).await
    }

    /// Adds an element to a list: an administration to a reversal, an event to a referral.
    pub async fn add(
        &self,
        id: RecordId,
        list: String,
        element: Element,
    ) -> Result<EntryId, Error> {
        self.0.write(Turn::Soon, move |engine| engine.add(id, &list, &element)).await
    }

    /// Gives a field of a list's element another value; `void` with a reason takes it out.
    pub async fn correct_element(
        &self,
        id: RecordId,
        (list, element): (String, ElementName),
        field: String,
        value: Value,
    ) -> Result<EntryId, Error> {
        let work = move |engine: &mut kitbag_core::engine::Engine| {
            engine.correct_element(id, &list, element, &field, value)
        };
        self.0.write(Turn::Soon, work).await
    }

    /// Undoes this device's last change of a record.
    pub async fn undo(&self, id: RecordId) -> Result<EntryId, Error> {
        self.0.write(Turn::Soon, move |engine| engine.undo(id)).await
    }

    /// A record, with its history.
    pub async fn get(&self, id: RecordId) -> Result<Record, Error> {
        self.0.read(move |engine| engine.get(id)).await
    }

    /// A page of the records looked for, the latest first.
    pub async fn search(&self, search: Search) -> Result<Page, Error> {
        self.0.read(move |engine| engine.search(&search)).await
    }
}
