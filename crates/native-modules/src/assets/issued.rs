//! An asset that `Assets` created, at its own address: ERC-20, and what its issuer may do.
//!
//! Storage is a Solidity contract's that declares, in this order: `mapping(address => uint256) balances`;
//! `mapping(address => mapping(address => uint256)) allowances`; `uint256 totalSupply`; `string name`; `string
//! symbol`; `mapping(address => uint256) nonces`; `address issuer; uint8 decimals; bool pausable; bool burnable; bool
//! transferable; bool renounceable; bool paused`, all in one slot; `address offeredTo`; `uint256 cap`; `string uri`.

use ::assets::{Approved, Book, IssuedBook, Offered, Pause, Powers, Standing, Terms, Transferred};
use abi::{
    Erc20::Erc20Calls,
    IssuedAsset::{self, IssuedAssetCalls as Calls},
    convert::{account, address},
};
use alloy_primitives::{Address, B256, U256, uint};
use alloy_sol_types::{SolCall, SolInterface};
use units::AccountId;

use native_kit::{
    Failure, Function, Host, emit,
    slots::{self, Mapping, Text, Value},
};

use crate::{
    ended::Ended,
    erc20::{self, Described, emit_transfer},
};

/// The functions of an issued asset besides those of every fungible asset.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(IssuedAsset::issuerCall::SELECTOR),
    Function::view(IssuedAsset::offeredToCall::SELECTOR),
    Function::view(IssuedAsset::capCall::SELECTOR),
    Function::view(IssuedAsset::pausedCall::SELECTOR),
    Function::view(IssuedAsset::powersCall::SELECTOR),
    Function::nonpayable(IssuedAsset::mintCall::SELECTOR),
    Function::nonpayable(IssuedAsset::burnCall::SELECTOR),
    Function::nonpayable(IssuedAsset::burnFromCall::SELECTOR),
    Function::nonpayable(IssuedAsset::pauseCall::SELECTOR),
    Function::nonpayable(IssuedAsset::unpauseCall::SELECTOR),
    Function::nonpayable(IssuedAsset::offerIssuerCall::SELECTOR),
    Function::nonpayable(IssuedAsset::acceptIssuerCall::SELECTOR),
    Function::nonpayable(IssuedAsset::renounceIssuerCall::SELECTOR),
];

const BALANCES: Mapping<Address, Value<U256>> = Mapping::new(U256::ZERO);
const SUPPLY: Value<U256> = Value::new(uint!(2_U256), 0);
const NAME: Text = Text::new(uint!(3_U256));
const SYMBOL: Text = Text::new(uint!(4_U256));
const STANDING: Value<U256> = Value::new(uint!(6_U256), 0);
const OFFERED: Value<Address> = Value::new(uint!(7_U256), 0);
const CAP: Value<U256> = Value::new(uint!(8_U256), 0);
const URI: Text = Text::new(uint!(9_U256));

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let selector = input.first_chunk().copied().unwrap_or_default();
    let bad = |_| Failure::bad_call();
    let is_erc20 = Erc20Calls::valid_selector(selector);
    let erc20 =
        is_erc20.then(|| native_kit::decode::<Erc20Calls>(input)).transpose().map_err(bad)?;
    let own = (!is_erc20).then(|| native_kit::decode::<Calls>(input)).transpose().map_err(bad)?;
    let mut asset = Asset::called(host);
    if let Some(call) = erc20 {
        return erc20::call(&mut asset, &call);
    }
    let Some(call) = own else { return Err(Failure::bad_call()) };
    if let Some(output) = view(&mut asset, &call)? {
        return Ok(output);
    }
    mutate(&mut asset, &call)?;
    Ok(Vec::new())
}

/// Writes the terms of a new asset, whose account was just created.
pub(crate) fn write_terms(
    host: &mut dyn Host,
    asset: Address,
    terms: &Terms,
) -> Result<(), Failure> {
    NAME.set_of(host, asset, &terms.name)?;
    SYMBOL.set_of(host, asset, &terms.symbol)?;
    let standing = Standing { issuer: terms.issuer, powers: terms.powers, is_paused: false };
    STANDING.set_of(host, asset, packed(&standing, terms.decimals))?;
    CAP.set_of(host, asset, terms.cap)?;
    URI.set_of(host, asset, &terms.uri)
}

