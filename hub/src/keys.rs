//! The hub's own keys: the one that devices pin, and a spare that is kept away from the machine.

use crate::error::{HubError, io};
use kitbag_core::identity::SigningKey;
use kitbag_core::model::DeviceKey;
use kitbag_core::store::Setting;
use kitbag_core::store::{KeyFile, KeyProvider, Store, StoreError};
use std::path::Path;
use zeroize::Zeroizing;

/// The hub's key and the public half of its spare. Both stay with the store, so that a hub that is
/// restored from a backup is the same hub to its devices.
pub(crate) struct HubKeys {
    pub(crate) own: SigningKey,
    spare: DeviceKey,
}

impl HubKeys {
    /// The keys of this store, made on first start; the spare's secret half goes to `spare.key`, to
    /// be moved to a safe place.
    pub(crate) fn of(store: &mut Store, folder: &Path) -> Result<Self, HubError> {
        let damaged = || StoreError::Damaged("the hub's keys");
        if store.setting(&Setting::HubSeed)?.is_none() {
            let mut seed = Zeroizing::new(vec![0; 32]);
            getrandom::fill(&mut seed)
                .map_err(|error| io("the system's randomness")(error.into()))?;
            let spare = KeyFile(folder.join("spare.key")).store_key()?;
            let spare = SigningKey::from_seed(&spare.to_bytes()).device_key();
            store
                .set(&[(Setting::HubSeed, seed.to_vec()), (Setting::HubSpare, spare.0.to_vec())])?;
        }
        let seed = Zeroizing::new(store.setting(&Setting::HubSeed)?.ok_or_else(damaged)?);
        let seed: Zeroizing<[u8; 32]> =
            Zeroizing::new(seed.as_slice().try_into().map_err(|_| damaged())?);
        let spare =
            store.setting(&Setting::HubSpare)?.and_then(|spare| DeviceKey::from_slice(&spare));
        Ok(HubKeys { own: SigningKey::from_seed(&seed), spare: spare.ok_or_else(damaged)? })
    }

    /// Puts the spare in the place of a key that may be known to others, and makes a new spare, whose
    /// secret half replaces `spare.key` in the folder. Devices that pinned both accept it, and from
    /// then on nothing else.
    pub(crate) fn use_spare(
        store: &mut Store,
        folder: &Path,
        spare: &Path,
    ) -> Result<Self, HubError> {
        let pinned = HubKeys::of(store, folder)?.spare;
        if !spare.exists() {
            return Err(HubError::NotTheSpare);
        }
        let seed = KeyFile(spare.to_owned()).store_key()?.to_bytes();
        if SigningKey::from_seed(&seed).device_key() != pinned {
            return Err(HubError::NotTheSpare);
        }
        let next = folder.join("spare.key");
        let aside = folder.join("spare-used.key");
        if next.exists() {
            std::fs::rename(&next, aside).map_err(io("spare.key"))?;
        }
        let next = KeyFile(next).store_key()?;
        let next = SigningKey::from_seed(&next.to_bytes()).device_key();
        store.set(&[(Setting::HubSeed, seed.to_vec()), (Setting::HubSpare, next.0.to_vec())])?;
        HubKeys::of(store, folder)
    }

    /// What devices accept: the hub's key, then its spare.
    pub(crate) fn pins(&self) -> Vec<DeviceKey> {
        vec![self.own.device_key(), self.spare]
    }
}
