//! Certificates: who may write, and whose new device it is.

use super::{Engine, EngineError, Enrolment};
use crate::identity::{Certificate, Role};
use crate::log::payload::Administration;
use crate::model::{DeviceKey, EntryId, Invalid, TeamId, Wrong};

impl Engine {
    /// Certifies a key: the root certifies coordinators, a coordinator the rest of its team.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let again = coordinator.certify(phone.device_key(), Role::Worker, team)?;
    /// assert_eq!(again.team, team); // the certificate that it has, not a second one
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn certify(
        &mut self,
        key: DeviceKey,
        role: Role,
        team: TeamId,
    ) -> Result<Enrolment, EngineError> {
        self.certify_as(key, role, team, None)
    }

    /// Certifies a key, in the place of an earlier certificate of the same person: a new phone, or a second one, whose
    /// log corrects what that one's made.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where the earlier one is not of this role and team, or does not stand.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// let id = phone.record(team, &reversal()?)?;
    /// sync_with(&mut phone, &mut hub)?;
    /// let path = folder.path().join("new.db");
    /// let mut new = Engine::device(&path, &key, root.root(), Environment::system())?;
    /// let earlier = phone.membership(team);
    /// let enrolment = coordinator.certify_as(new.device_key(), Role::Worker, team, earlier)?;
    /// new.join(&enrolment)?;
    /// sync_with(&mut coordinator, &mut hub)?;
    /// sync_with(&mut new, &mut hub)?;
    /// new.correct(id, "outcome", "died")?; // hers, whichever phone she holds
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn certify_as(
        &mut self,
        key: DeviceKey,
        role: Role,
        team: TeamId,
        continues: Option<EntryId>,
    ) -> Result<Enrolment, EngineError> {
        self.check_continued(role, team, continues)?;
        let from = if role == Role::Coordinator { TeamId::PROGRAMME } else { team };
        let authority = self.store.authority();
        let own = self.device_key();
        let same = authority
            .members(team)
            .filter(|(id, of, has)| (*of, *has) == (key, role) && !authority.is_revoked(id))
            .filter(|(id, _, _)| {
                continues.is_none_or(|earlier| authority.is_one_person(id, &earlier))
            });
        for (certificate, _, _) in same {
            // Its own, which it can prove: another's may have been given to keep the device from joining.
            if self.store.carries_of(&certificate, own)? {
                return self.enrolment(key, team, certificate);
            }
        }
        let made_at = (self.environment.now)();
        let certificate = Certificate { key, role, team, renew_by: None, continues, made_at };
        let certificate = self.administer(from, &Administration::Certify(certificate))?;
        self.tend_or_later(team);
        self.enrolment(key, team, certificate)
    }

    /// That a certificate which another is to continue stands, and is of the same role and team.
    pub(super) fn check_continued(
        &self,
        role: Role,
        team: TeamId,
        continues: Option<EntryId>,
    ) -> Result<(), EngineError> {
        let Some(earlier) = continues else { return Ok(()) };
        let named = self.store.authority().certificate(&earlier);
        if named.is_some_and(|named| (named.role, named.team) == (role, team)) {
            return Ok(());
        }
        let expected =
            "expected a certificate of this team and role that stands; a revoked one does";
        Err(Invalid::new("continues", Wrong::NoSuch, expected).into())
    }

    /// This device's certificate in a team.
    ///
    /// ```
    /// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
    /// # use example::*;
    /// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
    /// assert!(phone.membership(team).is_some());
    /// # Ok::<(), Failed>(())
    /// ```
    pub fn membership(&self, team: TeamId) -> Option<EntryId> {
        self.members.get(&team).copied()
    }

    /// What proves a certificate, what revokes earlier ones of the device, and the logs that hand out the team's
    /// keys.
    fn enrolment(
        &self,
        key: DeviceKey,
        team: TeamId,
        certificate: EntryId,
    ) -> Result<Enrolment, EngineError> {
        let mut runs = self.store.runs_for_certificate(certificate, &self.key)?;
        runs.extend(self.store.runs_of_revocations(key, team, &self.key)?);
        runs.extend(self.store.runs_of_keys(team, &self.key)?);
        Ok(Enrolment { root: self.root(), team, certificate, runs })
    }
}
