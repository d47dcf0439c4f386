//! Payloads: canonical CBOR, bounded, and read strictly.

use super::entry::{PAYLOAD_BYTES_MAX, Tip, kind};
use crate::identity::Certificate;
use crate::identity::sealing::{SEALING_BYTES, SealingPublic};
use crate::model::cbor::{self, Malformed, Writer, Written};
use crate::model::operation::OPERATIONS_MAX;
use crate::model::{DeviceKey, EntryId, LogId, Operation, RecordId, TeamId, UnixMillis};
use minicbor::Decoder;

/// The most entries that one change may name as seen: it settles every value that its author saw.
pub const AFTER_MAX: u64 = 1_000;
/// The most entries or records that one administrative entry may name.
pub const NAMED_MAX: u64 = 1_000;
/// The most tips that one revocation may keep: each with its signature, they fit a payload.
pub const KEPT_MAX: u64 = 480;

/// The payload of an entry that creates or changes a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPayload {
    /// Random, so that a kept header cannot be guessed back to coded fields.
    pub salt: [u8; 8],
    /// The author's clock.
    pub at: UnixMillis,
    /// The record's heads that the author saw, ascending; empty means the creation.
    pub after: Vec<EntryId>,
    /// What changes.
    pub operations: Vec<Operation>,
}

impl RecordPayload {
    /// Writes `[salt, at, after, operations]`.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(|encoder| {
            encoder.array(4)?.bytes(&self.salt)?.i64(self.at.0)?;
            encoder.array(self.after.len() as u64)?;
            for id in &self.after {
                encoder.bytes(&id.0)?;
            }
            encoder.array(self.operations.len() as u64)?;
            self.operations.iter().try_for_each(|operation| operation.write(encoder))
        })
    }

    /// Reads a payload of a schema version that is known here: an operation or a value of another kind
    /// is no form of it.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let (mut after, mut operations) = (Vec::new(), Vec::new());
        let (salt, at) = read_record_payload(
            bytes,
            |seen| after.push(seen),
            |decoder| {
                operations.push(Operation::read(decoder)?);
                Ok(())
            },
        )?;
        Ok(RecordPayload { salt, at, after, operations })
    }

    /// The author's clock in a payload, and nothing else of it.
    pub fn clock_of(bytes: &[u8]) -> Option<UnixMillis> {
        let mut decoder = Decoder::new(bytes);
        cbor::array_of(&mut decoder, 4).ok()?;
        cbor::fixed::<8>(&mut decoder).ok()?;
        decoder.i64().ok().map(UnixMillis)
    }

    /// Whether [`RecordPayload::decode`] reads these bytes, without keeping what it reads: each entry that
    /// comes in is looked at so.
    pub fn check(bytes: &[u8]) -> Result<(), Malformed> {
        read_record_payload(bytes, |_| (), Operation::check).map(|_| ())
    }
}

/// Reads a payload: its salt and time, and each entry seen and each operation by these.
fn read_record_payload(
    bytes: &[u8],
    mut seen: impl FnMut(EntryId),
    mut operation: impl FnMut(&mut Decoder<'_>) -> Result<(), Malformed>,
) -> Result<([u8; 8], UnixMillis), Malformed> {
    let mut decoder = bounded(bytes)?;
    cbor::array_of(&mut decoder, 4)?;
    let salt = cbor::fixed(&mut decoder)?;
    let at = UnixMillis(decoder.i64()?);
    let mut last = None;
    for _ in 0..cbor::array_up_to(&mut decoder, AFTER_MAX, "after")? {
        let id = EntryId(cbor::fixed(&mut decoder)?);
        if last.replace(id).is_some_and(|last| last >= id) {
            return Err(Malformed::NotCanonical);
        }
        seen(id);
    }
    for _ in 0..cbor::array_up_to(&mut decoder, OPERATIONS_MAX, "operations")? {
        operation(&mut decoder)?;
    }
    cbor::end(&decoder)?;
    strict(cbor::heads_are_shortest(bytes), (salt, at))
}

/// The payload of a log's first entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The device that writes the log.
    pub key: DeviceKey,
    /// The team that the log is for; [`TeamId::PROGRAMME`] for the root's.
    pub team: TeamId,
    /// Makes the log's id one of its own.
    pub random: [u8; 16],
    /// The entry that gives the device its role; [`EntryId::NONE`] for the root.
    pub certificate: EntryId,
}

