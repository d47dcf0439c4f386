//! A whole sync, step by step, without a socket: exchanges until both sides hold the same, what the outbox still
//! holds, what is noted of its end, the team's keys tended, and again where that left something to send.

use super::offering::Offering;
use super::{Engine, EngineError};
use crate::model::DeviceKey;
use crate::sync::{Agreement, Progress, Session, SyncError, SyncFault};

/// How often one sync goes on with what it found to do: keys to hand out, entries that were salvaged.
const ROUNDS_MAX: u32 = 5;

/// A sync that is going on.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let sync: Syncing = phone.begin_sync(None)?;
/// assert_eq!(sync.progress().sent, 0);
/// # Ok::<(), Failed>(())
/// ```
pub struct Syncing {
    upload_budget: Option<u64>,
    session: Session,
    phase: Phase,
    rounds: u32,
}

enum Phase {
    Exchanging,
    Offering(Offering),
    Over(Agreement),
}

/// What a sync wants next.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let mut sync = phone.begin_sync(None)?;
/// assert!(matches!(phone.next_step(&mut sync)?, Step::Send(_)));
/// # Ok::<(), Failed>(())
/// ```
#[derive(Debug)]
pub enum Step {
    /// This request goes to the hub; its response is for [`Engine::take_response`].
    Send(Vec<u8>),
    /// It is over, and its end is noted.
    Done(Agreement),
}

impl Syncing {
    /// How far it is.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let sync = phone.begin_sync(None)?;
    /// println!("{} entries are acknowledged", sync.progress().sent);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn progress(&self) -> Progress {
        self.session.progress()
    }

    /// The exchange that it is in, or that ended it: what [`Engine::leave`] asks for.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let sync = phone.begin_sync(None)?;
    /// assert!(phone.leave(team, sync.session()).is_err()); // nothing was agreed yet
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn session(&self) -> &Session {
        &self.session
    }
}

impl Engine {
    /// Begins a sync of all that this device is in; with a budget it sends about so many bytes at most in each
    /// exchange, and what is left waits.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// let mut sync = phone.begin_sync(None)?;
    /// let agreement = loop {
    ///     match phone.next_step(&mut sync)? {
    ///         Step::Send(request) => {
    ///             let now = UnixMillis(1_790_000_000_000);
    ///             let response = sync::respond(&mut hub, phone.device_key(), now, &request)?;
    ///             phone.take_response(&mut sync, &response, None)?;
    ///         }
    ///         Step::Done(agreement) => break agreement,
    ///     }
    /// };
    /// assert_eq!(agreement, Agreement::Whole);
    /// assert!(phone.status()?.is_synced);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn begin_sync(&mut self, upload_budget: Option<u64>) -> Result<Syncing, EngineError> {
        self.store.ensure_open()?;
        let session = self.session_within(upload_budget);
        Ok(Syncing { upload_budget, session, phase: Phase::Exchanging, rounds: 1 })
    }

    fn session_within(&self, upload_budget: Option<u64>) -> Session {
        let mut session = self.session();
        if let Some(bytes) = upload_budget {
            session.limit_upload(bytes);
        }
        session
    }

    /// What a sync wants next. Where this fails, [`Engine::fail_sync`] notes it.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let mut sync = phone.begin_sync(None)?;
    /// let Step::Send(request) = phone.next_step(&mut sync)? else { return Ok(()) };
    /// assert!(!request.is_empty());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn next_step(&mut self, sync: &mut Syncing) -> Result<Step, EngineError> {
        loop {
            match &mut sync.phase {
                Phase::Exchanging => {
                    if let Some(request) = self.request(&mut sync.session)? {
                        return Ok(Step::Send(request));
                    }
                    match self.close_session(&sync.session)? {
                        partial @ Agreement::Partial { .. } => self.end_round(sync, partial)?,
                        _ => sync.phase = Phase::Offering(self.begin_offering()?),
                    }
                }
                Phase::Offering(offering) => {
                    if let Some(request) = offering.request() {
                        return Ok(Step::Send(request));
                    }
                    let agreement = sync.session.agreement().cloned().unwrap_or(Agreement::Whole);
                    let over = Phase::Over(agreement.clone());
                    if let Phase::Offering(all) = std::mem::replace(&mut sync.phase, over) {
                        self.end_offering(all)?;
                    }
                    self.end_round(sync, agreement)?;
                }
                Phase::Over(agreement) => return Ok(Step::Done(agreement.clone())),
            }
        }
    }

    /// One exchange is over: notes it, and goes on where it left something to send.
    fn end_round(&mut self, sync: &mut Syncing, agreement: Agreement) -> Result<(), EngineError> {
        self.note_sync(&sync.session, None)?;
        // What cannot be tended now is tended with a later sync; it stops nothing.
        let tended = self.tend_team_keys().unwrap_or(0) + self.tend_labels().unwrap_or(0);
        // What was salvaged from an outbox waits once the hub brought what it follows.
        let ended = matches!(agreement, Agreement::Whole | Agreement::CaughtUp);
        let waits = ended && self.status()?.waiting.entries > 0;
        if tended == 0 && !waits {
            sync.phase = Phase::Over(agreement);
            return Ok(());
        }
        if sync.rounds == ROUNDS_MAX {
            return Err(SyncError::Unending.into());
        }
        sync.rounds += 1;
        sync.session = self.session_within(sync.upload_budget);
        sync.phase = Phase::Exchanging;
        Ok(())
    }

    /// Takes the response to the last request in, durably. `shown` is the key that the hub showed on the connection.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let mut sync = phone.begin_sync(None)?;
    /// phone.next_step(&mut sync)?;
    /// assert!(phone.take_response(&mut sync, b"not a hub's response", None).is_err());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn take_response(
        &mut self,
        sync: &mut Syncing,
        response: &[u8],
        shown: Option<DeviceKey>,
    ) -> Result<(), EngineError> {
        match &mut sync.phase {
            Phase::Exchanging => self.reply(&mut sync.session, response)?,
            Phase::Offering(offering) => offering.answered(response)?,
            Phase::Over(_) => {}
        }
        match shown {
            Some(shown) => self.note_hub_key(shown),
            None => Ok(()),
        }
    }

    /// Notes that a sync ended before its end. What was acknowledged until then stays so, and the next one goes on.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let mut sync = phone.begin_sync(None)?;
    /// phone.next_step(&mut sync)?;
    /// phone.fail_sync(&sync, SyncFault::NoAnswer)?;
    /// assert_eq!(phone.status()?.last.failed, Some(SyncFault::NoAnswer));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn fail_sync(&mut self, sync: &Syncing, fault: SyncFault) -> Result<(), EngineError> {
        self.store.ensure_open()?;
        self.close_session(&sync.session)?;
        self.note_sync(&sync.session, Some(fault)).map(drop)
    }
}

impl EngineError {
    /// As what a sync notes it that fails by it.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let unread = phone.hear(b"a photograph of a cat").unwrap_err();
    /// assert_eq!(unread.as_sync_fault(), SyncFault::NotRead);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn as_sync_fault(&self) -> SyncFault {
        match self {
            EngineError::Sync(SyncError::Stuck { .. }) => SyncFault::Stuck,
            EngineError::Sync(SyncError::Unending) => SyncFault::Unending,
            EngineError::Sync(SyncError::Message(_)) => SyncFault::NotRead,
            _ => SyncFault::Store,
        }
    }
}
