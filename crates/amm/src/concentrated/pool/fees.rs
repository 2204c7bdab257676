//! Loans for the length of a call, and the protocol's part of the fees.

use alloy_primitives::{U256, uint};
use fixed_point::{Q128, accumulated_wrapping, mul_div_up};

use super::Pool;
use crate::concentrated::{Asset, Book, Owed, Refused, Slot0};

const WHOLE: U256 = uint!(1_000_000_U256);

/// The fees of a loan, and the liquidity that they are shared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flash {
    /// In asset 0, rounded up.
    pub fee0: U256,
    /// In asset 1, rounded up.
    pub fee1: U256,
    liquidity: u128,
}

/// What is paid out to the protocol. `None` where nothing is owed or nothing was asked for, so that the asset is not called; of a single unit, 0 is paid,
/// as in the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolCollected {
    /// Of asset 0.
    pub amount0: Option<u128>,
    /// Of asset 1.
    pub amount1: Option<u128>,
}

impl<B: Book> Pool<'_, B> {
    /// Begins a loan of both assets and returns its fees. The pool stays locked until it was paid back.
    ///
    /// # Errors
    /// [`Refused::Locked`]; [`Refused::NoLiquidity`].
    pub fn flash(&mut self, amount0: U256, amount1: U256) -> Result<Flash, B::Error> {
        self.lock()?;
        let liquidity = self.book.liquidity()?;
        if liquidity == 0 {
            return Err(Refused::NoLiquidity.into());
        }
        let part = U256::from(self.book.terms()?.fee);
        let fee = |amount| mul_div_up(amount, part, WHOLE).map_err(Refused::from);
        Ok(Flash { fee0: fee(amount0)?, fee1: fee(amount1)?, liquidity })
    }

    /// Shares what was paid beyond the loan: first the protocol's part, rounded down, then the rest by the liquidity of when the loan began. The pool stays
    /// locked.
    ///
    /// # Errors
    /// [`Refused::Arithmetic`] when the growth of fees does not fit.
    pub fn share_flash(&mut self, flash: &Flash, paid0: U256, paid1: U256) -> Result<(), B::Error> {
        if paid0.is_zero() && paid1.is_zero() {
            return Ok(());
        }
        let divisors = self.book.slot0()?.protocol_fee;
        let (of0, growth0) = shared(paid0, divisors & 0x0f, flash.liquidity)?;
        let (of1, growth1) = shared(paid1, divisors.wrapping_shr(4), flash.liquidity)?;
        let more = Owed { of0, of1 };
        if !more.is_zero() {
            let owed = self.book.protocol_fees()?.with(more);
            self.book.set_protocol_fees(&owed)?;
        }
        for (asset, more) in [(Asset::Zero, growth0), (Asset::One, growth1)] {
            if !more.is_zero() {
                let growth = accumulated_wrapping(self.book.fee_growth(asset)?, more);
                self.book.set_fee_growth(asset, growth)?;
            }
        }
        Ok(())
    }

    /// Sets the protocol's parts of the fees, as divisors, and returns those before. The caller has checked who asks.
    ///
    /// # Errors
    /// [`Refused::Locked`]; [`Refused::ProtocolFee`] unless each is 0 or from 4 to 10.
    pub fn set_protocol_fee(&mut self, of0: u8, of1: u8) -> Result<(u8, u8), B::Error> {
        let slot0 = self.unlocked()?;
        if [of0, of1].iter().any(|divisor| *divisor != 0 && !(4..=10).contains(divisor)) {
            return Err(Refused::ProtocolFee.into());
        }
        let before = slot0.protocol_fee;
        let protocol_fee = of0 | of1.wrapping_shl(4);
        self.book.set_slot0(&Slot0 { protocol_fee, ..slot0 })?;
        Ok((before & 0x0f, before.wrapping_shr(4)))
    }

    /// Takes out what the protocol is owed, at most `most`; of all of an asset, one unit stays, so that the slot is not cleared. The pool stays locked
    /// until it was paid. The caller has checked who asks.
    ///
    /// # Errors
    /// [`Refused::Locked`].
    pub fn collect_protocol(&mut self, most: Owed) -> Result<ProtocolCollected, B::Error> {
        self.lock()?;
        let owed = self.book.protocol_fees()?;
        let amount0 = all_but_one(owed.of0, most.of0);
        let amount1 = all_but_one(owed.of1, most.of1);
        let of0 = owed.of0.saturating_sub(amount0.unwrap_or_default());
        let of1 = owed.of1.saturating_sub(amount1.unwrap_or_default());
        self.book.set_protocol_fees(&Owed { of0, of1 })?;
        Ok(ProtocolCollected { amount0, amount1 })
    }

    /// Refuses while a call runs: for functions whose caller is checked next.
    ///
    /// # Errors
    /// [`Refused::Locked`].
    pub fn check_unlocked(&mut self) -> Result<(), B::Error> {
        self.unlocked().map(|_| ())
    }
}

/// Returns the protocol's part of what was paid, cut to 128 bits, and the growth of fees by the rest.
fn shared(paid: U256, divisor: u8, liquidity: u128) -> Result<(u128, U256), Refused> {
    let part = paid.checked_div(U256::from(divisor)).unwrap_or_default();
    let growth = Q128.div_down(paid.saturating_sub(part), U256::from(liquidity))?;
    Ok((part.wrapping_to(), growth))
}

fn all_but_one(owed: u128, most: u128) -> Option<u128> {
    let taken = owed.min(most);
    (taken > 0).then(|| if taken == owed { taken.saturating_sub(1) } else { taken })
}
