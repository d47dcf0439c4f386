//! Who belongs: members, invitations, approvals, revocations, leaving.

use crate::Error;
use crate::client::Client;
use crate::workers::Turn;
use kitbag_core::engine::{Engine, EngineError, Invitation, JoinRequest, Newcomer};
use kitbag_core::identity::Role;
use kitbag_core::model::{CivilDate, DeviceKey, EntryId, TeamId, UnixMillis};
use kitbag_core::net::{HubClient, NetError};
use kitbag_core::sync::SyncFault;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long an invitation holds, and so how long the other side is waited for.
pub(crate) const WAIT: Duration = Duration::from_secs(10 * 60);
/// How often the hub is asked whether the other side has come.
pub(crate) const POLL: Duration = Duration::from_millis(700);
/// The statuses by which a hub says that it knows no such invitation.
const NOT_FOUND: u16 = 404;
/// And that it was used.
const USED: u16 = 409;

/// Who belongs to this device's teams.
pub struct Team<'client>(pub(crate) &'client Client);

impl Client {
    /// Who belongs: members, invitations, approvals, leaving.
    pub fn team(&self) -> Team<'_> {
        Team(self)
    }
}

/// A certificate of a team, with whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The certificate.
    pub certificate: EntryId,
    /// The device.
    pub device: DeviceKey,
    /// What it may do.
    pub role: Role,
    /// Whether the certificate is revoked.
    pub is_revoked: bool,
    /// What people call the device, where it has a label that this one can read.
    pub label: Option<String>,
    /// When it was certified, by the clock of whoever did.
    pub joined: UnixMillis,
    /// The first certificate of the person whose device it is: its own, or the one that it continues.
    pub person: EntryId,
    /// The day on which it synced last, by the hub's clock; `None` where the hub was not asked, or does not know.
    pub last_synced: Option<CivilDate>,
}

/// An invitation that was made, to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// What the new device scans or is given, for ten minutes.
    pub text: String,
    /// Under which id it is kept here until it is used.
    pub id: [u8; 16],
    path: String,
}

