//! `gleaner demo --govern`: those who worked and those who hold GRAIN change a rule together, and the ledger obeys.
//!
//! 1. While the run goes on, the workers' accounts claim what they have done so far: the ledger draws three of each one's rounds, and the referee repeats them.
//! 2. After the payout they collect it, which gives them voice. Trainer and workers deposit GRAIN in the Stake House.
//! 3. The demo's clock jumps over the weeks in which voice matures, and over every later delay. Nothing else is short of the real thing.
//! 4. A worker proposes a higher floor for the audit rate. The trainer objects, so both houses vote.
//! 5. It passes and is queued; the trainer pulls the brake, so it can't be executed in time, but five days later.
//! 6. From then on a run with a lower rate is refused.
//! 7. They name holders of ballot keys, and decide the next proposal with [sealed] ballots.

mod sealed;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use abi::{
    BRAKE, BREAKERS, Brake, Breakers, Erc20, GOVERNOR, GRAIN, Governor, GovernorCore, ISSUANCE,
    Issuance, PARAMETERS, Parameters, STAKE_HOUSE, StakeHouse, TRAINING_RUNS, TrainingRuns, Votes,
    WORK_HOUSE, WorkHouse, amount_text, convert,
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use anyhow::{Context as _, anyhow, ensure};
use coordinator::Report;
use ledger_client::{Ledger, LedgerError};
use node::{AnchoredClock, Clock};
use serde::Serialize;
use tokio::sync::watch;
use units::{AccountId, DeviceId, Wei};
use verification::RunSpec;

use super::ledger::DemoLedger;
use crate::options::checksummed;
use crate::output::{Output, lines, table};

const DAY: u64 = 24 * 60 * 60;
/// The floor that is proposed, in basis points.
const PROPOSED_RATE: u16 = 1_000;
/// What each worker's account has from the beginning, in whole GRAIN: for the deposit of a proposal, bonds, burns and fees.
const WORKER_UNITS: u64 = 1_000;
/// What a worker deposits in the Stake House, in whole GRAIN.
const STAKE_UNITS: u64 = 400;
/// What the trainer deposits, in whole GRAIN: enough to object, and not to decide.
const TRAINER_STAKE_UNITS: u64 = 300;
/// How often a claim is looked after.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// How often the referee's votes on a claim are looked for: ten minutes.
const CLAIM_POLLS_MAX: u32 = 1_200;

/// A clock that can jump: the demo's ledger passes weeks in which nothing happens.
pub(super) struct JumpingClock {
    clock: AnchoredClock,
    ahead: AtomicU64,
}

impl JumpingClock {
    pub(super) fn start() -> Arc<Self> {
        Arc::new(Self { clock: AnchoredClock::start(), ahead: AtomicU64::new(0) })
    }

