//! What becomes of records that look like one event: linked, one by one or all at once, or kept apart.

use super::suspecting::{Suspected, Why};
use super::{Engine, EngineError};
use crate::log::verdict::Refusal;
use crate::model::{EntryId, Operation, RecordId};
use crate::store::StoreError;

impl Engine {
    /// Says of two records that look like one event that they are two: they are suspected no more, on every device.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where the other is none of this team and kind; [`StoreError::Refused`] where this device
    /// may not write both.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let (one, two) = (phone.record(team, &reversal()?)?, phone.record(team, &reversal()?)?);
    /// assert_eq!(phone.suspected_duplicates(0)?.len(), 1); // saved twice, it seems
    /// phone.keep_apart(two, one)?;
    /// assert!(phone.suspected_duplicates(0)?.is_empty());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn keep_apart(&mut self, id: RecordId, other: RecordId) -> Result<EntryId, EngineError> {
        self.store.ensure_open()?;
        let record = self.get(id)?;
        if let Some(fault) = self.fault_of_link((record.team, record.kind), Some(id), other)? {
            return Err(fault.named("distinct").into());
        }
        if !self.may_settle(id, other)? {
            return Err(StoreError::Refused(Refusal::Role).into());
        }
        self.change(id, vec![Operation::put(format!("distinct.{other}"), true)])
    }

    /// Whether two records are kept apart by a word that has effect: one that may write both wrote it.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let (one, two) = (phone.record(team, &reversal()?)?, phone.record(team, &reversal()?)?);
    /// assert!(!phone.is_kept_apart(one, two)?);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn is_kept_apart(&self, one: RecordId, other: RecordId) -> Result<bool, EngineError> {
        Ok(self.store.says_distinct(one, other)? || self.store.says_distinct(other, one)?)
    }

    /// Links all that are suspected by one reason, as far as this device may: each later record to the one that stays,
    /// which is the one that somebody changed, else the first. `progress` gets how many were linked so far. Returns how
    /// many were.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// phone.record(team, &reversal()?)?;
    /// assert_eq!(phone.link_suspected(Why::SavedTwice, |_| {})?, 1);
    /// assert!(phone.suspected_duplicates(0)?.is_empty());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn link_suspected(
        &mut self,
        why: Why,
        mut progress: impl FnMut(u64),
    ) -> Result<u64, EngineError> {
        let (mut linked, mut skip, mut before) = (0, 0, 0);
        loop {
            let page = self.suspected_duplicates(skip)?;
            if page.is_empty() && linked == before {
                return Ok(linked);
            }
            if page.is_empty() {
                // Of three alike two pairs are told: what the first link left is told now.
                (skip, before) = (0, linked);
                continue;
            }
            let (passed, so_far) = (page.len() as u64, linked);
            for pair in page.into_iter().filter(|pair| pair.why == why) {
                if self.link_pair(pair)? {
                    linked += 1;
                    progress(linked);
                }
            }
            // What was linked is suspected no more: those behind it move up.
            skip += passed.saturating_sub(linked - so_far);
        }
    }

    /// Links two records where both still count and this device may; returns whether it did.
    fn link_pair(&mut self, Suspected { one, other, .. }: Suspected) -> Result<bool, EngineError> {
        let counts = |engine: &Engine, id| -> Result<bool, EngineError> {
            let row = engine.store.row(id)?;
            Ok(row.is_some_and(|row| row.state == crate::store::State::Counted))
        };
        if !counts(self, one)? || !counts(self, other)? || !self.may_settle(one, other)? {
            return Ok(false);
        }
        let is_changed = |engine: &Engine, id| -> Result<bool, EngineError> {
            Ok(engine.get(id)?.history.len() > 1)
        };
        let (stays, goes) = match (is_changed(self, one)?, is_changed(self, other)?) {
            (false, true) => (other, one),
            _ => (one, other),
        };
        self.mark_duplicate(goes, stays)?;
        Ok(true)
    }

    /// Whether what this device writes in one record of the other has effect: it is a coordinator's of their team, or
    /// one person made both.
    fn may_settle(&self, one: RecordId, other: RecordId) -> Result<bool, EngineError> {
        let record = self.get(one)?;
        let Some(own) = self.membership(record.team) else { return Ok(false) };
        Ok(self.store.may_write_both((self.device_key(), own), one, other)?)
    }
}
