//! Digests of the result of every operator, which show on a faulty machine which operator differs.
//!
//! Only matrix products and elementary functions can be called alone. The others are reached through small models
//! whose parameters switch most operators off: each probe adds one operator to those before it, so the first that
//! differs has the fault.

use model::functions::{exp, ln, rotary_tables, sigmoid};
use model::gemm::{Packing, Product, Start, View, multiply};
use model::instructions::{Checked, Isa};
use model::philox::Philox;
use model::{Activations, Config, Layout, Trainer, TrainerError, state_digest};
use optimizer::{AdamW, Backend, InnerKind, Muon};
use units::Digest;

use crate::golden;
use crate::measure::{DIGEST_STEPS, Run, RunError, execution, run};
use crate::workload::{Batches, HYPER, LEARNING_RATE, MATRIX, Size, Workload};

/// The compared operators; each one uses those before it.
pub const OPERATORS: [&str; 13] = [
    "exp, ln, sigmoid",
    "sine, cosine",
    "gemm",
    "cross entropy",
    "norm",
    "swiglu",
    "attention",
    "rotary",
    "sharp attention",
    "adamw",
    "muon",
    "training",
    "training with muon",
];

/// The model of the probes. No size is a multiple of sixteen, and the context has three blocks of queries, so that
/// all edge cases occur.
const PROBE: Workload = Workload {
    config: Config { layers: 1, width: 40, heads: 2, context: 100, vocabulary: 72, hidden: 56 },
    batch: 2,
};

/// The probes read tokens below this: the embeddings of the others have a gradient from the output only.
const READ_MAX: u8 = 40;

/// A computed digest and the expected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// One of [`OPERATORS`], or a workload.
    pub name: &'static str,
    /// The committed digest.
    pub expected: Digest,
    /// The digest of this machine.
    pub found: Digest,
}

impl Finding {
    /// Returns whether the digests are equal.
    #[must_use]
    pub fn is_match(&self) -> bool {
        self.expected == self.found
    }
}

/// Computes the digest of every operator with these instructions; returns them beside the committed digests, in the
/// order of [`OPERATORS`].
///
/// # Errors
/// When this processor lacks the instructions.
pub fn findings(isa: Isa) -> Result<Vec<Finding>, RunError> {
    let pairs = OPERATORS.into_iter().zip(digests(isa)?);
    Ok(pairs.map(|(name, found)| Finding { name, expected: golden::digest(name), found }).collect())
}

/// Computes the digest of the canonical workload's parameters after [`DIGEST_STEPS`] steps; returns it beside the
/// committed one.
///
/// # Errors
/// When this processor lacks the instructions.
pub fn canonical(isa: Isa, threads: usize) -> Result<Finding, RunError> {
    let found = trained(Size::Canonical, InnerKind::AdamW, isa, threads)?;
    let name = "canonical";
    Ok(Finding { name, expected: golden::digest(name), found })
}

/// Returns the digest of every operator with these instructions, in the order of [`OPERATORS`].
///
/// # Errors
/// When this processor lacks the instructions.
pub fn digests(isa: Isa) -> Result<[Digest; OPERATORS.len()], RunError> {
    let checked = Checked::new(isa).ok_or(TrainerError::Unavailable { isa })?;
    Ok([
        elementary(),
        angles(),
        products(checked),
        cross_entropy(isa)?,
        norm(isa)?,
        swiglu(isa)?,
        attention(isa)?,
        rotary(isa)?,
        sharp(isa)?,
        adamw(),
        muon(checked),
        trained(Size::Tiny, InnerKind::AdamW, isa, 2)?,
        trained(Size::Tiny, InnerKind::Muon, isa, 2)?,
    ])
}

