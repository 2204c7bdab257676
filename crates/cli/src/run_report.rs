//! The report of a finished run as text.

use coordinator::{Report, RunReport};
use units::Wei;

use crate::options::checksummed;
use crate::output::table;

fn losses(run: &RunReport) -> String {
    let rounds = run.rounds_completed;
    match (run.loss_initial, run.loss_final) {
        (Some(initial), Some(last)) => {
            format!("validation loss {initial:.3} -> {last:.3} nats per byte, {rounds} rounds")
        }
        _ => format!("{rounds} rounds; the validation text is not here, so no loss was measured"),
    }
}

/// Returns losses, payouts, audits, traffic, and the path of the model.
pub(crate) fn text(report: &Report) -> String {
    let Report { run, traffic, audits, payouts, escrow } = report;
    let rows: Vec<Vec<String>> = payouts
        .iter()
        .map(|payout| {
            let device = payout.device.chars().take(8).collect();
            let tokens = payout.tokens_verified.to_string();
            vec![
                grain(&payout.paid),
                tokens,
                shown_account(&payout.account),
                device,
                payout.standing.clone(),
            ]
        })
        .collect();
    let table = table(&["GRAIN paid", "verified tokens", "account", "device", "standing"], &rows);
    let ratio = traffic.fp32_every_step_bytes / traffic.update_bytes_up.max(1);
    [
        losses(&report.run),
        String::new(),
        table,
        String::new(),
        format!("audits   {} performed: {} passed, {} failed; {} could not be decided", audits.performed, audits.passed, audits.failed, audits.unresolved),
        format!("escrow   {} GRAIN deposited = {} paid + {} refunded", grain(&escrow.deposited), grain(&escrow.paid), grain(&escrow.refunded)),
        format!(
            "traffic  {} up, {} down on the wire; fp32 gradients in every step would be {} up: {ratio} times as much",
            size(traffic.update_bytes_up),
            size(traffic.update_bytes_down),
            size(traffic.fp32_every_step_bytes)
        ),
        format!("model    {}", run.model_path),
        format!("         digest {}", run.model_digest),
    ]
    .join("\n")
}

/// Converts wei of the report to GRAIN.
fn grain(wei: &str) -> String {
    wei.parse().map_or_else(|_| wei.to_owned(), |wei| Wei::new(wei).to_grain())
}

/// Formats a number of bytes in units of a thousand, rounded down.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

/// The account with its checksum (EIP-55); a report of an older version may hold something else.
fn shown_account(account: &str) -> String {
    account.parse().map_or_else(|_| account.to_owned(), |account| checksummed(&account))
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_rounded_down() {
        for (bytes, text) in
            [(999, "999 B"), (1_999, "1 kB"), (1_990_000, "1.9 MB"), (61_720_000_000, "61.7 GB")]
        {
            assert_eq!(size(bytes), text);
        }
    }
}
