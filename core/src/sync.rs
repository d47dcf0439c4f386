//! The exchange of two stores, without sockets, clocks or threads: bytes in, bytes out.
//!
//! A device sends its tips with their seals, and the runs that the hub was last seen to lack. The
//! hub answers with the tips that it now holds, which is the acknowledgement, and the runs that the
//! device lacks. Every message stands alone and may come twice or not at all; a cut exchange leaves
//! the hub knowing, by the seals, what it lacks.

use crate::identity::SigningKey;
use crate::log::entry::Tip;
use crate::log::run::{PAGE_BYTES_MAX, Run, SealedTip, TurnedAway, preamble, strip_preamble};
use crate::model::cbor::{self, Malformed};
use crate::model::{EntryId, LogId, TeamId};
pub use crate::store::Clock;
use crate::store::{Store, StoreError};
use minicbor::Decoder;

/// The most teams, logs or runs that one message may name.
const NAMED_MAX: u64 = 100_000;
/// The most bytes that one message may inflate to: a page, and clocks beside it.
pub const MESSAGE_BYTES_MAX: usize = 4 * PAGE_BYTES_MAX;

/// What can go wrong in an exchange.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The other side's bytes are no message.
    #[error("the message could not be read: {0}")]
    Message(#[from] TurnedAway),
    /// Our own store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing moved, and both sides still differ.
    #[error("the hub and this store still differ; {turned_away} runs were turned away: {reason}")]
    Stuck {
        /// How many runs were turned away by either side.
        turned_away: usize,
        /// Why the last of them was.
        reason: String,
    },
}

/// One message, in either direction.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The teams that it is about.
    pub teams: Vec<TeamId>,
    /// Tips held and seals heard.
    pub sealed: Vec<SealedTip>,
    /// All tips held: in an answer, the acknowledgement.
    pub clock: Clock,
    /// Runs that the other side lacks, or why one cannot be read.
    pub runs: Vec<Result<Run, Malformed>>,
    /// In an answer, the runs that were turned away, with the reason in words.
    pub turned_away: Vec<TurnedAwayRun>,
}

/// A run of a request that was not taken in. What stands beside it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnedAwayRun {
    /// Its place among the request's runs, from 0.
    pub index: u64,
    /// Why, and what to do, in words.
    pub reason: String,
}

impl Message {
    /// Format version, suite, then zstd over canonical CBOR.
    pub fn encode(&self) -> Vec<u8> {
        let body = cbor::encode(|encoder| {
            encoder.array(5)?.array(self.teams.len() as u64)?;
            for team in &self.teams {
                encoder.bytes(&team.0)?;
            }
            encoder.array(self.sealed.len() as u64)?;
            self.sealed.iter().try_for_each(|sealed| sealed.write(encoder))?;
            encoder.array(self.clock.len() as u64)?;
            for (log, tips) in &self.clock {
                encoder.array(2)?.bytes(&log.0)?.array(tips.len() as u64)?;
                for tip in tips {
                    encoder.array(2)?.u64(tip.position)?.bytes(&tip.id.0)?;
                }
            }
            encoder.array(self.runs.iter().flatten().count() as u64)?;
            for run in self.runs.iter().flatten() {
                encoder.bytes(&run.encode())?;
            }
            encoder.array(self.turned_away.len() as u64)?;
            for run in &self.turned_away {
                encoder.array(2)?.u64(run.index)?.str(&run.reason)?;
            }
            Ok(())
        });
        let mut bytes = preamble().to_vec();
        bytes.extend(zstd::bulk::compress(&body, 3).expect("compressing in memory cannot fail"));
        bytes
    }

    /// Reads a message; inflates to [`MESSAGE_BYTES_MAX`] at most.
    pub fn decode(bytes: &[u8]) -> Result<Self, TurnedAway> {
        let packed = strip_preamble(bytes)?;
        let body =
            zstd::bulk::decompress(packed, MESSAGE_BYTES_MAX).map_err(|_| Malformed::Shape(2))?;
        let mut decoder = Decoder::new(&body);
        cbor::array_of(&mut decoder, 5)?;
        let teams = all(&mut decoder, |decoder| cbor::fixed(decoder).map(TeamId))?;
        let sealed = all(&mut decoder, SealedTip::read)?;
        let clock = all(&mut decoder, |decoder| {
            cbor::array_of(decoder, 2)?;
            Ok((LogId(cbor::fixed(decoder)?), all(decoder, read_tip)?))
        })?;
        let runs = all(&mut decoder, |decoder| Ok(Run::decode(decoder.bytes()?)))?;
        let turned_away = all(&mut decoder, |decoder| {
            cbor::array_of(decoder, 2)?;
            Ok(TurnedAwayRun { index: decoder.u64()?, reason: decoder.str()?.to_owned() })
        })?;
        cbor::end(&decoder)?;
        Ok(Message { teams, sealed, clock: clock.into_iter().collect(), runs, turned_away })
    }
}

