//! What becomes of messages and bundles on their way.

use super::Failure;
use super::plan::Step;
use super::world::{Packet, TEAMS, World};
use kitbag_core::engine::{BundleError, BundleOf, EngineError};
use kitbag_core::sync;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

type Dice = ChaCha8Rng;

impl World {
    pub(super) fn begin_sync(&mut self, at: usize, dice: &mut Dice) -> Result<(), Failure> {
        let mut session = self.some_session(at, dice);
        let device = self.engine(at).device_key();
        if let Some(bytes) = self.engine(at).request(&mut session)? {
            self.in_flight.push(Packet { phone: Some(at), device, to_hub: true, bytes });
        }
        self.phones[at].session = Some(session);
        Ok(())
    }

    /// A bundle goes from one phone to another, sometimes in part, whether they are of one team or not.
    pub(super) fn carry(&mut self, from: usize, dice: &mut Dice) -> Result<(), Failure> {
        let Some(team) = self.team_of(from, dice)? else { return Ok(()) };
        let to = dice.random_range(0..self.phones.len());
        let of = if dice.random_bool(0.5) { BundleOf::Waiting } else { BundleOf::Everything };
        let mut bytes = Vec::new();
        match self.engine(from).export_bundle(TEAMS[team], of, &mut bytes, |_| {}) {
            Ok(_) => {}
            // A key may have to be made first, which can fail as any save.
            Err(BundleError::Engine(error)) => {
                return match error {
                    EngineError::NoTeamKey | EngineError::NotAMember => Ok(()),
                    other => self.after_phone::<()>(from, Err(other)).map(drop),
                };
            }
            Err(other) => return Err(Failure(other.to_string())),
        }
        if dice.random_bool(0.3) {
            bytes.truncate(dice.random_range(0..=bytes.len()));
        }
        match self.engine(to).import_bundle(&mut bytes.as_slice(), |_| {}) {
            Err(BundleError::Engine(error)) => self.after_phone::<()>(to, Err(error)).map(drop),
            Ok(_) | Err(_) => self.after_phone(to, Ok(())).map(drop),
        }
    }

    pub(super) fn deliver(&mut self, dice: &mut Dice) -> Result<(), Failure> {
        if self.in_flight.is_empty() {
            return Ok(());
        }
        let packet = self.in_flight.remove(dice.random_range(0..self.in_flight.len()));
        if packet.to_hub {
            let answer = match self.hub_answers(packet.device, &packet.bytes) {
                Err(sync::SyncError::Message(_)) => {
                    self.note("was not readable");
                    return Ok(());
                }
                answer => self.after_hub(answer)?,
            };
            if let (Some(bytes), Some(_)) = (answer, packet.phone) {
                self.in_flight.push(Packet { to_hub: false, bytes, ..packet });
            }
            return Ok(());
        }
        let Some(at) = packet.phone else { return Ok(()) };
        let Some(mut session) = self.phones[at].session.take() else { return Ok(()) };
        let device = packet.device;
        let taken = self.engine(at).reply(&mut session, &packet.bytes);
        let is_open = self.after_phone(at, taken)?.is_some();
        if is_open && let Some(bytes) = self.engine(at).request(&mut session)? {
            self.in_flight.push(Packet { phone: Some(at), device, to_hub: true, bytes });
            self.phones[at].session = Some(session);
        }
        Ok(())
    }

    pub(super) fn disturb(&mut self, step: Step, dice: &mut Dice) {
        if self.in_flight.is_empty() {
            return;
        }
        let at = dice.random_range(0..self.in_flight.len());
        match step {
            Step::Lose => _ = self.in_flight.remove(at),
            Step::Twice => {
                let again = self.in_flight[at].clone();
                self.in_flight.push(again);
            }
            _ => {
                let bytes = &mut self.in_flight[at].bytes;
                bytes.truncate(dice.random_range(0..=bytes.len()));
            }
        }
    }
}
