use std::process::Stdio;

use super::*;

fn hold(cgroups: Cgroups) -> Hold {
    Hold::new(&HoldOptions { root: "/".into(), cgroups, memory_bytes_max: None })
}

/// A shell and a child of it, both of which never stop by themselves, and which say when they have begun.
fn spinners() -> Command {
    shell(
        "(trap '' TERM; echo child; while :; do :; done) & trap 'exit 7' TERM; echo parent; while :; do :; done",
    )
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// Waits for that many lines of the worker.
fn lines(pipes: Pipes, count: usize) -> Vec<String> {
    use std::io::{BufRead, BufReader};
    BufReader::new(pipes.stdout.unwrap()).lines().take(count).map(Result::unwrap).collect()
}

/// The processes of the worker's session: (number, ticks used so far).
fn members(hold: &Hold) -> Vec<(String, u64)> {
    let leader = hold.process().unwrap().to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        if fields[3] == leader {
            let ticks = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
            found.push((entry.file_name().into_string().unwrap(), ticks));
        }
    }
    found
}

fn sum(members: &[(String, u64)]) -> u64 {
    members.iter().map(|(_, ticks)| ticks).sum()
}

/// Works until this thread has used so many ticks itself: time in which others could have run.
fn work(ticks: u64) {
    let used = || {
        let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let end = used() + ticks;
    while used() < end {}
}

/// Waits until something is so. On a busy machine that takes a while; after a minute it is never.
#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..60_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("never: {what}");
}

#[track_caller]
fn until_it_works(hold: &Hold) {
    let before = sum(&members(hold));
    until("the worker works", || before < sum(&members(hold)));
}

/// Whether every process of the worker stands still, as the kernel sees it.
fn stands_still(hold: &Hold) -> bool {
    if let Some(folder) =
        hold.inner.groups.unified.as_ref().filter(|folder| folder.join("cgroup.freeze").exists())
    {
        return fs::read_to_string(folder.join("cgroup.events")).unwrap().contains("frozen 1");
    }
    if let Some(folder) = &hold.inner.groups.freezer {
        return fs::read_to_string(folder.join("freezer.state")).unwrap().trim() == "FROZEN";
    }
    members(hold).iter().all(|(process, _)| {
        fs::read_to_string(format!("/proc/{process}/stat")).unwrap().contains(") T ")
    })
}

const FULL: Level = Level::Full { cores_permille: 2000 };

#[track_caller]
fn freezes_and_continues(cgroups: Cgroups) {
    let mut hold = hold(cgroups);
    let pipes = hold.spawn(spinners(), FULL).unwrap();
    assert_eq!(lines(pipes, 2).len(), 2);
    until_it_works(&hold);
    for _ in 0..3 {
        hold.freezer().freeze().unwrap();
        assert_eq!(hold.level(), Some(Level::Frozen));
        until("the worker stands still", || stands_still(&hold));
        let before = members(&hold);
        assert_eq!(before.len(), 2);
        work(5);
        assert_eq!(members(&hold), before, "a frozen worker used the processor");
        hold.apply(Level::Gentle { cores_permille: 1000 }).unwrap();
        until_it_works(&hold);
    }
}

#[test]
fn a_worker_and_its_children_freeze_and_continue() {
    freezes_and_continues(Cgroups::Use);
}

#[test]
fn a_worker_and_its_children_freeze_without_groups_too() {
    freezes_and_continues(Cgroups::Without);
}

#[test]
fn a_child_with_a_session_of_its_own_is_stopped_and_killed_too() {
    let mut hold = hold(Cgroups::Without);
    let script = "setsid sh -c 'echo $$; while :; do :; done' & while :; do :; done";
    let pipes = hold.spawn(shell(script), FULL).unwrap();
    let child = lines(pipes, 1)[0].clone();
    let state = || {
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").map_or('-', |(_, rest)| rest.chars().next().unwrap_or('-'))
    };
    hold.apply(Level::Frozen).unwrap();
    until("the child stands still", || state() == 'T');
    hold.apply(FULL).unwrap();
    until("the child continues", || state() == 'R');
    assert_eq!(hold.release(Duration::ZERO), Released::Killed);
    until("the child ends", || ['-', 'Z'].contains(&state()));
}

