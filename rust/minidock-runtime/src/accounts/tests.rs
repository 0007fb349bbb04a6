//! Row R14 and docker's rules for users, on files in a temporary root.

use std::fs;
use std::os::fd::AsFd as _;
use std::os::unix::fs::symlink;

use rustix::fs::CWD;

use super::*;

const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/sh
# comment:x:7:7::/:
1000:x:0:0:trap:/trap:
www:x:33:34:w,w:/var/www:/sbin/nologin

bare:x:5:6
bad:x:4294967296:0::/:
neg:x:-1:0::/:
minus:x:4294967295:0::/:
half:x:77:::/:
";
const GROUP: &str = "\
root:x:0:
adm:x:4:root,www
www:x:34:
web:x:80:www
web2:x:80:www
broken:x:x:www
big:x:4294967296:www
1000:x:0:
";

fn accounts(passwd: &str, group: &str) -> Accounts {
    Accounts { passwd: passwd.into(), group: group.into() }
}

fn user(spec: &str) -> std::result::Result<(u32, u32, String, Vec<u32>), String> {
    accounts(PASSWD, GROUP)
        .user(spec)
        .map(|u| (u.uid, u.gid, String::from_utf8(u.home.0).unwrap(), u.groups))
        .map_err(|failure| failure.message)
}

#[test]
fn specifications() {
    for (spec, uid, gid, home, groups) in [
        ("", 0, 0, "/root", &[4][..]),
        ("root", 0, 0, "/root", &[4]),
        ("www", 33, 34, "/var/www", &[4, 80]),
        ("33", 33, 34, "/var/www", &[4, 80]),
        ("www:", 33, 34, "/var/www", &[4, 80]),
        ("www:web", 33, 80, "/var/www", &[]),
        ("www:7", 33, 7, "/var/www", &[]),
        ("33:adm", 33, 4, "/var/www", &[]),
        (":adm", 0, 4, "/root", &[]),
        ("bare", 5, 6, "/", &[]),
        ("1000", 1000, 0, "/", &[]),
        ("1000:1000", 1000, 1000, "/", &[]),
        ("4294967294", 4_294_967_294, 0, "/", &[]),
    ] {
        assert_eq!(user(spec), Ok((uid, gid, home.into(), groups.to_vec())), "{spec:?}");
    }
}

#[test]
fn refusals_say_why() {
    for (spec, expected) in [
        ("4294967296", "out of range"),
        ("4294967295", "out of range"),
        ("-1", "out of range"),
        ("+0", "out of range"),
        ("99999999999999999999999", "out of range"),
        ("0:-1", "out of range"),
        ("0x0", "user \"0x0\" is not in"),
        ("nobody", "user \"nobody\" is not in"),
        (" root", "is not in"),
        ("root:nogroup", "group \"nogroup\" is not in"),
        ("root:root:root", "more than one colon"),
        ("bad", "line 7 of the image's /etc/passwd"),
        ("neg", "malformed"),
        ("minus", "malformed"),
        ("half", "malformed"),
        ("root:broken", "line 6 of the image's /etc/group"),
        ("root:big", "malformed"),
        ("#comment", "is not in"),
    ] {
        let error = user(spec).unwrap_err();
        assert!(error.contains(expected) && !error.contains('\n'), "{spec:?}: {error}");
    }
}

#[test]
fn groups_and_owners() {
    let accounts = accounts(PASSWD, GROUP);
    assert_eq!(accounts.group("web").unwrap(), 80);
    assert_eq!(accounts.group("1000").unwrap(), 1000);
    assert!(accounts.group("none").is_err() && accounts.group("").is_err());
    assert_eq!(accounts.owner("www").unwrap(), (33, 34));
    assert_eq!(accounts.owner("33").unwrap(), (33, 33));
    assert_eq!(accounts.owner("1000").unwrap(), (1000, 1000));
    assert_eq!(accounts.owner("1000:web").unwrap(), (1000, 80));
    assert_eq!(accounts.owner("www:5").unwrap(), (33, 5));
}

#[test]
fn more_groups_than_a_process_can_have() {
    let many: String = (0..MAX_GROUPS + 1).map(|gid| format!("g:x:{}:u\n", gid + 1)).collect();
    let error = accounts("u:x:1:1::/:\n", &many).user("u").unwrap_err();
    assert!(error.message.contains("into 65537 groups"), "{}", error.message);
}

fn open(make: impl FnOnce(&std::path::Path)) -> std::result::Result<Accounts, String> {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::write(directory.path().join("outside"), "evil:x:0:0::/:\n").unwrap();
    make(&root);
    let fd = rustix::fs::openat(CWD, &root, OFlags::PATH, Mode::empty()).unwrap();
    Accounts::open(fd.as_fd()).map_err(|failure| failure.message)
}

#[test]
fn files_are_read_within_the_root() {
    let found = open(|root| {
        fs::create_dir(root.join("real")).unwrap();
        fs::write(root.join("real/passwd"), PASSWD).unwrap();
        symlink("/real/passwd", root.join("etc/passwd")).unwrap();
    });
    assert_eq!(found.unwrap().user("www").unwrap().uid, 33);
    for target in ["../../outside", "/../outside", "/proc/self/fd/0", "missing"] {
        let found = open(|root| symlink(target, root.join("etc/passwd")).unwrap());
        assert!(found.unwrap().user("evil").is_err(), "{target}");
    }
    let none = open(|root| fs::remove_dir(root.join("etc")).unwrap()).unwrap();
    assert_eq!(none.user("7:8").unwrap().gid, 8);
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let fifo = |root: &std::path::Path| {
        let mode = Mode::from_raw_mode(0o644);
        rustix::fs::mknodat(CWD, root.join("etc/passwd"), FileType::Fifo, mode, 0).unwrap();
    };
    assert!(open(fifo).unwrap_err().contains("not a regular file"));
    let directory = open(|root| fs::create_dir(root.join("etc/group")).unwrap());
    assert!(directory.unwrap_err().contains("/etc/group of the image is not a regular file"));
    let huge = open(|root| {
        fs::File::create(root.join("etc/passwd")).unwrap().set_len(10 << 30).unwrap();
    });
    assert!(huge.unwrap_err().contains("larger than 1048576 bytes"));
    let circle = open(|root| symlink("passwd", root.join("etc/passwd")).unwrap());
    assert!(circle.unwrap_err().contains("open /etc/passwd of the image"));
}
