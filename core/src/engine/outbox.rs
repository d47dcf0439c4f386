//! `outbox.log` beside the store: what a device needs if its database is damaged before it synced.
//!
//! Best effort: each entry of our own is appended, encrypted, before its COMMIT, without a sync of its
//! own, and the file begins anew once the hub holds everything. It is read only to recover.

use super::{Engine, EngineError, Environment, programme::member_name};
use crate::identity::SigningKey;
use crate::log::run::{Body, Run};
use crate::model::cbor;
use crate::model::{DeviceKey, EntryId, LogId, TeamId};
use crate::store::{KeyProvider, LogUse, Settling, Store, StoreKey};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 24;
const FRAME_BYTES_MAX: usize = 1 << 20;
/// The name under which salvaged runs wait in a new store until the hub brought what they follow.
const SALVAGE: &str = "salvage";

/// The file, open for appending; none where the store's folder is no folder of this system.
pub(super) struct Outbox {
    /// Where it is, until it was opened.
    path: Option<PathBuf>,
    file: Option<File>,
    cipher: XChaCha20Poly1305,
}

/// Who a device is: enough to go on as the same device with a new store.
struct Identity {
    seed: Zeroizing<[u8; 32]>,
    root: DeviceKey,
    members: Vec<(TeamId, EntryId)>,
    hub: Option<String>,
}

enum Frame {
    Identity(Identity),
    Run(Run),
    /// An entry whose COMMIT failed: its worker was told that it is not saved.
    Abandoned(EntryId),
}

/// What became of a damaged store.
#[derive(Debug)]
pub struct Recovered {
    /// Where the damaged files are now.
    pub aside: Option<PathBuf>,
    /// Entries of our own that were in the outbox and are in the new store, or wait there for the hub
    /// to bring what they follow.
    pub salvaged: u64,
}

impl Outbox {
    pub(super) fn open(store: &Path, key: &StoreKey) -> Self {
        Outbox { path: Some(path_of(store)), file: None, cipher: cipher(key) }
    }

    /// Opens the file when there is something to write.
    fn file(&mut self) -> Option<&mut File> {
        if let Some(path) = self.path.take() {
            let mut options = File::options();
            options.append(true).create(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            // A frame that a kill or a full disk cut off would hide all that follows it.
            let (_, whole) = read(&path, &self.cipher);
            self.file = options.open(&path).ok().filter(|file| {
                file.metadata().is_ok_and(|file| file.len() == whole) || file.set_len(whole).is_ok()
            });
        }
        self.file.as_mut()
    }

    fn write(&mut self, body: &[u8], nonce: [u8; NONCE_BYTES]) {
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), Payload { msg: body, aad: b"" });
        let Ok(sealed) = sealed else { return };
        let mut frame = ((NONCE_BYTES + sealed.len()) as u32).to_be_bytes().to_vec();
        frame.extend(nonce);
        frame.extend(sealed);
        let Some(file) = self.file() else { return };
        let before = file.metadata().map(|file| file.len());
        if file.write_all(&frame).is_err() {
            let _ = before.and_then(|before| file.set_len(before));
            tracing::warn!("the outbox could not be written; what is saved is saved all the same");
        }
    }

    fn is_empty(&mut self) -> bool {
        self.file().and_then(|file| file.metadata().ok()).is_none_or(|file| file.len() == 0)
    }

    fn begin_anew(&mut self) {
        if let Some(file) = self.file() {
            let _ = file.set_len(0);
        }
    }
}

fn path_of(store: &Path) -> PathBuf {
    store.with_extension("outbox.log")
}

fn cipher(key: &StoreKey) -> XChaCha20Poly1305 {
    let derived = Zeroizing::new(blake3::derive_key("kitbag outbox 1", key.to_bytes().as_ref()));
    XChaCha20Poly1305::new((&*derived).into())
}

/// The frames of an outbox, up to the first that is cut off or was changed, and how many bytes they are.
fn read(path: &Path, cipher: &XChaCha20Poly1305) -> (Vec<Frame>, u64) {
    let bytes = std::fs::read(path).unwrap_or_default();
    let mut rest = bytes.as_slice();
    let mut frames = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        if length > FRAME_BYTES_MAX {
            break;
        }
        let Some((frame, after)) = after.split_at_checked(length) else { break };
        let Some((nonce, sealed)) = frame.split_first_chunk::<NONCE_BYTES>() else { break };
        let body = cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: b"" });
        let Ok(body) = body.map(Zeroizing::new) else { break };
        frames.extend(read_frame(&body));
        rest = after;
    }
    (frames, (bytes.len() - rest.len()) as u64)
}

