//! `images`: lists images.

use clap::Args;
use minidock::image::{ImageFilter, ImageRow, ImageSummary};
use serde_json::{Value, json};

use crate::cli::Global;
use crate::failure::Result;
use crate::human;
use crate::table::Listing;
use crate::template::Row;

/// List images
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  minidock images
  minidock images 'debian:*'
  minidock images -q --filter dangling=true")]
pub(crate) struct Images {
    /// Show intermediate images too; builds leave none, so this is every image in any case
    #[arg(short, long)]
    all: bool,
    /// Only ids
    #[arg(short, long)]
    quiet: bool,
    /// Do not cut ids
    #[arg(long)]
    no_trunc: bool,
    /// Show digests
    #[arg(long)]
    digests: bool,
    /// Only what fits: dangling, reference, label, before, since
    #[arg(short, long, value_name = "KEY=VALUE")]
    filter: Vec<String>,
    /// table, json, TEMPLATE or 'table TEMPLATE'
    #[arg(long)]
    format: Option<String>,
    /// Only this repository or name
    #[arg(value_name = "REPOSITORY[:TAG]")]
    repository: Option<String>,
}

const PLAIN: &str = "{{.Repository}}\\t{{.Tag}}\\t{{.ID}}\\t{{.CreatedSince}}\\t{{.Size}}";
const DIGESTS: &str =
    "{{.Repository}}\\t{{.Tag}}\\t{{.Digest}}\\t{{.ID}}\\t{{.CreatedSince}}\\t{{.Size}}";
const TITLES: &[(&str, &str)] = &[
    ("Repository", "REPOSITORY"),
    ("Tag", "TAG"),
    ("Digest", "DIGEST"),
    ("ID", "IMAGE ID"),
    ("CreatedSince", "CREATED"),
    ("CreatedAt", "CREATED AT"),
    ("Size", "SIZE"),
];
const NONE: &str = "<none>";

impl Images {
    pub(crate) fn run(self, global: &Global) -> Result<u8> {
        let mut filter = ImageFilter::parse(&self.filter)?;
        filter.references.extend(self.repository.clone());
        let listing = Listing {
            columns: if self.digests { DIGESTS } else { PLAIN },
            quiet: "{{.ID}}",
            titles: TITLES,
        };
        let images = global.engine()?.list_images(&filter)?;
        let rows: Vec<_> = match self.quiet {
            // Each id once, however many names it has.
            true => images
                .iter()
                .filter_map(|image| Some(self.row(image, image.rows().first()?)))
                .collect(),
            false => images
                .iter()
                .flat_map(|image| image.rows().into_iter().map(|row| self.row(image, &row)))
                .collect(),
        };
        listing.print(self.format.as_deref(), self.quiet, &rows)?;
        Ok(0)
    }

    fn row(&self, image: &ImageSummary, row: &ImageRow) -> Row {
        let id = if self.no_trunc { row.id.to_string() } else { row.id.short().to_string() };
        let value = json!({
            "Repository": row.repository,
            "Tag": row.tag,
            "Digest": row.digest.as_ref().map_or_else(|| NONE.to_owned(), ToString::to_string),
            "ID": id,
            "CreatedSince": created_since(row.created),
            "CreatedAt": human::time(row.created),
            "Size": human::size(row.size),
        });
        let labels =
            image.labels.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect();
        Row { value, labels }
    }
}

/// An image without a time of its own is as old as docker's `N/A`.
pub(crate) fn created_since(seconds: i64) -> String {
    match seconds {
        0 => "N/A".to_owned(),
        seconds => human::ago(seconds),
    }
}
