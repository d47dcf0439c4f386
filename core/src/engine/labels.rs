//! What people call devices: "Van 2", "Ana's phone". Sealed to the team, so that no hub reads it.

use super::team_keys::{open_sealed, sealed_to};
use super::{Engine, EngineError};
use crate::identity::Role;
use crate::log::payload::{Administration, LABEL_BYTES_MAX, Label};
use crate::log::verdict::Refusal;
use crate::model::{CivilDate, DeviceKey, EntryId, Invalid, TeamId, Wrong};
use crate::store::{Setting, StoreError};
use std::collections::BTreeMap;

/// The longest label, in characters.
const LABEL_CHARS_MAX: usize = 40;

const LABEL_PURPOSE: &str = "kitbag label 1";

impl Engine {
    /// Calls the device of a certificate so, for everybody in its team. Its owner may, and the team's coordinators.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where it is no label: 1 to 40 characters in one line, without any that turn or hide
    /// text; [`EngineError::NoTeamKey`] until this device was handed the team's key.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let certificate = phone.membership(team).ok_or("a member")?;
    /// coordinator.set_label(certificate, "Ana's phone")?;
    /// assert_eq!(coordinator.labels()?[&certificate], "Ana's phone");
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn set_label(&mut self, certificate: EntryId, label: &str) -> Result<(), EngineError> {
        check_label(label)?;
        let authority = self.store.authority();
        let of = authority.certificate(&certificate).ok_or(EngineError::NoRecord)?;
        let (team, device) = (of.team, of.key);
        let own = self.membership(team);
        let is_own = device == self.device_key()
            || own.is_some_and(|own| authority.is_one_person(&own, &certificate));
        if !is_own && self.role(team) != Some(Role::Coordinator) && self.device_key() != self.root()
        {
            return Err(StoreError::Refused(Refusal::Role).into());
        }
        if self.device_key() == self.root() {
            let given = label.as_bytes().to_vec();
            self.store.set(&[(Setting::GivenLabel(certificate), given)])?;
        }
        let number = self.held_labels(certificate)?.map_or(1, |number| number + 1);
        let public = self.team_key(team)?;
        let seed = self.seed();
        let beside = beside(team, &certificate);
        let sealed = sealed_to(&public, LABEL_PURPOSE, &beside, label.as_bytes(), &seed)
            .filter(|sealed| sealed.len() <= LABEL_BYTES_MAX)
            .ok_or(EngineError::NoTeamKey)?;
        let scope = if self.device_key() == self.root() { TeamId::PROGRAMME } else { team };
        self.administer(scope, &Administration::Label(Label { certificate, number, sealed }))?;
        Ok(())
    }

    /// What people call the devices of certificates, as far as this device can read it; at the root, which reads no
    /// team's, what it called them itself.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// assert!(coordinator.labels()?.is_empty()); // nobody was given one
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn labels(&self) -> Result<BTreeMap<EntryId, String>, EngineError> {
        let secrets = self.secrets()?;
        let mut best: BTreeMap<EntryId, (u64, EntryId, String)> = BTreeMap::new();
        for (entry, said) in self.labels_that_count()? {
            let Some(of) = self.store.authority().certificate(&said.certificate) else { continue };
            let is_later = best
                .get(&said.certificate)
                .is_none_or(|(number, by, _)| (said.number, entry) > (*number, *by));
            if !is_later {
                continue;
            }
            let beside = beside(of.team, &said.certificate);
            let text = open_sealed(&secrets, LABEL_PURPOSE, &beside, &said.sealed);
            if let Some(text) = text.filter(|text| check_label(text).is_ok()) {
                best.insert(said.certificate, (said.number, entry, text));
            }
        }
        let mut labels: BTreeMap<EntryId, String> =
            best.into_iter().map(|(certificate, (_, _, text))| (certificate, text)).collect();
        if self.device_key() == self.root() {
            for setting in self.store.settings()? {
                let Setting::GivenLabel(certificate) = setting else { continue };
                let given = self.store.setting(&setting)?.unwrap_or_default();
                labels.entry(certificate).or_insert(String::from_utf8_lossy(&given).into_owned());
            }
        }
        Ok(labels)
    }

    /// The same by device: of several certificates of one, what the one that was given last is called.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let certificate = phone.membership(team).ok_or("a member")?;
    /// coordinator.set_label(certificate, "Ana's phone")?;
    /// assert_eq!(coordinator.labels_of_devices()?[&phone.device_key()], "Ana's phone");
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn labels_of_devices(&self) -> Result<BTreeMap<DeviceKey, String>, EngineError> {
        let authority = self.store.authority();
        let mut labelled: Vec<_> = self
            .labels()?
            .into_iter()
            .filter_map(|(id, label)| {
                let of = authority.certificate(&id)?;
                Some((!authority.is_revoked(&id), of.made_at, id, of.key, label))
            })
            .collect();
        labelled.sort_unstable();
        Ok(labelled.into_iter().map(|(_, _, _, device, label)| (device, label)).collect())
    }

