//! How often one device may ask, so that none takes the hub from the others.

use kitbag_core::model::DeviceKey;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A page holds 2,000 entries, so a phone that was away for a year needs some dozens.
const REQUESTS_AT_ONCE: f64 = 1_000.0;
const REQUESTS_PER_SECOND: f64 = 20.0;
/// Devices that asked no more than this long ago are remembered.
const REMEMBERED: Duration = Duration::from_secs(120);
const DEVICES_MAX: usize = 50_000;

/// What each device still has.
#[derive(Clone, Default)]
pub(crate) struct Rates(Arc<Mutex<HashMap<DeviceKey, (f64, Instant)>>>);

impl Rates {
    /// Whether the device may ask now.
    pub(crate) fn allow(&self, device: DeviceKey, now: Instant) -> bool {
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if devices.len() >= DEVICES_MAX {
            devices.retain(|_, (_, at)| now.duration_since(*at) < REMEMBERED);
        }
        let (left, at) = devices.entry(device).or_insert((REQUESTS_AT_ONCE, now));
        let since = now.duration_since(*at).as_secs_f64();
        *left = (*left + since * REQUESTS_PER_SECOND).min(REQUESTS_AT_ONCE);
        *at = now;
        let allowed = *left >= 1.0;
        if allowed {
            *left -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_asks_without_end_is_slowed_and_others_are_not() {
        let rates = Rates::default();
        let now = Instant::now();
        let one = DeviceKey([1; 32]);
        let allowed = (0..3_000).filter(|_| rates.allow(one, now)).count();
        assert_eq!(allowed, 1_000);
        assert!(rates.allow(DeviceKey([2; 32]), now));
        let later = now + Duration::from_secs(10);
        assert_eq!((0..3_000).filter(|_| rates.allow(one, later)).count(), 200);
    }
}
