//! An entry: a header of 109 bytes and a payload. Its id is BLAKE3 of the header.

use crate::identity::{self, SigningKey};
use crate::model::{DeviceKey, EntryId, Kind, LogId, RecordId, TeamId};

/// The format of entries, runs and pages that this version writes.
pub const FORMAT_VERSION: u8 = 1;
/// Ed25519 signatures and BLAKE3 ids.
pub const SUITE: u8 = 1;
/// The longest payload, in bytes.
pub const PAYLOAD_BYTES_MAX: u64 = 65_536;
/// The length of a header, in bytes.
pub const HEADER_BYTES: usize = 109;

/// Kinds of entry below 16 administer a log or a team; the others are kinds of record.
pub mod kind {
    /// The first entry of a log.
    pub const OPEN: u8 = 1;
    /// Gives a key a role in a team.
    pub const CERTIFY: u8 = 2;
    /// Cuts the logs of a certificate.
    pub const REVOKE: u8 = 3;
    /// Waives one named reason for named entries.
    pub const ACCEPT: u8 = 4;
    /// Drops the payloads of a record, for good.
    pub const ERASE: u8 = 5;
    /// Hands a team's sealing key to devices.
    pub const TEAM_KEY: u8 = 6;
    /// Gives the programme a code pack.
    pub const CODE_PACK: u8 = 7;
    /// Asks for an erasure; has no effect of its own.
    pub const ASK_ERASE: u8 = 8;
    /// Says that what is claimed of a log is not waited for.
    pub const SET_ASIDE: u8 = 9;
    /// Gives a certificate a label that people call its device by, sealed to the team.
    pub const LABEL: u8 = 10;
    /// The newest schema version of the kinds above.
    pub const ADMINISTRATION_SCHEMA: u16 = 1;
    /// The schema version of every `open`, whatever version writes it: all else of a log hangs on it.
    pub const OPEN_SCHEMA: u16 = 1;
    /// Kinds from here on are records.
    pub const RECORDS_FROM: u8 = 16;
}

/// Where a log ends, or ended when someone looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tip {
    /// The position of the entry, from 1; 0 where it is held without what lies before it.
    pub position: u64,
    /// The entry.
    pub id: EntryId,
}

impl Tip {
    /// An entry that is held without what lies before it: an acceptance brings it in.
    pub fn alone(id: EntryId) -> Self {
        Tip { position: 0, id }
    }

    /// Whether nothing is said of what lies before it.
    pub fn is_alone(&self) -> bool {
        self.position == 0
    }
}

/// Whether authority is read from entries of this kind and schema version. From code packs, requests for
/// erasure, claims set aside and labels it is not, nor from what only a newer version knows.
pub fn settles(of_kind: u8, schema: u16) -> bool {
    of_kind < kind::RECORDS_FROM
        && is_known(of_kind, schema)
        && ![kind::CODE_PACK, kind::ASK_ERASE, kind::SET_ASIDE, kind::LABEL].contains(&of_kind)
}

/// All of an entry but its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the entry is.
    pub kind: u8,
    /// The version of the kind's schema that its author wrote by.
    pub schema: u16,
    /// The log that it belongs to.
    pub log: LogId,
    /// Its place in the log, from 1.
    pub position: u64,
    /// The entry before, or [`EntryId::NONE`] at position 1.
    pub previous: EntryId,
    /// The record that it changes; `None` where it creates one or administers.
    pub record: Option<RecordId>,
    /// BLAKE3 of the payload.
    pub payload_hash: [u8; 32],
}

impl Header {
    /// The header's bytes (docs/protocol.md, entry).
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0] = FORMAT_VERSION;
        bytes[1] = SUITE;
        bytes[2] = self.kind;
        bytes[3..5].copy_from_slice(&self.schema.to_be_bytes());
        bytes[5..21].copy_from_slice(&self.log.0);
        bytes[21..29].copy_from_slice(&self.position.to_be_bytes());
        bytes[29..61].copy_from_slice(&self.previous.0);
        if let Some(record) = self.record {
            bytes[61..77].copy_from_slice(&record.0);
        }
        bytes[77..109].copy_from_slice(&self.payload_hash);
        bytes
    }

    /// The entry's id.
    pub fn id(&self) -> EntryId {
        EntryId(*blake3::hash(&self.encode()).as_bytes())
    }
}

/// A header with its id and, unless it was erased, its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// BLAKE3 of the header.
    pub id: EntryId,
    /// The header.
    pub header: Header,
    /// The payload; `None` once the record is erased.
    pub payload: Option<Vec<u8>>,
}

impl Entry {
    /// The next entry of a log after `previous`, of this kind and schema version.
    pub fn new(
        log: LogId,
        previous: Option<Tip>,
        (kind, schema): (u8, u16),
        record: Option<RecordId>,
        payload: Vec<u8>,
    ) -> Self {
        let header = Header {
            kind,
            schema,
            log,
            position: previous.map_or(1, |tip| tip.position.saturating_add(1)),
            previous: previous.map_or(EntryId::NONE, |tip| tip.id),
            record,
            payload_hash: *blake3::hash(&payload).as_bytes(),
        };
        Entry { id: header.id(), header, payload: Some(payload) }
    }

    /// The position and id of this entry.
    pub fn tip(&self) -> Tip {
        Tip { position: self.header.position, id: self.id }
    }

    /// The record that this entry creates or changes, if it is of a kind of record.
    pub fn record(&self) -> Option<RecordId> {
        (self.header.kind >= kind::RECORDS_FROM)
            .then(|| self.header.record.unwrap_or_else(|| self.id.record()))
    }
}

/// The id of a log: BLAKE3(device key ‖ team ‖ id of its certificate ‖ 16 random bytes), its first 16
/// bytes. Nobody else can write under it, because the key is part of its name, and its author's role is
/// one for its whole life, because the certificate is.
pub fn log_id(key: &DeviceKey, team: &TeamId, certificate: &EntryId, random: &[u8; 16]) -> LogId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&key.0).update(&team.0).update(&certificate.0).update(random);
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    LogId(id)
}

fn message_to_sign(log: LogId, tip: Tip) -> [u8; 69] {
    let mut message = [0; 69];
    message[..11].copy_from_slice(b"kitbag seal");
    message[11] = FORMAT_VERSION;
    message[12] = SUITE;
    message[13..29].copy_from_slice(&log.0);
    message[29..37].copy_from_slice(&tip.position.to_be_bytes());
    message[37..69].copy_from_slice(&tip.id.0);
    message
}

/// Signs (log, position, entry id); by the chain this covers all before it.
pub fn sign(key: &SigningKey, log: LogId, tip: Tip) -> [u8; 64] {
    key.sign(&message_to_sign(log, tip))
}

/// Whether the signature is this device's for this tip.
pub fn signature_is_good(key: &DeviceKey, log: LogId, tip: Tip, signature: &[u8; 64]) -> bool {
    crate::planted!(SignatureCheckOff)
        || identity::verify(key, &message_to_sign(log, tip), signature)
}

/// Whether this version can judge entries of this kind and schema version. Others wait for an update.
pub fn is_known(of_kind: u8, schema: u16) -> bool {
    match Kind::from_number(of_kind) {
        Some(kind) => u64::from(schema) <= kind.schema_version(),
        None => {
            (kind::OPEN..=kind::LABEL).contains(&of_kind) && schema <= kind::ADMINISTRATION_SCHEMA
        }
    }
}
