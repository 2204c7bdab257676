//! A round that was interrupted after any step, on any machine, ends with the same bytes.

#![expect(clippy::unwrap_used, reason = "a test stops where a helper cannot go on")]

use std::{io::Read, ops::ControlFlow};

use verification::{Comparison, JobError, Outcome, Resume, resume, saved_size, saved_step};

use crate::jobs::{Machine, SmallJob, machines};

/// Does the round, saved after `until` steps; returns the bytes.
fn interrupted(job: &SmallJob, machine: Machine, until: u32) -> Vec<u8> {
    let mut saved = Vec::new();
    let shards = job.shards();
    let stopped = resume(&job.job(&shards, machine), Resume::default(), &mut |report, standing| {
        if report.step == until {
            standing.save(&mut saved).unwrap();
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    assert_eq!(stopped, Err(JobError::CalledOff { step: until }));
    saved
}

/// Continues the first of `saved` that is whole; returns the outcome, and the number of the first step that was done.
fn continued(job: &SmallJob, machine: Machine, saved: &[&[u8]]) -> (Outcome, u32) {
    let shards = job.shards();
    let mut bytes: Vec<&[u8]> = saved.to_vec();
    let saved = bytes.iter_mut().map(|bytes| bytes as &mut dyn Read).collect();
    let (mut first, from) = (0, Resume { leaves: None, saved });
    let done = resume(&job.job(&shards, machine), from, &mut |report, _| {
        first = if first == 0 { report.step } else { first };
        ControlFlow::Continue(())
    });
    match done.unwrap() {
        Comparison::Whole(outcome) => (outcome, first),
        Comparison::Differs { leaf } => panic!("nothing was compared, and leaf {leaf} differs"),
    }
}

/// Returns a round of several steps.
fn long() -> SmallJob {
    let mut jobs = (0..).map(SmallJob::new);
    jobs.find(|job| job.spec.steps(job.round) > 2).unwrap()
}

/// Other thread counts, instructions and ways to keep activations, each with the next of `machines`.
#[test]
fn every_step_and_every_machine() {
    let machines = machines();
    let mut turn = machines.iter().cycle();
    let mut machine = || *turn.next().unwrap();
    for number in 0..12 {
        let job = SmallJob::new(number);
        let whole = job.run(machine()).unwrap();
        for until in 1..=job.spec.steps(job.round) {
            let saved = interrupted(&job, machine(), until);
            assert!(u64::try_from(saved.len()).unwrap() <= saved_size(&job.spec));
            assert_eq!(saved_step(&saved), Some(until));
            if until < job.spec.steps(job.round) {
                let (outcome, first) = continued(&job, machine(), &[&saved]);
                assert_eq!((outcome, first), (whole.clone(), until + 1), "job {number}");
            }
        }
    }
}

/// Interrupted again after each step.
#[test]
fn a_round_may_be_interrupted_again_and_again() {
    for number in 0..6 {
        let (job, machine) = (SmallJob::new(number), machines()[0]);
        let whole = job.run(machine).unwrap();
        let mut saved = Vec::new();
        let mut done = None;
        while done.is_none() {
            let (shards, before) = (job.shards(), saved.clone());
            let mut before: &[u8] = &before;
            let from = Resume { leaves: None, saved: vec![&mut before] };
            let result = resume(&job.job(&shards, machine), from, &mut |report, standing| {
                saved.clear();
                standing.save(&mut saved).unwrap();
                if report.step < report.steps {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            done = result.ok();
        }
        assert_eq!(done, Some(Comparison::Whole(whole)), "job {number}");
    }
}

/// Damaged bytes, bytes of another job and no bytes: the next saved round is taken, else the round begins anew.
#[test]
fn what_is_not_whole_is_not_continued() {
    let (job, machine) = (long(), machines()[0]);
    let whole = job.run(machine).unwrap();
    let saved = interrupted(&job, machine, 1);
    let anew = |bytes: &[u8]| {
        assert_eq!(continued(&job, machine, &[bytes]), (whole.clone(), 1));
        assert_eq!(continued(&job, machine, &[bytes, &saved]), (whole.clone(), 2));
    };
    for at in (0..saved.len()).step_by(saved.len() / 12).chain([47, 48, 55, 60, saved.len() - 1]) {
        let mut damaged = saved.clone();
        damaged[at] ^= 4;
        anew(&damaged);
        anew(&saved[..at]);
    }
    let other = SmallJob { round: (job.round + 1) % 3, ..job.clone() };
    anew(&interrupted(&other, machine, 1));
    let other = SmallJob { base: vec![0.5; job.base.len()], ..job.clone() };
    anew(&interrupted(&other, machine, 1));
}

/// The leaves of a saved round are compared too.
#[test]
fn a_replay_may_be_interrupted() {
    let (job, machine) = (long(), machines()[0]);
    let (whole, shards) = (job.run(machine).unwrap(), job.shards());
    for until in 1..job.spec.steps(job.round) {
        let saved = interrupted(&job, machine, until);
        let compare = |leaves: &[units::Digest]| {
            let mut bytes: &[u8] = &saved;
            let from = Resume { leaves: Some(leaves), saved: vec![&mut bytes] };
            let going = &mut |_: verification::StepReport, _: &verification::Standing<'_>| {
                ControlFlow::Continue(())
            };
            resume(&job.job(&shards, machine), from, going).unwrap()
        };
        assert_eq!(compare(&whole.leaves), Comparison::Whole(whole.clone()));
        for leaf in 0..whole.leaves.len() - 1 {
            let mut leaves = whole.leaves.clone();
            leaves[leaf] = units::Digest::ZERO;
            assert_eq!(compare(&leaves), Comparison::Differs { leaf });
        }
    }
}
