//! Either inner optimizer, behind one face.

use model::Layout;
use serde::{Deserialize, Serialize};

use crate::inner::{AdamW, HyperParameters};
use crate::muon::{MatrixParameters, Means, Muon};

/// Which inner optimizer; in files `adamw` or `muon`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InnerKind {
    /// Adaptive moments for everything.
    AdamW,
    /// Orthogonal steps for matrices, AdamW for embedding and norms.
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
            _ => Err("an optimizer is adamw or muon"),
        }
    }
}

/// The state of an inner optimizer.
#[derive(Debug, Clone)]
pub enum Inner {
    /// Of AdamW.
    AdamW(AdamW),
    /// Of Muon.
    Muon(Muon),
}

impl Inner {
    /// A fresh state for a model's parameters; matrices, the embedding among them, decay, norms do not.
    ///
    /// # Panics
    /// When there are no threads.
    #[must_use]
    pub fn new(
        kind: InnerKind,
        layout: &Layout,
        hyper: HyperParameters,
        matrix: MatrixParameters,
        means: Means,
    ) -> Self {
        match kind {
            InnerKind::AdamW => {
                Self::AdamW(AdamW::new(layout.parameter_count(), hyper, layout.decayed()))
            }
            InnerKind::Muon => Self::Muon(Muon::new(layout, hyper, matrix, means)),
        }
    }

    /// Back to the fresh state, without allocating.
    pub fn reset(&mut self) {
        match self {
            Self::AdamW(state) => state.reset(),
            Self::Muon(state) => state.reset(),
        }
    }

    /// Moves `params` one step against `gradient`. Returns the gradient's norm before clipping.
    ///
    /// # Panics
    /// When lengths differ from that of the state.
    pub fn step(&mut self, params: &mut [f32], gradient: &[f32], learning_rate: f32) -> f32 {
        match self {
            Self::AdamW(state) => state.step(params, gradient, learning_rate),
            Self::Muon(state) => state.step(params, gradient, learning_rate),
        }
    }

    /// All that the next step depends on beside parameters and the count of steps: two vectors, whose meaning the optimizer's own
    /// `moments` says.
    #[must_use]
    pub fn moments(&self) -> (&[f32], &[f32]) {
        match self {
            Self::AdamW(state) => state.moments(),
            Self::Muon(state) => state.moments(),
        }
    }
}
