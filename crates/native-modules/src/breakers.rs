//! `Breakers`: figures of concentration that make rules stricter while power is in few hands.

use abi::{
    Breakers::{self, BreakersCalls as Calls},
    PRICE_FEEDS, PriceFeeds, REFEREES, Referees, STAKE_HOUSE, Votes, WORK_HOUSE,
};
use alloy_primitives::{Address, U256};
use alloy_sol_types::SolCall;
use governance::breakers::{Breaker, Change, Figure, Tripped};
use native_kit::{Call, Failure, Function, Host, emit, slots::Value};

use crate::openzeppelin::answer;

pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Breakers::isStrictCall::SELECTOR),
    Function::view(Breakers::allCall::SELECTOR),
    Function::nonpayable(Breakers::checkCall::SELECTOR),
];

/// `uint8 tripped`: a bit for each breaker.
const TRIPPED: Value<u8> = Value::new(U256::ZERO, 0);

/// A breaker as it is now.
struct Looked {
    breaker: Breaker,
    figure: Figure,
    change: Option<Change>,
}

pub(crate) fn call(host: &mut dyn Host, input: &[u8]) -> Result<Vec<u8>, Failure> {
    let call = native_kit::decode::<Calls>(input).map_err(|_| Failure::bad_call())?;
    Ok(match call {
        Calls::isStrict(_) => answer(look(host)?.0.is_strict()),
        Calls::all(_) => Breakers::allCall::abi_encode_returns(&all(host)?),
        Calls::check(_) => answer(check(host)?),
    })
}

/// Looks at all figures, and returns which breakers are tripped now; nothing is stored.
fn look(host: &mut dyn Host) -> Result<(Tripped, Vec<Looked>), Failure> {
    let mut tripped = Tripped::of_bits(TRIPPED.get(host)?);
    let mut looked = Vec::new();
    for breaker in Breaker::ALL {
        let found = figure(host, breaker)?;
        let change = tripped.look(breaker, found);
        looked.push(Looked { breaker, figure: found.unwrap_or(Figure::NONE), change });
    }
    Ok((tripped, looked))
}

fn check(host: &mut dyn Host) -> Result<bool, Failure> {
    let (tripped, looked) = look(host)?;
    for Looked { breaker, figure, change } in looked {
        let Some(change) = change else { continue };
        let (index, name, least) = (index(breaker), breaker.name().to_owned(), figure.least);
        if change.is_tripped {
            let bound = breaker.trips_below();
            emit(host, &Breakers::Tripped { index, name, least, bound })?;
        } else {
            let bound = breaker.released_from();
            emit(host, &Breakers::Released { index, name, least, bound })?;
        }
    }
    TRIPPED.set(host, tripped.bits())?;
    Ok(tripped.is_strict())
}

fn all(host: &mut dyn Host) -> Result<Vec<Breakers::Breaker>, Failure> {
    let (tripped, looked) = look(host)?;
    let shown = looked.into_iter().map(|Looked { breaker, figure, .. }| Breakers::Breaker {
        name: breaker.name().to_owned(),
        isTripped: tripped.has(breaker),
        least: figure.least,
        most: figure.most,
        tripsBelow: breaker.trips_below(),
        releasedFrom: breaker.released_from(),
    });
    Ok(shown.collect())
}

fn index(breaker: Breaker) -> u8 {
    let before = Breaker::ALL.iter().take_while(|other| **other != breaker).count();
    u8::try_from(before).unwrap_or(u8::MAX)
}

/// Returns the figure that a breaker watches; `None` if there is nothing to watch.
fn figure(host: &mut dyn Host, breaker: Breaker) -> Result<Option<Figure>, Failure> {
    match breaker {
        Breaker::StakeHalf => of_house(host, STAKE_HOUSE),
        Breaker::WorkHalf => of_house(host, WORK_HOUSE),
        Breaker::Referees => {
            let members = ask(host, REFEREES, &Referees::membersCall {})?;
            let threshold = ask(host, REFEREES, &Referees::thresholdCall {})?;
            Ok(of_office(members.len(), threshold))
        }
        Breaker::Reporters => {
            let reporters = ask(host, PRICE_FEEDS, &PriceFeeds::reportersCall {})?;
            let quorum = ask(host, PRICE_FEEDS, &PriceFeeds::quorumCall {})?;
            Ok(of_office(reporters.len(), quorum))
        }
    }
}

fn of_office(members: usize, threshold: u16) -> Option<Figure> {
    Figure::of_office(u64::try_from(members).unwrap_or(u64::MAX), threshold.into())
}

fn of_house(host: &mut dyn Host, house: Address) -> Result<Option<Figure>, Failure> {
    let call = Votes::coefficientCall { numerator: 1, denominator: 2 };
    let Votes::coefficientReturn { least, most } = ask(host, house, &call)?;
    Ok(Some(Figure { least, most }))
}

/// Asks a module; they always answer.
fn ask<C: SolCall>(host: &mut dyn Host, module: Address, call: &C) -> Result<C::Return, Failure> {
    let returned = host.call(&Call::reading(module, call.abi_encode()))?.returned()?;
    let undecodable = |_| Failure::Broken(format!("{module} answers {} otherwise", C::SIGNATURE));
    C::abi_decode_returns(&returned).map_err(undecodable)
}
