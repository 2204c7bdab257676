//! Price feeds from outside: their addresses, and what reporters sign.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{Eip712Domain, SolStruct};

use crate::{PRICE_FEED_PREFIX, PRICE_FEEDS, PriceReport, catalogue::numbered};

/// Price reporters of a ledger at most.
pub const PRICE_REPORTERS_MAX: usize = 31;

/// The address of the price feed with that number.
#[must_use]
pub fn price_feed_address(number: u64) -> Address {
    numbered(&PRICE_FEED_PREFIX, number)
}

/// The number of the price feed at an address, if there is one: `None` for addresses where none can be.
#[must_use]
pub fn price_feed_number(address: &Address) -> Option<u64> {
    let (prefix, number) = address.split_at(12);
    (prefix == PRICE_FEED_PREFIX).then_some(())?;
    number.try_into().ok().map(u64::from_be_bytes)
}

/// The EIP-712 domain of price reports: name `Gleaner price feeds`, version `1`, the chain id, and [`PRICE_FEEDS`].
#[must_use]
pub fn price_report_domain(chain_id: u64) -> Eip712Domain {
    let (name, version) = ("Gleaner price feeds".into(), "1".into());
    Eip712Domain::new(
        Some(name),
        Some(version),
        Some(U256::from(chain_id)),
        Some(PRICE_FEEDS),
        None,
    )
}

/// What a reporter signs with its secp256k1 key: an observation for one feed of one ledger.
#[must_use]
pub fn price_report_digest(report: &PriceReport, domain: &Eip712Domain) -> B256 {
    report.eip712_signing_hash(domain)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{I256, b256, keccak256};

    use super::*;

    #[test]
    fn addresses_and_numbers_belong_together() {
        for number in [1, 7, u64::MAX] {
            assert_eq!(price_feed_number(&price_feed_address(number)), Some(number));
        }
        assert_eq!(price_feed_number(&PRICE_FEEDS), None);
    }

    /// The digest by EIP-712's own formula.
    #[test]
    fn a_report_is_signed_as_typed_data() {
        let feed = price_feed_address(3);
        let report = PriceReport { feed, answer: I256::unchecked_from(-5), observedAt: 9 };
        let type_hash = keccak256("PriceReport(address feed,int256 answer,uint64 observedAt)");
        let words = [feed.into_word(), report.answer.into_raw().into(), U256::from(9).into()];
        let structure = keccak256([&[type_hash][..], &words].concat().concat());
        let domain_type = b256!("8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f");
        let domain = keccak256(
            [
                domain_type,
                keccak256("Gleaner price feeds"),
                keccak256("1"),
                U256::from(7).into(),
                PRICE_FEEDS.into_word(),
            ]
            .concat(),
        );
        let digest = keccak256([&[0x19, 0x01][..], &domain[..], &structure[..]].concat());
        assert_eq!(price_report_digest(&report, &price_report_domain(7)), digest);
    }
}
