//! `/v1/aside`: what is kept of a revoked device and not carried.

use crate::access::{Device, read_for};
use crate::problem::{Problem, failed, not_yours};
use crate::state::Hub;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use kitbag_core::identity::Role;
use kitbag_core::model::{EntryId, TeamId};
use kitbag_core::store::Store;
use kitbag_core::sync::Message;
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct AsideParameters {
    /// The certificate.
    certificate: String,
    /// The last entry of the page before, if there was one.
    after: Option<String>,
}

/// What is kept aside of a certificate, for coordinators of its team, page by page: a message whose runs
/// are signed by the device, so that a coordinator accepts nothing that a hub made up.
pub(crate) async fn aside(
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
        if of.next().is_some_and(may) {
            store.kept_aside(certificate, after).map(Some)
        } else {
            Ok(None)
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
