//! What requests share: the store, and the work behind ingest.

use crate::invitations::Invitations;
use kitbag_core::model::UnixMillis;
use kitbag_core::store::Store;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// What requests share.
#[derive(Clone)]
pub(crate) struct Hub {
    store: Arc<Mutex<Store>>,
    arrived: Arc<Notify>,
    /// Totals include everything that arrived up to then.
    settled_until: Arc<AtomicI64>,
    pub(crate) invitations: Invitations,
}

impl Hub {
    pub(crate) fn new(store: Store) -> Self {
        Hub {
            store: Arc::new(Mutex::new(store)),
            arrived: Arc::new(Notify::new()),
            settled_until: Arc::new(AtomicI64::new(0)),
            invitations: Invitations::default(),
        }
    }

    /// Runs blocking work on the store, away from the threads that serve sockets.
    pub(crate) async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> T + Send + 'static,
    ) -> Option<T> {
        let store = Arc::clone(&self.store);
        let locked = move || {
            let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
            // After a failure of the disk the file is read anew; where it is not well, work says so.
            let _ = store.ensure_open();
            work(&mut store)
        };
        tokio::task::spawn_blocking(locked).await.ok()
    }

    pub(crate) fn entries_arrived(&self) {
        self.arrived.notify_one();
    }

    pub(crate) fn settled_until(&self) -> UnixMillis {
        UnixMillis(self.settled_until.load(Ordering::SeqCst))
    }

    /// Settles what came in, step by step, for as long as the hub runs.
    pub(crate) async fn settle(self) {
        loop {
            let began = now();
            match self.with_store(Store::settle_some).await {
                Some(Ok(true)) => continue,
                Some(Ok(false)) => self.settled_until.store(began.0, Ordering::SeqCst),
                Some(Err(_)) | None => tracing::error!("settling failed; it is tried again"),
            }
            tokio::select! {
                () = self.arrived.notified() => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }
}

/// The hub's clock, for people to read.
pub(crate) fn now() -> UnixMillis {
    (kitbag_core::engine::Environment::system().now)()
}
