//! The letter box of joining: one request and one reply for each invitation, for ten minutes.
//!
//! The hub carries both without being able to read the reply or to make either. It keeps them in
//! memory: after a restart an invitation is made anew.

use axum::http::StatusCode;
use kitbag_core::model::DeviceKey;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long an invitation holds.
const HOLDS: Duration = Duration::from_secs(10 * 60);
/// The most open invitations, of one inviter and in all.
const PER_INVITER_MAX: usize = 50;
const ALL_MAX: usize = 5_000;
/// The longest request, in bytes.
const REQUEST_BYTES_MAX: usize = 512;
/// The most bytes of the replies of one inviter that are kept at once: a reply proves a certificate in one MiB at most.
const REPLIES_BYTES_MAX: usize = 4 << 20;
/// How often one address may ask to join within the time that an invitation holds.
const ASKED_PER_ADDRESS_MAX: u32 = 200;

/// Why the letter box does not take or give something: a status, a code, and what to do.
pub(crate) type Refused = (StatusCode, &'static str, &'static str);

const UNKNOWN: Refused = (
    StatusCode::NOT_FOUND,
    "invitation",
    "there is no such invitation, or it is older than ten minutes; ask for a new one",
);
const USED: Refused = (
    StatusCode::CONFLICT,
    "invitation_used",
    "this invitation was used already; if not by you, tell the coordinator, and ask for a new one",
);

struct Open {
    inviter: DeviceKey,
    made: Instant,
    request: Option<(DeviceKey, Vec<u8>)>,
    reply: Option<Vec<u8>>,
}

#[derive(Default)]
struct Held {
    open: HashMap<[u8; 16], Open>,
    asked: HashMap<IpAddr, (Instant, u32)>,
}

/// All open invitations.
#[derive(Clone, Default)]
pub(crate) struct Invitations(Arc<Mutex<Held>>);

