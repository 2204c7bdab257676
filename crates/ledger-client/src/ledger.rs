use std::{sync::Arc, time::Duration};

use abi::convert::{account, address, wei};
use alloy_eips::BlockId;
use alloy_primitives::{Address, Bytes, U64, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_signer::Signer as _;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;
use units::{AccountId, Wei};

use crate::{
    error::LedgerError,
    http::Http,
    line::Line,
    node::Node,
    queue::{self, SenderQueue},
    transaction::{Change, Receipt},
};

/// A connection to the ledger, cheap to clone. All connections of this process that sign as one account share its nonce.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub(crate) shared: Arc<Shared>,
    pub(crate) patience: Duration,
    pub(crate) fee_max: Wei,
    /// Whether the node makes no further block: what would be asked of the next one is asked of the newest.
    pub(crate) is_at_standstill: bool,
}

/// What a transaction may cost in fees, unless [`Ledger::with_fee_max`] says otherwise: 1 GRAIN, hundreds of times what one of millions of
/// gas costs on a ledger that is not congested. The node names prices and gas, and nobody signs whatever it asks for.
pub const FEE_MAX: Wei = Wei::new(10_u128.pow(18));

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) node: Node,
    pub(crate) chain_id: u64,
    pub(crate) signer: Option<PrivateKeySigner>,
    /// Through which all changes of the account go.
    pub(crate) queue: Arc<SenderQueue>,
}

impl Ledger {
    /// Connects to the node at `url`, for reading, and with a `signer` for writing.
    ///
    /// `patience` limits how long any later call waits for a node that does not answer, and for a transaction to be
    /// included in a block.
    ///
    /// # Errors
    /// [`LedgerError::BadUrl`], or [`LedgerError::Unreachable`] after `patience`.
    pub async fn connect(
        url: &str,
        signer: Option<PrivateKeySigner>,
        patience: Duration,
    ) -> Result<Self, LedgerError> {
        let bad = || LedgerError::BadUrl { url: url.to_owned() };
        let line = Arc::new(Http::new(url).ok_or_else(bad)?);
        let node = Node::new(line, url.to_owned());
        let chain_id = chain_id(&node, patience).await?;
        let sender = signer.as_ref().map(|signer| signer.address());
        let queue = queue::of(sender, chain_id, url);
        Ok(Self::with(node, chain_id, (signer, queue), patience))
    }

    /// Connects to a node over another line than HTTP, for reading, and with a `signer` for writing. `name` stands for the
    /// node's address in messages. Of the connections to it only the clones of one share a nonce.
    ///
    /// # Errors
    /// [`LedgerError::Unreachable`] after `patience`.
    pub async fn over(
        line: Arc<dyn Line>,
        name: &str,
        signer: Option<PrivateKeySigner>,
        patience: Duration,
    ) -> Result<Self, LedgerError> {
        let node = Node::new(line, name.to_owned());
        let chain_id = chain_id(&node, patience).await?;
        Ok(Self::with(node, chain_id, (signer, Arc::default()), patience))
    }

    fn with(
        node: Node,
        chain_id: u64,
        (signer, queue): (Option<PrivateKeySigner>, Arc<SenderQueue>),
        patience: Duration,
    ) -> Self {
        // Bound to this chain id: a transaction signed here is invalid on other chains.
        let signer = signer.map(|signer| signer.with_chain_id(Some(chain_id)));
        let shared = Arc::new(Shared { node, chain_id, signer, queue });
        Self { shared, patience, fee_max: FEE_MAX, is_at_standstill: false }
    }

    /// Returns the same connection with another `patience`.
    #[must_use]
    pub fn with_patience(&self, patience: Duration) -> Self {
        Self { patience, ..self.clone() }
    }

    /// Returns the same connection, which signs no transaction that could cost more than `fee_max` in fees.
    #[must_use]
    pub fn with_fee_max(&self, fee_max: Wei) -> Self {
        Self { fee_max, ..self.clone() }
    }

