//! What requests share: the store, and the work behind ingest.

use crate::budgets::{Accounts, Budgets};
use crate::invitations::Invitations;
use kitbag_core::model::{DeviceKey, UnixMillis};
use kitbag_core::store::{Reader, Store, StoreError};
use kitbag_core::sync::Sender;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};

/// The longest pause between two steps of settling.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// What requests share.
#[derive(Clone)]
pub(crate) struct Hub {
    store: Arc<Mutex<Store>>,
    arrived: Arc<Notify>,
    /// Totals include everything that arrived up to then.
    settled_until: Arc<AtomicI64>,
    pub(crate) invitations: Invitations,
    /// What members may ask.
    pub(crate) accounts: Accounts,
    /// The keys that have a certificate, so that whoever has none is known before anything is read of it.
    known: Arc<RwLock<BTreeSet<DeviceKey>>>,
    /// Those without take turns.
    pub(crate) strangers: Arc<Semaphore>,
    /// So do those who read totals, digests, completeness and what is aside.
    pub(crate) reads: Arc<Semaphore>,
    /// What they read: a connection of its own beside the store, so that no question stops a phone.
    reader: Arc<Mutex<Reader>>,
    /// Whether the store could be written when that was tried last.
    is_well: Arc<AtomicBool>,
}

/// The keys that have a certificate in this store, and the root's.
fn known(store: &Store) -> BTreeSet<DeviceKey> {
    let mut known = store.authority().certified();
    known.insert(store.root());
    known
}

impl Hub {
    pub(crate) fn new(store: Store, budgets: Budgets) -> Self {
        let known = Arc::new(RwLock::new(known(&store)));
        Hub {
            known,
            accounts: Accounts::new(budgets),
            strangers: Arc::new(Semaphore::new(1)),
            reads: Arc::new(Semaphore::new(1)),
            reader: Arc::new(Mutex::new(store.reader())),
            is_well: Arc::new(AtomicBool::new(true)),
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

    /// Reads beside whatever is written, as of one moment; tells how long it took, with what had to be read anew for
    /// it, and without what it waited for.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Option<(Result<T, StoreError>, Duration)> {
        let reader = Arc::clone(&self.reader);
        let locked = move || {
            let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
            let began = Instant::now();
            (reader.read(read), began.elapsed())
        };
        tokio::task::spawn_blocking(locked).await.ok()
    }

    /// Who a key is to this hub.
    pub(crate) fn sender(&self, device: DeviceKey) -> Sender {
        if self.known.read().unwrap_or_else(PoisonError::into_inner).contains(&device) {
            Sender::Known
        } else {
            Sender::Stranger
        }
    }

    /// Charges a member what a request cost: bytes inflated, and the hub's time, without what it waited for.
    pub(crate) fn charge(&self, device: DeviceKey, bytes: usize, took: Duration) {
        if self.sender(device) == Sender::Known {
            self.accounts.charge(device, bytes, took, Instant::now());
        }
    }

    /// Looks anew at who has a certificate.
    pub(crate) async fn note_known(&self) {
        if let Some(now_known) = self.with_store(|store| known(store)).await {
            *self.known.write().unwrap_or_else(PoisonError::into_inner) = now_known;
        }
    }

    /// Whether the store could be written when that was tried last, a second ago at most where nothing waits.
    pub(crate) fn is_well(&self) -> bool {
        self.is_well.load(Ordering::SeqCst)
    }

    /// Something waits to be settled.
    pub(crate) fn entries_arrived(&self) {
        self.arrived.notify_one();
    }

    pub(crate) fn settled_until(&self) -> UnixMillis {
        UnixMillis(self.settled_until.load(Ordering::SeqCst))
    }

    /// Settles what came in, step by step, for as long as the hub runs. After each step it leaves the store to
    /// others for as long as the step took: what one record gets meanwhile is judged at once. Members are
    /// charged for what is judged for them.
    pub(crate) async fn settle(self) {
        loop {
            let began = now();
            let step = |store: &mut Store| {
                let since = Instant::now();
                let settled = store.settle_some();
                (settled, store.take_judged_for(), since.elapsed())
            };
            let (settled, judged_for, took) = match self.with_store(step).await {
                Some((settled, judged_for, took)) => (Some(settled), judged_for, took),
                None => (None, BTreeMap::new(), Duration::ZERO),
            };
            let all: u64 = judged_for.values().sum();
            for (author, entries) in judged_for {
                let share = took.mul_f64(entries as f64 / all.max(1) as f64);
                self.charge(author, 0, share);
            }
            tokio::time::sleep(took.min(PAUSE_MAX)).await;
            self.is_well.store(matches!(settled, Some(Ok(_))), Ordering::SeqCst);
            match settled {
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
