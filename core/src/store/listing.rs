//! Lists of records: narrowed, by arrival, by recording or by day, page by page both ways, each row with whether the hub
//! has it and what of it was refused.

use super::rows::{COLUMNS, read, since_day};
use super::{Delivery, Reason, Row, State, Store, StoreError};
use crate::log::Verdict;
use crate::log::verdict::Refusal;
use crate::model::{CivilDate, DeviceKey, Kind, RecordId, TeamId, UnixMillis};
use rusqlite::named_params;
use std::collections::BTreeMap;

/// The most refused entries, by record and author, that are named at once.
const REFUSED_MAX: i64 = 500;

/// When a record was recorded, of its row.
const RECORDED: &str = "(day * 86400000 + since_day)";

/// In which order a list stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// What came here last is first.
    #[default]
    Arrival,
    /// What was recorded last is first, by the clocks of those who recorded it, wherever it came from.
    Recording,
    /// What happened last is first; of a day what was recorded last.
    Day,
}

/// A place in a list: that of one of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListPlace {
    /// The row's day since 1970-01-01; looked at by day alone.
    pub day: i64,
    /// When it was recorded; by arrival it is not looked at.
    pub recorded_at: UnixMillis,
    /// The row's number in this store.
    pub number: i64,
}

/// Which records are looked for; what is `None` or empty does not narrow.
///
/// ```
/// # mod example { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/example.rs")); }
/// # use example::*;
/// # let Example { mut root, mut coordinator, mut phone, mut hub, team, key, folder } = example()?;
/// phone.record(team, &reversal()?)?;
/// let mut search = Search { kind: Some(Kind::Reversal), most: 20, ..Search::default() };
/// loop {
///     let page = phone.search(&search)?;
///     println!("{} records", page.rows.len());
///     let Some(older) = page.older else { break };
///     search.older_than = Some(older);
/// }
/// # Ok::<(), Failed>(())
/// ```
#[derive(Clone, Debug)]
pub struct Search {
    /// Only this team's.
    pub team: Option<TeamId>,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// Only those that this device created.
    pub author: Option<DeviceKey>,
    /// Only in this state.
    pub state: Option<State>,
    /// Only with fields that have two values written apart.
    pub conflicted: bool,
    /// Only those that count with a date that may be wrong.
    pub date_in_doubt: bool,
    /// Only those that need a person: two values written apart, a date that may be wrong, something refused.
    pub needs_person: bool,
    /// Only from this date on: that of the event or, by recording, that on which it was recorded, in UTC.
    pub from: Option<CivilDate>,
    /// Only up to this date, inclusive.
    pub to: Option<CivilDate>,
    /// Only where each of these fields has this answer, as text; a field of a list's elements is
    /// `list.field`, and a code of a set `set.code` is `true` or `false`.
    pub answers: Vec<(String, String)>,
    /// In which order they stand.
    pub order: Order,
    /// Only what is older: where the last page ended.
    pub older_than: Option<ListPlace>,
    /// The page of what is newer than this, next to it; not together with `older_than`.
    pub newer_than: Option<ListPlace>,
    /// The most records of one page, 50 where nobody says otherwise.
    pub most: u64,
}

impl Default for Search {
    fn default() -> Self {
        Search {
            team: None,
            kind: None,
            author: None,
            state: None,
            conflicted: false,
            date_in_doubt: false,
            needs_person: false,
            from: None,
            to: None,
            answers: Vec::new(),
            order: Order::default(),
            older_than: None,
            newer_than: None,
            most: 50,
        }
    }
}

/// A page of what was found, the latest first.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The records.
    pub rows: Vec<Row>,
    /// Behind which the next page goes on; `None` where there is nothing more.
    pub older: Option<ListPlace>,
    /// Before which the page before ends; `None` where none is known to be.
    pub newer: Option<ListPlace>,
}

/// Something of a record that does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The record.
    pub record: RecordId,
    /// Its team.
    pub team: TeamId,
    /// Who wrote it.
    pub author: DeviceKey,
    /// Why it does not count.
    pub refusal: Refusal,
    /// How many entries.
    pub entries: u64,
}

