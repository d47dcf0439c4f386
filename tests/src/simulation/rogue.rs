//! A coordinator's key that was stolen: it erases, revokes, keeps what never was, certifies, accepts and sets
//! aside.

use super::Failure;
use super::hostile::Hostile;
use super::oracle::{Given, Label, Role, Said, Waiver, Word};
use super::world::{Certified, TEAMS, World};
use kitbag_core::identity::{Certificate, Role as CertifiedRole};
use kitbag_core::log::Verdict;
use kitbag_core::log::entry::{Entry, Tip, kind, sign};
use kitbag_core::log::payload::{Administration, KeptTip, Waived};
use kitbag_core::log::run::Run;
use kitbag_core::log::verdict::Refusal;
use kitbag_core::model::EntryId;
use kitbag_core::store::Store;
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// How far beyond what is written a tip lies that was never written.
const MADE_UP_MAX: u64 = 5;

impl World {
    pub(super) fn rogue_act(
        &mut self,
        victim: Option<(EntryId, u8)>,
        dice: &mut ChaCha8Rng,
    ) -> Result<(), Failure> {
        match dice.random_range(0..9) {
            0 => self.rogue_erases(victim, dice),
            1..=3 => self.rogue_revokes(dice),
            4 => self.rogue_certifies(),
            5 | 6 => self.rogue_accepts(dice),
            7 => self.rogue_forks(dice),
            _ => self.rogue_sets_aside(dice),
        }
    }

    /// Says it as the rogue; the oracle hears what no end of its log hides. It may never reach the hub.
    fn rogue_says(&mut self, says: &Administration, word: Word) -> Result<Entry, Failure> {
        std::mem::swap(&mut self.hostile, &mut self.rogue);
        let how = (says.kind(), kind::ADMINISTRATION_SCHEMA);
        let entry = self.hostile.append(how, None, says.encode());
        if says.kind() == kind::ERASE || self.hostile.has_ended() {
            self.hostile.note_end();
            self.hostile.others.insert(entry.id.0);
        } else {
            self.note_kept(&entry);
            let by = Some(self.hostile_hand());
            self.done.said.push(Said { id: entry.id.0, by, word });
            self.may_be_gone.insert(entry.id.0);
        }
        let sent = self.send_path();
        std::mem::swap(&mut self.hostile, &mut self.rogue);
        sent.map(|()| entry)
    }

    /// Writes on another branch of its log.
    fn rogue_forks(&mut self, dice: &mut ChaCha8Rng) -> Result<(), Failure> {
        std::mem::swap(&mut self.hostile, &mut self.rogue);
        let forked = self.fork(dice);
        std::mem::swap(&mut self.hostile, &mut self.rogue);
        forked
    }

    fn is_said(&self, entry: &Entry) -> bool {
        self.done.said.last().is_some_and(|said| said.id == entry.id.0)
    }

    /// Erasures are the root's alone; requests do nothing.
    fn rogue_erases(
        &mut self,
        victim: Option<(EntryId, u8)>,
        dice: &mut ChaCha8Rng,
    ) -> Result<(), Failure> {
        let Some((victim, _)) = victim else { return Ok(()) };
        let records = vec![victim.record()];
        let says = if dice.random_bool(0.7) {
            Administration::Erase { team: TEAMS[0], records }
        } else {
            Administration::AskErase { records }
        };
        self.rogue_says(&says, Word::Nothing).map(drop)
    }

    /// Revokes a worker, and keeps some of the logs as they stand on the hub; of others tips that were never
    /// written: those that the worker did not sign keep nothing.
    fn rogue_revokes(&mut self, dice: &mut ChaCha8Rng) -> Result<(), Failure> {
        let is_workers = |certified: &&Certified| {
            certified.team == 0 && self.hands[&certified.label].1 == Role::Worker
        };
        let workers: Vec<Certified> =
            self.certificates.iter().filter(is_workers).copied().collect();
        let Some(chosen) = workers.choose(dice).copied() else { return Ok(()) };
        let certificate = EntryId(chosen.label);
        let hub = self.hub();
        let of_logs = hub.tips_to_keep(certificate)?;
        let logs: BTreeSet<_> = of_logs.iter().map(|kept| kept.log).collect();
        let stays: BTreeSet<_> = logs.iter().filter(|_| dice.random_bool(0.5)).copied().collect();
        let mut kept: Vec<KeptTip> =
            of_logs.into_iter().filter(|kept| stays.contains(&kept.log)).collect();
        let entries = hub.entries()?;
        let is_kept =
            |entry: &&kitbag_core::store::HeldEntry| entry.is_carried && stays.contains(&entry.log);
        let mut labels: BTreeSet<Label> =
            entries.iter().filter(is_kept).map(|entry| entry.id.0).collect();
        let mut made_up = None;
        if let Some(log) = logs.difference(&stays).next().copied() {
            let of_log = entries.iter().filter(|entry| entry.log == log);
            let length = of_log.clone().map(|entry| entry.position).max().unwrap_or(0);
            let position = length + dice.random_range(1..=MADE_UP_MAX);
            let tip = Tip { position, id: EntryId(dice.random()) };
            // The worker who writes by hand helps.
            let signs = self.hostile.certificate == certificate;
            let signature = sign(if signs { &self.hostile.key } else { &self.rogue.key }, log, tip);
            kept.push(KeptTip { log, tip, signature });
            if signs {
                labels.extend(of_log.map(|entry| entry.id.0));
                let written = self.hostile.written.iter();
                let below = written.filter(|(of, at, _)| *of == log && *at <= position);
                labels.extend(below.map(|(_, _, entry)| *entry));
                made_up = Some((log, position));
            }
        }
        kept.sort_by_key(|kept| (kept.log, kept.tip));
        let says = Administration::Revoke { certificate, kept };
        let word = Word::Revoke { certificate: chosen.label, kept: labels };
        let entry = self.rogue_says(&says, word)?;
        if let Some((log, position)) = made_up.filter(|_| self.is_said(&entry)) {
            self.made_up.push((entry.id.0, log, position));
        }
        Ok(())
    }

