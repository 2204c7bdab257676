//! Who is drawn to audit whom, when, and how often. What depends on chance is counted over many trials, which differ in what
//! nobody could know when the commitments were made.

use std::collections::BTreeMap;

use training_run::{Auditor, Check, Effect, Finding, Input, Phase, Refused, Terms};
use units::{AccountId, Bps, DeviceId};

use crate::play::{OWNER, PAY, Play, STRANGER, TRAINER, account, commitment, device, terms};

/// Every commitment is audited; three rounds' pay is held back.
fn always() -> Terms {
    Terms { audit_rate: Bps::WHOLE, ..terms() }
}

/// Seats 1 to `count` with the pay of `rounds` rounds at stake, or the most that is held back.
fn staked(terms: Terms, count: u8, rounds: u32) -> Play {
    let mut play = Play::with_seats(terms, count);
    let all: Vec<u8> = (1..=count).collect();
    for _ in 0..rounds {
        play.round(&all, &[]);
    }
    play
}

/// Everybody of `numbers` commits true work, and the round closes.
fn closed(base: &Play, trial: u64, numbers: impl IntoIterator<Item = u8>) -> Play {
    let mut play = base.clone();
    play.wait(trial * 2);
    for number in numbers {
        play.commit(number, 0).unwrap();
    }
    let round = play.book.state().round;
    if play.book.state().phase == Phase::Training {
        play.by(OWNER, Input::Close { round }).unwrap();
    }
    play
}

/// As [`closed`]; then the audits are drawn.
fn drawn(base: &Play, trial: u64, numbers: impl IntoIterator<Item = u8>) -> Play {
    let mut play = closed(base, trial, numbers);
    let round = play.book.state().round;
    play.advance().unwrap();
    play.draw(round).unwrap();
    play
}

/// Returns the auditors that were drawn since, by subject, in order.
fn auditors(play: &Play, from: usize) -> BTreeMap<DeviceId, Vec<DeviceId>> {
    let mut drawn: BTreeMap<DeviceId, Vec<DeviceId>> = BTreeMap::new();
    for effect in &play.log[from..] {
        if let Effect::Drawn { subject, auditor, .. } = effect {
            drawn.entry(*subject).or_default().push(*auditor);
        }
    }
    drawn
}

fn account_of(play: &Play, device: DeviceId) -> AccountId {
    play.book.seats().iter().find(|seat| seat.device == device).unwrap().account
}

/// Gives the findings of all auditors but `silent`.
fn answer(play: &mut Play, silent: Option<u8>) {
    for (round, subject, auditor) in play.audits() {
        if silent.map(device) != Some(auditor) {
            let finding = play.truth(round, subject);
            play.by(STRANGER, Input::Verdict { auditor, round, subject, finding }).unwrap();
        }
    }
}

/// Six seats: the first two of one account, the third of the owner's.
fn related() -> Play {
    let mut play = Play::new(Terms { seats_min: 6, ..always() });
    play.enroll_for(1, account(1)).unwrap();
    play.enroll_for(2, account(1)).unwrap();
    play.enroll_for(3, OWNER).unwrap();
    for number in 4..=6 {
        play.enroll(number).unwrap();
    }
    for _ in 0..4 {
        play.round(&[1, 2, 3, 4, 5, 6], &[]);
    }
    play
}

/// Checks that no auditor is of the subject's account, of the owner's, or of that of the auditor before it. Returns how many had one
/// before.
fn check_accounts(play: &Play, from: usize) -> usize {
    let mut repeated = 0;
    for (subject, drawn) in auditors(play, from) {
        let mut before = None;
        for auditor in drawn.into_iter().filter(|auditor| *auditor != TRAINER) {
            let account = account_of(play, auditor);
            assert_ne!(account, OWNER, "the owner's device audits for the owner");
            assert_ne!(account, account_of(play, subject), "its own account");
            assert_ne!(Some(account), before, "the account of the auditor before");
            repeated += usize::from(before.is_some());
            before = Some(account);
        }
    }
    repeated
}

#[test]
fn nobody_who_is_concerned_audits() {
    let base = related();
    let (mut passed, mut silent) = (0, 0);
    for trial in 0..60 {
        let mut play = drawn(&base, trial, 1..=6);
        let round = play.book.state().round - 1;
        answer(&mut play, None);
        play.wait(1);
        let _ = play.draw(round);
        passed += check_accounts(&play, base.log.len());

        let mut play = drawn(&base, trial, 1..=6);
        play.wait(31);
        play.draw(round).unwrap();
        play.draw(round).unwrap();
        silent += check_accounts(&play, base.log.len());
    }
    assert!(passed >= 20 && silent >= 60, "{passed} second audits, {silent} replacements");
}

