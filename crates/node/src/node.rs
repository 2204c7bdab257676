//! The public interface of a node.

use crate::{
    clock::Clock,
    config::{Founding, NodeConfig, Production},
    development::{Development, DevelopmentState},
    error::{OpenError, SubmitError, WaitError},
    holders::{Holders, HoldersView},
    journal::Journal,
    key,
    mempool::{Pool, PoolRefusal, Sender},
    pending::{Pending, PendingBlocks, PendingError},
    producer,
    relay::{self, Courier, Relay},
    sequencing::Sequencing,
    state_view::StateView,
    waiting::{self, WaitingFeed},
};
use alloy_consensus::{Header, ReceiptEnvelope, Sealed, transaction::Recovered};
use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256};
use ed25519_dalek::SigningKey;
use execution::{
    BlockError, Call, CallError, CallOutcome, Environment, EstimateError, Genesis, GenesisReferees,
    Overrides, PendingBlock, Rules, Transaction, UnknownRevision, decode_transaction,
};
use history::{Follower, History, Unavailable};
use std::{
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use store::{Reader, Store, StoreError, StoreOptions};
use tokio::{
    sync::{broadcast, watch},
    time::Instant,
};

/// A ledger with its mempool and producer, cheap to clone. When the last clone is dropped, production stops and the
/// data directory is released.
#[derive(Clone)]
pub struct Node {
    /// Stops before the producer.
    courier: Arc<Courier>,
    shared: Arc<Shared>,
    producer: Arc<Producer>,
    /// With a history index: the thread that writes it.
    _follower: Option<Arc<Follower>>,
}

/// State shared by the node and its producer thread.
pub(crate) struct Shared {
    pub(crate) store: Store,
    /// Those of the genesis file, without votes.
    pub(crate) founding: Rules,
    /// As votes have extended them at the newest reader.
    rules: Mutex<Arc<Rules>>,
    pub(crate) key: SigningKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) sequencing: Sequencing,
    pub(crate) batching: Duration,
    pub(crate) pending: PendingBlocks,
    pub(crate) relay: Relay,
    /// The history index, if there is one.
    history: Option<Arc<History>>,
    pub(crate) holders: Holders,
    pool: Mutex<Pool>,
    /// Locked after the pool.
    journal: Mutex<Journal>,
    /// Used with the pool: notified when something is added while [`Shared::is_idle`], or the node stops.
    pub(crate) wake: Condvar,
    /// Written under the pool's lock: true while the producer sleeps until there is a transaction. While it waits for
    /// further ones, nobody wakes it.
    pub(crate) is_idle: AtomicBool,
    /// Number of changes of the store: a reader is valid for one.
    generation: AtomicU64,
    latest: Mutex<Option<(u64, Arc<Reader>)>>,
    pub(crate) stopping: AtomicBool,
    pub(crate) halted: OnceLock<String>,
    pub(crate) heads: watch::Sender<Sealed<Header>>,
    waiting: broadcast::Sender<B256>,
}

/// The producer thread, stopped with the last clone of the node; or none, when the node's caller makes the blocks.
struct Producer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// When the caller made the last block.
    last: Mutex<Instant>,
}

/// The block in which a call runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallBlock {
    /// The block whose state it reads: its number and time.
    Same,
    /// The block that would follow it now.
    Next,
}

/// A transaction that waits for a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The transaction as it was submitted.
    pub transaction: Recovered<Transaction>,
    /// Whether it could be next for its sender: no earlier nonce is missing, and it can be paid for after those before it.
    pub is_ready: bool,
}

/// A transaction in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Height of the block.
    pub block_number: u64,
    /// Position in the block, from 0.
    pub index: usize,
    /// Its receipt.
    pub receipt: ReceiptEnvelope,
}