/// Returns the digest of the elementary functions at numbers of every exponent.
fn elementary() -> Digest {
    let places = || (0..=u32::MAX).step_by(65_521).map(f32::from_bits).filter(|x| !x.is_nan());
    let all = places().flat_map(|x| [exp(x), sigmoid(x), ln(x)]);
    // The bits of a NaN differ between processors.
    let all: Vec<f32> = all.map(|y| if y.is_nan() { 0.5 } else { y }).collect();
    state_digest(&all)
}

fn angles() -> Digest {
    let (mut cosines, sines) = rotary_tables(1024, 32);
    cosines.extend(sines);
    state_digest(&cosines)
}

/// Returns the digest of the three matrix layouts of training, over several blocks of depth, rows and columns, with
/// incomplete blocks.
fn products(isa: Checked) -> Digest {
    let (rows, depth, columns) = (205, 533, 99);
    let (left, right) = (noise(1, rows * depth), noise(2, depth * columns));
    let mut out = noise(3, rows * columns);
    let mut packing = Packing::new();
    let mut all = Vec::new();
    for start in [Start::Zero, Start::Existing] {
        for (left, right) in [
            (View::rows(&left, depth), View::rows(&right, columns)),
            (View::rows(&left, depth), View::rows(&right, depth).transposed()),
            (View::rows(&left, rows).transposed(), View::rows(&right, columns)),
        ] {
            let product = Product { left, right, rows, depth, columns, start };
            multiply(isa, product, &mut out, columns, &mut packing);
            all.extend_from_slice(&out);
        }
    }
    state_digest(&all)
}

/// Returns the digest of the cross entropy: layers are silent, and embeddings are ±1, so any order of sums gives the
/// same norm. It covers the loss, and the gradient of embeddings that are not read, which comes from the output
/// alone.
fn cross_entropy(isa: Isa) -> Result<Digest, RunError> {
    let mut params = silent();
    for value in &mut params[embedding()] {
        *value = if *value < 0.0 { -1.0 } else { 1.0 };
    }
    let (loss, gradient) = probe(isa, &params)?;
    let unread = usize::from(READ_MAX) * PROBE.config.width..embedding().end;
    Ok(state_digest(&[&[loss], &gradient[unread]].concat()))
}

/// Returns the digest with silent layers: embedding, norm, output.
fn norm(isa: Isa) -> Result<Digest, RunError> {
    whole(isa, &silent())
}

/// Returns the digest with silent attention.
fn swiglu(isa: Isa) -> Result<Digest, RunError> {
    let mut params = loud();
    set(&mut params, "o_proj", 0.0);
    whole(isa, &params)
}

/// Returns the digest with queries of zero, for which positions don't matter, without the gradients of queries and keys.
fn attention(isa: Isa) -> Result<Digest, RunError> {
    let mut params = loud();
    set(&mut params, "q_proj", 0.0);
    let (loss, mut gradient) = probe(isa, &params)?;
    set(&mut gradient, "q_proj", 0.0);
    set(&mut gradient, "k_proj", 0.0);
    gradient.push(loss);
    Ok(state_digest(&gradient))
}

/// Returns the digest with all operators.
fn rotary(isa: Isa) -> Result<Digest, RunError> {
    whole(isa, &loud())
}

/// Returns the digest with all operators, when most probabilities are too small to count.
fn sharp(isa: Isa) -> Result<Digest, RunError> {
    let mut params = loud();
    for_each(&mut params, "q_proj", |value| *value *= 30.0);
    whole(isa, &params)
}

/// Returns the digest of some AdamW steps with fixed gradients.
fn adamw() -> Digest {
    let length = 1000;
    let mut params = noise(4, length);
    let mut state = AdamW::new(length, HYPER, std::iter::once(100..900).collect());
    for step in 0..5 {
        state.step(&mut params, &noise(5 + step, length), LEARNING_RATE);
    }
    let (first, second) = state.moments();
    state_digest(&[&params, first, second].concat())
}

