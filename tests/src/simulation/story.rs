//! A seed's story in words: who did what, and what became of it.

use super::plan::{Plan, Step};
use super::play;
use super::world::{COORDINATORS, ROOT};
use std::cell::RefCell;

thread_local! {
    /// What happened so far, where somebody wants to hear it.
    static STORY: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// What happens in a plan, step by step, up to where it fails; the last line says why, or that it held.
pub fn story(seed: u64, plan: &Plan) -> Vec<String> {
    STORY.set(Some(Vec::new()));
    let end = match play(seed, plan) {
        Ok(_) => "All stores are equal, and equal to the oracle.".to_owned(),
        Err(failure) => format!("Then it failed: {}", failure.0),
    };
    let mut lines = STORY.take().unwrap_or_default();
    lines.push(end);
    lines
}

/// A step begins: who is to do something, by the number of the phone.
pub(super) fn begins(step: Step, day: i64, (anybody, worker): (usize, usize)) {
    tell(|lines| {
        let (number, by) = (lines.len() + 1, if is_of_a_worker(step) { worker } else { anybody });
        lines.push(format!("{number}. day {day}: {}", in_words(step, &name(by))));
    });
}

/// What became of the step that goes on.
pub(super) fn became(what: &str) {
    tell(|lines| {
        if let Some(last) = lines.last_mut() {
            last.push_str(": ");
            last.push_str(what);
        }
    });
}

fn tell(add: impl FnOnce(&mut Vec<String>)) {
    STORY.with_borrow_mut(|story| story.as_mut().map(add));
}

fn name(phone: usize) -> String {
    match phone {
        ROOT => "the root".to_owned(),
        phone if COORDINATORS.contains(&phone) => format!("the coordinator with phone {phone}"),
        phone => format!("the worker with phone {phone}"),
    }
}

fn is_of_a_worker(step: Step) -> bool {
    matches!(step, Step::Certify | Step::BackUp | Step::Restore | Step::Clone | Step::Leave)
}

fn in_words(step: Step, who: &str) -> String {
    match step {
        Step::Create => format!("{who} records something"),
        Step::Correct => format!("{who} corrects a record"),
        Step::Void => format!("{who} voids a record, or takes that back"),
        Step::Duplicate => format!("{who} says that two records are one event"),
        Step::Add => format!("{who} adds to a record"),
        Step::PutIn => format!("{who} corrects what was added"),
        Step::Undo => format!("{who} takes their last change back"),
        Step::Sync => "a phone begins to sync".to_owned(),
        Step::Carry => format!("a bundle of {who} is carried to another phone"),
        Step::Deliver => "a message arrives".to_owned(),
        Step::Lose => "a message is lost".to_owned(),
        Step::Twice => "a message is on its way twice".to_owned(),
        Step::Cut => "a message loses its end".to_owned(),
        Step::Settle => "the hub judges some of what came".to_owned(),
        Step::Revoke => "somebody's certificate is revoked".to_owned(),
        Step::Certify => format!("{who} is certified anew"),
        Step::Accept => "a coordinator accepts what was refused".to_owned(),
        Step::Erase => "somebody wants a record erased".to_owned(),
        Step::Crash => "a machine will stop at one of its next changes".to_owned(),
        Step::BackUp => format!("the files of {who} are copied aside"),
        Step::Restore => format!("{who} goes on from the older copy"),
        Step::Clone => format!("a second phone goes on from a copy of {who}"),
        Step::BackUpHub => "the hub's files are copied aside".to_owned(),
        Step::RestoreHub => "the hub goes on from its older copy".to_owned(),
        Step::Reopen => format!("{who} closes the app and opens it"),
        Step::Leave => format!("{who} syncs, and means to leave a team"),
        Step::NewPhone => "a worker comes with a new phone".to_owned(),
        Step::Import => format!("{who} imports a row of the file"),
        Step::KeepApart => format!("{who} says that two records are two events"),
        Step::Label => format!("{who} says what a device is called"),
        Step::Clock => format!("{who} sets the clock, or the battery was empty"),
        Step::Hostile => "somebody hostile does something".to_owned(),
    }
}
