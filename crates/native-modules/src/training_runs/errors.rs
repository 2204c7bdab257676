//! Converts refusals of the rules to Solidity errors with their values, one each.

use abi::{
    TrainingRuns as sol,
    convert::{device_word as name, wei_word as wei},
};
use alloy_primitives::Address;
use native_kit::Failure;
use training_run::{OpenError, Refused, TermsError};

use super::translate::cause_out;

/// Returns the error for a run that is not opened.
pub(super) fn open_error(error: &OpenError) -> Failure {
    match error {
        OpenError::BudgetTooSmall { deposit, required } => Failure::revert(&sol::BudgetTooSmall {
            deposit: wei(*deposit),
            required: wei(*required),
        }),
        OpenError::Terms(error) => terms_error(error),
        OpenError::Overflow => Failure::revert(&sol::CostTooLarge {}),
    }
}

/// Returns the error for invalid terms.
pub(super) fn terms_error(error: &TermsError) -> Failure {
    let TermsError { field, value, allowed } = *error;
    term_out_of_range(field, value, allowed)
}

/// Returns the error for a field of the terms outside its range.
pub(super) fn term_out_of_range(field: &str, value: u64, allowed: &str) -> Failure {
    let (field, allowed) = (field.to_owned(), allowed.to_owned());
    Failure::revert(&sol::TermOutOfRange { field, value, allowed })
}

/// Returns the error for an input of `caller` that a run refuses.
pub(super) fn refused(error: &Refused, caller: Address) -> Failure {
    match *error {
        Refused::Over => Failure::revert(&sol::RunOver {}),
        Refused::WrongRound { given, open: Some(current) } => {
            Failure::revert(&sol::WrongRound { given, current })
        }
        Refused::WrongRound { given, open: None } => Failure::revert(&sol::NoRoundOpen { given }),
        Refused::NotOwner => Failure::revert(&sol::NotOwner { caller }),
        Refused::TooEarly { until, now } => Failure::revert(&sol::TooEarly { until, current: now }),
        Refused::NoQuorum { committed, quorum } => {
            Failure::revert(&sol::NoQuorum { committed, quorum })
        }
        Refused::QuorumReached => Failure::revert(&sol::QuorumReached {}),
        Refused::NothingToDraw(round) => Failure::revert(&sol::NothingToDraw { round }),
        Refused::RoundNotSettled(round) => Failure::revert(&sol::RoundNotSettled { round }),
        Refused::OpensNothing => Failure::revert(&sol::OpensNothing {}),
        Refused::Overflow => Failure::revert(&sol::AmountTooLarge {}),
        Refused::NoSeat(device) => Failure::revert(&sol::NoSeat { device: name(device) }),
        Refused::NoSuchSeat { seat, seats } => Failure::revert(&sol::NoSuchSeat { seat, seats }),
        Refused::SeatTaken(device) => Failure::revert(&sol::SeatTaken { device: name(device) }),
        Refused::WrongNonce { device, given, expected } => {
            Failure::revert(&sol::WrongNonce { device: name(device), given, expected })
        }
        Refused::Expelled { device, round, cause } => {
            let standing = cause_out(cause);
            Failure::revert(&sol::Expelled { device: name(device), round, standing })
        }
        Refused::NotSettled(device) => Failure::revert(&sol::NotSettled { device: name(device) }),
        Refused::HeldForAnother(device) => {
            Failure::revert(&sol::HeldForAnother { device: name(device) })
        }
        Refused::Full(seats) => Failure::revert(&sol::Full { seats }),
        Refused::TooEarlyForSeat { device, from_round } => {
            Failure::revert(&sol::TooEarlyForSeat { device: name(device), fromRound: from_round })
        }
        Refused::CommittedAlready(device) => {
            Failure::revert(&sol::CommittedAlready { device: name(device) })
        }
        Refused::NotTheAuditor { auditor, round, subject } => {
            let (auditor, subject) = (name(auditor), name(subject));
            Failure::revert(&sol::NotTheAuditor { auditor, round, subject })
        }
        Refused::NoCommitment { round, subject } => {
            Failure::revert(&sol::NoCommitment { round, subject: name(subject) })
        }
        Refused::DisputedAlready { round, subject } => {
            Failure::revert(&sol::DisputedAlready { round, subject: name(subject) })
        }
        Refused::BondTooSmall { given, required } => {
            Failure::revert(&sol::BondTooSmall { given: wei(given), required: wei(required) })
        }
        Refused::TooManyDisputes(disputes) => Failure::revert(&sol::TooManyDisputes { disputes }),
        Refused::NotAReferee(referee) => {
            Failure::revert(&sol::NotAReferee { referee: name(referee) })
        }
        Refused::VotedAlready(referee) => {
            Failure::revert(&sol::VotedAlready { referee: name(referee) })
        }
        Refused::DisclosedAlready { round, subject } => {
            Failure::revert(&sol::DisclosedAlready { round, subject: name(subject) })
        }
        Refused::WrongLeaves { round, subject } => {
            Failure::revert(&sol::WrongLeaves { round, subject: name(subject) })
        }
        Refused::NotDisclosed { round, subject } => {
            Failure::revert(&sol::NotDisclosed { round, subject: name(subject) })
        }
        Refused::NoDispute { round, subject } => {
            Failure::revert(&sol::NoDispute { round, subject: name(subject) })
        }
    }
}
