//! A compiled filter: instructions of classic BPF, and their bytes for a cache.
//!
//! Must not build filters ([`super::compile()`]) nor load them ([`super::load()`]).

use thiserror::Error;

use super::bpf;

/// One instruction, laid out as `struct sock_filter` of `linux/filter.h`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SockFilter {
    /// Operation.
    pub code: u16,
    /// Instructions to skip if a jump's test holds.
    pub jt: u8,
    /// Instructions to skip if it does not.
    pub jf: u8,
    /// Operand.
    pub k: u32,
}

const BYTES_PER_INSTRUCTION: usize = 8;

/// A filter ready to be loaded, of 1 to [`Program::MAX_INSTRUCTIONS`] instructions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Program {
    instructions: Vec<SockFilter>,
}

impl Program {
    /// The longest program a kernel takes (`BPF_MAXINSNS`).
    pub const MAX_INSTRUCTIONS: usize = 4096;

    /// Takes instructions that keep the rules of [`ProgramError`].
    pub(super) fn new(instructions: Vec<SockFilter>) -> Result<Program, ProgramError> {
        let count = instructions.len();
        if count == 0 || count > Program::MAX_INSTRUCTIONS {
            return Err(ProgramError::Length { instructions: count });
        }
        match (0..count).find(|at| !is_sound(&instructions, *at)) {
            Some(at) => Err(ProgramError::Instruction { at }),
            None => Ok(Program { instructions }),
        }
    }

    /// The instructions.
    #[must_use]
    pub fn instructions(&self) -> &[SockFilter] {
        &self.instructions
    }

    /// Whether some calls are left to a listener, so that [`super::load()`] must make one.
    #[must_use]
    pub fn needs_listener(&self) -> bool {
        let notify = bpf::ret(libc::SECCOMP_RET_USER_NOTIF);
        self.instructions.contains(&notify)
    }

    /// The program as bytes: code, jt, jf, k of each instruction, little-endian.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.instructions.len() * BYTES_PER_INSTRUCTION);
        for instruction in &self.instructions {
            bytes.extend_from_slice(&instruction.code.to_le_bytes());
            bytes.extend_from_slice(&[instruction.jt, instruction.jf]);
            bytes.extend_from_slice(&instruction.k.to_le_bytes());
        }
        bytes
    }

    /// Reads [`Program::to_bytes`] back.
    ///
    /// # Errors
    /// Bytes that are no program of this module's. It finds damage, not malice: whoever can write
    /// the cache decides what is filtered.
    pub fn from_bytes(bytes: &[u8]) -> Result<Program, ProgramError> {
        let (chunks, rest) = bytes.as_chunks::<BYTES_PER_INSTRUCTION>();
        if !rest.is_empty() {
            return Err(ProgramError::Truncated { bytes: bytes.len() });
        }
        let read = |chunk: &[u8; BYTES_PER_INSTRUCTION]| {
            let [c0, c1, jt, jf, k0, k1, k2, k3] = *chunk;
            SockFilter {
                code: u16::from_le_bytes([c0, c1]),
                jt,
                jf,
                k: u32::from_le_bytes([k0, k1, k2, k3]),
            }
        };
        Program::new(chunks.iter().map(read).collect())
    }
}

/// Why bytes or instructions are no program.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ProgramError {
    /// Not whole instructions.
    #[error("a seccomp program of {bytes} bytes is cut short: its length must be a multiple of 8")]
    Truncated {
        /// How many bytes there were.
        bytes: usize,
    },
    /// Empty or too long for the kernel.
    #[error(
        "a seccomp program of {instructions} instructions cannot be loaded: it must have 1 to 4096"
    )]
    Length {
        /// How many there were.
        instructions: usize,
    },
    /// An instruction that is never generated, or that jumps past the end.
    #[error("instruction {at} of the seccomp program is damaged")]
    Instruction {
        /// Its place, from 0.
        at: usize,
    },
}

/// Whether every way on from instruction `at` is inside the program.
fn is_sound(program: &[SockFilter], at: usize) -> bool {
    let instruction = program[at];
    let left = program.len() - at - 1;
    let reaches = |skip: u32| usize::try_from(skip).is_ok_and(|skip| skip < left);
    match instruction.code {
        bpf::RET => true,
        bpf::LOAD => {
            instruction.k.is_multiple_of(4) && instruction.k < bpf::DATA_SIZE && reaches(0)
        }
        bpf::AND => reaches(0),
        bpf::JUMP => reaches(instruction.k),
        bpf::JUMP_EQ | bpf::JUMP_GT | bpf::JUMP_GE => {
            reaches(u32::from(instruction.jt)) && reaches(u32::from(instruction.jf))
        }
        _ => false,
    }
}
