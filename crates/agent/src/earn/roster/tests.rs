use super::*;
use crate::Limits;

fn earning(text: &str) -> Earning {
    Limits::parse(&format!("[earning]\n{text}")).unwrap().earning
}

fn listed(project: u64, tag: &str, per_hour: u128) -> Listed {
    let candidate = Candidate { project, tags: vec![tag.to_owned()], per_hour: Wei::new(per_hour) };
    Listed { candidate, name: format!("name {project}"), standing: None }
}

fn at(seconds: u64) -> Milliseconds {
    Milliseconds(seconds * 1_000)
}

fn roster(listed: &[Listed], earning: &Earning) -> Roster {
    let mut roster = Roster::new(KeptRoster::default(), None);
    roster.list(at(0), (listed.to_vec(), Vec::new()), (0, true), earning);
    roster
}

/// Works for 200 rounds whose lengths `round_ms` gives by project; returns the milliseconds for each of the projects 1, 2 and 3, and how often it switched.
fn work(earning: &Earning, round_ms: impl Fn(u64) -> u64) -> ([u64; 3], u32) {
    let all = [listed(1, "biology", 10), listed(2, "language", 500), listed(3, "weather", 20)];
    let mut roster = roster(&all, earning);
    let (mut now_ms, mut worked, mut switches) = (0, [0; 3], 0);
    let Next::Work(mut project) = roster.next(at(0), earning) else { panic!() };
    roster.begin(project);
    for round in 0..200_u32 {
        let took = round_ms(project);
        now_ms += took;
        roster.worked(took, earning);
        worked[usize::try_from(project).unwrap() - 1] += took;
        // Pay moves, a restart forgets nothing, and the list is made again.
        let mut list = all.to_vec();
        list[1].candidate.per_hour = Wei::new(u128::from(round * 37 % 101 + 1));
        let kept = serde_json::to_string(roster.kept()).unwrap();
        if round % 10 == 0 {
            roster = Roster::new(serde_json::from_str(&kept).unwrap(), None);
        }
        let now = Milliseconds(now_ms);
        roster.list(now, (list, Vec::new()), (0, false), earning);
        assert_eq!(roster.next(now, earning), Next::Work(project), "it goes on where it was");
        roster.begin(project);
        if let Some(Leave::For(other)) = roster.leave(now, earning) {
            roster.left();
            assert_eq!(roster.next(now, earning), Next::Work(other));
            project = other;
            roster.begin(project);
            switches += 1;
        }
    }
    (worked, switches)
}

#[test]
fn a_policy_of_three_projects_is_followed_within_its_weights_over_200_rounds() {
    let weights = "interests = { biology = 5, language = 3, weather = 2 }\nstay_minutes";
    let always = earning(&format!("{weights} = 0"));
    assert_eq!(work(&always, |_| 30_000).0, [3_000_000, 1_800_000, 1_200_000]);
    // Shares are of time, not of rounds, and nothing is further away than one round.
    let (worked, _) =
        work(&always, |project| [10_000, 40_000, 90_000][usize::try_from(project).unwrap() - 1]);
    let all: u64 = worked.iter().sum();
    for (worked, weight) in worked.into_iter().zip([5, 3, 2]) {
        assert!((worked * 10).abs_diff(all * weight) <= 10 * 90_000, "{worked} of {all}");
    }
    // Whoever stays switches less, and is within one stay.
    let stays = earning(&format!("{weights} = 10"));
    let (worked, switches) = work(&stays, |_| 60_000);
    for (worked, weight) in worked.into_iter().zip([5, 3, 2]) {
        assert!((worked * 10).abs_diff(12_000_000 * weight) <= 10 * 600_000, "{worked}");
    }
    assert!((5..=20).contains(&switches), "{switches}");
}

#[test]
fn without_interests_a_better_paid_project_is_left_for_only_by_the_margin_and_after_the_stay() {
    let earning = earning("switch_margin_percent = 20\nstay_minutes = 1");
    let mut roster = roster(&[listed(1, "a", 100), listed(2, "b", 90)], &earning);
    assert_eq!(roster.next(at(0), &earning), Next::Work(1));
    roster.begin(1);
    let pays = |roster: &mut Roster, per_hour| {
        let list = vec![listed(1, "a", 100), listed(2, "b", per_hour)];
        roster.list(at(1), (list, Vec::new()), (0, false), &earning);
        roster.leave(at(1), &earning)
    };
    assert_eq!(pays(&mut roster, 200), None, "it has just begun");
    roster.worked(60_000, &earning);
    assert_eq!(pays(&mut roster, 120), None);
    assert_eq!(pays(&mut roster, 121), Some(Leave::For(2)));
}

