//! Measures the time of each kind of work in a step. The caller provides the clock: this crate has none.

use std::cell::Cell;
use std::fmt;

/// A kind of work inside a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    /// Matrix products of the forward pass, the output matrix included.
    Forward,
    /// Matrix products that give the gradients of inputs.
    InputGradients,
    /// Matrix products that give the gradients of weights.
    WeightGradients,
    /// Attention in the forward pass.
    Attention,
    /// Attention in the backward pass.
    AttentionBack,
    /// Norms in both passes, and the gradients of their gains.
    Norm,
    /// The activation in both passes.
    SwiGlu,
    /// The rotation of positions in both passes.
    Rotary,
    /// Losses and the gradient of the logits.
    CrossEntropy,
    /// Copies of the residual stream, and the gradient that reaches the embedding through the tokens.
    Residual,
}

impl Operator {
    /// Every kind, in the order of a step.
    pub const ALL: [Self; 10] = [
        Self::Forward,
        Self::InputGradients,
        Self::WeightGradients,
        Self::Attention,
        Self::AttentionBack,
        Self::Norm,
        Self::SwiGlu,
        Self::Rotary,
        Self::CrossEntropy,
        Self::Residual,
    ];

    /// Returns the index in [`Operator::ALL`].
    fn index(self) -> usize {
        Self::ALL.iter().position(|one| *one == self).expect("every kind is in the list")
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Forward => "products forward",
            Self::InputGradients => "products to inputs",
            Self::WeightGradients => "products to weights",
            Self::Attention => "attention",
            Self::AttentionBack => "attention back",
            Self::Norm => "norm",
            Self::SwiGlu => "swiglu",
            Self::Rotary => "rotary",
            Self::CrossEntropy => "cross entropy",
            Self::Residual => "residual",
        })
    }
}

/// Nanoseconds of a monotonic clock; the thread's CPU time is best on a shared machine.
pub type Clock = fn() -> u64;

/// Adds up the time of each kind of work on one thread; does nothing without a clock.
pub(crate) struct Stopwatch {
    clock: Option<Clock>,
    spent: [Cell<u64>; Operator::ALL.len()],
}

impl Stopwatch {
    pub(crate) fn new() -> Self {
        Self { clock: None, spent: Default::default() }
    }

    /// Starts again from zero with `clock`.
    pub(crate) fn start(&mut self, clock: Clock) {
        *self = Self { clock: Some(clock), ..Self::new() };
    }

    /// Does `work` and adds its time to that of `operator`.
    #[inline]
    pub(crate) fn time<R>(&self, operator: Operator, work: impl FnOnce() -> R) -> R {
        let Some(clock) = self.clock else { return work() };
        let start = clock();
        let result = work();
        let spent = &self.spent[operator.index()];
        spent.set(spent.get() + clock().saturating_sub(start));
        result
    }

    /// Returns the nanoseconds of each kind since the start.
    pub(crate) fn spent(&self) -> [(Operator, u64); Operator::ALL.len()] {
        Operator::ALL.map(|operator| (operator, self.spent[operator.index()].get()))
    }
}
