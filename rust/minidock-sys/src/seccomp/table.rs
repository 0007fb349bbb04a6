//! System call names and numbers per architecture.
//!
//! The numbers come from the `syscalls` crate, which generates them from the kernel's own tables;
//! what it lacks or spells otherwise than the kernel's headers is added here. Must not know about
//! rules: which calls are allowed is the profile's business.

use syscalls::{aarch64, arm, loongarch64, mips64, powerpc64, riscv64, s390x, x86, x86_64};

use super::Arch;

/// Arm calls outside the table proper (`__ARM_NR_BASE` in `arch/arm/include/uapi/asm/unistd.h`).
const ARM_PRIVATE: &[(&str, u32)] = &[
    ("breakpoint", 0x000f_0001),
    ("cacheflush", 0x000f_0002),
    ("usr26", 0x000f_0003),
    ("usr32", 0x000f_0004),
    ("set_tls", 0x000f_0005),
    ("get_tls", 0x000f_0006),
];

/// Calls that the crate spells otherwise than the kernel's headers: architecture, header, crate.
const SPELLINGS: &[(Arch, &str, &str)] =
    &[(Arch::Aarch64, "newfstatat", "fstatat"), (Arch::X86, "break", "r#break")];

/// Second names of a call: architecture, second name, first name.
const SYNONYMS: &[(Arch, &str, &str)] = &[(Arch::Arm, "sync_file_range2", "arm_sync_file_range")];

/// Names of calls of machines that have no table here, or that tables spell otherwise.
const KNOWN_ELSEWHERE: &[&str] = &["atomic_barrier", "atomic_cmpxchg_32", "getpagesize", "syscall"];

macro_rules! of_tables {
    ($arch:expr, $do:ident ( $($arg:expr),* )) => {
        match $arch {
            Arch::X86_64 => $do!(x86_64, $($arg),*),
            Arch::X86 => $do!(x86, $($arg),*),
            Arch::Aarch64 => $do!(aarch64, $($arg),*),
            Arch::Arm => $do!(arm, $($arg),*),
            Arch::Riscv64 => $do!(riscv64, $($arg),*),
        }
    };
}

macro_rules! parse {
    ($table:ident, $name:expr) => {
        $name.parse::<$table::Sysno>().ok().map(|call| call.id())
    };
}

macro_rules! name {
    ($table:ident, $number:expr) => {
        $table::Sysno::new($number).map(|call| call.name())
    };
}

macro_rules! last {
    ($table:ident, ) => {
        $table::Sysno::last().id()
    };
}

/// The number of the call `name`; `None` where the architecture does not have it.
#[must_use]
pub fn number(arch: Arch, name: &str) -> Option<u32> {
    if let Some(private) = private_of(arch).iter().find(|call| call.0 == name) {
        return Some(private.1);
    }
    if SPELLINGS.iter().any(|row| row.0 == arch && row.2 == name) {
        return None;
    }
    let mut other = SPELLINGS.iter().chain(SYNONYMS);
    let other = other.find(|row| row.0 == arch && row.1 == name);
    let name = other.map_or(name, |row| row.2);
    let number = u32::try_from(of_tables!(arch, parse(name))?).ok()?;
    (!is_only_of_32_bits(arch, number)).then_some(number)
}

/// The name of call `number`; `None` for a gap in the table and for newer kernels' calls.
#[must_use]
pub fn name(arch: Arch, number: u32) -> Option<&'static str> {
    if let Some(private) = private_of(arch).iter().find(|call| call.1 == number) {
        return Some(private.0);
    }
    if is_only_of_32_bits(arch, number) {
        return None;
    }
    let index = usize::try_from(number).ok()?;
    let name = of_tables!(arch, name(index))?;
    let spelling = SPELLINGS.iter().find(|row| row.0 == arch && row.2 == name);
    Some(spelling.map_or(name, |row| row.1))
}

/// Every number the architecture has a call for, ascending.
pub fn numbers(arch: Arch) -> impl Iterator<Item = u32> {
    let last = u32::try_from(of_tables!(arch, last())).unwrap_or(0);
    (0..=last)
        .filter(move |number| name(arch, *number).is_some())
        .chain(private_of(arch).iter().map(|call| call.1))
}

/// Whether any Linux machine has, or had, a call of this name. It tells a blocklist's misspelling
/// from a call that this machine merely lacks.
#[must_use]
pub fn is_known_anywhere(name: &str) -> bool {
    // The crate spells `break` as Rust does.
    !name.contains('#') && (is_in_a_table(name) || KNOWN_ELSEWHERE.contains(&name))
}

fn is_in_a_table(name: &str) -> bool {
    Arch::ALL.into_iter().any(|arch| number(arch, name).is_some())
        || name.parse::<s390x::Sysno>().is_ok()
        || name.parse::<powerpc64::Sysno>().is_ok()
        || name.parse::<mips64::Sysno>().is_ok()
        || name.parse::<loongarch64::Sysno>().is_ok()
}

/// The calls with 64-bit times for 32-bit programs, which the crate lists for arm64 too
/// (`asm-generic/unistd.h` has them under `__BITS_PER_LONG == 32`).
const fn is_only_of_32_bits(arch: Arch, number: u32) -> bool {
    arch.is_64_bit() && number >= 403 && number <= 423
}

const fn private_of(arch: Arch) -> &'static [(&'static str, u32)] {
    match arch {
        Arch::Arm => ARM_PRIVATE,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::{Arch, KNOWN_ELSEWHERE, is_in_a_table, is_known_anywhere, name, number, numbers};

    #[test]
    fn names_and_numbers_are_inverse() {
        for arch in Arch::ALL {
            let mut last = None;
            for call in numbers(arch) {
                let name = name(arch, call).expect("a listed number has a name");
                assert_eq!(number(arch, name), Some(call), "{arch} {name}");
                assert!(Some(call) > last, "{arch} {name} is out of order");
                last = Some(call);
            }
        }
        assert_eq!(number(Arch::Arm, "sync_file_range2"), Some(341));
        assert_eq!(number(Arch::Aarch64, "open"), None);
    }

    /// From 424 on the kernel gives every architecture the same numbers.
    #[test]
    fn newer_calls_have_one_number_everywhere() {
        for arch in Arch::ALL {
            for call in 424..=469 {
                let ours = name(arch, call);
                let theirs = name(Arch::X86_64, call);
                assert!(ours.is_none() || ours == theirs, "{arch} {call}: {ours:?}");
            }
            assert_eq!(name(arch, 469), Some("file_setattr"));
        }
    }

    #[test]
    fn the_list_of_further_names_has_nothing_twice() {
        let here = |name: &&&str| is_in_a_table(name);
        let twice: Vec<_> = KNOWN_ELSEWHERE.iter().filter(here).collect();
        assert!(twice.is_empty(), "{twice:?}");
        assert!(is_known_anywhere("s390_pci_mmio_read"));
        assert!(!is_known_anywhere("keyctrl"));
        assert!(!is_known_anywhere("r#break"));
    }
}
