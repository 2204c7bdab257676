//! Which protections of the owner hold, which are missing, and how to grant them.

use serde::{Deserialize, Serialize};

use crate::hold::groups::Groups;
use crate::status::ProtectionStatus;

/// One protection of the owner from the worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// What it is for, in a few words.
    pub name: String,
    /// Whether it holds.
    pub standing: Standing,
}

/// Whether a protection holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It holds.
    Held {
        /// By which means.
        by: String,
    },
    /// It does not, or only in part.
    Missing {
        /// What is there instead.
        instead: String,
        /// Why.
        reason: String,
        /// The command that grants it.
        grant: String,
    },
}

impl From<&Protection> for ProtectionStatus {
    fn from(protection: &Protection) -> Self {
        let (text, reason, grant) = match &protection.standing {
            Standing::Held { by } => (by.clone(), None, None),
            Standing::Missing { instead, reason, grant } => {
                let text = format!("{instead} instead, because {reason}");
                (text, Some(reason.clone()), Some(grant.clone()))
            }
        };
        Self { name: protection.name.clone(), is_held: grant.is_none(), text, reason, grant }
    }
}

/// Gives a user's services every controller, from their next login on.
const DELEGATE: &str = "sudo mkdir -p /etc/systemd/system/user@.service.d && printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' | sudo tee /etc/systemd/system/user@.service.d/gleaner.conf && sudo systemctl daemon-reload";

/// Starts the agent where it may make groups.
const SCOPE: &str = "systemd-run --user --scope -p Delegate=yes gleaner agent";

/// Makes every hierarchy version 2, from the next start of the machine on.
const UNIFIED: &str = "add systemd.unified_cgroup_hierarchy=1 to the kernel's command line";

/// The same where something else than systemd mounts them.
const NO_FIRST_VERSION: &str = "add cgroup_no_v1=all to the kernel's command line";

/// Where nothing gives users groups of their own.
const AS_ROOT: &str =
    "start the agent as root, or in a control group of version 2 that belongs to your user";

/// Returns what grants the protections that need a control group.
fn grant(groups: &Groups) -> &'static str {
    let Groups { unified, is_mixed, lacks_systemd, .. } = groups;
    match (is_mixed, lacks_systemd) {
        (true, true) => NO_FIRST_VERSION,
        (true, false) => UNIFIED,
        (false, true) => AS_ROOT,
        (false, false) if unified.is_none() => SCOPE,
        (false, false) => DELEGATE,
    }
}

/// Lists the protections, the most important first.
pub(super) fn list(groups: &Groups, memory_bytes_max: Option<u64>) -> Vec<Protection> {
    let reason = match groups.reasons.as_slice() {
        [] => "the group has no such file: the controller was not given to it".to_owned(),
        reasons => reasons.join("; "),
    };
    let grant = grant(groups);
    let by_file = |file: &str| {
        let folder = groups.unified.as_ref().filter(|folder| folder.join(file).exists())?;
        Some(format!("{file} in {}", folder.display()))
    };
    let by_cpu = |file: &str| {
        let folder = groups.cpu.as_ref().filter(|folder| folder.join(file).exists())?;
        Some(format!("{file} in {}", folder.display()))
    };
    let by_freezer =
        groups.freezer.as_ref().map(|folder| format!("freezer in {}", folder.display()));
    let standing = |by: Option<String>, instead: &str| match by {
        Some(by) => Standing::Held { by },
        None => Standing::Missing {
            instead: instead.into(),
            reason: reason.clone(),
            grant: grant.into(),
        },
    };
    let always = |by: &str| Standing::Held { by: by.into() };
    let mut all = vec![
        (
            "freezes at once",
            standing(by_file("cgroup.freeze").or(by_freezer), "SIGSTOP to each process"),
        ),
        (
            "yields the processor",
            standing(
                by_file("cpu.idle").or_else(|| by_cpu("cpu.idle")),
                "SCHED_IDLE and nice 19 of each process",
            ),
        ),
        (
            "keeps to its cores",
            standing(
                by_file("cpu.max").or_else(|| by_cpu("cpu.cfs_quota_us")),
                "whole cores only, by affinity",
            ),
        ),
    ];
    if memory_bytes_max.is_some() {
        all.push((
            "keeps to its memory",
            standing(by_file("memory.high"), "the worker's own count"),
        ));
    }
    all.extend([
        ("does not push others into swap", standing(by_file("memory.swap.max"), "nothing")),
        (
            "leaves disks to others",
            always("idle class of ioprio (schedulers BFQ and mq-deadline keep it)"),
        ),
        ("is ended first when memory runs out", always("oom_score_adj 1000")),
        ("ends with the agent", always("parent death signal")),
        (
            "leaves no process behind",
            standing(by_file("cgroup.kill"), "SIGKILL to its session and descendants"),
        ),
    ]);
    all.into_iter().map(|(name, standing)| Protection { name: name.into(), standing }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_grant_a_protection_does_so_on_this_machine() {
        let check = |has_group: bool, is_mixed, lacks_systemd, expected: &str| {
            let unified = has_group.then(|| "/sys/fs/cgroup/x".into());
            let groups = Groups { unified, is_mixed, lacks_systemd, ..Groups::default() };
            assert_eq!(grant(&groups), expected);
        };
        check(false, false, false, SCOPE);
        check(true, false, false, DELEGATE);
        // Delegation gives no controller that version 1 keeps.
        check(false, true, false, UNIFIED);
        check(true, true, false, UNIFIED);
        // Without systemd nothing that it grants helps.
        check(true, true, true, NO_FIRST_VERSION);
        check(false, false, true, AS_ROOT);
    }
}
