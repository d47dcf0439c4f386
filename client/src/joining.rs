//! How a device becomes a member: it reads an invitation, asks, shows six digits, waits, and joins.

use crate::Error;
use crate::client::{Client, Opening};
use crate::sync::SyncOptions;
use crate::team::{POLL, WAIT, of_invitation, path_of, patiently};
use crate::workers::Turn;
use kitbag_core::engine::Invitation;
use kitbag_core::identity::Role;
use kitbag_core::model::TeamId;
use kitbag_core::net::HubClient;
use std::sync::Arc;
use tokio::time::{Instant, sleep};

/// A device that asked to join, and waits for the approval of whoever invited it. Dropping it ends the waiting; what the
/// inviter approved meanwhile is not lost to the programme, and a new invitation brings it in.
pub struct Joining {
    client: Client,
    hub: HubClient,
    invitation: Arc<Invitation>,
    code: String,
}

impl Joining {
    /// Opens the device's store, making it on first use, and asks to join by an invitation's text.
    ///
    /// # Errors
    /// [`Error::NotUsable`] where the text is no invitation, leads to a hub without encryption, to another programme or,
    /// of an enrolled device, to another hub than its own: nothing was changed.
    pub async fn ask(opening: Opening, text: &str) -> Result<Joining, Error> {
        let invitation: Invitation =
            text.trim().parse().map_err(|_| Error::NotUsable("not_an_invitation"))?;
        let opening = Opening { root: Some(invitation.root), ..opening };
        let client = Client::open(opening).await?;
        match Joining::by(&client, invitation).await {
            Ok(joining) => Ok(joining),
            Err(error) => {
                client.close().await;
                Err(error)
            }
        }
    }

    async fn by(client: &Client, invitation: Invitation) -> Result<Joining, Error> {
        let invitation = Arc::new(invitation);
        let of = Arc::clone(&invitation);
        let asked = client.write(Turn::Soon, move |engine| {
            let asked = engine.ask_to_join(&of)?;
            // An enrolled device asks its own hub, whatever an invitation names.
            let own = engine.hub()?.filter(|_| engine.is_enrolled());
            let is_other = own.as_ref().is_some_and(|own| own.at != of.hub.at);
            let hub = own.unwrap_or_else(|| of.hub.clone());
            Ok((asked, is_other, engine.client(&hub)))
        });
        let ((request, code), is_other, hub) = asked.await?;
        if is_other {
            return Err(Error::NotUsable("other_hub"));
        }
        let hub = hub.map_err(|_| Error::NotUsable("hub_address"))?;
        let path = path_of(&invitation, "/request");
        let asking =
            async { patiently(|| hub.post(&path, request.clone())).await.map_err(of_invitation) };
        client.until_shut(asking).await?;
        Ok(Joining { client: client.clone(), hub, invitation, code })
    }

    /// The six digits to show, large: whoever invited compares them.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What it may do there.
    pub fn role(&self) -> Role {
        self.invitation.role
    }

    /// The team that it is about.
    pub fn team(&self) -> TeamId {
        self.invitation.team
    }

    /// Waits until it is approved, ten minutes at most, joins, and syncs. An error of that sync does not undo the
    /// joining: the next one goes on.
    ///
    /// # Errors
    /// [`Error::NotUsable`] `invitation_used` where nobody approved it in time, or approved another device. Called again
    /// after another error, it goes on waiting.
    pub async fn approved(&self) -> Result<Client, Error> {
        let until = Instant::now() + WAIT;
        let path = path_of(&self.invitation, "/reply");
        let reply = loop {
            let asking = async { patiently(|| self.hub.get(&path)).await.map_err(of_invitation) };
            let answer = self.client.until_shut(asking).await?;
            if !answer.is_empty() {
                break answer;
            }
            if Instant::now() > until {
                return Err(Error::NotUsable("invitation_used"));
            }
            sleep(POLL).await;
        };
        let of = Arc::clone(&self.invitation);
        self.client.write(Turn::Soon, move |engine| engine.join_by(&of, &reply)).await?;
        _ = self.client.sync().start(SyncOptions::default()).ended().await;
        Ok(self.client.clone())
    }
}
