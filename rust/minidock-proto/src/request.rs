//! Requests to a freshly spawned `minidock-runtime`, and its answers.
//!
//! The request comes as the first message over the socket at standard input, with descriptors.
//! Answers go back over the same socket. Nothing travels in arguments or environment.

mod answer;

use serde::{Deserialize, Serialize};

use crate::archive::Task;
use crate::bytes::Bytes;
use crate::channel::Fd;
use crate::event::Sink;
use crate::mapping::Mapping;
use crate::process::Process;

pub use answer::{Answer, Failure, FailureKind, Layer, Probed, Started};

/// The first message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// [`crate::SPAWN_VERSION`] of the engine.
    pub version: u32,
    /// What to do.
    pub verb: Verb,
}

/// What a runtime can be asked to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
pub enum Verb {
    /// Make the shared user namespace and keep it.
    Hold(Hold),
    /// Become a supervisor, which then takes one [`Run`] over the same channel.
    Supervise(Supervise),
    /// Keep a network namespace for the steps of a build.
    Network(NetworkHold),
    /// Write a layer's tar into a tree.
    Unpack(Unpack),
    /// Make an upper directory into a layer's tree and write its index.
    Scan(Scan),
    /// Put files into a new layer on top of others (COPY and ADD).
    Copy(Copy),
    /// Write a layer as a tar stream, by its index.
    Export(Export),
    /// Read from the root file system of a stack of layers as a tar stream (COPY --from).
    Read(Read),
    /// Copy files in or out of a container that does not run.
    Archive(Box<Archive>),
    /// Tell how a container's files differ from its image's.
    Diff(Diff),
    /// Delete trees that belong to ids of the user namespace.
    Remove(Remove),
    /// Try what this host can do.
    Probe(Probe),
}

/// How a verb comes into the shared user namespace.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Join {
    /// The user namespace.
    pub userns: Fd,
    /// The connection to its holder; while it is open the namespace is in use.
    pub hold: Fd,
}

/// [`Verb::Hold`]. Answer: [`Answer::Held`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hold {
    /// The maps to write, when a namespace is to be made.
    pub mapping: Mapping,
    /// A listening Unix socket on which the holder hands the namespace out.
    pub listener: Fd,
    /// The lock that says that this mapping has a holder; kept until the holder ends.
    pub lock: Fd,
    /// A namespace that lived on in a container after its holder died, to be kept again.
    pub revive: Option<Fd>,
    /// The socket's path, unlinked when the holder ends unused.
    pub path: Bytes,
}

/// [`Verb::Supervise`]: a supervisor in namespaces of its own that waits for its container.
///
/// It is started while the engine still gathers what the container is; the end of the channel or
/// of the engine's process ends it. [`Answer::Failed`] comes at any time, also before [`Run`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Supervise {
    /// What the process is named after: the container's id.
    pub id: String,
    /// The shared user namespace.
    pub join: Join,
    /// A pidfd of the engine's process.
    pub engine: Fd,
    /// An empty directory that everybody may mount over in a mount namespace of their own.
    pub mount_point: Bytes,
    /// Where its network namespace comes from.
    pub network: NetworkSource,
    /// Where a network helper is recorded, if the container will need one.
    pub helper_record: Option<Bytes>,
}

/// Where the network namespace of a container comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkSource {
    /// It is the host's ([`Network::Host`]).
    Host,
    /// It is there ([`Network::Join`]).
    Join,
    /// It is made in the shared user namespace.
    Shared,
    /// It is made in the container's own, nested user namespace.
    Nested,
}

/// The container of a supervisor ([`Verb::Supervise`]), sent after the request. Answers:
/// [`Answer::Started`], then [`Answer::Exited`]; or [`Answer::Failed`]. Between the two the channel
/// takes [`crate::control::Call`]s of an attached client.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    /// The container's id, 64 hexadecimal digits.
    pub id: String,
    /// The mapping of the shared user namespace.
    pub mapping: Mapping,
    /// Give the container a user namespace nested in the shared one; its network is then
    /// [`NetworkSource::Nested`] where it is new.
    pub nested: bool,
    /// The container's directory: records, log, socket, writable layer.
    pub directory: Bytes,
    /// The open file [`crate::record::LOCK`] with its lock taken; held until the supervisor ends.
    pub lock: Fd,
    /// The root file system.
    pub rootfs: Rootfs,
    /// What to run.
    pub process: Process,
    /// Run it as a child of an init that forwards signals and reaps.
    pub init: bool,
    /// Host name inside.
    pub hostname: String,
    /// Mounts on top of the root file system, in order.
    pub mounts: Vec<Mount>,
    /// Leave /proc and /sys as they are: nothing masked or made read-only (`--privileged`).
    pub unmasked: bool,
    /// Size of /dev/shm in bytes.
    pub shm_size: u64,
    /// Lines of /etc/hosts after the fixed ones, as `address name`.
    pub hosts: Vec<String>,
    /// Lines of /etc/resolv.conf.
    pub resolv: Vec<String>,
    /// The network.
    pub network: Network,
    /// Published ports.
    pub ports: Vec<Port>,
    /// Where standard streams go at first.
    pub stdio: Stdio,
    /// Keep standard input open without a client (`-i`).
    pub stdin_open: bool,
    /// Close standard input when the first client's ends.
    pub stdin_once: bool,
    /// A pidfd; the container ends when that process does.
    pub owner: Option<Fd>,
    /// Keep output in the container's log.
    pub log: bool,
    /// The signal that asks it to stop, by number.
    pub stop_signal: i32,
    /// Remove the container when it ends.
    pub remove: Option<AutoRemove>,
    /// Where its events go; none for a step of a build.
    pub events: Option<Sink>,
    /// When it ended with status 0: make the writable layer into a layer (RUN).
    /// [`Answer::Layer`] then comes before [`Answer::Exited`].
    pub commit: Option<Commit>,
}

