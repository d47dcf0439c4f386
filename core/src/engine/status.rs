//! What is true of a store and of a record at this moment: what waits, what failed, what needs a
//! person.

use super::{Engine, EngineError};
use crate::log::Verdict;
use crate::log::verdict::Refusal;
use crate::model::{EntryId, RecordId, TeamId, UnixMillis};
use crate::store::{CLOCK_OFF_MS, Delivery, Reason, Row, Setting, State, WaitingForHub};
use crate::sync::{Agreement, Backoff, Session, SyncFault};
use serde::{Deserialize, Serialize};

/// Whether a record needs a person.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let id = phone.record(team, &reversal()?)?;
/// match phone.attention(id)? {
///     Attention::None => {}
///     Attention::Conflicted => println!("two people answered apart: choose one"),
///     Attention::DateInDoubt => println!("its date may be wrong: look at it"),
///     Attention::Refused(reason) => println!("does not count: {reason:?}"),
/// }
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// Nothing to do.
    None,
    /// Two people wrote a field apart; both values are kept.
    Conflicted,
    /// It counts, and its date may be wrong: before 2000, later than tomorrow, or of a clock that cannot have been
    /// right.
    DateInDoubt,
    /// Something of it does not count, by this reason.
    Refused(Refusal),
}

/// How the last syncs of a store ended.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let session = phone.session();
/// let last: LastSync = phone.note_sync(&session, Some(SyncFault::NoAnswer))?;
/// assert_eq!(last.failures, 1);
/// assert!(last.next_try.is_some());
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSync {
    /// When the hub and this store last agreed on all, by this device's clock; by the hub's where this one is a day off.
    pub agreed_at: Option<i64>,
    /// Whether the last sync ended with both holding the same.
    #[serde(default)]
    pub is_whole: bool,
    /// Why the last sync failed, or was only part; `None` after a whole one.
    pub failed: Option<SyncFault>,
    /// How often in a row it failed.
    pub failures: u32,
    /// When to try next after a failure, by this device's clock.
    pub next_try: Option<i64>,
    /// How far this device's clock was ahead of the hub's, in ms.
    pub clock_ahead: Option<i64>,
    /// What time the hub said it was, when it answered last.
    #[serde(default)]
    pub hub_now: Option<i64>,
    /// The number of the last entry held then: what is older tells less of the time than the hub did.
    #[serde(default)]
    pub held_then: i64,
}

/// What is true of a store at this moment.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// phone.record(team, &reversal()?)?;
/// let status: Status = phone.status()?;
/// assert_eq!(status.waiting.records, 1);
/// assert!(!status.is_synced);
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// What the hub is not known to hold.
    pub waiting: WaitingForHub,
    /// How the last syncs ended.
    pub last: LastSync,
    /// Whether the phone's clock is wrong: it was more than a day from the hub's, or is behind what this device knows.
    /// Then no date is put for anybody; people are asked for it.
    pub clock_is_off: bool,
    /// Where the clock is more than a day behind it: the latest time that this device knows to have passed, by the hub's
    /// last answer or its own last entry.
    pub clock_behind: Option<UnixMillis>,
    /// The teams in which this device has no certificate that holds, as far as it knows: what it records
    /// there counts nowhere until a coordinator certifies it.
    pub uncertified: Vec<TeamId>,
    /// Whether nothing waits or was turned away, the last sync ended with equal digests, and this device's
    /// certificates hold.
    pub is_synced: bool,
}

