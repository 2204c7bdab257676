//! Which logs a client asks for, after validation.

use crate::error::{Answer, ErrorObject, invalid};
use alloy_primitives::{B256, Bloom};
use alloy_rpc_types_eth::{BlockNumberOrTag, Filter, FilterBlockOption, Log};

/// Most addresses of a filter, and most topics at one position. As in geth.
const ALTERNATIVES_MAX: usize = 1_000;

/// A filter within the limits, whose block range is valid.
#[derive(Clone, Debug)]
pub(crate) struct Criteria(Filter);

impl Criteria {
    /// # Errors
    /// When there are too many addresses or topics, or `fromBlock` is above `toBlock`.
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

    /// Returns the blocks that the filter names.
    pub(crate) fn blocks(&self) -> &FilterBlockOption {
        &self.0.block_option
    }

    /// Returns the number of its addresses and topics.
    pub(crate) fn weight(&self) -> usize {
        self.0.address.len() + self.0.topics.iter().map(|topics| topics.len()).sum::<usize>()
    }

    /// Returns whether a block with this bloom may hold matching logs.
    pub(crate) fn may_match(&self, bloom: Bloom) -> bool {
        self.0.matches_bloom(bloom)
    }

    /// Returns whether a log has one of the addresses and the topics.
    pub(crate) fn matches(&self, log: &Log) -> bool {
        self.0.matches(&log.inner)
    }

    /// Returns whether the filter includes a block that was added after the filter. As `fromBlock`, a tag names a
    /// block that existed already; as `toBlock`, every tag but `earliest` includes all later blocks.
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

/// Returns the error for a range whose `fromBlock` is above its `toBlock`.
pub(crate) fn reversed(from: u64, to: u64) -> ErrorObject {
    invalid(format!("invalid block range params: fromBlock {from} is above toBlock {to}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::Address;

    #[test]
    fn later_blocks_match_the_named_range() {
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
