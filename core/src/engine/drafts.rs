//! Drafts: forms that are being filled in, such as a reversal while it is going on. They are durable on
//! this device, never sent, never counted.

use super::{Engine, EngineError};
use crate::model::{Form, Invalid, Kind, Operation, RecordId, TeamId, Wrong, check, json};
use crate::store::Setting;
use serde_json::json;

/// The most drafts that one device keeps.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// for _ in 0..DRAFTS_MAX {
///     phone.save_draft(None, &Form::new(Kind::Contact))?;
/// }
/// assert!(phone.save_draft(None, &Form::new(Kind::Contact)).is_err());
/// # Ok::<(), Failed>(())
/// ```
pub const DRAFTS_MAX: usize = 100;

/// A draft's number on this device.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let id: DraftId = phone.save_draft(None, &Form::new(Kind::Reversal))?;
/// assert_eq!(id, DraftId(1));
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DraftId(pub u64);

impl Engine {
    /// Saves a draft, durably: a new one, or in the place of an older one.
    ///
    /// # Errors
    /// `too_many` past [`DRAFTS_MAX`]; the field, where an answer has a form that no draft can keep.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let mut form = Form::new(Kind::Reversal);
    /// let id = phone.save_draft(None, &form)?; // nothing is asked yet
    /// form.put("outcome", "survived")?;
    /// assert_eq!(phone.save_draft(Some(id), &form)?, id);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn save_draft(&mut self, id: Option<DraftId>, form: &Form) -> Result<DraftId, EngineError> {
        self.store.ensure_open()?;
        let held = self.draft_ids()?;
        if id.is_none() && held.len() >= DRAFTS_MAX {
            let expected = format!("expected at most {DRAFTS_MAX}; finish or discard one");
            return Err(Invalid::new("draft", Wrong::TooMany, expected).into());
        }
        // Whoever goes on with a draft that was finished or discarded hears so: its number is nobody else's.
        let (id, is_new) = match id {
            Some(id) if !held.contains(&id) => return Err(EngineError::NoDraft),
            Some(id) => (id, false),
            None => (self.next_draft(&held)?, true),
        };
        let answers = json::of_form(form);
        // What could not be read again would be lost with the form.
        if json::to_form(form.kind(), &answers).ok().as_ref() != Some(form) {
            return Err(unreadable(form).into());
        }
        let body = json!({ "kind": form.kind().name(), "answers": answers });
        let mut kept = vec![(Setting::Draft(id.0), body.to_string().into_bytes())];
        kept.extend(is_new.then(|| (Setting::LastDraft, id.0.to_be_bytes().to_vec())));
        self.store.set(&kept)?;
        Ok(id)
    }

    fn next_draft(&self, held: &[DraftId]) -> Result<DraftId, EngineError> {
        let last = self.store.setting(&Setting::LastDraft)?.and_then(|last| last.try_into().ok());
        let last = last.map_or(0, u64::from_be_bytes);
        let last = held.iter().map(|id| id.0).fold(last, u64::max);
        last.checked_add(1).map(DraftId).ok_or(EngineError::TooLarge)
    }

    /// All drafts, the oldest first.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.save_draft(None, &reversal()?)?;
    /// assert_eq!(phone.drafts()?, [(id, reversal()?)]);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn drafts(&self) -> Result<Vec<(DraftId, Form)>, EngineError> {
        let mut drafts = Vec::new();
        for id in self.draft_ids()? {
            let body = self.store.setting(&Setting::Draft(id.0))?.unwrap_or_default();
            drafts.extend(read(&body).map(|form| (id, form)));
        }
        Ok(drafts)
    }

    /// The numbers of all drafts, also of those that another version wrote and this one cannot read:
    /// none is given twice.
    fn draft_ids(&self) -> Result<Vec<DraftId>, EngineError> {
        let drafts = self.store.settings()?.into_iter().filter_map(|setting| match setting {
            Setting::Draft(number) => Some(DraftId(number)),
            _ => None,
        });
        let mut ids: Vec<DraftId> = drafts.collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Makes a record of a draft, and discards the draft in the same transaction.
    ///
    /// # Errors
    /// [`EngineError::NoDraft`] where there is no such draft; the field that is wrong or missing, and
    /// the draft stays.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let draft = phone.save_draft(None, &reversal()?)?;
    /// let id = phone.finish_draft(draft, team)?;
    /// assert!(phone.drafts()?.is_empty());
    /// assert_eq!(phone.get(id)?.kind, Kind::Reversal);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn finish_draft(&mut self, id: DraftId, team: TeamId) -> Result<RecordId, EngineError> {
        self.store.ensure_open()?;
        let drafts = self.drafts()?;
        let (_, form) =
            drafts.into_iter().find(|(held, _)| *held == id).ok_or(EngineError::NoDraft)?;
        self.record_and_forget(team, &form, Some(Setting::Draft(id.0)))
    }

    /// Makes a record of a form that goes on with a draft, and discards the draft in the same
    /// transaction. Where the form is not complete, the draft stays as it was.
    ///
    /// # Errors
    /// As [`Engine::finish_draft`].
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let draft = phone.save_draft(None, &Form::new(Kind::Reversal))?;
    /// phone.finish_draft_as(draft, team, &reversal()?)?;
    /// assert!(phone.drafts()?.is_empty());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn finish_draft_as(
        &mut self,
        id: DraftId,
        team: TeamId,
        form: &Form,
    ) -> Result<RecordId, EngineError> {
        self.store.ensure_open()?;
        if !self.draft_ids()?.contains(&id) {
            return Err(EngineError::NoDraft);
        }
        self.record_and_forget(team, form, Some(Setting::Draft(id.0)))
    }

    /// Deletes a draft, durably.
    ///
    /// # Errors
    /// [`EngineError::NoDraft`] where there is none of this number.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let draft = phone.save_draft(None, &reversal()?)?;
    /// phone.discard_draft(draft)?;
    /// assert!(matches!(phone.discard_draft(draft), Err(EngineError::NoDraft)));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn discard_draft(&mut self, id: DraftId) -> Result<(), EngineError> {
        self.store.ensure_open()?;
        if !self.draft_ids()?.contains(&id) {
            return Err(EngineError::NoDraft);
        }
        Ok(self.store.unset(&[Setting::Draft(id.0)])?)
    }
}

/// The answer that a draft cannot keep: one that its field does not hold.
fn unreadable(form: &Form) -> Invalid {
    let puts = form.fields().iter().map(|(field, value)| Operation::put(field, value.clone()));
    let elements = form.lists().iter().flat_map(|(list, elements)| {
        elements.iter().map(|element| crate::model::form::append(list, element))
    });
    let operations: Vec<Operation> = puts.chain(elements).collect();
    let version = check::version_needed(form.kind(), &operations);
    match check::check_change(form.kind(), version, &operations) {
        Err(fault) => fault.into_invalid(),
        Ok(()) => Invalid::new("draft", Wrong::Shape, "expected answers as text and numbers"),
    }
}

fn read(body: &[u8]) -> Option<Form> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let kind = Kind::from_name(body["kind"].as_str()?)?;
    json::to_form(kind, &body["answers"]).ok()
}
