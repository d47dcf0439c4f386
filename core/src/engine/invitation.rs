//! How a device becomes a member: an invitation shown by one who may certify, a request that proves
//! the invitation's secret, a reply that only the two can read.
//!
//! The hub carries request and reply under an id derived from the secret, and never sees the secret:
//! it can certify nobody and read nothing. A six-digit code, compared on both screens, tells whether
//! somebody else was faster with a photograph of the invitation.

use crate::identity::slow_hash::slow_hash;
use crate::identity::{HubAddress, Role};
use crate::log::run::{preamble, strip_preamble};
use crate::model::cbor::{self, Malformed};
use crate::model::{DeviceKey, TeamId};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use data_encoding::BASE32_NOPAD;
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

const PREFIX: &str = "KITBAG:";

/// What one who may certify shows to a new device: as a QR code, or as text. Whoever sees it within
/// ten minutes can ask to join once; nobody joins without the inviter's approval.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let address = hub_address()?;
/// let invitation = coordinator.invite(&address, team, Role::Worker)?;
/// let text = invitation.to_string(); // shown as a QR code
/// assert!(text.parse::<Invitation>().is_ok_and(|same| same == invitation));
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Where the hub is, and its keys.
    pub hub: HubAddress,
    /// The programme's root key.
    pub root: DeviceKey,
    /// Who invites, and will certify.
    pub inviter: DeviceKey,
    /// The team.
    pub team: TeamId,
    /// The role.
    pub role: Role,
    pub(super) secret: Zeroizing<[u8; 16]>,
}

/// What is no invitation.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// assert_eq!("a shopping list".parse::<Invitation>().err(), Some(NotAnInvitation));
/// # Ok::<(), Failed>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not an invitation, or not a whole one; scan or copy it again")]
pub struct NotAnInvitation;

/// A device that asks to join.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let address = hub_address()?;
/// let invitation = coordinator.invite(&address, team, Role::Worker)?;
/// let path = folder.path().join("new.db");
/// let mut new = Engine::device(&path, &key, invitation.root, Environment::system())?;
/// let (request, shown) = new.ask_to_join(&invitation)?;
/// let request = invitation.read_request(&request)?;
/// assert_eq!(request.code, shown); // people compare both screens
/// assert_eq!(request.device, new.device_key());
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// Its key.
    pub device: DeviceKey,
    /// The six digits that both screens must show.
    pub code: String,
}

impl Invitation {
    /// The id under which the hub carries request and reply.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let address = hub_address()?;
    /// let invitation = coordinator.invite(&address, team, Role::Worker)?;
    /// assert_eq!(coordinator.kept_invitations()?, [invitation.id()]);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn id(&self) -> [u8; 16] {
        let mut id = [0; 16];
        id.copy_from_slice(&self.derive("kitbag invitation id 1")[..16]);
        id
    }

    fn derive(&self, context: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key(context, self.secret.as_ref()))
    }

    /// The six digits for this device, from everything that both sides must agree on. Slow on purpose:
    /// a hub that saw the invitation could try keys until one shows the digits of the honest device,
    /// and has ten minutes for a million of them.
    pub(super) fn code(&self, device: DeviceKey) -> String {
        let said = [device.0, self.inviter.0, self.root.0].concat();
        let salt = self.derive("kitbag invitation code 1");
        let hash = slow_hash(&said, salt.as_ref()).unwrap_or_default();
        let number =
            hash.iter().fold(0_u32, |sum, byte| (sum * 256 + u32::from(*byte)) % 1_000_000);
        format!("{number:06}")
    }

    fn mac(&self, device: DeviceKey) -> blake3::Hash {
        blake3::keyed_hash(&self.derive("kitbag invitation request 1"), &device.0)
    }

    pub(super) fn cipher(&self) -> XChaCha20Poly1305 {
        let key = self.derive("kitbag invitation reply 1");
        XChaCha20Poly1305::new((&*key).into())
    }

    pub(super) fn beside(&self, device: DeviceKey) -> Vec<u8> {
        [self.id().as_slice(), &device.0].concat()
    }

    /// Reads a request: only one that proves the secret is one.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let address = hub_address()?;
    /// let invitation = coordinator.invite(&address, team, Role::Worker)?;
    /// assert!(invitation.read_request(b"somebody else").is_err());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn read_request(&self, bytes: &[u8]) -> Result<JoinRequest, Malformed> {
        let rest = strip_preamble(bytes).map_err(|_| Malformed::Shape(0))?;
        let mut decoder = minicbor::Decoder::new(rest);
        cbor::array_of(&mut decoder, 2)?;
        let device = DeviceKey(cbor::fixed(&mut decoder)?);
        let mac: [u8; 32] = cbor::fixed(&mut decoder)?;
        cbor::end(&decoder)?;
        // Hashes compare in constant time.
        if self.mac(device) == mac {
            Ok(JoinRequest { device, code: self.code(device) })
        } else {
            Err(Malformed::Shape(2))
        }
    }

    pub(super) fn write_request(&self, device: DeviceKey) -> Vec<u8> {
        let mut bytes = preamble().to_vec();
        bytes.extend(cbor::encode(|encoder| {
            encoder.array(2)?.bytes(&device.0)?.bytes(self.mac(device).as_bytes())?;
            Ok(())
        }));
        bytes
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        cbor::encode(|encoder| {
            encoder.array(7)?.str(&self.hub.to_string())?.bytes(&self.root.0)?;
            encoder.bytes(&self.inviter.0)?.bytes(&self.team.0)?.u8(self.role.number())?;
            encoder.bytes(self.secret.as_ref())?.u8(1)?;
            Ok(())
        })
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut decoder = minicbor::Decoder::new(bytes);
        cbor::array_of(&mut decoder, 7)?;
        let hub = decoder.str()?.parse().map_err(|_| Malformed::Shape(1))?;
        let root = DeviceKey(cbor::fixed(&mut decoder)?);
        let inviter = DeviceKey(cbor::fixed(&mut decoder)?);
        let team = TeamId(cbor::fixed(&mut decoder)?);
        let role = Role::from_number(decoder.u8()?).ok_or(Malformed::Newer)?;
        let secret = Zeroizing::new(cbor::fixed(&mut decoder)?);
        if decoder.u8()? != 1 {
            return Err(Malformed::Newer);
        }
        cbor::end(&decoder)?;
        let invitation = Invitation { hub, root, inviter, team, role, secret };
        if invitation.encode() == bytes { Ok(invitation) } else { Err(Malformed::NotCanonical) }
    }
}

