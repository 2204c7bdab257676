//! The client version that the node reports.

/// The client version that the node reports. Test suites look for the name of a known development node before they
/// use its methods; where anvil and hardhat differ, a development node behaves like the one whose name it reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientVersion {
    /// Gleaner's own name.
    Gleaner,
    /// The name of foundry's anvil.
    Anvil,
    /// The name of hardhat's node.
    Hardhat,
}

impl ClientVersion {
    /// Returns the answer to `web3_clientVersion`.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Gleaner => concat!("gleaner/v", env!("CARGO_PKG_VERSION"), "/rust"),
            Self::Anvil => concat!("anvil/gleaner-v", env!("CARGO_PKG_VERSION"), "/rust"),
            Self::Hardhat => {
                concat!("HardhatNetwork/gleaner-v", env!("CARGO_PKG_VERSION"), "/rust")
            }
        }
    }
}
