//! The facade: what apps and the hub call.

use crate::identity::{Certificate, Role, SigningKey};
use crate::log::entry::{Entry, kind};
use crate::log::payload::{Administration, KeptTip, Open, RecordPayload};
use crate::model::{
    DeviceKey, EntryId, Invalid, Kind, Operation, RecordId, Reversal, TeamId, UnixMillis,
};
use crate::record::Record;
use crate::store::{KeyProvider, Settling, Store, StoreError};
use crate::sync::{Session, SyncError};
use crate::totals::{Query, Totals};
use std::collections::BTreeMap;
use std::path::Path;
use zeroize::Zeroizing;

/// What the engine takes from outside: a clock and randomness. Neither decides what counts.
pub struct Environment {
    /// The clock.
    pub now: Box<dyn FnMut() -> UnixMillis + Send>,
    /// Fills a buffer with random bytes.
    pub random: Box<dyn FnMut(&mut [u8]) + Send>,
}

impl Environment {
    /// The system's clock and randomness.
    #[allow(clippy::disallowed_methods)] // The one place where the core reads a clock.
    pub fn system() -> Self {
        Environment {
            now: Box::new(|| {
                let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                UnixMillis(since.map_or(0, |since| {
                    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
                }))
            }),
            random: Box::new(|buffer| {
                getrandom::fill(buffer).expect("the system gives randomness")
            }),
        }
    }
}

/// What an app can branch on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A field does not hold what its kind allows.
    #[error("{0}")]
    Invalid(#[from] Invalid),
    /// The store failed; what was being saved is not saved.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A sync failed; what is held stays held, and the next one goes on.
    #[error(transparent)]
    Sync(#[from] SyncError),
    /// There is no such record here.
    #[error("there is no such record here")]
    NoRecord,
    /// This device has no certificate for the team.
    #[error("this device is not a member of the team; ask a coordinator to enrol it")]
    NotAMember,
}

/// What a new device is handed: where the programme's trust starts, and its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// The programme's root key.
    pub root: DeviceKey,
    /// The team.
    pub team: TeamId,
    /// The entry that certifies the device.
    pub certificate: EntryId,
}

/// One device: its store, its key and its teams.
pub struct Engine {
    store: Store,
    key: SigningKey,
    members: BTreeMap<TeamId, EntryId>,
    environment: Environment,
}

const RECORDS: i64 = 1;
const ADMINISTRATION: i64 = 2;

impl Engine {
    /// Founds a programme: the store of its root key, kept offline.
    pub fn found(
        path: &Path,
        key: &dyn KeyProvider,
        environment: Environment,
    ) -> Result<Engine, EngineError> {
        Engine::create(path, key, None, environment)
    }

    /// Makes a device of a programme. It may write once [`Engine::join`] gave it a team.
    pub fn device(
        path: &Path,
        key: &dyn KeyProvider,
        root: DeviceKey,
        environment: Environment,
    ) -> Result<Engine, EngineError> {
        Engine::create(path, key, Some(root), environment)
    }

    fn create(
        path: &Path,
        key: &dyn KeyProvider,
        root: Option<DeviceKey>,
        mut environment: Environment,
    ) -> Result<Engine, EngineError> {
        let mut seed = Zeroizing::new([0; 32]);
        (environment.random)(seed.as_mut());
        let founding = root.is_none();
        let root = root.unwrap_or_else(|| SigningKey::from_seed(&seed).device_key());
        let mut store = Store::open(path, key, Some(root), Some([].into()), Settling::Within)?;
        store.set_meta("seed", seed.as_ref())?;
        if founding {
            store.set_meta(&member_name(TeamId::PROGRAMME), &EntryId::NONE.0)?;
        }
        drop(store);
        Engine::open(path, key, environment)
    }

    /// Opens the store of a device that was made before.
    pub fn open(
        path: &Path,
        key: &dyn KeyProvider,
        environment: Environment,
    ) -> Result<Engine, EngineError> {
        let mut store = Store::open(path, key, None, Some([].into()), Settling::Within)?;
        let seed = Zeroizing::new(
            store
                .meta("seed")?
                .ok_or(StoreError::Damaged("the device's key"))?,
        );
        let seed: Zeroizing<[u8; 32]> = Zeroizing::new(
            seed.as_slice()
                .try_into()
                .map_err(|_| StoreError::Damaged("the device's key"))?,
        );
        let mut members = BTreeMap::new();
        for (team, certificate) in store.memberships()? {
            store.add_team(team);
            members.insert(team, certificate);
        }
        Ok(Engine {
            store,
            key: SigningKey::from_seed(&seed),
            members,
            environment,
        })
    }

    /// The device's public key.
    pub fn device_key(&self) -> DeviceKey {
        self.key.device_key()
    }

    /// The programme's root key.
    pub fn root(&self) -> DeviceKey {
        self.store.root()
    }

    /// The store, to read.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Becomes a member of a team.
    pub fn join(&mut self, enrolment: &Enrolment) -> Result<(), EngineError> {
        self.store
            .set_meta(&member_name(enrolment.team), &enrolment.certificate.0)?;
        self.store.add_team(enrolment.team);
        self.members.insert(enrolment.team, enrolment.certificate);
        Ok(())
    }

