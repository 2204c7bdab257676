//! What a worker writes to its computing process, read there: no bytes make it panic or allocate more than the order may have.
#![no_main]

use calculator::codec::{TEXT_SIZE_MAX, read_order};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(order) = read_order(&mut &bytes[..]) {
        assert!(order.spec.validate().is_ok());
        assert!(order.shards.iter().map(Vec::len).sum::<usize>() <= TEXT_SIZE_MAX.min(bytes.len()));
    }
});
