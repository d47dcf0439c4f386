//! Runs: how entries travel. Consecutive entries of one log under one signature.
//!
//! What the receiver can compute is left out: positions, ids of entries before, payload hashes.

use super::entry::{
    Entry, FORMAT_VERSION, Header, PAYLOAD_BYTES_MAX, SUITE, Tip, kind, signature_is_good,
};
use super::payload::Open;
use crate::model::cbor::{self, Malformed, Writer, Written};
use crate::model::{DeviceKey, EntryId, LogId, RecordId};
use minicbor::Decoder;

/// The most entries in one page, and so in one run.
pub const PAGE_ENTRIES_MAX: u64 = 2_000;
/// The most bytes of one page before compression.
pub const PAGE_BYTES_MAX: usize = 1 << 20;
/// The most that a page's runs may weigh, and so one run: a relay can only cut a run where it holds
/// a signature, so that a heavier one could never be sent on. The rest of a page is for signatures and clocks.
pub const RUNS_BYTES_MAX: u64 = PAGE_BYTES_MAX as u64 / 4 * 3;

/// Consecutive entries of one log, signed at the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The log.
    pub log: LogId,
    /// The position of the first entry.
    pub first: u64,
    /// The entry before the first, or [`EntryId::NONE`].
    pub previous: EntryId,
    /// The entries.
    pub entries: Vec<RunEntry>,
    /// The device's signature over the last.
    pub signature: [u8; 64],
}

/// An entry without what its place in the run tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEntry {
    /// The entry's kind.
    pub kind: u8,
    /// The schema version that it is written by.
    pub schema: u16,
    /// The record that it changes.
    pub record: Option<RecordId>,
    /// Its payload, or the payload's hash where the record was erased.
    pub body: Body,
}

impl RunEntry {
    /// What travels of an entry.
    pub fn of(entry: &Entry) -> Self {
        RunEntry {
            kind: entry.header.kind,
            schema: entry.header.schema,
            record: entry.header.record,
            body: Body::of(entry),
        }
    }

    /// The whole entry at this place of a log, with its id.
    fn expand(&self, log: LogId, position: u64, previous: EntryId) -> Entry {
        let (payload_hash, payload) = match &self.body {
            Body::Payload(payload) => (*blake3::hash(payload).as_bytes(), Some(payload.clone())),
            Body::Erased(hash) => (*hash, None),
        };
        let header = Header {
            kind: self.kind,
            schema: self.schema,
            log,
            position,
            previous,
            record: self.record,
            payload_hash,
        };
        Entry { id: header.id(), header, payload }
    }

    /// Writes `[kind, schema, record or null, body]`.
    fn write(&self, encoder: &mut Writer) -> Written {
        encoder.array(4)?.u8(self.kind)?.u16(self.schema)?;
        match self.record {
            Some(record) => encoder.bytes(&record.0)?,
            None => encoder.null()?,
        };
        match &self.body {
            Body::Payload(payload) => encoder.bytes(payload)?,
            Body::Erased(hash) => encoder.array(1)?.bytes(hash)?,
        };
        Ok(())
    }
}

/// A payload, or what is left of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The payload.
    Payload(Vec<u8>),
    /// BLAKE3 of a payload that was erased.
    Erased([u8; 32]),
}

impl Body {
    /// What travels of an entry.
    pub fn of(entry: &Entry) -> Body {
        match &entry.payload {
            Some(payload) => Body::Payload(payload.clone()),
            None => Body::Erased(entry.header.payload_hash),
        }
    }

    /// What an entry with this body takes of a page, in bytes.
    pub fn weight(&self) -> u64 {
        match self {
            Body::Payload(payload) => weight(Some(payload)),
            Body::Erased(_) => weight(None),
        }
    }
}

/// What an entry takes of a page, in bytes. A payload may be erased on the way, and its hash must
/// fit in the same place.
pub fn weight(payload: Option<&[u8]>) -> u64 {
    payload.map_or(0, <[u8]>::len).max(40) as u64 + 24
}

/// A tip with its signature, which proves how far a log reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTip {
    /// The log.
    pub log: LogId,
    /// The log's `open`, for receivers that do not know the log.
    pub open: Open,
    /// The tip.
    pub tip: Tip,
    /// The device's signature over it.
    pub signature: [u8; 64],
}

/// An entry that an acceptance names, without what lies before it in its log: its id, which the
/// acceptance names, proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// The log's `open`.
    pub open: Open,
    /// The entry's position.
    pub position: u64,
    /// The entry before it.
    pub previous: EntryId,
    /// The entry.
    pub entry: RunEntry,
}