    /// Certifies a key: the root certifies coordinators, a coordinator the rest of its team.
    pub fn certify(
        &mut self,
        key: DeviceKey,
        role: Role,
        team: TeamId,
    ) -> Result<Enrolment, EngineError> {
        let from = if role == Role::Coordinator {
            TeamId::PROGRAMME
        } else {
            team
        };
        let certificate = Certificate {
            key,
            role,
            team,
            renew_by: None,
        };
        let certificate = self.administer(from, &Administration::Certify(certificate))?;
        Ok(Enrolment {
            root: self.root(),
            team,
            certificate,
        })
    }

    /// Revokes a certificate; what this store holds of its logs stands.
    pub fn revoke(&mut self, team: TeamId, certificate: EntryId) -> Result<EntryId, EngineError> {
        let logs = self
            .store
            .chains()
            .iter()
            .filter(|(_, info)| info.certificate == certificate);
        let kept = logs
            .flat_map(|(log, info)| {
                info.tips()
                    .into_iter()
                    .map(|tip| KeptTip { log: *log, tip })
            })
            .collect();
        self.administer(team, &Administration::Revoke { certificate, kept })
    }

    /// Appends an administrative entry to our log apart for a team.
    pub fn administer(
        &mut self,
        team: TeamId,
        says: &Administration,
    ) -> Result<EntryId, EngineError> {
        self.write(team, ADMINISTRATION, says.kind(), None, says.encode())
    }

    /// Saves a reversal. When this returns, it is durable.
    pub fn record(&mut self, team: TeamId, reversal: &Reversal) -> Result<RecordId, EngineError> {
        let payload = self.payload(Kind::Reversal, Vec::new(), reversal.operations()?);
        let id = self.write(team, RECORDS, Kind::Reversal.number(), None, payload)?;
        Ok(id.record())
    }

    /// Changes a record: corrects, voids, marks a duplicate, adds a list element.
    pub fn change(
        &mut self,
        id: RecordId,
        operations: Vec<Operation>,
    ) -> Result<EntryId, EngineError> {
        let record = self.get(id)?;
        let version = record.kind.schema_version();
        match crate::model::schema::check_change(record.kind, version, &operations) {
            Err(crate::model::schema::Fault::Invalid(invalid)) => return Err(invalid.into()),
            Err(crate::model::schema::Fault::Newer) => return Err(EngineError::NoRecord),
            Ok(()) => {}
        }
        let payload = self.payload(record.kind, record.heads, operations);
        self.write(
            record.team,
            RECORDS,
            record.kind.number(),
            Some(id),
            payload,
        )
    }

    /// A record as this store holds it.
    pub fn get(&self, id: RecordId) -> Result<Record, EngineError> {
        self.store.record(id)?.ok_or(EngineError::NoRecord)
    }

    /// Drops the projection and builds it again from the entries held.
    pub fn rebuild(&mut self) -> Result<(), EngineError> {
        Ok(self.store.rebuild()?)
    }

    /// Totals, with what they lack.
    pub fn totals(&self, query: &Query) -> Result<Totals, EngineError> {
        Ok(self.store.totals(query)?)
    }

    /// Syncs with a hub through `exchange`, which carries a request and brings the answer.
    pub fn sync<E: From<EngineError>>(
        &mut self,
        mut exchange: impl FnMut(Vec<u8>) -> Result<Vec<u8>, E>,
    ) -> Result<(), E> {
        let mut session = Session::new(self.members.keys().copied());
        while let Some(request) = session
            .request(&self.store, &self.key)
            .map_err(EngineError::from)?
        {
            let answer = exchange(request)?;
            session
                .reply(&mut self.store, &self.key, &answer)
                .map_err(EngineError::from)?;
        }
        Ok(())
    }

    fn payload(
        &mut self,
        kind: Kind,
        mut after: Vec<EntryId>,
        operations: Vec<Operation>,
    ) -> Vec<u8> {
        let mut salt = [0; 8];
        (self.environment.random)(&mut salt);
        after.sort();
        after.truncate(crate::log::payload::AFTER_MAX as usize);
        let at = (self.environment.now)();
        RecordPayload {
            schema_version: kind.schema_version(),
            salt,
            at,
            after,
            operations,
        }
        .encode()
    }

    fn write(
        &mut self,
        team: TeamId,
        own: i64,
        of_kind: u8,
        record: Option<RecordId>,
        payload: Vec<u8>,
    ) -> Result<EntryId, EngineError> {
        let certificate = *self.members.get(&team).ok_or(EngineError::NotAMember)?;
        let mut entries = Vec::new();
        let (log, tip) = match self.store.own_log(team, own)? {
            Some(found) => found,
            None => {
                let mut random = [0; 16];
                (self.environment.random)(&mut random);
                let open = Open {
                    key: self.device_key(),
                    team,
                    random,
                    certificate,
                };
                let entry = Entry::new(open.log(), None, kind::OPEN, None, open.encode());
                let found = (open.log(), entry.tip());
                entries.push(entry);
                found
            }
        };
        let entry = Entry::new(log, Some(tip), of_kind, record, payload);
        let id = entry.id;
        entries.push(entry);
        self.store.append(&entries, own)?;
        Ok(id)
    }
}

fn member_name(team: TeamId) -> String {
    format!("member {team}")
}
