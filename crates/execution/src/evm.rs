//! Builds the EVM, in the same way for blocks and calls.

use crate::{environment::Environment, overlay::Overlay, rules::Rules};
use native_kit::Modules;
use revm::{
    Context, DatabaseRef, Journal, MainContext,
    context::{BlockEnv, CfgEnv, TxEnv},
    context_interface::block::BlobExcessGasAndPrice,
    primitives::hardfork::SpecId,
};

/// The context of the EVM.
pub(crate) type MachineContext<'a, DB> =
    Context<BlockEnv, TxEnv, CfgEnv, Overlay<'a, DB>, Journal<Overlay<'a, DB>>, ()>;

/// The EVM on an overlay.
pub(crate) type Machine<'a, DB, I = ()> = native_kit::Machine<MachineContext<'a, DB>, I>;

/// Which rules of inclusion are checked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checks {
    /// All rules: the transaction becomes part of a block, or could.
    Inclusion,
    /// All except that the sender has no code (EIP-3607): the transaction is part of a block, perhaps of a
    /// development ledger in which contracts send.
    Included,
    /// Neither the nonce, nor the base fee, nor that the sender has no code (EIP-3607): a read-only call needs none
    /// of them.
    ReadOnly,
}

/// Returns an EVM for one block, or one call, in `environment`.
pub(crate) fn machine<'a, DB: DatabaseRef>(
    overlay: Overlay<'a, DB>,
    rules: &Rules,
    environment: &Environment,
    checks: Checks,
) -> Machine<'a, DB> {
    let mut cfg = CfgEnv::new_with_spec(SpecId::OSAKA).with_chain_id(rules.chain_id);
    // EIP-7825 limits a transaction to 2^24 gas; module calls may need more, and the block has a limit anyway.
    cfg.tx_gas_limit_cap = Some(environment.gas_limit);
    let is_read_only = checks == Checks::ReadOnly;
    cfg.disable_nonce_check = is_read_only;
    cfg.disable_base_fee = is_read_only;
    cfg.disable_eip3607 = checks != Checks::Inclusion;
    let block = BlockEnv {
        number: revm::primitives::U256::from(environment.number),
        beneficiary: environment.beneficiary,
        timestamp: revm::primitives::U256::from(environment.timestamp),
        gas_limit: environment.gas_limit,
        basefee: environment.base_fee,
        difficulty: revm::primitives::U256::ZERO,
        prevrandao: Some(environment.prevrandao),
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice {
            excess_blob_gas: 0,
            blob_gasprice: 1,
        }),
        slot_num: 0,
    };
    let context = Context::mainnet().with_db(overlay).with_cfg(cfg).with_block(block);
    let modules = Modules::new(SpecId::OSAKA, rules.modules, environment.revision.number())
        .with_founding(rules.founding.end());
    Machine::new(context, modules)
}