impl Brought {
    /// The whole entry, with its id.
    pub fn expand(&self) -> Entry {
        self.entry.expand(self.open.log(), self.position, self.previous)
    }

    /// Writes `[key, team, random, certificate, position, previous, [kind, schema, record, body]]`.
    pub fn write(&self, encoder: &mut Writer) -> Written {
        encoder.array(7)?;
        self.open.write_fields(encoder)?;
        encoder.u64(self.position)?.bytes(&self.previous.0)?;
        self.entry.write(encoder)
    }

    /// Reads one.
    pub fn read(decoder: &mut Decoder<'_>) -> Result<Self, Malformed> {
        cbor::array_of(decoder, 7)?;
        let open = Open::read_fields(decoder)?;
        let (position, previous) = (decoder.u64()?, EntryId(cbor::fixed(decoder)?));
        Ok(Brought { open, position, previous, entry: read_entry(decoder)? })
    }
}

/// Why a run was turned away whole. Nothing of it is stored; what was good before stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TurnedAway {
    /// The bytes are not a page of runs.
    #[error("it could not be read: {0}")]
    Malformed(#[from] Malformed),
    /// Written in a format that this version does not read.
    #[error("the page has format {found}, this version reads {FORMAT_VERSION}; update Kitbag")]
    Format {
        /// The format found.
        found: u8,
    },
    /// The signature is not the device's for the last entry.
    #[error("the signature of the run does not fit its entries")]
    Signature,
    /// The log is unknown and the run does not start with its `open`.
    #[error("the log is not known here; send it from its first entry")]
    LogNotHeld,
    /// The first entry is no `open` of this log, or a later one is an `open`.
    #[error("the run does not open the log that it names")]
    NotItsOpen,
    /// The first position is not the one after the entry before.
    #[error("the run does not go on where the entry before it stands")]
    Chain,
    /// The entry before the run is not held.
    #[error("the entry before the run is not held; send the log from an earlier one")]
    PreviousNotHeld,
    /// The log belongs to a team that this store does not hold.
    #[error("the log belongs to a team that this store does not hold")]
    ForeignTeam,
    /// The log's author has no certificate that stands here.
    #[error(
        "its device has no certificate that holds here; its coordinator's device must sync first"
    )]
    NoCertificate,
    /// It is not among what a revocation of its certificate keeps.
    #[error(
        "its device's certificate was revoked; a coordinator can accept it with `kitbag accept`"
    )]
    Revoked,
    /// It goes on behind an entry that ended its branch, or does not stop at that entry.
    #[error("its log ended before: no honest version of Kitbag could have written on")]
    Ended,
    /// More of it than is kept needs a newer version to be judged.
    #[error(
        "it was written by a newer version, and as much as is kept of that is here; update Kitbag"
    )]
    Newer,
    /// An entry came without payload although its record is not erased here.
    #[error("an entry came without its payload, and its erasure is not held")]
    PayloadMissing,
    /// Its author's budget for new logs and branches is spent for now.
    #[error(
        "too many new logs or branches of its device came at once; the next sync goes on, or the next import of the same bundle"
    )]
    Later,
    /// A run before it in the same message had a bad signature.
    #[error("a run before it had a bad signature, so it was not looked at")]
    NotLookedAt,
    /// No acceptance that holds here names it.
    #[error("no acceptance that is held here names it")]
    NotAccepted,
}

impl TurnedAway {
    /// The reason's number in a message (docs/protocol.md, turned away).
    pub fn code(&self) -> u8 {
        match self {
            TurnedAway::Malformed(_) => 1,
            TurnedAway::Format { .. } => 2,
            TurnedAway::Signature => 3,
            TurnedAway::LogNotHeld => 4,
            TurnedAway::NotItsOpen => 5,
            TurnedAway::Chain => 6,
            TurnedAway::PreviousNotHeld => 7,
            TurnedAway::ForeignTeam => 8,
            TurnedAway::NoCertificate => 9,
            TurnedAway::Revoked => 10,
            TurnedAway::Ended => 11,
            TurnedAway::Newer => 12,
            TurnedAway::PayloadMissing => 13,
            TurnedAway::Later => 14,
            TurnedAway::NotLookedAt => 15,
            TurnedAway::NotAccepted => 16,
        }
    }