/// Makes an upper directory into a layer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Commit {
    /// The file that takes the index.
    pub index: Fd,
    /// Indexes of the layers below, topmost first: owners that the mapping cannot represent come
    /// from there, and they tell which opaque marks hide something.
    pub parents: Vec<Fd>,
}

/// Where the container's directory and name go when it is removed by its supervisor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AutoRemove {
    /// The directory is renamed to this before its content is deleted.
    pub trash: Bytes,
    /// The file that claims the container's name.
    pub name: Option<Bytes>,
    /// Directories of volumes that were made for this container alone.
    pub volumes: Vec<Bytes>,
}

/// A root file system out of layers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rootfs {
    /// Trees of the layers, topmost first.
    pub lowers: Vec<Bytes>,
    /// The writable layer; none for a root that is only read.
    pub upper: Option<Upper>,
    /// Mount the whole read-only once it is prepared (`--read-only`).
    pub read_only: bool,
}

/// The writable layer of an overlay.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Upper {
    /// Directory of changed files.
    pub directory: Bytes,
    /// overlayfs' work directory on the same file system.
    pub work: Bytes,
    /// Never sync: for what is worthless after a crash (build steps, `--rm`).
    pub volatile: bool,
}

/// A mount inside the container.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mount {
    /// Absolute path inside, resolved within the root file system.
    pub target: Bytes,
    /// What is mounted.
    pub source: MountSource,
    /// No writes.
    pub read_only: bool,
}

/// Kinds of mounts.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum MountSource {
    /// A file or directory of the host.
    Bind {
        /// Its absolute path.
        path: Bytes,
        /// The same, opened by the engine (O_PATH): a mount of another namespace cannot be
        /// cloned from a descriptor, so the path is opened again and has to lead to this.
        identity: Fd,
        /// With the mounts below it.
        recursive: bool,
    },
    /// A volume: a bind that is filled from the image when it is empty.
    Volume {
        /// Its directory, absolute.
        path: Bytes,
        /// Copy what the image has at the target into an empty volume.
        fill: bool,
    },
    /// An empty tmpfs.
    Tmpfs {
        /// Size in bytes; `None` is the kernel's default, half of the memory.
        size: Option<u64>,
        /// The most files and directories; `None` is the kernel's default.
        inodes: Option<u64>,
        /// Mode of its root directory.
        mode: u32,
        /// Programs in it may be executed.
        exec: bool,
    },
}

/// The network of a container.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "kebab-case")]
pub enum Network {
    /// A namespace with loopback alone.
    None,
    /// The host's.
    Host,
    /// A namespace of its own with a user-mode helper to the outside.
    Private(Helper),
    /// A namespace that a build or another container keeps.
    Join {
        /// It.
        netns: Fd,
    },
}

/// A program that connects a network namespace to the outside; it runs on the host's side.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Helper {
    /// Which.
    pub kind: HelperKind,
    /// Absolute path of the program.
    pub program: Bytes,
}

/// Known network helpers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HelperKind {
    /// pasta (passt).
    Pasta,
    /// slirp4netns.
    Slirp4netns,
}

/// A published port: connections to the listener go to the container's port.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Port {
    /// A listening TCP socket or a bound UDP socket of the host.
    pub listener: Fd,
    /// Which of the two.
    pub protocol: Protocol,
    /// Port inside.
    pub port: u16,
}

/// Transport protocols of published ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// Ends of pipes or sockets that a client reads and writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stdio {
    /// Read by the supervisor.
    pub stdin: Option<Fd>,
    /// Written by the supervisor; a terminal's output goes here.
    pub stdout: Option<Fd>,
    /// Written by the supervisor.
    pub stderr: Option<Fd>,
}

