//! Which of several records of one event counts, by links that have effect (docs/adr/0015).
//!
//! A link takes out the record in which it is written, never the one that it names. A record counts if it
//! stands and no chain of links leads from it to one that stands; of a ring, the lowest id that stands.

use super::rows::{Row, State};
use super::{Store, StoreError};
use crate::identity::Role;
use crate::log::Authority;
use crate::model::{Answer, DeviceKey, EntryId, LogId, RecordId};
use std::collections::{BTreeMap, BTreeSet};

/// A record with what links lead on from it.
struct Node {
    row: Row,
    /// The person who made it, as far as its log stands.
    person: Option<EntryId>,
    to: Vec<RecordId>,
}

impl Node {
    /// Whether it is not void.
    fn stands(&self) -> bool {
        self.row.state != State::Void
    }
}

impl Store {
    /// Looks anew at all records from which a chain of links leads to one that changed.
    pub(super) fn settle_duplicates(&mut self) -> Result<(), StoreError> {
        if self.judging.relinked.is_empty() {
            return Ok(());
        }
        let changed = std::mem::take(&mut self.judging.relinked);
        let mut nodes: BTreeMap<RecordId, Node> = BTreeMap::new();
        let affected = self.all_that_lead_to(changed)?;
        self.follow(&affected, &mut nodes)?;
        let taken_out = taken_out(&nodes);
        for id in affected {
            let Some(node) = nodes.get(&id).filter(|node| node.stands()) else { continue };
            let wanted = if taken_out.contains(&id) { State::Duplicate } else { State::Counted };
            let mut row = node.row.clone();
            if wanted == row.state {
                continue;
            }
            self.count(&row, -1);
            row.state = wanted;
            self.sql()?
                .prepare_cached("UPDATE record SET state = ?2 WHERE number = ?1")?
                .execute((row.number, wanted.number()))?;
            self.count(&row, 1);
        }
        Ok(())
    }

    /// These records, and all from which links that may have effect lead to them. What others write
    /// without effect is not looked at, however much it is.
    fn all_that_lead_to(
        &self,
        mut set: BTreeSet<RecordId>,
    ) -> Result<BTreeSet<RecordId>, StoreError> {
        let mut next: Vec<RecordId> = set.iter().copied().collect();
        let mut statement = self.sql()?.prepare_cached(
            "SELECT a FROM link WHERE b = ?1 AND by_coordinator = 1
             UNION ALL SELECT a FROM link WHERE b = ?1 AND author = ?2
             UNION ALL SELECT a FROM link WHERE b = ?1 AND person = ?3",
        )?;
        let mut sets = BTreeSet::new();
        while let Some(id) = next.pop() {
            // Also of a record that stands here no more, so that what it took out comes back.
            let Some((author, person)) = self.maker(id)? else { continue };
            let asked = (id.0, author.0, person.map(|person| person.0));
            let found = statement.query_map(asked, |row| Ok(RecordId(row.get(0)?)))?;
            let mut found: Vec<RecordId> = found.collect::<Result<_, _>>()?;
            // What is made of the same row leads to the one that counts.
            if let Some(of) = self.set_of(id)?.filter(|of| sets.insert(*of)) {
                found.extend(self.linked_of_set(&of)?);
            }
            next.extend(found.into_iter().filter(|found| set.insert(*found)));
        }
        Ok(set)
    }

    /// The key that made a record whose creation is held, and the person where its log stands.
    pub(super) fn maker(
        &self,
        id: RecordId,
    ) -> Result<Option<(DeviceKey, Option<EntryId>)>, StoreError> {
        let Some(number) = self.number_of(id)? else { return Ok(None) };
        let mut statement = self.sql()?.prepare_cached(
            "SELECT log.id FROM entry JOIN log ON log.number = entry.log WHERE arrival = ?1",
        )?;
        let log = statement.query_row([number], |row| Ok(LogId(row.get(0)?)))?;
        let person = self.authority.standing(&log).map(|standing| standing.person);
        Ok(self.logs.get(&log).map(|log| (log.open.key, person)))
    }

