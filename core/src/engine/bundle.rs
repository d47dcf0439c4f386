//! Bundles: what a device holds, in one file for its team, carried by hand or by a messenger.
//!
//! A random key is sealed to the team's (HPKE); under it chunks of XChaCha20-Poly1305, each one page of
//! the exchange, the last marked as such. Without the team's key not even counts can be read. Entries
//! are signed by their authors, so that a courier can add nothing and change nothing; taken in twice
//! they are the same as once.

use super::{Engine, EngineError};
use crate::identity::sealing::seal_to;
use crate::log::run::{PAGE_BYTES_MAX, TurnedAway, preamble, strip_preamble};
use crate::model::cbor;
use crate::model::{DeviceKey, LogId, TeamId};
use crate::store::Peer;
use crate::sync::{Message, SyncError, take};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

const PURPOSE: &str = "kitbag bundle 1";
const HEADER_BYTES_MAX: u64 = 1_024;
/// A page and its signatures, packed, with the tag.
const CHUNK_BYTES_MAX: u32 = 2 << 20;
/// How many new logs and branches of one device one import takes in, as a hub's budget has it: more come
/// when it is imported once more.
const BRANCHES_MAX: u32 = 100;
/// A page and its signatures, inflated.
const PAGE_INFLATED_MAX: usize = 2 * PAGE_BYTES_MAX;

/// What goes into a bundle.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let mut file = Vec::new();
/// phone.record(team, &reversal()?)?;
/// assert!(coordinator.export_bundle(team, BundleOf::Everything, &mut file, |_| ())? > 0);
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleOf {
    /// The logs of which something waits for the hub, whole, with what proves their certificates.
    Waiting,
    /// All that this device holds of the team.
    Everything,
}

/// What a bundle brought.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let mut file = Vec::new();
/// sync_with(&mut coordinator, &mut hub)?;
/// coordinator.export_bundle(team, BundleOf::Everything, &mut file, |_| ())?;
/// let taken = phone.import_bundle(&mut file.as_slice(), |_| ())?;
/// assert_eq!(taken.turned_away, 0);
/// let again = phone.import_bundle(&mut file.as_slice(), |_| ())?;
/// assert_eq!(again.new_entries, 0);
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BundleTaken {
    /// Entries in it.
    pub entries: u64,
    /// Those that were not held before.
    pub new_entries: u64,
    /// Runs that were turned away, and why the last was.
    pub turned_away: u64,
    /// The reason of the last, in words.
    pub reason: Option<String>,
    /// The number of the team's key that it is sealed to ([`Engine::team_key_number`]).
    pub team_key_number: u64,
}

/// Why a bundle cannot be written or read.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let read = phone.import_bundle(&mut b"a photograph".as_slice(), |_| ());
/// assert!(matches!(read, Err(BundleError::NotABundle)));
/// # Ok::<(), Failed>(())
/// ```
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is not a bundle, or of a version that this one does not read.
    #[error("this is not a bundle that this version of Kitbag reads; ask for it again, or update")]
    NotABundle,
    /// This device has no key for it.
    #[error(
        "this bundle is for a team whose key this device does not have: only a member can open it. \
         Hand it on to one as it is"
    )]
    NotForUs,
    /// It ends before its end, or was changed; what came before is good, and was taken.
    #[error(
        "the bundle is damaged or cut off after {} entries; those were taken in. Get it once more, and \
         import it again: what is there already changes nothing", .taken.entries
    )]
    Damaged {
        /// What was taken in before.
        taken: BundleTaken,
    },
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The file failed.
    #[error("the bundle's file cannot be read or written: {0}; check the card and its free space")]
    Io(#[from] io::Error),
}

/// One bundle's cipher: a nonce of the file's own 16 bytes, the chunk's number, and whether it is last.
struct Chunks {
    cipher: XChaCha20Poly1305,
    nonce: [u8; 16],
    beside: [u8; 32],
    number: u32,
}

impl Chunks {
    fn next(&mut self, is_last: bool) -> (XNonce, [u8; 32]) {
        let mut nonce = [0; 24];
        nonce[..16].copy_from_slice(&self.nonce);
        nonce[16..20].copy_from_slice(&self.number.to_be_bytes());
        nonce[23] = u8::from(is_last);
        self.number += 1;
        (XNonce::from(nonce), self.beside)
    }
}

/// Whether a file that begins with these six bytes may be a bundle.
///
/// ```
/// use kitbag_core::engine::is_bundle;
/// assert!(!is_bundle(b"SQLite format 3"));
/// ```
pub fn is_bundle(begin: &[u8]) -> bool {
    let length = strip_preamble(begin).ok().and_then(|rest| rest.first_chunk::<4>());
    length.is_some_and(|length| u64::from(u32::from_be_bytes(*length)) <= HEADER_BYTES_MAX)
}

