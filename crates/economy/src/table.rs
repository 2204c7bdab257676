//! The strategies, and what they gain.

use crate::plan::{Audits, Disputes, Moves, Plan, Trainer};
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

const PLANS: [Plan; 33] = [
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
        name: "Sybils with 0.3 of the stake vouch for stakeless ones",
        made_up: 0,
        throwaways: 3,
        joins: 0,
        ..SYBILS
    },
    Plan {
        name: "stakeless ones denounced by Sybils with 0.3 of the stake",
        made_up: 0,
        throwaways: 3,
        audits: Audits::Denounce,
        ..SYBILS
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
    Plan { name: "flood with 8 stakeless identities a round", throwaways: 8, ..PAIR },
    Plan {
        name: "flood, the owner's device off",
        throwaways: 8,
        trainer: Trainer::Offline,
        ..PAIR
    },
    Plan {
        name: "rotate identities, audited by one's own stake",
        made_up: 0,
        returns: true,
        audits: Audits::Vouch,
        moves: Moves::Rotate,
        ..Plan::honest("", 7, 6, 60)
    },
];

const fn with_sybils(honest: u16, members: u16) -> Plan {
    Plan { honest, members, ..SYBILS }
}

/// Plays every strategy in `runs` runs. The same seed gives the same table.
#[must_use]
pub fn strategies(runs: u32, seed: u64) -> Vec<StrategyRow> {
    (0..STRATEGIES).filter_map(|index| strategy(index, runs, seed)).collect()
}

/// Plays one strategy, `None` from [`STRATEGIES`] on.
#[must_use]
pub fn strategy(index: usize, runs: u32, seed: u64) -> Option<StrategyRow> {
    let plan = PLANS.get(index)?;
    let reference = plan.reference();
    let play_all = |plan: &Plan| -> Vec<Outcome> {
        (0..runs).map(|run| play(plan, seed.wrapping_add(u64::from(run)))).collect()
    };
    Some(row(plan.name, &play_all(plan), &play_all(&reference)))
}
