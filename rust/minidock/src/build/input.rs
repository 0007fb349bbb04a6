//! Reading the Dockerfile, and what was given with the options: arguments, platforms, context.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use minidock_dockerfile::{BuildArgs, Dockerfile, PLATFORM_ARGS, PlatformPart};
use minidock_image::descriptor::Platform;

use super::context::{self, Context};
use super::failure::parse_error;
use super::options::{BuildOptions, ContextSource, DockerfileSource};
use crate::error::{Error, ErrorKind, Result, quoted};
use crate::image::host_platform;

/// The Dockerfile's name in a context.
const DOCKERFILE: &str = "Dockerfile";

/// A Dockerfile and where it came from.
#[derive(Debug)]
pub(super) struct Input {
    /// As errors call it.
    pub(super) name: String,
    /// It, parsed.
    pub(super) file: Dockerfile,
    /// The context, with its ignore rules.
    pub(super) context: Option<Context>,
    /// Values from outside the Dockerfile.
    pub(super) args: BuildArgs,
}

impl Input {
    /// Reads it all.
    pub(super) fn read(options: &BuildOptions) -> Result<Self> {
        let mut context = match &options.context {
            ContextSource::Directory(path) => Some(Context::open(path)?),
            ContextSource::Empty => None,
        };
        let (name, text) = match &options.dockerfile {
            None => (DOCKERFILE.to_owned(), default_file(context.as_ref())?),
            Some(DockerfileSource::Text(text)) => ("-".to_owned(), text.clone()),
            Some(DockerfileSource::File(path)) => (path.display().to_string(), read_file(path)?),
        };
        let file = Dockerfile::parse(&text).map_err(|error| parse_error(&name, &error))?;
        refuse_frontend(&name, &text, file.directives.syntax.as_deref())?;
        if let Some(context) = &mut context {
            read_ignore(context, options)?;
        }
        let args = BuildArgs {
            given: options.build_args.clone(),
            platform: platform_args(&host_platform()),
        };
        Ok(Self { name, file, context, args })
    }
}

/// `# syntax=` names an image that docker would fetch and run to read the file. docker's own is
/// what this is; another one's language is unknown.
fn refuse_frontend(name: &str, text: &[u8], syntax: Option<&str>) -> Result<()> {
    let Some(syntax) = syntax else { return Ok(()) };
    let image = syntax.split_whitespace().next().unwrap_or_default();
    let image = image.strip_prefix("docker.io/").unwrap_or(image);
    let repository = image.split([':', '@']).next().unwrap_or_default();
    if matches!(repository, "docker/dockerfile" | "docker/dockerfile-upstream") {
        return Ok(());
    }
    let is_directive = |line: &&[u8]| {
        let text = String::from_utf8_lossy(line).to_ascii_lowercase();
        let text = text.trim_start_matches('\u{feff}').trim();
        text.strip_prefix('#').is_some_and(|rest| rest.trim_start().starts_with("syntax"))
    };
    let line = text.split(|byte| *byte == b'\n').position(|line| is_directive(&line));
    let message = format!(
        "{name}:{}: the frontend {} is not supported: none is ever fetched",
        line.unwrap_or_default() + 1,
        quoted(syntax)
    );
    Err(Error::new(ErrorKind::InvalidInput, message)
        .with_hint("remove the line `# syntax=` if the file is a plain Dockerfile"))
}

/// Rules of the Dockerfile's own come first, wherever it lies.
fn read_ignore(context: &mut Context, options: &BuildOptions) -> Result<()> {
    let Some(DockerfileSource::File(path)) = &options.dockerfile else {
        let own = options.dockerfile.is_none().then_some(DOCKERFILE);
        return context.read_ignore(own);
    };
    let mut own = path.clone().into_os_string();
    own.push(".dockerignore");
    let own = Path::new(&own);
    match own.try_exists().map_err(|error| Error::at("look at", own, error))? {
        true => context.set_ignore(&own.display().to_string(), &read_file(own)?),
        false => context.read_ignore(None),
    }
}

fn default_file(context: Option<&Context>) -> Result<Vec<u8>> {
    let text = match context {
        Some(context) => context.read_text(DOCKERFILE)?,
        None => None,
    };
    text.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "there is no Dockerfile in the build context")
            .with_hint("name the file with `-f FILE`")
    })
}

