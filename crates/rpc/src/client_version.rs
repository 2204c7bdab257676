//! What the node calls itself.

/// What the node calls itself. Suites look for a name before they use what the node of that name has, and we have, too; where anvil and
/// hardhat differ, a node for development is like the one whose name it bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientVersion {
    /// What it is.
    Gleaner,
    /// As foundry's.
    Anvil,
    /// As hardhat's.
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
