//! One pair: what it holds, and each operation on it.

use alloy_primitives::{U256, aliases::U112, uint};
use fixed_point::isqrt_down;

use super::{
    Prices,
    arithmetic::{ArithmeticError, add, div_down, mul, sub},
    quote::{less_fee, scaled},
};

/// Shares that the first mint gives to nobody, so that a share can't be made expensive for those who come later.
pub const MINIMUM_LIQUIDITY: U256 = uint!(1_000_U256);

/// An amount of each asset of a pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Of asset 0.
    pub amount0: U256,
    /// Of asset 1.
    pub amount1: U256,
}

/// What a pair counts as its own, and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reserves {
    /// Of asset 0.
    pub reserve0: U112,
    /// Of asset 1.
    pub reserve1: U112,
    /// Second of the last update, modulo 2^32.
    pub updated_at: u32,
}

/// What [`mint_down`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minted {
    /// What has arrived.
    pub amounts: Amounts,
    /// Shares for the caller.
    pub liquidity: U256,
    /// Shares for nobody: [`MINIMUM_LIQUIDITY`] with the first mint, then 0.
    pub locked: U256,
}

/// Why an operation on a pair is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A swap asks for nothing.
    #[error("the swap asks for nothing: ask for at least 1 of an asset")]
    NoOutput,
    /// A swap asks for a whole reserve, or more.
    #[error("the swap asks for a whole reserve or more: ask for less")]
    OutputAboveReserves,
    /// Nothing has arrived.
    #[error("nothing was paid for the swap: send the input first, or from the callback")]
    NoInput,
    /// The balances after a swap, less the fee, have a lower product than the reserves.
    #[error("too little was paid for the swap: the product of the reserves would fall")]
    ProductFalls,
    /// What has arrived is worth less than one share.
    #[error("what has arrived is worth less than one share: send more of both assets")]
    NoLiquidityMinted,
    /// The shares are worth less than one unit of an asset.
    #[error("the shares are worth less than one unit of an asset: burn more")]
    NoLiquidityBurned,
    /// A balance has more than 112 bits.
    #[error("a balance needs more than 112 bits: the pair cannot count it")]
    ReserveOverflow,
    /// No result in 256 bits.
    #[error(transparent)]
    Arithmetic(#[from] ArithmeticError),
}

impl Reserves {
    /// Returns both as amounts.
    #[must_use]
    pub fn amounts(self) -> Amounts {
        Amounts { amount0: U256::from(self.reserve0), amount1: U256::from(self.reserve1) }
    }

    /// Returns whether the accumulators grow until `now` (seconds modulo 2^32): time has passed, and there was a price.
    #[must_use]
    pub fn moves_prices(self, now: u32) -> bool {
        now != self.updated_at && !self.reserve0.is_zero() && !self.reserve1.is_zero()
    }

    /// Returns the reserves that `balances` become at `now` (seconds modulo 2^32), and the accumulators, which the *old* reserves
    /// move.
    ///
    /// # Errors
    /// [`Refused::ReserveOverflow`].
    ///
    /// Source: Uniswap v2 whitepaper, sections 2.2 and 2.2.1; `UniswapV2Pair._update`.
    pub fn update(
        self,
        prices: Prices,
        balances: Amounts,
        now: u32,
    ) -> Result<(Self, Prices), Refused> {
        let narrow = |balance: U256| {
            let is_small = balance.bit_len() <= U112::BITS;
            is_small.then(|| balance.wrapping_to::<U112>()).ok_or(Refused::ReserveOverflow)
        };
        let (reserve0, reserve1) = (narrow(balances.amount0)?, narrow(balances.amount1)?);
        Ok((Self { reserve0, reserve1, updated_at: now }, prices.at(self, now)))
    }
}

/// Returns `k`, the product of the reserves: at most 224 bits.
#[must_use]
pub fn product(reserves: Reserves) -> U256 {
    U256::from(reserves.reserve0).wrapping_mul(U256::from(reserves.reserve1))
}

/// Returns the shares that the protocol is owed for the growth of √k since the last mint or burn, rounded down: a sixth of the
/// growth, paid by all shares alike.
///
/// `L = T·(√k − √k₀) / (5·√k + √k₀)`, with the square roots rounded down. `k_last` is `k₀`; 0 means that no fee has been counted since
/// it was turned on, and nothing is owed. So is nothing if k has fallen.
///
/// # Errors
/// [`ArithmeticError`]: for a supply of at most 2^143 there is none.
///
/// Source: Uniswap v2 whitepaper, section 2.4; `UniswapV2Pair._mintFee`.
pub fn protocol_fee_down(
    reserves: Reserves,
    k_last: U256,
    supply: U256,
) -> Result<U256, ArithmeticError> {
    if k_last.is_zero() {
        return Ok(U256::ZERO);
    }
    let (root, root_last) = (isqrt_down(product(reserves)), isqrt_down(k_last));
    if root <= root_last {
        return Ok(U256::ZERO);
    }
    let numerator = mul(supply, sub(root, root_last)?)?;
    let denominator = add(mul(root, uint!(5_U256))?, root_last)?;
    div_down(numerator, denominator)
}

