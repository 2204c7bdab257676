//! Plays strategies against the real rules, and measures what they gain.
//!
//! Each strategy plays whole runs on [`training_run::MemoryBook`]: commitments with the real seal, draws by block hashes, a
//! referee that rules truly, audits that overlap with the next round. What its seats earn is compared with what the same
//! seats earn in the same run by honest work. [`strategies`] plays the table, [`cost_of_honesty`] counts what audits add to a run without
//! cheats.
//!
//! Not decided here: anything. The rules are those of `training-run`. Computation is not played either: a root stands for
//! a round's work, and an auditor that replays knows the true one.
//!
//! # What favours the strategies
//!
//! - Work is compared at the costs of 0.2, 0.5 and 0.9 of its pay; the best for the strategy is its gain.
//! - Rounds in which a seat was out, for example after its conviction, do not count against it.
//! - Identities are free, members know each other's roots at no cost, and see each draw before they act.
//! - Audits and rulings take a round each, in which a cheat goes on.

mod coin;
mod honesty;
mod ledger;
mod plan;
mod statistics;
mod table;
mod world;

pub use honesty::{HonestRun, HonestyCost, cost_of_honesty};
pub use statistics::StrategyRow;
pub use table::{STRATEGIES, remaining, strategies, strategy};
