//! Who may write what: keys, roles and certificates.
//!
//! The programme's root certifies coordinators, a coordinator certifies devices for its team. Both
//! are entries in a log; which of them hold is settled in [`crate::log::authority`].

mod hub_address;
pub mod sealing;
pub(crate) mod slow_hash;

pub use hub_address::{HubAddress, NotAHubAddress};

use crate::model::cbor::{self, Malformed};
use crate::model::{DeviceKey, EntryId, TeamId, UnixMillis};
use ed25519_dalek::{Signature, Signer, VerifyingKey};

/// A device's secret key. Never shown, never serialised; wiped when dropped.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key of this 32-byte seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        SigningKey(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The public half.
    pub fn device_key(&self) -> DeviceKey {
        DeviceKey(self.0.verifying_key().to_bytes())
    }

    /// The 32-byte seed, for the library that speaks TLS.
    #[cfg(feature = "net")]
    pub(crate) fn seed(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes())
    }

    /// Signs a message: 64 bytes.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// Whether the signature is this key's over this message; keys of low order sign nothing.
pub fn verify(key: &DeviceKey, message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(&key.0)
        .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
}

/// What a certificate lets its key do. A hub's desk comes with its dashboard: until then its
/// certificates wait as a newer version's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Creates records and changes its own.
    Worker,
    /// Does all in its team, and certifies devices for it.
    Coordinator,
    /// Reads totals, writes nothing.
    Observer,
}

impl Role {
    /// The role's number in a certificate.
    pub fn number(self) -> u8 {
        match self {
            Role::Worker => 1,
            Role::Coordinator => 2,
            Role::Observer => 3,
        }
    }

    /// The role of this number, if this version knows it.
    pub fn from_number(number: u8) -> Option<Role> {
        [Role::Worker, Role::Coordinator, Role::Observer]
            .into_iter()
            .find(|role| role.number() == number)
    }
}

/// A statement that a key has a role in a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Whose.
    pub key: DeviceKey,
    /// What it may do.
    pub role: Role,
    /// Where.
    pub team: TeamId,
    /// When to remind people to renew it. No date decides anything.
    pub renew_by: Option<UnixMillis>,
    /// When it was given, by the clock of whoever gave it: shown, as when somebody joined.
    pub made_at: UnixMillis,
    /// The earlier certificate of the same person, role and team, whose records its own log corrects as its own: a new
    /// phone in the place of one, or a second one (docs/admission.md, persons).
    pub continues: Option<EntryId>,
}

impl Certificate {
    /// Writes `[key, role, team, renew_by, made_at, continues]`.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(|encoder| {
            encoder.array(6)?.bytes(&self.key.0)?.u8(self.role.number())?.bytes(&self.team.0)?;
            match self.renew_by {
                Some(at) => encoder.i64(at.0)?,
                None => encoder.null()?,
            };
            encoder.i64(self.made_at.0)?;
            match self.continues {
                Some(earlier) => encoder.bytes(&earlier.0)?,
                None => encoder.null()?,
            };
            Ok(())
        })
    }

    /// Reads a certificate; a role that this version does not know is [`Malformed::Newer`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut decoder = minicbor::Decoder::new(bytes);
        cbor::array_of(&mut decoder, 6)?;
        let key = DeviceKey(cbor::fixed(&mut decoder)?);
        let role = Role::from_number(decoder.u8()?).ok_or(Malformed::Newer)?;
        let team = TeamId(cbor::fixed(&mut decoder)?);
        let renew_by = match cbor::read_value(&mut decoder)? {
            cbor::ValueRef::Null => None,
            cbor::ValueRef::Int(at) => Some(UnixMillis(at)),
            _ => return Err(Malformed::Shape(decoder.position() as u64)),
        };
        let made_at = UnixMillis(decoder.i64()?);
        let continues = match decoder.datatype()? {
            minicbor::data::Type::Null => {
                decoder.null()?;
                None
            }
            _ => Some(EntryId(cbor::fixed(&mut decoder)?)),
        };
        cbor::end(&decoder)?;
        let certificate = Certificate { key, role, team, renew_by, made_at, continues };
        if certificate.encode() == bytes { Ok(certificate) } else { Err(Malformed::NotCanonical) }
    }
}
