//! Converts refusals of the rules to Solidity errors with their values, one each.

use abi::{
    TrainingRuns as sol,
    convert::{address, device_word, wei_word},
};
use alloy_primitives::Address;
use native_kit::Failure;
use training_run::{Cause, OpenError, Refused, TermsError};

/// Returns the error for a run that is not opened.
pub(super) fn open_error(error: &OpenError) -> Failure {
    match error {
        OpenError::BudgetTooSmall { deposit, required } => Failure::revert(&sol::BudgetTooSmall {
            deposit: wei_word(*deposit),
            required: wei_word(*required),
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
        Refused::TooManyOpenRounds(rounds) => Failure::revert(&sol::TooManyOpenRounds { rounds }),
        Refused::OpensNothing => Failure::revert(&sol::OpensNothing {}),
        Refused::Overflow => Failure::revert(&sol::AmountTooLarge {}),
        Refused::NoSeat(device) => Failure::revert(&sol::NoSeat { device: device_word(device) }),
        Refused::SeatTaken(device) => {
            Failure::revert(&sol::SeatTaken { device: device_word(device) })
        }
        Refused::Expelled { device, account, round, cause } => Failure::revert(&sol::Expelled {
            device: device_word(device),
            account: address(account),
            round,
            standing: match cause {
                Cause::Convicted => sol::Standing::Convicted,
                Cause::FalseAudit => sol::Standing::FalseAuditor,
            },
        }),
        Refused::Full(seats) => Failure::revert(&sol::Full { seats }),
        Refused::TooEarlyForSeat { device, from_round } => {
            let device = device_word(device);
            Failure::revert(&sol::TooEarlyForSeat { device, fromRound: from_round })
        }
        Refused::CommittedAlready(device) => {
            Failure::revert(&sol::CommittedAlready { device: device_word(device) })
        }
        Refused::NotTheAuditor { auditor, round, subject } => {
            Failure::revert(&sol::NotTheAuditor {
                auditor: device_word(auditor),
                round,
                subject: device_word(subject),
            })
        }
        Refused::NoAudit { round, subject } => {
            Failure::revert(&sol::NoAudit { round, subject: device_word(subject) })
        }
    }
}
