//! What is known to exist and is not here: by signatures heard, and by tips that a revocation keeps.

use super::Setting;
use super::{Store, StoreError};
use crate::identity::Role;
use crate::log::Carriage;
use crate::log::authority::Claimed;
use crate::log::run::SignedTip;
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
/// The most logs of one certificate that signatures are kept of.
const HEARD_PER_CERTIFICATE_MAX: i64 = 100;

impl Store {
    /// Whether a tip is not held with a signature, so that this one may tell something. One that names an
    /// entry of another log, or at another position, tells nothing: it would stand for that entry's own.
    pub fn lacks_signature(&self, signed: &SignedTip) -> Result<bool, StoreError> {
        let Some((log, place)) = self.locate(&signed.tip.id)? else { return Ok(true) };
        let is_of_it = log == signed.log && place.position == signed.tip.position;
        Ok(is_of_it && !place.is_alone() && !self.has_signature(signed.tip.id)?)
    }

    /// Keeps the highest signature heard of a log whose tip is not held; its signature was looked at. A signature
    /// under a certificate that does not stand here is not kept: it would let anybody claim entries. Nor is
    /// one past what a revocation keeps, or past the log's end. It comes again.
    pub(super) fn hear(&mut self, signed: &SignedTip) -> Result<(), StoreError> {
        let open = &signed.open;
        let root = self.root;
        let is_certified =
            || self.authority.author(&open.certificate, open.key, open.team, root).is_some();
        let is_possible = i64::try_from(signed.tip.position).is_ok()
            && signed.tip.position > 0
            && signed.tip.position <= self.claim_max(&signed.log, &open.certificate);
        if !self.holds_team(open.team)
            || !is_certified()
            || !is_possible
            || !self.lacks_signature(signed)?
        {
            return Ok(());
        }
        let held = self.locate(&signed.tip.id)?;
        if held.is_none() && self.is_full(signed)? {
            return Ok(());
        }
        if held.is_some() {
            // Now it can be handed on up to here.
            self.sql()?
                .prepare_cached(
                    "UPDATE entry SET signature = ?2 WHERE id = ?1 AND signature IS NULL",
                )?
                .execute((signed.tip.id.0, signed.signature))?;
            return Ok(());
        }
        let bytes = crate::model::cbor::encode(|encoder| signed.write(encoder));
        let position = signed.tip.position as i64;
        let number = self.last_heard()? + 1;
        let heard = self
            .sql()?
            .prepare_cached(
                "INSERT INTO heard (log, certificate, position, entry, signed, number)
                 VALUES (?1, ?6, ?2, ?3, ?4, ?5)
                 ON CONFLICT (log) DO UPDATE SET position = ?2, entry = ?3, signed = ?4, number = ?5
                 WHERE (position, entry) < (?2, ?3)",
            )?
            .execute((
                signed.log.0,
                position,
                signed.tip.id.0,
                bytes,
                number,
                open.certificate.0,
            ))?;
        if heard > 0 {
            self.put_setting(&Setting::Heard, &number.to_be_bytes())?;
        }
        self.close_own_log(&signed.log)
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

    fn has_signature(&self, id: EntryId) -> Result<bool, StoreError> {
        let mut statement =
            self.sql()?.prepare_cached("SELECT signature IS NOT NULL FROM entry WHERE id = ?1")?;
        Ok(statement.query_row([id.0], |row| row.get(0))?)
    }

    /// Whether signatures of as many logs are kept as are of one certificate, and none of this one.
    fn is_full(&self, signed: &SignedTip) -> Result<bool, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT count(*), coalesce(max(log = ?2), 0) FROM heard WHERE certificate = ?1",
        )?;
        let (logs, is_known): (i64, bool) = statement
            .query_row((signed.open.certificate.0, signed.log.0), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        Ok(logs >= HEARD_PER_CERTIFICATE_MAX && !is_known)
    }

    /// The number of the last signature that was heard. It never falls: the counter is kept apart from the
    /// signatures, which go once their entries come.
    pub(super) fn last_heard(&self) -> Result<i64, StoreError> {
        let bytes = self.setting(&Setting::Heard)?.and_then(|bytes| bytes.try_into().ok());
        Ok(bytes.map_or(0, i64::from_be_bytes))
    }

    /// Signatures heard of entries that are not held.
    pub(super) fn heard(&self) -> Result<Vec<SignedTip>, StoreError> {
        self.heard_after(-1)
    }

    /// Signatures heard after this number.
    pub(super) fn heard_after(&self, number: i64) -> Result<Vec<SignedTip>, StoreError> {
        Ok(self.numbered_after(number)?.into_iter().map(|(_, one)| one).collect())
    }

    /// Signatures heard after this number, in the order in which they were, each with its number.
    pub(super) fn numbered_after(&self, number: i64) -> Result<Vec<(i64, SignedTip)>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT number, signed FROM heard WHERE number > ?1 ORDER BY number, log",
        )?;
        let rows =
            statement.query_map([number], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        rows.map(|row| {
            let (number, bytes) = row?;
            let signature = SignedTip::read(&mut minicbor::Decoder::new(&bytes));
            Ok((number, signature.map_err(|_| StoreError::Damaged("a signature heard"))?))
        })
        .collect()
    }

    /// Each device of which entries are known missing, with how many, by device; of one team, or of
    /// all that the store holds.
    pub fn missing_by_device(&self, team: Option<TeamId>) -> Result<Vec<MissingFrom>, StoreError> {
        let asked = |of: TeamId| {
            self.holds_team(of) && team.is_none_or(|team| team == of || of == TeamId::PROGRAMME)
        };
        let heard = self.heard()?.into_iter().filter(|one| asked(one.open.team));
        let heard = heard.map(|one| {
            let claimed = Claimed {
                log: one.log,
                certificate: one.open.certificate,
                position: one.tip.position,
            };
            (one.open.key, one.open.team, claimed)
        });
        let kept = self.authority.awaited_tips.values().filter(|awaited| asked(awaited.team));
        let kept = kept.map(|awaited| (awaited.device, awaited.team, awaited.claimed));
        let mut reaches: BTreeMap<LogId, (DeviceKey, EntryId, u64)> = BTreeMap::new();
        let claims: Vec<(DeviceKey, TeamId, Claimed)> = heard.chain(kept).collect();
        let set_aside = if claims.is_empty() { BTreeMap::new() } else { self.set_aside()? };
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
        for (device, dropped) in self.dropped_by_device(&asked)? {
            let nothing = MissingFrom { device, entries: 0, is_doubtful: false };
            let from = devices.entry(device).or_insert(nothing);
            from.entries = from.entries.saturating_add(dropped);
        }
        Ok(devices.into_values().collect())
    }

    /// The logs of a device that are said to reach further than they are held, with how far.
    pub fn claims_of(&self, device: DeviceKey) -> Result<Vec<(TeamId, LogId, u64)>, StoreError> {
        let heard = self.heard()?.into_iter().filter(|one| one.open.key == device);
        let heard = heard.map(|one| (one.open.team, one.log, one.tip.position));
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
