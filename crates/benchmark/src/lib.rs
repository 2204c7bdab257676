//! Measures how fast this machine trains, and checks that its kernels give the expected bytes.
//!
//! Decides what is measured, so that two numbers can be compared: named [workloads](Workload) made from fixed seeds,
//! the same bytes on every machine; a [run](run()) of training steps with its speed; the [peak](peak_gflops) of a
//! core to compare the speed with; and the [digests](findings) of every operator, compared with the committed ones.
//!
//! Protocol of a measurement:
//!
//! 1. Measure the peak of a core for the chosen instructions.
//! 2. Make parameters and batches from the seed; one untimed step touches all memory.
//! 3. Start again from the initial parameters and time each step: loss, gradient and optimizer.
//! 4. After step [`DIGEST_STEPS`] compute the digest of the parameters; at the end read the peak memory of the process.
//!
//! The crate does not judge a speed, print anything, or pin threads to a processor: on a busy machine rely on CPU
//! time and the best step, not on the median.

mod workload;

mod measure;
mod process;

mod peak;

mod digests;
mod golden;

pub use digests::{Finding, OPERATORS, canonical, digests, findings};
pub use measure::{DIGEST_STEPS, Measurement, Run, RunError, StepReport, run};
pub use peak::peak_gflops;
pub use process::processor;
pub use workload::{Batches, Size, TextTooShort, Workload};
