//! `dictionary OUT`: trains the dictionary that messages are compressed with, on made-up rows.
//!
//! `cargo xtask dictionary` calls it. The dictionary belongs to the protocol's version: training it
//! anew is a new version.

use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::Role;
use kitbag_core::model::field::{Field, Need, Shape};
use kitbag_core::model::{CivilDate, Form, Kind, TeamId, UnixMillis, Value};
use kitbag_core::store::{Settling, Store, StoreKey};
use kitbag_core::sync::{self, Message};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::cell::Cell;

/// The size that the design measured with, in bytes.
const DICTIONARY_BYTES: usize = 16 << 10;
const PHONES: u32 = 120;

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let out = std::env::args_os().nth(1).ok_or("expected the file to write")?;
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let folder = tempfile::tempdir()?;
    let key = StoreKey::new([7; 32]);
    let mut samples: Vec<Vec<u8>> = Vec::new();
    let mut root = Engine::found(&folder.path().join("root"), &key, environment(&mut random))?;
    let path = folder.path().join("hub");
    let mut hub = Store::open(&path, &key, Some(root.root()), None, Settling::Within)?;
    for number in 0..PHONES {
        let team = TeamId(random.random());
        let path = folder.path().join(format!("phone-{number}"));
        let mut phone = Engine::device(&path, &key, root.root(), environment(&mut random))?;
        phone.join(&root.certify(phone.device_key(), Role::Coordinator, team)?)?;
        for _ in 0..3 {
            for _ in 0..random.random_range(1..=20) {
                // Answers drawn apart may contradict each other, which Engine::record would refuse.
                let form = record(&mut random)?;
                phone.write_unasked(team, form.kind(), None, form.operations()?)?;
            }
            let device = phone.device_key();
            phone.sync(|request| {
                let now = UnixMillis(1_700_000_000_000 + random.random_range(0..100_000_000_000));
                let answer =
                    sync::respond(&mut hub, device, now, &request).map_err(EngineError::from)?;
                for message in [&request, &answer] {
                    samples.extend(Message::decode(message).ok().map(|message| message.body()));
                }
                Ok::<_, EngineError>(answer)
            })?;
        }
    }
    let dictionary = zstd::dict::from_samples(&samples, DICTIONARY_BYTES)?;
    std::fs::write(&out, &dictionary)?;
    println!("{} samples, {} bytes", samples.len(), dictionary.len());
    Ok(())
}

fn environment(random: &mut ChaCha8Rng) -> Environment {
    let mut keys = ChaCha8Rng::seed_from_u64(random.random());
    let now = Cell::new(1_700_000_000_000 + random.random_range(0..100_000_000_000_i64));
    Environment {
        now: Box::new(move || {
            now.set(now.get() + 1_234_567);
            UnixMillis(now.get())
        }),
        random: Box::new(move |buffer| keys.fill_bytes(buffer)),
        ..Environment::system()
    }
}

/// A record with made-up answers: half of them reversals, the others of any kind that workers record.
fn record(random: &mut ChaCha8Rng) -> Result<Form, Failed> {
    let others = [Kind::Distribution, Kind::Referral, Kind::StockMovement, Kind::Contact];
    let kind = if random.random_bool(0.5) {
        Kind::Reversal
    } else {
        others[random.random_range(0..others.len())]
    };
    let sites = ["Northgate", "Riverside", "Market Hall", "Old Harbour", "Station", "Hilltop"];
    let day = CivilDate::from_epoch_day(19_000 + random.random_range(0..240)).ok_or("a date")?;
    let mut form = Form::at(kind, sites[random.random_range(0..sites.len())], day);
    let asked = kind.declaration().fields.iter();
    for field in asked.chain(kind.field("occurred_time")) {
        let is_needed = field.need == Need::Required || random.random_bool(0.5);
        match field.shape {
            Shape::List(fields) => {
                for _ in 0..random.random_range(1..=2) {
                    let own = fields.iter().filter(|field| field.need == Need::Required);
                    let answers =
                        own.map(|field| Some((field.name.to_owned(), answer(field, random)?)));
                    form.add(field.name, answers.flatten().collect())?;
                }
            }
            Shape::CodeSet(codes) => {
                for _ in 0..random.random_range(0..=2) {
                    form.tick(field.name, codes[random.random_range(0..codes.len())])?;
                }
            }
            Shape::Counts { codes, .. } => {
                let code = codes[random.random_range(0..codes.len())];
                form.put(&format!("{}.{code}", field.name), random.random_range(1..20))?;
            }
            _ if is_needed => {
                if let Some(answer) = answer(field, random) {
                    form.put(field.name, answer)?;
                }
            }
            _ => {}
        }
    }
    // What one answer asks of another.
    if kind == Kind::Distribution {
        form.put("kits", random.random_range(1..4))?;
        form.put("resupply_reason", "used_on_other")?;
    }
    Ok(form)
}

fn answer(field: &Field, random: &mut ChaCha8Rng) -> Option<Value> {
    let text = |text: String| Some(Value::Text(text));
    match field.shape {
        Shape::Code([]) => text(format!("A{}", random.random_range(100..999))),
        Shape::Code(codes) => text(codes[random.random_range(0..codes.len())].to_owned()),
        Shape::Int { min, max } => Some(Value::Int(random.random_range(min.max(1)..=max.min(20)))),
        Shape::IntOrUnknown { .. } => {
            if random.random_bool(0.3) {
                text("unknown".to_owned())
            } else {
                Some(Value::Int(random.random_range(1..4)))
            }
        }
        Shape::Date => {
            let day = CivilDate::from_epoch_day(19_000 + random.random_range(0..240))?;
            text(day.to_string())
        }
        Shape::Time => {
            text(format!("{:02}:{:02}", random.random_range(0..24), random.random_range(0..60)))
        }
        Shape::Month => text(format!("2026-{:02}", random.random_range(1..=12))),
        // A movement goes from one holder to another.
        Shape::Holder => text(match field.name {
            "to" => "site:Riverside".to_owned(),
            _ => "outside".to_owned(),
        }),
        _ => None,
    }
}
