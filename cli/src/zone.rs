//! In which zone a day is a day here: the machine's, else that of the programme's packs.

use crate::{Failure, wrong_file};
use kitbag_core::model::Form;
use kitbag_core::model::pack::CodePack;
use kitbag_interchange::{offset_minutes, zone_named};

/// The zone whose offset a day's records say.
pub enum Zone {
    /// One of the IANA's, which is read the same way everywhere.
    Named(kitbag_interchange::Tz),
    /// What the machine has and gives no name.
    Machine,
}

impl Zone {
    /// The one that `TZ` says, else that of the machine, else that of the packs, the last first.
    ///
    /// # Errors
    /// Where `TZ` says one that does not exist: the machine would take it as UTC, and tell nobody.
    pub fn of_machine(packs: &[CodePack]) -> Result<Zone, Failure> {
        if let Some(said) = std::env::var("TZ").ok().filter(|said| !said.is_empty()) {
            let name = said.strip_prefix(':').unwrap_or(&said);
            if let Some(zone) = zone_named(name) {
                return Ok(Zone::Named(zone));
            }
            if std::path::Path::new(name).is_absolute() {
                return Ok(Zone::Machine);
            }
            // Rules such as CET-1CEST, too: not all of them are read, and what is not would be UTC.
            let reason =
                "names no zone; set it to one of the IANA's, such as Europe/Kyiv, or unset it";
            return Err(wrong_file("TZ", reason));
        }
        let machine = std::path::Path::new("/etc/localtime");
        if machine.exists() {
            let file = std::fs::read_link(machine).unwrap_or_default();
            let file = file.to_string_lossy();
            let named = file.split_once("zoneinfo/").and_then(|(_, name)| zone_named(name));
            return Ok(named.map_or(Zone::Machine, Zone::Named));
        }
        let of_pack = packs.iter().rev().find_map(|pack| zone_named(pack.time_zone.as_deref()?));
        Ok(of_pack.map_or(Zone::Machine, Zone::Named))
    }

    /// How many minutes local time was ahead of UTC on the day of a form; `None` where it says no day.
    pub fn offset_of(&self, form: &Form) -> Option<i64> {
        match self {
            Zone::Named(zone) => offset_minutes(zone, form),
            Zone::Machine => offset_minutes(&chrono::Local, form),
        }
    }
}
