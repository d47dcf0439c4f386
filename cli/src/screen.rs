//! What tables and CSV look like on the command line, and the span of records that is asked for.

use comfy_table::{ContentArrangement, Table};
use kitbag_core::model::{CivilDate, TeamId};

/// Whose records, and from when to when.
#[derive(clap::Args, Clone, Copy)]
pub struct SpanArguments {
    /// Only of this team
    #[arg(long, value_name = "ID")]
    pub team: Option<TeamId>,
    /// From this date on, yyyy-mm-dd
    #[arg(long, value_name = "DATE")]
    pub from: Option<CivilDate>,
    /// Up to this date, inclusive
    #[arg(long, value_name = "DATE")]
    pub to: Option<CivilDate>,
}

/// The most rows that a screen shows: who makes up names without end must not hide what matters.
pub const ROWS_MAX: usize = 200;

/// Says how many lines a screen leaves out.
pub fn say_rest(lines: usize) {
    if let Some(rest) = lines.checked_sub(ROWS_MAX).filter(|rest| *rest > 0) {
        say!("{rest} lines more: narrow what is asked for, or take --csv or --json.");
    }
}

/// A row of others' words: each cell one line, and short.
pub fn row<T: ToString>(cells: impl IntoIterator<Item = T>) -> Vec<String> {
    cells.into_iter().map(|cell| crate::shown::one_line(&cell.to_string())).collect()
}

/// A table with this header, drawn as wide as its cells.
pub fn table(header: impl Into<comfy_table::Row>) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table
}