impl Team<'_> {
    /// The teams that this device is in, each with its role there.
    pub async fn own(&self) -> Result<Vec<(TeamId, Option<Role>)>, Error> {
        let roles = self.0.read(|engine| {
            let teams = engine.teams().into_iter().filter(|team| *team != TeamId::PROGRAMME);
            Ok(teams.map(|team| (team, engine.role(team))).collect())
        });
        roles.await
    }

    /// The devices of whoever holds this one in a team: this one, and those that it continues or that continue it.
    pub async fn own_devices(&self, team: TeamId) -> Result<BTreeSet<DeviceKey>, Error> {
        let devices = self.0.read(move |engine| {
            let (authority, own) = (engine.store().authority(), engine.membership(team));
            let of_person = authority
                .members(team)
                .filter(|(id, _, _)| own.is_some_and(|own| authority.is_one_person(&own, id)));
            Ok(of_person.map(|(_, device, _)| device).chain([engine.device_key()]).collect())
        });
        devices.await
    }

    /// Of each team the number of the newest key of it that is here; `None` where it is not here yet, and notes cannot
    /// be sealed.
    pub async fn keys(&self) -> Result<Vec<(TeamId, Option<u64>)>, Error> {
        let keys = self.0.read(|engine| {
            let teams = engine.teams().into_iter().filter(|team| *team != TeamId::PROGRAMME);
            teams.map(|team| Ok((team, engine.team_key_number(team)?))).collect()
        });
        keys.await
    }

    /// A team's members, coordinators first, then those whose certificates hold.
    pub async fn members(&self, team: TeamId) -> Result<Vec<Member>, Error> {
        let members = self.0.read(move |engine| {
            let (authority, labels) = (engine.store().authority(), engine.labels()?);
            let synced = engine.synced_days(team)?;
            let members = authority.members(team).map(|(certificate, device, role)| Member {
                certificate,
                device,
                role,
                is_revoked: authority.is_revoked(&certificate),
                label: labels.get(&certificate).cloned(),
                joined: authority
                    .certificate(&certificate)
                    .map_or(UnixMillis(0), |named| named.made_at),
                person: authority.person(&certificate),
                last_synced: synced.get(&device).copied(),
            });
            let mut members: Vec<Member> = members.collect();
            members.sort_by_key(|member| {
                (member.role != Role::Coordinator, member.is_revoked, member.certificate)
            });
            Ok(members)
        });
        members.await
    }

    /// The same, with the day on which each synced last: the hub is asked, which tells coordinators alone.
    pub async fn members_and_last_sync(&self, team: TeamId) -> Result<Vec<Member>, Error> {
        let synced = self.last_synced(team).await?;
        let note = move |engine: &mut Engine| engine.note_synced_days(team, &synced);
        self.0.write(Turn::Soon, note).await?;
        self.members(team).await
    }

    /// Invites a device: the root coordinators, a coordinator the rest of the team. Syncs first, so that the hub knows
    /// by which certificate this device invites.
    pub async fn invite(
        &self,
        team: TeamId,
        role: Role,
        newcomer: Newcomer,
    ) -> Result<Invited, Error> {
        self.sync().await?;
        let (client, invitation) = self
            .0
            .with_hub(move |engine, hub| engine.invite_as(hub, team, role, &newcomer))
            .await?;
        let path = path_of(&invitation, "");
        self.0.until_shut(client.post(&path, Vec::new())).await?;
        Ok(Invited { text: invitation.to_string(), id: invitation.id(), path })
    }

    /// Waits until a device asks by an invitation, for as long as it holds. Then it shows six digits, for
    /// [`Team::approve`].
    pub async fn asked(&self, invited: &Invited) -> Result<(), Error> {
        let (client, path) = (self.0.hub_client().await?, invited.path.clone());
        let until = Instant::now() + WAIT;
        while self.0.until_shut(patiently(|| client.get(&path))).await?.is_empty() {
            if Instant::now() > until {
                return Err(Error::NotUsable("invitation_used"));
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// When devices of this programme synced last, by the hub's clock; coordinators alone are told.
    pub async fn last_synced(&self, team: TeamId) -> Result<BTreeMap<DeviceKey, CivilDate>, Error> {
        let client = self.0.hub_client().await?;
        let path = format!("/v1/devices?team={team}");
        let response = self.0.until_shut(client.get(&path)).await?;
        let read: BTreeMap<String, String> =
            serde_json::from_slice(&response).map_err(|_| Error::Sync(SyncFault::NotRead))?;
        let parsed =
            read.iter().filter_map(|(device, day)| Some((device.parse().ok()?, day.parse().ok()?)));
        Ok(parsed.collect())
    }

    /// What people call devices, by their keys, as far as this one can read it.
    pub async fn names(&self) -> Result<BTreeMap<DeviceKey, String>, Error> {
        self.0.read(|engine| engine.labels_of_devices()).await
    }

    /// Calls the device of a certificate so, for everybody in its team: its owner may, and coordinators.
    pub async fn set_label(&self, certificate: EntryId, label: String) -> Result<(), Error> {
        self.0.write(Turn::Soon, move |engine| engine.set_label(certificate, &label)).await
    }

    /// Lets in the device whose screen shows these six digits, by one of the invitations that are open here. What was
    /// begun is gone on with, where this is called again.
    ///
    /// # Errors
    /// [`Error::NotFound`] `code` where no device that asked shows these digits: nobody was let in.
    pub async fn approve(&self, digits: &str) -> Result<(), Error> {
        let typed: String = digits.chars().filter(char::is_ascii_digit).collect();
        let open = self.0.with_hub(|engine, _| {
            let ids = engine.kept_invitations()?;
            let kept = ids.iter().map(|id| engine.kept_invitation(id));
            kept.collect::<Result<Vec<_>, EngineError>>()
        });
        let (client, open) = open.await?;
        for invitation in open.into_iter().flatten() {
            let asked = match client.get(&path_of(&invitation, "")).await {
                Ok(asked) => asked,
                // The hub forgot it: it is older than ten minutes, or the hub was started anew.
                Err(NetError::Status(NOT_FOUND, _)) => continue,
                Err(error) => return Err(error.into()),
            };
            match invitation.read_request(&asked) {
                Ok(request) if request.code == typed => {
                    return self.let_in(&client, invitation, request).await;
                }
                _ => {}
            }
        }
        Err(Error::NotFound("code"))
    }

    async fn let_in(
        &self,
        client: &HubClient,
        invitation: Invitation,
        request: JoinRequest,
    ) -> Result<(), Error> {
        let (id, path) = (invitation.id(), path_of(&invitation, "/reply"));
        let approve = move |engine: &mut Engine| engine.approve(&invitation, &request);
        let reply = self.0.write(Turn::Soon, approve).await?;
        // The certificate first, so that the hub knows the device when it comes.
        self.sync().await?;
        patiently(|| client.post(&path, reply.clone())).await?;
        self.0.write(Turn::Soon, move |engine| engine.forget_invitation(&id)).await
    }

    /// Leaves a team: syncs, so that the hub says that it has it all, and deletes what is held of it here.
    pub async fn leave(&self, team: TeamId) -> Result<(), Error> {
        let run = self.0.sync().anew().await?;
        let Some(synced) = run.take_synced() else {
            return Err(Error::Sync(SyncFault::CutOff));
        };
        self.0.write(Turn::Soon, move |engine| engine.leave(team, synced.session())).await
    }

    /// What this device's logs reach, as some hundred bytes that another one can hear: by a picture or a file.
    pub async fn announce(&self, team: TeamId) -> Result<Vec<u8>, Error> {
        self.0.read(move |engine| engine.announce(team)).await
    }

    /// Hears what another device announced; the next sync passes it on.
    pub async fn hear(&self, announcement: Vec<u8>) -> Result<(), Error> {
        self.0.write(Turn::Soon, move |engine| engine.hear(&announcement)).await
    }

    pub(crate) async fn sync(&self) -> Result<(), Error> {
        self.0.sync().anew().await.map(drop)
    }
}

/// Where the hub keeps what the two say to each other.
pub(crate) fn path_of(invitation: &Invitation, part: &str) -> String {
    format!("/v1/invitations/{}{part}", TeamId(invitation.id()))
}

/// What a hub says of an invitation: one that it does not know, or not any more, is used or too old.
pub(crate) fn of_invitation(error: NetError) -> Error {
    match error {
        NetError::Status(NOT_FOUND | USED, _) => Error::NotUsable("invitation_used"),
        error => error.into(),
    }
}

/// Tries a call again while the hub does not answer, for as long as an invitation holds.
pub(crate) async fn patiently<T, F: Future<Output = Result<T, NetError>>>(
    call: impl Fn() -> F,
) -> Result<T, NetError> {
    let until = Instant::now() + WAIT;
    loop {
        match call().await {
            Err(NetError::NoAnswer | NetError::Busy) if Instant::now() < until => sleep(POLL).await,
            done => return done,
        }
    }
}
