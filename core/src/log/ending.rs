//! Where a log ends: with the first entry on a path that honest software of its schema version could not
//! have written.
//!
//! It reads the path from `open` to the entry and the role that the certificate's content names, and
//! nothing else: no revocation, no acceptance, no verdict. The entry itself is carried, as evidence; what
//! follows it on that branch is not. Other branches go on.

use super::entry::{is_known, kind};
use super::payload::{Administration, RecordPayload};
use crate::identity::{Certificate, Role};
use crate::model::TeamId;

/// The most changes of one record on one path of a log: an honest device goes on in a new log before the
/// next.
pub const CHANGES_ON_PATH_MAX: u64 = 500;
/// The most entries on one path that only a newer version can judge, and what they weigh at most.
pub const NEWER_ON_PATH_MAX: u64 = 1_000;
/// See [`NEWER_ON_PATH_MAX`], in bytes by [`super::run::weight`].
pub const NEWER_BYTES_MAX: u64 = 1 << 20;

/// Who writes a log, by the content of its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// The programme's root.
    Root,
    /// A key with this role in this team.
    Certified(Role, TeamId),
}

/// Why a branch ends with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// Its kind is outside the author's role.
    Kind,
    /// It certifies what the author's role may not.
    Certificate,
    /// Its payload does not parse.
    Payload,
    /// It is one change too many of its record on this path.
    TooMany,
    /// It is one more than is kept of what only a newer version can judge: it is not carried itself, until
    /// an update tells what it is.
    Newer,
}

impl Ending {
    /// All of them, by the number that a store keeps.
    pub const NUMBERED: [(Ending, u8); 5] = [
        (Ending::Kind, 1),
        (Ending::Certificate, 2),
        (Ending::Payload, 3),
        (Ending::TooMany, 4),
        (Ending::Newer, 5),
    ];

    /// The number that a store keeps.
    pub fn number(self) -> u8 {
        Self::NUMBERED.iter().find(|(ending, _)| *ending == self).map_or(0, |(_, number)| *number)
    }

    /// The ending of this number; none for 0.
    pub fn from_number(number: u8) -> Option<Ending> {
        Self::NUMBERED.iter().find(|(_, known)| *known == number).map(|(ending, _)| *ending)
    }

    /// Whether the entry is carried as evidence.
    pub fn is_carried(self) -> bool {
        self != Ending::Newer
    }

    /// Whether the entry's own content ends the branch, so that no acceptance brings it in.
    pub fn is_by_content(self) -> bool {
        matches!(self, Ending::Kind | Ending::Certificate | Ending::Payload)
    }
}

/// What of an entry can end a branch.
#[derive(Clone, Copy, Debug)]
pub struct Looked<'a> {
    /// The header's kind.
    pub kind: u8,
    /// The header's schema version.
    pub schema: u16,
    /// The payload; one that was erased ends nothing.
    pub payload: Option<&'a [u8]>,
    /// How many changes on the path up to here, this one included, name its record; 0 where it names none.
    pub changes_on_path: u64,
}

/// Whether a branch ends with this entry, by its content and its path. The bound on what only a newer
/// version can judge is the store's to count.
pub fn ending(author: Author, entry: Looked<'_>) -> Option<Ending> {
    if crate::planted!(LogNeverEnds) {
        return None;
    }
    if !is_known(entry.kind, entry.schema) {
        return None;
    }
    if !may_write(author, entry.kind) {
        return Some(Ending::Kind);
    }
    if entry.schema == 0 {
        return Some(Ending::Payload);
    }
    if let Some(payload) = entry.payload {
        let fault = if entry.kind >= kind::RECORDS_FROM {
            RecordPayload::check(payload).err().map(|_| Ending::Payload)
        } else {
            match Administration::decode(entry.kind, payload) {
                Err(_) => Some(Ending::Payload),
                Ok(Administration::Certify(certificate)) => {
                    (!may_certify(author, &certificate)).then_some(Ending::Certificate)
                }
                Ok(_) => None,
            }
        };
        if fault.is_some() {
            return fault;
        }
    }
    (entry.changes_on_path > CHANGES_ON_PATH_MAX).then_some(Ending::TooMany)
}

/// Whether an author's role writes entries of this kind at all.
fn may_write(author: Author, of_kind: u8) -> bool {
    let administers = [kind::CERTIFY, kind::REVOKE, kind::ACCEPT, kind::TEAM_KEY];
    let is_record = of_kind >= kind::RECORDS_FROM;
    let says_of_itself = [kind::ASK_ERASE, kind::LABEL].contains(&of_kind);
    of_kind == kind::OPEN
        || match author {
            Author::Root => {
                administers.contains(&of_kind)
                    || [kind::ERASE, kind::CODE_PACK, kind::LABEL].contains(&of_kind)
            }
            Author::Certified(Role::Coordinator, _) => {
                administers.contains(&of_kind)
                    || says_of_itself
                    || of_kind == kind::SET_ASIDE
                    || is_record
            }
            Author::Certified(Role::Worker, _) => says_of_itself || is_record,
            Author::Certified(Role::Observer, _) => false,
        }
}

