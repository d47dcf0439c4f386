//! The hub's side of an exchange.

use super::incoming::{Sender, Unverified, Verified, told};
use super::message::{Message, NAMED_MAX, TIPS_MAX};
use super::{Frontier, SyncError, TakenIn, add_held, add_point, take_in};
use crate::model::{DeviceKey, TeamId, UnixMillis};
use crate::store::{Cursor, MayBranch, Peer, Store, digest_of};

/// What a hub gives a device's request, and what that cost others.
#[derive(Debug, Default)]
pub struct Exchange {
    /// The response's bytes.
    pub response: Vec<u8>,
    /// How many entries came that were not held.
    pub new_entries: u64,
}

/// Reads a device's request, takes it in, durably, and answers with what the device may read of what it
/// lacks. `now` is the hub's clock, for people to compare.
pub fn respond(
    store: &mut Store,
    device: DeviceKey,
    now: UnixMillis,
    request: &[u8],
) -> Result<Vec<u8>, SyncError> {
    respond_within(store, device, now, request, &mut |_| true)
}

/// The same, where so much is taken of new logs and branches as `may_branch` allows their author.
pub fn respond_within(
    store: &mut Store,
    device: DeviceKey,
    now: UnixMillis,
    request: &[u8],
    may_branch: MayBranch<'_>,
) -> Result<Vec<u8>, SyncError> {
    let message = Message::decode(request)?;
    store.ensure_open()?;
    let sender = if device == store.root() || store.authority().has_certificate(device) {
        Sender::Known
    } else {
        Sender::Stranger
    };
    if sender == Sender::Stranger && message.runs.is_empty() {
        return Ok(respond_nothing(now, &message));
    }
    let mut unverified = Unverified::new(message, sender);
    unverified.look(store, sender)?;
    let exchange = respond_verified(store, device, now, unverified.verify(), may_branch)?;
    Ok(exchange.response)
}

/// The same for a request that was verified away from the store. Entries are taken by their own signatures,
/// where they are carried; they are read by members of their team alone.
pub fn respond_verified(
    store: &mut Store,
    device: DeviceKey,
    now: UnixMillis,
    request: Verified,
    may_branch: MayBranch<'_>,
) -> Result<Exchange, SyncError> {
    store.ensure_open()?;
    store.note_day(now)?;
    let before = store.here()?;
    // Read before anything comes in: what is ahead of us then was lost here.
    let since = store.take_cursor(&request.message.cursor)?;
    let mut taken = take_in(store, request, may_branch)?;
    let request = std::mem::take(&mut taken.message);
    store.note_synced(device, now)?;
    let (request_digest, asked) = (request.digest, request.teams.clone());
    let (mut response, heard) = if request.clock.is_some() {
        (in_full(store, device, request, &taken)?, None)
    } else {
        in_short(store, device, &request, &taken, since, before)?
    };
    let turned_away = taken.turned_away.iter();
    response.turned_away = turned_away.map(|(index, _, reason)| told(*index, reason)).collect();
    response.digest = store.clock_digest(&response.teams);
    if response.digest == request_digest && response.teams.len() == asked.len() {
        store.note_came_again(device, &Frontier::new())?;
    }
    let kept: Vec<TeamId> =
        asked.into_iter().filter(|team| !response.teams.contains(team)).collect();
    for (log, tip) in store.carried_of(device, &kept) {
        let tips = response.points.entry(log).or_default();
        if let Err(at) = tips.binary_search(&tip) {
            tips.insert(at, tip);
        }
    }
    response.cursor = store.give_cursor(heard)?;
    response.now = now.0;
    Ok(Exchange { response: response.encode(), new_entries: taken.new_entries })
}

/// What a hub answers a key without a certificate that brings nothing which could be taken: it reads no
/// team, so that no store is asked.
pub fn respond_nothing(now: UnixMillis, request: &Message) -> Vec<u8> {
    let nothing = Frontier::new();
    let digest = digest_of(&nothing);
    let clock = request.clock.is_some().then_some(nothing);
    Message { digest, clock, now: now.0, ..Message::default() }.encode()
}

/// The teams asked for that this device may read.
fn readable(store: &Store, device: DeviceKey, asked: &[TeamId]) -> Vec<TeamId> {
    // The root reads all, so that it can name what stands when it revokes a coordinator.
    let may_read =
        |team: &TeamId| device == store.root() || store.authority().may_read(device, *team);
    asked.iter().copied().filter(|team| store.holds_team(*team) && may_read(team)).collect()
}

/// Acknowledges, and hands on what arrived since the cursor.
fn in_short(
    store: &mut Store,
    device: DeviceKey,
    request: &Message,
    taken: &TakenIn,
    since: Option<Cursor>,
    before: Cursor,
) -> Result<(Message, Option<i64>), SyncError> {
    let teams = readable(store, device, &request.teams);
    let mut response = Message { teams, ..Message::default() };
    let mut heard = None;
    for (log, tip) in &taken.held {
        add_point(&mut response.points, *log, *tip);
    }
    if let (Some(since), false) = (since, request.more) {
        let runs = store.runs_since(&response.teams, since, before.arrival, device)?;
        response.runs = runs.into_iter().map(Ok).collect();
        (response.signed, heard) = store.signed_tips_since(&response.teams, since.heard, device)?;
    }
    Ok((response, heard))
}

/// Shows the whole clock, and hands on what the device's shows that it lacks.
fn in_full(
    store: &mut Store,
    device: DeviceKey,
    request: Message,
    taken: &TakenIn,
) -> Result<Message, SyncError> {
    let teams = readable(store, device, &request.teams);
    if let (true, Some(clock)) = (teams.len() == request.teams.len(), &request.clock) {
        store.note_came_again(device, clock)?;
    }
    let skip = request.skip.into_iter().collect();
    let peer = Peer { clock: request.clock.unwrap_or_default(), points: request.points, skip };
    let (clock, left_out) = store.clock_to_show(&teams, TIPS_MAX);
    let mut points = store.points(&teams, &peer)?;
    add_held(&mut points, &clock, taken.held.iter().copied());
    Ok(Message {
        signed: store.signed_tips_lacked(&teams, &peer.clock, None)?,
        runs: store.runs_lacked(&teams, &peer, None, u64::MAX)?.into_iter().map(Ok).collect(),
        brought: store.brought_lacked(&teams, &peer.clock)?,
        clock: Some(clock),
        skip: left_out.into_iter().take(NAMED_MAX as usize).collect(),
        points,
        teams,
        ..Message::default()
    })
}
