//! A table's rows by a mapping: which column holds what, which rows are one event, and what is wrong with the others.

use crate::cells::digest_of;
use crate::dates::{self, Found, Order, Seen};
use crate::imported::{Imported, Mapped, RefusedRow, RowKey, Taken};
use crate::mapping::{ImportError, MappedField, MappedSet, Mapping, declared};
use crate::table::{Table, TableRow, Twice};
use crate::values::{Known, Refusal, Values, Word, bare, refusal, said_of_element};
use crate::zones::{OffsetOf, offset_minutes, zone_named};
use kitbag_core::model::field::{Field, Shape};
use kitbag_core::model::pack::CodePack;
use kitbag_core::model::{Element, Form, Invalid, Kind, Value};
use std::collections::BTreeMap;

/// What whoever imports a file says beside its mapping.
#[derive(Default)]
pub struct Options<'a> {
    /// The order of its dates.
    pub dates: Option<Order>,
    /// Whether words of no table and no list are kept where the field is required.
    pub keeps_unknown_codes: bool,
    /// The programme's own codes.
    pub packs: &'a [CodePack],
    /// How many minutes local time was ahead of UTC on the day of a form, where neither the file nor its mapping says it.
    pub offset: Option<OffsetOf<'a>>,
}

impl Mapping {
    /// Reads a file by this mapping.
    pub fn read(&self, file: &[u8]) -> Result<Imported, ImportError> {
        let table = Table::open(file, self.encoding.as_deref(), self.sheet.as_deref())?;
        self.read_table(file, &table, &Options::default(), |_, _| Ok(None))
    }

    /// Reads a table by this mapping; `beside` adds to the form of each record what other files hold, by its first row, and
    /// gives the row's key where the file has one, or says why the row is refused.
    pub fn read_table(
        &self,
        file: &[u8],
        table: &Table,
        options: &Options<'_>,
        beside: impl FnMut(usize, &mut Form) -> Result<Option<String>, Refusal>,
    ) -> Result<Imported, ImportError> {
        read(self, file, table, options, beside)
    }
}

pub(crate) struct Reading<'m> {
    pub(crate) mapping: &'m Mapping,
    pub(crate) kind: Kind,
    pub(crate) table: &'m Table,
    pub(crate) columns: BTreeMap<&'m str, usize>,
    pub(crate) values: Values<'m>,
}

/// The rows of one event.
pub(crate) struct Event {
    /// What names it, where something does.
    pub(crate) id: Option<String>,
    pub(crate) rows: Vec<usize>,
    /// The first row that nobody can read.
    pub(crate) broken: Option<(usize, Refusal)>,
}

/// What one row says.
struct Said {
    fields: Form,
    /// By list: the element's id, and the element.
    elements: Vec<(usize, Vec<String>, Element)>,
}

pub(crate) fn read(
    mapping: &Mapping,
    file: &[u8],
    table: &Table,
    options: &Options<'_>,
    mut beside: impl FnMut(usize, &mut Form) -> Result<Option<String>, Refusal>,
) -> Result<Imported, ImportError> {
    let mut reading = Reading::of(mapping, table, options)?;
    let mut imported = Imported { rows: table.rows.len() as u64, ..Imported::default() };
    // Sheets of one workbook are files of their own.
    let sheet = table.sheet.as_deref().unwrap_or_default();
    let file = digest_of(&[file, sheet.as_bytes()], 8);
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for Event { id, rows, broken } in reading.events(&mut imported) {
        let first = rows.first().copied().unwrap_or_default();
        // What says something of an event that nobody can read keeps all of it back, so that no half of one counts.
        let read = match broken {
            Some((at, refused)) => Err((at, refused)),
            None => reading.event(&rows, options.keeps_unknown_codes),
        };
        let taken = read.and_then(|mut form| {
            let wrong = |invalid: Invalid| (first, refusal("invalid", &mapping.told(&invalid)));
            // What a row is, its values say, however a spreadsheet spelled them.
            let key = match id {
                Some(id) => RowKey::Named(id),
                None => reading.counted((&form, first), &file, &mut seen),
            };
            let named = beside(first, &mut form).map_err(|refused| (first, refused))?;
            mapping.put_offset(&mut form, options.offset).map_err(wrong)?;
            if mapping.unknowns {
                form = form.with_unknowns();
            }
            form.operations().map_err(wrong)?;
            let key = named.map_or(key, RowKey::Named);
            let rows = rows.iter().map(|row| (*row, table.rows[*row].line)).collect();
            Ok(Taken { rows, form, key })
        });
        match taken {
            Ok(taken) => imported.taken.push(taken),
            Err((at, refused)) => {
                for row in &rows {
                    let line = table.rows[*row].line;
                    let (reason, detail) = match *row == at {
                        true => refused.clone(),
                        false => {
                            let of =
                                format!("row {} of the same event is refused", table.rows[at].line);
                            refusal("same_event", &of)
                        }
                    };
                    imported.refused.push(RefusedRow { row: *row, line, reason, detail });
                }
            }
        }
    }
    imported.refused.sort_by_key(|refused| refused.row);
    imported.mapped = Mapped::of(mapping);
    imported.unknown_words = reading.values.take_unknown();
    Ok(imported)
}

