//! The two users of the suites: one with subordinate ids, one without, both with a supplementary
//! group, so that the tests see whether it stays outside. Existing users and their lines in
//! `/etc/subuid` are never changed; what they lack is added.

use std::fs;
use std::path::Path;

use crate::account::{self, SINGLE_ID_USER, TEST_USER};
use crate::call::Call;
use crate::error::{Error, file};
use crate::screen;

/// Ids per user, as many as an image may use (0 to 65535).
const COUNT: u64 = 65536;
/// The supplementary group of both users. Nothing on the host belongs to it.
const GROUP: &str = "minidock-test-group";
/// Where the ranges of `useradd` begin by default (login.defs(5), SUB_UID_MIN).
const FIRST: u64 = 100_000;

/// Makes both users, as root.
pub(super) fn make() -> Result<(), Error> {
    Call::new("groupadd").args(["--force", GROUP]).run()?;
    for name in [TEST_USER, SINGLE_ID_USER] {
        if !exists(name) {
            Call::new("useradd")
                .args(["--create-home", "--shell", "/bin/sh"])
                .args(["-K", "SUB_UID_COUNT=0", "-K", "SUB_GID_COUNT=0", name])
                .run()?;
            screen::say(&format!("user: made {name}"));
        }
        if !groups_of(name)?.iter().any(|group| group == GROUP) {
            Call::new("usermod").args(["--append", "--groups", GROUP, name]).run()?;
            screen::say(&format!("user: {name} is in the group {GROUP}"));
        }
    }
    for (path, option) in [("/etc/subuid", "--add-subuids"), ("/etc/subgid", "--add-subgids")] {
        let text = read(path)?;
        if !names(&text, TEST_USER) {
            // usermod refuses to make the file itself.
            if !Path::new(path).exists() {
                fs::write(path, "").map_err(file("make", path))?;
            }
            let range = free_range(&text);
            Call::new("usermod").args([option, &range, TEST_USER]).run()?;
            screen::say(&format!("user: {TEST_USER} has {range} in {path}"));
        }
        if names(&read(path)?, SINGLE_ID_USER) {
            return Err(Error::Host {
                what: format!("{SINGLE_ID_USER} has a line in {path}"),
                mend: format!("remove that line: the tests need {SINGLE_ID_USER} without one"),
            });
        }
    }
    Ok(())
}

/// Says what the calling user lacks.
pub(super) fn tell() -> Result<(), Error> {
    let user = account::Account::tester()?;
    if groups_of(&user.name)?.len() < 2 {
        let name = &user.name;
        screen::say(&format!("missing: a supplementary group of {name} (for tests of groups)"));
        screen::say(&format!("as root: groupadd --force {GROUP}; usermod -aG {GROUP} {name}"));
    }
    for (path, option) in [("/etc/subuid", "--add-subuids"), ("/etc/subgid", "--add-subgids")] {
        let text = read(path)?;
        if !names(&text, &user.name) && !names(&text, &user.uid.to_string()) {
            let (name, range) = (&user.name, free_range(&text));
            screen::say(&format!("missing: subordinate ids of {name} in {path} (one id only)"));
            screen::say(&format!("as root: usermod {option} {range} {name}"));
        }
    }
    Ok(())
}

fn exists(name: &str) -> bool {
    Call::new("getent").args(["passwd", name]).text().is_ok()
}

/// Names of all of a user's groups, the login group, too.
fn groups_of(name: &str) -> Result<Vec<String>, Error> {
    let text = Call::new("id").args(["--groups", "--name", name]).text()?;
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

fn read(path: &str) -> Result<String, Error> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(file("read", path)),
    }
}

fn names(text: &str, user: &str) -> bool {
    text.lines().any(|line| line.split(':').next() == Some(user))
}

/// `FIRST-LAST` behind every range that is given away, as usermod takes it.
fn free_range(text: &str) -> String {
    let end = |line: &str| {
        let mut fields = line.split(':').skip(1);
        let start: u64 = fields.next()?.trim().parse().ok()?;
        let count: u64 = fields.next()?.trim().parse().ok()?;
        start.checked_add(count)
    };
    let first = text.lines().filter_map(end).max().unwrap_or(FIRST).max(FIRST);
    format!("{first}-{}", first.saturating_add(COUNT - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_range_lies_behind_all_others() {
        for (text, expected) in [
            ("", "100000-165535"),
            ("a:1000:10\n", "100000-165535"),
            ("a:100000:65536\nb:300000:10\nbroken\n", "300010-365545"),
        ] {
            assert_eq!(free_range(text), expected);
        }
    }

    #[test]
    fn a_user_is_matched_whole() {
        assert!(names("x:1:1\nminidock-test:1:1\n", "minidock-test"));
        assert!(!names("minidock-test2:1:1\n", "minidock-test"));
    }
}
