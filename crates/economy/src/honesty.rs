//! What audits add to the work of a run without cheats.

use training_run::Terms;

use crate::plan::Plan;
use crate::world::{World, terms};

/// A run without cheats.
#[derive(Clone, Copy, Debug)]
pub struct HonestRun {
    /// Number of seats.
    pub seats: u16,
    /// Number of rounds.
    pub rounds: u32,
    /// Number of short rounds at its beginning.
    pub warmup_rounds: u32,
    /// Tokens of a device in a short round, in hundredths of those of another round.
    pub warmup_tokens: u64,
}

impl HonestRun {
    /// Eight seats and 300 rounds.
    pub const LONG: Self = Self { seats: 8, rounds: 300, warmup_rounds: 0, warmup_tokens: 100 };
    /// Four seats and 24 rounds, the first four of them short.
    pub const SHORT: Self = Self { seats: 4, rounds: 24, warmup_rounds: 4, warmup_tokens: 27 };
}

/// What audits add to the work, as shares of the tokens of all commitments; means over runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HonestyCost {
    /// Replayed tokens, those of the owner's device included.
    pub replayed: f64,
    /// Those of the owner's device.
    pub replayed_by_owner: f64,
}

/// Plays a run without cheats several times and returns what audits add to the work.
#[must_use]
pub fn cost_of_honesty(run: HonestRun, runs: u32, seed: u64) -> HonestyCost {
    let plan = Plan::honest("honest", run.seats, 0, run.rounds);
    let (warmup_rounds, warmup_tokens_per_round) = (run.warmup_rounds, run.warmup_tokens);
    let terms = Terms { warmup_rounds, warmup_tokens_per_round, ..terms(&plan) };
    let (mut worked, mut replayed, mut by_owner) = (0, 0, 0);
    for index in 0..runs {
        let mut world = World::new(&plan, &terms, seed.wrapping_add(u64::from(index)));
        (0..run.rounds).for_each(|_| world.round());
        world.end();
        worked += world.ledger().worked;
        replayed += world.ledger().replayed;
        by_owner += world.ledger().replayed_by_owner;
    }
    HonestyCost { replayed: share(replayed, worked), replayed_by_owner: share(by_owner, worked) }
}

#[expect(clippy::cast_precision_loss, reason = "tokens of these runs are below 2^53")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}
