//! What is wrong here that a person can do something about, as data.

use crate::Error;
use crate::client::Client;
use crate::stock::{Alarm, below_zero};
use crate::workers::Turn;
use kitbag_core::engine::{Engine, EngineError, Verified};
use kitbag_core::log::Verdict;
use kitbag_core::model::{Invalid, RecordId, TeamId, UnixMillis};
use kitbag_core::store::MissingFrom;
use kitbag_core::sync::SyncFault;
use kitbag_core::totals::{KnownMissing, Query};
use kitbag_core::words::Words;

/// A phone that waits longer than this for its hub is worth a word, in ms: seven days.
const WAITING_LONG_MS: i64 = 7 * 86_400_000;

/// What is wrong here.
pub struct Health<'client>(pub(crate) &'client Client);

impl Client {
    /// What is wrong here that a person can do something about.
    pub fn health(&self) -> Health<'_> {
        Health(self)
    }
}

/// Something that a person can do something about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// This device has joined no team.
    NoTeam,
    /// It knows no hub: what is recorded is safe, and only here.
    NoHub,
    /// The last sync did not end whole, so many in a row.
    SyncFailed(SyncFault, u32),
    /// So many records wait for the hub, since then, for more than a week.
    WaitingLong(u64, UnixMillis),
    /// This device's clock is wrong: more than a day from the hub's, or behind what the device knows.
    ClockOff,
    /// So many records have two values for a field.
    Conflicts(u64),
    /// So many pairs of records look like one event.
    Duplicates(u64),
    /// Records that count and contradict themselves, each with the first thing that is wrong.
    Contradicting(Vec<(RecordId, Invalid)>),
    /// So many records count with a date that may be wrong.
    DateInDoubt(u64),
    /// Of these stocks more went out than came in.
    StockBelowZero(Vec<Alarm>),
    /// So many entries wait for others, or for a newer version of Kitbag.
    Waiting(u64),
    /// What is known to exist is not here: totals are short of it.
    Missing(KnownMissing),
    /// So many entries have this verdict, which refuses them.
    Refused(Verdict, u64),
    /// Logs forked so often: a phone was restored from a copy, or cloned.
    Forks(u64),
    /// So many drafts are not finished.
    Drafts(u64),
}

impl Finding {
    /// Its stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Finding::NoTeam => "no_team",
            Finding::NoHub => "no_hub",
            Finding::SyncFailed(..) => "sync_failed",
            Finding::WaitingLong(..) => "waiting_long",
            Finding::ClockOff => "clock_off",
            Finding::Conflicts(_) => "conflicts",
            Finding::Duplicates(_) => "duplicates",
            Finding::Contradicting(_) => "contradicting",
            Finding::DateInDoubt(_) => "date_in_doubt",
            Finding::StockBelowZero(_) => "stock_below_zero",
            Finding::Waiting(_) => "waiting",
            Finding::Missing(_) => "missing",
            Finding::Refused(..) => "refused",
            Finding::Forks(_) => "forks",
            Finding::Drafts(_) => "drafts",
        }
    }

    /// What people read: what was found, and what to do.
    pub fn in_words(&self, words: &Words) -> String {
        match self {
            Finding::SyncFailed(fault, _) => words.sync_fault(*fault),
            _ => words.finding(self.code(), self.count()),
        }
    }

    /// Of how many things it speaks.
    pub fn count(&self) -> u64 {
        match self {
            Finding::NoTeam | Finding::NoHub | Finding::ClockOff => 1,
            Finding::SyncFailed(_, failures) => u64::from(*failures).max(1),
            Finding::WaitingLong(count, _) => (*count).max(1),
            Finding::Contradicting(all) => all.len() as u64,
            Finding::StockBelowZero(all) => all.len() as u64,
            Finding::Missing(missing) => missing.entries,
            Finding::Refused(_, count)
            | Finding::Conflicts(count)
            | Finding::Duplicates(count)
            | Finding::DateInDoubt(count)
            | Finding::Waiting(count)
            | Finding::Forks(count)
            | Finding::Drafts(count) => *count,
        }
    }
}

impl Health<'_> {
    /// All that is found, as of one moment and by this clock.
    pub async fn findings(&self, now: UnixMillis) -> Result<Vec<Finding>, Error> {
        self.0.read(move |engine| findings_of(engine, now)).await
    }
}

