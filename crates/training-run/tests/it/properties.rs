//! What holds after arbitrary inputs. Devices 1 to 3 are honest; the others are of one mind, and free to do anything.

use proptest::{prelude::*, sample::Index};
use training_run::{Check, Commitment, Effect, Finding, Input, Phase, Refused, Ruling, Terms};
use units::{AccountId, Bps, DeviceId, Digest, Wei};

use crate::play::{
    OWNER, Play, STRANGER, TRAINER, account, commitment, device, panel, referee, terms, true_ruling,
};

const HONEST: u8 = 3;
const DEVICES: u8 = 9;

#[derive(Clone, Debug)]
struct Step {
    what: What,
    seconds: u64,
    same_block: bool,
}

#[derive(Clone, Debug)]
enum What {
    /// One of the inputs that somebody may want to give now.
    Fitting { choice: Index, kind: Index },
    /// The honest devices and the owner do a part of what they have to do.
    Routine { part: u8 },
    /// An arbitrary input of anyone but the honest.
    Odd { by_owner: bool, input: Input },
}

/// Returns the account of a device; two of the cheats share one.
fn of(number: u8) -> AccountId {
    account(if number == 5 { 4 } else { number })
}

fn small_terms() -> impl Strategy<Value = Terms> {
    let rounds = (1_u32..80).prop_flat_map(|rounds| (Just(rounds), 0..=rounds.min(4)));
    let work = (1_u64..200, 1_u64..200, prop_oneof![1_u128..16, 1_u128..1 << 60]);
    let shares = (500_u16..=10_000, 0_u16..=10_000, 5_000_u16..=10_000);
    let seats = (2_u16..=9).prop_flat_map(|most| (2..=most, Just(most)));
    let times = (20_u32..90, 5_u32..90, 100_u32..2_000);
    (rounds, work, shares, seats, times, 0_u128..20).prop_map(
        |((rounds, warmup_rounds), (ordinary, warmup, price), shares, seats, times, fee)| Terms {
            rounds,
            warmup_rounds,
            tokens_per_round: ordinary,
            warmup_tokens_per_round: warmup,
            price_per_token: Wei::new(price),
            audit_rate: Bps::new(shares.0).unwrap(),
            audit_pay: Bps::new(shares.1).unwrap(),
            quorum: Bps::new(shares.2).unwrap(),
            seats_min: seats.0,
            seats_max: seats.1,
            round_seconds: times.0,
            audit_seconds: times.1,
            stall_seconds: times.2,
            relay_fee: Wei::new(fee),
            ..terms()
        },
    )
}

fn cheats() -> impl Strategy<Value = DeviceId> {
    (HONEST + 1..=DEVICES).prop_map(device)
}

fn anyone() -> impl Strategy<Value = DeviceId> {
    prop_oneof![8 => (1..=DEVICES).prop_map(device), 1 => Just(TRAINER)]
}

