//! A user with one id only: no line in `/etc/subuid`, or no way to use it. The suite runs as such
//! a user, and its first test proves that.

#![allow(clippy::unwrap_used, reason = "a scenario that cannot be set up has failed")]

mod images;

use minidock_tests::{Call, stage};

#[test]
fn this_user_cannot_map_more_than_one_id() {
    stage::assert_not_root();
    let one = Call::new("unshare").args(["--user", "--map-root-user", "true"]).run();
    one.succeeds();
    let more = Call::new("unshare").args(["--user", "--map-root-user", "--map-auto", "true"]).run();
    assert_ne!(more.code, Some(0), "more than one id was mapped: {}", more.told());
}
