//! Opening, suspending and closing a device's store; the writer and the readers over it.

use crate::Error;
use crate::changes::{Changes, Listeners};
use crate::keys::Keys;
use crate::running::Running;
use crate::workers::{Gate, Open, Turn, Workers};
use kitbag_core::engine::{Engine, EngineError, Environment, Recovered};
use kitbag_core::identity::HubAddress;
use kitbag_core::model::{DeviceKey, UnixMillis};
use kitbag_core::net::HubClient;
use kitbag_core::store::{KeyProvider, Noticed, StoreError};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::watch;

/// How many threads read beside the one that writes.
const READERS: usize = 2;

/// How long a store that is in use is tried again.
const LET_GO: std::time::Duration = std::time::Duration::from_millis(800);

/// A device's clock.
pub type Clock = Arc<dyn Fn() -> UnixMillis + Send + std::marker::Sync>;

/// A device's randomness.
pub type Randomness = Arc<dyn Fn(&mut [u8]) + Send + std::marker::Sync>;

/// Hears how far long work is: done, and all.
pub type Renewing = Arc<dyn Fn(u64, u64) + Send + std::marker::Sync>;

/// How a store is opened.
#[derive(Clone)]
pub struct Opening {
    /// The store's file.
    pub store: PathBuf,
    /// Where its key comes from: asked once whenever the store is opened or resumed, on a thread of Kitbag's own.
    pub key: Arc<dyn KeyProvider + Send + std::marker::Sync>,
    /// The programme whose device this becomes, where there is no store yet; `None` opens one that is there.
    pub root: Option<DeviceKey>,
    /// Whether an invitation may lead to a hub on this machine without TLS: in development alone.
    pub insecure_loopback: bool,
    /// Another clock than the system's: in tests.
    pub clock: Option<Clock>,
    /// Another randomness than the system's: in tests.
    pub random: Option<Randomness>,
    /// Hears how far a store is brought up to date that an older version of Kitbag left: records done, and all.
    pub renewing: Option<Renewing>,
}

impl Opening {
    /// A store that is there.
    pub fn of(
        store: impl Into<PathBuf>,
        key: impl KeyProvider + Send + std::marker::Sync + 'static,
    ) -> Self {
        let (store, key) = (store.into(), Arc::new(key));
        Opening {
            store,
            key,
            root: None,
            insecure_loopback: false,
            clock: None,
            random: None,
            renewing: None,
        }
    }

    fn environment(&self) -> Environment {
        let mut environment = Environment::system();
        environment.insecure_loopback = self.insecure_loopback;
        if let Some(clock) = self.clock.clone() {
            environment.now = Box::new(move || clock());
        }
        if let Some(random) = self.random.clone() {
            environment.random = Box::new(move |bytes| random(bytes));
        }
        if let Some(renewing) = self.renewing.clone() {
            environment.renewing = Box::new(move |done, all| renewing(done, all));
        }
        environment
    }

    /// Whether there is a store to open: none is made by mistake, and what is missing is said as that.
    fn is_there(&self) -> Result<(), Error> {
        match self.root.is_some() || self.store.exists() {
            true => Ok(()),
            false => Err(Error::NotFound("no_store")),
        }
    }

    fn engine(&self, key: &Keys) -> Result<Engine, EngineError> {
        match self.root {
            Some(root) if !self.store.exists() => {
                Engine::device(&self.store, key, root, self.environment())
            }
            _ => Engine::open(&self.store, key, self.environment()),
        }
    }
}

/// How a thread comes to an engine by the key that all share; a key that opens nothing is asked for anew.
fn open_by(
    keys: &Keys,
    engine: impl Fn() -> Result<Engine, EngineError> + Send + std::marker::Sync + 'static,
) -> Open {
    let (asked, wrong) = (keys.clone(), keys.clone());
    Open {
        key: Box::new(move || Ok(asked.store_key().map(drop)?)),
        engine: Box::new(move || engine().inspect_err(|_| wrong.forget())),
    }
}

