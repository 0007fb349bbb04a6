//! The word of `--network`.

use super::super::options::NetworkMode;
use super::wrong;
use crate::error::Result;

/// `none`, `host` or `private`; docker's `bridge` and `default` mean the last one.
pub fn network(text: &str) -> Result<NetworkMode> {
    match text {
        "private" | "bridge" | "default" => Ok(NetworkMode::Private),
        "none" => Ok(NetworkMode::None),
        "host" => Ok(NetworkMode::Host),
        other if other.starts_with("container:") => Err(wrong(
            "--network",
            other.as_bytes(),
            "joining another container is not built in yet",
        )),
        other => Err(wrong("--network", other.as_bytes(), "named networks are not built in yet")
            .with_hint("use none, host or private")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(network("bridge").unwrap(), NetworkMode::Private);
        assert_eq!(network("none").unwrap(), NetworkMode::None);
        assert_eq!(network("host").unwrap(), NetworkMode::Host);
        for text in ["", "Host", "mynet", "container:web"] {
            assert!(network(text).is_err(), "{text}");
        }
    }
}
