//! What is known to exist and is not here: by seals heard, and by tips that a revocation keeps.

use super::{Store, StoreError};
use crate::log::run::SealedTip;
use crate::model::{DeviceKey, LogId, TeamId};
use crate::totals::KnownMissing;
use std::collections::BTreeMap;

/// One device of which entries are known to exist and are not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingFrom {
    /// The device.
    pub device: DeviceKey,
    /// How many of its entries at least.
    pub entries: u64,
}

impl Store {
    /// Keeps the highest seal heard of a log whose tip is not held. A seal under a certificate that
    /// does not hold here is not kept: it would let anybody claim entries. It comes again.
    pub(super) fn hear(&mut self, sealed: &SealedTip) -> Result<(), StoreError> {
        let open = &sealed.open;
        let wanted = self.holds_team(open.team)
            && self.authority.certifies(&open.certificate, open.key, open.team, self.root)
            && i64::try_from(sealed.tip.position).is_ok()
            && self.locate(&sealed.tip.id)?.is_none()
            && sealed.is_good();
        if wanted {
            let bytes = crate::model::cbor::encode(|encoder| sealed.write(encoder));
            let position = sealed.tip.position as i64;
            let number = self.last_heard()? + 1;
            let heard = self.sql()?
                .prepare_cached(
                    "INSERT INTO heard (log, position, entry, sealed, number)
                     VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (log) DO UPDATE SET position = ?2, entry = ?3, sealed = ?4, number = ?5
                     WHERE (position, entry) < (?2, ?3)",
                )?
                .execute((sealed.log.0, position, sealed.tip.id.0, bytes, number))?;
            if heard > 0 {
                self.sql()?
                    .prepare_cached(
                        "INSERT OR REPLACE INTO meta (name, value) VALUES ('heard', ?1)",
                    )?
                    .execute([number.to_be_bytes()])?;
            }
            self.close_own_log(&sealed.log)?;
        }
        Ok(())
    }

    /// The number of the last seal that was heard. It never falls: the counter is kept apart from the
    /// seals, which go once their entries come.
    pub(super) fn last_heard(&self) -> Result<i64, StoreError> {
        let bytes = self.meta("heard")?.and_then(|bytes| bytes.try_into().ok());
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
        let heard = heard.map(|seal| (seal.log, seal.open.key, seal.tip.position));
        let kept = self.authority.awaited_tips.values().filter(|awaited| asked(awaited.team));
        let kept = kept.map(|awaited| (awaited.log, awaited.device, awaited.position));
        let mut reaches: BTreeMap<LogId, (DeviceKey, u64)> = BTreeMap::new();
        for (log, device, position) in heard.chain(kept) {
            let reach = reaches.entry(log).or_insert((device, position));
            reach.1 = reach.1.max(position);
        }
        let mut devices: BTreeMap<DeviceKey, u64> = BTreeMap::new();
        for (log, (device, position)) in reaches {
            let held = self.chains.log(&log).map_or(0, |info| info.length());
            // At least the tip itself is missing, on a branch that may be shorter than another.
            let entries = position.saturating_sub(held).max(1);
            let of_device = devices.entry(device).or_default();
            *of_device = of_device.saturating_add(entries);
        }
        Ok(devices.into_iter().map(|(device, entries)| MissingFrom { device, entries }).collect())
    }

    /// What is known to exist and is not here, in sum.
    pub fn known_missing(&self, team: Option<TeamId>) -> Result<KnownMissing, StoreError> {
        let missing = self.missing_by_device(team)?;
        Ok(KnownMissing {
            entries: missing.iter().fold(0, |sum: u64, from| sum.saturating_add(from.entries)),
            devices: missing.len() as u64,
        })
    }
}
