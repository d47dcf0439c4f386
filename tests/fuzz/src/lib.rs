//! Every parser of bytes from others. Each target takes any bytes, and must neither panic nor take
//! without bounds; where bytes are taken, writing them again must give the same.

use kitbag_core::engine::{BundleOf, Engine, Environment, Invitation};
use kitbag_core::identity::{Certificate, HubAddress};
use kitbag_core::log::payload::{Administration, RecordPayload};
use kitbag_core::log::run::Run;
use kitbag_core::model::{TeamId, UnixMillis};
use kitbag_core::store::StoreKey;
use kitbag_core::sync::Message;
use kitbag_interchange::{Mapping, ODIN_MAPPING, Table};
use std::cell::RefCell;

/// One target: its name, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 8] = [
    ("entry", entry),
    ("run", run),
    ("page", page),
    ("bundle", bundle),
    ("invitation", invitation),
    ("certificate", certificate),
    ("mapping", mapping),
    ("workbook", workbook),
];

/// The payload of an entry; the first byte is its kind.
pub fn entry(bytes: &[u8]) {
    let Some((kind, payload)) = bytes.split_first() else { return };
    if let Ok(read) = RecordPayload::decode(payload) {
        assert_eq!(read.encode(), payload);
    }
    if let Ok(read) = Administration::decode(*kind, payload) {
        assert_eq!(read.encode(), payload);
    }
}

/// A run, whose signature and chain are then verified.
pub fn run(bytes: &[u8]) {
    if let Ok(read) = Run::decode(bytes) {
        assert_eq!(read.encode(), bytes);
        let _ = read.verify(None);
    }
}

/// A message of the exchange: as it travels, and the body inside, which compression hides from a
/// fuzzer.
pub fn page(bytes: &[u8]) {
    if let Ok(message) = Message::decode(bytes) {
        let _ = message.encode();
    }
    let _ = Message::from_body(bytes);
}

/// An invitation's text, and a hub's address in it.
pub fn invitation(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(read) = text.parse::<Invitation>() {
        assert!(read.to_string().parse() == Ok(read.clone()));
        let _ = read.read_request(bytes);
    }
    if let Ok(read) = text.parse::<HubAddress>() {
        assert_eq!(read.to_string().parse(), Ok(read));
    }
}

/// A certificate.
pub fn certificate(bytes: &[u8]) {
    if let Ok(read) = Certificate::decode(bytes) {
        assert_eq!(read.encode(), bytes);
    }
}

/// A CSV file under the mapping of the demonstration; or, where the bytes are TOML, a mapping.
pub fn mapping(bytes: &[u8]) {
    let Ok(odin) = Mapping::from_toml(ODIN_MAPPING) else { return };
    let _ = odin.read(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Mapping::from_toml(text);
    }
}

/// A file that people hand in: a workbook, or text in any encoding.
pub fn workbook(bytes: &[u8]) {
    let _ = Table::open(bytes, None, None);
}

thread_local! {
    static MEMBER: RefCell<Option<(tempfile::TempDir, Engine)>> = RefCell::new(member());
}

/// A device of a team that is always the same, so that bundles for it can be kept.
fn member() -> Option<(tempfile::TempDir, Engine)> {
    let folder = tempfile::tempdir().ok()?;
    let key = StoreKey::new([9; 32]);
    let environment = |seed: u8| {
        let mut next = seed;
        Environment {
            now: Box::new(|| UnixMillis(1_790_000_000_000)),
            random: Box::new(move |buffer| {
                for byte in buffer {
                    next = next.wrapping_mul(5).wrapping_add(31);
                    *byte = next;
                }
            }),
            ..Environment::system()
        }
    };
    let mut root = Engine::found(&folder.path().join("root"), &key, environment(1)).ok()?;
    let path = folder.path().join("member");
    let mut member = Engine::device(&path, &key, root.root(), environment(2)).ok()?;
    let role = kitbag_core::identity::Role::Coordinator;
    let enrolment = root.certify(member.device_key(), role, TeamId([5; 16])).ok()?;
    member.join(&enrolment).ok()?;
    member.tend_team_keys().ok()?;
    Some((folder, member))
}

/// A bundle for a device of the team.
pub fn bundle(bytes: &[u8]) {
    MEMBER.with_borrow_mut(|member| {
        let Some((_, engine)) = member else { return };
        let _ = engine.import_bundle(&mut &*bytes, |_| {});
    });
}

/// A bundle that the device of [`bundle`] can open, to begin a corpus with.
pub fn good_bundle() -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some((_, mut engine)) = member() {
        let _ = engine.export_bundle(TeamId([5; 16]), BundleOf::Everything, &mut bytes, |_| {});
    }
    bytes
}

/// An invitation's text, to begin a corpus with.
pub fn good_invitation() -> Vec<u8> {
    let hub = HubAddress::insecure(([127, 0, 0, 1], 9).into());
    let role = kitbag_core::identity::Role::Worker;
    let made = member().and_then(|(_, mut engine)| engine.invite(&hub, TeamId([5; 16]), role).ok());
    made.map(|invitation| invitation.to_string().into_bytes()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn no_file_of_the_corpora_breaks_its_target() {
        let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
        for (name, target) in TARGETS {
            let files = std::fs::read_dir(corpora.join(name)).expect("each target has a corpus");
            let mut count = 0;
            for file in files.map(|file| file.expect("a file").path()) {
                let bytes = std::fs::read(&file).expect("it can be read");
                target(&bytes);
                for at in 0..bytes.len().min(2_000) {
                    target(&bytes[..at]);
                    if name != "bundle" {
                        let mut flipped = bytes.clone();
                        flipped[at] ^= 0x11;
                        target(&flipped);
                    }
                }
                count += 1;
            }
            assert!(count > 0, "{name} has an empty corpus");
        }
    }

    #[test]
    fn the_good_bundle_is_taken() {
        let bytes = good_bundle();
        MEMBER.with_borrow_mut(|member| {
            let (_, engine) = member.as_mut().expect("a member");
            let taken = engine.import_bundle(&mut bytes.as_slice(), |_| {}).expect("its own");
            assert!(taken.entries > 0);
        });
    }
}
