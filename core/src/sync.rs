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
use crate::store::{Clock, Store, StoreError};
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
    /// Neither side could offer more, and they still differ.
    #[error(
        "the hub and this store differ, and neither could offer more; {turned_away} runs were turned away"
    )]
    Stuck {
        /// How many runs were turned away by either side.
        turned_away: u64,
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
    /// Runs that the other side lacks.
    pub runs: Vec<Run>,
    /// In an answer, logs of which a run was turned away, with the reason in words.
    pub turned_away: Vec<(LogId, String)>,
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
            self.sealed
                .iter()
                .try_for_each(|sealed| sealed.write(encoder))?;
            encoder.array(self.clock.len() as u64)?;
            for (log, tips) in &self.clock {
                encoder.array(2)?.bytes(&log.0)?.array(tips.len() as u64)?;
                for tip in tips {
                    encoder.array(2)?.u64(tip.position)?.bytes(&tip.id.0)?;
                }
            }
            encoder.array(self.runs.len() as u64)?;
            self.runs.iter().try_for_each(|run| run.write(encoder))?;
            encoder.array(self.turned_away.len() as u64)?;
            for (log, reason) in &self.turned_away {
                encoder.array(2)?.bytes(&log.0)?.str(reason)?;
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
        let runs = all(&mut decoder, Run::read)?;
        let turned_away = all(&mut decoder, |decoder| {
            cbor::array_of(decoder, 2)?;
            Ok((LogId(cbor::fixed(decoder)?), decoder.str()?.to_owned()))
        })?;
        cbor::end(&decoder)?;
        Ok(Message {
            teams,
            sealed,
            clock: clock.into_iter().collect(),
            runs,
            turned_away,
        })
    }
}

fn read_tip(decoder: &mut Decoder<'_>) -> Result<Tip, Malformed> {
    cbor::array_of(decoder, 2)?;
    Ok(Tip {
        position: decoder.u64()?,
        id: EntryId(cbor::fixed(decoder)?),
    })
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
    let received = store.receive(&request.runs, &request.sealed)?;
    let teams: Vec<TeamId> = request
        .teams
        .into_iter()
        .filter(|team| store.holds_team(*team))
        .collect();
    Ok(Message {
        clock: store.clock(&teams),
        sealed: Vec::new(),
        runs: store.runs_lacked(&teams, &request.clock, None)?,
        turned_away: received
            .turned_away
            .iter()
            .map(|(log, reason)| (*log, reason.to_string()))
            .collect(),
        teams,
    }
    .encode())
}

/// The device's side of one sync.
pub struct Session {
    teams: Vec<TeamId>,
    theirs: Option<Clock>,
    done: bool,
    turned_away: u64,
}

impl Session {
    /// A sync of these teams; the programme's own scope goes with them.
    pub fn new(teams: impl IntoIterator<Item = TeamId>) -> Self {
        let mut teams: Vec<TeamId> = teams.into_iter().chain([TeamId::PROGRAMME]).collect();
        teams.sort();
        teams.dedup();
        Session {
            teams,
            theirs: None,
            done: false,
            turned_away: 0,
        }
    }

    /// The next request, or `None` once both sides hold the same.
    pub fn request(&self, store: &Store, own: &SigningKey) -> Result<Option<Vec<u8>>, SyncError> {
        if self.done {
            return Ok(None);
        }
        let (sealed, runs) = match &self.theirs {
            None => (store.sealed_tips(&self.teams, Some(own))?, Vec::new()),
            Some(theirs) => (
                Vec::new(),
                store.runs_lacked(&self.teams, theirs, Some(own))?,
            ),
        };
        let message = Message {
            teams: self.teams.clone(),
            sealed,
            clock: store.clock(&self.teams),
            runs,
            turned_away: Vec::new(),
        };
        Ok(Some(message.encode()))
    }

    /// Takes an answer in. Only an answer that shows equal clocks ends the sync.
    pub fn reply(
        &mut self,
        store: &mut Store,
        own: &SigningKey,
        bytes: &[u8],
    ) -> Result<(), SyncError> {
        let answer = Message::decode(bytes)?;
        let received = store.receive(&answer.runs, &answer.sealed)?;
        self.turned_away += (answer.turned_away.len() + received.turned_away.len()) as u64;
        self.done = answer.clock == store.clock(&self.teams);
        let to_send = store.runs_lacked(&self.teams, &answer.clock, Some(own))?;
        let moved = received.new_entries > 0 || self.theirs.as_ref() != Some(&answer.clock);
        self.theirs = Some(answer.clock);
        if !self.done && !moved && to_send.is_empty() {
            return Err(SyncError::Stuck {
                turned_away: self.turned_away,
            });
        }
        Ok(())
    }
}
