//! Votes of tables, played again.

use std::{fs, path::Path};

use holdings_report::{BallotColumns, Replay, ReplayError, replay};

const COLUMNS: BallotColumns<'_> = BallotColumns {
    vote: "bip",
    voter: "voter",
    choice: "choice",
    weight: "vp",
    delimiter: Some(b','),
};

fn beanstalk() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/concentration");
    fs::read_to_string(folder.join("beanstalk/bip_votes.csv")).unwrap()
}

fn played(table: &str) -> Replay {
    replay(table.as_bytes(), COLUMNS, usize::MAX, &mut |_, _| {}).unwrap()
}

fn value(replay: &Replay, vote: usize, figure: &str) -> (f64, bool) {
    let alarms = &replay.votes[vote].alarms;
    let alarm = alarms.iter().find(|alarm| alarm.figure == figure).unwrap();
    (alarm.value, alarm.is_raised)
}

/// In vote 18 one voter had 99.84 % of the ballots (the takeover by a flash loan, April 2022).
#[test]
fn the_takeover_of_beanstalk_raises_the_alarm() {
    let replay = played(&beanstalk());
    assert_eq!(replay.votes.len(), 20);
    // Published: the least entropies of the ten votes before, and of the last ten.
    let (bits, is_raised) = value(&replay, 17, "voting_bloc_entropy_bits");
    assert_eq!((format!("{bits:.6}").as_str(), is_raised), ("2.030904", false));
    let (bits, is_raised) = value(&replay, 19, "voting_bloc_entropy_bits");
    assert_eq!((format!("{bits:.6}").as_str(), is_raised), ("0.172092", true));
    let (chance, is_raised) = value(&replay, 18, "decisiveness_at_usual_turnout");
    assert!(chance > 0.99 && is_raised, "{chance}");
    let (chance, is_raised) = value(&replay, 17, "decisiveness_at_usual_turnout");
    assert!(chance < 0.5 && !is_raised, "{chance}");
    // Both are silent for as long as no voter has much, once there are some votes to look at.
    let raised: Vec<&str> = replay
        .votes
        .iter()
        .filter(|vote| vote.is_raised())
        .map(|vote| vote.vote.as_str())
        .collect();
    assert_eq!(raised, ["0", "1", "3", "18", "19"]);
    let takeover = &replay.votes[18];
    assert_eq!((takeover.ballots, takeover.window, takeover.largest.as_str()), (14, 10, "317"));
    assert!((takeover.largest_share.unwrap() - 0.998_397).abs() < 1e-6);
}

/// The entropy of blocs does not ask for names: an attacker of a hundred accounts is one bloc.
#[test]
fn a_takeover_by_many_accounts_raises_the_alarm_as_well() {
    let mut table = String::new();
    for line in beanstalk().lines() {
        let cells: Vec<&str> = line.split(',').collect();
        if cells[1] == "317" {
            let part = cells[3].parse::<u64>().unwrap() / 100;
            (0..100).for_each(|account| table += &format!("18,thief {account},1,{part}\n"));
        } else {
            table += &format!("{line}\n");
        }
    }
    let replay = played(&table);
    let (bits, is_raised) = value(&replay, 18, "voting_bloc_entropy_bits");
    assert!(bits < 0.2 && is_raised, "{bits}");
    // Each account by itself is too small to decide alone.
    assert!(!value(&replay, 18, "decisiveness_at_usual_turnout").1);
}

#[test]
fn the_last_ballot_of_a_voter_counts() {
    let replay = played("bip,voter,choice,vp\n7,ann,1,5\n7,bob,1,2\n7,ann,0,1.5\n");
    assert_eq!(replay.replaced_ballots, 1);
    let votes = replay.votes;
    assert_eq!((votes[0].ballots, votes[0].weight.as_str()), (2, "3.5"));
    assert_eq!((votes[0].largest.as_str(), votes[0].turnout), ("bob", Some(1.0)));
}

#[test]
fn votes_are_in_the_order_of_their_numbers_or_as_written() {
    let names =
        |table: &str| played(table).votes.into_iter().map(|vote| vote.vote).collect::<Vec<_>>();
    let head = "bip,voter,choice,vp\n";
    assert_eq!(names(&format!("{head}10,a,1,1\n9,a,1,1\n10,b,1,1\n")), ["9", "10"]);
    assert_eq!(names(&format!("{head}z,a,1,1\n9,a,1,1\n")), ["z", "9"]);
}

#[test]
fn the_newest_are_shown_with_what_came_before() {
    let all = played(&beanstalk());
    let mut progress = Vec::new();
    let mut newest = |count| {
        replay(beanstalk().as_bytes(), COLUMNS, count, &mut |done, of| progress.push((done, of)))
    };
    assert_eq!(newest(2).unwrap().votes, all.votes[18..]);
    assert_eq!(newest(0).unwrap().votes, []);
    assert_eq!(progress, [(0, 2), (1, 2)], "before each vote");
}

#[test]
fn nothing_but_zeros_raises_nothing() {
    let votes = played("bip,voter,choice,vp\n1,a,1,0\n").votes;
    assert_eq!((votes[0].alarms.len(), votes[0].largest_share), (0, None));
    let none = replay(b"bip,voter,choice,vp\n", COLUMNS, 1, &mut |_, _| {});
    assert!(matches!(none, Err(ReplayError::NoBallots)), "{none:?}");
}

#[test]
fn what_is_no_table_of_ballots_is_refused() {
    let refused = |table: &str| replay(table.as_bytes(), COLUMNS, 1, &mut |_, _| {}).unwrap_err();
    assert!(matches!(refused("bip,voter,vp\n1,a,1\n"), ReplayError::Sheet(_)));
    let nameless = refused("bip,voter,choice,vp\n1,a,1,1\n1,,1,1\n");
    assert_eq!(nameless.to_string(), "ballot 2 names no voter");
    let most = format!("{}", alloy_primitives::U256::MAX);
    let huge = refused(&format!("bip,voter,choice,vp\n1,a,1,{most}\n1,b,0,{most}\n"));
    assert!(matches!(huge, ReplayError::TooLarge(_) | ReplayError::Blocs(_)), "{huge}");
}