fn read_tip(decoder: &mut Decoder<'_>) -> Result<Tip, Malformed> {
    cbor::array_of(decoder, 2)?;
    Ok(Tip { position: decoder.u64()?, id: EntryId(cbor::fixed(decoder)?) })
}

fn all<T>(
    decoder: &mut Decoder<'_>,
    mut read: impl FnMut(&mut Decoder<'_>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let length = cbor::array_up_to(decoder, NAMED_MAX, "message")?;
    (0..length).map(|_| read(decoder)).collect()
}

/// The hub's side: takes a request in, durably, and answers with what it then holds.
pub fn answer(store: &mut Store, request: &[u8]) -> Result<Vec<u8>, SyncError> {
    let request = Message::decode(request)?;
    let turned_away = take_in(store, &request)?.turned_away;
    let teams: Vec<TeamId> =
        request.teams.into_iter().filter(|team| store.holds_team(*team)).collect();
    Ok(Message {
        clock: store.clock(&teams),
        sealed: store.seals_lacked(&teams, &request.clock, None)?,
        runs: store.runs_lacked(&teams, &request.clock, None)?.into_iter().map(Ok).collect(),
        turned_away,
        teams,
    }
    .encode())
}

/// What became of the runs of a message.
struct TakenIn {
    new_entries: u64,
    turned_away: Vec<TurnedAwayRun>,
}

/// Stores what is good of a message; the rest is turned away, run by run.
fn take_in(store: &mut Store, message: &Message) -> Result<TakenIn, SyncError> {
    let mut places = Vec::new();
    let mut runs = Vec::new();
    let mut turned_away = Vec::new();
    for (index, run) in (0..).zip(&message.runs) {
        match run {
            Ok(run) => {
                places.push(index);
                runs.push(run);
            }
            Err(reason) => turned_away.push(TurnedAwayRun { index, reason: reason.to_string() }),
        }
    }
    let received = store.receive(&runs, &message.sealed)?;
    for (at, reason) in received.turned_away {
        let index = places.get(at).copied().unwrap_or_default();
        turned_away.push(TurnedAwayRun { index, reason: reason.to_string() });
    }
    Ok(TakenIn { new_entries: received.new_entries, turned_away })
}

/// The device's side of one sync.
pub struct Session {
    teams: Vec<TeamId>,
    theirs: Option<Clock>,
    done: bool,
}

impl Session {
    /// A sync of these teams; the programme's own scope goes with them.
    pub fn new(teams: impl IntoIterator<Item = TeamId>) -> Self {
        let mut teams: Vec<TeamId> = teams.into_iter().chain([TeamId::PROGRAMME]).collect();
        teams.sort();
        teams.dedup();
        Session { teams, theirs: None, done: false }
    }

    /// The next request, or `None` once both sides hold the same. The first carries seals alone, so
    /// that the hub knows what it lacks even if the line is cut before any entry went over.
    pub fn request(&self, store: &Store, own: &SigningKey) -> Result<Option<Vec<u8>>, SyncError> {
        if self.done {
            return Ok(None);
        }
        let nothing = Clock::new();
        let theirs = self.theirs.as_ref().unwrap_or(&nothing);
        let runs = match &self.theirs {
            Some(theirs) => store.runs_lacked(&self.teams, theirs, Some(own))?,
            None => Vec::new(),
        };
        let message = Message {
            teams: self.teams.clone(),
            sealed: store.seals_lacked(&self.teams, theirs, Some(own))?,
            clock: store.clock(&self.teams),
            runs: runs.into_iter().map(Ok).collect(),
            turned_away: Vec::new(),
        };
        Ok(Some(message.encode()))
    }

    /// Takes an answer in. Only an answer that shows equal clocks ends the sync.
    pub fn reply(&mut self, store: &mut Store, bytes: &[u8]) -> Result<(), SyncError> {
        let answer = Message::decode(bytes)?;
        let taken = take_in(store, &answer)?;
        self.done = answer.clock == store.clock(&self.teams);
        let moved = taken.new_entries > 0 || self.theirs.as_ref() != Some(&answer.clock);
        self.theirs = Some(answer.clock);
        if self.done || moved {
            return Ok(());
        }
        let turned_away: Vec<_> = answer.turned_away.iter().chain(&taken.turned_away).collect();
        Err(SyncError::Stuck {
            turned_away: turned_away.len(),
            reason: turned_away.last().map_or_else(
                || "neither side could offer more; sync again later".to_owned(),
                |run| run.reason.clone(),
            ),
        })
    }
}
