//! What the ledger says about this device in a run.

use ledger_client::Ledger;
use ledger_views::{
    devices::{self, Link},
    runs::{self, AuditView, DisputeView, RunPhase, RunView, SeatView, Standpoint},
};
use units::{DeviceId, Digest};

/// What becomes of a device's work for a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The round will open.
    Ahead,
    /// It has begun from the same base, and its updates are not aggregated yet.
    Begun,
    /// Its updates are aggregated, or it began from another base.
    Void,
}

/// The run, and this device in it, as the ledger had them a moment ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) run: RunView,
    pub(crate) link: Link,
    pub(crate) standpoint: Standpoint,
    /// The audits for which this device is drawn.
    pub(crate) audits: Vec<AuditView>,
    /// The disputes about this device's own rounds.
    pub(crate) disputes: Vec<DisputeView>,
}

impl Look {
    /// Returns the device's seat, if it takes part.
    pub(crate) fn active_seat(&self) -> Option<&SeatView> {
        self.standpoint.seat.as_ref().map(|(_, seat)| seat).filter(|seat| seat.is_active())
    }

    /// Returns the round that takes commitments.
    pub(crate) fn open_round(&self) -> Option<u32> {
        matches!(self.run.phase, RunPhase::Training { .. }).then_some(self.run.round)
    }

    /// Returns what becomes of work for a round from a base.
    pub(crate) fn fate(&self, round: u32, base: &Digest) -> Fate {
        if self.is_ahead(round) {
            Fate::Ahead
        } else if self.run.round == round && self.run.state == *base {
            Fate::Begun
        } else {
            Fate::Void
        }
    }

    /// Returns whether the round has not begun.
    pub(crate) fn is_ahead(&self, round: u32) -> bool {
        match self.run.phase {
            RunPhase::Training { .. } | RunPhase::Closed => self.run.round < round,
            _ => self.run.round <= round,
        }
    }

    /// Whether the device's commitment in the open round is in a block; `None` if `round` is not open. Then the seat does not say it:
    /// one that enrolled again has a later next round without a commitment.
    pub(crate) fn has_committed(&self, round: u32) -> Option<bool> {
        let seat = self.standpoint.seat.as_ref().map(|(_, seat)| seat);
        let is_open = self.open_round() == Some(round);
        is_open.then(|| seat.is_some_and(|seat| seat.committed))
    }
}

/// Reads the ledger. The run comes first: what is read after it is at least as new.
pub(crate) async fn read(ledger: &Ledger, run: u64, device: &DeviceId) -> anyhow::Result<Look> {
    let summary = runs::run(ledger, run).await?;
    let standpoint = runs::standpoint(ledger, run, device).await?;
    let link = devices::link(ledger, device).await?;
    let mut audits = match summary.unsettled {
        0 => Vec::new(),
        _ => runs::audits(ledger, run).await?,
    };
    audits.retain(|audit| audit.auditor == *device);
    let mut disputes = match summary.disputes {
        0 => Vec::new(),
        _ => runs::disputes(ledger, run).await?,
    };
    disputes.retain(|dispute| dispute.subject == *device);
    Ok(Look { run: summary, link, standpoint, audits, disputes })
}

#[cfg(test)]
pub(crate) mod tests;
