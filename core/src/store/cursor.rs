//! A hub's cursors: up to where a device was told everything, and whether the hub was rolled back.
//!
//! A cursor is given only with an answer, and kept by a device only once digests agreed. It saves
//! work and never decides: where it misses something, digests differ and clocks are exchanged.

use super::Setting;
use super::{Frontier, KeyFault, Store, StoreError};
use crate::log::chain::Place;
use crate::log::run::{PAGE_ENTRIES_MAX, Run, SignedTip};
use crate::model::{DeviceKey, LogId, TeamId};
use std::collections::{BTreeMap, BTreeSet};

fn no_randomness(error: getrandom::Error) -> StoreError {
    StoreError::Key(KeyFault::NotHad(std::io::Error::from(error).kind()))
}

/// Up to where a device was told everything that a hub held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The number of the last entry that had arrived.
    pub arrival: i64,
    /// The first bytes of that entry's id: after a store was put back, another may have its number.
    pub entry: [u8; 8],
    /// The number of the last signature that had been heard.
    pub heard: i64,
}

const EPOCH_BYTES: usize = 8;
const MAC_BYTES: usize = 16;

impl Store {
    /// The cursor of what this hub holds now, opaque to devices: epoch, numbers, MAC. Of signatures heard it
    /// goes up to `heard` where not all could be told.
    pub fn give_cursor(&mut self, heard: Option<i64>) -> Result<Vec<u8>, StoreError> {
        let (epoch, key) = self.epoch()?;
        let here = self.here()?;
        let heard = heard.unwrap_or(here.heard);
        Ok(write(&epoch, &key, Cursor { heard, ..here }))
    }

    /// Reads a cursor that a device quotes. One of another epoch or another hub says nothing. One of
    /// ours that is ahead of us says that this store was put back to an older state: it takes a new
    /// epoch, durably, and says so once.
    pub fn take_cursor(&mut self, quoted: &[u8]) -> Result<Option<Cursor>, StoreError> {
        let (epoch, key) = self.epoch()?;
        let Some(cursor) = read(&epoch, &key, quoted) else { return Ok(None) };
        let here = self.here()?;
        let is_held = cursor.entry == self.id_at(cursor.arrival)?;
        if is_held && cursor.arrival <= here.arrival && cursor.heard <= here.heard {
            return Ok(Some(cursor));
        }
        if crate::planted!(EpochIgnored) {
            return Ok(Some(here));
        }
        self.begin_epoch()?;
        tracing::warn!("this store was put back to an older state; a new epoch begins");
        Ok(None)
    }

    /// Begins a new epoch after this store was put back to an older state, durably: no cursor given
    /// before says anything now, and until each member's device came again, totals say that some may
    /// lack.
    pub fn begin_epoch(&mut self) -> Result<(), StoreError> {
        let mut fresh = vec![0; EPOCH_BYTES];
        getrandom::fill(&mut fresh).map_err(no_randomness)?;
        self.epoch()?;
        let rollbacks = self.rollbacks()? + 1;
        let teams = self.teams();
        let readers = teams.iter().flat_map(|team| self.authority.readers(*team));
        let devices: BTreeSet<DeviceKey> = readers.collect();
        let awaited: Vec<u8> = devices.iter().flat_map(|device| device.0).collect();
        self.set(&[
            (Setting::Epoch, fresh),
            (Setting::Rollbacks, rollbacks.to_be_bytes().to_vec()),
            (Setting::AwaitedDevices, awaited),
        ])
    }

    /// The devices that did not come again, with all that they hold, since this store was put back.
    pub fn awaited_devices(&self) -> Result<BTreeSet<DeviceKey>, StoreError> {
        let awaited = self.setting(&Setting::AwaitedDevices)?.unwrap_or_default();
        Ok(awaited.as_chunks::<32>().0.iter().map(|key| DeviceKey(*key)).collect())
    }

    /// Notes that a device came again, if this hub now holds all that the device's clock shows.
    pub fn note_came_again(
        &mut self,
        device: DeviceKey,
        clock: &Frontier,
    ) -> Result<(), StoreError> {
        let mut awaited = self.awaited_devices()?;
        if !awaited.remove(&device) {
            return Ok(());
        }
        for tip in clock.values().flatten() {
            if self.locate(&tip.id)?.is_none() {
                return Ok(());
            }
        }
        let awaited: Vec<u8> = awaited.iter().flat_map(|device| device.0).collect();
        self.set(&[(Setting::AwaitedDevices, awaited)])
    }

    /// How often this hub was seen to have been put back to an older state.
    pub fn rollbacks(&self) -> Result<u64, StoreError> {
        let bytes = self.setting(&Setting::Rollbacks)?.and_then(|bytes| bytes.try_into().ok());
        Ok(bytes.map_or(0, u64::from_be_bytes))
    }

