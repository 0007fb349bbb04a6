//! Owns how a user's text leads to a container: id, name, or the start of an id, as docker does.

use crate::error::{Error, ErrorKind, Result, quoted};

use super::super::Store;
use super::super::ids::{ContainerId, ContainerName};
use super::no_container;

/// Candidates that an error about an ambiguous text names.
const SHOWN: usize = 10;

impl Store {
    /// The container that a user means.
    pub fn find_container(&self, query: &str) -> Result<ContainerId> {
        if let Ok(id) = query.parse::<ContainerId>() {
            return self.container(&id).map(|record| record.id);
        }
        // Docker's own listings show names with a slash in front.
        let name = query.strip_prefix('/').unwrap_or(query);
        if let Ok(name) = name.parse::<ContainerName>()
            && let Some(id) = self.named(&name)?
        {
            return Ok(id);
        }
        let hex = query.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if query.is_empty() || !hex {
            // Text that is no name at all is the user's slip, not a missing container.
            return match name.parse::<ContainerName>() {
                Ok(_) => Err(no_container(query)),
                Err(error) => Err(error),
            };
        }
        let ids = self.container_ids()?;
        let found: Vec<_> = ids.into_iter().filter(|id| id.as_str().starts_with(query)).collect();
        match found.as_slice() {
            [] => Err(no_container(query)),
            [id] => Ok(id.clone()),
            several => Err(Error::new(
                ErrorKind::InvalidInput,
                format!("{} is the start of {} container ids", quoted(query), several.len()),
            )
            .with_hint(format!("give more digits: {}", shorts(several)))),
        }
    }
}

fn shorts(ids: &[ContainerId]) -> String {
    let shown: Vec<_> = ids.iter().take(SHOWN).map(ContainerId::short).collect();
    match ids.len() > SHOWN {
        true => format!("{}, …", shown.join(", ")),
        false => shown.join(", "),
    }
}