    fn jump(&self, seconds: u64) {
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> u64 {
        self.clock.now().saturating_add(self.ahead.load(Ordering::SeqCst))
    }
}

/// Returns what each worker's account has from the beginning.
pub(super) fn funds(accounts: &[AccountId]) -> anyhow::Result<BTreeMap<AccountId, Wei>> {
    let amount = units_of_grain(WORKER_UNITS)?;
    Ok(accounts.iter().map(|account| (*account, amount)).collect())
}

/// A worker whose account claims and votes.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) device: DeviceId,
    pub(super) key: PrivateKeySigner,
    pub(super) ledger: Ledger,
}

/// Key `govern` of `gleaner demo --govern --json`. GRAIN in the smallest unit, voice in units of work.
#[derive(Serialize)]
pub(super) struct Governed {
    proposal: String,
    description: String,
    voice: Vec<Voice>,
    before: Measures,
    after: Measures,
    stake: Tally,
    work: Tally,
    decision: String,
    brake_delay_seconds: u64,
    /// What the ledger said when it was to be executed before the brake's delay was over.
    too_early: String,
    parameter_before: String,
    parameter_after: String,
    /// What the ledger says of a run with a lower rate.
    refused: String,
    sealed: sealed::Sealed,
    days_passed: u64,
    #[serde(skip)]
    text: String,
}

/// What a worker earned by its work.
#[derive(Serialize)]
struct Voice {
    account: String,
    voice: String,
}

/// Votes of a house.
#[derive(Serialize)]
struct Tally {
    yes: String,
    no: String,
    total: String,
}

/// Figures of concentration.
#[derive(Serialize)]
struct Measures {
    holders: usize,
    gini: Option<String>,
    top1: Option<String>,
    /// Accounts with more than half of the votes of each house, at least and at most.
    stake_half: (u64, u64),
    work_half: (u64, u64),
    /// Breakers that are tripped.
    tripped: Vec<String>,
}

impl Governed {
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// Waits for the run, and claims what each worker has done when half of the rounds are over: while there is somebody who serves the data for the checks.
pub(super) async fn claim(
    members: Vec<Member>,
    mut opened: watch::Receiver<Option<u64>>,
    spec: RunSpec,
    output: Output,
) -> anyhow::Result<()> {
    let first = members.first().ok_or_else(|| anyhow!("nobody works, so nobody claims"))?;
    let run = opened.wait_for(Option::is_some).await.context("no run was opened")?.unwrap_or(0);
    let specification = Bytes::from(spec.to_bytes());
    let register = Issuance::registerRunCall { run, specification };
    // Who continues a demo finds it registered.
    if first.ledger.read(ISSUANCE, &Issuance::operationsPerTokenCall { run }).await? == 0 {
        let registered = first.ledger.write(ISSUANCE, &register, Wei::ZERO).await;
        registered.context("the run can't be registered")?;
    }
    loop {
        let summary = first.ledger.read(TRAINING_RUNS, &TrainingRuns::summaryCall { run }).await?;
        if summary.round.saturating_mul(2) >= spec.rounds {
            break;
        }
        ensure!(!is_over(summary.phase), "the run has ended before anybody could claim");
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    for member in &members {
        request(member, run, &output).await?;
    }
    for member in &members {
        conclude(member, run, &output).await?;
    }
    Ok(())
}

fn is_over(phase: TrainingRuns::Phase) -> bool {
    matches!(phase, TrainingRuns::Phase::WindingUp | TrainingRuns::Phase::Finished)
}

/// Claims what is verified of a worker's rounds, unless that was done before the demo was continued.
async fn request(member: &Member, run: u64, output: &Output) -> anyhow::Result<()> {
    let device = convert::device_word(member.device);
    let work = member.ledger.read(ISSUANCE, &Issuance::workCall { run, device }).await?;
    let quote = member.ledger.read(ISSUANCE, &Issuance::quoteCall { run, device }).await?;
    if work.stage != Issuance::Stage::Idle || (quote.rounds == 0 && work.checkedPay > 0) {
        return Ok(());
    }
    let call = Issuance::requestCall { run, device };
    let claimed = member.ledger.write(ISSUANCE, &call, Wei::new(quote.bond)).await;
    claimed.with_context(|| format!("{} can't claim", member.device))?;
    output.say(&format!("govern: {} rounds of {} are claimed", quote.rounds, member.device));
    Ok(())
}

/// Has the checks of a claim drawn, and waits for the referee.
async fn conclude(member: &Member, run: u64, output: &Output) -> anyhow::Result<()> {
    let (ledger, device) = (&member.ledger, convert::device_word(member.device));
    let mut polls_left = CLAIM_POLLS_MAX;
    loop {
        let work = ledger.read(ISSUANCE, &Issuance::workCall { run, device }).await?;
        ensure!(!work.isVoid, "the claim of {} was void", member.device);
        let result = match work.stage {
            Issuance::Stage::Requested => {
                ledger.write(ISSUANCE, &Issuance::drawCall { run, device }, Wei::ZERO).await
            }
            Issuance::Stage::Drawn => {
                ledger.write(ISSUANCE, &Issuance::concludeCall { run, device }, Wei::ZERO).await
            }
            _ => break,
        };
        match result {
            Ok(_) => continue,
            // The hash of the block, or the referee's vote, is not there yet.
            Err(LedgerError::Refused { .. }) => {}
            Err(error) => return Err(error).context("a claim can't be concluded"),
        }
        polls_left -= 1;
        ensure!(polls_left > 0, "the referee has not repeated the rounds of {}", member.device);
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    output.say(&format!("govern: the referee has repeated rounds of {}", member.device));
    Ok(())
}

/// Everybody who takes part after the payout.
struct Assembly<'a> {
    trainer: Ledger,
    trainer_key: PrivateKeySigner,
    members: Vec<Member>,
    clock: &'a JumpingClock,
    node: &'a DemoLedger,
    output: &'a Output,
}

/// Plays the story from the collection of what was earned to the rule that is obeyed.
///
/// # Errors
/// When the ledger refuses a step that must succeed, or allows one that must not.
pub(super) async fn play(
    ledger: &DemoLedger,
    (members, clock): (Vec<Member>, &JumpingClock),
    report: &Report,
    (patience, output): (Duration, &Output),
) -> anyhow::Result<Governed> {
    let trainer = ledger.client(patience).await?;
    let trainer_key = ledger.trainer_key().clone();
    let assembly = Assembly { trainer, trainer_key, members, clock, node: ledger, output };
    let started = clock.now();
    let voice = assembly.gather(report.run.id).await?;
    let before = assembly.measures().await?;
    let key = B256::from(governance::AUDIT_RATE_FLOOR.key());
    let parameter_before = assembly.parameter(key).await?;
    let proposal = assembly.propose(key).await?;
    let (stake, work, decision) = assembly.vote(&proposal).await?;
    let (delay, too_early) = assembly.execute(&proposal).await?;
    let parameter_after = assembly.parameter(key).await?;
    ensure!(
        parameter_after == U256::from(PROPOSED_RATE),
        "the parameter is {parameter_after} after the execution"
    );
    let refused = assembly.refused_terms().await?;
    let sealed = sealed::play(&assembly).await?;
    let after = assembly.measures().await?;
    let mut governed = Governed {
        proposal: proposal.id.to_string(),
        description: proposal.description,
        voice,
        before,
        after,
        stake,
        work,
        decision,
        brake_delay_seconds: delay,
        too_early,
        parameter_before: parameter_before.to_string(),
        parameter_after: parameter_after.to_string(),
        refused,
        sealed,
        days_passed: clock.now().saturating_sub(started) / DAY,
        text: String::new(),
    };
    governed.text = text(&governed);
    Ok(governed)
}

/// A proposal as it is executed: its calls and description make up its id.
struct Proposed {
    id: U256,
    targets: Vec<Address>,
    values: Vec<U256>,
    calldatas: Vec<Bytes>,
    description: String,
}

impl Proposed {
    fn queue_call(&self) -> GovernorCore::queueCall {
        GovernorCore::queueCall {
            targets: self.targets.clone(),
            values: self.values.clone(),
            calldatas: self.calldatas.clone(),
            descriptionHash: keccak256(&self.description),
        }
    }

    fn execute_call(&self) -> GovernorCore::executeCall {
        GovernorCore::executeCall {
            targets: self.targets.clone(),
            values: self.values.clone(),
            calldatas: self.calldatas.clone(),
            descriptionHash: keccak256(&self.description),
        }
    }
}

impl Assembly<'_> {
    /// Lets time pass, and makes a block so that the ledger knows.
    async fn jump(&self, seconds: u64) -> anyhow::Result<()> {
        self.clock.jump(seconds);
        let account = own(&self.trainer)?;
        self.trainer.transfer(&account, Wei::ZERO).await?;
        Ok(())
    }

    /// Collects what was earned, deposits, and waits until both count.
    async fn gather(&self, run: u64) -> anyhow::Result<Vec<Voice>> {
        for member in &self.members {
            let device = convert::device_word(member.device);
            let ledger = &member.ledger;
            let work = ledger.read(ISSUANCE, &Issuance::workCall { run, device }).await?;
            let call = Issuance::collectCall { run, device };
            let collected = ledger.write(ISSUANCE, &call, Wei::new(work.burn)).await;
            collected.with_context(|| format!("{} can't collect", member.device))?;
            deposit(ledger, STAKE_UNITS).await?;
        }
        deposit(&self.trainer, TRAINER_STAKE_UNITS).await?;
        self.jump(31 * DAY).await?;
        let mut voice = Vec::new();
        for member in &self.members {
            let account = convert::address(own(&member.ledger)?);
            let call = WorkHouse::matureCall { account };
            member.ledger.write(WORK_HOUSE, &call, Wei::ZERO).await?;
        }
        // Votes are those of seven days before a proposal.
        self.jump(8 * DAY).await?;
        for member in &self.members {
            let account = own(&member.ledger)?;
            let call = Votes::getVotesCall { account: convert::address(account) };
            let votes = member.ledger.read(WORK_HOUSE, &call).await?;
            voice.push(Voice { account: checksummed(&account), voice: votes.to_string() });
        }
        Ok(voice)
    }

    async fn parameter(&self, key: B256) -> anyhow::Result<U256> {
        Ok(self.trainer.read(PARAMETERS, &Parameters::valueOfCall { key }).await?)
    }

    async fn propose(&self, key: B256) -> anyhow::Result<Proposed> {
        let proposer = &self.members.first().context("nobody worked")?.ledger;
        let call = Parameters::setCall { key, value: U256::from(PROPOSED_RATE) };
        self.post(proposer, PARAMETERS, &call, "Audit at least a tenth of all work").await
    }

    /// Posts a proposal of one call, with its deposit.
    async fn post(
        &self,
        proposer: &Ledger,
        target: Address,
        call: &impl SolCall,
        description: &str,
    ) -> anyhow::Result<Proposed> {
        let proposed = Proposed {
            id: U256::ZERO,
            targets: vec![target],
            values: vec![U256::ZERO],
            calldatas: vec![call.abi_encode().into()],
            description: description.to_owned(),
        };
        let call = Governor::proposeCall {
            targets: proposed.targets.clone(),
            values: proposed.values.clone(),
            calldatas: proposed.calldatas.clone(),
            description: proposed.description.clone(),
        };
        let deposit = proposer.read(GOVERNOR, &Governor::proposalDepositCall {}).await?;
        let deposit = convert::wei(deposit).map_err(|_| anyhow!("the deposit is too large"))?;
        proposer.write(GOVERNOR, &call, deposit).await.context("it can't be proposed")?;
        let call = GovernorCore::hashProposalCall {
            targets: proposed.targets.clone(),
            values: proposed.values.clone(),
            calldatas: proposed.calldatas.clone(),
            descriptionHash: keccak256(&proposed.description),
        };
        let id = proposer.read(GOVERNOR, &call).await?;
        self.output.say(&format!("govern: {} is proposed", proposed.description));
        Ok(Proposed { id, ..proposed })
    }

    /// Jumps to the time at which a vote begins.
    async fn jump_to_vote(&self) -> anyhow::Result<()> {
        let delay = self.trainer.read(GOVERNOR, &GovernorCore::votingDelayCall {}).await?;
        self.jump(delay.saturating_to::<u64>().saturating_add(1)).await
    }

    /// Jumps to just after a time of the ledger.
    async fn jump_past(&self, time: U256) -> anyhow::Result<()> {
        let time: u64 = time.saturating_to();
        self.jump(time.saturating_sub(self.clock.now()).saturating_add(1)).await
    }

    async fn jump_past_vote(&self, id: U256) -> anyhow::Result<()> {
        let call = GovernorCore::proposalDeadlineCall { proposalId: id };
        self.jump_past(self.trainer.read(GOVERNOR, &call).await?).await
    }

    async fn jump_past_eta(&self, id: U256) -> anyhow::Result<()> {
        let call = GovernorCore::proposalEtaCall { proposalId: id };
        self.jump_past(self.trainer.read(GOVERNOR, &call).await?).await
    }

    /// The trainer objects, everybody else agrees, and the vote ends.
    async fn vote(&self, proposal: &Proposed) -> anyhow::Result<(Tally, Tally, String)> {
        let id = proposal.id;
        self.jump_to_vote().await?;
        cast(&self.trainer, id, 0).await.context("the trainer can't object")?;
        let call = Governor::isContestedCall { proposalId: id };
        ensure!(
            self.trainer.read(GOVERNOR, &call).await?,
            "a tenth objected, and nothing followed"
        );
        self.output.say("govern: the trainer objects, so both houses vote");
        self.jump(DAY).await?;
        for member in &self.members {
            cast(&member.ledger, id, 1).await.context("a worker can't vote")?;
        }
        self.jump_past_vote(id).await?;
        let (stake, work, decision) = self.result(id).await?;
        self.output.say(&format!("govern: {decision}"));
        Ok((stake, work, decision))
    }

    /// Returns the votes of both houses, and what they say.
    async fn result(&self, id: U256) -> anyhow::Result<(Tally, Tally, String)> {
        let call = Governor::decisionCall { proposalId: id };
        let decision = self.trainer.read(GOVERNOR, &call).await?;
        let call = Governor::electorateCall { proposalId: id };
        let electorate = self.trainer.read(GOVERNOR, &call).await?;
        let stake = self.tally(id, 0, electorate.stakeTotal).await?;
        let work = self.tally(id, 1, electorate.workTotal).await?;
        Ok((stake, work, decision.reason))
    }

    async fn tally(&self, id: U256, house: u8, total: U256) -> anyhow::Result<Tally> {
        let call = Governor::houseVotesCall { proposalId: id, house };
        let votes = self.trainer.read(GOVERNOR, &call).await?;
        Ok(Tally {
            yes: votes.forVotes.to_string(),
            no: votes.againstVotes.to_string(),
            total: total.to_string(),
        })
    }

    /// Queues it, pulls the brake, and executes it when the brake lets go. Returns the delay, and what the ledger said before.
    async fn execute(&self, proposal: &Proposed) -> anyhow::Result<(u64, String)> {
        let id = proposal.id;
        let queue = proposal.queue_call();
        self.trainer.write(GOVERNOR, &queue, Wei::ZERO).await.context("it can't be queued")?;
        let supply = self.trainer.read(GRAIN, &Erc20::totalSupplyCall {}).await?;
        let hundredth = supply.div_ceil(U256::from(100));
        let locked = convert::wei(hundredth).map_err(|_| anyhow!("the supply is too large"))?;
        let call = Brake::lockCall { proposal: id };
        self.trainer.write(BRAKE, &call, locked).await.context("the brake can't be pulled")?;
        let delay = self.trainer.read(BRAKE, &Brake::delayOfCall { proposal: id }).await?;
        self.output.say("govern: it is queued, and the trainer pulls the brake");
        self.jump_past_eta(id).await?;
        let execute = proposal.execute_call();
        let early = self.trainer.write(GOVERNOR, &execute, Wei::ZERO).await;
        let too_early = match early {
            Err(error @ LedgerError::Refused { .. }) => error.to_string(),
            Err(error) => return Err(error.into()),
            Ok(_) => return Err(anyhow!("it was executed although the brake was pulled")),
        };
        self.jump(delay).await?;
        self.trainer.write(GOVERNOR, &execute, Wei::ZERO).await.context("it can't be executed")?;
        self.output.say("govern: the brake lets go, and it is executed");
        Ok((delay, too_early))
    }

    /// Returns what the ledger says of a new run whose audit rate is below the floor.
    async fn refused_terms(&self) -> anyhow::Result<String> {
        let run = self.trainer.read(TRAINING_RUNS, &TrainingRuns::countCall {}).await?;
        let terms = self.trainer.read(TRAINING_RUNS, &TrainingRuns::termsCall { run }).await?;
        let terms = TrainingRuns::Terms { auditRate: PROPOSED_RATE - 1, ..terms };
        let call = TrainingRuns::openCall {
            terms,
            name: "too lax".to_owned(),
            auditor: B256::ZERO,
            coordinator: B256::ZERO,
            endpoint: String::new(),
        };
        match self.trainer.simulate(&own(&self.trainer)?, TRAINING_RUNS, &call).await {
            Err(error @ LedgerError::Refused { .. }) => Ok(error.to_string()),
            Err(error) => Err(error.into()),
            Ok(_) => Err(anyhow!("a run below the floor would be opened")),
        }
    }

    async fn measures(&self) -> anyhow::Result<Measures> {
        let half = |house| async move {
            let call = Votes::coefficientCall { numerator: 1, denominator: 2 };
            let found = self.trainer.read(house, &call).await?;
            anyhow::Ok((found.least, found.most))
        };
        self.trainer.write(BREAKERS, &Breakers::checkCall {}, Wei::ZERO).await?;
        let breakers = self.trainer.read(BREAKERS, &Breakers::allCall {}).await?;
        let holders = self.node.holders()?;
        let text = |ratio: &Option<concentration::Ratio>| ratio.as_ref().map(|it| it.decimal(4));
        Ok(Measures {
            holders: holders.count,
            gini: text(&holders.gini),
            top1: text(&holders.top1),
            stake_half: half(STAKE_HOUSE).await?,
            work_half: half(WORK_HOUSE).await?,
            tripped: breakers.into_iter().filter(|it| it.isTripped).map(|it| it.name).collect(),
        })
    }
}

async fn deposit(ledger: &Ledger, units: u64) -> anyhow::Result<()> {
    let amount = units_of_grain(units)?;
    ledger.write(STAKE_HOUSE, &StakeHouse::depositCall {}, amount).await.context("no deposit")?;
    Ok(())
}

/// Returns so many whole GRAIN.
pub(super) fn units_of_grain(units: u64) -> anyhow::Result<Wei> {
    Wei::parse_grain(&units.to_string()).context("so much GRAIN can't be")
}

async fn cast(ledger: &Ledger, proposal: U256, support: u8) -> Result<(), LedgerError> {
    let call = GovernorCore::castVoteCall { proposalId: proposal, support };
    ledger.write(GOVERNOR, &call, Wei::ZERO).await.map(|_| ())
}

fn own(ledger: &Ledger) -> anyhow::Result<AccountId> {
    ledger.account().ok_or_else(|| anyhow!("the connection has no account"))
}

fn text(governed: &Governed) -> String {
    let Governed { stake, work, before, after, .. } = governed;
    let grain = |amount: &str| {
        amount.parse().map_or_else(|_| amount.to_owned(), |amount: U256| amount_text(amount, 18))
    };
    let votes = |stake: &Tally, work: &Tally| {
        let stake = [&stake.yes, &stake.no, &stake.total].map(|votes| grain(votes));
        let work = [&work.yes, &work.no, &work.total].map(String::clone);
        let rows = [("stake, GRAIN", stake), ("work, voice", work)];
        let rows = rows.map(|(name, votes)| [vec![name.to_owned()], votes.to_vec()].concat());
        table(&["house", "yes", "no", "all votes"], &rows)
    };
    let range = |(least, most): (u64, u64)| {
        if least == most { least.to_string() } else { format!("{least} to {most}") }
    };
    let none = || "none".to_owned();
    let measure =
        |name: &str, of: &dyn Fn(&Measures) -> String| vec![name.to_owned(), of(before), of(after)];
    let measures = [
        measure("holders of GRAIN", &|it| it.holders.to_string()),
        measure("Gini coefficient", &|it| it.gini.clone().unwrap_or_else(none)),
        measure("largest holder", &|it| it.top1.clone().unwrap_or_else(none)),
        measure("half of the Stake House", &|it| range(it.stake_half)),
        measure("half of the Work House", &|it| range(it.work_half)),
        measure("breakers tripped", &|it| it.tripped.len().to_string()),
    ];
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let days = governed.brake_delay_seconds / DAY;
    let story = [
        row("proposal", governed.description.clone()),
        row("decision", governed.decision.clone()),
        row("brake", format!("{days} days; before: {}", governed.too_early)),
        row(
            "floor",
            format!(
                "{} before, {} after, basis points",
                governed.parameter_before, governed.parameter_after
            ),
        ),
        row("obeyed", governed.refused.clone()),
    ];
    format!(
        "governed, over {} days of the ledger's time\n{}\n\n{}\n\n{}\n\n{}\n\n{}",
        governed.days_passed,
        lines(&story),
        votes(stake, work),
        governed.sealed.text(),
        votes(&governed.sealed.stake, &governed.sealed.work),
        table(&["measure", "before", "after"], &measures)
    )
}
