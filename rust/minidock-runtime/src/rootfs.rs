//! The root file system of a container before libcontainer sees it.

pub(crate) mod archive;
mod duplicate;
pub(crate) mod in_root;
pub(crate) mod mounts;
pub(crate) mod overlay;
pub(crate) mod prepare;
pub(crate) mod scratch;
pub(crate) mod verbs;
mod view;
