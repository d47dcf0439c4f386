//! What changes in a store, asked for: who asks late gets one summary of all that came meanwhile.

use crate::error::KitbagError;
use crate::kitbag::Kitbag;
use crate::runtime::run;
use kitbag_client::Noticed;
use kitbag_core::model::{Kind, RecordId};
use std::sync::Arc;
use tokio::sync::{Mutex, watch};

/// What changed since it was asked last.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct Changed {
    pub records: Vec<RecordId>,
    pub is_many: bool,
    pub kinds: Vec<Kind>,
    pub sums: bool,
    pub delivery: bool,
    pub attention: bool,
    pub state: bool,
}

impl From<Noticed> for Changed {
    fn from(noticed: Noticed) -> Self {
        let Noticed { records, is_many, kinds, sums, delivery, attention, state } = noticed;
        let (records, kinds) = (records.into_iter().collect(), kinds.into_iter().collect());
        Changed { records, is_many, kinds, sums, delivery, attention, state }
    }
}

/// What changes from when it was made, until it is ended or let go.
#[derive(uniffi::Object)]
pub struct Changes {
    noticed: Mutex<kitbag_client::Changes>,
    ended: watch::Sender<bool>,
}

#[uniffi::export]
impl Changes {
    /// Waits for a change; nothing once the store is closed or this is ended.
    pub async fn next(self: Arc<Self>) -> Result<Option<Changed>, KitbagError> {
        let next = async move {
            let mut ended = self.ended.subscribe();
            let mut noticed = self.noticed.lock().await;
            tokio::select! {
                biased;
                _ = ended.wait_for(|ended| *ended) => Ok(None),
                next = noticed.next() => Ok(next.map(Changed::from)),
            }
        };
        run(next).await
    }

    /// Ends it: whoever waits gets nothing.
    pub fn end(&self) {
        self.ended.send_replace(true);
    }
}

#[uniffi::export]
impl Kitbag {
    /// What changes from now on.
    pub fn observe(&self) -> Result<Arc<Changes>, KitbagError> {
        let noticed = Mutex::new(self.client()?.observe());
        Ok(Arc::new(Changes { noticed, ended: watch::Sender::new(false) }))
    }
}
