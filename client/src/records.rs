//! Records: saved, corrected, looked for.

use crate::Error;
use crate::client::Client;
use crate::workers::Turn;
use kitbag_core::engine::{Attention, Engine, EngineError, List, Suspected, Why};
use kitbag_core::log::verdict::Refusal;
use kitbag_core::model::{
    CivilDate, Element, ElementName, EntryId, Form, Invalid, Kind, Operation, RecordId, TeamId,
    Value,
};
use kitbag_core::record::Record;
use kitbag_core::store::{Delivery, Refused, Row, Search, State};

/// Records: saved, corrected, looked for. When a call that saves returns, it is durable.
pub struct Records<'client>(pub(crate) &'client Client);

impl Client {
    /// Records: saved, corrected, looked for.
    pub fn records(&self) -> Records<'_> {
        Records(self)
    }
}

impl Records<'_> {
    /// From now on, and for good, this device captures only: what the hub has of its records cannot be read here any more
    /// (ADR 26). Returns of how many records the contents were dropped.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] `role` on a coordinator's, an observer's or the root's device: others rely on what it holds.
    pub async fn capture_only(&self) -> Result<u64, Error> {
        self.0.write(Turn::Soon, |engine| engine.capture_only()).await
    }

    /// Whether this device captures only, as it or its programme chose.
    pub async fn is_capture_only(&self) -> Result<bool, Error> {
        self.0.read(|engine| engine.is_capture_only()).await
    }

    /// A form of a kind with the day, and what this device answered last time where that is mostly the same.
    pub async fn begin(
        &self,
        team: TeamId,
        kind: Kind,
        today: CivilDate,
        utc_offset_min: i64,
    ) -> Result<Form, Error> {
        self.0.read(move |engine| engine.begin_form(team, kind, (today, utc_offset_min))).await
    }

    /// All that keeps a form from being saved: one fault for each field, each with a stable code.
    pub async fn faults(&self, team: TeamId, form: Form) -> Result<Vec<Invalid>, Error> {
        self.0.read(move |engine| engine.form_faults(team, &form)).await
    }

    /// Saves a record. What the form leaves open and the programme or this device knows is filled in.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of the form at once: nothing was saved.
    pub async fn record(&self, team: TeamId, form: Form) -> Result<RecordId, Error> {
        let saved = self.0.write(Turn::Soon, move |engine| {
            let saved = engine.record(team, &form);
            every_fault(engine, (team, &form), saved)
        });
        saved.await?
    }

    /// Changes a record by several operations at once: all of them, or none.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of the operations at once: nothing was saved.
    pub async fn change(&self, id: RecordId, operations: Vec<Operation>) -> Result<EntryId, Error> {
        let changed =
            self.0.write(Turn::Soon, move |engine| match engine.change(id, operations.clone()) {
                Err(EngineError::Invalid(first)) => {
                    let faults = engine.change_faults(id, &operations)?;
                    let faults = if faults.is_empty() { vec![first] } else { faults };
                    Ok(Err(Error::Invalid(faults)))
                }
                changed => changed.map(Ok),
            });
        changed.await?
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

    /// Says of two records that look like one event that they are two: they are suspected no more.
    pub async fn keep_apart(&self, id: RecordId, other: RecordId) -> Result<EntryId, Error> {
        self.0.write(Turn::Soon, move |engine| engine.keep_apart(id, other)).await
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

    /// A record as a screen shows it, as of one moment.
    pub async fn look_at(&self, id: RecordId) -> Result<OneRecord, Error> {
        let looked = self.0.read(move |engine| {
            Ok(OneRecord {
                record: engine.get(id)?,
                state: engine.store().row(id)?.map(|row| row.state),
                delivery: engine.delivery(id)?,
                attention: engine.attention(id)?,
            })
        });
        looked.await
    }

    /// The record that this device changed last in a team: what *undo* is about.
    pub async fn last_changed(&self, team: TeamId) -> Result<Option<RecordId>, Error> {
        self.0.read(move |engine| engine.last_changed(team)).await
    }

    /// A page of the records looked for, the latest first, each with whether the hub has it and whether it needs a
    /// person; [`Search::needs_person`] alone lists what needs one.
    pub async fn list(&self, search: Search) -> Result<List, Error> {
        self.0.read(move |engine| engine.list(&search)).await
    }

    /// A page, and how many records there are on all pages, as of one moment.
    pub async fn list_and_count(&self, search: Search) -> Result<(List, u64), Error> {
        self.0.read(move |engine| Ok((engine.list(&search)?, engine.how_many(&search)?))).await
    }

    /// All records with two values for a field, written apart, as of one moment.
    pub async fn conflicted(&self) -> Result<Vec<Record>, Error> {
        let conflicted = self.0.read(|engine| {
            let mut ids = Vec::new();
            let search = Search { conflicted: true, most: 500, ..Search::default() };
            engine.each_found(search, |row| ids.push(row.id))?;
            ids.into_iter().map(|id| engine.get(id)).collect()
        });
        conflicted.await
    }

    /// Shows the rows of a span of days to `look`, one by one, day by day, on a reader's thread and as of one moment,
    /// until it has seen enough and returns false: what an export writes, and what an import finds known.
    pub async fn look_through<T: Send + 'static>(
        &self,
        (from, to): (Option<CivilDate>, Option<CivilDate>),
        mut seen: T,
        mut look: impl FnMut(&mut T, Row) -> bool + Send + 'static,
    ) -> Result<T, Error> {
        let looked = self.0.read_long(move |engine| {
            engine.look_through(from, to, |row| look(&mut seen, row))?;
            Ok(seen)
        });
        looked.await
    }

    /// Saves a record of a file: the same as [`Records::record`], but that no stock is taken for the last used.
    pub async fn record_imported(&self, team: TeamId, form: Form) -> Result<RecordId, Error> {
        let saved = self.0.write(Turn::Later, move |engine| {
            let saved = engine.record_imported(team, &form);
            every_fault(engine, (team, &form), saved)
        });
        saved.await?
    }

    /// Saves rows of an imported file together; each that cannot be saved says why, and keeps no other from being saved.
    pub async fn record_all_imported(
        &self,
        team: TeamId,
        forms: Vec<Form>,
    ) -> Result<Vec<Result<RecordId, Error>>, Error> {
        let saved = self.0.write(Turn::Later, move |engine| {
            let saved = engine.record_all_imported(team, &forms).into_iter().zip(&forms);
            saved.map(|(saved, form)| every_fault(engine, (team, form), saved)).collect()
        });
        saved.await
    }

    /// What of records does not count, and why.
    pub async fn refused(&self) -> Result<Vec<RefusedRecord>, Error> {
        let refused = self.0.read(|engine| engine.refused()).await?;
        let with = refused.into_iter();
        Ok(with.map(|of| RefusedRecord { of, lifted_by: lifted_by(of.refusal) }).collect())
    }

    /// Pairs of records that look like one event, a thousand at most, behind the first `skip`.
    pub async fn suspected_duplicates(&self, skip: u64) -> Result<Vec<Suspected>, Error> {
        self.0.read(move |engine| engine.suspected_duplicates(skip)).await
    }

    /// Links all pairs that are suspected by one reason, as far as this device may; `progress` gets how many were linked
    /// so far. Returns how many were.
    pub async fn link_suspected(
        &self,
        why: Why,
        progress: impl FnMut(u64) + Send + 'static,
    ) -> Result<u64, Error> {
        self.0.write(Turn::Later, move |engine| engine.link_suspected(why, progress)).await
    }
}

