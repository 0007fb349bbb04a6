//! Owns the one table of error kinds: what each means, and what it is called in every face.
//!
//! Must not know what a face does with it. A new kind is one row at the end: the numbers are part
//! of the C library's ABI and never change.

/// What a kind is in each face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Face {
    /// The C and C++ constant without its prefix: `MINIDOCK_ERROR_NOT_FOUND`.
    pub name: &'static str,
    /// The constant's value, above 0.
    pub code: i32,
    /// The class of the Python package.
    pub python: &'static str,
    /// The exit status of `minidock run` and `minidock exec`, which otherwise is the program's.
    pub run_status: u8,
    /// The exit status of every other command.
    pub status: u8,
}

macro_rules! kinds {
    ($($(#[$doc:meta])+ $kind:ident = $code:literal, $name:literal, $python:literal, $run:literal;)+) => {
        /// What went wrong, as far as a caller can act on it.
        ///
        /// Every face maps a kind to its own thing, by [`ErrorKind::face`]: a C code, a Python
        /// class, an exit status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])+ $kind,)+
        }

        impl ErrorKind {
            /// Every kind, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// What it is in each face.
            ///
            /// ```
            /// let face = minidock::ErrorKind::NotFound.face();
            /// assert_eq!((face.name, face.python), ("NOT_FOUND", "NotFound"));
            /// ```
            #[must_use]
            pub const fn face(self) -> Face {
                let (name, code, python, run_status) = match self {
                    $(Self::$kind => ($name, $code, $python, $run),)+
                };
                Face { name, code, python, run_status, status: 1 }
            }
        }
    };
}

kinds! {
    /// The named image, container, layer, volume or blob does not exist.
    NotFound = 1, "NOT_FOUND", "NotFound", 125;
    /// The request contradicts what is there: a name is taken, an image has several tags.
    Conflict = 2, "CONFLICT", "Conflict", 125;
    /// The caller's input is malformed or not offered.
    InvalidInput = 3, "INVALID_INPUT", "InvalidArgument", 125;
    /// The host lacks what is needed (file system, kernel, subordinate ids).
    HostUnsupported = 4, "HOST_UNSUPPORTED", "HostUnsupported", 125;
    /// No space, inodes or quota left, or a file size limit was reached.
    NoSpace = 5, "NO_SPACE", "NoSpace", 125;
    /// The kernel or the owner of a file refuses access.
    Permission = 6, "PERMISSION", "PermissionDenied", 125;
    /// Stored content is not what was written; `system check` names and mends it.
    Corrupt = 7, "CORRUPT", "Corrupt", 125;
    /// The thing is used by something alive.
    InUse = 8, "IN_USE", "InUse", 125;
    /// The store was written by a newer version than this one can use.
    Incompatible = 9, "INCOMPATIBLE", "Incompatible", 125;
    /// The store can only be read: a read-only mount, or a newer version writes it.
    ReadOnly = 10, "READ_ONLY", "ReadOnly", 125;
    /// A handle was used in a forked child of the process that made it.
    Forked = 11, "FORKED", "Forked", 125;
    /// The runtime failed or could not be reached.
    Runtime = 12, "RUNTIME", "RuntimeFailed", 125;
    /// The program to run is not in the container (exit status 127).
    CommandNotFound = 13, "COMMAND_NOT_FOUND", "CommandNotFound", 127;
    /// The program to run cannot be executed (exit status 126).
    CommandNotExecutable = 14, "COMMAND_NOT_EXECUTABLE", "CommandNotExecutable", 126;
    /// A network transfer failed.
    Network = 15, "NETWORK", "NetworkFailed", 125;
    /// The caller cancelled.
    Cancelled = 16, "CANCELLED", "Cancelled", 125;
    /// A command of a build ended with another status than 0.
    StepFailed = 17, "STEP_FAILED", "BuildError", 125;
    /// Any other failure of input or output.
    Io = 18, "IO", "IoFailed", 125;
    /// What was waited for did not happen in the time that the caller gave.
    TimedOut = 19, "TIMED_OUT", "TimedOut", 125;
    /// A defect of minidock: a panic, caught where a face hands over to another language.
    Internal = 20, "INTERNAL", "InternalError", 125;
    /// A registry refuses access: it wants a log-in, or another one.
    Unauthorized = 21, "UNAUTHORIZED", "Unauthorized", 125;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_count_up_and_nothing_is_named_twice() {
        let faces: Vec<Face> = ErrorKind::ALL.iter().map(|kind| kind.face()).collect();
        let codes: Vec<i32> = faces.iter().map(|face| face.code).collect();
        let expected: Vec<i32> = (1..).take(faces.len()).collect();
        assert_eq!(codes, expected);
        let names: BTreeSet<_> = faces.iter().map(|face| face.name).collect();
        let classes: BTreeSet<_> = faces.iter().map(|face| face.python).collect();
        assert_eq!((names.len(), classes.len()), (faces.len(), faces.len()));
    }
}
