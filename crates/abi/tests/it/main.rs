//! The catalogue against alloy's readers of JSON ABIs and encoders of values; bytes that devices sign.

mod against_alloy;
mod catalogue;
mod golden_files;
mod reader;
