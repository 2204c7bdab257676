//! Genesis files: one that is taken makes a block, and survives being written.
#![no_main]

use execution::Genesis;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(genesis) = Genesis::from_json(text) {
        let again = Genesis::from_json(&genesis.to_json()).expect("what was written reads");
        assert_eq!(again, genesis);
        let block = genesis.block().expect("a valid genesis makes a block");
        assert_eq!(again.block().expect("as before").hash, block.hash);
    }
});
