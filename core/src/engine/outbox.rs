//! `outbox.log` beside the store: what a device needs if its database is damaged before it synced.
//!
//! Best effort: each entry of our own is appended, encrypted, before its COMMIT, without a sync of its
//! own, and the file begins anew once the hub holds everything. `recover` reads it.

use crate::identity::SigningKey;
use crate::log::entry::sign;
use crate::log::run::Run;
use crate::model::cbor;
use crate::model::{DeviceKey, EntryId, RecordId, TeamId};
use crate::store::StoreKey;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

pub(super) const NONCE_BYTES: usize = 24;
/// Stands where a run's signature comes later.
pub(super) const UNSIGNED: [u8; 64] = [0; 64];
const FRAME_BYTES_MAX: usize = 1 << 20;

/// The file, opened when there is something to write; none where the store's folder is no folder of
/// this system.
pub(super) struct Outbox {
    path: PathBuf,
    file: Option<File>,
    /// How long the file is: nobody else writes it.
    bytes: u64,
    was_tried: bool,
    cipher: XChaCha20Poly1305,
}

/// Who a device is: enough to go on as the same device with a new store.
pub(super) struct Identity {
    pub(super) seed: Zeroizing<[u8; 32]>,
    pub(super) root: DeviceKey,
    pub(super) members: Vec<(TeamId, EntryId)>,
    pub(super) hub: Option<String>,
    pub(super) captures_only: bool,
}

enum Frame {
    Identity(Identity),
    Run(Run),
}

/// What an outbox holds.
#[derive(Default)]
pub(super) struct OutboxContents {
    /// Who the device is, as it was noted last.
    pub(super) identity: Option<Identity>,
    /// Its own runs.
    pub(super) runs: Vec<Run>,
}

impl Outbox {
    pub(super) fn open(store: &Path, key: &StoreKey) -> Self {
        let derived =
            Zeroizing::new(blake3::derive_key("kitbag outbox 1", key.to_bytes().as_ref()));
        Outbox {
            path: store.with_extension("outbox.log"),
            file: None,
            bytes: 0,
            was_tried: false,
            cipher: XChaCha20Poly1305::new((&*derived).into()),
        }
    }

    fn file(&mut self) -> Option<&mut File> {
        if !self.was_tried {
            self.was_tried = true;
            let (_, whole) = self.frames();
            // A frame that a kill or a full disk cut off would hide all that follows it.
            self.file = options().append(true).open(&self.path).ok().filter(|file| {
                file.metadata().is_ok_and(|file| file.len() == whole) || file.set_len(whole).is_ok()
            });
            self.bytes = whole;
        }
        self.file.as_mut()
    }

    fn sealed(&self, body: &[u8], nonce: [u8; NONCE_BYTES]) -> Option<Vec<u8>> {
        let sealed =
            self.cipher.encrypt(&XNonce::from(nonce), Payload { msg: body, aad: b"" }).ok()?;
        let mut frame = ((NONCE_BYTES + sealed.len()) as u32).to_be_bytes().to_vec();
        frame.extend(nonce);
        frame.extend(sealed);
        Some(frame)
    }

    pub(super) fn write(&mut self, body: &[u8], nonce: [u8; NONCE_BYTES]) {
        let Some(frame) = self.sealed(body, nonce) else { return };
        let Some(file) = self.file() else { return };
        let written = file.write_all(&frame);
        if written.is_ok() {
            self.bytes += frame.len() as u64;
        } else {
            self.cut(self.bytes);
            tracing::warn!("the outbox could not be written; what is saved is saved all the same");
        }
    }

    /// How long it is; `None` where there is none.
    pub(super) fn length(&mut self) -> Option<u64> {
        self.file()?;
        Some(self.bytes)
    }

    pub(super) fn is_empty(&mut self) -> bool {
        self.length().is_none_or(|length| length == 0)
    }

    /// Cuts off what stands from there on; that needs no room on a full disk.
    pub(super) fn cut(&mut self, at: u64) {
        if self.file().is_some_and(|file| file.set_len(at).is_ok()) {
            self.bytes = at;
        }
    }

    /// Puts a file with this one frame in the place of the old.
    pub(super) fn begin_anew(&mut self, body: &[u8], nonce: [u8; NONCE_BYTES]) {
        let Some(frame) = self.sealed(body, nonce) else { return };
        let beside = self.path.with_extension("log-new");
        let _ = std::fs::remove_file(&beside);
        let written = options().write(true).create_new(true).open(&beside).and_then(|mut file| {
            file.write_all(&frame)?;
            std::fs::rename(&beside, &self.path)
        });
        if written.is_ok() {
            self.was_tried = false;
        }
    }

