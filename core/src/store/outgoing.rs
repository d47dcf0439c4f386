//! What goes out: tips with their seals. The runs are in `paging`.

use super::{LogUse, Store, StoreError};
use crate::identity::SigningKey;
use crate::log::chain::LogInfo;
use crate::log::entry::{Tip, seal};
use crate::log::run::SealedTip;
use crate::model::{EntryId, LogId, TeamId};
use std::collections::{BTreeMap, BTreeSet};

/// The most seals that one message carries.
pub const SEALS_MAX: usize = 500;

/// For each log the tips that a store holds.
pub type Clock = BTreeMap<LogId, Vec<Tip>>;

impl Store {
    /// The tips of all logs in these teams whose author has a certificate.
    pub fn clock(&self, teams: &[TeamId]) -> Clock {
        self.offered(teams).map(|(log, info)| (*log, info.tips())).collect()
    }

    pub(super) fn offered(&self, teams: &[TeamId]) -> impl Iterator<Item = (&LogId, &LogInfo)> {
        self.chains
            .iter()
            .filter(|(log, info)| teams.contains(&info.team) && self.authority.is_named(log))
    }

    /// The seals of what a store with this clock lacks: of each tip held, and those heard of what is
    /// not. At most [`SEALS_MAX`], so that a message stays bounded.
    pub fn seals_lacked(
        &self,
        teams: &[TeamId],
        theirs: &Clock,
        own: Option<&SigningKey>,
    ) -> Result<Vec<SealedTip>, StoreError> {
        let heard = self.heard()?;
        self.seals_of(teams, theirs, own, heard)
    }

    /// The seals that a hub with this clock is not known to have, at most so many: of each tip beyond
    /// it, and those heard since both last agreed. Where not all fit, with the number up to which those
    /// heard are told.
    pub fn seals_to_tell(
        &self,
        teams: &[TeamId],
        theirs: &Clock,
        own: &SigningKey,
        most: usize,
    ) -> Result<(Vec<SealedTip>, Option<i64>), StoreError> {
        let most = most.min(SEALS_MAX);
        let mut sealed = self.seals_of(teams, theirs, Some(own), Vec::new())?;
        sealed.truncate(most);
        let mut told = self.told()?;
        for (number, seal) in self.numbered_after(told)? {
            if teams.contains(&seal.open.team) {
                if sealed.len() == most {
                    return Ok((sealed, Some(told)));
                }
                sealed.push(seal);
            }
            told = number;
        }
        Ok((sealed, None))
    }

    fn seals_of(
        &self,
        teams: &[TeamId],
        theirs: &Clock,
        own: Option<&SigningKey>,
        heard: Vec<SealedTip>,
    ) -> Result<Vec<SealedTip>, StoreError> {
        let theirs: BTreeMap<&LogId, BTreeSet<&Tip>> =
            theirs.iter().map(|(log, tips)| (log, tips.iter().collect())).collect();
        let lacks = |log: &LogId, tip: &Tip| theirs.get(log).is_none_or(|tips| !tips.contains(tip));
        let mut sealed = Vec::new();
        for (log, info) in self.offered(teams) {
            let Some(held) = self.logs.get(log) else { continue };
            for tip in info.tips().into_iter().filter(|tip| lacks(log, tip)) {
                if let Some(seal) = self.seal_of(*log, info, tip, own)? {
                    sealed.push(SealedTip { log: *log, open: held.open.clone(), tip, seal });
                }
            }
        }
        sealed.extend(
            heard
                .into_iter()
                .filter(|seal| teams.contains(&seal.open.team) && lacks(&seal.log, &seal.tip)),
        );
        // Our own first: nobody else may know of them.
        sealed.sort_by_key(|seal| own.is_none_or(|key| key.device_key() != seal.open.key));
        sealed.truncate(SEALS_MAX);
        Ok(sealed)
    }

    fn seal_of(
        &self,
        log: LogId,
        info: &LogInfo,
        tip: Tip,
        own: Option<&SigningKey>,
    ) -> Result<Option<[u8; 64]>, StoreError> {
        if let Some(key) = own.filter(|key| key.device_key() == info.key) {
            return Ok(Some(seal(key, log, tip)));
        }
        let mut statement = self.sql()?.prepare_cached("SELECT seal FROM entry WHERE id = ?1")?;
        let mut rows = statement.query([tip.id.0])?;
        match rows.next()? {
            Some(row) => Ok(row.get(0)?),
            None => Ok(None),
        }
    }

    /// Our own log of this use, under this certificate, that still takes entries, with its tip.
    pub fn own_log(
        &self,
        team: TeamId,
        certificate: EntryId,
        log_use: LogUse,
    ) -> Result<Option<(LogId, Tip)>, StoreError> {
        let mut statement =
            self.sql()?.prepare_cached("SELECT id FROM log WHERE own = ?1 ORDER BY number DESC")?;
        let rows = statement.query_map([log_use.number()], |row| row.get::<_, [u8; 16]>(0))?;
        for id in rows {
            let id = LogId(id?);
            let info = self.chains.log(&id).filter(|info| {
                info.team == team && info.certificate == certificate && info.branches.len() == 1
            });
            if let Some(info) = info {
                return Ok(info.tips().first().map(|tip| (id, *tip)));
            }
        }
        Ok(None)
    }
}
