//! Which logs a client asks for, checked.

use crate::error::{Answer, ErrorObject, invalid};
use alloy_primitives::{B256, Bloom};
use alloy_rpc_types_eth::{BlockNumberOrTag, Filter, FilterBlockOption, Log};

/// Most addresses of one filter, and most topics at one of its places. As in geth.
const ALTERNATIVES_MAX: usize = 1_000;

/// A filter whose parts are within bounds and fit each other.
#[derive(Clone, Debug)]
pub(crate) struct Criteria(Filter);

impl Criteria {
    /// # Errors
    /// When there are too many alternatives, or its blocks are named the wrong way round.
    pub(crate) fn new(filter: Filter) -> Answer<Self> {
        if filter.address.len() > ALTERNATIVES_MAX {
            return Err(invalid(format!("exceed max addresses: give at most {ALTERNATIVES_MAX}")));
        }
        if filter.topics.iter().any(|topics| topics.len() > ALTERNATIVES_MAX) {
            return Err(invalid(format!(
                "exceed max topics: give at most {ALTERNATIVES_MAX} at each place"
            )));
        }
        if let FilterBlockOption::Range {
            from_block: Some(BlockNumberOrTag::Number(from)),
            to_block: Some(BlockNumberOrTag::Number(to)),
        } = &filter.block_option
            && from > to
        {
            return Err(reversed(*from, *to));
        }
        Ok(Self(filter))
    }

    /// Which blocks are named.
    pub(crate) fn blocks(&self) -> &FilterBlockOption {
        &self.0.block_option
    }

    /// How many addresses and topics it has.
    pub(crate) fn weight(&self) -> usize {
        self.0.address.len() + self.0.topics.iter().map(|topics| topics.len()).sum::<usize>()
    }

    /// Whether a block may hold matching logs.
    pub(crate) fn may_match(&self, bloom: Bloom) -> bool {
        self.0.matches_bloom(bloom)
    }

    /// Whether a log has the address and the topics.
    pub(crate) fn matches(&self, log: &Log) -> bool {
        self.0.matches(&log.inner)
    }

    /// Whether a block that came after the filter is one of those named. A tag as the beginning stands for a block that was there already;
    /// as the end, for all to come, but `earliest`.
    pub(crate) fn admits(&self, number: u64, hash: B256) -> bool {
        match &self.0.block_option {
            FilterBlockOption::AtBlockHash(named) => *named == hash,
            FilterBlockOption::Range { from_block, to_block } => {
                let from = from_block.and_then(|block| block.as_number()).unwrap_or(0);
                let to = match to_block {
                    Some(BlockNumberOrTag::Number(to)) => *to,
                    Some(BlockNumberOrTag::Earliest) => 0,
                    _ => u64::MAX,
                };
                (from..=to).contains(&number)
            }
        }
    }
}

/// A range whose beginning is above its end.
pub(crate) fn reversed(from: u64, to: u64) -> ErrorObject {
    invalid(format!("invalid block range params: fromBlock {from} is above toBlock {to}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::Address;

    #[test]
    fn blocks_to_come_are_those_named() {
        let hash = B256::repeat_byte(1);
        let check = |filter: Filter, expected: [bool; 3]| {
            let criteria = Criteria::new(filter).unwrap();
            assert_eq!([4, 5, 6].map(|number| criteria.admits(number, hash)), expected);
        };
        check(Filter::new(), [true; 3]);
        check(Filter::new().from_block(5_u64), [false, true, true]);
        check(Filter::new().to_block(5_u64), [true, true, false]);
        check(Filter::new().from_block(5_u64).to_block(5_u64), [false, true, false]);
        check(Filter::new().from_block(BlockNumberOrTag::Latest), [true; 3]);
        check(Filter::new().to_block(BlockNumberOrTag::Latest), [true; 3]);
        check(Filter::new().to_block(BlockNumberOrTag::Earliest), [false; 3]);
        check(Filter::new().at_block_hash(hash), [true; 3]);
        check(Filter::new().at_block_hash(B256::repeat_byte(2)), [false; 3]);
    }

    #[test]
    fn alternatives_are_bound() {
        let addresses = |count: usize| -> Vec<_> {
            (0..count).map(|index| Address::left_padding_from(&index.to_be_bytes())).collect()
        };
        let criteria = Criteria::new(Filter::new().address(addresses(1_000))).unwrap();
        assert_eq!(criteria.weight(), 1_000);
        let refused = Criteria::new(Filter::new().address(addresses(1_001))).unwrap_err();
        assert_eq!(refused.code(), -32_602);
        let topics: Vec<_> = addresses(1_001).iter().map(|address| address.into_word()).collect();
        assert!(Criteria::new(Filter::new().topic2(topics)).is_err());
        assert!(Criteria::new(Filter::new().from_block(6_u64).to_block(5_u64)).is_err());
    }
}
