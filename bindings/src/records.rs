//! Records and drafts.

use crate::error::{Fault, KitbagError, words};
use crate::form::{Change, FilledForm};
use crate::kitbag::Kitbag;
use crate::runtime::at_store;
use kitbag_client::{OneRecord, RefusedRecord};
use kitbag_core::engine::{Attention, DraftId, List as ListPage, Suspected, Why};
use kitbag_core::model::{
    CivilDate, DeviceKey, ElementName, EntryId, Kind, RecordId, TeamId, UnixMillis, Value,
};
use kitbag_core::record::{Fields, Record};
use kitbag_core::store::{Delivery, ListPlace, Order, Search, State};
use std::collections::HashMap;

/// Which records are looked for.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct Sought {
    pub team: Option<TeamId>,
    pub kind: Option<Kind>,
    pub author: Option<DeviceKey>,
    pub state: Option<State>,
    pub conflicted: bool,
    pub date_in_doubt: bool,
    pub needs_person: bool,
    pub from: Option<CivilDate>,
    pub to: Option<CivilDate>,
    pub answers: HashMap<String, String>,
    pub order: Order,
    pub older_than: Option<ListPlace>,
    pub newer_than: Option<ListPlace>,
    pub most: u64,
}

impl From<Sought> for Search {
    fn from(sought: Sought) -> Self {
        Search {
            team: sought.team,
            kind: sought.kind,
            author: sought.author,
            state: sought.state,
            conflicted: sought.conflicted,
            date_in_doubt: sought.date_in_doubt,
            needs_person: sought.needs_person,
            from: sought.from,
            to: sought.to,
            answers: sought.answers.into_iter().collect(),
            order: sought.order,
            older_than: sought.older_than,
            newer_than: sought.newer_than,
            most: sought.most,
        }
    }
}

/// A page, and how many there are on all pages.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct CountedList {
    pub page: ListPage,
    pub count: u64,
}

/// A value with the entry that wrote it.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct WrittenValue {
    pub value: Value,
    pub by: EntryId,
}

/// An element of a list, with its name.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct NamedElement {
    pub name: ElementName,
    pub fields: HashMap<String, Vec<WrittenValue>>,
}

/// Who changed what, when.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct HistoryEntry {
    pub entry: EntryId,
    pub author: DeviceKey,
    pub by_coordinator: bool,
    pub at: UnixMillis,
    pub changes: Vec<Change>,
}

/// A record with its history; of a field the winning value is the last.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct WholeRecord {
    pub id: RecordId,
    pub kind: Kind,
    pub team: TeamId,
    pub author: DeviceKey,
    pub recorded_at: UnixMillis,
    pub fields: HashMap<String, Vec<WrittenValue>>,
    pub lists: HashMap<String, Vec<NamedElement>>,
    pub history: Vec<HistoryEntry>,
    pub state: Option<State>,
    pub delivery: Delivery,
    pub attention: Attention,
}

/// A draft.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct Draft {
    pub id: u64,
    pub form: FilledForm,
}

fn written(fields: Fields) -> HashMap<String, Vec<WrittenValue>> {
    let with = |values: Vec<(Value, EntryId)>| {
        values.into_iter().map(|(value, by)| WrittenValue { value, by }).collect()
    };
    fields.into_iter().map(|(field, values)| (field.to_string(), with(values))).collect()
}

impl From<OneRecord> for WholeRecord {
    fn from(one: OneRecord) -> Self {
        let Record { id, kind, team, author, recorded_at, fields, lists, history, .. } = one.record;
        let element = |held: kitbag_core::record::HeldElement| NamedElement {
            name: held.name,
            fields: written(held.fields),
        };
        let lists = lists.into_iter();
        let history = history.iter().map(|change| HistoryEntry {
            entry: change.entry,
            author: change.author,
            by_coordinator: change.by_coordinator,
            at: change.at,
            changes: change.operations.iter().map(Change::from).collect(),
        });
        WholeRecord {
            id,
            kind,
            team,
            author,
            recorded_at,
            fields: written(fields),
            lists: lists
                .map(|(name, held)| (name, held.into_iter().map(element).collect()))
                .collect(),
            history: history.collect(),
            state: one.state,
            delivery: one.delivery,
            attention: one.attention,
        }
    }
}

#[uniffi::export]
impl Kitbag {
    /// A form of a kind with the day, and what this device answered last time where that is mostly the same.
    pub async fn begin(
        &self,
        team: TeamId,
        kind: Kind,
        today: CivilDate,
        utc_offset_min: i64,
    ) -> Result<FilledForm, KitbagError> {
        let client = self.client()?;
        let begin = async move { client.records().begin(team, kind, today, utc_offset_min).await };
        Ok(FilledForm::of(&at_store(begin).await?))
    }

    /// What a form will be saved as: with what the programme or this device knows filled in.
    pub async fn prepared(
        &self,
        team: TeamId,
        form: FilledForm,
    ) -> Result<FilledForm, KitbagError> {
        let client = self.client()?;
        let prepared = at_store(async move { client.records().prepared(team, form.read()?).await });
        Ok(FilledForm::of(&prepared.await?))
    }

    /// All that keeps a form from being saved.
    pub async fn faults(&self, team: TeamId, form: FilledForm) -> Result<Vec<Fault>, KitbagError> {
        let client = self.client()?;
        let faults = at_store(async move {
            match form.read() {
                Ok(form) => client.records().faults(team, form).await,
                Err(kitbag_client::Error::Invalid(faults)) => Ok(faults),
                Err(error) => Err(error),
            }
        });
        let (faults, words) = (faults.await?, words());
        Ok(faults.iter().map(|fault| Fault::of(&words, fault)).collect())
    }

