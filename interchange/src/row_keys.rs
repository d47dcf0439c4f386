//! What tells an event from all others: the cells that name it, or what was read of its row (docs/adr/0024).

use crate::RowKey;
use crate::cells::digest_of;
use crate::mapping::MappedField;
use crate::reading::Reading;
use crate::table::TableRow;
use crate::values::{Refusal, bare, folded, refusal, said, said_of_element};
use kitbag_core::model::Form;
use kitbag_core::model::field::Shape;
use std::collections::BTreeMap;

/// A number without what spreadsheets put into it or leave out: `1,000` and `0007` are `1000` and `7`.
fn as_number(cell: &str) -> String {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = cell.split(',');
    let first = groups.next().unwrap_or_default();
    let is_grouped = is_digits(first)
        && first.len() <= 3
        && groups.all(|group| group.len() == 3 && is_digits(group));
    let digits = if is_grouped { cell.replace(',', "") } else { cell.to_owned() };
    match is_digits(&digits) {
        true => {
            let short = digits.trim_start_matches('0');
            if short.is_empty() { "0".to_owned() } else { short.to_owned() }
        }
        false => digits,
    }
}

/// Whether a spreadsheet wrote a number as `2.01801E+11`: which digits it left out, nobody knows.
fn is_shortened(cell: &str) -> bool {
    let parts = cell
        .split_once(['E', 'e'])
        .and_then(|(number, power)| Some((number, power.strip_prefix('+')?)));
    parts.is_some_and(|(number, power)| {
        let is_digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_digits(power) && is_digits(&number.replacen(['.', ','], "", 1))
    })
}

impl Reading<'_> {
    /// What names the event of a row, where the mapping says how.
    pub(crate) fn id(&self, row: &TableRow) -> Result<Option<String>, Refusal> {
        if self.mapping.id.is_empty() {
            return Ok(None);
        }
        let mut parts = vec![self.kind.name().to_owned()];
        for name in &self.mapping.id {
            let cell = match self.columns.contains_key(name.as_str()) {
                true => self.cell(row, name),
                false => self.mapping.constants.get(name).map_or("", String::as_str),
            };
            if cell.is_empty() {
                let detail = format!("column {name}: it names the event, and is empty");
                return Err(refusal("no_id", &detail));
            }
            if is_shortened(cell) {
                let detail = format!(
                    "column {name}: a spreadsheet shortened the id: show the column as a number without decimals, or as \
                     text, and save the file again"
                );
                return Err(refusal("id_shortened", &detail));
            }
            parts.extend([name.clone(), self.id_cell(name, cell)]);
        }
        let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
        Ok(Some(format!("id.{}", digest_of(&parts, 16))))
    }

    /// What a cell of an id says, however a spreadsheet spelled it: a column of dates the day, a number its digits.
    fn id_cell(&self, name: &str, cell: &str) -> String {
        match self.date_of(name, cell) {
            Some(day) => day,
            None => as_number(&bare(cell)),
        }
    }

    /// The day that a cell says, where its column is one of dates.
    fn date_of(&self, name: &str, cell: &str) -> Option<String> {
        let is_date = |mapped: &&MappedField| {
            mapped.column == *name && self.shape(None, &mapped.field) == Some(Shape::Date)
        };
        let mapped = self.mapping.fields.iter().find(is_date)?;
        self.values.date(mapped, cell)
    }

    /// The numbers of an id as the file spells them; of two rows of one event they are alike.
    pub(crate) fn id_as_spelled(&self, row: &TableRow) -> Vec<String> {
        let spelled =
            self.mapping.id.iter().filter(|name| self.columns.contains_key(name.as_str()));
        let spelled = spelled.map(|name| (name, self.cell(row, name)));
        let numbers = spelled.filter(|(name, cell)| self.date_of(name, cell).is_none());
        numbers.map(|(_, cell)| bare(cell)).collect()
    }

    /// The key of a row that nothing names: the file, what was read of the row, and how many equal ones came before.
    /// By what words it was taken at all is part of it: two mappings may take two parts of a file.
    pub(crate) fn counted(
        &self,
        (form, first): (&Form, usize),
        file: &str,
        seen: &mut BTreeMap<String, u64>,
    ) -> RowKey {
        let mut parts = vec![self.kind.name().to_owned()];
        for only in self.mapping.only.all() {
            let word = folded(self.cell(&self.table.rows[first], &only.column));
            parts.extend([only.column.clone(), word]);
        }
        for (field, value) in form.fields() {
            parts.extend([field.clone(), said(value)]);
        }
        for (list, elements) in form.lists() {
            let mut elements: Vec<String> = elements.iter().map(said_of_element).collect();
            elements.sort_unstable();
            parts.push(list.clone());
            parts.extend(elements);
        }
        let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
        let row = digest_of(&parts, 16);
        let count = seen.entry(row.clone()).or_default();
        let before = *count;
        *count += 1;
        RowKey::Counted { file: file.to_owned(), row, before }
    }
}