    /// Below a tip that is kept and was never written, what comes counts as kept.
    pub(super) fn note_kept(&mut self, entry: &Entry) {
        let (log, position) = (entry.header.log, entry.header.position);
        let by: Vec<Label> = self
            .made_up
            .iter()
            .filter(|(_, of, to)| *of == log && position <= *to)
            .map(|(by, _, _)| *by)
            .collect();
        for said in self.done.said.iter_mut().filter(|said| by.contains(&said.id)) {
            if let Word::Revoke { kept, .. } = &mut said.word {
                kept.insert(entry.id.0);
            }
        }
    }

    /// Certifies one more worker, who is hostile, too.
    fn rogue_certifies(&mut self) -> Result<(), Failure> {
        if self.sybil.certificate != EntryId::NONE {
            return Ok(());
        }
        const WORKS: Given = Given { role: 1, team: 0, continues: None };
        let (key, role) = (self.sybil.key(), CertifiedRole::Worker);
        let certificate = Certificate {
            key,
            role,
            team: TEAMS[0],
            renew_by: None,
            continues: None,
            made_at: kitbag_core::model::UnixMillis(0),
        };
        let entry = self.rogue_says(&Administration::Certify(certificate), Word::Certify(WORKS))?;
        if self.is_said(&entry) {
            self.sybil.certificate = entry.id;
            self.hands.insert(entry.id.0, (Hostile::SYBIL, Role::Worker));
            let (label, person) = (entry.id.0, Hostile::SYBIL);
            self.certificates.push(Certified { label, person, team: 0 });
        }
        Ok(())
    }

    /// Accepts what roles or revocations keep out, of its own, too.
    fn rogue_accepts(&mut self, dice: &mut ChaCha8Rng) -> Result<(), Failure> {
        let certificates = self.certificates.clone();
        let own = self.rogue.certificate;
        let hub = self.hub();
        let mut refused: Vec<(EntryId, Waiver)> = Vec::new();
        for entry in hub.entries()? {
            let is_of_team = hub.chains().log(&entry.log).is_some_and(|of| of.team == TEAMS[0]);
            match entry.verdict.filter(|_| is_of_team && entry.kind >= kind::RECORDS_FROM) {
                Some(Verdict::Refused(Refusal::Role)) => refused.push((entry.id, Waiver::Role)),
                Some(Verdict::Refused(Refusal::Revoked)) => {
                    refused.push((entry.id, Waiver::Revoked));
                }
                _ => {}
            }
        }
        let of_team = certificates.iter().filter(|certified| certified.team == 0);
        for certificate in of_team.map(|certified| EntryId(certified.label)).chain([own]) {
            if hub.authority().is_revoked(&certificate) {
                let aside = aside(hub, certificate)?;
                refused.extend(aside.iter().map(|entry| (entry.id, Waiver::Revoked)));
            }
        }
        let meant: BTreeSet<Label> = self.done.intents.iter().map(|intent| intent.id).collect();
        refused.retain(|(id, _)| meant.contains(&id.0));
        let Some((entry, waiver)) = refused.choose(dice).copied() else { return Ok(()) };
        let waived = match waiver {
            Waiver::Role => Waived::Role,
            Waiver::Revoked => Waived::Revoked,
        };
        let says = Administration::Accept { waived, entries: vec![entry] };
        self.rogue_says(&says, Word::Accept { waiver, entry: entry.0 }).map(drop)
    }

    /// Says of a log that whatever is claimed of it is nothing.
    fn rogue_sets_aside(&mut self, dice: &mut ChaCha8Rng) -> Result<(), Failure> {
        let logs: Vec<_> = self.hub().chains().of_team(TEAMS[0]).map(|(log, _)| *log).collect();
        let Some(log) = logs.choose(dice).copied() else { return Ok(()) };
        let says = Administration::SetAside { log, position: u64::MAX };
        self.rogue_says(&says, Word::Nothing).map(drop)
    }
}

/// All that a hub keeps aside of a certificate, page by page.
pub(super) fn aside(hub: &Store, certificate: EntryId) -> Result<Vec<Entry>, Failure> {
    let mut aside: Vec<Entry> = Vec::new();
    loop {
        let page = hub.kept_aside(certificate, aside.last().map(|last| last.id))?;
        if page.is_empty() {
            return Ok(aside);
        }
        aside.extend(page.iter().flat_map(Run::expand));
    }
}
