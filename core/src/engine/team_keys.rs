//! Teams' sealing keys: handing them to devices, and sealing texts so that the hub cannot read them.

use super::{Engine, EngineError};
use crate::identity::Role;
use crate::identity::sealing::{SealingPublic, SealingSecret, seal_to, sealing_public};
use crate::log::entry::kind;
use crate::log::payload::{Administration, TEAM_KEY_DEVICES_MAX, TeamKey};
use crate::model::check::declared;
use crate::model::field::Shape;
use crate::model::{DeviceKey, Kind, Operation, TeamId, Value};
use crate::record::Record;
use crate::store::Arrived;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use zeroize::Zeroizing;

const KEY_PURPOSE: &str = "kitbag team key 1";
const TEXT_PURPOSE: &str = "kitbag text 1";
/// Begins every sealed text: form 1, then the first bytes of the key that it is sealed to.
const TEXT_FORM: u8 = 1;
const KEY_ID_BYTES: usize = 8;

/// How many keys a coordinator hands on at once, the newest first; with the next sync it goes on.
const HANDED_ON_MAX: usize = 64;

/// The secret keys that this device was handed, by public key.
pub(super) type Secrets = BTreeMap<SealingPublic, SealingSecret>;

/// Those of the entries that were looked at: each is opened once.
#[derive(Default)]
pub(super) struct KeyRing {
    secrets: Arc<Secrets>,
    /// Up to which entry of which reading of the store.
    looked: Arrived,
}

impl Engine {
    /// A coordinator's duty after a certificate, a revocation or a sync: makes the team's first key, a
    /// new one where a device that has the last may not read any more, and hands every key that this
    /// device has to those who lack it. Does nothing on other devices. Returns how many entries it
    /// wrote.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// assert_eq!(coordinator.tend_team_key(team)?, 0); // certifying did it
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn tend_team_key(&mut self, team: TeamId) -> Result<usize, EngineError> {
        let own = self.device_key();
        let is_root = own == self.root();
        let mut readers: BTreeSet<DeviceKey> = self.store.authority().readers(team).collect();
        if is_root {
            // The root hands a key on only where nobody else can: it keeps it, too, for who comes next.
            if self.has_live_coordinator(team) || readers.is_empty() {
                return Ok(0);
            }
        } else if self.role(team) != Some(Role::Coordinator) || !readers.contains(&own) {
            return Ok(0);
        }
        let secrets = self.secrets()?;
        let root = self.root();
        let keys = self.store.authority().team_keys(team);
        let generation = keys.last().map_or(0, |(generation, _, _)| *generation);
        // A key whose secret nobody was really handed is nobody's key.
        let usable = keys.iter().rev().find(|(_, public, _)| secrets.contains_key(public));
        let last = usable.map(|(_, _, devices)| (*devices).clone());
        let mut written = 0;
        let has_left = |device: &DeviceKey| !readers.contains(device) && *device != root;
        // One that a coordinator cannot open others may have been handed alone: what they seal to it nobody
        // else reads.
        let is_open = keys.last().is_none_or(|(_, public, _)| secrets.contains_key(public));
        let stale = !is_open || last.as_ref().is_none_or(|devices| devices.iter().any(has_left));
        if is_root {
            readers.insert(own);
        }
        if stale {
            let secret = SealingSecret::from_seed(&self.seed());
            let public = secret.public().ok_or(EngineError::NoTeamKey)?;
            written += self.hand_out(team, generation + 1, public, &secret, &readers)?;
        }
        let secrets = self.secrets()?;
        let keys = self.store.authority().team_keys(team).into_iter().rev();
        let lacking = keys.filter_map(|(generation, public, devices)| {
            let secret = secrets.get(&public)?;
            let devices: BTreeSet<DeviceKey> = readers.difference(devices).copied().collect();
            (!devices.is_empty()).then_some((generation, public, secret, devices))
        });
        let lacking: Vec<_> = lacking.take(HANDED_ON_MAX).collect();
        for (generation, public, secret, devices) in lacking {
            written += self.hand_out(team, generation, public, secret, &devices)?;
        }
        Ok(written)
    }

    /// Whether a coordinator of the team is certified and not revoked.
    fn has_live_coordinator(&self, team: TeamId) -> bool {
        let authority = self.store.authority();
        authority
            .members(team)
            .any(|(id, _, role)| role == Role::Coordinator && !authority.is_revoked(&id))
    }

