//! Build arguments that exist without an ARG: proxies and platforms. Owns the tables of the
//! Dockerfile reference; the engine knows the values.

/// Proxy arguments: usable in RUN without ARG, and left out of history and of the cache key.
pub const PROXY_ARGS: &[&str] = &[
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Whose platform an argument describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlatformSide {
    /// The image that is built (`--platform`).
    Target,
    /// The machine that builds.
    Build,
}

/// Which part of a platform an argument holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlatformPart {
    /// `linux/arm/v7`.
    Whole,
    /// `linux`.
    Os,
    /// `arm`.
    Architecture,
    /// `v7`; empty where there is none.
    Variant,
}

/// A platform argument: known to FROM by itself, and to a stage once it says `ARG NAME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlatformArg {
    /// Its name.
    pub name: &'static str,
    /// Whose platform.
    pub side: PlatformSide,
    /// Which part.
    pub part: PlatformPart,
}

const fn row(name: &'static str, side: PlatformSide, part: PlatformPart) -> PlatformArg {
    PlatformArg { name, side, part }
}

/// The platform arguments.
pub const PLATFORM_ARGS: &[PlatformArg] = &[
    row("TARGETPLATFORM", PlatformSide::Target, PlatformPart::Whole),
    row("TARGETOS", PlatformSide::Target, PlatformPart::Os),
    row("TARGETARCH", PlatformSide::Target, PlatformPart::Architecture),
    row("TARGETVARIANT", PlatformSide::Target, PlatformPart::Variant),
    row("BUILDPLATFORM", PlatformSide::Build, PlatformPart::Whole),
    row("BUILDOS", PlatformSide::Build, PlatformPart::Os),
    row("BUILDARCH", PlatformSide::Build, PlatformPart::Architecture),
    row("BUILDVARIANT", PlatformSide::Build, PlatformPart::Variant),
];

/// Whether a name is one of [`PROXY_ARGS`].
#[must_use]
pub fn is_proxy_arg(name: &str) -> bool {
    PROXY_ARGS.contains(&name)
}

/// The row of [`PLATFORM_ARGS`] with this name.
#[must_use]
pub fn platform_arg(name: &str) -> Option<&'static PlatformArg> {
    PLATFORM_ARGS.iter().find(|row| row.name == name)
}
