//! `MasterChefFactory`: creates farms, each with the reserve that its rewards are drawn from.

use abi::{
    MasterChef,
    MasterChefFactory::{self, MasterChefFactoryCalls as Calls, Terms},
};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use native_kit::{Failure, Function, Host, emit, emit_of, slots::Layout as _};

use super::{CODE, Storage, reserve};
use crate::{
    openzeppelin::answer,
    registry::{Registry, TEXT_BYTES_MAX, create_numbered, text_too_long},
    shares,
};

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(MasterChefFactory::countCall::SELECTOR),
    Function::view(MasterChefFactory::atCall::SELECTOR),
    Function::view(MasterChefFactory::isInstanceCall::SELECTOR),
    Function::nonpayable(MasterChefFactory::createCall::SELECTOR),
];

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let registry = Registry::new();
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    Ok(match call {
        Calls::count(_) => answer(registry.count(host)?),
        Calls::at(call) => answer(registry.at(host, call.index)?),
        Calls::isInstance(call) => answer(registry.is_instance(host, call.account)?),
        Calls::create(call) => {
            let (chef, reserve) = create(host, registry, &call.terms)?;
            let created = MasterChefFactory::createReturn { masterChef: chef, reserve };
            MasterChefFactory::createCall::abi_encode_returns(&created)
        }
    })
}

/// What the contract's constructor does, and what gives the reward token to the farm.
fn create(
    host: &mut dyn Host,
    registry: Registry,
    terms: &Terms,
) -> Result<(Address, Address), Failure> {
    if let Some((field, size)) = text_too_long(&terms.name, &terms.symbol) {
        let (field, max) = (field.to_owned(), U256::from(TEXT_BYTES_MAX));
        return Err(Failure::revert(&MasterChefFactory::TextTooLong { field, size, max }));
    }
    let number: u64 = registry.count(host)?.saturating_to();
    let reserve = create_numbered(host, &reserve::CODE, number)?;
    let chef = registry.create(host, &CODE)?;
    reserve::begin(host, reserve, chef, terms.underlying)?;
    shares::stored().name.set_of(host, reserve, &terms.name)?;
    shares::stored().symbol.set_of(host, reserve, &terms.symbol)?;
    let stored = Storage::at(U256::ZERO, 0);
    stored.owner.set_of(host, chef, terms.owner)?;
    stored.sushi.set_of(host, chef, reserve)?;
    stored.devaddr.set_of(host, chef, terms.developer)?;
    stored.bonus_end_block.set_of(host, chef, terms.bonusEndBlock)?;
    stored.sushi_per_block.set_of(host, chef, terms.rewardPerBlock)?;
    stored.start_block.set_of(host, chef, terms.startBlock)?;
    let transferred =
        MasterChef::OwnershipTransferred { previousOwner: Address::ZERO, newOwner: terms.owner };
    emit_of(host, chef, &transferred)?;
    emit(
        host,
        &MasterChefFactory::MasterChefCreated {
            masterChef: chef,
            reserve,
            underlying: terms.underlying,
            owner: terms.owner,
            rewardPerBlock: terms.rewardPerBlock,
            startBlock: terms.startBlock,
            bonusEndBlock: terms.bonusEndBlock,
        },
    )?;
    Ok((chef, reserve))
}
