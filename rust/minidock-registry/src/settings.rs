//! `registries.toml`: mirrors, plain HTTP, certificates and token hosts of registries.
//!
//! ```toml
//! [registry."docker.io"]
//! mirrors = ["mirror.example.org", "localhost:5001"]
//!
//! [registry."10.0.0.5:5000"]
//! plain-http = true
//!
//! [registry."registry.example.org"]
//! ca = "/etc/ssl/example.pem"
//! skip-verify = false
//! token-hosts = ["login.example.org"]
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{RegistryError, Result, host};

/// Longest settings file that is read.
const MAX_LEN: u64 = 1 << 20;

/// What is set for registries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    #[serde(default)]
    registry: BTreeMap<String, Registry>,
}

/// What is set for one registry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Registry {
    /// Registries that are asked first when pulling.
    #[serde(default)]
    pub(crate) mirrors: Vec<String>,
    /// Speak HTTP without TLS.
    #[serde(default)]
    pub(crate) plain_http: bool,
    /// Do not look at the certificate.
    #[serde(default)]
    pub(crate) skip_verify: bool,
    /// Further certificate authorities, a PEM file.
    #[serde(default)]
    pub(crate) ca: Option<PathBuf>,
    /// Hosts that give tokens for it, beside its own.
    #[serde(default)]
    pub(crate) token_hosts: Vec<String>,
}

impl Settings {
    /// Reads the settings files that exist; a registry of a later file replaces that of an
    /// earlier one.
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        let mut all = Self::default();
        for path in paths {
            if let Some(text) = text_of(path)? {
                all.registry.extend(Self::parse(&text, path)?.registry);
            }
        }
        Ok(all)
    }

    fn parse(text: &str, path: &Path) -> Result<Self> {
        let problem = |problem: String| RegistryError::Settings { path: path.to_owned(), problem };
        let settings: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| {
                text.as_bytes()[..span.start.min(text.len())]
                    .iter()
                    .filter(|b| **b == b'\n')
                    .count()
                    + 1
            });
            problem(format!("line {line}: {}", crate::error::said(error.message())))
        })?;
        for (name, registry) in &settings.registry {
            let hosts = registry.mirrors.iter().chain(&registry.token_hosts).chain([name]);
            for name in hosts {
                if host::parse(name).is_err() {
                    return Err(problem(format!(
                        "{name:?} is not HOST or HOST:PORT, without a scheme and a path"
                    )));
                }
            }
            if registry.ca.as_ref().is_some_and(|ca| !ca.is_absolute()) {
                return Err(problem(format!("ca of {name:?} is not an absolute path")));
            }
        }
        Ok(settings)
    }

    /// What is set for a registry.
    pub(crate) fn of(&self, name: &str) -> Registry {
        self.registry.get(name).cloned().unwrap_or_default()
    }
}

/// The text of a file; `None` where there is none.
pub(crate) fn text_of(path: &Path) -> Result<Option<String>> {
    use std::io::Read;
    let failed = |source| RegistryError::File { doing: "read", path: path.to_owned(), source };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let problem =
        |problem: &str| RegistryError::Settings { path: path.to_owned(), problem: problem.into() };
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(problem("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_LEN + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_LEN {
        return Err(problem("it is longer than 1 MiB"));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| problem("it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, String> {
        Settings::parse(text, Path::new("r.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn what_can_be_set() {
        let settings = parse(
            "[registry.\"docker.io\"]\nmirrors = [\"m.example.org\"]\n\
             [registry.\"x:1\"]\nplain-http = true\n",
        )
        .unwrap();
        assert_eq!(settings.of("docker.io").mirrors, ["m.example.org"]);
        assert!(settings.of("x:1").plain_http && !settings.of("docker.io").plain_http);
        assert_eq!(settings.of("other"), Registry::default());
        assert_eq!(parse("").unwrap(), Settings::default());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, said) in [
            ("\n[registry.\"x\"]\nmirror = []\n", "r.toml: line 3: unknown field"),
            ("a = 1", "r.toml: line 1: unknown field"),
            ("[registry.\"http://x\"]", "\"http://x\" is not HOST or HOST:PORT"),
            ("[registry.x]\nmirrors = [\"a/b\"]", "\"a/b\" is not HOST or HOST:PORT"),
            ("[registry.x]\nca = \"ca.pem\"", "not an absolute path"),
            ("[[", "r.toml: line 1"),
        ] {
            let found = parse(text).unwrap_err();
            assert!(found.contains(said), "{text}: {found}");
        }
    }

    #[test]
    fn files_that_are_not_there_say_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("1"), dir.path().join("2"));
        std::fs::write(&two, "[registry.x]\nplain-http = true\n").unwrap();
        assert!(Settings::read(&[one.clone(), two.clone()]).unwrap().of("x").plain_http);
        std::fs::write(&one, [0xff]).unwrap();
        assert!(Settings::read(&[one]).unwrap_err().to_string().contains("not UTF-8"));
        assert!(Settings::read(&[dir.path().to_owned()]).is_err());
    }
}
