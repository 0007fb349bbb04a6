//! Owns what kills leave behind, and what somebody else put into the store.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};

use super::super::files::{self, TEMP_SUFFIX};
use super::super::ids::{ContainerId, ContainerName, LocalId, VolumeName};
use super::super::{DIRECTORIES, FILES, Store};
use super::{CheckReport, Damage};

/// A temporary file lives for moments; one of this age has no writer any more.
const TEMP_AGE: Duration = Duration::from_secs(3600);

impl Store {
    pub(super) fn check_leftovers(&self, report: &mut CheckReport, repair: bool) -> Result<()> {
        const SWEPT: &str = "nothing is lost; the next operation or `--repair` sweeps it";
        let first = report.findings.len();
        for lease in self.stale_leases()? {
            let what = format!("ingest/{lease} was left by an operation that was killed");
            report.found(Damage::StaleLease { lease }, what, SWEPT);
        }
        for name in files::names_in(&self.dir("trash"))? {
            let what = format!("trash/{name} waits to be deleted");
            report.found(Damage::Trash { name }, what, SWEPT);
        }
        for name in self.stale_claims()? {
            let what = format!("no container answers to the name {name}");
            report.found(Damage::StaleName { name }, what, "it is free; `--repair` removes it");
        }
        for entry in self.cache_entries()? {
            if !self.has_layer(&entry.layer)? {
                let what = format!("the layer of the build step {:?} is gone", entry.description);
                report.found(
                    Damage::StaleCache { key: entry.key },
                    what,
                    "the step runs again when it is needed; `--repair` forgets it",
                );
            }
        }
        for path in self.old_temp_files()? {
            let path = self.below_root(&path);
            let what = format!("{path} was left by a process that was killed");
            report.found(Damage::TempFile { path }, what, "`--repair` removes it");
        }
        match repair {
            true => self.sweep_leftovers(report, first),
            false => Ok(()),
        }
    }

    fn sweep_leftovers(&self, report: &mut CheckReport, first: usize) -> Result<()> {
        {
            let alone = self.hold_alone()?;
            self.sweep_leases(&alone)?;
            self.free_stale_claims(&alone)?;
            let mut gone = Vec::new();
            for entry in self.cache_entries()? {
                if !self.has_layer(&entry.layer)? {
                    gone.push(entry.layer);
                }
            }
            self.forget_cache(Some(&gone))?;
            for path in self.old_temp_files()? {
                files::remove_file(&path)?;
            }
        }
        self.empty_trash_wholly()?;
        let left = files::names_in(&self.dir("trash"))?;
        for finding in &mut report.findings[first..] {
            match &finding.damage {
                Damage::Trash { name } if left.contains(name) => {
                    finding.remedy = "it holds files of subordinate ids, and nothing was handed \
                                      in that can delete them"
                        .to_owned();
                }
                _ => finding.mended("removed"),
            }
        }
        Ok(())
    }

    fn old_temp_files(&self) -> Result<Vec<PathBuf>> {
        let mut dirs: Vec<PathBuf> =
            ["", "ingest", "blobs", "records", "records/images"].map(|d| self.dir(d)).to_vec();
        dirs.extend(self.layer_ids()?.iter().map(|id| self.layer_dir(id)));
        dirs.extend(self.container_ids()?.iter().map(|id| self.container_dir(id)));
        let mut found = Vec::new();
        for dir in dirs {
            old_temp_files_in(&dir, &mut found)?;
        }
        Ok(found)
    }

    /// Things whose names are none of the store's.
    pub(super) fn check_strays(&self, report: &mut CheckReport) -> Result<()> {
        let tops = |name: &str| DIRECTORIES.contains(&name) || FILES.contains(&name);
        self.strays_in("", &tops, report)?;
        self.strays_in("layers", &|name| name.parse::<LocalId>().is_ok(), report)?;
        self.strays_in("containers", &|name| name.parse::<ContainerId>().is_ok(), report)?;
        self.strays_in("names", &|name| name.parse::<ContainerName>().is_ok(), report)?;
        self.strays_in("volumes", &|name| name.parse::<VolumeName>().is_ok(), report)
    }

    fn strays_in(
        &self,
        dir: &str,
        known: &dyn Fn(&str) -> bool,
        report: &mut CheckReport,
    ) -> Result<()> {
        for name in files::names_in(&self.dir(dir))?.into_iter().filter(|name| !known(name)) {
            let path = Path::new(dir).join(name).to_string_lossy().into_owned();
            let what = format!("{path:?} is not minidock's");
            report.found(Damage::Stray { path }, what, "move it away");
        }
        Ok(())
    }
}

fn old_temp_files_in(dir: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::at("list", dir, error)),
    };
    for entry in entries {
        let entry = entry.map_err(|e| Error::at("list", dir, e))?;
        if !entry.file_name().to_string_lossy().ends_with(TEMP_SUFFIX) {
            continue;
        }
        match entry.metadata() {
            // A clock that went back makes a file young: it is found another time.
            Ok(meta) if meta.modified().is_ok_and(|t| t.elapsed().is_ok_and(|a| a > TEMP_AGE)) => {
                found.push(entry.path());
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::at("examine", &entry.path(), error)),
        }
    }
    Ok(())
}
