//! Which containers a listing shows, by docker's filters.

use super::{ContainerSummary, Status};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result, quoted};
use crate::image::Digest;

/// Which containers are listed: all conditions hold; of several values of one kind one is enough,
/// but all labels are asked for.
///
/// ```
/// use minidock::container::ContainerFilter;
/// let filter = ContainerFilter::parse(&["status=exited", "label=stage=test"])?;
/// assert!(filter.all, "a state asks for more than what runs");
/// assert!(ContainerFilter::parse(&["colour=red"]).is_err());
/// # Ok::<(), minidock::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerFilter {
    /// Not only those that run.
    pub all: bool,
    /// The newest ones alone, that many, whatever their state.
    pub limit: Option<usize>,
    /// Parts of names.
    pub names: Vec<String>,
    /// Starts of ids.
    pub ids: Vec<String>,
    /// Words for states.
    pub states: Vec<String>,
    /// Exit statuses.
    pub exited: Vec<i32>,
    /// Labels, with a value or with any.
    pub labels: Vec<(String, Option<String>)>,
    /// Images; one that is not there fits nothing.
    pub ancestors: Vec<String>,
    /// Volumes by name, or targets of mounts.
    pub volumes: Vec<String>,
    /// Made before this container.
    pub before: Option<String>,
    /// Made after this container.
    pub since: Option<String>,
}

/// Docker's words for states; not all of them come to pass here.
const STATES: [&str; 7] =
    ["created", "running", "exited", "paused", "restarting", "removing", "dead"];

impl ContainerFilter {
    /// Reads docker's `--filter` texts.
    pub fn parse(texts: &[impl AsRef<str>]) -> Result<Self> {
        let mut filter = Self::default();
        for text in texts {
            let text = text.as_ref();
            let Some((name, value)) = text.split_once('=') else {
                return Err(wrong(format!("the filter {} is not NAME=VALUE", quoted(text))));
            };
            filter.add(name, value)?;
        }
        filter.all = !filter.states.is_empty() || !filter.exited.is_empty();
        Ok(filter)
    }

    fn add(&mut self, name: &str, value: &str) -> Result<()> {
        let value = value.to_owned();
        match name {
            "name" => self.names.push(value.trim_start_matches('/').to_owned()),
            "id" => self.ids.push(value),
            "status" if STATES.contains(&value.as_str()) => self.states.push(value),
            "status" => {
                let message = format!("{} is no state of a container", quoted(&value));
                return Err(wrong(message).with_hint(format!("known are {}", STATES.join(", "))));
            }
            "exited" => match value.parse() {
                Ok(code) => self.exited.push(code),
                Err(_) => {
                    return Err(wrong(format!("{} is no exit status", quoted(&value))));
                }
            },
            "label" => self.labels.push(match value.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (value, None),
            }),
            "ancestor" => self.ancestors.push(value),
            "volume" => self.volumes.push(value),
            "before" => self.before = Some(value),
            "since" => self.since = Some(value),
            _ => {
                return Err(wrong(format!("containers have no filter {}", quoted(name)))
                    .with_hint(
                        "known are name, id, status, exited, label, ancestor, volume, before and \
                         since",
                    ));
            }
        }
        Ok(())
    }

    fn fits(&self, container: &ContainerSummary) -> bool {
        let ContainerSummary { record, config, state } = container;
        let word = match state.status {
            Status::Created => "created",
            Status::Running => "running",
            Status::Exited => "exited",
        };
        let any = |list: &[String], fits: &dyn Fn(&str) -> bool| {
            list.is_empty() || list.iter().any(|value| fits(value))
        };
        let ended = state.exit_code.filter(|_| state.status == Status::Exited);
        let has_label = |(name, value): &(String, Option<String>)| {
            let found = config.labels.get(name);
            found.is_some_and(|found| value.as_ref().is_none_or(|value| value == found))
        };
        let has_volume = |wanted: &str| {
            config.mounts.iter().any(|mount| {
                mount.target.0 == wanted.as_bytes()
                    || matches!(&mount.kind, super::MountKind::Volume { name: Some(name), .. }
                        if name == wanted)
            })
        };
        any(&self.names, &|part| record.name.as_str().contains(part))
            && any(&self.ids, &|start| record.id.as_str().starts_with(start))
            && any(&self.states, &|wanted| wanted == word)
            && any(&self.volumes, &has_volume)
            && (self.exited.is_empty() || ended.is_some_and(|code| self.exited.contains(&code)))
            && self.labels.iter().all(has_label)
    }
}

impl Engine {
    /// The containers that the filter lets through, the newest first.
    pub fn list_containers(&self, filter: &ContainerFilter) -> Result<Vec<ContainerSummary>> {
        let ancestors = self.named_images(&filter.ancestors)?;
        let (before, since) = (self.place(&filter.before)?, self.place(&filter.since)?);
        let all = filter.all || filter.limit.is_some();
        let mut list = self.containers()?;
        // The newest come first: what was made before another one stands behind it.
        let place = |id: &Option<crate::store::ContainerId>| {
            let id = id.as_ref()?;
            list.iter().position(|container| container.record.id == *id)
        };
        let from = place(&before).map_or(0, |place| place + 1);
        let to = place(&since).unwrap_or(list.len());
        list.truncate(to.max(from));
        list.drain(..from);
        list.retain(|container| {
            (all || container.state.status == Status::Running)
                && filter.fits(container)
                && (filter.ancestors.is_empty()
                    || container.record.image.is_some_and(|image| ancestors.contains(&image)))
        });
        list.truncate(filter.limit.unwrap_or(usize::MAX));
        Ok(list)
    }

    fn place(&self, query: &Option<String>) -> Result<Option<crate::store::ContainerId>> {
        query.as_deref().map(|query| self.find_container(query)).transpose()
    }

    fn named_images(&self, queries: &[String]) -> Result<Vec<Digest>> {
        let mut images = Vec::new();
        for query in queries {
            match self.store().resolve_image(query) {
                Ok(id) => images.push(id),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(images)
    }
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        let texts = ["name=/web", "name=db", "label=a", "label=b=c=d", "exited=3", "since=x"];
        let filter = ContainerFilter::parse(&texts).unwrap();
        assert_eq!(filter.names, ["web", "db"]);
        assert_eq!(filter.labels[1], ("b".to_owned(), Some("c=d".to_owned())));
        assert_eq!((filter.exited.as_slice(), filter.all), (&[3][..], true));
        assert!(!ContainerFilter::parse(&["name=x"]).unwrap().all);
        for bad in ["status=perhaps", "exited=x", "name", "until=1h"] {
            assert!(ContainerFilter::parse(&[bad]).is_err(), "{bad}");
        }
    }
}
