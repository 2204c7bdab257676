//! Rules that have changed since the first revision: a ledger's older blocks have the older ones.

/// The rules of a block, as far as they differ between blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whose the pay is that is held back when a device takes a seat again.
    pub tenure: Tenure,
    /// Which disputes take a place.
    pub places: Places,
}

impl Rules {
    /// Those of the first revision.
    pub const FIRST: Self = Self { tenure: Tenure::Device, places: Places::All };
    /// Those of the newest revision.
    pub const NEWEST: Self = Self { tenure: Tenure::Account, places: Places::Accused };
}

/// Whose the pay is that is held back when a device takes a seat again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tenure {
    /// The device's: it takes the pay along, also to another account. Whoever stole a device's key could take it.
    Device,
    /// The account's that it was earned for: the device can't work for another one before it is paid.
    Account,
}

/// Which open disputes take one of the [`DISPUTES_OPEN_MAX`](crate::DISPUTES_OPEN_MAX) places of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    /// All: whoever lets audits fail can take them without giving anything for it.
    All,
    /// Those that somebody has raised, who loses stake or bond if there was no reason.
    Accused,
}
