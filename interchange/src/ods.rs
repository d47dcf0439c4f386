//! What is in the content of an `.ods` and its reader does not tell: how far it spreads, which cells are merged, which formulas
//! have an error.

use crate::table::{ROWS_MAX, RowFault};
use std::collections::BTreeMap;

/// To how many cells the content of an `.ods` spreads at most: its rows that say something, as wide as the widest of them,
/// each as often as it says.
pub(crate) fn cells_said(content: &[u8]) -> u64 {
    let (mut rows, mut widest): (u64, u64) = (0, 0);
    let (mut row_repeats, mut width, mut last_said) = (1_u64, 0_u64, 0_u64);
    let mut tags = content.split(|byte| *byte == b'<').skip(1);
    loop {
        let tag = tags.next();
        let tag = tag.map(|tag| tag.split(|byte| *byte == b'>').next().unwrap_or_default());
        let is = |name: &[u8]| tag.is_some_and(|tag| tag.starts_with(name));
        if tag.is_none() || is(b"table:table-row") || is(b"table:table ") {
            if last_said > 0 {
                rows = rows.saturating_add(row_repeats);
                widest = widest.max(last_said);
            }
            (width, last_said) = (0, 0);
        }
        let Some(tag) = tag else { return rows.saturating_mul(widest) };
        if is(b"table:table-row") {
            row_repeats = number(tag, b"number-rows-repeated=\"");
        } else if is(b"table:table-cell") || is(b"table:covered-table-cell") {
            width = width.saturating_add(number(tag, b"number-columns-repeated=\""));
            let says = |name: &[u8]| tag.windows(name.len()).any(|part| part == name);
            if says(b"value-type") || says(b"formula") {
                last_said = width;
            }
        }
    }
}

/// The number of an attribute, or 1.
fn number(tag: &[u8], name: &[u8]) -> u64 {
    let at = tag.windows(name.len()).position(|part| part == name);
    let digits = at.map(|at| &tag[at + name.len()..]).unwrap_or_default();
    let end = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number = std::str::from_utf8(&digits[..end]).ok().and_then(|text| text.parse().ok());
    number.unwrap_or(1)
}

/// The rows of a sheet, both from 0, that have merged cells or formulas with an error.
pub(crate) fn faults(content: &[u8], sheet: usize) -> BTreeMap<u32, RowFault> {
    let (mut sheets, mut row, mut next, mut is_formula) = (0_usize, 0_u64, 0_u64, false);
    let mut found = BTreeMap::new();
    let mut mark = |from: u64, rows: u64, fault| {
        let rows = (from..from.saturating_add(rows)).take(ROWS_MAX + 1);
        found.extend(rows.filter_map(|row| Some((u32::try_from(row).ok()?, fault))));
    };
    for part in content.split(|byte| *byte == b'<').skip(1) {
        let (tag, text) = match part.iter().position(|byte| *byte == b'>') {
            Some(end) => (&part[..end], &part[end + 1..]),
            None => (part, &[][..]),
        };
        let says = |name: &[u8]| tag.windows(name.len()).any(|part| part == name);
        if tag.starts_with(b"table:table ") {
            (sheets, row, next) = (sheets + 1, 0, 0);
        }
        if sheets != sheet + 1 {
            continue;
        }
        if tag.starts_with(b"table:table-row ") || tag == b"table:table-row" {
            row = next;
            next = row.saturating_add(number(tag, b"number-rows-repeated=\""));
        } else if tag.starts_with(b"table:table-cell") {
            is_formula = says(b"table:formula=");
            let rows = number(tag, b"number-rows-spanned=\"");
            if rows > 1 || number(tag, b"number-columns-spanned=\"") > 1 {
                mark(row, rows, RowFault::Merged);
            } else if says(b"calcext:value-type=\"error\"") {
                mark(row, next - row, RowFault::Formula);
            }
        } else if tag.starts_with(b"text:p") && is_formula {
            let is_error = text.starts_with(b"Err:")
                || text == b"#N/A"
                || text.starts_with(b"#") && (text.ends_with(b"!") || text.ends_with(b"?"));
            if is_error {
                mark(row, next - row, RowFault::Formula);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merged_cells_and_errors_are_found_in_their_rows_of_their_sheet() {
        let content = br##"<table:table table:name="a"><table:table-row><table:table-cell table:number-columns-spanned="2"/></table:table-row></table:table>
            <table:table table:name="b"><table:table-column/><table:table-row table:number-rows-repeated="3"><table:table-cell/></table:table-row>
            <table:table-row><table:table-cell table:number-rows-spanned="2"/></table:table-row><table:table-row><table:covered-table-cell/></table:table-row>
            <table:table-row><table:table-cell table:formula="of:=1/0" office:value-type="float" office:value="0"><text:p>Err:502</text:p></table:table-cell></table:table-row>
            <table:table-row><table:table-cell calcext:value-type="error"><text:p>x</text:p></table:table-cell></table:table-row>
            <table:table-row><table:table-cell office:value-type="string"><text:p>#N/A</text:p></table:table-cell></table:table-row></table:table>"##;
        assert_eq!(faults(content, 0), [(0, RowFault::Merged)].into());
        let (merged, formula) = (RowFault::Merged, RowFault::Formula);
        assert_eq!(
            faults(content, 1),
            [(3, merged), (4, merged), (5, formula), (6, formula)].into()
        );
    }
}
