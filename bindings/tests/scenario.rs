//! A worker's week, from `scenario.json`, over the client: Kotlin's and Swift's suites play the same over their packages,
//! and what all three observe and export is compared byte for byte (`cargo xtask scenario`).
#![allow(clippy::expect_used)]

#[path = "../src/breaking.rs"]
mod breaking;

use kitbag_client::{Changes, Client, Error, Joining, Noticed, Opening, SyncOptions};
use kitbag_core::engine::{BundleOf, DraftId, Listed, Newcomer};
use kitbag_core::identity::{HubAddress, Role};
use kitbag_core::model::{
    Answer, DeviceKey, Element, Form, Kind, Operation, RecordId, TeamId, UnixMillis, Value,
};
use kitbag_core::store::{Order, Search, StoreKey};
use kitbag_core::totals::{Query, Split};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// 2026-03-02T08:00:00Z.
const BEGIN: i64 = 1_772_438_400_000;
const HOUR: i64 = 3_600_000;
/// After this long without a change there is none.
const QUIET: Duration = Duration::from_millis(100);
const MINUTE: i64 = 60_000;

/// The seed and a name, as the boundary's own tests take them.
fn stream(seed: u64, name: &str) -> ChaCha20Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_be_bytes());
    for (place, byte) in key[8..].iter_mut().zip(name.bytes()) {
        *place = byte;
    }
    ChaCha20Rng::from_seed(key)
}

struct World {
    folder: PathBuf,
    seed: u64,
    now: Arc<AtomicI64>,
    team: TeamId,
    hub: String,
    devices: BTreeMap<String, (Client, Changes)>,
    records: BTreeMap<String, RecordId>,
    drafts: BTreeMap<String, DraftId>,
    observed: String,
}

impl World {
    fn opening(&self, name: &str) -> Opening {
        let file = format!("{name}.db");
        let stream = Mutex::new(stream(self.seed, &file));
        let mut opening = Opening::of(self.folder.join(file), StoreKey::new([7; 32]));
        let now = Arc::clone(&self.now);
        opening.clock = Some(Arc::new(move || UnixMillis(now.load(Ordering::SeqCst))));
        opening.random =
            Some(Arc::new(move |bytes| stream.lock().expect("alone").fill_bytes(bytes)));
        opening
    }

    fn client(&self, name: &str) -> Client {
        self.devices[name].0.clone()
    }

    fn hold(&mut self, name: &str, client: Client) {
        let changes = client.observe();
        self.devices.insert(name.to_owned(), (client, changes));
    }

    /// What each device noticed since it was asked last: the union, once it is quiet.
    async fn look(&mut self, step: usize, said: &str) {
        _ = writeln!(self.observed, "{step} {said}");
        for (name, (_, changes)) in &mut self.devices {
            let mut all = Noticed::default();
            while let Ok(Some(noticed)) = tokio::time::timeout(QUIET, changes.next()).await {
                all.add(&noticed);
            }
            if !all.is_nothing() {
                let line = line_of(&all);
                _ = writeln!(self.observed, "  {name}: {line}");
            }
        }
    }
}

fn line_of(noticed: &Noticed) -> String {
    let mut words: Vec<String> = noticed.records.iter().map(ToString::to_string).collect();
    words.sort();
    let mut kinds: Vec<String> = noticed.kinds.iter().map(|kind| kind.name().to_owned()).collect();
    kinds.sort();
    words.extend(kinds);
    for (flag, word) in [
        (noticed.is_many, "many"),
        (noticed.sums, "sums"),
        (noticed.delivery, "delivery"),
        (noticed.attention, "attention"),
        (noticed.state, "state"),
    ] {
        words.extend(flag.then(|| word.to_owned()));
    }
    words.join(" ")
}

fn value(json: &Json) -> Value {
    match json {
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => Value::Int(number.as_i64().expect("a whole number")),
        Json::String(text) => Value::Text(text.clone()),
        _ => Value::Null,
    }
}

fn element(json: &Json) -> Element {
    let fields = json.as_object().expect("an element").iter();
    fields.map(|(field, said)| (field.clone(), value(said))).collect()
}

/// The form, or what cannot be put into it.
fn form(json: &Json) -> Result<Form, Error> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == json["kind"]);
    let mut form = Form::new(kind.expect("a kind"));
    for (field, said) in json["fields"].as_object().into_iter().flatten() {
        form.put(field, value(said))?;
    }
    for (field, text) in json["texts"].as_object().into_iter().flatten() {
        form.put_text(field, text.as_str().expect("text"))?;
    }
    for (list, elements) in json["lists"].as_object().into_iter().flatten() {
        for said in elements.as_array().expect("elements") {
            form.add(list, element(said))?;
        }
    }
    Ok(if json["unknowns"] == true { form.with_unknowns() } else { form })
}

