//! Owns the check of `blobs/`: every blob is hashed again.

use minidock_image::digest::Digest;

use crate::error::Result;

use super::super::images::rows;
use super::super::{Store, blobs, files};
use super::{CheckReport, Damage};

impl Store {
    pub(super) fn check_blobs(&self, report: &mut CheckReport, repair: bool) -> Result<()> {
        self.check_layout(report, repair)?;
        let (digests, odd) = self.blobs()?;
        for path in odd {
            let path = self.below_root(&path);
            let what = format!("{path} is no blob");
            report.found(Damage::Stray { path }, what, "move it away");
        }
        for digest in digests {
            report.blobs += 1;
            // A blob that went meanwhile is not damaged.
            if self.verify_blob(&digest)? || !self.has_blob(&digest)? {
                continue;
            }
            let finding = report.found(
                Damage::Blob { digest },
                format!("the content of blob {digest} is damaged"),
                "`--repair` removes it; pull the image again to have it back",
            );
            if repair {
                let _alone = self.hold_alone()?;
                self.discard(&self.blob_path(&digest))?;
                finding.mended("removed");
            }
        }
        self.check_blobs_of_images(report, repair)
    }

    fn check_layout(&self, report: &mut CheckReport, repair: bool) -> Result<()> {
        let parses = |name: &str| -> Result<bool> {
            let bytes = files::read_optional(&self.dir("blobs").join(name))?;
            Ok(bytes.is_some_and(|b| serde_json::from_slice::<serde_json::Value>(&b).is_ok()))
        };
        if parses("oci-layout")? && parses("index.json")? {
            return Ok(());
        }
        let finding = report.found(
            Damage::Layout,
            "blobs/oci-layout or blobs/index.json is missing or damaged",
            "`--repair` writes them anew",
        );
        if repair {
            let alone = self.hold_alone()?;
            blobs::make_layout(self.root())?;
            self.record_refs(&alone)?;
            finding.mended("written anew");
        }
        Ok(())
    }

    fn check_blobs_of_images(&self, report: &mut CheckReport, repair: bool) -> Result<()> {
        for (image, digest) in self.missing_blobs()? {
            let finding = report.found(
                Damage::BlobMissing { digest, image },
                format!("blob {digest} of image {} is gone", image.short()),
                "pull the image again; `--repair` lets the image go on without it",
            );
            if repair {
                let _alone = self.hold_alone()?;
                self.write(|db| rows::drop_blob(db, &image, &digest))?;
                finding.mended("the image goes on without it");
            }
        }
        Ok(())
    }

    fn missing_blobs(&self) -> Result<Vec<(Digest, Digest)>> {
        let _held = self.hold()?;
        let mut missing = Vec::new();
        for (image, digest) in self.read(rows::all_blobs)? {
            if !self.has_blob(&digest)? {
                missing.push((image, digest));
            }
        }
        Ok(missing)
    }

    pub(super) fn below_root(&self, path: &std::path::Path) -> String {
        path.strip_prefix(self.root()).unwrap_or(path).to_string_lossy().into_owned()
    }
}
