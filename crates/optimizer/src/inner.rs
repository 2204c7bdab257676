//! The inner step: AdamW on one machine, and its learning rate.
//!
//! It uses only IEEE additions, multiplications, divisions and square roots, each rounded on its own and in a fixed
//! order: the same bits on every machine. Nothing is kept between rounds except by the caller.
//!
//! Source: AdamW, arXiv 1711.05101, algorithm 2, with the decay multiplied by the learning rate as PyTorch does;
//! clipping by the global norm, arXiv 1211.5063, section 3.2.

use std::ops::Range;

/// Partial sums of the norm: element `i` goes to sum `i mod 16`, then the sums are added in order.
const LANES: usize = 16;

/// The constants of AdamW.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HyperParameters {
    /// Decay of the first moment, usually 0.9.
    pub beta1: f32,
    /// Decay of the second moment, usually 0.95 to 0.999.
    pub beta2: f32,
    /// Added to the square root of the second moment, usually 1e-8.
    pub epsilon: f32,
    /// Fraction of a decayed parameter that is subtracted at each step, times the learning rate.
    pub weight_decay: f32,
    /// Gradients with a larger Euclidean norm are scaled down to it; infinity never clips.
    pub clip_norm: f32,
}

/// The state of AdamW over one flat vector of parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct AdamW {
    hyper: HyperParameters,
    decayed: Vec<Range<usize>>,
    moments: Moments,
    /// `beta1^steps` and `beta2^steps`.
    powers: (f64, f64),
    steps: u64,
}

impl AdamW {
    /// Returns a fresh state for `length` parameters. Weight decay applies inside `decayed` only: ascending ranges
    /// that do not overlap.
    ///
    /// # Panics
    /// When the ranges overlap, descend or leave the vector.
    #[must_use]
    pub fn new(length: usize, hyper: HyperParameters, decayed: Vec<Range<usize>>) -> Self {
        let mut end = 0;
        for range in &decayed {
            assert!(end <= range.start && range.start <= range.end, "decayed ranges must ascend");
            end = range.end;
        }
        assert!(end <= length, "decayed ranges must lie inside the {length} parameters");
        let moments = Moments { first: vec![0.0; length], second: vec![0.0; length] };
        Self { hyper, decayed, moments, powers: (1.0, 1.0), steps: 0 }
    }

    /// Resets to the fresh state, without allocating.
    pub fn reset(&mut self) {
        self.moments.first.fill(0.0);
        self.moments.second.fill(0.0);
        self.powers = (1.0, 1.0);
        self.steps = 0;
    }

    /// Continues after so many steps, and returns the moments of that time to be filled in, as
    /// [`moments`](Self::moments) returned them.
    pub fn resume(&mut self, steps: u32) -> (&mut [f32], &mut [f32]) {
        self.powers = powers(self.hyper, steps);
        self.steps = steps.into();
        (&mut self.moments.first, &mut self.moments.second)
    }

    /// Moves `params` one step against `gradient`. Returns the gradient's norm before clipping. When the training has
    /// diverged, the norm is not finite, and neither are the parameters.
    ///
    /// # Panics
    /// When a length differs from that of the state.
    pub fn step(&mut self, params: &mut [f32], gradient: &[f32], learning_rate: f32) -> f32 {
        assert_eq!(
            params.len(),
            self.moments.first.len(),
            "parameters must have the length of the state"
        );
        assert_eq!(
            gradient.len(),
            self.moments.first.len(),
            "the gradient must have the length of the state"
        );
        self.steps += 1;
        self.powers.0 *= f64::from(self.hyper.beta1);
        self.powers.1 *= f64::from(self.hyper.beta2);
        let norm = norm(gradient);
        let rates = rates(self.hyper, norm, self.powers, learning_rate);
        let decaying = rates.decaying(self.hyper.weight_decay);
        let mut done = 0;
        for range in &self.decayed {
            for (part, rates) in [(done..range.start, rates), (range.clone(), decaying)] {
                self.moments.update(part, (&mut *params, gradient), rates);
            }
            done = range.end;
        }
        self.moments.update(done..gradient.len(), (params, gradient), rates);
        narrow(norm)
    }

    /// Returns first and second moments, one value per parameter.
    #[must_use]
    pub fn moments(&self) -> (&[f32], &[f32]) {
        (&self.moments.first, &self.moments.second)
    }

    /// Returns the number of steps since the state was fresh.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }
}

/// The factors of one step.
#[derive(Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) scale: f32,
    beta1: f32,
    beta2: f32,
    correction1: f32,
    correction2: f32,
    epsilon: f32,
    pub(crate) learning_rate: f32,
    /// Factor that weight decay leaves of a parameter.
    kept: f32,
}

