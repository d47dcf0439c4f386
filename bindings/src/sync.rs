//! Syncs: started, watched, cancelled; kept going by themselves.

use crate::error::KitbagError;
use crate::kitbag::Kitbag;
use crate::runtime::{Cancel, RUNTIME, run, run_until};
use kitbag_client::{Error, KeptSynced, SyncOptions, SyncRun};
use kitbag_core::engine::Status;
use kitbag_core::sync::{Agreement, Progress, SyncFault};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

fn options(upload_budget: Option<u64>, deadline: Option<Duration>) -> SyncOptions {
    SyncOptions { upload_budget, deadline }
}

/// A sync that is going on, or is over.
#[derive(uniffi::Object)]
pub struct SyncHandle(SyncRun);

#[uniffi::export]
impl SyncHandle {
    /// Ends it at once, where nobody else wants it; what was acknowledged stays so.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Its progress, for one who shows it.
    pub fn watch(&self) -> Arc<Watched> {
        Arc::new(Watched { run: tokio::sync::Mutex::new(self.0.clone()), end: Cancel::new() })
    }

    /// Waits for its end.
    pub async fn ended(&self) -> Result<Agreement, KitbagError> {
        let run_of = self.0.clone();
        run(async move { run_of.ended().await }).await
    }
}

/// The progress of a sync, until it is over or nobody looks.
#[derive(uniffi::Object)]
pub struct Watched {
    run: tokio::sync::Mutex<SyncRun>,
    end: Arc<Cancel>,
}

#[uniffi::export]
impl Watched {
    /// Waits until it is further than was seen here last; nothing once it is over.
    pub async fn next(self: Arc<Self>) -> Result<Option<Progress>, KitbagError> {
        let end = Arc::clone(&self.end);
        let next = async move { Ok(self.run.lock().await.next_progress().await) };
        match run_until(end, next).await {
            Err(error) if error.is_cancelled() => Ok(None),
            next => next,
        }
    }

    /// Nobody looks any more: whoever waits gets nothing.
    pub fn end(&self) {
        self.end.cancel();
    }
}

/// What is true now, and in words why the last sync failed.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct SyncStatus {
    pub now: Status,
    pub failed: Option<KitbagError>,
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
        Ok(Arc::new(SyncHandle(run)))
    }

    /// What is true now of what waits, of the last sync and of the next.
    pub async fn status(&self) -> Result<SyncStatus, KitbagError> {
        let client = self.client()?;
        let now = run(async move { client.sync().status().await }).await?;
        let failed = now.last.failed.map(|fault| KitbagError::from(Error::Sync(fault)));
        Ok(SyncStatus { now, failed })
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

/// How long after its deadline a sync in the background may take to let go of the store, before it is not waited for.
const LET_GO: Duration = Duration::from_secs(2);

/// Opens a store, syncs until a deadline, and lets go of it: what a background task of a phone does, and all of it. It
/// returns two seconds after the deadline at the latest, whatever holds the store or its key up; what it began then ends
/// by itself.
#[uniffi::export]
pub async fn sync_in_background(
    opening: crate::kitbag::OpenOptions,
    deadline: Duration,
    cancel: Arc<Cancel>,
) -> Result<Agreement, KitbagError> {
    let cancelled = cancel.subscribe();
    let opening = opening.opening()?;
    run(async move {
        let mut asked = cancel.subscribe();
        let mut work = tokio::spawn(open_sync_and_close(opening, deadline, cancelled));
        let over = async {
            // Whoever let the handle go cannot cancel any more.
            let asked = async { asked.wait_for(|asked| *asked).await.is_ok() };
            let is_asked = tokio::time::timeout(deadline, asked).await.unwrap_or(false);
            tokio::time::sleep(LET_GO).await;
            if is_asked { SyncFault::Cancelled } else { SyncFault::OutOfTime }
        };
        tokio::select! {
            biased;
            done = &mut work => done.unwrap_or(Err(Error::NotOpen("panicked"))),
            fault = over => Err(Error::Sync(fault)),
        }
    })
    .await
}

async fn open_sync_and_close(
    opening: kitbag_client::Opening,
    deadline: Duration,
    mut cancelled: tokio::sync::watch::Receiver<bool>,
) -> Result<Agreement, Error> {
    let began = tokio::time::Instant::now();
    let client = kitbag_client::Client::open(opening).await?;
    let left = deadline.saturating_sub(began.elapsed());
    let sync = client.sync().start(options(None, Some(left)));
    tokio::select! {
        biased;
        Ok(_) = cancelled.wait_for(|cancelled| *cancelled) => sync.cancel(),
        _ = sync.ended() => {}
    }
    let ended = sync.ended().await;
    client.close().await;
    ended
}
