//! What a worker does before its program begins: it takes the lowest priority, and ends with the agent. And what frees its memory afterwards.
#![expect(
    unsafe_code,
    reason = "some system calls have no safe wrapper, and between fork and exec nothing else is allowed"
)]

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};

use rustix::process::{
    Pid, PidfdFlags, Signal, getppid, pidfd_open, set_parent_process_death_signal,
    setpriority_process, setsid,
};

/// Class "idle" of `ioprio_set`, in the upper bits as the kernel wants it (`linux/ioprio.h`).
const IO_CLASS_IDLE: libc::c_int = 3 << 13;

/// `ioprio_set` for one process.
const IO_WHO_PROCESS: libc::c_int = 1;

/// Starts a program that is held down from its first instruction on.
///
/// In the new process, before the program: it joins the groups, begins a session of its own (no terminal reaches it, and it reaches none), is killed when
/// the thread that started it ends, takes `SCHED_IDLE`, nice 19 and the idle class of disks, gives up new privileges, and offers itself
/// first to the kernel when memory runs out. The thread that calls this must live as long as the worker.
///
/// # Errors
/// If a group cannot be joined, or the program cannot be started. Priorities that are refused are no error: raising one's own nice value never is.
pub(super) fn start<'a>(
    mut command: Command,
    groups: impl Iterator<Item = &'a Path>,
) -> io::Result<Child> {
    let doors = groups
        .map(|folder| fs::OpenOptions::new().write(true).open(folder.join("cgroup.procs")))
        .collect::<io::Result<Vec<File>>>()?;
    let agent = rustix::process::getpid();
    let prepare = move || {
        for door in &doors {
            // "0" is the process that writes.
            rustix::io::write(door, b"0")?;
        }
        setsid()?;
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The agent may have ended before the line above.
        if getppid() != Some(agent) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        rustix::thread::set_no_new_privs(true)?;
        lower();
        Ok(())
    };
    // SAFETY: the closure makes system calls, and allocates and locks nothing.
    unsafe { command.pre_exec(prepare) };
    command.spawn()
}

/// Takes the lowest priorities of processor, disks and memory.
fn lower() {
    // A nice value can be raised without rights; the two below it too.
    let _refused = setpriority_process(None, 19);
    // SAFETY: `sched_param` is plain numbers, for which zero is valid on every C library.
    let parameter: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: 0 is this process; the parameter lives until the call returns.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameter) };
    // SAFETY: takes three numbers; 0 is this process.
    unsafe { libc::syscall(libc::SYS_ioprio_set, IO_WHO_PROCESS, 0, IO_CLASS_IDLE) };
    if let Ok(file) = rustix::fs::open(
        c"/proc/self/oom_score_adj",
        rustix::fs::OFlags::WRONLY | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    ) {
        let _refused = rustix::io::write(&file, b"1000");
    }
}

/// Frees the memory of a process that has been killed, without waiting for its turn (`process_mrelease`, Linux 5.15).
pub(super) fn free_memory(process: Pid) {
    // It may be gone, or the kernel may be older: then it frees its memory itself.
    let Ok(handle) = pidfd_open(process, PidfdFlags::empty()) else { return };
    // SAFETY: takes two numbers; the descriptor is open until the call returns.
    unsafe { libc::syscall(libc::SYS_process_mrelease, handle.as_raw_fd(), 0) };
}
