//! Founding a programme, making its devices, and saying who may write: what admission reads.

use super::writing::Writing;
use super::{Engine, EngineError, Environment};
use crate::identity::{Role, SigningKey};
use crate::log::Author;
use crate::log::entry::kind;
use crate::log::payload::{Administration, KEPT_MAX, KeptTip};
use crate::log::run::{Run, TurnedAway};
use crate::model::{DeviceKey, EntryId, TeamId};
use crate::store::Setting;
use crate::store::{KeyProvider, LogUse, Settling, Store, StoreError};
use std::collections::BTreeMap;
use std::path::Path;
use zeroize::Zeroizing;

/// What a new device is handed: where the programme's trust starts, and its certificate.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// let path = folder.path().join("new.db");
/// let mut new = Engine::device(&path, &key, root.root(), Environment::system())?;
/// let enrolment: Enrolment = coordinator.certify(new.device_key(), Role::Worker, team)?;
/// new.join(&enrolment)?;
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// The programme's root key.
    pub root: DeviceKey,
    /// The team.
    pub team: TeamId,
    /// The entry that certifies the device.
    pub certificate: EntryId,
    /// The logs that prove it, from the root down, so that what the device records counts at once.
    pub runs: Vec<Run>,
}

impl Engine {
    /// Founds a programme: the store of its root key, kept offline.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let path = folder.path().join("programme.db");
    /// let root = Engine::found(&path, &key, Environment::system())?;
    /// assert_eq!(root.root(), root.device_key());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn found(
        path: &Path,
        key: &dyn KeyProvider,
        environment: Environment,
    ) -> Result<Engine, EngineError> {
        Engine::make(path, key, None, environment)
    }

    /// Makes a device of a programme. It may write once [`Engine::join`] gave it a team.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let path = folder.path().join("new.db");
    /// let mut new = Engine::device(&path, &key, root.root(), Environment::system())?;
    /// assert!(matches!(new.record(team, &reversal()?), Err(EngineError::NotAMember)));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn device(
        path: &Path,
        key: &dyn KeyProvider,
        root: DeviceKey,
        environment: Environment,
    ) -> Result<Engine, EngineError> {
        Engine::make(path, key, Some(root), environment)
    }

    /// Makes the store and its key in one transaction. Called again after an interruption it goes
    /// on where it was, and never gives a device another key.
    fn make(
        path: &Path,
        key: &dyn KeyProvider,
        root: Option<DeviceKey>,
        mut environment: Environment,
    ) -> Result<Engine, EngineError> {
        let mut seed = Zeroizing::new([0; 32]);
        (environment.random)(seed.as_mut());
        let own = SigningKey::from_seed(&seed).device_key();
        let root_key = Some(root.unwrap_or(own));
        let renewing = &mut environment.renewing;
        let within = Settling::Within;
        let mut store =
            Store::open_telling(path, key, root_key, Some([].into()), within, renewing)?;
        if store.setting(&Setting::Seed)?.is_none() {
            let mut values = vec![(Setting::Seed, seed.to_vec())];
            if root.is_none() {
                values.push((Setting::Root, own.0.to_vec()));
                values.push((Setting::Member(TeamId::PROGRAMME), EntryId::NONE.0.to_vec()));
            }
            store.set(&values)?;
        }
        drop(store);
        Engine::open(path, key, environment)
    }

    /// Opens the store of a device that was made before.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// drop(phone);
    /// let path = folder.path().join("phone.db");
    /// let phone = Engine::open(&path, &key, Environment::system())?;
    /// assert_eq!(phone.get(id)?.id, id);
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn open(
        path: &Path,
        key: &dyn KeyProvider,
        mut environment: Environment,
    ) -> Result<Engine, EngineError> {
        let renewing = &mut environment.renewing;
        let within = Settling::Within;
        let store = Store::open_telling(path, key, None, Some([].into()), within, renewing)?;
        Engine::over(store, path, key, environment)
    }

    pub(super) fn over(
        mut store: Store,
        path: &Path,
        key: &dyn KeyProvider,
        environment: Environment,
    ) -> Result<Engine, EngineError> {
        let seed = Zeroizing::new(
            store.setting(&Setting::Seed)?.ok_or(StoreError::Damaged("the device's key"))?,
        );
        let seed: Zeroizing<[u8; 32]> = Zeroizing::new(
            seed.as_slice().try_into().map_err(|_| StoreError::Damaged("the device's key"))?,
        );
        let mut members = BTreeMap::new();
        for (team, certificate) in store.memberships()? {
            store.add_team(team);
            members.insert(team, certificate);
        }
        let outbox = super::outbox::Outbox::open(path, &key.store_key()?);
        Ok(Engine {
            store,
            key: SigningKey::from_seed(&seed),
            members,
            looked_into: Default::default(),
            looked: Default::default(),
            fresh: Vec::new(),
            environment,
            outbox,
            known_packs: (0, Vec::new()),
            key_ring: Default::default(),
            taken_from: BTreeMap::new(),
        })
    }

    /// Becomes a member of a team, by a certificate that is proven from the programme's root.
    ///
    /// # Errors
    /// [`EngineError::Enrolment`] where the runs do not prove it; [`EngineError::AlreadyAMember`] where this
    /// device has a certificate there that holds and allows more. Nothing is changed then.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let youth = root.new_team();
    /// let enrolment = root.certify(phone.device_key(), Role::Coordinator, youth)?;
    /// phone.join(&enrolment)?;
    /// assert_eq!(phone.role(youth), Some(Role::Coordinator));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn join(&mut self, enrolment: &Enrolment) -> Result<(), EngineError> {
        let team = enrolment.team;
        if enrolment.root != self.root() {
            return Err(EngineError::OtherProgramme);
        }
        let was_held = self.store.holds_team(team);
        self.store.add_team(team);
        let joined = self.join_in_scope(enrolment);
        if joined.is_err() && !was_held {
            self.store.drop_from_scope(team);
        }
        joined?;
        self.note_identity();
        Ok(())
    }

    /// Joining ends in a certificate that settles from the programme's root, or changes nothing.
    fn join_in_scope(&mut self, enrolment: &Enrolment) -> Result<(), EngineError> {
        let (team, certificate) = (enrolment.team, enrolment.certificate);
        let runs: Vec<&Run> = enrolment.runs.iter().collect();
        let refused = self.store.receive(&runs, &[])?.turned_away.pop();
        let (own, root) = (self.device_key(), self.root());
        let authority = self.store.authority();
        let author = authority.author(&certificate, own, team, root);
        let Some(Author::Certified(role, _)) =
            author.filter(|_| !authority.is_revoked(&certificate))
        else {
            let reason = refused.map_or(TurnedAway::NoCertificate, |(_, reason)| reason);
            return Err(EngineError::Enrolment(reason));
        };
        // A certificate that holds gives way to none that allows less, and to none that allows the same:
        // whoever gave that may lose his word, and with it what is written by it.
        let held = self.members.get(&team).filter(|held| !authority.is_revoked(held));
        match held.and_then(|held| authority.role(held)) {
            Some(held) if rank(held) > rank(role) => return Err(EngineError::AlreadyAMember),
            Some(held) if rank(held) == rank(role) => return Ok(()),
            _ => {}
        }
        self.hold(team, certificate)
    }

    fn hold(&mut self, team: TeamId, certificate: EntryId) -> Result<(), EngineError> {
        self.store.set(&[(Setting::Member(team), certificate.0.to_vec())])?;
        self.members.insert(team, certificate);
        Ok(())
    }

    /// Where the certificate of a membership fell, another one of this device in that team takes its place.
    pub(super) fn renew_memberships(&mut self) -> Result<(), EngineError> {
        let (own, authority) = (self.device_key(), self.store.authority());
        let fallen = self.members.iter().filter(|(_, held)| {
            **held != EntryId::NONE
                && (authority.is_revoked(held) || authority.role(held).is_none())
        });
        let other = |team: TeamId| {
            let named = authority
                .members(team)
                .filter(|(id, key, _)| *key == own && !authority.is_revoked(id));
            named.max_by_key(|(id, _, role)| (rank(*role), *id)).map(|(id, _, _)| (team, id))
        };
        let renewed: Vec<_> = fallen.filter_map(|(team, _)| other(*team)).collect();
        for (team, certificate) in &renewed {
            self.hold(*team, *certificate)?;
        }
        if !renewed.is_empty() {
            self.note_identity();
        }
        Ok(())
    }

    /// Tends the team's key; what fails is done with the next sync.
    pub(super) fn tend_or_later(&mut self, team: TeamId) {
        if self.tend_team_key(team).is_err() {
            tracing::warn!("the team's key could not be tended; the next sync does it");
        }
    }

    /// The root looks into a team: its next sync brings that team's entries, so that a revocation there
    /// can name what stands. Until the store is closed.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// sync_with(&mut coordinator, &mut hub)?;
    /// root.look_into(team)?;
    /// sync_with(&mut root, &mut hub)?; // brings what the team's coordinators wrote
    /// let certificates = root.store().authority();
    /// let (certificate, _, _) = certificates
    ///     .members(team)
    ///     .find(|(_, device, _)| *device == coordinator.device_key())
    ///     .ok_or("certified")?;
    /// root.revoke(team, certificate)?;
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn look_into(&mut self, team: TeamId) -> Result<(), EngineError> {
        if self.device_key() == self.root() {
            self.store.add_team(team);
            self.looked_into.insert(team);
            Ok(())
        } else {
            Err(EngineError::MayNotRevoke)
        }
    }

    /// Revokes a certificate of a team, with all others of the same device and role there; what this store
    /// carries of its logs stands. Coordinators revoke their team's devices, the root revokes coordinators,
    /// once it looked into their team; where no coordinator is left, it changes the team's key itself.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let certificates = coordinator.store().authority();
    /// let (certificate, _, _) = certificates
    ///     .members(team)
    ///     .find(|(_, device, _)| *device == phone.device_key())
    ///     .ok_or("certified")?;
    /// coordinator.revoke(team, certificate)?; // a lost phone
    /// assert!(coordinator.store().authority().is_revoked(&certificate));
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn revoke(&mut self, team: TeamId, certificate: EntryId) -> Result<EntryId, EngineError> {
        let is_root = self.device_key() == self.root();
        let named = self.store.authority().members(team).find(|(id, _, _)| *id == certificate);
        let of_coordinator = named.map(|(_, _, role)| role == Role::Coordinator);
        let may = match of_coordinator {
            Some(true) => is_root && self.looked.contains(&team),
            Some(false) => self.role(team) == Some(Role::Coordinator),
            None => false,
        };
        if !may {
            return Err(EngineError::MayNotRevoke);
        }
        let scope = if is_root { TeamId::PROGRAMME } else { team };
        let device = named.map(|(_, device, _)| device);
        let authority = self.store.authority();
        let others: Vec<EntryId> = authority
            .members(team)
            .filter(|(id, of, role)| {
                Some(*of) == device
                    && Some(*role == Role::Coordinator) == of_coordinator
                    && *id != certificate
                    && !authority.is_revoked(id)
            })
            .map(|(id, _, _)| id)
            .collect();
        for other in others {
            self.revoke_one(scope, other)?;
        }
        let revocation = self.revoke_one(scope, certificate)?;
        self.tend_or_later(team);
        Ok(revocation)
    }

    fn revoke_one(&mut self, scope: TeamId, certificate: EntryId) -> Result<EntryId, EngineError> {
        // A device that forked, or began logs, more often than a revocation can name must not be irrevocable for
        // it, and whoever stole its key must not cut what its owner wrote before: the log held longest goes first,
        // of each the longest branch, and branches beside logs. What else it wrote can be accepted entry by entry.
        let mut of_logs: Vec<Vec<KeptTip>> = Vec::new();
        for kept in self.store.tips_to_keep(certificate)? {
            match of_logs.last_mut().filter(|of_log| of_log.iter().any(|one| one.log == kept.log)) {
                Some(of_log) => of_log.push(kept),
                None => of_logs.push(vec![kept]),
            }
        }
        let mut ranked: Vec<(usize, KeptTip)> = Vec::new();
        for (log, mut of_log) in of_logs.into_iter().enumerate() {
            of_log.sort_by_key(|kept| std::cmp::Reverse(kept.tip.position));
            ranked
                .extend(of_log.into_iter().enumerate().map(|(branch, kept)| (log + branch, kept)));
        }
        ranked.sort_by_key(|(rank, _)| *rank);
        let mut kept: Vec<KeptTip> = ranked.into_iter().map(|(_, kept)| kept).collect();
        kept.truncate(KEPT_MAX as usize);
        self.administer(scope, &Administration::Revoke { certificate, kept })
    }

    /// Appends an administrative entry to our log apart for a team.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// use kitbag_core::log::Administration;
    /// let toml = "name = \"riverside\"\nversion = 1\nsource = \"the programme\"\n".to_owned();
    /// root.administer(TeamId::PROGRAMME, &Administration::CodePack { toml })?;
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn administer(
        &mut self,
        team: TeamId,
        says: &Administration,
    ) -> Result<EntryId, EngineError> {
        let payload = says.encode();
        Administration::decode(says.kind(), &payload).map_err(|_| EngineError::TooLarge)?;
        let log_use = match says {
            Administration::TeamKey(_)
            | Administration::CodePack { .. }
            | Administration::Label(_) => LogUse::Keys,
            Administration::Certify(_) => LogUse::Certificates,
            Administration::Revoke { .. } => LogUse::Revocations,
            _ => LogUse::Administration,
        };
        let how = Writing {
            log_use,
            kind: says.kind(),
            schema: kind::ADMINISTRATION_SCHEMA,
            record: None,
            must_count: false,
            forgets: None,
        };
        self.write(team, how, payload)
    }
}

/// How much a role allows, to compare.
fn rank(role: Role) -> u8 {
    match role {
        Role::Observer => 1,
        Role::Worker => 2,
        Role::Coordinator => 3,
    }
}
