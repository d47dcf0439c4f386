//! What is known to exist and is not here: by seals heard, and by tips that a revocation keeps.

use super::Setting;
use super::{Store, StoreError};
use crate::identity::Role;
use crate::log::Carriage;
use crate::log::authority::Claimed;
use crate::log::run::SealedTip;
use crate::model::{DeviceKey, EntryId, LogId, TeamId};
use crate::totals::KnownMissing;
use std::collections::BTreeMap;

/// One device of which entries are known to exist and are not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingFrom {
    /// The device.
    pub device: DeviceKey,
    /// How many of its entries, at most [`CLAIMED_MAX`] for each of its certificates.
    pub entries: u64,
    /// Whether it claims more than that: a clock or a counter that is wrong, or a lie.
    pub is_doubtful: bool,
}

/// What one certificate claims beyond what is held, over all its logs, counts as this many entries at
/// most, and is doubtful beyond: an honest device is not so far ahead of what anybody holds of it.
pub const CLAIMED_MAX: u64 = 1_000;
/// The most logs of one certificate that seals are kept of.
const HEARD_PER_CERTIFICATE_MAX: i64 = 100;

impl Store {
    /// Whether a tip is not held with a signature, so that this one may tell something. One that names an
    /// entry of another log, or at another position, tells nothing: it would stand for that entry's own.
    pub fn lacks_seal(&self, sealed: &SealedTip) -> Result<bool, StoreError> {
        let Some((log, place)) = self.locate(&sealed.tip.id)? else { return Ok(true) };
        let is_of_it = log == sealed.log && place.position == sealed.tip.position;
        Ok(is_of_it && !place.is_alone() && !self.has_seal(sealed.tip.id)?)
    }

    /// Keeps the highest seal heard of a log whose tip is not held; its signature was looked at. A seal
    /// under a certificate that does not stand here is not kept: it would let anybody claim entries. Nor is
    /// one past what a revocation keeps, or past the log's end. It comes again.
    pub(super) fn hear(&mut self, sealed: &SealedTip) -> Result<(), StoreError> {
        let open = &sealed.open;
        let root = self.root;
        let is_certified =
            || self.authority.author(&open.certificate, open.key, open.team, root).is_some();
        let is_possible = i64::try_from(sealed.tip.position).is_ok()
            && sealed.tip.position > 0
            && sealed.tip.position <= self.claim_max(&sealed.log, &open.certificate);
        if !self.holds_team(open.team)
            || !is_certified()
            || !is_possible
            || !self.lacks_seal(sealed)?
        {
            return Ok(());
        }
        let held = self.locate(&sealed.tip.id)?;
        if held.is_none() && self.is_full(sealed)? {
            return Ok(());
        }
        if held.is_some() {
            // Now it can be handed on up to here.
            self.sql()?
                .prepare_cached("UPDATE entry SET seal = ?2 WHERE id = ?1 AND seal IS NULL")?
                .execute((sealed.tip.id.0, sealed.seal))?;
            return Ok(());
        }
        let bytes = crate::model::cbor::encode(|encoder| sealed.write(encoder));
        let position = sealed.tip.position as i64;
        let number = self.last_heard()? + 1;
        let heard = self
            .sql()?
            .prepare_cached(
                "INSERT INTO heard (log, certificate, position, entry, sealed, number)
                 VALUES (?1, ?6, ?2, ?3, ?4, ?5)
                 ON CONFLICT (log) DO UPDATE SET position = ?2, entry = ?3, sealed = ?4, number = ?5
                 WHERE (position, entry) < (?2, ?3)",
            )?
            .execute((
                sealed.log.0,
                position,
                sealed.tip.id.0,
                bytes,
                number,
                open.certificate.0,
            ))?;
        if heard > 0 {
            self.put_setting(&Setting::Heard, &number.to_be_bytes())?;
        }
        self.close_own_log(&sealed.log)
    }

    /// How far a log may be said to reach.
    fn claim_max(&self, log: &LogId, certificate: &EntryId) -> u64 {
        // Whose certificate fell since is not heard, and an observer writes nothing.
        match self.authority.role(certificate) {
            None if *certificate != EntryId::NONE => return 0,
            Some(Role::Observer) => return 0,
            _ => {}
        }
        if let Some((info, standing)) = self.standing(log) {
            return Carriage::claim_max(info, &standing.cuts);
        }
        let is_revoked = self.authority.is_revoked(certificate);
        if !is_revoked || crate::planted!(ClaimPastRevocation) {
            return u64::MAX;
        }
        let kept = self.authority.kept_of(certificate, log).into_iter().flatten();
        kept.map(|tip| tip.position).max().unwrap_or(0)
    }

    fn has_seal(&self, id: EntryId) -> Result<bool, StoreError> {
        let mut statement =
            self.sql()?.prepare_cached("SELECT seal IS NOT NULL FROM entry WHERE id = ?1")?;
        Ok(statement.query_row([id.0], |row| row.get(0))?)
    }

