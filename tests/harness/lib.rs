//! The harness of the black-box suites: runs the built `minidock` as a user would, with a store
//! of its own, under time limits, and looks for what was left behind. It links nothing of
//! minidock's: what it knows, it sees from outside.
//!
//! A suite is started by `cargo xtask test`, which builds and stages what is tested and runs the
//! suite as a user that is not root. Started otherwise, the first test says so.
//!
//! ```no_run
//! use minidock_tests::Minidock;
//!
//! let minidock = Minidock::new();
//! let images = minidock.run(["images"]);
//! images.succeeds().stdout_has("REPOSITORY");
//! ```

pub mod base;
pub mod busybox;
pub mod command;
pub mod leaks;
pub mod minidock;
pub mod process;
pub mod stage;

pub use busybox::Busybox;
pub use command::{Call, Output};
pub use leaks::Leaks;
pub use minidock::Minidock;
