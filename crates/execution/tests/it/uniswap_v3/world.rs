//! Ledgers on which Uniswap v3 is either the native modules or the contracts' bytecode.

use std::sync::LazyLock;

use abi::{
    GRAIN, UNISWAP_V3_FACTORY, UNISWAP_V3_POSITIONS, UNISWAP_V3_QUOTER, UNISWAP_V3_ROUTER,
    WRAPPED_GRAIN,
};
use alloy_primitives::{Address, Bytes, U256, keccak256, uint};
use execution::ModuleTable;
use native_kit::Place;

use crate::twin::{Ledger, Outcome, Step, World, decoded};

/// Assets whose balances anyone can set, on both sides of GRAIN's address.
pub(crate) const TOKENS: [Address; 3] =
    [Address::repeat_byte(0x11), Address::repeat_byte(0x77), Address::repeat_byte(0xbb)];
/// Contracts that do what they are told, also when they are called back.
pub(crate) const ACTORS: [Address; 2] = [Address::repeat_byte(0xac), Address::repeat_byte(0xad)];
/// Who may set the protocol's part of the fees.
pub(crate) const OWNER: Address = Address::repeat_byte(0x5e);
pub(crate) const GAS_LIMIT: u64 = 1 << 34;

const TOKEN_CODE: &str = include_str!("../../../../../testdata/uniswap-v2/token.hex");
const ACTOR_CODE: &str = include_str!("../../../../../testdata/uniswap-v3/actor.hex");
/// Slots of a native pool that the contract does not have: what is part of its code.
const IMMUTABLE_SLOTS: [U256; 2] = [uint!(65543_U256), uint!(65544_U256)];
/// The factory's owner.
const OWNER_SLOT: U256 = uint!(3_U256);
/// The factory's mapping of fees; three of them are rules of the native factory.
const FEES_SLOT: u64 = 4;
const FEES: [u64; 3] = [500, 3_000, 10_000];
/// The position manager's counters.
const COUNTERS_SLOT: U256 = uint!(13_U256);
/// Its name and symbol, which are constants of the native module.
const NAME_SLOTS: [U256; 2] = [uint!(6_U256), uint!(7_U256)];
/// Its interfaces, as keys of the mapping at slot 0.
const INTERFACES: [u32; 4] = [0x01ff_c9a7, 0x80ac_58cd, 0x5b5e_139f, 0x780e_9d63];

static WORLD: World = World { gas_limit: GAS_LIMIT, is_own, comparable };

static FEE_SLOTS: LazyLock<[U256; 3]> =
    LazyLock::new(|| FEES.map(|fee| entry(U256::from(fee), FEES_SLOT)));
static INTERFACE_SLOTS: LazyLock<[U256; 4]> =
    LazyLock::new(|| INTERFACES.map(|id| entry(U256::from(id).wrapping_shl(224), 0)));

/// Returns the slot of a mapping's entry.
fn entry(key: U256, slot: u64) -> U256 {
    let key = [key.to_be_bytes::<32>(), U256::from(slot).to_be_bytes::<32>()];
    U256::from_be_bytes(keccak256(key.concat()).0)
}

fn is_own(address: &Address, slot: &U256) -> bool {
    let is_constant = || NAME_SLOTS.contains(slot) || INTERFACE_SLOTS.contains(slot);
    IMMUTABLE_SLOTS.contains(slot)
        || (*address == UNISWAP_V3_FACTORY && FEE_SLOTS.contains(slot))
        || (*address == UNISWAP_V3_POSITIONS && is_constant())
}

/// Takes out the quoter's estimate of gas, which is that of the native modules.
fn comparable(step: &Step, outcome: Outcome) -> Outcome {
    if step.to != UNISWAP_V3_QUOTER || !outcome.is_done || outcome.output.len() < 128 {
        return outcome;
    }
    let mut output = outcome.output.to_vec();
    output[96..128].fill(0);
    Outcome { output: output.into(), ..outcome }
}

/// Returns a ledger with the native modules at a revision.
pub(crate) fn native(revision: u32) -> Ledger {
    let mut ledger = empty(execution::MODULES, revision);
    for module in places(execution::MODULES) {
        ledger.put(module, Bytes::from_static(&native_kit::MODULE_CODE));
    }
    // What the contracts' constructors write.
    ledger.write(UNISWAP_V3_FACTORY, OWNER_SLOT, OWNER.into_word().into());
    ledger.write(UNISWAP_V3_ROUTER, U256::ZERO, U256::MAX);
    ledger.write(UNISWAP_V3_POSITIONS, COUNTERS_SLOT, U256::ONE | (U256::ONE << 176));
    ledger
}

/// Returns a ledger with GRAIN, wrapped GRAIN, tokens and actors, and the modules of a table.
pub(crate) fn empty(table: ModuleTable, revision: u32) -> Ledger {
    let mut ledger = Ledger::new(&WORLD, (table, revision), &[GRAIN, WRAPPED_GRAIN]);
    for token in TOKENS {
        ledger.put(token, decoded(TOKEN_CODE));
    }
    for actor in ACTORS {
        ledger.put(actor, decoded(ACTOR_CODE));
    }
    ledger
}

/// Returns the addresses of all modules that have one from the beginning.
pub(crate) fn places(table: ModuleTable) -> Vec<Address> {
    let place = |place| match place {
        Place::At(address) => Some(address),
        Place::Reserved(_) | Place::Instances(_) => None,
    };
    table.rows().iter().filter_map(|module| place(module.place)).collect()
}
