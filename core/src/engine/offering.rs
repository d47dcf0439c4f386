//! What the outbox and a salvage hold of this device's own and the store lacks goes to the hub as it is, which
//! may hold what it follows.

use super::{Engine, EngineError};
use crate::log::run::Run;
use crate::model::TeamId;
use crate::sync::{Message, SyncError};
use std::collections::VecDeque;

/// What salvaged runs of one message weigh at most, in bytes.
const MESSAGE_WEIGHT_MAX: usize = 256 << 10;

/// Own runs on their way to the hub, after a sync that agreed.
pub(super) struct Offering {
    teams: Vec<TeamId>,
    pages: VecDeque<Vec<Run>>,
    /// Those that nobody can take yet: they are kept, and said to wait.
    kept: Vec<Run>,
}

impl Offering {
    /// The next request; `None` once all were answered.
    pub(super) fn request(&self) -> Option<Vec<u8>> {
        let runs = self.pages.front()?.iter().cloned().map(Ok).collect();
        // With the word that more follows: just the acknowledgement is wanted.
        let message = Message { teams: self.teams.clone(), runs, more: true, ..Message::default() };
        Some(message.encode())
    }

    /// Takes the answer to the last request in.
    pub(super) fn answered(&mut self, answer: &[u8]) -> Result<(), EngineError> {
        let answer = Message::decode(answer).map_err(SyncError::from)?;
        let refused: Vec<u64> = answer.turned_away.iter().map(|run| run.index).collect();
        let numbered = (0..).zip(self.pages.pop_front().unwrap_or_default());
        self.kept.extend(numbered.filter(|(at, _)| refused.contains(at)).map(|(_, run)| run));
        Ok(())
    }
}

impl Engine {
    /// Takes in what the outbox and the salvage hold of our own and the store lacks; what follows an entry that is
    /// not here is to be offered.
    pub(super) fn begin_offering(&mut self) -> Result<Offering, EngineError> {
        let teams: Vec<TeamId> = self.members.keys().copied().chain([TeamId::PROGRAMME]).collect();
        let pages = pages(self.take_own()?);
        Ok(Offering { teams, pages, kept: Vec::new() })
    }

    /// Keeps what nobody could take; the outbox begins anew, once nothing waits.
    pub(super) fn end_offering(&mut self, offering: Offering) -> Result<(), EngineError> {
        self.keep_salvage(&offering.kept)?;
        let waiting = self.store.entries_beyond_hub(&offering.teams)?
            + self.store.own_hidden(&offering.teams)?;
        if waiting == 0 && offering.kept.is_empty() {
            self.begin_outbox_anew();
        }
        Ok(())
    }
}

/// Runs in portions that fit a message.
fn pages(runs: Vec<Run>) -> VecDeque<Vec<Run>> {
    let mut pages: VecDeque<Vec<Run>> = VecDeque::new();
    let mut room = 0;
    for run in runs {
        let weight = run.encode().len();
        match pages.back_mut().filter(|_| weight <= room) {
            Some(page) => {
                page.push(run);
                room -= weight;
            }
            None => {
                pages.push_back(vec![run]);
                room = MESSAGE_WEIGHT_MAX.saturating_sub(weight);
            }
        }
    }
    pages
}
