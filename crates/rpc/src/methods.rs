//! The methods by name.

use crate::{
    blocks, calls,
    context::Context,
    development,
    error::Answer,
    fees, filters, logs,
    parameters::{one, one_at, parse},
    proofs, simulate, state, traces,
};
use alloy_primitives::{B256, U64};
use alloy_signer_local::PrivateKeySigner;
use jsonrpsee::{RpcModule, types::Params};
use node::Node;
use serde::Serialize;
use std::sync::Arc;

/// Every method, answered from `node`. Those that read much of the disk, or compute, run on threads that may block. Those that are done in
/// some microseconds run where the request was read: a second thread would cost more than the answer.
///
/// Subscriptions are not among them: they depend on the transport.
pub(crate) fn module(context: &Arc<Context>) -> RpcModule<Context> {
    let mut methods = Methods(RpcModule::from_arc(Arc::clone(context)));
    let is_development = context.node.development().is_some();
    methods.about_the_node();
    methods.about_blocks();
    methods.about_state();
    methods.about_what_might_be();
    methods.about_transactions(is_development);
    methods.about_news();
    if is_development {
        development::add(&mut methods);
    }
    methods.0
}

/// Those added so far.
pub(crate) struct Methods(RpcModule<Context>);

impl Methods {
    /// A method that is answered from the node alone.
    fn add<T: Serialize + Clone + Send + 'static>(
        &mut self,
        name: &'static str,
        method: fn(&Node, &Params<'_>) -> Answer<T>,
    ) {
        self.0
            .register_blocking_method(name, move |params, context, _| {
                method(&context.node, &params)
            })
            .expect("each name is added once");
    }

    /// A method that is answered from memory, or nearly so.
    fn add_quick<T: Serialize + Clone + Send + 'static>(
        &mut self,
        name: &'static str,
        method: fn(&Node, &Params<'_>) -> Answer<T>,
    ) {
        self.0
            .register_method(name, move |params, context, _| method(&context.node, &params))
            .expect("each name is added once");
    }

    /// A method that also keeps something for its client.
    pub(crate) fn add_kept<T: Serialize + Clone + Send + 'static>(
        &mut self,
        name: &'static str,
        method: fn(&Context, &Params<'_>) -> Answer<T>,
    ) {
        self.0
            .register_blocking_method(name, move |params, context, _| method(&context, &params))
            .expect("each name is added once");
    }

    /// Another name for a method.
    pub(crate) fn add_alias(&mut self, other: &'static str, one: &'static str) {
        self.0.register_alias(other, one).expect("each name is added once, and the other is there");
    }

    fn about_news(&mut self) {
        self.add_kept("eth_newFilter", |context, params| filters::new_logs(context, one(params)?));
        self.add_kept("eth_newBlockFilter", |context, _| filters::new_blocks(context));
        self.add_kept("eth_newPendingTransactionFilter", |context, _| {
            filters::new_waiting(context)
        });
        self.add_kept("eth_getFilterChanges", |context, params| {
            filters::changes(context, &one::<String>(params)?)
        });
        self.add_kept("eth_getFilterLogs", |context, params| {
            filters::all_logs(context, &one::<String>(params)?)
        });
        self.add_kept("eth_uninstallFilter", |context, params| {
            filters::uninstall(context, &one::<String>(params)?)
        });
    }

    fn about_the_node(&mut self) {
        self.add_quick("eth_chainId", |node, _| Ok(U64::from(node.rules().chain_id)));
        self.add_quick("net_version", |node, _| Ok(node.rules().chain_id.to_string()));
        self.add_quick("net_listening", |_, _| Ok(true));
        self.add_kept("web3_clientVersion", |context, _| Ok(context.client_version));
        self.add_quick("eth_syncing", |_, _| Ok(false));
        self.add_kept("eth_accounts", |context, _| {
            let mut accounts: Vec<_> =
                context.accounts.iter().map(PrivateKeySigner::address).collect();
            // As in anvil: libraries look here before they let one send.
            accounts
                .extend(context.node.development().into_iter().flat_map(|it| it.impersonated()));
            Ok(accounts)
        });
    }

