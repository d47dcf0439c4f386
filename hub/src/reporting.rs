//! What a hub alone can tell: how complete the records of a period are.

use crate::answers::{Device, Problem, failed, may_read_all_totals, not_yours};
use crate::state::Hub;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use kitbag_core::model::{CivilDate, TeamId};
use kitbag_core::store::{COMPLETENESS, StoreError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
pub(crate) struct Parameters {
    /// From this date on.
    from: String,
    /// Up to this date, inclusive.
    to: String,
    /// Only this team.
    team: Option<String>,
}

fn wrong(name: &'static str, reason: impl std::fmt::Display) -> Problem {
    Problem(StatusCode::BAD_REQUEST, name, format!("{name}: {reason}"))
}

pub(crate) async fn completeness(
    State(hub): State<Hub>,
    Device(device): Device,
    asked: Result<Query<Parameters>, QueryRejection>,
) -> Result<String, Problem> {
    let Query(asked) =
        asked.map_err(|_| wrong("query", "from and to are needed, each once, as yyyy-mm-dd"))?;
    let from: CivilDate = asked.from.parse().map_err(|reason| wrong("from", reason))?;
    let to: CivilDate = asked.to.parse().map_err(|reason| wrong("to", reason))?;
    let team: Option<TeamId> = match asked.team {
        Some(team) => Some(team.parse().map_err(|reason| wrong("team", reason))?),
        None => None,
    };
    let answer = hub
        .with_store(move |store| {
            if !may_read_all_totals(store, device, team) {
                return Ok(None);
            }
            Ok::<_, StoreError>(Some((store.completeness(team, from, to)?, store.is_settled()?)))
        })
        .await;
    let (completeness, settled) = match answer {
        Some(Ok(Some(answer))) => answer,
        Some(Ok(None)) => return Err(not_yours()),
        Some(Err(_)) | None => return Err(failed("the completeness could not be read")),
    };
    let names = COMPLETENESS.iter().map(|(name, _)| (*name).to_owned());
    let counts: Map<String, Value> = names.zip(completeness.counts().map(Value::from)).collect();
    let (from, to) = (from.to_string(), to.to_string());
    Ok(json!({ "from": from, "to": to, "counts": counts, "settled": settled }).to_string())
}
