//! Owners that a mapping can and cannot represent: the index keeps the image's, the tree has
//! root in place of what is not mapped.

use minidock_proto::mapping::Mapping;

/// What the tree has for an owner of the image.
pub(super) fn in_tree(mapping: &Mapping, uid: u32, gid: u32) -> (u32, u32) {
    let uid = if mapping.has_uid(uid) { uid } else { 0 };
    let gid = if mapping.has_gid(gid) { gid } else { 0 };
    (uid, gid)
}

/// Whether the tree cannot have this owner.
pub(super) fn is_flattened(mapping: &Mapping, uid: u32, gid: u32) -> bool {
    in_tree(mapping, uid, gid) != (uid, gid)
}
