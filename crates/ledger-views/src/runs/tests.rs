use std::convert::Infallible;

use alloy_primitives::{Address, B256, Bytes, Log};
use alloy_sol_types::{SolError as _, SolEvent, SolValue as _};
use training_run::{Effect, PayKind};

use super::*;
use crate::{AccountState, Call, Head, LogFilter, Outcome, PlacedLog, ready};

/// A ledger that gives every call the same outcome.
struct Says(Outcome);

impl Says {
    fn returns(bytes: Vec<u8>) -> Self {
        Self(Outcome::Returned(bytes.into()))
    }
}

impl Ask for Says {
    type Error = Infallible;

    async fn head(&self) -> Result<Head, Infallible> {
        unreachable!("no view of runs asks for it")
    }

    async fn block(&self, _: u64) -> Result<Option<Head>, Infallible> {
        unreachable!("none of these views asks for it")
    }

    async fn calls(&self, calls: Vec<Call>) -> Result<Vec<Outcome>, Infallible> {
        Ok(calls.iter().map(|_| self.0.clone()).collect())
    }

    async fn account(&self, _: Address) -> Result<AccountState, Infallible> {
        unreachable!("no view of runs asks for it")
    }

    async fn logs(&self, _: LogFilter) -> Result<Vec<PlacedLog>, Infallible> {
        unreachable!("not asked for here")
    }
}

fn summary() -> sol::Summary {
    sol::Summary {
        run: 7,
        owner: Address::repeat_byte(8),
        name: "a poem".to_owned(),
        coordinator: B256::repeat_byte(1),
        endpoint: "127.0.0.1:1".to_owned(),
        auditor: B256::repeat_byte(2),
        phase: sol::Phase::Training,
        ending: sol::Ending::None,
        round: 2,
        rounds: 3,
        state: B256::repeat_byte(5),
        update: B256::repeat_byte(6),
        deadline: 99,
        deposited: U256::from(10),
        paid: U256::from(4),
        refunded: U256::ZERO,
        owed: U256::from(3),
        tokensVerified: 44,
        seats: 3,
        seatsActive: 2,
        committed: 1,
        quorum: 2,
        unsettled: 4,
        disputes: 1,
    }
}

#[test]
fn a_run_stands_where_phase_and_ending_say() {
    let said = |summary: sol::Summary| ready(run(&Says::returns(summary.abi_encode()), 7));
    let read = said(summary()).unwrap();
    assert_eq!(read.owner, AccountId::from_bytes([8; 20]));
    assert_eq!((read.name.as_str(), read.quorum, read.owed), ("a poem", 2, Wei::new(3)));
    assert_eq!(read.phase, RunPhase::Training { deadline: UnixSeconds::new(99) });
    for (phase, ending, expected) in [
        (sol::Phase::Gathering, sol::Ending::None, RunPhase::Gathering),
        (sol::Phase::Closed, sol::Ending::None, RunPhase::Closed),
        (
            sol::Phase::WindingUp,
            sol::Ending::Abandoned,
            RunPhase::WindingUp { ending: Ending::Abandoned, payable: UnixSeconds::new(99) },
        ),
        (sol::Phase::Finished, sol::Ending::Completed, RunPhase::Finished(Ending::Completed)),
        (sol::Phase::Finished, sol::Ending::Cancelled, RunPhase::Finished(Ending::Cancelled)),
    ] {
        assert_eq!(said(sol::Summary { phase, ending, ..summary() }).unwrap().phase, expected);
    }
}

/// It goes on to programs of the owner: into the subject of a mail, or a script.
#[test]
fn a_name_that_a_stranger_has_chosen_is_one_line_of_visible_letters() {
    let name = "oats\u{1b}[2J\nSubject: gift\r\u{202e}\u{200b}\u{0}".to_owned();
    let said = ready(run(&Says::returns(sol::Summary { name, ..summary() }.abi_encode()), 7));
    let shown = "oats\u{fffd}[2J\u{fffd}Subject: gift\u{fffd}\u{fffd}\u{fffd}\u{fffd}";
    assert_eq!(said.unwrap().name, shown);
}

#[test]
fn what_a_ledger_never_says_is_an_error_that_names_it() {
    let said = |summary: sol::Summary| {
        ready(run(&Says::returns(summary.abi_encode()), 7)).unwrap_err().to_string()
    };
    for (summary, words) in [
        (sol::Summary { phase: sol::Phase::__Invalid, ..summary() }, "can't be decoded"),
        (sol::Summary { ending: sol::Ending::__Invalid, ..summary() }, "can't be decoded"),
        (sol::Summary { phase: sol::Phase::Finished, ..summary() }, "phase is Finished"),
        (sol::Summary { ending: sol::Ending::Completed, ..summary() }, "phase is Training"),
        (sol::Summary { paid: U256::MAX, ..summary() }, "paid is 1157920892"),
    ] {
        let error = said(summary);
        assert!(error.contains(words) && error.contains("summary(uint64)"), "{error}");
        assert!(error.contains(&TRAINING_RUNS.to_string()), "{error}");
    }
    let short = ready(run(&Says::returns(vec![0; 31]), 7)).unwrap_err();
    assert!(matches!(short, ViewError::Undecodable { size: 31, .. }), "{short}");
    let data = Bytes::from(sol::NoSuchRun { run: 7 }.abi_encode());
    let refused = ready(run(&Says(Outcome::Reverted(data)), 7)).unwrap_err();
    assert_eq!(refused.refusal::<sol::NoSuchRun>(), Some(sol::NoSuchRun { run: 7 }));
    assert!(refused.refusal::<sol::NotLinked>().is_none());
    assert!(refused.to_string().contains("refuses summary(uint64)"), "{refused}");
}

