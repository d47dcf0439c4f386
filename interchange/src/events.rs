//! Which rows of a table are one event, and which are none.

use crate::imported::{Imported, RefusedRow};
use crate::mapping::Only;
use crate::reading::{Event, Reading};
use crate::table::{RowFault, TableRow};
use crate::values::{Refusal, refusal, same};
use std::collections::BTreeMap;

impl Reading<'_> {
    /// The rows of each event, in the order of their first ones; rows that are none are refused here.
    pub(crate) fn events(&self, imported: &mut Imported) -> Vec<Event> {
        let mut events: Vec<Event> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let mut spelled: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (at, row) in self.table.rows.iter().enumerate() {
            let site = self.mapping.fields.iter().find(|mapped| mapped.field == "site");
            if let Some(site) = site.filter(|_| row.fault.is_none()) {
                imported.sites.extend(site.word(self.cell(row, &site.column)));
            }
            let admitted = fault_of(row).and_then(|()| self.admit(row));
            let is_left_out = matches!(&admitted, Err((reason, _)) if self.is_left_out(reason));
            let id = self.id(row);
            // A row that is no part of what is taken says nothing of an event, nor does one that names none.
            let (id, broken) = match (admitted, id) {
                (Ok(()), Ok(id)) => (id, None),
                (Err(refused), Ok(Some(id))) if !is_left_out => (Some(id), Some((at, refused))),
                (Err((reason, detail)), _) | (Ok(()), Err((reason, detail))) => {
                    imported.refused.push(RefusedRow { row: at, line: row.line, reason, detail });
                    continue;
                }
            };
            let Some(id) = id else {
                events.push(Event { id: None, rows: vec![at], broken });
                continue;
            };
            let spelling = self.id_as_spelled(row);
            let broken = broken.or_else(|| {
                let other = spelled.get(&id).is_some_and(|before| *before != spelling);
                let detail = "another row of the file spells the id of this event otherwise: if they are one event, spell it \
                              alike; if they are two, give each an id that is not a number";
                other.then(|| (at, refusal("id_spelled_twice", detail)))
            });
            spelled.entry(id.clone()).or_insert(spelling);
            match known.get(&id) {
                Some(event) => {
                    let event = &mut events[*event];
                    event.rows.push(at);
                    event.broken = event.broken.take().or(broken);
                }
                None => {
                    known.insert(id.clone(), events.len());
                    events.push(Event { id: Some(id), rows: vec![at], broken });
                }
            }
        }
        events
    }

    /// Whether a row refused so is none of those that the mapping takes: it says so of its own.
    fn is_left_out(&self, reason: &str) -> bool {
        let declared = |only: &Only| only.refuse.values().any(|said| said == reason);
        reason == "not_taken" || self.mapping.only.all().iter().any(declared)
    }

    fn admit(&self, row: &TableRow) -> Result<(), Refusal> {
        for only in self.mapping.only.all() {
            let word = self.cell(row, &only.column);
            let (take, not) = (only.take.all(), only.not.all());
            let is_taken = match take.is_empty() {
                true => {
                    !not.iter().any(|other| same(other, word))
                        && !only.refuse.keys().any(|other| same(other, word))
                }
                false => take.iter().any(|taken| same(taken, word)),
            };
            if is_taken {
                continue;
            }
            if let Some((_, reason)) = only.refuse.iter().find(|(other, _)| same(other, word)) {
                return Err(refusal(reason, &format!("column {}", only.column)));
            }
            if not.iter().any(|other| same(other, word)) {
                return Err(refusal("not_taken", &format!("column {}", only.column)));
            }
            let allowed = only.refuse.keys().chain(take).map(String::as_str).collect::<Vec<_>>();
            let detail = format!("column {}: expected {}", only.column, allowed.join(" or "));
            return Err(refusal("unreadable", &detail));
        }
        Ok(())
    }
}

/// What is wrong with a row as a whole.
pub(crate) fn fault_of(row: &TableRow) -> Result<(), Refusal> {
    match row.fault {
        None => Ok(()),
        Some(RowFault::Width) => {
            Err(refusal("unreadable", "the row has another number of columns than the header"))
        }
        Some(RowFault::Encoding) => Err(refusal(
            "not_utf8",
            "the row holds bytes of another encoding than the file's; say --encoding",
        )),
        Some(RowFault::Merged) => Err(refusal(
            "merged_cells",
            "cells of the row are merged: take them apart in the spreadsheet, so that each says what it says",
        )),
        Some(RowFault::Formula) => Err(refusal(
            "formula",
            "a formula in the row has an error, or its result was not saved: open the file in a spreadsheet, mend it, and \
             save it",
        )),
        Some(RowFault::Open) => Err(refusal(
            "quote_not_closed",
            "a quotation mark in this row is never closed: rows behind it may be in it",
        )),
    }
}
