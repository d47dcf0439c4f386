//! What the hub answers, by path.

use crate::joining;
use crate::problem::Problem;
use crate::state::Hub;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};

pub(crate) fn router(hub: Hub) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/v1/sync", post(crate::syncing::take))
        .route("/v1/totals", get(crate::totals::totals))
        .route("/v1/aside", get(crate::aside::aside))
        .route("/v1/completeness", get(crate::completeness::completeness))
        .route("/v1/devices", get(crate::completeness::devices))
        .route("/v1/digests", get(crate::digests::digests))
        .route("/v1/invitations/{id}", post(joining::open_invitation).get(joining::asked))
        .route("/v1/invitations/{id}/request", post(joining::ask))
        .route("/v1/invitations/{id}/reply", post(joining::reply).get(joining::replied))
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

/// Whether the hub can take what comes.
async fn healthz(State(hub): State<Hub>) -> (StatusCode, &'static str) {
    if hub.is_well() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: the store cannot be written\n")
    }
}
