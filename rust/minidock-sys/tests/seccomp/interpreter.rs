//! Runs classic BPF as the kernel does for seccomp, so that filters are checked without being
//! loaded. Must not share code with the compiler it checks.

use minidock_sys::seccomp::SockFilter;

/// `struct seccomp_data` of `linux/seccomp.h`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SeccompData {
    pub(crate) number: u32,
    pub(crate) arch: u32,
    pub(crate) instruction_pointer: u64,
    pub(crate) args: [u64; 6],
}

impl SeccompData {
    fn to_bytes(self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[0..4].copy_from_slice(&self.number.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.arch.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.instruction_pointer.to_le_bytes());
        for (argument, at) in self.args.iter().zip((16..).step_by(8)) {
            bytes[at..at + 8].copy_from_slice(&argument.to_le_bytes());
        }
        bytes
    }
}

/// The program's return value, and how many instructions it took.
pub(crate) fn run(program: &[SockFilter], data: SeccompData) -> (u32, usize) {
    let bytes = data.to_bytes();
    let word = |offset: u32| {
        let at = offset as usize;
        assert_eq!(at % 4, 0, "unaligned load");
        u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
    };
    let mut accumulator = 0_u32;
    let mut index = 0_u32;
    let mut memory = [0_u32; 16];
    let mut at = 0;
    for steps in 1.. {
        let SockFilter { code, jt, jf, k } = program[at];
        at += 1;
        let jump = |holds: bool| usize::from(if holds { jt } else { jf });
        match code {
            0x20 => accumulator = word(k),            // ld [k]
            0x00 => accumulator = k,                  // ld #k
            0x60 => accumulator = memory[k as usize], // ld M[k]
            0x02 => memory[k as usize] = accumulator, // st M[k]
            0x01 => index = k,                        // ldx #k
            0x07 => index = accumulator,              // tax
            0x87 => accumulator = index,              // txa
            0x54 => accumulator &= k,                 // and #k
            0x05 => at += k as usize,                 // ja
            0x15 => at += jump(accumulator == k),     // jeq
            0x25 => at += jump(accumulator > k),      // jgt
            0x35 => at += jump(accumulator >= k),     // jge
            0x45 => at += jump(accumulator & k != 0), // jset
            0x06 => return (k, steps),                // ret #k
            other => panic!("instruction {code:#x} ({other}) is not of seccomp"),
        }
    }
    unreachable!("a program ends by a return")
}
