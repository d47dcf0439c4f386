//! The threads over a store: one that writes, two that read beside it. Work is done in the order in which it came, saves
//! before the pages of a sync; each thread opens its engine when it first needs it, and anew after it failed. Nothing of
//! the store is held while an app's keystore is asked, which may take as long as it likes.

use crate::Error;
use kitbag_core::engine::{Engine, EngineError};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{Notify, oneshot};

/// A piece of work over an engine, or over the reason why there is none; tells whether the engine may be used again.
type Work = Box<dyn FnOnce(Result<&mut Engine, Error>) -> bool + Send>;
/// How a thread comes to its engine.
pub(crate) struct Open {
    /// Asks for the store's key.
    pub(crate) key: Box<dyn Fn() -> Result<(), EngineError> + Send + Sync>,
    /// Opens the store by it.
    pub(crate) engine: Box<dyn Fn() -> Result<Engine, EngineError> + Send + Sync>,
}

/// What goes before what.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Somebody waits for it in front of a screen.
    Soon,
    /// It may wait for that.
    Later,
}

/// Whether work is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    Open,
    Suspended,
    Closed,
}

impl Gate {
    /// What whoever comes now is told.
    pub(crate) fn check(self) -> Result<(), Error> {
        match self {
            Gate::Open => Ok(()),
            Gate::Suspended => Err(Error::NotOpen("suspended")),
            Gate::Closed => Err(Error::NotOpen("closed")),
        }
    }
}

struct Queue {
    soon: VecDeque<Work>,
    later: VecDeque<Work>,
    gate: Gate,
    /// How many threads hold an engine, or are opening one.
    holding: usize,
    /// How many threads wait for the key.
    asking: usize,
    /// How many threads do what may take long; of several one is always left for what somebody waits for.
    long: usize,
}

struct Shared {
    queue: Mutex<Queue>,
    work: Condvar,
    /// Told when a thread let its engine go.
    let_go: Notify,
    /// How many threads may do what takes long, at once.
    long_max: usize,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Threads that share a queue.
pub(crate) struct Workers {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Workers {
    /// Starts threads of this name, each with an engine of its own.
    pub(crate) fn start(name: &str, threads: usize, open: Open) -> std::io::Result<Workers> {
        let queue = Queue {
            soon: VecDeque::new(),
            later: VecDeque::new(),
            gate: Gate::Open,
            holding: 0,
            asking: 0,
            long: 0,
        };
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            work: Condvar::new(),
            let_go: Notify::new(),
            long_max: threads.saturating_sub(1).max(1),
        });
        let open = Arc::new(open);
        let started = (0..threads).map(|_| {
            let (shared, open) = (Arc::clone(&shared), Arc::clone(&open));
            std::thread::Builder::new().name(name.to_owned()).spawn(move || run(&shared, &open))
        });
        let threads = started.collect::<std::io::Result<Vec<_>>>()?;
        Ok(Workers { shared, threads: Mutex::new(threads) })
    }

    /// Does some work and waits for it. Work that was begun is done to its end, whether its caller still waits or not.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        turn: Turn,
        work: impl FnOnce(&mut Engine) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let work: Work = Box::new(move |engine| {
            let done = engine.and_then(|engine| Ok(work(engine)?));
            let is_sound =
                !matches!(done, Err(Error::Damaged | Error::StorageFull | Error::NotOpen(_)));
            // Who does not wait any more misses the answer alone.
            _ = answer.send(done);
            is_sound
        });
        {
            let mut queue = self.shared.lock();
            queue.gate.check()?;
            match turn {
                Turn::Soon => queue.soon.push_back(work),
                Turn::Later => queue.later.push_back(work),
            }
        }
        self.shared.work.notify_one();
        // A panic drops the work, and with it the sender.
        answered.await.unwrap_or(Err(Error::NotOpen("panicked")))
    }

    /// Takes no further work until it is opened again.
    pub(crate) fn shut(&self, gate: Gate) {
        let mut queue = self.shared.lock();
        if queue.gate != Gate::Closed {
            queue.gate = gate;
        }
        let shut = queue.gate;
        let mut left = VecDeque::new();
        if shut != Gate::Open && queue.holding == 0 {
            // Nobody has an engine to do it with.
            left.append(&mut queue.soon);
            left.append(&mut queue.later);
        }
        drop(queue);
        for work in left {
            refuse(work, shut);
        }
        self.shared.work.notify_all();
    }

    /// Waits until no thread holds an engine. What was taken before is done first, where there is an engine.
    pub(crate) async fn are_free(&self) {
        loop {
            let told = self.shared.let_go.notified();
            tokio::pin!(told);
            // Asked before it is looked at, so that none is missed.
            told.as_mut().enable();
            {
                let queue = self.shared.lock();
                if queue.holding == 0 && queue.soon.is_empty() && queue.later.is_empty() {
                    return;
                }
            }
            told.await;
        }
    }

    /// Waits for the threads to end, which they do once they are closed and free. One that still asks for the key ends
    /// when it has its answer.
    pub(crate) fn join(&self) {
        if self.shared.lock().asking > 0 {
            return;
        }
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            _ = thread.join();
        }
    }
}

/// One thread, from its start until it is closed.
fn run(shared: &Shared, open: &Open) {
    let mut engine: Option<Engine> = None;
    loop {
        let Some((work, turn)) = next(shared, &mut engine) else { return };
        let had = match &mut engine {
            Some(engine) => Ok(engine),
            None => opened(shared, open).map(|opened| engine.insert(opened)),
        };
        let is_held = had.is_ok();
        // Work that panics is a fault of ours: its engine is not used again, and nothing else ends with it.
        match catch_unwind(AssertUnwindSafe(|| work(had))) {
            Ok(true) => {}
            Ok(false) => engine = None,
            Err(_) => {
                tracing::error!("work over the store panicked; the store is opened anew");
                engine = None;
            }
        }
        if turn == Turn::Later {
            shared.lock().long -= 1;
            shared.work.notify_one();
        }
        if engine.is_none() && is_held {
            let_go(shared);
        }
    }
}

