//! A device that is there to capture only: what the hub has can no longer be read on it (ADR 26).

use super::writing::FRESH_MS;
use super::{Engine, EngineError};
use crate::identity::Role;
use crate::sync::Agreement;

impl Engine {
    /// From now on, and for good, what the hub has of this device's records cannot be read here: a lost or taken phone
    /// shows only what waits. Headers stay, so that its log goes on; no colleague's records come in; corrections are made
    /// elsewhere. Should the hub be put back to an older copy, it lacks what was dropped here until another device that
    /// has it syncs. Called again, it drops what the hub has since; what was written within the last twenty seconds stays for
    /// so long, to be undone. Returns of how many records the contents were dropped.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// assert_eq!(phone.capture_only()?, 0); // it waits: it is all that there is
    /// sync_with(&mut phone, &mut hub)?;
    /// phone.capture_only()?; // again, some twenty seconds later
    /// # drop(phone);
    /// # let mut phone = Engine::open(&folder.path().join("phone.db"), &key, Environment::system())?;
    /// # phone.capture_only()?;
    /// assert!(phone.search(&Search::default())?.rows.is_empty());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn capture_only(&mut self) -> Result<u64, EngineError> {
        if self.store.will_capture_only()? {
            return Ok(0);
        }
        if !self.is_only_worker() {
            return Err(EngineError::NotAWorker);
        }
        if !self.store.is_capture_only()? {
            self.store.begin_capture_only()?;
            // A store that takes the place of a damaged one goes on so.
            self.note_identity();
        }
        self.drop_acknowledged()
    }

    /// Whether it is there to capture only.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// assert!(!phone.is_capture_only()?);
    /// phone.capture_only()?;
    /// assert!(phone.is_capture_only()?);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn is_capture_only(&self) -> Result<bool, EngineError> {
        Ok(self.store.is_capture_only()? || self.store.will_capture_only()?)
    }

    /// After a sync: drops what the hub has now, where this device or the programme wants it so.
    pub(super) fn capture_only_as_asked(
        &mut self,
        agreed: Option<&Agreement>,
    ) -> Result<(), EngineError> {
        let is_whole = matches!(agreed, Some(Agreement::Whole | Agreement::CaughtUp));
        if is_whole && self.store.will_capture_only()? && self.is_only_worker() {
            self.store.begin_capture_only()?;
        }
        if self.store.is_capture_only()? {
            self.drop_acknowledged()?;
        } else if self.is_only_worker() && self.packs()?.iter().any(|pack| pack.capture_only) {
            self.capture_only()?;
        }
        Ok(())
    }

    /// Whether nobody relies on what is here: coordinators and the root read what others write, observers the totals.
    fn is_only_worker(&self) -> bool {
        let mut roles = self.members.keys().map(|team| self.role(*team));
        self.device_key() != self.root() && roles.all(|role| role == Some(Role::Worker))
    }

    fn drop_acknowledged(&mut self) -> Result<u64, EngineError> {
        let now = (self.environment.now)();
        self.fresh.retain(|(_, at)| now.0.abs_diff(at.0) < FRESH_MS);
        let spared = self.fresh.iter().map(|(record, _)| *record).collect();
        let dropped = self.store.drop_acknowledged(&spared)?;
        self.forget_erased()?;
        Ok(dropped)
    }
}