#[test]
fn auditors_are_drawn_by_stake() {
    let terms = Terms { audit_rate: Bps::new(2_000).unwrap(), ..terms() };
    let mut base = staked(terms, 3, 6);
    for number in 4..=6 {
        base.enroll(number).unwrap();
    }
    base.round(&[1, 2, 3], &[]);
    base.round(&[1, 2, 3, 4, 5, 6], &[]);
    let (mut rich, mut poor) = (0, 0);
    for trial in 0..200 {
        let play = drawn(&base, trial, 1..=6);
        for auditor in auditors(&play, base.log.len()).into_values().flatten() {
            rich += u32::from((1..=3).any(|number| device(number) == auditor));
            poor += u32::from((4..=6).any(|number| device(number) == auditor));
        }
    }
    assert!(rich + poor > 200, "{rich} {poor}");
    assert!(4 * poor < rich, "six rounds' pay at stake against one: {rich} {poor}");
}

/// After half a round's pay, nobody has enough to lose.
#[test]
fn auditors_have_something_to_lose() {
    let terms = Terms { warmup_rounds: 1, warmup_tokens_per_round: 50, ..always() };
    let base = staked(terms, 4, 1);
    assert!((1..=4).all(|number| base.seat(number).stake.as_u128() == PAY / 2));
    for trial in 0..20 {
        let play = drawn(&base, trial, 1..=4);
        let drawn = auditors(&play, base.log.len());
        assert_eq!(drawn.len(), 4);
        assert!(drawn.into_values().flatten().all(|auditor| auditor == TRAINER));
    }
}

/// Two seats with this much at stake, and as many newcomers.
fn with_newcomers(rounds: u32, newcomers: u8) -> Play {
    let floor = Bps::new(500).unwrap();
    let mut play = staked(Terms { audit_rate: floor, seats_max: 30, ..terms() }, 2, rounds);
    for number in 3..3 + newcomers {
        play.enroll(number).unwrap();
    }
    play.round(&[1, 2], &[]);
    play
}

#[test]
fn newcomers_are_audited_by_the_owners_device_as_long_as_it_has_time() {
    let (one, many) = (with_newcomers(8, 1), with_newcomers(8, 16));
    for trial in 0..20 {
        let play = drawn(&one, trial, 1..=3);
        assert_eq!(auditors(&play, one.log.len())[&device(3)], [TRAINER]);
        let play = drawn(&many, trial, 1..=18);
        let drawn = auditors(&play, many.log.len());
        let newcomers = (3..=18).filter(|number| drawn[&device(*number)] == [TRAINER]);
        assert!((8..=12).contains(&newcomers.count()), "seats audit most of the others");
    }
}

/// Each of 1.286 rounds' pay at least: for a subject without stake, that deters both.
#[test]
fn auditors_have_a_part_of_their_stake_for_each_verdict() {
    let base = with_newcomers(2, 16);
    for trial in 0..20 {
        let play = drawn(&base, trial, 1..=18);
        for number in [1, 2] {
            let seat = play.seat(number);
            assert!(seat.stake.as_u128() >= u128::from(seat.duties) * 1_286, "{seat:?}");
            assert!(seat.duties > 0);
        }
    }
}

/// An auditor with ten rounds' pay at stake answers for eight verdicts about newcomers at a time. Had it the whole stake for each,
/// one in five would be repeated.
#[test]
fn verdicts_of_one_auditor_share_its_stake() {
    let base = with_newcomers(10, 16);
    let (mut passed, mut again) = (0, 0);
    for trial in 0..20 {
        let mut play = closed(&base, trial, 1..=18);
        let round = play.book.state().round;
        play.leave(2).unwrap();
        play.advance().unwrap();
        play.draw(round).unwrap();
        for (round, subject, auditor) in play.audits() {
            if auditor == device(1) {
                let finding = play.truth(round, subject);
                play.by(STRANGER, Input::Verdict { auditor, round, subject, finding }).unwrap();
                passed += 1;
            }
        }
        let from = play.log.len();
        play.draw(round).unwrap();
        again += auditors(&play, from).len();
    }
    assert!(passed > 100, "{passed}");
    assert!(5 * again > 3 * passed, "{again} of {passed} were repeated");
}