/// The root certifies coordinators only; a coordinator all other roles, in its team.
fn may_certify(author: Author, certificate: &Certificate) -> bool {
    match author {
        Author::Root => {
            certificate.role == Role::Coordinator && certificate.team != TeamId::PROGRAMME
        }
        Author::Certified(Role::Coordinator, team) => {
            certificate.role != Role::Coordinator && certificate.team == team
        }
        Author::Certified(..) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DeviceKey, EntryId, Operation, UnixMillis};

    const TEAM: TeamId = TeamId([1; 16]);

    fn change() -> Vec<u8> {
        let operations = vec![Operation::put("site", "x")];
        let after = vec![EntryId([2; 32])];
        RecordPayload { salt: [0; 8], at: UnixMillis(0), after, operations }.encode()
    }

    fn certify(role: Role, team: TeamId) -> Vec<u8> {
        Certificate {
            key: DeviceKey([3; 32]),
            role,
            team,
            renew_by: None,
            continues: None,
            made_at: crate::model::UnixMillis(0),
        }
        .encode()
    }

    #[test]
    fn a_branch_ends_by_kind_certificate_payload_and_number_and_nothing_else() {
        let worker = Author::Certified(Role::Worker, TEAM);
        let coordinator = Author::Certified(Role::Coordinator, TEAM);
        let observer = Author::Certified(Role::Observer, TEAM);
        let erase = Administration::Erase { team: TEAM, records: vec![] }.encode();
        let ask = Administration::AskErase { records: vec![] }.encode();
        type Case = (&'static str, Author, u8, u16, Vec<u8>, u64, Option<Ending>);
        let cases: [Case; 17] = [
            ("a worker's change", worker, 17, 1, change(), 500, None),
            ("one more", worker, 17, 1, change(), 501, Some(Ending::TooMany)),
            ("bytes that are no payload", worker, 17, 1, vec![0xff], 1, Some(Ending::Payload)),
            ("a version that never was", worker, 17, 0, change(), 1, Some(Ending::Payload)),
            ("a version to come", worker, 17, 999, vec![0xff], 900, None),
            ("a kind to come", worker, 200, 1, vec![0xff], 900, None),
            ("a worker's erasure", worker, kind::ERASE, 1, erase.clone(), 0, Some(Ending::Kind)),
            ("a coordinator's", coordinator, kind::ERASE, 1, erase.clone(), 0, Some(Ending::Kind)),
            ("the root's", Author::Root, kind::ERASE, 1, erase, 0, None),
            ("a worker asks for one", worker, kind::ASK_ERASE, 1, ask, 0, None),
            ("an observer's record", observer, 17, 1, change(), 0, Some(Ending::Kind)),
            ("the root's record", Author::Root, 17, 1, change(), 0, Some(Ending::Kind)),
            (
                "a worker's certificate",
                worker,
                kind::CERTIFY,
                1,
                certify(Role::Worker, TEAM),
                0,
                Some(Ending::Kind),
            ),
            (
                "a coordinator's for a worker",
                coordinator,
                kind::CERTIFY,
                1,
                certify(Role::Worker, TEAM),
                0,
                None,
            ),
            (
                "for a coordinator",
                coordinator,
                kind::CERTIFY,
                1,
                certify(Role::Coordinator, TEAM),
                0,
                Some(Ending::Certificate),
            ),
            (
                "for another team",
                coordinator,
                kind::CERTIFY,
                1,
                certify(Role::Worker, TeamId([2; 16])),
                0,
                Some(Ending::Certificate),
            ),
            (
                "the root's for a worker",
                Author::Root,
                kind::CERTIFY,
                1,
                certify(Role::Worker, TEAM),
                0,
                Some(Ending::Certificate),
            ),
        ];
        for (what, author, of_kind, schema, payload, changes_on_path, expected) in cases {
            let looked = Looked { kind: of_kind, schema, payload: Some(&payload), changes_on_path };
            assert_eq!(ending(author, looked), expected, "{what}");
        }
        let erased = Looked { kind: 17, schema: 1, payload: None, changes_on_path: 1 };
        assert_eq!(ending(worker, erased), None, "what was erased ends nothing");
    }

    #[test]
    fn every_ending_has_one_number() {
        for (ending, number) in Ending::NUMBERED {
            assert_eq!((ending.number(), Ending::from_number(number)), (number, Some(ending)));
        }
    }
}