impl Engine {
    /// Writes a bundle for a team's members. Returns how many entries it holds; `progress` gets that
    /// number as it grows.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = coordinator.record(team, &reversal()?)?;
    /// let mut file = Vec::new();
    /// coordinator.export_bundle(team, BundleOf::Waiting, &mut file, |entries| println!("{entries}"))?;
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn export_bundle(
        &mut self,
        team: TeamId,
        of: BundleOf,
        out: &mut dyn Write,
        mut progress: impl FnMut(u64),
    ) -> Result<u64, BundleError> {
        if !self.members.contains_key(&team) {
            return Err(EngineError::NotAMember.into());
        }
        let public = self.team_key(team)?;
        let (key, seed) = (self.seed(), self.seed());
        let mut nonce = [0; 16];
        nonce.copy_from_slice(&self.seed()[..16]);
        let sealed =
            seal_to(&public, PURPOSE, &team.0, &*key, &seed).ok_or(EngineError::NoTeamKey)?;
        let header = cbor::encode(|encoder| {
            encoder.array(4)?.bytes(&team.0)?.bytes(&public)?.bytes(&sealed)?.bytes(&nonce)?;
            Ok(())
        });
        out.write_all(&preamble())?;
        out.write_all(&(header.len() as u32).to_be_bytes())?;
        out.write_all(&header)?;
        let mut chunks = Chunks {
            cipher: XChaCha20Poly1305::new((&*key).into()),
            nonce,
            beside: *blake3::hash(&header).as_bytes(),
            number: 0,
        };
        let teams = [TeamId::PROGRAMME, team];
        let logs = self.logs_for(&teams, of)?;
        let mut peer = Peer::default();
        let mut entries = 0;
        loop {
            let runs =
                self.store.page_of(&logs, &peer, Some(&self.key)).map_err(EngineError::from)?;
            if runs.is_empty() {
                break;
            }
            for run in &runs {
                let last = run.expand().last().map(crate::log::entry::Entry::tip);
                let tips = peer.clock.entry(run.log).or_default();
                tips.extend(last);
                tips.sort();
                entries += run.entries.len() as u64;
            }
            progress(entries);
            let page = Message {
                teams: teams.to_vec(),
                runs: runs.into_iter().map(Ok).collect(),
                ..Message::default()
            };
            write_chunk(out, &mut chunks, &page, false)?;
        }
        let signed = self.store.signed_tips_lacked(&teams, &peer.clock, Some(&self.key));
        loop {
            let brought = self.store.brought_lacked(&teams, &peer.clock);
            let brought = brought.map_err(EngineError::from)?;
            if brought.is_empty() {
                break;
            }
            for one in &brought {
                let alone = crate::log::entry::Tip::alone(one.expand().id);
                peer.clock.entry(one.open.log()).or_default().push(alone);
            }
            entries += brought.len() as u64;
            progress(entries);
            let page = Message { teams: teams.to_vec(), brought, ..Message::default() };
            write_chunk(out, &mut chunks, &page, false)?;
        }
        let signed = signed.map_err(EngineError::from)?;
        let last = Message { teams: teams.to_vec(), signed, ..Message::default() };
        write_chunk(out, &mut chunks, &last, true)?;
        out.flush()?;
        Ok(entries)
    }

    /// The logs that go into a bundle, in the order in which they travel.
    fn logs_for(&self, teams: &[TeamId], of: BundleOf) -> Result<Vec<LogId>, EngineError> {
        let waiting = self.store.logs_beyond_hub(teams)?;
        let logs = self.store.logs_in_order(teams);
        Ok(logs
            .into_iter()
            .filter(|log| {
                of == BundleOf::Everything
                    || waiting.contains(log)
                    || self.store.authority().is_coordinators(log)
                    || self.store.chains().log(log).is_some_and(|info| info.key == self.root())
            })
            .collect())
    }