impl Open {
    /// The id of the log that this opens.
    pub fn log(&self) -> LogId {
        super::entry::log_id(&self.key, &self.team, &self.certificate, &self.random)
    }

    /// Writes `[key, team, random, certificate]`.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(|encoder| {
            encoder.array(4)?;
            self.write_fields(encoder)
        })
    }

    /// Writes the four, without the head of an array.
    pub(super) fn write_fields(&self, encoder: &mut Writer) -> Written {
        encoder.bytes(&self.key.0)?.bytes(&self.team.0)?;
        encoder.bytes(&self.random)?.bytes(&self.certificate.0)?;
        Ok(())
    }

    /// Reads the four.
    pub(super) fn read_fields(decoder: &mut Decoder<'_>) -> Result<Self, Malformed> {
        Ok(Open {
            key: DeviceKey(cbor::fixed(decoder)?),
            team: TeamId(cbor::fixed(decoder)?),
            random: cbor::fixed(decoder)?,
            certificate: EntryId(cbor::fixed(decoder)?),
        })
    }

    /// Reads an `open`.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut decoder = bounded(bytes)?;
        cbor::array_of(&mut decoder, 4)?;
        let open = Open::read_fields(&mut decoder)?;
        cbor::end(&decoder)?;
        strict(open.encode() == bytes, open)
    }
}

/// A reason that an acceptance can waive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Waived {
    /// The author's role did not allow it; waived for a worker's entry only.
    Role,
    /// The author's certificate was revoked before it was seen.
    Revoked,
}

/// A kept tip of a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeptTip {
    /// The log.
    pub log: LogId,
    /// The last of its entries that stands on this branch.
    pub tip: Tip,
    /// The device's signature over it, so that whoever holds the log can hand it on up to here.
    pub signature: [u8; 64],
}

/// The payload of an entry that administers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Administration {
    /// Opens a log.
    Open(Open),
    /// Gives a key a role in a team.
    Certify(Certificate),
    /// Cuts all logs of a certificate but up to the kept tips.
    Revoke {
        /// The entry that certified.
        certificate: EntryId,
        /// Every tip held of its logs, all branches.
        kept: Vec<KeptTip>,
    },
    /// Waives one reason for some entries.
    Accept {
        /// The reason.
        waived: Waived,
        /// The entries.
        entries: Vec<EntryId>,
    },
    /// Hands a team's sealing key to devices, each sealed to its own key.
    TeamKey(TeamKey),
    /// Gives the programme a code pack, as TOML; the root's word alone.
    CodePack {
        /// The pack.
        toml: String,
    },
    /// Drops the payloads of these records of a team, for good; the root's word alone.
    Erase {
        /// The team.
        team: TeamId,
        /// The records.
        records: Vec<RecordId>,
    },
    /// Asks the root to erase these records of the author's team.
    AskErase {
        /// The records.
        records: Vec<RecordId>,
    },
    /// What is known of a log up to this position and is not here is not waited for any more: a phone
    /// that is gone, or a claim that is not believed.
    SetAside {
        /// The log.
        log: LogId,
        /// The position.
        position: u64,
    },
    /// What people call the device of a certificate.
    Label(Label),
}

/// What people call a device: its owner's word or a coordinator's, of several the one of the highest number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// The certificate.
    pub certificate: EntryId,
    /// 1 for the first; one more for each that its author saw.
    pub number: u64,
    /// The label, sealed to the team, so that the hub does not read it.
    pub sealed: Vec<u8>,
}

/// The most labels that one certificate is given, one after the other.
pub const LABELS_MAX: u64 = 1_000_000;
/// The longest sealed label, in bytes.
pub const LABEL_BYTES_MAX: usize = 512;

impl Administration {
    /// The kind that the entry's header gives.
    pub fn kind(&self) -> u8 {
        match self {
            Administration::Open(_) => kind::OPEN,
            Administration::Certify(_) => kind::CERTIFY,
            Administration::Revoke { .. } => kind::REVOKE,
            Administration::Accept { .. } => kind::ACCEPT,
            Administration::Erase { .. } => kind::ERASE,
            Administration::TeamKey(_) => kind::TEAM_KEY,
            Administration::CodePack { .. } => kind::CODE_PACK,
            Administration::AskErase { .. } => kind::ASK_ERASE,
            Administration::SetAside { .. } => kind::SET_ASIDE,
            Administration::Label(_) => kind::LABEL,
        }
    }

