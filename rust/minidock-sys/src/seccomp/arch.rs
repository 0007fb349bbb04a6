//! The architectures a filter is made for: their audit tokens, the names that profiles give them,
//! and which 32-bit programs a 64-bit kernel runs beside its own.
//!
//! Must not hold system call numbers; those are in [`super::table`].

use std::fmt;

/// An architecture this module can compile a filter for. All are little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Arch {
    /// 64-bit x86; its kernel also runs [`Arch::X86`] programs.
    X86_64,
    /// 32-bit x86 (i386).
    X86,
    /// 64-bit Arm; its kernel also runs [`Arch::Arm`] programs.
    Aarch64,
    /// 32-bit Arm, EABI.
    Arm,
    /// 64-bit RISC-V.
    Riscv64,
}

impl Arch {
    /// Every supported architecture.
    pub const ALL: [Arch; 5] = [Arch::X86_64, Arch::X86, Arch::Aarch64, Arch::Arm, Arch::Riscv64];

    /// The architecture of this build; `None` where no filter can be made for it.
    #[must_use]
    pub const fn native() -> Option<Arch> {
        if cfg!(target_arch = "x86_64") {
            Some(Arch::X86_64)
        } else if cfg!(target_arch = "x86") {
            Some(Arch::X86)
        } else if cfg!(target_arch = "aarch64") {
            Some(Arch::Aarch64)
        } else if cfg!(all(target_arch = "arm", target_endian = "little")) {
            Some(Arch::Arm)
        } else if cfg!(target_arch = "riscv64") {
            Some(Arch::Riscv64)
        } else {
            None
        }
    }

    /// `AUDIT_ARCH_*` of `linux/audit.h`, the value of `seccomp_data.arch`.
    #[must_use]
    pub const fn audit_token(self) -> u32 {
        match self {
            Arch::X86_64 => 0xc000_003e,
            Arch::X86 => 0x4000_0003,
            Arch::Aarch64 => 0xc000_00b7,
            Arch::Arm => 0x4000_0028,
            Arch::Riscv64 => 0xc000_00f3,
        }
    }

    /// Whether arguments are 64 bits wide.
    #[must_use]
    pub const fn is_64_bit(self) -> bool {
        matches!(self, Arch::X86_64 | Arch::Aarch64 | Arch::Riscv64)
    }

    /// The 32-bit architecture whose programs the same kernel runs.
    #[must_use]
    pub const fn compat(self) -> Option<Arch> {
        match self {
            Arch::X86_64 => Some(Arch::X86),
            Arch::Aarch64 => Some(Arch::Arm),
            Arch::X86 | Arch::Arm | Arch::Riscv64 => None,
        }
    }

    /// The name in `includes.arches` and `excludes.arches` (libseccomp's names in its Go binding).
    #[must_use]
    pub const fn filter_name(self) -> &'static str {
        match self {
            Arch::X86_64 => "amd64",
            Arch::X86 => "x86",
            Arch::Aarch64 => "arm64",
            Arch::Arm => "arm",
            Arch::Riscv64 => "riscv64",
        }
    }

    /// The name in `architectures` and `archMap` (OCI runtime specification, `SCMP_ARCH_*`).
    #[must_use]
    pub const fn scmp_name(self) -> &'static str {
        match self {
            Arch::X86_64 => "SCMP_ARCH_X86_64",
            Arch::X86 => "SCMP_ARCH_X86",
            Arch::Aarch64 => "SCMP_ARCH_AARCH64",
            Arch::Arm => "SCMP_ARCH_ARM",
            Arch::Riscv64 => "SCMP_ARCH_RISCV64",
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.filter_name())
    }
}

/// What a profile's `SCMP_ARCH_*` name stands for here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamedArch {
    /// One that filters are made for.
    Supported(Arch),
    /// x32, or one of another family of machines. No process of it gets past the filter: x32 calls
    /// are refused on x86_64, and the others cannot run on a supported kernel at all.
    Elsewhere,
}

/// The OCI names of architectures outside [`Arch`].
const SCMP_ELSEWHERE: &[&str] = &[
    "SCMP_ARCH_X32",
    "SCMP_ARCH_MIPS",
    "SCMP_ARCH_MIPS64",
    "SCMP_ARCH_MIPS64N32",
    "SCMP_ARCH_MIPSEL",
    "SCMP_ARCH_MIPSEL64",
    "SCMP_ARCH_MIPSEL64N32",
    "SCMP_ARCH_PPC",
    "SCMP_ARCH_PPC64",
    "SCMP_ARCH_PPC64LE",
    "SCMP_ARCH_S390",
    "SCMP_ARCH_S390X",
    "SCMP_ARCH_PARISC",
    "SCMP_ARCH_PARISC64",
    "SCMP_ARCH_LOONGARCH64",
    "SCMP_ARCH_M68K",
    "SCMP_ARCH_SH",
    "SCMP_ARCH_SHEB",
];

/// The filter names of architectures outside [`Arch`].
const FILTER_ELSEWHERE: &[&str] = &[
    "x32",
    "mips",
    "mips64",
    "mips64n32",
    "mipsel",
    "mipsel64",
    "mipsel64n32",
    "ppc",
    "ppc64",
    "ppc64le",
    "s390",
    "s390x",
    "parisc",
    "parisc64",
    "loong64",
    "loongarch64",
    "m68k",
    "sh",
    "sheb",
];

/// Reads `SCMP_ARCH_*`; `None` for a name the specification does not have.
pub(super) fn from_scmp_name(name: &str) -> Option<NamedArch> {
    named(name, Arch::scmp_name, SCMP_ELSEWHERE)
}

/// Reads a name of `includes.arches`; `None` for one that nobody uses.
pub(super) fn from_filter_name(name: &str) -> Option<NamedArch> {
    named(name, Arch::filter_name, FILTER_ELSEWHERE)
}

fn named(name: &str, of: fn(Arch) -> &'static str, elsewhere: &[&str]) -> Option<NamedArch> {
    if let Some(arch) = Arch::ALL.into_iter().find(|arch| of(*arch) == name) {
        return Some(NamedArch::Supported(arch));
    }
    elsewhere.contains(&name).then_some(NamedArch::Elsewhere)
}
