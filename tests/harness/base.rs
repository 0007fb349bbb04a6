//! Root filesystems to make images of. The busybox one is made here, out of the host's static
//! busybox; nothing is downloaded.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;

use tar::{Builder, EntryType, Header};

/// Where Debian's busybox-static puts it.
const BUSYBOX: &str = "/bin/busybox";

/// Writes a tar of a small root filesystem: busybox with a link for each applet, and the files
/// that programs expect. The same busybox gives the same bytes.
///
/// # Errors
/// When there is no busybox on this host, or the tar cannot be written.
pub fn busybox_tar(to: &Path) -> io::Result<()> {
    let mut tar = Builder::new(File::create(to)?);
    for dir in ["bin", "dev", "etc", "home", "proc", "root", "sys", "usr", "var"] {
        entry(&mut tar, &format!("{dir}/"), 0o755, EntryType::Directory, &[])?;
    }
    entry(&mut tar, "tmp/", 0o1777, EntryType::Directory, &[])?;
    entry(&mut tar, "etc/passwd", 0o644, EntryType::Regular, PASSWD.as_bytes())?;
    entry(&mut tar, "etc/group", 0o644, EntryType::Regular, GROUP.as_bytes())?;
    let mut busybox = Vec::new();
    File::open(BUSYBOX)?.read_to_end(&mut busybox)?;
    entry(&mut tar, "bin/busybox", 0o755, EntryType::Regular, &busybox)?;
    for applet in applets()? {
        let mut header = header(0o777, EntryType::Symlink, 0);
        tar.append_link(&mut header, format!("bin/{applet}"), "busybox")?;
    }
    tar.into_inner()?.sync_all()
}

const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n";
const GROUP: &str = "root:x:0:\nuser:x:1000:\n";

fn applets() -> io::Result<Vec<String>> {
    let output = Command::new(BUSYBOX).arg("--list").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text.lines().filter(|name| *name != "busybox");
    Ok(names.map(str::to_owned).collect())
}

fn entry(
    tar: &mut Builder<File>,
    path: &str,
    mode: u32,
    kind: EntryType,
    bytes: &[u8],
) -> io::Result<()> {
    let mut header = header(mode, kind, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    tar.append_data(&mut header, path, bytes)
}

fn header(mode: u32, kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busybox_tar_holds_a_shell_and_never_changes() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("1.tar"), dir.path().join("2.tar"));
        busybox_tar(&one).unwrap();
        busybox_tar(&two).unwrap();
        assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
        let mut archive = tar::Archive::new(File::open(&one).unwrap());
        let links: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().unwrap() == Path::new("bin/sh"))
            .map(|entry| entry.link_name().unwrap().unwrap().into_owned())
            .collect();
        assert_eq!(links, [Path::new("busybox")]);
    }
}
