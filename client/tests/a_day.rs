//! A whole app's day over the client: docs/integrating-rust.md quotes the parts between the marks, and this runs them.

use kitbag_client::{Client, Error, Joining, Opening, SyncOptions};
use kitbag_core::engine::Newcomer;
use kitbag_core::identity::{HubAddress, Role};
use kitbag_core::model::{CivilDate, Form, Kind, RecordId, TeamId};
use kitbag_core::store::{Delivery, Search, StoreKey};
use kitbag_core::totals::Query;
use kitbag_core::words::Words;
use std::path::Path;
use std::sync::mpsc;

fn keystore() -> StoreKey {
    StoreKey::new([7; 32])
}

/// A hub on this machine, until the test ends.
fn hub(folder: &Path, root: &Client, runtime: &tokio::runtime::Runtime) -> HubAddress {
    let own = runtime.block_on(root.programme().own()).expect("the root");
    let options = kitbag_hub::Options {
        folder: folder.to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        public: None,
        root: Some(own.root),
        insecure_loopback: false,
        until_stdin_ends: false,
        budgets: kitbag_hub::Budgets::default(),
    };
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        kitbag_hub::run(options, |address| _ = tell.send(address.to_string()))
    });
    let address = told.recv().expect("it listens");
    address.parse().expect("an address")
}

#[test]
fn a_day() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let root = runtime.block_on(Client::found(Opening::of(at("root.db"), keystore())));
    let root = root.expect("a programme");
    let address = hub(&at("hub"), &root, &runtime);
    runtime.block_on(async {
        let team = founded(&root, address).await.expect("a team");
        let desk = Opening::of(at("desk.db"), keystore());
        let desk = root.programme().make_coordinator(team, desk).await.expect("a coordinator");
        _ = root.sync().start(SyncOptions::default()).ended().await;
        let path = at("phone.db");
        let phone = joined(&desk, team, &path).await.expect("it joins");
        let id = recorded(&phone, team).await.expect("it is saved");
        synced(&phone, id).await.expect("it is sent");
        shown(&phone).await.expect("it is there");
        interrupted(&phone, team).await.expect("nothing is lost");
        wrong(&phone, team).await;
        phone.close().await;
        desk.close().await;
        root.close().await;
    });
}

async fn founded(root: &Client, address: HubAddress) -> Result<TeamId, Error> {
    root.programme().set_hub(address).await?;
    root.programme().new_team().await
}

async fn joined(desk: &Client, team: TeamId, store: &Path) -> Result<Client, Error> {
    let invited = desk.team().invite(team, Role::Worker, Newcomer::default()).await?;
    let (invitation, show) = (invited.text.clone(), |_: &str| {});
    let approve = async |digits: &str| desk.team().approve(digits).await;
    // [joining]
    let joining = Joining::ask(Opening::of(store, keystore()), &invitation).await?;
    show(joining.code()); // six digits, large: the coordinator types them
    // [end]
    approve(joining.code()).await?;
    // [joined]
    let client = joining.approved().await?;
    // [end]
    Ok(client)
}

async fn recorded(client: &Client, team: TeamId) -> Result<RecordId, Error> {
    let today: CivilDate = "2026-11-27".parse().expect("a day of the calendar");
    // [recording]
    let mut form = client.records().begin(team, Kind::Reversal, today, 60).await?;
    form.put_text("site", "riverside").and_then(|form| form.put_text("outcome", "survived"))?;
    let form = form.with_unknowns();
    let id = client.records().record(team, form).await?; // durable now
    // [end]
    Ok(id)
}

async fn synced(client: &Client, id: RecordId) -> Result<(), Error> {
    let show = |_: kitbag_core::sync::Progress| {};
    // [syncing]
    let mut run = client.sync().start(SyncOptions::default());
    while let Some(so_far) = run.next_progress().await {
        show(so_far);
    }
    run.ended().await?;
    // [end]
    let status = client.sync().status().await?;
    assert!(status.is_synced, "{status:?}");
    assert_eq!(client.records().look_at(id).await?.delivery, Delivery::OnHub);
    // [keeping]
    let kept = client.sync().keep(SyncOptions::default());
    kept.now(); // the network is back
    // [end]
    drop(kept);
    Ok(())
}

async fn shown(client: &Client) -> Result<(), Error> {
    // [showing]
    let search = Search { most: 50, ..Search::default() };
    let (list, count) = client.records().list_and_count(search).await?;
    for listed in &list.rows {
        let (answers, delivery) = (&listed.row.answers, listed.delivery);
        println!("{:?} {:?} {delivery:?}", answers.code("occurred_on"), answers.code("site"));
    }
    let totals = client.totals().of(Query::default()).await?;
    let missing = totals.missing.entries; // beside every number
    // [end]
    assert_eq!((count, missing), (1, 0));
    Ok(())
}

async fn interrupted(client: &Client, team: TeamId) -> Result<(), Error> {
    let mut changes = client.observe();
    // [draft]
    let mut form = Form::new(Kind::Reversal);
    form.put_text("site", "riverside")?;
    let draft = client.drafts().save(None, form.clone()).await?; // survives the app's death
    // [end]
    // [suspending]
    client.suspend().await; // no lock and no file is held
    client.resume().await?;
    // [end]
    form.put_text("occurred_on", "2026-11-27")?.put_text("utc_offset_min", "60")?;
    form.put_text("outcome", "unknown")?;
    client.drafts().finish(draft, team, form.with_unknowns()).await?;
    // [observing]
    if let Some(noticed) = changes.next().await {
        println!("look again: {} records, sums {}", noticed.records.len(), noticed.sums);
    }
    // [end]
    Ok(())
}

async fn wrong(client: &Client, team: TeamId) {
    // [errors]
    let words = Words::in_language("fr");
    match client.records().record(team, Form::new(Kind::Reversal)).await {
        Ok(_) => {}
        Err(Error::Invalid(faults)) => {
            for fault in &faults {
                println!("{}: {}", fault.field, words.invalid(fault)); // beside its field
            }
        }
        Err(error) => println!("{}", error.in_words(&words)),
    }
    // [end]
}

/// What the page shows is what runs here.
#[test]
fn the_page_quotes_what_runs() {
    let page = include_str!("../../docs/integrating-rust.md");
    let own = include_str!("a_day.rs");
    let plain = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    };
    let parts = own.split("    // [").skip(1).filter_map(|part| {
        let (name, rest) = part.split_once("]\n")?;
        (name != "end").then(|| (name, plain(rest)))
    });
    let parts: std::collections::BTreeMap<&str, Vec<String>> = parts.collect();
    assert!(parts.len() >= 9, "{parts:?}");
    let quoted: Vec<Vec<String>> = page
        .split("```rust\n")
        .skip(1)
        .filter_map(|part| part.split("```").next())
        .map(plain)
        .collect();
    for (name, lines) in &parts {
        assert!(quoted.contains(lines), "docs/integrating-rust.md does not quote {name}");
    }
    assert_eq!(quoted.len(), parts.len(), "and nothing else");
}
