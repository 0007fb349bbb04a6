//! What the numbers were measured on.

use std::fs;

/// Cores, kernel, memory, load and the file system of the store.
pub(crate) fn facts() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let uname = rustix::system::uname();
    let kernel = uname.release().to_string_lossy();
    let arch = uname.machine().to_string_lossy();
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "of an unnamed model".into());
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_else(|| "of unknown size".into());
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    format!(
        "machine: {cores} cores, {cpu}; kernel {kernel} {arch}; memory {memory}; load before: \
         {load}; temporary files on {}",
        file_system()
    )
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let (_, value) =
        text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}

/// The type of the deepest mount above the directory of temporary files.
fn file_system() -> String {
    let dir = std::env::temp_dir();
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let above = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let (at, kind) = (fields.next()?, fields.next()?);
        dir.starts_with(at).then_some((at.len(), kind))
    });
    above
        .max_by_key(|(length, _)| *length)
        .map_or("an unknown file system", |(_, kind)| kind)
        .into()
}
