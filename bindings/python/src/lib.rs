//! The extension module `_minidock`: engine calls for the Python package, and nothing else.
//!
//! Docker's names and shapes are python/minidock's. What lives here is what Python cannot do:
//! calling the engine without the interpreter's lock, and looking for Ctrl-C while it waits.

mod build;
mod containers;
mod engine;
mod failure;
mod feed;
mod images;
mod logs;
mod options;
mod patience;
mod sandbox;
mod saving;
mod session;
mod system;
mod transfer;
mod volumes;

/// Engine calls for the package `minidock`; not for use by others.
#[pyo3::pymodule]
mod _minidock {
    #[pymodule_export]
    use crate::build::{Build, image_build};
    #[pymodule_export]
    use crate::containers::{
        Watch, container_attach, container_create, container_exec, container_find,
        container_inspect, container_kill, container_list, container_remove, container_rename,
        container_restart, container_run, container_start, container_stop, container_watch,
        containers_prune,
    };
    #[pymodule_export]
    use crate::engine::Engine;
    #[pymodule_export]
    use crate::failure::{error_classes, parse_signal, parse_size};
    #[pymodule_export]
    use crate::feed::{Feed, image_import, image_load};
    #[pymodule_export]
    use crate::images::{
        image_history, image_inspect, image_list, image_remove, image_resolve, image_tag,
        images_prune,
    };
    #[pymodule_export]
    use crate::logs::{Logs, container_logs};
    #[pymodule_export]
    use crate::sandbox::{Sandbox, SandboxRun, sandbox_start};
    #[pymodule_export]
    use crate::saving::{Saving, image_save};
    #[pymodule_export]
    use crate::session::Session;
    #[pymodule_export]
    use crate::system::{system_df, system_info, system_version};
    #[pymodule_export]
    use crate::transfer::{
        Transfer, image_pull, image_push, registry_login, registry_logout, registry_tags,
    };
    #[pymodule_export]
    use crate::volumes::{volume_create, volume_inspect, volume_list, volume_remove};
}