/// Returns the digest of some Muon steps on the probe's parameters with fixed gradients.
fn muon(isa: Checked) -> Digest {
    let mut params = loud();
    let backend = Backend { isa, threads: 2 };
    let mut state = Muon::new(&Layout::new(&PROBE.config), HYPER, MATRIX, backend);
    for step in 0..3 {
        let gradient = noise(10 + step, params.len());
        state.step(&mut params, &gradient, LEARNING_RATE);
    }
    let (first, second) = state.moments();
    state_digest(&[&params, first, second].concat())
}

fn trained(size: Size, optimizer: InnerKind, isa: Isa, threads: usize) -> Result<Digest, RunError> {
    let workload = size.workload();
    let batches = Batches::of_noise(workload);
    let measured = run(
        &Run {
            workload,
            batches,
            steps: DIGEST_STEPS,
            threads,
            isa,
            optimizer,
            activations: Activations::Keep,
        },
        &mut |_| {},
    )?;
    Ok(measured.digest.expect("the run has the steps that the digest needs"))
}

/// Returns parameters of the probe that use all operators, large enough for uneven attention.
fn loud() -> Vec<f32> {
    let mut params = noise(0, PROBE.config.parameter_count());
    params.iter_mut().for_each(|value| *value *= 0.5);
    params
}

/// Returns the same parameters, but layers add nothing to the residual stream.
fn silent() -> Vec<f32> {
    let mut params = loud();
    set(&mut params, "o_proj", 0.0);
    set(&mut params, "down_proj", 0.0);
    params
}

fn set(values: &mut [f32], name: &str, to: f32) {
    for_each(values, name, |value| *value = to);
}

fn for_each(values: &mut [f32], name: &str, change: impl FnMut(&mut f32) + Copy) {
    for tensor in Layout::new(&PROBE.config).tensors() {
        if tensor.name.contains(name) {
            values[tensor.range.clone()].iter_mut().for_each(change);
        }
    }
}

fn embedding() -> std::ops::Range<usize> {
    0..PROBE.config.vocabulary * PROBE.config.width
}

/// Returns loss and whole gradient as one digest.
fn whole(isa: Isa, params: &[f32]) -> Result<Digest, RunError> {
    let (loss, mut gradient) = probe(isa, params)?;
    gradient.push(loss);
    Ok(state_digest(&gradient))
}

fn probe(isa: Isa, params: &[f32]) -> Result<(f32, Vec<f32>), RunError> {
    let mut trainer = Trainer::new(&PROBE.config, execution(&PROBE, 2, isa))?;
    let (mut tokens, mut targets) = (Vec::new(), Vec::new());
    Batches::of_noise(PROBE).fill(0, &mut tokens, &mut targets);
    tokens.iter_mut().for_each(|token| *token %= READ_MAX);
    targets.iter_mut().for_each(|token| *token %= 72);
    let mut gradient = vec![0.0; params.len()];
    let loss = trainer.loss_and_gradient(params, &tokens, &targets, &mut gradient);
    Ok((loss, gradient))
}

/// Returns uniform random numbers from −1 to 1; every `stream` has its own.
fn noise(stream: u32, length: usize) -> Vec<f32> {
    let philox = Philox::new([0x676c_6561, stream]);
    let words = (0..).flat_map(|index| philox.block_at(index));
    #[expect(clippy::cast_precision_loss, reason = "rounding to nearest is intended")]
    words.take(length).map(|word| word.cast_signed() as f32 / 2_147_483_648.0).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_instruction_set_computes_the_committed_digests() {
        for isa in Isa::ALL.into_iter().filter(|isa| isa.is_available()) {
            for finding in findings(isa).unwrap() {
                assert!(finding.is_match(), "{isa}: {finding:?}");
            }
        }
    }

    #[test]
    fn every_probe_has_its_own_digest() {
        let all: BTreeSet<Digest> = digests(Isa::detect()).unwrap().into_iter().collect();
        assert_eq!(all.len(), OPERATORS.len());
    }
}
