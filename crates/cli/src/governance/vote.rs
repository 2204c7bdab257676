//! `gleaner vote`.

use abi::{GOVERNOR, Governor, GovernorCore, STAKE_HOUSE, StakeHouse, convert};
use alloy_primitives::{Address, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall as _, SolEvent as _};
use anyhow::{anyhow, ensure};
use clap::ValueEnum;
use governance::proposal::{State, two_houses::House};
use ledger_client::{Ledger, SimulatedCall};
use ledger_views::governance::ProposalView;
use serde_json::json;
use units::{AccountId, UnixSeconds};

use super::action::{self, ActionArgs, Shown, merged, value};
use super::documents;
use super::effect::effect;
use super::sealing::Sealing;
use super::{connect, find, state_text, time_text, votes_text};
use crate::failure::Hint as _;
use crate::market::Step;
use crate::output::Output;
use crate::shell;

/// Bytes of a reason at most.
const REASON_BYTES_MAX: usize = 4_096;
/// What is said where ballots are sealed.
const SEALED: &str = "nobody reads your vote before the vote is over; then it must be opened, by the holders' keys or by you: gleaner ballots open";

/// Flags of `gleaner vote`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The proposal's number or id
    proposal: String,
    /// What you want; abstain counts for the turnout only
    choice: Choice,
    /// Why, for others to read
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    action: ActionArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Choice {
    Yes,
    No,
    Abstain,
}

impl Choice {
    fn support(self) -> u8 {
        match self {
            Self::No => 0,
            Self::Yes => 1,
            Self::Abstain => 2,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Abstain => "abstain",
        }
    }
}

/// What a vote would count, and lock.
struct Ballot {
    stake: U256,
    work: U256,
    locked_until: Option<UnixSeconds>,
}

/// Votes on a proposal.
///
/// # Errors
/// When the ledger does not answer or refuses, or there is nothing to vote on or with.
pub(crate) fn run(args: Args, output: &Output) -> anyhow::Result<()> {
    let account = args.action.signer.account()?;
    let size = args.reason.len();
    ensure!(
        size <= REASON_BYTES_MAX,
        "the reason has {size} bytes: give at most {REASON_BYTES_MAX}"
    );
    let plan = shell::block_on_until_interrupted(plan(&args, account))?;
    let Planned { shown, sealing, step } = plan;
    let steps = |signer: &PrivateKeySigner| match sealing {
        Some(sealing) => Ok(vec![sealing.step(signer, args.choice.support())?]),
        None => Ok(vec![step]),
    };
    shown.finish(&args.action, output, steps, async |_, sender| {
        let open = action::event::<Governor::VoteCastInHouses>(sender);
        let sealed = action::event::<Governor::VoteSealed>(sender);
        let weights = open.map(|cast| (cast.stakeWeight, cast.workWeight));
        let weights = weights.or(sealed.map(|cast| (cast.stakeWeight, cast.workWeight)));
        let (stake, work) = weights.ok_or_else(|| anyhow!("the event of the vote is missing"))?;
        let rows = vec![("voted", counted_text(args.choice, stake, work))];
        Ok((rows, json!({ "stake_votes": stake.to_string(), "work_votes": work.to_string() })))
    })
}

/// A vote to be cast: as `step` says, or sealed.
struct Planned {
    shown: Shown,
    sealing: Option<Sealing>,
    step: Step,
}

