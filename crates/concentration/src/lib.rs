//! Measures who holds what, and what power it gives.
//!
//! A distribution is [`Holdings`]: amounts of at most 256 bits whose sum has at most 256 bits, too. Of it are measured:
//!
//! 1. **Inequality and concentration** ([`Holdings`]): Gini, Herfindahl–Hirschman, Theil, Shannon and Rényi entropy, shares of the
//!    largest, and how many of the largest pass a [`Threshold`]. [`Summary`] is all of them.
//! 2. **Entities** ([`Groups`]): rows with a label are one holder. What has no label is either all distinct or one entity; every
//!    figure is published at both ends ([`Interval`]).
//! 3. **Subsystems** ([`weakest`]): the Nakamoto coefficient of each at its own threshold, and the least with its name.
//! 4. **Voting power** ([`power`]): Banzhaf and Shapley–Shubik; with abstention ([`turnout`]); after delegation ([`delegation`]); of
//!    blocs ([`blocs`]).
//! 5. **The cost of a majority** ([`attack`]), and **how fair the process is** ([`process`]).
//! 6. **Live** ([`LiveIndex`]): the same figures after each transfer, in logarithmic time.
//!
//! Exact: Gini, HHI, shares, thresholds and coefficients are integers or fractions of integers ([`Ratio`]). Floats: entropies, Theil and
//! power in games too large to count, which are probabilities. They come from this crate's own logarithm and from sums in one written
//! order, so they have the same bits on every machine. No rule of the ledger may read them.
//!
//! It reads no file, no clock and no ledger, and knows no account: the caller says whose amounts these are.

pub mod attack;
pub mod blocs;
pub mod delegation;
pub mod power;
pub mod process;
pub mod turnout;

mod entropy;
mod float;
mod groups;
mod holdings;
mod inequality;
mod live;
mod ratio;
mod sampling;
mod subsystems;
mod summary;
mod threshold;

pub use entropy::Order;
pub use groups::{Groups, Interval, TheilParts, holders};
pub use holdings::{Holdings, TooLarge, Zeros};
pub use live::{ChangeError, LiveIndex, Missing};
pub use ratio::Ratio;
pub use subsystems::{Subsystem, Weakest, weakest};
pub use summary::{Coefficient, Summary, THRESHOLDS};
pub use threshold::{Strictness, Threshold, ThresholdError};
