//! A file of text, or a workbook: which it is, its first bytes say.

use crate::table::{NotATable, Table};
use crate::workbook;

impl Table {
    /// Reads a file of text or a workbook: a text in the encoding of this name or in the one that it is found to be in; of a
    /// workbook the sheet of this name or number, or the first that is not hidden.
    pub fn open(
        file: &[u8],
        encoding: Option<&str>,
        sheet: Option<&str>,
    ) -> Result<Table, NotATable> {
        if workbook::is_workbook(file) {
            // What a library makes of a file that is made to break it takes nobody down.
            let read = std::panic::catch_unwind(|| workbook::read(file, sheet));
            read.unwrap_or(Err(NotATable::NoWorkbook))
        } else {
            Table::read(file, encoding)
        }
    }
}
