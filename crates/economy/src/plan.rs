//! What a strategy does, as data.

/// A strategy: the seats that play it, and what they do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    /// Number of honest seats beside it.
    pub(crate) honest: u16,
    /// Number of its seats, each with a machine that could work honestly.
    pub(crate) members: u16,
    /// Number of identities without machine or stake that it enrols in each round, whose work is made up.
    pub(crate) throwaways: u16,
    pub(crate) rounds: u32,
    /// Round in which its first seat enrols, and the number of rounds between two.
    pub(crate) joins: u32,
    pub(crate) stagger: u32,
    /// Chance in millionths that a member makes its work of a round up, from this round on.
    pub(crate) made_up: u32,
    pub(crate) from: u32,
    /// Whether a member that was expelled, or left, comes back with a fresh identity.
    pub(crate) returns: bool,
    pub(crate) audits: Audits,
    pub(crate) moves: Moves,
    pub(crate) disputes: Disputes,
    pub(crate) trainer: Trainer,
    pub(crate) referees: Referees,
}

/// Who decides disputes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Referees {
    /// One, which is honest.
    Honest,
    /// Three, two of which must agree. One belongs to the strategy: it votes first, for its own and against others.
    OneOfThree,
}

/// What a member does when it is drawn as an auditor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audits {
    /// It replays and tells the truth, about accomplices, too.
    Replay,
    /// It passes its accomplices' work without a replay, made up or not; it replays that of others.
    Vouch,
    /// It passes its accomplices' made-up work, and replays all other.
    VouchMadeUp,
    /// It passes accomplices; it says that others' work is wrong.
    Frame,
    /// It accuses accomplices that made their work up, without a replay; it replays all other.
    Denounce,
    /// It says nothing.
    Silent,
    /// It says that the data can't be had.
    Unavailable,
    /// It passes everybody with a guessed root.
    Guess,
}

/// What a member does when it has seen the draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moves {
    /// It stays.
    Stay,
    /// It leaves if its work is to be audited.
    LeaveWhenDrawn,
    /// It leaves at once after it has made work up.
    LeaveAfter,
    /// It leaves after every round.
    Rotate,
    /// It has an accomplice with a bond accuse it when an honest auditor was drawn.
    DenounceSelf,
}

/// Which honest work its members dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disputes {
    /// None.
    None,
    /// One in four, by seats that were not drawn, with their stake.
    BySeat,
    /// One in four, by accounts with a bond; before the draw, after it, or when the work is settled already.
    ByAccount,
}

/// What the owner and its device do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trainer {
    /// The owner relays at once, and its device audits.
    Honest,
    /// Its device never answers.
    Offline,
    /// The owner and its device are honest; the members are its own seats.
    OwnSeats,
    /// It closes as soon as it may, draws as late as it may, lets verdicts wait, publishes one state and serves another, and
    /// accuses honest work. The members are its own.
    Hostile,
}

impl Plan {
    /// Returns the plan of seats that work honestly.
    pub(crate) const fn honest(name: &'static str, honest: u16, members: u16, rounds: u32) -> Self {
        Self {
            name,
            honest,
            members,
            throwaways: 0,
            rounds,
            joins: 0,
            stagger: 0,
            made_up: 0,
            from: 0,
            returns: false,
            audits: Audits::Replay,
            moves: Moves::Stay,
            disputes: Disputes::None,
            trainer: Trainer::Honest,
            referees: Referees::Honest,
        }
    }

    /// Returns the plan of the same seats in the same run that work honestly.
    pub(crate) const fn reference(&self) -> Self {
        let honest = Self::honest("honest", self.honest, self.members, self.rounds);
        Self {
            joins: self.joins,
            stagger: self.stagger,
            trainer: match self.trainer {
                Trainer::Hostile => Trainer::OwnSeats,
                trainer => trainer,
            },
            ..honest
        }
    }
}
