//! How a device becomes a member: an invitation shown by one who may certify, a request that proves
//! the invitation's secret, a reply that only the two can read.
//!
//! The hub carries request and reply under an id derived from the secret, and never sees the secret:
//! it can certify nobody and read nothing. A six-digit code, compared on both screens, tells whether
//! somebody else was faster with a photograph of the invitation.

use super::{Engine, EngineError, Enrolment};
use crate::identity::slow_hash::slow_hash;
use crate::identity::{HubAddress, Role};
use crate::log::entry::kind;
use crate::log::payload::Administration;
use crate::log::run::{Run, preamble, strip_preamble};
use crate::model::cbor::{self, Malformed};
use crate::model::{DeviceKey, EntryId, TeamId};
use crate::sync::{Agreement, Session};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use data_encoding::BASE32_NOPAD;
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

const PREFIX: &str = "KITBAG:";
/// How long an invitation holds, in ms. The clock can only refuse: a late one is made anew.
const INVITATION_MS: i64 = 10 * 60 * 1_000;
const NONCE_BYTES: usize = 24;
/// What proves a certificate travels with the reply up to this size, in bytes.
const PROOF_BYTES_MAX: usize = 256 << 10;
/// A programme's administration fits in this many runs.
const RUNS_MAX: u64 = 10_000;

/// What one who may certify shows to a new device: as a QR code, or as text. Whoever sees it within
/// ten minutes can ask to join once; nobody joins without the inviter's approval.
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
    secret: Zeroizing<[u8; 16]>,
}

/// What is no invitation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not an invitation, or not a whole one; scan or copy it again")]
pub struct NotAnInvitation;

/// A device that asks to join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// Its key.
    pub device: DeviceKey,
    /// The six digits that both screens must show.
    pub code: String,
}

