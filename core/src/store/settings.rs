//! The small values that a store keeps beside its entries: each named once, with whose it is.

use super::{Store, StoreError};
use crate::model::{DeviceKey, EntryId, TeamId};

/// A small value, by its name. Who writes it, alone, stands in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The programme's root key (the store; the engine, of a programme that it founds).
    Root,
    /// Which declarations made the projection (the store).
    Declarations,
    /// Whose word counts is to be found out anew (the store).
    AuthorityStale,
    /// The last signature heard of another device, by number (the store).
    Heard,
    /// Where the hub's last answer ended (the store).
    Cursor,
    /// Up to which signature heard the hub was told (the store).
    Told,
    /// The hub's epoch, as its cursors begin (the store).
    HubEpoch,
    /// The teams that the hub keeps from this device (the store).
    Unread,
    /// Whether what the hub has is not kept here (the store).
    CaptureOnly,
    /// What the hub was offered of what it does not carry (the session).
    Offered,
    /// A hub's epoch (the store).
    Epoch,
    /// The key of a hub's cursors (the store).
    CursorKey,
    /// How often a hub was put back (the store).
    Rollbacks,
    /// The devices that did not come again since then (the store).
    AwaitedDevices,
    /// The seed of a hub's key (the hub).
    HubSeed,
    /// The public half of a hub's spare key (the hub).
    HubSpare,
    /// The seed of the device's key (the engine).
    Seed,
    /// Where the hub is, with its keys (the engine).
    Hub,
    /// How the last sync ended (the engine).
    LastSync,
    /// Own entries that follow what nobody brought yet (the engine).
    Salvage,
    /// This device's certificate for a team (the engine; the store, where the team is left).
    Member(TeamId),
    /// An invitation that was made here, by its id (the engine).
    Invitation([u8; 16]),
    /// What is known of whoever is invited by it (the engine).
    Newcomer([u8; 16]),
    /// On which day each device of a team synced last, as the hub said when it was asked last (the engine).
    SyncedDays(TeamId),
    /// The label that this device is to give itself in a team, once it has the team's key (the engine).
    OwnLabel(TeamId),
    /// What the root called the device of a certificate: it reads no team's labels (the engine).
    GivenLabel(EntryId),
    /// What the device that was let in by an invitation was answered (the engine).
    Reply([u8; 16]),
    /// The number of the draft that was begun last: none is given twice (the engine).
    LastDraft,
    /// A form that is being filled in (the engine).
    Draft(u64),
}

impl Setting {
    const ALONE: [Setting; 21] = [
        Setting::Root,
        Setting::Declarations,
        Setting::AuthorityStale,
        Setting::Heard,
        Setting::Cursor,
        Setting::Told,
        Setting::HubEpoch,
        Setting::Unread,
        Setting::CaptureOnly,
        Setting::Offered,
        Setting::Epoch,
        Setting::CursorKey,
        Setting::Rollbacks,
        Setting::AwaitedDevices,
        Setting::HubSeed,
        Setting::HubSpare,
        Setting::Seed,
        Setting::Hub,
        Setting::LastSync,
        Setting::Salvage,
        Setting::LastDraft,
    ];

    fn name(&self) -> String {
        let alone = match self {
            Setting::Root => "root",
            Setting::Declarations => "declarations",
            Setting::AuthorityStale => "authority_stale",
            Setting::Heard => "heard",
            Setting::Cursor => "cursor",
            Setting::Told => "told",
            Setting::HubEpoch => "hub_epoch",
            Setting::Unread => "unread",
            Setting::CaptureOnly => "capture_only",
            Setting::Offered => "offered",
            Setting::Epoch => "epoch",
            Setting::CursorKey => "cursor_key",
            Setting::Rollbacks => "rollbacks",
            Setting::AwaitedDevices => "awaited_devices",
            Setting::HubSeed => "hub_seed",
            Setting::HubSpare => "hub_spare",
            Setting::Seed => "seed",
            Setting::Hub => "hub",
            Setting::LastSync => "last_sync",
            Setting::Salvage => "salvage",
            Setting::LastDraft => "last_draft",
            Setting::Member(team) => return format!("member {team}"),
            Setting::Invitation(id) => return format!("invitation {}", in_digits(id)),
            Setting::Newcomer(id) => return format!("newcomer {}", in_digits(id)),
            Setting::SyncedDays(team) => return format!("synced_days {team}"),
            Setting::OwnLabel(team) => return format!("own_label {team}"),
            Setting::GivenLabel(of) => return format!("given_label {of}"),
            Setting::Reply(id) => return format!("reply {}", in_digits(id)),
            Setting::Draft(number) => return format!("draft {number}"),
        };
        alone.to_owned()
    }

