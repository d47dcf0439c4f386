//! What a hub alone can tell: how complete the records of a period are.

use crate::answers::{Device, Problem, failed, not_yours};
use crate::state::Hub;
use crate::totals::{Reads, reads};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use kitbag_core::model::date::Period;
use kitbag_core::model::{CivilDate, TeamId};
use kitbag_core::store::{COMPLETENESS, StoreError};
use kitbag_core::totals::suppression::THRESHOLD;
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
            let Some(reads) = reads(store, device, team) else { return Ok(None) };
            let read = (reads, store.completeness(team, from, to)?, store.is_settled()?);
            Ok::<_, StoreError>(Some(read))
        })
        .await;
    let (reads, completeness, settled) = match answer {
        Some(Ok(Some(answer))) => answer,
        Some(Ok(None)) => return Err(not_yours()),
        Some(Err(_)) | None => return Err(failed("the completeness could not be read")),
    };
    let names = COMPLETENESS.iter().map(|(name, _)| (*name).to_owned());
    // An observer reads of whole months, and no small counts of records.
    let (first, _) = from.bounds(Period::Month);
    let (_, last) = to.bounds(Period::Month);
    if reads == Reads::Masked && (first, last) != (from, to) {
        let detail = "an observer asks for whole months".to_owned();
        return Err(Problem(StatusCode::FORBIDDEN, "split_not_yours", detail));
    }
    let is_small = |name: &str, count: u64| {
        let of_records = name.starts_with("records") || name == "missing_entries";
        reads == Reads::Masked && of_records && (1..THRESHOLD as u64).contains(&count)
    };
    let counts: Map<String, Value> = names
        .zip(completeness.counts())
        .map(|(name, count)| {
            let shown = if is_small(&name, count) { Value::Null } else { count.into() };
            (name, shown)
        })
        .collect();
    let (from, to) = (from.to_string(), to.to_string());
    Ok(json!({ "from": from, "to": to, "counts": counts, "settled": settled }).to_string())
}