async fn plan(args: &Args, account: AccountId) -> anyhow::Result<Planned> {
    let ledger = connect(&args.action.ledger).await?;
    let proposal = find(&ledger, &args.proposal).await?;
    check_open(&ledger, &proposal).await?;
    let calls = documents::described(&ledger, &proposal).await?;
    let now = ledger.next_time().await?;
    let call = GovernorCore::castVoteWithReasonCall {
        proposalId: proposal.id,
        support: args.choice.support(),
        reason: args.reason.clone(),
    };
    let sealing = Sealing::of(&ledger, &proposal, account).await?;
    ensure!(
        sealing.is_none() || args.reason.is_empty(),
        "the ballots of this proposal are sealed, and a reason would tell your vote: leave --reason out"
    );
    let input = sealing.as_ref().map_or_else(|| call.abi_encode(), Sealing::sample);
    let ballot = ballot(&ledger, &account, input).await?;
    let mut rows = documents::head_rows(&proposal, &calls);
    let mut effect_document = None;
    if let Some(posting) = &proposal.posting {
        let effect = effect(&ledger, &posting.calls, now).await?;
        rows.push(("effect", effect.text(now)));
        effect_document = Some(value(&effect)?);
    }
    rows.extend(documents::standing_rows(&proposal, now));
    rows.push(("your vote", counted_text(args.choice, ballot.stake, ballot.work)));
    if let Some(until) = ballot.locked_until {
        rows.push((
            "locks",
            format!("your deposit: you can withdraw it {}", time_text(until, now)),
        ));
    }
    if sealing.is_some() {
        rows.push(("sealed", SEALED.to_owned()));
    }
    let document = json!({
        "sealed": sealing.is_some(),
        "calls": documents::call_documents(&calls),
        "effect": effect_document,
        "choice": args.choice.text(),
        "stake_votes": ballot.stake.to_string(),
        "work_votes": ballot.work.to_string(),
        "locked_until": ballot.locked_until.map(UnixSeconds::as_u64),
    });
    let document = merged(value(&documents::document(&proposal))?, document);
    let step = Step::new(format!("vote {}", args.choice.text()), GOVERNOR, &call);
    Ok(Planned { shown: Shown { account, rows, document }, sealing, step })
}

async fn check_open(ledger: &Ledger, proposal: &ProposalView) -> anyhow::Result<()> {
    let number = proposal.number;
    match proposal.state {
        State::Active if proposal.deadline < ledger.next_time().await? => {
            Err(anyhow!("the vote on proposal {number} is over: its ballots are being opened"))
                .hint(format!("gleaner ballots show {number}"))
        }
        State::Active => Ok(()),
        State::Pending => {
            let now = ledger.next_time().await?;
            let end = time_text(proposal.deadline, now);
            Err(anyhow!("the vote on proposal {number} has not begun; it ends {end}"))
                .hint(format!("gleaner proposals show {number}"))
        }
        other => Err(anyhow!("the vote on proposal {number} is over: it is {}", state_text(other)))
            .hint(format!("gleaner proposals show {number}")),
    }
}

fn counted_text(choice: Choice, stake: U256, work: U256) -> String {
    let (stake, work) = (votes_text(House::Stake, stake), votes_text(House::Work, work));
    format!("{} with {stake} and {work}", choice.text())
}

/// Asks the node what the vote would count and lock. What was sold or withdrawn since the snapshot does not count, so no view can tell.
async fn ballot(ledger: &Ledger, account: &AccountId, input: Vec<u8>) -> anyhow::Result<Ballot> {
    let from = convert::address(*account);
    let locked = StakeHouse::lockedUntilCall { account: from };
    let simulated = |to: Address, input: Vec<u8>| SimulatedCall {
        from,
        to,
        value: U256::ZERO,
        input: input.into(),
    };
    let calls = [simulated(GOVERNOR, input), simulated(STAKE_HOUSE, locked.abi_encode())];
    let results = ledger.simulate_calls(&calls, UnixSeconds::default()).await?;
    let [voted, locked] = results.as_slice() else {
        return Err(anyhow!("the node has simulated another number of calls"));
    };
    if let Err(error) = &voted.result {
        return Err(anyhow!("this vote would be refused: {error}"));
    }
    let weights = voted.logs.iter().find_map(|log| {
        let open = Governor::VoteCastInHouses::decode_log(log).ok();
        let sealed = || Governor::VoteSealed::decode_log(log).ok();
        open.map(|cast| (cast.stakeWeight, cast.workWeight))
            .or_else(|| sealed().map(|cast| (cast.stakeWeight, cast.workWeight)))
    });
    let (stake, work) = weights.ok_or_else(|| anyhow!("the event of the vote is missing"))?;
    if stake.is_zero() && work.is_zero() {
        return Err(anyhow!(
            "your vote would count nothing: votes must be held from 7 d before the proposal on"
        ))
        .hint("gleaner house show, and deposit or work for the next proposals");
    }
    let until = locked.result.as_ref().ok();
    let until = until.and_then(|bytes| StakeHouse::lockedUntilCall::abi_decode_returns(bytes).ok());
    let until = until.map(|until| UnixSeconds::new(until.to()));
    Ok(Ballot { stake, work, locked_until: until.filter(|until| until.as_u64() > 0) })
}
