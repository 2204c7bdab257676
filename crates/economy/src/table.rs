//! The strategies, and what they gain.

use crate::plan::{Audits, Disputes, Moves, Plan, Referees, Trainer};
use crate::statistics::{Outcome, StrategyRow, row};
use crate::world::play;

/// A chance of 1, in millionths.
const ALWAYS: u32 = 1_000_000;

/// Number of strategies.
pub const STRATEGIES: usize = PLANS.len();

/// Two seats beside six honest ones, that work honestly.
const PAIR: Plan = Plan::honest("honest", 6, 2, 60);

/// Three of ten seats, that work honestly for 20 rounds and then make half of their work up, and pass each other.
const SYBILS: Plan = Plan {
    made_up: ALWAYS / 2,
    from: 20,
    audits: Audits::Vouch,
    returns: true,
    ..Plan::honest("Sybils with 0.3 of the stake, agreeing", 7, 3, 60)
};

/// Three members with stake, and two stakeless identities a round, where no owner's device is in the way.
const STAKELESS: Plan =
    Plan { throwaways: 2, returns: false, trainer: Trainer::Offline, rounds: 40, ..SYBILS };

/// They accuse the stakeless ones.
const DENOUNCERS: Plan = Plan { made_up: 0, audits: Audits::Denounce, ..STAKELESS };

/// Stakeless identities alone.
const FLOOD: Plan = Plan { throwaways: 12, ..Plan::honest("", 8, 0, 30) };

/// Six of thirteen seats; three of them leave after each round and come back as somebody else.
const ROTATION: Plan = Plan { returns: true, moves: Moves::Rotate, ..Plan::honest("", 7, 6, 60) };

const PLANS: [Plan; 35] = [
    PAIR,
    Plan { name: "make up 2 % of the work", made_up: ALWAYS / 50, ..PAIR },
    Plan { name: "make up 10 % of the work", made_up: ALWAYS / 10, ..PAIR },
    Plan { name: "make up 50 % of the work", made_up: ALWAYS / 2, ..PAIR },
    Plan { name: "make up all work", made_up: ALWAYS, ..PAIR },
    Plan {
        name: "fresh identity after each conviction, all made up",
        made_up: ALWAYS,
        returns: true,
        ..PAIR
    },
    Plan {
        name: "fresh identity after each conviction, 10 % made up",
        made_up: ALWAYS / 10,
        returns: true,
        ..PAIR
    },
    Plan {
        name: "4 staggered identities",
        made_up: ALWAYS / 4,
        returns: true,
        stagger: 3,
        joins: 1,
        ..Plan::honest("", 6, 4, 60)
    },
    Plan {
        name: "Sybils with 0.1 of the seats, no stake, agreeing",
        made_up: ALWAYS,
        joins: 20,
        from: 0,
        ..Plan { ..with_sybils(18, 2) }
    },
    Plan {
        name: "Sybils with 0.3 of the seats, no stake, agreeing",
        made_up: ALWAYS,
        joins: 20,
        from: 0,
        ..with_sybils(7, 3)
    },
    Plan { name: "Sybils with 0.1 of the stake, agreeing", ..with_sybils(18, 2) },
    SYBILS,
    Plan { name: "Sybils with 0.3 of the stake, all made up", made_up: ALWAYS, ..SYBILS },
    Plan {
        name: "Sybils with 0.3 of the stake, owner's device off",
        trainer: Trainer::Offline,
        ..SYBILS
    },
    Plan {
        name: "Sybils with 0.3 of the stake vouch for stakeless ones, owner's device off",
        made_up: 0,
        audits: Audits::VouchMadeUp,
        ..STAKELESS
    },
    Plan {
        name: "Sybils with 0.3 of the stake denounce stakeless ones",
        trainer: Trainer::Honest,
        ..DENOUNCERS
    },
    Plan {
        name: "denounce itself when an honest auditor was drawn",
        moves: Moves::DenounceSelf,
        ..SYBILS
    },
    Plan {
        name: "denounce throwaway identities of one's own",
        throwaways: 3,
        moves: Moves::DenounceSelf,
        ..PAIR
    },
    Plan { name: "framing when drawn", audits: Audits::Frame, from: 0, made_up: 0, ..SYBILS },
    Plan {
        name: "framing by seats with stake, at any time",
        audits: Audits::Frame,
        disputes: Disputes::BySeat,
        made_up: 0,
        ..SYBILS
    },
    Plan {
        name: "framing by accounts with a bond, at any time",
        disputes: Disputes::ByAccount,
        made_up: 0,
        ..SYBILS
    },
    Plan {
        name: "Sybils with 0.3 of the stake and one referee of three",
        referees: Referees::OneOfThree,
        ..SYBILS
    },
    Plan {
        name: "framing by accounts with a bond and one referee of three",
        disputes: Disputes::ByAccount,
        made_up: 0,
        referees: Referees::OneOfThree,
        ..SYBILS
    },
    Plan {
        name: "withhold the data in every audit, half made up",
        audits: Audits::Unavailable,
        ..SYBILS
    },
    Plan { name: "silent auditors", audits: Audits::Silent, ..PAIR },
    Plan {
        name: "silent auditors, 0.3 of the stake, half made up",
        audits: Audits::Silent,
        ..SYBILS
    },
    Plan { name: "lazy auditors that guess", audits: Audits::Guess, ..PAIR },
    Plan { name: "lazy auditors that miss the data", audits: Audits::Unavailable, ..PAIR },
    Plan {
        name: "leave after the draw",
        made_up: ALWAYS / 2,
        returns: true,
        moves: Moves::LeaveWhenDrawn,
        ..PAIR
    },
    Plan { name: "cheat in the last 10 rounds", made_up: ALWAYS, from: 50, ..PAIR },
    Plan {
        name: "exit with the stake after a made-up round",
        made_up: ALWAYS,
        from: 15,
        returns: true,
        moves: Moves::LeaveAfter,
        ..PAIR
    },
    Plan {
        name: "owner with own seats delays, reorders, equivocates, accuses",
        trainer: Trainer::Hostile,
        ..PAIR
    },
    Plan { name: "flood with 12 stakeless identities a round", ..FLOOD },
    Plan {
        name: "flood with 12 stakeless identities a round, owner's device off",
        trainer: Trainer::Offline,
        ..FLOOD
    },
    Plan { name: "rotate identities, true work", ..ROTATION },
];