#[test]
fn projects_are_asked_for_when_nothing_is_known_when_it_is_old_and_when_something_is_unmeasured() {
    let earning = earning("");
    let mut roster = Roster::new(KeptRoster::default(), None);
    assert_eq!(roster.next(at(0), &earning), Next::Ask);
    roster.list(at(0), (Vec::new(), Vec::new()), (0, true), &earning);
    let Next::Nothing { text, until } = roster.next(at(1), &earning) else { panic!() };
    assert_eq!((&text[..], until), ("none is open", at(60)));
    assert_eq!(roster.next(at(60), &earning), Next::Ask);
    let unsuitable = Unsuitable { project: 7, reason: "too large".to_owned() };
    roster.list(at(60), (Vec::new(), vec![unsuitable]), (0, true), &earning);
    let Next::Nothing { text, .. } = roster.next(at(61), &earning) else { panic!() };
    assert_eq!(text, "project 7: too large");
    roster.list(at(100), (vec![listed(1, "a", 1)], Vec::new()), (1, false), &earning);
    assert_eq!(roster.next(at(3_599), &earning), Next::Work(1));
    assert_eq!(roster.next(at(3_660), &earning), Next::Ask, "one is unmeasured for an hour");
    roster.list(at(3_660), (vec![listed(1, "a", 1)], Vec::new()), (0, true), &earning);
    assert_eq!(roster.next(at(7_259), &earning), Next::Work(1));
    assert_eq!(roster.next(at(7_260), &earning), Next::Ask, "the list is an hour old");
    let mut only = Roster::new(KeptRoster::default(), Some(9));
    assert_eq!(only.next(at(0), &earning), Next::Ask);
    only.list(at(0), (Vec::new(), Vec::new()), (0, true), &earning);
    assert_eq!(only.next(at(1), &earning), Next::Work(9));
    only.begin(9);
    assert_eq!(only.leave(at(1), &earning), None);
}

#[test]
fn a_project_that_fails_is_avoided_for_longer_each_time_and_one_that_is_over_for_good() {
    let earning = earning("");
    let all = [listed(1, "a", 100), listed(2, "b", 90)];
    let mut roster = roster(&all, &earning);
    roster.begin(1);
    assert!(roster.failed(at(0), &earning), "another one is there");
    assert_eq!(roster.next(at(14), &earning), Next::Work(2));
    assert_eq!(roster.next(at(15), &earning), Next::Work(1));
    roster.begin(1);
    roster.failed(at(15), &earning);
    assert_eq!(roster.next(at(44), &earning), Next::Work(2));
    assert_eq!(roster.next(at(45), &earning), Next::Work(1));
    roster.begin(1);
    roster.succeeded();
    roster.failed(at(45), &earning);
    assert_eq!(roster.next(at(60), &earning), Next::Work(1), "the pause began anew");
    roster.begin(1);
    roster.finished();
    roster.begin(2);
    assert!(!roster.failed(at(61), &earning), "none is left");
    assert!(matches!(roster.next(at(59), &earning), Next::Nothing { .. }));
}

#[test]
fn the_offer_is_what_would_be_worked_for_and_below_the_floor_the_best_of_those_wanted() {
    let earning = earning("floor_per_hour = \"0.000000000000000100\"");
    let check = |listed: &[Listed], expected: Option<u64>| {
        let roster = roster(listed, &earning);
        let offer = roster.offer(at(1), &earning).map(|offer| offer.candidate.project);
        assert_eq!(offer, expected);
    };
    check(&[], None);
    check(&[listed(1, "a", 50), listed(2, "b", 70)], Some(2));
    check(&[listed(1, "a", 50), listed(2, "b", 100)], Some(2));
    let mut roster = roster(&[listed(1, "a", 150), listed(2, "b", 170)], &earning);
    roster.begin(1);
    roster.list(at(1), (vec![listed(2, "b", 170)], Vec::new()), (0, false), &earning);
    let offer = roster.offer(at(1), &earning).unwrap();
    assert_eq!(offer.candidate.project, 1, "it is worked for, although its coordinator is slow");
    roster.paused();
    roster.list(at(2), (vec![listed(2, "b", 170)], Vec::new()), (0, false), &earning);
    assert_eq!(roster.offer(at(2), &earning).unwrap().candidate.project, 2);
}

