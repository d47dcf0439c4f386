//! Bundles: what a colleague's phone or a memory card carries, encrypted for a team.

use crate::Error;
use crate::client::Client;
use crate::workers::Turn;
use kitbag_core::engine::{BundleError, BundleOf, BundleTaken, EngineError};
use kitbag_core::model::TeamId;
use std::io::{Read, Write};

/// The longest bundle that is read: some three million records.
const BUNDLE_BYTES_MAX: u64 = 256 << 20;

/// Bundles.
pub struct Bundles<'client>(pub(crate) &'client Client);

impl Client {
    /// Bundles, carried by hand.
    pub fn bundles(&self) -> Bundles<'_> {
        Bundles(self)
    }
}

/// What a bundle that was written holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BundleWritten {
    /// How many entries.
    pub entries: u64,
    /// Under which key of the team it is sealed, from 1: a device that was revoked since that key was made may still
    /// have it.
    pub team_key: Option<u64>,
}

impl Bundles<'_> {
    /// Writes a bundle for a team's members; `progress` gets the number of entries as it grows.
    pub async fn export(
        &self,
        team: TeamId,
        of: BundleOf,
        mut out: impl Write + Send + 'static,
        progress: impl FnMut(u64) + Send + 'static,
    ) -> Result<BundleWritten, Error> {
        let made = self.0.write(Turn::Later, move |engine| {
            let mut bundle = Vec::new();
            let entries = settled(engine.export_bundle(team, of, &mut bundle, progress))?;
            let team_key = engine.team_key_number(team)?;
            Ok(entries.map(|entries| (bundle, BundleWritten { entries, team_key })))
        });
        let (bundle, written) = made.await??;
        // A card may be slow, and saves do not wait for it.
        let saved = move || out.write_all(&bundle).and_then(|()| out.flush());
        on_a_thread(saved).await.map(|()| written)
    }

    /// Takes a bundle in; `progress` gets the number of entries read. What was taken before an error stays.
    pub async fn import(
        &self,
        mut from: impl Read + Send + 'static,
        progress: impl FnMut(u64) + Send + 'static,
    ) -> Result<BundleTaken, Error> {
        let read = move || {
            let mut bundle = Vec::new();
            from.by_ref().take(BUNDLE_BYTES_MAX + 1).read_to_end(&mut bundle).map(|_| bundle)
        };
        let bundle = on_a_thread(read).await?;
        if bundle.len() as u64 > BUNDLE_BYTES_MAX {
            return Err(Error::NotUsable("not_a_bundle"));
        }
        let taken = self.0.write(Turn::Later, move |engine| {
            settled(engine.import_bundle(&mut bundle.as_slice(), progress))
        });
        taken.await?
    }
}

/// Reads or writes a file where it may wait.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err(Error::NotUsable("file")),
        Err(_) => Err(Error::NotOpen("panicked")),
    }
}

/// The store's own errors as the worker takes them; what is wrong with the file beside them.
fn settled<T>(done: Result<T, BundleError>) -> Result<Result<T, Error>, EngineError> {
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(BundleError::Engine(error)) => Err(error),
        Err(BundleError::NotABundle) => Ok(Err(Error::NotUsable("not_a_bundle"))),
        Err(BundleError::NotForUs) => Ok(Err(Error::NotUsable("bundle_not_for_us"))),
        Err(BundleError::Damaged { .. }) => Ok(Err(Error::NotUsable("bundle_cut_off"))),
        Err(BundleError::Io(_)) => Ok(Err(Error::NotUsable("file"))),
    }
}
