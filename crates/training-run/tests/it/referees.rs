//! Several referees: each votes for itself, and enough of them decide.

use training_run::{
    Check, Commitment, Effect, Finding, Input, Panel, Refused, Ruling, Standing, Terms,
};
use units::{AccountId, Bps, Digest, Wei};

use crate::play::{
    OWNER, PAY, Play, STRANGER, account, commitment, device, panel, referee, root, terms,
    true_ruling,
};

/// The round of every dispute here.
const ROUND: u32 = 3;

/// Four seats with a stake; the last commits to `last`, 0 for true work, and an account disputes it.
fn disputed(last: u8) -> Play {
    let mut play = Play::with_seats(Terms { audit_rate: Bps::WHOLE, ..terms() }, 4);
    for _ in 0..ROUND {
        play.round(&[1, 2, 3, 4], &[]);
    }
    for number in 1..=3 {
        play.commit(number, 0).unwrap();
    }
    play.commit(4, last).unwrap();
    let dispute = Input::Dispute { round: ROUND, subject: device(4), bond: Wei::new(PAY) };
    play.by(account(9), dispute).unwrap();
    play
}

fn vote_of(
    play: &mut Play,
    (number, panel): (u8, Panel),
    ruling: Ruling,
) -> Result<Vec<Effect>, Refused> {
    let (round, subject, referee) = (ROUND, device(4), referee(number));
    play.by(account(number), Input::Rule { round, subject, referee, ruling, panel })
}

fn vote(play: &mut Play, number: u8, ruling: Ruling) -> Result<Vec<Effect>, Refused> {
    vote_of(play, (number, panel(2)), ruling)
}

fn truth() -> Ruling {
    true_ruling(ROUND, device(4))
}

/// A ruling of whoever wants made-up work to count: it knows what the device committed to.
fn vouching(made_up: u8) -> Ruling {
    let Commitment { seal, update } = commitment(device(4), ROUND, made_up);
    Ruling::Replayed { seal, update }
}

fn is_open(play: &Play) -> bool {
    play.check(ROUND, 4) == Check::Disputed
}

fn parts(effects: &[Effect]) -> Vec<(AccountId, u128)> {
    let paid = effects.iter().filter_map(|effect| match effect {
        Effect::PayReferee { account, amount } => Some((*account, amount.as_u128())),
        _ => None,
    });
    paid.collect()
}

#[test]
fn a_liar_and_a_silent_referee_decide_nothing_against_two_honest_ones() {
    // For made-up work: the liar vouches for it.
    let mut play = disputed(1);
    vote(&mut play, 3, vouching(1)).unwrap();
    vote(&mut play, 1, truth()).unwrap();
    assert!(is_open(&play), "one against one");
    vote(&mut play, 2, truth()).unwrap();
    assert!(play.is_expelled(4));
    play.finish();
    // Against honest work: the liar was first.
    let mut play = disputed(0);
    let garbage = Ruling::Replayed { seal: Digest::of(b"a"), update: Digest::of(b"b") };
    vote(&mut play, 3, garbage).unwrap();
    vote(&mut play, 1, truth()).unwrap();
    assert!(is_open(&play));
    let effects = vote(&mut play, 2, truth()).unwrap();
    assert!(!play.is_expelled(4));
    assert_eq!(parts(&effects), [(account(1), 500), (account(2), 500)], "the liar gets nothing");
    play.finish();
    assert_eq!(play.paid(4), play.credited(4));
}

#[test]
fn a_referee_votes_once_and_nobody_else_does() {
    let mut play = disputed(1);
    vote(&mut play, 1, truth()).unwrap();
    assert_eq!(vote(&mut play, 1, truth()), Err(Refused::VotedAlready(referee(1))));
    let changed = vote(&mut play, 1, Ruling::Unavailable);
    assert_eq!(changed, Err(Refused::VotedAlready(referee(1))));
    let stranger = vote(&mut play, 7, truth());
    assert_eq!(stranger, Err(Refused::NotAReferee(referee(7))));
    assert!(is_open(&play));
    let (round, subject) = (ROUND, device(3));
    let (referee, ruling, panel) = (referee(2), truth(), panel(2));
    let elsewhere = play.by(STRANGER, Input::Rule { round, subject, referee, ruling, panel });
    assert_eq!(elsewhere, Err(Refused::NoDispute { round, subject }));
}

#[test]
fn votes_that_can_not_agree_any_more_blame_nobody() {
    let mut play = disputed(1);
    vote(&mut play, 1, truth()).unwrap();
    vote(&mut play, 2, Ruling::Unavailable).unwrap();
    assert!(is_open(&play), "the third decides");
    let effects = vote(&mut play, 3, vouching(1)).unwrap();
    let subject = device(4);
    assert!(effects.contains(&Effect::Upheld { round: ROUND, subject, is_replayed: false }));
    let bond = Effect::ReturnBond { account: account(9), amount: Wei::new(PAY) };
    assert!(effects.contains(&bond), "{effects:?}");
    // Two of two that disagree.
    let mut play = disputed(0);
    let two = Panel { members: vec![referee(1), referee(2)], threshold: 2 };
    vote_of(&mut play, (1, two.clone()), truth()).unwrap();
    let other = Ruling::Replayed { seal: Digest::ZERO, update: Digest::ZERO };
    let effects = vote_of(&mut play, (2, two), other).unwrap();
    assert!(effects.contains(&Effect::Upheld { round: ROUND, subject, is_replayed: false }));
    play.finish();
}