    /// Whether a device with this key and certificate may write what reaches from one record to the other: it is a
    /// coordinator's of their team, or one person made both.
    pub fn may_write_both(
        &self,
        (key, certificate): (DeviceKey, EntryId),
        one: RecordId,
        other: RecordId,
    ) -> Result<bool, StoreError> {
        let (Some(first), Some(second)) = (self.row(one)?, self.row(other)?) else {
            return Ok(false);
        };
        let alike = (first.team, first.answers.kind) == (second.team, second.answers.kind);
        let named = self.authority.certificate(&certificate);
        let is_coordinators =
            named.is_some_and(|named| (named.role, named.team) == (Role::Coordinator, first.team));
        let (Some(first), Some(second)) = (self.maker(one)?, self.maker(other)?) else {
            return Ok(false);
        };
        let person = Some(self.authority.person(&certificate));
        let made_both = (first.0 == key && second.0 == key)
            || (first.1.is_some() && first.1 == person && second.1 == person);
        Ok(alike && (is_coordinators || made_both))
    }

    /// Whether one record says of another, by a word that has effect, that they are two.
    pub fn says_distinct(&self, one: RecordId, other: RecordId) -> Result<bool, StoreError> {
        let Some(row) = self.row(one)? else { return Ok(false) };
        let field = format!("distinct.{other}");
        if row.answers.get(&field) != Some(&Answer::Flag(true)) {
            return Ok(false);
        }
        let Some(record) = self.record(one)? else { return Ok(false) };
        let Some((_, by)) = record.fields.get(&field).and_then(|values| values.last()) else {
            return Ok(false);
        };
        let Some(change) = record.change(by) else { return Ok(false) };
        let Some(second) = self.row(other)? else { return Ok(false) };
        let alike = (row.team, row.answers.kind) == (second.team, second.answers.kind);
        let (Some(first), Some(second)) = (self.maker(one)?, self.maker(other)?) else {
            return Ok(false);
        };
        let by_key = change.author == first.0 && first.0 == second.0;
        let by_person = change.by_same_person && first.1.is_some() && first.1 == second.1;
        let planted = crate::planted!(StrangersKeepApart);
        Ok(alike && (change.by_coordinator || by_key || by_person || planted))
    }

    /// Where it changed whose person a log is, links between all that the person made are looked at anew.
    pub(super) fn mark_persons_dirty(
        &mut self,
        before: &Authority,
        changed: &[LogId],
    ) -> Result<(), StoreError> {
        let person = |of: &Authority, log: &LogId| of.standing(log).map(|standing| standing.person);
        let left: BTreeSet<EntryId> = changed
            .iter()
            .filter_map(|log| {
                person(before, log).filter(|was| person(&self.authority, log) != Some(*was))
            })
            .collect();
        if left.is_empty() {
            return Ok(());
        }
        let logs: Vec<LogId> = self.logs.keys().copied().collect();
        let of_left =
            |log: &&LogId| person(&self.authority, log).is_some_and(|is| left.contains(&is));
        for log in logs.iter().filter(of_left).copied().collect::<Vec<_>>() {
            self.mark_log_dirty(&log)?;
        }
        Ok(())
    }

    /// Follows the links of effect that lead on from these records, step by step.
    fn follow(
        &self,
        from: &BTreeSet<RecordId>,
        nodes: &mut BTreeMap<RecordId, Node>,
    ) -> Result<(), StoreError> {
        let mut seen = from.clone();
        let mut next: Vec<RecordId> = from.iter().copied().collect();
        while let Some(id) = next.pop() {
            let to = self.effective(id, nodes)?;
            next.extend(to.iter().filter(|to| seen.insert(**to)));
            if let Some(node) = nodes.get_mut(&id) {
                node.to = to;
            }
        }
        Ok(())
    }

    /// A record's node, read once.
    fn node<'a>(
        &self,
        id: RecordId,
        nodes: &'a mut BTreeMap<RecordId, Node>,
    ) -> Result<Option<&'a Node>, StoreError> {
        if !nodes.contains_key(&id)
            && let Some(row) = self.row(id)?
        {
            let person = self.maker(id)?.and_then(|(_, person)| person);
            nodes.insert(id, Node { row, person, to: Vec::new() });
        }
        Ok(nodes.get(&id))
    }

    /// The records to which links of effect lead from one: of the same team and kind, by a coordinator's
    /// word; or by that of the one person who made both, and not from a void record.
    fn effective(
        &self,
        id: RecordId,
        nodes: &mut BTreeMap<RecordId, Node>,
    ) -> Result<Vec<RecordId>, StoreError> {
        let Some(from) = self.node(id, nodes)?.map(|node| node.row.clone()) else {
            return Ok(Vec::new());
        };
        let mut statement = self
            .sql()?
            .prepare_cached("SELECT b, by_coordinator, author, person FROM link WHERE a = ?1")?;
        let rows = statement.query_map([id.0], |row| {
            let author = row.get::<_, Option<[u8; 32]>>(2)?.map(DeviceKey);
            let person = row.get::<_, Option<[u8; 32]>>(3)?.map(EntryId);
            Ok((RecordId(row.get(0)?), row.get::<_, bool>(1)?, author, person))
        })?;
        let mut to = Vec::new();
        if let Some(of) = self.set_of(id)?
            && let Some(counted) = self.counted_of_set(&of)?.filter(|counted| *counted != id)
            && self.node(counted, nodes)?.is_some()
        {
            to.push(counted);
        }
        for row in rows {
            let (other, by_coordinator, author, person) = row?;
            if other == id {
                continue;
            }
            let Some(node) = self.node(other, nodes)? else { continue };
            let alike = (node.row.team, node.row.answers.kind) == (from.team, from.answers.kind);
            let by_key = author == Some(node.row.author);
            let by_person = person.is_some() && person == node.person;
            let by_one = (by_key || by_person) && from.state != State::Void;
            if alike && (by_coordinator || by_one) {
                to.push(other);
            }
        }
        Ok(to)
    }
}

