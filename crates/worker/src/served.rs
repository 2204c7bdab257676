//! The updates that this device serves to the coordinator.

use std::collections::VecDeque;

use transport::{Connection, PublishError};
use units::Digest;

/// Number of updates served at once: those of the last rounds, which the coordinator may still request.
pub(crate) const SERVED_MAX: usize = 4;

/// Digests of the served updates, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Served(VecDeque<Digest>);

impl Served {
    /// Serves an update and stops serving those older than the newest [`SERVED_MAX`].
    pub(crate) async fn publish(
        &mut self,
        endpoint: &dyn Connection,
        update: Vec<u8>,
    ) -> Result<(), PublishError> {
        let digest = endpoint.publish(update).await?;
        self.0.push_back(digest);
        while self.0.len() > SERVED_MAX {
            self.0.pop_front();
        }
        endpoint.retain(&self.0.iter().copied().collect());
        Ok(())
    }
}
