//! Loading for real: on a thread of its own, which ends with the test. Must not fork, nor load
//! anything on the other threads.

use minidock_sys::seccomp::{
    Action, Arch, CapSet, KernelVersion, LoadError, LoadFlags, Profile, Rule, compile, load,
};
use rustix::thread::{CapabilitySet, CapabilitySets};

/// One that nothing else gives.
const ERRNO: u16 = 77;

#[test]
fn a_filter_needs_no_new_privs_or_a_capability_and_then_answers() {
    std::thread::spawn(on_a_thread_of_its_own).join().expect("the thread's assertions");
    assert!(std::env::current_dir().is_ok(), "the filter is on another thread too");
}

fn on_a_thread_of_its_own() {
    let mut profile = Profile::new(Action::Allow);
    profile.push(Rule::new(["getcwd"], Action::Errno(ERRNO), Vec::new()).expect("a rule"));
    let kernel = KernelVersion::running().expect("a kernel version");
    let native = Arch::native().expect("a supported architecture");
    let program = compile(&profile, CapSet::EMPTY, native, kernel).expect("a program");

    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, sets).expect("dropping capabilities");
    // It cannot be unset where whoever started the tests has set it.
    if !rustix::thread::no_new_privs().expect("prctl") {
        let refused = load(&program, LoadFlags::default());
        assert!(matches!(refused, Err(LoadError::NotPrivileged)), "{refused:?}");
        rustix::thread::set_no_new_privs(true).expect("prctl");
    }

    let loaded = load(&program, LoadFlags::default()).expect("a loaded filter");
    assert!(loaded.is_none(), "a listener that nobody asked for");
    let denied = std::env::current_dir().expect_err("getcwd is denied");
    assert_eq!(denied.raw_os_error(), Some(i32::from(ERRNO)));

    let listener = LoadFlags { listener: true, ..LoadFlags::default() };
    let listener = load(&program, listener).expect("a loaded filter").expect("a listener");
    let flags = rustix::io::fcntl_getfd(&listener).expect("fcntl");
    assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
}
