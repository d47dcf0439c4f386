//! Refusals as problem+json (RFC 9457), each with a stable code.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

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

pub(crate) fn not_yours() -> Problem {
    let detail = "this device has no certificate that lets it read this; ask a coordinator";
    Problem(StatusCode::FORBIDDEN, "not_yours", detail.to_owned())
}
