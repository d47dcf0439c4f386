//! A device's store: opened, suspended, closed; its key, which the app's keystore holds.

use crate::error::KitbagError;
use crate::runtime::{RUNTIME, run};
use kitbag_client::{Client, Error, Opening};
use kitbag_core::store::{KeyFault, StoreError, StoreKey};
use std::sync::{Arc, Mutex, PoisonError};
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

impl From<OpenOptions> for Opening {
    fn from(options: OpenOptions) -> Self {
        let mut opening = Opening::of(options.path, Key(options.key));
        #[cfg(feature = "scenario")]
        crate::playing::play(&mut opening);
        opening.insecure_loopback = options.insecure_loopback;
        if let Some(renewal) = options.renewal {
            opening.renewing = Some(Arc::new(move |records, all| renewal.done(records, all)));
        }
        opening
    }
}

/// One device's store.
#[derive(uniffi::Object)]
pub struct Kitbag(Mutex<Option<Client>>);

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
        Arc::new(Kitbag(Mutex::new(Some(client))))
    }

    /// The client; once this is shut every call ends here.
    pub(crate) fn client(&self) -> Result<Client, KitbagError> {
        let client = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        client.ok_or_else(|| Error::NotOpen("closed").into())
    }
}

#[uniffi::export]
impl Kitbag {
    /// Opens the store of a device that joined a programme.
    #[uniffi::constructor]
    pub async fn open(options: OpenOptions) -> Result<Arc<Self>, KitbagError> {
        run(async { Client::open(options.into()).await.map(Kitbag::over) }).await
    }

    /// Opens a store to read it alone.
    #[uniffi::constructor]
    pub async fn open_to_read(options: OpenOptions) -> Result<Arc<Self>, KitbagError> {
        run(async { Client::open_to_read(options.into()).await.map(Kitbag::over) }).await
    }

    /// Founds a programme: makes the store of its root key.
    #[uniffi::constructor]
    pub async fn found(options: OpenOptions) -> Result<Arc<Self>, KitbagError> {
        run(async { Client::found(options.into()).await.map(Kitbag::over) }).await
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
        let client = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(client) = client {
            RUNTIME.spawn(async move { client.close().await });
        }
        Ok(())
    }

    /// The same; returns once the store's file may be opened anew.
    pub async fn shut_and_wait(&self) -> Result<(), KitbagError> {
        let client = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(client) = client else { return Ok(()) };
        run(async move {
            client.close().await;
            Ok(())
        })
        .await
    }
}

/// Moves a damaged store aside and makes a new one for the same device.
#[uniffi::export]
pub async fn recover(options: OpenOptions) -> Result<Recovery, KitbagError> {
    run(async {
        let (client, recovered) = Client::recover(options.into()).await?;
        let aside = recovered.aside.map(|path| path.to_string_lossy().into_owned());
        Ok(Recovery { kitbag: Kitbag::over(client), aside, salvaged: recovered.salvaged })
    })
    .await
}
