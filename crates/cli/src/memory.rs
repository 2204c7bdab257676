//! How freed memory goes back to the operating system.

/// Size from which a buffer is returned to the operating system as soon as it is freed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const RETURNED_FROM: libc::c_int = 1 << 18;

/// Has large buffers returned when they are freed.
///
/// By default glibc keeps them from the second time on, in an arena for each thread, where they fit no later need: a worker that
/// had trained and then repeated a round held the memory of both.
pub(crate) fn return_what_is_freed() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        #[expect(unsafe_code, reason = "a function of the C library")]
        // SAFETY: mallopt takes two numbers, and there is no other thread yet.
        let _is_set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, RETURNED_FROM) };
    }
}
