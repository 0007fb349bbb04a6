//! Listings: rows become docker's tables, JSON lines or what a template makes of them.

use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;

use crate::failure::{Failure, Result};
use crate::output;
use crate::template::{Row, Template};

/// Docker's tables: a column is at least this wide, and this far from the next.
const NARROWEST: usize = 10;
const GAP: usize = 3;

/// A kind of listing.
pub(crate) struct Listing {
    /// The columns of the plain table, as a template: `{{.ID}}\t{{.Names}}`.
    pub(crate) columns: &'static str,
    /// What `-q` shows.
    pub(crate) quiet: &'static str,
    /// The title of each field that a template may name.
    pub(crate) titles: &'static [(&'static str, &'static str)],
}

impl Listing {
    /// Prints the rows as `--format` says: nothing or `table` for the plain table, `json`,
    /// `table TEMPLATE` or `TEMPLATE`.
    pub(crate) fn print(&self, format: Option<&str>, quiet: bool, rows: &[Row]) -> Result<()> {
        output::block(&self.text(format, quiet, rows)?)
    }

    fn text(&self, format: Option<&str>, quiet: bool, rows: &[Row]) -> Result<String> {
        let format = format.map(str::trim_end).filter(|format| !format.is_empty());
        match format {
            None | Some("table") if quiet => lines(self.quiet, rows),
            None | Some("table") => self.table(self.columns, rows),
            Some("json") => Ok(rows.iter().map(|row| format!("{}\n", row.value)).collect()),
            Some(format) => match format.strip_prefix("table ") {
                Some(columns) => self.table(columns.trim_start(), rows),
                None => lines(format, rows),
            },
        }
    }

    fn table(&self, columns: &str, rows: &[Row]) -> Result<String> {
        let template = Template::parse_listing(columns)?;
        let titles: Map<String, Value> = self
            .titles
            .iter()
            .map(|(field, title)| ((*field).to_owned(), Value::from(*title)))
            .collect();
        let head = template.render_titles(&Row::from(Value::Object(titles)))?;
        let mut lines = vec![head];
        for row in rows {
            lines.push(one_line(&template.render(row)?));
        }
        Ok(align(&lines))
    }
}

fn lines(template: &str, rows: &[Row]) -> Result<String> {
    let template = Template::parse_listing(template)?;
    let mut text = String::new();
    for row in rows {
        text.push_str(&template.render(row)?);
        text.push('\n');
    }
    Ok(text)
}

/// A row of a table stays one line, and an escape in it moves no column.
fn one_line(text: &str) -> String {
    text.split('\t').map(output::printable).collect::<Vec<_>>().join("\t")
}

/// Puts cells, separated by tabs, below each other. The last of a line is not filled up.
pub(crate) fn align(lines: &[String]) -> String {
    let rows: Vec<Vec<&str>> = lines.iter().map(|line| line.split('\t').collect()).collect();
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        for (column, cell) in row.iter().take(row.len() - 1).enumerate() {
            let width = (cell.width() + GAP).max(NARROWEST);
            match widths.get_mut(column) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let mut text = String::new();
    for row in &rows {
        for (column, cell) in row.iter().enumerate() {
            text.push_str(cell);
            if column + 1 < row.len() {
                let fill = widths[column].saturating_sub(cell.width());
                text.extend(std::iter::repeat_n(' ', fill));
            }
        }
        text.push('\n');
    }
    text
}

/// What `inspect` prints: a list of all objects, or what a template makes of each.
pub(crate) fn print_inspected(format: Option<&str>, objects: &[Value]) -> Result<()> {
    match format {
        None | Some("") => {
            let text = serde_json::to_string_pretty(objects)
                .map_err(|error| Failure::io("cannot write JSON", error))?;
            // Docker's indentation is four wide.
            output::line(indented(&text))
        }
        Some("json") => output::line(Value::from(objects.to_vec()).to_string()),
        Some(format) => {
            let template = Template::parse(format)?;
            objects
                .iter()
                .try_for_each(|object| output::line(template.render(&Row::from(object.clone()))?))
        }
    }
}

/// Doubles the indentation. JSON has no line ends within a text, so a line begins with it.
fn indented(text: &str) -> String {
    let wide = |line: &str| {
        let bare = line.trim_start();
        format!("{}{bare}", " ".repeat((line.len() - bare.len()) * 2))
    };
    text.lines().map(wide).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LISTING: Listing = Listing {
        columns: "{{.ID}}\t{{.Names}}",
        quiet: "{{.ID}}",
        titles: &[("ID", "CONTAINER ID"), ("Names", "NAMES"), ("Size", "SIZE")],
    };

    fn rows() -> Vec<Row> {
        vec![
            Row::from(json!({"ID": "1", "Names": "web", "Size": "日本"})),
            Row::from(json!({"ID": "22", "Names": "a\nb", "Size": "x"})),
        ]
    }

    #[test]
    fn formats() {
        for (format, quiet, expected) in [
            (None, false, "CONTAINER ID   NAMES\n1              web\n22             a\\nb\n"),
            (None, true, "1\n22\n"),
            (
                Some("table"),
                false,
                "CONTAINER ID   NAMES\n1              web\n22             a\\nb\n",
            ),
            (Some("{{.Names}}"), true, "web\na\nb\n"),
            (
                Some("table {{.Size}}\\t{{.ID}}"),
                false,
                "SIZE      CONTAINER ID\n日本      1\nx         22\n",
            ),
        ] {
            assert_eq!(LISTING.text(format, quiet, &rows()).unwrap(), expected, "{format:?}");
        }
        let json = LISTING.text(Some("json"), false, &rows()).unwrap();
        assert_eq!(json.lines().count(), 2);
        assert!(LISTING.text(Some("table {{.Nope}}"), false, &[]).is_err());
    }

    #[test]
    fn json_is_indented_by_four() {
        let text = serde_json::to_string_pretty(&json!([{"a": ["x"]}])).unwrap();
        assert!(indented(&text).contains("\n    {\n        \"a\": [\n            \"x\""));
    }
}
