//! Honest work always passes an audit, and a changed bit never does.

use units::{Digest, merkle_root, proof, seal, verify_proof};
use verification::Outcome;

use crate::jobs::{Draws, SmallJob, machines};

/// The number of jobs; the example `audits` does thousands.
const JOBS: u64 = 24;

#[test]
fn every_machine_computes_the_same() {
    let machines = machines();
    for number in 0..JOBS {
        let job = SmallJob::new(number);
        let expected = job.run(machines[0]).expect("a good job");
        for machine in &machines[1..] {
            let found = job.run(*machine).expect("a good job");
            assert!(found == expected, "job {number} on {machine:?}: {job:?}");
        }
    }
}

/// What an auditor compares: the root that opens the seal, and the update.
fn passes(subject: &SmallJob, (seal_of, update): (Digest, Digest), replay: &Outcome) -> bool {
    seal(&subject.device, &replay.root) == seal_of && replay.update_digest == update
}

#[test]
fn a_changed_bit_in_any_leaf_is_found() {
    for number in 0..JOBS {
        let job = SmallJob::new(number);
        let honest = job.run(machines()[0]).expect("a good job");
        let sealed = seal(&job.device, &honest.root);
        assert!(passes(&job, (sealed, honest.update_digest), &honest));
        let mut draws = Draws(number);
        for index in 0..honest.leaves.len() {
            let mut leaves = honest.leaves.clone();
            leaves[index] = flipped(&leaves[index], &mut draws);
            let root = merkle_root(&leaves);
            let lie = (seal(&job.device, &root), honest.update_digest);
            assert!(!passes(&job, lie, &honest), "leaf {index} of job {number}");
            let good = proof(&honest.leaves, index).expect("a leaf");
            assert!(!verify_proof(&honest.root, &leaves[index], &good));
            assert!(!verify_proof(&root, &honest.leaves[index], &good));
        }
        let mut update = honest.update.clone();
        let at = usize::try_from(draws.next() % 1000).unwrap() * update.len() / 1000;
        update[at] ^= 1 << (draws.byte() % 8);
        assert!(!passes(&job, (sealed, Digest::of(&update)), &honest), "an update of job {number}");
        assert!(!passes(&job, (flipped(&sealed, &mut draws), honest.update_digest), &honest));
    }
}

/// A bit of the base or the data, or of what the specification says, is in the root even if no parameter changes by it.
#[test]
fn a_changed_bit_in_any_input_is_found() {
    for number in 0..JOBS {
        let job = SmallJob::new(number);
        let run = |job: &SmallJob| job.run(machines()[0]).expect("a good job").root;
        let honest = run(&job);
        let mut draws = Draws(number);
        let mut other = job.clone();
        let at = usize::try_from(draws.next() % 1000).unwrap() * job.base.len() / 1000;
        // The lowest bits alone: larger changes may end in numbers that are not finite.
        other.base[at] = f32::from_bits(job.base[at].to_bits() ^ (1 << (draws.byte() % 16)));
        assert_ne!(run(&other), honest, "parameter {at} of job {number}");
        let mut other = job.clone();
        let (shard, at) = (usize::from(draws.byte() % 2), usize::from(draws.byte() % 100));
        other.shards[shard][at] ^= 1 << (draws.byte() % 8);
        assert_ne!(run(&other), honest, "byte {at} of shard {shard} of job {number}");
        let mut other = job.clone();
        other.spec.outer_momentum = f32::from_bits(other.spec.outer_momentum.to_bits() ^ 1);
        assert_ne!(run(&other), honest, "the specification of job {number}");
    }
}

fn flipped(digest: &Digest, draws: &mut Draws) -> Digest {
    let mut bytes = *digest.as_bytes();
    bytes[usize::from(draws.byte() % 32)] ^= 1 << (draws.byte() % 8);
    Digest::from_bytes(bytes)
}
