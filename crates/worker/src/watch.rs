//! Watches this device's seat on the ledger, so that its owner learns when work is not paid any more.
//!
//! The coordinator tells a worker what it likes, or nothing: only the ledger says whether the device still takes part.

use std::time::Duration;

use ledger_client::Ledger;
use ledger_views::runs;
use training_run::Standing;
use units::DeviceId;

/// Pause between two looks at the ledger.
const INTERVAL: Duration = Duration::from_secs(2);

/// How a seat ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeatEnd {
    /// The run has dropped the device: it missed rounds.
    Dropped,
    /// The device was expelled.
    Expelled,
    /// The run is over.
    Over,
}

/// Waits until the device's seat has ended. A ledger that does not answer ends nothing.
pub(crate) async fn seat_end(ledger: &Ledger, run: u64, device: &DeviceId) -> SeatEnd {
    loop {
        tokio::time::sleep(INTERVAL).await;
        match look(ledger, run, device).await {
            Ok(Some(end)) => return end,
            Ok(None) => {}
            Err(error) => tracing::debug!("the ledger does not answer: {error:#}"),
        }
    }
}

async fn look(ledger: &Ledger, run: u64, device: &DeviceId) -> anyhow::Result<Option<SeatEnd>> {
    if runs::run(ledger, run).await?.phase.is_over() {
        return Ok(Some(SeatEnd::Over));
    }
    let seats = runs::seats(ledger, run).await?;
    let standing = seats.iter().find(|seat| seat.device == *device).map(|seat| seat.standing);
    Ok(end(standing))
}

fn end(standing: Option<Standing>) -> Option<SeatEnd> {
    match standing {
        Some(Standing::Active) => None,
        Some(Standing::Left) | None => Some(SeatEnd::Dropped),
        Some(Standing::Expelled { .. }) => Some(SeatEnd::Expelled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use training_run::Cause;

    #[test]
    fn a_seat_ends_when_the_ledger_says_so() {
        assert_eq!(end(Some(Standing::Active)), None);
        assert_eq!(end(Some(Standing::Left)), Some(SeatEnd::Dropped));
        assert_eq!(end(None), Some(SeatEnd::Dropped), "a seat may be given to another device");
        let expelled = Standing::Expelled { cause: Cause::Convicted, round: 3 };
        assert_eq!(end(Some(expelled)), Some(SeatEnd::Expelled));
    }
}
