//! The device's side of one sync.

mod refused;

use super::agreement::{Agreement, Progress};
use super::message::{Message, NAMED_MAX, TIPS_MAX};
use super::{
    Frontier, SyncError, TakenIn, add_held, add_point, pairs, read, take_in, to_receive, weight_of,
};
use crate::identity::{Role, SigningKey};
use crate::log::Author;
use crate::log::entry::Tip;
use crate::log::run::{Brought, RUNS_BYTES_MAX, Run, TurnedAway};
use crate::model::cbor::Malformed;
use crate::model::{LogId, TeamId, UnixMillis};
use crate::store::Setting;
use crate::store::{Peer, Store, StoreError};
use std::collections::BTreeSet;

/// The most requests of one session: 20 million entries, so that a hub that always moves cannot hold a
/// phone for ever.
pub const REQUESTS_MAX: u32 = 10_000;
/// What the entries of the first request weigh at most, so that over a line that is soon cut the signatures
/// that go with them get through, and tell the hub what it lacks.
const FIRST_WEIGHT_MAX: u64 = 16 << 10;
/// How many answers with clocks in a row may bring neither an acknowledgement nor an entry that the hub's
/// first clock showed: finding where branches part takes some.
const ROUNDS_WITHOUT_MAX: u32 = 6;
/// What a request costs beside its entries, at most, but for signatures.
const OVERHEAD_BYTES: u64 = 512;

/// The device's side of one sync.
pub struct Session {
    teams: Vec<TeamId>,
    /// Those of them of which the hub is asked what it has.
    asked: Vec<TeamId>,
    /// Whether digests differed and clocks are exchanged.
    in_full: bool,
    /// What is known of the hub, once it showed its clock.
    hub: Option<Peer>,
    /// The logs of the runs of the last request, in order.
    sent: Vec<LogId>,
    /// Whether the last request said that more follows.
    more: bool,
    /// Entries held that are no tips, from runs that brought nothing new.
    held: Frontier,
    /// Logs of which runs were turned away here.
    unwanted: BTreeSet<LogId>,
    /// Logs that the hub turned away for want of a certificate, and what certifies them was offered again.
    proven: BTreeSet<LogId>,
    /// Logs of which anything was sent.
    offered_logs: BTreeSet<LogId>,
    /// Those of the last response.
    proving: BTreeSet<LogId>,
    turned_away: usize,
    last_reason: Option<String>,
    /// Whether the hub put something off for want of a budget.
    is_put_off: bool,
    /// What the hub's first clock showed: a sync brings this, and leaves what comes since to the next.
    goal: Option<Frontier>,
    rounds_without: u32,
    /// The fewest entries that ever waited in this session.
    least_waiting: Option<u64>,
    /// Whether the hub was put back within it.
    was_put_back: bool,
    requests: u32,
    upload_left: Option<u64>,
    /// Whether what a revocation hides here was offered, and what that was until the hub answered.
    offered_hidden: bool,
    offered: Option<Vec<u8>>,
    /// Whether the hub lets this device read no team: it reads little of a key that it does not know.
    is_stranger: bool,
    /// Up to which signature heard the hub was told, where not all could be.
    told_to: Option<i64>,
    progress: Progress,
    hub_now: Option<UnixMillis>,
    agreement: Option<Agreement>,
    /// Whether it ended because neither side could offer more.
    is_stuck: bool,
}

impl Session {
    /// A sync of these teams; the programme's own scope goes with them.
    pub fn new(teams: impl IntoIterator<Item = TeamId>) -> Self {
        let mut teams: Vec<TeamId> = teams.into_iter().chain([TeamId::PROGRAMME]).collect();
        teams.sort();
        teams.dedup();
        Session {
            asked: teams.clone(),
            teams,
            in_full: false,
            hub: None,
            sent: Vec::new(),
            more: false,
            held: Frontier::new(),
            unwanted: BTreeSet::new(),
            proven: BTreeSet::new(),
            offered_logs: BTreeSet::new(),
            proving: BTreeSet::new(),
            turned_away: 0,
            last_reason: None,
            is_put_off: false,
            goal: None,
            rounds_without: 0,
            least_waiting: None,
            was_put_back: false,
            requests: 0,
            upload_left: None,
            offered_hidden: false,
            offered: None,
            is_stranger: false,
            told_to: None,
            progress: Progress::default(),
            hub_now: None,
            agreement: None,
            is_stuck: false,
        }
    }

