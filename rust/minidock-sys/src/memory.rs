//! Giving memory back that a process which waits for hours does not need.

/// Gives back what the allocator keeps free and the pages of the program itself: those are the
/// file's and are mapped again where the program goes on.
pub fn give_back() {
    // SAFETY: asks the allocator to return free memory; what is in use stays as it is.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
    for part in unwritable_parts() {
        // SAFETY: the part is a private mapping of the program's file that nothing ever wrote
        // (not writable, and no relocation lies there): its pages are the file's before and after.
        unsafe { libc::madvise(part.start as *mut libc::c_void, part.len, libc::MADV_DONTNEED) };
    }
}

/// A range of pages.
struct Part {
    start: usize,
    len: usize,
}

/// The loaded parts of this program that are not writable (elf(5), `PT_LOAD` without `PF_W`).
fn unwritable_parts() -> Vec<Part> {
    // SAFETY: these read the auxiliary vector (getauxval(3)).
    let (headers, count) =
        unsafe { (libc::getauxval(libc::AT_PHDR), libc::getauxval(libc::AT_PHNUM)) };
    let headers = headers as *const libc::Elf64_Phdr;
    if headers.is_null() {
        return Vec::new();
    }
    // SAFETY: the kernel says that so many program headers are mapped there, for good.
    let headers = unsafe { std::slice::from_raw_parts(headers, count as usize) };
    let address = headers.as_ptr() as usize;
    // Without it nothing tells how far the program lies from where it was linked for.
    let Some(table) = headers.iter().find(|header| header.p_type == libc::PT_PHDR) else {
        return Vec::new();
    };
    let base = address.wrapping_sub(table.p_vaddr as usize);
    // SAFETY: reads a constant of the system.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let Some(page) = usize::try_from(page).ok().filter(|page| page.is_power_of_two()) else {
        return Vec::new();
    };
    headers
        .iter()
        .filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0)
        .map(|header| {
            let first = base.wrapping_add(header.p_vaddr as usize);
            let start = first & !(page - 1);
            let end = first + header.p_filesz as usize;
            // A last page that is shared with what follows stays.
            Part { start, len: (end & !(page - 1)).saturating_sub(start) }
        })
        .filter(|part| part.len > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Constant data that a test can look at again.
    static TEXT: &[u8] = include_bytes!("memory.rs");

    #[test]
    fn the_program_goes_on_as_it_was() {
        let parts = unwritable_parts();
        let code = the_program_goes_on_as_it_was as *const () as usize;
        let holds = |part: &Part| (part.start..part.start + part.len).contains(&code);
        assert!(parts.iter().any(holds), "the code is in none of the parts");
        let kept = vec![7_u8; 100_000];
        give_back();
        assert!(TEXT.starts_with(b"//! Giving memory back"));
        assert!(kept.iter().all(|byte| *byte == 7));
    }
}
