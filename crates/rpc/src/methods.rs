//! The list of methods, with their parameters.
//!
//! To add a method, start here: add one line to the group it belongs to.

use crate::{
    account_history,
    blocks::{self, WireBlock},
    calls,
    criteria::Criteria,
    development,
    error::Answer,
    fees, filling, filters, fork_config, holders, logs, mempool,
    method_table::Methods,
    parameters::{Count, one, one_at, parse, two},
    proofs, receipts, simulate, state, statements, submission, traces,
};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, Bytes, U64, keccak256};
use alloy_signer_local::PrivateKeySigner;
use node::Node;
use serde::Serialize;

/// Returns the methods of a node, with or without those of a development ledger.
///
/// Subscriptions are not included: they depend on the transport.
pub(crate) fn all(is_development: bool) -> Methods {
    let mut methods = Methods::default();
    methods.add_node_methods();
    methods.add_block_methods();
    methods.add_block_part_methods();
    methods.add_state_methods();
    methods.add_call_methods();
    methods.add_transaction_methods(is_development);
    methods.add_filter_methods();
    methods.add_history_methods();
    if is_development {
        development::add(&mut methods);
    }
    methods
}

impl Methods {
    fn add_filter_methods(&mut self) {
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

    fn add_history_methods(&mut self) {
        self.add("gleaner_getAccountTransactions", |node, params| {
            account_history::transactions(node, account_history::parameters(params)?)
        });
        self.add("gleaner_getAccountTransfers", |node, params| {
            account_history::transfers(node, account_history::parameters(params)?)
        });
        self.add("gleaner_getEvents", |node, params| {
            account_history::events(node, account_history::parameters(params)?)
        });
        self.add("gleaner_holders", |node, _| holders::figures(node));
        self.add_quick("gleaner_historyStatus", |node, _| Ok(account_history::status(node)));
    }

    fn add_node_methods(&mut self) {
        self.add_quick("eth_chainId", |node, _| Ok(U64::from(node.rules().chain_id)));
        self.add_quick("net_version", |node, _| Ok(node.rules().chain_id.to_string()));
        self.add_quick("net_listening", |_, _| Ok(true));
        self.add_quick("net_peerCount", |_, _| Ok(U64::ZERO));
        self.add("web3_sha3", |_, params| Ok(keccak256(one::<Bytes>(params)?)));
        self.add_kept("web3_clientVersion", |context, _| Ok(context.client_version.text()));
        self.add_quick("eth_syncing", |_, _| Ok(false));
        self.add("eth_config", |node, _| fork_config::config(node));
        self.add_kept("eth_accounts", |context, _| {
            let mut accounts: Vec<_> =
                context.accounts.iter().map(PrivateKeySigner::address).collect();
            // As in anvil: libraries read the accounts before they let one sign.
            accounts
                .extend(context.node.development().into_iter().flat_map(|it| it.impersonated()));
            Ok(accounts)
        });
    }

    fn add_block_methods(&mut self) {
        self.add_quick("eth_blockNumber", |node, _| Ok(U64::from(node.head().number)));
        self.add("eth_getBlockByNumber", |node, params| {
            let (block, content) = parse(params, |sequence| {
                Ok((sequence.next::<BlockNumberOrTag>()?, sequence.optional_next()?))
            })?;
            blocks::block(node, block.into(), content.into())
        });
        self.add("eth_getBlockByHash", |node, params| {
            let (hash, content) = parse(params, |sequence| {
                Ok((sequence.next::<B256>()?, sequence.optional_next()?))
            })?;
            blocks::block(node, hash.into(), content.into())
        });
        self.add("eth_getBlockReceipts", |node, params| receipts::of_block(node, one(params)?));
        self.add("eth_getLogs", |node, params| logs::find(node, &Criteria::new(one(params)?)?));
        self.add_quick("eth_gasPrice", |node, _| fees::gas_price(node));
        self.add_quick("eth_maxPriorityFeePerGas", |_, _| Ok(fees::TIP));
        self.add_quick("eth_blobBaseFee", |_, _| Ok(fees::BLOB_BASE_FEE));
        self.add("eth_feeHistory", |node, params| {
            let (count, newest, percentiles) = parse(params, |sequence| {
                Ok((sequence.next()?, sequence.next()?, sequence.optional_next()?))
            })?;
            fees::history(node, count, newest, percentiles)
        });
    }

    fn add_state_methods(&mut self) {
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
        self.add("eth_getAccountInfo", |node, params| {
            let (address, block) = one_at(params)?;
            state::info(node, address, block)
        });
        self.add("gleaner_getProof", |node, params| {
            let (address, slots, block): (_, Vec<_>, _) = parse(params, |sequence| {
                Ok((sequence.next()?, sequence.next()?, sequence.optional_next()?))
            })?;
            proofs::prove(node, address, &slots, block)
        });
        self.add("eth_getProof", |node, params| {
            let (address, slots, block): (_, Vec<_>, _) = parse(params, |sequence| {
                Ok((sequence.next()?, sequence.next()?, sequence.optional_next()?))
            })?;
            proofs::unproven(node, address, &slots, block)
        });
        self.add("eth_call", |node, params| calls::call(node, &calls::parameters(params)?));
        self.add("eth_estimateGas", |node, params| {
            calls::estimate_gas(node, &calls::parameters(params)?)
        });
    }

    fn add_call_methods(&mut self) {
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
        self.add("debug_traceBlockByNumber", |node, params| {
            let (block, tracer) = traces::block_parameters::<BlockNumberOrTag>(params)?;
            traces::block(node, block, &tracer)
        });
        self.add("debug_traceBlockByHash", |node, params| {
            let (block, tracer) = traces::block_parameters::<B256>(params)?;
            traces::block(node, block, &tracer)
        });
    }

    fn add_transaction_methods(&mut self, is_development: bool) {
        // On a development ledger, accepting a transaction produces a block, which takes time: there the module
        // `development` adds the method.
        if !is_development {
            self.add_quick("eth_sendRawTransaction", |node, params| {
                submission::send(node, &one(params)?)
            });
        }
        self.add_waiting(
            "eth_sendRawTransactionSync",
            submission::parameters,
            submission::send_and_wait,
        );
        self.add_waiting("gleaner_submitStatement", statements::parameters, statements::submit);
        self.add("eth_fillTransaction", |node, params| filling::fill(node, one(params)?));
        self.add("eth_getTransactionByHash", |node, params| {
            blocks::transaction(node, one(params)?)
        });
        self.add("eth_getRawTransactionByHash", |node, params| {
            let transaction = blocks::transaction(node, one(params)?)?;
            Ok(transaction.as_ref().map(blocks::raw))
        });
        self.add("eth_getTransactionReceipt", |node, params| {
            receipts::of_transaction(node, one(params)?)
        });
        self.add("txpool_status", |node, _| Ok(mempool::status(node)));
        self.add("txpool_content", |node, _| mempool::content(node));
        self.add("txpool_contentFrom", |node, params| mempool::content_from(node, one(params)?));
        self.add("txpool_inspect", |node, _| mempool::inspect(node));
    }

    /// Adds a method of a block under two names: `eth_get…ByNumber` and `eth_get…ByHash`.
    fn add_of_block<T: Serialize + 'static>(
        &mut self,
        [by_number, by_hash]: [&'static str; 2],
        method: fn(&Node, BlockId) -> Answer<T>,
    ) {
        let block = |number: BlockNumberOrTag| BlockId::from(number);
        self.add(by_number, move |node, params| method(node, block(one(params)?)));
        self.add(by_hash, move |node, params| method(node, one::<B256>(params)?.into()));
    }

    /// Adds a method of an index in a block under two names: one takes the block's number, the other its hash.
    fn add_of_place<T: Serialize + 'static>(
        &mut self,
        [by_number, by_hash]: [&'static str; 2],
        method: fn(&Node, BlockId, Count) -> Answer<T>,
    ) {
        self.add(by_number, move |node, params| {
            let (number, index) = two::<BlockNumberOrTag, _>(params)?;
            method(node, number.into(), index)
        });
        self.add(by_hash, move |node, params| {
            let (hash, index) = two::<B256, _>(params)?;
            method(node, hash.into(), index)
        });
    }

    /// Adds the methods that return a part of a block.
    fn add_block_part_methods(&mut self) {
        let count = ["eth_getBlockTransactionCountByNumber", "eth_getBlockTransactionCountByHash"];
        self.add_of_block(count, blocks::transaction_count);
        self.add_of_block(["eth_getHeaderByNumber", "eth_getHeaderByHash"], blocks::header);
        let uncles = ["eth_getUncleCountByBlockNumber", "eth_getUncleCountByBlockHash"];
        self.add_of_block(uncles, blocks::uncle_count);
        let uncle = ["eth_getUncleByBlockNumberAndIndex", "eth_getUncleByBlockHashAndIndex"];
        self.add_of_place(uncle, |node, block, _| {
            // Always null, because there are no uncles. A pruned block is an error.
            blocks::uncle_count(node, block).map(|_| None::<WireBlock>)
        });
        let transaction =
            ["eth_getTransactionByBlockNumberAndIndex", "eth_getTransactionByBlockHashAndIndex"];
        self.add_of_place(transaction, blocks::transaction_at);
        let raw = [
            "eth_getRawTransactionByBlockNumberAndIndex",
            "eth_getRawTransactionByBlockHashAndIndex",
        ];
        self.add_of_place(raw, |node, block, index| {
            Ok(blocks::transaction_at(node, block, index)?.as_ref().map(blocks::raw))
        });
    }
}
