//! Invariants after arbitrary inputs. The rules are checked by [`Books`](crate::books::Books).

use proptest::{prelude::*, sample::Index};
use training_run::{Commitment, Finding, Input, Phase, Run, Terms};
use units::{Bps, Digest, Wei};

use crate::support::{
    HONEST, OWNER, Table, account, commitment, device, finding, open_audits, seal, terms,
};

/// Number of devices; the first two belong to one account.
const DEVICES: u8 = 7;

#[derive(Clone, Debug)]
struct Step {
    what: What,
    seconds: u32,
    blocks: u64,
    by_owner: bool,
    randomness: u8,
}

#[derive(Clone, Debug)]
enum What {
    /// One of the inputs that make sense now, by a device whose work gives `root`.
    Fitting { choice: Index, root: u8 },
    /// All deadlines pass without an input; then one of the inputs that this allows.
    Silence { choice: Index },
    /// An arbitrary input.
    Odd(Input),
}

fn of(number: u8) -> units::AccountId {
    account(number.max(2))
}

fn amounts() -> impl Strategy<Value = u128> {
    prop_oneof![1_u128..16, 1_u128..1 << 20, 1_u128..1 << 60]
}

fn tokens() -> impl Strategy<Value = u64> {
    prop_oneof![1_u64..16, 1_u64..1 << 20, Just(1 << 48)]
}

fn shares() -> impl Strategy<Value = Bps> {
    prop_oneof![0_u16..=10_000, Just(0), Just(10_000)].prop_map(|share| Bps::new(share).unwrap())
}

fn small_terms() -> impl Strategy<Value = Terms> {
    let rounds = (1_u32..8).prop_flat_map(|rounds| (Just(rounds), 0..=rounds));
    let work = (tokens(), tokens(), amounts());
    let audits = (shares(), shares(), 1_u16..=10_000);
    let seats = (2_u16..=8).prop_flat_map(|most| (2..=most, Just(most)));
    (rounds, work, audits, seats, 20_u32..90, 5_u32..90, 100_u32..2_000, 0_u16..4).prop_map(
        |((rounds, warmup_rounds), (ordinary, warmup, price), shares, seats, r, a, s, hold)| {
            Terms {
                rounds,
                warmup_rounds,
                tokens_per_round: ordinary,
                warmup_tokens_per_round: warmup,
                price_per_token: Wei::new(price),
                audit_rate: shares.0,
                audit_pay: shares.1,
                quorum: Bps::new(shares.2).unwrap(),
                seats_min: seats.0,
                seats_max: seats.1,
                round_seconds: r,
                audit_seconds: a,
                stall_seconds: s,
                hold_back_rounds: hold,
                ..terms()
            }
        },
    )
}

fn digests() -> impl Strategy<Value = Digest> {
    (1..=DEVICES, 1_u8..4).prop_map(|(number, root)| seal(device(number), root))
}

fn findings() -> impl Strategy<Value = Finding> {
    let opened = (digests(), prop::collection::vec(digests(), 0..4))
        .prop_map(|(for_subject, for_claimants)| Finding::Opened { for_subject, for_claimants });
    let mismatch = digests().prop_map(|sealed| Finding::Mismatch { sealed });
    prop_oneof![opened, mismatch, Just(Finding::Unavailable)]
}