impl Node {
    /// Opens the data directory and starts to make blocks.
    ///
    /// # Errors
    /// [`OpenError`]: in use, another chain, no chain, damaged, not writable.
    pub fn open(mut config: NodeConfig) -> Result<Self, OpenError> {
        let past_states_max = config.past_states_max;
        let is_development = config.is_development;
        let blocks_max = config.blocks_max;
        let options = StoreOptions { past_states_max, blocks_max, is_development };
        let given = config.genesis.take();
        if let Some(genesis) = &given {
            // Before any file is created.
            genesis.validate().map_err(StoreError::from)?;
        }
        let store = Store::open_with(&config.data_dir, options)?;
        let genesis = match (given, config.founding) {
            (None, _) => store.genesis()?,
            (Some(genesis), Founding::Solo { relay_funds }) if store.genesis()?.is_none() => {
                Some(found(&config.data_dir, genesis, relay_funds)?)
            }
            (given, _) => given,
        };
        if let Some(genesis) = &genesis {
            store.initialize(genesis)?;
        }
        // Without a genesis block this returns the error.
        let reader = store.reader()?;
        let head = reader.head().clone();
        let genesis = genesis.ok_or_else(|| StoreError::Empty { path: store.path().into() })?;
        let founding = Rules { modules: config.modules, ..genesis.rules() };
        let rules = founding.at(&reader)?;
        rules.check_known(head.number)?;
        drop(reader);
        let key = key::load_or_create(&config.data_dir)?;
        warn_of_time(&config, head.timestamp);
        let sequencing = sequencing(&config, &store, &genesis)?;
        let relay = Relay::new(&key);
        let mut pool = Pool::new(config.pool, sequencing.pool_rules(founding.clone()));
        pool.set_first(relay.account());
        let path = config.data_dir.as_path();
        let unopened = |source| OpenError::Journal { path: path.to_owned(), source };
        let (journal, waiting) = Journal::open(path).map_err(unopened)?;
        let shared = Arc::new(Shared {
            store,
            key,
            clock: config.clock,
            sequencing,
            batching: config.batching,
            pending: PendingBlocks::default(),
            relay,
            history: config.history.map(|options| Arc::new(History::new(path, options))),
            holders: Holders::default(),
            pool: Mutex::new(pool),
            founding,
            rules: Mutex::new(Arc::new(rules)),
            journal: Mutex::new(journal),
            wake: Condvar::new(),
            is_idle: AtomicBool::new(false),
            generation: AtomicU64::new(0),
            latest: Mutex::new(None),
            stopping: AtomicBool::new(false),
            halted: OnceLock::new(),
            heads: watch::Sender::new(head),
            waiting: broadcast::Sender::new(waiting::UNREAD_MAX),
        });
        shared.restore_waiting(&waiting)?;
        shared.announce_unknown();
        let (producer, courier) = match config.production {
            Production::Threads => (Producer::start(&shared)?, Courier::start(&shared)?),
            Production::Steps => (Producer::with(&shared, None), Courier::with(&shared, None)),
        };
        let follower = follow(&shared);
        let (courier, producer) = (Arc::new(courier), Arc::new(producer));
        Ok(Self { courier, shared, producer, _follower: follower })
    }