    /// What arrived after a cursor and by `until`, of these teams, but what `device` wrote itself: at
    /// most a page. What does not fit, the device finds by digests and clocks.
    pub fn runs_since(
        &self,
        teams: &[TeamId],
        since: Cursor,
        until: i64,
        device: DeviceKey,
    ) -> Result<Vec<Run>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT log.id, branch, position FROM entry JOIN log ON log.number = entry.log
             WHERE arrival > ?1 AND arrival <= ?2 LIMIT ?3",
        )?;
        let most = PAGE_ENTRIES_MAX as i64;
        let mut from: BTreeMap<(LogId, u32), u64> = BTreeMap::new();
        let mut rows = statement.query((since.arrival, until, most))?;
        let mut arrived = 0;
        while let Some(row) = rows.next()? {
            arrived += 1;
            if arrived == most {
                return Ok(Vec::new());
            }
            let log = LogId(row.get(0)?);
            let info = self.chains.log(&log).filter(|info| teams.contains(&info.team));
            let place = super::insert::place_of(row.get(1)?, row.get(2)?);
            if info.is_none_or(|info| info.key == device) || !self.is_carried_by_chain(&log, place)
            {
                continue;
            }
            let first = from.entry((log, place.branch)).or_insert(place.position);
            *first = place.position.min(*first);
        }
        let from =
            from.into_iter().map(|((log, branch), position)| (log, Place { branch, position }));
        self.page_from(from.collect())
    }

    /// Signatures heard after a cursor, of these teams, but the device's own; with the number of the last
    /// where there are more than one message carries.
    pub fn signed_tips_since(
        &self,
        teams: &[TeamId],
        heard: i64,
        device: DeviceKey,
    ) -> Result<(Vec<SignedTip>, Option<i64>), StoreError> {
        let mut signed = self.numbered_after(heard)?;
        signed.retain(|(_, one)| teams.contains(&one.open.team) && one.open.key != device);
        let cut = signed.len() > super::SIGNED_TIPS_MAX;
        signed.truncate(super::SIGNED_TIPS_MAX);
        let last = signed.last().map(|(number, _)| *number).filter(|_| cut);
        Ok((signed.into_iter().map(|(_, one)| one).collect(), last))
    }

    /// Where this store is: the numbers of the last entry and the last signature heard.
    pub fn here(&self) -> Result<Cursor, StoreError> {
        let arrival: Option<i64> = self
            .sql()?
            .prepare_cached("SELECT max(arrival) FROM entry")?
            .query_row([], |row| row.get(0))?;
        let arrival = arrival.unwrap_or(0);
        Ok(Cursor { arrival, entry: self.id_at(arrival)?, heard: self.last_heard()? })
    }

    /// The first bytes of the id of the entry that arrived as this number; zeros where there is none.
    fn id_at(&self, arrival: i64) -> Result<[u8; 8], StoreError> {
        let mut statement =
            self.sql()?.prepare_cached("SELECT substr(id, 1, 8) FROM entry WHERE arrival = ?1")?;
        let found = statement.query_map([arrival], |row| row.get(0))?.next().transpose()?;
        Ok(found.unwrap_or_default())
    }

    /// The hub's epoch and the key of its cursors' MACs, made on first use.
    fn epoch(&mut self) -> Result<([u8; EPOCH_BYTES], [u8; 32]), StoreError> {
        let damaged = || StoreError::Damaged("the hub's epoch");
        if self.setting(&Setting::Epoch)?.is_none() {
            let mut fresh = vec![0; EPOCH_BYTES + 32];
            getrandom::fill(&mut fresh).map_err(no_randomness)?;
            let key = fresh.split_off(EPOCH_BYTES);
            self.set(&[(Setting::Epoch, fresh), (Setting::CursorKey, key)])?;
        }
        let epoch = self.setting(&Setting::Epoch)?.and_then(|bytes| bytes.try_into().ok());
        let key = self.setting(&Setting::CursorKey)?.and_then(|bytes| bytes.try_into().ok());
        Ok((epoch.ok_or_else(damaged)?, key.ok_or_else(damaged)?))
    }
}

fn write(epoch: &[u8; EPOCH_BYTES], key: &[u8; 32], cursor: Cursor) -> Vec<u8> {
    let mut bytes = epoch.to_vec();
    bytes.extend(cursor.arrival.to_be_bytes());
    bytes.extend(cursor.entry);
    bytes.extend(cursor.heard.to_be_bytes());
    let mac = blake3::keyed_hash(key, &bytes);
    bytes.extend_from_slice(&mac.as_bytes()[..MAC_BYTES]);
    bytes
}

fn read(epoch: &[u8; EPOCH_BYTES], key: &[u8; 32], quoted: &[u8]) -> Option<Cursor> {
    let rest = quoted.strip_prefix(epoch.as_slice())?;
    let (arrival, rest) = rest.split_first_chunk::<8>()?;
    let (entry, rest) = rest.split_first_chunk::<8>()?;
    let (heard, _) = rest.split_first_chunk::<8>()?;
    let cursor = Cursor {
        arrival: i64::from_be_bytes(*arrival),
        entry: *entry,
        heard: i64::from_be_bytes(*heard),
    };
    // A MAC is compared as a hash is, in constant time.
    let expected = blake3::hash(&write(epoch, key, cursor));
    (blake3::hash(quoted) == expected).then_some(cursor)
}