fn odd() -> impl Strategy<Value = Input> {
    let number = || 1..=DEVICES;
    let round = || 0_u32..6;
    let commit = (number(), round(), digests(), digests()).prop_map(|(number, round, seal, m)| {
        let commitment = Commitment { seal, update: m };
        Input::Commit { device: device(number), round, commitment }
    });
    let verdict = (number(), round(), number(), findings()).prop_map(|(a, round, s, finding)| {
        Input::Verdict { auditor: device(a), round, subject: device(s), finding }
    });
    prop_oneof![
        3 => number().prop_map(|n| Input::Enroll { device: device(n), account: of(n) }),
        1 => number().prop_map(|n| Input::Leave { device: device(n) }),
        3 => commit,
        1 => round().prop_map(|round| Input::Close { round }),
        1 => round().prop_map(|round| Input::Lapse { round }),
        1 => (round(), digests()).prop_map(|(round, d)| Input::Advance { round, state: d, update: d }),
        1 => (round(), digests()).prop_map(|(round, randomness)| Input::Draw { round, randomness }),
        3 => verdict,
        2 => (round(), number()).prop_map(|(round, n)| Input::Redraw { round, subject: device(n) }),
        1 => prop_oneof![20 => Just(Input::Abandon), 1 => Just(Input::Cancel)],
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let root = prop_oneof![5 => Just(HONEST), 1 => Just(2_u8), 1 => Just(3_u8)];
    let what = prop_oneof![
        18 => (any::<Index>(), root).prop_map(|(choice, root)| What::Fitting { choice, root }),
        1 => any::<Index>().prop_map(|choice| What::Silence { choice }),
        3 => odd().prop_map(What::Odd),
    ];
    let seconds = prop_oneof![30 => 0_u32..8, 3 => 8_u32..80, 1 => 80_u32..500];
    let step = (what, seconds, 0_u64..3, prop::bool::weighted(0.9), any::<u8>());
    let step = step.prop_map(|(what, seconds, blocks, by_owner, randomness)| Step {
        what,
        seconds,
        blocks,
        by_owner,
        randomness,
    });
    prop::collection::vec(step, 1..160)
}

/// Returns inputs that make sense now; some of them are still too early.
fn fitting(run: &Run, randomness: Digest, root: u8) -> Vec<Input> {
    let round = run.round();
    let mut inputs = Vec::new();
    match run.phase() {
        Phase::Training { commitments, .. } => {
            for (seat, index) in run.seats().iter().zip(0_u16..) {
                if seat.is_active() && !commitments.contains_key(&index) {
                    let commitment = commitment(seat.device, root);
                    let input = Input::Commit { device: seat.device, round, commitment };
                    inputs.extend([input.clone(), input.clone(), input]);
                }
            }
            inputs.push(Input::Close { round });
        }
        Phase::Closed => {
            let advance = Input::Advance { round, state: randomness, update: randomness };
            inputs.extend([advance.clone(), advance]);
        }
        Phase::Gathering => {}
        Phase::WindingUp(_) | Phase::Finished(_) => return audits(run, randomness, root),
    }
    inputs.extend(enrolments(run));
    inputs.extend(audits(run, randomness, root));
    inputs
}

/// Returns enrolments of the devices without a seat; outside the gathering phase only of the first of them.
fn enrolments(run: &Run) -> Vec<Input> {
    let is_seated = |number: &u8| {
        run.seats().iter().any(|seat| seat.is_active() && seat.device == device(*number))
    };
    let most = if *run.phase() == Phase::Gathering { usize::from(DEVICES) } else { 1 };
    (1..=DEVICES)
        .filter(|number| !is_seated(number))
        .map(|number| Input::Enroll { device: device(number), account: of(number) })
        .take(most)
        .collect()
}

fn audits(run: &Run, randomness: Digest, root: u8) -> Vec<Input> {
    let undrawn = run.closed_rounds().filter(|(_, closed)| !closed.drawn);
    let mut inputs: Vec<Input> =
        undrawn.map(|(round, _)| Input::Draw { round, randomness }).collect();
    for (round, subject, auditor, _) in open_audits(run) {
        let found = finding(run, round, subject, root);
        for finding in [found.clone(), found.clone(), found, Finding::Unavailable] {
            inputs.push(Input::Verdict { auditor, round, subject, finding });
        }
    }
    inputs
}

/// Returns the inputs that are allowed after silence.
fn silence(run: &Run) -> Vec<Input> {
    let round = run.round();
    let mut inputs = vec![Input::Lapse { round }, Input::Close { round }];
    for (round, subject, ..) in open_audits(run) {
        inputs.push(Input::Redraw { round, subject });
    }
    inputs
}

fn take(table: &mut Table, step: Step) -> Result<(), String> {
    table.wait(step.seconds);
    table.context.height += step.blocks;
    table.context.randomness = Digest::from_bytes([step.randomness; 32]);
    table.context.caller = if step.by_owner { OWNER } else { account(201) };
    let input = match step.what {
        What::Fitting { choice, root } => {
            let inputs = fitting(&table.run, table.context.randomness, root);
            if inputs.is_empty() { Input::Abandon } else { choice.get(&inputs).clone() }
        }
        What::Silence { choice } => {
            table.wait(90);
            choice.get(&silence(&table.run)).clone()
        }
        What::Odd(input) => input,
    };
    let _refused_or_not = table.try_step(input)?;
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_rule_holds_after_every_step(
        terms in small_terms(),
        extra in prop_oneof![Just(0_u64), 1_u64..1000],
        steps in steps(),
    ) {
        let mut table = Table::open(terms, extra);
        for step in steps {
            take(&mut table, step).map_err(TestCaseError::fail)?;
            if matches!(table.run.phase(), Phase::Finished(_)) {
                break;
            }
        }
        table.wind_up().map_err(TestCaseError::fail)?;
    }
}
