//! `history`: the steps that an image was made by.

use clap::Args;
use minidock::image::HistoryRow;
use serde_json::json;

use super::images::created_since;
use crate::cli::Global;
use crate::failure::Result;
use crate::human;
use crate::table::Listing;
use crate::template::Row;

/// Show the steps that an image was made by
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock history web
  minidock history --no-trunc --format '{{.CreatedBy}}' web")]
pub(crate) struct History {
    /// Do not cut ids and steps
    #[arg(long)]
    no_trunc: bool,
    /// Only ids
    #[arg(short, long)]
    quiet: bool,
    /// Sizes and times in words; with =false in bytes and as dates
    #[arg(short = 'H', long, value_name = "true|false", num_args = 0..=1, require_equals = true,
        default_value_t = true, default_missing_value = "true", hide_default_value = true,
        action = clap::ArgAction::Set)]
    human: bool,
    /// table, json, TEMPLATE or 'table TEMPLATE'
    #[arg(long)]
    format: Option<String>,
    /// The image, by name or id
    image: String,
}

const HUMAN: &str = "{{.ID}}\\t{{.CreatedSince}}\\t{{.CreatedBy}}\\t{{.Size}}\\t{{.Comment}}";
const EXACT: &str = "{{.ID}}\\t{{.CreatedAt}}\\t{{.CreatedBy}}\\t{{.Size}}\\t{{.Comment}}";
const TITLES: &[(&str, &str)] = &[
    ("ID", "IMAGE"),
    ("CreatedSince", "CREATED"),
    ("CreatedAt", "CREATED AT"),
    ("CreatedBy", "CREATED BY"),
    ("Size", "SIZE"),
    ("Comment", "COMMENT"),
];
/// Characters of a step and of a note in a table.
const WIDTH: usize = 45;

impl History {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let listing = Listing {
            columns: if self.human { HUMAN } else { EXACT },
            quiet: "{{.ID}}",
            titles: TITLES,
        };
        let steps = global.engine()?.image_history(&self.image)?;
        let rows: Vec<_> = steps.iter().map(|step| self.row(step)).collect();
        listing.print(self.format.as_deref(), self.quiet, &rows)?;
        Ok(0)
    }

    fn row(&self, step: &HistoryRow) -> Row {
        let id = match (step.id, self.no_trunc) {
            (None, _) => "<missing>".to_owned(),
            (Some(id), true) => id.to_string(),
            (Some(id), false) => id.short().to_string(),
        };
        let cut = |text: &str| match self.no_trunc {
            true => text.to_owned(),
            false => human::ellipsis(&text.replace('\t', " "), WIDTH),
        };
        Row::from(json!({
            "ID": id,
            "CreatedSince": created_since(step.created),
            "CreatedAt": human::time(step.created),
            "CreatedBy": cut(&step.created_by),
            "Size": if self.human { human::size(step.size) } else { step.size.to_string() },
            "Comment": cut(&step.comment),
        }))
    }
}
