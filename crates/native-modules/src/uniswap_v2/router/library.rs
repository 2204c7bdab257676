//! Quotes along paths, and where pairs are.

use ::amm::constant_product::{
    Amounts, Depth, QuoteError, amount_in_up, amount_out_down, quote_down,
};
use alloy_primitives::{Address, U256};
use native_kit::{Failure, Host};

use crate::uniswap_v2::{ADDRESS_GAS, arithmetic, empty, pair::reserves_of, pair_address};

/// Gas for the arithmetic of a quote.
const QUOTE_GAS: u64 = 60;

/// A pair in the direction of a trade.
#[derive(Clone, Copy)]
pub(super) struct Hop {
    pub(super) pair: Address,
    /// Whether the asset that is given is the pair's asset 0.
    pub(super) gives_token0: bool,
}

impl Hop {
    /// Returns the pair of two assets, whether or not it was created.
    pub(super) fn of(host: &mut dyn Host, given: Address, got: Address) -> Result<Self, Failure> {
        let (token0, token1) = sorted(given, got)?;
        let pair = pair_address(host, (token0, token1))?;
        Ok(Self { pair, gives_token0: given == token0 })
    }

    /// Returns this pair where the contract computes it once more, for the same gas.
    pub(super) fn again(self, host: &mut dyn Host) -> Result<Self, Failure> {
        host.charge(ADDRESS_GAS)?;
        Ok(self)
    }

    /// Returns the reserves of the asset that is given and of the other.
    pub(super) fn reserves(self, host: &mut dyn Host) -> Result<(U256, U256), Failure> {
        if !host.has_code(self.pair)? {
            return Err(empty());
        }
        let Amounts { amount0, amount1 } = reserves_of(host, self.pair)?.amounts();
        Ok(if self.gives_token0 { (amount0, amount1) } else { (amount1, amount0) })
    }
}

/// Returns two assets in the order in which a pair has them.
pub(super) fn sorted(a: Address, b: Address) -> Result<(Address, Address), Failure> {
    if a == b {
        return Err(Failure::message("UniswapV2Library: IDENTICAL_ADDRESSES"));
    }
    let (token0, token1) = abi::sorted(a, b);
    if token0.is_zero() {
        return Err(Failure::message("UniswapV2Library: ZERO_ADDRESS"));
    }
    Ok((token0, token1))
}

pub(super) fn quote(amount: U256, reserves: (U256, U256)) -> Result<U256, Failure> {
    let result = quote_down(amount, depth(reserves));
    result.map_err(|error| quote_failure(error, "UniswapV2Library: INSUFFICIENT_AMOUNT"))
}

pub(super) fn amount_out(amount: U256, reserves: (U256, U256)) -> Result<U256, Failure> {
    let result = amount_out_down(amount, depth(reserves));
    result.map_err(|error| quote_failure(error, "UniswapV2Library: INSUFFICIENT_INPUT_AMOUNT"))
}

pub(super) fn amount_in(amount: U256, reserves: (U256, U256)) -> Result<U256, Failure> {
    let result = amount_in_up(amount, depth(reserves));
    result.map_err(|error| quote_failure(error, "UniswapV2Library: INSUFFICIENT_OUTPUT_AMOUNT"))
}

/// A path with its pairs, and the amount of each asset along it.
pub(super) struct Quoted {
    pub(super) amounts: Vec<U256>,
    pub(super) hops: Vec<Hop>,
}

impl Quoted {
    fn new(path: &[Address], amount: U256) -> Result<Self, Failure> {
        super::check_limit(path.len() >= 2, "UniswapV2Library: INVALID_PATH")?;
        let (mut amounts, hops) = (Vec::with_capacity(path.len()), Vec::with_capacity(path.len()));
        amounts.push(amount);
        Ok(Self { amounts, hops })
    }

    pub(super) fn first_hop(&self) -> Result<Hop, Failure> {
        self.hops.first().copied().ok_or_else(empty)
    }

    /// Returns the amount of the first asset.
    pub(super) fn first(&self) -> Result<U256, Failure> {
        self.amounts.first().copied().ok_or_else(empty)
    }

    /// Returns the amount of the last asset.
    pub(super) fn last(&self) -> Result<U256, Failure> {
        self.amounts.last().copied().ok_or_else(empty)
    }
}

/// Returns the amount of each asset along a path, from the first on.
pub(super) fn amounts_out(
    host: &mut dyn Host,
    amount: U256,
    path: &[Address],
) -> Result<Quoted, Failure> {
    let mut quoted = Quoted::new(path, amount)?;
    let mut amount = amount;
    for assets in path.windows(2) {
        let hop = Hop::of(host, assets[0], assets[1])?;
        let reserves = hop.reserves(host)?;
        host.charge(QUOTE_GAS)?;
        amount = amount_out(amount, reserves)?;
        quoted.hops.push(hop);
        quoted.amounts.push(amount);
    }
    Ok(quoted)
}

/// Returns the amount of each asset along a path, computed from the last back.
pub(super) fn amounts_in(
    host: &mut dyn Host,
    amount: U256,
    path: &[Address],
) -> Result<Quoted, Failure> {
    let mut quoted = Quoted::new(path, amount)?;
    let mut amount = amount;
    for assets in path.windows(2).rev() {
        let hop = Hop::of(host, assets[0], assets[1])?;
        let reserves = hop.reserves(host)?;
        host.charge(QUOTE_GAS)?;
        amount = amount_in(amount, reserves)?;
        quoted.hops.push(hop);
        quoted.amounts.push(amount);
    }
    quoted.hops.reverse();
    quoted.amounts.reverse();
    Ok(quoted)
}

fn depth((reserve_in, reserve_out): (U256, U256)) -> Depth {
    Depth { reserve_in, reserve_out }
}

fn quote_failure(error: QuoteError, no_amount: &str) -> Failure {
    match error {
        QuoteError::NoAmount => Failure::message(no_amount),
        QuoteError::NoLiquidity => Failure::message("UniswapV2Library: INSUFFICIENT_LIQUIDITY"),
        QuoteError::Arithmetic(error) => arithmetic(error),
    }
}
