//! Drafts: forms that are being filled in, such as a reversal while it is going on. They are durable on
//! this device, never sent, never counted.

use super::{Engine, EngineError};
use crate::model::{Form, Invalid, Kind, RecordId, TeamId, Wrong, json};
use serde_json::json;

/// The most drafts that one device keeps.
pub const DRAFTS_MAX: usize = 100;
const PREFIX: &str = "draft ";

/// A draft's number on this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DraftId(pub u64);

impl Engine {
    /// Saves a draft, durably: a new one, or in the place of an older one.
    ///
    /// # Errors
    /// `too_many` past [`DRAFTS_MAX`].
    pub fn save_draft(&mut self, id: Option<DraftId>, form: &Form) -> Result<DraftId, EngineError> {
        self.store.ensure_open()?;
        let held = self.drafts()?;
        if id.is_none() && held.len() >= DRAFTS_MAX {
            let expected = format!("expected at most {DRAFTS_MAX}; finish or discard one");
            return Err(Invalid::new("draft", Wrong::TooMany, expected).into());
        }
        let next = held.iter().map(|(id, _)| id.0).max().unwrap_or(0) + 1;
        let id = id.unwrap_or(DraftId(next));
        let body = json!({ "kind": form.kind().name(), "answers": json::of_form(form) });
        let name = format!("{PREFIX}{}", id.0);
        self.store.set_meta(&[(name, body.to_string().into_bytes())])?;
        Ok(id)
    }

    /// All drafts, the oldest first.
    pub fn drafts(&self) -> Result<Vec<(DraftId, Form)>, EngineError> {
        let mut drafts = Vec::new();
        for name in self.store.meta_names(PREFIX)? {
            let id = name.strip_prefix(PREFIX).and_then(|id| id.parse().ok());
            let body = self.store.meta(&name)?.unwrap_or_default();
            if let (Some(id), Some(form)) = (id, read(&body)) {
                drafts.push((DraftId(id), form));
            }
        }
        drafts.sort_by_key(|(id, _)| *id);
        Ok(drafts)
    }

    /// Makes a record of a draft, and discards the draft once the record is durable.
    ///
    /// # Errors
    /// [`EngineError::NoRecord`] where there is no such draft; the field that is wrong or missing, and
    /// the draft stays.
    pub fn finish_draft(&mut self, id: DraftId, team: TeamId) -> Result<RecordId, EngineError> {
        self.store.ensure_open()?;
        let drafts = self.drafts()?;
        let (_, form) =
            drafts.into_iter().find(|(held, _)| *held == id).ok_or(EngineError::NoRecord)?;
        let record = self.record(team, &form)?;
        self.discard_draft(id)?;
        Ok(record)
    }

    /// Deletes a draft, durably.
    pub fn discard_draft(&mut self, id: DraftId) -> Result<(), EngineError> {
        Ok(self.store.forget_meta(&format!("{PREFIX}{}", id.0))?)
    }
}

fn read(body: &[u8]) -> Option<Form> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let kind = Kind::from_name(body["kind"].as_str()?)?;
    json::to_form(kind, &body["answers"]).ok()
}
