//! The two houses: `StakeHouse`, votes by deposited GRAIN, and `WorkHouse`, votes by verified work.
//!
//! Both answer `Votes`, which is here; what is a house's own is in `stake` and `work`. The rules are `governance::votes` and `governance::voice`.

mod book;
pub(crate) mod stake;
pub(crate) mod work;

use abi::{
    Delegation, PERMIT_VERSION, StakeHouse,
    Votes::{self, VotesCalls as Calls},
    WorkHouse,
    convert::{account, address},
    permit_domain,
};
use alloy_primitives::{Address, B256, FixedBytes, U256, aliases::U48};
use alloy_sol_types::{Eip712Domain, SolCall as _, SolStruct as _};
use governance::votes::{self, Changed, House, Part, Refused};
use native_kit::{Failure, Function, Host, emit};
use units::{AccountId, UnixSeconds};

use crate::{
    ended::Ended,
    openzeppelin::answer,
    parameters::only_governor,
    signature::{BadRecovery, RECOVER_GAS, recover},
};
use book::{Account, HostBook, stored};

/// The functions of both houses.
pub(crate) const FUNCTIONS: &[Function] = &[
    Function::view(Votes::nameCall::SELECTOR),
    Function::view(Votes::symbolCall::SELECTOR),
    Function::view(Votes::decimalsCall::SELECTOR),
    Function::view(Votes::totalSupplyCall::SELECTOR),
    Function::view(Votes::balanceOfCall::SELECTOR),
    Function::view(Votes::clockCall::SELECTOR),
    Function::view(Votes::CLOCK_MODECall::SELECTOR),
    Function::view(Votes::getVotesCall::SELECTOR),
    Function::view(Votes::getPastVotesCall::SELECTOR),
    Function::view(Votes::getPastTotalSupplyCall::SELECTOR),
    Function::view(Votes::delegatesCall::SELECTOR),
    Function::nonpayable(Votes::delegateCall::SELECTOR),
    Function::nonpayable(Votes::delegateBySigCall::SELECTOR),
    Function::view(Votes::noncesCall::SELECTOR),
    Function::view(Votes::DOMAIN_SEPARATORCall::SELECTOR),
    Function::view(Votes::eip712DomainCall::SELECTOR),
    Function::view(Votes::lastVoteCall::SELECTOR),
    Function::view(Votes::expiresAtCall::SELECTOR),
    Function::nonpayable(Votes::expireCall::SELECTOR),
    Function::nonpayable(Votes::noteVoteCall::SELECTOR),
    Function::view(Votes::coefficientCall::SELECTOR),
];

/// The first revision with houses.
pub(crate) const SINCE: u32 = 3;
/// Gas for a domain, or for the digest of a delegation: four hashes of at most seven words each.
const DIGEST_GAS: u64 = 4 * (30 + 7 * 6);

/// What a house adds to the common functions.
struct Face {
    name: &'static str,
    symbol: &'static str,
    decimals: u8,
    /// Returns the rules, with the parameters of now.
    house: fn(&mut dyn Host) -> Result<House, Failure>,
    /// Chooses a delegate.
    delegate: fn(&mut dyn Host, AccountId, AccountId) -> Result<(), Failure>,
}

/// Executes a call of a common function.
fn call(host: &mut dyn Host, face: &Face, call: &Calls) -> Result<Vec<u8>, Failure> {
    if let Some(output) = view_votes(host, face, call)? {
        return Ok(output);
    }
    if let Some(output) = view_account(host, face, call)? {
        return Ok(output);
    }
    let now = now(host);
    match call {
        Calls::delegate(call) => {
            let caller = account(host.caller());
            (face.delegate)(host, caller, account(call.delegatee))?;
            Ok(Vec::new())
        }
        Calls::delegateBySig(call) => {
            let signer = delegation_signer(host, face, call)?;
            (face.delegate)(host, account(signer), account(call.delegatee))?;
            Ok(Vec::new())
        }
        Calls::expire(call) => {
            let house = (face.house)(host)?;
            let mut book = HostBook(host);
            let changes = votes::expire(&mut book, &house, now, account(call.account))?;
            emit_changes(host, &changes)?;
            Ok(Vec::new())
        }
        Calls::noteVote(call) => {
            only_governor(host)?;
            let house = (face.house)(host)?;
            let (voter, until) = (account(call.account), UnixSeconds::new(call.until.to()));
            let locked = votes::note_vote(&mut HostBook(host), &house, now, voter, until)?;
            Ok(answer(locked))
        }
        _ => unreachable!("answered by the views"),
    }
}