#[test]
fn a_project_that_does_not_pay_its_energy_is_left_for_one_that_does_and_else_kept() {
    let earning = earning("interests = { a = 9, b = 1 }\nstay_minutes = 60");
    let mut roster = roster(&[listed(1, "a", 100), listed(2, "b", 150)], &earning);
    roster.begin(2);
    roster.worked(1_000, &earning);
    roster.left();
    assert_eq!(roster.next(at(0), &earning), Next::Work(1));
    // It is not begun where another interest pays.
    roster.set_break_even(Wei::new(120));
    assert_eq!(roster.next(at(0), &earning), Next::Work(2));
    assert_eq!(roster.offer(at(0), &earning).unwrap().candidate.project, 2);
    roster.set_break_even(Wei::new(100));
    roster.begin(1);
    assert_eq!((roster.leave(at(1), &earning), roster.pays(&earning)), (None, true));
    // However short it has been worked for.
    roster.set_break_even(Wei::new(101));
    assert_eq!(
        (roster.leave(at(1), &earning), roster.pays(&earning)),
        (Some(Leave::For(2)), false)
    );
    // A worker that has ended goes back to give up its seat, if it will have other work.
    roster.paused();
    assert_eq!(roster.next(at(2), &earning), Next::Work(1));
    assert_eq!(roster.offer(at(2), &earning).unwrap().candidate.project, 2);
    // Nothing pays: it waits with its seat.
    roster.set_break_even(Wei::new(151));
    let Next::Nothing { .. } = roster.next(at(3), &earning) else { panic!() };
    roster.begin(1);
    assert_eq!((roster.leave(at(3), &earning), roster.pays(&earning)), (None, false));
    roster.paused();
    roster.set_break_even(Wei::new(90));
    assert_eq!(roster.next(at(4), &earning), Next::Work(1));
}

#[test]
fn a_seat_below_the_floor_is_given_up_also_for_nothing() {
    let earning = earning("floor_per_hour = \"0.000000000000000100\"");
    let mut roster = roster(&[listed(1, "a", 100)], &earning);
    roster.begin(1);
    assert_eq!(roster.leave(at(1), &earning), None);
    roster.list(at(2), (vec![listed(1, "a", 99)], Vec::new()), (0, false), &earning);
    assert_eq!(roster.leave(at(2), &earning), Some(Leave::Nothing));
    let more = vec![listed(1, "a", 99), listed(2, "b", 100)];
    roster.list(at(3), (more, Vec::new()), (0, false), &earning);
    assert_eq!(roster.leave(at(3), &earning), Some(Leave::For(2)));
    roster.left();
    assert_eq!(roster.next(at(4), &earning), Next::Work(2));
    let mut only = Roster::new(KeptRoster::default(), Some(1));
    only.list(at(0), (vec![listed(1, "a", 99)], Vec::new()), (0, true), &earning);
    only.begin(1);
    assert_eq!(only.leave(at(1), &earning), Some(Leave::Nothing));
}

#[test]
fn an_interest_of_which_nothing_paid_does_not_take_everything_when_it_pays() {
    let earning = earning(
        "interests = { a = 1, b = 1 }\nstay_minutes = 0\nfloor_per_hour = \"0.000000000000000050\"",
    );
    let mut roster = roster(&[listed(1, "a", 100), listed(2, "b", 10)], &earning);
    roster.begin(1);
    roster.worked(3_600_000, &earning);
    let both = || (vec![listed(1, "a", 100), listed(2, "b", 100)], Vec::new());
    roster.list(
        at(1),
        (vec![listed(1, "a", 100), listed(2, "b", 10)], Vec::new()),
        (0, false),
        &earning,
    );
    roster.list(at(2), both(), (0, false), &earning);
    roster.left();
    roster.begin(2);
    roster.worked(1_000, &earning);
    assert_eq!(roster.leave(at(3), &earning), Some(Leave::For(1)));
}

#[test]
fn a_seat_that_no_worker_will_leave_is_unwanted_below_the_floor() {
    let (any, floor) = (earning(""), earning("floor_per_hour = \"0.000000000000000100\""));
    let list = |roster: &mut Roster, pays: [u128; 2], wanted: &Earning| {
        let both = vec![listed(1, "a", pays[0]), listed(2, "b", pays[1])];
        roster.list(at(0), (both, Vec::new()), (0, true), wanted);
    };
    let mut roster = roster(&[listed(1, "a", 90), listed(2, "b", 80)], &any);
    assert_eq!(roster.unwanted_seat(at(0), &floor), None, "it never had one");
    roster.begin(1);
    assert_eq!(roster.unwanted_seat(at(0), &floor), None, "its worker leaves it");
    roster.paused();
    assert_eq!(roster.unwanted_seat(at(0), &any), None);
    assert_eq!(roster.unwanted_seat(at(0), &floor), Some(1));
    assert!(matches!(roster.next(at(0), &floor), Next::Nothing { .. }));
    // A worker goes there first when another project pays.
    list(&mut roster, [90, 100], &floor);
    assert_eq!(roster.unwanted_seat(at(0), &floor), None);
    assert_eq!(roster.next(at(0), &floor), Next::Work(1));
    // Pay that only does not cover its energy is no reason, nor is pay that is not known.
    list(&mut roster, [100, 90], &floor);
    roster.set_break_even(Wei::new(1_000));
    assert_eq!(roster.unwanted_seat(at(0), &floor), None);
    roster.list(at(0), (vec![listed(2, "b", 1)], Vec::new()), (0, true), &floor);
    assert_eq!(roster.unwanted_seat(at(0), &floor), None);
    list(&mut roster, [99, 90], &floor);
    assert_eq!(roster.unwanted_seat(at(0), &floor), Some(1));
    roster.left();
    assert_eq!(roster.unwanted_seat(at(0), &floor), None);
}