#[track_caller]
fn leaves_nothing_behind(cgroups: Cgroups) {
    let mut hold = hold(cgroups);
    let groups: Vec<PathBuf> = hold.inner.groups.folders().cloned().collect();
    let pipes = hold.spawn(spinners(), FULL).unwrap();
    assert_eq!(lines(pipes, 2).len(), 2);
    let alive = members(&hold);
    assert_eq!(alive.len(), 2);
    hold.apply(Level::Frozen).unwrap();
    until("the worker stands still", || stands_still(&hold));
    // The parent ends with its own code, its child would never.
    let Released::Ended(status) = hold.release(Duration::from_secs(60)) else {
        panic!("the worker was killed");
    };
    assert_eq!(status.code(), Some(7));
    for (process, _) in &alive {
        until("a killed process ends", || {
            let stat = fs::read_to_string(format!("/proc/{process}/stat"));
            stat.is_err() || stat.unwrap().contains(") Z")
        });
    }
    assert_eq!(hold.release(Duration::from_secs(60)), Released::Nothing);
    drop(hold);
    for folder in groups {
        assert!(!folder.exists(), "{}", folder.display());
    }
}

#[test]
fn a_worker_is_ended_with_its_children() {
    leaves_nothing_behind(Cgroups::Use);
}

#[test]
fn a_worker_is_ended_with_its_children_without_groups_too() {
    leaves_nothing_behind(Cgroups::Without);
}

#[test]
fn a_worker_that_ignores_the_request_is_killed() {
    for cgroups in [Cgroups::Use, Cgroups::Without] {
        let mut hold = hold(cgroups);
        let pipes = hold.spawn(shell("trap '' TERM; echo; while :; do :; done"), FULL).unwrap();
        assert_eq!(lines(pipes, 1).len(), 1);
        assert_eq!(hold.release(Duration::from_millis(20)), Released::Killed);
        assert_eq!(hold.process(), None);
    }
}

#[test]
fn one_worker_at_a_time_and_another_after_it() {
    let mut hold = hold(Cgroups::Use);
    hold.apply(Level::Frozen).unwrap();
    let pipes = hold.spawn(shell("echo first; exit 3"), FULL).unwrap();
    assert_eq!(lines(pipes, 1), ["first"]);
    let status = loop {
        if let Some(status) = hold.ended() {
            break status.unwrap();
        }
        std::thread::yield_now();
    };
    assert_eq!(status.code(), Some(3));
    let pipes = hold.spawn(spinners(), FULL).unwrap();
    assert_eq!(lines(pipes, 2).len(), 2);
    assert!(matches!(hold.spawn(shell("true"), FULL), Err(SpawnError::Running)));
    assert!(hold.ended().is_none());
}

