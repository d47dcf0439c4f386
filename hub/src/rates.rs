//! How often one device, and one address, may ask, so that none takes the hub from the others.

use kitbag_core::model::DeviceKey;
use kitbag_core::sync::Sender;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A page holds 2,000 entries, so a phone that was away for a year needs some dozens of requests.
const PER_DEVICE: Rate = Rate { at_once: 1_000.0, per_second: 20.0 };
/// Many phones may stand behind one router, or a proxy that passes TCP; keys cost nothing, addresses do.
const PER_ADDRESS: Rate = Rate { at_once: 20_000.0, per_second: 200.0 };
/// A key without a certificate joins, or brings the logs of the root and of coordinators.
const PER_STRANGER: Rate = Rate { at_once: 60.0, per_second: 2.0 };
/// All of those of one address together: keys cost nothing.
const STRANGERS_PER_ADDRESS: Rate = Rate { at_once: 1_000.0, per_second: 50.0 };
/// The most requests of one key at a time: each may hold a body in memory.
const AT_A_TIME_MAX: usize = 4;
/// Who asked no more than this long ago is remembered.
const REMEMBERED: Duration = Duration::from_secs(120);
const REMEMBERED_MAX: usize = 50_000;

#[derive(Clone, Copy)]
struct Rate {
    at_once: f64,
    per_second: f64,
}

/// What each device and each address still has.
#[derive(Clone, Default)]
pub(crate) struct Rates {
    devices: Buckets<DeviceKey>,
    addresses: Buckets<IpAddr>,
    strangers: Buckets<DeviceKey>,
    strangers_addresses: Buckets<IpAddr>,
}

impl Rates {
    /// Whether the device may ask now, from this address.
    pub(crate) fn allow(
        &self,
        device: DeviceKey,
        sender: Sender,
        address: IpAddr,
        now: Instant,
    ) -> bool {
        match sender {
            Sender::Known => {
                self.addresses.take(address, PER_ADDRESS, now)
                    && self.devices.take(device, PER_DEVICE, now)
            }
            Sender::Stranger => {
                self.strangers_addresses.take(address, STRANGERS_PER_ADDRESS, now)
                    && self.strangers.take(device, PER_STRANGER, now)
            }
        }
    }
}

/// The requests in hand, by key.
#[derive(Clone, Default)]
pub(crate) struct Bodies(Arc<Mutex<HashMap<DeviceKey, usize>>>);

/// One request in hand; free again when dropped.
pub(crate) struct Hand {
    bodies: Bodies,
    device: Option<DeviceKey>,
}

impl Bodies {
    /// Takes one more request of this key in hand; `None` where it has as many as it may.
    pub(crate) fn take(&self, device: Option<DeviceKey>) -> Option<Hand> {
        if let Some(device) = device {
            let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let count = held.entry(device).or_default();
            if *count >= AT_A_TIME_MAX {
                return None;
            }
            *count += 1;
        }
        Some(Hand { bodies: self.clone(), device })
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        let Some(device) = self.device else { return };
        let mut held = self.bodies.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&device) {
            *count -= 1;
            if *count == 0 {
                held.remove(&device);
            }
        }
    }
}

#[derive(Clone)]
struct Buckets<Who>(Arc<Mutex<HashMap<Who, (f64, Instant)>>>);

impl<Who> Default for Buckets<Who> {
    fn default() -> Self {
        Buckets(Arc::default())
    }
}

impl<Who: Hash + Eq> Buckets<Who> {
    fn take(&self, who: Who, rate: Rate, now: Instant) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED_MAX {
            buckets.retain(|_, (_, at)| now.duration_since(*at) < REMEMBERED);
        }
        let (left, at) = buckets.entry(who).or_insert((rate.at_once, now));
        let since = now.duration_since(*at).as_secs_f64();
        *left = (*left + since * rate.per_second).min(rate.at_once);
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
        let here = IpAddr::from([192, 0, 2, 1]);
        let one = DeviceKey([1; 32]);
        let allowed = (0..3_000).filter(|_| rates.allow(one, Sender::Known, here, now)).count();
        assert_eq!(allowed, 1_000);
        assert!(rates.allow(DeviceKey([2; 32]), Sender::Known, here, now));
        let later = now + Duration::from_secs(10);
        assert_eq!(
            (0..3_000).filter(|_| rates.allow(one, Sender::Known, here, later)).count(),
            200
        );
    }

    #[test]
    fn strangers_are_slowed_apart_from_members_and_hold_few_bodies() {
        let rates = Rates::default();
        let (now, here) = (Instant::now(), IpAddr::from([192, 0, 2, 1]));
        let (stranger, member) = (DeviceKey([1; 32]), DeviceKey([2; 32]));
        let asks = |device, sender| rates.allow(device, sender, here, now);
        assert_eq!((0..200).filter(|_| asks(stranger, Sender::Stranger)).count(), 60);
        assert!(asks(member, Sender::Known));
        let bodies = Bodies::default();
        let held: Vec<_> = (0..10).filter_map(|_| bodies.take(Some(stranger))).collect();
        assert_eq!(held.len(), AT_A_TIME_MAX);
        assert!(bodies.take(Some(member)).is_some());
        drop(held);
        assert!(bodies.take(Some(stranger)).is_some());
    }

    #[test]
    fn an_address_with_ever_new_keys_is_slowed_and_others_are_not() {
        let rates = Rates::default();
        let now = Instant::now();
        let key = |number: u32| {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&number.to_be_bytes());
            DeviceKey(key)
        };
        let here = IpAddr::from([192, 0, 2, 1]);
        let allowed = (0..25_000)
            .filter(|number| rates.allow(key(*number), Sender::Known, here, now))
            .count();
        assert_eq!(allowed, 20_000);
        assert!(rates.allow(key(1), Sender::Known, IpAddr::from([192, 0, 2, 2]), now));
    }
}
