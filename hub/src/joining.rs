//! `/v1/invitations`: what the two sides of a joining say to each other.

use crate::access::Device;
use crate::invitations::Refused;
use crate::problem::{Problem, failed, not_yours};
use crate::state::Hub;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use kitbag_core::model::TeamId;
use std::net::IpAddr;
use std::time::Instant;

/// The id in the path of an invitation: 32 hexadecimal digits, as other ids.
fn invitation_id(id: &str) -> Result<[u8; 16], Problem> {
    let id = id.parse::<TeamId>().map(|id| id.0);
    id.map_err(|reason| Problem(StatusCode::BAD_REQUEST, "invitation", reason.to_string()))
}

fn refused((status, code, detail): Refused) -> Problem {
    Problem(status, code, detail.to_owned())
}

pub(crate) async fn open_invitation(
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

pub(crate) async fn ask(
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

pub(crate) async fn asked(
    State(hub): State<Hub>,
    Device(device): Device,
    Path(id): Path<String>,
) -> Result<Vec<u8>, Problem> {
    hub.invitations.asked(invitation_id(&id)?, device, Instant::now()).map_err(refused)
}

pub(crate) async fn reply(
    State(hub): State<Hub>,
    Device(device): Device,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<(), Problem> {
    let id = invitation_id(&id)?;
    hub.charge(device, body.len(), std::time::Duration::ZERO);
    hub.invitations.reply(id, device, body.to_vec(), Instant::now()).map_err(refused)
}

pub(crate) async fn replied(
    State(hub): State<Hub>,
    Device(device): Device,
    Path(id): Path<String>,
) -> Result<Vec<u8>, Problem> {
    hub.invitations.replied(invitation_id(&id)?, device, Instant::now()).map_err(refused)
}
