//! A device's store: opened, suspended, closed; its key, which the app's keystore holds.

use crate::error::KitbagError;
use crate::runtime::{RUNTIME, run};
use kitbag_client::{Client, Error, Opening};
use kitbag_core::store::{KeyFault, StoreError, StoreKey};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use zeroize::Zeroizing;

/// Why a key cannot be had.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum KeyError {
    /// The keystore does not give it now: the device is locked, or the app's code failed.
    #[error("the key cannot be had")]
    NotHad,
}

impl From<uniffi::UnexpectedUniFFICallbackError> for KeyError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        KeyError::NotHad
    }
}

/// Where a store's key comes from: 32 random bytes that the platform's keystore keeps. It is asked on a thread of
/// Kitbag's own, whenever the store is opened.
#[uniffi::export(with_foreign)]
pub trait KeyProvider: Send + Sync {
    /// The key.
    fn store_key(&self) -> Result<Vec<u8>, KeyError>;
}

struct Key(Arc<dyn KeyProvider>);

impl kitbag_core::store::KeyProvider for Key {
    fn store_key(&self) -> Result<StoreKey, StoreError> {
        let had = self.0.store_key();
        let not_had = |_| StoreError::Key(KeyFault::NotHad(std::io::ErrorKind::Other));
        let bytes = Zeroizing::new(had.map_err(not_had)?);
        let key = <[u8; 32]>::try_from(bytes.as_slice());
        Ok(StoreKey::new(key.map_err(|_| StoreError::Key(KeyFault::NotAKey))?))
    }
}

/// Hears how far a store is brought up to date that an older version of Kitbag left.
#[uniffi::export(with_foreign)]
pub trait Renewal: Send + Sync {
    /// So many records are done, of so many.
    fn done(&self, records: u64, all: u64);
}

/// How a store is opened.
#[derive(uniffi::Record)]
pub struct OpenOptions {
    /// The store's file.
    pub path: String,
    /// Its key.
    pub key: Arc<dyn KeyProvider>,
    /// Whether an invitation may lead to a hub on this machine without TLS: in development alone.
    pub insecure_loopback: bool,
    /// Who hears how far an update is.
    pub renewal: Option<Arc<dyn Renewal>>,
}

impl OpenOptions {
    /// The same for the client; a path that can be no store's is named.
    pub(crate) fn opening(self) -> Result<Opening, KitbagError> {
        let options = self;
        if options.path.is_empty()
            || options.path.contains('\0')
            || Path::new(&options.path).is_dir()
        {
            return Err(KitbagError::argument("path"));
        }
        let mut opening = Opening::of(options.path, Key(options.key));
        #[cfg(feature = "scenario")]
        crate::playing::play(&mut opening);
        opening.insecure_loopback = options.insecure_loopback;
        if let Some(renewal) = options.renewal {
            opening.renewing = Some(beside(renewal));
        }
        Ok(opening)
    }
}

/// Who shows progress holds nobody up: while it is still shown how far it was, the next steps are passed over.
fn beside(renewal: Arc<dyn Renewal>) -> kitbag_client::Renewing {
    let shown = Arc::new(AtomicBool::new(false));
    Arc::new(move |records, all| {
        if shown.swap(true, Ordering::SeqCst) {
            return;
        }
        let (renewal, shown) = (Arc::clone(&renewal), Arc::clone(&shown));
        RUNTIME.spawn_blocking(move || {
            // What a foreign listener throws ends with its step.
            let told = std::panic::AssertUnwindSafe(|| renewal.done(records, all));
            _ = std::panic::catch_unwind(told);
            shown.store(false, Ordering::SeqCst);
        });
    })
}

/// One device's store.
#[derive(uniffi::Object)]
pub struct Kitbag {
    client: Mutex<Option<Client>>,
    /// Whether its threads let the store go, for good.
    is_closed: Arc<watch::Sender<bool>>,
}

/// A store that was moved aside, and what of it is in the new one.
#[derive(uniffi::Record)]
pub struct Recovery {
    /// The new store.
    pub kitbag: Arc<Kitbag>,
    /// Where the damaged one is, where there was one.
    pub aside: Option<String>,
    /// How many entries of this device's own are in the new one.
    pub salvaged: u64,
}

impl Kitbag {
    pub(crate) fn over(client: Client) -> Arc<Self> {
        let is_closed = Arc::new(watch::Sender::new(false));
        Arc::new(Kitbag { client: Mutex::new(Some(client)), is_closed })
    }

    /// The client; once this is shut every call ends here.
    pub(crate) fn client(&self) -> Result<Client, KitbagError> {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        client.ok_or_else(|| Error::NotOpen("closed").into())
    }
}

#[uniffi::export]
impl Kitbag {
    /// Opens the store of a device that joined a programme.
    #[uniffi::constructor]
    pub async fn open(options: OpenOptions) -> Result<Arc<Self>, KitbagError> {
        let opening = options.opening()?;
        run(async { Client::open(opening).await.map(Kitbag::over) }).await
    }

    /// Opens a store to read it alone.
    #[uniffi::constructor]
    pub async fn open_to_read(options: OpenOptions) -> Result<Arc<Self>, KitbagError> {
        let opening = options.opening()?;
        run(async { Client::open_to_read(opening).await.map(Kitbag::over) }).await
    }

    /// Founds a programme: makes the store of its root key.
    #[uniffi::constructor]
    pub async fn found(options: OpenOptions) -> Result<Arc<Self>, KitbagError> {
        let opening = options.opening()?;
        run(async { Client::found(opening).await.map(Kitbag::over) }).await
    }

    /// Lets go of the store; returns once no lock and no file of it is held.
    pub async fn suspend(&self) -> Result<(), KitbagError> {
        let client = self.client()?;
        run(async move {
            client.suspend().await;
            Ok(())
        })
        .await
    }

    /// Opens the store again.
    pub async fn resume(&self) -> Result<(), KitbagError> {
        let client = self.client()?;
        run(async move { client.resume().await }).await
    }

    /// Closes the store for good, and returns at once: from here on every call fails with `closed`, and what was begun
    /// is done to its end.
    pub fn shut(&self) -> Result<(), KitbagError> {
        let client = self.client.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(client) = client {
            let is_closed = Arc::clone(&self.is_closed);
            RUNTIME.spawn(async move {
                client.close().await;
                is_closed.send_replace(true);
            });
        }
        Ok(())
    }

    /// The same; returns once the store's file may be opened anew, whoever closed it.
    pub async fn shut_and_wait(&self) -> Result<(), KitbagError> {
        self.shut()?;
        let mut closed = self.is_closed.subscribe();
        run(async move {
            // Whoever would tell it cannot be gone before it did.
            _ = closed.wait_for(|is_closed| *is_closed).await;
            Ok(())
        })
        .await
    }
}

/// Moves a damaged store aside and makes a new one for the same device.
#[uniffi::export]
pub async fn recover(options: OpenOptions) -> Result<Recovery, KitbagError> {
    let opening = options.opening()?;
    run(async {
        let (client, recovered) = Client::recover(opening).await?;
        let aside = recovered.aside.map(|path| path.to_string_lossy().into_owned());
        Ok(Recovery { kitbag: Kitbag::over(client), aside, salvaged: recovered.salvaged })
    })
    .await
}
