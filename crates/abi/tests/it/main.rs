//! Tests the catalogue against alloy's JSON ABI parser and encoder, and pins the bytes that devices sign.

mod against_alloy;
mod catalogue;
mod golden_files;
mod reader;
