//! Opening a device's store to read it: alone, or beside the engine that writes it.

use super::{Engine, EngineError, Environment};
use crate::store::{KeyProvider, Store};
use std::path::Path;

impl Engine {
    /// Opens a device's store to read it alone: no byte of it changes, and saving fails.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// drop(phone);
    /// let path = folder.path().join("phone.db");
    /// let mut phone = Engine::open_to_read(&path, &key, Environment::system())?;
    /// assert!(phone.record(team, &reversal()?).is_err());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn open_to_read(
        path: &Path,
        key: &dyn KeyProvider,
        environment: Environment,
    ) -> Result<Engine, EngineError> {
        let store = Store::open_to_read(path, key, Some([].into()))?;
        Engine::over(store, path, key, environment)
    }

    /// Opens a device's store to read it beside the engine of this process that writes it, which stays open. Reads go
    /// through [`Engine::read_at_once`].
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let path = folder.path().join("phone.db");
    /// let mut beside = Engine::open_beside(&path, &key, Environment::system())?;
    /// let id = phone.record(team, &reversal()?)?;
    /// assert_eq!(beside.read_at_once(|engine| engine.get(id))?.id, id);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn open_beside(
        path: &Path,
        key: &dyn KeyProvider,
        environment: Environment,
    ) -> Result<Engine, EngineError> {
        let store = Store::open_beside(path, key, Some([].into()))?;
        Engine::over(store, path, key, environment)
    }

    /// Reads as of one moment, whatever is written meanwhile.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let path = folder.path().join("phone.db");
    /// let mut beside = Engine::open_beside(&path, &key, Environment::system())?;
    /// let (status, totals) =
    ///     beside.read_at_once(|engine| Ok((engine.status()?, engine.totals(&Query::default())?)))?;
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn read_at_once<T>(
        &mut self,
        read: impl FnOnce(&Engine) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        if self.store.begin_reading()? {
            self.members.clear();
            for (team, certificate) in self.store.memberships()? {
                self.store.add_team(team);
                self.members.insert(team, certificate);
            }
            self.store.read_logs_anew()?;
        }
        let done = read(self);
        self.store.end_reading()?;
        done
    }
}