/// The records that do not count: a chain leads from them to another that stands.
fn taken_out(nodes: &BTreeMap<RecordId, Node>) -> BTreeSet<RecordId> {
    let rings = rings(nodes);
    // Rings come out so that those to which links lead stand before those from which they do.
    let ring_of: BTreeMap<RecordId, usize> = rings
        .iter()
        .enumerate()
        .flat_map(|(at, ring)| ring.iter().map(move |id| (*id, at)))
        .collect();
    let mut leads_on: Vec<bool> = Vec::with_capacity(rings.len());
    let mut out = BTreeSet::new();
    let stands = |id: &RecordId| nodes.get(id).is_some_and(Node::stands);
    for (at, ring) in rings.iter().enumerate() {
        let to = ring.iter().filter_map(|id| nodes.get(id)).flat_map(|node| &node.to);
        let others = to.filter_map(|id| ring_of.get(id)).filter(|other| **other != at);
        let to_another = others.into_iter().any(|other| leads_on.get(*other) == Some(&true));
        let lowest = ring.iter().filter(|id| stands(id)).min();
        leads_on.push(to_another || lowest.is_some());
        let counts = lowest.filter(|_| !to_another);
        out.extend(ring.iter().filter(|id| Some(*id) != counts));
    }
    out
}

/// The rings of links, a record without one being a ring of its own; each before those that lead to it
/// (Tarjan, without recursion: chains may be long).
fn rings(nodes: &BTreeMap<RecordId, Node>) -> Vec<Vec<RecordId>> {
    #[derive(Clone, Copy)]
    struct Seen {
        number: usize,
        low: usize,
        is_open: bool,
    }
    let mut seen: BTreeMap<RecordId, Seen> = BTreeMap::new();
    let mut open: Vec<RecordId> = Vec::new();
    let mut rings = Vec::new();
    for start in nodes.keys().copied() {
        let mut path: Vec<(RecordId, usize)> = Vec::new();
        let enter = |id: RecordId, seen: &mut BTreeMap<RecordId, Seen>, open: &mut Vec<_>| {
            let number = seen.len();
            seen.insert(id, Seen { number, low: number, is_open: true });
            open.push(id);
        };
        if seen.contains_key(&start) {
            continue;
        }
        enter(start, &mut seen, &mut open);
        path.push((start, 0));
        while let Some((id, at)) = path.last_mut() {
            let (id, to) = (*id, *at);
            let next = nodes.get(&id).and_then(|node| node.to.get(to)).copied();
            *at += 1;
            match next {
                Some(to) => match seen.get(&to).copied() {
                    None => {
                        enter(to, &mut seen, &mut open);
                        path.push((to, 0));
                    }
                    Some(other) if other.is_open => {
                        if let Some(own) = seen.get_mut(&id) {
                            own.low = own.low.min(other.number);
                        }
                    }
                    Some(_) => {}
                },
                None => {
                    path.pop();
                    let Some(own) = seen.get(&id).copied() else { continue };
                    if let Some((before, _)) = path.last()
                        && let Some(before) = seen.get_mut(before)
                    {
                        before.low = before.low.min(own.low);
                    }
                    if own.low == own.number {
                        let from = open.iter().rposition(|of| *of == id).unwrap_or(0);
                        let ring = open.split_off(from);
                        for of in &ring {
                            if let Some(seen) = seen.get_mut(of) {
                                seen.is_open = false;
                            }
                        }
                        rings.push(ring);
                    }
                }
            }
        }
    }
    rings
}
