//! Changing accounts without a transaction, and impersonating them.

use super::{development, not_done};
use crate::{
    context::Context,
    error::Answer,
    method_table::Methods,
    parameters::{Count, Parameter, Params, one, parse},
};
use alloy_primitives::{Address, Bytes, U256};
use execution::Amendment;

pub(super) fn add(methods: &mut Methods) {
    methods.add_kept("hardhat_setBalance", |context, params| {
        amend(context, params, Amendment::Balance)
    });
    methods.add_kept("hardhat_setNonce", |context, params| {
        amend(context, params, |nonce: Count| Amendment::Nonce(nonce.value()))
    });
    methods.add_kept("hardhat_setCode", |context, params| {
        amend(context, params, |code: Bytes| Amendment::Code(code))
    });
    methods.add_kept("hardhat_setStorageAt", set_slot);
    methods.add_kept("hardhat_impersonateAccount", |context, params| {
        development(&context.node)?.set_impersonated(one(params)?, true);
        Ok(())
    });
    methods.add_kept("hardhat_stopImpersonatingAccount", |context, params| {
        development(&context.node)?.set_impersonated(one(params)?, false);
        Ok(())
    });
    methods.add_kept("hardhat_autoImpersonateAccount", |context, params| {
        development(&context.node)?.set_all_impersonated(one(params)?);
        Ok(())
    });
}

fn amend<T: Parameter>(
    context: &Context,
    params: &Params<'_>,
    amendment: impl FnOnce(T) -> Amendment,
) -> Answer<()> {
    let (address, value): (Address, T) =
        parse(params, |sequence| Ok((sequence.next()?, sequence.next()?)))?;
    development(&context.node)?.amend(address, amendment(value)).map_err(not_done)
}

fn set_slot(context: &Context, params: &Params<'_>) -> Answer<bool> {
    let (address, slot, value): (Address, U256, U256) =
        parse(params, |sequence| Ok((sequence.next()?, sequence.next()?, sequence.next()?)))?;
    let amendment = Amendment::Slot(slot, value);
    development(&context.node)?.amend(address, amendment).map_err(not_done)?;
    Ok(true)
}
