//! Control groups of the worker: one of version 2, and one of each hierarchy of version 1 that a mixed system keeps.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Groups begin with this, followed by the process that made them, and a number.
const PREFIX: &str = "gleaner-worker-";

/// Controllers that the worker's group should have.
const CONTROLLERS: [&str; 5] = ["cpu", "memory", "io", "pids", "cpuset"];

/// The group that an agent moves itself into, since a group with controllers for others may hold no process itself.
const AGENT: &str = "gleaner-agent";

/// The most processes and threads of a worker.
const PROCESSES_MAX: &str = "1024";

/// Groups that this process made so far.
static MADE: AtomicU32 = AtomicU32::new(0);

/// The worker's control groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Version 2.
    pub(super) unified: Option<PathBuf>,
    /// Version 1, processor.
    pub(super) cpu: Option<PathBuf>,
    /// Version 1, freezer: only where version 2 cannot freeze.
    pub(super) freezer: Option<PathBuf>,
    /// Why there is no group of version 2, or why it lacks controllers.
    pub(super) reasons: Vec<String>,
    /// Whether hierarchies of version 1 keep the processor or memory, which version 2 then lacks.
    pub(super) is_mixed: bool,
    /// Whether systemd does not run the machine's services: what it could grant is none then.
    pub(super) lacks_systemd: bool,
}

/// Whether the worker is in a hurry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hurry {
    /// It begins to be.
    Begin,
    /// It is no longer.
    End,
}

/// A mounted hierarchy, and where this process is in it.
#[derive(Debug)]
struct Hierarchy {
    mount: PathBuf,
    own: PathBuf,
}

impl Groups {
    /// Makes the groups, with as much as this process may have.
    ///
    /// Groups that were left behind by agents that are gone are removed first.
    pub(super) fn make(root: &Path, process: u32) -> Self {
        let name = format!("{PREFIX}{process}-{}", MADE.fetch_add(1, Ordering::Relaxed));
        let keeps = |controller| Hierarchy::first_version(root, controller).is_some();
        let mut groups = Self {
            is_mixed: keeps("cpu") || keeps("memory"),
            lacks_systemd: !root.join("run/systemd/system").is_dir(),
            ..Self::default()
        };
        match Hierarchy::unified(root) {
            Some(hierarchy) => groups.make_unified(&hierarchy, root, process, &name),
            None => groups.reasons.push("control groups of version 2 are not mounted".into()),
        }
        let has = |groups: &Self, file: &str| groups.unified_has(file);
        if !has(&groups, "cpu.idle")
            && let Some(hierarchy) = Hierarchy::first_version(root, "cpu")
        {
            groups.cpu = hierarchy.make_first_version(root, &name, "cpu.shares");
        }
        if !has(&groups, "cgroup.freeze")
            && let Some(hierarchy) = Hierarchy::first_version(root, "freezer")
        {
            groups.freezer = hierarchy.make_first_version(root, &name, "freezer.state");
        }
        groups
    }

    fn make_unified(&mut self, hierarchy: &Hierarchy, root: &Path, process: u32, name: &str) {
        let own = &hierarchy.own;
        let mut best: Option<(usize, PathBuf)> = None;
        // Its own group first: what is below it ends with the agent's service. The one above is the user's own slice, where there is one.
        let above = own
            .parent()
            .filter(|above| *own != hierarchy.mount && above.starts_with(&hierarchy.mount));
        for parent in [Some(own.as_path()), above].into_iter().flatten() {
            sweep(root, parent);
            if parent == own {
                make_room(own, process);
            }
            enable(parent);
            let folder = parent.join(name);
            match fs::create_dir(&folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    self.reasons.push(format!("{}: {error}", folder.display()));
                }
                _ if fs::OpenOptions::new()
                    .write(true)
                    .open(folder.join("cgroup.procs"))
                    .is_err() =>
                {
                    self.reasons.push(format!("{}: may not be joined", folder.display()));
                    drop_group(&folder);
                }
                _ => {
                    let count = ["cpu.idle", "cpu.max", "memory.high", "io.weight"]
                        .iter()
                        .filter(|file| folder.join(file).exists())
                        .count();
                    match &best {
                        Some((known, _)) if count <= *known => drop_group(&folder),
                        _ => {
                            if let Some((_, worse)) = best.replace((count, folder)) {
                                drop_group(&worse);
                            }
                        }
                    }
                }
            }
        }
        self.unified = best.map(|(_, folder)| folder);
    }

    /// Writes what stays the same whatever the worker may do.
    ///
    /// What is refused or absent is no error: the files that are there are listed among the protections.
    pub(super) fn prepare(&self, memory_bytes_max: Option<u64>) {
        let memory = memory_bytes_max.map_or("max".into(), |bytes| bytes.to_string());
        let values = [
            ("cpu.idle", "1"),
            ("memory.high", &memory),
            ("memory.swap.max", "0"),
            ("memory.oom.group", "1"),
            ("io.prio.class", "idle"),
            ("io.weight", "1"),
            ("pids.max", PROCESSES_MAX),
        ];
        for folder in [&self.unified, &self.cpu].into_iter().flatten() {
            for (file, value) in values {
                let _refused = put(&folder.join(file), value);
            }
        }
    }

    /// Gives the worker the usual share of the processor, or takes it away again.
    pub(super) fn hurry(&self, hurry: Hurry) {
        let idle = match hurry {
            Hurry::Begin => "0",
            Hurry::End => "1",
        };
        for folder in [&self.unified, &self.cpu].into_iter().flatten() {
            // Absent where the group has no processor's controller. The quota comes back with the next level.
            let _absent = put(&folder.join("cpu.idle"), idle);
            if hurry == Hurry::Begin {
                let _absent = put(&folder.join("cpu.max"), "max");
                let _absent = put(&folder.join("cpu.cfs_quota_us"), "-1");
            }
        }
    }

    /// Whether the group of version 2 has a file.
    pub(super) fn unified_has(&self, file: &str) -> bool {
        self.unified.as_ref().is_some_and(|folder| folder.join(file).exists())
    }

    /// Returns every group that the worker joins.
    pub(super) fn folders(&self) -> impl Iterator<Item = &PathBuf> {
        [&self.unified, &self.cpu, &self.freezer].into_iter().flatten()
    }

    /// Removes the groups: they must be empty. What cannot be removed is removed by the next agent.
    pub(super) fn remove(&self) {
        for folder in self.folders() {
            drop_group(folder);
        }
    }
}

