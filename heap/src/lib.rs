//! Gives memory that was freed back to the system.
//!
//! A crate of its own, since haggle's forbids `unsafe` and nothing else here needs it.

/// Gives what was freed back to the system. glibc keeps it otherwise, in each thread's arena, once it has seen large pieces
/// come and go (`malloc_trim(3)`, and `mallopt(3)` under `M_MMAP_THRESHOLD`).
///
/// It takes milliseconds where there is much to give back, in which threads that allocate may wait. With other C libraries it
/// does nothing.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it may be called at any time on any thread (malloc_trim(3): MT-Safe), and touches no memory that is in use.
    #[expect(unsafe_code, reason = "the C library's interface")]
    unsafe {
        libc::malloc_trim(0);
    }
}
