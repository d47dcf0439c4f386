//! A sync that is going on, as all see it who began, joined or cancelled it.

use crate::Error;
use kitbag_core::engine::Syncing;
use kitbag_core::sync::{Agreement, Progress, SyncFault};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// How a sync ended.
pub type SyncEnded = Result<Agreement, Error>;

/// What all handles of one sync share.
pub(crate) struct Running {
    pub(crate) cancelled: watch::Sender<bool>,
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) ended: watch::Sender<Option<SyncEnded>>,
    /// What it was when it was over: the hub's word that leaving a team asks for.
    pub(crate) synced: Mutex<Option<Syncing>>,
}

impl Running {
    pub(crate) fn cancel(&self) {
        self.cancelled.send_replace(true);
    }

    pub(crate) async fn ended(&self) -> SyncEnded {
        let mut ended = self.ended.subscribe();
        match ended.wait_for(Option::is_some).await {
            Ok(ended) => ended.clone().unwrap_or(Err(Error::Sync(SyncFault::CutOff))),
            Err(_) => Err(Error::Sync(SyncFault::CutOff)),
        }
    }
}

/// A sync whose runtime ends with it has an end, too: nobody waits for it for good.
pub(crate) struct EndsInAnyCase(pub(crate) Arc<Running>);

impl Drop for EndsInAnyCase {
    fn drop(&mut self) {
        self.0.ended.send_if_modified(|ended| {
            let is_new = ended.is_none();
            ended.get_or_insert(Err(Error::Sync(SyncFault::CutOff)));
            is_new
        });
    }
}
