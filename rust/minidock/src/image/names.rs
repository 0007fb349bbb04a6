//! `tag` and `rmi`: names given and taken away, and images with their last one.

use minidock_image::config::ImageConfig;
use minidock_image::digest::Digest;
use minidock_image::reference::Reference;

use crate::engine::Engine;
use crate::error::Result;
use crate::store::{ImageRecord, Tagged};

/// One thing that a removal took away.
///
/// It prints as docker prints it:
///
/// ```
/// use minidock::image::Removed;
/// let name = "tiny:1".parse()?;
/// assert_eq!(Removed::Untagged(name).to_string(), "Untagged: tiny:1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Removed {
    /// A name.
    Untagged(Reference),
    /// An image, by its id, or a layer that went with it, by its chain id (OCI image
    /// specification, config.md).
    Deleted(Digest),
}

impl std::fmt::Display for Removed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Untagged(name) => write!(f, "Untagged: {}", name.familiar()),
            Self::Deleted(id) => write!(f, "Deleted: {id}"),
        }
    }
}

impl Engine {
    /// Gives an image a further name. A name that another image had moves.
    pub fn tag_image(&self, source: &str, target: &Reference) -> Result<Tagged> {
        super::require_tag(target)?;
        let id = self.store().resolve_image(source)?;
        self.store().tag(target, &id)
    }

    /// Removes a name, and the image with its last one; by docker's rules an image that a
    /// container uses is refused, one with several names is not removed by its id, unless `force`.
    pub fn remove_image(&self, query: &str, force: bool) -> Result<Vec<Removed>> {
        let id = self.store().resolve_image(query)?;
        // Read before: what is gone has no layers any more.
        let image = self.store().image(&id)?;
        let removed = self.store().remove_image(query, force)?;
        let mut lines: Vec<_> = removed.untagged.into_iter().map(Removed::Untagged).collect();
        lines.extend(removed.deleted.map(Removed::Deleted));
        if removed.deleted == Some(image.id) {
            let chains = chains(&image);
            let gone = image.layers.iter().zip(chains).rev();
            let gone = gone.filter(|(layer, _)| removed.layers.contains(layer));
            lines.extend(gone.map(|(_, chain)| Removed::Deleted(chain)));
        }
        Ok(lines)
    }
}

/// Chain ids of an image's layers, lowest first; none if its config is damaged, which is no
/// reason to keep it.
fn chains(image: &ImageRecord) -> Vec<Digest> {
    let diff_ids =
        ImageConfig::from_json(&image.config).map_or(Vec::new(), |config| config.rootfs.diff_ids);
    chain_ids(&diff_ids)
}

fn chain_ids(diff_ids: &[Digest]) -> Vec<Digest> {
    let mut chains: Vec<Digest> = Vec::new();
    for diff_id in diff_ids {
        let chain = match chains.last() {
            None => *diff_id,
            Some(below) => Digest::of(format!("{below} {diff_id}").as_bytes()),
        };
        chains.push(chain);
    }
    chains
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_count_from_below() {
        let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
        let chains = chain_ids(&[a, b]);
        assert_eq!(chains, [a, Digest::of(format!("{a} {b}").as_bytes())]);
    }
}
