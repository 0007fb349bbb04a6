//! Tests of destinations, flags, refusals, and of what a key depends on.

use minidock_dockerfile::{Dockerfile, Kind};

use super::target::remote;
use super::*;
use crate::error::ErrorKind;

fn parsed(text: &str) -> Instruction {
    Dockerfile::parse(text.as_bytes()).unwrap().instructions.remove(0)
}

fn target_of(workdir: &str, text: &str) -> Result<Target> {
    let instruction = parsed(text);
    let mut stage = StageState::scratch("0".into());
    stage.config.config.working_dir = workdir.to_owned();
    let place = Place { file: "Dockerfile", instruction: &instruction };
    match &instruction.kind {
        Kind::Copy(copy) => target(&stage, copy.into(), place),
        Kind::Add(add) => refuse_add(add, place).and_then(|()| target(&stage, add.into(), place)),
        _ => unreachable!(),
    }
}

#[test]
fn destinations() {
    for (workdir, text, path, directory) in [
        ("/", "COPY a b", "/b", false),
        ("/w", "COPY a b", "/w/b", false),
        ("/w", "COPY a .", "/w", true),
        ("/w", "COPY a ./", "/w", true),
        ("/w", "COPY a b/", "/w/b", true),
        ("/w", "COPY a /", "/", true),
        ("/w", "COPY a /x/../../y", "/y", false),
        ("/w", "COPY a b c/", "/w/c", true),
        ("/w", "ADD a ..", "/", true),
    ] {
        let target = target_of(workdir, text).unwrap();
        assert_eq!((target.path.as_str(), target.directory), (path, directory), "{text}");
    }
    let target = target_of("/", "COPY --chown=1:2 --chmod=0755 a b").unwrap();
    assert_eq!((target.chown.as_deref(), target.chmod), (Some("1:2"), Some(0o755)));
}

#[test]
fn refusals_name_what_and_where() {
    for (text, what) in [
        ("COPY a b c", "end the destination with a slash"),
        ("COPY --link a b", "COPY --link is not supported"),
        ("COPY --parents a b", "COPY --parents is not supported"),
        ("COPY --exclude=x a b", "COPY --exclude is not supported"),
        ("COPY --chmod=u+x a b", "octal"),
        ("COPY --chmod=17777 a b", "octal"),
        ("ADD https://u:p@example.org/x /", "a URL is not supported"),
        ("ADD https://example.org/x.git /", "a git repository is not supported"),
        ("ADD git@example.org:x.git /", "a git repository is not supported"),
        ("ADD --checksum=sha256:00 a /", "ADD --checksum is not supported"),
        ("ADD --keep-git-dir=true a /", "ADD --keep-git-dir is not supported"),
    ] {
        let error = target_of("/", text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().starts_with("Dockerfile:1: "), "{error}");
        let shown = format!("{error} {}", error.hint().unwrap_or_default());
        assert!(shown.contains(what), "{text}: {shown}");
        assert!(!error.to_string().contains("u:p"), "{error}");
        assert!(error.excerpt().is_some());
    }
    for path in ["a", "dir/http:/x", "./://x", "a b://c", "git"] {
        assert_eq!(remote(path), None, "{path}");
    }
}

/// Row B9: each of these changes what is remembered.
#[test]
fn keys() {
    let ids: Vec<LocalId> = (0..4).map(|_| LocalId::random().unwrap()).collect();
    let of = |below: &[usize], from: &[usize], paths: &[&str], change: &dyn Fn(&mut Target)| {
        let pick = |list: &[usize]| list.iter().map(|at| ids[*at].clone()).collect::<Vec<_>>();
        let mut stage = StageState::scratch("0".into());
        stage.layers = pick(below);
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let files = Files::Layers { layers: pick(from), paths };
        let mut target = Target { path: "/a".into(), directory: false, chown: None, chmod: None };
        change(&mut target);
        key("copy", &stage, &files, &target)
    };
    let keys = [
        of(&[0], &[1, 2], &["/x"], &|_| {}),
        of(&[1], &[1, 2], &["/x"], &|_| {}),
        of(&[3, 0], &[1, 2], &["/x"], &|_| {}),
        of(&[0], &[2, 1], &["/x"], &|_| {}),
        of(&[0], &[3, 2], &["/x"], &|_| {}),
        of(&[0], &[1, 2], &["/y"], &|_| {}),
        of(&[0], &[1, 2], &["/x", "/y"], &|_| {}),
        of(&[0], &[1, 2], &["/x"], &|target| target.path = "/b".into()),
        of(&[0], &[1, 2], &["/x"], &|target| target.directory = true),
        of(&[0], &[1, 2], &["/x"], &|target| target.chown = Some("0".into())),
        of(&[0], &[1, 2], &["/x"], &|target| target.chmod = Some(0o644)),
    ];
    for (at, one) in keys.iter().enumerate() {
        assert!(!keys[at + 1..].contains(one), "{at}");
    }
    assert_eq!(keys[0], of(&[0], &[1, 2], &["/x"], &|_| {}));
}

#[test]
fn the_side_that_failed_first_is_told() {
    let broken = || Error::io("cannot hand over", rustix::io::Errno::PIPE);
    let error = |kind| Error::new(kind, "x");
    let told = both::<()>(Err(broken()), Err(error(ErrorKind::NoSpace))).unwrap_err();
    assert_eq!(told.kind(), ErrorKind::NoSpace);
    let changed = Err(error(ErrorKind::Conflict));
    let told = both::<()>(changed, Err(error(ErrorKind::InvalidInput))).unwrap_err();
    assert_eq!(told.kind(), ErrorKind::Conflict);
    assert!(both(Ok(()), Ok(1)).is_ok());
    assert!(both(Err(error(ErrorKind::Io)), Ok(1)).is_err());
}
