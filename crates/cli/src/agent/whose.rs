//! Whose pay and standing the agent remembers.

use serde::{Deserialize, Serialize};

/// An account, and the ledger that speaks of it by the hash of its first block; each is empty while it is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Whose {
    pub(super) account: String,
    pub(super) ledger: String,
}

impl Whose {
    /// Takes what is known now; returns whether one of both is another than before.
    pub(super) fn take(&mut self, account: &str, ledger: &str) -> bool {
        let others =
            [(&mut self.account, account), (&mut self.ledger, ledger)].map(|(known, now)| {
                let is_other = !known.is_empty() && !now.is_empty() && known != now;
                if !now.is_empty() {
                    now.clone_into(known);
                }
                is_other
            });
        others.contains(&true)
    }
}
