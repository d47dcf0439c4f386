//! `/v1/digests`: what stores are compared by.

use crate::access::{Device, may_read_all, read_for};
use crate::problem::{Problem, failed};
use crate::state::Hub;
use axum::extract::State;
use kitbag_core::model::TeamId;
use kitbag_core::store::Store;
use kitbag_core::sync::Sender;
use serde_json::{Value, json};

pub(crate) async fn digests(
    State(hub): State<Hub>,
    Device(device): Device,
) -> Result<String, Problem> {
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
