//! What tells an event from all others: the cells that name it, or what was read of its row (docs/adr/0024).

use crate::RowKey;
use crate::cells::digest_of;
use crate::reading::Reading;
use crate::table::TableRow;
use crate::values::{Refusal, bare, folded, refusal, said, said_of_element};
use kitbag_core::model::Form;
use std::collections::BTreeMap;

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
            parts.extend([name.clone(), bare(cell)]);
        }
        let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
        Ok(Some(format!("id.{}", digest_of(&parts, 16))))
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