    /// Whether seals of as many logs are kept as are of one certificate, and none of this one.
    fn is_full(&self, sealed: &SealedTip) -> Result<bool, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT count(*), coalesce(max(log = ?2), 0) FROM heard WHERE certificate = ?1",
        )?;
        let (logs, is_known): (i64, bool) = statement
            .query_row((sealed.open.certificate.0, sealed.log.0), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        Ok(logs >= HEARD_PER_CERTIFICATE_MAX && !is_known)
    }

    /// The number of the last seal that was heard. It never falls: the counter is kept apart from the
    /// seals, which go once their entries come.
    pub(super) fn last_heard(&self) -> Result<i64, StoreError> {
        let bytes = self.setting(&Setting::Heard)?.and_then(|bytes| bytes.try_into().ok());
        Ok(bytes.map_or(0, i64::from_be_bytes))
    }

    /// Seals heard of entries that are not held.
    pub(super) fn heard(&self) -> Result<Vec<SealedTip>, StoreError> {
        self.heard_after(-1)
    }

    /// Seals heard after this number.
    pub(super) fn heard_after(&self, number: i64) -> Result<Vec<SealedTip>, StoreError> {
        Ok(self.numbered_after(number)?.into_iter().map(|(_, seal)| seal).collect())
    }

    /// Seals heard after this number, in the order in which they were, each with its number.
    pub(super) fn numbered_after(&self, number: i64) -> Result<Vec<(i64, SealedTip)>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT number, sealed FROM heard WHERE number > ?1 ORDER BY number, log",
        )?;
        let rows =
            statement.query_map([number], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        rows.map(|row| {
            let (number, bytes) = row?;
            let seal = SealedTip::read(&mut minicbor::Decoder::new(&bytes));
            Ok((number, seal.map_err(|_| StoreError::Damaged("a seal heard"))?))
        })
        .collect()
    }

    /// Each device of which entries are known missing, with how many, by device; of one team, or of
    /// all that the store holds.
    pub fn missing_by_device(&self, team: Option<TeamId>) -> Result<Vec<MissingFrom>, StoreError> {
        let asked = |of: TeamId| {
            self.holds_team(of) && team.is_none_or(|team| team == of || of == TeamId::PROGRAMME)
        };
        let heard = self.heard()?.into_iter().filter(|seal| asked(seal.open.team));
        let heard = heard.map(|seal| {
            let claimed = Claimed {
                log: seal.log,
                certificate: seal.open.certificate,
                position: seal.tip.position,
            };
            (seal.open.key, seal.open.team, claimed)
        });
        let kept = self.authority.awaited_tips.values().filter(|awaited| asked(awaited.team));
        let kept = kept.map(|awaited| (awaited.device, awaited.team, awaited.claimed));
        let mut reaches: BTreeMap<LogId, (DeviceKey, EntryId, u64)> = BTreeMap::new();
        let claims: Vec<(DeviceKey, TeamId, Claimed)> = heard.chain(kept).collect();
        let set_aside = match claims.is_empty() {
            true => BTreeMap::new(),
            false => self.set_aside()?,
        };
        for (device, of, claimed) in claims {
            // What was heard before a revocation, or an end, or was set aside, counts no longer: below a kept
            // tip that tip itself tells what is missing.
            let position = claimed.position;
            if position > self.claim_max(&claimed.log, &claimed.certificate) {
                continue;
            }
            let aside = set_aside.get(&(of, claimed.log)).copied().unwrap_or(0);
            if position <= aside {
                continue;
            }
            let new = (device, claimed.certificate, position);
            let reach = reaches.entry(claimed.log).or_insert(new);
            reach.2 = reach.2.max(position);
        }
        let mut certificates: BTreeMap<(DeviceKey, EntryId), u64> = BTreeMap::new();
        for (log, (device, certificate, position)) in reaches {
            let held = self.tips(&log).last().map_or(0, |tip| tip.position);
            // At least the tip itself is missing, on a branch that may be shorter than another.
            let entries = position.saturating_sub(held).max(1);
            let of_certificate = certificates.entry((device, certificate)).or_default();
            *of_certificate = of_certificate.saturating_add(entries);
        }
        let mut devices: BTreeMap<DeviceKey, MissingFrom> = BTreeMap::new();
        for ((device, _), claimed) in certificates {
            let nothing = MissingFrom { device, entries: 0, is_doubtful: false };
            let from = devices.entry(device).or_insert(nothing);
            from.entries = from.entries.saturating_add(claimed.min(CLAIMED_MAX));
            from.is_doubtful |= claimed > CLAIMED_MAX;
        }
        Ok(devices.into_values().collect())
    }

    /// The logs of a device that are said to reach further than they are held, with how far.
    pub fn claims_of(&self, device: DeviceKey) -> Result<Vec<(TeamId, LogId, u64)>, StoreError> {
        let heard = self.heard()?.into_iter().filter(|seal| seal.open.key == device);
        let heard = heard.map(|seal| (seal.open.team, seal.log, seal.tip.position));
        let kept = self.authority.awaited_tips.values().filter(|kept| kept.device == device);
        let kept = kept.map(|kept| (kept.team, kept.claimed.log, kept.claimed.position));
        Ok(heard.chain(kept).collect())
    }

    /// What is known to exist and is not here, in sum.
    pub fn known_missing(&self, team: Option<TeamId>) -> Result<KnownMissing, StoreError> {
        let missing = self.missing_by_device(team)?;
        Ok(KnownMissing {
            entries: missing.iter().fold(0, |sum: u64, from| sum.saturating_add(from.entries)),
            devices: missing.len() as u64,
            is_doubtful: missing.iter().any(|from| from.is_doubtful),
        })
    }
}