    /// The reason of this number: each side says it in words of its own.
    pub fn from_code(code: u8) -> Option<TurnedAway> {
        Some(match code {
            1 => TurnedAway::Malformed(Malformed::Shape(0)),
            2 => TurnedAway::Format { found: 0 },
            3 => TurnedAway::Signature,
            4 => TurnedAway::LogNotHeld,
            5 => TurnedAway::NotItsOpen,
            6 => TurnedAway::Chain,
            7 => TurnedAway::PreviousNotHeld,
            8 => TurnedAway::ForeignTeam,
            9 => TurnedAway::NoCertificate,
            10 => TurnedAway::Revoked,
            11 => TurnedAway::Ended,
            12 => TurnedAway::Newer,
            13 => TurnedAway::PayloadMissing,
            14 => TurnedAway::Later,
            15 => TurnedAway::NotLookedAt,
            16 => TurnedAway::NotAccepted,
            _ => return None,
        })
    }
}

impl Run {
    /// The run of these consecutive entries of one log; `None` where there are none.
    pub fn of(entries: &[Entry], signature: [u8; 64]) -> Option<Run> {
        let first = entries.first()?;
        Some(Run {
            log: first.header.log,
            first: first.header.position,
            previous: first.header.previous,
            entries: entries.iter().map(RunEntry::of).collect(),
            signature,
        })
    }

    /// Writes `[log, first, previous, [entry …], signature]`.
    fn write(&self, encoder: &mut Writer) -> Written {
        encoder.array(5)?.bytes(&self.log.0)?.u64(self.first)?.bytes(&self.previous.0)?;
        encoder.array(self.entries.len() as u64)?;
        self.entries.iter().try_for_each(|entry| entry.write(encoder))?;
        encoder.bytes(&self.signature)?;
        Ok(())
    }

    /// Reads one run, bounded before anything is built.
    fn read(decoder: &mut Decoder<'_>) -> Result<Run, Malformed> {
        cbor::array_of(decoder, 5)?;
        let log = LogId(cbor::fixed(decoder)?);
        let first = decoder.u64()?;
        let previous = EntryId(cbor::fixed(decoder)?);
        let length = cbor::array_up_to(decoder, PAGE_ENTRIES_MAX, "run")?;
        if length == 0 || first == 0 || first.checked_add(length).is_none() {
            return Err(Malformed::Shape(decoder.position() as u64));
        }
        let mut entries: Vec<RunEntry> = Vec::new();
        let mut room = RUNS_BYTES_MAX;
        for _ in 0..length {
            let entry = read_entry(decoder)?;
            room = room
                .checked_sub(entry.body.weight())
                .ok_or(Malformed::TooLarge { what: "run", max: RUNS_BYTES_MAX })?;
            entries.push(entry);
        }
        Ok(Run { log, first, previous, entries, signature: cbor::fixed(decoder)? })
    }

    /// The run's bytes, as they stand in a page.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(|encoder| self.write(encoder))
    }

    /// Reads the bytes of one run, which must be canonical.
    pub fn decode(bytes: &[u8]) -> Result<Run, Malformed> {
        let mut decoder = Decoder::new(bytes);
        let run = Run::read(&mut decoder)?;
        cbor::end(&decoder)?;
        if run.encode() == bytes { Ok(run) } else { Err(Malformed::NotCanonical) }
    }

    /// The run without the payloads of records that this says are erased; `None` where it holds none.
    pub fn without(&self, is_erased: &dyn Fn(RecordId) -> bool) -> Option<Run> {
        let mut without = self.clone();
        let mut is_changed = false;
        for (entry, whole) in without.entries.iter_mut().zip(self.expand()) {
            if whole.payload.is_some() && whole.record().is_some_and(is_erased) {
                entry.body = Body::Erased(whole.header.payload_hash);
                is_changed = true;
            }
        }
        is_changed.then_some(without)
    }

    /// The run's whole entries, with their ids. The signature is not looked at.
    pub fn expand(&self) -> Vec<Entry> {
        let mut previous = self.previous;
        self.entries
            .iter()
            .zip(self.first..)
            .map(|(entry, position)| {
                let whole = entry.expand(self.log, position, previous);
                previous = whole.id;
                whole
            })
            .collect()
    }

    /// The run's entries, if its signature is good and an `open` stands at position 1 and nowhere else.
    /// `known` is the key of the log where it is held.
    pub fn verify(
        &self,
        known: Option<DeviceKey>,
    ) -> Result<(Vec<Entry>, Option<Open>), TurnedAway> {
        let open = self.opening()?;
        let key = match (known, &open) {
            (Some(key), _) => key,
            (None, Some(open)) => open.key,
            (None, None) => return Err(TurnedAway::LogNotHeld),
        };
        let entries = self.expand();
        self.check_signature(key, &entries)?;
        Ok((entries, open))
    }

    /// Whether the signature is this device's for the last of the run's entries.
    pub fn check_signature(&self, key: DeviceKey, entries: &[Entry]) -> Result<(), TurnedAway> {
        let last = entries.last().map(Entry::tip).ok_or(TurnedAway::Signature)?;
        if signature_is_good(&key, self.log, last, &self.signature) {
            Ok(())
        } else {
            Err(TurnedAway::Signature)
        }
    }

    /// The `open` at the run's start, where it starts the log.
    pub fn opening(&self) -> Result<Option<Open>, TurnedAway> {
        let later_open = self
            .entries
            .iter()
            .zip(self.first..)
            .any(|(entry, position)| (entry.kind == kind::OPEN) != (position == 1));
        let is_readable = self.first != 1
            || self.entries.first().is_some_and(|open| open.schema == kind::OPEN_SCHEMA);
        if later_open || !is_readable || (self.first == 1) != (self.previous == EntryId::NONE) {
            return Err(TurnedAway::NotItsOpen);
        }
        match (self.first, self.entries.first().map(|entry| &entry.body)) {
            (1, Some(Body::Payload(payload))) => {
                let open = Open::decode(payload)?;
                if open.log() == self.log { Ok(Some(open)) } else { Err(TurnedAway::NotItsOpen) }
            }
            (1, _) => Err(TurnedAway::NotItsOpen),
            _ => Ok(None),
        }
    }
}