/// One device's store, for any number of threads: cheap to clone, all clones are one.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

pub(crate) struct Inner {
    store: PathBuf,
    writer: Workers,
    readers: Workers,
    /// Whether nothing writes here.
    reads_alone: bool,
    pub(crate) listeners: Arc<Listeners>,
    pub(crate) running: Mutex<Option<Arc<Running>>>,
    /// Where syncs run.
    pub(crate) runtime: Handle,
    /// Suspending, resuming and closing go one after the other.
    lifecycle: tokio::sync::Mutex<()>,
    /// Told to whoever waits for a hub or a keystore, so that it holds up nobody who shuts the store.
    shutting: watch::Sender<Shutting>,
    keys: Keys,
}

/// Whether the store is shut, or somebody wants to shut it.
#[derive(Clone, Copy)]
struct Shutting {
    gate: Gate,
    /// How many want it shut and wait for that.
    wanted: usize,
}

impl Shutting {
    fn shut(&mut self, gate: Gate) {
        if self.gate != Gate::Closed {
            self.gate = gate;
        }
    }
}

impl Client {
    /// Opens a store. Called on a tokio runtime with time and I/O, on which its syncs will run.
    ///
    /// # Errors
    /// [`Error::InUse`], [`Error::WrongKey`], [`Error::OtherVersion`], [`Error::Damaged`]: no byte of it was changed.
    /// [`Error::NotFound`] `no_store` where there is none.
    pub async fn open(opening: Opening) -> Result<Client, Error> {
        opening.is_there()?;
        let store = opening.store.clone();
        let (keys, to_write, to_read) =
            (Keys::of(Arc::clone(&opening.key)), opening.clone(), opening);
        let (key_to_write, key_to_read) = (keys.clone(), keys.clone());
        let write = move || to_write.engine(&key_to_write);
        let beside =
            move || Engine::open_beside(&to_read.store, &key_to_read, to_read.environment());
        let open = (open_by(&keys, write), open_by(&keys, beside));
        let client = Client::over(store, open, keys, false)?;
        // Readers need a writer beside them.
        let opened = client.opened().await;
        client.checked(opened).await
    }

    /// Whether the writer has the store; one that is in use is tried again, as whoever had it just now, a client that was
    /// dropped or a background task, is still letting go of it.
    async fn opened(&self) -> Result<(), Error> {
        let mut opened = self.write(Turn::Soon, |_| Ok(())).await;
        let until = tokio::time::Instant::now() + LET_GO;
        while opened == Err(Error::InUse) && tokio::time::Instant::now() < until {
            tokio::time::sleep(LET_GO / 40).await;
            opened = self.write(Turn::Soon, |_| Ok(())).await;
        }
        opened
    }

    /// Opens a store to read it alone: no byte of it changes, and what would change it fails.
    ///
    /// # Errors
    /// Those of [`Client::open`].
    pub async fn open_to_read(opening: Opening) -> Result<Client, Error> {
        opening.is_there()?;
        let store = opening.store.clone();
        let keys = Keys::of(Arc::clone(&opening.key));
        let key = keys.clone();
        let read = move || Engine::open_to_read(&opening.store, &key, opening.environment());
        let write = || Err(StoreError::OpenedToRead.into());
        let write = Open { key: Box::new(|| Ok(())), engine: Box::new(write) };
        let open = (write, open_by(&keys, read));
        let client = Client::over(store, open, keys, true)?;
        client.checked(client.read(|_| Ok(())).await).await
    }

    /// Founds a programme: makes the store of its root key, which is not there yet.
    ///
    /// # Errors
    /// [`Error::NotUsable`] `store_is_there` where there is a store: nothing of it was changed.
    pub async fn found(opening: Opening) -> Result<Client, Error> {
        if opening.store.exists() {
            return Err(Error::NotUsable("store_is_there"));
        }
        let new = opening.clone();
        let found = move || Engine::found(&new.store, &*new.key, new.environment()).map(drop);
        tokio::task::spawn_blocking(found).await.map_err(|_| Error::NotOpen("panicked"))??;
        Client::open(opening).await
    }

