//! How a device becomes a member by an invitation, learns where its hub is, and leaves.

use super::labels::check_label;
use super::{Engine, EngineError, Enrolment, Invitation, JoinRequest};
use crate::identity::{HubAddress, Role};
use crate::log::entry::kind;
use crate::log::payload::Administration;
use crate::log::run::{Run, preamble, strip_preamble};
use crate::model::cbor;
use crate::model::{DeviceKey, EntryId, TeamId};
use crate::store::Setting;
use crate::sync::{Agreement, Session};
use chacha20poly1305::XNonce;
use chacha20poly1305::aead::{Aead, Payload};
use zeroize::Zeroizing;

/// How long an invitation holds, in ms. The clock can only refuse: a late one is made anew.
const INVITATION_MS: i64 = 10 * 60 * 1_000;
const NONCE_BYTES: usize = 24;
/// What a hub's letter box takes of a reply, in bytes: without the whole proof there is no joining.
const PROOF_BYTES_MAX: usize = (1 << 20) - 1_024;
/// A programme's administration fits in this many runs.
const RUNS_MAX: u64 = 10_000;

/// What is known of whoever is invited.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// let newcomer = Newcomer { label: Some("Van 2".to_owned()), ..Newcomer::default() };
/// assert_eq!(newcomer.continues, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Newcomer {
    /// The earlier certificate of the same person, where this device comes in its place or beside it.
    pub continues: Option<EntryId>,
    /// What people will call the device.
    pub label: Option<String>,
}

impl Newcomer {
    fn kept(&self) -> Vec<u8> {
        let continues = self.continues.map(|earlier| earlier.to_string());
        serde_json::to_vec(&(continues, &self.label)).unwrap_or_default()
    }

    fn of_kept(kept: &[u8]) -> Newcomer {
        let read: Option<(Option<String>, Option<String>)> = serde_json::from_slice(kept).ok();
        let (continues, label) = read.unwrap_or_default();
        Newcomer { continues: continues.and_then(|earlier| earlier.parse().ok()), label }
    }
}