    /// Takes a bundle in, page by page, durably. What was taken before an interruption stays.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = coordinator.record(team, &reversal()?)?;
    /// let mut file = Vec::new();
    /// coordinator.export_bundle(team, BundleOf::Everything, &mut file, |_| ())?;
    /// phone.import_bundle(&mut file.as_slice(), |_| ())?;
    /// assert_eq!(phone.get(id)?.author, coordinator.device_key());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn import_bundle(
        &mut self,
        input: &mut dyn Read,
        mut progress: impl FnMut(u64),
    ) -> Result<BundleTaken, BundleError> {
        let imported = self.import_pages(input, &mut progress);
        self.store.settle_postponed().map_err(EngineError::from)?;
        imported
    }

    fn import_pages(
        &mut self,
        input: &mut dyn Read,
        progress: &mut impl FnMut(u64),
    ) -> Result<BundleTaken, BundleError> {
        let (mut chunks, team_key_number) = self.open_bundle(input)?;
        let mut taken = BundleTaken { team_key_number, ..BundleTaken::default() };
        let mut begun: BTreeMap<DeviceKey, u32> = BTreeMap::new();
        let mut may_branch = |author: DeviceKey| {
            let of_author = begun.entry(author).or_default();
            *of_author += 1;
            *of_author <= BRANCHES_MAX
        };
        loop {
            let Some((page, is_last)) = read_chunk(input, &mut chunks)? else {
                return Err(BundleError::Damaged { taken });
            };
            let runs = page.runs.iter().flatten();
            taken.entries += runs.map(|run| run.entries.len() as u64).sum::<u64>();
            let (new_entries, turned_away) =
                take(&mut self.store, page, &mut may_branch).map_err(EngineError::from)?;
            taken.new_entries += new_entries;
            taken.turned_away += turned_away.len() as u64;
            let is_broken = turned_away.contains(&TurnedAway::Signature);
            let last = turned_away.last().map(ToString::to_string);
            taken.reason = last.or(taken.reason);
            progress(taken.entries);
            self.renew_memberships()?;
            self.forget_erased()?;
            if is_broken {
                // Whoever made it signs what does not hold: nothing behind it is looked at.
                return Err(BundleError::Damaged { taken });
            }
            if is_last {
                return Ok(taken);
            }
        }
    }

    fn open_bundle(&mut self, input: &mut dyn Read) -> Result<(Chunks, u64), BundleError> {
        let mut begin = [0; 6];
        input.read_exact(&mut begin).map_err(|_| BundleError::NotABundle)?;
        let length = strip_preamble(&begin).map_err(|_| BundleError::NotABundle)?;
        let length = u32::from_be_bytes(length.try_into().map_err(|_| BundleError::NotABundle)?);
        if u64::from(length) > HEADER_BYTES_MAX {
            return Err(BundleError::NotABundle);
        }
        let mut header = vec![0; length as usize];
        input.read_exact(&mut header).map_err(|_| BundleError::NotABundle)?;
        let (team, public, sealed, nonce) = read_header(&header).ok_or(BundleError::NotABundle)?;
        let secrets = self.secrets()?;
        let secret = secrets.get(&public).ok_or(BundleError::NotForUs)?;
        let key = secret.open(PURPOSE, &team, &sealed).ok_or(BundleError::NotABundle)?;
        let key: Zeroizing<[u8; 32]> =
            Zeroizing::new(key.as_slice().try_into().map_err(|_| BundleError::NotABundle)?);
        let cipher = XChaCha20Poly1305::new((&*key).into());
        let chunks = Chunks { cipher, nonce, beside: *blake3::hash(&header).as_bytes(), number: 0 };
        let keys = self.store.authority().team_keys(crate::model::TeamId(team));
        let named = keys.iter().find(|(_, of, _)| *of == public);
        Ok((chunks, named.map_or(0, |(generation, _, _)| *generation)))
    }
}

type Header = ([u8; 16], [u8; 32], Vec<u8>, [u8; 16]);

fn read_header(header: &[u8]) -> Option<Header> {
    let mut decoder = minicbor::Decoder::new(header);
    cbor::array_of(&mut decoder, 4).ok()?;
    let team = cbor::fixed(&mut decoder).ok()?;
    let public = cbor::fixed(&mut decoder).ok()?;
    let sealed = decoder.bytes().ok()?.to_vec();
    let nonce = cbor::fixed(&mut decoder).ok()?;
    cbor::end(&decoder).ok()?;
    Some((team, public, sealed, nonce))
}

fn write_chunk(
    out: &mut dyn Write,
    chunks: &mut Chunks,
    page: &Message,
    is_last: bool,
) -> Result<(), BundleError> {
    let (nonce, beside) = chunks.next(is_last);
    let packed = page.encode();
    let sealed = chunks.cipher.encrypt(&nonce, Payload { msg: &packed, aad: &beside });
    let sealed = sealed.map_err(|_| io::Error::other("the page could not be sealed"))?;
    let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
    let marked = length | if is_last { 1 << 31 } else { 0 };
    out.write_all(&marked.to_be_bytes())?;
    Ok(out.write_all(&sealed)?)
}

/// The next chunk's page, and whether it is the last; `None` where it is cut off or was changed.
fn read_chunk(
    input: &mut dyn Read,
    chunks: &mut Chunks,
) -> Result<Option<(Message, bool)>, BundleError> {
    let mut marked = [0; 4];
    if !read_whole(input, &mut marked)? {
        return Ok(None);
    }
    let marked = u32::from_be_bytes(marked);
    let (length, is_last) = (marked & !(1 << 31), marked >> 31 == 1);
    if length > CHUNK_BYTES_MAX {
        return Ok(None);
    }
    let mut sealed = vec![0; length as usize];
    if !read_whole(input, &mut sealed)? {
        return Ok(None);
    }
    let (nonce, beside) = chunks.next(is_last);
    let page = chunks.cipher.decrypt(&nonce, Payload { msg: &sealed, aad: &beside }).ok();
    let page = page.map(Zeroizing::new);
    let page = page.and_then(|page| Message::decode_up_to(&page, PAGE_INFLATED_MAX).ok());
    Ok(page.map(|(page, _)| (page, is_last)))
}

/// Whether the buffer was filled; false at an early end.
fn read_whole(input: &mut dyn Read, buffer: &mut [u8]) -> io::Result<bool> {
    match input.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

impl From<SyncError> for BundleError {
    fn from(error: SyncError) -> Self {
        BundleError::Engine(error.into())
    }
}
