//! How complete a hub says that a period is, counted here by hand.

use super::programme::{Programme, TEAM, reversal};
use kitbag_core::engine::{Engine, EngineError};
use kitbag_core::model::{CivilDate, TeamId, UnixMillis};
use kitbag_core::store::{Completeness, Settling, Store};
use kitbag_core::sync;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Syncs with a hub whose clock shows noon of this day.
fn sync_on(day: &str, engine: &mut Engine, hub: &mut Store) {
    let day: CivilDate = day.parse().unwrap();
    let now = UnixMillis(day.epoch_day() * DAY_MS + DAY_MS / 2);
    let device = engine.device_key();
    engine
        .sync(|request| sync::respond(hub, device, now, &request).map_err(EngineError::from))
        .unwrap();
    while hub.settle_some().unwrap() {}
}

fn record(engine: &mut Engine, day: &str) -> kitbag_core::model::RecordId {
    let mut form = reversal("survived");
    form.put("occurred_on", day).unwrap();
    engine.record(TEAM, &form).unwrap()
}

fn of(hub: &Store, team: Option<TeamId>, from: &str, to: &str) -> Completeness {
    hub.completeness(team, from.parse().unwrap(), to.parse().unwrap()).unwrap()
}

#[test]
fn who_synced_what_came_late_and_what_is_missing_is_counted_by_day() {
    let mut programme = Programme::new();
    let (mut early, _) = programme.worker();
    let (mut late, certificate) = programme.worker();
    let (mut never, _) = programme.worker();
    // A hub of its own, so that its first day is known.
    let path = programme.folder.path().join("dated-hub");
    let key = super::programme::key();
    let root = Some(programme.root.root());
    let mut hub = Store::open(&path, &key, root, None, Settling::Behind).unwrap();
    sync_on("2026-03-01", &mut programme.root, &mut hub);
    sync_on("2026-03-01", &mut programme.coordinator, &mut hub);
    record(&mut early, "2026-03-02");
    record(&mut early, "2026-03-03");
    sync_on("2026-03-03", &mut early, &mut hub);
    // Seven days after is in time, eight is late.
    record(&mut late, "2026-03-08");
    record(&mut late, "2026-03-07");
    let void = record(&mut late, "2026-03-01");
    late.void(void, "test").unwrap();
    sync_on("2026-03-15", &mut late, &mut hub);
    sync_on("2026-03-15", &mut late, &mut hub);
    record(&mut never, "2026-03-09");
    early.hear(&never.announce(TEAM).unwrap()).unwrap();
    sync_on("2026-04-02", &mut early, &mut hub);

    let march = of(&hub, Some(TEAM), "2026-03-01", "2026-03-31");
    assert_eq!((march.devices_enrolled, march.devices_synced), (4, 3), "coordinator, early, late");
    assert_eq!((march.records, march.records_late, march.records_arrival_unknown), (4, 1, 0));
    assert_eq!(march.missing.devices, 1, "the phone that never came, by what it announced");
    let april = of(&hub, Some(TEAM), "2026-04-01", "2026-04-30");
    assert_eq!((april.devices_synced, april.records, april.records_late), (1, 0, 0));
    let other = of(&hub, Some(TeamId([9; 16])), "2026-03-01", "2026-03-31");
    assert_eq!((other.devices_enrolled, other.devices_synced, other.records), (0, 0, 0));
    assert_eq!(of(&hub, None, "2026-03-01", "2026-03-31").records, 4);

    // One that is revoked is not enrolled any more; a stranger leaves no trace.
    // What the coordinator holds of its log stands.
    sync_on("2026-04-03", &mut programme.coordinator, &mut hub);
    programme.coordinator.revoke(TEAM, certificate).unwrap();
    sync_on("2026-04-03", &mut programme.coordinator, &mut hub);
    let march = of(&hub, Some(TEAM), "2026-03-01", "2026-03-31");
    assert_eq!((march.devices_enrolled, march.devices_synced), (3, 2));

    // A hub that is opened again says the same, also where its clock was set back meanwhile.
    drop(hub);
    let mut hub = Store::open(&path, &key, root, None, Settling::Behind).unwrap();
    record(&mut early, "2026-03-20");
    sync_on("2026-03-20", &mut early, &mut hub);
    let march = of(&hub, Some(TEAM), "2026-03-01", "2026-03-31");
    assert_eq!(
        (march.records, march.records_late),
        (5, 2),
        "it came on the last day that was noted"
    );
}

#[test]
fn the_hub_tells_coordinators_and_nobody_else() {
    use super::hub_process::Hub;
    use kitbag_core::net::NetError;
    let mut programme = Programme::new();
    let (mut worker, _) = programme.worker();
    let hub = Hub::start(&programme.folder.path().join("hub-process"), &programme.root);
    hub.sync(&mut programme.coordinator).unwrap();
    record(&mut worker, "2026-03-02");
    hub.sync(&mut worker).unwrap();
    let span = format!("/v1/completeness?team={TEAM}&from=2026-03-01&to=2026-03-31");
    let answer = hub.client(&programme.coordinator).get(&span).unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["counts"]["devices_enrolled"], 2);
    let key = kitbag_core::identity::SigningKey::from_seed(&[1; 32]);
    let stranger = kitbag_client::BlockingHubClient::new(&hub.address, &key).unwrap();
    assert!(matches!(stranger.get(&span), Err(NetError::Status(403, _))));
    for wrong in ["?from=2026-03-01", "?from=x&to=2026-03-31", "?from=2026-03-01&to=2026-02-30"] {
        let asked = hub.client(&programme.coordinator).get(&format!("/v1/completeness{wrong}"));
        assert!(matches!(asked, Err(NetError::Status(400, _))), "{wrong}");
    }
    assert!(hub.stop().0.success());
}
