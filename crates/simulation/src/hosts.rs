//! The machines of a simulated network.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
};

/// A machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// The node, and the referee beside it.
    Node,
    /// The owner's coordinator.
    Coordinator,
    /// The owner's auditing device.
    Auditor,
    /// Somebody who has the node do what is due when the coordinator is gone.
    Steward,
    /// A device that trains.
    Worker(u16),
}

impl Host {
    /// Returns its address. Each has a network of its own, so none takes another's share of a listener.
    #[must_use]
    pub fn address(self) -> IpAddr {
        let [high, low] = match self {
            Self::Node => [0, 1],
            Self::Coordinator => [0, 2],
            Self::Auditor => [0, 3],
            Self::Steward => [0, 4],
            Self::Worker(number) => number.saturating_add(256).to_be_bytes(),
        };
        Ipv4Addr::new(10, 0, high, low).into()
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node => formatter.write_str("node"),
            Self::Coordinator => formatter.write_str("coordinator"),
            Self::Auditor => formatter.write_str("auditor"),
            Self::Steward => formatter.write_str("steward"),
            Self::Worker(number) => write!(formatter, "worker {number}"),
        }
    }
}