impl Invitations {
    fn lock(&self, now: Instant) -> MutexGuard<'_, Held> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.open.retain(|_, open| now.duration_since(open.made) < HOLDS);
        held.asked.retain(|_, (since, _)| now.duration_since(*since) < HOLDS);
        held
    }

    /// Opens a box for an invitation.
    pub(crate) fn open(
        &self,
        id: [u8; 16],
        inviter: DeviceKey,
        now: Instant,
    ) -> Result<(), Refused> {
        let mut held = self.lock(now);
        let of_inviter = held.open.values().filter(|open| open.inviter == inviter).count();
        if of_inviter >= PER_INVITER_MAX || held.open.len() >= ALL_MAX {
            let detail = "too many invitations are open; wait ten minutes";
            return Err((StatusCode::TOO_MANY_REQUESTS, "rate", detail));
        }
        if let Entry::Vacant(place) = held.open.entry(id) {
            place.insert(Open { inviter, made: now, request: None, reply: None });
            Ok(())
        } else {
            Err(USED)
        }
    }

    /// A device asks, once. Asking again with the same words, as over a bad line, changes nothing.
    pub(crate) fn ask(
        &self,
        id: [u8; 16],
        device: DeviceKey,
        address: Option<IpAddr>,
        request: &[u8],
        now: Instant,
    ) -> Result<(), Refused> {
        let mut held = self.lock(now);
        if let Some(address) = address {
            let (_, asked) = held.asked.entry(address).or_insert((now, 0));
            *asked += 1;
            if *asked > ASKED_PER_ADDRESS_MAX {
                let detail = "too many devices asked to join from here; wait ten minutes";
                return Err((StatusCode::TOO_MANY_REQUESTS, "rate", detail));
            }
        }
        if request.len() > REQUEST_BYTES_MAX {
            let detail = "the request to join is too long; update Kitbag";
            return Err((StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail));
        }
        let open = held.open.get_mut(&id).ok_or(UNKNOWN)?;
        match &open.request {
            None => {
                open.request = Some((device, request.to_vec()));
                Ok(())
            }
            Some((by, same)) if *by == device && same == request => Ok(()),
            Some(_) => Err(USED),
        }
    }

    /// What the device asked, for the inviter alone; empty until it did.
    pub(crate) fn asked(
        &self,
        id: [u8; 16],
        inviter: DeviceKey,
        now: Instant,
    ) -> Result<Vec<u8>, Refused> {
        let held = self.lock(now);
        let open = held.open.get(&id).filter(|open| open.inviter == inviter).ok_or(UNKNOWN)?;
        Ok(open.request.as_ref().map(|(_, request)| request.clone()).unwrap_or_default())
    }

    /// The inviter's reply, once.
    pub(crate) fn reply(
        &self,
        id: [u8; 16],
        inviter: DeviceKey,
        reply: Vec<u8>,
        now: Instant,
    ) -> Result<(), Refused> {
        let mut held = self.lock(now);
        let of_inviter =
            held.open.iter().filter(|(of, open)| **of != id && open.inviter == inviter);
        let kept: usize =
            of_inviter.filter_map(|(_, open)| open.reply.as_ref()).map(Vec::len).sum();
        if kept + reply.len() > REPLIES_BYTES_MAX {
            let detail = "too many replies wait for their devices; wait ten minutes";
            return Err((StatusCode::TOO_MANY_REQUESTS, "rate", detail));
        }
        let open = held.open.get_mut(&id).filter(|open| open.inviter == inviter).ok_or(UNKNOWN)?;
        match &open.reply {
            None if open.request.is_some() => {
                open.reply = Some(reply);
                Ok(())
            }
            Some(same) if *same == reply => Ok(()),
            None | Some(_) => Err(USED),
        }
    }

    /// The reply, for the device that asked alone; empty until there is one.
    pub(crate) fn replied(
        &self,
        id: [u8; 16],
        device: DeviceKey,
        now: Instant,
    ) -> Result<Vec<u8>, Refused> {
        let held = self.lock(now);
        let is_askers =
            |open: &&Open| open.request.as_ref().is_some_and(|(asker, _)| *asker == device);
        let open = held.open.get(&id).filter(is_askers).ok_or(UNKNOWN)?;
        Ok(open.reply.clone().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 16] = [1; 16];

    fn key(byte: u8) -> DeviceKey {
        DeviceKey([byte; 32])
    }

    #[test]
    fn an_invitation_is_used_once_by_one_device_and_answered_once_by_its_inviter() {
        let invitations = Invitations::default();
        let now = Instant::now();
        let (inviter, device, thief) = (key(1), key(2), key(3));
        assert_eq!(invitations.ask(ID, device, None, b"me", now), Err(UNKNOWN));
        invitations.open(ID, inviter, now).expect("new");
        assert_eq!(invitations.open(ID, thief, now), Err(USED));
        assert_eq!(invitations.asked(ID, inviter, now), Ok(vec![]));
        assert_eq!(invitations.reply(ID, inviter, vec![1], now), Err(USED));
        invitations.ask(ID, device, None, b"me", now).expect("the first");
        invitations.ask(ID, device, None, b"me", now).expect("the same again");
        assert_eq!(invitations.ask(ID, device, None, b"other", now), Err(USED));
        assert_eq!(invitations.ask(ID, thief, None, b"me", now), Err(USED));
        assert_eq!(invitations.asked(ID, thief, now), Err(UNKNOWN));
        assert_eq!(invitations.asked(ID, inviter, now), Ok(b"me".to_vec()));
        assert_eq!(invitations.replied(ID, device, now), Ok(vec![]));
        assert_eq!(invitations.reply(ID, thief, vec![1], now), Err(UNKNOWN));
        invitations.reply(ID, inviter, vec![7], now).expect("the first");
        invitations.reply(ID, inviter, vec![7], now).expect("the same again");
        assert_eq!(invitations.reply(ID, inviter, vec![8], now), Err(USED));
        assert_eq!(invitations.replied(ID, thief, now), Err(UNKNOWN));
        assert_eq!(invitations.replied(ID, device, now), Ok(vec![7]));
    }

    #[test]
    fn it_holds_ten_minutes_and_asking_is_bounded() {
        let invitations = Invitations::default();
        let now = Instant::now();
        invitations.open(ID, key(1), now).expect("new");
        let late = now + HOLDS;
        assert_eq!(invitations.ask(ID, key(2), None, b"me", late), Err(UNKNOWN));
        let address = Some(IpAddr::from([192, 0, 2, 1]));
        let refused: Vec<_> = (0..300_u32)
            .filter_map(|guess| {
                let mut id = [0; 16];
                id[..4].copy_from_slice(&guess.to_be_bytes());
                invitations.ask(id, key(2), address, b"me", now).err()
            })
            .collect();
        let slowed =
            refused.iter().filter(|(status, _, _)| *status == StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(slowed.count(), 100);
        for number in 0..PER_INVITER_MAX as u8 {
            invitations.open([number + 10; 16], key(9), now).expect("not too many");
        }
        assert!(invitations.open([99; 16], key(9), now).is_err());
        assert!(invitations.open([99; 16], key(8), now).is_ok());
        let reply = |id: u8| {
            invitations.ask([id; 16], key(2), None, b"me", now).expect("asked");
            invitations.reply([id; 16], key(9), vec![0; REPLIES_BYTES_MAX / 2], now)
        };
        assert_eq!((reply(10), reply(11)), (Ok(()), Ok(())));
        assert!(reply(12).is_err(), "one inviter does not fill the memory");
        let long = vec![0; REQUEST_BYTES_MAX + 1];
        assert!(invitations.ask([99; 16], key(2), None, &long, now).is_err());
    }
}