fn read_entry(decoder: &mut Decoder<'_>) -> Result<RunEntry, Malformed> {
    use minicbor::data::Type;
    cbor::array_of(decoder, 4)?;
    let (kind, schema) = (decoder.u8()?, decoder.u16()?);
    let record = match decoder.datatype()? {
        Type::Null => {
            decoder.null()?;
            None
        }
        _ => Some(RecordId(cbor::fixed(decoder)?)),
    };
    let body = match decoder.datatype()? {
        Type::Array => {
            cbor::array_of(decoder, 1)?;
            Body::Erased(cbor::fixed(decoder)?)
        }
        _ => {
            let payload = decoder.bytes()?;
            if payload.len() as u64 > PAYLOAD_BYTES_MAX {
                return Err(Malformed::TooLarge { what: "payload", max: PAYLOAD_BYTES_MAX });
            }
            Body::Payload(payload.to_vec())
        }
    };
    let administrative = kind < super::entry::kind::RECORDS_FROM;
    if record == Some(RecordId([0; 16])) || (administrative && record.is_some()) {
        return Err(Malformed::Shape(decoder.position() as u64));
    }
    Ok(RunEntry { kind, schema, record, body })
}

impl SignedTip {
    /// Whether the signature is the device's for this tip of this log.
    pub fn is_good(&self) -> bool {
        self.tip.position > 0
            && self.open.log() == self.log
            && signature_is_good(&self.open.key, self.log, self.tip, &self.signature)
    }

    /// Writes `[key, team, random, certificate, position, id, signature]`; the log's id follows.
    pub fn write(&self, encoder: &mut Writer) -> Written {
        encoder.array(7)?;
        self.open.write_fields(encoder)?;
        encoder.u64(self.tip.position)?.bytes(&self.tip.id.0)?.bytes(&self.signature)?;
        Ok(())
    }

    /// Reads a signed tip.
    pub fn read(decoder: &mut Decoder<'_>) -> Result<Self, Malformed> {
        cbor::array_of(decoder, 7)?;
        let open = Open::read_fields(decoder)?;
        let tip = Tip { position: decoder.u64()?, id: EntryId(cbor::fixed(decoder)?) };
        Ok(SignedTip { log: open.log(), open, tip, signature: cbor::fixed(decoder)? })
    }
}

/// Writes the two bytes that begin everything stored or sent.
pub fn preamble() -> [u8; 2] {
    [FORMAT_VERSION, SUITE]
}

/// Checks and strips the two bytes that begin everything stored or sent.
pub fn strip_preamble(bytes: &[u8]) -> Result<&[u8], TurnedAway> {
    match bytes {
        [FORMAT_VERSION, SUITE, rest @ ..] => Ok(rest),
        [found, _, ..] => Err(TurnedAway::Format { found: *found }),
        _ => Err(TurnedAway::Malformed(Malformed::Shape(0))),
    }
}