    /// Returns the node's address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.shared.node.url
    }

    /// Returns since when the node has been asked, over this connection or a clone of it, and has answered nothing; `None` when nothing was asked since its
    /// last answer. A request that was given up counts, too.
    #[must_use]
    pub fn silent_since(&self) -> Option<Instant> {
        self.shared.node.silent_since()
    }

    /// Returns the chain id, part of every statement and transaction.
    #[must_use]
    pub fn chain_id(&self) -> u64 {
        self.shared.chain_id
    }

    /// Returns the account that signs changes.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        self.shared.signer.as_ref().map(|signer| account(signer.address()))
    }

    /// Returns the balance of an account.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn balance(&self, account: &AccountId) -> Result<Wei, LedgerError> {
        let parameters = json!([address(*account), "latest"]);
        let balance: U256 = self.ask("eth_getBalance", parameters).await?;
        wei(balance)
            .map_err(|_| self.shared.node.malformed("a balance is above the largest possible one"))
    }

    /// Sends `amount` to another account.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn transfer(&self, to: &AccountId, amount: Wei) -> Result<Receipt, LedgerError> {
        self.change(Change { to: address(*to), value: amount, input: Bytes::new() }).await
    }

    /// Returns the proof of an account and some of its slots after a block, as the node writes it. It is not checked here.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn state_proof(
        &self,
        of: Address,
        slots: &[U256],
        block: BlockId,
    ) -> Result<Value, LedgerError> {
        self.ask("gleaner_getProof", json!([of, slots, block])).await
    }

    /// Calls a view of the contract at `to`.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn read<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, LedgerError> {
        let request =
            TransactionRequest::default().to(to).input(Bytes::from(call.abi_encode()).into());
        let bytes: Bytes = self.ask("eth_call", json!([request, "latest"])).await?;
        C::abi_decode_returns(&bytes).map_err(|error| {
            self.shared.node.malformed(format!(
                "{} returned {} bytes: {error}",
                C::SIGNATURE,
                bytes.len()
            ))
        })
    }

    /// Returns what a call of the contract at `to` by `from` would return, without sending it.
    ///
    /// # Errors
    /// [`LedgerError`]; in particular [`LedgerError::Refused`] when it would fail.
    pub async fn simulate<C: SolCall>(
        &self,
        from: &AccountId,
        to: Address,
        call: &C,
    ) -> Result<C::Return, LedgerError> {
        let request = TransactionRequest::default().from(address(*from)).to(to);
        let request = request.input(Bytes::from(call.abi_encode()).into());
        let bytes: Bytes = self.ask("eth_call", json!([request, "latest"])).await?;
        C::abi_decode_returns(&bytes).map_err(|error| {
            self.shared.node.malformed(format!(
                "{} returned {} bytes: {error}",
                C::SIGNATURE,
                bytes.len()
            ))
        })
    }

    /// Returns the price of a unit of gas that the node proposes now.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn gas_price(&self) -> Result<Wei, LedgerError> {
        let price: U256 = self.ask("eth_gasPrice", json!([])).await?;
        wei(price).map_err(|_| {
            self.shared.node.malformed("a price of gas is above the largest possible amount")
        })
    }

    /// Calls a function of the contract at `to` in a transaction with `value`, and waits for its block.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn write<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        value: Wei,
    ) -> Result<Receipt, LedgerError> {
        self.change(Change { to, value, input: call.abi_encode().into() }).await
    }

    /// Sends encoded calldata and `value` to the contract at `to`, and waits for its block.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub async fn write_encoded(
        &self,
        to: Address,
        input: Bytes,
        value: Wei,
    ) -> Result<Receipt, LedgerError> {
        self.change(Change { to, value, input }).await
    }

    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: &str,
        parameters: Value,
    ) -> Result<T, LedgerError> {
        self.shared.node.ask(self.patience, method, parameters).await
    }
}

async fn chain_id(node: &Node, patience: Duration) -> Result<u64, LedgerError> {
    let chain_id: U64 = node.ask(patience, "eth_chainId", json!([])).await?;
    Ok(chain_id.to())
}
