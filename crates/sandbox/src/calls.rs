//! The system calls of a process that computes: a list of what is allowed.
//!
//! Everything else is answered with `EPERM`, so that a C library that tries something new goes on without it. `clone3` is answered
//! with `ENOSYS`: its flags are in memory, where a filter can't see them, and the C library then uses `clone`, whose flags it can.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

/// Calls that are allowed with any arguments: what is computed with descriptors and memory that the process has.
const ALLOWED: &[i64] = &[
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_ftruncate,
    libc::SYS_close,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_getrandom,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // Refused by the other filter.
    libc::SYS_clone3,
];

/// Returns the filters, to be applied one after the other.
///
/// # Errors
/// When there is none for this processor.
pub(crate) fn filters() -> Result<[BpfProgram; 2], Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let refuse = |errno: libc::c_int| SeccompAction::Errno(errno.unsigned_abs());
    let (allow, list) = (SeccompAction::Allow, allowed()?);
    let list = SeccompFilter::new(list, refuse(libc::EPERM), allow.clone(), arch)?;
    let clone3 = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let clone3 = SeccompFilter::new(clone3, allow, refuse(libc::ENOSYS), arch)?;
    // The list does not allow another filter after it.
    Ok([clone3.try_into()?, list.try_into()?])
}

fn allowed() -> Result<BTreeMap<i64, Vec<SeccompRule>>, Error> {
    let mut list: BTreeMap<i64, Vec<SeccompRule>> =
        ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    let rule = |conditions: Vec<SeccompCondition>| SeccompRule::new(conditions);
    // Memory that is never a program.
    let no_program = bits(2, libc::PROT_EXEC, 0)?;
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        list.insert(call, vec![rule(vec![no_program.clone()])?]);
    }
    // Threads, and no processes.
    let thread = bits(0, libc::CLONE_THREAD, libc::CLONE_THREAD)?;
    list.insert(libc::SYS_clone, vec![rule(vec![thread])?]);
    // The end of this process by itself, when it aborts.
    let own = u64::from(std::process::id());
    list.insert(libc::SYS_tgkill, vec![rule(vec![equal(0, own)?])?]);
    // The name of a thread.
    let name = u64::from(libc::PR_SET_NAME.unsigned_abs());
    list.insert(libc::SYS_prctl, vec![rule(vec![equal(0, name)?])?]);
    // A look at the own limits.
    let (own, nothing_new) = (equal(0, 0)?, equal(2, 0)?);
    list.insert(libc::SYS_prlimit64, vec![rule(vec![own, nothing_new])?]);
    Ok(list)
}

/// The condition that an argument's bits in `mask` are `wanted`.
fn bits(argument: u8, mask: libc::c_int, wanted: libc::c_int) -> Result<SeccompCondition, Error> {
    let mask = SeccompCmpOp::MaskedEq(u64::from(mask.unsigned_abs()));
    let wanted = u64::from(wanted.unsigned_abs());
    Ok(SeccompCondition::new(argument, SeccompCmpArgLen::Dword, mask, wanted)?)
}

/// The condition that an argument is `wanted`.
fn equal(argument: u8, wanted: u64) -> Result<SeccompCondition, Error> {
    Ok(SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, wanted)?)
}
