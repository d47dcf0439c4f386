//! Syncing with the hub: one at a time, with progress, and cancelled at any point without a loss.

use crate::Error;
use crate::client::Client;
use crate::running::{EndsInAnyCase, Running, SyncEnded, Wish};
use crate::workers::Turn;
use kitbag_core::engine::{Status, Step, Syncing};
use kitbag_core::sync::{Progress, SyncFault};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What a sync may use; joined to one that is going on, the budget is that one's, and the deadline ends the waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncOptions {
    /// Send about this many bytes at most; the rest waits, and is said to wait.
    pub upload_budget: Option<u64>,
    /// End by then, as a background task of a phone must: what is acknowledged until then stays so.
    pub deadline: Option<Duration>,
}

/// Syncing with the hub.
pub struct Sync<'client>(pub(crate) &'client Client);

impl Client {
    /// Syncing with the hub.
    pub fn sync(&self) -> Sync<'_> {
        Sync(self)
    }
}

/// A sync that is going on, or is over, as one wants it who began or joined it; all clones are of that one.
#[derive(Clone)]
pub struct SyncRun {
    wish: Arc<Wish>,
    /// What was seen of its progress: each clone sees all of it.
    seen: watch::Receiver<Progress>,
}

impl Sync<'_> {
    /// Begins a sync; where one is going on, joins that one, whose budget stays. It goes on whether anybody waits for it or not.
    pub fn start(&self, options: SyncOptions) -> SyncRun {
        self.begin(options).0
    }

    /// Syncs from now on, without a budget, so that what was written before is among what it sends: one that goes on
    /// already may have begun before, and by less.
    pub(crate) async fn anew(&self) -> Result<SyncRun, Error> {
        loop {
            let (run, is_new) = self.begin(SyncOptions::default());
            let ended = run.ended().await;
            if is_new {
                return ended.map(|_| run);
            }
        }
    }

    fn begin(&self, options: SyncOptions) -> (SyncRun, bool) {
        let inner = self.0.inner();
        let mut running = inner.running.lock().unwrap_or_else(PoisonError::into_inner);
        let joined = running.as_ref().filter(|running| running.join()).map(Arc::clone);
        let is_new = joined.is_none();
        let (run, before) = match joined {
            Some(joined) => (joined, None),
            None => {
                let new = Running::new();
                let before = running.replace(Arc::clone(&new));
                (new, before)
            }
        };
        drop(running);
        let wish = Wish::of(Arc::clone(&run));
        self.end_by(&wish, options.deadline);
        if is_new {
            // Made before it is handed over: a runtime that is gone drops it, and it has ended.
            let (client, of) = (self.0.clone(), EndsInAnyCase(run));
            inner.runtime.spawn(async move {
                // One at a time: who cancels one and begins another does not meet the first.
                if let Some(before) = before {
                    _ = before.ended().await;
                }
                let ended = tokio::select! {
                    biased;
                    fault = of.0.ended_from_outside() => give_up(&client, fault).await,
                    ended = carry(&client, &of.0, options) => ended,
                };
                of.0.ended.send_replace(Some(ended));
            });
        }
        (SyncRun::of(wish), is_new)
    }

    /// Takes a wish back at a deadline; one that no clock reaches is none.
    fn end_by(&self, wish: &Arc<Wish>, deadline: Option<Duration>) {
        if deadline.is_some_and(|left| left.is_zero()) {
            return wish.take_back(SyncFault::OutOfTime);
        }
        let until = deadline.and_then(|left| tokio::time::Instant::now().checked_add(left));
        let (Some(until), wish) = (until, Arc::clone(wish)) else { return };
        self.0.inner().runtime.spawn(async move {
            tokio::select! {
                _ = wish.ended() => {}
                () = tokio::time::sleep_until(until) => wish.take_back(SyncFault::OutOfTime),
            }
        });
    }

    /// What is true now of what waits, of the last sync and of the next.
    pub async fn status(&self) -> Result<Status, Error> {
        self.0.read(|engine| engine.status()).await
    }

    /// The network is back: failures are counted anew, and the next sync is due at once. Returns whether anything
    /// waits for it.
    pub async fn network_returned(&self) -> Result<bool, Error> {
        self.0.write(Turn::Soon, |engine| engine.network_returned()).await
    }
}

