//! Who asks, within which budget, and what is read or done for it, away from the threads that serve sockets.

use crate::problem::Problem;
use crate::state::Hub;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use kitbag_core::model::{DeviceKey, TeamId};
use kitbag_core::store::{Store, StoreError};
use kitbag_core::sync::Sender;
use std::time::{Duration, Instant};

/// The key of the device that asks; a request without one is refused.
pub(crate) struct Device(pub DeviceKey);

impl<State: Sync> FromRequestParts<State> for Device {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Parts, _: &State) -> Result<Self, Problem> {
        let detail = "the request names no device; on this machine without TLS it needs a header";
        let key = head.extensions.get().copied();
        key.map(Device).ok_or(Problem(StatusCode::UNAUTHORIZED, "device", detail.to_owned()))
    }
}

/// Whether a device may read what these teams hold together.
pub(crate) fn may_read_all(store: &Store, device: DeviceKey, teams: &[TeamId]) -> bool {
    device == store.root() || teams.iter().all(|team| store.authority().may_read(device, *team))
}

/// Refuses a member whose budget is spent; strangers have other bounds.
pub(crate) fn within_budget(hub: &Hub, device: DeviceKey) -> Result<(), Problem> {
    if hub.sender(device) == Sender::Stranger || hub.accounts.may_ask(device, Instant::now()) {
        return Ok(());
    }
    let detail = "this device's budget is spent for now; nothing is lost, sync again later";
    Err(Problem(StatusCode::TOO_MANY_REQUESTS, "budget", detail.to_owned()))
}

/// Reads beside the store for a member: one at a time, within its budget, which it is charged to.
pub(crate) async fn read_for<T: Send + 'static>(
    hub: &Hub,
    device: DeviceKey,
    read: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<Option<T>, Problem> {
    within_budget(hub, device)?;
    let Ok(_turn) = hub.reads.acquire().await else { return Ok(None) };
    let Some((read, took)) = hub.read(read).await else { return Ok(None) };
    hub.charge(device, 0, took);
    Ok(read.ok())
}

/// Does work away from the threads that serve sockets; tells how long it took.
pub(crate) async fn away<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<(T, Duration)> {
    let timed = move || {
        let began = Instant::now();
        (work(), began.elapsed())
    };
    tokio::task::spawn_blocking(timed).await.ok()
}

/// The same work, telling how long it took, without what it waited for.
pub(crate) fn timed<T>(
    work: impl FnOnce(&mut Store) -> T,
) -> impl FnOnce(&mut Store) -> (T, Duration) {
    move |store| {
        let began = Instant::now();
        (work(store), began.elapsed())
    }
}
