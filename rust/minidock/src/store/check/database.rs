//! Owns the check of the database, and its rebuilding from `records/`.

use minidock_image::digest::Digest;
use rusqlite::TransactionBehavior;

use crate::error::{Error, ErrorKind, Result};

use super::super::files;
use super::super::images::rows;
use super::super::lock::{Lock, Mode};
use super::super::{HeldAlone, Store, meta};
use super::{CheckReport, Damage};

const REMEDY: &str =
    "`--repair` rebuilds it from the copies in records/; only the build cache is lost";

impl Store {
    /// Checks the database. `false` if it is damaged and was not mended.
    pub(super) fn check_database(&self, report: &mut CheckReport, repair: bool) -> Result<bool> {
        let Some(reason) = self.database_damage()? else {
            return Ok(true);
        };
        let what = format!("the database meta.sqlite is damaged: {reason}");
        let finding = report.found(Damage::Database { reason }, what, REMEDY);
        if !repair {
            return Ok(false);
        }
        let alone = self.hold_alone()?;
        // Somebody else may have mended it while this waited.
        if self.database_damage()?.is_none() {
            finding.mended("another check mended it meanwhile");
            return Ok(true);
        }
        let lost = self.rebuild_database(&alone)?;
        finding.mended(match lost.is_empty() {
            true => "rebuilt with all images and references".to_owned(),
            false => format!(
                "rebuilt; the copies of these were damaged too: {}; the old file is kept in records/",
                lost.join(", ")
            ),
        });
        Ok(true)
    }

    fn database_damage(&self) -> Result<Option<String>> {
        let examined = self.read(|db| {
            for pragma in ["integrity_check(1)", "foreign_key_check"] {
                let mut query = db.prepare(&format!("PRAGMA {pragma}")).map_err(meta::sql)?;
                let mut found = query.query([]).map_err(meta::sql)?;
                if let Some(row) = found.next().map_err(meta::sql)? {
                    let text: String = row.get(0).map_err(meta::sql)?;
                    if text != "ok" {
                        return Ok(Some(format!("{pragma}: {text}")));
                    }
                }
            }
            rows::references(db)?;
            self.entries_parse(db)?;
            let wrong = rows::all(db)?.into_iter().find(|i| Digest::of(&i.config) != i.id);
            Ok(wrong.map(|image| format!("the config of image {} has another digest", image.id)))
        });
        match examined {
            Err(error) if error.kind() == ErrorKind::Corrupt => Ok(Some(error.one_line())),
            other => other,
        }
    }

    fn entries_parse(&self, db: &rusqlite::Transaction<'_>) -> Result<()> {
        let mut roots = super::super::roots::Roots::default();
        Self::mark_images(db, &mut roots)?;
        Self::mark_cache(db, &mut roots)
    }

    /// Builds a new database beside the old one and puts it into place by one rename.
    fn rebuild_database(&self, _alone: &HeldAlone) -> Result<Vec<String>> {
        self.close_database();
        let _lock = Lock::wait(&self.dir("meta.lock"), Mode::Exclusive)?;
        let path = self.dir(meta::FILE);
        let fresh = self.dir(&format!("{}{}", meta::FILE, files::TEMP_SUFFIX));
        files::remove_file(&fresh)?;
        drop(files::create_new(&fresh)?);
        meta::make_tables(&fresh)?;
        let lost = self.fill(&fresh)?;
        // The journal belongs to the damaged file: played back into the new one it would ruin it.
        files::remove_file(&self.dir(meta::JOURNAL))?;
        if !lost.is_empty() && files::exists(&path)? {
            let kept = self.dir("records").join(format!("damaged-{}.sqlite", meta::now()));
            std::fs::rename(&path, &kept).map_err(|e| Error::at("keep", &path, e))?;
        }
        std::fs::rename(&fresh, &path).map_err(|e| Error::at("replace", &path, e))?;
        files::sync_dir(self.root())?;
        Ok(lost)
    }

    fn fill(&self, path: &std::path::Path) -> Result<Vec<String>> {
        let mut connection = meta::connect(path, true).map_err(meta::sql)?;
        let tx = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(meta::sql)?;
        let lost = self.restore_records(&tx)?;
        tx.commit().map_err(meta::sql)?;
        Ok(lost)
    }

    /// Compares the copies with the database.
    pub(super) fn check_records(&self, report: &mut CheckReport, repair: bool) -> Result<()> {
        if self.records_agree()? {
            return Ok(());
        }
        let finding = report.found(
            Damage::Records,
            "the copies of images and references in records/ are not what the database says",
            "`--repair` writes them anew; nothing is lost",
        );
        if repair {
            let alone = self.hold_alone()?;
            self.rewrite_records(&alone)?;
            finding.mended("written anew");
        }
        Ok(())
    }
}