/// Opens an engine, unless the store was shut while its key was asked for.
fn opened(shared: &Shared, open: &Open) -> Result<Engine, Error> {
    shared.lock().asking += 1;
    let had = catch_unwind(AssertUnwindSafe(|| (open.key)().map_err(Error::from)));
    {
        let mut queue = shared.lock();
        queue.asking -= 1;
        queue.gate.check()?;
        had.unwrap_or_else(panicked)?;
        queue.holding += 1;
    }
    let opened = catch_unwind(AssertUnwindSafe(|| (open.engine)().map_err(Error::from)));
    opened.unwrap_or_else(panicked).inspect_err(|_| let_go(shared))
}

/// A panic is a fault of ours, whoever's call it ends.
fn panicked<T>(_: Box<dyn std::any::Any + Send>) -> Result<T, Error> {
    tracing::error!("opening the store panicked");
    Err(Error::NotOpen("panicked"))
}

/// Answers work that nobody can do any more.
fn refuse(work: Work, gate: Gate) {
    if let Err(shut) = gate.check() {
        _ = catch_unwind(AssertUnwindSafe(|| work(Err(shut))));
    }
}

/// The next work; lets the engine go where nothing may use it any more. `None` ends the thread.
fn next(shared: &Shared, engine: &mut Option<Engine>) -> Option<(Work, Turn)> {
    let mut queue = shared.lock();
    loop {
        let mut work = queue.soon.pop_front().map(|work| (work, Turn::Soon));
        if work.is_none() && queue.long < shared.long_max {
            work = queue.later.pop_front().map(|work| (work, Turn::Later));
        }
        if let Some((work, turn)) = work {
            queue.long += usize::from(turn == Turn::Later);
            return Some((work, turn));
        }
        if queue.gate != Gate::Open && engine.is_some() {
            // Closing takes a while: others may go on meanwhile.
            drop(queue);
            *engine = None;
            let_go(shared);
            queue = shared.lock();
            continue;
        }
        if queue.gate == Gate::Closed && queue.later.is_empty() {
            return None;
        }
        queue = shared.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

fn let_go(shared: &Shared) {
    let mut queue = shared.lock();
    queue.holding = queue.holding.saturating_sub(1);
    drop(queue);
    shared.let_go.notify_waiters();
}

#[cfg(test)]
mod tests {
    use super::*;
    use kitbag_core::engine::Environment;
    use kitbag_core::store::StoreKey;

    fn start(
        key: impl Fn() -> Result<(), EngineError> + Send + Sync + 'static,
        engine: impl Fn() -> Result<Engine, EngineError> + Send + Sync + 'static,
    ) -> Workers {
        let open = Open { key: Box::new(key), engine: Box::new(engine) };
        Workers::start("kitbag-test", 1, open).expect("a thread")
    }

    #[tokio::test]
    async fn an_opening_that_panics_ends_one_call_and_no_later_one() {
        let workers = start(|| Ok(()), || panic!("on purpose"));
        for _ in 0..2 {
            let panicked = workers.call::<()>(Turn::Soon, |_| Ok(())).await;
            assert_eq!(panicked, Err(Error::NotOpen("panicked")));
        }
        workers.shut(Gate::Closed);
        workers.are_free().await;
        workers.join();
    }

    #[tokio::test]
    async fn a_keystore_that_does_not_answer_keeps_nobody_from_shutting() {
        let (answer, asked) = std::sync::mpsc::channel::<()>();
        let asked = Mutex::new(asked);
        let key = move || {
            _ = asked.lock().unwrap_or_else(PoisonError::into_inner).recv();
            Ok(())
        };
        let workers = start(key, || panic!("it is shut by then"));
        let both = async {
            tokio::join!(
                workers.call::<()>(Turn::Soon, |_| Ok(())),
                workers.call::<()>(Turn::Soon, |_| Ok(())),
                async {
                    tokio::task::yield_now().await;
                    workers.shut(Gate::Suspended);
                    workers.are_free().await;
                    drop(answer);
                }
            )
        };
        let (first, second, ()) = both.await;
        assert_eq!(
            (first, second),
            (Err(Error::NotOpen("suspended")), Err(Error::NotOpen("suspended")))
        );
        workers.shut(Gate::Closed);
        workers.are_free().await;
        workers.join();
    }

    #[tokio::test]
    async fn work_that_panics_ends_alone_and_what_was_taken_is_done_before_the_thread_ends() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let (path, key) = (folder.path().join("root"), StoreKey::new([7; 32]));
        drop(Engine::found(&path, &key, Environment::system()).expect("a new store"));
        let open = move || Engine::open(&path, &key, Environment::system());
        let workers = start(|| Ok(()), open);
        let panicked = workers.call::<()>(Turn::Soon, |_| panic!("on purpose")).await;
        assert_eq!(panicked, Err(Error::NotOpen("panicked")));
        let key = workers.call(Turn::Soon, |engine| Ok(engine.device_key())).await;
        assert!(key.is_ok(), "it goes on: {key:?}");
        let late = workers.call(Turn::Later, |engine| Ok(engine.teams().len()));
        let (late, ()) = tokio::join!(late, async {
            workers.shut(Gate::Closed);
            workers.are_free().await;
        });
        assert_eq!(late, Ok(1));
        workers.join();
        let closed = workers.call(Turn::Soon, |_| Ok(())).await;
        assert_eq!(closed, Err(Error::NotOpen("closed")));
    }
}
