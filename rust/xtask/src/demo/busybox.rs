//! The smallest image that is of use: busybox, which installs its own applets in a `RUN`.

use std::fs;
use std::path::Path;

use super::write;
use crate::error::{Error, file};
use crate::stage;

/// Where Debian's busybox-static puts it.
const BUSYBOX: &str = "/bin/busybox";

const DOCKERFILE: &str = r#"FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
CMD ["/bin/sh"]
"#;

/// Writes the build context.
pub(super) fn write_context(dir: &Path) -> Result<(), Error> {
    stage::make(dir, 0o755)?;
    fs::copy(BUSYBOX, dir.join("busybox")).map_err(file("copy", BUSYBOX))?;
    write(&dir.join("Dockerfile"), DOCKERFILE)
}