    /// Saves a record; when it returns, it is durable.
    pub async fn record(&self, team: TeamId, form: FilledForm) -> Result<RecordId, KitbagError> {
        let client = self.client()?;
        at_store(async move { client.records().record(team, form.read()?).await }).await
    }

    /// Changes a record by several changes at once: all of them, or none.
    pub async fn change(&self, id: RecordId, changes: Vec<Change>) -> Result<EntryId, KitbagError> {
        let client = self.client()?;
        let changes = changes.into_iter().map(Into::into).collect();
        at_store(async move { client.records().change(id, changes).await }).await
    }

    /// Voids a record, with a reason of the data dictionary.
    pub async fn void(&self, id: RecordId, reason: String) -> Result<EntryId, KitbagError> {
        let client = self.client()?;
        at_store(async move { client.records().void(id, reason).await }).await
    }

    /// Takes a void back.
    pub async fn clear_void(&self, id: RecordId) -> Result<EntryId, KitbagError> {
        let client = self.client()?;
        at_store(async move { client.records().clear_void(id).await }).await
    }

    /// Says that a record is of the same event as another one.
    pub async fn mark_duplicate(&self, id: RecordId, of: RecordId) -> Result<EntryId, KitbagError> {
        let client = self.client()?;
        at_store(async move { client.records().mark_duplicate(id, of).await }).await
    }

    /// Undoes this device's last change of a record.
    pub async fn undo(&self, id: RecordId) -> Result<EntryId, KitbagError> {
        let client = self.client()?;
        at_store(async move { client.records().undo(id).await }).await
    }

    /// A record as a screen shows it, with its history.
    pub async fn look_at(&self, id: RecordId) -> Result<WholeRecord, KitbagError> {
        let client = self.client()?;
        at_store(async move { client.records().look_at(id).await.map(WholeRecord::from) }).await
    }

    /// The record that this device changed last in a team.
    pub async fn last_changed(&self, team: TeamId) -> Result<Option<RecordId>, KitbagError> {
        let client = self.client()?;
        at_store(async move { client.records().last_changed(team).await }).await
    }

    /// A page of the records looked for, and how many there are on all pages.
    pub async fn list(&self, sought: Sought) -> Result<CountedList, KitbagError> {
        if sought.most == 0 {
            return Err(KitbagError::argument("most"));
        }
        // A name that is misspelt finds nothing: it must not look as if there were none.
        let kinds = sought.kind.map_or(Kind::ALL.to_vec(), |kind| vec![kind]);
        let is_field = |name: &str| {
            let base = name.split('.').next().unwrap_or(name);
            kinds.iter().any(|kind| kind.field(base).is_some())
        };
        if let Some(name) = sought.answers.keys().find(|name| !is_field(name)) {
            return Err(KitbagError::argument(name));
        }
        let client = self.client()?;
        let listed = at_store(async move { client.records().list_and_count(sought.into()).await });
        let (page, count) = listed.await?;
        Ok(CountedList { page, count })
    }

    /// What of records does not count, why, and who can lift it.
    pub async fn refused(&self) -> Result<Vec<RefusedRecord>, KitbagError> {
        let client = self.client()?;
        at_store(async move { client.records().refused().await }).await
    }

    /// Pairs of records that look like one event.
    pub async fn suspected_duplicates(&self, skip: u64) -> Result<Vec<Suspected>, KitbagError> {
        let client = self.client()?;
        at_store(async move { client.records().suspected_duplicates(skip).await }).await
    }

    /// Links all pairs that are suspected by one reason.
    pub async fn link_suspected(&self, why: Why) -> Result<u64, KitbagError> {
        let client = self.client()?;
        at_store(async move { client.records().link_suspected(why, |_| {}).await }).await
    }

    /// Says of two records that they are two.
    pub async fn keep_apart(&self, id: RecordId, other: RecordId) -> Result<(), KitbagError> {
        let client = self.client()?;
        at_store(async move { client.records().keep_apart(id, other).await.map(drop) }).await
    }

    /// From now on, and for good, this device captures only; of how many records the contents were dropped.
    pub async fn capture_only(&self) -> Result<u64, KitbagError> {
        let client = self.client()?;
        at_store(async move { client.records().capture_only().await }).await
    }

    /// Whether this device captures only.
    pub async fn is_capture_only(&self) -> Result<bool, KitbagError> {
        let client = self.client()?;
        at_store(async move { client.records().is_capture_only().await }).await
    }

    /// Saves a new draft, or what one says now.
    pub async fn save_draft(&self, id: Option<u64>, form: FilledForm) -> Result<u64, KitbagError> {
        let client = self.client()?;
        at_store(async move { Ok(client.drafts().save(id.map(DraftId), form.read()?).await?.0) })
            .await
    }

    /// All drafts, the latest last.
    pub async fn drafts(&self) -> Result<Vec<Draft>, KitbagError> {
        let client = self.client()?;
        let drafts = at_store(async move { client.drafts().list().await }).await?;
        Ok(drafts.iter().map(|(id, form)| Draft { id: id.0, form: FilledForm::of(form) }).collect())
    }

    /// Makes a record of a draft as its form stands now.
    pub async fn finish_draft(
        &self,
        id: u64,
        team: TeamId,
        form: FilledForm,
    ) -> Result<RecordId, KitbagError> {
        let client = self.client()?;
        at_store(async move { client.drafts().finish(DraftId(id), team, form.read()?).await }).await
    }

    /// Throws a draft away.
    pub async fn discard_draft(&self, id: u64) -> Result<(), KitbagError> {
        let client = self.client()?;
        at_store(async move { client.drafts().discard(DraftId(id)).await }).await
    }
}
