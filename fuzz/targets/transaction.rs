//! Signed transactions, as `eth_sendRawTransaction` gets them: what is taken has one encoding.
#![no_main]

use alloy_eips::eip2718::Encodable2718 as _;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(transaction) = execution::decode_transaction(bytes) {
        assert_eq!(transaction.encoded_2718(), bytes);
        let _ = gleaner_fuzz::node().submit(bytes);
    }
});