/// A record as a screen shows it.
#[derive(Clone, Debug)]
pub struct OneRecord {
    /// What it says, with its history.
    pub record: Record,
    /// Why it counts, or counts nowhere; `None` while it is not judged.
    pub state: Option<State>,
    /// Whether the hub has all of it that is here.
    pub delivery: Delivery,
    /// Whether it needs a person.
    pub attention: Attention,
}

/// Something of a record that does not count, and who can change that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedRecord {
    /// What, whose and why.
    pub of: Refused,
    /// Who can lift it.
    pub lifted_by: LiftedBy,
}

/// Who can make count what does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiftedBy {
    /// A coordinator: by accepting what came after a revocation, or by doing it himself.
    Coordinator,
    /// Nobody needs to: it counts as soon as what it needs is here.
    Arrival,
    /// Nobody: no honest version of Kitbag wrote it. Recorded anew it counts.
    Nobody,
}

fn lifted_by(refusal: Refusal) -> LiftedBy {
    match refusal {
        Refusal::Revoked | Refusal::Role => LiftedBy::Coordinator,
        Refusal::Needs => LiftedBy::Arrival,
        Refusal::Ended | Refusal::Schema => LiftedBy::Nobody,
    }
}

/// What was saved; where answers are wrong, every fault of the form rather than the first.
pub(crate) fn every_fault<T>(
    engine: &Engine,
    (team, form): (TeamId, &Form),
    saved: Result<T, EngineError>,
) -> Result<Result<T, Error>, EngineError> {
    match saved {
        Err(EngineError::Invalid(first)) => {
            let faults = engine.form_faults(team, form)?;
            Ok(Err(Error::Invalid(if faults.is_empty() { vec![first] } else { faults })))
        }
        saved => saved.map(Ok),
    }
}
