//! Random ids of subscriptions and filters, in Ethereum's form: `0x` and hexadecimal digits.

use alloy_primitives::hex;

/// Size in bytes: too large to be guessed.
const SIZE: usize = 16;

/// Returns an id that can't be guessed.
///
/// # Panics
/// When the system has no random numbers: without them an id could be guessed.
pub(crate) fn random() -> String {
    let mut bytes = [0; SIZE];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    hex::encode_prefixed(bytes)
}