    /// Does what is due now on a node with [`Production::Steps`]: sends statements that wait, then makes a block if transactions
    /// wait, or if the interval without one is over. Returns whether it made a block. On other nodes it does nothing.
    #[expect(
        clippy::must_use_candidate,
        reason = "whether there was something to do is only informative"
    )]
    pub fn step(&self) -> bool {
        if self.producer.has_thread() {
            return false;
        }
        self.courier.step();
        self.producer.step()
    }

    /// Returns the parameters of the chain: chain id, gas limit, base fee rule, and the schedule as it is at the head.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        self.shared.rules()
    }

    /// Returns the genesis file that the ledger began with.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn genesis(&self) -> Result<Genesis, StoreError> {
        let genesis = self.shared.store.genesis()?;
        genesis.ok_or_else(|| StoreError::Empty { path: self.shared.store.path().into() })
    }

    /// Returns the node's public ed25519 key. It signs the randomness, and rulings if it is a referee.
    #[must_use]
    pub fn key(&self) -> B256 {
        self.shared.key.verifying_key().to_bytes().into()
    }

    /// Returns the last block's header and hash.
    #[must_use]
    pub fn head(&self) -> Sealed<Header> {
        self.shared.heads.borrow().clone()
    }

    /// Returns a receiver of new heads, which may skip older ones. It also wakes when production stops or a waiting
    /// transaction is removed.
    #[must_use]
    pub fn subscribe_heads(&self) -> watch::Receiver<Sealed<Header>> {
        self.shared.heads.subscribe()
    }

    /// Returns a receiver of the transactions that begin to wait from now on; a slow reader misses some.
    #[must_use]
    pub fn subscribe_waiting(&self) -> WaitingFeed {
        WaitingFeed::new(self.shared.waiting.subscribe())
    }

    /// Returns a snapshot of the chain and of the state at its head, shared by all callers before the next block.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn reader(&self) -> Result<Arc<Reader>, StoreError> {
        self.shared.reader()
    }

    /// Returns how concentrated GRAIN is at the head. The first question reads all accounts; from there on every block is followed.
    ///
    /// # Errors
    /// [`StoreError`] when the state cannot be read.
    pub fn holders(&self) -> Result<HoldersView, StoreError> {
        self.shared.holders.view(&*self.shared.reader()?)
    }

    /// The history index; `None` unless [`NodeConfig::history`] asks for one.
    #[must_use]
    pub fn history(&self) -> Option<&History> {
        self.shared.history.as_deref()
    }

    /// The history index together with the ledger as it is now.
    ///
    /// # Errors
    /// [`Unavailable`]: there is none, it is being opened, it has stopped, or it cannot be read.
    pub fn history_view(&self) -> Result<history::View, Unavailable> {
        self.history().ok_or(Unavailable::Disabled)?.view(|| self.reader())
    }

    /// Returns why block production has stopped, if it has.
    #[must_use]
    pub fn halted(&self) -> Option<&str> {
        self.shared.halted.get().map(String::as_str)
    }

    /// Submits a signed transaction (EIP-2718 bytes) to the mempool; returns its hash.
    ///
    /// # Errors
    /// [`SubmitError`]; nothing has changed then.
    pub fn submit(&self, bytes: &[u8]) -> Result<B256, SubmitError> {
        self.check_running()?;
        let transaction = decode_transaction(bytes)?;
        match self.development() {
            Some(development) => development.take(transaction),
            None => self.shared.admit(transaction),
        }
    }

    /// Returns the operations of a development ledger; `None` for a production ledger.
    #[must_use]
    pub fn development(&self) -> Option<Development<'_>> {
        Development::of(self, &self.shared)
    }

    /// Returns a transaction that waits for a block.
    #[must_use]
    pub fn waiting(&self, hash: &B256) -> Option<Recovered<Transaction>> {
        self.shared.pool().transaction(hash).cloned()
    }

    /// Returns all waiting transactions, or those of one sender: by sender, in the order of their nonces.
    #[must_use]
    pub fn all_waiting(&self, sender: Option<Address>) -> Vec<Waiting> {
        let pool = self.shared.pool();
        let shown = |(transaction, is_ready): (&Recovered<Transaction>, bool)| Waiting {
            transaction: transaction.clone(),
            is_ready,
        };
        pool.all(sender).map(shown).collect()
    }

    /// Returns whether nothing is missing before a transaction: it is in a block, or could be next for its sender.
    #[must_use]
    pub fn is_ready(&self, hash: &B256) -> bool {
        self.shared.pool().is_ready(hash)
    }

    /// Returns the number of waiting transactions.
    #[must_use]
    pub fn waiting_count(&self) -> usize {
        self.shared.pool().len()
    }

    /// Returns the nonce of an account's next transaction, after those that wait.
    ///
    /// # Errors
    /// [`StoreError`] when the state cannot be read.
    pub fn next_nonce(&self, address: &Address) -> Result<u64, StoreError> {
        // Under the lock, as in `submit`: a transaction that moves into a block is counted in one of both places.
        let pool = self.shared.pool();
        let account = self.reader()?.account(address)?;
        let nonce = account.map_or(0, |account| account.nonce);
        Ok(pool.next_nonce(address, nonce))
    }

    /// Returns the base fee of the next block, in the smallest unit per gas.
    #[must_use]
    pub fn next_base_fee(&self) -> u64 {
        self.shared.next_base_fee()
    }

    /// Returns the gas limit of the next block.
    #[must_use]
    pub fn next_gas_limit(&self) -> u64 {
        self.shared.next_gas_limit()
    }

    /// Executes a call on the head's state and discards its changes.
    ///
    /// # Errors
    /// [`CallError`] when it could not run; a revert is an outcome.
    pub fn call(&self, call: &Call) -> Result<CallOutcome, CallError<StoreError>> {
        let reader = self.reader().map_err(CallError::State)?;
        let view = self.view(reader, CallBlock::Same);
        view.call_context(&Overrides::default()).call(call)
    }

    /// Returns the state after the head of `reader`, for calls in `block`.
    #[must_use]
    pub fn view(&self, reader: Arc<Reader>, block: CallBlock) -> StateView {
        match block {
            CallBlock::Same => {
                let rules = self.rules();
                let environment = Environment::of(reader.head(), &rules);
                StateView::new(reader, rules, environment)
            }
            CallBlock::Next => self.shared.next_view(reader),
        }
    }

    /// Returns the state after the transactions that could be in the next block, for calls in that block after them.
    ///
    /// # Errors
    /// [`PendingError`] when the chain cannot be read.
    pub fn pending_view(&self) -> Result<StateView, PendingError> {
        if !self.shared.has_ready() {
            let reader = self.reader().map_err(BlockError::State)?;
            return Ok(self.view(reader, CallBlock::Next));
        }
        let Pending { reader, rules, environment, block } = self.shared.pending()?;
        Ok(StateView::pending(reader, block, rules, environment))
    }

    /// Returns the next block as it would be now, with the transactions that could be in it. Its randomness is not
    /// known yet; the parent's is used.
    ///
    /// # Errors
    /// [`PendingError`] when the chain cannot be read.
    pub fn pending_block(&self) -> Result<Arc<PendingBlock>, PendingError> {
        Ok(self.shared.pending()?.block)
    }

    /// Returns the gas limit with which a call succeeds in the next block, within 1/64 of the smallest.
    ///
    /// # Errors
    /// [`EstimateError`]: reverted with its data, halted, or not run at all.
    pub fn estimate_gas(&self, call: &Call) -> Result<u64, EstimateError<StoreError>> {
        let reader = self.reader().map_err(CallError::State)?;
        let view = self.view(reader, CallBlock::Next);
        view.call_context(&Overrides::default()).estimate_gas(call)
    }

    /// Waits until a submitted transaction is in a block.
    ///
    /// # Errors
    /// [`WaitError`] when it won't be.
    pub async fn wait_for(&self, hash: B256) -> Result<Inclusion, WaitError> {
        let mut heads = self.subscribe_heads();
        loop {
            heads.mark_unchanged();
            // Checked in this order, a transaction can't move from one place to the other between the checks.
            let is_waiting = self.shared.pool().transaction(&hash).is_some();
            if let Some(inclusion) = self.shared.inclusion(&hash)? {
                return Ok(inclusion);
            }
            if let Some(reason) = self.halted() {
                return Err(WaitError::Halted { reason: reason.to_owned() });
            }
            if let Err(unknown) = self.shared.check_next_known() {
                return Err(WaitError::Halted { reason: unknown.to_string() });
            }
            if self.shared.stopping.load(Ordering::SeqCst) {
                return Err(WaitError::Stopping { hash });
            }
            if !is_waiting {
                return Err(WaitError::Unknown { hash });
            }
            heads.changed().await.map_err(|_| WaitError::Stopping { hash })?;
        }
    }

    /// Stops production: the block in progress is finished, and waiting transactions stay in the journal. Queries
    /// still work. Blocks the caller.
    ///
    /// The data directory is released when the last clone of the node is dropped.
    pub fn shutdown(&self) {
        self.courier.stop();
        self.producer.stop();
    }

    /// Returns the state that the node shares with its threads.
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn check_running(&self) -> Result<(), SubmitError> {
        if let Some(reason) = self.halted() {
            return Err(SubmitError::Halted { reason: reason.to_owned() });
        }
        if self.shared.stopping.load(Ordering::SeqCst) {
            return Err(SubmitError::Stopping);
        }
        let known = self.shared.check_next_known();
        known.map_err(|unknown| SubmitError::Halted { reason: unknown.to_string() })
    }
}

