//! Names of subscriptions and filters, as Ethereum has them: `0x` and hexadecimal digits, random.

use alloy_primitives::hex;

/// Bytes of a name: as many as nobody guesses.
const SIZE: usize = 16;

/// Returns a name that can't be guessed.
///
/// # Panics
/// When the system has no randomness, without which nothing here is safe.
pub(crate) fn random() -> String {
    let mut bytes = [0; SIZE];
    getrandom::fill(&mut bytes).expect("the system gives randomness");
    hex::encode_prefixed(bytes)
}