    /// A sync that brings the hub what is here of these teams, and takes from it the programme's own scope alone: what a
    /// device does that is there to capture only.
    pub fn capturing(teams: impl IntoIterator<Item = TeamId>) -> Self {
        Session { asked: vec![TeamId::PROGRAMME], ..Session::new(teams) }
    }

    /// Sends about this many bytes at most, and one entry of this device's own at least; the rest waits, and is
    /// said to wait.
    pub fn limit_upload(&mut self, bytes: u64) {
        self.upload_left = Some(bytes);
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// The hub's clock, as its last response had it.
    pub fn hub_now(&self) -> Option<UnixMillis> {
        self.hub_now
    }

    /// How it ended; `None` until then, and for ever if it was cut. Only this is success.
    pub fn agreement(&self) -> Option<&Agreement> {
        self.agreement.as_ref()
    }

    /// The next request, or `None` once it ended.
    pub fn request(
        &mut self,
        store: &Store,
        own: &SigningKey,
    ) -> Result<Option<Vec<u8>>, SyncError> {
        if self.agreement.is_some() {
            return Ok(None);
        }
        self.requests += 1;
        if self.requests > REQUESTS_MAX {
            return Err(self.stuck());
        }
        let mut message =
            if self.in_full { self.in_full(store, own)? } else { self.in_short(store, own)? };
        message.teams.clone_from(&self.asked);
        message.digest = store.clock_digest(&self.asked);
        message.cursor = store.setting(&Setting::Cursor)?.unwrap_or_default();
        message.skip.extend(self.unwanted.iter().copied());
        message.skip.truncate(NAMED_MAX as usize);
        self.sent = message.runs.iter().flatten().map(|run| run.log).collect();
        self.offered_logs.extend(self.sent.iter().copied());
        self.more = message.more;
        let bytes = message.encode();
        if let Some(left) = &mut self.upload_left {
            *left = left.saturating_sub(bytes.len() as u64);
        }
        Ok(Some(bytes))
    }

    /// What the hub is not known to hold, page by page.
    fn in_short(&mut self, store: &Store, own: &SigningKey) -> Result<Message, SyncError> {
        let peer = Peer { clock: store.hub_clock(&self.teams)?, ..Peer::default() };
        let mut runs = match self.weight_max() {
            0 => Vec::new(),
            _ => self.page(store, &peer, own)?,
        };
        let waiting = store.entries_beyond_hub(&self.teams)?;
        let sent: u64 = runs.iter().map(|run| run.entries.len() as u64).sum();
        self.progress.to_send = waiting;
        let more = !runs.is_empty() && waiting > sent && self.weight_max() > 0;
        if !more && !std::mem::replace(&mut self.offered_hidden, true) {
            let most = self.upload_left.map_or(RUNS_BYTES_MAX, |_| self.weight_max());
            let left = most.saturating_sub(weight_of(&runs));
            let (hidden, offered) = store.runs_hidden(&self.teams, own, left)?;
            runs.extend(hidden);
            self.offered = Some(offered).filter(|offered| !offered.is_empty());
        }
        // A run proves how far it reaches by itself.
        let reached: BTreeSet<Tip> =
            runs.iter().filter_map(|run| run.expand().last().map(|last| last.tip())).collect();
        // Each some 250 bytes, and at most a quarter of what may be sent.
        let most = self.upload_left.map_or(u64::MAX, |left| (left / 1_000).max(1));
        let (mut signed, told_to) =
            store.signed_tips_to_tell(&self.teams, &peer.clock, own, most as usize)?;
        self.told_to = told_to;
        signed.retain(|one| !reached.contains(&one.tip));
        Ok(Message { signed, more, runs: runs.into_iter().map(Ok).collect(), ..Message::default() })
    }

    /// A page of what a hub lacks, of which so much is known.
    fn page(&self, store: &Store, hub: &Peer, own: &SigningKey) -> Result<Vec<Run>, StoreError> {
        let most = self.weight_max();
        match self.upload_left {
            Some(_) => store.runs_lacked_within(&self.teams, hub, own, most),
            None => store.runs_lacked(&self.teams, hub, Some(own), most),
        }
    }

    /// What a request's entries may weigh: little in the first, and never above the upload budget.
    fn weight_max(&self) -> u64 {
        let is_little = self.requests == 1 || self.is_stranger;
        let page = if is_little { FIRST_WEIGHT_MAX } else { RUNS_BYTES_MAX };
        match self.upload_left {
            None => page,
            Some(left) if self.requests == 1 => page.min(left.max(1)),
            Some(left) => page.min(left.saturating_sub(OVERHEAD_BYTES)),
        }
    }

    /// Our clock, and what the hub's shows that it lacks, once that is known.
    fn in_full(&mut self, store: &Store, own: &SigningKey) -> Result<Message, SyncError> {
        let nothing = Peer::default();
        let theirs = self.hub.as_ref().unwrap_or(&nothing);
        let runs = match &self.hub {
            Some(hub) if self.weight_max() > 0 => self.page(store, hub, own)?,
            _ => Vec::new(),
        };
        let (clock, left_out) = store.clock_to_show(&self.asked, TIPS_MAX);
        let mut points = store.points(&self.asked, theirs)?;
        add_held(&mut points, &clock, pairs(&self.held));
        Ok(Message {
            signed: store.signed_tips_lacked(&self.asked, &theirs.clock, Some(own))?,
            clock: Some(clock),
            skip: left_out.into_iter().collect(),
            points,
            runs: runs.into_iter().map(Ok).collect(),
            brought: match &self.hub {
                Some(hub) => store.brought_lacked(&self.asked, &hub.clock)?,
                None => Vec::new(),
            },
            ..Message::default()
        })
    }

    /// Takes a response in, durably. Only one that shows that both hold the same ends the sync as a
    /// success.
    pub fn reply(&mut self, store: &mut Store, bytes: &[u8]) -> Result<(), SyncError> {
        let taken = self.take_response(store, bytes);
        if taken.is_err() || self.agreement.is_some() {
            store.settle_postponed()?;
        }
        taken
    }

    fn take_response(&mut self, store: &mut Store, bytes: &[u8]) -> Result<(), SyncError> {
        let response = Message::decode(bytes)?;
        // A request that came back, as from something between us that returns what it gets, acknowledges nothing.
        if response.now == 0 {
            return Err(TurnedAway::from(Malformed::NotCanonical).into());
        }
        self.hub_now = Some(UnixMillis(response.now));
        store.note_hub_now(self.hub_now);
        self.is_stranger = response.teams.is_empty();
        // A hub that was put back: what it was known to hold is offered again.
        let was_put_back = store.note_hub_epoch(&response.cursor)?;
        if was_put_back {
            self.in_full = true;
            self.hub = None;
            // Once: a hub that is put back again and again brings nobody forward.
            if !std::mem::replace(&mut self.was_put_back, true) {
                self.least_waiting = None;
            }
        }
        let verified = read(store, response)?;
        let mut taken = take_in(store, verified, &mut |_| true)?;
        let response = std::mem::take(&mut taken.message);
        self.progress.received += taken.new_entries;
        let mut moved = taken.new_entries > 0;
        for (_, log, reason) in &taken.turned_away {
            self.turned_away += 1;
            self.last_reason = Some(reason.to_string());
            // What came by the cursor may hang on what did not: clocks will tell, before a log is
            // given up.
            let is_taken = |log: &LogId| taken.carried.iter().any(|(of, _)| of == log);
            let log = log.filter(|log| response.clock.is_some() && !is_taken(log));
            moved |= log.is_some_and(|log| self.unwanted.insert(log));
        }
        let refused = self.note_refused(store, &response)?;
        let readable: Vec<TeamId> =
            self.teams.iter().copied().filter(|team| response.teams.contains(team)).collect();
        if response.clock.is_some() {
            return self.reply_in_full(store, response, &readable, taken, moved);
        }
        let mut on_hub = response.points;
        for (log, tip) in &taken.held {
            // What the hub sends, it holds.
            add_point(&mut on_hub, *log, *tip);
        }
        let waited = store.entries_beyond_hub(&self.teams)?;
        store.note_on_hub(&on_hub)?;
        let waiting = self.note_progress(store, waited)?;
        let is_refused = refused || !taken.turned_away.is_empty();
        if self.more && !is_refused && waiting < waited {
            return Ok(());
        }
        // Of a team that is kept from this device no digest tells anything: what it wrote there must
        // have been acknowledged.
        let all_there = waiting == 0 && !was_put_back;
        if !is_refused && all_there && response.digest == store.clock_digest(&readable) {
            return self.agree(store, &readable, &response.cursor);
        }
        // A hub that never shows its clock, nor acknowledges, keeps nobody waiting without end.
        let gained = self.gains(waiting);
        self.rounds_without = if gained { 0 } else { self.rounds_without + 1 };
        if self.rounds_without > ROUNDS_WITHOUT_MAX {
            return Err(self.stuck());
        }
        let spent = self.upload_left.is_some() && self.weight_max() == 0;
        if waiting > 0 && spent && !is_refused {
            self.agreement = Some(Agreement::Partial { waiting })
        } else {
            self.in_full = true
        }
        Ok(())
    }

    fn reply_in_full(
        &mut self,
        store: &mut Store,
        response: Message,
        readable: &[TeamId],
        taken: TakenIn,
        mut moved: bool,
    ) -> Result<(), SyncError> {
        let theirs = response.clock.unwrap_or_default();
        let not_shown: BTreeSet<LogId> = response.skip.iter().copied().collect();
        let waited = store.entries_beyond_hub(&self.teams)?;
        store.note_turned_away(&[], &theirs)?;
        store.note_hub_clock(readable, &theirs, &not_shown)?;
        let mut on_hub = response.points.clone();
        for (log, tip) in taken.held.iter().filter(|(log, _)| not_shown.contains(log)) {
            // What the hub sends, it holds.
            add_point(&mut on_hub, *log, *tip);
        }
        store.note_on_hub(&on_hub)?;
        let waiting = self.note_progress(store, waited)?;
        let ours = store.clock(readable);
        self.progress.to_receive = to_receive(&ours, &theirs);
        for (log, tip) in &taken.held {
            let is_tip = ours.get(log).is_some_and(|tips| tips.contains(tip));
            moved |= !is_tip && add_point(&mut self.held, *log, *tip);
        }
        let all_there = waiting == 0 || readable.len() == self.teams.len();
        // Where a clock could not show all, the digest tells.
        let is_shown =
            not_shown.is_empty() && ours.values().map(Vec::len).sum::<usize>() <= TIPS_MAX;
        let is_same =
            if is_shown { theirs == ours } else { response.digest == store.clock_digest(readable) };
        if is_same && all_there {
            return self.agree(store, readable, &response.cursor);
        }
        let goal = self.goal.get_or_insert_with(|| theirs.clone());
        let is_of_goal = |(log, tip): &(LogId, Tip)| {
            let last = goal.get(log).and_then(|tips| tips.last());
            last.is_some_and(|last| tip.position <= last.position)
        };
        let of_goal = taken.carried.iter().any(is_of_goal);
        let is_there = waiting == 0 && !theirs.is_empty() && is_reached(store, &*goal)?;
        // Of a log that the hub's clock leaves out nothing tells what is there.
        let lacked = |store: &Store| store.brought_lacked(readable, &theirs);
        let is_shown_there = |brought: &Brought| !not_shown.contains(&brought.open.log());
        let is_reached = is_there && !lacked(store)?.iter().any(is_shown_there);
        let gained = self.gains(waiting) || of_goal;
        self.rounds_without = if gained { 0 } else { self.rounds_without + 1 };
        if is_reached {
            self.agreement = Some(Agreement::CaughtUp);
            return Ok(());
        }
        // Of a team that is kept from this device the hub shows nothing: what it acknowledged is known.
        let kept: Vec<TeamId> =
            self.teams.iter().copied().filter(|team| !readable.contains(team)).collect();
        let mut theirs = theirs;
        for (log, tips) in store.hub_clock(&kept)? {
            theirs.entry(log).or_insert(tips);
        }
        // What the hub said that it holds stays true for the session: points are gathered, so that
        // every step goes on from the one before.
        let before = self.hub.take();
        moved |= before.as_ref().is_none_or(|before| before.clock != theirs) || waiting < waited;
        let mut hub = Peer { clock: theirs, ..before.unwrap_or_default() };
        hub.skip.extend(not_shown);
        for (log, tip) in pairs(&response.points) {
            moved |= add_point(&mut hub.points, log, tip);
        }
        for run in &response.turned_away {
            let log = usize::try_from(run.index).ok().and_then(|at| self.sent.get(at));
            let log = log.filter(|log| !self.proving.contains(log));
            moved |= log.is_none_or(|log| hub.skip.insert(*log));
        }
        self.hub = Some(hub);
        let spent = self.upload_left.is_some() && self.weight_max() == 0;
        if spent && waiting > 0 {
            self.agreement = Some(Agreement::Partial { waiting });
        } else if !moved || self.rounds_without > ROUNDS_WITHOUT_MAX {
            // Runs of others may be heavier than what may still be sent.
            let is_too_heavy = self.upload_left.is_some() && waiting > 0 && self.sent.is_empty();
            if !self.is_put_off && !is_too_heavy {
                return Err(self.stuck());
            }
            self.agreement = Some(Agreement::Partial { waiting });
        }
        Ok(())
    }

    fn agree(
        &mut self,
        store: &mut Store,
        readable: &[TeamId],
        cursor: &[u8],
    ) -> Result<(), SyncError> {
        store.note_agreement(readable, cursor, self.told_to)?;
        let kept: Vec<TeamId> =
            self.asked.iter().copied().filter(|team| !readable.contains(team)).collect();
        self.progress.to_send = store.entries_beyond_hub(&self.teams)?;
        self.progress.to_receive = 0;
        self.agreement =
            Some(if kept.is_empty() { Agreement::Whole } else { Agreement::Without(kept) });
        Ok(())
    }

    /// Whether fewer entries wait than ever in this session: what a hub takes back and gives again is no
    /// progress.
    fn gains(&mut self, waiting: u64) -> bool {
        let least = self.least_waiting.replace(waiting);
        if let Some(least) = least {
            self.least_waiting = Some(least.min(waiting));
        }
        least.is_none_or(|least| waiting < least)
    }

    /// Notes how many entries the last response acknowledged, and returns how many still wait.
    fn note_progress(&mut self, store: &Store, waited: u64) -> Result<u64, SyncError> {
        let waiting = store.entries_beyond_hub(&self.teams)?;
        self.progress.sent += waited.saturating_sub(waiting);
        self.progress.to_send = waiting;
        Ok(waiting)
    }

    /// Whether the sync ended because neither side could offer more, and of coordinators all is here that
    /// the hub's first clock showed: the root knows then what it needs to revoke one of them, and nobody who
    /// keeps a log from being handed on keeps the root from that.
    pub fn shows_all_of_coordinators(&self, store: &Store) -> Result<bool, SyncError> {
        let Some(goal) = self.goal.as_ref().filter(|_| self.is_stuck) else { return Ok(false) };
        let of_coordinators = goal.iter().filter(|(log, _)| {
            matches!(
                store.author_of(log),
                Some(Author::Root | Author::Certified(Role::Coordinator, _))
            )
        });
        is_reached(store, of_coordinators)
    }

    fn stuck(&mut self) -> SyncError {
        self.is_stuck = true;
        let nothing = || "neither side could offer more; sync again later".to_owned();
        SyncError::Stuck {
            turned_away: self.turned_away,
            reason: self.last_reason.clone().unwrap_or_else(nothing),
        }
    }
}

/// Whether all that a clock shows is carried here.
fn is_reached<'a>(
    store: &Store,
    goal: impl IntoIterator<Item = (&'a LogId, &'a Vec<Tip>)>,
) -> Result<bool, SyncError> {
    for (log, tips) in goal {
        let ours = store.tips(log);
        for tip in tips.iter().filter(|tip| !ours.contains(tip)) {
            if !store.carries(&tip.id)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
