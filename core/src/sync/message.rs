//! One message of the exchange, and its bytes (docs/protocol.md, message).

use crate::log::entry::Tip;
use crate::log::run::{
    Brought, PAGE_BYTES_MAX, PAGE_ENTRIES_MAX, Run, SignedTip, TurnedAway, preamble, strip_preamble,
};
use crate::model::cbor::{self, Malformed, Writer, Written};
use crate::model::{EntryId, LogId, TeamId};
use crate::packing;
use crate::store::{Frontier, FrontierDigest, SIGNED_TIPS_MAX};
use minicbor::Decoder;

/// The most teams, logs or runs that one message may name.
pub const NAMED_MAX: u64 = 10_000;
/// The most tips of all logs together that a clock or points may name: each costs a look-up, and some 50
/// bytes that no packing makes less. A clock that would name more leaves out the logs with the most tips.
pub const TIPS_MAX: usize = 10_000;
/// The most bytes that one message may inflate to: a page, and clocks beside it.
pub const MESSAGE_BYTES_MAX: usize = 4 * PAGE_BYTES_MAX;

/// The longest cursor, in bytes; what it says is the hub's own matter.
pub const CURSOR_BYTES_MAX: usize = 64;

/// One message, in either direction: short when all is well, with clocks as the repair.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The teams that it is about.
    pub teams: Vec<TeamId>,
    /// Signatures of tips that the other side is not known to hold, and signatures heard.
    pub signed: Vec<SignedTip>,
    /// Runs that the other side lacks, or why one cannot be read.
    pub runs: Vec<Result<Run, Malformed>>,
    /// Entries that acceptances bring in and the other side lacks, without what lies before them.
    pub brought: Vec<Brought>,
    /// In a response, the runs that were turned away, with the reason's number.
    pub turned_away: Vec<TurnedAwayRun>,
    /// Entries held. In a response without a clock, the last of each run taken in: the
    /// acknowledgement. Beside a clock, of logs of which the other side's tips are not held.
    pub points: Frontier,
    /// The digest of the sender's clock: equal digests say that both hold the same entries.
    pub digest: FrontierDigest,
    /// What the hub gave this device last, or gives it now; empty where there is none.
    pub cursor: Vec<u8>,
    /// In a response, the hub's clock in ms since 1970, for people whose phone's clock is wrong.
    pub now: i64,
    /// In a request, whether more entries follow in the next: then only the acknowledgement is
    /// answered.
    pub more: bool,
    /// All tips held, once digests were seen to differ.
    pub clock: Option<Frontier>,
    /// In a request, logs of which runs were turned away: they are not wanted again. Beside a clock, also
    /// those that it leaves out.
    pub skip: Vec<LogId>,
}

/// A run of a request that was not taken in. What stands beside it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnedAwayRun {
    /// Its place among the request's runs, from 0; entries that acceptances bring in stand behind them.
    pub index: u64,
    /// Why: [`TurnedAway::code`].
    pub code: u8,
}

impl TurnedAwayRun {
    /// Why, in this side's own words: those of another are not shown.
    pub fn reason(&self) -> String {
        match TurnedAway::from_code(self.code) {
            Some(TurnedAway::Malformed(_)) => "it could not be read".to_owned(),
            Some(TurnedAway::Format { .. }) => "it is of another version of Kitbag".to_owned(),
            Some(reason) => reason.to_string(),
            None => format!("of a reason that this version does not know, {}", self.code),
        }
    }
}

