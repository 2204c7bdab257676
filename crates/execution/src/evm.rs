//! The machine, put together one way for blocks and calls.

use crate::{call::Environment, genesis::Rules, overlay::Overlay};
use precompiles::Modules;
use revm::{
    Context, DatabaseRef, Journal, MainBuilder, MainContext,
    context::{BlockEnv, CfgEnv, Evm, TxEnv},
    context_interface::block::BlobExcessGasAndPrice,
    handler::{EthFrame, instructions::EthInstructions},
    interpreter::interpreter::EthInterpreter,
    primitives::hardfork::SpecId,
};

type MachineContext<'a, DB> =
    Context<BlockEnv, TxEnv, CfgEnv, Overlay<'a, DB>, Journal<Overlay<'a, DB>>, ()>;

/// The machine on an overlay.
pub(crate) type Machine<'a, DB> = Evm<
    MachineContext<'a, DB>,
    (),
    EthInstructions<EthInterpreter, MachineContext<'a, DB>>,
    Modules,
    EthFrame<EthInterpreter>,
>;

/// Whether a transaction must carry its sender's next nonce.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nonces {
    Checked,
    Ignored,
}

/// A machine for one block, or one call, in `environment`.
pub(crate) fn machine<'a, DB: DatabaseRef>(
    overlay: Overlay<'a, DB>,
    rules: &Rules,
    environment: &Environment,
    nonces: Nonces,
) -> Machine<'a, DB> {
    let mut cfg = CfgEnv::new_with_spec(SpecId::OSAKA).with_chain_id(rules.chain_id);
    // EIP-7825 caps a transaction at 2^24 gas; module calls may need more, and the block is bound anyway.
    cfg.tx_gas_limit_cap = Some(environment.gas_limit);
    cfg.disable_nonce_check = nonces == Nonces::Ignored;
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
    Context::mainnet()
        .with_db(overlay)
        .with_cfg(cfg)
        .with_block(block)
        .build_mainnet()
        .with_precompiles(Modules::new(SpecId::OSAKA))
}
