//! Who belongs: invitations, approvals, members, revocations, erasures.

use crate::error::KitbagError;
use crate::kitbag::Kitbag;
use crate::runtime::{Cancel, run, run_until};
use kitbag_client::{Asked, Error, Invited, Member, Revoked};
use kitbag_core::engine::Newcomer;
use kitbag_core::identity::Role;
use kitbag_core::model::{DeviceKey, EntryId, RecordId, TeamId};
use kitbag_core::sync::SyncFault;
use std::collections::HashMap;
use std::sync::Arc;

/// A team that this device is in.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct OwnTeam {
    pub team: TeamId,
    pub role: Option<Role>,
    pub key_number: Option<u64>,
}

/// An invitation that was made, to be shown.
#[derive(uniffi::Object)]
pub struct Inviting(kitbag_client::Client, Invited);

#[uniffi::export]
impl Inviting {
    /// What the new device scans or is given, for ten minutes.
    pub fn text(&self) -> String {
        self.1.text.clone()
    }

    /// Waits until a device asks by it; then that one shows six digits.
    pub async fn asked(&self, cancel: Arc<Cancel>) -> Result<(), KitbagError> {
        let (client, invited) = (self.0.clone(), self.1.clone());
        run_until(cancel, async move { client.team().asked(&invited).await }).await
    }
}

/// How a revocation went: the errors of the syncs before and after it.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct Revocation {
    pub before: Option<KitbagError>,
    pub after: Option<KitbagError>,
}

impl From<Revoked> for Revocation {
    fn from(revoked: Revoked) -> Self {
        let Revoked { before, after } = revoked;
        Revocation { before: before.map(KitbagError::from), after: after.map(KitbagError::from) }
    }
}

/// What the hub keeps aside of a revoked device.
#[derive(uniffi::Record)]
#[allow(missing_docs)]
pub struct KeptAside {
    pub records: Vec<EntryId>,
    pub certificates: Vec<EntryId>,
}

#[uniffi::export]
impl Kitbag {
    /// The teams that this device is in, as of one moment.
    pub async fn own_teams(&self) -> Result<Vec<OwnTeam>, KitbagError> {
        let client = self.client()?;
        let own = async move { Ok((client.team().own().await?, client.team().keys().await?)) };
        let (roles, keys) = run(own).await?;
        let number =
            |of: TeamId| keys.iter().find(|(team, _)| *team == of).and_then(|(_, key)| *key);
        let teams = roles.into_iter();
        Ok(teams.map(|(team, role)| OwnTeam { team, role, key_number: number(team) }).collect())
    }

    /// A team's members; with when each synced last where the hub is asked.
    pub async fn members(
        &self,
        team: TeamId,
        ask_hub: bool,
        cancel: Arc<Cancel>,
    ) -> Result<Vec<Member>, KitbagError> {
        let client = self.client()?;
        let members = async move {
            match ask_hub {
                true => client.team().members_and_last_sync(team).await,
                false => client.team().members(team).await,
            }
        };
        run_until(cancel, members).await
    }

    /// Invites a device.
    pub async fn invite(
        &self,
        team: TeamId,
        role: Role,
        continues: Option<EntryId>,
        label: Option<String>,
        cancel: Arc<Cancel>,
    ) -> Result<Arc<Inviting>, KitbagError> {
        let client = self.client()?;
        let invite = async move {
            let invited = client.team().invite(team, role, Newcomer { continues, label }).await?;
            Ok(Arc::new(Inviting(client, invited)))
        };
        run_until(cancel, invite).await
    }

    /// What people call devices, by their keys.
    pub async fn names(&self) -> Result<HashMap<DeviceKey, String>, KitbagError> {
        let client = self.client()?;
        run(async move { Ok(client.team().names().await?.into_iter().collect()) }).await
    }

    /// Calls the device of a certificate so.
    pub async fn set_label(&self, certificate: EntryId, label: String) -> Result<(), KitbagError> {
        let client = self.client()?;
        run(async move { client.team().set_label(certificate, label).await }).await
    }

    /// Lets in the device whose screen shows these six digits.
    pub async fn approve(&self, digits: String, cancel: Arc<Cancel>) -> Result<(), KitbagError> {
        let client = self.client()?;
        run_until(cancel, async move { client.team().approve(&digits).await }).await
    }

    /// Leaves a team.
    pub async fn leave(&self, team: TeamId, cancel: Arc<Cancel>) -> Result<(), KitbagError> {
        let client = self.client()?;
        run_until(cancel, async move { client.team().leave(team).await }).await
    }

    /// What this device's logs reach, for another one to hear.
    pub async fn announce(&self, team: TeamId) -> Result<Vec<u8>, KitbagError> {
        let client = self.client()?;
        run(async move { client.team().announce(team).await }).await
    }

    /// Hears what another device announced.
    pub async fn hear(&self, announcement: Vec<u8>) -> Result<(), KitbagError> {
        let client = self.client()?;
        let heard = run(async move { Ok(client.team().hear(announcement).await) }).await?;
        heard.map_err(|error| match error {
            Error::Sync(SyncFault::NotRead) => KitbagError::argument("announcement"),
            other => other.into(),
        })
    }

    /// Revokes a certificate.
    pub async fn revoke(
        &self,
        team: TeamId,
        certificate: EntryId,
        cancel: Arc<Cancel>,
    ) -> Result<Revocation, KitbagError> {
        let client = self.client()?;
        let revoked = async move { client.team().revoke(team, certificate).await };
        run_until(cancel, revoked).await.map(Revocation::from)
    }

    /// What the hub keeps aside of a revoked device.
    pub async fn kept_aside(
        &self,
        team: TeamId,
        certificate: EntryId,
        cancel: Arc<Cancel>,
    ) -> Result<KeptAside, KitbagError> {
        let client = self.client()?;
        let aside = async move { client.team().aside(team, certificate).await };
        let aside = run_until(cancel, aside).await?;
        let ids =
            |of: Vec<kitbag_core::log::entry::Entry>| of.iter().map(|entry| entry.id).collect();
        Ok(KeptAside { records: ids(aside.entries), certificates: ids(aside.certificates) })
    }

    /// Accepts entries that are aside.
    pub async fn accept(
        &self,
        team: TeamId,
        entries: Vec<EntryId>,
        cancel: Arc<Cancel>,
    ) -> Result<(), KitbagError> {
        let client = self.client()?;
        run_until(cancel, async move { client.team().accept(team, entries).await }).await
    }

    /// Says that what a device claims beyond what is held is not awaited any more; returns of how many claims.
    pub async fn set_aside(
        &self,
        team: TeamId,
        device: DeviceKey,
        cancel: Arc<Cancel>,
    ) -> Result<u64, KitbagError> {
        let client = self.client()?;
        run_until(cancel, async move { client.team().set_aside(team, device).await }).await
    }

    /// Asks the programme's root to erase records.
    pub async fn ask_erasure(
        &self,
        team: TeamId,
        records: Vec<RecordId>,
    ) -> Result<(), KitbagError> {
        let client = self.client()?;
        run(async move { client.team().ask_erasure(team, records).await }).await
    }

    /// What is asked to be erased and is not.
    pub async fn asked_erasures(&self) -> Result<Vec<Asked>, KitbagError> {
        let client = self.client()?;
        run(async move { client.team().asked_erasures().await }).await
    }

    /// The records of a team that are erased for good.
    pub async fn erased(&self, team: TeamId) -> Result<Vec<RecordId>, KitbagError> {
        let client = self.client()?;
        run(async move { client.team().erased(team).await }).await
    }
}