impl SyncRun {
    fn of(wish: Arc<Wish>) -> Self {
        let seen = wish.running.progress.subscribe();
        SyncRun { wish, seen }
    }

    /// Ends it at once, where nobody else wants it: who joined goes on. What was acknowledged stays so, and the next one
    /// goes on from there.
    pub fn cancel(&self) {
        self.wish.take_back(SyncFault::Cancelled);
    }

    /// How far it is now.
    pub fn progress(&self) -> Progress {
        *self.wish.running.progress.borrow()
    }

    /// Waits until it is further than was seen here last; `None` once it is over.
    pub async fn next_progress(&mut self) -> Option<Progress> {
        tokio::select! {
            biased;
            changed = self.seen.changed() => changed.ok().map(|()| *self.seen.borrow_and_update()),
            _ = self.wish.ended() => None,
        }
    }

    /// The exchange that ended it, once.
    pub(crate) fn take_synced(&self) -> Option<Syncing> {
        self.wish.running.synced.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits for its end, or that of the waiting for it.
    pub async fn ended(&self) -> SyncEnded {
        self.wish.ended().await
    }
}

/// How long the note of how a sync ended is waited for: where the writer is busy, it is written later.
const NOTED: Duration = Duration::from_millis(200);

/// Ends a sync wherever it is. What the writer has in hand of it is done to its end, and loses nothing.
async fn give_up(client: &Client, fault: SyncFault) -> SyncEnded {
    let noted = client.write(Turn::Later, move |engine| {
        let session = engine.session();
        engine.note_sync(&session, Some(fault)).map(drop)
    });
    _ = tokio::time::timeout(NOTED, noted).await;
    Err(Error::Sync(fault))
}

async fn carry(client: &Client, running: &Running, options: SyncOptions) -> SyncEnded {
    let begun = client.write(Turn::Later, move |engine| {
        let hub = engine.hub()?;
        let hub = hub.map(|hub| engine.client(&hub)).transpose();
        Ok((hub, engine.begin_sync(options.upload_budget)?))
    });
    let (hub, mut sync) = begun.await?;
    let hub = match hub {
        Ok(Some(hub)) => hub,
        Ok(None) => return Err(Error::NotFound("hub")),
        Err(_) => return Err(Error::NotUsable("hub_address")),
    };
    loop {
        // The sync goes to the writer's thread and comes back, so that nothing is locked while the hub is waited for.
        let step = client.write(Turn::Later, move |engine| {
            let step = engine.next_step(&mut sync);
            let fault = step.as_ref().err().map(|error| error.as_sync_fault());
            if let Some(fault) = fault {
                engine.fail_sync(&sync, fault)?;
            }
            Ok((step?, sync))
        });
        let (step, went_on) = step.await?;
        sync = went_on;
        running.progress.send_replace(sync.progress());
        let request = match step {
            Step::Send(request) => request,
            Step::Done(agreement) => {
                *running.synced.lock().unwrap_or_else(PoisonError::into_inner) = Some(sync);
                return Ok(agreement);
            }
        };
        match hub.sync(request).await {
            Ok(response) => {
                let shown = hub.shown_key();
                sync = taken(client, sync, response, shown).await?;
            }
            Err(error) => return fail(client, sync, error.as_sync_fault()).await,
        }
    }
}

async fn taken(
    client: &Client,
    mut sync: Syncing,
    response: Vec<u8>,
    shown: Option<kitbag_core::model::DeviceKey>,
) -> Result<Syncing, Error> {
    let taken = client.write(Turn::Later, move |engine| {
        match engine.take_response(&mut sync, &response, shown) {
            Ok(()) => Ok(sync),
            Err(error) => {
                engine.fail_sync(&sync, error.as_sync_fault())?;
                Err(error)
            }
        }
    });
    taken.await
}

async fn fail(client: &Client, sync: Syncing, fault: SyncFault) -> SyncEnded {
    client.write(Turn::Later, move |engine| engine.fail_sync(&sync, fault)).await?;
    Err(Error::Sync(fault))
}
