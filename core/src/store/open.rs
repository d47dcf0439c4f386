//! Opening a store: key, settings, migrations, and what is kept in memory.

use super::Setting;
use super::connection::{connect_to_read, connect_to_write};
use super::{HeldLog, KeyProvider, Settling, Store, StoreError, StoreKey};
use crate::log::chain::{Branch, Chains, LogInfo, Place};
use crate::log::entry::{Tip, kind};
use crate::log::payload::Open;
use crate::log::{Ending, Verdict, Waiting};
use crate::model::catalogue::declarations_digest;
use crate::model::{DeviceKey, EntryId, LogId, TeamId};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

impl Store {
    /// Opens a store, making it on first use for the programme of this root key.
    pub fn open(
        path: &Path,
        key: &dyn KeyProvider,
        root: Option<DeviceKey>,
        scope: Option<BTreeSet<TeamId>>,
        settling: Settling,
    ) -> Result<Store, StoreError> {
        Store::open_telling(path, key, root, scope, settling, &mut |_, _| {})
    }

    /// The same; while the projection is built anew, tells how many records are done, and of how many.
    pub fn open_telling(
        path: &Path,
        key: &dyn KeyProvider,
        root: Option<DeviceKey>,
        scope: Option<BTreeSet<TeamId>>,
        settling: Settling,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Store, StoreError> {
        let lock = super::files::lock(path)?;
        match Store::open_locked(path, key, root, scope, settling, progress) {
            Ok(store) => Ok(Store { _lock: lock, ..store }),
            Err(error) => {
                if let Some(lock) = lock {
                    lock.give_up();
                }
                Err(error)
            }
        }
    }

    fn open_locked(
        path: &Path,
        key: &dyn KeyProvider,
        root: Option<DeviceKey>,
        scope: Option<BTreeSet<TeamId>>,
        settling: Settling,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Store, StoreError> {
        let key = key.store_key()?;
        let connection = connect_to_write(path, &key, root.is_some())?;
        let mut store = Store::over(connection, path, key, scope, settling);
        store.root = match (store.setting(&Setting::Root)?, root) {
            (Some(bytes), _) => {
                DeviceKey::from_slice(&bytes).ok_or(StoreError::Damaged("the root key"))?
            }
            (None, Some(root)) => {
                store.set(&[(Setting::Root, root.0.to_vec())])?;
                root
            }
            (None, None) => return Err(StoreError::Damaged("the root key")),
        };
        store.load()?;
        store.renew_projection(progress)?;
        if settling == Settling::Within && !store.is_settled()? {
            // A sync was cut off before its end.
            store.transact(|store| store.settle_all(progress))?;
        }
        Ok(store)
    }

    /// Builds the projection again where other declarations made it: what they count, and what an
    /// older version could not read, may have changed.
    fn renew_projection(&mut self, progress: &mut dyn FnMut(u64, u64)) -> Result<(), StoreError> {
        if self.is_projection_current()? {
            return Ok(());
        }
        self.transact(|store| {
            // What no version before knew may end a branch now.
            let newer = store.logs_with_newer()?;
            newer.iter().try_for_each(|log| store.find_ends(log))?;
            if !newer.is_empty() {
                store.set_authority_stale()?;
            }
            store.drop_projection()?;
            store.put_setting(&Setting::Declarations, &declarations_digest())?;
            match store.settling {
                Settling::Within => store.settle_all(progress),
                Settling::Behind => Ok(()),
            }
        })
    }

    fn is_projection_current(&self) -> Result<bool, StoreError> {
        Ok(self.setting(&Setting::Declarations)?.as_deref() == Some(&declarations_digest()))
    }

    pub(super) fn over(
        connection: Connection,
        path: &Path,
        key: StoreKey,
        scope: Option<BTreeSet<TeamId>>,
        settling: Settling,
    ) -> Store {
        Store {
            connection: Some(connection),
            path: path.to_owned(),
            key,
            root: DeviceKey([0; 32]),
            scope,
            settling,
            chains: Chains::default(),
            logs: BTreeMap::new(),
            authority: crate::log::Authority::default(),
            carried: BTreeMap::new(),
            changes: super::projection::Changes::default(),
            code_packs: 0,
            signatures_seen: std::cell::RefCell::default(),
            noted: super::completeness::Noted::default(),
            clocks: super::clocks::Clocks::default(),
            judging: super::dirty::ToJudge::default(),
            noticed: std::cell::RefCell::default(),
            version_read: None,
            readings: 0,
            page_entries_max: crate::log::run::PAGE_ENTRIES_MAX,
            is_for_reading: false,
            erased: std::cell::Cell::new(false),
            // What a process that was killed did not get to is done by the next.
            erased_since: std::cell::Cell::new(true),
            _lock: None,
        }
    }

    /// Opens a store that is there to read it alone: no byte of it changes, whatever state it is in, and nobody writes
    /// meanwhile.
    /// What a stopped process left unsettled is read as it was left.
    pub fn open_to_read(
        path: &Path,
        key: &dyn KeyProvider,
        scope: Option<BTreeSet<TeamId>>,
    ) -> Result<Store, StoreError> {
        let lock = super::files::lock_to_read(path)?;
        let opened = key.store_key().and_then(|key| {
            let connection = connect_to_read(path, &key)?;
            let mut store = Store::over(connection, path, key, scope, Settling::Behind);
            store.is_for_reading = true;
            let root = store.setting(&Setting::Root)?.and_then(|root| DeviceKey::from_slice(&root));
            store.root = root.ok_or(StoreError::Damaged("the root key"))?;
            if !store.is_projection_current()? {
                return Err(StoreError::OlderSchema);
            }
            store.load_logs()?;
            store.authority = store.settle_authority()?;
            store.load_carriage()?;
            Ok(store)
        });
        // For as long as it is read nobody writes, so that it is read as of one moment.
        opened.map(|store| Store { _lock: lock, ..store })
    }

    /// Closes the file and reads it anew.
    pub(super) fn reload(&mut self) -> Result<(), StoreError> {
        self.connection = None;
        self.connection = Some(connect_to_write(&self.path, &self.key, false)?);
        self.load().inspect_err(|_| self.connection = None)
    }

    /// Reads the file anew where a failure left it closed. Whoever is about to read, in order to
    /// write, calls this first.
    pub fn ensure_open(&mut self) -> Result<(), StoreError> {
        match (self.is_for_reading, self.is_well()) {
            (true, _) if self.connection.is_none() => Err(StoreError::OpenedToRead),
            (true, _) | (false, true) => Ok(()),
            (false, false) => self.reload(),
        }
    }

    /// Reads the file anew, or leaves it closed until the next call tries again.
    pub(super) fn reload_or_close(&mut self) {
        if self.reload().is_err() {
            tracing::warn!("the store could not be read anew after a failure; it stays closed");
        }
    }

    fn load(&mut self) -> Result<(), StoreError> {
        self.load_logs()?;
        // What was noted may have been rolled back.
        self.noted = super::completeness::Noted::default();
        self.load_clocks()?;
        if self.setting(&Setting::AuthorityStale)?.is_none() {
            self.authority = self.settle_authority()?;
            return self.load_carriage();
        }
        // What held before is not known any more: all that it touched is judged again.
        self.authority = crate::log::Authority::default();
        self.carried.clear();
        self.sql()?.execute_batch("BEGIN IMMEDIATE")?;
        self.settle_authority_if_stale()?;
        self.sql()?.execute_batch("COMMIT")?;
        Ok(())
    }

    pub(super) fn load_logs(&mut self) -> Result<(), StoreError> {
        self.readings += 1;
        self.chains = Chains::default();
        self.changes.clear();
        let packs: i64 = self.sql()?.query_row(
            "SELECT count(*) FROM entry WHERE kind = ?1 AND kind < 16",
            [kind::CODE_PACK],
            |row| row.get(0),
        )?;
        self.code_packs = packs as u64;
        self.judging.begin_anew();
        self.logs.clear();
        let mut held = BTreeMap::new();
        let mut statement = self.sql()?.prepare(
            "SELECT number, id, open,
               EXISTS (SELECT 1 FROM entry INDEXED BY entry_administration
                 WHERE kind < 16 AND kind IN (2, 3, 4, 5, 9) AND log = number) FROM log",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let (number, open): (i64, Vec<u8>) = (row.get(0)?, row.get(2)?);
            let id = LogId::from_slice(&row.get::<_, [u8; 16]>(1)?)
                .ok_or(StoreError::Damaged("a log's id"))?;
            let open = Open::decode(&open).map_err(|_| StoreError::Damaged("a log's open"))?;
            held.insert(id, HeldLog { number, open, administers: row.get(3)? });
        }
        drop(rows);
        drop(statement);
        for (id, log) in held {
            let open = &log.open;
            let info = LogInfo {
                key: open.key,
                team: open.team,
                certificate: open.certificate,
                branches: self.read_branches(log.number)?,
            };
            self.chains.insert(id, info);
            self.logs.insert(id, log);
        }
        Ok(())
    }

    fn read_branches(&self, log: i64) -> Result<Vec<Branch>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT parent_branch, parent_position, position, id,
               (SELECT min(position) FROM entry AS ended
                 WHERE ended.log = branch.log AND ended.branch = branch.number AND ended.ends > 0)
             FROM branch JOIN entry ON entry.log = branch.log AND entry.branch = branch.number
               AND entry.branch >= 0
               AND entry.position = (SELECT max(position) FROM entry AS last
                 WHERE last.log = branch.log AND last.branch = branch.number AND last.branch >= 0)
             WHERE branch.log = ?1 ORDER BY number",
        )?;
        let rows = statement.query_map([log], |row| {
            let parent: (Option<u32>, Option<i64>) = (row.get(0)?, row.get(1)?);
            let parent = match parent {
                (Some(branch), Some(position)) => Some(Place { branch, position: position as u64 }),
                _ => None,
            };
            let tip = Tip { position: row.get::<_, i64>(2)? as u64, id: EntryId(row.get(3)?) };
            let end: Option<i64> = row.get(4)?;
            Ok((Branch { parent, tip, end: None }, end))
        })?;
        let mut how = self.sql()?.prepare_cached(
            "SELECT ends FROM entry WHERE log = ?1 AND branch = ?2 AND branch >= 0 AND position = ?3",
        )?;
        let mut branches = Vec::new();
        for (number, row) in (0u32..).zip(rows) {
            let (mut branch, end) = row?;
            if let Some(position) = end {
                let ends: u8 = how.query_row((log, number, position), |row| row.get(0))?;
                branch.end = Ending::from_number(ends).map(|ending| (position as u64, ending));
            }
            branches.push(branch);
        }
        Ok(branches)
    }

    /// The logs that hold what only a newer version could judge, when it came.
    fn logs_with_newer(&self) -> Result<Vec<LogId>, StoreError> {
        let mut statement = self.sql()?.prepare(
            "SELECT DISTINCT log.id FROM entry JOIN log ON log.number = entry.log
             WHERE verdict = ?1 OR ends = ?2",
        )?;
        let waiting = Verdict::Waiting(Waiting::NewerVersion).number();
        let rows =
            statement.query_map((waiting, Ending::Newer.number()), |row| Ok(LogId(row.get(0)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
