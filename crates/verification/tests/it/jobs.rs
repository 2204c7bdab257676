//! Small jobs of every kind, each from a number: model, steps, optimizer, codec and data are drawn.

use std::ops::ControlFlow;

use model::{Activations, Config, instructions::Isa};
use units::DeviceId;
use verification::{InnerKind, Job, JobError, Outcome, RunSpec, Seed, SelectionKind, execute};

/// How a machine computes: none of it may change the result.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    pub(crate) isa: Isa,
    pub(crate) threads: usize,
    pub(crate) activations: Activations,
}

/// Returns all ways to compute here: every instruction set, one to seven threads, activations kept or not.
pub(crate) fn machines() -> Vec<Machine> {
    let sets = [Isa::Scalar, Isa::Avx2, Isa::Avx512, Isa::Neon];
    let mut machines = Vec::new();
    for isa in sets.into_iter().filter(|isa| isa.is_available()) {
        for threads in [1, 2, 3, 7] {
            for activations in [Activations::Keep, Activations::Recompute] {
                machines.push(Machine { isa, threads, activations });
            }
        }
    }
    machines
}

/// The inputs of a round.
#[derive(Clone, Debug)]
pub(crate) struct SmallJob {
    pub(crate) spec: RunSpec,
    pub(crate) round: u32,
    pub(crate) device: DeviceId,
    pub(crate) base: Vec<f32>,
    pub(crate) shards: Vec<Vec<u8>>,
}

impl SmallJob {
    /// Returns the job with a number.
    pub(crate) fn new(number: u64) -> Self {
        let mut draw = Draws(number);
        let seed = [draw.byte(); 32];
        let heads = draw.one_of(&[1, 2, 3]);
        let spec = RunSpec {
            model: Config {
                layers: draw.one_of(&[1, 2]),
                width: heads * draw.one_of(&[4, 6, 10]),
                heads,
                context: draw.one_of(&[3, 8, 17]),
                vocabulary: 256,
                hidden: draw.one_of(&[5, 16, 33]),
            },
            seed: Seed(seed),
            warmup_rounds: 1,
            warmup_steps: draw.one_of(&[1, 2]),
            steps_per_round: draw.one_of(&[1, 3, 5]),
            batch: draw.one_of(&[1, 2, 5]),
            shards_per_round: 2,
            segments: draw.one_of(&[1, 2, 4]),
            optimizer: draw.one_of(&[InnerKind::AdamW, InnerKind::Muon]),
            selection: draw.one_of(&[SelectionKind::Largest, SelectionKind::Drawn]),
            density_per_chunk: draw.one_of(&[1, 64, 512, 3000]),
            bits_per_value: draw.one_of(&[1, 2, 3, 4]),
            ..RunSpec::small(3, seed)
        };
        spec.validate().expect("every draw is within the bounds");
        let mut base = model::initial_parameters(&spec.model, &spec.seed.0);
        // Somewhere in the middle of a run: no longer as initialized.
        base.iter_mut().for_each(|value| *value += (f32::from(draw.byte()) - 127.5) * 1e-4);
        let shards = (0..2).map(|_| (0..100).map(|_| draw.byte()).collect()).collect();
        let (round, device) = (draw.one_of(&[0, 1, 2]), DeviceId::from_bytes([draw.byte(); 32]));
        Self { spec, round, device, base, shards }
    }

    /// Does the round as one machine would.
    pub(crate) fn run(&self, machine: Machine) -> Result<Outcome, JobError> {
        execute(&self.job(&self.shards(), machine), &mut |_| ControlFlow::Continue(()))
    }

    pub(crate) fn shards(&self) -> Vec<&[u8]> {
        self.shards.iter().map(Vec::as_slice).collect()
    }

    /// Returns the job for one machine, with its [shards](Self::shards).
    pub(crate) fn job<'a>(&'a self, shards: &'a [&'a [u8]], machine: Machine) -> Job<'a> {
        let Machine { isa, threads, activations } = machine;
        Job {
            spec: &self.spec,
            round: self.round,
            device: self.device,
            base: &self.base,
            shards,
            threads,
            isa,
            activations,
            spare: None,
        }
    }
}

/// Numbers that follow from a seed: SplitMix64.
pub(crate) struct Draws(pub(crate) u64);

impl Draws {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let [byte, ..] = self.next().to_le_bytes();
        byte
    }

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }
}
