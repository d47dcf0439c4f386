//! Drafts: a reversal while it is going on. Durable, never sent, never counted.

use crate::Error;
use crate::client::Client;
use crate::records::every_fault;
use crate::workers::Turn;
use kitbag_core::engine::DraftId;
use kitbag_core::model::{Form, RecordId, TeamId};

/// Drafts. When a call that saves returns, it is durable.
pub struct Drafts<'client>(pub(crate) &'client Client);

impl Client {
    /// Drafts: a reversal while it is going on.
    pub fn drafts(&self) -> Drafts<'_> {
        Drafts(self)
    }
}

impl Drafts<'_> {
    /// Saves a new draft, or what one says now.
    ///
    /// # Errors
    /// [`Error::NotFound`] `draft` where it was finished or discarded: its number is given to no other.
    pub async fn save(&self, id: Option<DraftId>, form: Form) -> Result<DraftId, Error> {
        self.0.write(Turn::Soon, move |engine| engine.save_draft(id, &form)).await
    }

    /// All drafts, the latest last.
    pub async fn list(&self) -> Result<Vec<(DraftId, Form)>, Error> {
        self.0.read(|engine| engine.drafts()).await
    }

    /// Makes a record of a draft as its form stands now: it is saved and the draft gone, or neither.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of the form at once: the draft stays.
    pub async fn finish(&self, id: DraftId, team: TeamId, form: Form) -> Result<RecordId, Error> {
        let saved = self.0.write(Turn::Soon, move |engine| {
            let saved = engine.finish_draft_as(id, team, &form);
            every_fault(engine, (team, &form), saved)
        });
        saved.await?
    }

    /// Throws a draft away.
    pub async fn discard(&self, id: DraftId) -> Result<(), Error> {
        self.0.write(Turn::Soon, move |engine| engine.discard_draft(id)).await
    }
}
