//! The blobs that this device serves to the coordinator.

use std::collections::{BTreeSet, VecDeque};

use transport::{Connection, PublishError};
use units::Digest;

/// Number of updates served at once: those of the last rounds, which the coordinator may still request.
pub(crate) const SERVED_MAX: usize = 4;

/// Digests of what is served.
#[derive(Debug, Default)]
pub(crate) struct Served {
    /// Own updates, oldest first.
    updates: VecDeque<Digest>,
    /// What a coordinator that takes the run over has asked for last. It asks for one blob at a time.
    lent: Option<Digest>,
}

impl Served {
    /// Serves an update and stops serving those older than the newest [`SERVED_MAX`].
    pub(crate) async fn publish(
        &mut self,
        endpoint: &dyn Connection,
        update: Vec<u8>,
    ) -> Result<(), PublishError> {
        let digest = endpoint.publish(update).await?;
        self.updates.push_back(digest);
        while self.updates.len() > SERVED_MAX {
            self.updates.pop_front();
        }
        self.retain(endpoint);
        Ok(())
    }

    /// Serves a blob in place of the one that was lent before.
    pub(crate) async fn lend(
        &mut self,
        endpoint: &dyn Connection,
        blob: Vec<u8>,
    ) -> Result<(), PublishError> {
        self.lent = None;
        self.retain(endpoint);
        self.lent = Some(endpoint.publish(blob).await?);
        Ok(())
    }

    fn retain(&self, endpoint: &dyn Connection) {
        let keep: BTreeSet<Digest> = self.updates.iter().chain(&self.lent).copied().collect();
        endpoint.retain(&keep);
    }
}
