//! Tables of results: framed on a terminal, plain columns elsewhere.

use comfy_table::presets::{NOTHING, UTF8_FULL_CONDENSED};
use comfy_table::{CellAlignment, Table};
use std::fmt::Write;

/// A table with a title.
pub(super) struct Listing {
    table: Table,
    title: Option<&'static str>,
}

/// A column: its heading, and whether it is of numbers.
pub(super) type Column = (&'static str, bool);

impl Listing {
    /// A table without rows.
    pub(super) fn new(title: &'static str, columns: &[Column], framed: bool) -> Self {
        Self { title: Some(title), ..Self::untitled(columns, framed) }
    }

    /// A table without rows and title, to stand directly behind what is written.
    pub(super) fn untitled(columns: &[Column], framed: bool) -> Self {
        let mut table = Table::new();
        table.load_style(if framed { UTF8_FULL_CONDENSED } else { NOTHING });
        table.set_header(columns.iter().map(|column| column.0));
        for (index, &(_, is_number)) in columns.iter().enumerate() {
            if let Some(column) = table.column_mut(index) {
                if !framed {
                    column.set_padding((0, 2));
                }
                if is_number {
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        Self { table, title: None }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.table.add_row(cells.into_iter().collect::<Vec<_>>());
    }

    /// Writes the table behind `text`, after an empty line, if it has rows.
    pub(super) fn write(&self, text: &mut String) {
        if self.table.is_empty() {
            return;
        }
        // Writing into a string does not fail.
        if let Some(title) = self.title {
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}{title}");
        }
        for line in self.table.lines() {
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
}
