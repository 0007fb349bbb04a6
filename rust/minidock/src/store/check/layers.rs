//! Owns the check of `layers/`, and of the images that stand on them.

use minidock_image::layer::IndexReader;

use crate::error::{Error, ErrorKind, Result};

use super::super::Store;
use super::super::ids::{LocalId, MappingName};
use super::super::images::{ImageRecord, rows};
use super::{CheckReport, Damage};

impl Store {
    pub(super) fn check_layers(&self, report: &mut CheckReport, repair: bool) -> Result<()> {
        for id in self.layer_ids()? {
            report.layers += 1;
            let Some(reason) = self.layer_damage(&id)? else {
                continue;
            };
            let finding = report.found(
                Damage::Layer { layer: id.clone(), reason: reason.clone() },
                format!("layer {id} is damaged: {reason}"),
                "`--repair` removes it; pull or build the image again to have it back",
            );
            if repair {
                let _alone = self.hold_alone()?;
                if self.is_below_a_live_container(&id)? {
                    finding.remedy = "stop the containers that use it, then repair".to_owned();
                    continue;
                }
                self.discard(&self.layer_dir(&id))?;
                self.forget_cache(Some(std::slice::from_ref(&id)))?;
                finding.mended("removed");
            }
        }
        Ok(())
    }

    /// What is wrong with a layer; `None` also for one that went meanwhile.
    fn layer_damage(&self, id: &LocalId) -> Result<Option<String>> {
        if !self.is_trusted(id)? {
            return Ok(Some("it was not flushed before the machine stopped".to_owned()));
        }
        let record = match self.layer(id) {
            Ok(record) => record,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Corrupt => return Ok(Some(error.one_line())),
            Err(error) => return Err(error),
        };
        if !self.verify_layer_index(id)? {
            return Ok(Some("its index is missing or has another digest".to_owned()));
        }
        let path = self.layer_index_path(id);
        let file = std::fs::File::open(&path).map_err(|e| Error::at("open", &path, e))?;
        let counted = IndexReader::new(std::io::BufReader::new(file)).and_then(|reader| {
            reader.into_iter().try_fold(0_u64, |count, entry| entry.map(|_| count + 1))
        });
        Ok(match counted {
            Err(error) => Some(format!("its index cannot be read: {error}")),
            Ok(count) if count != record.entries => {
                Some(format!("its index has {count} entries instead of {}", record.entries))
            }
            Ok(_) => None,
        })
    }

    /// Takes away a layer's damaged files; not while a container that runs stands on them.
    pub(crate) fn discard_tree(&self, layer: &LocalId, mapping: &MappingName) -> Result<bool> {
        let _alone = self.hold_alone()?;
        if self.is_below_a_live_container(layer)? {
            return Ok(false);
        }
        if let Some(root) = self.tree_path(layer, mapping)? {
            self.discard(root.parent().unwrap_or(&root))?;
        }
        Ok(true)
    }

    fn is_below_a_live_container(&self, layer: &LocalId) -> Result<bool> {
        for container in self.containers()?.containers {
            if container.layers.contains(layer) && self.is_alive(&container.id)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn check_image_layers(&self, report: &mut CheckReport, repair: bool) -> Result<()> {
        for (image, layer) in self.images_with_gaps(report)? {
            let names: Vec<_> = image.references.iter().map(|r| r.familiar()).collect();
            let finding = report.found(
                Damage::ImageLayerMissing {
                    image: image.id,
                    references: image.references.clone(),
                    layer: layer.clone(),
                },
                format!("layer {layer} of image {} {names:?} is gone", image.id.short()),
                "pull or build the image again; `--repair` removes the image",
            );
            if repair {
                let alone = self.hold_alone()?;
                self.write(|db| rows::delete(db, &image.id))?;
                self.forget_records(&alone, &[image.id])?;
                finding.mended("removed the image");
            }
        }
        Ok(())
    }

    fn images_with_gaps(&self, report: &mut CheckReport) -> Result<Vec<(ImageRecord, LocalId)>> {
        let _held = self.hold()?;
        let mut gaps = Vec::new();
        for image in self.images()? {
            report.images += 1;
            if let Some(layer) = self.missing_layers(&image)?.into_iter().next() {
                gaps.push((image, layer));
            }
        }
        Ok(gaps)
    }
}
