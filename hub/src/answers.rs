//! What the hub answers: syncs, totals, digests, health. Errors are problem+json (RFC 9457).

use crate::invitations::Refused;
use crate::state::{Hub, now};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Extension, FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use kitbag_core::identity::Role;
use kitbag_core::model::{DeviceKey, EntryId, TeamId};
use kitbag_core::store::{Store, StoreError};
use kitbag_core::sync::{self, MESSAGE_BYTES_MAX, Message, Sender, SyncError, Unverified};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// A refusal with a stable code.
pub(crate) struct Problem(pub StatusCode, pub &'static str, pub String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Problem(status, code, detail) = self;
        let body = json!({
            "type": "about:blank", "title": status.canonical_reason().unwrap_or_default(),
            "status": status.as_u16(), "code": code, "detail": detail,
        });
        let form = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut answer = (status, form, body.to_string()).into_response();
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        }
        answer
    }
}

pub(crate) fn failed(what: &str) -> Problem {
    Problem(StatusCode::INTERNAL_SERVER_ERROR, "store", what.to_owned())
}

pub(crate) fn router(hub: Hub) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/v1/sync", post(take_sync))
        .route("/v1/totals", get(crate::totals::totals))
        .route("/v1/aside", get(aside))
        .route("/v1/completeness", get(crate::reporting::completeness))
        .route("/v1/devices", get(crate::reporting::devices))
        .route("/v1/digests", get(digests))
        .route("/v1/invitations/{id}", post(open_invitation).get(asked))
        .route("/v1/invitations/{id}/request", post(ask))
        .route("/v1/invitations/{id}/reply", post(reply).get(replied))
        .fallback(|| async {
            let detail = "there is nothing at this path; see docs/protocol.md";
            Problem(StatusCode::NOT_FOUND, "path", detail.to_owned())
        })
        .method_not_allowed_fallback(|| async {
            let detail = "this path takes another method; see docs/protocol.md";
            Problem(StatusCode::METHOD_NOT_ALLOWED, "method", detail.to_owned())
        })
        .layer(DefaultBodyLimit::disable())
        .with_state(hub)
}

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
fn may_read_all(store: &Store, device: DeviceKey, teams: &[TeamId]) -> bool {
    device == store.root() || teams.iter().all(|team| store.authority().may_read(device, *team))
}

pub(crate) fn not_yours() -> Problem {
    let detail = "this device has no certificate that lets it read this; ask a coordinator";
    Problem(StatusCode::FORBIDDEN, "not_yours", detail.to_owned())
}

/// What a stranger's request may inflate to, in bytes: the logs of the root and of coordinators.
const STRANGERS_INFLATED_MAX: usize = 256 << 10;
/// And how many times what was sent, beside a little: keys and signatures, which is what such logs are made
/// of, pack to a third at best.
const STRANGERS_INFLATED_TIMES: usize = 16;
const STRANGERS_INFLATED_MIN: usize = 4 << 10;

async fn take_sync(
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
            return Ok(Response::new(Body::from(sync::answer_nothing(now(), &message))));
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
        let exchange = sync::answer_verified(store, device, now(), verified, &mut may_branch)?;
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
    Ok(Response::new(Body::from(exchange.answer)))
}

fn malformed(reason: &SyncError) -> Problem {
    Problem(StatusCode::BAD_REQUEST, "message", reason.to_string())
}

/// Refuses a member whose budget is spent; strangers have other bounds.
pub(crate) fn within_budget(hub: &Hub, device: DeviceKey) -> Result<(), Problem> {
    if hub.sender(device) == Sender::Stranger || hub.accounts.may_ask(device, Instant::now()) {
        return Ok(());
    }
    let detail = "this device's budget is spent for now; nothing is lost, sync again later";
    Err(Problem(StatusCode::TOO_MANY_REQUESTS, "budget", detail.to_owned()))
}

/// Whether the hub can take what comes.
async fn healthz(State(hub): State<Hub>) -> (StatusCode, &'static str) {
    match hub.is_well() {
        true => (StatusCode::OK, "ok\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready: the store cannot be written\n"),
    }
}

/// Reads beside the store for a member: one at a time, within its budget, which it is charged to.
pub(crate) async fn read_for<T: Send + 'static>(
    hub: &Hub,
    device: DeviceKey,
    read: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<Option<T>, Problem> {
    within_budget(hub, device)?;
    let Ok(_turn) = hub.reads.acquire().await else { return Ok(None) };
    let timed = move |store: &Store| {
        let began = Instant::now();
        read(store).map(|read| (read, began.elapsed()))
    };
    let Some(Ok((read, took))) = hub.read(timed).await else { return Ok(None) };
    hub.charge(device, 0, took);
    Ok(Some(read))
}

/// Does work away from the threads that serve sockets; tells how long it took.
async fn away<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<(T, Duration)> {
    let timed = move || {
        let began = Instant::now();
        (work(), began.elapsed())
    };
    tokio::task::spawn_blocking(timed).await.ok()
}

/// The same work, telling how long it took, without what it waited for.
fn timed<T>(work: impl FnOnce(&mut Store) -> T) -> impl FnOnce(&mut Store) -> (T, Duration) {
    move |store| {
        let began = Instant::now();
        (work(store), began.elapsed())
    }
}

