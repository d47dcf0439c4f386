//! Syncing with a hub, and signatures passed on by hand.

use super::{Engine, EngineError};
#[cfg(feature = "net")]
use crate::identity::HubAddress;
use crate::model::TeamId;
use crate::sync::{Agreement, Message, Progress, Session, SyncError, take};

impl Engine {
    /// Syncs with a hub through `exchange`, which carries a request and brings the response; an error
    /// of it ends the sync, and what was acknowledged until then stays so.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// let device = phone.device_key();
    /// let agreement = phone.sync(|request| {
    ///     // An app sends these bytes with `client.sync`, and gives the response back.
    ///     let now = UnixMillis(1_790_000_000_000);
    ///     sync::respond(&mut hub, device, now, &request).map_err(EngineError::from)
    /// })?;
    /// assert_eq!(agreement, Agreement::Whole);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn sync<E: From<EngineError>>(
        &mut self,
        mut exchange: impl FnMut(Vec<u8>) -> Result<Vec<u8>, E>,
    ) -> Result<Agreement, E> {
        self.store.ensure_open().map_err(EngineError::from)?;
        let mut session = self.session();
        self.carry(&mut session, |request, _| exchange(request))
    }

    /// Carries a session to its end. `exchange` gets each request with how far the sync is, and may
    /// cancel it by an error of its own.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// let (device, mut session) = (phone.device_key(), phone.session());
    /// let agreement = phone.carry(&mut session, |request, progress| {
    ///     println!("{} entries are acknowledged", progress.sent);
    ///     let now = UnixMillis(1_790_000_000_000);
    ///     sync::respond(&mut hub, device, now, &request).map_err(EngineError::from)
    /// })?;
    /// phone.note_sync(&session, None)?;
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn carry<E: From<EngineError>>(
        &mut self,
        session: &mut Session,
        mut exchange: impl FnMut(Vec<u8>, Progress) -> Result<Vec<u8>, E>,
    ) -> Result<Agreement, E> {
        let carried = self.carry_on(session, &mut exchange);
        let agreement = self.close_session(session)?;
        carried?;
        if !matches!(agreement, Agreement::Partial { .. }) {
            let mut offering = self.begin_offering()?;
            while let Some(request) = offering.request() {
                offering.answered(&exchange(request, Progress::default())?)?;
            }
            self.end_offering(offering)?;
        }
        Ok(agreement)
    }

    fn carry_on<E: From<EngineError>>(
        &mut self,
        session: &mut Session,
        exchange: &mut impl FnMut(Vec<u8>, Progress) -> Result<Vec<u8>, E>,
    ) -> Result<(), E> {
        while let Some(request) = self.request(session)? {
            let response = exchange(request, session.progress())?;
            self.reply(session, &response)?;
        }
        Ok(())
    }

    /// What is to be done once a session asks no more, however it ended: records whose judging waited for its end are
    /// judged, and the root has looked where all of coordinators came.
    pub(super) fn close_session(&mut self, session: &Session) -> Result<Agreement, EngineError> {
        self.store.settle_postponed()?;
        let agreement = session.agreement().cloned();
        let has_looked = agreement == Some(Agreement::Whole);
        if has_looked || session.shows_all_of_coordinators(&self.store)? {
            self.looked.extend(&self.looked_into);
        }
        self.capture_only_as_asked(agreement.as_ref())?;
        Ok(agreement.unwrap_or(Agreement::Whole))
    }

    /// A client that calls this hub as this device, on the runtime of whoever calls it.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let hub: HubAddress = HubAddress::insecure("127.0.0.1:1".parse()?); // nobody listens there
    /// let client = phone.client(&hub)?;
    /// assert_eq!(client.shown_key(), None); // until it showed one
    /// # Ok::<(), Failed>(())
    /// ```
    #[cfg(feature = "net")]
    pub fn client(&self, hub: &HubAddress) -> std::io::Result<crate::net::HubClient> {
        crate::net::HubClient::new(hub, &self.key)
    }

    /// Signatures of how far this device's logs reach, and those that it heard, for a team: some hundred
    /// bytes that prove what exists. Passed on by a colleague, a file or a picture, they let others
    /// know what they lack, even of a phone that never came.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// let announcement = phone.announce(team)?; // as a QR code, or by a colleague
    /// coordinator.hear(&announcement)?;
    /// assert_eq!(coordinator.totals(&Query::default())?.missing.devices, 1);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn announce(&self, team: TeamId) -> Result<Vec<u8>, EngineError> {
        let teams = [team, TeamId::PROGRAMME];
        let nothing = crate::store::Frontier::new();
        let signed = self.store.signed_tips_lacked(&teams, &nothing, Some(&self.key))?;
        let own = |one: &crate::log::run::SignedTip| one.open.key == self.device_key();
        let signed = signed.into_iter().filter(own).collect();
        Ok(Message { teams: teams.to_vec(), signed, ..Message::default() }.encode())
    }

    /// Hears what another device announced, durably; it is passed on with the next sync.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// coordinator.hear(&phone.announce(team)?)?;
    /// assert!(coordinator.hear(b"a photograph of a cat").is_err());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn hear(&mut self, announcement: &[u8]) -> Result<(), EngineError> {
        let message = Message::decode(announcement).map_err(SyncError::from)?;
        let message = Message { signed: message.signed, ..Message::default() };
        take(&mut self.store, message, &mut |_| true)?;
        Ok(())
    }

    /// Makes pages smaller, so that little data needs many: for simulations.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.limit_pages(1);
    /// phone.record(team, &reversal()?)?;
    /// assert_eq!(sync_with(&mut phone, &mut hub)?, Agreement::Whole);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn limit_pages(&mut self, entries: u64) {
        self.store.limit_pages(entries);
    }

    /// Begins a sync of all teams of this device, for callers that carry messages themselves.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let session = phone.session();
    /// assert_eq!(session.agreement(), None); // not before the hub said so
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn session(&self) -> Session {
        let teams = self.members.keys().chain(&self.looked_into).copied();
        // Where that cannot be read, the sync fails by itself.
        match self.store.is_capture_only().unwrap_or(true) {
            true => Session::capturing(teams),
            false => Session::new(teams),
        }
    }

    /// The session's next request, or `None` once both sides hold the same.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let mut session = phone.session();
    /// while let Some(request) = phone.request(&mut session)? {
    ///     let now = UnixMillis(1_790_000_000_000);
    ///     let response = sync::respond(&mut hub, phone.device_key(), now, &request)?;
    ///     phone.reply(&mut session, &response)?;
    /// }
    /// assert_eq!(session.agreement(), Some(&Agreement::Whole));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn request(&self, session: &mut Session) -> Result<Option<Vec<u8>>, EngineError> {
        Ok(session.request(&self.store, &self.key)?)
    }

    /// Takes a response of the hub in, durably.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let mut session = phone.session();
    /// phone.request(&mut session)?;
    /// assert!(phone.reply(&mut session, b"not a hub's response").is_err());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn reply(&mut self, session: &mut Session, response: &[u8]) -> Result<(), EngineError> {
        self.store.note_hub_now(Some((self.environment.now)()));
        let replied = session.reply(&mut self.store, response);
        self.store.note_hub_now(None);
        replied?;
        self.renew_memberships()?;
        self.forget_erased()
    }
}
