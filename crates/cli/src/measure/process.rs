//! `gleaner measure process`: how fair the process around a ledger's votes is.

use concentration::process::Proposal;
use governance::proposal::State;
use holdings_report::ProcessReport;
use ledger_views::{Window, governance as views};

use super::{ledger::at, power::House};
use crate::options::LedgerArgs;
use crate::output::Output;
use crate::shell;

/// Most proposals that are looked at, the newest.
const PROPOSALS_MAX: usize = 1_000;
/// Proposals that are asked for at a time.
const PAGE: u64 = 50;

/// Flags of `gleaner measure process`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Whose votes are looked at
    #[arg(long, value_name = "HOUSE", default_value = "stake")]
    house: House,
    /// Block of the ledger [default: the newest]
    #[arg(long, value_name = "NUMBER")]
    height: Option<u64>,
    #[command(flatten)]
    ledger: LedgerArgs,
}

/// A proposal of the ledger: who posted it, when, when its vote began, and what a house said.
struct Posted {
    proposer: String,
    sides: [alloy_primitives::U256; 2],
    times: [u64; 2],
}

impl Posted {
    fn proposal(&self) -> Proposal<'_> {
        let ([yes, no], [posted, vote_began]) = (self.sides, self.times);
        Proposal { proposer: &self.proposer, yes, no, posted, vote_began }
    }
}

/// Prints figures of the newest proposals whose vote is over.
///
/// # Errors
/// When the node does not answer or has pruned blocks.
pub(super) fn run(args: &Args, output: &Output) -> anyhow::Result<()> {
    let (height, posted) = shell::block_on_until_interrupted(read(args))?;
    let proposals: Vec<_> = posted.iter().map(Posted::proposal).collect();
    let source = format!("proposals at block {height}");
    let report = ProcessReport::of(source, &proposals);
    output.print(&report, &report.text())
}

async fn read(args: &Args) -> anyhow::Result<(u64, Vec<Posted>)> {
    let (ledger, height) = at(args.height, &args.ledger).await?;
    let delay = views::governor(&ledger).await?.voting_delay;
    let (mut posted, mut newest) = (Vec::new(), None);
    loop {
        let page = views::proposals(&ledger, Window { newest, items: PAGE }).await?;
        for proposal in &page.items {
            if matches!(proposal.state, State::Pending | State::Active | State::Canceled) {
                continue;
            }
            let votes = match args.house {
                House::Stake => &proposal.stake,
                House::Work => &proposal.work,
            };
            let at = proposal.posted_at.as_u64();
            posted.push(Posted {
                proposer: proposal.proposer.to_string(),
                sides: [votes.cast.approving, votes.cast.against],
                times: [at, at.saturating_add(delay.saturating_to())],
            });
        }
        newest = page.older;
        if newest.is_none() || PROPOSALS_MAX <= posted.len() {
            posted.truncate(PROPOSALS_MAX);
            return Ok((height, posted));
        }
    }
}
