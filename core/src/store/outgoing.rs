//! What goes out: tips with their signatures. The runs are in `paging`.

use super::{LogUse, Store, StoreError};
use crate::identity::SigningKey;
use crate::log::chain::LogInfo;
use crate::log::entry::{Tip, sign};
use crate::log::payload::KeptTip;
use crate::log::run::SignedTip;
use crate::model::{EntryId, LogId, RecordId, TeamId};
use std::collections::{BTreeMap, BTreeSet};

/// The most signatures that one message carries.
pub const SIGNED_TIPS_MAX: usize = 500;

/// How many certificates one log takes, so that what proves one always goes into a hub's letter box.
const CERTIFICATES_MAX: u64 = 2_000;
/// The most revocations of one log, for the same reason.
const REVOCATIONS_MAX: u64 = 100;
/// And a log of them takes no more once it holds so many bytes: one may name a thousand tips.
const REVOCATIONS_BYTES_MAX: u64 = 64 << 10;

/// For each log the tips that a store holds.
pub type Frontier = BTreeMap<LogId, Vec<Tip>>;

impl Store {
    /// The tips of all logs in these teams of which something is carried.
    pub fn clock(&self, teams: &[TeamId]) -> Frontier {
        self.offered(teams).map(|(log, _)| (*log, self.tips(log))).collect()
    }

    /// The clock of these teams as a message carries it: of so many tips at most, else without the logs that
    /// have the most, which come beside it. So a log that somebody forks without end keeps nobody from
    /// comparing the others.
    pub fn clock_to_show(&self, teams: &[TeamId], tips_max: usize) -> (Frontier, BTreeSet<LogId>) {
        let mut clock = self.clock(teams);
        let mut left_out = BTreeSet::new();
        let mut tips: usize = clock.values().map(Vec::len).sum();
        if tips > tips_max {
            // Of whom there is the most, in one log or in many, or in those of all whom one certified, is shown
            // last; but the root and coordinators whom nobody revoked, by whom all others stand, go before.
            let certificate = |log: &LogId| self.chains.log(log).map(|info| info.certificate);
            let certifier = |log: &LogId| {
                let of = certificate(log).and_then(|id| self.locate(&id).ok().flatten());
                of.and_then(|(of, _)| certificate(&of))
            };
            let mut of_certificate: BTreeMap<Option<EntryId>, usize> = BTreeMap::new();
            let mut of_certifier: BTreeMap<Option<EntryId>, usize> = BTreeMap::new();
            let certifiers: BTreeMap<LogId, Option<EntryId>> =
                clock.keys().map(|log| (*log, certifier(log))).collect();
            for (log, tips) in &clock {
                *of_certificate.entry(certificate(log)).or_default() += tips.len();
                let by = certifiers.get(log).copied().flatten();
                *of_certifier.entry(by).or_default() += tips.len();
            }
            let rank = |log: &LogId| {
                let certificate = certificate(log);
                let own = of_certificate.get(&certificate).copied().unwrap_or(0);
                let is_roots = certificate == Some(EntryId::NONE);
                let is_coordinators = self.authority.is_coordinators(log)
                    && !certificate.is_some_and(|id| self.authority.is_revoked(&id));
                if is_roots || is_coordinators {
                    return (false, own, own);
                }
                let by = certifiers.get(log).copied().flatten();
                (true, of_certifier.get(&by).copied().unwrap_or(0), own)
            };
            let mut by_tips: Vec<((bool, usize, usize), usize, LogId)> =
                clock.iter().map(|(log, tips)| (rank(log), tips.len(), *log)).collect();
            by_tips.sort_unstable();
            while let (true, Some((_, of_log, log))) = (tips > tips_max, by_tips.pop()) {
                clock.remove(&log);
                left_out.insert(log);
                tips -= of_log;
            }
        }
        (clock, left_out)
    }

    /// The signatures of what a store with this clock lacks: of each tip held, and those heard of what is
    /// not. At most [`SIGNED_TIPS_MAX`], so that a message stays bounded.
    pub fn signed_tips_lacked(
        &self,
        teams: &[TeamId],
        theirs: &Frontier,
        own: Option<&SigningKey>,
    ) -> Result<Vec<SignedTip>, StoreError> {
        let heard = self.heard()?;
        self.signed_tips_of(teams, theirs, own, heard)
    }

    /// The signatures that a hub with this clock is not known to have, at most so many: of each tip beyond
    /// it, and those heard since both last agreed. Where not all fit, with the number up to which those
    /// heard are told.
    pub fn signed_tips_to_tell(
        &self,
        teams: &[TeamId],
        theirs: &Frontier,
        own: &SigningKey,
        most: usize,
    ) -> Result<(Vec<SignedTip>, Option<i64>), StoreError> {
        let most = most.min(SIGNED_TIPS_MAX);
        let mut signed = self.signed_tips_of(teams, theirs, Some(own), Vec::new())?;
        signed.truncate(most);
        let mut told = self.told()?;
        for (number, one) in self.numbered_after(told)? {
            if teams.contains(&one.open.team) {
                if signed.len() == most {
                    return Ok((signed, Some(told)));
                }
                signed.push(one);
            }
            told = number;
        }
        Ok((signed, None))
    }

