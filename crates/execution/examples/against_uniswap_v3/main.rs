//! Compares the native Uniswap v3 with the bytecode of the contracts, in random sequences of calls on two ledgers that differ in nothing else.
//!
//! What must be equal is said in `comparison`. The bytecode is not ours and not in the repository: `scripts/reference/uniswap_v3.mjs` takes it out of its packages.
//!
//! ```text
//! cargo run --release -p execution --example against_uniswap_v3 -- FOLDER COUNT [FIRST_SEED]
//! cargo run --release -p execution --example against_uniswap_v3 -- FOLDER record TESTDATA
//! ```

#![expect(clippy::print_stdout, reason = "the report is for people")]

#[path = "../twins/comparison.rs"]
mod comparison;
#[path = "../twins/reference.rs"]
mod reference;
#[path = "../../tests/it/twin.rs"]
mod twin;
#[path = "../../tests/it/uniswap_v3/world.rs"]
mod world;

mod draws;
mod game;
mod getters;
mod periphery;
mod positions;
mod prepare;
mod steps;

fn main() {
    comparison::run::<steps::Generator>("against_uniswap_v3");
}
