//! The instructions of classic BPF that filters are made of (`linux/bpf_common.h`), and where
//! `struct seccomp_data` keeps its fields.
//!
//! Must not decide anything about system calls.

use super::SockFilter;

/// `BPF_LD | BPF_W | BPF_ABS`: A = word at offset k.
pub(super) const LOAD: u16 = 0x20;
/// `BPF_ALU | BPF_AND | BPF_K`: A &= k.
pub(super) const AND: u16 = 0x54;
/// `BPF_JMP | BPF_JA`: skip k.
pub(super) const JUMP: u16 = 0x05;
/// `BPF_JMP | BPF_JEQ | BPF_K`.
pub(super) const JUMP_EQ: u16 = 0x15;
/// `BPF_JMP | BPF_JGT | BPF_K`, unsigned.
pub(super) const JUMP_GT: u16 = 0x25;
/// `BPF_JMP | BPF_JGE | BPF_K`, unsigned.
pub(super) const JUMP_GE: u16 = 0x35;
/// `BPF_RET | BPF_K`.
pub(super) const RET: u16 = 0x06;

/// `offsetof(struct seccomp_data, nr)`.
pub(super) const NUMBER: u32 = 0;
/// `offsetof(struct seccomp_data, arch)`.
pub(super) const ARCH: u32 = 4;
/// `sizeof(struct seccomp_data)`.
pub(super) const DATA_SIZE: u32 = 64;

/// Offset of the low half of an argument; every supported architecture is little-endian.
pub(super) const fn low_half(argument: u8) -> u32 {
    16 + 8 * argument as u32
}

/// Offset of the high half.
pub(super) const fn high_half(argument: u8) -> u32 {
    low_half(argument) + 4
}

pub(super) const fn load(offset: u32) -> SockFilter {
    plain(LOAD, offset)
}

pub(super) const fn and(mask: u32) -> SockFilter {
    plain(AND, mask)
}

pub(super) const fn jump(skip: u32) -> SockFilter {
    plain(JUMP, skip)
}

pub(super) const fn ret(value: u32) -> SockFilter {
    plain(RET, value)
}

pub(super) const fn branch(code: u16, k: u32, jt: u8, jf: u8) -> SockFilter {
    SockFilter { code, jt, jf, k }
}

const fn plain(code: u16, k: u32) -> SockFilter {
    branch(code, k, 0, 0)
}
