//! `/v1/sync`: takes what a device sends, acknowledges after COMMIT, and hands on what it lacks.

use crate::access::{Device, away, timed, within_budget};
use crate::problem::{Problem, failed};
use crate::state::{Hub, now};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use kitbag_core::store::Store;
use kitbag_core::sync::{self, MESSAGE_BYTES_MAX, Message, Sender, SyncError, Unverified};
use std::time::Instant;

/// What a stranger's request may inflate to, in bytes: the logs of the root and of coordinators.
const STRANGERS_INFLATED_MAX: usize = 256 << 10;
/// And how many times what was sent, beside a little: keys and signatures, which is what such logs are made
/// of, pack to a third at best.
const STRANGERS_INFLATED_TIMES: usize = 16;
const STRANGERS_INFLATED_MIN: usize = 4 << 10;

pub(crate) async fn take(
    State(hub): State<Hub>,
    Device(device): Device,
    body: Bytes,
) -> Result<Response, Problem> {
    let sender = hub.sender(device);
    within_budget(&hub, device)?;
    let most = match sender {
        Sender::Known => MESSAGE_BYTES_MAX,
        Sender::Stranger => (STRANGERS_INFLATED_MIN + STRANGERS_INFLATED_TIMES * body.len())
            .min(STRANGERS_INFLATED_MAX),
    };
    // Those without a certificate wait for each other, and nobody else for them.
    let _turn = match sender {
        Sender::Known => None,
        Sender::Stranger => Some(hub.strangers.acquire().await),
    };
    let unstored = || failed("the entries were not stored; send them again");
    if sender == Sender::Stranger {
        // Of those who bring nothing nobody else hears: no thread and no store is asked.
        let message = Message::decode_up_to(&body, most);
        let (message, _) = message.map_err(|reason| malformed(&reason.into()))?;
        if message.runs.is_empty() {
            return Ok(Response::new(Body::from(sync::respond_nothing(now(), &message))));
        }
    }
    let read = move || -> Result<(Unverified, usize), SyncError> {
        let (message, inflated) = Message::decode_up_to(&body, most)?;
        let unverified = Unverified::new(message, sender);
        let cost = inflated.max(unverified.weight() as usize);
        Ok((unverified, cost))
    };
    let (read, mut took) = away(read).await.ok_or_else(unstored)?;
    let (mut unverified, cost) = match read {
        Ok(read) => read,
        Err(reason) => {
            hub.charge(device, 0, took);
            return Err(malformed(&reason));
        }
    };
    let look = move |store: &mut Store| unverified.look(store, sender).map(|()| unverified);
    let (looked, more) = hub.with_store(timed(look)).await.ok_or_else(unstored)?;
    took += more;
    let unverified = looked.map_err(|_| unstored())?;
    // Signatures are looked at away from the store, so that nobody waits for them.
    let (verified, more) = away(move || unverified.verify()).await.ok_or_else(unstored)?;
    took += more;
    let accounts = hub.accounts.clone();
    let take = move |store: &mut Store| {
        let mut may_branch = |author| accounts.may_branch(author, Instant::now());
        let exchange = sync::respond_verified(store, device, now(), verified, &mut may_branch)?;
        Ok::<_, SyncError>((exchange, store.is_settled()?))
    };
    let (answer, more) = hub.with_store(timed(take)).await.ok_or_else(unstored)?;
    hub.charge(device, cost, took + more);
    let (exchange, is_settled) = answer.map_err(|_| unstored())?;
    if exchange.new_entries > 0 {
        hub.note_known().await;
    }
    if !is_settled {
        hub.entries_arrived();
    }
    // Without a type: the device knows it, and every byte costs someone money.
    Ok(Response::new(Body::from(exchange.response)))
}

fn malformed(reason: &SyncError) -> Problem {
    Problem(StatusCode::BAD_REQUEST, "message", reason.to_string())
}