impl Engine {
    /// Whether the hub is known to hold all of a record.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// assert_eq!(phone.delivery(id)?, Delivery::Waiting);
    /// sync_with(&mut phone, &mut hub)?;
    /// assert_eq!(phone.delivery(id)?, Delivery::OnHub);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn delivery(&self, id: RecordId) -> Result<Delivery, EngineError> {
        self.store.delivery(id)?.ok_or(EngineError::NoRecord)
    }

    /// Whether a record needs a person, and why.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// assert_eq!(phone.attention(id)?, Attention::None);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn attention(&self, id: RecordId) -> Result<Attention, EngineError> {
        let refused = self.store.verdicts_of(id)?.into_iter().find_map(|verdict| match verdict {
            Verdict::Refused(reason) => Some(reason),
            _ => None,
        });
        let conflicted = match self.store.record(id)? {
            Some(record) => record.conflicts().next().is_some(),
            None => false,
        };
        let now = (self.environment.now)();
        let is_in_doubt = |row: Row| row.state == State::Counted && row.is_date_in_doubt(now);
        let is_flagged = self.store.row(id)?.is_some_and(is_in_doubt);
        Ok(match (refused, conflicted) {
            (Some(reason), _) => Attention::Refused(reason),
            (None, true) => Attention::Conflicted,
            (None, false) if is_flagged => Attention::DateInDoubt,
            (None, false) => Attention::None,
        })
    }

    /// What is true of this store now.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// println!("{} records wait", phone.status()?.waiting.records);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn status(&self) -> Result<Status, EngineError> {
        let teams: Vec<TeamId> = self.members.keys().copied().chain([TeamId::PROGRAMME]).collect();
        let mut waiting = self.store.waiting_for_hub(&teams)?;
        // What was written under a certificate that fell goes nowhere by itself.
        let hidden = self.store.own_hidden(&teams)?;
        waiting.aside += hidden;
        if hidden > 0 {
            waiting.why_aside = waiting.why_aside.or(Some(self.why_hidden()));
        }
        let salvaged = self.salvaged()?;
        waiting.entries = waiting.entries.max(salvaged);
        waiting.records = waiting.records.max(salvaged);
        let last = self.last_sync()?;
        let clock_behind = self.clock_behind(&last)?;
        let was_off = last
            .clock_ahead
            .is_some_and(|ahead| ahead.unsigned_abs() > CLOCK_OFF_MS.unsigned_abs());
        let clock_is_off = clock_behind.is_some() || was_off;
        // A time that is still to come is of a clock that ran ahead: the hub's last answer is known to have passed.
        let now = (self.environment.now)();
        let passed = now.max(clock_behind.unwrap_or(now));
        if waiting.since.is_some_and(|since| since.0 > passed.0.saturating_add(CLOCK_OFF_MS)) {
            waiting.since = last.hub_now.map(UnixMillis);
        }
        let uncertified = self.uncertified();
        let is_synced = waiting.entries == 0
            && waiting.aside == 0
            && last.failed.is_none()
            && last.is_whole
            && uncertified.is_empty();
        Ok(Status { waiting, last, clock_is_off, clock_behind, uncertified, is_synced })
    }

    /// The latest time that this device knows to have passed, where its clock is more than a day behind that.
    fn clock_behind(&self, last: &LastSync) -> Result<Option<UnixMillis>, EngineError> {
        let of_own = self.store.latest_own_time(last.held_then)?;
        let known = of_own.into_iter().chain(last.hub_now.map(UnixMillis)).max();
        let limit = (self.environment.now)().0.saturating_add(CLOCK_OFF_MS);
        Ok(known.filter(|known| known.0 > limit))
    }

    fn why_hidden(&self) -> Reason {
        let is_revoked = |id: &EntryId| self.store.authority().is_revoked(id);
        if self.members.values().any(is_revoked) { Reason::Revoked } else { Reason::NoCertificate }
    }

    /// The teams in which this device's certificate does not stand, or was revoked, as far as it knows.
    fn uncertified(&self) -> Vec<TeamId> {
        let authority = self.store.authority();
        let holds = |team: &TeamId, certificate: &EntryId| {
            let is_root = *team == TeamId::PROGRAMME && *certificate == EntryId::NONE;
            is_root || authority.role(certificate).is_some() && !authority.is_revoked(certificate)
        };
        let members = self.members.iter();
        members.filter(|(team, id)| !holds(team, id)).map(|(team, _)| *team).collect()
    }

    /// The network is back: the next sync is due at once, and failures are counted anew. Returns
    /// whether anything waits for it.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// assert!(phone.network_returned()?); // there is something to sync
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn network_returned(&mut self) -> Result<bool, EngineError> {
        let last = self.last_sync()?;
        if last.failures > 0 || last.next_try.is_some() {
            let again = LastSync { failures: 0, next_try: None, ..last };
            let noted = serde_json::to_vec(&again).unwrap_or_default();
            self.store.set(&[(Setting::LastSync, noted)])?;
        }
        Ok(!self.status()?.is_synced)
    }

    /// How long the next sync is not to be tried, as the last ones failed; `None` where it may be at any time.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// assert_eq!(phone.next_sync_in()?, None);
    /// phone.note_sync(&phone.session(), Some(SyncFault::NoAnswer))?;
    /// assert!(phone.next_sync_in()?.is_some_and(|wait| wait.as_secs() <= 2));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn next_sync_in(&mut self) -> Result<Option<std::time::Duration>, EngineError> {
        let Some(at) = self.last_sync()?.next_try else { return Ok(None) };
        let wait = at.saturating_sub((self.environment.now)().0);
        // A clock that was set back makes nobody wait longer than the longest back-off.
        let wait = std::time::Duration::from_millis(u64::try_from(wait).unwrap_or(0));
        Ok(Some(wait.min(Backoff::LAST)))
    }

    fn last_sync(&self) -> Result<LastSync, EngineError> {
        let noted = self.store.setting(&Setting::LastSync)?.unwrap_or_default();
        Ok(serde_json::from_slice(&noted).unwrap_or_default())
    }

    /// Notes how a sync ended, durably, and when to try next. Whoever carries syncs calls this after
    /// each, so that the status tells the truth also after a restart.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let session = phone.session();
    /// let last = phone.note_sync(&session, Some(SyncFault::NoAnswer))?;
    /// assert_eq!(last.failed, Some(SyncFault::NoAnswer));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn note_sync(
        &mut self,
        session: &Session,
        failed: Option<SyncFault>,
    ) -> Result<LastSync, EngineError> {
        let now = (self.environment.now)().0;
        let mut last = self.last_sync()?;
        if let Some(UnixMillis(hub)) = session.hub_now() {
            last.clock_ahead = Some(now.saturating_sub(hub));
            last.hub_now = Some(hub);
            last.held_then = self.store.here()?.arrival;
        }
        let mut backoff = Backoff::after(last.failures);
        match (session.agreement(), failed) {
            (Some(agreement), None) => {
                backoff.reset();
                last.next_try = None;
                last.is_whole = *agreement == Agreement::Whole;
                if last.is_whole {
                    // What a screen shows is not the time of a clock that is wrong.
                    let is_off =
                        last.clock_ahead.is_some_and(|by| by.saturating_abs() > CLOCK_OFF_MS);
                    last.agreed_at = last.hub_now.filter(|_| is_off).or(Some(now));
                }
                last.failed = match agreement {
                    Agreement::Whole | Agreement::CaughtUp => None,
                    Agreement::Without(_) => Some(SyncFault::KeptOut),
                    Agreement::Partial { waiting } => Some(SyncFault::BudgetSpent(*waiting)),
                };
            }
            // Somebody ended it: the hub did not fail, and is not given time.
            (_, Some(fault @ (SyncFault::Cancelled | SyncFault::OutOfTime))) => {
                last.is_whole = false;
                last.failed = Some(fault);
            }
            (None, None) | (_, Some(_)) => {
                let mut random = [0; 4];
                (self.environment.random)(&mut random);
                let wait = backoff.fail(u32::from_be_bytes(random));
                let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
                last.next_try = Some(now.saturating_add(wait));
                last.is_whole = false;
                last.failed = Some(failed.unwrap_or(SyncFault::CutOff));
            }
        }
        last.failures = backoff.failures();
        let noted = serde_json::to_vec(&last).unwrap_or_default();
        self.store.set(&[(Setting::LastSync, noted)])?;
        Ok(last)
    }
}
