//! A damaged store: the same device goes on with a new one, from its outbox and the hub.

use super::outbox::{Identity, NONCE_BYTES, Outbox};
use super::{Engine, EngineError, Environment};
use crate::log::run::Run;
use crate::model::cbor;
use crate::store::{AFTER_A_SYNC, Setting};
use crate::store::{KeyProvider, Settling, Store, StoreError};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What became of a damaged store.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let id = phone.record(team, &reversal()?)?;
/// drop(phone);
/// let path = folder.path().join("phone.db");
/// std::fs::write(&path, [0; 8_192])?; // a card that died
/// let (phone, recovered) = Engine::recover(&path, &key, Environment::system())?;
/// assert!(recovered.salvaged > 0);
/// # Ok::<(), Failed>(())
/// ```
#[derive(Debug)]
pub struct Recovered {
    /// Where the damaged files are now.
    pub aside: Option<PathBuf>,
    /// Entries of our own that were in the outbox and are in the new store, or wait there for the hub
    /// to bring what they follow.
    pub salvaged: u64,
}

impl Engine {
    fn nonce(&mut self) -> [u8; NONCE_BYTES] {
        let mut nonce = [0; NONCE_BYTES];
        (self.environment.random)(&mut nonce);
        nonce
    }

    fn write_frame(&mut self, body: &[u8]) {
        let nonce = self.nonce();
        self.outbox.write(body, nonce);
    }

    /// Who this device is, as a frame of the outbox.
    fn identity(&self) -> Option<Zeroizing<Vec<u8>>> {
        let seed = Zeroizing::new(self.store.setting(&Setting::Seed).ok()??);
        let hub = self.store.setting(&Setting::Hub).ok()?.unwrap_or_default();
        let hub = String::from_utf8(hub).unwrap_or_default();
        let captures_only = self.is_capture_only().ok()?;
        let mut body = Zeroizing::new(vec![1]);
        body.extend(cbor::encode(|encoder| {
            encoder.array(5)?.bytes(&seed)?.bytes(&self.store.root().0)?;
            encoder.array(self.members.len() as u64)?;
            for (team, certificate) in &self.members {
                encoder.array(2)?.bytes(&team.0)?.bytes(&certificate.0)?;
            }
            encoder.str(&hub)?.bool(captures_only)?;
            Ok(())
        }));
        Some(body)
    }

    /// Notes who this device is, where it became a member, left, or was told of its hub.
    pub(super) fn note_identity(&mut self) {
        if let Some(identity) = self.identity() {
            self.write_frame(&identity);
        }
    }

    /// Appends a run of our own, before its COMMIT; returns where it stands.
    pub(super) fn note_outgoing(&mut self, run: &Run) -> Option<u64> {
        if self.outbox.is_empty() {
            self.note_identity();
        }
        let at = self.outbox.length();
        let mut body = vec![2];
        body.extend(run.encode());
        self.write_frame(&body);
        at
    }

    /// Takes back what was appended there: its COMMIT failed, and its worker was told.
    pub(super) fn take_back(&mut self, at: Option<u64>) {
        if let Some(at) = at {
            self.outbox.cut(at);
        }
    }

    /// How many entries of our own wait that follow what nobody brought yet.
    pub(super) fn salvaged(&self) -> Result<u64, EngineError> {
        let runs = self.salvage()?;
        Ok(runs.iter().map(|run| run.entries.len() as u64).sum())
    }

    pub(super) fn salvage(&self) -> Result<Vec<Run>, EngineError> {
        let salvage = self.store.setting(&Setting::Salvage)?.unwrap_or_default();
        let mut decoder = minicbor::Decoder::new(&salvage);
        let mut runs = Vec::new();
        while let Ok(run) = decoder.bytes() {
            runs.extend(Run::decode(run).ok());
        }
        Ok(runs)
    }

    pub(super) fn keep_salvage(&mut self, runs: &[Run]) -> Result<(), EngineError> {
        if runs.is_empty() {
            return if self.store.setting(&Setting::Salvage)?.is_some() {
                Ok(self.store.unset(&[Setting::Salvage])?)
            } else {
                Ok(())
            };
        }
        Ok(self.store.set(&[(Setting::Salvage, encoded(runs))])?)
    }

    pub(super) fn begin_outbox_anew(&mut self) {
        if let Some(identity) = self.identity() {
            let nonce = self.nonce();
            self.outbox.begin_anew(&identity, nonce);
        }
    }