#[test]
fn a_seat_that_left_is_not_drawn() {
    let base = staked(always(), 5, 3);
    for trial in 0..30 {
        let mut play = closed(&base, trial, 1..=5);
        let round = play.book.state().round;
        play.leave(5).unwrap();
        play.advance().unwrap();
        play.draw(round).unwrap();
        let drawn = auditors(&play, base.log.len());
        assert_eq!(drawn.len(), 5);
        assert!(drawn.into_values().flatten().all(|auditor| auditor != device(5)));
    }
}

/// The subject's pay does not wait for somebody who has no reason to answer any more.
#[test]
fn an_auditor_that_left_is_replaced_at_once() {
    let base = staked(always(), 5, 3);
    let mut replaced = 0;
    for trial in 0..30 {
        let mut play = drawn(&base, trial, 1..=5);
        let round = play.book.state().round - 1;
        let left = play.audits().into_iter().filter(|(_, _, auditor)| *auditor == device(5));
        let subjects: Vec<DeviceId> = left.map(|(_, subject, _)| subject).collect();
        let from = play.log.len();
        play.leave(5).unwrap();
        if subjects.is_empty() {
            continue;
        }
        play.draw(round).unwrap();
        for subject in &subjects {
            let (subject, auditor) = (*subject, device(5));
            assert!(play.log[from..].contains(&Effect::Silent { round, subject, auditor }));
        }
        play.draw(round).unwrap();
        let drawn = auditors(&play, from);
        assert!(drawn.keys().eq(&subjects), "nobody else's auditor is replaced: {drawn:?}");
        assert!(drawn.into_values().flatten().all(|auditor| auditor != device(5)));
        replaced += subjects.len();
    }
    assert!(replaced > 20, "{replaced}");
}

#[test]
fn each_subject_has_a_draw_of_its_own() {
    let base = staked(always(), 6, 3);
    let (mut same, mut other) = (0, 0);
    for trial in 0..60 {
        let play = drawn(&base, trial, 1..=6);
        let drawn = auditors(&play, base.log.len());
        let [first, second] = [1, 2].map(|number| drawn[&device(number)][0]);
        let is_of_others = |auditor| (3..=6).any(|number| device(number) == auditor);
        if is_of_others(first) && is_of_others(second) {
            same += u32::from(first == second);
            other += u32::from(first != second);
        }
    }
    assert!(other > same && same > 0, "one in four is the same: {same} {other}");
}

/// Whoever sends the closing transaction knows the hashes before.
#[test]
fn the_block_after_the_close_decides() {
    let mut play = closed(&staked(always(), 4, 3), 0, 1..=4);
    let (round, height) = (play.book.state().round, play.height);
    play.advance().unwrap();
    let early = play.in_this_block(STRANGER, Input::Draw { round });
    let (until, now) = (height + 2, height + 1);
    assert_eq!(early, Err(Refused::TooEarly { until, now }));
    let others = [1, 2].map(|hash| {
        let mut play = play.clone();
        play.book.set_block_hash(height + 1, units::Digest::of(&[hash]));
        play.draw(round).unwrap();
        auditors(&play, 0)
    });
    assert_ne!(others[0], others[1]);
    let same = [1, 2].map(|hash| {
        let mut play = play.clone();
        for known in [height - 1, height, height + 2, height + 3] {
            play.book.set_block_hash(known, units::Digest::of(&[hash]));
        }
        play.wait(0);
        play.draw(round).unwrap();
        auditors(&play, 0)
    });
    assert_eq!(same[0], same[1], "no other block does");
}

/// Stake decides how likely an audit is, and counts what is not verified yet; an auditor's weight does not.
#[test]
fn what_waits_for_its_audit_counts_as_stake_but_not_as_weight() {
    let mut play = staked(terms(), 4, 2);
    let before = play.seat(1).stake;
    for _ in 0..2 {
        play = closed(&play, 0, 1..=4);
        play.advance().unwrap();
    }
    let round = play.book.state().round;
    let play = closed(&play, 0, 1..=4);
    let (entry, _) = play.entry(round, device(1)).unwrap();
    let verified = play.book.terms().in_rounds(before, round);
    assert!(verified >= 2_000);
    assert_eq!((entry.weight, entry.stake), (verified, verified + 2_000));
}

#[test]
fn the_owners_device_has_at_most_64_audits_at_a_time() {
    let mut base = Play::new(Terms { seats_min: 80, seats_max: 80, ..terms() });
    for number in 1..=80 {
        base.enroll(number).unwrap();
    }
    let mut play = drawn(&base, 0, 1..=80);
    let waiting = |play: &Play| {
        let checks = (1..=80).map(|number| play.check(0, number));
        checks.filter(|check| matches!(check, Check::Waiting { .. })).count()
    };
    assert_eq!((play.audits().len(), waiting(&play)), (64, 16));
    answer(&mut play, None);
    play.draw(0).unwrap();
    assert_eq!((play.audits().len(), waiting(&play)), (16, 0));
    play.finish();
    assert!((1..=80).all(|number| play.paid(number) == PAY));
}

