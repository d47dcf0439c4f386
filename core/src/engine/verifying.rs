//! Whether a store is what its entries say: chains and signatures, verdicts, projection, totals.

use super::{Engine, EngineError};
use crate::log::entry::Entry;
use crate::model::catalogue::measures;
use crate::model::indicator::Sums;
use crate::model::{TeamId, UnixMillis};
use crate::store::{Peer, State, Store};
use crate::totals::Query;

/// What a verification found. Everything is well where `faults` is empty.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// phone.record(team, &reversal()?)?;
/// let verified: Verified = phone.verify(|_| ())?;
/// assert_eq!(verified.records, 1);
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many entries' chain was followed from their log's first, and is signed.
    pub entries: u64,
    /// Of those, how many lie behind the last signature that this store holds: a relay waits for it.
    pub unsigned: u64,
    /// How many records were replayed from their entries.
    pub records: u64,
    /// What is not as it should be.
    pub faults: Vec<VerifyFault>,
}

/// What is not as it should be.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// for fault in phone.verify(|_| ())?.faults {
///     println!("{}: {}", fault.name(), fault.in_words());
/// }
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerifyFault {
    /// A log's chain or signature does not hold.
    Chain,
    /// Verdicts or the projection differ from what the entries give.
    Projection,
    /// Sums differ from a recount of the records.
    Totals,
}

impl VerifyFault {
    /// Its name in JSON.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// assert_eq!(VerifyFault::Totals.name(), "totals");
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            VerifyFault::Chain => "chain",
            VerifyFault::Projection => "projection",
            VerifyFault::Totals => "totals",
        }
    }

    /// What to do.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// println!("{}", VerifyFault::Chain.in_words());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn in_words(self) -> &'static str {
        match self {
            VerifyFault::Chain => {
                "a log's chain or signature does not hold: the file was changed; `kitbag recover` keeps it \
                 aside and brings back what the hub has"
            }
            VerifyFault::Projection => {
                "verdicts or rows differ from what the entries say: `kitbag verify --rebuild` builds them \
                 anew from the entries; please report it, it is a fault of Kitbag"
            }
            VerifyFault::Totals => {
                "sums differ from a recount of the records; please report it, it is a fault of Kitbag"
            }
        }
    }
}

impl Engine {
    /// Verifies the whole store, and changes no byte of it: what is derived is built anew in a copy
    /// beside, which goes again. Long for large stores: `progress` is told how many entries and records
    /// were looked at.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// phone.record(team, &reversal()?)?;
    /// let verified = phone.verify(|looked_at| println!("{looked_at}"))?;
    /// assert!(verified.faults.is_empty());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn verify(&self, mut progress: impl FnMut(u64)) -> Result<Verified, EngineError> {
        let mut verified = Verified::default();
        self.verify_chains(&mut verified, &mut progress)?;
        let mut copied = self.store.copied()?;
        let anew = copied.store()?;
        anew.rebuild()?;
        if derived(anew)? != derived(&self.store)? {
            verified.faults.push(VerifyFault::Projection);
        }
        verify_totals(anew, &mut verified, &mut progress)?;
        Ok(verified)
    }

    /// Reads every log as another store would get it, and verifies each run.
    fn verify_chains(
        &self,
        verified: &mut Verified,
        progress: &mut impl FnMut(u64),
    ) -> Result<(), EngineError> {
        let mut teams: Vec<TeamId> = self.store.teams().into_iter().collect();
        teams.push(TeamId::PROGRAMME);
        let logs = self.store.logs_in_order(&teams);
        let mut peer = Peer::default();
        loop {
            let runs = self.store.page_of(&logs, &peer, Some(&self.key))?;
            if runs.is_empty() {
                break;
            }
            for run in &runs {
                let key = self.store.chains().log(&run.log).map(|info| info.key);
                if run.verify(key).is_err() && !verified.faults.contains(&VerifyFault::Chain) {
                    verified.faults.push(VerifyFault::Chain);
                }
                let entries = run.expand();
                verified.entries += entries.len() as u64;
                let last = entries.last().map(Entry::tip);
                peer.clock.entry(run.log).or_default().extend(last);
            }
            progress(verified.entries);
        }
        let held = logs.iter().filter_map(|log| self.store.chains().log(log));
        let held: u64 = held
            .flat_map(|info| &info.branches)
            .map(|branch| {
                let start = branch.parent.map_or(0, |parent| parent.position);
                branch.tip.position - start
            })
            .sum();
        verified.unsigned = held.saturating_sub(verified.entries);
        Ok(())
    }
}

/// A digest of all that is derived: rows, sums, balances, verdicts.
fn derived(store: &Store) -> Result<blake3::Hash, EngineError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&store.projection_digest()?);
    for entry in store.entries()? {
        let number = entry.verdict.map_or(0, crate::log::Verdict::number);
        hasher.update(&entry.id.0).update(&[number]);
    }
    Ok(hasher.finalize())
}

/// Recounts each record from its own replay, and compares with the sums that are kept.
fn verify_totals(
    store: &Store,
    verified: &mut Verified,
    progress: &mut impl FnMut(u64),
) -> Result<(), EngineError> {
    let mut counted = Vec::new();
    store.each_row(None, None, |row| {
        if row.state == State::Counted {
            counted.push(row.id);
        }
        Ok(())
    })?;
    let mut expected = Sums::new();
    for id in counted {
        let record = store.record(id)?.ok_or(EngineError::NoRecord)?;
        for (name, n) in measures(&record.answers()) {
            *expected.entry(name.into_owned()).or_default() += n;
        }
        verified.records += 1;
        progress(verified.entries + verified.records);
    }
    expected.retain(|_, n| *n != 0);
    let kept = store.totals(&Query::default(), UnixMillis(0))?.lines.into_values().next();
    let mut kept = kept.unwrap_or_default();
    kept.retain(|_, n| *n != 0);
    if kept != expected {
        verified.faults.push(VerifyFault::Totals);
    }
    Ok(())
}
