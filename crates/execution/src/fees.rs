//! The base fee of the next block.

use alloy_consensus::Header;
use serde::{Deserialize, Serialize};

/// The rule of the base fee. All fees are in the smallest unit per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseFeeRule {
    /// Base fee of the genesis block.
    pub initial: u64,
    /// Smallest base fee.
    pub minimum: u64,
    /// A full block raises the fee by `(elasticity − 1) / change_denominator`; 8 on Ethereum.
    pub change_denominator: u64,
    /// Gas limit over gas target; 2 on Ethereum.
    pub elasticity: u64,
}

/// Returns the base fee of the block after `parent`, in the smallest unit per gas, rounded down, never below the
/// rule's minimum.
///
/// `fee' = fee ± fee·|used − target| / target / denominator`, at least 1 up when `used > target`; saturates at the top.
///
/// Source: EIP-1559, section Specification.
#[must_use]
pub fn next_base_fee(parent: &Header, rule: &BaseFeeRule) -> u64 {
    let fee = parent.base_fee_per_gas.unwrap_or(rule.initial);
    let target = parent.gas_limit / rule.elasticity.max(1);
    if target == 0 || rule.change_denominator == 0 {
        return fee.max(rule.minimum);
    }
    let moved = |distance: u64| -> u64 {
        // fee, distance < 2^64: the product fits; EIP-1559 divides twice, each time rounding down.
        let product = u128::from(fee) * u128::from(distance);
        let moved = product / u128::from(target) / u128::from(rule.change_denominator);
        u64::try_from(moved).unwrap_or(u64::MAX)
    };
    let next = match parent.gas_used.checked_sub(target) {
        Some(0) => fee,
        Some(above) => fee.saturating_add(moved(above).max(1)),
        None => fee.saturating_sub(moved(target - parent.gas_used)),
    };
    next.max(rule.minimum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};

    const RULE: BaseFeeRule =
        BaseFeeRule { initial: 1_000, minimum: 0, change_denominator: 8, elasticity: 2 };

    fn next(gas_used: u64, gas_limit: u64, fee: u64, rule: &BaseFeeRule) -> u64 {
        let parent =
            Header { gas_used, gas_limit, base_fee_per_gas: Some(fee), ..Header::default() };
        next_base_fee(&parent, rule)
    }

    #[test]
    fn the_base_fee_moves_as_in_alloy() {
        for gas_used in
            [0, 1, 7_499_999, 14_999_999, 15_000_000, 15_000_001, 29_999_999, 30_000_000]
        {
            for fee in [0, 1, 7, 8, 9, 1_000_000_007, 1 << 40] {
                let expected =
                    calc_next_block_base_fee(gas_used, 30_000_000, fee, BaseFeeParams::ethereum());
                assert_eq!(next(gas_used, 30_000_000, fee, &RULE), expected, "{gas_used} {fee}");
            }
        }
    }

    #[test]
    fn stays_between_its_bounds() {
        let rule = BaseFeeRule { minimum: 900, ..RULE };
        assert_eq!(next(0, 30_000_000, 1_000, &rule), 900);
        assert_eq!(next(30_000_000, 30_000_000, u64::MAX - 3, &rule), u64::MAX);
        assert_eq!(
            next(5, 1, 1_000, &rule),
            1_000,
            "a limit too small for a target changes nothing"
        );
    }
}
