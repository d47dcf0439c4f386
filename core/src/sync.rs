//! The exchange of two stores, without sockets, clocks or threads: bytes in, bytes out.
//!
//! A device sends its tips with their seals, and the runs that the hub was last seen to lack. The
//! hub answers with the tips that it now holds, which is the acknowledgement, and the runs that the
//! device lacks. Every message stands alone and may come twice or not at all; a cut exchange leaves
//! the hub knowing, by the seals, what it lacks.
//!
//! Where a log forked, neither side holds the other's tip: both then name points, entries that they
//! hold further back, so that each finds where the branches part. A log of which a run was turned
//! away is not offered again in the same session, so that it does not starve those behind it.

mod message;

pub use crate::store::Clock;
pub use message::{MESSAGE_BYTES_MAX, Message, TIPS_MAX, TurnedAwayRun};

use crate::identity::SigningKey;
use crate::log::entry::Tip;
use crate::log::run::{Run, TurnedAway};
use crate::model::{LogId, TeamId};
use crate::store::{Peer, Store, StoreError};
use std::collections::BTreeSet;

/// The most requests of one session: 20 million entries, so that a hub that always moves cannot hold a
/// phone for ever.
pub const REQUESTS_MAX: u32 = 10_000;

/// What can go wrong in an exchange.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The other side's bytes are no message.
    #[error("the message could not be read: {0}")]
    Message(#[from] TurnedAway),
    /// Our own store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing moves any more, and both sides still differ. All that could be exchanged was.
    #[error("the hub and this store still differ; {turned_away} runs were turned away: {reason}")]
    Stuck {
        /// How many runs were turned away by either side in this session.
        turned_away: usize,
        /// Why the last of them was.
        reason: String,
    },
}

/// The hub's side: takes a request in, durably, and answers with what it then holds.
pub fn answer(store: &mut Store, request: &[u8]) -> Result<Vec<u8>, SyncError> {
    let request = Message::decode(request)?;
    let taken = take_in(store, &request)?;
    let teams: Vec<TeamId> =
        request.teams.into_iter().filter(|team| store.holds_team(*team)).collect();
    let skip = request.skip.into_iter().collect();
    let peer = Peer { clock: request.clock, points: request.points, skip };
    let clock = store.clock(&teams);
    let mut points = store.points(&teams, &peer)?;
    add_held(&mut points, &clock, taken.held);
    Ok(Message {
        sealed: store.seals_lacked(&teams, &peer.clock, None)?,
        runs: store.runs_lacked(&teams, &peer, None)?.into_iter().map(Ok).collect(),
        turned_away: taken.turned_away.into_iter().map(|(_, run)| run).collect(),
        clock,
        points,
        teams,
        skip: Vec::new(),
    }
    .encode())
}

/// What became of the runs of a message.
struct TakenIn {
    new_entries: u64,
    /// With its log, where that could be read.
    turned_away: Vec<(Option<LogId>, TurnedAwayRun)>,
    held: Vec<(LogId, Tip)>,
}

/// Stores what is good of a message; the rest is turned away, run by run.
fn take_in(store: &mut Store, message: &Message) -> Result<TakenIn, SyncError> {
    let mut places = Vec::new();
    let mut runs: Vec<&Run> = Vec::new();
    let mut turned_away = Vec::new();
    for (index, run) in (0..).zip(&message.runs) {
        match run {
            Ok(run) => {
                places.push(index);
                runs.push(run);
            }
            Err(reason) => {
                turned_away.push((None, TurnedAwayRun { index, reason: reason.to_string() }));
            }
        }
    }
    let received = store.receive(&runs, &message.sealed)?;
    for (at, reason) in received.turned_away {
        let index = places.get(at).copied().unwrap_or_default();
        let log = runs.get(at).map(|run| run.log);
        turned_away.push((log, TurnedAwayRun { index, reason: reason.to_string() }));
    }
    Ok(TakenIn { new_entries: received.new_entries, turned_away, held: received.held })
}

/// Adds entries that are held now and are no tips: the other side can go on behind them.
fn add_held(points: &mut Clock, clock: &Clock, held: impl IntoIterator<Item = (LogId, Tip)>) {
    for (log, tip) in held {
        if !clock.get(&log).is_some_and(|tips| tips.contains(&tip)) {
            add_point(points, log, tip);
        }
    }
}

/// Adds one point in its place; returns whether it is new.
fn add_point(points: &mut Clock, log: LogId, tip: Tip) -> bool {
    let of_log = points.entry(log).or_default();
    match of_log.binary_search(&tip) {
        Ok(_) => false,
        Err(_) if of_log.len() >= TIPS_MAX as usize => false,
        Err(at) => {
            of_log.insert(at, tip);
            true
        }
    }
}

