//! GRAIN, the native asset, as an ERC-20: balances are the accounts' own, so nothing is wrapped.
//!
//! Storage: allowances and nonces at the slots that every asset uses, and the supply at [`GRAIN_SUPPLY`]. `execution`
//! writes that word: it is the sum of all balances after the last block. No call writes it, as no call creates or
//! destroys GRAIN; base fees are burnt between the calls.

use abi::{
    Erc20::Erc20Calls,
    GRAIN,
    convert::{account, address},
};
use alloy_primitives::{Address, U256, uint};
use assets::{Approved, Book, Transferred};
use units::AccountId;

use native_kit::{Failure, Host};

use crate::{
    ended::Ended,
    erc20::{self, Described},
};

/// Account and slot of `uint256 totalSupply`.
pub const GRAIN_SUPPLY: (Address, U256) = (GRAIN, uint!(2_U256));

const NAME: &str = "Grain";
const SYMBOL: &str = "GRAIN";
const DECIMALS: u8 = 18;
/// The complete ERC-1046 metadata, so that it can't be lost.
const URI: &str = "data:application/json,%7B%22name%22%3A%22Grain%22%2C%22symbol%22%3A%22GRAIN%22%2C%22decimals%22%3A18%2C\
    %22description%22%3A%22Native%20coin%20of%20this%20Gleaner%20ledger%22%7D";

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = native_kit::decode::<Erc20Calls>(input).map_err(|_| Failure::bad_call())?;
    erc20::call(&mut Grain { host }, &call)
}

/// GRAIN as a book.
pub(crate) struct Grain<'a> {
    pub(crate) host: &'a mut dyn Host,
}

impl Book for Grain<'_> {
    type Failure = Ended;

    fn asset(&self) -> AccountId {
        account(GRAIN)
    }

    fn is_paused(&mut self) -> Result<bool, Ended> {
        Ok(false)
    }

    fn balance(&mut self, holder: AccountId) -> Result<U256, Ended> {
        Ok(self.host.balance(address(holder))?)
    }

    fn move_balance(&mut self, transferred: &Transferred, _: U256) -> Result<(), Ended> {
        let Transferred { from, to, amount } = *transferred;
        Ok(self.host.move_balance(address(from), address(to), amount)?)
    }

    fn allowance(&mut self, owner: AccountId, spender: AccountId) -> Result<U256, Ended> {
        Ok(erc20::allowance(self.host, GRAIN, owner, spender)?)
    }

    fn set_allowance(
        &mut self,
        owner: AccountId,
        spender: AccountId,
        amount: U256,
    ) -> Result<(), Ended> {
        Ok(erc20::set_allowance(self.host, GRAIN, &Approved { owner, spender, amount })?)
    }

    fn nonce(&mut self, owner: AccountId) -> Result<U256, Ended> {
        Ok(erc20::nonce(self.host, GRAIN, owner)?)
    }

    fn set_nonce(&mut self, owner: AccountId, nonce: U256) -> Result<(), Ended> {
        Ok(erc20::set_nonce(self.host, GRAIN, owner, nonce)?)
    }
}

impl Described for Grain<'_> {
    fn host(&mut self) -> &mut dyn Host {
        self.host
    }

    fn name(&mut self) -> Result<String, Failure> {
        Ok(NAME.to_owned())
    }

    fn symbol(&mut self) -> Result<String, Failure> {
        Ok(SYMBOL.to_owned())
    }

    fn decimals(&mut self) -> Result<u8, Failure> {
        Ok(DECIMALS)
    }

    fn uri(&mut self) -> Result<String, Failure> {
        Ok(URI.to_owned())
    }

    fn total_supply(&mut self) -> Result<U256, Failure> {
        self.host.load_of(GRAIN_SUPPLY.0, GRAIN_SUPPLY.1)
    }
}
