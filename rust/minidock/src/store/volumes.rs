//! Owns `volumes/`: one directory per volume, made by one rename; its files are in `_data`.
//!
//! What the store knows of a volume lies beside its files and not in the database, so that there
//! is one truth and a `run -v` waits for no flush.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result, quoted};

use super::files::{self, Flush};
use super::ids::VolumeName;
use super::{Lease, Store};

const META: &str = "meta.json";
const DATA: &str = "_data";

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeRecord {
    /// Its name.
    pub name: VolumeName,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it was made for one container without a name, and goes with it.
    pub anonymous: bool,
    /// When it was made, in seconds since 1970.
    pub created: i64,
}

#[derive(Serialize, Deserialize)]
struct MetaFile {
    labels: BTreeMap<String, String>,
    anonymous: bool,
    created: i64,
}

impl Store {
    fn volume_dir(&self, name: &VolumeName) -> PathBuf {
        self.dir("volumes").join(name.as_str())
    }

    /// Where a volume's files lie.
    pub fn volume_data(&self, name: &VolumeName) -> PathBuf {
        self.volume_dir(name).join(DATA)
    }

    /// What is known of a volume.
    pub fn volume(&self, name: &VolumeName) -> Result<VolumeRecord> {
        let dir = self.volume_dir(name);
        let Some(bytes) = files::read_optional(&dir.join(META))? else {
            return Err(match files::exists(&dir)? {
                true => damaged(name, "its meta.json is missing"),
                false => no_volume(name),
            });
        };
        let file: MetaFile = serde_json::from_slice(&bytes)
            .map_err(|e| damaged(name, "its meta.json does not parse").with_source(e))?;
        Ok(VolumeRecord {
            name: name.clone(),
            labels: file.labels,
            anonymous: file.anonymous,
            created: file.created,
        })
    }

    /// All volumes by name; one whose record is damaged still has its files, and is listed.
    pub fn volumes(&self) -> Result<Vec<VolumeRecord>> {
        let mut volumes = Vec::new();
        for name in self.volume_names()? {
            match self.volume(&name) {
                Ok(volume) => volumes.push(volume),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) if error.kind() == ErrorKind::Corrupt => volumes.push(VolumeRecord {
                    name,
                    labels: BTreeMap::new(),
                    anonymous: false,
                    created: 0,
                }),
                Err(error) => return Err(error),
            }
        }
        Ok(volumes)
    }

    pub(crate) fn volume_names(&self) -> Result<Vec<VolumeName>> {
        let names = files::names_in(&self.dir("volumes"))?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// Removes a volume. Whether a container uses it is for the caller to say, who reads the
    /// containers' settings: `in_use` is asked while no container can appear.
    pub fn remove_volume(
        &self,
        name: &VolumeName,
        in_use: impl FnOnce() -> Result<Option<String>>,
    ) -> Result<()> {
        self.require_write()?;
        {
            let _alone = self.hold_alone()?;
            if let Some(user) = in_use()? {
                return Err(Error::new(
                    ErrorKind::InUse,
                    format!("volume {name} is used by container {user}"),
                )
                .with_hint("remove the container first"));
            }
            if !self.discard(&self.volume_dir(name))? {
                return Err(no_volume(name));
            }
            self.volume_event(name.as_str(), "destroy");
        }
        self.empty_trash()?;
        Ok(())
    }

    /// Gives a volume whose record was lost a new one; its files stay.
    pub(crate) fn mend_volume(&self, name: &VolumeName) -> Result<()> {
        let dir = self.volume_dir(name);
        files::ensure_dir(&dir.join(DATA))?;
        write_meta(&dir, &BTreeMap::new(), false)
    }
}

impl Lease {
    /// Makes a volume, or gives the one with that name; the flag says whether it is new.
    pub fn make_volume(
        &self,
        name: &VolumeName,
        labels: &BTreeMap<String, String>,
        anonymous: bool,
    ) -> Result<(VolumeRecord, bool)> {
        let store = self.store();
        store.require_write()?;
        if files::exists(&store.volume_dir(name))? {
            return Ok((store.volume(name)?, false));
        }
        let dir = self.dir().join(format!("volume-{name}"));
        files::make_dir(&dir)?;
        files::make_dir(&dir.join(DATA))?;
        write_meta(&dir, labels, anonymous)?;
        let _held = store.hold()?;
        let new = files::rename_new(&dir, &store.volume_dir(name))?;
        match new {
            true => store.volume_event(name.as_str(), "create"),
            false => drop(store.discard(&dir)?),
        }
        Ok((store.volume(name)?, new))
    }
}

fn write_meta(
    dir: &std::path::Path,
    labels: &BTreeMap<String, String>,
    anonymous: bool,
) -> Result<()> {
    let file = MetaFile { labels: labels.clone(), anonymous, created: super::meta::now() };
    let bytes = serde_json::to_vec(&file)
        .map_err(|e| Error::new(ErrorKind::Io, "cannot write meta.json").with_source(e))?;
    files::write_atomic(&dir.join(META), &bytes, Flush::Later)
}

fn no_volume(name: &VolumeName) -> Error {
    Error::new(ErrorKind::NotFound, format!("no such volume: {}", quoted(name.as_str())))
        .with_hint("`minidock volume ls` lists them")
}

fn damaged(name: &VolumeName, how: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("volume {name} is damaged: {how}"))
        .with_hint("run `minidock system check --repair`; its files stay")
}
