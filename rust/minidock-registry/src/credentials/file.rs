//! `config.json` of docker and `auth.json` of containers: read with all they hold, written whole
//! or not at all, for nobody else's eyes.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Credentials, means};
use crate::settings::text_of;
use crate::{RegistryError, Result};

/// A file and what it says.
#[derive(Debug)]
pub(super) struct ConfigFile {
    path: PathBuf,
    content: Map<String, Value>,
}

impl ConfigFile {
    /// Reads the file; one that is not there says nothing.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = text_of(path)?.unwrap_or_default();
        let content = match text.trim().is_empty() {
            true => Map::new(),
            false => serde_json::from_str(&text).map_err(|error| {
                bad(path, format!("line {}: it is not a JSON object", error.line()))
            })?,
        };
        Ok(Self { path: path.to_owned(), content })
    }

    /// The credential helper for a registry.
    pub(super) fn helper(&self, registry: &str) -> Result<Option<String>> {
        let of_registry = self.content.get("credHelpers").and_then(Value::as_object);
        let named = of_registry
            .and_then(|helpers| helpers.iter().find(|(key, _)| means(key, registry)))
            .map(|(_, name)| name)
            .or_else(|| self.content.get("credsStore"));
        match named {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(name)) if name.is_empty() => Ok(None),
            Some(Value::String(name)) => {
                super::helper::check_name(name)?;
                Ok(Some(name.clone()))
            }
            Some(_) => Err(bad(&self.path, "the name of a credential helper is no text".into())),
        }
    }

    /// The log-in in the file itself: the key with most of the path counts.
    pub(super) fn entry(&self, registry: &str, path: &str) -> Result<Option<Credentials>> {
        let Some(entries) = self.content.get("auths").and_then(Value::as_object) else {
            return Ok(None);
        };
        let whole = format!("{registry}/{path}");
        let best = entries
            .iter()
            .filter(|(key, _)| {
                means(key, registry) && (is_host(key) || whole == **key || starts(&whole, key))
            })
            .max_by_key(|(key, _)| if is_host(key) { 0 } else { key.len() });
        match best {
            None => Ok(None),
            Some((key, entry)) => credentials(entry)
                .ok_or_else(|| bad(&self.path, format!("the entry of {key:?} is damaged"))),
        }
    }

    /// Puts a log-in in.
    pub(super) fn set(&mut self, server: &str, credentials: &Credentials) {
        let entry = match credentials {
            Credentials::Password { username, password } => {
                json!({ "auth": STANDARD.encode(format!("{username}:{password}")) })
            }
            Credentials::IdentityToken { token } => {
                json!({ "auth": STANDARD.encode("<token>:"), "identitytoken": token })
            }
        };
        let auths = self.content.entry("auths").or_insert_with(|| json!({}));
        if !auths.is_object() {
            *auths = json!({});
        }
        auths[server] = entry;
    }

    /// Takes the log-ins of a registry out; gives whether there was one.
    pub(super) fn remove(&mut self, registry: &str) -> bool {
        let Some(auths) = self.content.get_mut("auths").and_then(Value::as_object_mut) else {
            return false;
        };
        let before = auths.len();
        auths.retain(|key, _| !(means(key, registry) && is_host(key)));
        auths.len() != before
    }

    /// Writes the file: a new one of mode 0600 takes the old one's place. A link is followed, so
    /// that it stays one.
    pub(super) fn write(&self) -> Result<()> {
        let target = std::fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let failed = |source| RegistryError::File { doing: "write", path: target.clone(), source };
        let directory = target.parent().unwrap_or(Path::new("/"));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        let mut text = serde_json::to_vec_pretty(&self.content).map_err(|error| {
            RegistryError::File { doing: "write", path: target.clone(), source: error.into() }
        })?;
        text.push(b'\n');
        let partial = target.with_extension(format!("partial-{}", std::process::id()));
        let written = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&partial)
            .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&partial, &target));
        if written.is_err() {
            // The first failure counts.
            drop(std::fs::remove_file(&partial));
        }
        written.map_err(failed)
    }
}

/// Whether a key is a host alone, or a URL, whose path means nothing.
fn is_host(key: &str) -> bool {
    key.contains("://") || !key.trim_end_matches('/').contains('/')
}

fn starts(whole: &str, key: &str) -> bool {
    whole.strip_prefix(key).is_some_and(|rest| rest.starts_with('/'))
}

