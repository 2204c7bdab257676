//! Linux.

use std::path::PathBuf;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::process::{
    Resource, Rlimit, Signal, getrlimit, set_parent_process_death_signal, setrlimit,
};

use crate::{
    calls,
    report::{Bounds, Kernel, Places, Protection, Report, State},
};

/// The newest Landlock that this program knows; older kernels have a part of it.
const NEWEST: ABI = ABI::V6;

/// Closes all descriptors but stdin, stdout and stderr. Call it first in a process: nothing of its own may be open.
pub fn close_inherited() {
    const FIRST: libc::c_uint = 3;
    #[expect(unsafe_code, reason = "a system call without a safe wrapper")]
    // SAFETY: as the caller promises, no object of this process owns a descriptor above stderr yet, so none is left with one
    // that is closed.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, 0) };
    if closed == 0 {
        return;
    }
    // Before Linux 5.9.
    let most = getrlimit(Resource::Nofile).current.unwrap_or(1 << 20).min(1 << 20);
    for descriptor in FIRST..libc::c_uint::try_from(most).unwrap_or(1 << 20) {
        #[expect(unsafe_code, reason = "a descriptor that no object owns")]
        // SAFETY: as above; closing one that is not open is an error without effect.
        unsafe {
            libc::syscall(libc::SYS_close, descriptor);
        }
    }
}

/// Leaves this process with processor, memory and its open descriptors. It ends with its parent.
///
/// Threads can be started afterwards, descriptors can't be opened. Call it before the first other thread is started.
#[must_use]
pub fn confine_computing(bounds: Bounds, kernel: Kernel) -> Report {
    let parent = state(set_parent_process_death_signal(Some(Signal::KILL)).is_ok());
    let privileges = state(rustix::thread::set_no_new_privs(true).is_ok());
    let ruled = if kernel.has_landlock { rule_out_all() } else { Ruled::NOTHING };
    let limits = state(limit(bounds));
    let calls = state(kernel.has_seccomp && filter_calls());
    ruled
        .report()
        .with(Protection::Parent, parent)
        .with(Protection::Privileges, privileges)
        .with(Protection::Limits, limits)
        .with(Protection::Calls, calls)
}

/// Leaves this process, and those that it starts, with the named files, and with no signals to others.
///
/// Call it before the first other thread is started.
#[must_use]
pub fn confine_files(places: &Places, kernel: Kernel) -> Report {
    let privileges = state(rustix::thread::set_no_new_privs(true).is_ok());
    let ruled = match kernel.has_landlock {
        true => Ruled {
            files: status(rule_files(places)),
            ports: State::NotAsked,
            signals: status(rule_scopes()),
        },
        false => Ruled { ports: State::NotAsked, ..Ruled::NOTHING },
    };
    let not_asked = [Protection::Calls, Protection::Limits, Protection::Parent];
    not_asked
        .iter()
        .fold(ruled.report(), |report, protection| report.with(*protection, State::NotAsked))
        .with(Protection::Privileges, privileges)
}

/// What Landlock has confirmed.
struct Ruled {
    files: State,
    ports: State,
    signals: State,
}

impl Ruled {
    const NOTHING: Self =
        Self { files: State::Missing, ports: State::Missing, signals: State::Missing };

    fn report(&self) -> Report {
        Report::NOTHING
            .with(Protection::Files, self.files)
            .with(Protection::Ports, self.ports)
            .with(Protection::Signals, self.signals)
    }
}

/// Rules out files, ports, signals and abstract sockets, each by a set of rules of its own: so the kernel confirms each on its own.
fn rule_out_all() -> Ruled {
    Ruled {
        files: status(rule_files(&Places::default())),
        ports: status(rule_ports()),
        signals: status(rule_scopes()),
    }
}

fn rule_files(places: &Places) -> Result<RulesetStatus, RulesetError> {
    let all = AccessFs::from_all(NEWEST);
    let read: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    let run: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::Execute;
    let under = |paths: &[PathBuf], access| path_beneath_rules(paths.to_vec(), access);
    let rules = Ruleset::default().handle_access(all)?.create()?;
    let rules = rules.add_rules(under(&places.written, all & !AccessFs::Execute))?;
    let rules = rules.add_rules(under(&places.read, read))?;
    let rules = rules.add_rules(under(&places.executed, run))?;
    Ok(rules.restrict_self()?.ruleset)
}

fn rule_ports() -> Result<RulesetStatus, RulesetError> {
    let rules = Ruleset::default().handle_access(AccessNet::from_all(NEWEST))?;
    Ok(rules.create()?.restrict_self()?.ruleset)
}

fn rule_scopes() -> Result<RulesetStatus, RulesetError> {
    let rules = Ruleset::default().scope(Scope::from_all(NEWEST))?;
    Ok(rules.create()?.restrict_self()?.ruleset)
}

fn status(ruled: Result<RulesetStatus, RulesetError>) -> State {
    match ruled {
        Ok(RulesetStatus::FullyEnforced) => State::InForce,
        Ok(RulesetStatus::PartiallyEnforced) => State::Partly,
        Ok(RulesetStatus::NotEnforced) | Err(_) => State::Missing,
    }
}

fn state(is_in_force: bool) -> State {
    if is_in_force { State::InForce } else { State::Missing }
}

/// Sets the limits, soft and hard. Returns whether all are set.
fn limit(bounds: Bounds) -> bool {
    let wanted = [
        (Resource::Core, 0),
        (Resource::Data, bounds.memory),
        (Resource::As, bounds.address_space),
        (Resource::Fsize, bounds.file),
        // Those that are open stay open.
        (Resource::Nofile, 0),
    ];
    wanted.into_iter().fold(true, |is_set, (resource, most)| {
        // A limit that is lower already stays.
        let most = getrlimit(resource).maximum.map_or(most, |hard| hard.min(most));
        let bound = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, bound).is_ok() && is_set
    })
}

fn filter_calls() -> bool {
    let Ok(filters) = calls::filters() else { return false };
    filters.iter().all(|filter| seccompiler::apply_filter(filter).is_ok())
}