/// What remains. Seats that trust each other need not replay each other's true work. And if the owner's device is off, seats audit
/// newcomers, so that newcomers make work for auditors, which is paid like any other.
const REMAINING: [Plan; 5] = [
    Plan { name: "0.3 of the stake, true work, skip replays of each other", made_up: 0, ..SYBILS },
    Plan { name: "the same, owner's device off", made_up: 0, trainer: Trainer::Offline, ..SYBILS },
    Plan { name: "the same, half rotate identities", audits: Audits::Vouch, ..ROTATION },
    Plan {
        name: "the same, half rotate identities, owner's device off",
        audits: Audits::Vouch,
        trainer: Trainer::Offline,
        ..ROTATION
    },
    Plan { name: "stakeless ones keep auditors busy, owner's device off", ..DENOUNCERS },
];

const fn with_sybils(honest: u16, members: u16) -> Plan {
    Plan { honest, members, ..SYBILS }
}

/// Plays what remains: members that do all their work, pass each other's without a replay, and make work for auditors. No
/// work that was not done is paid, and nobody is harmed.
#[must_use]
pub fn remaining(runs: u32, seed: u64) -> Vec<StrategyRow> {
    REMAINING.iter().map(|plan| measure(plan, runs, seed)).collect()
}

/// Plays every strategy in `runs` runs. The same seed gives the same table.
#[must_use]
pub fn strategies(runs: u32, seed: u64) -> Vec<StrategyRow> {
    (0..STRATEGIES).filter_map(|index| strategy(index, runs, seed)).collect()
}

/// Plays one strategy, `None` from [`STRATEGIES`] on.
#[must_use]
pub fn strategy(index: usize, runs: u32, seed: u64) -> Option<StrategyRow> {
    PLANS.get(index).map(|plan| measure(plan, runs, seed))
}

fn measure(plan: &Plan, runs: u32, seed: u64) -> StrategyRow {
    let play_all = |plan: &Plan| -> Vec<Outcome> {
        (0..runs).map(|run| play(plan, seed.wrapping_add(u64::from(run)))).collect()
    };
    row(plan.name, &play_all(plan), &play_all(&plan.reference()))
}