impl Shared {
    /// Adds a transaction to the mempool.
    pub(crate) fn admit(&self, transaction: Recovered<Transaction>) -> Result<B256, SubmitError> {
        let hash = *transaction.tx_hash();
        let mut pool = self.pool();
        // Read under the lock: the producer can't settle a block in between, so the account given to the pool is
        // never older than the pool's own.
        let reader = self.reader()?;
        if reader.locate(&hash)?.is_some() {
            return Err(PoolRefusal::AlreadyKnown.into());
        }
        let mut sender = sender(&reader, &transaction.signer())?;
        let keeps_waiting = self.sequencing.keeps_waiting();
        // A contract is the sender when it is impersonated.
        sender.is_contract &= keeps_waiting;
        let admission = pool.admit(&transaction, sender)?;
        if keeps_waiting {
            self.journal().append(&transaction).map_err(SubmitError::Journal)?;
        }
        pool.insert(transaction, admission);
        let is_idle = self.is_idle.load(Ordering::SeqCst);
        drop(pool);
        // It does not matter if nobody receives the hash.
        let _ = self.waiting.send(hash);
        if is_idle {
            self.wake.notify_all();
        }
        Ok(hash)
    }

    /// Returns the block and receipt of a transaction.
    pub(crate) fn inclusion(&self, hash: &B256) -> Result<Option<Inclusion>, StoreError> {
        let reader = self.reader()?;
        let Some(location) = reader.locate(hash)? else { return Ok(None) };
        let (block_number, index) = (location.block_number, location.index);
        let receipts = reader.receipts(block_number)?;
        let receipt = receipts.and_then(|receipts| receipts.into_iter().nth(index));
        Ok(receipt.map(|receipt| Inclusion { block_number, index, receipt }))
    }