/// Whether a cell is a day with a time of it.
fn is_moment(cell: &str) -> bool {
    let day = cell.split_once(' ').and_then(|(day, _)| dates::date(day, Some(Order::Ymd)));
    day.is_some() && dates::time(cell).is_some()
}

impl<'m> Reading<'m> {
    pub(crate) fn of(
        mapping: &'m Mapping,
        table: &'m Table,
        options: &Options<'m>,
    ) -> Result<Self, ImportError> {
        let kind = mapping.kind()?;
        let (mut columns, mut missing) = (BTreeMap::new(), Vec::new());
        for name in columns_of(mapping) {
            match table.column(name) {
                Err(Twice) => return Err(ImportError::Twice(name.to_owned())),
                Ok(Some(at)) => _ = columns.insert(name, at),
                Ok(None) => missing.push(name),
            }
        }
        if !missing.is_empty() {
            return Err(ImportError::Columns(missing.join(", ")));
        }
        let known = Known::of(options.packs);
        if let Some((field, _)) = mapping.coded().find(|(field, word)| {
            matches!(known.word(field, word, options.keeps_unknown_codes), Word::Refused)
        }) {
            return Err(ImportError::Code(field.name.to_owned()));
        }
        let said = options.dates.or(mapping.order());
        let mut reading = Reading {
            mapping,
            kind,
            table,
            columns,
            values: Values::of(mapping, known, table.sheet.is_some()),
        };
        let inner = mapping
            .lists
            .iter()
            .flat_map(|list| list.fields.iter().map(|field| (Some(list.list.as_str()), field)));
        let fields = mapping.fields.iter().map(|field| (None, field)).chain(inner);
        for (list, mapped) in fields {
            let shape = reading.shape(list, &mapped.field);
            let mut rows = table.rows.iter();
            if shape == Some(Shape::Time)
                && table.sheet.is_some()
                && rows.any(|row| is_moment(reading.cell(row, &mapped.column)))
            {
                reading.values.moments.insert(mapped.column.as_str());
            }
            if !matches!(shape, Some(Shape::Date | Shape::Month)) || mapped.date.is_some() {
                continue;
            }
            let order = match said {
                Some(order) => order,
                None => reading.found_order(&mapped.column, shape == Some(Shape::Date))?,
            };
            reading.values.orders.insert(mapped.column.as_str(), order);
        }
        Ok(reading)
    }

    pub(crate) fn shape(&self, list: Option<&str>, field: &str) -> Option<Shape> {
        match list.and_then(|list| self.kind.field(list)) {
            Some(Field { shape: Shape::List(fields), .. }) => {
                fields.iter().find(|inner| inner.name == field).map(|inner| inner.shape)
            }
            Some(_) => None,
            None => declared(self.kind, field).map(|field| field.shape),
        }
    }

