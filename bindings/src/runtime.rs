//! Where the work of calls is done: one runtime with its own threads, whoever calls.

use crate::error::KitbagError;
use kitbag_client::Error;
use kitbag_core::sync::SyncFault;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{oneshot, watch};

/// Threads that drive calls and syncs; what a store does has threads of its own.
const THREADS: usize = 2;

pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("kitbag")
        .enable_all()
        .build();
    runtime.expect("a process that can start no thread can do nothing")
});

/// Does the work of a call on the library's runtime. Whoever does not wait any more misses the answer alone: what was
/// begun is done to its end.
pub(crate) async fn run<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, KitbagError> {
    let (answer, answered) = oneshot::channel();
    spawn(Box::pin(async move { _ = answer.send(work.await) }));
    // A panic drops the work, and with it the sender.
    let done = answered.await.unwrap_or(Err(Error::NotOpen("panicked")));
    done.map_err(KitbagError::from)
}

/// The work of a call that is one piece for the threads of the store: it is handed to them and awaited, with no thread
/// between, as a save is what somebody waits for. Whoever does not wait any more misses the answer alone, here too.
pub(crate) async fn at_store<T>(
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, KitbagError> {
    Ok(work.await?)
}

/// Begins some work: of one type, so that what the runtime does for it is compiled once and not for each call.
fn spawn(work: Pin<Box<dyn Future<Output = ()> + Send>>) {
    RUNTIME.spawn(work);
}

/// [`run`] for a call that waits for others, until it is cancelled. What the store had in hand of it is done to its end.
pub(crate) async fn run_until<T: Send + 'static>(
    cancel: Arc<Cancel>,
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, KitbagError> {
    let mut asked = cancel.subscribe();
    let until = async move {
        tokio::select! {
            biased;
            // Whoever let the handle go cannot cancel any more.
            Ok(_) = asked.wait_for(|cancelled| *cancelled) => Err(Error::Sync(SyncFault::Cancelled)),
            done = work => done,
        }
    };
    run(until).await
}

/// Ends a call that waits for others: a language's own cancellation calls it.
#[derive(uniffi::Object)]
pub struct Cancel(watch::Sender<bool>);

impl Cancel {
    pub(crate) fn subscribe(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }
}

#[uniffi::export]
impl Cancel {
    /// One for one call.
    #[uniffi::constructor]
    #[allow(clippy::new_without_default)] // Nothing else makes one.
    pub fn new() -> Arc<Self> {
        Arc::new(Cancel(watch::Sender::new(false)))
    }

    /// Ends the call at once; it fails with `cancelled`.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }
}
