//! `lime config`: every setting, its value, and where it came from.

use crate::screen::print;
use crate::settings::Settings;

/// Secrets are masked.
pub(crate) fn show(settings: &Settings) {
    let rows: Vec<[String; 4]> = settings
        .table
        .rows()
        .map(|row| {
            let key = row.setting.key.to_owned();
            [row.setting.variable.to_owned(), key, row.shown().to_owned(), row.source.to_string()]
        })
        .collect();
    let heading = ["variable", "in lime.toml", "value", "from"].map(str::to_owned);
    let widths: Vec<usize> = (0..heading.len())
        .map(|column| {
            let cells = rows.iter().chain([&heading]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        })
        .collect();
    for row in [&heading].into_iter().chain(&rows) {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        print(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    print("");
    for row in settings.table.rows() {
        print(format!("{:22} {}", row.setting.variable, row.setting.meaning));
    }
}
