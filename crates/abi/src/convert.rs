//! Between the words of the interfaces and those of [`units`]: the only place where one becomes the other.

use alloy_primitives::{Address, B256, U256};
use units::{AccountId, DeviceId, Digest, Overflow, Wei};

/// The account at an address.
#[must_use]
pub fn account(address: Address) -> AccountId {
    AccountId::from_bytes(address.into_array())
}

/// The account at an address, or `None` for the zero address, which interfaces use for "nobody".
#[must_use]
pub fn account_if_any(address: Address) -> Option<AccountId> {
    (!address.is_zero()).then(|| account(address))
}

/// The address of an account.
#[must_use]
pub fn address(account: AccountId) -> Address {
    Address::new(*account.as_bytes())
}

/// The digest in a word.
#[must_use]
pub fn digest(word: B256) -> Digest {
    Digest::from_bytes(word.0)
}

/// A digest as a word.
#[must_use]
pub fn digest_word(digest: Digest) -> B256 {
    B256::new(*digest.as_bytes())
}

/// The device in a word.
#[must_use]
pub fn device(word: B256) -> DeviceId {
    DeviceId::from_bytes(word.0)
}

/// A device as a word.
#[must_use]
pub fn device_word(device: DeviceId) -> B256 {
    B256::new(*device.as_bytes())
}

/// An amount of GRAIN.
///
/// # Errors
/// [`Overflow`] when it is more than there can be.
pub fn wei(amount: U256) -> Result<Wei, Overflow> {
    u128::try_from(amount).map(Wei::new).map_err(|_| Overflow)
}

/// An amount of GRAIN as a word.
#[must_use]
pub fn wei_word(amount: Wei) -> U256 {
    U256::from(amount.as_u128())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_on_the_way_there_and_back() {
        let bytes: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
        let word = B256::new(bytes);
        assert_eq!(digest_word(digest(word)), word);
        assert_eq!(device_word(device(word)), word);
        let at = Address::from_slice(&bytes[..20]);
        assert_eq!(address(account(at)), at);
        assert_eq!(account_if_any(at), Some(account(at)));
        assert_eq!(account_if_any(Address::ZERO), None);
        let most = Wei::new(u128::MAX);
        assert_eq!(wei(wei_word(most)), Ok(most));
        assert_eq!(wei(wei_word(most) + U256::from(1)), Err(Overflow));
    }
}