    /// Moves a damaged store aside and makes a new one for the same device, from its outbox; the hub brings the rest.
    pub async fn recover(opening: Opening) -> Result<(Client, Recovered), Error> {
        let of = opening.clone();
        let recover = move || {
            Engine::recover(&of.store, &*of.key, of.environment()).map(|(_, recovered)| recovered)
        };
        let recovered = tokio::task::spawn_blocking(recover)
            .await
            .map_err(|_| Error::NotOpen("panicked"))??;
        Ok((Client::open(opening).await?, recovered))
    }

    fn over(
        store: PathBuf,
        (write, read): (Open, Open),
        keys: Keys,
        reads_alone: bool,
    ) -> Result<Client, Error> {
        let failed = |_| Error::NotOpen("no_thread");
        let writer = Workers::start("kitbag-writer", 1, write).map_err(failed)?;
        let readers = Workers::start("kitbag-reader", READERS, read).map_err(failed)?;
        let (listeners, running) = (Arc::default(), Mutex::new(None));
        let runtime = Handle::current();
        let lifecycle = tokio::sync::Mutex::new(());
        Ok(Client(Arc::new(Inner {
            store,
            writer,
            readers,
            reads_alone,
            listeners,
            running,
            runtime,
            lifecycle,
            shutting: watch::Sender::new(Shutting { gate: Gate::Open, wanted: 0 }),
            keys,
        })))
    }

    async fn checked(&self, opened: Result<(), Error>) -> Result<Client, Error> {
        let client = self.clone();
        match opened {
            Ok(()) => Ok(client),
            Err(error) => {
                client.close().await;
                Err(error)
            }
        }
    }

    /// Where the store is.
    pub fn store(&self) -> &Path {
        &self.0.store
    }

    /// What changes from now on. The first that comes says that everything may be new, so that who shows something has
    /// one way to begin and to go on.
    pub fn observe(&self) -> Changes {
        self.0.listeners.listen(Noticed::everything())
    }

    /// Lets go of the store for as long as the app is not in front: returns once no lock and no file of it is held. What
    /// was begun is done first, but a sync, which is cancelled. Until [`Client::resume`] all calls fail with
    /// [`Error::NotOpen`].
    pub async fn suspend(&self) {
        self.shut(Gate::Suspended).await;
    }

    /// Opens the store again, once what suspends it is done. Where that fails it stays suspended, and can be tried again;
    /// whoever suspends or closes it meanwhile ends it.
    pub async fn resume(&self) -> Result<(), Error> {
        let inner = &self.0;
        let _alone = inner.lifecycle.lock().await;
        let mut shutting = inner.shutting.subscribe();
        let opened = async {
            match inner.reads_alone {
                true => {
                    inner.readers.shut(Gate::Open);
                    self.read(|_| Ok(())).await
                }
                false => {
                    inner.writer.shut(Gate::Open);
                    self.opened().await
                }
            }
        };
        let opened = tokio::select! {
            opened = opened => opened,
            _ = shutting.wait_for(|now| now.wanted > 0) => Err(Error::NotOpen("suspended")),
        };
        if let Err(error) = opened {
            self.let_go(Gate::Suspended).await;
            return Err(error);
        }
        inner.readers.shut(Gate::Open);
        inner.writer.shut(Gate::Open);
        inner.shutting.send_modify(|now| now.shut(Gate::Open));
        // Whoever shows something looks again.
        inner.listeners.tell(&Noticed::everything());
        Ok(())
    }

    /// Closes the store, for good. What was begun is done first, but a sync, which is cancelled.
    pub async fn close(&self) {
        self.shut(Gate::Closed).await;
        self.0.listeners.end();
        let inner = Arc::clone(&self.0);
        let joined = tokio::task::spawn_blocking(move || {
            inner.readers.join();
            inner.writer.join();
        });
        _ = joined.await;
    }