/// Executes a call that reads votes; returns `None` for others.
fn view_votes(host: &mut dyn Host, face: &Face, call: &Calls) -> Result<Option<Vec<u8>>, Failure> {
    let now = now(host);
    Ok(Some(match call {
        Calls::totalSupply(_) => {
            let house = (face.house)(host)?;
            answer(votes::total(&mut HostBook(host), &house, now)?)
        }
        Calls::balanceOf(call) => {
            let house = (face.house)(host)?;
            answer(votes::balance(&mut HostBook(host), &house, now, account(call.account))?)
        }
        Calls::getVotes(call) => {
            let house = (face.house)(host)?;
            answer(votes::votes(&mut HostBook(host), &house, now, account(call.account))?)
        }
        Calls::getPastVotes(call) => {
            let timepoint = settled(host, call.timepoint)?;
            let (house, holder) = ((face.house)(host)?, account(call.account));
            answer(votes::past_votes(&mut HostBook(host), &house, now, holder, timepoint)?)
        }
        Calls::getPastTotalSupply(call) => {
            let timepoint = settled(host, call.timepoint)?;
            let house = (face.house)(host)?;
            answer(votes::past_total(&mut HostBook(host), &house, now, timepoint)?)
        }
        Calls::coefficient(call) => {
            let house = (face.house)(host)?;
            let part = Part { numerator: call.numerator, denominator: call.denominator };
            let found = votes::coefficient(&mut HostBook(host), &house, now, part)?;
            let (least, most) = found.map_or((0, 0), |found| (found.least, found.most));
            let found = Votes::coefficientReturn { least, most };
            Votes::coefficientCall::abi_encode_returns(&found)
        }
        _ => return Ok(None),
    }))
}

/// Executes a call that reads something else; returns `None` for others.
fn view_account(
    host: &mut dyn Host,
    face: &Face,
    call: &Calls,
) -> Result<Option<Vec<u8>>, Failure> {
    let book = &mut HostBook(host);
    Ok(Some(match call {
        Calls::name(_) => Votes::nameCall::abi_encode_returns(&face.name.to_owned()),
        Calls::symbol(_) => Votes::symbolCall::abi_encode_returns(&face.symbol.to_owned()),
        Calls::decimals(_) => answer(face.decimals),
        Calls::clock(_) => answer(seconds(now(host))),
        Calls::CLOCK_MODE(_) => {
            Votes::CLOCK_MODECall::abi_encode_returns(&"mode=timestamp".to_owned())
        }
        Calls::delegates(call) => {
            let delegation = votes::Book::delegation(book, account(call.account))?;
            answer(address(delegation.delegate))
        }
        Calls::nonces(call) => answer(of(host, call.owner)?.nonce.get(host)?),
        Calls::DOMAIN_SEPARATOR(_) => answer(domain(host, face)?.separator()),
        Calls::eip712Domain(_) => {
            Votes::eip712DomainCall::abi_encode_returns(&Votes::eip712DomainReturn {
                fields: FixedBytes([0x0f]),
                name: face.name.to_owned(),
                version: PERMIT_VERSION.to_owned(),
                chainId: U256::from(host.chain_id()),
                verifyingContract: host.module(),
                salt: B256::ZERO,
                extensions: Vec::new(),
            })
        }
        Calls::lastVote(call) => {
            answer(seconds(votes::Book::activity(book, account(call.account))?.voted_at))
        }
        Calls::expiresAt(call) => {
            let at = votes::expires_at(book, account(call.account))?;
            answer(seconds(at.unwrap_or_default()))
        }
        _ => return Ok(None),
    }))
}

