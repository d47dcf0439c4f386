//! A sync that is going on, as all see it who began, joined or cancelled it.

use crate::Error;
use kitbag_core::engine::Syncing;
use kitbag_core::sync::{Agreement, Progress, SyncFault};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// How a sync ended.
pub type SyncEnded = Result<Agreement, Error>;

/// What all share who want one sync.
pub(crate) struct Running {
    /// Why it is to end at once.
    end: watch::Sender<Option<SyncFault>>,
    /// How many want it who could say that they do no more: the last of them who says so ends it.
    wanting: Mutex<usize>,
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) ended: watch::Sender<Option<SyncEnded>>,
    /// What it was when it was over: the hub's word that leaving a team asks for.
    pub(crate) synced: Mutex<Option<Syncing>>,
}

impl Running {
    /// One that whoever begins it wants.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Running {
            end: watch::Sender::new(None),
            wanting: Mutex::new(1),
            progress: watch::Sender::new(Progress::default()),
            ended: watch::Sender::new(None),
            synced: Mutex::new(None),
        })
    }

    /// One more wants it; not where it is over, or ends already.
    pub(crate) fn join(&self) -> bool {
        let mut wanting = self.wanting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_going_on = !self.is_ending() && self.ended.borrow().is_none();
        *wanting += usize::from(is_going_on);
        is_going_on
    }

    /// One fewer wants it; returns whether nobody does.
    fn leave(&self) -> bool {
        let mut wanting = self.wanting.lock().unwrap_or_else(PoisonError::into_inner);
        *wanting = wanting.saturating_sub(1);
        *wanting == 0
    }

    /// Ends it for all.
    pub(crate) fn end(&self, fault: SyncFault) {
        self.end.send_if_modified(|end| {
            let is_first = end.is_none();
            end.get_or_insert(fault);
            is_first
        });
    }

    fn is_ending(&self) -> bool {
        self.end.borrow().is_some()
    }

    /// Why it is to end that could go on.
    pub(crate) async fn ended_from_outside(&self) -> SyncFault {
        let mut end = self.end.subscribe();
        let fault = end.wait_for(Option::is_some).await.ok().and_then(|fault| *fault);
        fault.unwrap_or(SyncFault::Cancelled)
    }

    pub(crate) async fn ended(&self) -> SyncEnded {
        let mut ended = self.ended.subscribe();
        match ended.wait_for(Option::is_some).await {
            Ok(ended) => ended.clone().unwrap_or(Err(Error::Sync(SyncFault::CutOff))),
            Err(_) => Err(Error::Sync(SyncFault::CutOff)),
        }
    }
}

/// That somebody wants a sync: taken back, it ends the sync where nobody else wants it.
pub(crate) struct Wish {
    pub(crate) running: Arc<Running>,
    taken_back: watch::Sender<Option<SyncFault>>,
}

impl Wish {
    pub(crate) fn of(running: Arc<Running>) -> Arc<Self> {
        Arc::new(Wish { running, taken_back: watch::Sender::new(None) })
    }

    /// Takes it back, once.
    pub(crate) fn take_back(&self, fault: SyncFault) {
        let is_first = self.taken_back.send_if_modified(|taken_back| {
            let is_first = taken_back.is_none();
            taken_back.get_or_insert(fault);
            is_first
        });
        if is_first && self.running.leave() {
            self.running.end(fault);
        }
    }

    /// Waits for the sync's end, or until the wish is taken back while others want it.
    pub(crate) async fn ended(&self) -> SyncEnded {
        let mut taken_back = self.taken_back.subscribe();
        let fault = tokio::select! {
            biased;
            ended = self.running.ended() => return ended,
            fault = taken_back.wait_for(Option::is_some) => fault.ok().and_then(|fault| *fault),
        };
        match fault {
            Some(fault) if !self.running.is_ending() => Err(Error::Sync(fault)),
            _ => self.running.ended().await,
        }
    }
}

impl Drop for Wish {
    /// Whoever let go of it without a word lets the sync go on, and does not keep others from ending it.
    fn drop(&mut self) {
        if self.taken_back.borrow().is_none() {
            self.running.leave();
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
