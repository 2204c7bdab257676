//! The native modules of the ledger: thin adapters between Solidity interfaces and rules.
//!
//! A module has three thin parts: an interface (`abi`), storage in Solidity's layout, and one function for each
//! function of the interface, which decodes the call, loads what the rule needs, applies the rule of a rules crate,
//! stores the result and emits its effects. Rules decide; modules only translate. What applies to every module (known
//! functions, value, static calls, reentrancy, metering) is in `native-kit`.
//!
//! [`TABLE`] lists all modules, one row each. To add one, start at `docs/native-modules.md`.
//!
//! Modules: `Devices`, `TrainingRuns`, `Referees`, GRAIN as an ERC-20, `Assets`, and every asset that it created, each at an
//! address of its own; Uniswap v2 (`uniswap_v2`) and v3 (`uniswap_v3`) with their pairs and pools, and `WrappedGrain`.
//! `StakingRewards`, `MasterChef` with its `RewardReserve`, and `Vault`: each has a factory and many instances.
//! `PriceFeeds`, and every feed that it created. `MarketLens`: views of pools, positions and stakes. `Parameters`: figures of other modules that a vote may change; `Treasury`: what votes may spend; `Brake`:
//! who would rather leave delays what was decided; `StakeHouse` and `WorkHouse`: who has how many votes.
//! `Governor`, in which two houses vote; `GovernorFactory` and its `TokenGovernor`s over any token with votes.
//! `Issuance`: new GRAIN for work that was checked. `Revisions`: votes extend the schedule of rules.

mod assets;
mod brake;
mod breakers;
mod devices;
mod ended;
mod erc20;
mod governor;
mod grain;
mod houses;
mod issuance;
mod juries;
mod market_lens;
mod master_chef;
mod openzeppelin;
mod parameters;
pub mod price_feeds;
pub mod referees;
mod registry;
pub mod revisions;
mod shares;
mod signature;
mod staking_rewards;
mod table;
pub mod tokens;
mod training_runs;
mod treasury;
mod uniswap_v2;
mod uniswap_v3;
mod vault;
mod wrapped_grain;

#[cfg(test)]
mod tests;

pub use governor::proven::{ReadWord, proposal, proposal_id};
pub use grain::GRAIN_SUPPLY;
pub use issuance::ISSUER;
pub use juries::proven::{
    JuryCase, SeatDrawn, SeatError, jury_case, jury_commitment, jury_seat, jury_seats,
};
pub use table::{NEWEST_REVISION, TABLE, is_reserved};