/// `KITBAG:` and capital letters and digits, which QR codes hold densely; four bytes of BLAKE3 at the
/// end find slips of the hand.
impl fmt::Display for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Zeroizing::new(self.encode());
        let check = *blake3::hash(&bytes).as_bytes();
        bytes.extend_from_slice(&check[..4]);
        write!(f, "{PREFIX}{}", BASE32_NOPAD.encode(&bytes))
    }
}

impl FromStr for Invitation {
    type Err = NotAnInvitation;

    fn from_str(text: &str) -> Result<Self, NotAnInvitation> {
        let text: String = text.split_whitespace().collect::<String>().to_ascii_uppercase();
        let letters = text.strip_prefix(PREFIX).filter(|letters| letters.len() <= 2_000);
        let letters = letters.ok_or(NotAnInvitation)?;
        let bytes = BASE32_NOPAD.decode(letters.as_bytes()).map_err(|_| NotAnInvitation)?;
        let bytes = Zeroizing::new(bytes);
        let (body, check) = bytes.split_last_chunk::<4>().ok_or(NotAnInvitation)?;
        if !blake3::hash(body).as_bytes().starts_with(check) {
            return Err(NotAnInvitation);
        }
        Invitation::decode(body).map_err(|_| NotAnInvitation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::SigningKey;

    fn stranger(byte: u8) -> DeviceKey {
        SigningKey::from_seed(&[byte; 32]).device_key()
    }

    fn invitation() -> Invitation {
        Invitation {
            hub: format!("kitbag://hub.example:8737/{}/{}", stranger(1), stranger(2))
                .parse()
                .expect("an address"),
            root: stranger(3),
            inviter: stranger(4),
            team: TeamId([5; 16]),
            role: Role::Worker,
            secret: Zeroizing::new([6; 16]),
        }
    }

    #[test]
    fn an_invitation_survives_text_in_any_case_and_spacing_and_no_slip_of_the_hand() {
        let invitation = invitation();
        let text = invitation.to_string();
        assert!(text.parse() == Ok(invitation.clone()));
        let spaced = text.to_lowercase().replace('a', "a \n");
        assert!(spaced.parse() == Ok(invitation));
        for at in 0..text.len() {
            assert!(text[..at].parse::<Invitation>().is_err(), "cut at {at}");
            let mut slipped: Vec<u8> = text.bytes().collect();
            slipped[at] = if slipped[at] == b'A' { b'B' } else { b'A' };
            let slipped = String::from_utf8(slipped).expect("letters");
            assert!(slipped == text || slipped.parse::<Invitation>().is_err(), "slipped at {at}");
        }
    }

    #[test]
    fn a_request_proves_the_secret() {
        let invitation = invitation();
        let device = stranger(9);
        let bytes = invitation.write_request(device);
        let request = invitation.read_request(&bytes).expect("its own");
        assert_eq!(request.device, device);
        assert_eq!(request.code.len(), 6);
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert!(invitation.read_request(&flipped).is_err(), "flipped at {at}");
            assert!(invitation.read_request(&bytes[..at]).is_err(), "cut at {at}");
        }
        let other = Invitation { secret: Zeroizing::new([7; 16]), ..invitation.clone() };
        assert!(other.read_request(&bytes).is_err());
        assert_ne!(invitation.code(device), invitation.code(stranger(10)));
    }
}
