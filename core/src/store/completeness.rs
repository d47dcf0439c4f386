//! How complete a hub's records are: who synced, what is known to be missing, what came late.

use super::{State, Store, StoreError};
use crate::model::{CivilDate, DeviceKey, TeamId, UnixMillis};
use crate::totals::KnownMissing;
use std::collections::BTreeSet;

/// A record that a hub received more than this many days after its `occurred_on` came late (data
/// dictionary, reporting_completeness).
pub const LATE_DAYS: i64 = 7;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// How complete a hub's records of a period are: its own, as only a hub knows when something came.
/// Each is a count over devices or record ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completeness {
    /// Devices with a certificate that holds now.
    pub devices_enrolled: u64,
    /// Those of them that synced on a day of the period, by the hub's clock.
    pub devices_synced: u64,
    /// Entries known to exist and not here.
    pub missing: KnownMissing,
    /// Records of the period that count, by `occurred_on`.
    pub records: u64,
    /// Those of them that the hub received more than [`LATE_DAYS`] days after their `occurred_on`.
    pub records_late: u64,
    /// Those of them whose day of arrival is not known: an older version of the hub received them.
    pub records_arrival_unknown: u64,
}

/// What [`Completeness`] counts: name and definition, as pages and answers say them.
pub const COMPLETENESS: [(&str, &str); 7] = [
    ("devices_enrolled", "devices with a certificate that holds now"),
    ("devices_synced", "those of them that synced on a day of the period, by the hub's clock"),
    ("missing_entries", "entries that are known to exist and are not on the hub"),
    ("missing_devices", "the devices that those are from"),
    ("records", "records of the period that count, by occurred_on"),
    (
        "records_late",
        "those of them that the hub received more than 7 days after their occurred_on",
    ),
    ("records_arrival_unknown", "those of them that an older version of the hub received"),
];

impl Completeness {
    /// The counts, in the order of [`COMPLETENESS`].
    pub fn counts(&self) -> [u64; COMPLETENESS.len()] {
        [
            self.devices_enrolled,
            self.devices_synced,
            self.missing.entries,
            self.missing.devices,
            self.records,
            self.records_late,
            self.records_arrival_unknown,
        ]
    }
}

/// What a hub noted of today's exchanges already.
#[derive(Default)]
pub(super) struct Noted {
    day: Option<i64>,
    devices: BTreeSet<DeviceKey>,
}

fn day_of(now: UnixMillis) -> i64 {
    now.0.div_euclid(DAY_MS)
}

impl Store {
    /// A hub notes, durably and once a day, which entries arrive from today on.
    pub fn note_day(&mut self, now: UnixMillis) -> Result<(), StoreError> {
        self.note_hub_now(None);
        self.note_hub_now(Some(now));
        let day = day_of(now);
        if self.noted.day == Some(day) {
            return Ok(());
        }
        self.transact(|store| {
            let next = store.here()?.arrival + 1;
            // A clock that was set back begins no day anew.
            store.sql()?.execute(
                "INSERT INTO arrived SELECT ?1, ?2
                 WHERE NOT EXISTS (SELECT 1 FROM arrived WHERE day >= ?1)",
                (day, next),
            )?;
            Ok(())
        })?;
        self.noted = Noted { day: Some(day), ..Noted::default() };
        Ok(())
    }

    /// A hub notes, durably and once a day, that an enrolled device synced today. Strangers leave no
    /// trace.
    pub fn note_synced(&mut self, device: DeviceKey, now: UnixMillis) -> Result<(), StoreError> {
        if self.noted.devices.contains(&device) || !self.authority.is_enrolled(device) {
            return Ok(());
        }
        self.transact(|store| {
            let mut insert =
                store.sql()?.prepare_cached("INSERT OR IGNORE INTO synced VALUES (?1, ?2)")?;
            insert.execute((day_of(now), device.0))?;
            Ok(())
        })?;
        self.noted.devices.insert(device);
        Ok(())
    }

    /// On which day each device that is enrolled in a team synced last with this hub, by its clock.
    pub fn last_synced(&self, team: TeamId) -> Result<Vec<(DeviceKey, CivilDate)>, StoreError> {
        // Revoked ones too: whoever looks for a lost phone asks when it was last heard of.
        let members: BTreeSet<DeviceKey> =
            self.authority.members(team).map(|(_, device, _)| device).collect();
        let mut statement =
            self.sql()?.prepare_cached("SELECT device, max(day) FROM synced GROUP BY device")?;
        let rows = statement.query_map([], |row| Ok((DeviceKey(row.get(0)?), row.get(1)?)))?;
        let rows: Vec<(DeviceKey, i64)> = rows.collect::<Result<_, _>>()?;
        let of_team = rows.into_iter().filter(|(device, _)| members.contains(device));
        Ok(of_team.filter_map(|(of, day)| Some((of, CivilDate::from_epoch_day(day)?))).collect())
    }

    /// How complete a hub's records from one day up to another, inclusive, are; of one team or all.
    pub fn completeness(
        &self,
        team: Option<TeamId>,
        from: CivilDate,
        to: CivilDate,
    ) -> Result<Completeness, StoreError> {
        let enrolled = self.authority.enrolled(team);
        let (from, to) = (from.epoch_day(), to.epoch_day());
        let mut completeness = Completeness {
            devices_enrolled: enrolled.len() as u64,
            missing: self.known_missing(team)?,
            ..Completeness::default()
        };
        let mut synced = self
            .sql()?
            .prepare_cached("SELECT DISTINCT device FROM synced WHERE day BETWEEN ?1 AND ?2")?;
        for device in synced.query_map((from, to), |row| row.get(0))? {
            completeness.devices_synced += u64::from(enrolled.contains(&DeviceKey(device?)));
        }
        let origins = self.origins();
        let mut records = self.sql()?.prepare_cached(
            "SELECT log, day, (SELECT arrived.day FROM arrived WHERE arrival <= number
               ORDER BY arrival DESC, arrived.day DESC LIMIT 1)
             FROM record INDEXED BY record_day WHERE day BETWEEN ?1 AND ?2 AND state = ?3",
        )?;
        let mut rows = records.query((from, to, State::Counted.number()))?;
        while let Some(row) = rows.next()? {
            let of = origins.get(&row.get(0)?).map(|(of, _)| *of);
            if of.is_none() || team.is_some_and(|team| of != Some(team)) {
                continue;
            }
            completeness.records += 1;
            match row.get::<_, Option<i64>>(2)? {
                Some(arrived) => {
                    let is_late = arrived - row.get::<_, i64>(1)? > LATE_DAYS;
                    completeness.records_late += u64::from(is_late);
                }
                None => completeness.records_arrival_unknown += 1,
            }
        }
        Ok(completeness)
    }
}
