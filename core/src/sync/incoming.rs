//! A message that came, on its way into a store: read, looked at beside the store, verified away from it.
//!
//! Work is bounded before it is done: equal runs are dropped, what is held needs no signature, what nobody
//! may send is turned away unlooked at, and the first bad signature ends it.

use super::message::{Message, TurnedAwayRun};
use crate::identity::Role;
use crate::log::Author;
use crate::log::entry::Entry;
use crate::log::payload::Open;
use crate::log::run::{Run, SignedTip, TurnedAway, weight};
use crate::model::{DeviceKey, EntryId, LogId};
use crate::store::{Incoming, Store, StoreError, VerifiedRun};
use std::collections::{HashMap, HashSet};

/// The most runs of one request that are looked at of a key without a certificate.
const STRANGERS_RUNS_MAX: usize = 64;

/// A run of a message, its ids computed.
struct Looked {
    index: u64,
    run: Run,
    entries: Vec<Entry>,
    open: Option<Open>,
    /// The key whose signature must be over its last entry; `None` where all of it is held.
    key: Option<DeviceKey>,
}

/// A message whose signatures are to be looked at.
pub struct Unverified {
    /// The rest of it.
    pub message: Message,
    /// How many runs it carried.
    sent: u64,
    runs: Vec<Looked>,
    turned_away: Vec<(u64, Option<LogId>, TurnedAway)>,
}

/// A message whose signatures were looked at.
pub struct Verified {
    /// The rest of it.
    pub message: Message,
    pub(super) incoming: Incoming,
    pub(super) turned_away: Vec<(u64, Option<LogId>, TurnedAway)>,
}

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A key with a certificate, which may be revoked; or a hub, or a courier.
    Known,
    /// Somebody else: only the logs of the root and of coordinators are taken.
    Stranger,
}

impl Unverified {
    /// Computes the ids of a message's runs; equal ones are dropped, and of a stranger's the first alone are
    /// looked at.
    pub fn new(mut message: Message, sender: Sender) -> Self {
        let sent = message.runs.len() as u64;
        let (runs, turned_away) = (Vec::new(), Vec::new());
        let mut unverified = Unverified { message: Message::default(), sent, runs, turned_away };
        let mut seen: HashSet<(LogId, EntryId, [u8; 64], bool)> = HashSet::new();
        for (index, run) in (0..).zip(std::mem::take(&mut message.runs)) {
            if sender == Sender::Stranger && unverified.runs.len() >= STRANGERS_RUNS_MAX {
                unverified.turned_away.push((index, None, TurnedAway::NoCertificate));
                continue;
            }
            let run = match run {
                Ok(run) => run,
                Err(reason) => {
                    unverified.turned_away.push((index, None, reason.into()));
                    continue;
                }
            };
            let entries = run.expand();
            let Some(last) = entries.last().map(|last| last.id) else { continue };
            let is_whole = entries.iter().all(|entry| entry.payload.is_some());
            if !seen.insert((run.log, last, run.signature, is_whole)) {
                continue;
            }
            match run.opening() {
                Ok(open) => unverified.runs.push(Looked { index, run, entries, open, key: None }),
                Err(reason) => unverified.turned_away.push((index, Some(run.log), reason)),
            }
        }
        unverified.message = message;
        unverified
    }

    /// What its entries weigh, in bytes (docs/protocol.md, run): what they cost, however short they are.
    pub fn weight(&self) -> u64 {
        let entries = self.runs.iter().flat_map(|looked| &looked.entries);
        entries.map(|entry| weight(entry.payload.as_deref())).sum()
    }

    /// Looks at the store for what needs no signature, what may be taken from this sender, and whose
    /// signature the rest must bear. Short: the store's lock is held.
    pub fn look(&mut self, store: &Store, sender: Sender) -> Result<(), StoreError> {
        let is_roots = |looked: &Looked| {
            let of_root =
                |open: &Open| open.certificate == EntryId::NONE && open.key == store.root();
            looked.open.as_ref().is_some_and(of_root)
        };
        let with_root = self.runs.iter().any(is_roots);
        let mut kept = Vec::new();
        let mut opened: HashMap<LogId, DeviceKey> = HashMap::new();
        for mut looked in std::mem::take(&mut self.runs) {
            let log = looked.run.log;
            opened.extend(looked.open.iter().map(|open| (log, open.key)));
            let held = store.chains().log(&log);
            let key = held.map(|info| info.key).or(opened.get(&log).copied());
            let Some(key) = key else {
                self.turned_away.push((looked.index, Some(log), TurnedAway::LogNotHeld));
                continue;
            };
            if sender == Sender::Stranger {
                let author =
                    store.author_of(&log).or_else(|| store.author_by(looked.open.as_ref()?));
                let is_above =
                    matches!(author, Some(Author::Root | Author::Certified(Role::Coordinator, _)));
                // A coordinator whose certificate comes with the same request, as after a hub was put back.
                let may_be_above = author.is_none() && with_root;
                if !(is_above || may_be_above) {
                    self.turned_away.push((looked.index, Some(log), TurnedAway::NoCertificate));
                    continue;
                }
            }
            let last = looked.entries.last().map(|last| last.id);
            let is_held = match last {
                // One that stands alone came without a signature.
                Some(last) => store.holds_chained(&last)?,
                None => true,
            };
            looked.key = (!is_held).then_some(key);
            kept.push(looked);
        }
        self.runs = kept;
        if sender == Sender::Stranger {
            self.message.brought.clear();
            self.message.signed.clear();
        }
        let mut signed = Vec::new();
        for one in std::mem::take(&mut self.message.signed) {
            if store.lacks_signature(&one)? {
                signed.push(one);
            }
        }
        self.message.signed = signed;
        Ok(())
    }

    /// Looks at the signatures, up to the first bad one. Needs no store.
    pub fn verify(self) -> Verified {
        let Unverified { mut message, sent, runs, mut turned_away } = self;
        let mut incoming = Incoming::default();
        let mut is_broken = false;
        for Looked { index, run, entries, open, key } in runs {
            let is_good = match (is_broken, key) {
                (true, _) => Err(TurnedAway::NotLookedAt),
                (false, None) => Ok(None),
                (false, Some(key)) => {
                    run.check_signature(key, &entries).map(|()| Some(run.signature))
                }
            };
            match is_good {
                Ok(signature) => {
                    let verified = VerifiedRun { log: run.log, entries, open, signature };
                    incoming.runs.push((index, verified));
                }
                Err(reason) => {
                    is_broken |= reason == TurnedAway::Signature;
                    turned_away.push((index, Some(run.log), reason));
                }
            }
        }
        incoming.brought = (sent..).zip(std::mem::take(&mut message.brought)).collect();
        if !is_broken {
            let signed = std::mem::take(&mut message.signed).into_iter();
            incoming.signed = signed.take_while(SignedTip::is_good).collect();
        }
        Verified { message, incoming, turned_away }
    }
}

/// A run that was turned away, as a response says it.
pub(super) fn told(index: u64, reason: &TurnedAway) -> TurnedAwayRun {
    TurnedAwayRun { index, code: reason.code() }
}
