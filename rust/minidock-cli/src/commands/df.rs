//! `system df`: what takes how much room.

use clap::Args;
use minidock::store::UsageItem;
use serde_json::json;

use crate::cli::Global;
use crate::failure::Result;
use crate::human;
use crate::table::Listing;
use crate::template::Row;

/// Show how much room things take
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock system df
  minidock system df --format '{{.Type}}: {{.Size}}'")]
pub(crate) struct Df {
    /// table, json, TEMPLATE or 'table TEMPLATE'
    #[arg(long)]
    format: Option<String>,
}

const LISTING: Listing = Listing {
    columns: "{{.Type}}\\t{{.TotalCount}}\\t{{.Active}}\\t{{.Size}}\\t{{.Reclaimable}}",
    quiet: "{{.Type}}",
    titles: &[
        ("Type", "TYPE"),
        ("TotalCount", "TOTAL"),
        ("Active", "ACTIVE"),
        ("Size", "SIZE"),
        ("Reclaimable", "RECLAIMABLE"),
    ],
};

impl Df {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let usage = global.engine()?.store().usage()?;
        let rows = [
            row("Images", &usage.images, true),
            row("Containers", &usage.containers, false),
            row("Local Volumes", &usage.volumes, false),
            row("Build Cache", &usage.build_cache, true),
            row("Blobs", &usage.blobs, true),
        ];
        LISTING.print(self.format.as_deref(), false, &rows)?;
        Ok(0)
    }
}

/// A line; sizes of what belongs to subordinate ids are not known from outside.
fn row(kind: &str, item: &UsageItem, sized: bool) -> Row {
    let unknown = || "-".to_owned();
    let share = (item.reclaimable * 100).checked_div(item.size).unwrap_or(0);
    let reclaimable = format!("{} ({share}%)", human::size(item.reclaimable));
    Row::from(json!({
        "Type": kind,
        "TotalCount": item.total.to_string(),
        "Active": item.active.to_string(),
        "Size": if sized { human::size(item.size) } else { unknown() },
        "Reclaimable": if sized { reclaimable } else { unknown() },
    }))
}
