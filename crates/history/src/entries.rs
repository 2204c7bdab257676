//! What the index says of a block.

use crate::{filter::EventFilter, index::Kept, position::Position};
use abi::Erc20;
use alloy_consensus::{ReceiptEnvelope, Transaction as _, transaction::Recovered};
use alloy_primitives::{Address, B256, Log};
use alloy_sol_types::SolEvent as _;
use execution::Transaction;
use std::collections::BTreeMap;
use store::Block;

/// What an account has to do with a transaction; it may have several roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It signed and paid.
    Sender,
    /// It was called, or received value.
    Recipient,
    /// It is the contract that was created.
    Created,
}

impl Role {
    pub(crate) const ALL: [Self; 3] = [Self::Sender, Self::Recipient, Self::Created];

    pub(crate) fn bit(self) -> u32 {
        match self {
            Self::Sender => 1,
            Self::Recipient => 2,
            Self::Created => 4,
        }
    }
}

/// What is listed under a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The subject is an account; the value its roles.
    Transaction,
    /// The subject is an account; the value is that of the event, if it is one.
    Transfer,
    /// The subject is a digest; the value the event's index in its block.
    Event,
}

impl Kind {
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Transaction => 1,
            Self::Transfer => 2,
            Self::Event => 3,
        }
    }
}

/// Length of a subject: an address, or a digest cut to as many bytes.
pub(crate) const SUBJECT_SIZE: usize = 20;

/// A list of the index: what is listed, and under what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct List {
    pub(crate) kind: Kind,
    pub(crate) subject: [u8; SUBJECT_SIZE],
}

impl List {
    pub(crate) fn of_account(kind: Kind, account: &Address) -> Self {
        Self { kind, subject: account.0.0 }
    }

    /// Events that an account emitted or that name it: by the word that topics hold for it.
    fn concerning(word: &B256) -> Self {
        Self::of_digest(&[&[0], word.as_slice()])
    }

    /// Events of a contract.
    fn emitted_by(emitter: &Address) -> Self {
        Self::of_digest(&[&[1], emitter.as_slice()])
    }

    /// Events of a contract with a topic at a place.
    fn emitted_with(emitter: &Address, place: u8, topic: &B256) -> Self {
        Self::of_digest(&[&[2, place], emitter.as_slice(), topic.as_slice()])
    }

    /// Cut to 160 bits: whoever finds two of one digest makes a list longer, and gets no wrong answer, as events are compared when they
    /// are read.
    fn of_digest(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        parts.iter().for_each(|part| {
            hasher.update(part);
        });
        let mut subject = [0; SUBJECT_SIZE];
        subject.copy_from_slice(&hasher.finalize().as_bytes()[..SUBJECT_SIZE]);
        Self { kind: Kind::Event, subject }
    }
}

impl EventFilter {
    /// The shortest list that is sure to hold every event asked for: the later a topic, the fewer events share it as a rule.
    pub(crate) fn list(&self) -> List {
        match self {
            Self::Account(account) => List::concerning(&account.into_word()),
            Self::Contract { address, topics } => {
                let named = (0_u8..).zip(topics);
                let named = named.filter_map(|(place, topic)| Some((place, topic.as_ref()?)));
                named.last().map_or_else(
                    || List::emitted_by(address),
                    |(place, topic)| List::emitted_with(address, place, topic),
                )
            }
        }
    }
}

/// Entries of the index, in the order in which they are kept.
pub(crate) type Entries = BTreeMap<(List, Position), u32>;

/// Everything that the index says of a block.
pub(crate) fn of_block(
    kept: Kept,
    block: &Block,
    receipts: &[ReceiptEnvelope],
    entries: &mut Entries,
) {
    let mut log_index = 0_u32;
    for ((index, transaction), receipt) in (0_u32..).zip(&block.transactions).zip(receipts) {
        let position =
            Position { block_number: block.header.number, transaction_index: index, slot: 0 };
        of_transaction(kept, position, transaction, receipt, entries);
        for (event, log) in (1_u32..).zip(receipt.logs()) {
            let position = Position { slot: event, ..position };
            of_log(kept, position, log_index, log, entries);
            log_index += 1;
        }
    }
}

fn of_transaction(
    kept: Kept,
    position: Position,
    transaction: &Recovered<Transaction>,
    receipt: &ReceiptEnvelope,
    entries: &mut Entries,
) {
    let (from, target) = (transaction.signer(), target(transaction, receipt));
    if kept.transactions {
        let mut add = |account: &Address, role: Role| {
            let key = (List::of_account(Kind::Transaction, account), position);
            *entries.entry(key).or_default() |= role.bit();
        };
        add(&from, Role::Sender);
        if let Some((to, role)) = &target {
            add(to, *role);
        }
    }
    if let Some((to, _)) = target.filter(|_| kept.transfers && moves_value(transaction, receipt)) {
        for account in [from, to] {
            entries.insert((List::of_account(Kind::Transfer, &account), position), 0);
        }
    }
}

/// Who was called, or which contract was created; `None` when creation failed.
pub(crate) fn target(
    transaction: &Recovered<Transaction>,
    receipt: &ReceiptEnvelope,
) -> Option<(Address, Role)> {
    match transaction.to() {
        Some(to) => Some((to, Role::Recipient)),
        None if receipt.status() => {
            Some((transaction.signer().create(transaction.nonce()), Role::Created))
        }
        None => None,
    }
}

/// Whether a transaction moved GRAIN by its own value.
pub(crate) fn moves_value(transaction: &Recovered<Transaction>, receipt: &ReceiptEnvelope) -> bool {
    receipt.status() && !transaction.value().is_zero()
}

fn of_log(kept: Kept, position: Position, log_index: u32, log: &Log, entries: &mut Entries) {
    if let Some(transfer) = token_transfer(log).filter(|_| kept.transfers) {
        for account in [transfer.from, transfer.to] {
            entries.insert((List::of_account(Kind::Transfer, &account), position), log_index);
        }
    }
    if !kept.events {
        return;
    }
    let mut add = |list: List| {
        entries.insert((list, position), log_index);
    };
    add(List::emitted_by(&log.address));
    add(List::concerning(&log.address.into_word()));
    for (place, topic) in (0_u8..).zip(log.topics()) {
        add(List::emitted_with(&log.address, place, topic));
        if place > 0 {
            add(List::concerning(topic));
        }
    }
}

/// What an ERC-20 `Transfer` event says; `None` for other events, those of ERC-721 included (they index the token).
pub(crate) fn token_transfer(log: &Log) -> Option<Erc20::Transfer> {
    let is_transfer = log.topics().first() == Some(&Erc20::Transfer::SIGNATURE_HASH);
    if !is_transfer || log.topics().len() != 3 || log.data.data.len() != 32 {
        return None;
    }
    Erc20::Transfer::decode_log(log).ok().map(|event| event.data)
}