/// What an address says before its port, the port, and after it.
fn parts(address: &str) -> (&str, u16, &str) {
    let (before, rest) = address.rsplit_once(':').expect("a port");
    let (port, pins) = rest.split_once('/').expect("pins");
    (before, port.parse().expect("a port"), pins)
}

async fn play(world: &mut World, scenario: &Json, step: &Json) -> Result<(), Error> {
    let text = |name: &str| step[name].as_str().unwrap_or_default().to_owned();
    let client = world.client(&text("on"));
    let of = |name: &str| world.records[&text(name)];
    let filled = || form(&scenario["forms"][text("form")]);
    match text("do").as_str() {
        "record" => {
            let id = client.records().record(world.team, filled()?).await?;
            world.records.insert(text("as"), id);
        }
        "draft" => {
            let id = client.drafts().save(None, filled()?).await?;
            world.drafts.insert(text("as"), id);
        }
        "finish" => {
            let draft = world.drafts[&text("draft")];
            let id = client.drafts().finish(draft, world.team, filled()?).await?;
            world.records.insert(text("as"), id);
        }
        "add" => {
            let added =
                Operation::append(text("list"), element(&step["element"]).into_iter().collect());
            client.records().change(of("record"), vec![added]).await?;
        }
        "correct" => {
            client.records().correct(of("record"), text("field"), value(&step["value"])).await?;
        }
        "void" => _ = client.records().void(of("record"), text("reason")).await?,
        "undo" => _ = client.records().undo(of("record")).await?,
        "duplicate" => _ = client.records().mark_duplicate(of("record"), of("of")).await?,
        "bundle" => {
            let path = world.folder.join("carried.kitbag");
            let file = std::fs::File::create(&path).expect("a file");
            client.bundles().export(world.team, BundleOf::Waiting, file, |_| {}).await?;
            let file = std::fs::File::open(&path).expect("a file");
            world.client(&text("to")).bundles().import(file, |_| {}).await?;
        }
        "sync" => _ = client.sync().start(SyncOptions::default()).ended().await?,
        "sync_dies" => {
            let bytes = step["bytes"].as_u64().expect("bytes");
            let (before, port, pins) = parts(&world.hub);
            let port = breaking::way(port, bytes).expect("this machine listens");
            let broken = format!("{before}:{port}/{pins}").parse().expect("an address");
            client.programme().set_hub(broken).await?;
            let ended = client.sync().start(SyncOptions::default()).ended().await;
            client.programme().set_hub(world.hub.parse().expect("an address")).await?;
            ended?;
        }
        "revoke" => {
            let device = world.client(&text("worker")).programme().own().await?.device;
            let members = client.team().members(world.team).await?;
            let member = members.iter().find(|member| member.device == device);
            client.team().revoke(world.team, member.expect("a member").certificate).await?;
        }
        other => panic!("no step is {other}"),
    }
    Ok(())
}

fn shown(answer: &Answer) -> String {
    match answer {
        Answer::Flag(flag) => flag.to_string(),
        Answer::Number(number) => number.to_string(),
        Answer::Word(word) => word.to_string(),
        Answer::Text => "(sealed)".to_owned(),
    }
}