fn pairs(clock: &Clock) -> impl Iterator<Item = (LogId, Tip)> + '_ {
    clock.iter().flat_map(|(log, tips)| tips.iter().map(|tip| (*log, *tip)))
}

/// The device's side of one sync.
pub struct Session {
    teams: Vec<TeamId>,
    /// What is known of the hub, once it answered.
    hub: Option<Peer>,
    /// The logs of the runs of the last request, in order.
    sent: Vec<LogId>,
    /// Entries held that are no tips, from runs that brought nothing new.
    held: Clock,
    /// Logs of which runs were turned away here.
    unwanted: BTreeSet<LogId>,
    turned_away: usize,
    last_reason: Option<String>,
    requests: u32,
    done: bool,
}

impl Session {
    /// A sync of these teams; the programme's own scope goes with them.
    pub fn new(teams: impl IntoIterator<Item = TeamId>) -> Self {
        let mut teams: Vec<TeamId> = teams.into_iter().chain([TeamId::PROGRAMME]).collect();
        teams.sort();
        teams.dedup();
        Session {
            teams,
            hub: None,
            sent: Vec::new(),
            held: Clock::new(),
            unwanted: BTreeSet::new(),
            turned_away: 0,
            last_reason: None,
            requests: 0,
            done: false,
        }
    }

    /// The next request, or `None` once both sides hold the same. The first carries seals alone, so
    /// that the hub knows what it lacks even if the line is cut before any entry went over.
    pub fn request(
        &mut self,
        store: &Store,
        own: &SigningKey,
    ) -> Result<Option<Vec<u8>>, SyncError> {
        if self.done {
            return Ok(None);
        }
        self.requests += 1;
        if self.requests > REQUESTS_MAX {
            return Err(self.stuck());
        }
        let nothing = Peer::default();
        let theirs = self.hub.as_ref().unwrap_or(&nothing);
        let runs = match &self.hub {
            Some(hub) => store.runs_lacked(&self.teams, hub, Some(own))?,
            None => Vec::new(),
        };
        let clock = store.clock(&self.teams);
        let mut points = store.points(&self.teams, theirs)?;
        add_held(&mut points, &clock, pairs(&self.held));
        let message = Message {
            teams: self.teams.clone(),
            sealed: store.seals_lacked(&self.teams, &theirs.clock, Some(own))?,
            clock,
            points,
            skip: self.unwanted.iter().copied().collect(),
            turned_away: Vec::new(),
            runs: runs.into_iter().map(Ok).collect(),
        };
        self.sent = message.runs.iter().flatten().map(|run| run.log).collect();
        Ok(Some(message.encode()))
    }

    /// Takes an answer in. Only an answer that shows equal clocks ends the sync.
    pub fn reply(&mut self, store: &mut Store, bytes: &[u8]) -> Result<(), SyncError> {
        let answer = Message::decode(bytes)?;
        let taken = take_in(store, &answer)?;
        let ours = store.clock(&self.teams);
        self.done = answer.clock == ours;
        let mut moved = taken.new_entries > 0;
        for (log, run) in taken.turned_away {
            self.turned_away += 1;
            self.last_reason = Some(run.reason);
            moved |= log.is_some_and(|log| self.unwanted.insert(log));
        }
        for (log, tip) in taken.held {
            let is_tip = ours.get(&log).is_some_and(|tips| tips.contains(&tip));
            moved |= !is_tip && add_point(&mut self.held, log, tip);
        }
        // What the hub said that it holds stays true for the session: points are gathered, so that
        // every step goes on from the one before.
        let before = self.hub.take();
        moved |= before.as_ref().is_none_or(|before| before.clock != answer.clock);
        let mut hub = Peer { clock: answer.clock, ..before.unwrap_or_default() };
        for (log, tip) in pairs(&answer.points) {
            moved |= add_point(&mut hub.points, log, tip);
        }
        for run in &answer.turned_away {
            self.turned_away += 1;
            self.last_reason = Some(run.reason.clone());
            let log = usize::try_from(run.index).ok().and_then(|at| self.sent.get(at));
            moved |= log.is_some_and(|log| hub.skip.insert(*log));
        }
        self.hub = Some(hub);
        if self.done || moved { Ok(()) } else { Err(self.stuck()) }
    }

    fn stuck(&self) -> SyncError {
        let nothing = || "neither side could offer more; sync again later".to_owned();
        SyncError::Stuck {
            turned_away: self.turned_away,
            reason: self.last_reason.clone().unwrap_or_else(nothing),
        }
    }
}