    async fn shut(&self, gate: Gate) {
        let shutting = &self.0.shutting;
        shutting.send_modify(|now| {
            now.shut(gate);
            now.wanted += 1;
        });
        let _alone = self.0.lifecycle.lock().await;
        let running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(running) = running {
            running.end(kitbag_core::sync::SyncFault::Cancelled);
            _ = running.ended().await;
        }
        self.let_go(gate).await;
        shutting.send_modify(|now| {
            // One that resumed it before this was its turn had it open again.
            now.shut(gate);
            now.wanted -= 1;
        });
    }

    /// Returns once no thread holds the store.
    async fn let_go(&self, gate: Gate) {
        let inner = &self.0;
        inner.readers.shut(gate);
        inner.readers.are_free().await;
        inner.writer.shut(gate);
        inner.writer.are_free().await;
        inner.keys.forget();
    }

    /// What others are asked for, until the store is shut: it holds up nobody who shuts it.
    pub(crate) async fn until_shut<T, E>(
        &self,
        asked: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error>
    where
        Error: From<E>,
    {
        let mut shutting = self.0.shutting.subscribe();
        let shut = async {
            match shutting.wait_for(|now| now.gate != Gate::Open).await.map(|now| now.gate) {
                Ok(gate) => gate,
                Err(_) => Gate::Closed,
            }
        };
        tokio::select! {
            biased;
            answered = asked => answered.map_err(Error::from),
            gate = shut => match gate.check() {
                Err(shut) => Err(shut),
                Ok(()) => Err(Error::NotOpen("closed")),
            },
        }
    }

    /// Changes something, on the writer's thread, and tells who listens what changed.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        turn: Turn,
        work: impl FnOnce(&mut Engine) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, Error> {
        let listeners = Arc::clone(&self.0.listeners);
        let told = move |engine: &mut Engine| {
            let done = work(engine);
            listeners.tell(&engine.take_noticed());
            done
        };
        self.0.writer.call(turn, told).await
    }

    /// Reads as of one moment, beside whatever is written.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Engine) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, Error> {
        self.0.readers.call(Turn::Soon, move |engine| engine.read_at_once(read)).await
    }

    /// The same, where it takes long: what somebody waits for in front of a screen goes on beside it.
    pub(crate) async fn read_long<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Engine) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, Error> {
        self.0.readers.call(Turn::Later, move |engine| engine.read_at_once(read)).await
    }

    /// Reads while nothing is written: saves wait for it.
    pub(crate) async fn read_alone<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Engine) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, Error> {
        let read = move |engine: &mut Engine| read(engine);
        if self.0.reads_alone {
            self.0.readers.call(Turn::Later, read).await
        } else {
            self.0.writer.call(Turn::Later, read).await
        }
    }

    /// A client of the hub that this device knows.
    pub(crate) async fn hub_client(&self) -> Result<HubClient, Error> {
        let hub = self.read(|engine| {
            let hub = engine.hub()?;
            Ok(hub.map(|hub| engine.client(&hub)))
        });
        let hub = hub.await?.ok_or(Error::NotFound("hub"))?;
        hub.map_err(|_| Error::NotUsable("hub_address"))
    }

    /// Does something for which the hub's address is needed, and brings a client of it.
    pub(crate) async fn with_hub<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Engine, &HubAddress) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<(HubClient, T), Error> {
        let done = self.write(Turn::Soon, move |engine| {
            let Some(hub) = engine.hub()? else { return Ok(None) };
            let client = engine.client(&hub);
            Ok(Some((client, work(engine, &hub)?)))
        });
        match done.await? {
            Some((Ok(client), done)) => Ok((client, done)),
            Some((Err(_), _)) => Err(Error::NotUsable("hub_address")),
            None => Err(Error::NotFound("hub")),
        }
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The threads end by themselves; nobody waits for them here.
        self.readers.shut(Gate::Closed);
        self.writer.shut(Gate::Closed);
        self.listeners.end();
    }
}