/// [`Verb::Network`]. Answer: [`Answer::Network`]; the namespace ends with the channel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NetworkHold {
    /// The shared user namespace.
    pub join: Join,
    /// What network: `None` or `Private`.
    pub network: Network,
    /// A pidfd; the namespace ends when that process does.
    pub owner: Fd,
    /// Where the record of the network helper goes, for whoever sweeps strays.
    pub record: Bytes,
}

/// [`Verb::Unpack`]. Answer: [`Answer::Layer`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Unpack {
    /// The shared user namespace.
    pub join: Join,
    /// Its mapping: what it cannot own is flattened in the tree.
    pub mapping: Mapping,
    /// The tar stream, uncompressed, read to its end.
    pub tar: Fd,
    /// An empty, existing directory that becomes the tree.
    pub tree: Fd,
    /// The file that takes the index; `None` when the index exists and only a tree is wanted.
    pub index: Option<Fd>,
}

/// [`Verb::Scan`]. Answer: [`Answer::Layer`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Scan {
    /// The shared user namespace.
    pub join: Join,
    /// Its mapping.
    pub mapping: Mapping,
    /// The upper directory; whiteouts and opaque marks in it are made uniform.
    pub upper: Fd,
    /// What becomes of it.
    pub commit: Commit,
}

/// [`Verb::Copy`]. Answer: [`Answer::Layer`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Copy {
    /// The shared user namespace.
    pub join: Join,
    /// Its mapping.
    pub mapping: Mapping,
    /// An empty directory of the store to mount at, in this process' mount namespace alone.
    pub scratch: Bytes,
    /// The layers below and the new layer's tree as upper.
    pub rootfs: Rootfs,
    /// What to copy: a tar stream whose paths are relative to `destination`.
    pub sources: Fd,
    /// Absolute path in the root file system, symbolic links resolved within it.
    pub destination: Bytes,
    /// The destination is a directory: it ended with a slash, or several sources go there.
    pub into_directory: bool,
    /// Owner for everything, as `--chown` takes it; `None` leaves what the tar says.
    pub chown: Option<String>,
    /// Mode for everything, `--chmod` in octal; `None` leaves what the tar says.
    pub chmod: Option<u32>,
    /// What becomes of the new layer.
    pub commit: Commit,
}

/// [`Verb::Export`]. Answer: [`Answer::Done`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Export {
    /// The shared user namespace.
    pub join: Join,
    /// The tree.
    pub tree: Fd,
    /// Its index.
    pub index: Fd,
    /// Where the tar stream goes.
    pub tar: Fd,
}

/// [`Verb::Read`]. Answer: [`Answer::Read`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Read {
    /// The shared user namespace.
    pub join: Join,
    /// An empty directory of the store to mount at, in this process' mount namespace alone.
    pub scratch: Bytes,
    /// Its mapping.
    pub mapping: Mapping,
    /// The layers.
    pub rootfs: Rootfs,
    /// Indexes of the layers, topmost first; needed with a single-id mapping alone: they have
    /// the owners that the trees lost.
    pub parents: Vec<Fd>,
    /// Absolute paths or patterns within the root file system.
    pub paths: Vec<Bytes>,
    /// Where the tar stream goes, its paths as COPY lays them out.
    pub tar: Fd,
}

/// [`Verb::Archive`]. The replies are those of a supervisor ([`crate::control::Reply`]).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Archive {
    /// The shared user namespace.
    pub join: Join,
    /// Its mapping.
    pub mapping: Mapping,
    /// An empty directory of the store to mount at, in this process' mount namespace alone.
    pub scratch: Bytes,
    /// The container's lock file with what keeps others from mounting its writable layer.
    pub lock: Fd,
    /// The root file system.
    pub rootfs: Rootfs,
    /// Volumes and binds on top of it.
    pub mounts: Vec<Mount>,
    /// What is done.
    pub task: Task,
}

/// [`Verb::Diff`]. Answer: [`Answer::Changes`], as often as there are more.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Diff {
    /// The shared user namespace.
    pub join: Join,
    /// The writable layer; it is only read and may be in use.
    pub upper: Fd,
    /// Indexes of the layers below, topmost first.
    pub parents: Vec<Fd>,
}

/// [`Verb::Remove`]. Answer: [`Answer::Done`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Remove {
    /// The shared user namespace.
    pub join: Join,
    /// Directories to be deleted with all that is in them; what is gone already is no error.
    pub paths: Vec<Bytes>,
}

/// [`Verb::Probe`]. Answer: [`Answer::Probed`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Probe {
    /// The shared user namespace.
    pub join: Join,
    /// A directory of the store, for trying overlayfs on its file system.
    pub directory: Bytes,
}
