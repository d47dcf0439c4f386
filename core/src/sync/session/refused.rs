//! What a hub did not take, and what it says that it does not hold.

use super::Session;
use crate::log::TurnedAway;
use crate::model::TeamId;
use crate::store::Setting;
use crate::store::Store;
use crate::sync::{Message, SyncError};

impl Session {
    /// Notes what the hub turned away for good, durably, so that people are told. Returns whether clocks may
    /// still bring it there.
    pub(super) fn note_refused(
        &mut self,
        store: &mut Store,
        response: &Message,
    ) -> Result<bool, SyncError> {
        let mut for_good = Vec::new();
        self.proving.clear();
        let mut may_come = false;
        for run in &response.turned_away {
            self.turned_away += 1;
            self.last_reason = Some(run.reason());
            let log = usize::try_from(run.index).ok().and_then(|at| self.sent.get(at)).copied();
            match (TurnedAway::from_code(run.code), log) {
                (Some(TurnedAway::Later), _) => self.is_put_off = true,
                // Without a certificate the hub keeps nothing; clocks bring it first, and then these.
                (Some(TurnedAway::NoCertificate), Some(_)) if !self.in_full => may_come = true,
                // A hub that was put back may lack what certifies it: that goes before it, once a sync.
                (Some(TurnedAway::NoCertificate), Some(log))
                    if !self.proven.contains(&log)
                        && store.offer_proofs(log, &self.offered_logs)? =>
                {
                    may_come = true;
                    // What is offered again waits again, once for each log.
                    self.least_waiting = None;
                    self.proven.insert(log);
                    self.proving.insert(log);
                }
                (Some(TurnedAway::NoCertificate), Some(log)) => for_good.push((log, run.code)),
                (Some(TurnedAway::Revoked | TurnedAway::Ended), Some(log)) => {
                    for_good.push((log, run.code));
                }
                _ => may_come = true,
            }
        }
        store.note_turned_away(&for_good, &response.points)?;
        store.note_own_accepted(&response.points, &response.teams)?;
        if let Some(offered) = self.offered.take().filter(|_| !self.is_put_off) {
            store.set(&[(Setting::Offered, offered)])?;
        }
        let unread = self.asked.iter().filter(|team| !response.teams.contains(team)).copied();
        let unread: Vec<TeamId> = unread.collect();
        store.note_unread(&unread, &response.points, self.requests == 1)?;
        Ok(may_come)
    }
}