    /// Returns the state after the head of `reader`, for calls in the block after it.
    pub(crate) fn next_view(&self, reader: Arc<Reader>) -> StateView {
        let head = reader.head();
        let rules = self.rules();
        let environment = Environment::next(head, &rules, &self.pending_input(head));
        StateView::new(reader, rules, environment)
    }

    /// Returns the mempool. A thread that panicked with the lock leaves it consistent: its methods check before they
    /// change.
    pub(crate) fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the journal; locked after the pool. A thread that panicked with the lock leaves a file that is readable
    /// up to its last whole record.
    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the transactions that waited before a restart to the mempool, except those in a block and those that
    /// can't be included any more.
    fn restore_waiting(&self, waiting: &[Vec<u8>]) -> Result<(), StoreError> {
        let reader = self.reader()?;
        let mut pool = self.pool();
        for bytes in waiting {
            let Ok(transaction) = decode_transaction(bytes) else { continue };
            let sender = sender(&reader, &transaction.signer())?;
            if let Ok(admission) = pool.admit(&transaction, sender) {
                pool.insert(transaction, admission);
            }
        }
        if !waiting.is_empty() {
            tracing::info!(
                kept = waiting.len(),
                waiting = pool.len(),
                "waiting transactions were restored"
            );
        }
        self.tidy_journal(&pool);
        Ok(())
    }

