//! Syncs: started, watched, cancelled; kept going by themselves.

use crate::error::KitbagError;
use crate::kitbag::Kitbag;
use crate::runtime::{RUNTIME, run};
use kitbag_client::{KeptSynced, SyncOptions, SyncRun};
use kitbag_core::engine::Status;
use kitbag_core::sync::{Agreement, Progress};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

fn options(upload_budget: Option<u64>, deadline: Option<Duration>) -> SyncOptions {
    SyncOptions { upload_budget, deadline }
}

/// A sync that is going on, or is over.
#[derive(uniffi::Object)]
pub struct SyncHandle(SyncRun, tokio::sync::Mutex<SyncRun>);

#[uniffi::export]
impl SyncHandle {
    /// Ends it at once; what was acknowledged stays so.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Waits until it is further than was seen here last; nothing once it is over.
    pub async fn next_progress(self: Arc<Self>) -> Result<Option<Progress>, KitbagError> {
        run(async move { Ok(self.1.lock().await.next_progress().await) }).await
    }

    /// Waits for its end.
    pub async fn ended(&self) -> Result<Agreement, KitbagError> {
        let run_of = self.0.clone();
        run(async move { run_of.ended().await }).await
    }
}

/// Keeps a store synced until it is let go.
#[derive(uniffi::Object)]
pub struct Keeping(Mutex<Option<KeptSynced>>);

#[uniffi::export]
impl Keeping {
    /// The network is back, or somebody looks at the screen: syncs now.
    pub fn now(&self) {
        if let Some(kept) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            kept.now();
        }
    }

    /// Syncs no more by itself.
    pub fn end(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

#[uniffi::export]
impl Kitbag {
    /// Begins a sync; where one is going on, joins that one. It goes on whether anybody waits for it or not.
    pub fn start_sync(
        &self,
        upload_budget: Option<u64>,
        deadline: Option<Duration>,
    ) -> Result<Arc<SyncHandle>, KitbagError> {
        let run = self.client()?.sync().start(options(upload_budget, deadline));
        Ok(Arc::new(SyncHandle(run.clone(), tokio::sync::Mutex::new(run))))
    }

    /// What is true now of what waits, of the last sync and of the next.
    pub async fn status(&self) -> Result<Status, KitbagError> {
        let client = self.client()?;
        run(async move { client.sync().status().await }).await
    }

    /// The network is back; returns whether anything waits for it.
    pub async fn network_returned(&self) -> Result<bool, KitbagError> {
        let client = self.client()?;
        run(async move { client.sync().network_returned().await }).await
    }

    /// Syncs now, after saves, and again after failures, until it is let go.
    pub fn keep_synced(
        &self,
        upload_budget: Option<u64>,
        deadline: Option<Duration>,
    ) -> Result<Arc<Keeping>, KitbagError> {
        let client = self.client()?;
        let _within = RUNTIME.enter();
        let kept = client.sync().keep(options(upload_budget, deadline));
        Ok(Arc::new(Keeping(Mutex::new(Some(kept)))))
    }
}

/// Opens a store, syncs until a deadline, and lets go of it: what a background task of a phone does, and all of it.
#[uniffi::export]
pub async fn sync_in_background(
    opening: crate::kitbag::OpenOptions,
    deadline: Duration,
    cancel: Arc<crate::runtime::Cancel>,
) -> Result<Agreement, KitbagError> {
    let mut asked = cancel.subscribe();
    run(async move {
        let began = tokio::time::Instant::now();
        let client = kitbag_client::Client::open(opening.into()).await?;
        let left = deadline.saturating_sub(began.elapsed());
        let sync = client.sync().start(options(None, Some(left)));
        let until = async {
            if asked.wait_for(|cancelled| *cancelled).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            _ = sync.ended() => {}
            () = until => sync.cancel(),
        }
        let ended = sync.ended().await;
        client.close().await;
        ended
    })
    .await
}