/// Returns the shares for what has arrived since the last update, rounded down. `supply` is after the protocol's fee.
///
/// The first time `√(a₀·a₁) − 1000`, later the lesser of `a₀·T/R₀` and `a₁·T/R₁`: who brings the assets in another proportion gives the
/// rest to all.
///
/// # Errors
/// [`Refused`].
///
/// Source: Uniswap v2 whitepaper, section 3.4; `UniswapV2Pair.mint`.
pub fn mint_down(reserves: Reserves, balances: Amounts, supply: U256) -> Result<Minted, Refused> {
    let amounts = surplus(reserves, balances)?;
    let Amounts { amount0, amount1 } = amounts;
    let (liquidity, locked) = if supply.is_zero() {
        let root = isqrt_down(mul(amount0, amount1)?);
        (sub(root, MINIMUM_LIQUIDITY)?, MINIMUM_LIQUIDITY)
    } else {
        let held = reserves.amounts();
        let of0 = div_down(mul(amount0, supply)?, held.amount0)?;
        let of1 = div_down(mul(amount1, supply)?, held.amount1)?;
        (of0.min(of1), U256::ZERO)
    };
    if liquidity.is_zero() {
        return Err(Refused::NoLiquidityMinted);
    }
    Ok(Minted { amounts, liquidity, locked })
}

/// Returns what `liquidity` shares are worth, rounded down: their part of the *balances*, so that gifts go to those who stay and
/// who leave alike. `supply` is after the protocol's fee and contains the shares.
///
/// # Errors
/// [`Refused::NoLiquidityBurned`]; [`Refused::Arithmetic`].
///
/// Source: Uniswap v2 whitepaper, section 3.4; `UniswapV2Pair.burn`.
pub fn burn_down(balances: Amounts, liquidity: U256, supply: U256) -> Result<Amounts, Refused> {
    let amount0 = div_down(mul(liquidity, balances.amount0)?, supply)?;
    let amount1 = div_down(mul(liquidity, balances.amount1)?, supply)?;
    if amount0.is_zero() || amount1.is_zero() {
        return Err(Refused::NoLiquidityBurned);
    }
    Ok(Amounts { amount0, amount1 })
}

/// Checks what a swap asks for, before anything is paid: something, and less than each reserve.
///
/// # Errors
/// [`Refused::NoOutput`], [`Refused::OutputAboveReserves`].
///
/// Source: `UniswapV2Pair.swap`.
pub fn check_outputs(reserves: Reserves, outputs: Amounts) -> Result<(), Refused> {
    if outputs == Amounts::default() {
        return Err(Refused::NoOutput);
    }
    let held = reserves.amounts();
    if outputs.amount0 >= held.amount0 || outputs.amount1 >= held.amount1 {
        return Err(Refused::OutputAboveReserves);
    }
    Ok(())
}

/// Returns what was paid for a swap, after `outputs` were paid out and the receiver was called back.
///
/// An input is what the balance exceeds the rest of the reserve by. With inputs `a` and balances `b` the swap must satisfy `(1000·b₀ −
/// 3·a₀)·(1000·b₁ − 3·a₁) ≥ 1000²·R₀·R₁`.
///
/// # Errors
/// [`Refused::NoInput`], [`Refused::ProductFalls`], [`Refused::Arithmetic`]; [`Refused::OutputAboveReserves`] if [`check_outputs`] was left
/// out.
///
/// Source: Uniswap v2 whitepaper, section 3.2.1; `UniswapV2Pair.swap`.
pub fn settle_swap(
    reserves: Reserves,
    outputs: Amounts,
    balances: Amounts,
) -> Result<Amounts, Refused> {
    let held = reserves.amounts();
    let input = |balance: U256, held: U256, output: U256| {
        let rest = held.checked_sub(output).ok_or(Refused::OutputAboveReserves)?;
        Ok::<_, Refused>(balance.saturating_sub(rest))
    };
    let inputs = Amounts {
        amount0: input(balances.amount0, held.amount0, outputs.amount0)?,
        amount1: input(balances.amount1, held.amount1, outputs.amount1)?,
    };
    if inputs == Amounts::default() {
        return Err(Refused::NoInput);
    }
    let counted0 = less_fee(balances.amount0, inputs.amount0)?;
    let counted1 = less_fee(balances.amount1, inputs.amount1)?;
    if mul(counted0, counted1)? < scaled(product(reserves))? {
        return Err(Refused::ProductFalls);
    }
    Ok(inputs)
}

/// Returns what the pair holds beyond its reserves.
///
/// # Errors
/// [`ArithmeticError::Subtraction`] when it holds less: an asset has taken balance away. [`Reserves::update`] accepts that.
///
/// Source: Uniswap v2 whitepaper, section 3.3; `UniswapV2Pair.skim`, `mint`.
pub fn surplus(reserves: Reserves, balances: Amounts) -> Result<Amounts, ArithmeticError> {
    Ok(Amounts {
        amount0: surplus_of(reserves.reserve0, balances.amount0)?,
        amount1: surplus_of(reserves.reserve1, balances.amount1)?,
    })
}

/// Returns [`surplus`] of one asset: paying it out may change what the pair holds of the other.
///
/// # Errors
/// As of [`surplus`].
pub fn surplus_of(reserve: U112, balance: U256) -> Result<U256, ArithmeticError> {
    sub(balance, U256::from(reserve))
}