    fn signed_tips_of(
        &self,
        teams: &[TeamId],
        theirs: &Frontier,
        own: Option<&SigningKey>,
        heard: Vec<SignedTip>,
    ) -> Result<Vec<SignedTip>, StoreError> {
        let theirs: BTreeMap<&LogId, BTreeSet<&Tip>> =
            theirs.iter().map(|(log, tips)| (log, tips.iter().collect())).collect();
        let lacks = |log: &LogId, tip: &Tip| theirs.get(log).is_none_or(|tips| !tips.contains(tip));
        let mut signed = Vec::new();
        for (log, info) in self.offered(teams) {
            let Some(held) = self.logs.get(log) else { continue };
            let tips = self.tips(log).into_iter().filter(|tip| !tip.is_alone());
            for tip in tips.filter(|tip| lacks(log, tip)) {
                if let Some(signature) = self.signature_of(*log, info, tip, own)? {
                    signed.push(SignedTip { log: *log, open: held.open.clone(), tip, signature });
                }
            }
        }
        signed.extend(
            heard
                .into_iter()
                .filter(|one| teams.contains(&one.open.team) && lacks(&one.log, &one.tip)),
        );
        // Our own first: nobody else may know of them.
        signed.sort_by_key(|one| own.is_none_or(|key| key.device_key() != one.open.key));
        signed.truncate(SIGNED_TIPS_MAX);
        Ok(signed)
    }

    fn signature_of(
        &self,
        log: LogId,
        info: &LogInfo,
        tip: Tip,
        own: Option<&SigningKey>,
    ) -> Result<Option<[u8; 64]>, StoreError> {
        if let Some(key) = own.filter(|key| key.device_key() == info.key) {
            return Ok(Some(sign(key, log, tip)));
        }
        let mut statement =
            self.sql()?.prepare_cached("SELECT signature FROM entry WHERE id = ?1")?;
        let mut rows = statement.query([tip.id.0])?;
        let signature: Option<[u8; 64]> = match rows.next()? {
            Some(row) => row.get(0)?,
            None => None,
        };
        Ok(signature.or_else(|| self.kept_signature(info.key, log, tip)))
    }

    /// What a revocation of a certificate keeps: every tip carried of its logs, with its signature; log by log,
    /// the one held longest first.
    pub fn tips_to_keep(&self, certificate: EntryId) -> Result<Vec<KeptTip>, StoreError> {
        let logs = self.chains.iter().filter(|(_, info)| info.certificate == certificate);
        let mut logs: Vec<_> = logs.collect();
        logs.sort_by_key(|(log, _)| self.logs.get(log).map(|held| held.number));
        let mut kept = Vec::new();
        for (log, info) in logs {
            for tip in self.tips(log).into_iter().filter(|tip| !tip.is_alone()) {
                if let Some(signature) = self.signature_of(*log, info, tip, None)? {
                    kept.push(KeptTip { log: *log, tip, signature });
                }
            }
        }
        Ok(kept)
    }

    fn bytes_of(&self, log: &LogId) -> Result<u64, StoreError> {
        let number = self.logs.get(log).map(|log| log.number);
        let mut statement = self.sql()?.prepare_cached(
            "SELECT coalesce(sum(length(payload)), 0) FROM entry WHERE log = ?1 AND branch >= 0",
        )?;
        Ok(statement.query_row([number], |row| row.get::<_, i64>(0))? as u64)
    }

    /// Our own log of this use, under this certificate, that still takes entries, with its tip: one that
    /// did not fork or end, and in which this record can be changed so often more as one path may.
    pub fn own_log(
        &self,
        team: TeamId,
        certificate: EntryId,
        log_use: LogUse,
        of_record: Option<(RecordId, u64)>,
    ) -> Result<Option<(LogId, Tip)>, StoreError> {
        let mut statement =
            self.sql()?.prepare_cached("SELECT id FROM log WHERE own = ?1 ORDER BY number DESC")?;
        let rows = statement.query_map([log_use.number()], |row| row.get::<_, [u8; 16]>(0))?;
        for id in rows {
            let id = LogId(id?);
            let info = self.chains.log(&id).filter(|info| {
                info.team == team && info.certificate == certificate && info.branches.len() == 1
            });
            let Some(branch) = info.and_then(|info| info.branches.first()) else { continue };
            let most = match log_use {
                LogUse::Certificates => CERTIFICATES_MAX,
                LogUse::Revocations => REVOCATIONS_MAX,
                _ => u64::MAX,
            };
            let is_full = branch.tip.position >= most
                || log_use == LogUse::Revocations && self.bytes_of(&id)? > REVOCATIONS_BYTES_MAX;
            if is_full || branch.end.is_some() || !self.takes_more(&id, branch.tip, of_record)? {
                continue;
            }
            return Ok(Some((id, branch.tip)));
        }
        Ok(None)
    }
}
