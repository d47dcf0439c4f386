//! A device's store for the commands that need one, held through the client as every front end holds it.

use crate::shown::one_line;
use crate::{Failure, failure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kitbag_client::{Client, Error, Member, Opening, SyncOptions};
use kitbag_core::engine::Recovered;
use kitbag_core::model::{DeviceKey, TeamId};
use kitbag_core::store::{KeyFile, KeyProvider, PassphraseFile, StoreError, StoreKey};
use kitbag_core::sync::Agreement;
use std::collections::BTreeMap;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::runtime::Runtime;
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

fn insecure_loopback() -> bool {
    std::env::var_os("KITBAG_INSECURE_LOOPBACK").is_some_and(|set| set == "1")
}

/// Long work when a store is opened is shown on a terminal.
fn renewing() -> impl Fn(u64, u64) + Send + Sync {
    let style =
        ProgressStyle::with_template("bringing the store up to date {wide_bar} {pos}/{len}");
    let bar = ProgressBar::hidden();
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    move |done, all| {
        if done == 1 {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.set_length(all);
        bar.set_position(done);
        if done == all {
            bar.finish_and_clear();
        }
    }
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

    /// Holds a store that is there.
    pub fn hold(&self) -> Result<Opened, Failure> {
        Opened::open(&self.store, Client::open(self.opening_of(self.key_there()?)))
    }

    /// Holds a store that is there to read it alone.
    pub fn hold_to_read(&self) -> Result<Opened, Failure> {
        Opened::open(&self.store, Client::open_to_read(self.opening_of(self.key_there()?)))
    }

    /// How a store that may not be there yet is opened.
    pub fn opening(&self) -> Result<Opening, Failure> {
        if self.store.exists() {
            Ok(self.opening_of(self.key_there()?))
        } else {
            Ok(self.opening_of(self.key(self.passphrase_file.is_some())?))
        }
    }

    fn opening_of(&self, key: Key) -> Opening {
        Opening {
            insecure_loopback: insecure_loopback(),
            renewing: Some(Arc::new(renewing())),
            ..Opening::of(&self.store, key)
        }
    }

    /// The key beside a store that is there.
    fn key_there(&self) -> Result<Key, Failure> {
        let sealed = self.sealed_key().exists();
        if !self.store.exists() || !(sealed || self.store.with_extension("key").exists()) {
            let reason = "is not there, or its key is not; name a store's file";
            return Err(failure(self.store.display(), reason));
        }
        self.key(sealed)
    }

    /// Moves a damaged store aside and makes a new one for the same device.
    pub fn recover(&self) -> Result<Recovered, Failure> {
        let sealed = self.sealed_key().exists();
        if !sealed && !self.store.with_extension("key").exists() {
            return Err(failure(self.store.display(), "has no key beside it: nothing can be read"));
        }
        runtime()?.block_on(async {
            let (client, recovered) = Client::recover(self.opening_of(self.key(sealed)?))
                .await
                .map_err(|error| failure(self.store.display(), error.in_words(crate::words())))?;
            client.close().await;
            Ok(recovered)
        })
    }

    /// Makes the store of a programme's root, its key under a passphrase.
    pub fn found(&self) -> Result<Opened, Failure> {
        if self.store.exists() {
            return Err(failure(self.store.display(), "is there already; name a new file"));
        }
        Opened::open(&self.store, Client::found(self.opening_of(self.key(true)?)))
    }

    pub fn path(&self) -> &Path {
        &self.store
    }
}

/// A store that is held through the client, as every front end holds one. It is closed where this is dropped.
pub struct Opened {
    client: Client,
    runtime: Runtime,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.runtime.block_on(self.client.close());
    }
}

impl Opened {
    /// Opens a client, and keeps what it runs on.
    pub fn open(
        place: &Path,
        opened: impl Future<Output = Result<Client, Error>>,
    ) -> Result<Opened, Failure> {
        Opened::on(runtime()?, place, opened)
    }

    /// Opens a client on this runtime.
    pub fn on(
        runtime: Runtime,
        place: &Path,
        opened: impl Future<Output = Result<Client, Error>>,
    ) -> Result<Opened, Failure> {
        let opened = runtime.block_on(opened);
        let in_words = |error: Error| failure(place.display(), error.in_words(crate::words()));
        Ok(Opened { client: opened.map_err(in_words)?, runtime })
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Waits for what the client does, and tells its error as it is.
    pub fn tried<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.runtime.block_on(work)
    }

    /// Waits for what the client does.
    pub fn wait<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
        self.runtime.block_on(work).map_err(crate::failed)
    }

    /// Serves pages of this store until they are told to stop.
    pub fn serve(
        &self,
        pages: impl Future<Output = Result<(), kitbag_dashboard::local::NotServed>>,
    ) -> Result<(), Failure> {
        self.runtime.block_on(pages).map_err(|error| failure("the pages", error))
    }

    /// The team named, or the only one that this device is in.
    pub fn team(&self, named: Option<TeamId>) -> Result<TeamId, Failure> {
        match named {
            Some(team) => Ok(team),
            None => {
                let own = self.wait(self.client.team().own())?;
                only(own.into_iter().map(|(team, _)| team))
            }
        }
    }

    /// Syncs, and shows how far it is.
    pub fn sync(&self, upload_budget: Option<u64>) -> Result<Agreement, Failure> {
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(0).with_style(style).with_message("syncing");
        let ended = self.wait(async {
            let options = SyncOptions { upload_budget, ..SyncOptions::default() };
            let mut run = self.client.sync().start(options);
            while let Some(so_far) = run.next_progress().await {
                let done = so_far.sent + so_far.received;
                bar.set_length(done + so_far.to_send + so_far.to_receive);
                bar.set_position(done);
            }
            run.ended().await
        });
        bar.finish_and_clear();
        ended
    }
}

