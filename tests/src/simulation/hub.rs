//! The programme's hub: how it answers, stops and opens again.

use super::Failure;
use super::world::{FIRST_DAY, HUB, MILLIS_PER_HOUR, World, key, path};
use crate::disk::{Disk, Stop};
use kitbag_core::model::{DeviceKey, UnixMillis};
use kitbag_core::store::{Settling, Store};
use kitbag_core::sync::{self, Session, SyncError};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// New logs and branches of one author that the hub takes in a day, in one world of four, until all drains: a
/// budget delays, and never decides. In the others it is never spent, so that what follows is seen too.
const BRANCHES_A_DAY: u32 = 2;

impl World {
    /// The hub's clock.
    pub(super) fn hub_now(&self) -> UnixMillis {
        UnixMillis(FIRST_DAY * 24 * MILLIS_PER_HOUR + self.hours * MILLIS_PER_HOUR)
    }

    /// A device syncs: over a line that is good, to the end, unless a machine is about to stop; else message by
    /// message, as they come.
    pub(super) fn sync(&mut self, at: usize, dice: &mut ChaCha8Rng) -> Result<(), Failure> {
        if dice.random_bool(0.5) || !self.armed.is_empty() {
            return self.begin_sync(at, dice);
        }
        let session = self.some_session(at, dice);
        self.sync_whole(at, session).map(drop)
    }

    /// A session, now and then one that may send little.
    pub(super) fn some_session(&mut self, at: usize, dice: &mut ChaCha8Rng) -> Session {
        let mut session = self.engine(at).session();
        if dice.random_bool(0.2) {
            session.limit_upload(dice.random_range(300..3_000));
        }
        session
    }

    /// Syncs over a line that is good; `None` where the machine stopped meanwhile.
    pub(super) fn sync_whole(
        &mut self,
        at: usize,
        mut session: Session,
    ) -> Result<Option<Session>, Failure> {
        let device = self.engine(at).device_key();
        while let Some(request) = self.engine(at).request(&mut session)? {
            let answer = self.hub_answers(device, &request)?;
            let taken = self.engine(at).reply(&mut session, &answer);
            if self.after_phone(at, taken)?.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(session))
    }

    /// What the hub answers a device, within its author's budget of new logs and branches.
    pub(super) fn hub_answers(
        &mut self,
        device: DeviceKey,
        request: &[u8],
    ) -> Result<Vec<u8>, SyncError> {
        let now = self.hub_now();
        let a_day = if self.seed % 4 == 3 { BRANCHES_A_DAY } else { u32::MAX };
        let World { hub, branches_left, .. } = self;
        let store = hub.as_mut().expect("the hub runs between steps");
        let mut may_branch = |author| {
            let left = branches_left.entry(author).or_insert(a_day);
            let may = *left > 0;
            *left = left.saturating_sub(1);
            may
        };
        sync::respond_within(store, device, now, request, &mut may_branch)
    }

    pub fn close_hub(&mut self) {
        self.hub = None;
        self.start_if_stopped(HUB);
    }

    pub fn reopen_hub(&mut self) -> Result<(), Failure> {
        self.hub = Some(open(None)?);
        let entries = self.page_entries_max;
        self.hub().limit_pages(entries);
        Ok(())
    }

    /// The same for the hub.
    pub fn after_hub<T, E: std::fmt::Display>(
        &mut self,
        result: Result<T, E>,
    ) -> Result<Option<T>, Failure> {
        let was_armed = self.armed.remove(HUB);
        let mut stopped = Disk::with(|disk| disk.is_stopped(HUB));
        if was_armed.is_some() && !stopped {
            Disk::with(|disk| disk.stop(HUB));
            stopped = true;
        }
        let value = match result {
            Ok(value) => Some(value),
            Err(_) if stopped => None,
            Err(error) => return Err(Failure(format!("the hub: {error}"))),
        };
        if stopped {
            self.armed.insert(HUB.to_owned(), was_armed.unwrap_or(Stop::Killed));
            self.close_hub();
            self.reopen_hub()?;
            self.note("hub stopped");
        }
        Ok(value)
    }
}

pub(super) fn open(root: Option<DeviceKey>) -> Result<Store, Failure> {
    let store = Store::open(Path::new(&path(HUB)), &key(), root, None, Settling::Behind);
    store.map_err(|error| Failure(format!("the hub does not open: {error}")))
}