impl Invitation {
    /// The id under which the hub carries request and reply.
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
    fn code(&self, device: DeviceKey) -> String {
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

    fn cipher(&self) -> XChaCha20Poly1305 {
        let key = self.derive("kitbag invitation reply 1");
        XChaCha20Poly1305::new((&*key).into())
    }

    fn beside(&self, device: DeviceKey) -> Vec<u8> {
        [self.id().as_slice(), &device.0].concat()
    }

    /// Reads a request: only one that proves the secret is one.
    pub fn read_request(&self, bytes: &[u8]) -> Result<JoinRequest, Malformed> {
        let rest = strip_preamble(bytes).map_err(|_| Malformed::Shape(0))?;
        let mut decoder = minicbor::Decoder::new(rest);
        cbor::array_of(&mut decoder, 2)?;
        let device = DeviceKey(cbor::fixed(&mut decoder)?);
        let mac: [u8; 32] = cbor::fixed(&mut decoder)?;
        cbor::end(&decoder)?;
        // Hashes compare in constant time.
        match self.mac(device) == mac {
            true => Ok(JoinRequest { device, code: self.code(device) }),
            false => Err(Malformed::Shape(2)),
        }
    }

    fn write_request(&self, device: DeviceKey) -> Vec<u8> {
        let mut bytes = preamble().to_vec();
        bytes.extend(cbor::encode(|encoder| {
            encoder.array(2)?.bytes(&device.0)?.bytes(self.mac(device).as_bytes())?;
            Ok(())
        }));
        bytes
    }

    fn encode(&self) -> Vec<u8> {
        cbor::encode(|encoder| {
            encoder.array(7)?.str(&self.hub.to_string())?.bytes(&self.root.0)?;
            encoder.bytes(&self.inviter.0)?.bytes(&self.team.0)?.u8(self.role.number())?;
            encoder.bytes(self.secret.as_ref())?.u8(1)?;
            Ok(())
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
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

impl Engine {
    /// Makes an invitation: the root's for coordinators, a coordinator's for the rest of its team. It
    /// is kept until it is used, so that another run can approve it.
    pub fn invite(
        &mut self,
        hub: &HubAddress,
        team: TeamId,
        role: Role,
    ) -> Result<Invitation, EngineError> {
        let may = match role {
            Role::Coordinator => self.device_key() == self.root(),
            Role::Worker | Role::Observer => self.role(team) == Some(Role::Coordinator),
        };
        if !may {
            return Err(EngineError::MayNotInvite);
        }
        let mut secret = Zeroizing::new([0; 16]);
        (self.environment.random)(secret.as_mut());
        let (root, inviter) = (self.root(), self.device_key());
        let invitation = Invitation { hub: hub.clone(), root, inviter, team, role, secret };
        let mut kept = (self.environment.now)().0.to_be_bytes().to_vec();
        kept.extend(invitation.encode());
        self.store.set_meta(&[(kept_name(&invitation.id()), kept)])?;
        Ok(invitation)
    }

    /// An invitation that was made here and not used, if it is not too old.
    pub fn kept_invitation(&mut self, id: &[u8; 16]) -> Result<Option<Invitation>, EngineError> {
        let now = (self.environment.now)().0;
        let Some(kept) = self.store.meta(&kept_name(id))? else { return Ok(None) };
        let Some((made, invitation)) = kept.split_first_chunk::<8>() else { return Ok(None) };
        let age = now.saturating_sub(i64::from_be_bytes(*made));
        match (0..=INVITATION_MS).contains(&age) {
            true => Ok(Invitation::decode(invitation).ok()),
            false => {
                self.store.forget_meta(&kept_name(id))?;
                self.store.forget_meta(&reply_name(id))?;
                Ok(None)
            }
        }
    }

    /// The ids of the invitations that were made here and not used.
    pub fn kept_invitations(&self) -> Result<Vec<[u8; 16]>, EngineError> {
        let names = self.store.meta_names("invitation ")?;
        let ids = names.iter().filter_map(|name| {
            let bytes = BASE32_NOPAD.decode(name.strip_prefix("invitation ")?.as_bytes()).ok()?;
            bytes.try_into().ok()
        });
        Ok(ids.collect())
    }

    /// Certifies the device that asked, and answers it. The codes on both screens were compared before.
    /// Asked again for the same device it gives the same answer, so that a lost one can be sent again;
    /// another device gets none.
    pub fn approve(
        &mut self,
        invitation: &Invitation,
        request: &JoinRequest,
    ) -> Result<Vec<u8>, EngineError> {
        let id = invitation.id();
        if self.kept_invitation(&id)?.as_ref() != Some(invitation) {
            return Err(EngineError::InvitationUsed);
        }
        if let Some(kept) = self.store.meta(&reply_name(&id))? {
            return match kept.strip_prefix(request.device.0.as_slice()) {
                Some(reply) => Ok(reply.to_vec()),
                None => Err(EngineError::InvitationUsed),
            };
        }
        let enrolment = self.certify(request.device, invitation.role, invitation.team)?;
        // What proves the certificate goes along where it is small; else the first sync brings it.
        let weight: usize = enrolment.runs.iter().map(|run| run.encode().len()).sum();
        let runs = if weight > PROOF_BYTES_MAX { [].as_slice() } else { &enrolment.runs };
        let body = Zeroizing::new(cbor::encode(|encoder| {
            encoder.array(2)?.bytes(&enrolment.certificate.0)?;
            encoder.array(runs.len() as u64)?;
            for run in runs {
                encoder.bytes(&run.encode())?;
            }
            Ok(())
        }));
        let mut nonce = [0; NONCE_BYTES];
        (self.environment.random)(&mut nonce);
        let beside = invitation.beside(request.device);
        let sealed = invitation
            .cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: &body, aad: &beside })
            .map_err(|_| EngineError::InvitationUsed)?;
        let mut reply = preamble().to_vec();
        reply.extend(nonce);
        reply.extend(sealed);
        let kept = [request.device.0.as_slice(), &reply].concat();
        self.store.set_meta(&[(reply_name(&id), kept)])?;
        Ok(reply)
    }

    /// The device has its answer: the invitation is done with.
    pub fn forget_invitation(&mut self, id: &[u8; 16]) -> Result<(), EngineError> {
        self.store.forget_meta(&kept_name(id))?;
        Ok(self.store.forget_meta(&reply_name(id))?)
    }

    /// This device's request to join, with the code to compare.
    pub fn ask_to_join(&self, invitation: &Invitation) -> Result<(Vec<u8>, String), EngineError> {
        if invitation.root != self.root() {
            return Err(EngineError::OtherProgramme);
        }
        let device = self.device_key();
        Ok((invitation.write_request(device), invitation.code(device)))
    }

    /// Joins by the inviter's reply: only one that certifies this device, for the team and role of the
    /// invitation, by the inviter's own hand.
    pub fn join_by(&mut self, invitation: &Invitation, reply: &[u8]) -> Result<(), EngineError> {
        let enrolment = self.read_reply(invitation, reply).ok_or(EngineError::NotAReply)?;
        let is_certified = enrolment
            .runs
            .iter()
            .any(|run| certifies(run, &enrolment, invitation, self.device_key()));
        if !is_certified && !enrolment.runs.is_empty() {
            return Err(EngineError::NotAReply);
        }
        self.join(&enrolment)?;
        self.set_hub(&invitation.hub)
    }

    fn read_reply(&self, invitation: &Invitation, reply: &[u8]) -> Option<Enrolment> {
        let (nonce, sealed) = strip_preamble(reply).ok()?.split_first_chunk::<NONCE_BYTES>()?;
        let beside = invitation.beside(self.device_key());
        let body = invitation
            .cipher()
            .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &beside })
            .ok()?;
        let mut decoder = minicbor::Decoder::new(&body);
        cbor::array_of(&mut decoder, 2).ok()?;
        let certificate = EntryId(cbor::fixed(&mut decoder).ok()?);
        let length = cbor::array_up_to(&mut decoder, RUNS_MAX, "runs").ok()?;
        let runs: Option<Vec<Run>> =
            (0..length).map(|_| Run::decode(decoder.bytes().ok()?).ok()).collect();
        cbor::end(&decoder).ok()?;
        Some(Enrolment { root: invitation.root, team: invitation.team, certificate, runs: runs? })
    }

    /// The hub that this device was told of when it joined, or later.
    pub fn hub(&self) -> Result<Option<HubAddress>, EngineError> {
        let text = self.store.meta("hub")?.and_then(|text| String::from_utf8(text).ok());
        Ok(text.and_then(|text| text.parse().ok()))
    }

    /// Notes where the hub is.
    pub fn set_hub(&mut self, hub: &HubAddress) -> Result<(), EngineError> {
        self.store.set_meta(&[("hub".to_owned(), hub.to_string().into_bytes())])?;
        self.note_identity();
        Ok(())
    }

    /// Forgets a hub's first key once the hub showed its spare: others may know the first.
    pub fn note_hub_key(&mut self, shown: DeviceKey) -> Result<(), EngineError> {
        match self.hub()? {
            Some(hub) if hub.pins.get(1) == Some(&shown) => {
                self.set_hub(&HubAddress { pins: vec![shown], ..hub })
            }
            _ => Ok(()),
        }
    }

    /// Leaves a team: nothing more is recorded or received there, and what this device held of it is
    /// deleted. Only right after a sync that agreed, given by its session, and while nothing waits: what the
    /// hub was known to hold earlier may be gone from it.
    pub fn leave(&mut self, team: TeamId, synced: &Session) -> Result<(), EngineError> {
        if !self.members.contains_key(&team) || team == TeamId::PROGRAMME {
            return Err(EngineError::NotAMember);
        }
        let waiting = self.status()?.waiting.entries;
        let agreed = matches!(synced.agreement(), Some(Agreement::Whole | Agreement::Without(_)));
        if waiting > 0 || !agreed {
            return Err(EngineError::WouldLose { waiting });
        }
        self.store.forget_team(team)?;
        self.members.remove(&team);
        self.note_identity();
        Ok(())
    }
}

fn reply_name(id: &[u8; 16]) -> String {
    format!("reply {}", BASE32_NOPAD.encode(id))
}

fn kept_name(id: &[u8; 16]) -> String {
    format!("invitation {}", BASE32_NOPAD.encode(id))
}

/// Whether a run of the inviter's own log holds the certificate that the enrolment names.
fn certifies(run: &Run, enrolment: &Enrolment, invitation: &Invitation, device: DeviceKey) -> bool {
    let is_inviters = run.verify(Some(invitation.inviter)).is_ok();
    is_inviters
        && run.expand().iter().any(|entry| {
            let payload = entry.payload.as_deref().unwrap_or_default();
            entry.id == enrolment.certificate
                && entry.header.kind == kind::CERTIFY
                && matches!(
                    Administration::decode(kind::CERTIFY, payload),
                    Ok(Administration::Certify(certificate))
                        if certificate.key == device
                            && certificate.team == invitation.team
                            && certificate.role == invitation.role
                )
        })
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
