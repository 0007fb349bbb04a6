//! Owns the check of containers, their names, and volumes.

use crate::error::{ErrorKind, Result};

use super::super::Store;
use super::super::containers::ContainerRecord;
use super::super::ids::ContainerId;
use super::{CheckReport, Damage};

impl Store {
    pub(super) fn check_containers(&self, report: &mut CheckReport, repair: bool) -> Result<()> {
        for id in self.container_ids()? {
            report.containers += 1;
            let read = self.container(&id).and_then(|record| {
                self.container_config(&id)?;
                Ok(record)
            });
            match read {
                Ok(record) => self.check_container(report, &record, repair)?,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) if error.kind() == ErrorKind::Corrupt => {
                    self.damaged_container(report, &id, error.one_line(), repair)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn damaged_container(
        &self,
        report: &mut CheckReport,
        id: &ContainerId,
        reason: String,
        repair: bool,
    ) -> Result<()> {
        let damage = Damage::Container { container: id.clone(), reason: reason.clone() };
        let finding = report.found(
            damage,
            reason,
            "save what you need from its directory; `--repair` removes the container",
        );
        if repair {
            let alone = self.hold_alone()?;
            match self.discard_container(&alone, id) {
                Ok(()) => finding.mended("removed the container"),
                Err(error) if error.kind() == ErrorKind::InUse => {
                    finding.remedy = "it is running: stop it, then repair".to_owned();
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn check_container(
        &self,
        report: &mut CheckReport,
        record: &ContainerRecord,
        repair: bool,
    ) -> Result<()> {
        let id = &record.id;
        for layer in &record.layers {
            if self.has_layer(layer)? {
                continue;
            }
            report.found(
                Damage::ContainerLayerMissing { container: id.clone(), layer: layer.clone() },
                format!("layer {layer} of container {} {} is gone", id.short(), record.name),
                "copy out what the container wrote, remove it, and make it anew",
            );
        }
        if self.name_leads_back(id)? {
            return Ok(());
        }
        let finding = report.found(
            Damage::NameLost { container: id.clone(), name: record.name.clone() },
            format!("the name {} does not lead to container {}", record.name, id.short()),
            "`--repair` gives it its name back, or a new one if that is taken",
        );
        if repair {
            let name = self.give_name_back(record)?;
            finding.mended(format!("its name is {name}"));
        }
        Ok(())
    }

    /// Whether a container's name leads to it; also for one that went meanwhile.
    fn name_leads_back(&self, id: &ContainerId) -> Result<bool> {
        // Under the lock, because a container may be getting another name just now.
        let _held = self.hold()?;
        match self.container(id) {
            Ok(now) => Ok(self.named(&now.name)?.as_ref() == Some(id)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    pub(super) fn check_volumes(&self, report: &mut CheckReport, repair: bool) -> Result<()> {
        for name in self.volume_names()? {
            match self.volume(&name) {
                Ok(_) => continue,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) if error.kind() == ErrorKind::Corrupt => {}
                Err(error) => return Err(error),
            }
            let finding = report.found(
                Damage::Volume { volume: name.clone() },
                format!("the record of volume {name} is missing or damaged"),
                "`--repair` gives it a new one; labels are lost, files are not",
            );
            if repair {
                let _alone = self.hold_alone()?;
                self.mend_volume(&name)?;
                finding.mended("it has a new record");
            }
        }
        Ok(())
    }
}
