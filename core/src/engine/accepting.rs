//! What a hub keeps aside of a revoked device, looked at and accepted by a coordinator.

use super::{Engine, EngineError};
use crate::log::entry::{Entry, kind};
use crate::log::payload::{Administration, NAMED_MAX, Waived};
use crate::model::{EntryId, TeamId};
use crate::sync::{Message, SyncError};

/// A page of what a hub keeps aside of a certificate.
///
/// ```
/// # use kitbag_core::engine::Aside;
/// let nothing = Aside::default();
/// assert!(nothing.entries.is_empty() && nothing.last.is_none());
/// ```
#[derive(Debug, Default)]
pub struct Aside {
    /// Entries of records that bear the device's own signature and are not carried here.
    pub entries: Vec<Entry>,
    /// Certificates that it gave, which are carried no more than those.
    pub certificates: Vec<Entry>,
    /// The last entry of the page, behind which the next one is asked for; `None` where it is empty.
    pub last: Option<EntryId>,
}

impl Engine {
    /// Reads a page of what the hub keeps aside of a certificate of this team, `/v1/aside`. What the device
    /// did not sign is left out, so that nobody accepts what a hub made up.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let response = kitbag_core::sync::Message::default().encode(); // of a hub that keeps nothing
    /// let aside = coordinator.read_aside(team, kitbag_core::model::EntryId([7; 32]), &response)?;
    /// assert_eq!(aside.last, None);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn read_aside(
        &self,
        team: TeamId,
        certificate: EntryId,
        response: &[u8],
    ) -> Result<Aside, EngineError> {
        let message = Message::decode(response).map_err(SyncError::from)?;
        let authority = self.store.authority();
        let named = authority.members(team).find(|(id, _, _)| *id == certificate);
        let Some((_, key, _)) = named else { return Ok(Aside::default()) };
        let mut aside = Aside::default();
        for run in message.runs.iter().flatten() {
            let of_other = |info: &crate::log::chain::LogInfo| info.certificate != certificate;
            if self.store.chains().log(&run.log).is_some_and(of_other) {
                continue;
            }
            let Ok((entries, _)) = run.verify(Some(key)) else { continue };
            aside.last = entries.last().map(|last| last.id).or(aside.last);
            for entry in entries {
                match entry.header.kind {
                    _ if self.store.carries(&entry.id)? => {}
                    kind::CERTIFY => aside.certificates.push(entry),
                    of_kind if of_kind >= kind::RECORDS_FROM => aside.entries.push(entry),
                    _ => {}
                }
            }
        }
        Ok(aside)
    }

    /// Accepts entries of a team past a revocation, or behind an end: they count.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// coordinator.accept(team, &[kitbag_core::model::EntryId([7; 32])])?; // it counts as soon as it comes
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn accept(&mut self, team: TeamId, entries: &[EntryId]) -> Result<(), EngineError> {
        let certificate = self.members.get(&team).copied().unwrap_or(EntryId::NONE);
        if self.store.authority().may_bring(&certificate) < entries.len() as u64 {
            return Err(EngineError::AcceptedEnough);
        }
        for entries in entries.chunks(NAMED_MAX as usize) {
            let (waived, entries) = (Waived::Revoked, entries.to_vec());
            self.administer(team, &Administration::Accept { waived, entries })?;
        }
        Ok(())
    }
}