    fn named(name: &str) -> Option<Setting> {
        let Some((what, which)) = name.split_once(' ') else {
            return Setting::ALONE.into_iter().find(|alone| alone.name() == name);
        };
        match what {
            "member" => which.parse().ok().map(Setting::Member),
            "invitation" => of_digits(which).map(Setting::Invitation),
            "newcomer" => of_digits(which).map(Setting::Newcomer),
            "synced_days" => which.parse().ok().map(Setting::SyncedDays),
            "own_label" => which.parse().ok().map(Setting::OwnLabel),
            "given_label" => which.parse().ok().map(Setting::GivenLabel),
            "reply" => of_digits(which).map(Setting::Reply),
            "draft" => which.parse().ok().map(Setting::Draft),
            _ => None,
        }
    }
}

fn in_digits(id: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*id))
}

fn of_digits(text: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)
}

impl Store {
    /// Reads a setting.
    pub fn setting(&self, setting: &Setting) -> Result<Option<Vec<u8>>, StoreError> {
        let mut statement = self.sql()?.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
        let mut rows = statement.query([setting.name()])?;
        Ok(match rows.next()? {
            Some(row) => Some(row.get(0)?),
            None => None,
        })
    }

    /// All settings that are there.
    pub fn settings(&self) -> Result<Vec<Setting>, StoreError> {
        let mut statement = self.sql()?.prepare_cached("SELECT name FROM meta")?;
        let names = statement.query_map([], |row| row.get::<_, String>(0))?;
        let names = names.collect::<Result<Vec<_>, _>>()?;
        Ok(names.iter().filter_map(|name| Setting::named(name)).collect())
    }

    /// Writes settings, durably, all or none.
    pub fn set(&mut self, settings: &[(Setting, Vec<u8>)]) -> Result<(), StoreError> {
        self.notice_state();
        self.transact(|store| {
            settings.iter().try_for_each(|(setting, value)| store.put_setting(setting, value))
        })?;
        if let Some((_, root)) = settings.iter().find(|(setting, _)| *setting == Setting::Root) {
            self.root = DeviceKey::from_slice(root).ok_or(StoreError::Damaged("the root key"))?;
        }
        Ok(())
    }

    /// Deletes settings, durably, all or none.
    pub fn unset(&mut self, settings: &[Setting]) -> Result<(), StoreError> {
        self.notice_state();
        self.transact(|store| settings.iter().try_for_each(|setting| store.drop_setting(setting)))
    }

    /// Writes a setting within a transaction.
    pub(super) fn put_setting(&self, setting: &Setting, value: &[u8]) -> Result<(), StoreError> {
        self.sql()?
            .prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")?
            .execute((setting.name(), value))?;
        Ok(())
    }

    /// Deletes a setting within a transaction.
    pub(super) fn drop_setting(&self, setting: &Setting) -> Result<(), StoreError> {
        self.sql()?
            .prepare_cached("DELETE FROM meta WHERE name = ?1")?
            .execute([setting.name()])?;
        Ok(())
    }

    /// The teams that this device joined, with its certificate for each.
    pub fn memberships(&self) -> Result<Vec<(TeamId, EntryId)>, StoreError> {
        let mut memberships = Vec::new();
        for setting in self.settings()? {
            let Setting::Member(team) = setting else { continue };
            let certificate = self.setting(&setting)?.and_then(|bytes| bytes.try_into().ok());
            let certificate = certificate.ok_or(StoreError::Damaged("a membership"))?;
            memberships.push((team, EntryId(certificate)));
        }
        Ok(memberships)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_is_found_by_its_name_and_no_two_have_one() {
        let of_one = [
            Setting::Member(TeamId([7; 16])),
            Setting::Invitation([0; 16]),
            Setting::Reply([255; 16]),
            Setting::Draft(12),
        ];
        let all: Vec<Setting> = Setting::ALONE.into_iter().chain(of_one).collect();
        let names: std::collections::BTreeSet<String> = all.iter().map(Setting::name).collect();
        assert_eq!(names.len(), all.len());
        for setting in all {
            assert_eq!(Setting::named(&setting.name()), Some(setting));
        }
        assert_eq!(Setting::named("draft of tomorrow"), None);
    }
}