#[test]
fn votes_that_are_too_few_expire_with_the_dispute() {
    let mut play = disputed(1);
    vote(&mut play, 1, truth()).unwrap();
    play.wait(24 * 3600);
    let subject = device(4);
    let effects = play.by(STRANGER, Input::Expire { round: ROUND, subject }).unwrap();
    assert!(effects.contains(&Effect::Upheld { round: ROUND, subject, is_replayed: false }));
    assert!(matches!(vote(&mut play, 2, truth()), Err(Refused::NoDispute { .. })));
    play.finish();
}

#[test]
fn votes_of_those_who_are_no_referees_any_more_do_not_count() {
    let mut play = disputed(1);
    vote(&mut play, 1, truth()).unwrap();
    let changed = Panel { members: vec![referee(2), referee(3), referee(4)], threshold: 2 };
    vote_of(&mut play, (2, changed.clone()), truth()).unwrap();
    assert!(is_open(&play), "one of the present three");
    vote_of(&mut play, (4, changed), truth()).unwrap();
    assert!(play.is_expelled(4));
}

#[test]
fn a_bond_is_divided_without_a_rest() {
    for bond in [PAY, PAY + 1, PAY + 2] {
        let mut play = disputed(0);
        let extra = Input::Dispute { round: ROUND, subject: device(3), bond: Wei::new(bond) };
        play.by(account(8), extra).unwrap();
        let three = Panel { threshold: 3, ..panel(3) };
        let mut paid = Vec::new();
        for number in 1..=3 {
            let (round, subject, referee) = (ROUND, device(3), referee(number));
            let (ruling, panel) = (true_ruling(round, subject), three.clone());
            let input = Input::Rule { round, subject, referee, ruling, panel };
            paid = parts(&play.by(account(number), input).unwrap());
        }
        assert_eq!(paid.iter().map(|(_, amount)| amount).sum::<u128>(), bond, "{paid:?}");
        assert_eq!(paid.len(), 3);
        let parts = paid.iter().map(|(_, amount)| *amount);
        assert!(parts.clone().max().unwrap() - parts.min().unwrap() <= 1, "{paid:?}");
    }
}

fn disclose(play: &mut Play, made_up: u8) -> Result<Vec<Effect>, Refused> {
    let subject = device(4);
    let seal = units::seal(&subject, &root(subject, ROUND, made_up));
    play.by(STRANGER, Input::Disclose { round: ROUND, subject, seal })
}

#[test]
fn leaves_are_disclosed_once_and_only_those_of_the_seal() {
    let mut play = disputed(1);
    let (round, subject) = (ROUND, device(4));
    assert_eq!(disclose(&mut play, 0), Err(Refused::WrongLeaves { round, subject }));
    let early = vote(&mut play, 1, Ruling::Differs { leaf: 1 });
    assert_eq!(early, Err(Refused::NotDisclosed { round, subject }));
    disclose(&mut play, 1).unwrap();
    let height = play.height;
    assert_eq!(play.entry(ROUND, subject).unwrap().0.disclosed, height);
    assert_eq!(disclose(&mut play, 1), Err(Refused::DisclosedAlready { round, subject }));
    vote(&mut play, 1, Ruling::Differs { leaf: 1 }).unwrap();
    vote(&mut play, 2, Ruling::Differs { leaf: 1 }).unwrap();
    assert!(play.is_expelled(4));
    assert_eq!(play.entry(ROUND, subject).unwrap().0.disclosed, height, "it is kept");
    let other = Input::Disclose { round, subject: device(3), seal: Digest::ZERO };
    let refused = play.by(STRANGER, other);
    assert_eq!(refused, Err(Refused::NoDispute { round, subject: device(3) }));
}

/// A cheat discloses after one referee has replayed its round and before another one does: they say the same in different words.
#[test]
fn when_a_cheat_discloses_does_not_divide_the_referees() {
    let mut play = disputed(1);
    vote(&mut play, 1, truth()).unwrap();
    disclose(&mut play, 1).unwrap();
    vote(&mut play, 2, Ruling::Differs { leaf: 2 }).unwrap();
    let cause = training_run::Cause::Convicted;
    assert_eq!(play.seat(4).standing, Standing::Expelled { round: ROUND, cause });
}

/// Neither silence nor disclosure changes what an honest device is paid.
#[test]
fn an_honest_device_loses_nothing_by_silence_or_by_disclosing() {
    let paid = |is_silent: bool| {
        let mut play = disputed(0);
        if is_silent {
            // The same blocks, so that the same draws follow.
            (play.height, play.now) = (play.height + 1, play.now + 1);
        } else {
            disclose(&mut play, 0).unwrap();
        }
        vote(&mut play, 1, truth()).unwrap();
        vote(&mut play, 2, truth()).unwrap();
        play.finish();
        assert!(!play.is_expelled(4));
        play.paid(4)
    };
    assert_eq!(paid(true), paid(false));
}

#[test]
fn a_run_with_a_vote_under_way_is_cancelled_and_ends() {
    let mut play = disputed(1);
    vote(&mut play, 1, truth()).unwrap();
    play.by(OWNER, Input::Cancel).unwrap();
    let verdict = play.verdict(device(1), ROUND, 4, Finding::Mismatch);
    assert!(matches!(verdict, Err(Refused::DisputedAlready { .. })), "{verdict:?}");
    vote(&mut play, 2, truth()).unwrap();
    assert!(play.is_expelled(4));
    play.finish();
}

/// One referee of one, as on a ledger of one node; and a ledger without any.
#[test]
fn one_of_one_decides_at_once_and_without_referees_nobody_does() {
    let mut play = disputed(1);
    let none = Panel { members: Vec::new(), threshold: 0 };
    let nobody = vote_of(&mut play, (1, none), truth());
    assert_eq!(nobody, Err(Refused::NotAReferee(referee(1))));
    vote_of(&mut play, (1, Panel { members: vec![referee(1)], threshold: 1 }), truth()).unwrap();
    assert!(play.is_expelled(4));
}
