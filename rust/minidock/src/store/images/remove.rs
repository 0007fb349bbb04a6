//! Owns docker's rules of what `rmi` may take away.

use minidock_image::digest::Digest;
use minidock_image::reference::{ImageQuery, Reference};

use crate::error::{Error, ErrorKind, Result, quoted};

use super::super::ids::{ContainerId, LocalId};
use super::super::{HeldAlone, Store};
use super::{ImageRecord, rows};

/// What a removal took away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemovedImage {
    /// References that are gone.
    pub untagged: Vec<Reference>,
    /// The image, if it went.
    pub deleted: Option<Digest>,
    /// Layers that went with it.
    pub layers: Vec<LocalId>,
}

/// Containers made from an image.
#[derive(Default)]
struct Users {
    running: Option<ContainerId>,
    stopped: Option<ContainerId>,
}

impl Store {
    /// Removes what `query` names, by docker's rules: one of several tags is only untagged; an
    /// image that a container uses stays unless `force`, and one that a running container uses
    /// stays anyway.
    pub fn remove_image(&self, query: &str, force: bool) -> Result<RemovedImage> {
        self.require_write()?;
        let removed = {
            let alone = self.hold_alone()?;
            let id = self.resolve_image(query)?;
            let image = self.image(&id)?;
            let users = self.users_of(&id)?;
            let plan = plan(query, &image, &users, force)?;
            self.carry_out(&alone, &image, plan)?
        };
        self.empty_trash()?;
        Ok(removed)
    }

    fn users_of(&self, id: &Digest) -> Result<Users> {
        let mut users = Users::default();
        for container in self.containers()?.containers {
            if container.image.as_ref() != Some(id) {
                continue;
            }
            match self.is_alive(&container.id)? {
                true => users.running = Some(container.id),
                false => users.stopped = Some(container.id),
            }
        }
        Ok(users)
    }

    fn carry_out(
        &self,
        alone: &HeldAlone,
        image: &ImageRecord,
        plan: Plan,
    ) -> Result<RemovedImage> {
        self.with_reserve(|| {
            self.write(|db| {
                plan.untag.iter().try_for_each(|reference| rows::forget(db, reference))?;
                match plan.delete {
                    true => rows::delete(db, &image.id),
                    false => Ok(()),
                }
            })
        })?;
        let id = image.id.to_string();
        for reference in &plan.untag {
            self.image_event(&id, "untag", &reference.familiar());
        }
        if plan.delete {
            self.image_event(&id, "delete", &id);
        }
        let mut removed = RemovedImage { untagged: plan.untag, ..RemovedImage::default() };
        if plan.delete {
            removed.deleted = Some(image.id);
            removed.layers = self.drop_layers_of(alone, image)?;
        }
        self.forget_records(alone, removed.deleted.as_slice())?;
        Ok(removed)
    }

    /// The image's own layers and blobs that nothing else needs; others are left to `prune`.
    fn drop_layers_of(&self, alone: &HeldAlone, image: &ImageRecord) -> Result<Vec<LocalId>> {
        let roots = self.mark(alone)?;
        let mut gone = Vec::new();
        for layer in &image.layers {
            if !roots.needs(layer) && self.discard(&self.layer_dir(layer))? {
                gone.push(layer.clone());
            }
        }
        self.sweep_blobs(alone, &roots)?;
        Ok(gone)
    }
}

struct Plan {
    untag: Vec<Reference>,
    delete: bool,
}

fn plan(query: &str, image: &ImageRecord, users: &Users, force: bool) -> Result<Plan> {
    let named = ImageQuery::parse(query)
        .ok()
        .and_then(|parsed| parsed.reference().cloned())
        .filter(|reference| image.references.contains(reference));
    match named {
        Some(reference) => by_reference(query, image, users, force, reference),
        None => by_id(query, image, users, force),
    }
}

fn by_reference(
    query: &str,
    image: &ImageRecord,
    users: &Users,
    force: bool,
    reference: Reference,
) -> Result<Plan> {
    let mut untag = vec![reference];
    let mut rest: Vec<_> =
        image.references.iter().filter(|r| !untag.contains(r)).cloned().collect();
    // Docker: digest references go with the last tag of their repository.
    let repository = untag[0].repository();
    if !rest.iter().any(|r| r.repository() == repository && is_tag(r)) {
        let (same, others) = rest.into_iter().partition(|r| r.repository() == repository);
        untag.extend::<Vec<_>>(same);
        rest = others;
    }
    if !rest.is_empty() {
        return Ok(Plan { untag, delete: false });
    }
    if !force {
        refuse(query, users.running.as_ref(), "running")?;
        refuse(query, users.stopped.as_ref(), "stopped")?;
    }
    Ok(Plan { untag, delete: users.running.is_none() })
}

fn by_id(query: &str, image: &ImageRecord, users: &Users, force: bool) -> Result<Plan> {
    refuse(query, users.running.as_ref(), "running")?;
    if !force {
        refuse(query, users.stopped.as_ref(), "stopped")?;
        if !is_single(&image.references) {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "image {} has {} references: {}",
                    quoted(query),
                    image.references.len(),
                    image.references.iter().map(Reference::familiar).collect::<Vec<_>>().join(", ")
                ),
            )
            .with_hint("remove them one by one, or use -f for all"));
        }
    }
    Ok(Plan { untag: image.references.clone(), delete: true })
}

/// At most one tag, and all within one repository.
fn is_single(references: &[Reference]) -> bool {
    let mut repositories: Vec<_> = references.iter().map(Reference::repository).collect();
    repositories.dedup();
    repositories.len() <= 1 && references.iter().filter(|r| is_tag(r)).count() <= 1
}

fn is_tag(reference: &Reference) -> bool {
    reference.tag().is_some() && reference.digest().is_none()
}

fn refuse(query: &str, user: Option<&ContainerId>, state: &str) -> Result<()> {
    let Some(user) = user else {
        return Ok(());
    };
    let error = Error::new(
        ErrorKind::InUse,
        format!("image {} is used by the {state} container {}", quoted(query), user.short()),
    );
    Err(error.with_hint(match state {
        "running" => "stop and remove the container first",
        _ => "remove the container first, or use -f",
    }))
}