impl Search {
    fn is_backwards(&self) -> bool {
        self.newer_than.is_some() && self.older_than.is_none()
    }

    /// What lies behind the cursor, of the span of days.
    fn place(&self) -> String {
        match (self.order, self.is_backwards()) {
            // By arrival the day's index is not what is read.
            (Order::Arrival, false) => "number < :number AND +day BETWEEN :from AND :to".into(),
            (Order::Arrival, true) => "number > :number AND +day BETWEEN :from AND :to".into(),
            (Order::Recording, false) => {
                format!("({RECORDED}, number) < (:recorded, :number) AND {RECORDED} BETWEEN :from AND :to")
            }
            (Order::Recording, true) => {
                format!("({RECORDED}, number) > (:recorded, :number) AND {RECORDED} BETWEEN :from AND :to")
            }
            (Order::Day, false) => {
                "(day, since_day, number) < (:day, :since_day, :number) AND day BETWEEN :from AND :to".into()
            }
            (Order::Day, true) => {
                "(day, since_day, number) > (:day, :since_day, :number) AND day BETWEEN :from AND :to".into()
            }
        }
    }

    /// What else narrows.
    fn filters(&self) -> String {
        let conflicted = if self.conflicted { "AND conflicts > 0" } else { "" };
        let needs_person = if self.needs_person {
            format!(
                "AND (conflicts > 0 OR (state = 1 AND {}) OR substr(entry.id, 1, 16) IN
                   (SELECT changes FROM entry WHERE verdict > 31 AND changes IS NOT NULL))",
                Store::IN_DOUBT
            )
        } else {
            String::new()
        };
        let in_doubt = match self.date_in_doubt {
            true => format!("AND state = 1 AND {}", Store::IN_DOUBT),
            false => String::new(),
        };
        format!(
            "(:kind IS NULL OR record.kind = :kind) AND (:state IS NULL OR state = :state)
             AND (:logs IS NULL OR record.log IN (SELECT value FROM json_each(:logs)))
             {conflicted} {needs_person} {in_doubt}"
        )
    }

    fn order(&self) -> String {
        match (self.order, self.is_backwards()) {
            (Order::Arrival, false) => "ORDER BY number DESC".into(),
            (Order::Arrival, true) => "ORDER BY number".into(),
            (Order::Recording, false) => format!("ORDER BY {RECORDED} DESC, number DESC"),
            (Order::Recording, true) => format!("ORDER BY {RECORDED}, number"),
            (Order::Day, false) => "ORDER BY day DESC, since_day DESC, number DESC".into(),
            (Order::Day, true) => "ORDER BY day, since_day, number".into(),
        }
    }

    /// The query of the rows, in their order. By recording the places are sorted alone, in the index that holds
    /// them; that the rows keep that order, the limit and the cross join see to.
    fn query(&self) -> String {
        let (place, filters, order) = (self.place(), self.filters(), self.order());
        match self.order {
            Order::Recording => format!(
                "SELECT {COLUMNS} FROM
                   (SELECT number AS found FROM record INDEXED BY record_day
                    WHERE {place} {order} LIMIT -1)
                 CROSS JOIN record ON number = found JOIN entry ON entry.arrival = number
                 WHERE {filters}"
            ),
            Order::Arrival | Order::Day => format!(
                "SELECT {COLUMNS} FROM record JOIN entry ON entry.arrival = number
                 WHERE {place} AND {filters} {order}"
            ),
        }
    }

    /// The span as the order's column has it: days, or milliseconds of days in UTC.
    fn span(&self) -> (i64, i64) {
        match self.order {
            Order::Arrival | Order::Day => (
                self.from.map_or(i64::MIN, CivilDate::epoch_day),
                self.to.map_or(i64::MAX, CivilDate::epoch_day),
            ),
            Order::Recording => (
                self.from.map_or(i64::MIN, |day| UnixMillis::start_of(day.epoch_day()).0),
                self.to.map_or(i64::MAX, |day| UnixMillis::start_of(day.epoch_day() + 1).0 - 1),
            ),
        }
    }
}