/// Executes a call that only reads; returns `None` for others.
fn view(asset: &mut Asset<'_>, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    Ok(Some(match call {
        Calls::issuer(_) => {
            IssuedAsset::issuerCall::abi_encode_returns(&address(asset.standing()?.issuer))
        }
        Calls::offeredTo(_) => {
            IssuedAsset::offeredToCall::abi_encode_returns(&address(asset.offered()?))
        }
        Calls::cap(_) => IssuedAsset::capCall::abi_encode_returns(&asset.cap()?),
        Calls::paused(_) => IssuedAsset::pausedCall::abi_encode_returns(&asset.is_paused()?),
        Calls::powers(_) => {
            let Powers { pausable, burnable, transferable, renounceable } =
                asset.standing()?.powers;
            let answer =
                IssuedAsset::powersReturn { pausable, burnable, transferable, renounceable };
            IssuedAsset::powersCall::abi_encode_returns(&answer)
        }
        _ => return Ok(None),
    }))
}

fn mutate(asset: &mut Asset<'_>, call: &Calls) -> Result<(), Failure> {
    let sender = asset.host.caller();
    let caller = account(sender);
    match call {
        Calls::mint(call) => {
            let minted = ::assets::mint(asset, caller, account(call.to), call.value)?;
            emit_transfer(asset, &minted)
        }
        Calls::burn(call) => {
            let burnt = ::assets::burn(asset, caller, call.value)?;
            emit_transfer(asset, &burnt)
        }
        Calls::burnFrom(call) => {
            let burnt = ::assets::burn_from(asset, caller, account(call.account), call.value)?;
            emit_transfer(asset, &burnt)
        }
        Calls::pause(_) => {
            ::assets::set_pause(asset, caller, Pause::On)?;
            emit(asset.host, &IssuedAsset::Paused { account: sender })
        }
        Calls::unpause(_) => {
            ::assets::set_pause(asset, caller, Pause::Off)?;
            emit(asset.host, &IssuedAsset::Unpaused { account: sender })
        }
        Calls::offerIssuer(call) => {
            let Offered { issuer, to } = ::assets::offer(asset, caller, account(call.to))?;
            let (issuer, to) = (address(issuer), address(to));
            emit(asset.host, &IssuedAsset::IssuerOffered { issuer, to })
        }
        Calls::acceptIssuer(_) => {
            let changed = ::assets::accept(asset, caller)?;
            emit_change(asset.host, &changed)
        }
        Calls::renounceIssuer(_) => {
            let changed = ::assets::renounce(asset, caller)?;
            emit_change(asset.host, &changed)
        }
        Calls::issuer(_)
        | Calls::offeredTo(_)
        | Calls::cap(_)
        | Calls::paused(_)
        | Calls::powers(_) => unreachable!("answered by `view`"),
    }
}

fn emit_change(host: &mut dyn Host, changed: &Offered) -> Result<(), Failure> {
    let (previous, issuer) = (address(changed.issuer), address(changed.to));
    emit(host, &IssuedAsset::IssuerChanged { previous, issuer })
}

/// Issuer in the low 160 bits, then a byte each: decimals, pausable, burnable, transferable, renounceable, paused.
fn packed(standing: &Standing, decimals: u8) -> U256 {
    let Powers { pausable, burnable, transferable, renounceable } = standing.powers;
    let flags = [pausable, burnable, transferable, renounceable, standing.is_paused].map(u8::from);
    let mut bytes = [0; 32];
    bytes[12..].copy_from_slice(standing.issuer.as_bytes());
    bytes[11] = decimals;
    for (index, flag) in flags.into_iter().enumerate() {
        bytes[10 - index] = flag;
    }
    U256::from_be_bytes(bytes)
}

fn unpacked(word: U256) -> (Standing, u8) {
    let flag = |index| word.byte(index) != 0;
    let issuer = account(Address::from_word(B256::from(word)));
    let powers = Powers {
        pausable: flag(21),
        burnable: flag(22),
        transferable: flag(23),
        renounceable: flag(24),
    };
    (Standing { issuer, powers, is_paused: flag(25) }, word.byte(20))
}

/// An issued asset as a book.
pub(crate) struct Asset<'a> {
    pub(crate) host: &'a mut dyn Host,
    pub(crate) address: Address,
}

impl<'a> Asset<'a> {
    /// Returns the asset that was called.
    fn called(host: &'a mut dyn Host) -> Self {
        let address = host.module();
        Self { host, address }
    }

