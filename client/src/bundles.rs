//! Bundles: what a colleague's phone or a memory card carries, encrypted for a team.

use crate::Error;
use crate::client::Client;
use crate::workers::Turn;
use kitbag_core::engine::{BundleError, BundleOf, BundleTaken, EngineError};
use kitbag_core::model::TeamId;
use std::io::{Read, Write};

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
        let written = self.0.write(Turn::Later, move |engine| {
            let written = engine.export_bundle(team, of, &mut out, progress);
            let flushed = written.and_then(|entries| Ok(out.flush().map(|()| entries)?));
            let written = settled(flushed)?;
            let team_key = engine.team_key_number(team)?;
            Ok(written.map(|entries| BundleWritten { entries, team_key }))
        });
        written.await?
    }

    /// Takes a bundle in; `progress` gets the number of entries read. What was taken before an error stays.
    pub async fn import(
        &self,
        mut from: impl Read + Send + 'static,
        progress: impl FnMut(u64) + Send + 'static,
    ) -> Result<BundleTaken, Error> {
        let taken = self
            .0
            .write(Turn::Later, move |engine| settled(engine.import_bundle(&mut from, progress)));
        taken.await?
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