/// A file that the user named: links are followed, but it has to be a file.
fn read_file(path: &Path) -> Result<Vec<u8>> {
    let failed = |error| Error::at("read", path, error);
    // Opening a named pipe without this would wait for its writer.
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file =
        OpenOptions::new().read(true).custom_flags(nonblock).open(path).map_err(|error| {
            let found = error.kind() != std::io::ErrorKind::NotFound;
            if found {
                return failed(error);
            }
            Error::new(ErrorKind::NotFound, format!("there is no file {}", path.display()))
        })?;
    if !file.metadata().map_err(failed)?.is_file() {
        let message = format!("{} is no regular file", path.display());
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    context::read_text(file, &path.display().to_string())
}

/// The platform arguments of a host that builds for itself.
fn platform_args(host: &Platform) -> BTreeMap<String, String> {
    let whole = platform_text(host);
    PLATFORM_ARGS
        .iter()
        .map(|row| {
            let value = match row.part {
                PlatformPart::Whole => &whole,
                PlatformPart::Os => &host.os,
                PlatformPart::Architecture => &host.architecture,
                PlatformPart::Variant => &host.variant,
            };
            (row.name.to_owned(), value.clone())
        })
        .collect()
}

/// `linux/arm/v7`.
pub(super) fn platform_text(platform: &Platform) -> String {
    let Platform { os, architecture, variant, .. } = platform;
    match variant.is_empty() {
        true => format!("{os}/{architecture}"),
        false => format!("{os}/{architecture}/{variant}"),
    }
}

/// Whether `--platform` of FROM means this host.
pub(super) fn is_host_platform(text: &str, host: &Platform) -> bool {
    let lower = text.to_ascii_lowercase();
    let mut parts = lower.split('/');
    let (os, architecture, variant) = match (parts.next(), parts.next(), parts.next()) {
        (Some("linux"), None, _) => return true,
        (Some(os), Some(architecture), variant) => (os, architecture, variant.unwrap_or_default()),
        (Some(architecture), None, _) => ("linux", architecture, ""),
        (None, ..) => return false,
    };
    let (architecture, implied) = match architecture {
        "x86_64" | "x86-64" => ("amd64", ""),
        "aarch64" => ("arm64", ""),
        "armhf" => ("arm", "v7"),
        "i386" => ("386", ""),
        other => (other, ""),
    };
    let variant = match (architecture, variant) {
        // What these mean without a variant (containerd's normal form).
        ("amd64", "v1") | ("arm64", "v8" | "8") => "",
        ("arm", "") => "v7",
        (_, "") => implied,
        (_, other) => other,
    };
    parts.next().is_none()
        && (os, architecture, variant)
            == (host.os.as_str(), host.architecture.as_str(), host.variant.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(architecture: &str, variant: &str) -> Platform {
        Platform {
            os: "linux".into(),
            architecture: architecture.into(),
            variant: variant.into(),
            ..Platform::default()
        }
    }

    #[test]
    fn platforms() {
        let amd64 = host("amd64", "");
        for (text, same) in [
            ("linux/amd64", true),
            ("amd64", true),
            ("linux", true),
            ("Linux/x86_64", true),
            ("linux/amd64/v1", true),
            ("linux/amd64/v3", false),
            ("linux/arm64", false),
            ("windows/amd64", false),
            ("linux/amd64/v1/x", false),
            ("", false),
        ] {
            assert_eq!(is_host_platform(text, &amd64), same, "{text}");
        }
        assert!(is_host_platform("linux/arm64/v8", &host("arm64", "")));
        assert!(is_host_platform("linux/arm", &host("arm", "v7")));
        assert_eq!(platform_text(&host("arm", "v7")), "linux/arm/v7");
        assert_eq!(platform_args(&host("arm", "v7"))["TARGETVARIANT"], "v7");
        assert_eq!(platform_args(&amd64)["BUILDPLATFORM"], "linux/amd64");
    }

    /// Row B8.
    #[test]
    fn frontends_are_not_fetched() {
        for (syntax, good) in [
            ("docker/dockerfile:1", true),
            ("docker/dockerfile", true),
            ("docker.io/docker/dockerfile:1.7-labs", true),
            ("docker/dockerfile-upstream:master", true),
            ("evil/frontend", false),
            ("docker/dockerfile.evil:1", false),
            ("example.org/docker/dockerfile:1", false),
        ] {
            let mut options = BuildOptions::new(ContextSource::Empty);
            let text = format!("# escape=\\\n# syntax={syntax}\nFROM scratch\n");
            options.dockerfile = Some(DockerfileSource::Text(text.into_bytes()));
            match Input::read(&options) {
                Ok(_) => assert!(good, "{syntax}"),
                Err(error) => {
                    assert!(!good, "{syntax}: {error}");
                    assert!(error.to_string().starts_with("-:2: the frontend "), "{error}");
                }
            }
        }
    }

    #[test]
    fn dockerfiles_come_from_the_context_or_a_named_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut options = BuildOptions::new(ContextSource::Directory(dir.path().into()));
        assert_eq!(Input::read(&options).unwrap_err().kind(), ErrorKind::NotFound);
        // A link out of the context is none within it.
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("Dockerfile"), "FROM scratch\n").unwrap();
        let link = dir.path().join("Dockerfile");
        std::os::unix::fs::symlink(outside.path().join("Dockerfile"), &link).unwrap();
        assert_eq!(Input::read(&options).unwrap_err().kind(), ErrorKind::NotFound);
        std::fs::remove_file(&link).unwrap();
        std::fs::write(&link, "FROM scratch\nBAD\n").unwrap();
        let error = Input::read(&options).unwrap_err();
        assert!(error.to_string().starts_with("Dockerfile:2: "), "{error}");
        options.dockerfile = Some(DockerfileSource::File(outside.path().join("Dockerfile")));
        assert_eq!(Input::read(&options).unwrap().file.instructions.len(), 1);
        options.dockerfile = Some(DockerfileSource::File("/dev/null".into()));
        assert_eq!(Input::read(&options).unwrap_err().kind(), ErrorKind::InvalidInput);
        options.dockerfile = Some(DockerfileSource::Text(b"FROM a\n".to_vec()));
        assert_eq!(Input::read(&options).unwrap().name, "-");
        options.context = ContextSource::Directory(dir.path().join("none"));
        assert_eq!(Input::read(&options).unwrap_err().kind(), ErrorKind::NotFound);
    }
}