    fn balance_value(&mut self, holder: AccountId) -> Result<Value<U256>, Failure> {
        BALANCES.of(self.host, address(holder))
    }
}

impl Book for Asset<'_> {
    type Failure = Ended;

    fn asset(&self) -> AccountId {
        account(self.address)
    }

    fn is_paused(&mut self) -> Result<bool, Ended> {
        Ok(self.standing()?.is_paused)
    }

    fn balance(&mut self, holder: AccountId) -> Result<U256, Ended> {
        Ok(self.balance_value(holder)?.get_of(self.host, self.address)?)
    }

    fn move_balance(&mut self, transferred: &Transferred, left: U256) -> Result<(), Ended> {
        let Transferred { from, to, amount } = *transferred;
        let fault = || Failure::Broken(format!("balances of {from} and {to} are damaged"));
        let paying = self.balance_value(from)?;
        // The rule has just read it.
        self.host.charge_load()?;
        let receiving = self.balance_value(to)?;
        let held = receiving.get_of(self.host, self.address)?;
        let more = held.checked_add(amount).ok_or_else(fault)?;
        // Each use of a slot pays for its hash.
        self.host.charge(slots::KEY_GAS)?;
        paying.set_of(self.host, self.address, left)?;
        self.host.charge(slots::KEY_GAS)?;
        Ok(receiving.set_of(self.host, self.address, more)?)
    }

    fn allowance(&mut self, owner: AccountId, spender: AccountId) -> Result<U256, Ended> {
        Ok(erc20::allowance(self.host, self.address, owner, spender)?)
    }

    fn set_allowance(
        &mut self,
        owner: AccountId,
        spender: AccountId,
        amount: U256,
    ) -> Result<(), Ended> {
        Ok(erc20::set_allowance(self.host, self.address, &Approved { owner, spender, amount })?)
    }

    fn nonce(&mut self, owner: AccountId) -> Result<U256, Ended> {
        Ok(erc20::nonce(self.host, self.address, owner)?)
    }

    fn set_nonce(&mut self, owner: AccountId, nonce: U256) -> Result<(), Ended> {
        Ok(erc20::set_nonce(self.host, self.address, owner, nonce)?)
    }
}

impl IssuedBook for Asset<'_> {
    fn set_balance(&mut self, holder: AccountId, amount: U256) -> Result<(), Ended> {
        Ok(self.balance_value(holder)?.set_of(self.host, self.address, amount)?)
    }

    fn supply(&mut self) -> Result<U256, Ended> {
        Ok(SUPPLY.get_of(self.host, self.address)?)
    }

    fn set_supply(&mut self, amount: U256) -> Result<(), Ended> {
        Ok(SUPPLY.set_of(self.host, self.address, amount)?)
    }

    fn cap(&mut self) -> Result<U256, Ended> {
        Ok(CAP.get_of(self.host, self.address)?)
    }

    fn standing(&mut self) -> Result<Standing, Ended> {
        Ok(unpacked(STANDING.get_of(self.host, self.address)?).0)
    }

    fn set_standing(&mut self, standing: &Standing) -> Result<(), Ended> {
        let decimals = self.decimals()?;
        Ok(STANDING.set_of(self.host, self.address, packed(standing, decimals))?)
    }

    fn offered(&mut self) -> Result<AccountId, Ended> {
        Ok(account(OFFERED.get_of(self.host, self.address)?))
    }

    fn set_offered(&mut self, to: AccountId) -> Result<(), Ended> {
        Ok(OFFERED.set_of(self.host, self.address, address(to))?)
    }
}

impl Described for Asset<'_> {
    fn host(&mut self) -> &mut dyn Host {
        self.host
    }

    fn name(&mut self) -> Result<String, Failure> {
        NAME.get_of(self.host, self.address)
    }

    fn symbol(&mut self) -> Result<String, Failure> {
        SYMBOL.get_of(self.host, self.address)
    }

    fn decimals(&mut self) -> Result<u8, Failure> {
        Ok(unpacked(STANDING.get_of(self.host, self.address)?).1)
    }

    fn uri(&mut self) -> Result<String, Failure> {
        URI.get_of(self.host, self.address)
    }

    fn total_supply(&mut self) -> Result<U256, Failure> {
        SUPPLY.get_of(self.host, self.address)
    }
}