    /// Takes in the runs of our own that the store lacks; returns those that cannot be taken, kept in
    /// the store.
    pub(super) fn take_own(&mut self) -> Result<Vec<Run>, EngineError> {
        let mut runs = self.salvage()?;
        runs.extend(self.outbox.kept(Some(&self.key)).runs);
        runs.sort_by_key(|run| (run.log, run.first));
        let mut lacking = Vec::new();
        for run in runs {
            let last = run.expand().last().map(|last| last.id);
            let is_held = match last {
                Some(last) => self.store.holds_entry(&last)?,
                None => true,
            };
            if !is_held && !lacking.contains(&run) {
                lacking.push(run);
            }
        }
        if lacking.is_empty() {
            return Ok(lacking);
        }
        let received = self.store.receive(&lacking.iter().collect::<Vec<_>>(), &[])?;
        let refused: Vec<u64> = received.turned_away.iter().map(|(at, _)| *at).collect();
        let numbered = (0..).zip(lacking);
        let left: Vec<Run> =
            numbered.filter(|(at, _)| refused.contains(at)).map(|(_, run)| run).collect();
        self.keep_salvage(&left)?;
        Ok(left)
    }

    /// Whether the outbox knows of teams or entries that the store lacks: a store whose log was lost is
    /// whole, and an older state of itself.
    fn is_behind(&self, identity: Option<&Identity>, runs: &[Run]) -> Result<bool, EngineError> {
        let mut members = identity.into_iter().flat_map(|identity| &identity.members);
        if members.any(|(team, _)| !self.members.contains_key(team)) {
            return Ok(true);
        }
        let salvage = self.salvage()?;
        for run in runs.iter().filter(|run| !salvage.contains(run)) {
            if let Some(last) = run.expand().last()
                && !self.store.holds_entry(&last.id)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Moves a damaged store aside, nothing deleted, and makes a new one for the same device, with what
    /// the outbox holds of its own; the next sync brings the rest from the hub. New records go into new
    /// logs, so that nothing on the hub is shadowed.
    ///
    /// # Errors
    /// [`EngineError::NotDamaged`] where the store is whole and lacks nothing that the outbox knows of.
    /// [`EngineError::NoOutbox`] where nothing tells who the device is: then it must be invited anew,
    /// with a new store. The damaged files are moved aside all the same.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// drop(phone);
    /// let path = folder.path().join("phone.db");
    /// let recovered = Engine::recover(&path, &key, Environment::system());
    /// assert!(matches!(recovered, Err(EngineError::NotDamaged)));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn recover(
        path: &Path,
        key: &dyn KeyProvider,
        environment: Environment,
    ) -> Result<(Engine, Recovered), EngineError> {
        let outbox = Outbox::open(path, &key.store_key()?);
        let kept = outbox.kept(None);
        let checked = Store::check(path, key);
        if matches!(checked, Err(StoreError::WrongKey)) && outbox.is_of_another_key() {
            // Neither file opens with this key: it is another store's, and these are sound as far as anybody knows.
            return Err(StoreError::WrongKey.into());
        }
        if checked.is_ok() {
            match Engine::open_to_read(path, key, Environment::system()) {
                Ok(engine) if !engine.is_behind(kept.identity.as_ref(), &kept.runs)? => {
                    return Err(EngineError::NotDamaged);
                }
                // Whole, and of another version, or in use.
                Err(EngineError::Store(
                    error @ (StoreError::OlderSchema
                    | StoreError::NewerSchema { .. }
                    | StoreError::Busy),
                )) => return Err(error.into()),
                Ok(_) | Err(_) => {}
            }
        }
        let aside = Store::move_aside(path)?;
        let identity = kept.identity.ok_or(EngineError::NoOutbox)?;
        let scope = identity.members.iter().map(|(team, _)| *team).collect();
        let mut store = Store::open(path, key, Some(identity.root), Some(scope), Settling::Within)?;
        let mut values =
            vec![(Setting::Seed, identity.seed.to_vec()), (Setting::Salvage, encoded(&kept.runs))];
        values.extend(
            identity.members.iter().map(|(team, id)| (Setting::Member(*team), id.0.to_vec())),
        );
        values.extend(identity.hub.map(|hub| (Setting::Hub, hub.into_bytes())));
        values
            .extend(identity.captures_only.then(|| (Setting::CaptureOnly, AFTER_A_SYNC.to_vec())));
        store.set(&values)?;
        // What begins its log is there at once; what follows something, once the hub brought that.
        store.receive(&kept.runs.iter().collect::<Vec<_>>(), &[])?;
        drop(store);
        let engine = Engine::open(path, key, environment)?;
        let salvaged = kept.runs.iter().map(|run| run.entries.len() as u64).sum();
        Ok((engine, Recovered { aside, salvaged }))
    }
}

fn encoded(runs: &[Run]) -> Vec<u8> {
    let one = |run: &Run| {
        cbor::encode(|encoder| {
            encoder.bytes(&run.encode())?;
            Ok(())
        })
    };
    runs.iter().flat_map(one).collect()
}
