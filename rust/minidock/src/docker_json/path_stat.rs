//! A path in a container, as the header `X-Docker-Container-Path-Stat` tells it.

use serde_json::{Value, json};

use super::{text, times};
use crate::container::PathStat;

/// Renders it.
pub(crate) fn path_stat(stat: &PathStat) -> Value {
    json!({
        "name": text(&stat.name),
        "size": stat.size,
        "mode": go_mode(stat.mode),
        "mtime": times::of_nanoseconds(Some(stat.modified)),
        "linkTarget": stat.target.as_ref().map(text).unwrap_or_default(),
    })
}

/// `st_mode` in the bits of Go's `os.FileMode` (<https://pkg.go.dev/io/fs#FileMode>).
fn go_mode(mode: u32) -> u32 {
    let kind = match mode & 0o170_000 {
        0o040_000 => 1 << 31,
        0o120_000 => 1 << 27,
        0o060_000 => 1 << 26,
        0o010_000 => 1 << 25,
        0o140_000 => 1 << 24,
        0o020_000 => 1 << 26 | 1 << 21,
        _ => 0,
    };
    let bits = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    let special = bits.iter().filter(|(bit, _)| mode & bit != 0).fold(0, |all, (_, go)| all | go);
    kind | special | (mode & 0o777)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_docker_tells_it() {
        let stat = PathStat {
            name: "etc".into(),
            mode: 0o040_755,
            size: 4096,
            modified: 1_700_000_000_000_000_005,
            target: None,
        };
        let wanted = json!({"name": "etc", "size": 4096, "mode": 2_147_484_141_u32,
            "mtime": "2023-11-14T22:13:20.000000005Z", "linkTarget": ""});
        assert_eq!(path_stat(&stat), wanted);
        assert_eq!(go_mode(0o120_777), 134_218_239);
        assert_eq!(go_mode(0o104_755), 0o755 | 1 << 23);
    }
}
