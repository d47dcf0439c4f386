//! Erasures: asked for by coordinators and authors, done by the root alone. An erasure is final.

use super::{Engine, EngineError};
use crate::log::payload::{Administration, NAMED_MAX};
use crate::model::{DeviceKey, RecordId, TeamId};
use std::collections::{BTreeMap, BTreeSet};

/// An erasure that was asked for and is not done.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let id = phone.record(team, &reversal()?)?;
/// phone.ask_erasure(team, &[id])?;
/// let asked: Vec<AskedErasure> = phone.asked_erasures()?;
/// assert_eq!((asked[0].record, asked[0].by.len()), (id, 1));
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedErasure {
    /// The record's team.
    pub team: TeamId,
    /// The record.
    pub record: RecordId,
    /// Who asks.
    pub by: Vec<DeviceKey>,
}

impl Engine {
    /// Asks the programme's root to erase records of a team. This has no effect of its own.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// phone.ask_erasure(team, &[id])?;
    /// assert!(phone.get(id).is_ok()); // until the root does it
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn ask_erasure(&mut self, team: TeamId, records: &[RecordId]) -> Result<(), EngineError> {
        for records in records.chunks(NAMED_MAX as usize) {
            self.administer(team, &Administration::AskErase { records: records.to_vec() })?;
        }
        Ok(())
    }

    /// The erasures that are asked for and not done, as far as this device knows: of its teams; on the
    /// root's device, of those that it looked into.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// assert!(phone.asked_erasures()?.is_empty());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn asked_erasures(&self) -> Result<Vec<AskedErasure>, EngineError> {
        let mut asked: BTreeMap<(TeamId, RecordId), BTreeSet<DeviceKey>> = BTreeMap::new();
        for one in self.store.asked_erasures()? {
            asked.entry((one.team, one.record)).or_default().insert(one.by);
        }
        let asked = asked.into_iter();
        Ok(asked
            .map(|((team, record), by)| AskedErasure { team, record, by: by.into_iter().collect() })
            .collect())
    }

    /// Erases records of a team, for good: their payloads go from every store that syncs. Backups, bundles
    /// and exports that were made before keep them.
    ///
    /// # Errors
    /// [`EngineError::NotTheRoot`] on any device but the root's.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// sync_with(&mut phone, &mut hub)?;
    /// root.erase(team, &[id])?;
    /// sync_with(&mut root, &mut hub)?;
    /// sync_with(&mut phone, &mut hub)?;
    /// assert!(matches!(phone.get(id), Err(EngineError::NoRecord)));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn erase(&mut self, team: TeamId, records: &[RecordId]) -> Result<(), EngineError> {
        if self.device_key() != self.root() {
            return Err(EngineError::NotTheRoot);
        }
        for records in records.chunks(NAMED_MAX as usize) {
            let erase = Administration::Erase { team, records: records.to_vec() };
            self.administer(TeamId::PROGRAMME, &erase)?;
        }
        self.forget_erased()
    }

    /// After an erasure reached this store: what the files beside it hold of it goes, too.
    pub(super) fn forget_erased(&mut self) -> Result<(), EngineError> {
        if !self.store.take_erased() {
            return Ok(());
        }
        let authority = self.store.authority();
        let teams: Vec<TeamId> = self.members.keys().copied().collect();
        let is_capture_only = self.store.is_capture_only()?;
        let is_erased = |record| {
            teams.iter().any(|team| authority.is_erased(*team, record))
                // What cannot be looked up is kept: it may be the only copy.
                || is_capture_only && self.store.is_dropped(record).unwrap_or(false)
        };
        let random = &mut self.environment.random;
        self.outbox.forget(&is_erased, &mut || {
            let mut nonce = [0; super::outbox::NONCE_BYTES];
            random(&mut nonce);
            nonce
        });
        let salvaged = self.salvage()?;
        let authority = self.store.authority();
        let is_erased = |record| teams.iter().any(|team| authority.is_erased(*team, record));
        let without: Vec<_> = salvaged
            .iter()
            .map(|run| run.without(&is_erased).unwrap_or_else(|| run.clone()))
            .collect();
        if without == salvaged { Ok(()) } else { self.keep_salvage(&without) }
    }
}