    fn about_blocks(&mut self) {
        self.add_quick("eth_blockNumber", |node, _| Ok(U64::from(node.head().number)));
        self.add("eth_getBlockByNumber", |node, params| {
            let (block, content) = parse(params, |sequence| {
                Ok((sequence.next::<alloy_eips::BlockNumberOrTag>()?, sequence.optional_next()?))
            })?;
            blocks::block(node, block.into(), content.into())
        });
        self.add("eth_getBlockByHash", |node, params| {
            let (hash, content) = parse(params, |sequence| {
                Ok((sequence.next::<B256>()?, sequence.optional_next()?))
            })?;
            blocks::block(node, hash.into(), content.into())
        });
        self.add("eth_getBlockReceipts", |node, params| blocks::receipts(node, one(params)?));
        self.add("eth_getLogs", |node, params| logs::find(node, &one(params)?));
        self.add_quick("eth_gasPrice", |node, _| fees::gas_price(node));
        self.add_quick("eth_maxPriorityFeePerGas", |_, _| Ok(fees::TIP));
        self.add("eth_feeHistory", |node, params| {
            let (count, newest, percentiles) = parse(params, |sequence| {
                Ok((sequence.next()?, sequence.next()?, sequence.optional_next()?))
            })?;
            fees::history(node, count, newest, percentiles)
        });
    }

    fn about_state(&mut self) {
        self.add("eth_getBalance", |node, params| {
            let (address, block) = one_at(params)?;
            state::balance(node, address, block)
        });
        self.add("eth_getTransactionCount", |node, params| {
            let (address, block) = one_at(params)?;
            state::transaction_count(node, address, block)
        });
        self.add("eth_getCode", |node, params| {
            let (address, block) = one_at(params)?;
            state::code(node, address, block)
        });
        self.add("eth_getStorageAt", |node, params| {
            let (address, slot, block) = parse(params, |sequence| {
                Ok((sequence.next()?, sequence.next()?, sequence.optional_next()?))
            })?;
            state::storage(node, address, slot, block)
        });
        self.add("gleaner_getProof", |node, params| {
            let (address, slots, block): (_, Vec<_>, _) = parse(params, |sequence| {
                Ok((sequence.next()?, sequence.next()?, sequence.optional_next()?))
            })?;
            proofs::prove(node, address, &slots, block)
        });
        self.add("eth_call", |node, params| calls::call(node, &calls::parameters(params)?));
        self.add("eth_estimateGas", |node, params| {
            calls::estimate_gas(node, &calls::parameters(params)?)
        });
    }

    fn about_what_might_be(&mut self) {
        self.add("eth_createAccessList", |node, params| {
            calls::access_list(node, &calls::parameters(params)?)
        });
        self.add("eth_simulateV1", |node, params| {
            simulate::simulate(node, &simulate::parameters(params)?)
        });
        self.add("debug_traceCall", |node, params| {
            traces::call(node, &traces::call_parameters(params)?)
        });
        self.add("debug_traceTransaction", |node, params| {
            let (hash, tracer) = traces::transaction_parameters(params)?;
            traces::transaction(node, hash, &tracer)
        });
    }

    fn about_transactions(&mut self, is_development: bool) {
        let send = |node: &Node, params: &Params<'_>| calls::send(node, &one(params)?);
        match is_development {
            // Where taking a transaction makes a block, it is no quick matter.
            true => self.add("eth_sendRawTransaction", send),
            false => self.add_quick("eth_sendRawTransaction", send),
        }
        self.add("eth_getTransactionByHash", |node, params| {
            blocks::transaction(node, one(params)?)
        });
        self.add("eth_getTransactionReceipt", |node, params| blocks::receipt(node, one(params)?));
    }
}
