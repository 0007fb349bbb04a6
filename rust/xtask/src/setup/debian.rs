//! The Debian root filesystem of the demo and the suites: made once by mmdebstrap from the mirror
//! that this host itself uses, and kept in the stage.

use std::fs;
use std::path::{Path, PathBuf};

use crate::call::Call;
use crate::error::{Error, file};
use crate::screen;
use crate::stage::Stage;

const SUITE: &str = "bookworm";
const ARCHIVE: &str = "http://deb.debian.org/debian";
const SECURITY: &str = "http://deb.debian.org/debian-security";
/// Where an administrator adds authorities of the own network (update-ca-certificates(8)).
const AUTHORITIES: &str = "/usr/local/share/ca-certificates";
/// Settings of apt that say how this host reaches its mirror; the image needs them as well.
const APT_SETTINGS: &[&str] = &[
    "Acquire::http::Proxy ",
    "Acquire::https::Proxy ",
    "Acquire::Check-Valid-Until ",
    "Acquire::Check-Date ",
];

/// The tar, made if it is not there yet.
pub(super) fn base(stage: &Stage) -> Result<PathBuf, Error> {
    let tar = stage.path(format!("debian-{SUITE}.tar"));
    if tar.exists() {
        return Ok(tar);
    }
    if !Path::new("/usr/bin/mmdebstrap").exists() {
        return Err(Error::Host {
            what: "there is no mmdebstrap to make the Debian base image with".to_owned(),
            mend: "as root: apt-get install mmdebstrap".to_owned(),
        });
    }
    let mirrors = Mirrors::of_host()?;
    screen::say(&format!("debian base: made once from {}", mirrors.archive));
    let unfinished = stage.path(format!(".debian-{}.tar", std::process::id()));
    let mut call = Call::new("mmdebstrap").args(["--quiet", "--variant=minbase", "--format=tar"]);
    for setting in apt_settings()? {
        call = call.arg(format!("--aptopt={setting}"));
    }
    if has_authorities()? {
        let copy = format!("sync-in {AUTHORITIES} {AUTHORITIES}");
        call = call
            .arg(format!("--customize-hook=mkdir -p \"$1\"{AUTHORITIES}"))
            .arg(format!("--customize-hook={copy}"));
    }
    call.arg(SUITE).arg(&unfinished).args(mirrors.lines()).run()?;
    fs::rename(&unfinished, &tar).map_err(file("put in place", &tar))?;
    Ok(tar)
}

fn apt_settings() -> Result<Vec<String>, Error> {
    let text = Call::new("apt-config").arg("dump").text()?;
    let kept = text.lines().filter(|line| {
        let set = !line.ends_with("\"\";");
        set && APT_SETTINGS.iter().any(|name| line.starts_with(name))
    });
    Ok(kept.map(|line| line.trim_end_matches(';').to_owned()).collect())
}

fn has_authorities() -> Result<bool, Error> {
    match fs::read_dir(AUTHORITIES) {
        Ok(mut entries) => Ok(entries.next().is_some()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(Error::File { action: "list", path: AUTHORITIES.into(), source }),
    }
}

/// Base addresses of the Debian archives.
#[derive(Debug, PartialEq)]
struct Mirrors {
    archive: String,
    security: String,
}

impl Mirrors {
    fn of_host() -> Result<Self, Error> {
        let mut text = String::new();
        let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
        if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
            files.extend(entries.flatten().map(|entry| entry.path()));
        }
        files.sort();
        for path in files {
            let apt_reads = path.extension().is_some_and(|end| end == "list" || end == "sources");
            if apt_reads && path.exists() {
                text.push_str(&fs::read_to_string(&path).map_err(file("read", &path))?);
                text.push('\n');
            }
        }
        Ok(Self::find(&text))
    }

    /// Finds the addresses in sources.list(5) text, in the one-line or the deb822 style.
    fn find(sources: &str) -> Self {
        let words = sources
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("deb ") || line.starts_with("URIs:"))
            .flat_map(str::split_whitespace)
            .filter(|word| word.starts_with("http://") || word.starts_with("https://"))
            .map(|word| word.trim_end_matches('/'));
        let ending = |end: &str| words.clone().find(|word| word.ends_with(end)).map(str::to_owned);
        Self {
            archive: ending("/debian").unwrap_or_else(|| ARCHIVE.to_owned()),
            security: ending("/debian-security").unwrap_or_else(|| SECURITY.to_owned()),
        }
    }

    fn lines(&self) -> [String; 3] {
        [
            format!("deb {} {SUITE} main", self.archive),
            format!("deb {} {SUITE}-updates main", self.archive),
            format!("deb {} {SUITE}-security main", self.security),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_are_found_in_both_styles() {
        let own = Mirrors {
            archive: "http://mirror.example/debian".to_owned(),
            security: "https://mirror.example/debian-security".to_owned(),
        };
        let deb822 = "Types: deb\nURIs: http://mirror.example/debian/\nSuites: bookworm\n\n\
                      Types: deb\nURIs: https://mirror.example/debian-security\n";
        assert_eq!(Mirrors::find(deb822), own);
        let one_line = "# deb http://no.example/debian x main\n\
                        deb [signed-by=/k] http://mirror.example/debian bookworm main\n\
                        deb https://mirror.example/debian-security/ bookworm-security main\n";
        assert_eq!(Mirrors::find(one_line), own);
    }

    #[test]
    fn without_sources_the_official_mirror_serves() {
        assert_eq!(Mirrors::find("").archive, ARCHIVE);
    }
}