impl Store {
    /// A page of the records looked for, the latest first; which dates may be wrong, by this clock.
    pub fn search(&self, search: &Search, now: UnixMillis) -> Result<Page, StoreError> {
        let most = usize::try_from(search.most).unwrap_or(usize::MAX);
        let (mut rows, mut has_more) = (Vec::new(), false);
        self.each_of(search, now, |row| {
            has_more = rows.len() == most;
            if !has_more {
                rows.push(row);
            }
            !has_more
        })?;
        if search.is_backwards() {
            rows.reverse();
        }
        let place = |row: &Row| ListPlace {
            day: row.day,
            recorded_at: row.recorded_at,
            number: row.number,
        };
        let (first, last) = (rows.first().map(place), rows.last().map(place));
        let (older, newer) = if search.is_backwards() {
            (last, first.filter(|_| has_more))
        } else {
            (last.filter(|_| has_more), first.filter(|_| search.older_than.is_some()))
        };
        Ok(Page { rows, older, newer })
    }

    /// How many records are looked for, on all pages.
    pub fn how_many(&self, search: &Search, now: UnixMillis) -> Result<u64, StoreError> {
        let all = Search { older_than: None, newer_than: None, ..search.clone() };
        let mut count = 0;
        if !all.answers.is_empty() {
            self.each_of(&all, now, |_| {
                count += 1;
                true
            })?;
            return Ok(count);
        }
        let span = match all.order {
            Order::Recording => format!("{RECORDED} BETWEEN :from AND :to"),
            Order::Arrival | Order::Day => "day BETWEEN :from AND :to".into(),
        };
        // What counts ask for is in the day's index: no row is read for it.
        let from = match (all.needs_person, all.conflicted || all.date_in_doubt) {
            (true, _) => "record JOIN entry ON entry.arrival = number",
            (false, true) => "record",
            (false, false) => "record INDEXED BY record_day",
        };
        let filters = all.filters();
        let mut statement = self
            .sql()?
            .prepare_cached(&format!("SELECT count(*) FROM {from} WHERE {span} AND {filters}"))?;
        self.give(&all, now, &mut statement)?;
        let mut rows = statement.raw_query();
        let count: i64 = rows.next()?.map_or(Ok(0), |row| row.get(0))?;
        Ok(count as u64)
    }

