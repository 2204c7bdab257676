//! Filters that are kept for clients that poll.
//!
//! A filter that is not polled for [`IDLE_MAX`] is removed; when there are too many, the one that was polled longest
//! ago is removed. Its id can't be guessed, so that no client can read or remove another's.

use crate::{
    criteria::Criteria,
    cursor::Cursor,
    error::{Answer, refused},
    names,
};
use node::WaitingFeed;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// Most filters kept at a time, for all clients.
const FILTERS_MAX: usize = 1_024;
/// Most addresses and topics of all filters together.
const WEIGHT_MAX: usize = 65_536;
/// How long a filter is kept without a poll. As in geth.
const IDLE_MAX: Duration = Duration::from_secs(300);

/// What a filter selects.
pub(crate) enum Kind {
    /// Logs of blocks from the cursor on.
    Logs { criteria: Box<Criteria>, cursor: Cursor },
    /// Hashes of blocks from the cursor on.
    Blocks(Cursor),
    /// Hashes of new transactions in the mempool.
    Waiting(WaitingFeed),
}

impl Kind {
    /// Returns the number of addresses and topics.
    fn weight(&self) -> usize {
        match self {
            Self::Logs { criteria, .. } => criteria.weight(),
            Self::Blocks(_) | Self::Waiting(_) => 0,
        }
    }
}

struct Kept {
    /// Locked during a poll, which may search many blocks: the other filters can be polled meanwhile.
    kind: Arc<Mutex<Kind>>,
    weight: usize,
    asked: Instant,
}

/// All filters, by id.
#[derive(Default)]
pub(crate) struct Filters {
    kept: BTreeMap<String, Kept>,
}

impl Filters {
    /// Adds a filter and returns its id.
    pub(crate) fn add(&mut self, kind: Kind) -> String {
        let now = now();
        self.kept.retain(|_, kept| now.duration_since(kept.asked) < IDLE_MAX);
        while self.kept.len() >= FILTERS_MAX || self.weight() + kind.weight() > WEIGHT_MAX {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.asked);
            let Some(name) = oldest.map(|(name, _)| name.clone()) else { break };
            self.kept.remove(&name);
        }
        let name = names::random();
        let weight = kind.weight();
        self.kept
            .insert(name.clone(), Kept { kind: Arc::new(Mutex::new(kind)), weight, asked: now });
        name
    }

    /// Returns a polled filter and restarts its time limit.
    pub(crate) fn asked(&mut self, name: &str) -> Answer<Arc<Mutex<Kind>>> {
        let kept = self.kept.get_mut(name).ok_or_else(|| refused("filter not found"))?;
        kept.asked = now();
        Ok(Arc::clone(&kept.kind))
    }

    /// Removes a filter; returns false if it does not exist.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.kept.remove(name).is_some()
    }

    fn weight(&self) -> usize {
        self.kept.values().map(|kept| kept.weight).sum()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the node's shell measures the time since the last poll"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::Address;
    use alloy_rpc_types_eth::Filter;

    fn logs(address_count: u16) -> Kind {
        let address = |index: u16| Address::left_padding_from(&index.to_be_bytes());
        let addresses: Vec<_> = (0..address_count).map(address).collect();
        let criteria = Criteria::new(Filter::new().address(addresses)).unwrap();
        Kind::Logs { criteria: Box::new(criteria), cursor: Cursor::at_genesis() }
    }

    #[test]
    fn filters_are_bound_in_number_and_in_weight() {
        let mut filters = Filters::default();
        let first = filters.add(logs(0));
        for _ in 0..FILTERS_MAX {
            filters.add(logs(0));
        }
        assert_eq!(filters.kept.len(), FILTERS_MAX);
        assert!(filters.asked(&first).is_err(), "the oldest was removed");
        for _ in 0..100 {
            filters.add(logs(1_000));
        }
        assert_eq!(filters.kept.len(), WEIGHT_MAX / 1_000);
        let last = filters.add(logs(1_000));
        assert!(filters.asked(&last).is_ok());
        assert!(filters.remove(&last) && !filters.remove(&last));
    }
}