    /// The order of a column's dates, found out of all of them.
    fn found_order(&self, column: &str, is_date: bool) -> Result<Order, ImportError> {
        let mut seen = Seen::default();
        for row in &self.table.rows {
            seen.look(self.cell(row, column));
        }
        match seen.found() {
            Found::Order(order) => Ok(order),
            Found::Ambiguous if is_date => {
                let two = self.table.rows.iter().find_map(|row| {
                    let read = |order| dates::date(self.cell(row, column), Some(order));
                    let (day_first, month_first) = (read(Order::Dmy)?, read(Order::Mdy)?);
                    (day_first != month_first).then_some((row.line, day_first, month_first))
                });
                let (row, day_first, month_first) = two.unwrap_or_default();
                Err(ImportError::Dates { column: column.to_owned(), row, day_first, month_first })
            }
            Found::Contradicting if is_date => Err(ImportError::MixedDates(column.to_owned())),
            // Months that can be read one way are read so, the others refused.
            Found::Ambiguous | Found::Contradicting => Ok(Order::Ymd),
        }
    }

    pub(crate) fn cell<'r>(&self, row: &'r TableRow, column: &str) -> &'r str {
        self.columns.get(column).and_then(|at| row.cells.get(*at)).unwrap_or_default()
    }

    /// The record of the rows of one event; which of them keeps it from being one.
    fn event(&mut self, rows: &[usize], keeps: bool) -> Result<Form, (usize, Refusal)> {
        let mut form = Form::new(self.kind);
        let mut elements: BTreeMap<(usize, Vec<String>), Element> = BTreeMap::new();
        let mut order = Vec::new();
        for at in rows {
            let said = self.row(*at, keeps).map_err(|refused| (*at, refused))?;
            for (field, value) in said.fields.fields() {
                match form.get(field) {
                    // A code that one row has and another has not is there.
                    Some(before) if before != value && !matches!(value, Value::Bool(_)) => {
                        let detail = format!("{field}: rows of one event say different things");
                        return Err((*at, refusal("contradicts", &detail)));
                    }
                    Some(before) if before == &true.into() => {}
                    _ => {
                        _ = form.put(field, value.clone()).map_err(|invalid| {
                            (*at, refusal("invalid", &self.mapping.told(&invalid)))
                        })?
                    }
                }
            }
            for (list, id, element) in said.elements {
                let name = &self.mapping.lists[list].list;
                match elements.get(&(list, id.clone())) {
                    Some(before) if *before == element => {}
                    Some(_) => {
                        let detail = format!("{name}: rows of one element say different things");
                        return Err((*at, refusal("contradicts", &detail)));
                    }
                    None => {
                        order.push((list, id.clone()));
                        elements.insert((list, id), element);
                    }
                }
            }
        }
        let first = rows.first().copied().unwrap_or_default();
        for place in order {
            if let Some(element) = elements.remove(&place) {
                let added = form.add(&self.mapping.lists[place.0].list, element).map(drop);
                added
                    .map_err(|invalid| (first, refusal("invalid", &self.mapping.told(&invalid))))?;
            }
        }
        Ok(form)
    }

    fn row(&mut self, at: usize, keeps: bool) -> Result<Said, Refusal> {
        let row = &self.table.rows[at];
        let mapping = self.mapping;
        let mut form = Form::new(self.kind);
        let wrong = |column: &str, invalid: Invalid| {
            refusal("invalid", &format!("column {column}: {}", mapping.told(&invalid)))
        };
        for (field, text) in &mapping.constants {
            form.put_text(field, text).map_err(|invalid| wrong(field, invalid))?;
        }
        // The row is read to its end, so that all words that nobody knows are told at once.
        let mut first = None;
        for mapped in &mapping.fields {
            let cell = self.cell(row, &mapped.column);
            let Some(field) = declared(self.kind, &mapped.field) else { continue };
            let text = match self.values.read(field, mapped, cell, keeps) {
                Ok(Some(text)) => text,
                Ok(None) => continue,
                Err(refused) => {
                    first.get_or_insert(refused);
                    continue;
                }
            };
            let put = match field.is_by_code() {
                true => form.put_code_text(field.name, &code_text(field, &mapped.field, &text)),
                false => form.put_text(&mapped.field, &text),
            };
            if let Err(invalid) = put {
                first.get_or_insert_with(|| wrong(&mapped.column, invalid));
            }
        }
        for mapped in &mapping.sets {
            let Some(field) = declared(self.kind, &mapped.set) else { continue };
            let cell = self.cell(row, &mapped.column).to_owned();
            for part in self.values.codes(field, mapped, &cell) {
                if let Err(invalid) = form.put_code_text(&mapped.set, &part) {
                    first.get_or_insert_with(|| wrong(&mapped.column, invalid));
                }
            }
        }
        let elements = self.elements(row, keeps);
        match first {
            Some(refused) => Err(refused),
            None => Ok(Said { fields: form, elements: elements? }),
        }
    }

    /// What a row says of the elements of lists.
    pub(crate) fn elements(
        &mut self,
        row: &TableRow,
        keeps: bool,
    ) -> Result<Vec<(usize, Vec<String>, Element)>, Refusal> {
        let mapping = self.mapping;
        let mut found = Vec::new();
        for (at, list) in mapping.lists.iter().enumerate() {
            let Some(Shape::List(fields)) = self.kind.field(&list.list).map(|field| field.shape)
            else {
                continue;
            };
            let mut element = Element::new();
            let mut is_said = false;
            for mapped in &list.fields {
                let Some(field) = fields.iter().find(|field| field.name == mapped.field) else {
                    continue;
                };
                let cell = self.cell(row, &mapped.column);
                if let Some(text) = self.values.read(field, mapped, cell, keeps)? {
                    is_said = true;
                    put(&mut element, &list.list, field, &text).map_err(|invalid| {
                        refusal(
                            "invalid",
                            &format!("column {}: {}", mapped.column, mapping.told(&invalid)),
                        )
                    })?;
                }
            }
            let id: Vec<String> =
                list.id.iter().map(|column| bare(self.cell(row, column))).collect();
            if !is_said && id.iter().all(String::is_empty) {
                continue;
            }
            for (name, text) in &list.constants {
                let Some(field) = fields.iter().find(|field| field.name == name) else { continue };
                if !element.contains_key(name) {
                    put(&mut element, &list.list, field, text)
                        .map_err(|invalid| refusal("invalid", &mapping.told(&invalid)))?;
                }
            }
            let id = match id.is_empty() {
                true => vec![said_of_element(&element)],
                false => id,
            };
            found.push((at, id, element));
        }
        Ok(found)
    }
}

