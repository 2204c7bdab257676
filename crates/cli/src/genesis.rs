//! How a ledger begins when no genesis file says otherwise.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use execution::{BaseFeeRule, Genesis, GenesisAccount};
use units::{AccountId, UnixSeconds, Wei};

/// Chain id of a ledger when no flag says otherwise.
pub(crate) const CHAIN_ID_DEFAULT: u64 = 190_711;

/// An account and what it holds in the first block.
pub(crate) type Funds = BTreeMap<AccountId, Wei>;

/// A genesis with Ethereum's fee rule, room for 30 million gas a block at the target, and `funds`.
pub(crate) fn genesis(chain_id: u64, timestamp: UnixSeconds, funds: &Funds) -> Genesis {
    let account = |(account, amount): (&AccountId, &Wei)| {
        let balance = U256::from(amount.as_u128());
        (
            Address::from(*account.as_bytes()),
            GenesisAccount { balance, ..GenesisAccount::default() },
        )
    };
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
        accounts: funds.iter().map(account).collect(),
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
