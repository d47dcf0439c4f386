//! The exchange of two stores, without sockets, clocks or threads: bytes in, bytes out.
//!
//! When all is well it is one round trip. A device sends the digest of its clock, the cursor that the
//! hub gave it last, and the entries that the hub is not known to hold; the hub acknowledges them and
//! answers with what arrived since. If digests differ then, full clocks are exchanged, and what each
//! lacks. Every message stands alone and may come twice or not at all; the hub keeps no session.
//!
//! Where a log forked, neither side holds the other's tip: both then name points, entries that they
//! hold further back, so that each finds where the branches part. A log of which a run was turned
//! away is not offered again in the same session, so that it does not starve those behind it.

mod agreement;
mod backoff;
mod fault;
mod incoming;
mod message;
mod response;
mod session;

pub use crate::store::Frontier;
pub use agreement::{Agreement, Progress};
pub use backoff::Backoff;
pub use fault::SyncFault;
pub use incoming::{Sender, Unverified, Verified};
pub use message::{
    CURSOR_BYTES_MAX, MESSAGE_BYTES_MAX, Message, NAMED_MAX, TIPS_MAX, TurnedAwayRun,
};
pub use response::{Exchange, respond, respond_nothing, respond_verified, respond_within};
pub use session::{REQUESTS_MAX, Session};

use crate::log::entry::Tip;
use crate::log::run::{Run, TurnedAway};
use crate::model::LogId;
use crate::store::{MayBranch, Store, StoreError};

/// What can go wrong in an exchange.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The other side's bytes are no message.
    #[error("the message could not be read: {0}")]
    Message(#[from] TurnedAway),
    /// Our own store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It found more and more to do.
    #[error("the sync did not come to an end; sync again")]
    Unending,
    /// Nothing moves any more, and both sides still differ. All that could be exchanged was.
    #[error("the hub and this store still differ; {turned_away} runs were turned away: {reason}")]
    Stuck {
        /// How many runs were turned away by either side in this session.
        turned_away: usize,
        /// Why the last of them was.
        reason: String,
    },
}

/// Takes a message in that came without a request: a page of a bundle, or signatures. Returns how many
/// entries were new, and why runs were turned away.
pub fn take(
    store: &mut Store,
    message: Message,
    may_branch: MayBranch<'_>,
) -> Result<(u64, Vec<TurnedAway>), SyncError> {
    let verified = read(store, message)?;
    let taken = take_in(store, verified, may_branch)?;
    let reasons = taken.turned_away.into_iter().map(|(_, _, reason)| reason).collect();
    Ok((taken.new_entries, reasons))
}

/// Looks at the signatures of a message, beside a store that nobody else waits for.
fn read(store: &Store, message: Message) -> Result<Verified, StoreError> {
    let mut unverified = Unverified::new(message, Sender::Known);
    unverified.look(store, Sender::Known)?;
    Ok(unverified.verify())
}

/// What became of the runs of a message.
struct TakenIn {
    /// The rest of the message.
    message: Message,
    new_entries: u64,
    /// With its log, where that could be read.
    turned_away: Vec<(u64, Option<LogId>, TurnedAway)>,
    held: Vec<(LogId, Tip)>,
    /// The ends of what came and is carried.
    carried: Vec<(LogId, Tip)>,
}

/// Stores what is good of a message; the rest is turned away, run by run.
fn take_in(
    store: &mut Store,
    verified: Verified,
    may_branch: MayBranch<'_>,
) -> Result<TakenIn, SyncError> {
    let Verified { message, incoming, mut turned_away } = verified;
    if incoming.runs.is_empty() && incoming.brought.is_empty() && incoming.signed.is_empty() {
        turned_away.sort_by_key(|(index, _, _)| *index);
        let nothing = Vec::new;
        return Ok(TakenIn {
            message,
            new_entries: 0,
            turned_away,
            held: nothing(),
            carried: nothing(),
        });
    }
    let logs: Vec<(u64, LogId)> =
        incoming.runs.iter().map(|(index, run)| (*index, run.log)).collect();
    let received = store.take_in(incoming, may_branch)?;
    for (index, reason) in received.turned_away {
        let log = logs.iter().find(|(at, _)| *at == index).map(|(_, log)| *log);
        turned_away.push((index, log, reason));
    }
    turned_away.sort_by_key(|(index, _, _)| *index);
    let (new_entries, held, carried) = (received.new_entries, received.held, received.carried);
    Ok(TakenIn { message, new_entries, turned_away, held, carried })
}

/// The most points of all logs that one message carries beside a clock.
const POINTS_MAX: usize = 2_000;

/// Adds entries that are held now and are no tips: the other side can go on behind them.
fn add_held(points: &mut Frontier, clock: &Frontier, held: impl IntoIterator<Item = (LogId, Tip)>) {
    for (log, tip) in held.into_iter().take(POINTS_MAX) {
        if !clock.get(&log).is_some_and(|tips| tips.contains(&tip)) {
            add_point(points, log, tip);
        }
    }
}

/// Adds one point in its place; returns whether it is new.
fn add_point(points: &mut Frontier, log: LogId, tip: Tip) -> bool {
    let of_log = points.entry(log).or_default();
    match of_log.binary_search(&tip) {
        Ok(_) => false,
        Err(_) if of_log.len() >= POINTS_MAX => false,
        Err(at) => {
            of_log.insert(at, tip);
            true
        }
    }
}

/// What the entries of runs weigh.
fn weight_of(runs: &[Run]) -> u64 {
    runs.iter().flat_map(|run| &run.entries).map(|entry| entry.body.weight()).sum()
}

fn pairs(clock: &Frontier) -> impl Iterator<Item = (LogId, Tip)> + '_ {
    clock.iter().flat_map(|(log, tips)| tips.iter().map(|tip| (*log, *tip)))
}

/// How many entries the hub's clock reaches beyond ours.
fn to_receive(ours: &Frontier, theirs: &Frontier) -> u64 {
    let reach = |tips: &[Tip]| tips.iter().map(|tip| tip.position).max().unwrap_or(0);
    theirs
        .iter()
        .map(|(log, tips)| reach(tips).saturating_sub(ours.get(log).map_or(0, |tips| reach(tips))))
        .fold(0, u64::saturating_add)
}