impl Mapping {
    /// Puts the offset of the form's own day where the file says none: by the zone that the mapping says, else by this.
    pub(crate) fn put_offset(
        &self,
        form: &mut Form,
        otherwise: Option<OffsetOf<'_>>,
    ) -> Result<(), Invalid> {
        let minutes = match self.zone.as_deref().and_then(zone_named) {
            Some(zone) => offset_minutes(&zone, form),
            None => otherwise.and_then(|otherwise| otherwise(form)),
        };
        if form.get("utc_offset_min").is_none()
            && let Some(minutes) = minutes
        {
            form.put("utc_offset_min", minutes)?;
        }
        Ok(())
    }
}

fn put(element: &mut Element, list: &str, field: &Field, text: &str) -> Result<(), Invalid> {
    let value =
        kitbag_core::model::text::parse(&format!("{list}.{}", field.name), field.shape, text)?;
    element.insert(field.name.to_owned(), value);
    Ok(())
}

/// What [`Form::put_code_text`] takes for one code of a set, or one number of numbers by code.
fn code_text(field: &Field, name: &str, text: &str) -> String {
    let code =
        name.strip_prefix(field.name).and_then(|rest| rest.strip_prefix('.')).unwrap_or_default();
    format!("{code}={text}")
}

/// The columns that a mapping reads; of an id, those that are no constants.
fn columns_of(mapping: &Mapping) -> impl Iterator<Item = &str> {
    let only = mapping.only.all().iter().map(|only| &only.column);
    let fields = mapping.fields.iter().map(|field: &MappedField| &field.column);
    let sets = mapping.sets.iter().map(|set: &MappedSet| &set.column);
    let lists = mapping
        .lists
        .iter()
        .flat_map(|list| list.id.iter().chain(list.fields.iter().map(|field| &field.column)));
    let ids = mapping.id.iter().filter(|name| !mapping.constants.contains_key(*name));
    only.chain(fields).chain(sets).chain(lists).chain(ids).map(String::as_str)
}