impl Hierarchy {
    fn unified(root: &Path) -> Option<Self> {
        let mount = mount(root, |kind, _| kind == "cgroup2")?;
        Some(Self { own: own(root, &mount, |controllers| controllers.is_empty())?, mount: mount.0 })
    }

    fn first_version(root: &Path, controller: &str) -> Option<Self> {
        let has = |list: &str| list.split(',').any(|name| name == controller);
        let mount = mount(root, |kind, options| kind == "cgroup" && has(options))?;
        Some(Self { own: own(root, &mount, has)?, mount: mount.0 })
    }

    /// Makes a group of version 1, if it gets the file that it is wanted for and may be joined.
    fn make_first_version(&self, root: &Path, name: &str, file: &str) -> Option<PathBuf> {
        sweep(root, &self.own);
        let folder = self.own.join(name);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return None,
            _ => {}
        }
        let is_writable =
            fs::OpenOptions::new().write(true).open(folder.join("cgroup.procs")).is_ok();
        if is_writable && folder.join(file).exists() {
            return Some(folder);
        }
        drop_group(&folder);
        None
    }
}

/// Finds where a hierarchy is mounted, and which of its folders is mounted there.
fn mount(root: &Path, is_wanted: impl Fn(&str, &str) -> bool) -> Option<(PathBuf, PathBuf)> {
    let text = fs::read_to_string(root.join("proc/self/mountinfo")).ok()?;
    text.lines().find_map(|line| {
        // id parent device root mount-point options … - kind source options
        let (place, kind) = line.split_once(" - ")?;
        let mut kind = kind.split(' ');
        let (name, options) = (kind.next()?, kind.nth(1)?);
        let mut place = place.split(' ').skip(3);
        let (inside, point) = (place.next()?, place.next()?);
        is_wanted(name, options)
            .then(|| (root.join(point.trim_start_matches('/')), PathBuf::from(inside)))
    })
}

/// Finds the folder of this process in a mounted hierarchy.
fn own(
    root: &Path,
    mount: &(PathBuf, PathBuf),
    is_wanted: impl Fn(&str) -> bool,
) -> Option<PathBuf> {
    let text = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    text.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        if !is_wanted(controllers) {
            return None;
        }
        let relative = Path::new(path).strip_prefix(&mount.1).ok()?;
        // A path with `..` lies outside of what is mounted here.
        let is_inside =
            relative.components().all(|part| matches!(part, std::path::Component::Normal(_)));
        let folder = mount.0.join(relative);
        (is_inside && folder.is_dir()).then_some(folder)
    })
}

/// Gives controllers to the groups below a folder. What is refused shows in the files that the worker's group lacks.
fn enable(parent: &Path) {
    let available = fs::read_to_string(parent.join("cgroup.controllers")).unwrap_or_default();
    for controller in CONTROLLERS {
        if available.split_whitespace().any(|name| name == controller) {
            // One by one, since one that is refused takes the others of its line with it.
            let _refused = put(&parent.join("cgroup.subtree_control"), &format!("+{controller}"));
        }
    }
}

/// Moves this process one group down, if it is alone in its group and may: only a group without processes can give controllers to others.
fn make_room(own: &Path, process: u32) {
    let here = fs::read_to_string(own.join("cgroup.procs")).unwrap_or_default();
    let has_controllers = fs::read_to_string(own.join("cgroup.controllers"))
        .is_ok_and(|text| !text.trim().is_empty());
    // The root group, which has no type, may hold processes.
    if !has_controllers || !own.join("cgroup.type").exists() || here.trim() != process.to_string() {
        return;
    }
    let leaf = own.join(AGENT);
    if fs::create_dir(&leaf).is_ok()
        && put(&leaf.join("cgroup.procs"), &process.to_string()).is_err()
    {
        drop_group(&leaf);
    }
}

/// Removes groups of agents that are gone, and kills what is in them.
fn sweep(root: &Path, parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let maker = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse::<u32>().ok());
        if maker.is_some_and(|maker| !root.join(format!("proc/{maker}")).exists()) {
            kill(&entry.path());
            drop_group(&entry.path());
        }
    }
}

/// Writes a file of a group, which the kernel has made: a new one would mean that this is no group.
pub(super) fn put(path: &Path, value: &str) -> io::Result<()> {
    fs::OpenOptions::new().write(true).open(path)?.write_all(value.as_bytes())
}

/// Kills every process of a group, at once where the kernel can (Linux 5.14).
pub(super) fn kill(folder: &Path) {
    if put(&folder.join("cgroup.kill"), "1").is_ok() {
        return;
    }
    for process in processes(folder) {
        if let Some(process) = rustix::process::Pid::from_raw(process) {
            // It may have ended in between.
            let _gone = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
    }
}

/// Returns the processes of a group.
pub(super) fn processes(folder: &Path) -> Vec<i32> {
    let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).filter(|process| 0 < *process).collect()
}

/// Removes a group. One whose last process has just been killed is busy until the kernel has cleaned up.
fn drop_group(folder: &Path) {
    for _ in 0..200 {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests;
