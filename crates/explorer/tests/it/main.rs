//! The explorer's pages of a ledger with markets.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

mod ledger;

mod decoding;
mod governance;
mod markets;
mod measures;
