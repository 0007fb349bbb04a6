//! The few functions of libseccomp (`seccomp.h`) that the oracle needs. Must not hide a failure:
//! whatever libseccomp refuses is a panic.
#![expect(unsafe_code, reason = "a C library")]

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::io::{Read, Seek, SeekFrom};
use std::os::fd::AsRawFd;

use minidock_sys::seccomp::{Arch, Comparison, Condition, SockFilter};

/// `struct scmp_arg_cmp`.
#[repr(C)]
#[derive(Clone, Copy)]
struct ArgCmp {
    arg: c_uint,
    op: c_int,
    datum_a: u64,
    datum_b: u64,
}

#[link(name = "seccomp")]
unsafe extern "C" {
    fn seccomp_init(default_action: u32) -> *mut c_void;
    fn seccomp_release(context: *mut c_void);
    fn seccomp_arch_add(context: *mut c_void, arch: u32) -> c_int;
    fn seccomp_arch_remove(context: *mut c_void, arch: u32) -> c_int;
    fn seccomp_syscall_resolve_num_arch(arch: u32, number: c_int) -> *mut c_char;
    fn seccomp_syscall_resolve_name(name: *const c_char) -> c_int;
    fn seccomp_rule_add_array(
        context: *mut c_void,
        action: u32,
        call: c_int,
        count: c_uint,
        args: *const ArgCmp,
    ) -> c_int;
    fn seccomp_export_bpf(context: *const c_void, fd: c_int) -> c_int;
}

unsafe extern "C" {
    fn free(pointer: *mut c_void);
}

/// `__NR_SCMP_ERROR`.
const NO_SUCH_CALL: c_int = -1;

/// libseccomp's name of a call.
pub(crate) fn name(arch: Arch, number: u32) -> Option<String> {
    let number = c_int::try_from(number).expect("a call's number");
    // SAFETY: takes two integers, gives NULL or a string that the caller frees.
    let text = unsafe { seccomp_syscall_resolve_num_arch(arch.audit_token(), number) };
    if text.is_null() {
        return None;
    }
    // SAFETY: a NUL-terminated string, copied before it is freed.
    let name = unsafe { CStr::from_ptr(text) }.to_str().expect("ASCII").to_owned();
    // SAFETY: allocated by malloc for the caller, not used afterwards.
    unsafe { free(text.cast()) };
    Some(name)
}

/// Whether libseccomp knows a call on any machine.
pub(crate) fn knows(name: &str) -> bool {
    resolve(name) != NO_SUCH_CALL
}

fn resolve(name: &str) -> c_int {
    let name = CString::new(name).expect("no NUL");
    // SAFETY: a NUL-terminated string.
    unsafe { seccomp_syscall_resolve_name(name.as_ptr()) }
}

/// A filter made by libseccomp.
pub(crate) struct Filter {
    context: *mut c_void,
}

impl Filter {
    /// An empty filter for these architectures.
    pub(crate) fn new(default_action: u32, arches: &[Arch]) -> Filter {
        // SAFETY: takes an integer; NULL is checked.
        let context = unsafe { seccomp_init(default_action) };
        assert!(!context.is_null(), "seccomp_init");
        let filter = Filter { context };
        for arch in arches {
            // SAFETY: a live context. The native architecture is there already (EEXIST).
            let result = unsafe { seccomp_arch_add(context, arch.audit_token()) };
            assert!(result == 0 || result == -libc::EEXIST, "{arch}: {result}");
        }
        let native = Arch::native().expect("an architecture of ours");
        if !arches.contains(&native) {
            // SAFETY: a live context.
            let result = unsafe { seccomp_arch_remove(context, native.audit_token()) };
            assert_eq!(result, 0, "seccomp_arch_remove");
        }
        filter
    }

    /// Adds a rule; nothing if libseccomp does not know the call.
    pub(crate) fn add(&mut self, name: &str, action: u32, conditions: &[Condition]) {
        let call = resolve(name);
        if call == NO_SUCH_CALL {
            return;
        }
        let args: Vec<ArgCmp> = conditions.iter().map(arg_cmp).collect();
        let count = c_uint::try_from(args.len()).expect("at most six");
        // SAFETY: a live context, and `count` conditions at `args`.
        let result =
            unsafe { seccomp_rule_add_array(self.context, action, call, count, args.as_ptr()) };
        assert_eq!(result, 0, "{name} {conditions:?}");
    }

    /// Its program.
    pub(crate) fn export(&self) -> Vec<SockFilter> {
        let mut file = tempfile::tempfile().expect("a temporary file");
        // SAFETY: a live context and an open descriptor.
        let result = unsafe { seccomp_export_bpf(self.context, file.as_raw_fd()) };
        assert_eq!(result, 0, "seccomp_export_bpf");
        file.seek(SeekFrom::Start(0)).expect("seek");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).expect("read");
        assert_eq!(bytes.len() % 8, 0);
        bytes
            .chunks_exact(8)
            .map(|chunk| SockFilter {
                code: u16::from_ne_bytes([chunk[0], chunk[1]]),
                jt: chunk[2],
                jf: chunk[3],
                k: u32::from_ne_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]),
            })
            .collect()
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        // SAFETY: the context is live and not used again.
        unsafe { seccomp_release(self.context) };
    }
}

/// `enum scmp_compare`: NE 1, LT 2, LE 3, EQ 4, GE 5, GT 6, MASKED_EQ 7.
fn arg_cmp(condition: &Condition) -> ArgCmp {
    let (op, datum_a, datum_b) = match condition.comparison {
        Comparison::NotEqual(value) => (1, value, 0),
        Comparison::Less(value) => (2, value, 0),
        Comparison::LessOrEqual(value) => (3, value, 0),
        Comparison::Equal(value) => (4, value, 0),
        Comparison::GreaterOrEqual(value) => (5, value, 0),
        Comparison::Greater(value) => (6, value, 0),
        Comparison::MaskedEqual { mask, value } => (7, mask, value),
    };
    ArgCmp { arg: c_uint::from(condition.argument), op, datum_a, datum_b }
}
