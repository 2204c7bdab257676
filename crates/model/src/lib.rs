//! A decoder-only transformer with explicit forward and backward passes, bit-exact on every machine.
//!
//! Decides what a model computes, bit for bit: the same parameters and tokens give the same loss and the same gradient on
//! any number of threads, with AVX-512, AVX2, NEON or plain scalar code. So a round of training can be verified by
//! repeating it.
//!
//! The architecture is that of Llama, on bytes: pre-norm RMSNorm, rotary positions (in halves), causal attention,
//! SwiGLU, no biases, the embedding tied to the output. A saved model has the names, shapes and `config.json` of
//! Llama.
//!
//! Invariants, which together fix every bit:
//!
//! 1. Every element of a matrix product is one chain of fused multiply-adds over the inner index, ascending, that
//!    starts at zero or at the value already there. Blocks of depth, rows and columns only move that value between
//!    registers and memory.
//! 2. Every other sum over a row has sixteen partial sums: element `i` goes to sum `i mod 16`; then halves are added,
//!    16 → 8 → 4 → 2 → 1. The mean loss is summed in f64 in token order.
//! 3. Attention has groups of [`CAUSAL_ROWS`] queries, from the first on; keys after the end of a group are not part
//!    of its sums, and keys inside it but after the query have the weight zero, and so has the gradient of their
//!    score.
//! 4. exp, ln, sine and cosine are our own ([`functions`]); `sqrt`, division and `mul_add` are exact by IEEE 754.
//! 5. Work is divided among threads by rows and output tiles, never within a sum.
//!
//! The crate does not choose data, learning rates or devices, and it does not hide a diverged run: NaN is returned
//! as it is.
//!
//! Sources: Llama (arXiv 2302.13971), RMSNorm (arXiv 1910.07467), rotary positions (arXiv 2104.09864), SwiGLU (arXiv
//! 2002.05202), Philox (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).

mod config;
mod layout;
mod state;
mod trainer;

mod sampler;

mod checkpoint;

mod arena;
mod attention;
pub mod functions;
pub mod gemm;
pub mod instructions;
mod layer;
pub mod philox;
mod pool;
mod rows;
mod stopwatch;
mod workers;

pub use arena::Activations;
pub use attention::CAUSAL_ROWS;
pub use checkpoint::{Checkpoint, CheckpointError, load, save};
pub use config::{CONTEXT_MAX, Config, ConfigError, PARAMETERS_MAX, VOCABULARY_MAX};
pub use layout::{Layout, Tensor};
pub use sampler::{Sampler, Sampling};
pub use state::{
    ParametersError, for_each_bytes, initial_parameters, params_from_bytes, params_to_bytes,
    state_digest,
};
pub use stopwatch::{Clock, Operator};
pub use trainer::{Execution, Trainer, TrainerError};
