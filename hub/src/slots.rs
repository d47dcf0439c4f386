//! Who may be connected: a bounded number, of whom those that keep us waiting leave first.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// The most connections at a time.
const CONNECTIONS_MAX: usize = 2_000;
/// The most from one address: enough for a shelter behind one router, or a proxy that passes TCP.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 1_500;

/// The most of keys without a certificate: each may hold a body, and they take no slot from members.
const STRANGERS_MAX: usize = 250;

#[derive(Default)]
struct Taken {
    /// Connections of keys without a certificate.
    strangers: BTreeMap<u64, IpAddr>,
    next: u64,
    count: usize,
    by_address: HashMap<IpAddr, usize>,
    /// Connections of which no whole request is in hand, the oldest first.
    waiting: BTreeMap<u64, (IpAddr, oneshot::Sender<()>)>,
}

/// All slots.
#[derive(Clone, Default)]
pub(crate) struct Slots(Arc<Mutex<Taken>>);

/// One connection's slot; free again when dropped.
pub(crate) struct Slot {
    slots: Slots,
    number: u64,
    address: IpAddr,
}

impl Slots {
    /// Takes a slot for a connection. Where all are taken, the one that has kept us waiting longest
    /// is told to leave; `None` where nobody waits. The receiver tells when to leave.
    pub(crate) fn admit(&self, address: IpAddr) -> Option<(Slot, oneshot::Receiver<()>)> {
        let mut held = self.lock();
        let of_address = held.by_address.get(&address).copied().unwrap_or(0);
        let oldest = match (held.count, of_address) {
            (_, of_address) if of_address >= CONNECTIONS_PER_ADDRESS_MAX => {
                let mut waiting = held.waiting.iter();
                Some(waiting.find(|(_, (of, _))| *of == address).map(|(number, _)| *number)?)
            }
            (count, _) if count >= CONNECTIONS_MAX => Some(*held.waiting.first_key_value()?.0),
            _ => None,
        };
        if let Some((_, leave)) = oldest.and_then(|number| held.waiting.remove(&number)) {
            let _ = leave.send(());
        }
        let number = held.next;
        held.next += 1;
        held.count += 1;
        *held.by_address.entry(address).or_default() += 1;
        let (leave, told) = oneshot::channel();
        held.waiting.insert(number, (address, leave));
        drop(held);
        Some((Slot { slots: self.clone(), number, address }, told))
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Whose it is.
    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// The handshake showed a key without a certificate. Where too many are such, the address that has the
    /// most of them gives up the one that has kept us waiting longest.
    pub(crate) fn is_strangers(&self) {
        let mut held = self.slots.lock();
        held.strangers.insert(self.number, self.address);
        if held.strangers.len() <= STRANGERS_MAX {
            return;
        }
        let mut of_address: HashMap<IpAddr, usize> = HashMap::new();
        for address in held.strangers.values() {
            *of_address.entry(*address).or_default() += 1;
        }
        let waiting = held.strangers.iter().filter(|(number, _)| held.waiting.contains_key(number));
        let leaves = waiting.max_by_key(|(number, address)| {
            (of_address.get(address).copied(), std::cmp::Reverse(**number))
        });
        let Some(number) = leaves.map(|(number, _)| *number) else { return };
        held.strangers.remove(&number);
        if let Some((_, leave)) = held.waiting.remove(&number) {
            let _ = leave.send(());
        }
    }

    /// A whole request is in hand: the connection is not told to leave until it is answered.
    pub(crate) fn is_served(&self) -> Option<(IpAddr, oneshot::Sender<()>)> {
        self.slots.lock().waiting.remove(&self.number)
    }

    /// The request is answered.
    pub(crate) fn waits_again(&self, leave: Option<(IpAddr, oneshot::Sender<()>)>) {
        if let Some(leave) = leave {
            self.slots.lock().waiting.insert(self.number, leave);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut held = self.slots.lock();
        held.count = held.count.saturating_sub(1);
        held.waiting.remove(&self.number);
        held.strangers.remove(&self.number);
        if let Some(count) = held.by_address.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                held.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(number))
    }

    #[test]
    fn when_all_places_are_taken_the_oldest_that_waits_leaves() {
        let slots = Slots::default();
        let mut held: Vec<_> =
            (0..CONNECTIONS_MAX as u32).filter_map(|number| slots.admit(address(number))).collect();
        assert_eq!(held.len(), CONNECTIONS_MAX);
        let served = held[0].0.is_served();
        let newcomer = slots.admit(address(9_999));
        assert!(newcomer.is_some());
        assert!(held[0].1.try_recv().is_err(), "one that is served stays");
        assert!(held[1].1.try_recv().is_ok(), "the next oldest is told to leave");
        assert!(held[2].1.try_recv().is_err());
        held[0].0.waits_again(served);
        drop(held);
        assert_eq!(slots.lock().count, 1);
        drop(newcomer);
        assert!(slots.lock().by_address.is_empty());
    }

    #[test]
    fn strangers_take_places_from_each_other_and_most_from_where_most_come() {
        let slots = Slots::default();
        let mut others: Vec<_> =
            [1, 2].into_iter().filter_map(|n| slots.admit(address(n))).collect();
        // The second one joins.
        others[1].0.is_strangers();
        let mut held: Vec<_> = (0..STRANGERS_MAX).filter_map(|_| slots.admit(address(3))).collect();
        held.iter().for_each(|(slot, _)| slot.is_strangers());
        assert!(held[0].1.try_recv().is_ok(), "the oldest of those that are many");
        assert!(held[1].1.try_recv().is_err());
        assert!(others.iter_mut().all(|(_, told)| told.try_recv().is_err()));
        drop(held);
        assert_eq!(slots.lock().strangers.len(), 1);
    }

    #[test]
    fn one_address_takes_places_from_itself() {
        let slots = Slots::default();
        let mut held: Vec<_> =
            (0..CONNECTIONS_PER_ADDRESS_MAX).filter_map(|_| slots.admit(address(1))).collect();
        let other = slots.admit(address(2));
        let one_more = slots.admit(address(1));
        assert!(other.is_some() && one_more.is_some());
        assert!(held[0].1.try_recv().is_ok());
        let all: Vec<_> = held.iter().skip(1).map(|(slot, _)| slot.is_served()).collect();
        let served = one_more.as_ref().and_then(|(slot, _)| slot.is_served());
        assert!(served.is_some() && all.len() == CONNECTIONS_PER_ADDRESS_MAX - 1);
        drop(held.remove(0));
        drop(held.remove(0));
        assert!(slots.admit(address(1)).is_some(), "two left");
    }
}