/// The id in the path of an invitation: 32 hexadecimal digits, as other ids.
fn invitation_id(id: &str) -> Result<[u8; 16], Problem> {
    let id = id.parse::<TeamId>().map(|id| id.0);
    id.map_err(|reason| Problem(StatusCode::BAD_REQUEST, "invitation", reason.to_string()))
}

fn refused((status, code, detail): Refused) -> Problem {
    Problem(status, code, detail.to_owned())
}

async fn open_invitation(
    State(hub): State<Hub>,
    Device(device): Device,
    Path(id): Path<String>,
) -> Result<(), Problem> {
    let id = invitation_id(&id)?;
    let may = hub
        .with_store(move |store| device == store.root() || store.authority().is_coordinator(device))
        .await;
    match may {
        Some(true) => hub.invitations.open(id, device, Instant::now()).map_err(refused),
        Some(false) => Err(not_yours()),
        None => Err(failed("the invitation was not opened; try again")),
    }
}

async fn ask(
    State(hub): State<Hub>,
    Device(device): Device,
    Path(id): Path<String>,
    address: Option<Extension<IpAddr>>,
    body: Bytes,
) -> Result<(), Problem> {
    let address = address.map(|Extension(address)| address);
    let id = invitation_id(&id)?;
    hub.invitations.ask(id, device, address, &body, Instant::now()).map_err(refused)
}

async fn asked(
    State(hub): State<Hub>,
    Device(device): Device,
    Path(id): Path<String>,
) -> Result<Vec<u8>, Problem> {
    hub.invitations.asked(invitation_id(&id)?, device, Instant::now()).map_err(refused)
}

async fn reply(
    State(hub): State<Hub>,
    Device(device): Device,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<(), Problem> {
    let id = invitation_id(&id)?;
    hub.charge(device, body.len(), std::time::Duration::ZERO);
    hub.invitations.reply(id, device, body.to_vec(), Instant::now()).map_err(refused)
}

async fn replied(
    State(hub): State<Hub>,
    Device(device): Device,
    Path(id): Path<String>,
) -> Result<Vec<u8>, Problem> {
    hub.invitations.replied(invitation_id(&id)?, device, Instant::now()).map_err(refused)
}

async fn digests(State(hub): State<Hub>, Device(device): Device) -> Result<String, Problem> {
    let failed = || failed("the digests could not be read");
    if hub.sender(device) == Sender::Stranger {
        return Ok(json!({ "teams": [], "forks": 0, "settled": true }).to_string());
    }
    let asked = move |store: &Store| {
        let teams: Vec<TeamId> = store
            .teams()
            .into_iter()
            .filter(|team| may_read_all(store, device, &[*team]))
            .collect();
        let forks: u64 = teams.iter().map(|team| store.forks(Some(*team))).sum();
        Ok((store.digests(&teams)?, forks, store.is_settled()?))
    };
    let asked = read_for(&hub, device, asked).await?;
    let (digests, forks, settled) = asked.ok_or_else(failed)?;
    let hex = |bytes: [u8; 32]| kitbag_core::model::EntryId(bytes).to_string();
    let teams = digests.iter().map(|digests| {
        json!({
            "team": digests.team.to_string(),
            "records": digests.records.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "canonical": hex(digests.canonical),
            "verdicts": hex(digests.verdicts),
        })
    });
    let teams: Vec<Value> = teams.collect();
    Ok(json!({ "teams": teams, "forks": forks, "settled": settled }).to_string())
}

#[derive(Deserialize)]
struct AsideParameters {
    /// The certificate.
    certificate: String,
    /// The last entry of the page before, if there was one.
    after: Option<String>,
}

/// What is kept aside of a certificate, for coordinators of its team, page by page: a message whose runs
/// are sealed by the device, so that a coordinator accepts nothing that a hub made up.
async fn aside(
    State(hub): State<Hub>,
    Device(device): Device,
    asked: Result<Query<AsideParameters>, QueryRejection>,
) -> Result<Vec<u8>, Problem> {
    let bad = |detail: String| Problem(StatusCode::BAD_REQUEST, "certificate", detail);
    let needed =
        "certificate is needed, as 64 hexadecimal digits; after as many, where it is given";
    let Query(asked) = asked.map_err(|_| bad(needed.to_owned()))?;
    let id = |text: &str| text.parse::<EntryId>().map_err(|_| bad(needed.to_owned()));
    let certificate = id(&asked.certificate)?;
    let after = asked.after.as_deref().map(id).transpose()?;
    let read = move |store: &Store| {
        let members = store.authority().teams().into_iter();
        let mut of = members
            .filter(|team| store.authority().members(*team).any(|(id, _, _)| id == certificate));
        let may = |team: TeamId| {
            device == store.root()
                || store.authority().roles(device, team).any(|role| role == Role::Coordinator)
        };
        match of.next().is_some_and(may) {
            true => store.kept_aside(certificate, after).map(Some),
            false => Ok(None),
        }
    };
    match read_for(&hub, device, read).await? {
        Some(Some(runs)) => {
            let runs = runs.into_iter().map(Ok).collect();
            Ok(Message { runs, ..Message::default() }.encode())
        }
        Some(None) => Err(not_yours()),
        None => Err(failed("what is kept aside could not be read")),
    }
}
