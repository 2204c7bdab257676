//! The default genesis file of a new ledger.

use std::collections::BTreeMap;

use abi::convert;
use alloy_primitives::{Address, Bytes, U256, address, bytes};
use execution::{BaseFeeRule, Genesis, GenesisAccount, MODULES, Revision, Schedule};
use units::{AccountId, UnixSeconds, Wei};

/// Default chain id of a new ledger.
pub(crate) const CHAIN_ID_DEFAULT: u64 = 190_711;

/// The proxy that deploys contracts with `CREATE2` for anyone, at the address where other chains have it: foundry and
/// others deploy with it, so that a contract has the same address everywhere. It could be created by its transaction,
/// which contains no chain id; here it exists from the beginning, as on development nodes.
///
/// Source: the deterministic deployment proxy of Arachnid, its runtime code.
pub(crate) const DEPLOYER: (Address, Bytes) = (
    address!("0x4e59b44847b379578588920cA78FbF26c0B4956C"),
    bytes!(
        "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
    ),
);

/// Balance of the node's relay account in a new ledger, 100 GRAIN: enough for some hundred thousand statements. The fees of
/// runs refill it.
pub(crate) const RELAY_FUNDS: Wei = Wei::new(100_000_000_000_000_000_000);

/// Returns what a new ledger of one node has besides its genesis file: the node is the referee and relays statements.
pub(crate) fn founding() -> node::Founding {
    node::Founding::Solo { relay_funds: U256::from(RELAY_FUNDS.as_u128()) }
}

/// Accounts and their balances in the first block.
pub(crate) type Funds = BTreeMap<AccountId, Wei>;

/// Returns a genesis file with Ethereum's fee rule, a gas target of 30 million per block, `funds`, and the
/// [`DEPLOYER`].
pub(crate) fn genesis(chain_id: u64, timestamp: UnixSeconds, funds: &Funds) -> Genesis {
    let account = |(account, amount): (&AccountId, &Wei)| {
        let balance = U256::from(amount.as_u128());
        (convert::address(*account), GenesisAccount { balance, ..GenesisAccount::default() })
    };
    let mut accounts: BTreeMap<_, _> = funds.iter().map(account).collect();
    let (address, code) = DEPLOYER;
    accounts.entry(address).or_default().code = code;
    Genesis {
        chain_id,
        timestamp: timestamp.as_u64(),
        gas_limit: 60_000_000,
        base_fee: BaseFeeRule {
            initial: 1_000_000_000,
            minimum: 1_000_000,
            change_denominator: 8,
            elasticity: 2,
        },
        fee_recipient: Address::ZERO,
        commitment: 2,
        revisions: Schedule::starting_with(Revision::new(MODULES.newest())),
        referees: None,
        price_reporters: None,
        accounts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_genesis_is_valid() {
        let funds = Funds::from([(AccountId::from_bytes([7; 20]), Wei::new(5))]);
        genesis(CHAIN_ID_DEFAULT, UnixSeconds::new(1), &funds).validate().unwrap();
    }
}
