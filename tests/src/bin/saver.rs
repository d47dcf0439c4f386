//! Saves reversals one by one and says of each that it is saved, until it is killed or done.
//!
//! `saver STORE --count N`: makes the store where there is none, opens it where there is one. Prints
//! `saved ID` after each save has returned. The key is 32 bytes of 9.

use kitbag_core::engine::{Engine, Environment};
use kitbag_core::identity::Role;
use kitbag_core::model::TeamId;
use kitbag_core::store::StoreKey;
use std::io::Write;
use std::path::Path;

const TEAM: TeamId = TeamId([5; 16]);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, flag, count] = arguments.as_slice() else {
        return Err("expected STORE --count N".into());
    };
    let count: u64 = if flag == "--count" { count.parse()? } else { 0 };
    let mut device = open(Path::new(store))?;
    for _ in 0..count {
        let reversal = kitbag_tests::made_up::reversal("survived");
        let id = device.record(TEAM, &reversal)?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "saved {id}")?;
        out.flush()?;
    }
    Ok(())
}

fn open(store: &Path) -> Result<Engine, Box<dyn std::error::Error>> {
    let key = StoreKey::new([9; 32]);
    let root_store = store.with_extension("root");
    let mut root = Engine::found(&root_store, &key, Environment::system())?;
    let mut device = Engine::device(store, &key, root.root(), Environment::system())?;
    if device.store().memberships()?.is_empty() {
        let enrolment = root.certify(device.device_key(), Role::Coordinator, TEAM)?;
        device.join(&enrolment)?;
    }
    Ok(device)
}
