use std::ops::ControlFlow;

use model::{Activations, instructions::Isa};
use optimizer::InnerKind;
use units::{DeviceId, Digest, merkle_root, proof, verify_proof};
use verification::{
    Comparison, Job, JobError, Outcome, Part, RunSpec, StepReport, compare, execute, fabricate,
    first_difference, update_size_max,
};

use super::{device, text, tiny};

/// A job with owned fields, so that a test can change one.
#[derive(Clone)]
struct Owned {
    spec: RunSpec,
    round: u32,
    device: DeviceId,
    base: Vec<f32>,
    shards: Vec<Vec<u8>>,
    threads: usize,
    isa: Isa,
}

impl Owned {
    fn new() -> Self {
        let spec = tiny();
        let base = model::initial_parameters(&spec.model, &spec.seed.0);
        let text = text();
        let shards = vec![text[..600].to_vec(), text[600..].to_vec()];
        Self { spec, round: 1, device: device(1), base, shards, threads: 1, isa: Isa::detect() }
    }

    fn try_run(&self) -> Result<Outcome, JobError> {
        self.run_until(u32::MAX)
    }

    fn run(&self) -> Outcome {
        self.try_run().expect("a good job")
    }

    fn run_until(&self, last: u32) -> Result<Outcome, JobError> {
        self.with_job(|job| {
            execute(job, &mut |report: StepReport| {
                if report.step >= last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
        })
    }

    /// Compares the round with leaves; returns the number of steps that it took, too.
    fn compare(&self, leaves: &[Digest]) -> (Comparison, u32) {
        let mut steps = 0;
        let compared = self.with_job(|job| {
            compare(job, leaves, &mut |report: StepReport| {
                steps = report.step;
                ControlFlow::Continue(())
            })
        });
        (compared.expect("a good job"), steps)
    }

    fn with_job<T>(&self, work: impl FnOnce(&Job<'_>) -> T) -> T {
        let shards: Vec<&[u8]> = self.shards.iter().map(Vec::as_slice).collect();
        work(&Job {
            spec: &self.spec,
            round: self.round,
            device: self.device,
            base: &self.base,
            shards: &shards,
            threads: self.threads,
            isa: self.isa,
            activations: Activations::Keep,
            spare: None,
        })
    }
}

#[test]
fn a_replay_gives_the_same_root() {
    let job = Owned::new();
    let first = job.run();
    assert_eq!(first, job.run());
    assert_eq!(first, Owned { threads: 2, ..job.clone() }.run(), "threads must not matter");
    assert_eq!(
        first,
        Owned { isa: Isa::Scalar, ..job.clone() }.run(),
        "instructions must not matter"
    );
    assert_eq!(first.tokens, 4 * 2 * 16);
    assert_eq!(first.leaves.len(), 1 + 2 + 1);
    assert_eq!(first.root, merkle_root(&first.leaves));
    for (index, leaf) in first.leaves.iter().enumerate() {
        assert!(verify_proof(&first.root, leaf, &proof(&first.leaves, index).unwrap()));
    }
}

/// A comparison names the first leaf that differs, and takes no step beyond it.
#[test]
fn a_comparison_stops_at_the_first_leaf_that_differs() {
    let job = Owned::new();
    let honest = job.run();
    let whole = (Comparison::Whole(honest.clone()), 4);
    assert_eq!(job.compare(&honest.leaves), whole);
    let last = honest.leaves.len() - 1;
    for leaf in 0..=last {
        for bit in 0..256 {
            let mut leaves = honest.leaves.clone();
            let mut bytes = *leaves[leaf].as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            leaves[leaf] = Digest::from_bytes(bytes);
            assert_eq!(first_difference(&honest.leaves, &leaves), Some(leaf));
            assert_ne!(merkle_root(&leaves), honest.root, "bit {bit} of leaf {leaf}");
            // A few bits are replayed: a replay takes longer than a hash.
            if bit % 64 == 5 {
                let (compared, steps) = job.compare(&leaves);
                if leaf == last {
                    assert_eq!(compared, Comparison::Whole(honest.clone()));
                } else {
                    assert_eq!(compared, Comparison::Differs { leaf });
                    assert!(steps < [1, 2, 4][leaf], "{steps} steps for leaf {leaf}");
                }
            }
        }
    }
    // A list of another length differs where it ends.
    assert_eq!(first_difference(&honest.leaves, &honest.leaves[..last]), Some(last));
    assert_eq!(first_difference(&honest.leaves, &honest.leaves), None);
    assert_eq!(job.compare(&honest.leaves[..1]).0, Comparison::Differs { leaf: 1 });
    assert_eq!(job.compare(&[]), (Comparison::Differs { leaf: 0 }, 0));
    assert_eq!(job.spec.part(job.round, last), Some(Part::Update));
}

#[test]
fn a_round_of_muon_is_replayed_bit_for_bit() {
    let mut job = Owned::new();
    let adamw = job.run();
    job.spec.optimizer = InnerKind::Muon;
    let muon = job.run();
    for isa in [Isa::Scalar, Isa::Avx2, Isa::Avx512].into_iter().filter(|isa| isa.is_available()) {
        for threads in [1, 2, 5] {
            assert_eq!(
                muon,
                Owned { isa, threads, ..job.clone() }.run(),
                "{isa}, {threads} threads"
            );
        }
    }
    assert_ne!(muon.root, adamw.root, "the root must bind the optimizer");
    assert_ne!(muon.update, adamw.update);
}

#[test]
fn every_input_changes_the_root() {
    let job = Owned::new();
    let root = job.run().root;
    let mut seed = job.spec.clone();
    seed.seed.0[31] ^= 1;
    let mut base = job.base.clone();
    base[100] = f32::from_bits(base[100].to_bits() ^ 1);
    let mut shards = job.shards.clone();
    shards[1][3] ^= 1;
    let changed = [
        ("device", Owned { device: device(2), ..job.clone() }),
        ("round", Owned { round: 2, ..job.clone() }),
        ("seed", Owned { spec: seed, ..job.clone() }),
        ("base", Owned { base, ..job.clone() }),
        ("shards", Owned { shards, ..job.clone() }),
    ];
    for (what, other) in changed {
        assert_ne!(other.run().root, root, "the root does not bind {what}");
    }
}

#[test]
fn skipped_work_changes_the_root() {
    let job = Owned::new();
    let mut lazy = job.clone();
    lazy.spec.steps_per_round = 3;
    let (honest, lazy) = (job.run(), lazy.run());
    assert_ne!(honest.update, lazy.update);
    let made_up = job.with_job(|job| fabricate(job, &vec![1e-3; job.base.len()])).unwrap();
    assert!(
        u64::try_from(made_up.update.len()).unwrap() <= update_size_max(&job.spec, 1),
        "the made-up update must not be larger than an honest one may be"
    );
    assert_eq!(made_up.leaves.len(), honest.leaves.len());
    assert_ne!(made_up.root, honest.root);
    assert_eq!(job.compare(&made_up.leaves).0, Comparison::Differs { leaf: 1 });
}

#[test]
fn a_round_can_be_stopped() {
    assert_eq!(Owned::new().run_until(2), Err(JobError::CalledOff { step: 2 }));
}

#[test]
fn jobs_that_do_not_fit_are_refused() {
    let job = Owned::new();
    let length = job.base.len();
    let refused = |job: Owned| job.try_run().unwrap_err();
    let no_round = refused(Owned { round: 3, ..job.clone() });
    assert_eq!(no_round, JobError::NoSuchRound { round: 3, rounds: 3 });
    let short = refused(Owned { base: job.base[1..].to_vec(), ..job.clone() });
    assert_eq!(short, JobError::WrongModel { count: length - 1, expected: length });
    assert!(matches!(refused(Owned { shards: vec![], ..job.clone() }), JobError::Batch(_)));
    let broken = refused(Owned { base: vec![f32::NAN; length], ..job.clone() });
    assert_eq!(broken, JobError::Diverged { step: 0 });
}
