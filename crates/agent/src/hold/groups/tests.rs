use super::*;

/// A tree in which control groups of version 2 are mounted at `sys/fs/cgroup/unified`, and this process is in `own`.
fn tree(own: &str, inside: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "proc/self/mountinfo",
        &format!(
            "25 1 0:23 / /proc rw - proc proc rw\n30 1 0:25 {inside} /sys/fs/cgroup/unified rw,nosuid shared:4 - cgroup2 cgroup2 rw\n31 1 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        ),
    );
    write("proc/self/cgroup", &format!("1:cpu,cpuacct:/one\n0::{own}\n"));
    fs::create_dir_all(folder.path().join("sys/fs/cgroup/unified/user/app")).unwrap();
    fs::create_dir_all(folder.path().join("sys/fs/cgroup/cpu,cpuacct/one")).unwrap();
    folder
}

#[track_caller]
fn check(own: &str, inside: &str, expected: Option<&str>) {
    let tree = tree(own, inside);
    let found = Hierarchy::unified(tree.path()).map(|hierarchy| hierarchy.own);
    assert_eq!(found, expected.map(|path| tree.path().join(path)), "{own} in {inside}");
}

#[test]
fn the_group_of_this_process_is_found_where_it_is_mounted() {
    check("/user/app", "/", Some("sys/fs/cgroup/unified/user/app"));
    check("/", "/", Some("sys/fs/cgroup/unified/"));
    // A container sees a part of the tree, or nothing of its own.
    check("/box/user", "/box", Some("sys/fs/cgroup/unified/user"));
    check("/elsewhere", "/box", None);
    check("/../outside", "/", None);
}

#[test]
fn hierarchies_of_version_1_are_found_by_controller() {
    let tree = tree("/", "/");
    let found = Hierarchy::first_version(tree.path(), "cpuacct").unwrap();
    assert_eq!(found.own, tree.path().join("sys/fs/cgroup/cpu,cpuacct/one"));
    assert!(Hierarchy::first_version(tree.path(), "freezer").is_none());
}

#[test]
fn a_group_that_cannot_be_joined_is_not_used_and_told() {
    // In a folder of plain files nothing appears by itself, so the new group has no `cgroup.procs`.
    let tree = tree("/user/app", "/");
    let groups = Groups::make(tree.path(), 7);
    assert!(groups.unified.is_none() && groups.cpu.is_none() && groups.freezer.is_none());
    assert!(groups.reasons.iter().any(|reason| reason.contains("may not be joined")), "{groups:?}");
    let left = fs::read_dir(tree.path().join("sys/fs/cgroup/unified/user/app")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn groups_of_agents_that_are_gone_are_removed() {
    let tree = tree("/user/app", "/");
    let parent = tree.path().join("sys/fs/cgroup/unified/user/app");
    fs::create_dir_all(parent.join("gleaner-worker-41-0")).unwrap();
    fs::create_dir_all(parent.join("gleaner-worker-42-0")).unwrap();
    fs::create_dir_all(parent.join("gleaner-worker-x")).unwrap();
    fs::create_dir_all(tree.path().join("proc/42")).unwrap();
    sweep(tree.path(), &parent);
    let mut left: Vec<_> =
        fs::read_dir(&parent).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["gleaner-worker-42-0", "gleaner-worker-x"]);
}