    /// Reads one by one what is looked for, in its order, until `take` says that it is enough.
    fn each_of(
        &self,
        search: &Search,
        now: UnixMillis,
        mut take: impl FnMut(Row) -> bool,
    ) -> Result<(), StoreError> {
        let origins = self.origins();
        let mut statement = self.sql()?.prepare_cached(&search.query())?;
        self.give(search, now, &mut statement)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            let Some(row) = read(row, &origins)? else { continue };
            let fits = search.answers.iter().all(|(field, text)| row.answers.says(field, text));
            if fits && !take(row) {
                break;
            }
        }
        Ok(())
    }

    /// Gives a statement what it asks for of a search.
    fn give(
        &self,
        search: &Search,
        now: UnixMillis,
        statement: &mut rusqlite::Statement<'_>,
    ) -> Result<(), StoreError> {
        let logs = (search.team.is_some() || search.author.is_some()).then(|| {
            let of = self.logs.values().filter(|log| {
                search.team.is_none_or(|team| team == log.open.team)
                    && search.author.is_none_or(|author| author == log.open.key)
            });
            let numbers: Vec<String> = of.map(|log| log.number.to_string()).collect();
            format!("[{}]", numbers.join(","))
        });
        let end = if search.is_backwards() { i64::MIN } else { i64::MAX };
        let end = ListPlace { day: end, recorded_at: UnixMillis(end), number: end };
        let cut = search.older_than.or(search.newer_than).unwrap_or(end);
        let (from, to) = search.span();
        for (name, value) in named_params! {
            ":day": cut.day,
            ":recorded": cut.recorded_at.0,
            ":since_day": since_day(cut.recorded_at, cut.day),
            ":number": cut.number,
            ":from": from,
            ":to": to,
            ":kind": search.kind.map(Kind::number),
            ":state": search.state.map(State::number),
            ":logs": logs,
        } {
            if let Some(index) = statement.parameter_index(name)? {
                statement.raw_bind_parameter(index, value)?;
            }
        }
        for (name, value) in Store::doubted_beyond(now) {
            if let Some(index) = statement.parameter_index(name)? {
                statement.raw_bind_parameter(index, value)?;
            }
        }
        Ok(())
    }

    /// Whether the hub has what is here of each row, and why the first thing of it that is refused is.
    pub fn standing_of(
        &self,
        rows: &[Row],
    ) -> Result<BTreeMap<i64, (Delivery, Option<Refusal>)>, StoreError> {
        let numbers: Vec<String> = rows.iter().map(|row| row.number.to_string()).collect();
        let mut statement = self.sql()?.prepare_cached(
            "WITH page AS (SELECT value AS number FROM json_each(?1)),
               of_page AS (
                 SELECT number, number AS arrival FROM page
                 UNION ALL
                 SELECT page.number, change.arrival FROM page
                   JOIN entry AS made ON made.arrival = page.number
                   JOIN entry AS change ON change.changes = substr(made.id, 1, 16))
             SELECT number,
               max(entry.branch >= 0 AND entry.position > coalesce(on_hub.position, 0)
                 AND own_accepted.entry IS NULL),
               max(CASE WHEN entry.position > coalesce(on_hub.position, 0)
                 AND own_accepted.entry IS NULL THEN reason END),
               min(CASE WHEN verdict > 31 THEN verdict END)
             FROM of_page JOIN entry USING (arrival)
               LEFT JOIN on_hub ON on_hub.log = entry.log AND on_hub.branch = entry.branch
               LEFT JOIN turned_away ON turned_away.log = entry.log
               LEFT JOIN own_accepted ON own_accepted.entry = entry.id
             GROUP BY number",
        )?;
        let mut found = statement.query([format!("[{}]", numbers.join(","))])?;
        let mut standing = BTreeMap::new();
        while let Some(row) = found.next()? {
            let (waits, reason): (bool, Option<u8>) = (row.get(1)?, row.get(2)?);
            let delivery = match (waits, reason) {
                (false, _) => Delivery::OnHub,
                (true, None) => Delivery::Waiting,
                (true, Some(code)) => Delivery::Aside(Reason::from_code(code)),
            };
            let refused = row.get::<_, Option<u8>>(3)?.and_then(refusal_of);
            standing.insert(row.get(0)?, (delivery, refused));
        }
        Ok(standing)
    }

    /// What of records does not count, by record and author, the latest first; 500 at most.
    pub fn refused(&self) -> Result<Vec<Refused>, StoreError> {
        let origins = self.origins();
        let mut statement = self.sql()?.prepare_cached(
            "SELECT coalesce(changes, substr(id, 1, 16)), log, verdict, count(*) FROM entry
             WHERE verdict > 31 AND kind >= 16 GROUP BY 1, 2, 3 ORDER BY max(arrival) DESC LIMIT ?1",
        )?;
        let mut rows = statement.query([REFUSED_MAX])?;
        let mut refused = Vec::new();
        while let Some(row) = rows.next()? {
            let (Some((team, author)), Some(refusal)) =
                (origins.get(&row.get(1)?), refusal_of(row.get(2)?))
            else {
                continue;
            };
            let (record, entries) = (RecordId(row.get(0)?), row.get::<_, i64>(3)? as u64);
            refused.push(Refused { record, team: *team, author: *author, refusal, entries });
        }
        Ok(refused)
    }
}

fn refusal_of(number: u8) -> Option<Refusal> {
    match Verdict::from_number(number) {
        Some(Verdict::Refused(refusal)) => Some(refusal),
        _ => None,
    }
}
