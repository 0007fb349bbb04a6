//! What a caller may ask of pull and push. Values with defaults; nothing is read here.

use minidock_image::descriptor::Platform;
use minidock_registry::Credentials;

use crate::cancel::CancelToken;
use crate::error::{Error, ErrorKind, Result, quoted};

/// How an image is pulled.
///
/// ```
/// use minidock::registry::{PullOptions, parse_platform};
/// let options = PullOptions { platform: Some(parse_platform("linux/arm64")?), ..Default::default() };
/// assert!(options.credentials.is_none());
/// # Ok::<(), minidock::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct PullOptions {
    /// Which image of an index is taken; the best one for this machine without.
    pub platform: Option<Platform>,
    /// Who asks; what docker's and containers' files say without.
    pub credentials: Option<Credentials>,
    /// Stops it.
    pub cancel: CancelToken,
}

/// How an image is pushed.
#[derive(Debug, Clone, Default)]
pub struct PushOptions {
    /// What its manifest is. Without, one that came from a registry goes as it came, and one
    /// that was made here as OCI's.
    pub format: Option<ManifestFormat>,
    /// Who pushes; what docker's and containers' files say without.
    pub credentials: Option<Credentials>,
    /// Stops it.
    pub cancel: CancelToken,
}

/// What a manifest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestFormat {
    /// OCI image specification, version 1.
    Oci,
    /// Docker's, version 2 schema 2.
    Docker,
}

/// Whether an image that is to be used is pulled first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PullPolicy {
    /// If it is not here.
    #[default]
    Missing,
    /// In any case: the registry may have a newer one.
    Always,
    /// In no case.
    Never,
}

/// Reads docker's `OS/ARCHITECTURE[/VARIANT]`; an operating system or an architecture alone is
/// enough.
pub fn parse_platform(text: &str) -> Result<Platform> {
    let lower = text.to_ascii_lowercase();
    let parts: Vec<&str> = lower.split('/').collect();
    let host = crate::image::host_platform();
    let (os, architecture, variant) = match parts[..] {
        [os @ ("linux" | "windows" | "darwin" | "freebsd")] => (os, host.architecture.as_str(), ""),
        [architecture] => ("linux", architecture, ""),
        [os, architecture] => (os, architecture, ""),
        [os, architecture, variant] => (os, architecture, variant),
        _ => ("", "", ""),
    };
    let good = |part: &str| {
        part.len() <= 32 && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
    };
    if os.is_empty()
        || architecture.is_empty()
        || ![os, architecture, variant].iter().all(|p| good(p))
    {
        let message = format!("{} is not a platform", quoted(text));
        return Err(Error::new(ErrorKind::InvalidInput, message)
            .with_hint("write OS/ARCHITECTURE[/VARIANT], as linux/arm64 or linux/arm/v7"));
    }
    let (architecture, variant) = super::platform::normal(architecture, variant);
    Ok(Platform {
        os: os.to_owned(),
        architecture: architecture.to_owned(),
        variant: variant.to_owned(),
        ..Platform::default()
    })
}
