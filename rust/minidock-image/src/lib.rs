//! The image model: digests, references, configs, manifests, layers, tar streams and archives.
//!
//! It owns what these *mean* and how they are read and written. It opens no path, starts no
//! process and decides no policy: bytes come from readers and directory descriptors handed in.

pub mod archive;
pub mod compression;
pub mod config;
pub mod descriptor;
pub mod digest;
pub mod layer;
pub mod manifest;
pub mod media;
mod null;
pub mod reference;
pub mod tar;