/// What an entry holds; `Some(None)` for one that holds nothing, as with a helper, `None` for a
/// damaged one.
fn credentials(entry: &Value) -> Option<Option<Credentials>> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    if let Some(token) = text("identitytoken") {
        return Some(Some(Credentials::IdentityToken { token: token.to_owned() }));
    }
    if let Some(auth) = text("auth") {
        let decoded = String::from_utf8(STANDARD.decode(auth).ok()?).ok()?;
        let (username, password) = decoded.split_once(':')?;
        // docker wrote a NUL at the end once.
        let password = password.trim_end_matches('\0').to_owned();
        return Some(Some(Credentials::Password { username: username.to_owned(), password }));
    }
    match (text("username"), text("password")) {
        (Some(username), Some(password)) => Some(Some(Credentials::Password {
            username: username.to_owned(),
            password: password.to_owned(),
        })),
        _ => entry.is_object().then_some(None),
    }
}

fn bad(path: &Path, problem: String) -> RegistryError {
    RegistryError::Settings { path: path.to_owned(), problem }
}

#[cfg(test)]
mod tests {
    use super::super::{Logins, Stored};
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn password(username: &str, password: &str) -> Credentials {
        Credentials::Password { username: username.into(), password: password.into() }
    }

    #[test]
    fn files_of_docker_and_containers() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        let b64 = |text: &str| STANDARD.encode(text);
        let content = json!({ "auths": {
            "https://index.docker.io/v1/": { "auth": b64("hub:p:w") },
            "localhost:5000": { "auth": b64("host:1") },
            "localhost:5000/team": { "auth": b64("team:2") },
            "localhost:5000/team/app": { "username": "app", "password": "3" },
            "token.example.org": { "auth": b64("x:"), "identitytoken": "t" },
            "empty.example.org": {},
            "bad.example.org": { "auth": "%%%" },
        }});
        std::fs::write(&path, content.to_string()).unwrap();
        let logins = Logins { docker: None, containers: vec![dir.path().join("no"), path] };
        let find = |registry: &str, path: &str| logins.find(registry, path).unwrap();
        assert_eq!(find("docker.io", "library/x"), Some(password("hub", "p:w")));
        assert_eq!(find("localhost:5000", "x"), Some(password("host", "1")));
        assert_eq!(find("localhost:5000", "team/x"), Some(password("team", "2")));
        assert_eq!(find("localhost:5000", "teams/x"), Some(password("host", "1")));
        assert_eq!(find("localhost:5000", "team/app"), Some(password("app", "3")));
        let token = Credentials::IdentityToken { token: "t".into() };
        assert_eq!(find("token.example.org", "x"), Some(token));
        assert_eq!(find("empty.example.org", "x"), None);
        assert_eq!(find("other.example.org", "x"), None);
        let error = logins.find("bad.example.org", "x").unwrap_err();
        assert!(error.to_string().contains("the entry of \"bad.example.org\" is damaged"));
    }

    /// Row G9: mode, directory, what else the file holds, links.
    #[test]
    fn a_log_in_is_kept_for_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("docker/config.json");
        let logins = Logins { docker: Some(path.clone()), containers: Vec::new() };
        let stored = logins.store("docker.io", &password("me", "secret")).unwrap();
        assert_eq!(stored, Stored::File(path.clone()));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(logins.find("docker.io", "x").unwrap(), Some(password("me", "secret")));

        let real = dir.path().join("real.json");
        std::fs::write(&real, "{\"HttpHeaders\":{\"a\":\"b\"}}").unwrap();
        std::fs::set_permissions(&real, PermissionsExt::from_mode(0o644)).unwrap();
        let link = dir.path().join("link.json");
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let logins = Logins { docker: Some(link.clone()), containers: Vec::new() };
        logins.store("localhost:5000", &password("me", "secret")).unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(mode(&real), 0o600);
        assert!(std::fs::read_to_string(&real).unwrap().contains("HttpHeaders"));
        assert!(logins.erase("localhost:5000").unwrap());
        assert!(!logins.erase("localhost:5000").unwrap());
        assert_eq!(logins.find("localhost:5000", "x").unwrap(), None);
        let names = std::fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(names, 3, "nothing half-written is left");
    }

    #[test]
    fn damaged_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.json");
        let logins = Logins { docker: Some(path.clone()), containers: Vec::new() };
        for (text, said) in [
            ("[]", "line 1: it is not a JSON object"),
            ("{\n\"auths\"", "line 2"),
            ("{\"credsStore\": 3}", "the name of a credential helper is no text"),
            ("{\"credsStore\": \"../x\"}", "../x"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = logins.find("docker.io", "x").unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