#[test]
fn a_worker_that_is_asked_to_leave_ends_by_itself() {
    let mut hold = hold(Cgroups::Use);
    hold.ask_to_leave();
    let script = "trap 'exit 9' INT; echo begun; while :; do :; done";
    // A shell can't trap what whoever started this test ignores, as a shell does for what it starts in the background.
    let mut command = Command::new("env");
    command.args(["--default-signal=INT", "sh", "-c", script]).stdout(Stdio::piped());
    let pipes = hold.spawn(command, Level::Full { cores_permille: 1_000 }).unwrap();
    assert_eq!(lines(pipes, 1), ["begun"]);
    hold.ask_to_leave();
    let mut status = None;
    while status.is_none() {
        status = hold.ended();
        // The worker has the lowest priority: it ends when this test leaves it a core.
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(status.flatten().and_then(|status| status.code()), Some(9));
    assert_eq!(hold.process(), None);
}

#[test]
fn a_program_that_does_not_exist_is_an_error() {
    let mut hold = hold(Cgroups::Use);
    assert!(matches!(
        hold.spawn(Command::new("/nowhere/at/all"), FULL),
        Err(SpawnError::System(_))
    ));
    assert_eq!(hold.process(), None);
}

#[test]
fn a_worker_has_the_lowest_priorities_from_its_first_instruction_on() {
    for cgroups in [Cgroups::Use, Cgroups::Without] {
        let mut hold = hold(cgroups);
        let script = "cat /proc/self/stat /proc/self/oom_score_adj; grep NoNewPrivs /proc/self/status; ionice -p $$; echo end; read x";
        let mut command = shell(script);
        command.stdin(Stdio::piped());
        let mut pipes = hold.spawn(command, FULL).unwrap();
        let _open = pipes.stdin.take();
        let told = lines(pipes, 4);
        let fields: Vec<&str> = told[0].rsplit_once(") ").unwrap().1.split(' ').collect();
        assert_eq!(fields[16], "19", "nice");
        assert_eq!(fields[38], "5", "policy SCHED_IDLE");
        assert_eq!(told[1], "1000", "oom_score_adj");
        assert!(told[2].ends_with('1'), "{}", told[2]);
        assert!(
            ["idle", "end"].contains(&told[3].as_str()) || told[3].contains("not found"),
            "{told:?}"
        );
    }
}

#[test]
fn cores_are_limited_with_and_without_groups() {
    for cgroups in [Cgroups::Use, Cgroups::Without] {
        let mut hold = hold(cgroups);
        let pipes = hold.spawn(spinners(), Level::Full { cores_permille: 500 }).unwrap();
        assert_eq!(lines(pipes, 2).len(), 2);
        let groups = &hold.inner.groups;
        let read = |folder: &Option<PathBuf>, file: &str| {
            folder.as_ref().and_then(|folder| fs::read_to_string(folder.join(file)).ok())
        };
        if let Some(text) = read(&groups.unified, "cpu.max") {
            assert_eq!(text, "50000 100000\n");
        } else if let Some(text) = read(&groups.cpu, "cpu.cfs_quota_us") {
            assert_eq!(text, "50000\n");
        } else {
            for (process, _) in members(&hold) {
                let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
                let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
                assert!(!list.unwrap().contains(['-', ',']), "{list:?} is more than one core");
            }
        }
    }
}

#[test]
fn what_is_missing_is_told_with_the_command_that_grants_it() {
    let hold = hold(Cgroups::Without);
    let missing: Vec<&Protection> = hold
        .protections()
        .iter()
        .filter(|protection| matches!(protection.standing, Standing::Missing { .. }))
        .collect();
    assert!(missing.len() >= 4, "{missing:?}");
    for protection in missing {
        let Standing::Missing { instead, reason, grant } = &protection.standing else { continue };
        assert!(!instead.is_empty() && reason == "control groups are switched off");
        assert!(grant.contains("systemd-run"), "{grant}");
    }
}

#[test]
fn what_is_said_to_hold_is_there() {
    let hold = hold(Cgroups::Use);
    for protection in hold.protections() {
        match &protection.standing {
            Standing::Held { by } => {
                if let Some((file, folder)) = by.split_once(" in ") {
                    let file = if file == "freezer" { "freezer.state" } else { file };
                    assert!(Path::new(folder).join(file).exists(), "{by}");
                    assert!(
                        file != "cpu.idle"
                            || fs::read_to_string(Path::new(folder).join(file)).unwrap() == "1\n"
                    );
                }
            }
            Standing::Missing { reason, grant, .. } => {
                assert!(!reason.is_empty() && !grant.is_empty(), "{protection:?}");
            }
        }
    }
}