impl Health<'_> {
    /// Verifies that the store is what its entries say: every chain and signature, every row and total derived anew.
    /// Changes nothing, and saves wait for it; `progress` gets how many entries and records were looked at.
    pub async fn verify(
        &self,
        progress: impl FnMut(u64) + Send + 'static,
    ) -> Result<Verified, Error> {
        self.0.read_alone(move |engine| engine.verify(progress)).await
    }

    /// What is known to exist and is not here, by the device that wrote it; of one team or of all.
    pub async fn missing(&self, team: Option<TeamId>) -> Result<Vec<MissingFrom>, Error> {
        self.0.read(move |engine| Ok(engine.store().missing_by_device(team)?)).await
    }

    /// Builds what is derived anew from the entries.
    pub async fn rebuild(&self) -> Result<(), Error> {
        self.0.write(Turn::Later, |engine| engine.rebuild()).await
    }
}

fn findings_of(engine: &Engine, now: UnixMillis) -> Result<Vec<Finding>, EngineError> {
    let mut found = Vec::new();
    let mut find = |is_so: bool, finding: Finding| {
        if is_so {
            found.push(finding);
        }
    };
    let teams = engine.teams().into_iter().filter(|team| *team != TeamId::PROGRAMME).count();
    let is_root = engine.device_key() == engine.root();
    find(teams == 0 && !is_root, Finding::NoTeam);
    find(engine.hub()?.is_none(), Finding::NoHub);
    let status = engine.status()?;
    if let Some(fault) = status.last.failed {
        // Somebody ended it: nothing is to be done about that.
        let is_meant = matches!(fault, SyncFault::Cancelled | SyncFault::OutOfTime);
        find(
            !is_meant || status.last.failures > 0,
            Finding::SyncFailed(fault, status.last.failures),
        );
    }
    if let Some(since) = status.waiting.since {
        let is_long = now.0.saturating_sub(since.0) >= WAITING_LONG_MS;
        find(is_long, Finding::WaitingLong(status.waiting.records, since));
    }
    find(status.clock_is_off, Finding::ClockOff);
    let totals = engine.totals(&Query::default())?;
    let conflicts = engine.store().conflicted()?;
    find(conflicts > 0, Finding::Conflicts(conflicts));
    let duplicates = engine.suspected_duplicates(0)?.len() as u64;
    find(duplicates > 0, Finding::Duplicates(duplicates));
    let contradicting = engine.contradicting()?;
    find(!contradicting.is_empty(), Finding::Contradicting(contradicting));
    let in_doubt = totals.in_doubt.values().sum();
    find(in_doubt > 0, Finding::DateInDoubt(in_doubt));
    let below = below_zero(engine)?;
    find(!below.is_empty(), Finding::StockBelowZero(below));
    find(totals.waiting > 0, Finding::Waiting(totals.waiting));
    find(totals.missing.entries > 0, Finding::Missing(totals.missing));
    for (verdict, count) in engine.store().refusals()? {
        find(count > 0, Finding::Refused(verdict, count));
    }
    find(totals.forks > 0, Finding::Forks(totals.forks));
    let drafts = engine.drafts()?.len() as u64;
    find(drafts > 0, Finding::Drafts(drafts));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kitbag_core::words::{ALARMS, FINDINGS, LANGUAGES};

    #[test]
    fn every_finding_and_alarm_has_words_in_every_language() {
        use crate::stock::StockAlarm;
        let alarms = [StockAlarm::BelowMinimum, StockAlarm::Expiring, StockAlarm::BelowZero];
        assert_eq!(alarms.map(StockAlarm::code), ALARMS);
        let refused = Verdict::Refused(kitbag_core::log::Refusal::Role);
        let all = [
            Finding::NoTeam,
            Finding::NoHub,
            Finding::WaitingLong(2, UnixMillis(0)),
            Finding::ClockOff,
            Finding::Conflicts(2),
            Finding::Duplicates(2),
            Finding::Contradicting(Vec::new()),
            Finding::DateInDoubt(2),
            Finding::StockBelowZero(Vec::new()),
            Finding::Waiting(2),
            Finding::Missing(KnownMissing::default()),
            Finding::Refused(refused, 2),
            Finding::Forks(2),
            Finding::Drafts(2),
        ];
        let codes: Vec<&str> = all.iter().map(Finding::code).collect();
        assert_eq!(codes, FINDINGS);
        for (language, _) in LANGUAGES {
            let words = Words::in_language(language);
            for found in &all {
                assert_ne!(found.in_words(&words), found.code(), "{language}");
            }
        }
    }
}
