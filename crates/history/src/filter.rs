//! Which events are asked for.

use alloy_primitives::{Address, B256, Log};

/// Which events are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventFilter {
    /// Those that an account emitted, and those that name it in an indexed topic.
    Account(Address),
    /// Those that a contract emitted with these topics; `None` is any.
    Contract {
        /// The contract.
        address: Address,
        /// The first is the event's signature, unless it is anonymous.
        topics: [Option<B256>; 4],
    },
}

impl EventFilter {
    /// Whether an event is asked for.
    #[must_use]
    pub fn matches(&self, log: &Log) -> bool {
        match self {
            Self::Account(account) => {
                let word = account.into_word();
                log.address == *account || log.topics().iter().skip(1).any(|topic| *topic == word)
            }
            Self::Contract { address, topics } => {
                let mut pairs = topics.iter().enumerate();
                let fits = |(index, wanted): (usize, &Option<B256>)| {
                    wanted.is_none_or(|wanted| log.topics().get(index) == Some(&wanted))
                };
                log.address == *address && pairs.all(fits)
            }
        }
    }
}
