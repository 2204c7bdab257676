//! A whole pair in memory: the order of the rules, and the invariants that hold after every step.

use alloy_primitives::U256;

use super::{
    Amounts, MINIMUM_LIQUIDITY, Prices, Refused, Reserves,
    arithmetic::{add, sub},
    burn_down, check_outputs, mint_down, product, protocol_fee_down, settle_swap, surplus,
};

/// A pair with its balances and its shares, for tests, models and fuzzing. It counts shares by class, not by owner.
///
/// On `Err` nothing has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// What it holds.
    pub balances: Amounts,
    /// What it counts as its own.
    pub reserves: Reserves,
    /// Its price accumulators.
    pub prices: Prices,
    /// All shares.
    pub supply: U256,
    /// Shares of the protocol.
    pub protocol_shares: U256,
    /// Shares of nobody.
    pub locked_shares: U256,
    /// Shares of everybody else.
    pub held_shares: U256,
    /// The product of the reserves after the last mint or burn while the protocol's fee was on; 0 while it is off.
    pub k_last: U256,
    /// Whether the protocol takes its fee.
    pub fee: Fee,
}

/// Whether the protocol takes its part of the trading fees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fee {
    /// All trading fees belong to the shares.
    #[default]
    Off,
    /// A sixth of them belongs to the protocol.
    On,
}

impl Pool {
    /// Receives assets without giving anything for them: a gift, or the payment of what follows.
    ///
    /// # Errors
    /// [`Refused::Arithmetic`] when a balance has more than 256 bits, which no asset has.
    pub fn receive(&mut self, amounts: Amounts) -> Result<(), Refused> {
        let amount0 = add(self.balances.amount0, amounts.amount0)?;
        let amount1 = add(self.balances.amount1, amounts.amount1)?;
        self.balances = Amounts { amount0, amount1 };
        Ok(())
    }

    /// Loses assets for nothing, as by an asset that lowers balances.
    ///
    /// # Errors
    /// [`Refused::Arithmetic`] when there is less.
    pub fn lose(&mut self, amounts: Amounts) -> Result<(), Refused> {
        self.balances = less(self.balances, amounts)?;
        Ok(())
    }

    /// Gives shares for what has arrived, and returns how many.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn mint(&mut self, now: u32) -> Result<U256, Refused> {
        let mut next = self.clone();
        next.take_fee()?;
        let minted = mint_down(next.reserves, next.balances, next.supply)?;
        next.locked_shares = add(next.locked_shares, minted.locked)?;
        next.held_shares = add(next.held_shares, minted.liquidity)?;
        next.supply = add(next.supply, add(minted.locked, minted.liquidity)?)?;
        next.update(now)?;
        next.remember_product();
        *self = next;
        Ok(minted.liquidity)
    }

    /// Takes `liquidity` shares back and pays out what they are worth.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn burn(&mut self, liquidity: U256, now: u32) -> Result<Amounts, Refused> {
        let mut next = self.clone();
        next.held_shares = sub(next.held_shares, liquidity)?;
        next.take_fee()?;
        let paid = burn_down(next.balances, liquidity, next.supply)?;
        next.supply = sub(next.supply, liquidity)?;
        next.balances = less(next.balances, paid)?;
        next.update(now)?;
        next.remember_product();
        *self = next;
        Ok(paid)
    }

    /// Pays `outputs` for what has arrived and for `repaid`, which arrives after the payment, as from a callback. Returns the
    /// inputs.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn swap(
        &mut self,
        outputs: Amounts,
        repaid: Amounts,
        now: u32,
    ) -> Result<Amounts, Refused> {
        let mut next = self.clone();
        check_outputs(next.reserves, outputs)?;
        next.balances = less(next.balances, outputs)?;
        next.receive(repaid)?;
        let inputs = settle_swap(next.reserves, outputs, next.balances)?;
        next.update(now)?;
        *self = next;
        Ok(inputs)
    }

    /// Pays out what it holds beyond its reserves.
    ///
    /// # Errors
    /// [`Refused::Arithmetic`] when it holds less.
    pub fn skim(&mut self) -> Result<Amounts, Refused> {
        let paid = surplus(self.reserves, self.balances)?;
        self.balances = less(self.balances, paid)?;
        Ok(paid)
    }

    /// Counts what it holds as its own.
    ///
    /// # Errors
    /// [`Refused::ReserveOverflow`].
    pub fn sync(&mut self, now: u32) -> Result<(), Refused> {
        self.update(now)
    }

    /// Checks what holds after every step, whatever it was.
    ///
    /// # Errors
    /// A sentence that names the broken invariant.
    pub fn invariants(&self) -> Result<(), &'static str> {
        let classes = [self.protocol_shares, self.locked_shares, self.held_shares];
        let sum = classes.into_iter().try_fold(U256::ZERO, U256::checked_add);
        if sum != Some(self.supply) {
            return Err("shares add up to the supply");
        }
        let locked = if self.supply.is_zero() { U256::ZERO } else { MINIMUM_LIQUIDITY };
        if self.locked_shares != locked {
            return Err("the minimum liquidity is locked as long as there are shares");
        }
        if self.supply.is_zero() && !self.k_last.is_zero() {
            return Err("a product is remembered only of a pair that has shares");
        }
        Ok(())
    }

    fn take_fee(&mut self) -> Result<(), Refused> {
        match self.fee {
            Fee::On => {
                let owed = protocol_fee_down(self.reserves, self.k_last, self.supply)?;
                self.supply = add(self.supply, owed)?;
                self.protocol_shares = add(self.protocol_shares, owed)?;
            }
            Fee::Off => self.k_last = U256::ZERO,
        }
        Ok(())
    }

    fn remember_product(&mut self) {
        if self.fee == Fee::On {
            self.k_last = product(self.reserves);
        }
    }

    fn update(&mut self, now: u32) -> Result<(), Refused> {
        (self.reserves, self.prices) = self.reserves.update(self.prices, self.balances, now)?;
        Ok(())
    }
}

fn less(balances: Amounts, amounts: Amounts) -> Result<Amounts, Refused> {
    let amount0 = sub(balances.amount0, amounts.amount0)?;
    let amount1 = sub(balances.amount1, amounts.amount1)?;
    Ok(Amounts { amount0, amount1 })
}
