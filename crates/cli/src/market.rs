//! What the commands of markets share: names of tokens, percentages, limits, approvals, questions, transactions.
//!
//! Each command that changes the ledger reads first, shows what it is about to do, asks, and only then unlocks a key.

mod amounts;
mod sending;
mod time;
mod tokens;

pub(crate) use amounts::{
    Limits, Part, fee_text, millionths_text, parse_bps, parse_fee, parse_part, parse_seconds,
    seconds_text, wad_text,
};
pub(crate) use sending::{
    Approval, ApprovalDocument, ConfirmArgs, SendArgs, Sender, Step, TransactionDocument,
    approvals, moved,
};
pub(crate) use time::sending_time;
pub(crate) use tokens::{
    Named, TokenDocument, amount, balance_text, balances, is_number, named, two,
};
