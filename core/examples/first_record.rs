//! A library user's first program: found a programme, save a reversal, read the month's total.

use kitbag_core::engine::{Engine, Environment};
use kitbag_core::identity::Role;
use kitbag_core::model::{Form, Kind, TeamId};
use kitbag_core::store::StoreKey;
use kitbag_core::totals::{Query, Split};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let key = StoreKey::new([7; 32]); // from the platform's keystore, in an app
    let team = TeamId([1; 16]);
    let mut root = Engine::found(&folder.path().join("root.db"), &key, Environment::system())?;
    let mut device =
        Engine::device(&folder.path().join("device.db"), &key, root.root(), Environment::system())?;
    device.join(&root.certify(device.device_key(), Role::Coordinator, team)?)?;
    let form = Form::at(Kind::Reversal, "riverside", "2026-11-24".parse()?).with_unknowns();
    device.record(team, &form)?;
    let totals = device.totals(&Query { by: vec![Split::Site], ..Query::default() })?;
    println!("{:?}, {} entries wait", totals.lines, totals.waiting);
    Ok(())
}
