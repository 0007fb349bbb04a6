//! The seccomp compiler and its default profile, run by an interpreter; only
//! `loading` asks the kernel, with a filter that hardly forbids anything.

#[path = "seccomp/arguments.rs"]
mod arguments;
#[path = "seccomp/golden.rs"]
mod golden;
#[path = "seccomp/interpreter.rs"]
mod interpreter;
#[path = "seccomp/json.rs"]
mod json;
#[path = "seccomp/loading.rs"]
mod loading;
#[path = "seccomp/mutation.rs"]
mod mutation;
#[path = "seccomp/probe.rs"]
mod probe;
#[path = "seccomp/program.rs"]
mod program;
#[path = "seccomp/random.rs"]
mod random;
#[path = "seccomp/random_rules.rs"]
mod random_rules;
#[path = "seccomp/reference.rs"]
mod reference;