impl Message {
    /// Format version, suite, then zstd with the protocol's dictionary over canonical CBOR.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = preamble().to_vec();
        bytes.extend(packing::pack(&self.body()));
        bytes
    }

    /// The canonical CBOR of the message, before compression.
    pub fn body(&self) -> Vec<u8> {
        cbor::encode(|encoder| {
            encoder.array(12)?.array(self.teams.len() as u64)?;
            for team in &self.teams {
                encoder.bytes(&team.0)?;
            }
            encoder.array(self.signed.len() as u64)?;
            self.signed.iter().try_for_each(|signed| signed.write(encoder))?;
            encoder.array(self.runs.iter().flatten().count() as u64)?;
            for run in self.runs.iter().flatten() {
                encoder.bytes(&run.encode())?;
            }
            encoder.array(self.brought.len() as u64)?;
            self.brought.iter().try_for_each(|brought| brought.write(encoder))?;
            encoder.array(self.turned_away.len() as u64)?;
            for run in &self.turned_away {
                encoder.array(2)?.u64(run.index)?.u8(run.code)?;
            }
            write_clock(encoder, &self.points)?;
            encoder.bytes(&self.digest)?.bytes(&self.cursor)?.i64(self.now)?.bool(self.more)?;
            match &self.clock {
                Some(clock) => write_clock(encoder, clock)?,
                None => _ = encoder.null()?,
            }
            encoder.array(self.skip.len() as u64)?;
            for log in &self.skip {
                encoder.bytes(&log.0)?;
            }
            Ok(())
        })
    }

    /// Reads a message; inflates to [`MESSAGE_BYTES_MAX`] at most.
    pub fn decode(bytes: &[u8]) -> Result<Self, TurnedAway> {
        Message::decode_up_to(bytes, MESSAGE_BYTES_MAX).map(|(message, _)| message)
    }

    /// Reads a message that inflates to so many bytes at most, and tells to how many it did.
    pub fn decode_up_to(bytes: &[u8], inflated_max: usize) -> Result<(Self, usize), TurnedAway> {
        let packed = strip_preamble(bytes)?;
        let body = packing::unpack(packed, inflated_max).ok_or(Malformed::Shape(2))?;
        Ok((Message::from_body(&body)?, body.len()))
    }

    /// Reads the canonical CBOR of a message.
    pub fn from_body(body: &[u8]) -> Result<Self, Malformed> {
        let mut decoder = Decoder::new(body);
        cbor::array_of(&mut decoder, 12)?;
        let named = NAMED_MAX;
        let teams = all(&mut decoder, named, |decoder| cbor::fixed(decoder).map(TeamId))?;
        let signed = all(&mut decoder, SIGNED_TIPS_MAX as u64, SignedTip::read)?;
        let runs = all(&mut decoder, named, |decoder| Ok(Run::decode(decoder.bytes()?)))?;
        let brought = all(&mut decoder, PAGE_ENTRIES_MAX, Brought::read)?;
        let turned_away = all(&mut decoder, named, |decoder| {
            cbor::array_of(decoder, 2)?;
            Ok(TurnedAwayRun { index: decoder.u64()?, code: decoder.u8()? })
        })?;
        let points = read_clock(&mut decoder)?;
        let digest = cbor::fixed(&mut decoder)?;
        let cursor = decoder.bytes()?.to_vec();
        if cursor.len() > CURSOR_BYTES_MAX {
            let max = CURSOR_BYTES_MAX as u64;
            return Err(Malformed::TooLarge { what: "cursor", max });
        }
        let (now, more) = (decoder.i64()?, decoder.bool()?);
        let clock = match decoder.datatype()? {
            minicbor::data::Type::Null => {
                decoder.null()?;
                None
            }
            _ => Some(read_clock(&mut decoder)?),
        };
        let skip = all(&mut decoder, named, |decoder| cbor::fixed(decoder).map(LogId))?;
        cbor::end(&decoder)?;
        Ok(Message {
            teams,
            signed,
            runs,
            brought,
            turned_away,
            points,
            digest,
            cursor,
            now,
            more,
            clock,
            skip,
        })
    }
}

fn write_clock(encoder: &mut Writer, clock: &Frontier) -> Written {
    encoder.array(clock.len() as u64)?;
    for (log, tips) in clock {
        encoder.array(2)?.bytes(&log.0)?.array(tips.len() as u64)?;
        for tip in tips {
            encoder.array(2)?.u64(tip.position)?.bytes(&tip.id.0)?;
        }
    }
    Ok(())
}

/// Reads a clock: its logs ascend, and the tips of each, every one once.
fn read_clock(decoder: &mut Decoder<'_>) -> Result<Frontier, Malformed> {
    let mut room = TIPS_MAX;
    let logs = all(decoder, NAMED_MAX, |decoder| {
        cbor::array_of(decoder, 2)?;
        let log = LogId(cbor::fixed(decoder)?);
        let tips = all(decoder, TIPS_MAX as u64, read_tip)?;
        room = room
            .checked_sub(tips.len())
            .ok_or(Malformed::TooLarge { what: "clock", max: TIPS_MAX as u64 })?;
        if tips.is_sorted_by(|a, b| a < b) { Ok((log, tips)) } else { Err(Malformed::NotCanonical) }
    })?;
    if logs.is_sorted_by(|a, b| a.0 < b.0) {
        Ok(logs.into_iter().collect())
    } else {
        Err(Malformed::NotCanonical)
    }
}

fn read_tip(decoder: &mut Decoder<'_>) -> Result<Tip, Malformed> {
    cbor::array_of(decoder, 2)?;
    Ok(Tip { position: decoder.u64()?, id: EntryId(cbor::fixed(decoder)?) })
}

fn all<T>(
    decoder: &mut Decoder<'_>,
    max: u64,
    mut read: impl FnMut(&mut Decoder<'_>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let length = cbor::array_up_to(decoder, max, "message")?;
    (0..length).map(|_| read(decoder)).collect()
}