    /// Notes on which day each device of a team synced last, as the hub says.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let said = [(phone.device_key(), "2026-11-25".parse()?)].into();
    /// coordinator.note_synced_days(team, &said)?;
    /// assert_eq!(coordinator.synced_days(team)?, said);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn note_synced_days(
        &mut self,
        team: TeamId,
        days: &BTreeMap<DeviceKey, CivilDate>,
    ) -> Result<(), EngineError> {
        let days: BTreeMap<String, String> =
            days.iter().map(|(device, day)| (device.to_string(), day.to_string())).collect();
        let noted = serde_json::to_vec(&days).unwrap_or_default();
        Ok(self.store.set(&[(Setting::SyncedDays(team), noted)])?)
    }

    /// On which day each device of a team synced last, as the hub said when it was asked last.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// assert!(coordinator.synced_days(team)?.is_empty()); // it was not asked yet
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn synced_days(&self, team: TeamId) -> Result<BTreeMap<DeviceKey, CivilDate>, EngineError> {
        let noted = self.store.setting(&Setting::SyncedDays(team))?.unwrap_or_default();
        let days: BTreeMap<String, String> = serde_json::from_slice(&noted).unwrap_or_default();
        let read =
            |(device, day): (String, String)| Some((device.parse().ok()?, day.parse().ok()?));
        Ok(days.into_iter().filter_map(read).collect())
    }

    /// Gives this device the labels that came with its invitations, once it has the teams' keys.
    pub(super) fn tend_labels(&mut self) -> Result<usize, EngineError> {
        let mut written = 0;
        for (team, certificate) in self.members.clone() {
            let setting = Setting::OwnLabel(team);
            let Some(label) = self.store.setting(&setting)? else { continue };
            match self.set_label(certificate, &String::from_utf8_lossy(&label)) {
                Err(EngineError::NoTeamKey) => continue,
                labelled => labelled?,
            }
            self.store.unset(&[setting])?;
            written += 1;
        }
        Ok(written)
    }

    fn held_labels(&self, certificate: EntryId) -> Result<Option<u64>, EngineError> {
        let all = self.labels_that_count()?.into_iter();
        let numbers = all.filter(|(_, said)| said.certificate == certificate);
        Ok(numbers.map(|(_, said)| said.number).max())
    }

    /// The labels by the owner of each certificate or a coordinator of its team.
    fn labels_that_count(&self) -> Result<Vec<(EntryId, Label)>, EngineError> {
        let authority = self.store.authority();
        let counts = |by: &EntryId, said: &Label| {
            let Some(of) = authority.certificate(&said.certificate) else { return false };
            if *by == EntryId::NONE {
                return true; // the root's
            }
            authority.certificate(by).is_some_and(|by_whom| {
                let is_coordinators = (by_whom.role, by_whom.team) == (Role::Coordinator, of.team);
                let is_owners = by_whom.team == of.team
                    && (by_whom.key == of.key || authority.is_one_person(by, &said.certificate));
                is_coordinators || is_owners
            })
        };
        let held = self.store.labels()?.into_iter();
        let counting = held.filter(|(by, _, said)| counts(by, said));
        let mut counting: Vec<_> = counting.map(|(_, entry, said)| (entry, said)).collect();
        // Numbers follow each other: nobody takes the last one, so that no label could come after.
        counting.sort_unstable_by_key(|(entry, said)| (said.certificate, said.number, *entry));
        let mut last = (EntryId::NONE, 0);
        counting.retain(|(_, said)| {
            let before = if last.0 == said.certificate { last.1 } else { 0 };
            let follows = said.number <= before + 1;
            if follows {
                last = (said.certificate, said.number);
            }
            follows
        });
        Ok(counting)
    }
}

/// Whether a text may be a label.
pub(super) fn check_label(label: &str) -> Result<(), EngineError> {
    let length = label.chars().count();
    let is_plain = label.trim() == label
        && label.chars().all(|letter| !letter.is_control() && !is_format(letter));
    if (1..=LABEL_CHARS_MAX).contains(&length) && is_plain {
        return Ok(());
    }
    let expected =
        "expected 1 to 40 characters in one line, without characters that turn or hide text";
    Err(Invalid::new("label", Wrong::Shape, expected).into())
}

/// Characters that are not seen, or turn the text around them.
fn is_format(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn beside(team: TeamId, certificate: &EntryId) -> Vec<u8> {
    [team.0.as_slice(), &certificate.0].concat()
}
