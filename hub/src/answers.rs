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
use kitbag_core::model::{DeviceKey, TeamId};
use kitbag_core::store::Store;
use kitbag_core::sync::{self, SyncError};
use kitbag_core::totals::{Query as TotalsQuery, Split};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Instant;

/// A refusal with a stable code.
pub(crate) struct Problem(pub StatusCode, pub &'static str, pub String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Problem(status, code, detail) = self;
        let body = json!({ "status": status.as_u16(), "code": code, "detail": detail });
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
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/v1/sync", post(take_sync))
        .route("/v1/totals", get(totals))
        .route("/v1/completeness", get(crate::reporting::completeness))
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

/// Whether a device may read the totals of a team, or of all teams held.
pub(crate) fn may_read_all_totals(store: &Store, device: DeviceKey, team: Option<TeamId>) -> bool {
    let all: Vec<TeamId> = store.teams().into_iter().collect();
    let may =
        |team: &TeamId| device == store.root() || store.authority().may_read_totals(device, *team);
    team.map_or(all, |team| vec![team]).iter().all(may)
}

pub(crate) fn not_yours() -> Problem {
    let detail = "this device has no certificate that lets it read this; ask a coordinator";
    Problem(StatusCode::FORBIDDEN, "not_yours", detail.to_owned())
}

async fn take_sync(
    State(hub): State<Hub>,
    Device(device): Device,
    body: Bytes,
) -> Result<Response, Problem> {
    let answer = hub.with_store(move |store| sync::answer(store, device, now(), &body)).await;
    hub.entries_arrived();
    match answer {
        // Without a type: the device knows it, and every byte costs someone money.
        Some(Ok(answer)) => Ok(Response::new(Body::from(answer))),
        Some(Err(SyncError::Message(reason))) => {
            Err(Problem(StatusCode::BAD_REQUEST, "message", reason.to_string()))
        }
        Some(Err(_)) | None => Err(failed("the entries were not stored; send them again")),
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
    hub.invitations.reply(id, device, body.to_vec(), Instant::now()).map_err(refused)
}

async fn replied(
    State(hub): State<Hub>,
    Device(device): Device,
    Path(id): Path<String>,
) -> Result<Vec<u8>, Problem> {
    hub.invitations.replied(invitation_id(&id)?, device, Instant::now()).map_err(refused)
}

#[derive(Deserialize)]
struct TotalsParameters {
    /// How to split, separated by commas: day, week, month, quarter, year, site, team, or a field.
    #[serde(default)]
    by: String,
    /// Only this team.
    team: Option<String>,
}

async fn totals(
    State(hub): State<Hub>,
    Device(device): Device,
    asked: Result<Query<TotalsParameters>, QueryRejection>,
) -> Result<String, Problem> {
    let asked = asked.map(|Query(asked)| asked);
    let asked = asked.map_err(|_| {
        let detail = "by and team may each be given once, as text";
        Problem(StatusCode::BAD_REQUEST, "query", detail.to_owned())
    })?;
    let parts = asked.by.split(',').filter(|part| !part.is_empty());
    let by = parts
        .map(|part| part.parse::<Split>())
        .collect::<Result<_, _>>()
        .map_err(|reason| Problem(StatusCode::BAD_REQUEST, "split", format!("by: {reason}")))?;
    let team = asked.team.map(|team| team.parse()).transpose().map_err(
        |reason: kitbag_core::model::id::NotAnId| {
            Problem(StatusCode::BAD_REQUEST, "team", format!("team: {reason}"))
        },
    )?;
    let query = TotalsQuery { by, team, ..TotalsQuery::default() };
    if query.is_split_too_often() {
        let detail = kitbag_core::store::StoreError::SplitTooOften.to_string();
        return Err(Problem(StatusCode::BAD_REQUEST, "split", detail));
    }
    let before = hub.settled_until();
    let answer = hub
        .with_store(move |store| {
            // Nothing comes in while the store is held: what is settled now includes all until now.
            if !may_read_all_totals(store, device, query.team) {
                return Ok(None);
            }
            let settled = store.is_settled()?;
            let until = if settled { now() } else { before };
            let missing = store.missing_by_device(query.team)?;
            Ok(Some((store.totals(&query)?, missing, settled, until, store.awaited_devices()?)))
        })
        .await;
    let (totals, devices, settled, until, awaited) = match answer {
        Some(Ok(Some(answer))) => answer,
        Some(Ok(None)) => return Err(not_yours()),
        Some(Err::<_, kitbag_core::store::StoreError>(_)) | None => {
            return Err(failed("the totals could not be read"));
        }
    };
    let lines: Vec<Value> =
        totals.lines.iter().map(|(key, sums)| json!({ "key": key, "sums": sums })).collect();
    let devices: Vec<Value> = devices
        .iter()
        .map(|from| json!({ "device": from.device.to_string(), "entries": from.entries }))
        .collect();
    Ok(json!({
        "lines": lines,
        "known_missing": { "entries": totals.missing.entries, "devices": totals.missing.devices, "phones": devices },
        "flagged": totals.flagged,
        "waiting": totals.waiting,
        "forks": totals.forks,
        "settled": settled,
        "devices_awaited_since_restored": awaited.len(),
        "includes_all_up_to": until.to_iso(),
    })
    .to_string())
}

async fn digests(State(hub): State<Hub>, Device(device): Device) -> Result<String, Problem> {
    let answer = hub
        .with_store(move |store| {
            let digest = |team: TeamId| {
                let hex = |bytes: [u8; 32]| kitbag_core::model::EntryId(bytes).to_string();
                Ok::<_, kitbag_core::store::StoreError>(json!({
                    "team": team.to_string(),
                    "records": store.record_ids(team)?.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    "canonical": hex(store.canonical_digest(team)?),
                    "verdicts": hex(store.verdict_digest(team)?),
                }))
            };
            let readable = store.teams().into_iter().filter(|team| may_read_all(store, device, &[*team]));
            let teams = readable.map(digest).collect::<Result<Vec<_>, _>>()?;
            let readable = store.chains().iter();
            let readable = readable.filter(|(_, info)| may_read_all(store, device, &[info.team]));
            let forks: u64 = readable.map(|(_, info)| info.forks()).sum();
            let settled = store.is_settled()?;
            Ok::<_, kitbag_core::store::StoreError>(
                json!({ "teams": teams, "forks": forks, "settled": settled }),
            )
        })
        .await;
    match answer {
        Some(Ok(answer)) => Ok(answer.to_string()),
        Some(Err(_)) | None => Err(failed("the digests could not be read")),
    }
}