/// What a client runs on: its own threads read and write.
pub fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| failure("this program", error))
}

/// Somebody stops this program, or, where that is to stop it, its standard input has ended.
pub async fn told_to_stop(until_stdin_ends: bool) {
    if until_stdin_ends {
        let ended = tokio::task::spawn_blocking(|| {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
        });
        let _ = ended.await;
    } else if tokio::signal::ctrl_c().await.is_err() {
        // Nobody can say so: it ends with its process.
        std::future::pending::<()>().await;
    }
}

fn only(mut teams: impl Iterator<Item = TeamId>) -> Result<TeamId, Failure> {
    match (teams.next(), teams.next()) {
        (Some(team), None) => Ok(team),
        (None, _) => Err(failure("the team", "is not there: this device has joined none")),
        (Some(_), Some(_)) => Err(failure("--team", "is needed: this device is in several teams")),
    }
}

/// What people call devices.
pub struct Names(BTreeMap<DeviceKey, String>);

impl Names {
    /// What people call a device; without a label its key.
    pub fn of(&self, device: &DeviceKey) -> String {
        match self.0.get(device) {
            // Two may be called alike: some digits of the key tell them apart.
            Some(label) => format!("{} ({})", one_line(label), &device.to_string()[..6]),
            None => device.to_string(),
        }
    }

    /// What people call whoever holds stock.
    pub fn holder(&self, holder: &str) -> String {
        let device = holder.strip_prefix("device:").and_then(|key| key.parse().ok());
        match device.and_then(|device: DeviceKey| self.0.get(&device).map(|_| self.of(&device))) {
            Some(named) => named,
            None => holder.to_owned(),
        }
    }

    /// The label of the device that holds stock, for JSON.
    pub fn label_of_holder(&self, holder: &str) -> Option<&String> {
        let device = holder.strip_prefix("device:")?.parse().ok()?;
        self.label(&device)
    }

    /// A device's label, for JSON.
    pub fn label(&self, device: &DeviceKey) -> Option<&String> {
        self.0.get(device)
    }
}

impl Opened {
    /// The one device that is meant: the one that people call so, or whose key begins so.
    pub fn device_named(&self, named: &str) -> Result<DeviceKey, Failure> {
        if let Ok(key) = named.parse() {
            return Ok(key);
        }
        let folded = named.trim().to_lowercase();
        let names = self.names()?;
        let is_meant = |(key, label): &(&DeviceKey, &String)| {
            label.to_lowercase() == folded || key.to_string().starts_with(&folded)
        };
        let meant: Vec<_> = names.0.iter().filter(is_meant).collect();
        match meant.as_slice() {
            [(key, _)] => Ok(**key),
            [] => Err(Failure::new(format!(
                "no device is called {}; give its label, or its whole key: kitbag members",
                one_line(named)
            ))),
            _ => {
                let each: Vec<String> = meant.iter().map(|(key, _)| names.of(key)).collect();
                Err(Failure::new(format!(
                    "several devices may be meant: {}; give the key's first digits",
                    each.join(", ")
                )))
            }
        }
    }

    /// What people call devices, as far as this one can read it.
    pub fn names(&self) -> Result<Names, Failure> {
        Ok(Names(self.wait(self.client().team().names())?))
    }

    /// The one certificate of a team that is meant; of several none, as a device is called what whoever holds it says.
    pub fn member_named(&self, team: TeamId, named: &str) -> Result<Member, Failure> {
        let mut meant = self.wait(self.client().team().certificates_named(team, named))?;
        if meant.len() > 1 {
            let each = meant.iter().map(|one| {
                let label = one.label.as_deref().unwrap_or_default();
                let revoked = if one.is_revoked { ", revoked" } else { "" };
                format!("{} ({label:?}{revoked})", one.certificate)
            });
            let each: Vec<String> = each.collect();
            return Err(Failure::new(format!(
                "several devices may be meant: {}; give the certificate, or as much of it as is its alone",
                each.join(", ")
            )));
        }
        meant.pop().ok_or_else(|| crate::failed(Error::NotFound("certificate")))
    }
}