/// The runs of our own that frames hold: without those that were abandoned, and of two at one place the
/// newer.
fn runs_of(frames: &[Frame]) -> Vec<Run> {
    let abandoned: BTreeSet<EntryId> = frames
        .iter()
        .filter_map(|frame| match frame {
            Frame::Abandoned(id) => Some(*id),
            _ => None,
        })
        .collect();
    let mut runs: BTreeMap<(LogId, u64), Run> = BTreeMap::new();
    for frame in frames {
        let Frame::Run(run) = frame else { continue };
        let last = run.expand().last().map(|last| last.id);
        if !last.is_some_and(|last| abandoned.contains(&last)) {
            // A log that begins with this run begins at its second entry, too.
            runs.insert((run.log, run.first + run.entries.len() as u64), run.clone());
        }
    }
    runs.into_values().collect()
}

fn read_frame(body: &[u8]) -> Option<Frame> {
    match body.split_first()? {
        (1, identity) => {
            let mut decoder = minicbor::Decoder::new(identity);
            cbor::array_of(&mut decoder, 4).ok()?;
            let seed = Zeroizing::new(cbor::fixed(&mut decoder).ok()?);
            let root = DeviceKey(cbor::fixed(&mut decoder).ok()?);
            let length = cbor::array_up_to(&mut decoder, 10_000, "teams").ok()?;
            let members: Option<Vec<(TeamId, EntryId)>> = (0..length)
                .map(|_| {
                    cbor::array_of(&mut decoder, 2).ok()?;
                    let team = TeamId(cbor::fixed(&mut decoder).ok()?);
                    Some((team, EntryId(cbor::fixed(&mut decoder).ok()?)))
                })
                .collect();
            let hub = decoder.str().ok()?.to_owned();
            let hub = Some(hub).filter(|hub| !hub.is_empty());
            Some(Frame::Identity(Identity { seed, root, members: members?, hub }))
        }
        (2, run) => Run::decode(run).ok().map(Frame::Run),
        (3, id) => Some(Frame::Abandoned(EntryId(id.try_into().ok()?))),
        _ => None,
    }
}

impl Engine {
    fn write_frame(&mut self, body: &[u8]) {
        let mut nonce = [0; NONCE_BYTES];
        (self.environment.random)(&mut nonce);
        self.outbox.write(body, nonce);
    }

    /// Notes who this device is, where the outbox begins or it became a member.
    pub(super) fn note_identity(&mut self) {
        let Ok(Some(seed)) = self.store.meta("seed") else { return };
        let seed = Zeroizing::new(seed);
        let hub = self.store.meta("hub").ok().flatten().unwrap_or_default();
        let hub = String::from_utf8(hub).unwrap_or_default();
        let mut body = Zeroizing::new(vec![1]);
        body.extend(cbor::encode(|encoder| {
            encoder.array(4)?.bytes(&seed)?.bytes(&self.store.root().0)?;
            encoder.array(self.members.len() as u64)?;
            for (team, certificate) in &self.members {
                encoder.array(2)?.bytes(&team.0)?.bytes(&certificate.0)?;
            }
            encoder.str(&hub)?;
            Ok(())
        }));
        self.write_frame(&body);
    }

    /// Appends a run of our own, before its COMMIT.
    pub(super) fn note_outgoing(&mut self, run: &Run) {
        if self.outbox.is_empty() {
            self.note_identity();
        }
        let mut body = vec![2];
        body.extend(run.encode());
        self.write_frame(&body);
    }

    /// Notes that the COMMIT of an entry failed.
    pub(super) fn note_abandoned(&mut self, id: EntryId) {
        let mut body = vec![3];
        body.extend(id.0);
        self.write_frame(&body);
    }

    /// How many entries wait that were salvaged and could not be taken in yet.
    pub(super) fn salvaged(&self) -> Result<u64, EngineError> {
        let runs = self.salvage()?;
        Ok(runs.iter().map(|run| run.entries.len() as u64).sum())
    }

    fn salvage(&self) -> Result<Vec<Run>, EngineError> {
        let salvage = self.store.meta(SALVAGE)?.unwrap_or_default();
        let mut decoder = minicbor::Decoder::new(&salvage);
        let mut runs = Vec::new();
        while let Ok(run) = decoder.bytes() {
            runs.extend(Run::decode(run).ok());
        }
        Ok(runs)
    }