/// Returns the account that has signed a delegation, and uses its nonce.
///
/// Source: OpenZeppelin Contracts 5, `Votes.delegateBySig`, in its order.
fn delegation_signer(
    host: &mut dyn Host,
    face: &Face,
    call: &Votes::delegateBySigCall,
) -> Result<Address, Failure> {
    let Votes::delegateBySigCall { delegatee, nonce, expiry, v, r, s } = *call;
    if U256::from(host.timestamp()) > expiry {
        return Err(Failure::revert(&Votes::VotesExpiredSignature { expiry }));
    }
    let domain = domain(host, face)?;
    host.charge(DIGEST_GAS + RECOVER_GAS)?;
    let digest = Delegation { delegatee, nonce, expiry }.eip712_signing_hash(&domain);
    let signer = recover(digest, v, r, s).map_err(|bad| match bad {
        BadRecovery::HighS => Failure::revert(&Votes::ECDSAInvalidSignatureS { s }),
        BadRecovery::Malformed => Failure::revert(&Votes::ECDSAInvalidSignature {}),
    })?;
    let stored = of(host, signer)?.nonce;
    let current = stored.get(host)?;
    if nonce != current {
        let error = Votes::InvalidAccountNonce { account: signer, currentNonce: current };
        return Err(Failure::revert(&error));
    }
    stored.set(host, nonce.wrapping_add(U256::ONE))?;
    Ok(signer)
}

fn domain(host: &mut dyn Host, face: &Face) -> Result<Eip712Domain, Failure> {
    host.charge(DIGEST_GAS)?;
    Ok(permit_domain(face.name, host.chain_id(), host.module()))
}

/// Checks a time that is looked up; what does not fit is in the future.
fn settled(host: &dyn Host, timepoint: U256) -> Result<UnixSeconds, Failure> {
    let now = host.timestamp();
    match u64::try_from(timepoint) {
        Ok(earlier) if earlier < now => Ok(UnixSeconds::new(earlier)),
        Ok(_) | Err(_) => {
            let clock = seconds(UnixSeconds::new(now));
            Err(Failure::revert(&Votes::ERC5805FutureLookup { timepoint, clock }))
        }
    }
}

fn emit_changes(host: &mut dyn Host, changes: &[Changed]) -> Result<(), Failure> {
    for change in changes {
        match *change {
            Changed::Delegate { delegator, from, to } => emit(
                host,
                &Votes::DelegateChanged {
                    delegator: address(delegator),
                    fromDelegate: address(from),
                    toDelegate: address(to),
                },
            ),
            Changed::Votes { delegate, before, after } => emit(
                host,
                &Votes::DelegateVotesChanged {
                    delegate: address(delegate),
                    previousVotes: before,
                    newVotes: after,
                },
            ),
        }?;
    }
    Ok(())
}

fn of(host: &mut dyn Host, holder: Address) -> Result<Account, Failure> {
    stored().accounts.of(host, holder)
}

fn now(host: &dyn Host) -> UnixSeconds {
    UnixSeconds::new(host.timestamp())
}

/// Times are those of blocks, and sums of them with some days.
fn seconds(at: UnixSeconds) -> U48 {
    U48::saturating_from(at.as_u64())
}

/// Converts a refusal of the rules to the error that callers get.
impl From<Refused> for Ended {
    fn from(refused: Refused) -> Self {
        Self(match refused {
            Refused::FutureLookup { timepoint, now } => {
                let (timepoint, clock) = (U256::from(timepoint.as_u64()), seconds(now));
                Failure::revert(&Votes::ERC5805FutureLookup { timepoint, clock })
            }
            Refused::ExceededSafeSupply { increased, cap } => {
                let increased = Votes::ERC20ExceededSafeSupply { increasedSupply: increased, cap };
                Failure::revert(&increased)
            }
            Refused::InsufficientDeposit { account, held, needed } => {
                let account = address(account);
                Failure::revert(&StakeHouse::InsufficientDeposit { account, held, needed })
            }
            Refused::Locked { account, until } => {
                let (account, until) = (address(account), seconds(until));
                Failure::revert(&StakeHouse::DepositLocked { account, until })
            }
            Refused::LockTooLong { until, latest } => {
                let (until, latest) = (seconds(until), seconds(latest));
                Failure::revert(&Votes::LockTooLong { until, latest })
            }
            Refused::NotDelegated { account } => {
                Failure::revert(&Votes::NotDelegated { account: address(account) })
            }
            Refused::NotExpired { account, from } => {
                let (account, from) = (address(account), seconds(from));
                Failure::revert(&Votes::NotExpired { account, from })
            }
            Refused::NoVoice { delegate } => {
                Failure::revert(&WorkHouse::NoVoice { delegate: address(delegate) })
            }
        })
    }
}