/// Four seats, of which the last has left three audits unanswered.
fn with_silent_seat() -> Play {
    let mut play = staked(always(), 4, 3);
    for _ in 0..30 {
        if play.seat(4).silences >= 3 {
            return play;
        }
        let round = play.book.state().round;
        play = drawn(&play, 0, 1..=4);
        for _ in 0..6 {
            answer(&mut play, Some(4));
            play.wait(31);
            let _ = play.draw(round);
            for (round, subject) in play.disputes() {
                play.rule(round, subject).unwrap();
            }
        }
        answer(&mut play, Some(4));
    }
    panic!("it is drawn in most rounds: {:?}", play.seat(4));
}

#[test]
fn a_silent_auditor_is_drawn_less_until_it_answers() {
    let base = with_silent_seat();
    let (mut silent, mut others) = (0, 0);
    let mut answering = None;
    for trial in 0..100 {
        let play = drawn(&base, trial, 1..=4);
        let audits = play.audits();
        silent += audits.iter().filter(|(_, _, auditor)| *auditor == device(4)).count();
        others += audits.iter().filter(|(_, _, auditor)| *auditor == device(3)).count();
        if audits.iter().any(|(_, _, auditor)| *auditor == device(4)) {
            answering = Some(play);
        }
    }
    assert!(silent > 0 && 3 * silent < others, "an eighth: {silent} {others}");
    let mut play = answering.unwrap();
    answer(&mut play, None);
    assert_eq!(play.seat(4).silences, 0);

    // Coming back is no way to be forgiven.
    let mut play = base;
    let silences = play.seat(4).silences;
    play.decide_all();
    play.leave(4).unwrap();
    play.enroll(4).unwrap();
    assert_eq!(play.seat(4).silences, silences);
}

/// Four seats; the owner's device has left its last audit unanswered.
fn with_silent_owner() -> Play {
    let base = staked(always(), 4, 3);
    for trial in 0..60 {
        let mut play = drawn(&base, trial, 1..=4);
        let round = play.book.state().round - 1;
        let by_owner = play.audits().into_iter().filter(|(_, _, auditor)| *auditor == TRAINER);
        if by_owner.count() != 1 {
            continue;
        }
        for (round, subject, auditor) in play.audits() {
            if auditor != TRAINER {
                let finding = play.truth(round, subject);
                play.by(STRANGER, Input::Verdict { auditor, round, subject, finding }).unwrap();
            }
        }
        play.wait(31);
        play.draw(round).unwrap();
        play.draw(round).unwrap();
        if play.book.state().trainer_silences == 1 && play.book.state().trainer_audits == 0 {
            return play;
        }
    }
    panic!("a twentieth of the audits is the owner's");
}

#[test]
fn nothing_is_left_to_an_owners_device_that_was_silent() {
    let base = with_silent_owner();
    for trial in 0..30 {
        let play = drawn(&base, trial, 1..=4);
        let drawn = auditors(&play, base.log.len());
        assert!(drawn.into_values().flatten().all(|auditor| auditor != TRAINER));
    }
}

/// An audit that passed can't be given again, nor can one be given for another commitment.
#[test]
fn a_verdict_can_be_used_once() {
    let mut play = drawn(&staked(always(), 4, 3), 0, 1..=4);
    let audits = play.audits();
    let (round, subject, auditor) = audits[0];
    let finding = play.truth(round, subject);
    let input = Input::Verdict { auditor, round, subject, finding };
    play.by(STRANGER, input.clone()).unwrap();
    let again = play.by(STRANGER, input);
    assert!(matches!(again, Err(Refused::NotTheAuditor { .. })), "{again:?}");
    let seal = commitment(subject, round + 1, 0).seal;
    let (round, subject, auditor) = audits[1];
    let finding = Finding::Passed { seal };
    let other = play.by(STRANGER, Input::Verdict { auditor, round, subject, finding });
    assert_eq!(other, Err(Refused::OpensNothing));
    let is_open = matches!(
        play.entry(round, subject).unwrap().0.check,
        Check::Audit { auditor: Auditor::Seat(_) | Auditor::Trainer, .. }
    );
    assert!(is_open);
}
