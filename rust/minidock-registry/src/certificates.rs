//! `certs.d`: docker's directories of certificates, one for each registry: `*.crt` are further
//! authorities, `*.cert` with `*.key` is what we show of ourselves.

use std::path::{Path, PathBuf};

use crate::{RegistryError, Result};

/// Files for one registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Certificates {
    /// Further authorities.
    pub(crate) authorities: Vec<PathBuf>,
    /// Our own certificate and its key.
    pub(crate) own: Option<(PathBuf, PathBuf)>,
}

impl Certificates {
    /// Looks into `DIRECTORY/NAME/` of each directory.
    pub(crate) fn find(directories: &[PathBuf], name: &str) -> Result<Self> {
        let mut found = Self::default();
        for directory in directories {
            found.take(&directory.join(name))?;
        }
        Ok(found)
    }

    /// Whether there are any.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn take(&mut self, directory: &Path) -> Result<()> {
        let failed =
            |source| RegistryError::File { doing: "read", path: directory.to_owned(), source };
        let listing = match std::fs::read_dir(directory) {
            Ok(listing) => listing,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        let mut paths = Vec::new();
        for entry in listing {
            paths.push(entry.map_err(failed)?.path());
        }
        paths.sort();
        for path in paths {
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("crt") => self.authorities.push(path),
                Some("cert") => {
                    let key = path.with_extension("key");
                    if !key.exists() {
                        let problem = format!("there is no {} beside it", key.display());
                        return Err(RegistryError::Settings { path, problem });
                    }
                    self.own = Some((path, key));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_there_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("localhost:5000");
        let directories = [dir.path().join("none"), dir.path().to_owned()];
        assert!(Certificates::find(&directories, "localhost:5000").unwrap().is_empty());
        std::fs::create_dir(&own).unwrap();
        for name in ["a.crt", "b.crt", "me.cert", "notes.txt"] {
            std::fs::write(own.join(name), "").unwrap();
        }
        assert!(Certificates::find(&directories, "localhost:5000").is_err(), "no key");
        std::fs::write(own.join("me.key"), "").unwrap();
        let found = Certificates::find(&directories, "localhost:5000").unwrap();
        assert_eq!(found.authorities, [own.join("a.crt"), own.join("b.crt")]);
        assert_eq!(found.own, Some((own.join("me.cert"), own.join("me.key"))));
    }
}
