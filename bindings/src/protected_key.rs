//! A store's key that the platform's keystore and a PIN open together.

use crate::error::KitbagError;
use crate::runtime::run;
use kitbag_client::Error;
use kitbag_core::store::StoreKey;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The file of a key.
#[derive(uniffi::Object)]
pub struct ProtectedKey(Arc<kitbag_client::ProtectedKey>);

fn secret_of(bytes: Vec<u8>, name: &str) -> Result<StoreKey, KitbagError> {
    let bytes = Zeroizing::new(bytes);
    let key = <[u8; 32]>::try_from(bytes.as_slice());
    key.map(StoreKey::new).map_err(|_| KitbagError::argument(name))
}

impl ProtectedKey {
    /// Guessing is made slow on purpose: never on a thread that drives calls.
    async fn slowly<T: Send + 'static>(
        &self,
        work: impl FnOnce(&kitbag_client::ProtectedKey) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, KitbagError> {
        let held = Arc::clone(&self.0);
        run(async move {
            let done = tokio::task::spawn_blocking(move || work(&held)).await;
            done.unwrap_or(Err(Error::NotOpen("panicked")))
        })
        .await
    }
}

#[uniffi::export]
impl ProtectedKey {
    /// The key in this file, which may not be there yet.
    #[uniffi::constructor]
    pub fn at(path: String) -> Arc<Self> {
        Arc::new(ProtectedKey(Arc::new(kitbag_client::ProtectedKey::at(Path::new(&path)))))
    }

    /// Whether it was made.
    pub fn is_made(&self) -> bool {
        self.0.is_made()
    }

    /// Whether a PIN opens it.
    pub fn needs_pin(&self) -> Result<bool, KitbagError> {
        Ok(self.0.needs_pin()?)
    }

    /// Whether it is under this secret of the keystore's.
    pub fn is_under(&self, secret: Vec<u8>) -> Result<bool, KitbagError> {
        Ok(self.0.is_under(&secret_of(secret, "secret")?)?)
    }

    /// How long a PIN has to wait, in ms.
    pub fn wait_ms(&self) -> u64 {
        u64::try_from(self.0.wait().as_millis()).unwrap_or(u64::MAX)
    }

    /// Makes a new key under the keystore's secret, without a PIN.
    pub async fn make(&self, secret: Vec<u8>) -> Result<Vec<u8>, KitbagError> {
        let secret = secret_of(secret, "secret")?;
        self.slowly(move |held| held.make(&secret).map(|key| key.to_bytes().to_vec())).await
    }

    /// The key.
    pub async fn open(&self, secret: Vec<u8>, pin: Option<String>) -> Result<Vec<u8>, KitbagError> {
        let (secret, pin) = (secret_of(secret, "secret")?, pin.map(Zeroizing::new));
        self.slowly(move |held| {
            let pin = pin.as_ref().map(|pin| pin.as_str());
            held.open(&secret, pin).map(|key| key.to_bytes().to_vec())
        })
        .await
    }

    /// Wraps the key anew.
    pub async fn change(
        &self,
        secret: Vec<u8>,
        pin: Option<String>,
        new_secret: Vec<u8>,
        new_pin: Option<String>,
    ) -> Result<(), KitbagError> {
        let (secret, pin) = (secret_of(secret, "secret")?, pin.map(Zeroizing::new));
        let new_secret = secret_of(new_secret, "new_secret")?;
        let new_pin = new_pin.map(Zeroizing::new);
        self.slowly(move |held| {
            let pin = pin.as_ref().map(|pin| pin.as_str());
            let new_pin = new_pin.as_ref().map(|pin| pin.as_str());
            held.change((&secret, pin), (&new_secret, new_pin))
        })
        .await
    }
}
