//! What becomes of a device that is lost, and of what it wrote: revoked, accepted, set aside, erased.

use crate::Error;
use crate::team::{Member, Team};
use crate::workers::Turn;
use kitbag_core::engine::{Engine, EngineError};
use kitbag_core::identity::Role;
use kitbag_core::log::entry::Entry;
use kitbag_core::log::payload::Administration;
use kitbag_core::model::{DeviceKey, EntryId, RecordId, TeamId};
use kitbag_core::sync::SyncFault;
use std::collections::BTreeSet;

/// How a revocation went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Why the sync before it did not come to its end: what the hub holds of the device and this one does not counts
    /// nowhere until it is accepted.
    pub before: Option<Error>,
    /// Why the sync after it did not: nobody knows of it yet but this device.
    pub after: Option<Error>,
}

/// What the hub keeps aside of a revoked device.
#[derive(Clone, Debug, Default)]
pub struct Aside {
    /// Entries of records.
    pub entries: Vec<Entry>,
    /// Certificates that the device gave.
    pub certificates: Vec<Entry>,
}

/// An erasure that was asked for and is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The record's team.
    pub team: TeamId,
    /// The record.
    pub record: RecordId,
    /// Who asks.
    pub by: Vec<DeviceKey>,
    /// Whether a coordinator is among them.
    pub is_by_coordinator: bool,
    /// Whether the record is here.
    pub is_here: bool,
}

impl Team<'_> {
    /// Revokes a certificate. Syncs before, as what the hub holds of the device stands, and after, so that others know.
    ///
    /// # Errors
    /// Where the sync before did not come to its end, that one's, and nothing is revoked; but for the root, and where
    /// somebody keeps the hub from handing on its logs: who could keep a sync from ending would never be revoked.
    pub async fn revoke(&self, team: TeamId, certificate: EntryId) -> Result<Revoked, Error> {
        let own = self.0.programme().own().await?;
        if own.is_root() {
            self.0.programme().look_into(team).await?;
        }
        let before = self.synced().await;
        match &before {
            Some(error) if !own.is_root() && *error != Error::Sync(SyncFault::Stuck) => {
                return Err(error.clone());
            }
            _ => {}
        }
        let revoke = move |engine: &mut Engine| {
            let revoked = engine.revoke(team, certificate);
            Ok((revoked, engine.store().authority().is_revoked(&certificate)))
        };
        match (self.0.write(Turn::Soon, revoke).await?, &before) {
            ((Err(EngineError::MayNotRevoke), _), Some(error)) => return Err(error.clone()),
            ((Err(error), _), _) => return Err(error.into()),
            ((Ok(_), false), _) => return Err(Error::NotAllowed("may_not_revoke")),
            ((Ok(_), true), _) => {}
        }
        Ok(Revoked { before, after: self.synced().await })
    }

    /// What the hub keeps aside of a revoked device, counting nowhere.
    pub async fn aside(&self, team: TeamId, certificate: EntryId) -> Result<Aside, Error> {
        let client = self.0.hub_client().await?;
        let (mut aside, mut seen) = (Aside::default(), BTreeSet::new());
        let first = format!("/v1/aside?certificate={certificate}");
        let mut path = first.clone();
        loop {
            let response = self.0.until_shut(client.get(&path)).await?;
            let read = move |engine: &Engine| engine.read_aside(team, certificate, &response);
            let page = self.0.read(read).await?;
            // A hub that shows the same page again ends it, too.
            let Some(last) = page.last.filter(|last| seen.insert(*last)) else { return Ok(aside) };
            aside.entries.extend(page.entries);
            aside.certificates.extend(page.certificates);
            path = format!("{first}&after={last}");
        }
    }

    /// Accepts entries that are aside: they count from now on. Syncs, so that others know.
    pub async fn accept(&self, team: TeamId, entries: Vec<EntryId>) -> Result<(), Error> {
        self.0.write(Turn::Soon, move |engine| engine.accept(team, &entries)).await?;
        self.sync().await
    }

    /// Says that what a device claims beyond what is held is not awaited any more; returns of how many claims. What
    /// arrives of them counts as ever.
    pub async fn set_aside(&self, team: TeamId, device: DeviceKey) -> Result<u64, Error> {
        self.sync().await?;
        let set_aside = move |engine: &mut Engine| {
            let claims = engine.store().claims_of(device)?;
            let mut count = 0;
            for (_, log, position) in claims.into_iter().filter(|(of, _, _)| *of == team) {
                engine.administer(team, &Administration::SetAside { log, position })?;
                count += 1;
            }
            Ok(count)
        };
        match self.0.write(Turn::Soon, set_aside).await? {
            0 => Err(Error::NotFound("claim")),
            count => self.sync().await.map(|()| count),
        }
    }

    /// Asks the programme's root to erase records: nothing is erased by it.
    pub async fn ask_erasure(&self, team: TeamId, records: Vec<RecordId>) -> Result<(), Error> {
        self.0.write(Turn::Soon, move |engine| engine.ask_erasure(team, &records)).await
    }

    /// What is asked to be erased and is not: what coordinators ask for first, then what is here, so that who asks for
    /// what there is not hides nothing.
    pub async fn asked_erasures(&self) -> Result<Vec<Asked>, Error> {
        let asked = self.0.read(|engine| {
            let authority = engine.store().authority();
            let all = engine.asked_erasures()?.into_iter().map(|one| {
                let mut members = authority.members(one.team);
                let is_by_coordinator = members
                    .any(|(_, key, role)| role == Role::Coordinator && one.by.contains(&key));
                let is_here = engine.store().row(one.record)?.is_some();
                let (team, record, by) = (one.team, one.record, one.by);
                Ok(Asked { team, record, by, is_by_coordinator, is_here })
            });
            let mut all = all.collect::<Result<Vec<_>, EngineError>>()?;
            all.sort_by_key(|one| (!one.is_by_coordinator, !one.is_here));
            Ok(all)
        });
        asked.await
    }

    /// The records of a team that are erased for good, as far as this device knows.
    pub async fn erased(&self, team: TeamId) -> Result<Vec<RecordId>, Error> {
        self.0.read(move |engine| Ok(engine.store().authority().erased(team).collect())).await
    }

    /// The certificates of a team that may be meant: those whose devices are called so, and those whose id or device's key
    /// begins so; where there is none, those whose devices' names begin so. A device is called what whoever holds it says,
    /// so of several none goes before another.
    ///
    /// # Errors
    /// `certificate` where none is meant.
    pub async fn certificates_named(
        &self,
        team: TeamId,
        named: &str,
    ) -> Result<Vec<Member>, Error> {
        let folded = named.trim().to_lowercase();
        if folded.is_empty() {
            return Err(Error::NotFound("certificate"));
        }
        let members = self.members(team).await?;
        let label = |member: &Member| member.label.as_ref().map(|label| label.to_lowercase());
        let is_meant = |member: &&Member| {
            label(member).as_ref() == Some(&folded)
                || member.certificate.to_string().starts_with(&folded)
                || member.device.to_string().starts_with(&folded)
        };
        let meant: Vec<Member> = members.iter().filter(is_meant).cloned().collect();
        if !meant.is_empty() {
            return Ok(meant);
        }
        let begins = |member: &&Member| label(member).is_some_and(|one| one.starts_with(&folded));
        let meant: Vec<Member> = members.iter().filter(begins).cloned().collect();
        if meant.is_empty() { Err(Error::NotFound("certificate")) } else { Ok(meant) }
    }

    /// Syncs; the error of one that did not end whole.
    async fn synced(&self) -> Option<Error> {
        self.0.sync().anew().await.err()
    }
}
