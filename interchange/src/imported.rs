//! What a file gave: rows taken and refused, and what it speaks of at all.

use crate::mapping::Mapping;
use kitbag_core::model::Form;
use std::collections::{BTreeMap, BTreeSet};

/// A row that was not taken. Never carries the row's contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedRow {
    /// The row's place in the table, from 0, the header not counted.
    pub row: usize,
    /// The line in the file, from 1.
    pub line: u64,
    /// A stable code.
    pub reason: String,
    /// The column or field, and what is allowed.
    pub detail: String,
}

/// Rows that became a record.
#[derive(Debug)]
pub struct Taken {
    /// The rows' places in the table, from 0, the header not counted, and their lines in the file: several where they are
    /// of one event.
    pub rows: Vec<(usize, u64)>,
    /// The record.
    pub form: Form,
    /// What tells the event from all others.
    pub key: RowKey,
}

/// What tells an event from all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowKey {
    /// The file itself names it.
    Named(String),
    /// It is the n-th of its row in this file: other files may have the same row for another event.
    Counted {
        /// A digest of the file.
        file: String,
        /// A digest of what the mapping reads of the row.
        row: String,
        /// How many equal rows came before it in the file.
        before: u64,
    },
}

impl std::fmt::Display for RowKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RowKey::Named(name) => f.write_str(name),
            RowKey::Counted { file, row, before } => write!(f, "{file}.{row}.{before}"),
        }
    }
}

/// What a file gave.
#[derive(Debug, Default)]
pub struct Imported {
    /// All rows of the file that say something, the refused among them.
    pub rows: u64,
    /// The records, in the file's order.
    pub taken: Vec<Taken>,
    /// The rows refused, in the file's order.
    pub refused: Vec<RefusedRow>,
    /// Every site that a row names, also one whose rows were all refused.
    pub sites: BTreeSet<String>,
    /// How often each column says a word that is in no table and no list.
    pub unknown_words: BTreeMap<(String, String), u64>,
    /// What the file speaks of at all.
    pub mapped: Mapped,
}

/// What a file speaks of: where it says nothing there now, an answer was taken away.
#[derive(Clone, Debug, Default)]
pub struct Mapped {
    fields: BTreeSet<String>,
    sets: BTreeSet<String>,
    pub(crate) lists: BTreeSet<String>,
}

impl Mapped {
    pub(crate) fn of(mapping: &Mapping) -> Self {
        let fields = mapping.fields.iter().map(|mapped| mapped.field.clone());
        let sets = mapping.sets.iter().map(|mapped| mapped.set.clone());
        let lists = mapping.lists.iter().map(|mapped| mapped.list.clone());
        Mapped { fields: fields.collect(), sets: sets.collect(), lists: lists.collect() }
    }

    /// Whether it says what a field's answer is. What names the row, voids it or links it, a person may have said since.
    pub(crate) fn has(&self, field: &str) -> bool {
        let beside = ["import_key", "void", "duplicate_of", "distinct"];
        let set = field.split_once('.').map_or(field, |(set, _)| set);
        !beside.contains(&field) && (self.fields.contains(field) || self.sets.contains(set))
    }

    pub(crate) fn has_list(&self, list: &str) -> bool {
        self.lists.contains(list)
    }

    pub(crate) fn lists(&self) -> impl Iterator<Item = &str> {
        self.lists.iter().map(String::as_str)
    }
}
