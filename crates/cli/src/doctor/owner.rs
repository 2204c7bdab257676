//! What protects the owner: the agent, the worker that is held down, and the rights that are taken from it.

use ::agent::limits::Limits;
use ::agent::{Cgroups, Hold, HoldOptions, Missing, ProtectionStatus, missing};

use super::Check;
use crate::{agent, compute};

/// Memory that a computing process is given here: it computes nothing.
const MEMORY: u64 = 64 << 20;

pub(super) fn checks(limits: &Limits) -> Vec<Check> {
    let status = agent::present();
    let mut checks = Vec::new();
    match &status {
        Some(status) => {
            checks.push(Check::good("agent", status.text.clone()));
            checks.extend(held_down(&status.protections, "as the agent that runs found it"));
        }
        None => {
            let change = "gleaner install --account ADDRESS, or gleaner agent --account ADDRESS in a terminal";
            checks.push(Check::advice("agent", "none answers", change));
            let hold = Hold::new(&HoldOptions {
                root: "/".into(),
                cgroups: Cgroups::Use,
                memory_bytes_max: Some(u64::from(limits.machine.memory_mib) << 20),
            });
            let protections: Vec<_> =
                hold.protections().iter().map(ProtectionStatus::from).collect();
            let whose = "for an agent that is started here; one that is installed as a service gets a control group of its own";
            checks.extend(held_down(&protections, whose));
        }
    }
    checks.push(confined());
    checks
}

/// Says what holds the worker down.
fn held_down(protections: &[ProtectionStatus], whose: &str) -> Vec<Check> {
    let held = protections.iter().filter(|protection| protection.is_held);
    let names: Vec<_> = held.map(|protection| protection.name.as_str()).collect();
    let mut checks = Vec::new();
    if !names.is_empty() {
        checks.push(Check::good("worker held down", format!("{} ({whose})", names.join(", "))));
    }
    for Missing { what, reason, grant } in missing(protections) {
        let because = reason.map(|reason| format!(", because {reason}")).unwrap_or_default();
        let found = format!("missing: {}{because} ({whose})", what.join("; "));
        checks.push(Check::advice("worker held down", found, grant));
    }
    checks
}

/// Starts a computing process, and has it say which rights it could give up.
fn confined() -> Check {
    const NAME: &str = "worker confined";
    let child = calculator::Child::new(compute::arguments, MEMORY, None);
    match child.protections() {
        Ok(report) if report.is_whole() => Check::good(NAME, report.to_string()),
        Ok(report) => {
            Check::advice(NAME, report.to_string(), "a newer kernel, as said for each of them")
        }
        Err(error) => Check::bad(
            NAME,
            format!("{error:#}"),
            "the worker could compute nothing: gleaner join --in-process works without this protection",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    fn protection(name: &str, grant: Option<&str>) -> ProtectionStatus {
        ProtectionStatus {
            name: name.to_owned(),
            is_held: grant.is_none(),
            text: "by a file".to_owned(),
            reason: grant.map(|_| "no rights".to_owned()),
            grant: grant.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_missing_comes_with_what_grants_it() {
        let protections = [
            protection("idle", None),
            protection("freezer", Some("do this")),
            protection("memory", Some("do this")),
        ];
        let checks = held_down(&protections, "here");
        let [held, missing] = &checks[..] else { panic!("{checks:?}") };
        assert_eq!((held.verdict, held.found.as_str()), (Verdict::Good, "idle (here)"));
        assert_eq!(
            (missing.verdict, missing.change.as_deref()),
            (Verdict::Advice, Some("do this"))
        );
        assert!(
            missing.found.contains("freezer") && missing.found.contains("memory"),
            "{missing:?}"
        );
    }
}
