//! A store's key: asked for once each time the store is opened or resumed, by whichever thread is first, and forgotten
//! when it is let go. So a keystore that locks meanwhile refuses no read, and asks nobody for a finger twice.

use kitbag_core::store::{KeyProvider, StoreError, StoreKey};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The app's keystore, and what it gave.
#[derive(Clone)]
pub(crate) struct Keys(Arc<Held>);

struct Held {
    from: Arc<dyn KeyProvider + Send + Sync>,
    /// The key, and how often one was forgotten: what was asked for before that is not kept.
    key: Mutex<(Option<StoreKey>, u64)>,
}

impl Keys {
    pub(crate) fn of(from: Arc<dyn KeyProvider + Send + Sync>) -> Self {
        Keys(Arc::new(Held { from, key: Mutex::new((None, 0)) }))
    }

    fn lock(&self) -> MutexGuard<'_, (Option<StoreKey>, u64)> {
        self.0.key.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store is let go, or its key was wrong: the next time it is asked for anew.
    pub(crate) fn forget(&self) {
        let mut held = self.lock();
        *held = (None, held.1 + 1);
    }
}

impl KeyProvider for Keys {
    fn store_key(&self) -> Result<StoreKey, StoreError> {
        let (key, forgotten) = self.lock().clone();
        if let Some(key) = key {
            return Ok(key);
        }
        // Nobody else is held up while it is asked.
        let key = self.0.from.store_key()?;
        let mut held = self.lock();
        if held.1 == forgotten {
            held.0 = Some(key.clone());
        }
        Ok(key)
    }
}
