//! What the supervisor tells the store's event log of its container.
//!
//! The events name what happened already: a log that cannot be written (a full disk) loses them,
//! as it loses output, and stops nothing.

use std::collections::BTreeMap;

use minidock_proto::event::{self, Event, Subject};

use super::{Supervisor, records};

impl Supervisor {
    /// Something happened to the container.
    pub(super) fn event(&self, action: &str, more: &[(&str, String)]) {
        let Some(sink) = &self.run.events else { return };
        let mut attributes: BTreeMap<String, String> = sink.attributes.clone();
        attributes.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        let event = Event {
            time: records::now(),
            subject: Subject::Container,
            action: action.to_owned(),
            id: self.run.id.clone(),
            attributes,
        };
        // See above.
        event::append(sink.directory.as_path(), &event).ok();
    }

    /// A volume of the container alone went with it.
    pub(super) fn volume_gone(&self, name: &str) {
        let Some(sink) = &self.run.events else { return };
        let event = Event {
            time: records::now(),
            subject: Subject::Volume,
            action: "destroy".to_owned(),
            id: name.to_owned(),
            attributes: BTreeMap::from([("driver".to_owned(), "local".to_owned())]),
        };
        // See above.
        event::append(sink.directory.as_path(), &event).ok();
    }
}