    /// Writes the payload (docs/protocol.md, payload).
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Administration::Open(open) => open.encode(),
            Administration::Certify(certificate) => certificate.encode(),
            Administration::Revoke { certificate, kept } => cbor::encode(|encoder| {
                encoder.array(2)?.bytes(&certificate.0)?.array(kept.len() as u64)?;
                for KeptTip { log, tip, signature } in kept {
                    encoder.array(4)?.bytes(&log.0)?.u64(tip.position)?.bytes(&tip.id.0)?;
                    encoder.bytes(signature)?;
                }
                Ok(())
            }),
            Administration::Accept { waived, entries } => cbor::encode(|encoder| {
                encoder.array(2)?.u8(match waived {
                    Waived::Role => 1,
                    Waived::Revoked => 2,
                })?;
                encoder.array(entries.len() as u64)?;
                for id in entries {
                    encoder.bytes(&id.0)?;
                }
                Ok(())
            }),
            Administration::TeamKey(key) => key.encode(),
            Administration::CodePack { toml } => cbor::encode(|encoder| {
                encoder.array(1)?.str(toml)?;
                Ok(())
            }),
            Administration::Erase { team, records } => cbor::encode(|encoder| {
                encoder.array(2)?.bytes(&team.0)?;
                write_records(encoder, records)
            }),
            Administration::AskErase { records } => cbor::encode(|encoder| {
                encoder.array(1)?;
                write_records(encoder, records)
            }),
            Administration::SetAside { log, position } => cbor::encode(|encoder| {
                encoder.array(2)?.bytes(&log.0)?.u64(*position)?;
                Ok(())
            }),
            Administration::Label(Label { certificate, number, sealed }) => {
                cbor::encode(|encoder| {
                    encoder.array(3)?.bytes(&certificate.0)?.u64(*number)?.bytes(sealed)?;
                    Ok(())
                })
            }
        }
    }

    /// Reads the payload of an administrative entry of this kind.
    pub fn decode(of_kind: u8, bytes: &[u8]) -> Result<Self, Malformed> {
        let mut decoder = bounded(bytes)?;
        let administration = match of_kind {
            kind::OPEN => return Open::decode(bytes).map(Administration::Open),
            kind::CERTIFY => return Certificate::decode(bytes).map(Administration::Certify),
            kind::TEAM_KEY => Administration::TeamKey(TeamKey::read(&mut decoder)?),
            kind::CODE_PACK => {
                cbor::array_of(&mut decoder, 1)?;
                Administration::CodePack { toml: decoder.str()?.to_owned() }
            }
            kind::REVOKE => {
                cbor::array_of(&mut decoder, 2)?;
                Administration::Revoke {
                    certificate: EntryId(cbor::fixed(&mut decoder)?),
                    kept: read_all(&mut decoder, KEPT_MAX, "kept tips", read_kept)?,
                }
            }
            kind::ACCEPT => {
                cbor::array_of(&mut decoder, 2)?;
                let waived = match decoder.u8()? {
                    1 => Waived::Role,
                    2 => Waived::Revoked,
                    _ => return Err(Malformed::Newer),
                };
                let entries = read_all(&mut decoder, NAMED_MAX, "accepted entries", |decoder| {
                    cbor::fixed(decoder).map(EntryId)
                })?;
                Administration::Accept { waived, entries }
            }
            kind::ERASE => {
                cbor::array_of(&mut decoder, 2)?;
                let team = TeamId(cbor::fixed(&mut decoder)?);
                Administration::Erase { team, records: read_records(&mut decoder)? }
            }
            kind::ASK_ERASE => {
                cbor::array_of(&mut decoder, 1)?;
                Administration::AskErase { records: read_records(&mut decoder)? }
            }
            kind::SET_ASIDE => {
                cbor::array_of(&mut decoder, 2)?;
                let log = LogId(cbor::fixed(&mut decoder)?);
                Administration::SetAside { log, position: decoder.u64()? }
            }
            kind::LABEL => {
                cbor::array_of(&mut decoder, 3)?;
                let certificate = EntryId(cbor::fixed(&mut decoder)?);
                let (number, sealed) = (decoder.u64()?, decoder.bytes()?.to_vec());
                if number > LABELS_MAX {
                    return Err(Malformed::TooLarge { what: "number", max: LABELS_MAX });
                }
                if sealed.len() > LABEL_BYTES_MAX {
                    return Err(Malformed::TooLarge { what: "label", max: LABEL_BYTES_MAX as u64 });
                }
                Administration::Label(Label { certificate, number, sealed })
            }
            _ => return Err(Malformed::Newer),
        };
        cbor::end(&decoder)?;
        strict(administration.encode() == bytes, administration)
    }
}

