//! What keeps a container from the host's loopback: a filter on the tap, and its way in there.
//!
//! pasta and slirp4netns of Debian 12 connect to whatever address a frame names, 127.0.0.1 and
//! `::1` included, and that is the host's loopback. Their options (`--no-map-gw`,
//! `--disable-host-loopback`) close only the gateway's address; CAP_NET_RAW, which docker's
//! default set has, or `SO_BINDTODEVICE` on a UDP socket, which takes no capability, is enough to
//! send such frames. So the tap is made here, with a filter of the kernel on it, and the helper
//! is given this one when it asks for its own (`TUNSETIFF`, by a seccomp listener).
//!
//! Holds the two programs of classic BPF; must not load or attach them.

use minidock_sys::seccomp::{Arch, Program, ProgramError, SockFilter};
use minidock_sys::tap;

const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const AND: u16 = 0x54;
const JUMP_EQ: u16 = 0x15;
const RET: u16 = 0x06;

const IPV4: u32 = 0x0800;
const ARP: u32 = 0x0806;
const IPV6: u32 = 0x86dd;

const fn op(code: u16, k: u32) -> SockFilter {
    SockFilter { code, jt: 0, jf: 0, k }
}

const fn jump_eq(k: u32, jt: u8, jf: u8) -> SockFilter {
    SockFilter { code: JUMP_EQ, jt, jf, k }
}

/// Frames that may leave the namespace: ARP, IPv4 but to 0/8 and 127/8, IPv6 but to `::/64`.
///
/// To connect to `0.0.0.0` or `::` is to connect to the loopback, and `::/64` holds `::1` and the
/// mapped addresses `::ffff:127.0.0.1`. A frame too short for what is read is dropped as well.
pub(super) const FRAMES: [SockFilter; 14] = [
    op(LOAD_HALF, 12),          // 0: the frame's type
    jump_eq(IPV4, 2, 0),        // 1: to 4
    jump_eq(IPV6, 5, 0),        // 2: to 8
    jump_eq(ARP, 8, 9),         // 3: pass, else drop
    op(LOAD_WORD, 30),          // 4: destination
    op(AND, 0xff00_0000),       // 5
    jump_eq(0x7f00_0000, 6, 0), // 6: drop
    jump_eq(0, 5, 4),           // 7: drop, else pass
    op(LOAD_WORD, 38),          // 8: first word of the destination
    jump_eq(0, 0, 2),           // 9: else pass
    op(LOAD_WORD, 42),          // 10: second word
    jump_eq(0, 1, 0),           // 11: drop
    op(RET, u32::MAX),          // 12: pass
    op(RET, 0),                 // 13: drop
];

/// Leaves `ioctl(_, TUNSETIFF, _)` to the listener and lets everything else run.
pub(super) fn calls(arch: Arch) -> Result<Program, ProgramError> {
    let program = [
        op(LOAD_WORD, 4), // seccomp_data.arch
        jump_eq(arch.audit_token(), 0, 5),
        op(LOAD_WORD, 0), // seccomp_data.nr
        jump_eq(libc::SYS_ioctl as u32, 0, 3),
        op(LOAD_WORD, 24), // low half of the second argument
        jump_eq(tap::TUNSETIFF, 0, 1),
        op(RET, libc::SECCOMP_RET_USER_NOTIF),
        op(RET, libc::SECCOMP_RET_ALLOW),
    ];
    let bytes: Vec<u8> = program
        .iter()
        .flat_map(|i| {
            let [c0, c1] = i.code.to_le_bytes();
            let [k0, k1, k2, k3] = i.k.to_le_bytes();
            [c0, c1, i.jt, i.jf, k0, k1, k2, k3]
        })
        .collect();
    Program::from_bytes(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a classic BPF machine returns for the frame; `None` is a read past its end.
    fn run(frame: &[u8]) -> u32 {
        let (mut at, mut a) = (0, 0_u32);
        loop {
            let i = FRAMES[at];
            let k = i.k as usize;
            let read = |length: usize| {
                frame.get(k..k + length).map(|b| b.iter().fold(0, |n, b| n << 8 | u32::from(*b)))
            };
            at += 1;
            match i.code {
                LOAD_HALF | LOAD_WORD => match read(if i.code == LOAD_HALF { 2 } else { 4 }) {
                    Some(word) => a = word,
                    None => return 0,
                },
                AND => a &= i.k,
                JUMP_EQ => at += usize::from(if a == i.k { i.jt } else { i.jf }),
                RET => return i.k,
                other => panic!("unknown instruction {other:#x}"),
            }
        }
    }

    fn frame(kind: u32, offset: usize, destination: &[u8]) -> Vec<u8> {
        let mut frame = vec![0xaa; 64];
        frame[12..14].copy_from_slice(&(kind as u16).to_be_bytes());
        frame[offset..offset + destination.len()].copy_from_slice(destination);
        frame
    }

    #[test]
    fn no_frame_to_a_loopback_passes() {
        for address in ["127.0.0.1", "127.0.0.53", "127.255.255.255", "0.0.0.0", "0.1.2.3"] {
            let address: std::net::Ipv4Addr = address.parse().unwrap();
            assert_eq!(run(&frame(IPV4, 30, &address.octets())), 0, "{address}");
        }
        for address in ["::1", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0", "::127.0.0.1"] {
            let address: std::net::Ipv6Addr = address.parse().unwrap();
            assert_eq!(run(&frame(IPV6, 38, &address.octets())), 0, "{address}");
        }
    }

    #[test]
    fn other_frames_pass() {
        for address in ["10.0.2.2", "1.1.1.1", "128.0.0.1", "126.9.9.9", "255.255.255.255"] {
            let address: std::net::Ipv4Addr = address.parse().unwrap();
            assert_ne!(run(&frame(IPV4, 30, &address.octets())), 0, "{address}");
        }
        for address in ["fe80::1", "ff02::1", "2001:db8::1", "64:ff9b::808:808", "0:0:0:1::1"] {
            let address: std::net::Ipv6Addr = address.parse().unwrap();
            assert_ne!(run(&frame(IPV6, 38, &address.octets())), 0, "{address}");
        }
        assert_ne!(run(&frame(ARP, 30, &[])), 0);
    }

    #[test]
    fn unknown_types_and_short_frames_are_dropped() {
        for kind in [0x8100, 0x88a8, 0x0842] {
            assert_eq!(run(&frame(kind, 30, &[1, 1, 1, 1])), 0, "{kind:#x}");
        }
        let whole = frame(IPV4, 30, &[1, 1, 1, 1]);
        for length in [0, 12, 14, 33] {
            assert_eq!(run(&whole[..length]), 0, "{length} bytes");
        }
    }

    #[test]
    fn the_filter_of_calls_is_sound() {
        let program = calls(Arch::native().unwrap()).unwrap();
        assert!(program.needs_listener());
    }
}