fn fields(named: &[(std::borrow::Cow<'static, str>, Answer)]) -> String {
    let mut all: Vec<String> =
        named.iter().map(|(name, answer)| format!("{name}={}", shown(answer))).collect();
    all.sort();
    all.join(" ")
}

fn row(listed: &Listed) -> String {
    let row = &listed.row;
    let answers = &row.answers;
    let mut lines = format!(
        "{} {} {} {} {} {}\n  {}\n",
        row.id,
        answers.kind.name(),
        row.author,
        row.day,
        row.state.name(),
        row.recorded_at.0,
        fields(&answers.fields)
    );
    let mut lists: Vec<_> = answers.lists.iter().collect();
    lists.sort_by_key(|(name, _)| name.to_string());
    for (name, elements) in lists {
        for element in elements {
            _ = writeln!(lines, "  {name}: {}", fields(element));
        }
    }
    lines
}

/// What a device says at the end: its records, its totals, and all that it holds as a bundle.
async fn export(world: &World, name: &str, out: &Path) {
    let client = world.client(name);
    let search = Search { order: Order::Day, most: 1_000, ..Search::default() };
    let list = client.records().list(search).await.expect("a list");
    let mut text: String = list.rows.iter().map(row).collect();
    let by = vec![Split::Kind, Split::Site];
    let totals = client.totals().of(Query { by, ..Query::default() }).await.expect("totals");
    for (key, sums) in &totals.lines {
        let mut sums: Vec<String> =
            sums.iter().map(|(name, sum)| format!("{name}={sum}")).collect();
        sums.sort();
        _ = writeln!(text, "{} {}", key.join("/"), sums.join(" "));
    }
    let missing = totals.missing;
    _ = writeln!(text, "{} {} {}", missing.entries, totals.in_doubt.len(), totals.waiting);
    std::fs::write(out.join(format!("{name}.txt")), text).expect("a file");
    let file = std::fs::File::create(out.join(format!("{name}.kitbag"))).expect("a file");
    let bundles = client.bundles();
    bundles.export(world.team, BundleOf::Everything, file, |_| {}).await.expect("a bundle");
}

/// A hub on this machine, until the test ends.
fn hub(folder: PathBuf, root: DeviceKey) -> HubAddress {
    let options = kitbag_hub::Options {
        folder,
        listen: ([127, 0, 0, 1], 0).into(),
        public: None,
        root: Some(root),
        insecure_loopback: false,
        until_stdin_ends: false,
        budgets: kitbag_hub::Budgets::default(),
    };
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        kitbag_hub::run(options, |address| _ = tell.send(address.to_string()))
    });
    told.recv().expect("it listens").parse().expect("an address")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_week() {
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenario.json");
    let scenario: Json =
        serde_json::from_str(&std::fs::read_to_string(scenario).expect("a file")).expect("JSON");
    let folder = tempfile::tempdir().expect("a folder");
    let mut world = World {
        folder: folder.path().to_owned(),
        seed: scenario["seed"].as_u64().expect("a seed"),
        now: Arc::new(AtomicI64::new(BEGIN)),
        team: TeamId([0; 16]),
        hub: String::new(),
        devices: BTreeMap::new(),
        records: BTreeMap::new(),
        drafts: BTreeMap::new(),
        observed: String::new(),
    };
    let root = Client::found(world.opening("root")).await.expect("a programme");
    let key = root.programme().own().await.expect("the root").root;
    let hub = hub(world.folder.join("hub"), key);
    world.hub = hub.to_string();
    root.programme().set_hub(hub).await.expect("a hub");
    world.team = root.programme().new_team().await.expect("a team");
    let desk = root.programme().make_coordinator(world.team, world.opening("desk")).await;
    let desk = desk.expect("a coordinator");
    root.sync().start(SyncOptions::default()).ended().await.expect("it is synced");
    for worker in scenario["workers"].as_array().expect("workers") {
        let name = worker.as_str().expect("a name");
        let invited = desk
            .team()
            .invite(world.team, Role::Worker, Newcomer::default())
            .await
            .expect("invited");
        let joining = Joining::ask(world.opening(name), &invited.text).await.expect("it asks");
        desk.team().approve(joining.code()).await.expect("approved");
        let client = joining.approved().await.expect("it joined");
        world.hold(name, client);
    }
    world.hold("desk", desk);
    for (number, step) in scenario["steps"].as_array().expect("steps").iter().enumerate() {
        let hours = step["hours"].as_i64().unwrap_or(0);
        world.now.fetch_add(hours * HOUR + MINUTE, Ordering::SeqCst);
        let done = play(&mut world, &scenario, step).await;
        let code = done.as_ref().err().map_or("ok", Error::code);
        let said = format!(
            "{} {} {code}",
            step["on"].as_str().expect("who"),
            step["do"].as_str().expect("what")
        );
        world.look(number, &said).await;
    }
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scenario/rust");
    _ = std::fs::remove_dir_all(&out);
    std::fs::create_dir_all(&out).expect("a folder");
    std::fs::write(out.join("observed.txt"), &world.observed).expect("a file");
    for name in world.devices.keys() {
        export(&world, name, &out).await;
    }
    // What the other languages' texts are compared with is not empty, and not an accident's.
    assert_eq!(world.observed.matches(" ok\n").count(), 33, "{}", world.observed);
    for (name, (client, _)) in &world.devices {
        assert!(client.health().verify(|_| {}).await.expect("sound").faults.is_empty(), "{name}");
    }
}
