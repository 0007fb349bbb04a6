//! `diff`: how the files of a container differ from its image's.

use std::os::fd::AsFd;

use minidock_proto::request::{Answer, Diff, Join, Verb};
use minidock_proto::{Outgoing, record};
use rustix::fs::{Mode, OFlags};

use super::archive::Change;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::store::ContainerId;

impl Engine {
    /// What was changed, added and deleted, by path, whether the container runs or not.
    pub fn diff_container(&self, id: &ContainerId) -> Result<Vec<Change>> {
        let record = self.store().container(id)?;
        let joined = self.join()?;
        let path = self.store().container_dir(id).join(record::UPPER);
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let upper = rustix::fs::open(&path, flags, Mode::empty())
            .map_err(|error| Error::at("open", &path, error))?;
        let indexes = self.layer_indexes(&record.layers)?;
        let mut fds = Outgoing::default();
        let diff = Diff {
            join: Join {
                userns: fds.push(joined.userns.as_fd()),
                hold: fds.push(joined.hold.as_fd()),
            },
            upper: fds.push(upper.as_fd()),
            parents: indexes.iter().map(|index| fds.push(index.as_fd())).collect(),
        };
        let mut conversation = self.runtime()?.spawn(Verb::Diff(diff), &fds)?;
        let mut all = Vec::new();
        loop {
            match conversation.answer()? {
                (Answer::Changes { changes, more }, _) => {
                    all.extend(changes);
                    if !more {
                        return Ok(all);
                    }
                }
                _ => {
                    let text = "minidock-runtime told no changes: it is of another version";
                    return Err(Error::new(ErrorKind::Runtime, text));
                }
            }
        }
    }
}
