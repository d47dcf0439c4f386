//! Who may look at totals and nothing else, and writes all the same; and signatures over what others wrote.

use super::Failure;
use super::hostile::{REVERSAL, creation};
use super::oracle::{Given, Said, Word};
use super::people::operation;
use super::world::{Certified, TEAMS, WORKERS, World};
use kitbag_core::identity::Role;
use kitbag_core::log::entry::{Tip, sign};
use kitbag_core::log::payload::Open;
use kitbag_core::log::run::{Run, SignedTip};
use kitbag_core::model::EntryId;
use kitbag_core::store::Peer;
use kitbag_core::sync::Message;
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

const OBSERVES: Given = Given { role: 3, team: 0, continues: None };

impl World {
    pub(super) fn enrol_observer(&mut self) -> Result<(), Failure> {
        let key = self.observer.key();
        let by = Some(self.hand(1, 0)?);
        let certificate = self.engine(1).certify(key, Role::Observer, TEAMS[0])?.certificate;
        self.done.said.push(Said { id: certificate.0, by, word: Word::Certify(OBSERVES) });
        self.observer.certificate = certificate;
        // An honest one: the worker of the other team looks at this one's totals.
        let (at, by) = (WORKERS.end - 1, Some(self.hand(1, 0)?));
        let key = self.engine(at).device_key();
        let enrolment = self.engine(1).certify(key, Role::Observer, TEAMS[0])?;
        let (label, person) = (enrolment.certificate.0, self.phones[at].person);
        self.done.said.push(Said { id: label, by, word: Word::Certify(OBSERVES) });
        self.hands.insert(label, (person, super::oracle::Role::Worker));
        self.certificates.push(Certified { label, person, team: 0 });
        Ok(self.engine(at).join(&enrolment)?)
    }

    /// What it writes counts nowhere: behind its `open` its log ends.
    pub(super) fn observer_act(&mut self, dice: &mut ChaCha8Rng) -> Result<(), Failure> {
        std::mem::swap(&mut self.hostile, &mut self.observer);
        let done = match dice.random_range(0..3) {
            0 => self.observer_writes(),
            1 => self.sign_over(dice),
            _ => self.claim(dice),
        };
        std::mem::swap(&mut self.hostile, &mut self.observer);
        done
    }

    /// What would be a record of a worker's, and one behind it.
    fn observer_writes(&mut self) -> Result<(), Failure> {
        for _ in 0..2 {
            let deeds = creation(REVERSAL, &mut self.hostile.random);
            let operations = deeds.iter().map(|deed| operation(REVERSAL, deed)).collect();
            let payload = self.hostile.payload(self.at(), Vec::new(), operations);
            let entry = self.hostile.append((REVERSAL, 1), None, payload);
            self.hostile.others.insert(entry.id.0);
            self.hostile.note_end();
        }
        self.send_path()
    }

    /// Signs for a colleague's entry, in its own log or in the colleague's.
    pub(super) fn sign_over(&mut self, dice: &mut ChaCha8Rng) -> Result<(), Failure> {
        let own_key = self.hostile.key();
        let hub = self.hub();
        let of_others: Vec<_> = hub
            .chains()
            .of_team(TEAMS[0])
            .filter(|(_, info)| info.key != own_key)
            .filter_map(|(log, _)| Some((*log, *hub.tips(log).first()?)))
            .collect();
        let Some((log, tip)) = of_others.choose(dice).copied() else { return Ok(()) };
        let runs = hub.page_of(&[log], &Peer::default(), None)?;
        let signed = if dice.random_bool(0.5) {
            let certificate = self.hostile.certificate;
            let random = self.hostile.random.random();
            let open = Open { key: own_key, team: TEAMS[0], random, certificate };
            let tip = Tip { position: tip.position.max(2), id: tip.id };
            let log = open.log();
            SignedTip { log, signature: sign(&self.hostile.key, log, tip), open, tip }
        } else {
            let entries = runs.first().map(Run::expand).unwrap_or_default();
            let open = entries.first().and_then(|open| open.payload.as_deref());
            let open = open.and_then(|payload| Open::decode(payload).ok());
            let Some(open) = open else { return Ok(()) };
            let tip = Tip { position: tip.position + 1, id: EntryId(dice.random()) };
            SignedTip { log, signature: sign(&self.hostile.key, log, tip), open, tip }
        };
        self.hostile.has_claimed = true;
        let message = Message { teams: vec![TEAMS[0]], signed: vec![signed], ..Message::default() };
        self.fly(message.encode());
        Ok(())
    }
}
