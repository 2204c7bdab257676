//! `VaultFactory`: creates vaults for any asset.

use abi::VaultFactory::{self, VaultFactoryCalls as Calls};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall as _;
use native_kit::{Failure, Function, Host, emit};
use staking::vault::Offset;

use super::{ASSET, CODE, OFFSET, SELLS_FEES, SLOT, UNDERLYING_DECIMALS, decimals_of, fees};
use crate::{
    openzeppelin::answer,
    registry::{Registry, TEXT_BYTES_MAX, text_too_long},
    shares,
};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(VaultFactory::countCall::SELECTOR),
    Function::view(VaultFactory::atCall::SELECTOR),
    Function::view(VaultFactory::isInstanceCall::SELECTOR),
    Function::nonpayable(VaultFactory::createCall::SELECTOR),
    Function::nonpayable(VaultFactory::createFeeVaultCall::SELECTOR),
];

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let registry = Registry::new();
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    Ok(match call {
        Calls::count(_) => answer(registry.count(host)?),
        Calls::at(call) => answer(registry.at(host, call.index)?),
        Calls::isInstance(call) => answer(registry.is_instance(host, call.account)?),
        Calls::create(call) => answer(create(host, registry, &call, Kind::Plain)?),
        Calls::createFeeVault(call) => {
            let VaultFactory::createFeeVaultCall { asset, decimalsOffset, name, symbol } = call;
            let call = VaultFactory::createCall { asset, decimalsOffset, name, symbol };
            answer(create(host, registry, &call, Kind::Fees)?)
        }
    })
}

/// Which vault is created.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Fees,
}

fn create(
    host: &mut dyn Host,
    registry: Registry,
    call: &VaultFactory::createCall,
    kind: Kind,
) -> Result<Address, Failure> {
    let (asset, decimals_offset) = (call.asset, call.decimalsOffset);
    if Offset::new(decimals_offset).is_none() {
        let (offset, max) = (decimals_offset, Offset::MAX);
        return Err(Failure::revert(&VaultFactory::OffsetTooLarge { offset, max }));
    }
    if let Some((field, size)) = text_too_long(&call.name, &call.symbol) {
        let (field, max) = (field.to_owned(), U256::from(TEXT_BYTES_MAX));
        return Err(Failure::revert(&VaultFactory::TextTooLong { field, size, max }));
    }
    let decimals = decimals_of(host, asset)?;
    let vault = match kind {
        Kind::Plain => registry.create(host, &CODE)?,
        Kind::Fees => registry.create(host, &fees::CODE)?,
    };
    let word = OFFSET.into_word(ASSET.into_word(U256::ZERO, asset), decimals_offset);
    let word = SELLS_FEES.into_word(word, kind == Kind::Fees);
    host.store_of(vault, SLOT, UNDERLYING_DECIMALS.into_word(word, decimals))?;
    shares::stored().name.set_of(host, vault, &call.name)?;
    shares::stored().symbol.set_of(host, vault, &call.symbol)?;
    let creator = host.caller();
    emit(
        host,
        &VaultFactory::VaultCreated {
            vault,
            asset,
            creator,
            decimalsOffset: decimals_offset,
            sellsFees: kind == Kind::Fees,
        },
    )?;
    Ok(vault)
}
