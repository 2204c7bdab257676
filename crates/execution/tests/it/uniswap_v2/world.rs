//! Ledgers on which Uniswap v2 and WETH9 are either the native modules or the contracts' bytecode.

use abi::{GRAIN, UNISWAP_V2_FACTORY, UNISWAP_V2_ROUTER, WRAPPED_GRAIN};
use alloy_primitives::{Address, Bytes, Log, U256, uint};
use alloy_sol_types::{Revert, SolError as _, SolEvent as _, sol};

use crate::twin::{Ledger, Outcome, World, decoded};

/// Assets whose balances anyone can set, on both sides of wrapped GRAIN's and GRAIN's addresses.
pub(crate) const TOKENS: [Address; 4] = [
    Address::repeat_byte(0x11),
    Address::repeat_byte(0x55),
    Address::repeat_byte(0x77),
    Address::repeat_byte(0xbb),
];
/// A contract that does what it is told, also when it is called back.
pub(crate) const ACTOR: Address = Address::repeat_byte(0xac);
/// Who may turn the protocol's fee on.
pub(crate) const SETTER: Address = Address::repeat_byte(0x5e);
pub(crate) const GAS_LIMIT: u64 = 1 << 40;

const TOKEN_CODE: &str = include_str!("../../../../../testdata/uniswap-v2/token.hex");
const ACTOR_CODE: &str = include_str!("../../../../../testdata/uniswap-v2/actor.hex");
/// The slot of a pair's lock in the contract; the native pair has none.
const LOCK_SLOT: U256 = uint!(12_U256);
/// Slots of name, symbol and decimals in WETH9; the native module has none.
const WETH_CONSTANTS: U256 = uint!(3_U256);

static WORLD: World = World {
    gas_limit: GAS_LIMIT,
    is_own: |address, slot| {
        *slot == LOCK_SLOT || (*address == WRAPPED_GRAIN && *slot < WETH_CONSTANTS)
    },
    comparable: |_, outcome| Outcome {
        output: without_dirt(outcome.output),
        logs: outcome.logs.into_iter().map(without_dirt_inside).collect(),
        ..outcome
    },
};

sol! {
    interface Trading {
        event Done(bool ok, bytes output);
    }
}

/// Returns a ledger with the native modules at a revision.
pub(crate) fn native(revision: u32) -> Ledger {
    let mut ledger = empty(revision);
    for module in [UNISWAP_V2_FACTORY, UNISWAP_V2_ROUTER, WRAPPED_GRAIN] {
        ledger.put(module, Bytes::from_static(&native_kit::MODULE_CODE));
    }
    // The factory's `feeToSetter`, which the contract's constructor sets.
    ledger.write(UNISWAP_V2_FACTORY, U256::ONE, SETTER.into_word().into());
    ledger
}

/// Returns a ledger with GRAIN, tokens and an actor.
pub(crate) fn empty(revision: u32) -> Ledger {
    let mut ledger = Ledger::new(&WORLD, (execution::MODULES, revision), &[GRAIN]);
    for token in TOKENS {
        ledger.put(token, decoded(TOKEN_CODE));
    }
    ledger.put(ACTOR, decoded(ACTOR_CODE));
    ledger
}

/// Returns `Error(string)` with zeros behind the text. Solidity 0.5 and 0.6 copy a message of more than 32 bytes over memory that they have used
/// before, and leave what was there as its padding; no decoder reads it.
fn without_dirt(output: Bytes) -> Bytes {
    if !output.starts_with(&Revert::SELECTOR) {
        return output;
    }
    match Revert::abi_decode(&output) {
        Ok(revert) => revert.abi_encode().into(),
        Err(_) => output,
    }
}

/// Does the same for what the actor tells in its event.
fn without_dirt_inside(log: Log) -> Log {
    match Trading::Done::decode_log(&log) {
        Ok(Log { address, data: Trading::Done { ok, output } }) => {
            let data = Trading::Done { ok, output: without_dirt(output) }.encode_log_data();
            Log { address, data }
        }
        Err(_) => log,
    }
}
