//! Events of runs, read from receipts.

use ledger_views::{
    Impossible,
    runs::{self, RunEvent},
};

use crate::Receipt;

impl Receipt {
    /// Returns the events of runs in this transaction, in order, each with its run. Events of other contracts are left out.
    ///
    /// # Errors
    /// [`Impossible`] when an event says what can't be.
    pub fn events(&self) -> Result<Vec<(u64, RunEvent)>, Impossible> {
        self.logs.iter().filter_map(|log| runs::event(&log.inner).transpose()).collect()
    }
}
