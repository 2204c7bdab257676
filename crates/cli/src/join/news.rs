//! What an agent tells its owner beside pay: rules that are scheduled ahead, and projects that have ended.

use ::agent::earn::{Closing, Ending, SCHEDULED_MAX, Schedule, Scheduled};
use ledger_client::Ledger;
use ledger_views::governance::RevisionsView;
use ledger_views::runs::{self, RunPhase};
use ledger_views::{Ask as _, ViewError};
use units::{DeviceId, Wei};

use super::offers::shortened;

/// Blocks whose mean time says how fast blocks come.
const PACE_BLOCKS: u64 = 1_000;

/// Returns the revisions of a schedule that have not begun.
///
/// # Errors
/// When the ledger does not answer.
pub(super) async fn schedule(ledger: &Ledger, view: &RevisionsView) -> anyhow::Result<Schedule> {
    let head = ledger.head().await?;
    let entries = std::iter::once(&view.founding).chain(&view.voted);
    let mut ahead: Vec<_> = entries.filter(|entry| head.height < entry.height).collect();
    ahead.truncate(SCHEDULED_MAX);
    let since = head.height.saturating_sub(PACE_BLOCKS).max(1);
    let past = if ahead.is_empty() { None } else { ledger.block(since).await? };
    let passed = past.map(|past| {
        let seconds = head.time.as_u64().saturating_sub(past.time.as_u64());
        (seconds, head.height.saturating_sub(past.height))
    });
    let scheduled = |entry: &ledger_views::governance::ActivationView| Scheduled {
        revision: entry.revision,
        height: entry.height,
        in_seconds: passed.and_then(|passed| pace(entry.height - head.height, passed)),
    };
    Ok(Schedule { height: head.height, ahead: ahead.into_iter().map(scheduled).collect() })
}

/// Returns how long so many blocks take, if others took `seconds`.
fn pace(blocks: u64, (seconds, others): (u64, u64)) -> Option<u64> {
    blocks.checked_mul(seconds)?.checked_div(others)
}

/// Returns what is left in those of some projects that have ended. One that the ledger does not have is left out: it may be another ledger than before.
///
/// # Errors
/// When the ledger does not answer.
pub(super) async fn ended(
    ledger: &Ledger,
    device: &DeviceId,
    projects: &[u64],
) -> anyhow::Result<Vec<Closing>> {
    let mut closings = Vec::new();
    for &project in projects {
        let run = match runs::run(ledger, project).await {
            Err(ViewError::Refused { .. }) => continue,
            run => run?,
        };
        let Some(ending) = ending(run.phase) else { continue };
        // A seat of which everything is paid may be free by now.
        let seat = runs::standpoint(ledger, project, device).await?.seat;
        let (held_back, unsettled) =
            seat.map_or((Wei::ZERO, 0), |(_, seat)| (seat.stake, seat.unsettled));
        let name = shortened(&run.name);
        closings.push(Closing { project, name, ending, held_back, unsettled });
    }
    Ok(closings)
}

fn ending(phase: RunPhase) -> Option<Ending> {
    let ending = match phase {
        RunPhase::Gathering | RunPhase::Training { .. } | RunPhase::Closed => return None,
        RunPhase::WindingUp { ending, .. } | RunPhase::Finished(ending) => ending,
    };
    Some(match ending {
        training_run::Ending::Completed => Ending::Completed,
        training_run::Ending::Cancelled => Ending::Cancelled,
        training_run::Ending::Abandoned => Ending::Abandoned,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_as_fast_as_before() {
        assert_eq!(pace(21_600, (12_000, 1_000)), Some(259_200));
        assert_eq!(pace(5, (0, 3)), Some(0));
        assert_eq!(pace(5, (0, 0)), None);
        assert_eq!(pace(u64::MAX, (2, 1)), None);
    }
}