/// A team's sealing key, handed to devices. A new generation follows each revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamKey {
    /// The team: its author's own, but where the root hands it.
    pub team: TeamId,
    /// 1 for the first; the highest is sealed to, and of equal ones the larger key.
    pub generation: u64,
    /// The public half.
    pub public: SealingPublic,
    /// The secret half, sealed to each of these devices.
    pub sealed: Vec<(DeviceKey, Vec<u8>)>,
}

/// The most keys that a team may have had, one after the other.
pub const GENERATIONS_MAX: u64 = 1_000_000;
/// The most devices that one entry hands a key to.
pub const TEAM_KEY_DEVICES_MAX: u64 = 400;

impl TeamKey {
    fn encode(&self) -> Vec<u8> {
        cbor::encode(|encoder| {
            encoder.array(4)?.bytes(&self.team.0)?.u64(self.generation)?.bytes(&self.public)?;
            encoder.array(self.sealed.len() as u64)?;
            for (device, sealed) in &self.sealed {
                encoder.array(2)?.bytes(&device.0)?.bytes(sealed)?;
            }
            Ok(())
        })
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self, Malformed> {
        cbor::array_of(decoder, 4)?;
        let team = TeamId(cbor::fixed(decoder)?);
        let generation = decoder.u64()?;
        if generation > GENERATIONS_MAX {
            return Err(Malformed::TooLarge { what: "generation", max: GENERATIONS_MAX });
        }
        let public = cbor::fixed(decoder)?;
        let sealed = read_all(decoder, TEAM_KEY_DEVICES_MAX, "devices", |decoder| {
            cbor::array_of(decoder, 2)?;
            let device = DeviceKey(cbor::fixed(decoder)?);
            let sealed: [u8; 32 + SEALING_BYTES] = cbor::fixed(decoder)?;
            Ok((device, sealed.to_vec()))
        })?;
        Ok(TeamKey { team, generation, public, sealed })
    }
}

fn read_kept(decoder: &mut Decoder<'_>) -> Result<KeptTip, Malformed> {
    cbor::array_of(decoder, 4)?;
    let log = LogId(cbor::fixed(decoder)?);
    let position = decoder.u64()?;
    let id = EntryId(cbor::fixed(decoder)?);
    Ok(KeptTip { log, tip: Tip { position, id }, signature: cbor::fixed(decoder)? })
}

fn write_records(encoder: &mut Writer, records: &[RecordId]) -> Written {
    encoder.array(records.len() as u64)?;
    for id in records {
        encoder.bytes(&id.0)?;
    }
    Ok(())
}

fn read_records(decoder: &mut Decoder<'_>) -> Result<Vec<RecordId>, Malformed> {
    read_all(decoder, NAMED_MAX, "records", |decoder| cbor::fixed(decoder).map(RecordId))
}

fn read_all<T>(
    decoder: &mut Decoder<'_>,
    max: u64,
    what: &'static str,
    mut read: impl FnMut(&mut Decoder<'_>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let length = cbor::array_up_to(decoder, max, what)?;
    (0..length).map(|_| read(decoder)).collect()
}

fn bounded(bytes: &[u8]) -> Result<Decoder<'_>, Malformed> {
    if bytes.len() as u64 > PAYLOAD_BYTES_MAX {
        return Err(Malformed::TooLarge { what: "payload", max: PAYLOAD_BYTES_MAX });
    }
    Ok(Decoder::new(bytes))
}

fn strict<T>(same: bool, value: T) -> Result<T, Malformed> {
    if same { Ok(value) } else { Err(Malformed::NotCanonical) }
}