#[test]
fn seats_and_audits_are_read_in_the_words_of_the_rules() {
    let seat = |standing: u8| sol::Seat {
        device: B256::repeat_byte(1),
        account: Address::repeat_byte(8),
        standing: standing.try_into().unwrap(),
        expelledRound: 4,
        fromRound: 1,
        nextRound: 3,
        unsettled: 2,
        stake: U256::from(6),
        paid: U256::from(9),
        tokensVerified: 5,
        committed: true,
        overdue: false,
        due: true,
    };
    let said = Says::returns((0..5).map(seat).collect::<Vec<_>>().abi_encode());
    let read = ready(seats(&said, 7)).unwrap();
    let standings: Vec<_> = read.iter().map(|seat| seat.standing).collect();
    let expelled = |cause| Standing::Expelled { round: 4, cause };
    assert_eq!(
        standings,
        [
            Standing::Active,
            Standing::Left,
            expelled(Cause::Convicted),
            expelled(Cause::FalseAudit),
            expelled(Cause::Vouched),
        ]
    );
    assert!(read[0].is_active() && !read[0].is_expelled() && read[3].is_expelled());

    let audit = sol::Audit {
        round: 1,
        subject: B256::repeat_byte(1),
        auditor: B256::repeat_byte(2),
        deadline: 99,
        base: B256::repeat_byte(5),
        seal: B256::repeat_byte(7),
        update: B256::repeat_byte(8),
    };
    let read = ready(audits(&Says::returns(vec![audit].abi_encode()), 7)).unwrap();
    let digest = |byte| Digest::from_bytes([byte; 32]);
    let expected = AuditView {
        round: 1,
        subject: DeviceId::from_bytes([1; 32]),
        auditor: DeviceId::from_bytes([2; 32]),
        deadline: UnixSeconds::new(99),
        base: digest(5),
        commitment: Commitment { seal: digest(7), update: digest(8) },
    };
    assert_eq!(read, [expected]);
}

#[test]
fn terms_survive_the_way_to_the_ledger_and_back() {
    let original = Terms {
        rounds: 1,
        warmup_rounds: 2,
        tokens_per_round: 3,
        warmup_tokens_per_round: 4,
        price_per_token: Wei::new(u128::MAX),
        audit_rate: Bps::new(5).unwrap(),
        audit_pay: Bps::new(6).unwrap(),
        quorum: Bps::new(7).unwrap(),
        seats_min: 8,
        seats_max: 9,
        round_seconds: 10,
        audit_seconds: 11,
        stall_seconds: 12,
        relay_fee: Wei::new(13),
        spec: Digest::from_bytes([14; 32]),
        corpus: Digest::from_bytes([15; 32]),
        initial_state: Digest::from_bytes([16; 32]),
    };
    let said = sol_terms(&original);
    let read = |said: &sol::Terms| ready(terms(&Says::returns(said.abi_encode()), 7));
    assert_eq!(read(&said).unwrap(), original);
    let error = read(&sol::Terms { quorum: 10_001, ..said }).unwrap_err();
    assert!(error.to_string().contains("quorum is 10001"), "{error}");
}

#[test]
fn logs_of_others_are_left_out_and_wrong_ones_are_errors() {
    let paid = sol::Verified {
        run: 7,
        round: 2,
        device: B256::repeat_byte(1),
        tokens: 1000,
        amount: U256::from(7000),
        kind: sol::PayKind::Verdict,
    };
    let log = |event: &sol::Verified| Log { address: TRAINING_RUNS, data: event.encode_log_data() };
    let effect = Effect::Verified {
        device: DeviceId::from_bytes([1; 32]),
        round: 2,
        tokens: 1000,
        amount: Wei::new(7000),
        kind: PayKind::Audit,
    };
    assert_eq!(event(&log(&paid)), Ok(Some((7, RunEvent::Followed(effect)))));
    assert_eq!(event(&Log { address: Address::ZERO, ..log(&paid) }), Ok(None));
    let mut newer = log(&paid);
    newer.data.set_topics_unchecked(vec![B256::repeat_byte(9)]);
    assert_eq!(event(&newer), Ok(None), "an event of a later version is not ours to read");
    let mut without_topics = log(&paid);
    without_topics.data.set_topics_unchecked(Vec::new());
    assert_eq!(event(&without_topics), Ok(None));
    let much = sol::Verified { amount: U256::MAX, ..paid.clone() };
    assert_eq!(event(&log(&much)).unwrap_err().field, "amount");
    let unknown = sol::Verified { kind: sol::PayKind::__Invalid, ..paid.clone() };
    assert!(event(&log(&unknown)).is_err());
    let mut short = log(&paid);
    short.data.data = Bytes::new();
    assert!(event(&short).is_err());
}