    /// Writes the journal again when most of its transactions have left the mempool.
    pub(crate) fn tidy_journal(&self, pool: &Pool) {
        let mut journal = self.journal();
        if journal.is_bloated(pool.bytes())
            && let Err(error) = journal.rewrite(pool.in_order())
        {
            tracing::warn!(%error, "the journal of waiting transactions could not be written again");
        }
    }

    /// Returns a reader that is not older than the last [`Shared::renew`].
    pub(crate) fn reader(&self) -> Result<Arc<Reader>, StoreError> {
        let generation = self.generation();
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made_for, reader)) = &*latest
            && *made_for >= generation
        {
            return Ok(Arc::clone(reader));
        }
        let reader = Arc::new(self.store.reader()?);
        self.follow_votes(self.founding.at(&*reader)?);
        *latest = Some((generation, Arc::clone(&reader)));
        Ok(reader)
    }

    /// Returns the rules as votes have extended them at the newest reader.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        if let Err(error) = self.reader() {
            // Whoever reads the ledger next gets the error.
            tracing::warn!(%error, "votes on the schedule of rules could not be read");
        }
        Arc::clone(&self.rules.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes what votes say of the schedule at a new reader, and tells the operator if it has changed: in time to install another program.
    fn follow_votes(&self, rules: Rules) {
        let mut kept = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.schedule == rules.schedule {
            return;
        }
        let coming: Vec<_> = rules.schedule.activations().iter().map(ToString::to_string).collect();
        tracing::info!("the schedule of rules has changed: {}", coming.join(", "));
        if let Some(unknown) = rules.first_unknown().filter(|it| Some(*it) != kept.first_unknown())
        {
            tracing::warn!("{unknown}");
        }
        *kept = Arc::new(rules);
    }

    /// Invalidates the reader; called after each change of the store, before anyone is notified.
    pub(crate) fn renew(&self) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = None;
        self.generation.fetch_add(1, Ordering::SeqCst);
        drop(latest);
        if let Some(history) = &self.history {
            history.notify();
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    pub(crate) fn next_base_fee(&self) -> u64 {
        self.sequencing.next_base_fee(&self.heads.borrow(), &self.founding)
    }

    /// Returns the gas limit of the next block.
    pub(crate) fn next_gas_limit(&self) -> u64 {
        self.sequencing.next_gas_limit(&self.founding)
    }

    /// Returns whether a transaction of the mempool could be in the next block.
    pub(crate) fn has_ready(&self) -> bool {
        let base_fee = self.next_base_fee();
        self.check_next_known().is_ok() && self.pool().has_best(base_fee)
    }

    /// Stores how far a development ledger is ahead of the clock, if that has changed.
    pub(crate) fn keep_time(&self, development: &DevelopmentState) -> Result<(), StoreError> {
        if let Some(offset) = development.unkept_offset() {
            self.store.keep_time_offset(offset)?;
            development.set_kept_offset(offset);
        }
        Ok(())
    }

    /// Checks that this program knows the rules of the next block. While it does not, no block is produced and no
    /// transaction is accepted; queries are answered. A development ledger may be reverted below that height and
    /// continue.
    pub(crate) fn check_next_known(&self) -> Result<(), UnknownRevision> {
        let head = self.heads.borrow().number;
        self.rules().check_known(head.saturating_add(1))
    }

    /// Warns the operator at the start that the schedule has rules which this program does not know.
    fn announce_unknown(&self) {
        match self.rules().first_unknown() {
            Some(unknown) if self.check_next_known().is_ok() => tracing::warn!("{unknown}"),
            _ => self.report_unknown(),
        }
    }

    /// Warns the operator that the head is the last block whose rules this program knows.
    pub(crate) fn report_unknown(&self) {
        if let Err(unknown) = self.check_next_known() {
            tracing::error!("no more blocks are made: {unknown}");
        }
    }

    /// Stops block production; the first reason is kept.
    pub(crate) fn halt(&self, reason: String) {
        if self.halted.set(reason).is_ok() {
            self.notify();
        }
    }

    /// Wakes everyone who waits for a head, though there is no new one.
    pub(crate) fn notify(&self) {
        self.heads.send_modify(|_| {});
    }
}

/// Starts the thread that writes the history index, if there is to be one.
fn follow(shared: &Arc<Shared>) -> Option<Arc<Follower>> {
    let own = Arc::clone(shared);
    // Not the reader that all share: its lock is not to be held by a thread of low priority.
    let reader = move || own.store.reader().map(Arc::new);
    shared.history.as_ref().map(|history| Arc::new(Follower::start(history, reader)))
}

impl Producer {
    fn start(shared: &Arc<Shared>) -> Result<Self, OpenError> {
        let own = Arc::clone(shared);
        let thread = std::thread::Builder::new()
            .name("producer".to_owned())
            .spawn(move || producer::run(&own))
            .map_err(OpenError::Thread)?;
        Ok(Self::with(shared, Some(thread)))
    }

    fn with(shared: &Arc<Shared>, thread: Option<JoinHandle<()>>) -> Self {
        let (thread, last) = (Mutex::new(thread), Mutex::new(producer::now()));
        Self { shared: Arc::clone(shared), thread, last }
    }

    fn has_thread(&self) -> bool {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn step(&self) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let has_made_one = producer::step(&self.shared, *last);
        if has_made_one {
            *last = producer::now();
        }
        has_made_one
    }

    fn stop(&self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // With the lock taken once, the thread is either before its check of `stopping`, or asleep and woken.
        drop(self.shared.pool());
        self.shared.wake.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("block production stopped: internal error");
        }
        self.shared.notify();
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Warns the operator if the last block is ahead of the clock, except on a development ledger, whose time is moved.
fn warn_of_time(config: &NodeConfig, head_timestamp: u64) {
    let wall = config.clock.now();
    if head_timestamp > wall && !config.is_development {
        let ahead_seconds = head_timestamp - wall;
        tracing::warn!(
            ahead_seconds,
            "the last block is ahead of the clock: blocks keep its timestamp until the clock has caught up"
        );
    }
}

/// Returns the policy of block production, by the configuration.
fn sequencing(
    config: &NodeConfig,
    store: &Store,
    genesis: &Genesis,
) -> Result<Sequencing, StoreError> {
    let timestamps = config.timestamps;
    let beneficiary = config.fee_recipient.unwrap_or(genesis.fee_recipient);
    if !config.is_development {
        return Ok(Sequencing::solo(config.block_interval, timestamps, beneficiary));
    }
    let head = store.reader()?.head().timestamp;
    let development = DevelopmentState::at(store.time_offset()?, config.clock.now(), head);
    Ok(Sequencing::development(development, timestamps, beneficiary))
}

/// Returns the genesis state of a ledger that this node begins alone: its key is the referee, and its relay account has funds. The ledger's
/// folder is locked.
fn found(
    directory: &std::path::Path,
    mut genesis: Genesis,
    relay_funds: U256,
) -> Result<Genesis, OpenError> {
    let key = key::load_or_create(directory)?;
    let members = vec![key.verifying_key().to_bytes().into()];
    genesis.referees = Some(GenesisReferees { members, threshold: 1 });
    let account = genesis.accounts.entry(relay::relay_account(&key)).or_default();
    account.balance = account.balance.saturating_add(relay_funds);
    genesis.validate().map_err(StoreError::from)?;
    Ok(genesis)
}

/// Returns the account of a sender.
fn sender(reader: &Reader, address: &Address) -> Result<Sender, StoreError> {
    let Some(account) = reader.account(address)? else {
        return Ok(Sender { nonce: 0, balance: U256::ZERO, is_contract: false });
    };
    // EIP-7702: an account with a delegation is not a contract.
    let is_contract = account.code_hash != KECCAK256_EMPTY
        && !reader.code(&account.code_hash)?.starts_with(&[0xef, 0x01, 0x00]);
    Ok(Sender { nonce: account.nonce, balance: account.balance, is_contract })
}

#[cfg(test)]
mod tests;
