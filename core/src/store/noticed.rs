//! What commits changed, for whoever shows it: a summary, not the entries.

use super::Store;
use crate::model::{Kind, RecordId};
use std::collections::BTreeSet;

/// The most records that a summary names; of more it says that many changed.
pub const NOTICED_MAX: usize = 500;

/// What changed in a store since it was asked last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noticed {
    /// The records of which a row was written or went, at most 500.
    pub records: BTreeSet<RecordId>,
    /// Whether more changed than are named.
    pub is_many: bool,
    /// Their kinds.
    pub kinds: BTreeSet<Kind>,
    /// Whether sums or balances may have changed.
    pub sums: bool,
    /// Whether what the hub is known to hold changed.
    pub delivery: bool,
    /// Whether a record that needs a person may be new, or settled.
    pub attention: bool,
    /// Whether what is said of the last sync, of teams or of the hub changed.
    pub state: bool,
}

impl Noticed {
    /// Everything may have changed.
    pub fn everything() -> Self {
        let kinds = Kind::ALL.into_iter().collect();
        let (is_many, sums, delivery, attention, state) = (true, true, true, true, true);
        Noticed { records: BTreeSet::new(), kinds, is_many, sums, delivery, attention, state }
    }

    /// Whether nothing changed.
    pub fn is_nothing(&self) -> bool {
        *self == Noticed::default()
    }

    /// Adds what another summary says.
    pub fn add(&mut self, other: &Noticed) {
        self.is_many |= other.is_many;
        for record in &other.records {
            self.note(*record);
        }
        self.kinds.extend(&other.kinds);
        self.sums |= other.sums;
        self.delivery |= other.delivery;
        self.attention |= other.attention;
        self.state |= other.state;
    }

    fn note(&mut self, record: RecordId) {
        if self.records.len() < NOTICED_MAX || self.records.contains(&record) {
            self.records.insert(record);
        } else {
            self.is_many = true;
        }
    }
}

impl Store {
    /// What changed since this was asked last; what was rolled back meanwhile may be among it.
    pub fn take_noticed(&mut self) -> Noticed {
        std::mem::take(self.noticed.get_mut())
    }

    pub(super) fn notice_record(&self, record: RecordId, kind: Kind) {
        let mut noticed = self.noticed.borrow_mut();
        noticed.note(record);
        noticed.kinds.insert(kind);
        (noticed.sums, noticed.attention) = (true, true);
    }

    pub(super) fn notice_delivery(&self) {
        self.noticed.borrow_mut().delivery = true;
    }

    pub(super) fn notice_everything(&self) {
        self.noticed.borrow_mut().add(&Noticed::everything());
    }

    pub(super) fn notice_state(&self) {
        self.noticed.borrow_mut().state = true;
    }
}