    /// Takes in what was salvaged, once the hub brought what it follows. What follows an entry that
    /// nobody has any more is written anew, into a log of today.
    fn take_salvage(&mut self) -> Result<(), EngineError> {
        let runs = self.salvage()?;
        if runs.is_empty() {
            return Ok(());
        }
        let received = self.store.receive(&runs.iter().collect::<Vec<_>>(), &[])?;
        let turned_away: BTreeSet<usize> =
            received.turned_away.into_iter().map(|(at, _)| at).collect();
        for (at, run) in runs.iter().enumerate().filter(|(at, _)| turned_away.contains(at)) {
            let team = runs.iter().find(|other| other.log == run.log).map(|_| run.log);
            let team = team.and_then(|log| self.store.chains().log(&log)).map(|info| info.team);
            for entry in &run.entries {
                let Body::Payload(payload) = &entry.body else { continue };
                let is_record = entry.kind >= crate::log::entry::kind::RECORDS_FROM;
                // The log's team is not known where the log is gone; then it is the only one there is.
                let mut teams = self.members.keys().filter(|team| **team != TeamId::PROGRAMME);
                let team = team.or(teams.next().copied().filter(|_| teams.next().is_none()));
                if let (true, Some(team)) = (is_record, team) {
                    self.write(team, LogUse::Records, entry.kind, entry.record, payload.clone())?;
                } else {
                    tracing::warn!("an entry of the outbox could not be written anew");
                }
            }
            let _ = at;
        }
        Ok(self.store.forget_meta(SALVAGE)?)
    }

    /// Once the hub holds everything: takes what was salvaged, and begins the outbox anew.
    pub(super) fn settle_outbox(&mut self) -> Result<(), EngineError> {
        self.take_salvage()?;
        let teams: Vec<TeamId> = self.members.keys().copied().chain([TeamId::PROGRAMME]).collect();
        if self.store.entries_beyond_hub(&teams)? == 0 {
            self.outbox.begin_anew();
            self.note_identity();
        }
        Ok(())
    }

    /// Whether the outbox knows of teams or entries that the store lacks: a store whose log was lost is
    /// whole, and an older state of itself.
    fn is_behind(&self, identity: Option<&Identity>, runs: &[Run]) -> Result<bool, EngineError> {
        let members = identity.into_iter().flat_map(|identity| &identity.members);
        let lacks_team = |(team, _): &(TeamId, EntryId)| !self.members.contains_key(team);
        if members.clone().any(lacks_team) {
            return Ok(true);
        }
        for run in runs {
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
    /// [`EngineError::NoOutbox`] where it does not tell who the device is: then it must be invited
    /// anew, with a new store. The damaged files are moved aside all the same.
    pub fn recover(
        path: &Path,
        key: &dyn KeyProvider,
        environment: Environment,
    ) -> Result<(Engine, Recovered), EngineError> {
        let store_key = key.store_key()?;
        let (frames, _) = read(&path_of(path), &cipher(&store_key));
        let runs = runs_of(&frames);
        let mut identities = frames.into_iter().filter_map(|frame| match frame {
            Frame::Identity(found) => Some(found),
            _ => None,
        });
        let identity = identities.next_back();
        if Store::check(path, key).is_ok()
            && let Ok(engine) = Engine::open_to_read(path, key, Environment::system())
            && !engine.is_behind(identity.as_ref(), &runs)?
        {
            return Err(EngineError::NotDamaged);
        }
        let aside = Store::move_aside(path)?;
        let identity = identity.ok_or(EngineError::NoOutbox)?;
        let scope = identity.members.iter().map(|(team, _)| *team).collect();
        let mut store = Store::open(path, key, Some(identity.root), Some(scope), Settling::Within)?;
        let mut salvage = cbor::encode(|_| Ok(()));
        for run in &runs {
            salvage.extend(cbor::encode(|encoder| {
                encoder.bytes(&run.encode())?;
                Ok(())
            }));
        }
        let mut values =
            vec![("seed".to_owned(), identity.seed.to_vec()), (SALVAGE.to_owned(), salvage)];
        values
            .extend(identity.members.iter().map(|(team, id)| (member_name(*team), id.0.to_vec())));
        values.extend(identity.hub.map(|hub| ("hub".to_owned(), hub.into_bytes())));
        store.set_meta(&values)?;
        // What begins its log is there at once; what follows something, once the hub brought that.
        store.receive(&runs.iter().collect::<Vec<_>>(), &[])?;
        drop(store);
        let key_of_device = SigningKey::from_seed(&identity.seed).device_key();
        let engine = Engine::open(path, key, environment)?;
        debug_assert_eq!(engine.device_key(), key_of_device);
        let salvaged = runs.iter().map(|run| run.entries.len() as u64).sum();
        Ok((engine, Recovered { aside, salvaged }))
    }
}
