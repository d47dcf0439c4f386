//! Administration from which authority reads nothing: it has a verdict of its own, and however much of it
//! somebody writes, authority is not settled again for it.

use super::insert::{HIDDEN, place_of};
use super::payload::kept;
use super::{Store, StoreError};
use crate::log::Ending;
use crate::log::authority::verdict_by;
use crate::log::chain::{LogInfo, Place};
use crate::log::entry::{is_known, kind, settles};
use crate::log::payload::{Administration, Label};
use crate::model::pack::CodePack;
use crate::model::{DeviceKey, EntryId, LogId, RecordId, TeamId};
use std::collections::BTreeMap;

/// How many records that are not erased yet one key asks to be erased at most, the lowest entry ids first;
/// more are listed once those are done.
const ASKED_MAX: usize = 1_000;

/// That somebody asks for a record to be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// The record's team.
    pub team: TeamId,
    /// The record.
    pub record: RecordId,
    /// Who asks.
    pub by: DeviceKey,
}

impl Store {
    /// The verdict of such an entry, by how far its log is carried.
    pub(super) fn plain_verdict(
        &self,
        log: &LogId,
        (place, id): (Place, EntryId),
        of_kind: (u8, u16),
        ending: Option<Ending>,
    ) -> u8 {
        if !self.is_carried(log, place, id) {
            return HIDDEN;
        }
        let stands = self.carried.get(log).is_some_and(|carried| carried.carriage.stands(place));
        verdict_by(ending, stands, is_known(of_kind.0, of_kind.1)).number()
    }

    /// Looks anew at all such entries of a log: it stands, or ends, otherwise than before.
    pub(super) fn judge_plain(&self, log: &LogId) -> Result<(), StoreError> {
        let number = self.logs.get(log).map(|log| log.number);
        let mut statement = self.sql()?.prepare_cached(
            "SELECT id, branch, position, kind, schema, ends, verdict
             FROM entry INDEXED BY entry_administration
             WHERE kind < 16 AND log = ?1
               AND kind IN (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)",
        )?;
        let mut update =
            self.sql()?.prepare_cached("UPDATE entry SET verdict = ?2 WHERE id = ?1")?;
        let mut rows = statement.query([number])?;
        let mut changed = Vec::new();
        while let Some(row) = rows.next()? {
            let of_kind: (u8, u16) = (row.get(3)?, row.get(4)?);
            if settles(of_kind.0, of_kind.1) {
                continue;
            }
            let id = EntryId(row.get(0)?);
            let place = place_of(row.get(1)?, row.get(2)?);
            let ending = Ending::from_number(row.get(5)?);
            let verdict = self.plain_verdict(log, (place, id), of_kind, ending);
            if verdict != row.get::<_, u8>(6)? {
                changed.push((id, verdict));
            }
        }
        changed.into_iter().try_for_each(|(id, verdict)| {
            update.execute((id.0, verdict))?;
            Ok(())
        })
    }

    /// Up to which position coordinators set aside what is claimed of each log of their team. It falls with its
    /// author: another coordinator says it again, or what is missing is said.
    pub(super) fn set_aside(&self) -> Result<BTreeMap<(TeamId, LogId), u64>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT payload FROM entry INDEXED BY entry_administration
             WHERE kind = ?1 AND kind < 16 AND log = ?2 AND verdict = 1 AND payload IS NOT NULL",
        )?;
        let mut set_aside: BTreeMap<(TeamId, LogId), u64> = BTreeMap::new();
        let stands = |(log, info): &(&LogId, &LogInfo)| {
            self.authority.is_coordinators(log) && !self.authority.is_revoked(&info.certificate)
        };
        for (log, info) in self.chains.iter().filter(stands) {
            let number = self.logs.get(log).map(|log| log.number);
            let mut rows = statement.query((kind::SET_ASIDE, number))?;
            while let Some(row) = rows.next()? {
                let payload = kept(&row.get::<_, Vec<u8>>(0)?)?;
                if let Ok(Administration::SetAside { log, position }) =
                    Administration::decode(kind::SET_ASIDE, &payload)
                {
                    let to = set_aside.entry((info.team, log)).or_default();
                    *to = position.max(*to);
                }
            }
        }
        Ok(set_aside)
    }

    /// The code packs that the programme published: of each name the one of the highest version.
    pub fn published_packs(&self) -> Result<Vec<CodePack>, StoreError> {
        let mut newest: BTreeMap<String, CodePack> = BTreeMap::new();
        for payload in self.admitted_administration(kind::CODE_PACK)? {
            let Ok(Administration::CodePack { toml }) =
                Administration::decode(kind::CODE_PACK, &payload)
            else {
                continue;
            };
            let Ok(pack) = CodePack::from_toml(&toml) else { continue };
            let held = newest.get(&pack.name).map_or(0, |held| held.version);
            // Of equal versions the last by entry id: every store has the same.
            if pack.version >= held {
                newest.insert(pack.name.clone(), pack);
            }
        }
        Ok(newest.into_values().collect())
    }

    /// The labels that are given to certificates: under which certificate each was written, its entry, and what it says.
    pub fn labels(&self) -> Result<Vec<(EntryId, EntryId, Label)>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT log.id, entry.id, payload FROM entry INDEXED BY entry_administration
               CROSS JOIN log ON log.number = entry.log
             WHERE kind = ?1 AND kind < 16 AND verdict = 1 AND payload IS NOT NULL",
        )?;
        let mut rows = statement.query([kind::LABEL])?;
        let mut labels = Vec::new();
        while let Some(row) = rows.next()? {
            let Some(info) = self.chains.log(&LogId(row.get(0)?)) else { continue };
            let payload = kept(&row.get::<_, Vec<u8>>(2)?)?;
            if let Ok(Administration::Label(label)) = Administration::decode(kind::LABEL, &payload)
            {
                labels.push((info.certificate, EntryId(row.get(1)?), label));
            }
        }
        Ok(labels)
    }

    /// The erasures that are asked for and not done, by team and record.
    pub fn asked_erasures(&self) -> Result<Vec<Asked>, StoreError> {
        let mut statement = self.sql()?.prepare_cached(
            "SELECT log.id, payload FROM entry INDEXED BY entry_administration
               CROSS JOIN log ON log.number = entry.log
             WHERE kind = ?1 AND kind < 16 AND verdict = 1 AND payload IS NOT NULL ORDER BY entry.id",
        )?;
        let mut rows = statement.query([kind::ASK_ERASE])?;
        let mut asked = Vec::new();
        let mut of_key: BTreeMap<DeviceKey, usize> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let Some(info) = self.chains.log(&LogId(row.get(0)?)) else { continue };
            let payload = kept(&row.get::<_, Vec<u8>>(1)?)?;
            let Ok(Administration::AskErase { records }) =
                Administration::decode(kind::ASK_ERASE, &payload)
            else {
                continue;
            };
            let listed = of_key.entry(info.key).or_default();
            let is_open = |record: &RecordId| !self.authority.is_erased(info.team, *record);
            let room = ASKED_MAX.saturating_sub(*listed);
            let open: Vec<RecordId> = records.into_iter().filter(is_open).take(room).collect();
            *listed += open.len();
            let of_this = |record| Asked { team: info.team, record, by: info.key };
            asked.extend(open.into_iter().map(of_this));
        }
        asked.sort_unstable();
        asked.dedup();
        Ok(asked)
    }
}