fn odd() -> impl Strategy<Value = Input> {
    let round = || 0_u32..6;
    let digest = || any::<u8>().prop_map(|byte| Digest::of(&[byte]));
    let commit = (cheats(), round(), 0_u8..3).prop_map(|(device, round, made_up)| Input::Commit {
        device,
        round,
        commitment: commitment(device, round, made_up),
    });
    let finding = prop_oneof![
        digest().prop_map(|seal| Finding::Passed { seal }),
        Just(Finding::Mismatch),
        Just(Finding::Unavailable)
    ];
    let verdict =
        (cheats(), round(), anyone(), finding).prop_map(|(auditor, round, subject, finding)| {
            Input::Verdict { auditor, round, subject, finding }
        });
    let dispute = (round(), anyone(), 0_u128..1 << 30)
        .prop_map(|(round, subject, bond)| Input::Dispute { round, subject, bond: Wei::new(bond) });
    let enroll = (cheats(), 0_u64..4, HONEST + 1..=DEVICES)
        .prop_map(|(device, nonce, number)| Input::Enroll { device, account: of(number), nonce });
    prop_oneof![
        3 => enroll,
        1 => (cheats(), 0_u64..4).prop_map(|(device, nonce)| Input::Leave { device, nonce }),
        1 => cheats().prop_map(|device| Input::Retire { device }),
        3 => commit,
        1 => round().prop_map(|round| Input::Close { round }),
        1 => round().prop_map(|round| Input::Lapse { round }),
        1 => (round(), digest()).prop_map(|(round, d)| Input::Advance { round, state: d, update: d }),
        1 => round().prop_map(|round| Input::Draw { round }),
        3 => verdict,
        2 => dispute,
        1 => (round(), anyone()).prop_map(|(round, subject)| Input::Expire { round, subject }),
        1 => prop::collection::vec(0_u16..12, 0..4).prop_map(|seats| Input::Settle { seats }),
        1 => prop_oneof![20 => Just(Input::Abandon), 1 => Just(Input::Cancel)],
        1 => Just(Input::SetAuditor { auditor: TRAINER }),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let what = prop_oneof![
        9 => (any::<Index>(), any::<Index>()).prop_map(|(choice, kind)| What::Fitting { choice, kind }),
        5 => (0_u8..6).prop_map(|part| What::Routine { part }),
        1 => (any::<bool>(), odd()).prop_map(|(by_owner, input)| What::Odd { by_owner, input }),
    ];
    let seconds = prop_oneof![
        60 => 0_u64..3, 6 => 3_u64..80, 1 => 80_u64..300
    ];
    let step = (what, seconds, any::<bool>());
    let step = step.prop_map(|(what, seconds, same_block)| Step { what, seconds, same_block });
    prop::collection::vec(step, 1..250)
}

/// Returns the inputs that somebody may want to give now, by kind.
fn fitting(play: &Play) -> Vec<Vec<(AccountId, Input)>> {
    let head = play.book.state();
    let round = head.round;
    let (mut seats, mut work, mut verdicts, mut disputes) = (vec![], vec![], vec![], vec![]);
    for number in 1..=DEVICES {
        let (device, account) = (device(number), of(number));
        let nonce = play.nonce(device);
        seats.push((STRANGER, Input::Enroll { device, account, nonce }));
        if number > HONEST || number == 2 {
            seats.push((STRANGER, Input::Leave { device, nonce }));
            seats.push((STRANGER, Input::Retire { device }));
        }
        for made_up in if number > HONEST { 0..3 } else { 0..1 } {
            let commitment = commitment(device, round, made_up);
            work.push((STRANGER, Input::Commit { device, round, commitment }));
        }
    }
    for (round, subject, auditor) in play.audits() {
        let truth = play.truth(round, subject);
        let verdict = |finding| (STRANGER, Input::Verdict { auditor, round, subject, finding });
        verdicts.push(verdict(truth));
        if (HONEST + 1..=DEVICES).any(|number| device(number) == auditor) {
            let (_, Commitment { seal, .. }) = play.entry(round, subject).unwrap();
            verdicts.push(verdict(Finding::Passed { seal }));
            verdicts.extend([Finding::Mismatch, Finding::Unavailable].map(verdict));
        }
    }
    for kept in play.book.rounds() {
        let round = kept.number;
        verdicts.push((STRANGER, Input::Draw { round }));
        for (seat, entry, _) in play.book.entries(round) {
            if !matches!(entry.check, Check::Disputed | Check::Void) {
                let subject = play.seat_at(seat).device;
                let bond = play.book.terms().work_pay(round).unwrap();
                disputes.push((account(DEVICES), Input::Dispute { round, subject, bond }));
                let auditor = device(HONEST + 1 + u8::try_from(seat % 6).unwrap());
                let finding = Finding::Mismatch;
                disputes.push((STRANGER, Input::Verdict { auditor, round, subject, finding }));
            }
        }
    }
    let rulings = rulings(play);
    let (state, update) = (Digest::of(&round.to_le_bytes()), Digest::of(b"update"));
    let progress = vec![
        (OWNER, Input::Close { round }),
        (STRANGER, Input::Close { round }),
        (STRANGER, Input::Lapse { round }),
        (OWNER, Input::Advance { round, state, update }),
        (OWNER, Input::Advance { round, state, update }),
        (STRANGER, Input::Settle { seats: (0..head.seats).collect() }),
        (OWNER, Input::Settle { seats: (0..head.seats).collect() }),
    ];
    let rare = vec![(STRANGER, Input::Abandon), (STRANGER, Input::Settle { seats: vec![] })];
    let mut kinds =
        vec![seats.clone(), work.clone(), work.clone(), work, verdicts.clone(), verdicts];
    kinds.extend([disputes, rulings, progress.clone(), progress, seats, rare]);
    kinds.retain(|kind| !kind.is_empty());
    kinds
}

/// Returns what referees and others may say of the open disputes.
fn rulings(play: &Play) -> Vec<(AccountId, Input)> {
    let mut rulings = vec![];
    for (round, subject) in play.disputes() {
        // Two referees of three are honest; one of them may lack the data. The third says what it likes.
        let Commitment { seal, update } = play.disputed(round, subject);
        let truth = true_ruling(round, subject);
        let leaf = 1;
        let votes = [
            (1, truth),
            (2, truth),
            (2, Ruling::Unavailable),
            (3, Ruling::Replayed { seal, update }),
            (3, Ruling::Replayed { seal: update, update: seal }),
            (3, Ruling::Differs { leaf }),
            (3, Ruling::Unavailable),
        ];
        for (number, ruling) in votes {
            let (referee, panel) = (referee(number), panel(2));
            let input = Input::Rule { round, subject, referee, ruling, panel };
            rulings.push((account(number), input));
        }
        for seal in [seal, update] {
            rulings.push((STRANGER, Input::Disclose { round, subject, seal }));
        }
        rulings.push((STRANGER, Input::Expire { round, subject }));
    }
    rulings
}

fn routine(play: &mut Play, part: u8) -> Vec<Effect> {
    let from = play.log.len();
    let round = play.book.state().round;
    match part {
        0 | 1 => (1..=HONEST).for_each(|number| {
            let _ = play.enroll(number);
            let _ = play.commit(number, 0);
        }),
        2 if play.by(OWNER, Input::Close { round }).is_err() => {
            play.wait(90);
            let _ = play.by(STRANGER, Input::Close { round });
            let _ = play.by(STRANGER, Input::Lapse { round });
        }
        2 | 3 => {
            let _ = play.advance();
        }
        4 => {
            let _ = play.draw(round.saturating_sub(1));
        }
        _ => {
            for (round, subject, auditor) in play.audits() {
                if auditor == TRAINER || (1..=HONEST).any(|number| device(number) == auditor) {
                    let finding = play.truth(round, subject);
                    let input = Input::Verdict { auditor, round, subject, finding };
                    let _ = play.by(STRANGER, input);
                }
            }
        }
    }
    play.log[from..].to_vec()
}

fn apply(play: &mut Play, step: &Step) -> Result<Vec<Effect>, Refused> {
    play.wait(step.seconds);
    let (caller, input) = match &step.what {
        What::Fitting { choice, kind } => {
            let kinds = fitting(play);
            choice.get(kind.get(kinds.as_slice()).as_slice()).clone()
        }
        What::Routine { part } => return Ok(routine(play, *part)),
        What::Odd { by_owner, input } => (if *by_owner { OWNER } else { STRANGER }, input.clone()),
    };
    if step.same_block { play.in_this_block(caller, input) } else { play.by(caller, input) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// After every step: the invariants hold, and a refused input has changed nothing ([`Play::by`] checks both). At the end:
    /// nobody honest was expelled, all their commitments were verified and paid, and the escrow is empty.
    #[test]
    fn whatever_is_played_the_honest_are_paid(terms in small_terms(), steps in steps()) {
        let mut play = Play::new(terms);
        for step in &steps {
            if matches!(play.book.state().phase, Phase::Finished(_)) {
                break;
            }
            let _ = apply(&mut play, step);
        }
        if !matches!(play.book.state().phase, Phase::Finished(_)) {
            play.finish();
        }
        for number in 1..=HONEST {
            prop_assert!(!play.is_expelled(number), "device {number} is honest");
            prop_assert_eq!(play.committed(number), play.verified(number));
            prop_assert_eq!(play.credited(number), play.paid(number));
        }
    }

    /// A commitment counts as verified only if it is the work, or nobody honest looked: it was not drawn, an accomplice
    /// passed it, or its data could not be had.
    #[test]
    fn made_up_work_that_an_honest_party_looked_at_is_never_paid(steps in steps()) {
        let mut play = Play::new(Terms { seats_min: 3, seats_max: 9, ..terms() });
        let mut found = Vec::new();
        for step in &steps {
            let Ok(effects) = apply(&mut play, step) else { continue };
            for effect in effects {
                match effect {
                    Effect::Disputed { round, subject, accuser } => {
                        let honest = (1..=HONEST).any(|number| device(number) == accuser);
                        if honest || accuser == TRAINER {
                            found.push((round, subject));
                        }
                    }
                    // The referee could not replay it, or did not answer.
                    Effect::Upheld { round, subject, is_replayed: false } => {
                        found.retain(|other| *other != (round, subject));
                    }
                    Effect::Upheld { round, subject, is_replayed: true } => {
                        let given = play.entry(round, subject).map(|(_, given)| given);
                        let truth = commitment(subject, round, 0);
                        prop_assert!(given.is_none_or(|given| given == truth));
                        found.retain(|other| *other != (round, subject));
                    }
                    Effect::Verified { device: subject, round, tokens: 1.., .. } => {
                        prop_assert!(!found.contains(&(round, subject)));
                    }
                    _ => {}
                }
            }
        }
    }
}
