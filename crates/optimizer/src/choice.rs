//! The choice of the inner optimizer.

use model::Layout;
use serde::{Deserialize, Serialize};

use crate::inner::{AdamW, HyperParameters};
use crate::muon::{Backend, MatrixParameters, Muon};

/// Which inner optimizer; `adamw` or `muon` in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InnerKind {
    /// Adaptive moments for all parameters.
    AdamW,
    /// Orthogonalized steps for matrices, AdamW for embedding and norms.
    Muon,
}

impl std::fmt::Display for InnerKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AdamW => "adamw",
            Self::Muon => "muon",
        })
    }
}

impl std::str::FromStr for InnerKind {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "adamw" => Ok(Self::AdamW),
            "muon" => Ok(Self::Muon),
            _ => Err("unknown optimizer: give adamw or muon"),
        }
    }
}

/// The state of an inner optimizer.
#[derive(Debug, Clone)]
pub enum Inner {
    /// State of AdamW.
    AdamW(AdamW),
    /// State of Muon.
    Muon(Muon),
}

impl Inner {
    /// Returns a fresh state for a model's parameters. Weight decay applies to the matrices and the embedding, not
    /// to the norms.
    ///
    /// # Panics
    /// When there are no threads.
    #[must_use]
    pub fn new(
        kind: InnerKind,
        layout: &Layout,
        hyper: HyperParameters,
        matrix: MatrixParameters,
        backend: Backend,
    ) -> Self {
        match kind {
            InnerKind::AdamW => {
                Self::AdamW(AdamW::new(layout.parameter_count(), hyper, layout.decayed()))
            }
            InnerKind::Muon => Self::Muon(Muon::new(layout, hyper, matrix, backend)),
        }
    }

    /// Resets to the fresh state, without allocating.
    pub fn reset(&mut self) {
        match self {
            Self::AdamW(state) => state.reset(),
            Self::Muon(state) => state.reset(),
        }
    }

    /// Continues after so many steps, and returns the moments of that time to be filled in, as
    /// [`moments`](Self::moments) returned them.
    pub fn resume(&mut self, steps: u32) -> (&mut [f32], &mut [f32]) {
        match self {
            Self::AdamW(state) => state.resume(steps),
            Self::Muon(state) => state.resume(steps),
        }
    }

    /// Moves `params` one step against `gradient`. Returns the gradient's norm before clipping.
    ///
    /// # Panics
    /// When a length differs from that of the state.
    pub fn step(&mut self, params: &mut [f32], gradient: &[f32], learning_rate: f32) -> f32 {
        match self {
            Self::AdamW(state) => state.step(params, gradient, learning_rate),
            Self::Muon(state) => state.step(params, gradient, learning_rate),
        }
    }

    /// Returns all that the next step depends on besides parameters and the count of steps: two vectors, described at
    /// the `moments` of each optimizer.
    #[must_use]
    pub fn moments(&self) -> (&[f32], &[f32]) {
        match self {
            Self::AdamW(state) => state.moments(),
            Self::Muon(state) => state.moments(),
        }
    }
}