    /// The number of the key that this team's texts and bundles are sealed to now, from 1: it grows with
    /// each revocation that this device heard of. `None` where it was handed none.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// assert_eq!(coordinator.team_key_number(team)?, Some(1));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn team_key_number(&self, team: TeamId) -> Result<Option<u64>, EngineError> {
        let secrets = self.secrets()?;
        let keys = self.store.authority().team_keys(team);
        let handed = keys.iter().rev().find(|(_, public, _)| secrets.contains_key(public));
        Ok(handed.map(|(generation, _, _)| *generation))
    }

    /// Tends the keys of all teams.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// sync_with(&mut coordinator, &mut hub)?;
    /// coordinator.tend_team_keys()?; // after each sync
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn tend_team_keys(&mut self) -> Result<usize, EngineError> {
        let teams: Vec<TeamId> = self.members.keys().copied().collect();
        teams.into_iter().map(|team| self.tend_team_key(team)).sum()
    }

    fn hand_out(
        &mut self,
        team: TeamId,
        generation: u64,
        public: SealingPublic,
        secret: &SealingSecret,
        devices: &BTreeSet<DeviceKey>,
    ) -> Result<usize, EngineError> {
        let mut sealed = Vec::new();
        for device in devices {
            let Some(to) = sealing_public(device) else { continue };
            let seed = self.seed();
            let bytes =
                seal_to(&to, KEY_PURPOSE, &beside(team, generation), &*secret.to_bytes(), &seed);
            sealed.extend(bytes.map(|bytes| (*device, bytes)));
        }
        let mut written = 0;
        for part in sealed.chunks(TEAM_KEY_DEVICES_MAX as usize) {
            let key = TeamKey { team, generation, public, sealed: part.to_vec() };
            let of_root = self.device_key() == self.root();
            let scope = if of_root { TeamId::PROGRAMME } else { team };
            self.administer(scope, &Administration::TeamKey(key))?;
            written += 1;
        }
        Ok(written)
    }

    /// All keys that this device was handed, whoever handed them: to read with. Which one is sealed
    /// to, authority says.
    pub(super) fn secrets(&self) -> Result<Arc<Secrets>, EngineError> {
        let mut ring = self.key_ring.borrow_mut();
        let (payloads, looked) = self.store.administration_since(kind::TEAM_KEY, ring.looked)?;
        if looked.reading != ring.looked.reading {
            ring.secrets = Arc::default();
        }
        let (own, opener) = (self.device_key(), self.key.sealing_secret());
        for payload in payloads {
            let Ok(Administration::TeamKey(key)) = Administration::decode(kind::TEAM_KEY, &payload)
            else {
                continue;
            };
            for (_, sealed) in key.sealed.iter().filter(|(device, _)| *device == own) {
                let bytes = opener.open(KEY_PURPOSE, &beside(key.team, key.generation), sealed);
                let secret = bytes.and_then(|bytes| SealingSecret::from_bytes(&bytes));
                if let Some(secret) = secret.filter(|s| s.public() == Some(key.public)) {
                    Arc::make_mut(&mut ring.secrets).insert(key.public, secret);
                }
            }
        }
        ring.looked = looked;
        Ok(Arc::clone(&ring.secrets))
    }

    /// The key that this team's texts and bundles are sealed to now.
    pub(super) fn team_key(&mut self, team: TeamId) -> Result<SealingPublic, EngineError> {
        // The newest that this device was handed itself: one that it was not could be nobody's.
        let newest = |engine: &Engine| -> Result<Option<SealingPublic>, EngineError> {
            let secrets = engine.secrets()?;
            let keys = engine.store.authority().team_keys(team);
            let handed = keys.iter().rev().find(|(_, public, _)| secrets.contains_key(public));
            Ok(handed.map(|(_, public, _)| *public))
        };
        if newest(self)?.is_none() {
            self.tend_team_key(team)?;
        }
        newest(self)?.ok_or(EngineError::NoTeamKey)
    }

    /// Seals the free texts among these operations.
    pub(super) fn seal_texts(
        &mut self,
        team: TeamId,
        of_kind: Kind,
        mut operations: Vec<Operation>,
    ) -> Result<Vec<Operation>, EngineError> {
        let import_key = operations.iter().find_map(|operation| match operation {
            Operation::Put { field, value } if field == "import_key" => value.as_text(),
            _ => None,
        });
        let import_key = import_key.map(str::to_owned);
        for operation in &mut operations {
            let Operation::Put { field, value } = operation else { continue };
            let is_text = declared(of_kind, field).is_some_and(|field| field.shape == Shape::Text);
            if let (true, Value::Text(text)) = (is_text, &value) {
                let public = self.team_key(team)?;
                let beside = beside_text(team, field);
                let seed = match &import_key {
                    Some(key) => self.seed_of_import(&public, key, &beside, text)?,
                    None => self.seed(),
                };
                let sealed = sealed_to(&public, TEXT_PURPOSE, &beside, text.as_bytes(), &seed);
                *value = Value::Bytes(sealed.ok_or(EngineError::NoTeamKey)?);
            }
        }
        Ok(operations)
    }

    /// Opens the sealed texts of a record that this device has a key for; the others stay sealed.
    pub(super) fn open_texts(&self, record: &mut Record) -> Result<(), EngineError> {
        let is_sealed = |value: &Value| matches!(value, Value::Bytes(_));
        if !record.fields.values().flatten().any(|(value, _)| is_sealed(value)) {
            return Ok(());
        }
        let secrets = self.secrets()?;
        let team = record.team;
        for (field, values) in &mut record.fields {
            for (value, _) in values {
                if let Value::Bytes(sealed) = value
                    && let Some(text) =
                        open_sealed(&secrets, TEXT_PURPOSE, &beside_text(team, field), sealed)
                {
                    *value = Value::Text(text);
                }
            }
        }
        Ok(())
    }

    /// The seed that the text of an imported row is sealed with: whoever imports the same row seals it to the same bytes,
    /// so that equal imports are equal. It is a secret of those who have the team's key.
    fn seed_of_import(
        &self,
        public: &SealingPublic,
        import_key: &str,
        beside: &[u8],
        text: &str,
    ) -> Result<Zeroizing<[u8; 32]>, EngineError> {
        let secrets = self.secrets()?;
        let secret = secrets.get(public).ok_or(EngineError::NoTeamKey)?.to_bytes();
        let mut hasher = blake3::Hasher::new_derive_key("kitbag text of an imported row 1");
        for part in [secret.as_slice(), import_key.as_bytes(), beside, text.as_bytes()] {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        Ok(Zeroizing::new(*hasher.finalize().as_bytes()))
    }

    pub(super) fn seed(&mut self) -> Zeroizing<[u8; 32]> {
        let mut seed = Zeroizing::new([0; 32]);
        (self.environment.random)(seed.as_mut());
        seed
    }

    /// This device's role in a team, by its certificate there.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// assert_eq!(phone.role(team), Some(Role::Worker));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn role(&self, team: TeamId) -> Option<Role> {
        self.store.authority().role(self.members.get(&team)?)
    }
}

