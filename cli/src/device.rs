//! Opening a device's store, and syncing it, for the commands that need one.

use crate::{Failure, failure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kitbag_client::BlockingHubClient;
use kitbag_core::engine::{Engine, EngineError, Environment, Recovered, Step, Syncing};
use kitbag_core::identity::HubAddress;
use kitbag_core::model::{DeviceKey, TeamId};
use kitbag_core::net::NetError;
use kitbag_core::store::{KeyFile, KeyProvider, PassphraseFile, StoreError, StoreKey};
use kitbag_core::sync::{Agreement, Progress, SyncFault};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Which store, and how its key is had.
#[derive(clap::Args, Clone)]
pub struct StoreArguments {
    /// The store's file; its key lies beside it, as NAME.key, or under a passphrase as NAME.sealed-key
    #[arg(long, value_name = "FILE", env = "KITBAG_STORE")]
    pub store: PathBuf,
    /// The file that holds the passphrase, where the key has one; asked for on a terminal otherwise
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// The key beside a store, in whichever of the two forms it has.
enum Key {
    Plain(KeyFile),
    Sealed(PassphraseFile),
}

impl KeyProvider for Key {
    fn store_key(&self) -> Result<StoreKey, StoreError> {
        match self {
            Key::Plain(file) => file.store_key(),
            Key::Sealed(file) => file.store_key(),
        }
    }
}

/// The system's clock and randomness; long work when a store is opened is shown on a terminal.
fn environment() -> Environment {
    let style =
        ProgressStyle::with_template("bringing the store up to date {wide_bar} {pos}/{len}");
    let bar = ProgressBar::hidden();
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let renewing = move |done, all| {
        if done == 1 {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_length(all);
        bar.set_position(done);
        if done == all {
            bar.finish_and_clear();
        }
    };
    let insecure_loopback =
        std::env::var_os("KITBAG_INSECURE_LOOPBACK").is_some_and(|set| set == "1");
    Environment { renewing: Box::new(renewing), insecure_loopback, ..Environment::system() }
}

impl StoreArguments {
    fn key(&self, sealed: bool) -> Result<Key, Failure> {
        if !sealed {
            return Ok(Key::Plain(KeyFile(self.store.with_extension("key"))));
        }
        let path = self.sealed_key();
        Ok(Key::Sealed(PassphraseFile { path, passphrase: self.passphrase()? }))
    }

    fn sealed_key(&self) -> PathBuf {
        self.store.with_extension("sealed-key")
    }

    fn passphrase(&self) -> Result<Zeroizing<String>, Failure> {
        let Some(path) = &self.passphrase_file else {
            if !std::io::stdin().is_terminal() {
                return Err(failure(
                    "the passphrase",
                    "cannot be asked for without a terminal; name a file with --passphrase-file",
                ));
            }
            let asked = rpassword::prompt_password("Passphrase: ").map(Zeroizing::new);
            return asked.map_err(|error| failure("the passphrase", error));
        };
        let text = std::fs::read_to_string(path).map(Zeroizing::new);
        let text = text.map_err(|error| crate::cannot_read(path, &error))?;
        Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
    }

    /// Opens a store that is there.
    pub fn open(&self) -> Result<Engine, Failure> {
        let place = || self.store.display();
        let sealed = self.sealed_key().exists();
        if !self.store.exists() || !(sealed || self.store.with_extension("key").exists()) {
            return Err(failure(place(), "is not there, or its key is not; name a store's file"));
        }
        Engine::open(&self.store, &self.key(sealed)?, environment())
            .map_err(|error| failure(place(), error))
    }

    /// Opens a store that is there to read it alone.
    pub fn open_to_read(&self) -> Result<Engine, Failure> {
        let sealed = self.sealed_key().exists();
        if !self.store.exists() || !(sealed || self.store.with_extension("key").exists()) {
            let reason = "is not there, or its key is not; name a store's file";
            return Err(failure(self.store.display(), reason));
        }
        Engine::open_to_read(&self.store, &self.key(sealed)?, environment())
            .map_err(|error| failure(self.store.display(), error))
    }

    /// Moves a damaged store aside and makes a new one for the same device.
    pub fn recover(&self) -> Result<(Engine, Recovered), Failure> {
        let sealed = self.sealed_key().exists();
        if !sealed && !self.store.with_extension("key").exists() {
            return Err(failure(self.store.display(), "has no key beside it: nothing can be read"));
        }
        Engine::recover(&self.store, &self.key(sealed)?, environment())
            .map_err(|error| failure(self.store.display(), error))
    }

    /// Makes the store of a programme's root, its key under a passphrase.
    pub fn found(&self) -> Result<Engine, Failure> {
        self.refuse_if_there()?;
        Engine::found(&self.store, &self.key(true)?, environment())
            .map_err(|error| failure(self.store.display(), error))
    }

    /// Opens a device's store, making it on first use.
    pub fn device(&self, root: DeviceKey) -> Result<Engine, Failure> {
        if self.store.exists() {
            return self.open();
        }
        let sealed = self.passphrase_file.is_some();
        Engine::device(&self.store, &self.key(sealed)?, root, environment())
            .map_err(|error| failure(self.store.display(), error))
    }

    fn refuse_if_there(&self) -> Result<(), Failure> {
        match self.store.exists() {
            true => Err(failure(self.store.display(), "is there already; name a new file")),
            false => Ok(()),
        }
    }

    pub fn path(&self) -> &Path {
        &self.store
    }
}

/// Why a sync failed.
#[derive(Debug, thiserror::Error)]
pub enum SyncFailure {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Net(#[from] NetError),
}

/// The hub that this device knows.
pub fn hub_of(engine: &Engine) -> Result<HubAddress, Failure> {
    let unknown =
        || failure("the hub", "is not known here; `kitbag programme hub` notes its address");
    engine.hub()?.ok_or_else(unknown)
}

/// Syncs a device with its hub, and notes how it ended. A coordinator hands the team's key to those who
/// lack it, and sends that, too. Returns the sync, with how it did.
pub fn sync(
    engine: &mut Engine,
    upload_budget: Option<u64>,
    mut progress: impl FnMut(Progress),
) -> Result<(Syncing, Agreement), Failure> {
    let hub = hub_of(engine)?;
    let client = BlockingHubClient::to(engine, &hub)?;
    let mut sync = engine.begin_sync(upload_budget)?;
    match carry(engine, &client, &mut sync, &mut progress) {
        Ok(agreement) => Ok((sync, agreement)),
        Err(failed) => {
            let fault = match &failed {
                SyncFailure::Engine(error) => error.as_sync_fault(),
                SyncFailure::Net(error) => error.as_sync_fault(),
            };
            engine.fail_sync(&sync, fault)?;
            Err(Failure { is_stuck: fault == SyncFault::Stuck, ..failed.into() })
        }
    }
}

fn carry(
    engine: &mut Engine,
    client: &BlockingHubClient,
    sync: &mut Syncing,
    progress: &mut impl FnMut(Progress),
) -> Result<Agreement, SyncFailure> {
    loop {
        match engine.next_step(sync)? {
            Step::Send(request) => {
                progress(sync.progress());
                let answer = client.sync(request)?;
                engine.take_answer(sync, &answer, client.shown_key())?;
            }
            Step::Done(agreement) => return Ok(agreement),
        }
    }
}

/// The team named, or the only one that there is.
pub fn team_of(engine: &Engine, named: Option<TeamId>) -> Result<TeamId, Failure> {
    if let Some(team) = named {
        return Ok(team);
    }
    let mut teams = engine.teams().into_iter().filter(|team| *team != TeamId::PROGRAMME);
    match (teams.next(), teams.next()) {
        (Some(team), None) => Ok(team),
        (None, _) => Err(failure("the team", "is not there: this device has joined none")),
        (Some(_), Some(_)) => Err(failure("--team", "is needed: this device is in several teams")),
    }
}