/// First and second moments, one value per parameter each.
#[derive(Debug, Clone, PartialEq)]
struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Rates {
    /// Returns the rates for parameters with weight decay.
    pub(crate) fn decaying(self, weight_decay: f32) -> Self {
        Self { kept: 1.0 - self.learning_rate * weight_decay, ..self }
    }
}

/// Returns the powers of both betas after so many steps, multiplied in the same order as by the steps themselves.
pub(crate) fn powers(hyper: HyperParameters, steps: u32) -> (f64, f64) {
    let HyperParameters { beta1, beta2, .. } = hyper;
    (0..steps)
        .fold((1.0, 1.0), |powers, _| (powers.0 * f64::from(beta1), powers.1 * f64::from(beta2)))
}

/// Returns the rates of a step from the gradient's norm and the powers of both betas.
pub(crate) fn rates(
    hyper: HyperParameters,
    norm: f64,
    powers: (f64, f64),
    learning_rate: f32,
) -> Rates {
    let HyperParameters { beta1, beta2, epsilon, clip_norm, weight_decay: _ } = hyper;
    let clip = f64::from(clip_norm);
    Rates {
        scale: if norm > clip { narrow(clip / norm) } else { 1.0 },
        beta1,
        beta2,
        correction1: narrow(1.0 / (1.0 - powers.0)),
        correction2: narrow(1.0 / (1.0 - powers.1)),
        epsilon,
        learning_rate,
        kept: 1.0,
    }
}

impl Moments {
    fn update(
        &mut self,
        part: Range<usize>,
        (params, gradient): (&mut [f32], &[f32]),
        rates: Rates,
    ) {
        let moments = (&mut self.first[part.clone()], &mut self.second[part.clone()]);
        update((&mut params[part.clone()], &gradient[part]), moments, rates);
    }
}

/// Applies AdamW to each parameter.
pub(crate) fn update(
    (params, gradient): (&mut [f32], &[f32]),
    (first, second): (&mut [f32], &mut [f32]),
    rates: Rates,
) {
    let Rates { scale, beta1, beta2, correction1, correction2, epsilon, learning_rate, kept } =
        rates;
    let moments = first.iter_mut().zip(second);
    for ((p, g), (m, v)) in params.iter_mut().zip(gradient).zip(moments) {
        let g = g * scale;
        *m = beta1 * *m + (1.0 - beta1) * g;
        *v = beta2 * *v + (1.0 - beta2) * (g * g);
        let direction = (*m * correction1) / ((*v * correction2).sqrt() + epsilon);
        *p = kept * *p - learning_rate * direction;
    }
}

/// Returns the Euclidean norm, summed in f64.
pub(crate) fn norm(values: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(*value) * f64::from(*value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += f64::from(*value) * f64::from(*value);
    }
    lanes.iter().fold(0.0, |sum, lane| sum + lane).sqrt()
}

/// Learning rates over a run: a linear warmup, then a smooth decay to a floor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// The largest learning rate.
    pub peak: f32,
    /// The last learning rate.
    pub floor: f32,
    /// Steps of the warmup from zero.
    pub warmup_steps: u64,
    /// Steps of the run, warmup included; later steps get the floor.
    pub total_steps: u64,
    /// Steps of a second, shorter warmup after each reset of the optimizer state, whose first moments are noisy.
    /// Zero for none.
    pub ramp_steps: u64,
}

impl Schedule {
    /// Returns the learning rate of a step. `step` counts from the start of the run, `since_fresh` from the last
    /// reset of the state; both start at zero.
    ///
    /// The decay is `1 − 3x² + 2x³`, which stays within 1.1 % of the peak of the usual cosine and needs no math library.
    #[must_use]
    pub fn at(&self, step: u64, since_fresh: u64) -> f32 {
        let ramp = rise(since_fresh, self.ramp_steps);
        let (peak, floor) = (f64::from(self.peak), f64::from(self.floor));
        if step < self.warmup_steps {
            return narrow(peak * rise(step, self.warmup_steps) * ramp);
        }
        let fall_steps = self.total_steps.saturating_sub(self.warmup_steps);
        let x = (count(step - self.warmup_steps) / count(fall_steps.max(1))).min(1.0);
        narrow((floor + (peak - floor) * (1.0 - x * x * (3.0 - 2.0 * x))) * ramp)
    }
}

/// Returns `(step + 1) / steps`, at most 1.
fn rise(step: u64, steps: u64) -> f64 {
    if step >= steps { 1.0 } else { count(step + 1) / count(steps) }
}

#[expect(clippy::cast_precision_loss, reason = "steps are below 2^53")]
fn count(steps: u64) -> f64 {
    steps as f64
}

#[expect(clippy::cast_possible_truncation, reason = "rounds to the nearest f32")]
pub(crate) fn narrow(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests;