/// Seals to a team's key, and says to which.
pub(super) fn sealed_to(
    public: &SealingPublic,
    purpose: &str,
    beside: &[u8],
    text: &[u8],
    seed: &Zeroizing<[u8; 32]>,
) -> Option<Vec<u8>> {
    let mut bytes = vec![TEXT_FORM];
    bytes.extend_from_slice(&public[..KEY_ID_BYTES]);
    bytes.extend(seal_to(public, purpose, beside, text, seed)?);
    Some(bytes)
}

/// Opens what is sealed to a team's key, with whichever of these secrets it was sealed to.
pub(super) fn open_sealed(
    secrets: &Secrets,
    purpose: &str,
    beside: &[u8],
    sealed: &[u8],
) -> Option<String> {
    let (id, sealed) = sealed.strip_prefix(&[TEXT_FORM])?.split_at_checked(KEY_ID_BYTES)?;
    let named = secrets.iter().filter(|(public, _)| public.starts_with(id));
    let mut opened = named.filter_map(|(_, secret)| secret.open(purpose, beside, sealed));
    String::from_utf8(opened.next()?.to_vec()).ok()
}

fn beside(team: TeamId, generation: u64) -> Vec<u8> {
    [team.0.as_slice(), &generation.to_be_bytes()].concat()
}

fn beside_text(team: TeamId, field: &str) -> Vec<u8> {
    [team.0.as_slice(), field.as_bytes()].concat()
}
