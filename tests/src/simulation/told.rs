//! Whether what each phone tells its person of what the hub has is true.

use super::Failure;
use super::oracle::Label;
use super::world::World;
use kitbag_core::log::entry::kind;
use kitbag_core::model::LogId;
use std::collections::BTreeSet;

impl World {
    /// A phone says that something waits or is aside where the hub does not carry all that it wrote, and not
    /// where the hub carries all that it holds.
    pub(super) fn check_told(&mut self) -> Result<(), Failure> {
        let on_hub = self.hub().entries()?.into_iter().filter(|entry| entry.is_carried);
        let on_hub: BTreeSet<Label> = on_hub.map(|entry| entry.id.0).collect();
        for at in 0..self.phones.len() {
            let engine = self.engine(at);
            let (own, waiting) = (engine.device_key(), engine.status()?.waiting);
            let store = engine.store();
            let is_own = |log: &LogId| store.chains().log(log).is_some_and(|info| info.key == own);
            let mut only_here = store.entries()?;
            only_here.retain(|entry| entry.kind != kind::OPEN && !on_hub.contains(&entry.id.0));
            let of_own = only_here.iter().filter(|entry| is_own(&entry.log)).count();
            let told = waiting.entries + waiting.aside;
            if (of_own > 0 && told == 0) || (only_here.is_empty() && told > 0) {
                return Err(Failure(format!(
                    "phone {at} says that {told} entries are only here; {} are, {of_own} its own",
                    only_here.len()
                )));
            }
        }
        Ok(())
    }
}