    /// Writes the file anew without the payloads of erased records: `erases` says of which.
    pub(super) fn forget(
        &mut self,
        erases: &dyn Fn(RecordId) -> bool,
        nonce: &mut dyn FnMut() -> [u8; NONCE_BYTES],
    ) {
        let (bodies, _) = self.bodies();
        let mut anew = Vec::new();
        let mut is_changed = false;
        for body in bodies {
            let forgotten = match body.split_first() {
                Some((2, run)) => Run::decode(run).ok().and_then(|run| run.without(erases)),
                _ => None,
            };
            is_changed |= forgotten.is_some();
            let body = match forgotten {
                Some(run) => Zeroizing::new([&[2], run.encode().as_slice()].concat()),
                None => body,
            };
            anew.extend(self.sealed(&body, nonce()).unwrap_or_default());
        }
        if is_changed {
            self.replace(&anew);
        }
    }

    /// Puts a file of these bytes in the place of the old, and overwrites what the old held.
    fn replace(&mut self, bytes: &[u8]) {
        let beside = self.path.with_extension("log-new");
        let _ = std::fs::remove_file(&beside);
        let written = options().write(true).create_new(true).open(&beside).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()?;
            if let Ok(mut old) = File::options().write(true).open(&self.path) {
                let length = old.metadata()?.len() as usize;
                old.write_all(&vec![0; length])?;
                old.sync_all()?;
            }
            std::fs::rename(&beside, &self.path)
        });
        if written.is_ok() {
            self.was_tried = false;
        } else {
            tracing::warn!(
                "the outbox could not be written anew after an erasure; the next tries again"
            );
        }
    }

    /// What the outbox holds. Runs get their signatures now, by this key or by that of the identity noted: a
    /// save writes them without, which spares it a signature.
    pub(super) fn kept(&self, key: Option<&SigningKey>) -> OutboxContents {
        let (frames, _) = self.frames();
        let mut kept = OutboxContents::default();
        for frame in frames {
            match frame {
                Frame::Identity(identity) => kept.identity = Some(identity),
                Frame::Run(run) => kept.runs.push(run),
            }
        }
        let noted = kept.identity.as_ref().map(|identity| SigningKey::from_seed(&identity.seed));
        if let Some(key) = key.or(noted.as_ref()) {
            for run in kept.runs.iter_mut().filter(|run| run.signature == UNSIGNED) {
                if let Some(last) = run.expand().last() {
                    run.signature = sign(key, run.log, last.tip());
                }
            }
        }
        kept
    }

    /// Whether it holds something, and nothing that this key opens.
    pub(super) fn is_of_another_key(&self) -> bool {
        let (bodies, whole) = self.bodies();
        bodies.is_empty() && whole > 0
    }

    /// All frames that can be read, and how many bytes are whole frames: one that was damaged hides
    /// none behind it.
    fn frames(&self) -> (Vec<Frame>, u64) {
        let (bodies, whole) = self.bodies();
        (bodies.iter().filter_map(|body| read_frame(body)).collect(), whole)
    }

    fn bodies(&self) -> (Vec<Zeroizing<Vec<u8>>>, u64) {
        let bytes = std::fs::read(&self.path).unwrap_or_default();
        let mut rest = bytes.as_slice();
        let mut bodies = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            if length > FRAME_BYTES_MAX {
                break;
            }
            let Some((frame, after)) = after.split_at_checked(length) else { break };
            rest = after;
            let Some((nonce, sealed)) = frame.split_first_chunk::<NONCE_BYTES>() else { continue };
            let body =
                self.cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: b"" });
            bodies.extend(body.ok().map(Zeroizing::new));
        }
        (bodies, (bytes.len() - rest.len()) as u64)
    }
}

fn options() -> std::fs::OpenOptions {
    let mut options = File::options();
    options.create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn read_frame(body: &[u8]) -> Option<Frame> {
    match body.split_first()? {
        (1, identity) => {
            let mut decoder = minicbor::Decoder::new(identity);
            let parts =
                cbor::array_up_to(&mut decoder, 5, "parts").ok().filter(|parts| *parts >= 4)?;
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
            // What was written before a device could capture only ends here.
            let captures_only = parts == 5 && decoder.bool().ok()?;
            let members = members?;
            Some(Frame::Identity(Identity { seed, root, members, hub, captures_only }))
        }
        (2, run) => Run::decode(run).ok().map(Frame::Run),
        _ => None,
    }
}