impl Engine {
    /// Makes an invitation: the root's for coordinators, a coordinator's for the rest of its team. It
    /// is kept until it is used, so that another run can approve it.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let address = hub_address()?;
    /// let invitation = coordinator.invite(&address, team, Role::Worker)?;
    /// assert_eq!(invitation.inviter, coordinator.device_key());
    /// let invited = phone.invite(&address, team, Role::Worker);
    /// assert!(matches!(invited, Err(EngineError::MayNotInvite)));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn invite(
        &mut self,
        hub: &HubAddress,
        team: TeamId,
        role: Role,
    ) -> Result<Invitation, EngineError> {
        self.invite_as(hub, team, role, &Newcomer::default())
    }

    /// Makes an invitation for somebody who is known: whose device takes the place of an earlier one, and what people
    /// will call it.
    ///
    /// # Errors
    /// As [`Engine::invite`]; [`EngineError::Invalid`] where what it continues does not stand, or is of another role or
    /// team, and where the label is no label.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// # let hub_address: HubAddress = HubAddress::insecure("127.0.0.1:1".parse()?);
    /// let newcomer =
    ///     Newcomer { continues: phone.membership(team), label: Some("Ana's new phone".to_owned()) };
    /// coordinator.invite_as(&hub_address, team, Role::Worker, &newcomer)?;
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn invite_as(
        &mut self,
        hub: &HubAddress,
        team: TeamId,
        role: Role,
        newcomer: &Newcomer,
    ) -> Result<Invitation, EngineError> {
        let may = match role {
            Role::Coordinator => self.device_key() == self.root(),
            Role::Worker | Role::Observer => self.role(team) == Some(Role::Coordinator),
        };
        if !may {
            return Err(EngineError::MayNotInvite);
        }
        self.check_continued(role, team, newcomer.continues)?;
        if let Some(label) = &newcomer.label {
            check_label(label)?;
        }
        let mut secret = Zeroizing::new([0; 16]);
        (self.environment.random)(secret.as_mut());
        let (root, inviter) = (self.root(), self.device_key());
        let invitation = Invitation { hub: hub.clone(), root, inviter, team, role, secret };
        let mut kept = (self.environment.now)().0.to_be_bytes().to_vec();
        kept.extend(invitation.encode());
        let newcomer = newcomer.kept();
        self.store.set(&[
            (Setting::Invitation(invitation.id()), kept),
            (Setting::Newcomer(invitation.id()), newcomer),
        ])?;
        Ok(invitation)
    }

    /// An invitation that was made here and not used, if it is not too old.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let address = hub_address()?;
    /// let invitation = coordinator.invite(&address, team, Role::Worker)?;
    /// assert!(coordinator.kept_invitation(&invitation.id())?.is_some_and(|same| same == invitation));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn kept_invitation(&mut self, id: &[u8; 16]) -> Result<Option<Invitation>, EngineError> {
        let now = (self.environment.now)().0;
        let Some(kept) = self.store.setting(&Setting::Invitation(*id))? else { return Ok(None) };
        let Some((made, invitation)) = kept.split_first_chunk::<8>() else { return Ok(None) };
        let age = now.saturating_sub(i64::from_be_bytes(*made));
        if (0..=INVITATION_MS).contains(&age) {
            Ok(Invitation::decode(invitation).ok())
        } else {
            self.forget_invitation(id)?;
            Ok(None)
        }
    }

    /// The ids of the invitations that were made here and not used.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let address = hub_address()?;
    /// let invitation = coordinator.invite(&address, team, Role::Worker)?;
    /// assert_eq!(coordinator.kept_invitations()?.len(), 1);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn kept_invitations(&self) -> Result<Vec<[u8; 16]>, EngineError> {
        let ids = self.store.settings()?.into_iter().filter_map(|setting| match setting {
            Setting::Invitation(id) => Some(id),
            _ => None,
        });
        Ok(ids.collect())
    }

    /// Certifies the device that asked, and answers it. The codes on both screens were compared before.
    /// Asked again for the same device it gives the same answer, so that a lost one can be sent again;
    /// another device gets none.
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
    /// let reply = coordinator.approve(&invitation, &request)?;
    /// new.join_by(&invitation, &reply)?;
    /// new.record(team, &reversal()?)?;
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn approve(
        &mut self,
        invitation: &Invitation,
        request: &JoinRequest,
    ) -> Result<Vec<u8>, EngineError> {
        let id = invitation.id();
        if self.kept_invitation(&id)?.as_ref() != Some(invitation) {
            return Err(EngineError::InvitationUsed);
        }
        if let Some(kept) = self.store.setting(&Setting::Reply(id))? {
            return match kept.strip_prefix(request.device.0.as_slice()) {
                Some(reply) => Ok(reply.to_vec()),
                None => Err(EngineError::InvitationUsed),
            };
        }
        let newcomer = self.store.setting(&Setting::Newcomer(id))?.unwrap_or_default();
        let newcomer = Newcomer::of_kept(&newcomer);
        let (role, team) = (invitation.role, invitation.team);
        let enrolment = self.certify_as(request.device, role, team, newcomer.continues)?;
        // Who cannot seal to the team hands the label to the device, which gives it itself.
        let label = match newcomer.label {
            Some(label) => match self.set_label(enrolment.certificate, &label) {
                Ok(()) => None,
                Err(EngineError::NoTeamKey) => Some(label),
                Err(error) => return Err(error),
            },
            None => None,
        };
        let runs = enrolment.runs.as_slice();
        let body = Zeroizing::new(cbor::encode(|encoder| {
            encoder.array(3)?.bytes(&enrolment.certificate.0)?;
            encoder.str(label.as_deref().unwrap_or_default())?;
            encoder.array(runs.len() as u64)?;
            for run in runs {
                encoder.bytes(&run.encode())?;
            }
            Ok(())
        }));
        let mut nonce = [0; NONCE_BYTES];
        (self.environment.random)(&mut nonce);
        let beside = invitation.beside(request.device);
        if body.len() > PROOF_BYTES_MAX {
            return Err(EngineError::TooLarge);
        }
        let sealed = invitation
            .cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: &body, aad: &beside })
            .map_err(|_| EngineError::InvitationUsed)?;
        let mut reply = preamble().to_vec();
        reply.extend(nonce);
        reply.extend(sealed);
        let kept = [request.device.0.as_slice(), &reply].concat();
        self.store.set(&[(Setting::Reply(id), kept)])?;
        Ok(reply)
    }

    /// The device has its answer: the invitation is done with.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let address = hub_address()?;
    /// let invitation = coordinator.invite(&address, team, Role::Worker)?;
    /// coordinator.forget_invitation(&invitation.id())?;
    /// assert!(coordinator.kept_invitations()?.is_empty());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn forget_invitation(&mut self, id: &[u8; 16]) -> Result<(), EngineError> {
        Ok(self.store.unset(&[
            Setting::Invitation(*id),
            Setting::Newcomer(*id),
            Setting::Reply(*id),
        ])?)
    }

    /// This device's request to join, with the code to compare.
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
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn ask_to_join(&self, invitation: &Invitation) -> Result<(Vec<u8>, String), EngineError> {
        if invitation.root != self.root() {
            return Err(EngineError::OtherProgramme);
        }
        let is_insecure = invitation.hub.pins.is_empty();
        if is_insecure && (self.is_enrolled() || !self.environment.insecure_loopback) {
            return Err(EngineError::InsecureInvitation);
        }
        let device = self.device_key();
        Ok((invitation.write_request(device), invitation.code(device)))
    }

    /// Whether this device is a member of any team: an invitation then replaces nothing of what it knows.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// assert!(phone.is_enrolled());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn is_enrolled(&self) -> bool {
        !self.members.is_empty()
    }

    /// Joins by the inviter's reply: only one that certifies this device, for the team and role of the
    /// invitation, by the inviter's own hand, in a certificate that settles from the programme's root. An
    /// enrolled device keeps its hub and its memberships.
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
    /// let reply = coordinator.approve(&invitation, &request)?;
    /// new.join_by(&invitation, &reply)?;
    /// assert_eq!(new.teams(), [team]);
    /// assert_eq!(new.hub()?, Some(address));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn join_by(&mut self, invitation: &Invitation, reply: &[u8]) -> Result<(), EngineError> {
        let (enrolment, label) =
            self.read_reply(invitation, reply).ok_or(EngineError::NotAReply)?;
        let is_certified = enrolment
            .runs
            .iter()
            .any(|run| certifies(run, &enrolment, invitation, self.device_key()));
        if !is_certified {
            return Err(EngineError::NotAReply);
        }
        self.join(&enrolment)?;
        if check_label(&label).is_ok() {
            self.store.set(&[(Setting::OwnLabel(enrolment.team), label.into_bytes())])?;
        }
        match self.hub()? {
            // The hub changes by the person's own command.
            Some(_) => Ok(()),
            None => self.set_hub(&invitation.hub),
        }
    }

    fn read_reply(&self, invitation: &Invitation, reply: &[u8]) -> Option<(Enrolment, String)> {
        let (nonce, sealed) = strip_preamble(reply).ok()?.split_first_chunk::<NONCE_BYTES>()?;
        let beside = invitation.beside(self.device_key());
        let body = invitation
            .cipher()
            .decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: &beside })
            .ok()?;
        let mut decoder = minicbor::Decoder::new(&body);
        cbor::array_of(&mut decoder, 3).ok()?;
        let certificate = EntryId(cbor::fixed(&mut decoder).ok()?);
        let label = decoder.str().ok()?.to_owned();
        let length = cbor::array_up_to(&mut decoder, RUNS_MAX, "runs").ok()?;
        let runs: Option<Vec<Run>> =
            (0..length).map(|_| Run::decode(decoder.bytes().ok()?).ok()).collect();
        cbor::end(&decoder).ok()?;
        let (root, team) = (invitation.root, invitation.team);
        Some((Enrolment { root, team, certificate, runs: runs? }, label))
    }

    /// The hub that this device was told of when it joined, or later.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// assert_eq!(phone.hub()?, None); // nobody told it
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn hub(&self) -> Result<Option<HubAddress>, EngineError> {
        let text = self.store.setting(&Setting::Hub)?.and_then(|text| String::from_utf8(text).ok());
        Ok(text.and_then(|text| text.parse().ok()))
    }

    /// Notes where the hub is.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let address = hub_address()?;
    /// phone.set_hub(&address)?;
    /// assert_eq!(phone.hub()?, Some(address));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn set_hub(&mut self, hub: &HubAddress) -> Result<(), EngineError> {
        self.store.set(&[(Setting::Hub, hub.to_string().into_bytes())])?;
        self.note_identity();
        Ok(())
    }

    /// Forgets a hub's first key once the hub showed its spare: others may know the first.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// use kitbag_core::identity::HubAddress;
    /// use kitbag_core::model::DeviceKey;
    /// let address = hub_address()?;
    /// let (first, spare) = (DeviceKey([1; 32]), DeviceKey([2; 32]));
    /// phone.set_hub(&HubAddress { pins: vec![first, spare], ..address })?;
    /// phone.note_hub_key(spare)?; // as the client saw it
    /// assert_eq!(phone.hub()?.map(|hub| hub.pins), Some(vec![spare]));
    /// # Ok::<(), Failed>(())
    /// ```
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
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// let (device, mut session) = (phone.device_key(), phone.session());
    /// assert!(phone.leave(team, &session).is_err()); // the record is only here
    /// phone.carry(&mut session, |request, _| {
    ///     let now = UnixMillis(1_790_000_000_000);
    ///     sync::respond(&mut hub, device, now, &request).map_err(EngineError::from)
    /// })?;
    /// phone.note_sync(&session, None)?;
    /// phone.leave(team, &session)?;
    /// assert!(phone.teams().is_empty());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn leave(&mut self, team: TeamId, synced: &Session) -> Result<(), EngineError> {
        if !self.members.contains_key(&team) || team == TeamId::PROGRAMME {
            return Err(EngineError::NotAMember);
        }
        let waiting = self.status()?.waiting;
        let waiting = waiting.entries + waiting.aside;
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
