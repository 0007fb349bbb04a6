//! How the ids of a user namespace map to the host (user_namespaces(7)).
//!
//! A mapping is a value handed in; whoever reads /etc/subuid decides it.

use serde::{Deserialize, Serialize};

/// One line of uid_map or gid_map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Extent {
    /// First id inside.
    pub inside: u32,
    /// First id outside.
    pub outside: u32,
    /// How many ids.
    pub count: u32,
}

/// The user and group maps of a user namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Mapping {
    /// User ids.
    pub uids: Vec<Extent>,
    /// Group ids.
    pub gids: Vec<Extent>,
}

impl Mapping {
    /// Only root inside, which is the given user outside; needs no privilege and no set-up.
    #[must_use]
    pub fn single(uid: u32, gid: u32) -> Self {
        Self {
            uids: vec![Extent { inside: 0, outside: uid, count: 1 }],
            gids: vec![Extent { inside: 0, outside: gid, count: 1 }],
        }
    }

    /// Whether only one id exists inside.
    #[must_use]
    pub fn is_single(&self) -> bool {
        let ids = |extents: &[Extent]| extents.iter().map(|e| u64::from(e.count)).sum::<u64>();
        ids(&self.uids) <= 1 && ids(&self.gids) <= 1
    }

    /// Whether the user id exists inside.
    #[must_use]
    pub fn has_uid(&self, uid: u32) -> bool {
        contains(&self.uids, uid)
    }

    /// Whether the group id exists inside.
    #[must_use]
    pub fn has_gid(&self, gid: u32) -> bool {
        contains(&self.gids, gid)
    }

    /// A short name that differs whenever the maps differ; names trees and holders on disk.
    ///
    /// ```
    /// use minidock_proto::mapping::Mapping;
    /// assert_eq!(Mapping::single(1000, 100).name(), "single-1000-100");
    /// ```
    #[must_use]
    pub fn name(&self) -> String {
        if let ([uid], [gid]) = (&self.uids[..], &self.gids[..])
            && self.is_single()
        {
            return format!("single-{}-{}", uid.outside, gid.outside);
        }
        // FNV-1a over the canonical text: the name has to be stable and short, not secret.
        let text = format!("{}|{}", lines(&self.uids), lines(&self.gids));
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("sub-{hash:016x}")
    }

    /// The same ids for a namespace nested in one with this mapping: every id onto itself.
    #[must_use]
    pub fn nested(&self) -> Self {
        let same = |extents: &[Extent]| {
            extents.iter().map(|e| Extent { outside: e.inside, ..*e }).collect()
        };
        Self { uids: same(&self.uids), gids: same(&self.gids) }
    }
}

fn contains(extents: &[Extent], id: u32) -> bool {
    extents.iter().any(|e| id >= e.inside && u64::from(id - e.inside) < u64::from(e.count))
}

/// The text that the kernel takes in uid_map and gid_map.
#[must_use]
pub fn lines(extents: &[Extent]) -> String {
    extents.iter().map(|e| format!("{} {} {}\n", e.inside, e.outside, e.count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_inside() {
        let mapping = Mapping {
            uids: vec![
                Extent { inside: 0, outside: 1000, count: 1 },
                Extent { inside: 1, outside: 100_000, count: 65536 },
            ],
            gids: vec![Extent { inside: 0, outside: 1000, count: 1 }],
        };
        assert!(mapping.has_uid(0) && mapping.has_uid(65536) && !mapping.has_uid(65537));
        assert!(!mapping.has_gid(1));
        assert!(!mapping.is_single());
        assert!(mapping.name().starts_with("sub-"));
        assert_ne!(mapping.name(), mapping.nested().name());
        assert_eq!(lines(&mapping.nested().uids), "0 0 1\n1 1 65536\n");
    }
}
