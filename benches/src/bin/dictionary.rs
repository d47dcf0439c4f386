//! `dictionary OUT`: trains the dictionary that messages are compressed with, on made-up rows.
//!
//! `cargo xtask dictionary` calls it. The dictionary belongs to the protocol's version: training it
//! anew is a new version.

use kitbag_core::engine::{Engine, EngineError, Environment};
use kitbag_core::identity::Role;
use kitbag_core::model::{CivilDate, Form, Kind, TeamId, UnixMillis};
use kitbag_core::store::{Settling, Store, StoreKey};
use kitbag_core::sync::{self, Message};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

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
                phone.record(team, &reversal(&mut random)?)?;
            }
            let device = phone.device_key();
            phone.sync(|request| {
                let now = UnixMillis(1_700_000_000_000 + random.random_range(0..100_000_000_000));
                let answer =
                    sync::answer(&mut hub, device, now, &request).map_err(EngineError::from)?;
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
    let mut now = 1_700_000_000_000 + random.random_range(0..100_000_000_000_i64);
    Environment {
        now: Box::new(move || {
            now += 1_234_567;
            UnixMillis(now)
        }),
        random: Box::new(move |buffer| keys.fill_bytes(buffer)),
    }
}

/// A reversal with made-up answers, by the words of the data dictionary.
fn reversal(random: &mut ChaCha8Rng) -> Result<Form, Failed> {
    let mut pick = |codes: &[&'static str]| codes[random.random_range(0..codes.len())];
    let site =
        pick(&["Northgate", "Riverside", "Market Hall", "Old Harbour", "Station", "Hilltop"]);
    let day = 19_000 + pick(&["3", "50", "97", "144", "191", "238"]).parse::<i64>()?;
    let mut form = Form::at(Kind::Reversal, site, CivilDate::from_epoch_day(day).ok_or("a date")?);
    form.put("occurred_time", pick(&["08:15", "13:40", "17:05", "21:30", "23:55", "02:20"]))?;
    form.put(
        "place",
        pick(&["private_home", "street_park", "shelter_hostel", "vehicle", "unknown"]),
    )?;
    form.put("outcome", pick(&["survived", "survived", "survived", "died", "unknown"]))?;
    form.put("ems_called", pick(&["yes", "no", "unknown"]))?;
    form.put("gender", pick(&["man", "woman", "other", "unknown"]))?;
    form.put("age_band", pick(&["15_17", "18_24", "25_34", "35_44", "45_54", "55_plus"]))?;
    form.put("response_minutes", pick(&["under_1", "1_3", "3_5", "over_5", "no_response"]))?;
    form.tick("suspected_substances", pick(&["heroin", "fentanyl", "methadone", "unknown"]))?;
    let product = pick(&["nasal_4mg", "nasal_2mg", "intramuscular_0_4mg", "unknown"]);
    let doses = pick(&["unknown", "1", "2"]);
    let given = format!("product={product},route=unknown,doses={doses},source=unknown");
    form.add_text("administrations", &given)?;
    Ok(form.with_unknowns())
}
