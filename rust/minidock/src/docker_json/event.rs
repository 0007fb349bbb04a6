//! An event in docker's shape (Docker Engine API, `GET /events`).

use minidock_proto::event::{Event, Subject};
use serde_json::{Value, json};

/// The object that clients of docker read.
pub(crate) fn event(event: &Event) -> Value {
    let kind = match event.subject {
        Subject::Container => "container",
        Subject::Image => "image",
        Subject::Volume => "volume",
    };
    let mut shown = json!({
        "Type": kind,
        "Action": event.action,
        "Actor": { "ID": event.id, "Attributes": event.attributes },
        "scope": "local",
        "time": event.time.div_euclid(1_000_000_000),
        "timeNano": event.time,
    });
    // Fields of docker's first API, which containers and images still have.
    if event.subject != Subject::Volume {
        shown["status"] = event.action.as_str().into();
        shown["id"] = event.id.as_str().into();
    }
    if let (Subject::Container, Some(image)) = (event.subject, event.attributes.get("image")) {
        shown["from"] = image.as_str().into();
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn shapes() {
        let attributes = BTreeMap::from([("image".to_owned(), "tiny".to_owned())]);
        let die = Event {
            time: 1_700_000_000_000_000_005,
            subject: Subject::Container,
            action: "die".to_owned(),
            id: "ab".to_owned(),
            attributes,
        };
        let shown = event(&die);
        assert_eq!(shown["status"], "die");
        assert_eq!(shown["from"], "tiny");
        assert_eq!((&shown["time"], &shown["timeNano"]), (&json!(1_700_000_000), &json!(die.time)));
        assert_eq!(shown["Actor"]["Attributes"]["image"], "tiny");
        let volume = event(&Event { subject: Subject::Volume, ..die });
        assert_eq!((volume.get("status"), &volume["Type"]), (None, &json!("volume")));
    }
}
