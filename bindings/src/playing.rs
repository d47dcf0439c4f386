//! A scenario's clock and randomness by seed: in builds for tests, in nothing that is published.

use kitbag_client::Opening;
use kitbag_core::model::UnixMillis;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// The scenario's seed; 0 where none is played.
static SEED: AtomicU64 = AtomicU64::new(0);
static NOW: AtomicI64 = AtomicI64::new(0);
/// Each device's stream, by the name of its store: opened again, it goes on.
static STREAMS: LazyLock<Mutex<HashMap<String, Arc<Mutex<ChaCha20Rng>>>>> =
    LazyLock::new(Mutex::default);

/// From now on stores take their clock from [`set_scenario_clock`], and their randomness from a stream by this seed
/// and the name of their file. With 0, as ever.
#[uniffi::export]
pub fn begin_scenario(seed: u64) {
    STREAMS.lock().unwrap_or_else(PoisonError::into_inner).clear();
    SEED.store(seed, Ordering::SeqCst);
}

/// Sets the clock of all stores of a scenario, in ms since 1970.
#[uniffi::export]
pub fn set_scenario_clock(millis: i64) {
    NOW.store(millis, Ordering::SeqCst);
}

pub(crate) fn play(opening: &mut Opening) {
    let seed = SEED.load(Ordering::SeqCst);
    if seed == 0 {
        return;
    }
    let name = opening.store.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stream = {
        let mut streams = STREAMS.lock().unwrap_or_else(PoisonError::into_inner);
        let own = streams.entry(name.clone());
        Arc::clone(own.or_insert_with(|| Arc::new(Mutex::new(stream_of(seed, &name)))))
    };
    opening.clock = Some(Arc::new(|| UnixMillis(NOW.load(Ordering::SeqCst))));
    opening.random = Some(Arc::new(move |bytes| {
        stream.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }));
}

/// The first 32 bytes of the seed and the name, both in turn: not secret, the same in all languages.
fn stream_of(seed: u64, name: &str) -> ChaCha20Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_be_bytes());
    for (place, byte) in key[8..].iter_mut().zip(name.bytes()) {
        *place = byte;
    }
    ChaCha20Rng::from_seed(key)
}
