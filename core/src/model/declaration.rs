//! How a kind of record is declared: its fields, the rules that no single field holds, and what it
//! adds to totals. Checks, projection, indicators, flags, columns and documentation follow from it.

use super::Answers;
use super::field::Field;
use super::indicator::{Derived, Indicator, Share};
use super::rules::{Contradiction, Rule};
use super::stock::StockMove;

/// What a worker may do with records of a kind; a coordinator may do all in the team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerMay {
    /// Create records, and change its own.
    ItsOwn,
    /// The same, and append elements of its own to this list of any record of the team.
    ItsOwnAndAppend(&'static str),
    /// Only records of its own in which this field has one of these codes.
    ItsOwnWhere(&'static str, &'static [&'static str]),
    /// Nothing.
    Nothing,
}

/// A kind of record, declared once.
#[derive(Debug)]
pub struct Declaration {
    /// The kind's name in the data dictionary, on the command line and in exports.
    pub name: &'static str,
    /// Its number in an entry's header, from 16. A number once given is never given again.
    pub number: u8,
    /// What it is, in English.
    pub about: &'static str,
    /// Its fields beside the envelope's.
    pub fields: &'static [Field],
    /// The rules that no single field holds.
    pub rules: &'static [Rule],
    /// What a worker may do.
    pub worker_may: WorkerMay,
    /// What totals count of it.
    pub indicators: &'static [Indicator],
    /// What is shown of indicators as a share of others.
    pub shares: &'static [Share],
    /// The fields that two people who record one event would answer alike; `None` where records of one
    /// day and site are commonly alike and say nothing of each other.
    pub same_event: Option<&'static [&'static str]>,
    /// Codes that follow from a record's other answers.
    pub derived: &'static [Derived],
    /// Answers that cannot both be true.
    pub contradictions: &'static [Contradiction],
    /// How a record moves stock.
    pub stock: Option<fn(&Answers) -> Vec<StockMove>>,
}
